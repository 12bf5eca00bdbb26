"""The proof: a ledger that was tampered with is found out, by the hub's own audit and by a third party with an export; the agents' receipts show what
the ledger alone cannot. Each attack is made in the database, as its owner could make it."""

import contextlib
import hashlib
import json
import subprocess
import sys
import unittest

import msgpack
import nacl.signing

import harness
from test_two_hubs import Database

sys.path.insert(0, harness.os.path.join(harness.ROOT, "tests", "foreign"))
import verify_export  # noqa: E402  (the check written from the protocol's document alone)

WORLD = None
BASE = None
PERSONS = "id_local;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir\n1;Essai;Ana;1990-01-01;F;AF;refugie;2023-01-01\n"
EVENTS = "id_evenement;date;action;type;id_local;quantite;detail;reference\n"
TABLES = ("ledger", "scope", "agent_scope")
ROUNDS = 3
LAST = 1 + 2 * ROUNDS  # positions: the contract, then the agents' batches in turn
FIRST_OF_FIT, FIRST_OF_CECLER = 2, 3


def setUpModule():
    global WORLD, BASE
    BASE = Database()
    unittest.addModuleCleanup(BASE.close)
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    WORLD.hub("init", "--listen", f"tcp://127.0.0.1:{WORLD.port}", "--database", BASE.conninfo()).must()
    WORLD.hub("contract", "add", harness.CONTRACT_FILE).must()
    WORLD.serve()
    for name in ("fit", "cecler"):
        WORLD.enrol(name)
    WORLD.share_key(["fit", "cecler"])
    for number in range(ROUNDS):
        push("fit", number).must()
        push("cecler", number).must()


def push(name, number):
    """One batch: three facts whose count is the number."""
    rows = "".join(f"{day};2024-01-1{day};axe1;sollicitation;1;{number + 1};;\n" for day in range(1, 4))
    return WORLD.push(name, (WORLD.write(f"{name}/p.csv", PERSONS), WORLD.write(f"{name}/e.csv", EVENTS + rows)))


def sql(text):
    """A script as the database's owner; what it gives."""
    return subprocess.run(["psql", "-qXAt", "-v", "ON_ERROR_STOP=1", BASE.conninfo(), "-c", text], check=True, timeout=harness.TIMEOUT_S, capture_output=True,
                          text=True).stdout.strip()


def rows():
    """The ledger's batches by position: agent, header, signature, link."""
    text = sql("SELECT json_agg(json_build_object('position', position, 'agent', agent, 'header', encode(header, 'hex'),"
               " 'signature', encode(signature, 'hex'), 'chain', encode(chain, 'hex')) ORDER BY position) FROM ctai.ledger")
    return {row["position"]: row for row in json.loads(text)}


def digest(data):
    """hash32."""
    return hashlib.blake2b(data, digest_size=32).digest()


def link(previous, position, kind, entry):
    """The link of a position, from the protocol's document."""
    return digest(msgpack.packb(["ctai-chain-1", previous, harness.SCOPE, position, kind, entry]))


@contextlib.contextmanager
def tampered(script=None):
    """The database after that script; as it was, in the end."""
    sql("DROP SCHEMA IF EXISTS kept CASCADE; CREATE SCHEMA kept;"
        + "".join(f"CREATE TABLE kept.{t} AS TABLE ctai.{t};" for t in (*TABLES, "contract_version")))
    try:
        if script:
            sql(script)
        yield
    finally:
        sql("".join(f"DELETE FROM ctai.{t}; INSERT INTO ctai.{t} SELECT * FROM kept.{t};" for t in TABLES)
            + "UPDATE ctai.contract_version AS v SET definition = k.definition, chain = k.chain FROM kept.contract_version AS k"
            " WHERE (v.contract_id, v.version) = (k.contract_id, k.version)")


def export(name="registre"):
    """The ledger as it is now, for a third party."""
    path = WORLD.path(name)
    WORLD.hub("audit", "export", path).must()
    return path


def receipts(name):
    """An agent's receipts, in a file."""
    path = WORLD.path(f"{name}.recus")
    WORLD.agent(name, "receipts", "-o", path).must()
    return path


def fingerprint():
    """The hub's."""
    return WORLD.hub("status", "--json").must().json()["empreinte"]


class Audit(unittest.TestCase):
    maxDiff = None

    def check(self, *phrases, receipts_of=(), audit_alone=False, code=harness.EX_DATAERR):
        """Both programs, and the independent check, say so."""
        files = [receipts(name) for name in receipts_of]
        audit = WORLD.hub("audit", "verify", *files).must(code)
        third = None if audit_alone else harness.run("ctai-verify", export(), "--hub", fingerprint(),
                                                     *(word for file in files for word in ("--receipts", file))).must(code)
        for said in (audit, third):
            for phrase in phrases:
                if said:
                    self.assertIn(phrase, said.messages)
        if third:
            found = verify_export.verify(WORLD.path("registre"), files)
            self.assertEqual(not found, code == harness.EX_OK, found)
        return audit

    def test_0_intact(self):
        """Nothing was done to it; its numbers."""
        self.check(code=harness.EX_OK, receipts_of=("fit", "cecler"))
        said = WORLD.hub("audit", "verify", receipts("fit"), "--json").must().json()
        self.assertEqual((said["intact"], said["perimetres"], said["lots"], said["versions_de_contrats"], said["recus"]), (True, 1, 2 * ROUNDS, 1, ROUNDS))
        self.assertEqual(said["defauts"], [])

    def test_a_row_dropped(self):
        for position in (FIRST_OF_FIT, LAST - 1):
            with tampered(f"DELETE FROM ctai.ledger WHERE position = {position}"):
                self.check(f"périmètre 63, position {position} : l’entrée manque")

    def test_two_rows_swapped(self):
        with tampered(f"UPDATE ctai.ledger SET position = CASE position WHEN {FIRST_OF_FIT} THEN -3 ELSE -2 END"
                      f" WHERE position IN ({FIRST_OF_FIT}, {FIRST_OF_CECLER});"
                      " UPDATE ctai.ledger SET position = -position WHERE position < 0"):
            self.check(f"périmètre 63, position {FIRST_OF_FIT} : la chaîne est rompue")

    def test_two_batches_of_one_agent_swapped(self):
        """All but the position and the link stays together: what the agent has signed contradicts it."""
        with tampered("UPDATE ctai.ledger AS l SET header = o.header, signature = o.signature, header_hash = o.header_hash FROM ctai.ledger AS o"
                      f" WHERE l.position IN (4, 6) AND o.position = 10 - l.position"):
            self.check("position 4 : le lot 3 de l’agent « fit » vient alors qu’on attend son lot 2")

    def test_a_row_rewritten(self):
        """By another header of the hub's making, signed with a key of its own, or in the agent's name."""
        old = msgpack.unpackb(bytes.fromhex(rows()[4]["header"]), strict_map_key=False)
        key = nacl.signing.SigningKey.generate()
        for own, phrase in ((False, "n’est pas signé par l’agent « fit »"), (True, "porte une clé qui n’est celle d’aucun agent")):
            made = list(old)
            made[9] = made[9][:-1]  # one record less
            if own:
                made[1] = bytes(key.verify_key)
            header = msgpack.packb(made)
            with tampered(f"UPDATE ctai.ledger SET header = '\\x{header.hex()}', signature = '\\x{key.sign(header).signature.hex()}',"
                          f" header_hash = '\\x{digest(header).hex()}' WHERE position = 4"):
                self.check("périmètre 63, position 4 : ", phrase)

    def test_a_header_altered_by_one_bit(self):
        size = len(rows()[5]["header"]) // 2
        for byte in (size // 2, size - 1):
            with tampered(f"UPDATE ctai.ledger SET header = set_byte(header, {byte}, get_byte(header, {byte}) # 4) WHERE position = 5"):
                self.check("périmètre 63, position 5 : ", "l’en-tête ou la signature a été modifié")

    def test_a_signature_replaced(self):
        with tampered("UPDATE ctai.ledger AS l SET signature = o.signature FROM ctai.ledger AS o WHERE l.position = 6 AND o.position = 4"):
            self.check("périmètre 63, position 6 : ", "n’est pas signé par l’agent « fit »")

    def test_a_contract_rewritten(self):
        with tampered("UPDATE ctai.contract_version SET definition = replace(definition, '30', '31')"):
            self.check("périmètre 63, position 1 : la chaîne est rompue")

    def test_a_row_that_says_otherwise(self):
        with tampered("UPDATE ctai.ledger SET incarnation = 2 WHERE position = 4"):
            self.check("position 4 : la ligne du registre ne dit pas la même chose", audit_alone=True)
        with tampered("UPDATE ctai.agent_scope SET sequence = sequence + 1 WHERE agent = 1"):
            self.check("qui en est à 4", audit_alone=True)

    def test_the_end_torn_off(self):
        with tampered(f"DELETE FROM ctai.ledger WHERE position = {LAST}"):
            self.check(f"périmètre 63, position {LAST} : le registre ne finit pas là où il le dit (position {LAST})")

    def cut(self):
        """The last batch never was: everything in the database agrees."""
        before = rows()[LAST - 1]["chain"]
        previous = rows()[LAST - 2]  # of the same agent
        return (f"DELETE FROM ctai.ledger WHERE position = {LAST};"
                f"UPDATE ctai.scope SET position = {LAST - 1}, chained = {LAST - 1}, chain = '\\x{before}';"
                f"UPDATE ctai.agent_scope SET sequence = sequence - 1, stable = sequence - 1, hash = '\\x{digest(bytes.fromhex(previous['header'])).hex()}'"
                f" WHERE agent = {previous['agent']}")

    def test_the_tail_cut(self):
        with tampered(self.cut()):
            self.check(code=harness.EX_OK)
            self.check(f"périmètre 63, position {LAST} : la fin du registre a été coupée : l’agent « cecler »", receipts_of=("fit", "cecler"))

    def test_zz_two_histories(self):
        """The hub shows an agent one continuation, and another one to another agent."""
        place = max(rows()) + 1
        with tampered():
            with tampered():
                push("fit", 7).must()
                shown_to_fit, held_by_fit = export("registre-fit"), receipts("fit")
            push("cecler", 8).must()
            shown_to_cecler, held_by_cecler = export("registre-cecler"), receipts("cecler")
            for path, agent, other in ((shown_to_fit, held_by_fit, held_by_cecler), (shown_to_cecler, held_by_cecler, held_by_fit)):
                harness.run("ctai-verify", path, "--receipts", agent).must()
                self.assertEqual(verify_export.verify(path, [agent]), [])
                said = harness.run("ctai-verify", path, "--receipts", agent, "--receipts", other).must(harness.EX_DATAERR)
                self.assertIn(f"périmètre 63, position {place} : ce registre n’est pas celui que le hub a montré à l’agent", said.messages)
                self.assertIn(f"position {place}", str(verify_export.verify(path, [agent, other])))

    def test_an_export_altered_on_its_way(self):
        path = export()
        with open(path, "rb") as file:
            whole = bytearray(file.read())
        head = 4 + int.from_bytes(whole[:4], "big")
        for byte, phrase in ((12, "ce n’est pas un registre exporté"), (head - 1, "la signature du hub ne couvre pas ce fichier")):  # the head's name, its date
            altered = bytearray(whole)
            altered[byte] ^= 1
            said = harness.run("ctai-verify", WORLD.write("altere", bytes(altered))).must(harness.EX_DATAERR)
            self.assertIn(phrase, said.messages)
        for size in (0, 3, 200, len(whole) - 1):
            harness.run("ctai-verify", WORLD.write("coupe", bytes(whole[:size]))).must(harness.EX_DATAERR)
        with open(path, "ab") as file:
            file.write(b"\0\0\0\1\xc0")
        harness.run("ctai-verify", path).must(harness.EX_DATAERR)
        said = harness.run("ctai-verify", export(), "--hub", "-".join(["12345"] * 8)).must(harness.EX_DATAERR)
        self.assertIn("d’un autre hub", said.messages)

    def test_what_it_lets_nobody_read(self):
        """The third party's file has no body, and none of what bodies say."""
        with open(export(), "rb") as file:
            whole = file.read()
        self.assertNotIn(b"sollicitation", whole.replace(open(harness.CONTRACT_FILE, "rb").read(), b""))

    def test_z_the_agent_notices(self):
        """The whole history rewritten from its first entry, each link right: whoever holds a receipt knows better."""
        WORLD.enrol("cias")
        WORLD.grant_key("fit", "cias")
        push("cias", 1).must()
        definition = sql("SELECT definition FROM ctai.contract_version") + "\n# un mot de plus\n"
        entry = digest(msgpack.packb(["ctai-contrat-1", harness.CONTRACT, 1, digest(definition.encode())]))
        last = link(bytes(32), 1, 2, entry)
        script = f"UPDATE ctai.contract_version SET definition = $text${definition}$text$, chain = '\\x{last.hex()}';"
        for position, row in sorted(rows().items()):
            last = link(last, position, 1, digest(bytes.fromhex(row["header"])))
            script += f"UPDATE ctai.ledger SET chain = '\\x{last.hex()}' WHERE position = {position};"
        with tampered(script + f"UPDATE ctai.scope SET chain = '\\x{last.hex()}'"):
            self.check(code=harness.EX_OK)
            self.check(f"position {LAST + 1} : ce registre n’est pas celui que le hub a montré à l’agent « cias »", receipts_of=("cias",))
            said = push("cias", 9).must(harness.EX_PROTOCOL)
            self.assertIn("le hub montre une autre histoire que celle qu’il avait signée", said.messages)
            self.assertIn("ctai-agent receipts -o FICHIER", said.messages)
            held = WORLD.agent("cias", "receipts", "-o", WORLD.path("preuve"), "--json").must().json()
            self.assertEqual(held["contraires"], 1)
            self.assertEqual(sorted(one["etat"] for one in held["liste"]), ["contraire", "valable"])
        push("cias", 9).must()  # the hub is as it was: so is the agent's trust


if __name__ == "__main__":
    unittest.main()
