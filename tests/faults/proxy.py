"""A TCP proxy that is a bad network: it stalls, trickles, cuts (also in the middle of a message), and goes half-open.

One thread, non-blocking sockets. Each connection has a fault of its own for some time, drawn by the schedule's seed;
`heal` makes all further ones sound and cuts those that are not.
"""

import collections
import contextlib
import random
import selectors
import socket
import struct
import threading
import time

FAULTS = ("sound", "stall", "trickle", "cut", "cut_later", "half_open", "refuse")
WEIGHTS = (5, 3, 3, 3, 4, 1, 1)
CHUNK = 64 * 1024
HELD_MAX = 1024 * 1024
TICK_S = 0.02


class Way:
    """One direction: what was read and not yet written."""

    def __init__(self, source, target):
        self.source, self.target, self.held, self.ended = source, target, bytearray(), False


class Passage:
    """A connection through the proxy, with its fault."""

    def __init__(self, agent, hub):
        self.agent, self.hub = agent, hub
        self.ways = (Way(agent, hub), Way(hub, agent))
        self.fault, self.until, self.budget, self.deaf = "sound", 0.0, 0, None

    def close(self, reset):
        """Ends both sides: with a reset, or in order."""
        for side in (self.agent, self.hub):
            with contextlib.suppress(OSError):
                if reset:
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                side.close()


class Proxy(threading.Thread):
    """Listens on a free loopback port (`port`) and passes on to the hub's."""

    def __init__(self, hub_port, seed):
        super().__init__(daemon=True)
        self.rng, self.hub_port = random.Random(seed), hub_port
        self.counts, self.cuts_in_flow = collections.Counter(), 0
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._passages, self._sound, self._stopping = [], threading.Event(), threading.Event()

    def heal(self):
        """No faults from now on."""
        self._sound.set()

    def stop(self):
        """Ends it."""
        self._stopping.set()
        self.join(10)

    def run(self):
        while not self._stopping.is_set():
            self._accept()
            for passage in list(self._passages):
                if not self._serve(passage):
                    self._passages.remove(passage)
            self._wait()
        for passage in self._passages:
            passage.close(True)
        self._listener.close()

    def _wait(self):
        """Sleeps until something can be read, at most one tick."""
        with selectors.DefaultSelector() as ready:
            ready.register(self._listener, selectors.EVENT_READ)
            for passage in self._passages:
                for way in passage.ways if passage.fault == "sound" else ():
                    if not way.ended and len(way.held) < HELD_MAX:
                        ready.register(way.source, selectors.EVENT_READ)
            ready.select(TICK_S)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                agent, _ = self._listener.accept()
                self._connect(agent)

    def _connect(self, agent):
        hub = socket.socket()
        try:
            if self._draw_first() == "refuse":
                raise ConnectionError
            hub.connect(("127.0.0.1", self.hub_port))
        except OSError:
            agent.close()
            hub.close()
            return
        for side in (agent, hub):
            side.setblocking(False)
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._passages.append(Passage(agent, hub))

    def _draw_first(self):
        if self._sound.is_set() or self.rng.random() > 0.15:
            return "sound"
        self.counts["refuse"] += 1
        return "refuse"

    def _draw(self, passage, now):
        """The passage's next fault."""
        passage.fault, passage.until = self.rng.choices(FAULTS[:-1], WEIGHTS[:-1])[0], now + self.rng.uniform(0.1, 1.2)
        if passage.fault == "cut_later":
            passage.budget = self.rng.choice([self.rng.randint(1, 200), self.rng.randint(200, 200_000)])
            passage.until = now + 10
        if passage.fault == "half_open":
            passage.deaf, passage.until = self.rng.choice(passage.ways), now + self.rng.uniform(1, 6)
        if passage.fault != "sound":
            self.counts[passage.fault] += 1

    def _serve(self, passage):
        """Moves what may move; False when the passage has ended."""
        now = time.monotonic()
        if self._sound.is_set() and passage.fault != "sound":
            passage.close(True)
            return False
        if not self._sound.is_set() and now >= passage.until:
            if passage.fault in ("half_open", "cut"):
                passage.close(self.rng.random() < 0.5)
                return False
            self._draw(passage, now)
        try:
            return all(self._move(passage, way) for way in passage.ways)
        except OSError:
            passage.close(False)
            return False

    def _move(self, passage, way):
        """One direction, one step; False ends the passage."""
        if passage.fault == "stall":
            return True
        if not way.ended and len(way.held) < HELD_MAX:
            with contextlib.suppress(BlockingIOError):
                data = way.source.recv(CHUNK)
                way.ended = not data
                if not (passage.fault == "half_open" and way is passage.deaf):
                    way.held += data
        size = len(way.held)
        if passage.fault == "trickle":
            size = min(size, self.rng.randint(1, 16))
        if passage.fault == "cut_later":
            size = min(size, passage.budget)
        if size:
            with contextlib.suppress(BlockingIOError):
                sent = way.target.send(way.held[:size])
                del way.held[:sent]
                passage.budget -= sent
        if passage.fault == "cut_later" and passage.budget <= 0:
            self.cuts_in_flow += bool(way.held)
            passage.close(self.rng.random() < 0.5)
            return False
        if way.ended and not way.held:
            passage.close(False)
            return False
        return True
