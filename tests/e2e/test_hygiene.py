"""Secrets of running programs: no core file, keys in locked memory, nothing on a command line, in the environment or in a
temporary file."""

import base64
import contextlib
import os
import pwd
import re
import resource
import signal
import subprocess
import unittest

import harness
from contracts import THIERS_2023
from generate import DataSet
from test_privacy import Finder

WORLD = None
NAMES = ["cias", "cecler"]
ENDED = (FileNotFoundError, ProcessLookupError)  # of a process that has ended since it was listed: PostgreSQL has such
SECRET_FILES = {"curve.key", "sign.key", "pepper.key", "cle-transport", "cle-signature", "cle-boite", "cle-enregistrements"}


def setUpModule():
    global WORLD
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    # Whatever limit they are started with, they take it away themselves.
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    WORLD.start(operators=NAMES)
    if os.geteuid() == 0:  # as on a machine whose service has a user of its own
        user = pwd.getpwnam("postgres")
        for folder, _, files in os.walk(WORLD.path("agent-cecler")):
            os.chown(folder, user.pw_uid, user.pw_gid)
            for name in files:
                os.chown(os.path.join(folder, name), user.pw_uid, user.pw_gid)
    for name in NAMES:
        WORLD.serve(name)
    for name, paths in DataSet(7, 20, THIERS_2023).write(WORLD.path("data")).items():
        if name in NAMES:
            WORLD.push(name, paths).must(harness.EX_OK, harness.EX_DATAERR)


def processes():
    """The running programs: pid of each by name."""
    return {name: service.process.pid for name, service in WORLD.services.items()}


def descendants(pid):
    """A process and those that it started."""
    parents = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                parents[int(entry)] = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def of_our_world():
    """Our processes, and the PostgreSQL of the hub's home, which outlives the command that started it."""
    found = set()
    for pid in processes().values():
        found |= descendants(pid)
    with open(os.path.join(WORLD.hub_home, "postgres", "postmaster.pid"), encoding="ascii") as file:
        found |= descendants(int(file.readline()))
    return found


def status(pid, field):
    """A line of /proc/PID/status."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        for line in file:
            if line.startswith(field + ":"):
                return line.split(":", 1)[1].strip()
    raise AssertionError(f"no {field} for {pid}")


def secrets():
    """All secret bytes of our homes, in the forms in which they could be passed on."""
    found = {}
    for home in [WORLD.hub_home, *(WORLD.path(f"agent-{name}") for name in NAMES)]:
        for name in os.listdir(home):
            if name in SECRET_FILES or name.startswith("cle-liaison."):
                with open(os.path.join(home, name), "rb") as file:
                    data = file.read()
                for at in range(0, len(data), 32):  # public halves of pairs are among them: these are not passed on either
                    part = data[at:at + 32]
                    found.update({part: name, part.hex().encode(): name, part.hex().upper().encode(): name,
                                  base64.b64encode(part)[:40]: name})
    return found


def memory_of(pid):
    """The readable mappings of a process, as root sees them: (is it locked, its bytes)."""
    found = []
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line)
            if head:
                span, mode = (int(head[1], 16), int(head[2], 16)), head[3]
            elif line.startswith("VmFlags:") and mode.startswith("r"):
                try:
                    memory.seek(span[0])
                    found.append((" lo" in line, memory.read(span[1] - span[0])))
                except (OSError, OverflowError):
                    continue  # the kernel's own pages
    return found


@unittest.skipUnless(os.geteuid() == 0, "root alone can look into another process")
class Memory(unittest.TestCase):
    """What a service that runs for months holds in its memory."""

    def test_keys_are_nowhere_but_in_locked_memory(self):
        """But for the transport's key, of which libzmq makes copies of its own."""
        for name, pid in processes().items():
            home = WORLD.hub_home if name == "hub" else WORLD.path(f"agent-{name}")
            memory, seen = memory_of(pid), 0
            for file in os.listdir(home):
                if file in SECRET_FILES - {"curve.key", "cle-transport"} or file.startswith("cle-liaison."):
                    with open(os.path.join(home, file), "rb") as content:
                        data = content.read()
                    secret = data[32:64] if file in ("sign.key", "cle-signature") else data[-32:]
                    self.assertEqual([locked for locked, part in memory for _ in range(part.count(secret))], [True], f"{name}: {file}")
                    seen += 1
            self.assertGreaterEqual(seen, 2)

    def test_no_person_stays_in_memory(self):
        """After a push through the service nothing of the tables is left in it, and nothing ever was in the hub."""
        data = DataSet(61, 60, THIERS_2023, canary=True)
        files = data.write(WORLD.path("canaries"))
        finder = Finder(WORLD.path("needles"), {needle.encode() for needle in data.canaries()})
        with open(files["cias"][0], "rb") as table:
            self.assertGreater(len(finder.search(table.read())), 20, "the search finds what is there")
        WORLD.stop("cias")
        WORLD.serve("cias")
        for _ in range(2):
            WORLD.push("cias", files["cias"], "--allow-withdrawals").must(harness.EX_OK, harness.EX_DATAERR)
        for name in ("cias", "hub"):
            memory = b"\0".join(part for _, part in memory_of(processes()[name]))
            self.assertGreater(len(memory), 1 << 20)
            self.assertFalse(finder.search(memory), name)


class Hygiene(unittest.TestCase):
    def test_no_core_file_may_be_written(self):
        seen = 0
        for pid in of_our_world():
            with contextlib.suppress(*ENDED), open(f"/proc/{pid}/limits", encoding="utf-8") as file:
                line = next(line for line in file if line.startswith("Max core file size"))
                self.assertEqual(line.split()[4:6], ["0", "0"], f"{pid}: {line}")
                seen += 1
        self.assertGreaterEqual(seen, len(processes()) + 1)

    @unittest.skipUnless(os.geteuid() == 0, "shows only where the program has another user than root")
    def test_no_debugger_gets_in(self):
        """The kernel gives the files of a process that cannot be dumped to root, whoever runs it."""
        user = pwd.getpwnam("postgres")
        WORLD.stop("cecler")
        try:
            process = subprocess.Popen([os.path.join(harness.BIN, "ctai-agent"), "serve"], user=user.pw_uid, group=user.pw_gid,
                                       extra_groups=[], cwd="/", env={"CTAI_HOME": WORLD.path("agent-cecler")},
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            harness.wait_until(lambda: process.poll() is not None or int(status(process.pid, "VmLck").split()[0]) > 0, "nothing is locked")
            self.assertIsNone(process.poll())
            self.assertEqual(status(process.pid, "Uid").split()[1], str(user.pw_uid))
            self.assertEqual(os.stat(f"/proc/{process.pid}/mem").st_uid, 0, "it can be read by its own user")
        finally:
            process.terminate()
            process.wait(harness.TIMEOUT_S)
            WORLD.serve("cecler")
        for name in ("hub", "cecler"):
            pid = processes()[name]
            self.assertNotEqual(status(pid, "Uid").split()[1], "0", name)
            self.assertEqual(os.stat(f"/proc/{pid}/mem").st_uid, 0, f"{name} can be read by its own user")

    def test_keys_are_in_locked_memory(self):
        for name, pid in processes().items():
            self.assertGreater(int(status(pid, "VmLck").split()[0]), 0, name)
            self.assertNotIn("cannot be locked", WORLD.services[name].errors())

    def test_no_secret_on_a_command_line_or_in_the_environment(self):
        known = secrets()
        self.assertGreater(len(known), 40)
        seen = 0
        for pid in of_our_world():
            for part in ("cmdline", "environ"):
                data = b""
                with contextlib.suppress(*ENDED), open(f"/proc/{pid}/{part}", "rb") as file:
                    data = file.read()
                seen += len(data)
                for secret, name in known.items():
                    self.assertNotIn(secret, data, f"{name} in {part} of {pid}")
        self.assertGreater(seen, 1000)

    def test_no_file_in_everybodys_folders(self):
        for name, pid in processes().items():
            for entry in os.listdir(f"/proc/{pid}/fd"):
                path = ""
                with contextlib.suppress(FileNotFoundError):  # it was closed meanwhile
                    path = os.readlink(f"/proc/{pid}/fd/{entry}")
                if path.startswith(("/tmp", "/var/tmp", "/dev/shm")):
                    self.assertTrue(path.startswith(WORLD.directory), f"{name} holds {path}")

    def test_secret_files_are_their_owners_alone(self):
        seen = 0
        for home in [WORLD.hub_home, *(WORLD.path(f"agent-{name}") for name in NAMES)]:
            self.assertEqual(os.stat(home).st_mode & 0o7777, 0o700, home)
            for name in os.listdir(home):
                path = os.path.join(home, name)
                if os.path.isfile(path):
                    self.assertEqual(os.stat(path).st_mode & 0o077, 0, path)
                    seen += 1
        self.assertGreater(seen, 15)

    def test_a_looser_file_is_refused(self):
        for call, home, name in ((WORLD.hub, WORLD.hub_home, "pepper.key"), (WORLD.hub, WORLD.hub_home, "hub.conf"),
                                 (lambda *a: WORLD.agent("fit", *a), WORLD.path("agent-fit"), "cle-signature")):
            if name == "cle-signature":
                call("init", "--name", "fit").must()
            path = os.path.join(home, name)
            os.chmod(path, 0o640)
            try:
                refused = call("status").must(harness.EX_CONFIG)
                self.assertIn(name, refused.messages)
                self.assertIn("chmod", refused.messages)
            finally:
                os.chmod(path, 0o600)
            call("status").must(harness.EX_OK)

    def test_a_crash_leaves_no_core_file(self):
        """A program that dies of SIGSEGV in the middle of its work, started with the largest limit there is."""
        for name in ("cias", "hub"):
            service = WORLD.services.pop(name)
            os.kill(service.process.pid, signal.SIGSEGV)
            _, ended = os.waitpid(service.process.pid, 0)
            service.process.returncode = ended
            self.assertEqual(os.WTERMSIG(ended), signal.SIGSEGV, name)
            self.assertFalse(os.WCOREDUMP(ended), name)
            self.assertEqual([file for file in os.listdir(WORLD.directory) if file.startswith("core")], [])
            WORLD.serve(name)


class Passwords(unittest.TestCase):
    """The password of a database that is not the hub's own."""

    def test_none_on_the_command_line(self):
        for conninfo in ("host=/nowhere user=ctai password=canary-word", "postgresql://ctai:canary-word@nowhere/ctai"):
            home = WORLD.path("hub-refused")
            refused = harness.run("ctai-hub", "init", "--database", conninfo, home=home).must(harness.EX_USAGE)
            self.assertIn("passfile", refused.messages)
            self.assertNotIn("canary-word", refused.messages + refused.text)
            self.assertFalse(os.path.exists(os.path.join(home, "hub.conf")))

    def test_none_in_the_environment(self):
        home = WORLD.path("hub-refused")
        refused = harness.run("ctai-hub", "init", "--database", "host=/nowhere user=ctai", home=home,
                              env={"PGPASSWORD": "canary-word"}).must(harness.EX_CONFIG)
        self.assertIn("PGPASSWORD", refused.messages)
        self.assertNotIn("canary-word", refused.messages)


if __name__ == "__main__":
    unittest.main()
