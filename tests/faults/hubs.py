"""Two hubs on one database: the agents know both addresses; one is killed, then the other, again and again."""

import contextlib
import os
import random
import time

from faultworld import Broken, fault_world, harness
from postgres import Server
from test_two_hubs import CODE, at_terminal

NAMES = ["cias", "ccas-thiers", "cecler", "fit"]
SHORT_KILLS = 8
FLOW_S = (0.3, 1.2)


class Single:
    """One server of the test's own, as the hubs' common database."""

    def __init__(self, folder):
        self.primary = Server(folder)
        self.primary.create(False)
        self.conninfo = f"host={folder} port=5432 user=ctai dbname=postgres"

    def close(self):
        """Ends it."""
        self.primary.close()


def join(world, conninfo):
    """A second hub of the same database (bundle at the first, init --join); the first learns its address for approvals."""
    bundle, home = world.path("hub.trousseau"), world.path("hub-2")
    status, text = at_terminal("ctai-hub", "bundle", "-o", bundle, home=world.hub_home, cwd=world.directory)
    world.check_equal(status, 0, f"bundle: {text}")
    code = world.write("code", CODE.search(text).group() + "\n")
    os.chmod(code, 0o600)
    joined = harness.run("ctai-hub", "init", "--join", bundle, "--code", code, "--database", conninfo, "--listen",
                         f"tcp://127.0.0.1:{harness.free_port()}", "--json", home=home, cwd=world.directory).must().json()
    world.tell_addresses(joined["adresses"])


def run(seed, options):
    """The scenario; returns what it did."""
    rng = random.Random(seed)
    with fault_world() as world, contextlib.closing(Single(world.path("pg"))) as base:
        world.external = base
        world.init_hub("--database", base.conninfo)
        join(world, base.conninfo)
        hubs = [world.keep("hub"), world.keep("hub-2")]
        world.open_offices(NAMES, seed, people=200)
        world.start_offices()
        kills = 0
        for turn in range(SHORT_KILLS):
            hub = hubs[turn % 2]
            time.sleep(rng.uniform(*FLOW_S))
            world.check_trouble()
            hub.wait_ready()
            kills += hub.kill()
            if turn >= SHORT_KILLS // 2:  # from now on the one that is left alone is killed, too
                kills += hubs[(turn + 1) % 2].kill()
        for hub in hubs:
            hub.wait_ready()
        world.settle("hubs")
        connections = [hub.connections() for hub in hubs]
        if not all(connections):
            raise Broken(f"a hub of the two was never spoken to: {connections}")
        for hub in hubs:
            hub.check_exits()
        return {"hub": kills, "connections": connections, **world.did()}
