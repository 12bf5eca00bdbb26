"""A world in which things break: services that are started again, offices that push on and on, and what must hold after.

Always true: whatever ends the test, its guardian ends every process of the world and removes its directory.
"""

import contextlib
import itertools
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "e2e")]

import harness  # noqa: E402
import psycopg2  # noqa: E402
from guardian import Guardian  # noqa: E402
from reference import CONTRACTS, Exports, Reference, check, query  # noqa: E402

PENDING_MAX = 12      # batches that an office queues ahead
PUSH_TIMEOUT_S = 600
DRAIN_S = 300         # agents and hubs wait a minute at most between two tries
MESSAGES_MAX = 1500
SERVICE_GONE = "s’est arrêté avant de répondre"


class Broken(AssertionError):
    """A promise was broken."""


class Keeper:
    """Keeps a `serve` running, as a service manager does; `exits` has how each run ended."""

    def __init__(self, program, home, directory, name, delay_s=0.1):
        self.arguments, self.delay_s, self.name = (program, home, directory, f"serve-{name}"), delay_s, name
        self.service, self.exits, self.killed = None, [], 0
        self._stopping, self._changed = threading.Event(), threading.Condition()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stopping.is_set():
            service = harness.Service(*self.arguments)
            with self._changed:
                self.service = service
                self._changed.notify_all()
            code = service.process.wait()
            service.stop()
            self.exits.append(code)
            if code == harness.EX_SOFTWARE:
                print(f"{self.name} ended with {code}, and is started again:\n{service.errors()[-800:]}", file=sys.stderr, flush=True)
            self._stopping.wait(self.delay_s)

    def wait_ready(self, timeout=harness.TIMEOUT_S):
        """Waits until a run of it is ready."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            service = self.service
            if service and service.process.poll() is None and service._ready.wait(0.1):
                return self
            time.sleep(0.02)
        raise Broken(f"{self.name} is not ready:\n{self.errors()[-3000:]}")

    def ready(self):
        """Is it up?"""
        service = self.service
        return bool(service and service.process.poll() is None and service._ready.is_set())

    def kill(self):
        """SIGKILL; False when there was nothing to kill."""
        service = self.service
        if not service or service.process.poll() is not None:
            return False
        service.process.kill()
        self.killed += 1
        return True

    def errors(self):
        """What it has written."""
        return self.service.errors() if self.service else ""

    def connections(self):
        """How many connections of agents its log tells of."""
        return self.errors().count(" has begun")

    def check_exits(self, *allowed):
        """It ended by our SIGKILL, by SIGTERM's clean end, or with one of the codes that are said to be right."""
        for code in self.exits:
            if code not in (0, -9, *allowed):
                raise Broken(f"{self.name} ended with {code}:\n{self.errors()[-3000:]}")

    def stop(self):
        """Ends it for good."""
        self._stopping.set()
        if self.service:
            self.service.stop()
        self._thread.join(harness.TIMEOUT_S)


class Office(threading.Thread):
    """Pushes one export after the other; what was killed is pushed again, as a person would do."""

    def __init__(self, world, name, operator, exports, seed, serves):
        super().__init__(daemon=True)
        self.world, self.agent, self.operator, self.exports = world, name, operator, exports
        self.rng = random.Random(f"{seed}/{name}")
        self.keeper = Keeper("ctai-agent", world.path(f"agent-{name}"), world.directory, name) if serves else None
        self.stopping, self.process, self.trouble = threading.Event(), None, None
        self.pushes = self.tries = 0
        self.last = {}
        self.allowed = ()  # further exit codes of a push that has queued all

    def run(self):
        number = 0
        try:
            while not self.stopping.is_set():
                if self.pending() >= PENDING_MAX and self.last:
                    self.push(*next(iter(self.last.items())), 2)  # nothing new: only another try to send what waits
                    continue
                contract = self.rng.choice(list(CONTRACTS))
                number = (number + self.rng.randint(1, len(self.exports) - 1)) % len(self.exports)
                self.push(contract, number, self.rng.choice([0, 0, 0, 1, 3]))
        except Exception as error:  # told by `check_trouble`
            self.trouble = error

    def check_trouble(self):
        """Raises what went wrong in the thread."""
        if self.trouble:
            raise self.trouble

    def push(self, contract, number, wait_s):
        """Pushes until it is known to be queued; returns what was said. Its counts must be the oracle's, or all unchanged."""
        outcome = self.exports.outcome(self.agent, self.operator, contract, number)
        counts = self.world.reference.push(self.agent, contract, outcome)
        self.last[contract] = number
        return self.push_on(contract, number, wait_s, outcome, counts)

    def push_on(self, contract, number, wait_s, outcome, counts):
        """Tries until it is queued."""
        for attempt in range(1000):
            code, said, errors = self.attempt(contract, number, wait_s)
            self.tries += 1
            if said is not None:
                break
            if code != -9 and not (code == harness.EX_SOFTWARE and SERVICE_GONE in errors):
                raise Broken(f"{self.agent}: push gave {code}: {errors}")
        else:
            raise Broken(f"{self.agent}: push never got through: {errors}")
        self.pushes += 1
        got = {key: said[key] for key in counts}
        unchanged = {**dict.fromkeys(counts, 0), "inchanges": len(outcome.records)}
        if got != counts and not (attempt > 0 and (got["nouveaux"], got["modifies"], got["retires"]) == (0, 0, 0)):
            raise Broken(f"{self.agent}: push {attempt} said {got}, not {counts} nor {unchanged}")
        return code, said

    def push_again(self, contract, number, wait_s):
        """After runs of the same push that may or may not have queued it."""
        self.world.reference.push(self.agent, contract, self.exports.outcome(self.agent, self.operator, contract, number))
        self.last[contract] = number
        code, said, errors = self.attempt(contract, number, wait_s)
        if code not in (harness.EX_OK, harness.EX_DATAERR):
            raise Broken(f"{self.agent}: push gave {code}: {errors}")
        return said

    def attempt(self, contract, number, wait_s):
        """One run of push: exit code, its JSON or None, its messages."""
        persons, events = self.exports.files[number][self.operator]
        argv = [os.path.join(harness.BIN, "ctai-agent"), "push", "--persons", persons, "--events", events, "--contract", contract,
                "--allow-withdrawals", "--json", "--wait", str(wait_s)]
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "CTAI_HOME": self.world.path(f"agent-{self.agent}")}
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        cwd=self.world.directory, env=environment)
        out, err = self.process.communicate(timeout=PUSH_TIMEOUT_S)
        done = harness.Result(argv, self.process.returncode, out, err)
        allowed = (harness.EX_OK, harness.EX_DATAERR, harness.EX_UNAVAILABLE, harness.EX_TEMPFAIL, *self.allowed)
        return done.code, done.json() if done.code in allowed and out else None, err.decode("utf-8", "replace")[-MESSAGES_MAX:]

    def kill(self):
        """SIGKILL of a push that runs, or of `serve`; False when there was neither."""
        service = self.keeper.service.process if self.keeper and self.keeper.service else None
        running = [one for one in (self.process, service) if one and one.poll() is None]
        if not running:
            return False
        victim = self.rng.choice(running)
        victim.kill()
        return True

    def outbox(self):
        """(queued, acknowledged) batches, read without a lock: a look that disturbs nobody, and may miss a moment."""
        path = self.world.path(f"agent-{self.agent}", "etat.sqlite")
        with contextlib.suppress(sqlite3.Error):
            with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
                row = database.execute("SELECT sum(queued), sum(acknowledged) FROM scope").fetchone()
                return row[0] or 0, row[1] or 0
        return 0, 0

    def pending(self):
        """Batches that the hub has not acknowledged."""
        queued, acknowledged = self.outbox()
        return queued - acknowledged

    def stop(self):
        """Ends the pushing, after the push under way."""
        self.stopping.set()
        if self.is_alive():
            self.join(PUSH_TIMEOUT_S)
        self.check_trouble()


class Inbox(Office):
    """An office that leaves its exports in the inbox of `serve`: of one contract and one set of people (no push there may
    withdraw most of what is held)."""

    def run(self):
        try:
            self.keeper.wait_ready()
            for number in itertools.cycle(range(0, len(self.exports), 2)):
                if self.stopping.is_set():
                    return
                self.leave("63-thiers-2023", number)
        except Exception as error:  # told by `check_trouble`
            self.trouble = error

    def leave(self, contract, number):
        """Leaves an export and waits until the persons are taken away: then all of it is queued."""
        inbox = self.world.path(f"agent-{self.agent}", "inbox")
        folder = os.path.join(inbox, contract)
        os.makedirs(folder, exist_ok=True)
        self.world.reference.push(self.agent, contract, self.exports.outcome(self.agent, self.operator, contract, number))
        self.last[contract] = number
        names = ("evenements.csv", "personnes.csv")
        for name, path in zip(names, reversed(self.exports.files[number][self.operator])):
            shutil.copyfile(path, os.path.join(inbox, f".{name}"))
            os.rename(os.path.join(inbox, f".{name}"), os.path.join(folder, name))
        deadline = time.monotonic() + PUSH_TIMEOUT_S
        while os.path.exists(os.path.join(folder, "personnes.csv")):
            if time.monotonic() > deadline:
                raise Broken(f"{self.agent}: the inbox is not taken:\n{self.keeper.errors()[-2000:]}")
            time.sleep(0.05)
        if os.path.isdir(os.path.join(inbox, "rejete")):
            raise Broken(f"{self.agent}: an export in the inbox was rejected:\n{self.keeper.errors()[-2000:]}")
        self.pushes += 1
        self.tries += 1


class FaultWorld(harness.World):
    """A World with offices and a reference."""

    def __init__(self):
        super().__init__()
        self.guardian = Guardian(self.directory)
        self.keepers, self.offices, self.reference = {}, [], Reference()
        self.external = None  # a database of the test's own, in place of the hub's

    def tell_addresses(self, addresses):
        """What approvals shall name, where it is not the hub's own address."""
        with open(self.path("hub", "hub.conf"), "a", encoding="utf-8") as file:
            file.writelines(f"address = {address}\n" for address in addresses)

    def init_hub(self, *options, addresses=()):
        """hub init and the two contracts; `addresses`: what agents are told, where it is not the hub's own."""
        self.hub("init", "--listen", f"tcp://127.0.0.1:{self.port}", *options).must()
        self.tell_addresses(addresses)
        second = harness.write_contract_2024(self.path("63-thiers-2024.yaml"))
        for path in (harness.CONTRACT_FILE, second):
            self.hub("contract", "add", path).must()

    def keep(self, name="hub", home=None):
        """Keeps a hub's `serve` running."""
        self.keepers[name] = Keeper("ctai-hub", home or self.path(name), self.directory, name)
        return self.keepers[name].wait_ready()

    def open_offices(self, names, seed, people=300, exports=6, serves=lambda index: index % 2 == 0, inboxes=()):
        """Enrols the agents, and makes their exports; they push once started. `inboxes`: who uses the inbox of `serve`."""
        data = Exports(self.path("data"), seed, people, exports)
        for index, name in enumerate(names):
            self.enrol(name)
            self.admit(name, "63-thiers-2024")
        self.share_key(names)
        for index, name in enumerate(names):
            operator = harness.OPERATORS[index % len(harness.OPERATORS)]
            kind = Inbox if name in inboxes else Office
            self.offices.append(kind(self, name, operator, data, seed, serves(index)))
        return self.offices

    def start_offices(self):
        """The data flow."""
        for office in self.offices:
            office.start()

    def outstanding(self):
        """Batches of all offices that are not acknowledged."""
        return sum(office.pending() for office in self.offices)

    def acknowledged(self):
        """Batches of all offices that are."""
        return sum(office.outbox()[1] for office in self.offices)

    def check_trouble(self):
        """Raises what went wrong in an office."""
        for office in self.offices:
            office.check_trouble()

    def did(self):
        """How much has flowed: exports pushed, calls of push, batches acknowledged."""
        return {"exports": sum(office.pushes for office in self.offices), "pushes": sum(office.tries for office in self.offices),
                "batches": self.acknowledged()}

    def connect(self):
        """A connection to the hub's database."""
        if self.external:
            return self.external.primary.connect()
        record, folder = self.path("hub", "postgres.socket"), self.path("hub", "postgres.run")
        if os.path.exists(record):
            with open(record, encoding="utf-8") as file:
                folder = file.read().strip()
        return psycopg2.connect(host=folder, port=5432, user="ctai", dbname="postgres")

    def settle(self, label):
        """No fault any more: everything arrives, and everything ends."""
        self.drain(label)
        self.end()

    def drain(self, label):
        """No fault any more: everything arrives, equals the reference, and a further push sends nothing."""
        for office in self.offices:
            office.stop()
        deadline = time.monotonic() + DRAIN_S
        for again in (False, True):
            if again:
                before = self.check_database(label)
            for office in self.offices:
                for contract, number in sorted(office.last.items()):
                    self.push_last(office, contract, number, max(5, int(deadline - time.monotonic())), again)
        self.check_equal(self.check_database(label), before, "a further push has sent something")

    def end(self):
        """The hubs and the agents end as they should."""
        for keeper in [*self.keepers.values(), *(office.keeper for office in self.offices if office.keeper)]:
            keeper.stop()
            if keeper.exits[-1] != 0:
                raise Broken(f"{keeper.name} was asked to end, and ended with {keeper.exits[-1]}:\n{keeper.errors()[-3000:]}")

    def push_last(self, office, contract, number, wait_s, again):
        """The last export once more: all is acknowledged, and nothing was left to send."""
        deadline = time.monotonic() + wait_s
        code, said, errors = office.attempt(contract, number, wait_s)
        while code in office.allowed and time.monotonic() < deadline:  # it looks back at the faults still, and comes again
            time.sleep(0.5)
            code, said, errors = office.attempt(contract, number, max(5, int(deadline - time.monotonic())))
        if code not in (harness.EX_OK, harness.EX_DATAERR) or said["en_attente"]:
            raise Broken(f"{office.agent} {contract}: the last push gave {code} {said}: {errors}")
        changes = {key: said[key] for key in ("nouveaux", "modifies", "retires")}
        if any(changes.values()) or (again and said["acquittes"]):
            raise Broken(f"{office.agent} {contract}: a further push sends {said}")

    def check_database(self, label):
        """The database equals the reference, and each outbox; returns the ledger's length."""
        with contextlib.closing(self.connect()) as connection:
            last = check(self, connection, self.reference, label)
            for office in self.offices:
                self.check_equal(office.outbox(), (last.get(office.agent, 0),) * 2, f"{office.agent}: outbox and ledger")
            return query(connection, "SELECT count(*) FROM ctai.ledger")[0][0]

    @staticmethod
    def check_equal(got, wanted, what):
        """Raises when they differ."""
        if got != wanted:
            raise Broken(f"{what}: {got}, not {wanted}")

    def close(self):
        """Ends everything, on any exit."""
        for office in self.offices:
            office.stopping.set()
            if office.process and office.process.poll() is None:
                office.process.kill()
            if office.keeper:
                office.keeper.stop()
        for keeper in self.keepers.values():
            keeper.stop()
        super().close()
        self.guardian.release()


@contextlib.contextmanager
def fault_world():
    """A FaultWorld that is closed whatever happens."""
    made = FaultWorld()
    try:
        yield made
    finally:
        made.close()
