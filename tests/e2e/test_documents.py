"""The documents for the officer against what is there: files of the homes, commands, tests that they name."""

import glob
import os
import re
import unittest

import harness
from contracts import THIERS_2023
from generate import DataSet

DOCS = os.path.join(harness.ROOT, "deploy", "docs")


def read(*parts):
    with open(os.path.join(harness.ROOT, *parts), encoding="utf-8") as file:
        return file.read()


def names_in(path):
    """What a test's file holds: Python's methods, Check's tests."""
    with open(path, encoding="utf-8", errors="replace") as file:
        text = file.read()
    return set(re.findall(r"def (test_\w+)", text)) | set(re.findall(r"START_TEST\((\w+)\)", text))


class Named(unittest.TestCase):
    """A test that a document calls to witness exists."""

    def test_tests(self):
        seen = 0
        for path in [*glob.glob(os.path.join(DOCS, "*.md")), os.path.join(harness.ROOT, "SECURITY.md")]:
            with open(path, encoding="utf-8") as file:
                text = file.read()
            for named, test in re.findall(r"`(tests/[\w./-]+)(?:::(\w+))?`", text):
                with self.subTest(document=os.path.basename(path), test=f"{named}::{test}"):
                    full = os.path.join(harness.ROOT, named)
                    self.assertTrue(os.path.exists(full))
                    if test:
                        self.assertIn(test, names_in(full))
                seen += 1
        self.assertGreater(seen, 1)

    def test_links(self):
        for path in [*glob.glob(os.path.join(DOCS, "*.md")), os.path.join(harness.ROOT, "SECURITY.md")]:
            with open(path, encoding="utf-8") as file:
                for target in re.findall(r"\]\(([^)#:]+)\)", file.read()):
                    with self.subTest(document=os.path.basename(path), link=target):
                        self.assertTrue(os.path.exists(os.path.join(os.path.dirname(path), target)))


class Homes(unittest.TestCase):
    """Each file of a home stands in the document on what is kept where."""

    def listed(self, title):
        section = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", read("deploy", "docs", "flux-de-donnees.md"), re.M | re.S).group(1)
        return [word for row in re.findall(r"^\| ([^|]*) \|", section, re.M) for word in re.findall(r"`([^`]+)`", row)]

    def check(self, home, title):
        patterns = self.listed(title)
        self.assertTrue(patterns)
        for name in os.listdir(home):
            base = re.sub(r"-(journal|wal|shm)$", "", name)
            self.assertTrue(any(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), base) for pattern in patterns),
                            f"{home}/{name} is not in flux-de-donnees.md, « {title} »")

    def test_homes(self):
        with harness.world() as world:
            world.start(operators=["cias"])
            files = DataSet(3, 12, THIERS_2023).write(world.path("data"))
            world.push("cias", files["cias"]).must(harness.EX_OK, harness.EX_DATAERR)
            world.serve("cias")
            self.check(world.path("agent-cias"), "Ce qui reste sur la machine de l’opérateur")
            self.check(world.hub_home, "Ce que garde le hub")


if __name__ == "__main__":
    unittest.main()
