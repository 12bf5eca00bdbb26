#!/usr/bin/python3
"""Writes the first seeds of the fuzzers' corpora: seeds.py FOLDER makes FOLDER/TARGET/NAME of each target, from the
protocol's vectors, the sample exports and the contract's file. What fuzzing finds is merged into them (see run)."""
import base64
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE_BYTES_MAX = 4096  # of a seed: longer ones make every mutation slow


def vectors(name):
    return json.loads((ROOT / "schema" / "vectors" / name).read_text(encoding="utf-8"))


class Corpus:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def put(self, target, name, data):
        if len(data) > FILE_BYTES_MAX:
            return
        to = self.folder / target
        to.mkdir(parents=True, exist_ok=True)
        (to / name).write_bytes(data)


def codec(corpus):
    for name in ("messages.json", "batches.json", "receipts.json", "bodies.json"):
        for vector in vectors(name):
            for key in ("hex", "message", "header", "receipt"):
                if isinstance(vector.get(key), str):
                    data = bytes.fromhex(vector[key])
                    seed = f"{name[:-5]}-{vector['name']}-{key}"
                    for target in ("wire", "batch", "receipt"):
                        corpus.put(target, seed, data)
            for i, body in enumerate(vector.get("bodies") or []):
                if isinstance(body, str):
                    corpus.put("batch", f"{vector['name']}-body-{i}", bytes.fromhex(body))


PERSONS = """id_local;numero_etranger;nom;prenom;date_naissance;sexe;nationalite;statut;date_cir;id_menage
p1;1234567890;Dupont;Ana;1990-01-31;F;SYR;refugie;2023-01-10;m1
p2;;N\u2019Guyen;Zo\u00e9;01/02/2001;H;VNM;salarie;2023-02-01;m1
p3;99;Khan;Ali;1985-12-12;;AFG;protection_temporaire;;
"""
EVENTS = """id_evenement;date;action;type;id_local;quantite;detail;reference
e1;2023-12-01;axe1;entree;p1;120;;
e2;2024-02-03;axe1;presence;p1;1h20;;S1
e3;03/02/2024;axe1;seance;;1,5 h;francais;S1
e4;2024-03-01;axe2;logement_perenne;p2;;;
e5;2024-04-01;axe1;sortie;p1;;emploi_durable;
e6;2024-04-02;axe1;cout;;1 234,50 \u20ac;p104;
e7;2023-11-01;axe1;niveau_debut;p2;;A1;
e8;2024-05-02;axe3;sollicitation;p3;2;;
"""
CONF = """# hub.conf
database = private
listen = tcp://*:5670
web = 127.0.0.1:8080
address = tcp://ctai.example.fr:5670
address = tcp://[2001:db8::1]:5670
writers = 4
stable = later
"""


AMENDMENT = """contrat: c
avenant: 1
date: 2024-06-01
objet: X
dernier_jour: 2025-05-31
objectifs: {1.1.total: 3}
actions:
  - code: a
    titre: B
    objectifs: {1.1.total: 12}
  - code: b
    titre: C
    operateurs: [{partie: p}]
    indicateurs: [1.1.total]
indicateurs:
  - {code: L.x, libelle: "X\\xe9 y", unite: x, compte: somme, types: [sollicitation]}
"""


def tables(corpus):
    rows = "nom;date;quantite;statut\nDupont;2024-01-31;1 234,5;x\n\"a \"\"b\"\"\nc\";31/01/2024;1h20;\n"
    corpus.put("csv", "rows", rows.encode())
    corpus.put("csv", "commas", rows.replace(";", ",").encode("cp1252"))
    corpus.put("csv", "tabs-crlf-bom", b"\xef\xbb\xbf" + rows.replace(";", "\t").replace("\n", "\r\n").encode())
    corpus.put("csv", "latin", "nom;date\nZo\u00e9;\u0152uvre\n".encode("cp1252"))
    for options in (0, 1, 2, 4, 8, 128, 143):
        events = EVENTS if options % 2 == 0 else EVENTS.replace("date;", "contrat;date;").replace("e1;", "e1;c1;").replace("e2;", "e2;c2;")
        corpus.put("export", f"office-{options}", bytes([options]) + PERSONS.encode() + b"\x1d" + events.encode())
    texts = ("Zoé De La Cruz, née le 31/01/1990 (99 12 34 56 78)", "N’Diaye ; Mai An, le premier mars deux mille quatre",
             "Le trente et un janvier mil neuf cent quatre-vingt-dix.\r\nUn livret, 12 ateliers, 04 73 00 00 00", "31-1-90, 19900131, 1er mars 04",
             "vingt-cinq février dix-neuf cent soixante et onze, quatre-vingt-dix-sept, nonante")
    for i, text in enumerate(texts):
        corpus.put("privacy", f"text-{i}", text.encode())
        corpus.put("privacy", f"office-{i}", text.encode("cp1252"))
    for sample in sorted((ROOT / "agents").glob("*/personnes.csv")):
        persons = b"\n".join(sample.read_bytes().split(b"\n")[:6])
        events = b"\n".join((sample.parent / "evenements.csv").read_bytes().split(b"\n")[:12])
        corpus.put("export", f"sample-{sample.parent.name}", b"\x00" + persons + b"\n\x1d" + events)


def files(corpus):
    contract = (ROOT / "deploy" / "contracts" / "63-thiers-2023.yaml").read_text(encoding="utf-8")
    lines = [line for line in contract.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    (corpus.folder / "contract").mkdir(parents=True, exist_ok=True)
    (corpus.folder / "contract" / "thiers").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for i in range(0, len(lines), 40):
        corpus.put("contract", f"thiers-{i}", "\n".join(lines[: i + 40]).encode()[:FILE_BYTES_MAX])
    for name in ("indicators.yaml", "regions.yaml"):
        text = (ROOT / "schema" / "catalogue" / name).read_text(encoding="utf-8")
        kept = [line for line in text.split("\n") if line.strip() and not line.startswith("#")]
        corpus.put("contract", name, ("\n".join(kept[:60]) + "\n").encode())
    corpus.put("contract", "amendment", AMENDMENT.encode())
    corpus.put("hub_conf", "all", CONF.encode())
    for address in ("tcp://*:5670", "tcp://[::]:*", "tcp://192.0.2.1:0", "tcp://ctai.example.fr:5670"):
        corpus.put("hub_conf", "endpoint-" + address[6:].replace(":", "-").replace("*", "x"), address.encode())
    for vector in vectors("credentials.json"):
        text = vector.get("file")
        if text:
            corpus.put("credential", vector["name"], text.encode())
            inside = base64.b64decode("".join(line for line in text.split("\n") if "-----" not in line))
            start = {0xc4: 3, 0xc5: 4}[inside[1]]
            size = inside[2] if inside[1] == 0xc4 else int.from_bytes(inside[2:4], "big")
            corpus.put("credential", vector["name"] + "-payload", b"\x00" + inside[start:start + size])


def call(corpus):
    def text(value):
        return b"\xff\xff\xff\xff" if value is None else len(value).to_bytes(4, "little") + value + b"\x00"

    def number(value):
        return value.to_bytes(4, "little")
    head = text(b"1") + text(b"push") + text(b"/tmp") + number(1) + number(1) + number(1)
    values = text(b"e.csv") + text(b"x") + text(b"") + text(None) * 21
    operands = text(b"c1") + text(None) * 7
    corpus.put("control", "push", b"\x00" + head + values + operands + number(0) * 3 * 32)
    named = number(1) + number(2) + number(0)
    corpus.put("control", "push-named", b"\x02" + head + values + operands + named + number(0) * 3 * 31)
    opened = number(1) + number(0) + number(1)
    corpus.put("control", "push-open", b"\x02" + head + values + operands + opened + number(0) * 3 * 31)
    corpus.put("control", "other", b"\x00" + text(b"2") + text(b"push"))


def main():
    corpus = Corpus(sys.argv[1])
    codec(corpus)
    tables(corpus)
    files(corpus)
    call(corpus)


if __name__ == "__main__":
    main()
