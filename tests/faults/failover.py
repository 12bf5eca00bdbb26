"""A primary and a synchronous standby: the primary dies, the standby is promoted, the hub follows, again and again.

The hub knows both servers by one conninfo (`target_session_attrs=read-write`). Each commit that it acknowledges has
reached the standby, so that no promotion loses any. Then the wait of a COMMIT for the standby is cancelled (the server
says so in a warning, 01000, and the COMMIT stands on the primary alone): that is no success, and nothing may be
acknowledged that the promoted standby does not have.
"""

import contextlib
import random
import time

from faultworld import Broken, fault_world, harness
from postgres import Pair

NAMES = ["cias", "ccas-thiers", "cecler", "fit"]
SHORT_PROMOTIONS = 3
FLOW_S = (0.3, 1.5)
CANCEL_S, CANCEL_MORE_S = 6, 300  # so long, and longer until there was a wait to cancel
REACHED_SQL = "SELECT a.name, sum(s.sequence)::bigint FROM ctai.agent_scope AS s JOIN ctai.agent AS a USING (agent) GROUP BY a.name"
COMMITTING_SQL = ("SELECT FROM pg_stat_activity WHERE state = 'active' AND wait_event IS DISTINCT FROM 'SyncRep'"
                  " AND wait_event_type IS DISTINCT FROM 'Lock' AND application_name = 'ctai-hub'")
WAITING_SQL = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'ctai-hub'"


def flow(world, seconds):
    """Lets data flow."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.1)
        world.check_trouble()


def wait_progress(world, what, timeout_s=300):
    """Until something more is acknowledged."""
    before, deadline = world.acknowledged(), time.monotonic() + timeout_s
    while world.acknowledged() <= before:
        world.check_trouble()
        if time.monotonic() > deadline:
            raise Broken(f"nothing is acknowledged {what}")
        time.sleep(0.05)


def open_world(world, pair, seed):
    """A hub on the pair, and offices."""
    world.external = pair
    world.init_hub("--database", pair.conninfo)
    hub = world.keep("hub")
    world.open_offices(NAMES, seed, people=200)
    return hub


def check_kept(world, pair):
    """What was acknowledged is on the server that has been promoted; nobody can send it again yet."""
    has = dict(pair.primary.ask(REACHED_SQL))
    for office in world.offices:
        acknowledged = office.outbox()[1]
        if acknowledged > has.get(office.agent, 0):
            raise Broken(f"{office.agent}: {acknowledged} batches are acknowledged, {has.get(office.agent, 0)} outlived the primary")


def promotions(world, pair, rng, count):
    """So many promotions while data flow."""
    for _ in range(count):
        flow(world, rng.uniform(*FLOW_S))
        pair.fail_over(rng.random() < 0.5, lambda: check_kept(world, pair))
        flow(world, rng.uniform(0, 0.5))
        pair.renew()
        wait_progress(world, f"after promotion {pair.promotions}")


def cancelled_waits(world, pair, seconds):
    """The standby is away, and each wait for it is cancelled: nothing may be acknowledged. Returns the number of waits."""
    pair.standby.kill(True)
    harness.wait_until(lambda: not pair.primary.ask("SELECT FROM pg_stat_replication"), "the primary does not notice that its standby is gone")
    # Once no hub is on the way out of a COMMIT, all that the standby has is to be seen.
    harness.wait_until(lambda: not pair.primary.ask(COMMITTING_SQL), "a hub's server process is never at rest", pause_s=0)
    has, cancelled, until = dict(pair.primary.ask(REACHED_SQL)), 0, time.monotonic() + seconds
    while time.monotonic() < until or (not cancelled and time.monotonic() < until + CANCEL_MORE_S):
        for (pid,) in pair.primary.ask(WAITING_SQL):
            pair.primary.ask(f"SELECT pg_cancel_backend({pid})")
            cancelled += 1
        time.sleep(0.05)
        world.check_trouble()
        for office in world.offices:
            if office.outbox()[1] > has.get(office.agent, 0):
                raise Broken(f"{office.agent}: a batch is acknowledged that the standby does not have")
    if not cancelled:
        raise Broken("no wait for the standby was there to cancel")
    # The primary dies with what it alone has.
    pair.primary.kill(True)
    pair.standby.start()
    pair.take_over(lambda: check_kept(world, pair))
    pair.renew()
    wait_progress(world, "after the cancelled waits")
    return cancelled


def run(seed, options):
    """The scenario; returns what it did."""
    rng = random.Random(seed)
    with fault_world() as world, contextlib.closing(Pair(world.path("pg"), True)) as pair:
        hub = open_world(world, pair, seed)
        pair.wait_attached()
        world.start_offices()
        promotions(world, pair, rng, options.promotions or SHORT_PROMOTIONS)
        cancelled = cancelled_waits(world, pair, CANCEL_S)
        world.settle("failover")
        hub.check_exits(69)
        return {"promotions": pair.promotions, "cancelled": cancelled, **world.did()}
