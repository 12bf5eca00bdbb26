"""A primary and a standby that follows without being waited for, `stable = standby`: the tail is lost again and again.

The standby is cut off, data flow on and are acknowledged; the primary dies, the standby is promoted, and the hub has
less than it said. The agents have kept what was not stable, and send it again: the database equals the reference. Once
a standby follows again, all becomes stable, and the agents forget it.
"""

import contextlib
import random
import time

from failover import flow, wait_progress
from faultworld import Broken, fault_world, harness
from postgres import Pair

NAMES = ["cias", "ccas-thiers", "cecler", "fit"]
SHORT_PROMOTIONS = 2
STABLE_S = 300
UNSTABLE_SQL = "SELECT coalesce(sum(sequence - stable), 0) FROM ctai.agent_scope"
LEDGER_SQL = "SELECT count(*) FROM ctai.ledger"


def stable_on_standby(world):
    """In the hub's configuration."""
    path = world.path("hub", "hub.conf")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    changed = text.replace("stable = commit", "stable = standby")
    assert changed != text
    with open(path, "r+", encoding="utf-8") as file:
        file.write(changed)


def cut_off(pair):
    """The standby hears nothing more of its primary."""
    with contextlib.closing(pair.standby.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("ALTER SYSTEM SET primary_conninfo = ''")
        cursor.execute("SELECT pg_reload_conf()")
    while pair.primary.ask("SELECT FROM pg_stat_replication"):
        time.sleep(0.02)


def wait_stable(world, pair):
    """All that is committed is on the standby, and all hubs know."""
    deadline = time.monotonic() + STABLE_S
    while pair.primary.ask(UNSTABLE_SQL)[0][0]:
        world.check_trouble()
        if time.monotonic() > deadline:
            raise Broken("with a standby that follows, batches do not become stable")
        time.sleep(0.1)


def lose_tail(world, pair, rng):
    """One promotion that loses what the cut-off standby has not heard of; how many batches that was."""
    flow(world, rng.uniform(0.3, 1))
    cut_off(pair)
    begun = pair.primary.ask(LEDGER_SQL)[0][0]
    wait_progress(world, "while the standby is cut off")
    harness.wait_until(lambda: pair.primary.ask(LEDGER_SQL)[0][0] > begun, "nothing is committed while the standby is cut off")
    flow(world, rng.uniform(0.2, 1))
    if not pair.primary.ask(UNSTABLE_SQL)[0][0]:
        raise Broken("batches are called stable that the standby does not have")
    before = pair.primary.ask(LEDGER_SQL)[0][0]
    after = pair.fail_over(rng.random() < 0.5, lambda: pair.primary.ask(LEDGER_SQL)[0][0])
    flow(world, rng.uniform(0, 0.5))
    pair.renew()
    wait_progress(world, f"after promotion {pair.promotions}")
    return max(0, before - after)


def run(seed, options):
    """The scenario; returns what it did."""
    rng = random.Random(seed)
    with fault_world() as world, contextlib.closing(Pair(world.path("pg"), False)) as pair:
        world.external = pair
        world.init_hub("--database", pair.conninfo)
        stable_on_standby(world)
        hub = world.keep("hub")
        world.open_offices(NAMES, seed, people=200)
        pair.wait_attached()
        world.start_offices()
        lost = sum(lose_tail(world, pair, rng) for _ in range(options.promotions or SHORT_PROMOTIONS))
        if not lost:
            raise Broken("no promotion has lost anything: nothing was tested")
        world.drain("tail")
        wait_stable(world, pair)
        world.end()
        hub.check_exits(69)
        return {"promotions": pair.promotions, "lost": lost, **world.did()}
