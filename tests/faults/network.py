"""A network that stalls and cuts: between the agents and the hub stands a proxy that does both, at random moments."""

import time

from faultworld import fault_world, harness
from proxy import Proxy

NAMES = ["cias", "ccas-thiers", "cecler", "fit"]
FLOW_S = 15


def run(seed, options):
    """The scenario; returns what it did."""
    with fault_world() as world:
        proxy = Proxy(world.port, seed)
        proxy.start()
        try:
            world.init_hub(addresses=[f"tcp://127.0.0.1:{proxy.port}"])
            hub = world.keep("hub")
            world.open_offices(NAMES, seed, serves=lambda index: index != 1)
            for office in world.offices:
                office.allowed = (harness.EX_PROTOCOL,)  # three handshakes in a row that were cut look like a wrong key
            world.start_offices()
            until = time.monotonic() + FLOW_S
            while time.monotonic() < until:
                time.sleep(0.2)
                world.check_trouble()
            proxy.heal()
            world.settle("network")
            hub.check_exits()
            return {**dict(sorted(proxy.counts.items())), "cut_in_message": proxy.cuts_in_flow, **world.did()}
        finally:
            proxy.stop()
