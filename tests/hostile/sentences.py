#!/usr/bin/python3
"""Has each sentence that the readers of files can say been said? sentences.py FILE, where FILE has the diagnostics of
the hostile corpus. A sentence is a string of the sources below in French words; its % directives stand for anything."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ["schema/core/yamldoc.c", "schema/core/yamldoc_map.c", "hub/core/contract.c", "hub/core/contract_action.c", "hub/core/hub_conf.c",
           "agents/core/table.c", "agents/core/persons.c", "agents/core/events.c", "agents/core/quantity.c", "agents/core/counting.c"]


def literals(text):
    """Strings of C, adjacent ones joined, without those of comments."""
    text = re.sub(r"/\*.*?\*/", lambda found: "\n" * found.group().count("\n"), text, flags=re.S)
    for found in re.finditer(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*', text):
        parts = re.findall(r'"((?:[^"\\\n]|\\.)*)"', found.group())
        yield "".join(parts)


def is_sentence(text):
    words = text.split()
    return len(words) >= 3 and any(ord(c) > 127 for c in text) and re.search(r"[a-zé]{3}", text) is not None


def main():
    said = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8", errors="replace")
    missing, count = [], 0
    for source in SOURCES:
        for text in dict.fromkeys(literals((ROOT / source).read_text(encoding="utf-8"))):
            if not is_sentence(text) or text.removeprefix("\\n").startswith("#"):  # comments of a file that is written
                continue
            count += 1
            pattern = re.escape(text)
            pattern = re.sub(r"%(?:\\\.)?(?:\\\*|[0-9])*(?:lu|zu|s|d|u|c)", ".*", pattern)
            if re.search(pattern, said) is None:
                missing.append(f"{source}: {text}")
    for line in missing:
        print("never said:", line)
    print(f"{count} sentences, {len(missing)} never said")
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
