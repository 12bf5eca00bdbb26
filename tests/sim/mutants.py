#!/usr/bin/python3
"""Plants each bug of mutations/*.patch in turn and runs seeds until a promise is broken.

Only the patched files are compiled again; their objects come before the archives, so that the linker takes them
in place of the good ones. A patch changes .c files alone. Exit: 0 when every bug was caught.
"""
import argparse
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATCHES = ROOT / "tests/sim/mutations"


def commands(build, target):
    """The shell commands that make a target, as lists of words."""
    text = subprocess.run(["ninja", "-C", build, "-t", "commands", target], check=True, capture_output=True, text=True).stdout
    return [line for line in text.splitlines() if line.strip()]


def plant(patch, folder):
    """Applies a patch to copies of the files that it names; their paths."""
    names = re.findall(r"^\+\+\+ b/(\S+)", patch.read_text(), re.M)
    for name in names:
        if not name.endswith(".c"):
            sys.exit(f"{patch.name}: {name} is not a .c file")
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())
    done = subprocess.run(["patch", "-p1", "--quiet", "--no-backup-if-mismatch", "-d", folder, "-i", patch],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError("the patch does not apply any more: " + done.stdout.strip().replace("\n", "; "))
    return names


def compile_one(build, folder, name, lines):
    """The object of a planted file, made as the build makes it."""
    source = str(ROOT / name)
    for line in lines:
        words = shlex.split(line)
        if "-c" in words and words[words.index("-c") + 1] == source:
            made = str(folder / (name.replace("/", "_") + ".o"))
            words[words.index("-c") + 1] = str(folder / name)
            words[words.index("-o") + 1] = made
            for option in ("-MT", "-MF"):
                if option in words:
                    words[words.index(option) + 1] = made + ".d"
            # What the file includes beside itself is where it was; an unused function is the bug's own doing.
            words[words.index("-c"):words.index("-c")] = ["-iquote", str((ROOT / name).parent), "-Wno-error"]
            done = subprocess.run(words, cwd=build, capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError("it does not compile: " + done.stderr)
            return made
    raise RuntimeError(f"{name} is not part of the simulator")


def link(build, names, objects, to, lines):
    words = shlex.split(next(line for line in reversed(lines) if "-o tests/ctai-sim" in line or "/ctai-sim " in line))
    words = words[words.index("&&") + 1:] if "&&" in words else words
    words = words[:words.index("&&")] if "&&" in words else words
    words = [word for word in words if not any(word.endswith(f"/{pathlib.Path(name).name}.o") for name in names)]
    place = words.index("-o")
    words[place + 1] = str(to)
    words[place:place] = objects
    done = subprocess.run(words, cwd=build, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError("it does not link: " + done.stderr[:400])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--jobs", default="2")
    parser.add_argument("--within", type=int, default=5000, help="seeds")
    parser.add_argument("names", nargs="*")
    chosen = parser.parse_args()
    build = str(pathlib.Path(chosen.build).resolve())
    lines = commands(build, "ctai-sim")
    patches = sorted(path for path in PATCHES.glob("*.patch") if not chosen.names or path.stem in chosen.names)
    missed = 0
    for patch in patches:
        start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="ctai-mutant-") as name:
            folder = pathlib.Path(name)
            try:
                names = plant(patch, folder)
                objects = [compile_one(build, folder, name, lines) for name in names]
                link(build, names, objects, folder / "mutant", lines)
                run = subprocess.run([folder / "mutant", "--seeds", f"0..{chosen.within - 1}", "--jobs", chosen.jobs,
                                      "--until-broken"], capture_output=True, text=True)
                found = [line for line in run.stdout.splitlines() if line.startswith("seed ")]
                said = found[0] if found else f"NOT CAUGHT within {chosen.within} seeds"
            except RuntimeError as error:
                found, said = [], f"NOT PLANTED: {error}"
        missed += not found
        print(f"{patch.stem:44} {said}  ({time.monotonic() - start:.1f} s)", flush=True)
    print(f"{len(patches) - missed} of {len(patches)} planted bugs caught")
    return missed > 0 or not patches


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
