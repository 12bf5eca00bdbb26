"""What an honest hub may live through, and its proof still stands: an agent put back to an older disk, an agent with new keys, a hub put back to an
older copy of its database. Nothing of it is taken for a history rewritten."""

import os
import shutil
import subprocess
import sys
import unittest

import harness
from test_two_hubs import Database

sys.path.insert(0, os.path.join(harness.ROOT, "tests", "foreign"))
import verify_export  # noqa: E402

WORLD = None
BASE = None
PERSONS = "id_local;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir\n1;Essai;Ana;1990-01-01;F;AF;refugie;2023-01-01\n"
EVENTS = "id_evenement;date;action;type;id_local;quantite;detail;reference\n"


def setUpModule():
    global WORLD, BASE
    BASE = Database()
    unittest.addModuleCleanup(BASE.close)
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    WORLD.hub("init", "--listen", f"tcp://127.0.0.1:{WORLD.port}", "--database", BASE.make("hub")).must()
    WORLD.hub("contract", "add", harness.CONTRACT_FILE).must()
    WORLD.serve()
    for name in ("fit", "cecler"):
        WORLD.enrol(name)
    WORLD.share_key(["fit", "cecler"])
    for number in range(2):
        push("fit", number)
        push("cecler", number)


def push(name, number):
    """One batch: three facts whose count is the number."""
    rows = "".join(f"{day};2024-01-1{day};axe1;sollicitation;1;{number + 1};;\n" for day in range(1, 4))
    return WORLD.push(name, (WORLD.write(f"{name}/p.csv", PERSONS), WORLD.write(f"{name}/e.csv", EVENTS + rows))).must()


def sql(text):
    subprocess.run(["psql", "-qX", "-v", "ON_ERROR_STOP=1", BASE.conninfo(), "-c", text], check=True, timeout=harness.TIMEOUT_S)


class Honest(unittest.TestCase):
    def check(self, *states):
        """All is intact, beside the receipts of both, which are in these states; what the audit said."""
        files, held = [], set()
        for name in ("fit", "cecler"):
            files.append(WORLD.path(f"{name}.recus"))
            said = WORLD.agent(name, "receipts", "-o", files[-1], "--json").must().json()
            held |= {one["etat"] for one in said["liste"]}
        self.assertEqual(held, set(states))
        export = WORLD.path("registre")
        WORLD.hub("audit", "export", export).must()
        harness.run("ctai-verify", export, *(word for file in files for word in ("--receipts", file))).must()
        self.assertEqual(verify_export.verify(export, files), [])
        return WORLD.hub("audit", "verify", *files, "--json").must().json()

    def test_1_an_agent_put_back(self):
        home, copy = WORLD.path("agent-cecler"), WORLD.path("copie")
        shutil.copytree(home, copy, ignore=shutil.ignore_patterns("controle*"))
        push("cecler", 5)
        shutil.rmtree(home)
        shutil.move(copy, home)
        push("cecler", 6)
        self.check("valable", "ancien")

    def test_2_an_agent_with_new_keys(self):
        shutil.move(WORLD.path("agent-fit"), WORLD.path("perdu"))
        WORLD.fingerprints["fit"] = WORLD.agent("fit", "init", "--name", "fit", "--json").must().json()["empreinte"]
        WORLD.hub("agent", "replace", "fit", WORLD.path("fit.demande"), "-o", WORLD.path("fit.nouvelle")).must()
        WORLD.agent("fit", "join", WORLD.path("fit.nouvelle")).must()
        WORLD.grant_key("cecler", "fit")
        push("fit", 7)
        said = self.check("valable", "ancien")
        self.assertEqual(said["avertissements"], [])

    def test_3_a_hub_put_back(self):
        WORLD.stop()
        sql("CREATE DATABASE older TEMPLATE hub")
        WORLD.serve()
        push("fit", 8)
        push("cecler", 8)
        WORLD.stop()
        sql("DROP DATABASE hub")
        sql("ALTER DATABASE older RENAME TO hub")
        WORLD.serve()
        push("cecler", 9)
        push("fit", 9)
        said = self.check("valable", "ancien", "perdu")
        self.assertEqual(said["defauts"], [])
        self.assertIn("que le hub a ensuite déclaré perdu", said["avertissements"][0])


if __name__ == "__main__":
    unittest.main()
