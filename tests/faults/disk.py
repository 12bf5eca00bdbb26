#!/usr/bin/python3
"""A full disk under the agent and under PostgreSQL: said clearly, with the right exit code; nothing lost; on it goes with room.

Small file systems of our own (tmpfs in a mount namespace of this process alone), filled to the last byte and to some random
bytes before it. Skipped where that is not permitted.
"""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

from faultworld import Broken, Keeper, fault_world, harness
from kills import postmaster

NAMES = ["cias", "cecler", "fit"]
AGENT_BYTES = 3 * 1024 * 1024
HUB_BYTES = 512 * 1024 * 1024  # far more than what flows needs: it is full when the filler is there, and then alone
PAGE = 4096
PUSH_TRIES = 8
HUB_ROUNDS = 3
ROOM_S = 300
SAID = "disque est plein"


def mount(path, size):
    """A file system of so many bytes."""
    os.makedirs(path, mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "none", path], check=True)


class Filler:
    """A file that takes all the room there is, but for some bytes."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "remplissage")

    def fill(self, spare=0):
        """Leaves so many bytes free (in whole pages)."""
        with open(self.path, "ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(64 * 1024))
        with open(self.path, "ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(PAGE))
        size = os.path.getsize(self.path)
        os.truncate(self.path, max(0, size - spare // PAGE * PAGE))

    def free(self):
        """Gives all of it back."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)


def refused(done, code, what):
    """That exit code, and a sentence that says what to do."""
    if done[0] != code or SAID not in done[2] or "libérez de la place" not in done[2]:
        raise Broken(f"{what}: exit {done[0]}: {done[2]}")


def agent_alone(world, office, rng):
    """push on a full disk: 73, nothing changed; then with a little room, more and more, it is all or nothing."""
    filler = Filler(world.path(f"agent-{office.agent}"))
    contract = "63-thiers-2023"
    office.push(contract, 0, 30)
    before, refusals = office.outbox(), 0
    filler.fill()
    refused(office.attempt(contract, 1, 0), harness.EX_CANTCREAT, "push on a full disk")
    world.check_equal(office.outbox(), before, "the outbox after a push on a full disk")
    for _ in range(PUSH_TRIES):
        filler.free()
        filler.fill(rng.randrange(24) * PAGE)
        done = office.attempt(contract, 1, 0)
        if done[1] is not None:
            break
        refused(done, harness.EX_CANTCREAT, "push on a disk that is nearly full")
        refusals += 1
    filler.free()
    office.push_again(contract, 1, 30)
    return refusals + 1


def agent_serves(world, office):
    """`serve` on a full disk, with acknowledgements to write down and an export in the inbox: it stays, and goes on."""
    filler = Filler(world.path(f"agent-{office.agent}"))
    office.keeper = Keeper("ctai-agent", world.path(f"agent-{office.agent}"), world.directory, office.agent)
    office.keeper.wait_ready()
    world.keepers["hub"].stop()
    office.push("63-thiers-2024", 2, 0)
    staged = stage_export(world, office, 4)
    filler.fill()
    world.keep("hub")
    for source, target in staged:
        os.rename(source, target)
    time.sleep(6)
    if office.keeper.exits or not office.keeper.ready():
        raise Broken(f"serve ended on a full disk: {office.keeper.exits}: {office.keeper.errors()[-1000:]}")
    filler.free()
    wait_until(lambda: office.pending() == 0, "serve does not go on when there is room", office.keeper)
    taken = world.path(f"agent-{office.agent}", "inbox", "traite")
    wait_until(lambda: os.path.isdir(taken) and len(os.listdir(taken)) == 3, "the inbox is not taken when there is room", office.keeper)


def stage_export(world, office, number):
    """Beside the inbox, ready to be renamed into it when the disk is full: [(from, to)]."""
    home = world.path(f"agent-{office.agent}")
    folder = os.path.join(home, "inbox", "63-thiers-2024")
    os.makedirs(folder, exist_ok=True)
    outcome = office.exports.outcome(office.agent, office.operator, "63-thiers-2024", number)
    world.reference.push(office.agent, "63-thiers-2024", outcome)
    office.last["63-thiers-2024"] = number
    moves = []
    for kind, path in zip(("personnes", "evenements"), office.exports.files[number][office.operator]):
        moves.append((os.path.join(home, f"{kind}.part"), os.path.join(folder, f"{kind}.csv")))
        shutil.copyfile(path, moves[-1][0])
    return moves


def wait_until(done, what, keeper):
    """Waits for it, up to ROOM_S."""
    deadline = time.monotonic() + ROOM_S
    while not done():
        if time.monotonic() > deadline:
            raise Broken(f"{what}:\n{keeper.errors()[-2000:]}")
        time.sleep(0.1)


def start_when_full(world, filler):
    """A hub whose PostgreSQL is to be started on a full disk says so, with 73, each time that it is started."""
    hub = world.keepers["hub"]
    filler.fill()
    pid = postmaster(world)
    hub.kill()
    if pid:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: hub.exits.count(harness.EX_CANTCREAT) >= 2, "a hub that starts on a full disk does not end with 73", hub)
    if SAID not in hub.errors() or "libérez de la place" not in hub.errors():
        raise Broken(f"a hub on a full disk says: {hub.errors()[-1000:]}")


def hub_full(world, rng):
    """PostgreSQL's disk is full while data flow, with more or less room left; then there is room again."""
    filler = Filler(world.hub_home)
    world.start_offices()
    said = 0
    for turn in range(HUB_ROUNDS):
        time.sleep(1)
        filler.fill(0 if turn == 0 else rng.randrange(1024) * PAGE)
        time.sleep(rng.uniform(2, 5))
        if turn == HUB_ROUNDS - 1:
            start_when_full(world, filler)
        report = world.hub("report", "63-thiers-2023", "--format", "csv")
        if report.code not in (harness.EX_OK, harness.EX_UNAVAILABLE, harness.EX_CANTCREAT):
            raise Broken(f"report on a full disk gave {report.code}: {report.messages}")
        said += world.keepers["hub"].errors().count("53100")
        world.check_trouble()
        filler.free()
        before = world.acknowledged()
        wait_until(lambda: world.acknowledged() > before, "nothing is acknowledged when there is room", world.keepers["hub"])
    return said


def scenario(seed):
    """All of it, inside the namespace."""
    rng = random.Random(seed)
    with fault_world() as world:
        mount(world.path("agent-cecler"), AGENT_BYTES)
        mount(world.hub_home, HUB_BYTES)
        world.init_hub()
        world.keep("hub")
        world.open_offices(NAMES, seed, people=150, serves=lambda index: index == 0)
        office = world.offices[1]
        refusals = agent_alone(world, office, rng)
        agent_serves(world, office)
        said = hub_full(world, rng)
        world.settle("disk")
        world.keepers["hub"].check_exits(69, 70, 73)
        return {"refused": refusals, "said_by_hub": said, "hub_exits": world.keepers["hub"].exits, **world.did()}


def run(seed, options):
    """The scenario in a namespace of its own; None where the machine does not permit it."""
    unshare = ["unshare", "-m", "--propagation", "private"]
    probe = subprocess.run([*unshare, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True, check=False)
    if probe.returncode:
        print(f"disk: no mounts of our own here: {probe.stderr.strip()}", file=sys.stderr)
        return None
    done = subprocess.run([*unshare, sys.executable, os.path.abspath(__file__), str(seed)], stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise Broken(f"disk: exit {done.returncode}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    json.dump(scenario(int(sys.argv[1])), sys.stdout)
