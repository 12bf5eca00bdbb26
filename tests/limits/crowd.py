"""A crowd of admitted agents that send the largest batches there are, as fast as they can and beyond their credit."""

import hashlib
import os
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(os.path.dirname(HERE), each) for each in ("foreign", "e2e")]

import zmq  # noqa: E402

import client  # noqa: E402

NAMES = "foule-{:03}"


def admit(connection, keys, like):
    """Admits agents, with the rights of another, by SQL of the test's own: two hundred calls of the command would take long."""
    with connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO ctai.agent (name, curve, sign, box) VALUES (%s, %s, %s, %s)",
                           [tuple(each.identity.array()) for each in keys])
        cursor.execute("INSERT INTO ctai.agent_right (agent, contract_id, action) SELECT a.agent, r.contract_id, r.action"
                       " FROM ctai.agent AS a, ctai.agent_right AS r JOIN ctai.agent AS o ON o.agent = r.agent"
                       " WHERE a.name LIKE 'foule-%%' AND o.name = %s ON CONFLICT DO NOTHING", [like])
        cursor.execute("NOTIFY ctai_changed")


def large_bodies(size):
    """Bodies that fill a batch: narratives of a contract that nobody has, so that all are refused and none is kept."""
    text = "é" * 6000
    made, total = [], 0
    while len(made) < 1024:
        body = client.record(bytes(8) + len(made).to_bytes(8, "big"), "nulle-part", "axe1", "narrative", None, code="L.x", text=text)
        total += len(body) + 5 + 34
        if total > size - 2048:
            return made
        made.append(body)
    return made


class Crowd:
    """The agents, in one thread that polls their sockets."""

    def __init__(self, keys, approval, scope, batches, size):
        self.keys, self.approval, self.scope, self.batches = keys, approval, scope, batches
        self.bodies = large_bodies(size)
        self.hashes = [hashlib.blake2b(each, digest_size=32).digest() for each in self.bodies]
        self.context = zmq.Context(2)
        self.sent = self.acknowledged = self.refused = self.lost = 0
        self.finished = threading.Event()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        """Lets them loose."""
        self.thread.start()
        return self

    def _socket(self, keys):
        made = self.context.socket(zmq.DEALER)
        for option, value in ((zmq.CURVE_SERVERKEY, self.approval.curve), (zmq.CURVE_PUBLICKEY, keys.identity.curve),
                              (zmq.CURVE_SECRETKEY, bytes(keys.curve)), (zmq.LINGER, 0), (zmq.SNDHWM, 1),
                              (zmq.HEARTBEAT_IVL, 5000), (zmq.HEARTBEAT_TIMEOUT, 15000)):
            made.setsockopt(option, value)
        made.connect(self.approval.addresses[0])
        made.send(client.hello())
        return made

    def _batch(self, chain):
        batch = client.make_batch(chain.keys, self.scope, 1, len(chain.batches) + 1, chain.hash_of(len(chain.batches)), [], [],
                                  self.bodies, self.hashes)
        message = batch.message()
        batch.bodies = []
        chain.batches.append(batch)
        return message

    def _take(self, chain, state, message):
        if isinstance(message, client.Welcome):
            state["open"] = True
        elif isinstance(message, client.Ack):
            before = chain.acknowledged
            chain.acknowledge(message.receipt, message.signature, self.approval.sign)
            self.acknowledged += chain.acknowledged - before
        elif isinstance(message, client.Refused):
            self.refused += 1
            state["done"] = True # an honest agent would say HELLO; this one has done its work

    def _run(self):
        """Each says HELLO, waits for the WELCOME and sends its batches without looking at its credit."""
        poller, states = zmq.Poller(), {}
        for keys, batches in zip(self.keys, self.batches):
            made = self._socket(keys)
            states[made] = {"chain": client.Chain(keys, self.scope), "left": batches, "open": False, "done": False, "next": None}
            poller.register(made, zmq.POLLIN)
        while not self.stopping.is_set() and not all(each["done"] for each in states.values()):
            for made, _ in poller.poll(20):
                self._take(states[made]["chain"], states[made], client.read_message(made.recv()))
            for made, state in states.items():
                self._push(made, state)
        for made in states:
            made.close(0)
        self.finished.set()

    def _push(self, made, state):
        chain = state["chain"]
        if state["open"] and not state["done"] and state["left"] and state["next"] is None:
            state["next"] = self._batch(chain)
        if state["next"] is not None:
            try:
                made.send(state["next"], zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            state["next"] = None
            state["left"] -= 1
            self.sent += 1
        if not state["left"] and chain.acknowledged == len(chain.batches):
            state["done"] = True

    def wait(self, seconds):
        """Until all is acknowledged or refused; False when that takes longer."""
        return self.finished.wait(seconds)

    def stop(self):
        """Ends them."""
        self.stopping.set()
        self.thread.join()
        self.context.destroy(0)


class Strangers:
    """Idle connections and peers that fail the handshake, on and on, in one thread; each that is ended comes again."""

    def __init__(self, address, make, count, pause):
        self.address, self.make, self.count, self.pause = address, make, count, pause
        self.peers, self.tries, self.failed = [], 0, 0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        """Lets them loose."""
        self.thread.start()
        return self

    def _run(self):
        peers = [None] * self.count
        while not self.stopping.is_set():
            for index in range(self.count):
                if peers[index] is not None and not peers[index].ended(0.0005):
                    continue
                if peers[index] is not None:
                    peers[index].close()
                try:
                    peers[index] = self.make(index)
                    self.tries += 1
                except OSError:
                    peers[index] = None
                    self.failed += 1
            time.sleep(self.pause)
        for each in peers:
            if each is not None:
                each.close()

    def stop(self):
        """Ends them."""
        self.stopping.set()
        self.thread.join()
