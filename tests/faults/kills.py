"""SIGKILL of agents, hub and PostgreSQL at random moments while data flow.

Agents: `push` (alone, or while `serve` runs) and `serve`. PostgreSQL: the whole server (its postmaster) or one server
process of a connection. The hub is started again as a service manager does; it takes its PostgreSQL over or starts it.
"""

import collections
import contextlib
import os
import random
import signal
import time

from faultworld import Inbox, fault_world

NAMES = ["cias", "ccas-thiers", "cecler", "fit", "cias-2", "fit-2"]
KINDS = ("agent", "hub", "postgres")
PAUSE_S = (0.05, 0.3)
SHORT_KILLS = 15
LIMIT_S, KILL_S = 60, 5  # a schedule that takes longer ends with the kills that it has made
AIM_S = 1.0  # how long a COMMIT is waited for
PROGRESS_S = 8  # PostgreSQL and the hub are let be that long for something to be acknowledged between two kills


def postmaster(world):
    """The process of the hub's own PostgreSQL, if it is one and works; else None."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        with open(world.path("hub", "postgres", "postmaster.pid"), encoding="ascii") as file:
            lines = file.read().splitlines()
        pid = int(lines[0])
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if world.directory.encode() in file.read() and lines[7].strip() == "ready":
                return pid
    return None


def connection_processes(parent):
    """The server processes that serve a connection."""
    found = []
    with contextlib.suppress(OSError):
        with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as file:
            for pid in map(int, file.read().split()):
                with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as words:
                    if words.read().startswith(b"postgres: ctai "):
                        found.append(pid)
    return found


def one_that_commits(pids, seconds):
    """Waits for a server process that is in a COMMIT just now: its outcome will be unknown to the hub. None: there was none."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for pid in pids:
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as words:
                if b"COMMIT" in words.read():
                    return pid
    return None


def slow_commits(world):
    """Each COMMIT takes as long as on a slow disk, so that a good share of the kills falls into one."""
    with contextlib.closing(world.connect()) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for setting in ("commit_delay = 15000", "commit_siblings = 0"):
                cursor.execute(f"ALTER SYSTEM SET {setting}")
            cursor.execute("SELECT pg_reload_conf()")


class Killer:
    """Draws victims by a seed; counts what it hit, and how often batches were outstanding then."""

    def __init__(self, world, seed, wanted):
        self.world, self.rng, self.wanted = world, random.Random(seed), wanted
        self.kills, self.outstanding = collections.Counter(), collections.Counter()
        self.in_commit = 0
        self.since = {kind: (0, 0.0) for kind in KINDS}

    def may(self, kind):
        """Something must have been acknowledged since this kind's last kill, for some time at least."""
        acknowledged, moment = self.since[kind]
        return kind == "agent" or self.world.acknowledged() > acknowledged or time.monotonic() - moment > PROGRESS_S

    def hit(self, kind):
        """Kills one of that kind; False when none was there."""
        if kind == "agent":
            return self.rng.choice(self.world.offices).kill()
        if kind == "hub":
            return self.world.keepers["hub"].ready() and self.world.keepers["hub"].kill()
        pid = postmaster(self.world)
        if pid is None:
            return False
        connections = connection_processes(pid)
        committing = one_that_commits(connections, AIM_S) if self.rng.random() < 0.5 else None
        if connections and self.rng.random() < 0.7:
            pid = committing or self.rng.choice(connections)
        self.in_commit += committing is not None
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
        return False

    def step(self):
        """A pause, then perhaps a kill."""
        time.sleep(self.rng.uniform(*PAUSE_S))
        left = [kind for kind in KINDS if self.kills[kind] < self.wanted]
        # The rarest first, so that all three end together.
        kind = min(left, key=lambda one: (self.kills[one] + self.rng.random() * 4)) if left else None
        if kind is None or not self.may(kind):
            return
        outstanding = self.world.outstanding() > 0
        if self.hit(kind):
            self.kills[kind] += 1
            self.outstanding[kind] += outstanding
            self.since[kind] = (self.world.acknowledged(), time.monotonic())

    def done(self):
        """Is the number of kills reached?"""
        return all(self.kills[kind] >= self.wanted for kind in KINDS)


def run(seed, options):
    """The scenario; returns what it did."""
    wanted = options.kills or SHORT_KILLS
    with fault_world() as world:
        world.init_hub()
        hub = world.keep("hub")
        slow_commits(world)
        world.open_offices(NAMES, seed, inboxes=("cias-2",))
        world.start_offices()
        killer = Killer(world, seed, wanted)
        started = time.monotonic()
        while not killer.done() and time.monotonic() - started < LIMIT_S + wanted * KILL_S:
            killer.step()
            world.check_trouble()
        flow_s = time.monotonic() - started
        hub.wait_ready()
        world.settle("kills")
        hub.check_exits(69, 70, 73)
        for office in world.offices:
            if office.keeper:
                office.keeper.check_exits(75)  # a push had the home just then
        return {**{kind: f"{killer.kills[kind]}({killer.outstanding[kind]})" for kind in KINDS}, "in_commit": killer.in_commit, **world.did(), "inbox": sum(office.pushes for office in world.offices if isinstance(office, Inbox)),
                "flow_s": round(flow_s, 1), "hub_exits": sorted(collections.Counter(hub.exits).items())}
