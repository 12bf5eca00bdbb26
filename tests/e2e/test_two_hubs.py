"""Two hubs on one database: one identity, handed over in a sealed bundle; what is done at one holds at the other."""

import base64
import contextlib
import glob
import hashlib
import os
import pty
import pwd
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import msgpack
import nacl.bindings
from nacl.pwhash import argon2id

import harness

CODE = re.compile(r"\b\d{5}(?:-\d{5}){5}\b")
WORLD = None
OTHER = None
BASE = None


class Database:
    """A PostgreSQL of the tests' own, on a socket in a temporary directory."""

    def __init__(self):
        self.tools = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[-2]))[-1]
        self.directory = tempfile.mkdtemp(prefix="ctai-base-", dir="/tmp")
        os.chmod(self.directory, 0o755)
        self.user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        data = os.path.join(self.directory, "data")
        os.mkdir(data, 0o700)
        if self.user:
            os.chown(data, self.user.pw_uid, self.user.pw_gid)
            os.chown(self.directory, self.user.pw_uid, self.user.pw_gid)
        self._run("initdb", "-D", data, "-E", "UTF8", "--locale=C", "-A", "trust", "-U", "ctai", "-N", "--no-instructions")
        self._run("pg_ctl", "-D", data, "-l", os.path.join(self.directory, "log"), "-w", "-t", "300", "-s",
                  "-o", f"-k {self.directory} -c listen_addresses= -c fsync=off", "start")

    def _run(self, tool, *arguments):
        """A tool of PostgreSQL, never as root."""
        identity = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        subprocess.run([os.path.join(self.tools, tool), *arguments], check=True, cwd="/", timeout=harness.TIMEOUT_S, stdout=subprocess.DEVNULL,
                       stderr=subprocess.STDOUT, **identity)

    def conninfo(self, name="postgres"):
        """How libpq finds it."""
        return f"host={self.directory} user=ctai dbname={name}"

    def make(self, name):
        """One more, empty database."""
        subprocess.run(["psql", "-qX", self.conninfo(), "-c", f"CREATE DATABASE {name}"], check=True, timeout=harness.TIMEOUT_S)
        return self.conninfo(name)

    def close(self):
        """Stops the server and takes all of it away."""
        with contextlib.suppress(subprocess.SubprocessError):
            self._run("pg_ctl", "-D", os.path.join(self.directory, "data"), "-m", "immediate", "-w", "-s", "stop")
        shutil.rmtree(self.directory, ignore_errors=True)


def at_terminal(program, *arguments, home, cwd, answers=(), interrupt=False):
    """Runs a program of the product at a terminal of its own; its exit code (minus the signal) and all that was on it."""
    argv = [os.path.join(harness.BIN, program), *arguments]
    child, terminal = pty.fork()
    if child == 0:
        try:
            os.chdir(cwd)
            os.execve(argv[0], argv, {**os.environ, "LC_ALL": "C.UTF-8", "CTAI_HOME": home})
        finally:
            os._exit(127)
    seen, waiting, end = b"", list(answers), time.monotonic() + harness.TIMEOUT_S
    asked = 0
    while time.monotonic() < end:
        if terminal in select.select([terminal], [], [], 0.2)[0]:
            try:
                part = os.read(terminal, 4096)
            except OSError:
                break
            if not part:
                break
            seen += part
        if seen.count(b" : ") > asked and seen.endswith(b" : "):
            asked = seen.count(b" : ")
            if interrupt:
                os.write(terminal, b"\x03")
            elif waiting:
                os.write(terminal, waiting.pop(0).encode() + b"\n")
    else:
        os.kill(child, signal.SIGKILL)
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, seen.decode("utf-8").replace("\r\n", "\n")


class World(harness.World):
    """A hub on a database that is not its own; its agents' approvals name where it is reached."""

    def join(self, *arguments, **options):
        """init --join of this world's hub."""
        return self.hub("init", "--listen", f"tcp://127.0.0.1:{self.port}", "--database", BASE.conninfo(), *arguments, **options)

    def bundle(self, name="hub.trousseau"):
        """bundle at a terminal: the file and the code."""
        path = self.path(name)
        code, text = at_terminal("ctai-hub", "bundle", "-o", path, home=self.hub_home, cwd=self.directory)
        if code:
            raise AssertionError(f"bundle gave {code}: {text}")
        return path, CODE.search(text).group()


def code_file(world, code, mode=0o600):
    """A file with the code."""
    path = world.write("code", code + "\n")
    os.chmod(path, mode)
    return path


def setUpModule():
    global WORLD, OTHER, BASE
    BASE = Database()
    unittest.addModuleCleanup(BASE.close)
    WORLD = World()
    unittest.addModuleCleanup(WORLD.close)
    OTHER = World()
    unittest.addModuleCleanup(OTHER.close)
    WORLD.hub("init", "--listen", f"tcp://127.0.0.1:{WORLD.port}", "--database", BASE.conninfo()).must()
    WORLD.hub("contract", "add", harness.CONTRACT_FILE).must()
    WORLD.serve()
    path, code = WORLD.bundle()
    joined = OTHER.join("--join", path, "--code", code_file(OTHER, code), "--json").must().json()
    with open(os.path.join(WORLD.hub_home, "hub.conf"), "a", encoding="utf-8") as file:
        file.writelines(f"address = {address}\n" for address in joined["adresses"])
    OTHER.serve()


class Bundle(unittest.TestCase):
    def setUp(self):
        self.third = World()
        self.addCleanup(self.third.close)
        self.path, self.code = WORLD.bundle("autre.trousseau")
        self.addCleanup(os.unlink, self.path)

    def refused(self, code, *arguments, join=None):
        """init --join is refused with that code, says so, and leaves nothing."""
        done = self.third.hub("init", "--listen", f"tcp://127.0.0.1:{self.third.port}", "--join", join or self.path, *arguments)
        done.must(code)
        self.assertTrue(done.messages.strip())
        self.assertEqual(done.out, b"")
        self.assertFalse(os.path.exists(self.third.hub_home), os.path.exists(self.third.hub_home) and os.listdir(self.third.hub_home))
        return done.messages

    def base(self, code=None):
        """The options of a good join."""
        return ["--database", BASE.conninfo(), "--code", code_file(self.third, code or self.code)]

    def test_the_file_is_private_and_holds_no_code(self):
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(self.path).st_uid, os.geteuid())
        with open(self.path, encoding="ascii") as file:
            text = file.read()
        self.assertTrue(text.startswith("-----BEGIN CTAI HUB-----\n"))
        self.assertNotIn(self.code, text)
        self.assertNotIn(self.code.replace("-", ""), text)
        for folder, _, names in os.walk(WORLD.hub_home):
            for name in names:
                with open(os.path.join(folder, name), "rb") as file:
                    self.assertNotIn(self.code.encode(), file.read(), name)

    def test_the_document_alone_opens_it(self):
        """What PROTOCOL.md says of the file, with other people's cryptography: the keys are in it, and whole."""
        with open(self.path, encoding="ascii") as file:
            lines = file.read().splitlines()
        domain, salt, box, digest = msgpack.unpackb(base64.b64decode("".join(lines[1:-1])))
        context = domain.encode() + salt
        self.assertEqual(domain, "ctai-hub-1")
        self.assertEqual(digest, hashlib.blake2b(context + box, digest_size=32).digest())
        key = argon2id.kdf(32, self.code.encode(), salt, opslimit=4, memlimit=64 * 1024 * 1024)
        inside = nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(box[24:], context, box[:24], key)
        name, *keys, stable, addresses = msgpack.unpackb(inside)
        self.assertEqual((name, stable), ("ctai-hub-cles-1", True))
        self.assertIn(f"tcp://127.0.0.1:{WORLD.port}", addresses)
        held = b""
        for name in ("curve.key", "sign.key", "pepper.key"):
            with open(os.path.join(WORLD.hub_home, name), "rb") as file:
                held += file.read()
        self.assertEqual(b"".join(keys), held)

    def test_the_code_is_for_a_person_alone(self):
        for options in ([], ["--json"]):
            done = subprocess.run([os.path.join(harness.BIN, "ctai-hub"), "bundle", "-o", WORLD.path("non"), *options], check=False,
                                  capture_output=True, env={**os.environ, "CTAI_HOME": WORLD.hub_home}, start_new_session=True)
            self.assertEqual(done.returncode, harness.EX_USAGE, done.stderr)
            self.assertFalse(CODE.search(done.stdout.decode() + done.stderr.decode()))
            self.assertFalse(os.path.exists(WORLD.path("non")))

    def test_wrong_code(self):
        first = "1" if self.code[0] == "0" else "0"
        for wrong in (first + self.code[1:], self.code[:-1], "", "secret"):
            said = self.refused(harness.EX_NOPERM, *self.base(wrong or " "))
            self.assertIn("code", said)
            if wrong:
                self.assertNotIn(wrong, said)

    def test_damaged_file(self):
        with open(self.path, encoding="ascii") as file:
            lines = file.read().split("\n")
        middle = lines[2]
        changed = [lines[:2] + [("B" if middle[0] == "A" else "A") + middle[1:]] + lines[3:], lines[:3] + lines[4:], lines[:5],
                   ["Bonjour"], [""]]
        for content in changed:
            bad = self.third.write("abime.trousseau", "\n".join(content))
            self.refused(harness.EX_DATAERR, *self.base(), join=bad)
        self.refused(harness.EX_DATAERR, *self.base(), join=self.third.path("absent"))
        request = WORLD.agent("autre", "init", "--name", "autre", "--json").must().json()["demande"]
        self.assertIn("autre sorte", self.refused(harness.EX_DATAERR, *self.base(), join=os.path.join(WORLD.directory, request)))

    def test_where_it_does_not_fit(self):
        self.assertIn("--database", self.refused(harness.EX_CONFIG, "--code", code_file(self.third, self.code)))
        empty, foreign = BASE.make("vide"), BASE.make("autre")
        with harness.world() as stranger:
            stranger.hub("init", "--database", foreign).must()
        for database in (empty, foreign):
            self.refused(harness.EX_CONFIG, "--database", database, "--code", code_file(self.third, self.code))
        # An empty database is not claimed on the way: a first hub may still have it.
        with harness.world() as stranger:
            stranger.hub("init", "--database", empty).must()
        loose = code_file(self.third, self.code, 0o640)
        self.assertIn("chmod", self.refused(harness.EX_CONFIG, "--database", BASE.conninfo(), "--code", loose))
        self.third.hub("init", "--code", code_file(self.third, self.code)).must(harness.EX_USAGE)

    def test_private_cluster(self):
        with harness.world() as alone:
            alone.hub("init").must()
            code, text = at_terminal("ctai-hub", "bundle", "-o", alone.path("t"), home=alone.hub_home, cwd=alone.directory)
            self.assertEqual(code, harness.EX_OK, text)
            self.assertIn("un second hub ne peut pas s’y joindre", text)
            self.assertIn("--restore", text)
            refused = self.third.hub("init", "--join", alone.path("t"), "--code", code_file(self.third, CODE.search(text).group(0)))
            self.assertIn("--restore", refused.must(harness.EX_CONFIG).messages)

    def at_terminal(self, *answers, **more):
        """init --join with the code typed."""
        return at_terminal("ctai-hub", "init", "--join", self.path, "--database", BASE.conninfo(), "--listen",
                           f"tcp://127.0.0.1:{self.third.port}", home=self.third.hub_home, cwd=self.third.directory,
                           answers=answers, **more)

    def test_asked_at_the_terminal_without_echo(self):
        code, text = self.at_terminal("12345", self.code.replace("-", " "))
        self.assertEqual(code, 0, text)
        self.assertNotIn(self.code.replace("-", " "), text)
        self.assertNotIn("12345", text.split("Le hub est prêt")[0])
        self.assertEqual(self.third.hub("status", "--json").must().json()["empreinte"],
                         WORLD.hub("status", "--json").must().json()["empreinte"])
        for name in ("curve.key", "sign.key", "pepper.key", "hub.conf"):
            self.assertEqual(os.stat(os.path.join(self.third.hub_home, name)).st_mode & 0o777, 0o600)

    def test_wrong_at_the_terminal(self):
        code, text = self.at_terminal("1", "2", "3")
        self.assertEqual(code, harness.EX_NOPERM, text)
        self.assertFalse(os.path.exists(self.third.hub_home))

    def test_interrupted_at_the_terminal(self):
        code, text = self.at_terminal(interrupt=True)
        self.assertEqual(code, -signal.SIGINT, text)
        self.third.hub("init", "--listen", f"tcp://127.0.0.1:{self.third.port}", "--join", self.path, *self.base()).must()


class TwoHubs(unittest.TestCase):
    """Operators admitted at one hub or the other, sending to whichever is there."""

    def setUp(self):
        """Both hubs serve again, whatever a test has stopped."""
        self.addCleanup(lambda: [world.serve() for world in (WORLD, OTHER) if "hub" not in world.services])

    def enrol(self, name, at):
        """An agent, admitted at that hub; its approval names both, that hub first."""
        WORLD.fingerprints[name] = WORLD.agent(name, "init", "--name", name, "--json").must().json()["empreinte"]
        approval = WORLD.path(f"{name}.approbation")
        said = at.hub("agent", "approve", WORLD.path(f"{name}.demande"), "--contract", harness.CONTRACT, "--action",
                      harness.ACTIONS, "-o", approval, "--json").must().json()
        self.assertEqual(sorted(said["adresses"]), sorted(f"tcp://127.0.0.1:{hub.port}" for hub in (WORLD, OTHER)))
        self.assertEqual(said["empreinte_hub"], WORLD.hub("status", "--json").must().json()["empreinte"])
        WORLD.agent(name, "join", approval).must()
        with open(WORLD.path(f"agent-{name}", "cle-transport"), "rb") as file:  # the other hub lets it in, too
            OTHER.write(f"agent-{name}/cle-transport", file.read())
        harness.wait_until(lambda: OTHER.admits(name), f"the other hub does not let {name} in")

    def cost(self, action, at):
        """What the report of that hub says of an action's cost."""
        rows = at.report(harness.CONTRACT)
        return [row["realise"] for row in rows if (row["action"], row["indicateur"]) == (action, "2.cout_total")]

    def push(self, name, action, *euros, code=harness.EX_OK):
        """A push of costs: an export of that many rows."""
        persons = WORLD.write(f"{name}-p.csv", "id_local;nom;prenom;date_naissance;sexe;nationalite;statut\n")
        rows = [f"{name}-{number};2024-03-05;{action};cout;{amount};autre\n" for number, amount in enumerate(euros)]
        events = WORLD.write(f"{name}-e.csv", "id_evenement;date;action;type;quantite;detail\n" + "".join(rows))
        done = WORLD.push(name, (persons, events), "--contract", harness.CONTRACT).must(code)
        return done.json()

    def test_one_report_whoever_received_it(self):
        self.enrol("cias", WORLD)
        self.enrol("fit", OTHER)
        WORLD.share_key(["cias", "fit"])
        for name, action in (("cias", "axe1"), ("fit", "axe2")):
            self.assertEqual(self.push(name, action, 100)["acquittes"], 1)
        self.assertEqual([self.cost(action, at) for action in ("axe1", "axe2") for at in (WORLD, OTHER)], [["100"]] * 4)
        # Each is heard by the hub that is left, and nothing counts twice.
        WORLD.stop()
        self.assertEqual(self.push("cias", "axe1", 100, 20)["acquittes"], 1)
        self.assertEqual(self.cost("axe1", OTHER), ["120"])
        WORLD.serve()
        OTHER.stop()
        self.assertEqual(self.push("fit", "axe2", 100, 3)["acquittes"], 1)
        self.assertEqual(self.push("cias", "axe1", 100, 20, 5)["inchanges"], 2)
        OTHER.serve()
        self.assertEqual([self.cost("axe1", OTHER), self.cost("axe2", OTHER)], [["125"], ["103"]])
        self.assertEqual(WORLD.report(), OTHER.report())
        # An approval made anew is how an operator learns of an address.
        OTHER.hub("agent", "approve", WORLD.path("cias.demande"), "--contract", harness.CONTRACT, "--action", harness.ACTIONS,
                  "-o", WORLD.path("cias.approbation")).must()
        WORLD.agent("cias", "join", WORLD.path("cias.approbation")).must()
        self.assertEqual(WORLD.agent("cias", "status", "--json").must().json()["hub"]["adresses"],
                         [f"tcp://127.0.0.1:{hub.port}" for hub in (OTHER, WORLD)])
        self.assertEqual(self.push("cias", "axe1", 100, 20, 5)["en_attente"], 0)

    def test_word_of_changes_reaches_the_other_hub(self):
        self.enrol("ccas-thiers", WORLD)
        OTHER.stop()  # so that the agent is at the first hub
        service = WORLD.serve("ccas-thiers")
        self.addCleanup(lambda: "ccas-thiers" in WORLD.services and WORLD.stop("ccas-thiers"))

        def status():
            return WORLD.agent("ccas-thiers", "status", "--json").must().json()

        harness.wait_until(lambda: status()["hub"]["dernier_contact"], "the agent does not reach the first hub")
        OTHER.serve()
        contract = harness.write_contract_2024(OTHER.path("2024.yaml"))
        OTHER.hub("contract", "add", contract).must()
        OTHER.hub("agent", "approve", WORLD.path("ccas-thiers.demande"), "--contract", "63-thiers-2024", "--action", "axe1",
                  "-o", OTHER.path("encore.approbation")).must()
        harness.wait_until(lambda: len(status()["contrats"]) == 2, "the contract of the second hub has not come")
        OTHER.hub("agent", "revoke", "ccas-thiers").must()
        harness.wait_until(lambda: status()["hub"]["arret"], "the agent has not been cut off")
        self.assertRegex(status()["hub"]["arret"], "révoqué|accès|admis")
        self.assertIsNone(service.process.poll())


if __name__ == "__main__":
    unittest.main()
