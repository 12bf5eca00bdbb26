"""Shared harness of the end-to-end tests: a world of one hub and the four agents, with real processes and sockets.

The programs are those of $CTAI_BIN (default: build/bin of this repository). Everything lives in one temporary
directory that the hub's own user can traverse; every process started here is ended by its pid.
"""

import contextlib
import csv
import io
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import zmq
import zmq.utils.monitor

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "oracle"))

BIN = os.path.abspath(os.environ.get("CTAI_BIN", os.path.join(ROOT, "build", "bin")))
CONTRACT_FILE = os.path.join(ROOT, "deploy", "contracts", "63-thiers-2023.yaml")
CONTRACT = "63-thiers-2023"
SCOPE = "63"
ACTIONS = "axe1,axe2,axe3"
OPERATORS = ["cias", "ccas-thiers", "cecler", "fit"]
# What must come is waited for that long: a machine under load makes a test slow, not red.
TIMEOUT_S = 300
WAIT_S = 120    # for what a push waits for, when it is to be acknowledged
PORTS = range(20000, 30000)  # below those that the system gives to whoever asks for any

EX_OK, EX_USAGE, EX_DATAERR, EX_UNAVAILABLE, EX_SOFTWARE = 0, 64, 65, 69, 70
EX_CANTCREAT, EX_TEMPFAIL, EX_PROTOCOL, EX_NOPERM, EX_CONFIG = 73, 75, 76, 77, 78


class Result:
    """What one command did."""

    def __init__(self, argv, code, out, err):
        self.argv, self.code, self.out, self.err = argv, code, out, err

    @property
    def text(self):
        """Standard output as text."""
        return self.out.decode("utf-8")

    @property
    def messages(self):
        """Standard error as text."""
        return self.err.decode("utf-8")

    def json(self):
        """Standard output as JSON."""
        return json.loads(self.out)

    def csv(self):
        """Standard output as rows of a CSV file."""
        return list(csv.DictReader(io.StringIO(self.text, newline="")))

    def must(self, *codes):
        """Fails unless the exit code is one of those (default 0); returns itself."""
        wanted = codes or (EX_OK,)
        if self.code not in wanted:
            raise AssertionError(f"{' '.join(self.argv)}\n  gave {self.code}, not {wanted}\n{self.messages}\n{self.text[:2000]}")
        return self


def run(program, *arguments, home=None, cwd=None, timeout=TIMEOUT_S, env=None, stdin=b""):
    """Runs a program of the product to its end."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}
    if home:
        environment["CTAI_HOME"] = home
    argv = [os.path.join(BIN, program), *map(str, arguments)]
    done = subprocess.run(argv, input=stdin, capture_output=True, timeout=timeout, cwd=cwd, env=environment, check=False)
    return Result(argv, done.returncode, done.stdout, done.stderr)


RESERVED = []   # one socket for each port that is ours until we end


def free_port():
    """A loopback port that nobody listens on, and that no other test takes while this one runs."""
    for port in random.sample(PORTS, len(PORTS)):
        mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        with contextlib.suppress(OSError), socket.socket() as probe:
            mark.bind(f"\0ctai-test-port-{port}")
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            RESERVED.append(mark)
            return port
        mark.close()
    raise AssertionError("no port is free")


def wait_until(condition, what, patience_s=TIMEOUT_S, pause_s=0.05):
    """Waits until it is so; returns what the condition gave. `what` is said when it never is (or what() says it)."""
    deadline = time.monotonic() + patience_s
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(what() if callable(what) else what)
        time.sleep(pause_s)
    return found


class Service:
    """A running `serve`: started, waited for until it says that it is ready, ended by its pid."""

    def __init__(self, program, home, directory, name):
        self.errors_path = os.path.join(directory, f"{name}.stderr")
        notify_path = os.path.join(directory, f"{name}.notify")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(notify_path)
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(notify_path)
        os.chmod(notify_path, 0o777)
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "CTAI_HOME": home, "NOTIFY_SOCKET": notify_path}
        with open(self.errors_path, "ab") as errors:
            self.process = subprocess.Popen([os.path.join(BIN, program), "serve"], stdin=subprocess.DEVNULL,
                                            stdout=errors, stderr=errors, env=environment, cwd=directory)

        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read_notices, daemon=True)
        self._reader.start()

    def _read_notices(self):
        """Reads as the service manager does, to the end: a full socket would block the program."""
        with contextlib.suppress(OSError):
            while notice := self._notify.recv(4096):
                if b"READY=1" in notice:
                    self._ready.set()

    def wait_ready(self, timeout=TIMEOUT_S):
        """Waits for READY=1."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and self.process.poll() is None:
            if self._ready.wait(0.1):
                return self
        raise AssertionError(f"serve is not ready (exit {self.process.poll()}):\n{self.errors()}")

    def errors(self):
        """What it wrote to standard error so far."""
        with open(self.errors_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop(self, timeout=TIMEOUT_S):
        """SIGTERM, then SIGKILL if it does not end; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        with contextlib.suppress(OSError):
            self._notify.shutdown(socket.SHUT_RDWR)
        self._reader.join()  # before the descriptor is another's: it would read the next service's notices
        self._notify.close()
        return self.process.returncode


class World:
    """A hub with its own PostgreSQL and agents, in a temporary directory."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="ctai-e2e-")
        os.chmod(self.directory, 0o755)
        self.hub_home = self.path("hub")
        self.port = free_port()
        self.fingerprints = {}
        self.services = {}
        self.stderr = []

    def path(self, *parts):
        """A path in the world's directory."""
        return os.path.join(self.directory, *parts)

    def write(self, name, content):
        """Writes a file of the world; returns its path."""
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def hub(self, *arguments, **options):
        """Runs a command of the hub."""
        result = run("ctai-hub", *arguments, home=self.hub_home, cwd=self.directory, **options)
        self.stderr.append(result.err)
        return result

    def agent(self, name, *arguments, **options):
        """Runs a command of an agent. Who has joined is let in: the hub hears of an approval a moment after it was made."""
        result = run("ctai-agent", *arguments, home=self.path(f"agent-{name}"), cwd=self.directory, **options)
        self.stderr.append(result.err)
        if arguments[:1] == ("join",) and result.code == EX_OK and "hub" in self.services:
            wait_until(lambda: self.admits(name), f"the hub does not let {name} in")
        return result

    def admits(self, name):
        """Does the hub that serves take the agent's key? By a handshake and no more."""
        pairs = []
        for path in (self.path(f"agent-{name}", "cle-transport"), os.path.join(self.hub_home, "curve.key")):
            with open(path, "rb") as file:
                pairs.append(file.read())
        with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
            for option, value in ((zmq.CURVE_PUBLICKEY, pairs[0][:32]), (zmq.CURVE_SECRETKEY, pairs[0][32:64]),
                                  (zmq.CURVE_SERVERKEY, pairs[1][:32]), (zmq.LINGER, 0), (zmq.RECONNECT_IVL, -1)):
                dealer.setsockopt(option, value)
            with dealer.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_CLOSED
                                           | zmq.EVENT_DISCONNECTED) as monitor:
                dealer.connect(f"tcp://127.0.0.1:{self.port}")
                if not monitor.poll(TIMEOUT_S * 1000):
                    raise AssertionError("the hub does not answer a handshake")
                said = zmq.utils.monitor.recv_monitor_message(monitor)["event"]
                dealer.disable_monitor()
        return said == zmq.EVENT_HANDSHAKE_SUCCEEDED

    def serve(self, name="hub"):
        """Starts the hub's `serve`, or an agent's by its name."""
        program, home = ("ctai-hub", self.hub_home) if name == "hub" else ("ctai-agent", self.path(f"agent-{name}"))
        service = self.services[name] = Service(program, home, self.directory, f"serve-{name}")
        return service.wait_ready()

    def stop(self, name="hub"):
        """Ends a `serve`."""
        return self.services.pop(name).stop()

    def start_hub(self, *contract_files):
        """hub init, contract add, serve."""
        self.hub("init", "--listen", f"tcp://127.0.0.1:{self.port}").must()
        for path in contract_files or (CONTRACT_FILE,):
            self.hub("contract", "add", path).must()
        return self.serve()

    def enrol(self, name, contract=CONTRACT, actions=ACTIONS):
        """agent init, hub agent approve, agent join."""
        made = self.agent(name, "init", "--name", name, "--json").must().json()
        self.fingerprints[name] = made["empreinte"]
        return self.admit(name, contract, actions)

    def admit(self, name, contract=CONTRACT, actions=ACTIONS):
        """hub agent approve, agent join: also for a further contract."""
        approval = self.path(f"{name}.{contract}.agrement")
        request = self.path(f"{name}.demande")
        self.hub("agent", "approve", request, "--contract", contract, "--action", actions, "-o", approval).must()
        self.agent(name, "join", approval).must()
        return approval

    def share_key(self, names, scope=SCOPE):
        """key create at the first, key grant and accept for the others."""
        first, *others = names
        self.agent(first, "key", "create", "--scope", scope).must()
        for name in others:
            self.grant_key(first, name, scope)

    def grant_key(self, giver, taker, scope=SCOPE):
        """key grant, key accept."""
        sealed = self.path(f"{taker}.cle")
        self.agent(giver, "key", "grant", "--scope", scope, self.path(f"{taker}.demande"), "--to",
                   self.fingerprints[taker], "-o", sealed).must()
        self.agent(taker, "key", "accept", sealed, "--from", self.fingerprints[giver]).must()

    def start(self, *contract_files, operators=OPERATORS):
        """The whole world, ready for pushes."""
        self.start_hub(*contract_files)
        for name in operators:
            self.enrol(name)
        self.share_key(operators)
        return self

    def push(self, name, files, *options, **more):
        """Pushes an operator's two files with --json; returns the Result."""
        persons, events = files
        if "--wait" not in options:
            options = (*options, "--wait", WAIT_S)
        return self.agent(name, "push", "--persons", persons, "--events", events, "--json", *options, **more)

    def report(self, contract=CONTRACT, *options):
        """The rows of `report --format csv`."""
        return self.hub("report", contract, *options, "--format", "csv").must().csv()

    def dump(self):
        """All that is in the hub's private database, as pg_dumpall writes it."""
        for folder, _, names in os.walk(self.hub_home):
            if "postmaster.pid" in names:
                with open(os.path.join(folder, "postmaster.pid"), encoding="ascii") as file:
                    lines = file.read().splitlines()
                port, directory = lines[3], lines[4]
                owner = ["setpriv", f"--reuid={os.stat(folder).st_uid}", f"--regid={os.stat(folder).st_gid}", "--clear-groups"]
                prefix = owner if os.geteuid() == 0 else []
                done = subprocess.run([*prefix, "pg_dumpall", "-U", "ctai", "-h", directory, "-p", port], capture_output=True,
                                      timeout=TIMEOUT_S, check=True, cwd="/")
                return done.stdout
        raise AssertionError("the hub has no running PostgreSQL of its own")

    def close(self):
        """Ends what was started, and removes the directory unless CTAI_KEEP is set."""
        for name in list(self.services):
            self.stop(name)
        self._stop_postgres()
        if not os.environ.get("CTAI_KEEP"):
            shutil.rmtree(self.directory, ignore_errors=True)

    def _stop_postgres(self):
        """A PostgreSQL that a crashed hub left behind in this world's own home is ended too."""
        for folder, _, names in os.walk(self.hub_home):
            if "postmaster.pid" not in names:
                continue
            with open(os.path.join(folder, "postmaster.pid"), encoding="ascii") as file:
                pid = int(file.readline())
            with contextlib.suppress(OSError):
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    if self.directory.encode() in file.read():
                        os.kill(pid, signal.SIGINT)


@contextlib.contextmanager
def world():
    """A World that is closed whatever happens."""
    made = World()
    try:
        yield made
    finally:
        made.close()


def files_below(directory):
    """Every regular file."""
    for folder, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield path


def write_contract_2024(target):
    """Writes the contract of the year after, of the same scope: the 2023 file with other days."""
    with open(CONTRACT_FILE, encoding="utf-8") as file:
        text = file.read()
    for pattern, new in ((r"^id: .*", "id: 63-thiers-2024"), (r"^premier_jour: .*", "premier_jour: 2024-11-30"),
                         (r"^dernier_jour: .*", "dernier_jour: 2025-11-29"), (r"jusqu_au: 2024", "jusqu_au: 2025")):
        text, times = re.subn(pattern, new, text, flags=re.MULTILINE)
        assert times, f"{pattern} is not in {CONTRACT_FILE}"
    with open(target, "w", encoding="utf-8") as file:
        file.write(text)
    return target


def compare(case, rows, expected, label=""):
    """Checks every cell of a report's rows against the oracle's."""
    keys = ("contrat", "action", "indicateur")
    case.assertEqual([tuple(r[k] for k in keys) for r in rows], [tuple(r[k] for k in keys) for r in expected],
                     f"{label}: not the same rows in the same order")
    wrong = []
    for row, right in zip(rows, expected):
        got = (row["realise"], row["statut"])
        fits = got in ((right["realise"], right["statut"]), right["other"])
        if not fits or row["objectif"] != right["objectif"]:
            wrong.append(f"{row['action']} {row['indicateur']}: {got} objectif {row['objectif']!r}, expected "
                         f"{(right['realise'], right['statut'])} objectif {right['objectif']!r}")
    case.assertFalse(wrong, f"{label}: {len(wrong)} wrong cells:\n" + "\n".join(wrong[:40]))
