"""What the measurements stand on: a hub with its own PostgreSQL and agents (tests/e2e/harness.py), the drivers in C, SQL over psql, times and medians.

One database for all that is compared: the hub's private cluster as `ctai-hub init` makes it (fsync on, data checksums, a unix socket). What the
comparisons write goes to the schema `banc` of the same database.
"""

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "e2e"))
import harness  # noqa: E402

DRIVERS = os.path.join(os.path.dirname(harness.BIN), "bench")
CONTRACT_2024 = "63-thiers-2024"
RECORD_COLUMNS = "string_agg(quote_ident(attname), ', ' ORDER BY attnum)"
MIB = 1024 * 1024
CHILD_TIMEOUT_S = 900


def median(values):
    """Of numbers; None of none."""
    values = [value for value in values if value is not None]
    return statistics.median(values) if values else None


def percentile(values, percent):
    """The smallest value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-len(ordered) * percent // 100) - 1))]


class Driver:
    """A driver in C that runs; its standard output is lines of numbers."""

    def __init__(self, name, *arguments):
        self.process = subprocess.Popen([os.path.join(DRIVERS, name), *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env={**os.environ, "LC_ALL": "C.UTF-8"})

    def wait_ready(self):
        """Waits for the word."""
        line = self.process.stdout.readline()
        assert line == "ready\n", f"{self.process.args}: {line!r}"
        return self

    def go(self):
        """Lets it begin."""
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def numbers(self):
        """To its end: the numbers of each line."""
        out, _ = self.process.communicate(timeout=CHILD_TIMEOUT_S)
        assert self.process.returncode == 0, f"{self.process.args} gave {self.process.returncode}"
        return [[int(word) for word in line.split()] for line in out.splitlines()]

    def stop(self):
        """Ends it, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


def drive(name, *arguments):
    """A driver from its beginning to its end."""
    return Driver(name, *arguments).numbers()


class Rusage:
    """A command's time, processor time and peak memory."""

    def __init__(self, argv, **options):
        begun = time.monotonic()
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options) as child:
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        self.wall_s = time.monotonic() - begun
        self.cpu_s = used.ru_utime + used.ru_stime
        self.rss_mb = used.ru_maxrss / 1024
        self.code = child.returncode


class Stage:
    """The hub, its database and its agents."""

    def __init__(self, world, agents, rounds=0):
        self.world = world
        self.agents = [f"banc-{i + 1}" for i in range(agents)]
        newcomers = [f"tour-{i + 1}" for i in range(rounds)]
        self.newcomers = iter(newcomers)  # each makes its first push in a round
        self.used = dict.fromkeys(self.agents + newcomers, 0)  # records that each has sent
        contract_2024 = harness.write_contract_2024(world.path("2024.yaml"))
        world.start_hub(harness.CONTRACT_FILE, contract_2024)
        for name in self.agents + newcomers + ["csv"]:
            world.enrol(name)
        world.enrol("latence", contract=CONTRACT_2024)
        world.share_key(self.agents + newcomers + ["csv", "latence"])
        self.conninfo = self._find_database()
        self.sql("CREATE SCHEMA banc")
        self.fresh_tables()

    def _find_database(self):
        for folder, _, names in os.walk(self.world.hub_home):
            if "postmaster.pid" in names:
                with open(os.path.join(folder, "postmaster.pid"), encoding="ascii") as file:
                    lines = file.read().splitlines()
                return f"host={lines[4]} port={lines[3]} user=ctai dbname=postgres"
        raise AssertionError("the hub has no running PostgreSQL of its own")

    def fresh_tables(self):
        """Tables of the comparisons: the columns and the primary key of ctai.record, nothing else."""
        for name in ("copie", "copie_grande", "nats", "insertion"):
            self.sql(f"DROP TABLE IF EXISTS banc.{name}; CREATE TABLE banc.{name} (LIKE ctai.record, PRIMARY KEY (scope, agent, key))")

    def psql(self, text, **options):
        """A script's output."""
        done = subprocess.run(["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", self.conninfo], input=text, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=CHILD_TIMEOUT_S, **options)
        assert done.returncode == 0, f"psql: {done.stderr}\n{text[:500]}"
        return done.stdout.strip()

    def sql(self, text):
        """One or more statements; the rows as text."""
        return self.psql(text + ";\n")

    def timed_sql(self, text, times=1):
        """Milliseconds of a statement on a connection that has run it before, the median of so many."""
        script = f"\\o /dev/null\n{text};\n\\timing on\n" + f"{text};\n" * times
        done = subprocess.run(["psql", "-XAt", "-v", "ON_ERROR_STOP=1", self.conninfo], input=script, text=True, check=True,
                              stdout=subprocess.PIPE, timeout=CHILD_TIMEOUT_S)
        return median([float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("Time:")])

    def timed_after(self, before, text, times=1):
        """The same of a statement that is prepared for by another each time; both have run before."""
        script = f"\\o /dev/null\n{before};\n{text};\n" + f"{before};\n\\timing on\n{text};\n\\timing off\n" * times
        done = subprocess.run(["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", self.conninfo], input=script, text=True, check=True,
                              stdout=subprocess.PIPE, timeout=CHILD_TIMEOUT_S)
        return median([float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("Time:")])

    def settle(self):
        """Until the hub has consolidated all that was committed."""
        deadline = time.monotonic() + CHILD_TIMEOUT_S
        while self.sql("SELECT EXISTS (SELECT FROM ctai.mark)") != "f":
            assert time.monotonic() < deadline, "marks stay"
            time.sleep(0.02)

    def checkpoint(self):
        """Before each measurement: all begin with clean buffers, and pay for full pages alike."""
        self.sql("CHECKPOINT")

    def home(self, name):
        """Of an agent."""
        return self.world.path(f"agent-{name}")

    def fill(self, name, count, contract=harness.CONTRACT, version=0, start=None):
        """Queues invented records; new ones unless start says which."""
        first = self.used.get(name, 0) if start is None else start
        drive("bench_agent", "fill", self.home(name), contract, first, count, version)
        self.used[name] = max(self.used.get(name, 0), first + count)

    def send(self, names):
        """All that these agents have queued: seconds, records, their processor seconds, the largest one's memory in MiB."""
        drivers = [Driver("bench_agent", "send", self.home(name)) for name in names]
        try:
            for driver in drivers:
                driver.wait_ready()
            for driver in drivers:
                driver.go()
            rows = [driver.numbers()[0] for driver in drivers]
        finally:
            for driver in drivers:
                driver.stop()
        assert not any(row[4] for row in rows), "records were refused"
        return {"seconds": (max(row[2] for row in rows) - min(row[0] for row in rows)) / 1e9, "rows": sum(row[3] for row in rows),
                "cpu_s": sum(row[6] for row in rows) / 1e6, "rss_mb": max(row[5] for row in rows) / 1024,
                "first_s": (min(row[1] for row in rows) - min(row[0] for row in rows)) / 1e9}

    def position(self, scope=harness.SCOPE):
        """Of the scope's ledger."""
        return int(self.sql(f"SELECT position FROM ctai.scope WHERE scope = '{scope}'"))

    def export_since(self, position, path):
        """The records that came after a position, in the order in which they came, as COPY's text."""
        columns = self.sql(f"SELECT {RECORD_COLUMNS} FROM pg_attribute WHERE attrelid = 'ctai.record'::regclass AND attnum > 0 AND NOT attisdropped")
        with open(path, "w", encoding="utf-8") as file:
            subprocess.run(["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", self.conninfo, "-c",
                            f"COPY (SELECT {columns} FROM ctai.record WHERE scope = '63' AND position > {position} ORDER BY position, key) TO STDOUT"],
                           check=True, stdout=file, timeout=CHILD_TIMEOUT_S)

    def hub_memory_mb(self):
        """The hub's peak, without PostgreSQL."""
        with open(f"/proc/{self.world.services['hub'].process.pid}/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024

    @contextlib.contextmanager
    def hub_at_rest(self):
        """While it lasts the hub does nothing: what is consolidated then, a measurement does."""
        process = self.world.services["hub"].process
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def kill_hub(self):
        """As a power cut would."""
        service = self.world.services.pop("hub")
        service.process.send_signal(signal.SIGKILL)
        service.process.wait()
        service.stop()


class Unconsolidated:
    """While it lasts the hub's consolidation finds every contract taken, as if another hub were at it (ctai.consolidate); marks pile up."""

    def __init__(self, stage):
        self.process = subprocess.Popen(["psql", "-qXAt", stage.conninfo], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True)

    def __enter__(self):
        self.process.stdin.write("SELECT count(pg_advisory_lock(1668571497, contract_id)) FROM ctai.contract;\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline().strip().isdigit()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


class Nats:
    """A JetStream server of our own, on a port that the system gives, its files in a folder of the stage. None where it is not installed."""

    def __init__(self, folder):
        self.process = self.url = None
        if not os.path.exists(os.path.join(DRIVERS, "peer_nats")):
            return
        os.makedirs(folder, exist_ok=True)
        config = os.path.join(folder, "nats.conf")
        with open(config, "w", encoding="ascii") as file:
            file.write(f'listen: "127.0.0.1:-1"\nports_file_dir: "{folder}"\njetstream {{ store_dir: "{folder}/jetstream" }}\n')
        try:
            self.process = subprocess.Popen(["nats-server", "-c", config, "-l", os.path.join(folder, "log")])
        except OSError:
            return
        ports = os.path.join(folder, f"nats-server_{self.process.pid}.ports")
        deadline = time.monotonic() + 10
        while self.url is None and time.monotonic() < deadline and self.process.poll() is None:
            time.sleep(0.02)
            if os.path.exists(ports):
                with open(ports, encoding="ascii") as file:
                    text = file.read()
                self.url = json.loads(text)["nats"][0] if text.endswith("}") else None

    def close(self):
        """Ends it."""
        if self.process:
            self.process.terminate()
            self.process.wait()
