"""The man pages against the programs: every command and every option of --help is there, and nothing else."""

import os
import re
import unittest

import harness

COMMON = {"--home", "--json", "--help", "--version"}
HELP_COLUMN = 30  # of the explanations in --help


def entries(text, title):
    """What stands left of the explanations in that section of a --help."""
    section = re.search(rf"^{title} :\n((?:  .*\n|\n(?=  ))*)", text, re.M).group(1)
    return [line[:HELP_COLUMN].strip() if len(line) > HELP_COLUMN and "  " in line[2:] else line.strip()
            for line in section.split("\n") if re.match(r"  \S", line)]


def options(text, title="Options"):
    """The options of that section, in their short and long forms."""
    return {word for entry in entries(text, title) for word in re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", entry.split("  ")[0])}


def manual(program):
    """The man page's sections and, of COMMANDES, its commands: title -> text without roff."""
    with open(os.path.join(harness.ROOT, "deploy", "man", f"{program}.8"), encoding="utf-8") as file:
        text = re.sub(r"\\f[BIRP]", "", file.read()).replace("\\-", "-")
    sections = dict(part.split("\n", 1) for part in re.split(r"^\.SH ", text, flags=re.M)[1:])
    commands = dict(part.split("\n", 1) for part in re.split(r"^\.SS ", sections["COMMANDES"], flags=re.M)[1:])
    return sections, {title.strip('"'): body for title, body in commands.items()}


def paragraph_options(body):
    """The options that a part of the page explains (those of its .TP paragraphs)."""
    return {word for line in re.findall(r"^\.TP\n(.*)$", body, re.M) for word in re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", line)}


class Manual(unittest.TestCase):
    def check(self, program):
        sections, commands = manual(program)
        top = harness.run(program, "--help").must().text
        names = entries(top, "Commandes")
        described = {}
        for title, body in commands.items():
            found = [name for name in names if title == name or title.startswith(name + " ")]
            self.assertEqual(len(found), 1, f"{program}(8) has a command that the program has not: {title}")
            described[found[0]] = (title, body)
        self.assertEqual(sorted(described), sorted(names))
        self.assertEqual(paragraph_options(sections["OPTIONS"]), COMMON)
        self.assertEqual(options(top, "Options de toutes les commandes"), COMMON)
        for name in names:
            with self.subTest(program=program, command=name):
                text = harness.run(program, *name.split(), "--help").must().text
                title, body = described[name]
                self.assertEqual(paragraph_options(body), options(text) - COMMON)
                usage = re.match(rf"Usage : {program} {name}(.*)", text).group(1)
                operands = re.sub(r"\[OPTIONS\]|-\S+ \S+", "", usage).split()
                self.assertEqual(title.split()[len(name.split()):], operands)

    def test_hub(self):
        self.check("ctai-hub")

    def test_agent(self):
        self.check("ctai-agent")

    def test_exit_codes(self):
        for program in ("ctai-hub", "ctai-agent"):
            codes = re.findall(r"^\.TP\n(\d+)$", manual(program)[0]["CODES DE SORTIE"], re.M)
            self.assertEqual(codes, ["0", "64", "65", "69", "70", "73", "75", "76", "77", "78"])


if __name__ == "__main__":
    unittest.main()
