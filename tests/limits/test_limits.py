#!/usr/bin/python3
"""Bounded memory: whatever a crowd of agents and strangers send, the hub's resident memory stays under the ceiling that the
prefecture's manual names, and honest agents get through meanwhile.

    test_limits.py [--long]     --long: more of everything
"""

import contextlib
import os
import re
import sys
import threading
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE] + [os.path.join(ROOT, "tests", each) for each in ("foreign", "e2e", "oracle")]

import psycopg2  # noqa: E402
import zmq  # noqa: E402

import client  # noqa: E402
import harness  # noqa: E402
from contracts import THIERS_2023  # noqa: E402
from crowd import NAMES, Crowd, Strangers, admit  # noqa: E402
from evaluate import evaluate  # noqa: E402
from generate import DataSet  # noqa: E402
from rawpeer import RawPeer, frame  # noqa: E402
from records import make_records  # noqa: E402

LONG = "--long" in sys.argv
AGENTS = 200
LARGEST = 4 << 20
SLOW_S = 6              # how long the database stands still
PUSH_S = 300            # an honest push is over by then, on a machine under load, too

WORLD = APPROVAL = KEYS = None
FILES = {}
WORST = {}


def ceiling():
    """MiB, as deploy/docs/prefecture.md says it."""
    with open(os.path.join(ROOT, "deploy", "docs", "prefecture.md"), encoding="utf-8") as file:
        return int(re.search(r"\*\*(\d+) Mio\*\*", file.read()).group(1))


def status_of(pid, name):
    """A line of /proc/PID/status, in KiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(rf"^{name}:\s+(\d+)", file.read(), re.MULTILINE).group(1))


def hub_pid():
    """The hub's process."""
    return WORLD.services["hub"].process.pid


def connect():
    """A connection to the hub's own cluster."""
    record, folder = WORLD.path("hub", "postgres.socket"), WORLD.path("hub", "postgres.run")
    if os.path.exists(record):
        with open(record, encoding="utf-8") as file:
            folder = file.read().strip()
    return psycopg2.connect(host=folder, port=5432, user="ctai", dbname="postgres")


@contextlib.contextmanager
def slow_database(seconds):
    """The ledger is locked by somebody else for a while: every commit waits."""
    def hold():
        with contextlib.closing(connect()) as connection, connection, connection.cursor() as cursor:
            cursor.execute("LOCK TABLE ctai.ledger IN EXCLUSIVE MODE")
            time.sleep(seconds)
    thread = threading.Thread(target=hold)
    thread.start()
    yield
    thread.join()


def setUpModule():
    global WORLD, APPROVAL, KEYS
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    WORLD.start()
    FILES.update(DataSet(77, 60, THIERS_2023, False).write(WORLD.path("data")))
    KEYS = [client.Keys(NAMES.format(index)) for index in range(AGENTS)]
    with open(WORLD.path(f"cias.{harness.CONTRACT}.agrement"), encoding="ascii") as file:
        APPROVAL = client.read_approval(file.read())
    with contextlib.closing(connect()) as connection:
        admit(connection, KEYS, "cias")
    harness.wait_until(is_let_in, "the hub does not let the crowd in")


def is_let_in():
    """Has the hub read its table again?"""
    try:
        client.Connection(KEYS[-1], APPROVAL).close()
    except client.NotAdmitted:
        return False
    return True


def tearDownModule():
    """It ends well: a sanitizer's report, or a leak, would show here."""
    code = WORLD.services["hub"].stop()
    if code != 0:
        raise AssertionError(f"serve ended with {code}:\n{WORLD.services['hub'].errors()[-4000:]}")


def raw(index):
    """A raw peer of the crowd's agent of that number."""
    keys = KEYS[index]
    return RawPeer(APPROVAL.addresses[0], APPROVAL.curve, keys.identity.curve, bytes(keys.curve))


class Limits(unittest.TestCase):
    """One kind of pressure each, with an honest operator's push during it."""

    def setUp(self):
        with open(f"/proc/{hub_pid()}/clear_refs", "w", encoding="ascii") as file:
            file.write("5") # the high-water mark begins anew
        self.start = time.monotonic()

    def tearDown(self):
        peak = status_of(hub_pid(), "VmHWM") // 1024
        WORST[self.id().rsplit(".", 1)[1]] = peak
        print(f"{self.id().rsplit('.', 1)[1]}: {peak} MiB at most, {time.monotonic() - self.start:.0f} s", flush=True)
        self.assertLessEqual(peak, ceiling())

    def honest_push(self, name):
        """It ends well within its time."""
        start = time.monotonic()
        said = WORLD.push(name, FILES[name], "--wait", PUSH_S, timeout=PUSH_S + 30).must(harness.EX_OK, harness.EX_DATAERR).json()
        self.assertEqual(said["en_attente"], 0)
        self.assertGreater(said["acquittes"], 0)
        print(f"  {name}: {said['acquittes']} records acknowledged in {time.monotonic() - start:.1f} s", flush=True)

    def test_0_largest(self):
        """A message of 4 MiB arrives, the encryption's own bytes not counted; a larger one ends the connection."""
        keys = KEYS[0]
        with client.Connection(keys, APPROVAL) as connection:
            connection.hello()
            connection.send(bytes(LARGEST))
            self.assertEqual(connection.receive(), client.Refused(client.MALFORMED, None, 0))
            connection.send(bytes(LARGEST + 64))
            with self.assertRaises(client.Unreachable):
                connection.receive()

    def test_1_strangers(self):
        """500 idle connections, and 50 peers that fail the handshake on and on."""
        stranger = client.Keys("inconnu")

        def idle(_):
            return RawPeer(APPROVAL.addresses[0], APPROVAL.curve, stranger.identity.curve, bytes(stranger.curve))

        def failing(index):
            peer = idle(index)
            if index % 5 == 0:
                peer.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
            elif index % 5 == 1: # a frame as large as there are, before any handshake
                peer.greet().socket.settimeout(0.2)
                with contextlib.suppress(OSError):
                    peer.socket.sendall(frame(bytes(LARGEST), 4))
            elif index % 5 == 2:
                peer.hub_curve = bytes(stranger.identity.curve)
                with contextlib.suppress(Exception):
                    peer.shake()
            elif index % 5 == 3:
                with contextlib.suppress(OSError):
                    peer.shake() # not admitted
            else:
                peer.greet()
            return peer

        idlers = Strangers(None, idle, 500, 0.5).start()
        failers = Strangers(None, failing, 50, 0.0).start()
        try:
            time.sleep(6)
            self.honest_push("cias")
            time.sleep(20 if LONG else 2)
            harness.wait_until(lambda: failers.tries > 300 and idlers.tries >= 500, lambda: f"{failers.tries} and {idlers.tries} tries")
        finally:
            failers.stop()
            idlers.stop()
        print(f"  {idlers.tries} idle connections, {failers.tries} failing handshakes", flush=True)

    def test_2_crowd(self):
        """All agents send full batches, many beyond their credit, and the database stands still meanwhile."""
        batches = [4 if LONG or index % 10 == 0 else 1 for index in range(AGENTS)] # the credit is two
        crowd = Crowd(KEYS, APPROVAL, harness.SCOPE, batches, LARGEST).start()
        try:
            with slow_database(SLOW_S):
                time.sleep(SLOW_S / 2)
                self.honest_push("ccas-thiers")
            finished = crowd.wait(900)
        finally:
            crowd.stop()
        print(f"  {crowd.sent} batches of 4 MiB sent, {crowd.acknowledged} acknowledged, {crowd.refused} refused", flush=True)
        self.assertTrue(finished)
        self.assertGreater(crowd.acknowledged, AGENTS)

    def test_3_endless(self):
        """Messages without end, frames that stop half-way, small frames by the thousand, answers that nobody reads."""
        def endless(peer, size):
            piece = bytes(size)
            for _ in range((64 << 20) // size):
                peer.send(piece, more=True)

        def small(peer):
            for _ in range(20000):
                peer.send(b"x", more=True)

        def halted(peer):
            peer.socket.sendall(peer.message(bytes(LARGEST))[:LARGEST // 2])

        def deaf(peer):
            hello = client.hello()
            for _ in range(2000):
                peer.send(hello)

        peers, threads = [raw(index) for index in range(40)], []
        kinds = [lambda p: endless(p, 1 << 20), lambda p: endless(p, 60000), lambda p: endless(p, 100), small, halted, halted, halted, deaf]

        def work(index, peer):
            with contextlib.suppress(OSError):
                peer.shake()
                kinds[index % len(kinds)](peer)
        for index, peer in enumerate(peers):
            threads.append(threading.Thread(target=work, args=(index, peer), daemon=True))
            threads[-1].start()
        time.sleep(3)
        self.honest_push("cecler")
        deadline = time.monotonic() + 300
        cut = sum(peer.ended(max(0.1, deadline - time.monotonic())) for index, peer in enumerate(peers) if index % 8 in (0, 1))
        print(f"  {cut} of 10 endless messages were cut", flush=True)
        for peer in peers:
            peer.close()
        for thread in threads:
            thread.join()
        self.assertEqual(cut, 10)

    def test_4_report(self):
        """After all of that the hub serves on, and its report is right."""
        self.honest_push("fit")
        outcomes = [make_records(name, THIERS_2023, *FILES[name]) for name in harness.OPERATORS]
        expected = evaluate(THIERS_2023, [record for each in outcomes for record in each.records], None, None)
        harness.compare(self, WORLD.report(), expected, "after the crowd")
        self.assertIsNone(WORLD.services["hub"].process.poll())


if __name__ == "__main__":
    program = unittest.main(argv=[each for each in sys.argv if each != "--long"], exit=False)
    print(f"highest resident memory of the hub: {max(WORST.values(), default=0)} MiB, ceiling {ceiling()} MiB, {AGENTS} agents")
    sys.exit(not program.result.wasSuccessful())
