"""`doctor` of both programs: what is broken here is said there, with where and what to do, and no secret."""

import base64
import contextlib
import os
import pwd
import re
import shutil
import socket
import subprocess
import threading
import time
import unittest

import harness
from contracts import THIERS_2023
from generate import DataSet

WORLD = None
SECRET_FILES = ("curve.key", "sign.key", "pepper.key", "cle-transport", "cle-signature", "cle-boite", "cle-enregistrements")
SAID = []  # all that any doctor printed
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *to)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(id, to);
    if (id == CLOCK_REALTIME)
        to->tv_sec += atol(getenv("SHIFT"));
    return result;
}
time_t time(time_t *to)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (to)
        *to = now.tv_sec;
    return now.tv_sec;
}
"""


def setUpModule():
    global WORLD
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    WORLD.start(operators=["cias", "fit"])
    made = WORLD.agent("bare", "init", "--name", "bare", "--json").must().json()
    WORLD.fingerprints["bare"] = made["empreinte"]


def doctor(call, *before, **options):
    """Its exit code and findings by check."""
    if before:
        program, home, *_ = call
        argv = [*before, os.path.join(harness.BIN, program), "doctor", "--json"]
        done = subprocess.run(argv, capture_output=True, timeout=harness.TIMEOUT_S, check=False, cwd=WORLD.directory,
                              env={**os.environ, "CTAI_HOME": home, **options})
        result = harness.Result(argv, done.returncode, done.stdout, done.stderr)
    else:
        result = call("doctor", "--json", **options)
    result.must(harness.EX_OK, harness.EX_CONFIG)
    said = result.json()
    SAID.append(result.out + result.err)
    assert (result.code == harness.EX_CONFIG) == (said["etat"] == "erreur"), said
    found = {}
    for one in said["controles"]:
        assert one["etat"] in ("ok", "attention", "erreur"), one
        assert one["etat"] == "ok" or one["a_faire"], f"no remedy: {one}"
        found.setdefault(one["controle"], []).append(one)
    return result.code, found


def hub(**options):
    return doctor(WORLD.hub, **options)


def agent(name, **options):
    return doctor(lambda *words, **more: WORLD.agent(name, *words, **more), **options)


@contextlib.contextmanager
def mode(path, bits):
    before = os.stat(path).st_mode & 0o7777
    os.chmod(path, bits)
    try:
        yield
    finally:
        os.chmod(path, before)


@contextlib.contextmanager
def listener(port, serve):
    """Something that listens on a port of ours; serve(connection) for each."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        server.settimeout(harness.TIMEOUT_S)

        def run():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, contextlib.suppress(OSError):
                        serve(connection)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


def sql(statement):
    """In the hub's own database."""
    run = ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", f"host={WORLD.hub_home}/postgres.run user=ctai dbname=postgres", "-c", statement]
    if os.geteuid() == 0:
        run = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *run]
    return subprocess.run(run, check=True, capture_output=True, text=True, timeout=harness.TIMEOUT_S, cwd="/").stdout


def shifted(program, home, seconds):
    """doctor with a clock that is wrong by that much."""
    source, library = WORLD.write("shim.c", SHIM), WORLD.path("shim.so")
    if not os.path.exists(library):
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True, timeout=harness.TIMEOUT_S)
        os.chmod(library, 0o755)
    return doctor((program, home), "env", f"LD_PRELOAD={library}", SHIFT=str(seconds))


def worst(findings):
    order = ("ok", "attention", "erreur")
    return max((one["etat"] for one in findings), key=order.index)


class Case(unittest.TestCase):
    def finds(self, findings, state, words, where=None):
        """One of the findings is that."""
        for one in findings:
            if one["etat"] == state and words in one["constat"] and (where is None or one["ou"] == where):
                return one
        return self.fail(f"no {state} with « {words} » at {where}:\n{findings}")


class Healthy(Case):
    def test_nothing_is_wrong(self):
        for name in ("hub", "cias", "bare"):
            code, found = hub() if name == "hub" else agent(name)
            self.assertEqual(code, 0, f"{name}: {found}")
            for check, findings in found.items():
                self.assertNotEqual(worst(findings), "erreur", check)
            for check in ("droits", "limites", "versions"):
                self.assertEqual(worst(found[check]), "ok", f"{name}: {check}")
        self.assertEqual(agent("cias")[1]["reseau"][0]["etat"], "ok")

    def test_while_serve_runs(self):
        WORLD.serve("cias")
        try:
            code, found = agent("cias")
            self.assertEqual(code, 0, found)
            self.finds(found["service"], "ok", "en marche")
            self.finds(found["reseau"], "ok", "admet cet agent")
        finally:
            WORLD.stop("cias")
        self.finds(agent("cias")[1]["service"], "ok", "arrêté")

    def test_for_people(self):
        text = WORLD.agent("cias", "doctor").must().text
        self.assertRegex(text, r"(?m)^ok +droits +le dossier")
        self.assertRegex(text, r"À corriger : 0|Rien à signaler")

    def test_zz_no_secret_was_printed(self):
        self.assertGreater(len(SAID), 3)
        for home in (WORLD.hub_home, WORLD.path("agent-cias"), WORLD.path("agent-fit")):
            for name in os.listdir(home):
                if name in SECRET_FILES or name.startswith("cle-liaison."):
                    with open(os.path.join(home, name), "rb") as file:
                        data = file.read()
                    secret = data[-32:]
                    for form in (secret, secret.hex().encode(), base64.b64encode(secret)[:40]):
                        self.assertFalse([said for said in SAID if form in said], name)


class Files(Case):
    """A wrong mode or owner: said by doctor, refused by the other commands (test_hygiene)."""

    def test_modes(self):
        for name, home, secret in (("hub", WORLD.hub_home, "pepper.key"), ("hub", WORLD.hub_home, "hub.conf"),
                                   ("cias", WORLD.path("agent-cias"), "cle-liaison.63.1"), ("cias", WORLD.path("agent-cias"), "etat.sqlite")):
            path = os.path.join(home, secret)
            for bits in (0o640, 0o604, 0o620):
                with self.subTest(path=path, bits=oct(bits)), mode(path, bits):
                    code, found = hub() if name == "hub" else agent(name)
                    self.assertEqual(code, harness.EX_CONFIG)
                    one = self.finds(found["droits"], "erreur", f"0{bits:o}", path)
                    self.assertIn(f"chmod go= {path}", one["a_faire"])

    def test_folders(self):
        with mode(WORLD.path("agent-cias"), 0o750):
            code, found = agent("cias")
            self.assertEqual(code, harness.EX_CONFIG)
            self.finds(found["droits"], "erreur", "0750", WORLD.path("agent-cias"))
        with mode(WORLD.directory, 0o777):
            self.finds(agent("cias")[1]["droits"], "erreur", "remplacer", WORLD.directory)

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_owner(self):
        path = os.path.join(WORLD.path("agent-cias"), "cle-boite")
        os.chown(path, pwd.getpwnam("postgres").pw_uid, -1)
        try:
            code, found = agent("cias")
            self.assertEqual(code, harness.EX_CONFIG)
            self.finds(found["droits"], "erreur", "autre utilisateur", path)
        finally:
            os.chown(path, 0, -1)

    def test_a_second_name(self):
        path = os.path.join(WORLD.path("agent-cias"), "cle-boite")
        os.link(path, WORLD.path("copy"))
        try:
            self.finds(agent("cias")[1]["droits"], "attention", "second nom", path)
        finally:
            os.unlink(WORLD.path("copy"))

    def test_no_home(self):
        code, found = agent("nobody")
        self.assertEqual(code, harness.EX_CONFIG)
        self.assertIn("init", self.finds(found["droits"], "erreur", "n’existe pas")["a_faire"])


class Keys(Case):
    def test_a_damaged_key(self):
        path = os.path.join(WORLD.path("agent-cias"), "cle-signature")
        with open(path, "rb") as file:
            kept = file.read()
        with open(path, "wb") as file:
            file.write(kept[:50])
        try:
            code, found = agent("cias")
            self.assertEqual(code, harness.EX_CONFIG)
            self.finds(found["cles"], "erreur", "cle-signature", path)
        finally:
            with open(path, "wb") as file:
                file.write(kept)

    def test_not_joined_yet(self):
        code, found = agent("bare")
        self.assertEqual(code, 0)
        self.assertIn("join", self.finds(found["approbation"], "attention", "rejointe")["a_faire"])

    def test_a_damaged_approval(self):
        path = os.path.join(WORLD.path("agent-cias"), "approbation")
        with open(path, "rb") as file:
            kept = file.read()
        with open(path, "wb") as file:
            file.write(kept.replace(b"A", b"B"))
        try:
            code, found = agent("cias")
            self.assertEqual(code, harness.EX_CONFIG)
            self.finds(found["approbation"], "erreur", "ne se lit pas")
        finally:
            with open(path, "wb") as file:
                file.write(kept)

    def test_no_linkage_key(self):
        folder = WORLD.path("agent-fit")
        names = [name for name in os.listdir(folder) if name.startswith("cle-liaison.")]
        self.assertTrue(names)
        for name in names:
            os.rename(os.path.join(folder, name), WORLD.path(name))
        try:
            self.assertIn("key accept", self.finds(agent("fit")[1]["liaison"], "attention", "63")["a_faire"])
        finally:
            for name in names:
                os.rename(WORLD.path(name), os.path.join(folder, name))

    def test_a_damaged_outbox(self):
        path = os.path.join(WORLD.path("agent-fit"), "etat.sqlite")
        shutil.copy2(path, WORLD.path("kept"))
        with open(path, "r+b") as file:
            file.write(b"not a database at all" * 10)
        try:
            code, found = agent("fit")
            self.assertEqual(code, harness.EX_CONFIG)
            self.finds(found["service"], "erreur", "file d’attente")
        finally:
            shutil.copy2(WORLD.path("kept"), path)


class Machine(Case):
    def test_limits(self):
        _, found = doctor(("ctai-agent", WORLD.path("agent-cias")), "prlimit", "--nofile=200:200")
        self.finds(found["limites"], "attention", "200")
        _, found = doctor(("ctai-hub", WORLD.hub_home), "prlimit", "--nofile=1000:1000", "--fsize=500000000")
        self.finds(found["limites"], "attention", "1000")
        self.finds(found["limites"], "attention", "ne peut pas dépasser")

    @unittest.skipUnless(os.geteuid() == 0, "the hub has another user than root only then")
    def test_memory_that_cannot_be_locked(self):
        _, found = doctor(("ctai-hub", WORLD.hub_home), "prlimit", "--memlock=0:0")
        self.assertIn("LimitMEMLOCK", self.finds(found["limites"], "attention", "échange")["a_faire"])

    def test_clock(self):
        code, found = shifted("ctai-hub", WORLD.hub_home, 3600)
        self.assertEqual(code, harness.EX_CONFIG)
        self.finds(found["horloge"], "erreur", "celle de la base")
        self.finds(shifted("ctai-hub", WORLD.hub_home, -30)[1]["horloge"], "attention", "celle de la base")
        code, found = shifted("ctai-agent", WORLD.path("agent-cias"), -10 * 365 * 86400)
        self.assertEqual(code, harness.EX_CONFIG)
        self.finds(found["horloge"], "erreur", "fausse")

    def test_exports_that_lie_about(self):
        folder = os.path.join(WORLD.path("agent-fit"), "inbox", "traite")
        os.makedirs(folder, 0o700, exist_ok=True)
        with open(os.path.join(folder, "personnes.csv"), "w", encoding="utf-8"):
            pass
        try:
            self.assertEqual(worst(agent("fit")[1]["exports"]), "ok")
            _, found = shifted("ctai-agent", WORLD.path("agent-fit"), 32 * 86400)
            self.assertIn("effacez", self.finds(found["exports"], "attention", "31 jours", folder)["a_faire"])
        finally:
            shutil.rmtree(os.path.join(WORLD.path("agent-fit"), "inbox"))

    def test_a_clock_that_went_back(self):
        WORLD.serve("cias")
        harness.wait_until(lambda: WORLD.agent("cias", "status", "--json").must().json()["hub"]["dernier_contact"], "no contact")
        WORLD.stop("cias")
        code, found = shifted("ctai-agent", WORLD.path("agent-cias"), -3600)
        self.assertEqual(code, harness.EX_CONFIG)
        self.finds(found["horloge"], "erreur", "reculé")

    @unittest.skipUnless(os.geteuid() == 0, "mounts a disk")
    def test_disk(self):
        small = WORLD.path("small")
        os.mkdir(small)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m,nr_inodes=60", "tmpfs", small], capture_output=True, check=False).returncode:
            self.skipTest("no mounts here")
        try:
            os.chmod(small, 0o755)
            home = os.path.join(small, "home")
            harness.run("ctai-agent", "init", "--name", "small", home=home, cwd=WORLD.directory).must()
            code, found = doctor(lambda *words: harness.run("ctai-agent", *words, home=home))
            self.assertEqual(code, harness.EX_CONFIG)
            self.finds(found["disque"], "erreur", "Mio de libres")
            self.finds(found["disque"], "erreur", "inodes")
            self.finds(found["disque"], "attention", "tmpfs")
            subprocess.run(["mount", "-o", "remount,ro", small], check=True)
            self.finds(doctor(lambda *words: harness.run("ctai-agent", *words, home=home))[1]["disque"], "erreur", "lecture seule")
        finally:
            subprocess.run(["umount", small], check=False)


class Network(Case):
    """Name, port and handshake, each told apart."""

    def rejoin(self, *addresses):
        """fit's approval anew, with those addresses of the hub."""
        path = os.path.join(WORLD.hub_home, "hub.conf")
        with open(path, encoding="utf-8") as file:
            kept = file.read()
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(f"address = {address}\n" for address in addresses)
        self.addCleanup(self.restore, path, kept)
        WORLD.admit("fit")

    def restore(self, path, kept):
        with open(path, "w", encoding="utf-8") as file:
            file.write(kept)
        WORLD.admit("fit")

    def test_name_port_and_silence(self):
        closed = harness.free_port()
        good, refused, unnamed = f"tcp://127.0.0.1:{WORLD.port}", f"tcp://127.0.0.1:{closed}", f"tcp://no-such-hub.invalid:{closed}"
        self.rejoin(unnamed, refused, good)
        code, found = agent("fit")
        self.assertEqual(code, 0, "one address that answers is enough")
        self.finds(found["reseau"], "attention", "DNS", unnamed)
        self.finds(found["reseau"], "attention", "refuse", refused)
        self.finds(found["reseau"], "ok", "admet", good)
        code, found = hub()
        self.assertEqual(code, harness.EX_CONFIG)
        self.finds(found["adresses"], "erreur", "no-such-hub.invalid", unnamed)

    def test_only_bad_addresses(self):
        closed = harness.free_port()
        self.rejoin(f"tcp://127.0.0.1:{closed}", f"tcp://no-such-hub.invalid:{closed}")
        code, found = agent("fit")
        self.assertEqual(code, harness.EX_CONFIG)
        self.assertEqual([one["etat"] for one in found["reseau"]], ["erreur", "erreur"])

    def test_what_listens_is_no_hub(self):
        with listener(0, lambda connection: (connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), connection.recv(100))) as port:
            self.rejoin(f"tcp://127.0.0.1:{port}")
            code, found = agent("fit")
        self.assertEqual(code, harness.EX_CONFIG)
        self.finds(found["reseau"], "erreur", "clés : ")

    def test_another_hub(self):
        other, port = WORLD.path("other-hub"), harness.free_port()
        harness.run("ctai-hub", "init", "--listen", f"tcp://127.0.0.1:{port}", home=other, cwd=WORLD.directory).must()
        service = harness.Service("ctai-hub", other, WORLD.directory, "other")
        try:
            service.wait_ready()
            self.rejoin(f"tcp://127.0.0.1:{port}")
            code, found = agent("fit")
            self.assertEqual(code, harness.EX_CONFIG)
            one = self.finds(found["reseau"], "erreur", "n’a pas la clé du hub")
            self.assertIn("empreinte", one["a_faire"])
        finally:
            service.stop()

    def test_revoked(self):
        WORLD.enrol("cecler")
        self.assertEqual(worst(agent("cecler")[1]["reseau"]), "ok")
        WORLD.hub("agent", "revoke", "cecler").must()
        harness.wait_until(lambda: not WORLD.admits("cecler"), "the hub still lets it in")
        code, found = agent("cecler")
        self.assertEqual(code, harness.EX_CONFIG)
        self.finds(found["reseau"], "erreur", "n’admet pas cet agent")

    def test_the_port_is_another_programs(self):
        WORLD.stop("hub")
        try:
            self.finds(hub()[1]["port"], "attention", "arrêté")
            with listener(WORLD.port, lambda connection: connection.recv(1)):
                code, found = hub()
                self.assertEqual(code, harness.EX_CONFIG)
                self.finds(found["port"], "erreur", "occupe le port")
        finally:
            WORLD.serve("hub")


class Database(Case):
    def test_away(self):
        WORLD.stop("hub")
        version = os.path.join(WORLD.hub_home, "postgres", "PG_VERSION")
        os.rename(version, version + ".gone")
        try:
            code, found = hub()
            self.assertEqual(code, harness.EX_CONFIG)
            self.finds(found["base"], "erreur", "ne répond pas")
            self.assertEqual(worst(found["droits"]), "ok", "the other checks go on")
            self.assertIn("configuration", found)
        finally:
            os.rename(version + ".gone", version)
            WORLD.serve("hub")

    def test_of_another_hub(self):
        before = sql("SELECT fingerprint FROM ctai.hub_identity").strip()
        sql(f"UPDATE ctai.hub_identity SET fingerprint = '{before[::-1]}'")
        try:
            code, found = hub()
            self.assertEqual(code, harness.EX_CONFIG)
            self.finds(found["schema"], "erreur", "autre hub")
        finally:
            sql(f"UPDATE ctai.hub_identity SET fingerprint = '{before}'")

    def test_newer_and_older(self):
        sql("INSERT INTO ctai.migration (name, checksum) VALUES ('999_later.sql', decode(repeat('00', 32), 'hex'))")
        try:
            code, found = hub()
            self.assertEqual(code, harness.EX_CONFIG)
            self.finds(found["schema"], "erreur", "autre version")
        finally:
            sql("DELETE FROM ctai.migration WHERE name = '999_later.sql'")
        sql("CREATE TABLE kept AS SELECT * FROM ctai.migration WHERE name = '002_alarm.sql'; "
            "DELETE FROM ctai.migration WHERE name = '002_alarm.sql'")
        try:
            code, found = hub()
            self.assertEqual(code, 0)
            self.finds(found["schema"], "attention", "plus ancienne")
            self.assertEqual(sql("SELECT count(*) FROM ctai.migration WHERE name = '002_alarm.sql'").strip(), "0", "doctor only looks")
        finally:
            sql("INSERT INTO ctai.migration SELECT * FROM kept; DROP TABLE kept")

    def test_a_role_is_missing(self):
        sql("ALTER ROLE ctai_web RENAME TO ctai_web_away")
        try:
            code, found = hub()
            self.assertEqual(code, harness.EX_CONFIG)
            self.assertIn("deploy/roles.sql", self.finds(found["roles"], "erreur", "que 3")["a_faire"])
        finally:
            sql("ALTER ROLE ctai_web_away RENAME TO ctai_web")

    def test_batches_that_wait_for_a_backup(self):
        files = DataSet(5, 12, THIERS_2023).write(WORLD.path("data"))
        path = os.path.join(WORLD.hub_home, "hub.conf")
        with open(path, encoding="utf-8") as file:
            kept = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(re.sub(r"^stable = .*", "stable = later", kept, flags=re.M))
        WORLD.stop("hub")
        WORLD.serve("hub")
        try:
            WORLD.push("cias", files["cias"]).must(harness.EX_OK, harness.EX_DATAERR)
            self.finds(hub()[1]["sauvegarde"], "ok", "moins de 7 jours")
            sql("UPDATE ctai.ledger SET received_at = received_at - interval '9 days'")
            self.assertIn("ctai-hub backup", self.finds(hub()[1]["sauvegarde"], "attention", "9 jours")["a_faire"])
        finally:
            with open(path, "w", encoding="utf-8") as file:
                file.write(kept)

    def test_standing_cells_that_the_records_do_not_give(self):
        files = DataSet(6, 12, THIERS_2023).write(WORLD.path("cells"))
        WORLD.push("cias", files["cias"]).must(harness.EX_OK, harness.EX_DATAERR)
        deadline = time.monotonic() + 30
        while sql("SELECT EXISTS (SELECT FROM ctai.mark)").strip() != "f" and time.monotonic() < deadline:
            time.sleep(0.1)
        right = WORLD.report()
        self.finds(hub()[1]["evaluation"], "ok", "comparées")
        sql("UPDATE ctai.cell SET value = '4321' WHERE action = 0 AND indicator = '1.1.total'")
        code, found = hub()
        self.assertEqual(code, harness.EX_CONFIG)
        one = self.finds(found["evaluation"], "erreur", ": 1")
        self.assertEqual(one["ou"], THIERS_2023["id"])
        self.assertIn("4321", str(WORLD.report()), "a report reads the standing cells")
        sql("DELETE FROM ctai.standing")  # what the finding advises
        self.finds(hub()[1]["evaluation"], "ok", "comparées")
        self.assertEqual(str(WORLD.report()), str(right))

    def test_writes_that_are_not_kept(self):
        sql("ALTER SYSTEM SET fsync = off")
        sql("SELECT pg_reload_conf()")
        try:
            code, found = hub()
            self.assertEqual(code, harness.EX_CONFIG)
            self.finds(found["base"], "erreur", "coupure de courant")
        finally:
            sql("ALTER SYSTEM RESET fsync")
            sql("SELECT pg_reload_conf()")


if __name__ == "__main__":
    unittest.main()
