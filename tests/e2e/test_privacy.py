"""Nothing of a person's identity leaves an operator: a search in bytes for canaries."""

import contextlib
import os
import sqlite3
import subprocess
import sys
import threading
import time
import unicodedata
import unittest

import zmq

import harness
from contracts import THIERS_2023
from folding import fold
from generate import DataSet

sys.path.insert(0, os.path.join(harness.ROOT, "tests", "foreign"))
import client  # noqa: E402

WORLD = None
DATA = None
QUEUED = {}
STARTED = time.time()


def setUpModule():
    global WORLD, DATA
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    WORLD.start()
    DATA = DataSet(61, 60, THIERS_2023, canary=True)
    WORLD.stop()
    for name, paths in DATA.write(WORLD.path("data")).items():
        WORLD.push(name, paths, "--wait", "1").must(harness.EX_UNAVAILABLE)
        QUEUED[name] = list(queued_blobs(WORLD.path(f"agent-{name}")))
    WORLD.serve()
    for data in (DATA, DATA.change()):
        for name, paths in data.write(WORLD.path("data")).items():
            done = WORLD.push(name, paths, "--allow-withdrawals").must(harness.EX_OK, harness.EX_DATAERR)
            assert done.json()["en_attente"] == 0, done.text
        DATA = data
    for option in ("csv", "json", "table"):
        WORLD.hub("report", harness.CONTRACT, "--format", option).must()


def needles():
    """The canaries in the forms in which they could be stored."""
    found = set()
    for text in DATA.canaries():
        forms = {text, text.lower(), text.upper(), unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)}
        if len(fold(text)) >= 6:
            forms.add(fold(text))
        for form in forms:
            found.add(form.encode("utf-8"))
            found.add(form.encode("utf-16-le"))
            found.add(form.encode("cp1252", "ignore"))
    numbers = {human.number for human in DATA.humans if human.number}
    found |= {int(number).to_bytes(8, order) for number in numbers for order in ("big", "little")}
    return {needle for needle in found if len(needle) >= 6}


class Finder:
    """Looks for many needles in bytes at once, with grep (which takes any byte but a newline)."""

    def __init__(self, path, found):
        self._path = path
        with open(path, "wb") as file:
            file.write(b"".join(needle + b"\n" for needle in sorted(found) if b"\n" not in needle))

    def search(self, data):
        """The needles that occur."""
        done = subprocess.run(["grep", "-a", "-o", "-F", "-f", self._path], input=data, capture_output=True,
                              env={**os.environ, "LC_ALL": "C"}, check=False)
        assert done.returncode in (0, 1), done.stderr
        return set(done.stdout.splitlines())


def newer(folder, since):
    """Files directly in a folder that the programs could have left there since."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        with contextlib.suppress(FileNotFoundError):  # another program's, that has taken it away
            if name.startswith(("ctai", "core")) and os.path.isfile(path) and not os.path.islink(path) and os.stat(path).st_mtime >= since:
                yield path


class Listener:
    """A hub that admits everybody and answers the HELLO alone, at the address and with the keys of the world's."""

    def __init__(self, world):
        with open(os.path.join(world.hub_home, "curve.key"), "rb") as file:
            pair = file.read()
        self._socket = zmq.Context.instance().socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.CURVE_SERVER, 1)
        self._socket.setsockopt(zmq.CURVE_SECRETKEY, pair[32:64])
        self._socket.setsockopt(zmq.LINGER, 0)
        with open(world.path(f"cias.{harness.CONTRACT}.agrement"), encoding="ascii") as file:
            self._contracts = client.unpack(client.read_armour("APPROBATION", file.read())[0][5])
        self._address = f"tcp://127.0.0.1:{world.port}"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen)
        self.heard, self.batches = [], 0

    def _listen(self):
        while not self._ended.is_set():
            if not self._socket.poll(50):
                continue
            peer, message = self._socket.recv_multipart()
            self.heard.append(message)
            fields = client.unpack(message)
            self.batches += fields[0] == client.BATCH
            if fields[0] == client.HELLO:  # all that it has signed is here already
                self._socket.send_multipart([peer, client.pack([16, 1, "listener", 8, 8 << 20, self._contracts, fields[3]])])

    def __enter__(self):
        self._socket.bind(self._address)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join()
        self._socket.close(0)


class Privacy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.finder = Finder(WORLD.path("needles"), needles())

    def assert_clean(self, label, data):
        """No canary in some bytes."""
        self.assertFalse(sorted(self.finder.search(data))[:5], label)

    def assert_clean_files(self, label, folder):
        """No canary in any file below; how many there are. Many at a time: a search takes as long for one of them."""
        count, part = 0, {}
        for path in [*harness.files_below(folder), None]:
            if path:
                with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:  # PostgreSQL takes files away, too
                    part[path] = file.read()
            if path is None or sum(map(len, part.values())) > 16 << 20:
                if self.finder.search(b"\n".join(part.values())):
                    for name, data in part.items():
                        self.assert_clean(f"{label}: {name}", data)
                    self.fail(f"{label}: one of {list(part)}")
                count += len(part)
                part = {}
        return count

    def test_the_search_finds_what_is_there(self):
        with open(WORLD.path("data", "cias.personnes.csv"), "rb") as file:
            self.assertTrue(self.finder.search(file.read()))

    def test_hub_home(self):
        """The hub's home with the data files of its PostgreSQL, after a checkpoint and after the hub's end."""
        for state in ("running", "stopped"):
            if state == "stopped":
                WORLD.stop()
            try:
                self.assertGreater(self.assert_clean_files(state, WORLD.hub_home), 100, "the private PostgreSQL has files")
            finally:
                if state == "stopped":
                    WORLD.serve()

    def test_dump(self):
        self.assert_clean("pg_dump", WORLD.dump())

    def test_logs(self):
        WORLD.agent("cias", "status")
        for stderr in WORLD.stderr:
            self.assert_clean(stderr[:300], stderr)
        for service in WORLD.services.values():
            self.assert_clean("serve", service.errors().encode())

    def test_batches(self):
        """What the agents send, as it was queued while the hub was down."""
        for name, blobs in QUEUED.items():
            self.assertGreater(sum(map(len, blobs)), 10000, f"no batch in the outbox of {name}")
            self.assert_clean(name, b"\n".join(blobs))

    def test_agents_homes(self):
        """What an agent keeps beside the operator's own files: no identity there either, and its owner alone reads it."""
        for name in harness.OPERATORS:
            home = WORLD.path(f"agent-{name}")
            self.assertEqual(os.stat(home).st_mode & 0o777, 0o700, home)
            for path in harness.files_below(home):
                self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)
                with open(path, "rb") as file:
                    self.assert_clean(path, file.read())

    def test_wire(self):
        """All that an agent says, read by a hub that has the real one's keys and remembers."""
        listener = Listener(WORLD)
        WORLD.stop()
        try:
            with listener:
                for name, paths in DATA.change().write(WORLD.path("wire")).items():
                    for wait_s in (2, 10, 60):  # as long as it takes to send all
                        done = WORLD.push(name, paths, "--wait", wait_s, "--allow-withdrawals")
                        if done.code == harness.EX_TEMPFAIL:
                            break
                    done.must(harness.EX_TEMPFAIL)
        finally:
            WORLD.serve()
        self.assertGreater(listener.batches, len(harness.OPERATORS) - 1)
        self.assertGreater(sum(map(len, listener.heard)), 10000)
        self.assert_clean("wire", b"\n".join(listener.heard))

    def test_nothing_is_left_elsewhere(self):
        """No core file, no temporary file: what the world's folder holds, but for the exports themselves and what was searched."""
        for path in harness.files_below(WORLD.directory):
            inner = os.path.relpath(path, WORLD.directory)
            if not inner.startswith(("data/", "wire/", "hub/", "agent-", "needles")):
                with open(path, "rb") as file:
                    self.assert_clean(path, file.read())
        for path in (path for folder in ("/tmp", "/var/tmp", "/dev/shm") for path in newer(folder, STARTED)):
            with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
                self.assert_clean(path, file.read(64 << 20))

    def test_reports(self):
        for option in ("csv", "json", "table"):
            self.assert_clean(option, WORLD.hub("report", harness.CONTRACT, "--format", option).must().out)
        done = WORLD.hub("discrepancies", harness.CONTRACT)
        if done.code != harness.EX_USAGE:
            self.assert_clean("discrepancies", done.must().out)

    def test_preview(self):
        """Every field that would leave, as the agent shows it."""
        persons, events = WORLD.path("data", "cias.personnes.csv"), WORLD.path("data", "cias.evenements.csv")
        for option in ("csv", "json"):
            done = WORLD.agent("cias", "preview", "--persons", persons, "--events", events, "--format", option)
            done.must(harness.EX_OK, harness.EX_DATAERR)
            self.assertGreater(len(done.out), 1000)
            self.assert_clean(f"preview {option}", done.out)


def queued_blobs(home):
    """Every blob of the tables of batches in an agent's SQLite file."""
    for path in harness.files_below(home):
        with open(path, "rb") as file:
            if file.read(16) != b"SQLite format 3\0":
                continue
        base = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        tables = [row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in (name for name in tables if "batch" in name):
            for row in base.execute(f'SELECT * FROM "{table}"'):
                yield from (value for value in row if isinstance(value, bytes))
        base.close()


if __name__ == "__main__":
    unittest.main()
