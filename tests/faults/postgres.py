"""PostgreSQL servers of the test's own: a primary and its standby, on unix sockets, as the user postgres when we are root."""

import contextlib
import glob
import os
import shutil
import signal
import subprocess
import time

import psycopg2

TOOLS = max(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[-2]))
WAIT_S = 300
SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{socket}'
port = 5432
max_connections = 60
wal_level = replica
max_wal_senders = 8
wal_keep_size = 256MB
hot_standby = on
synchronous_commit = on
log_min_error_statement = panic
log_min_messages = warning
jit = off
# A process that is killed loses nothing that the system has taken; a machine that falls is not what is tested here.
fsync = off
"""


def as_postgres(argv, cwd):
    """Runs a tool to its end; raises with what it said."""
    if os.geteuid() == 0:
        argv = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *argv]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=cwd, timeout=WAIT_S + 60, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(argv)} gave {done.returncode}: {done.stderr[-1000:]}{done.stdout[-500:]}")
    return done.stdout


def children_of(pid):
    """The processes of a server, but for its first."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]
    return []


class Server:
    """One server with its data and its socket in a folder."""

    def __init__(self, folder):
        self.folder, self.data = folder, os.path.join(folder, "data")
        os.makedirs(folder, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")

    def tool(self, name, *arguments):
        """Runs one of PostgreSQL's programs."""
        return as_postgres([os.path.join(TOOLS, name), *arguments], self.folder)

    def create(self, synchronous):
        """A fresh primary."""
        self.tool("initdb", "-D", self.data, "-U", "ctai", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="ascii") as file:
            file.write("include 'test.conf'\n")
            if synchronous:
                file.write("synchronous_standby_names = 'FIRST 1 (walreceiver)'\n")
        self.start()

    def copy(self, primary):
        """A fresh standby of a primary, in place of what was here."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.tool("pg_basebackup", "-h", primary.folder, "-U", "ctai", "-D", self.data, "-c", "fast", "-R", "--no-sync", "-X", "stream")
        self.start()

    def start(self):
        """Starts it; returns once it takes connections."""
        path = os.path.join(self.data, "test.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(SETTINGS.format(socket=self.folder))
        os.chmod(path, 0o644)
        log = os.path.join(self.folder, "log")
        try:
            self.tool("pg_ctl", "start", "-D", self.data, "-l", log, "-w", "-s", "-t", str(WAIT_S))
        except AssertionError as error:
            with open(log, encoding="utf-8", errors="replace") as file:
                raise AssertionError(f"{error}\n{file.read()[-2000:]}") from error

    def pid(self):
        """Its first process, or None."""
        with contextlib.suppress(OSError, ValueError):
            with open(os.path.join(self.data, "postmaster.pid"), encoding="ascii") as file:
                pid = int(file.readline())
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                return pid if self.data.encode() in file.read() else None
        return None

    def kill(self, all_at_once):
        """SIGKILL of its first process, or of all (as when the machine dies); returns when the first is gone."""
        pid = self.pid()
        victims = [pid, *(children_of(pid) if all_at_once else [])] if pid else []
        for victim in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        while pid and os.path.exists(f"/proc/{pid}"):
            time.sleep(0.01)

    def promote(self):
        """Makes the standby a primary."""
        self.tool("pg_ctl", "promote", "-D", self.data, "-w", "-s", "-t", str(WAIT_S))

    def read_only(self, closed):
        """While it is so, a hub does not take the server for one that it may write to (target_session_attrs), primary or not."""
        with open(os.path.join(self.data, "test.conf"), "a", encoding="ascii") as file:
            file.write(f"default_transaction_read_only = {'on' if closed else 'off'}\n")
        self.tool("pg_ctl", "reload", "-D", self.data, "-s")
        deadline = time.monotonic() + WAIT_S
        while self.ask("SHOW default_transaction_read_only")[0][0] != ("on" if closed else "off"):
            if time.monotonic() > deadline:
                raise AssertionError("the server does not read its settings again")
            time.sleep(0.02)

    def connect(self):
        """A connection of the test's own."""
        connection = psycopg2.connect(host=self.folder, port=5432, user="ctai", dbname="postgres")
        connection.autocommit = True
        return connection

    def ask(self, sql):
        """All rows of a query."""
        with contextlib.closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def close(self):
        """Ends it, and it alone."""
        self.kill(True)


class Pair:
    """A primary and its standby, which change places."""

    def __init__(self, folder, synchronous):
        self.primary, self.standby = Server(os.path.join(folder, "a")), Server(os.path.join(folder, "b"))
        self.conninfo = (f"host={self.primary.folder},{self.standby.folder} port=5432,5432 user=ctai dbname=postgres "
                         "target_session_attrs=read-write connect_timeout=5")
        self.primary.create(synchronous)
        self.standby.copy(self.primary)
        self.state = "sync" if synchronous else "async"
        self.promotions = 0

    def wait_attached(self):
        """Until the standby follows the primary."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            if self.primary.ask(f"SELECT FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = '{self.state}'"):
                return
            time.sleep(0.02)
        raise AssertionError("the standby does not follow its primary")

    def fail_over(self, all_at_once, look):
        """The primary dies, the standby takes its place; returns what `look` does, see take_over."""
        self.primary.kill(all_at_once)
        return self.take_over(look)

    def take_over(self, look):
        """The standby takes the place of its primary, which is dead. `look ()` sees it before any hub may write to it."""
        self.standby.read_only(True)
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary
        self.promotions += 1
        seen = look()
        self.primary.read_only(False)
        return seen

    def renew(self):
        """What died becomes a standby again."""
        self.standby.copy(self.primary)
        self.wait_attached()

    def close(self):
        """Ends both."""
        self.primary.close()
        self.standby.close()
