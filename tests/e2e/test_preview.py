"""`preview` against the oracle: every record that would leave, its fields, and who shares a token with whom."""

import collections
import unittest

import harness
from contracts import THIERS_2023
from generate import DataSet
from records import make_records
from tables import TYPES

WORLD = None
FILES = None
HEADER = ("contrat,action,type,mois,cle,jeton_e,jeton_i,jeton_menage,sexe,bpi,moins_25,minutes,nombre,centimes,jours,"
          "code,reference")
_TRUE = {"1", "oui", "true", "vrai", "t"}


def setUpModule():
    global WORLD, FILES
    WORLD = harness.World()
    unittest.addModuleCleanup(WORLD.close)
    WORLD.start()
    FILES = DataSet(71, 250, THIERS_2023).write(WORLD.path("data"))


def previewed(name):
    """The rows of an operator's preview."""
    persons, events = FILES[name]
    done = WORLD.agent(name, "preview", "--persons", persons, "--events", events, "--format", "csv")
    done.must(harness.EX_OK, harness.EX_DATAERR)
    assert done.text.startswith(HEADER + "\n"), done.text[:300]
    return done.csv()


def text(value):
    """A number that may be missing."""
    return "" if value is None else str(value)


def fields_of_row(row):
    """What a preview's row says, without tokens."""
    face = ("", False, False)
    if row["type"] == "beneficiaire":
        face = (row["sexe"], row["bpi"] in _TRUE, row["moins_25"] in _TRUE)
    return (row["action"], row["type"], row["mois"], *face, row["minutes"], row["nombre"], row["centimes"], row["jours"],
            row["code"])


def fields_of_record(record):
    """The same of the oracle's record."""
    face = ("", False, False)
    kind = None
    if record.type == "beneficiaire":
        face = (record.sex, record.bpi, record.under_25)
    else:
        kind = TYPES[record.type].quantity
    amounts = [text(record.quantity) if kind and kind[0] == letter else "" for letter in "hce"]
    return (record.action, record.type, record.month, *face, *amounts, text(record.days), record.code or "")


def classes(pairs):
    """[(token, fields)] -> the multiset of what each token is seen with."""
    seen = collections.defaultdict(list)
    for token, fields in pairs:
        if token:
            seen[token].append(fields)
    return collections.Counter(tuple(sorted(fields)) for fields in seen.values())


class Preview(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = {name: previewed(name) for name in FILES}
        cls.records = {name: make_records(name, THIERS_2023, *paths).records for name, paths in FILES.items()}

    def assert_same(self, got, right, label):
        """Two multisets are equal; says the first differences."""
        missing, extra = list((right - got).elements()), list((got - right).elements())
        self.assertFalse(missing or extra, f"{label}\n missing {missing[:3]}\n extra {extra[:3]}")

    def test_fields(self):
        for name, rows in self.rows.items():
            got = collections.Counter(fields_of_row(row) for row in rows)
            self.assert_same(got, collections.Counter(map(fields_of_record, self.records[name])), name)

    def test_tokens_tie_the_same_records_across_operators(self):
        columns = [("jeton_e", lambda r: r.number), ("jeton_i", lambda r: r.string), ("jeton_menage", lambda r: r.household)]
        for column, of_record in columns:
            got = classes((row[column], (name, *fields_of_row(row))) for name, rows in self.rows.items() for row in rows)
            right = classes((of_record(r), (name, *fields_of_record(r))) for name, found in self.records.items() for r in found)
            self.assert_same(got, right, column)

    def test_references_are_names_within_an_action_and_a_type(self):
        for name, rows in self.rows.items():
            got = classes((row["reference"], fields_of_row(row)) for row in rows)
            right = classes(((r.action, r.type, r.reference) if r.reference else None, fields_of_record(r))
                            for r in self.records[name])
            self.assert_same(got, right, name)
        together = [set(row["reference"] for row in rows) - {""} for rows in self.rows.values()]
        self.assertEqual(sum(map(len, together)), len(set().union(*together)), "a reference's hash is an operator's own")

    def test_keys_are_distinct_and_stable(self):
        for name, rows in self.rows.items():
            keys = [row["cle"] for row in rows]
            self.assertEqual(len(keys), len(set(keys)), name)
            self.assertEqual(sorted(keys), sorted(row["cle"] for row in previewed(name)), name)

    def test_what_a_kind_does_not_carry(self):
        for rows in self.rows.values():
            for row in rows:
                tokens = tuple(bool(row[c]) for c in ("jeton_e", "jeton_i", "jeton_menage"))
                if row["type"] == "beneficiaire":
                    self.assertEqual(tokens[1:], (True, False))
                elif row["type"] == "logement_perenne":
                    self.assertEqual(tokens, (False, False, True))
                else:
                    self.assertEqual((tokens[2], row["sexe"], row["bpi"] in _TRUE, row["moins_25"] in _TRUE), (False, "", False, False))
                    self.assertLessEqual(sum(tokens), 1)


if __name__ == "__main__":
    unittest.main()
