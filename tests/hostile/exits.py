#!/usr/bin/python3
"""Hostile files and command lines at the programs themselves: exits.py FOLDER, where FOLDER has ctai-hub and
ctai-agent. Each case has its exit code, a message in words, and no crash. (69, 75, 76 and 77 follow from the
session's stop, which check_hostile looks at, and from a hub, which tests/e2e has.)"""
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.argv[1]).resolve()
CONTRACT = ROOT / "deploy" / "contracts" / "63-thiers-2023.yaml"
USAGE, BAD_INPUT, CANNOT_WRITE, CONFIGURATION = 64, 65, 73, 78

wrong, count, met = [], 0, set()


def case(code, program, *arguments, home=None, stdout=subprocess.PIPE, cwd=None):
    global count
    command = [str(BIN / program), *(["--home", str(home)] if home else []), *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, cwd=cwd, timeout=300, check=False)
    count += 1
    met.add(done.returncode)
    said = (done.stderr + (done.stdout or b"")).decode("utf-8", "replace")
    if done.returncode != code or (code != 0 and len(said.split()) < 3):
        wrong.append(f"{' '.join(command)}: {done.returncode}, not {code}: {said[:300]}")


def usage(home):
    """Command lines that are none."""
    commands = {"ctai-agent": ["init", "join", "key create", "key grant", "key accept", "key list", "check", "preview", "push", "serve", "status"],
                "ctai-hub": ["init", "serve", "contract check", "contract add", "contract amend", "contract list", "contract show", "contract export", "contract import", "agent approve", "agent list",
                             "agent show", "agent revoke", "report", "status"]}
    for program, names in commands.items():
        for name in names:
            case(USAGE, program, *name.split(), "--inconnue", home=home)
            case(USAGE, program, *name.split(), "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", home=home)
            case(0, program, *name.split(), "--help", home=home)
        for line in ([], ["rien"], ["--"], ["-x"], ["contract"], ["key"], ["--home"], ["status", "--json=oui"], ["status", "--home"]):
            case(USAGE, program, *line)


def input_files(folder, home):
    """Files that are not what they should be."""
    request = (folder / "cias.demande").read_bytes()
    text = CONTRACT.read_bytes()
    contracts = [b"", b"\x00", b"\xff\xfe", b"PK\x03\x04", b"a: b\n", b"- a\n", b"[" * 1000, b"a: &x b\nc: *x\n", b"!!python/object a\n", b"%YAML 9.9\n---\n",
                 text[: len(text) // 2], text.replace(b"id:", b"id :x:", 1), text.replace(b"2024-11-29", b"2022-11-29"), text.replace(b"1.1.total", b"1.1.totl"),
                 text + b"\nid: x\n", text.replace(b"id: 63", b"id: 6\r3", 1), b"#" * ((1 << 20) + 1)]
    for number, content in enumerate(contracts):
        path = folder / f"c{number}.yaml"
        path.write_bytes(content)
        case(BAD_INPUT, "ctai-hub", "contract", "check", path)
    case(BAD_INPUT, "ctai-hub", "contract", "check", folder / "absent.yaml")
    case(BAD_INPUT, "ctai-hub", "contract", "check", folder)
    credentials = [b"", b"x", request, request[: len(request) // 2], request.replace(b"DEMANDE", b"APPROBATION"), request.replace(b"DEMANDE", b"CLE"),
                   b"-----BEGIN CTAI APPROBATION-----\n-----END CTAI APPROBATION-----\n", b"-----BEGIN CTAI CLE-----\nAAAA\n-----END CTAI CLE-----\n", b"\n" * ((1 << 20) + 1)]
    for number, content in enumerate(credentials):
        path = folder / f"k{number}"
        path.write_bytes(content)
        case(BAD_INPUT, "ctai-agent", "join", path, home=home)
        case(BAD_INPUT, "ctai-agent", "key", "accept", path, home=home)


def homes(folder, home):
    """Homes that are none, or that others may read."""
    case(CONFIGURATION, "ctai-agent", "status", home=folder / "absent")
    case(CONFIGURATION, "ctai-hub", "status", home=folder / "absent")
    case(CONFIGURATION, "ctai-agent", "status", home=folder / "cias.demande")
    case(CONFIGURATION, "ctai-agent", "push", "--persons", folder / "k0", "--events", folder / "k0", home=home)
    with open("/dev/full", "wb") as full:
        case(CANNOT_WRITE, "ctai-agent", "status", home=home, stdout=full)
    for name in ("cle-signature", "cle-boite", "cle-transport", "cle-enregistrements", "nom"):
        path = home / name
        kept = path.read_bytes()
        for content in (b"", kept[:-1], kept + b"x"):
            if name == "nom" and content:
                continue  # a name may be shorter or longer
            path.write_bytes(content)
            case(CONFIGURATION, "ctai-agent", "status", home=home)
        path.write_bytes(kept)
        path.chmod(0o644)
        case(CONFIGURATION, "ctai-agent", "status", home=home)
        path.chmod(0o600)
    home.chmod(0o755)
    case(CONFIGURATION, "ctai-agent", "status", home=home)
    home.chmod(0o700)
    case(0, "ctai-agent", "status", home=home)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        home = folder / "a"
        case(0, "ctai-agent", "init", "--name", "cias", home=home, cwd=folder)
        for bad in ("", "A", "-a", "é", "a b", "x" * 41, "../a"):
            case(USAGE, "ctai-agent", "init", "--name", bad, home=folder / "b", cwd=folder)
        usage(home)
        input_files(folder, home)
        homes(folder, home)
    for code in (USAGE, BAD_INPUT, CANNOT_WRITE, CONFIGURATION):
        if code not in met:
            wrong.append(f"no case ends with {code}")
    for line in wrong:
        print(line)
    print(f"{count} runs of the programs, {len(wrong)} ended otherwise")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
