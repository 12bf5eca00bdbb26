#!/usr/bin/python3
"""The files of schema/vectors read by an independent program: hashlib, PyNaCl, python3-msgpack and PROTOCOL.md alone.

Good bytes must decode to the value beside them and be packed again to the same bytes; tokens, hashes, signatures, boxes
and fingerprints must come out as stated; bad bytes must break the canonical form or a rule of the document.
"""
import base64
import hashlib
import json
import pathlib
import sys
import unicodedata

import msgpack
import nacl.bindings
import nacl.exceptions
import nacl.signing

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "schema" / "vectors"
LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ə": "e", "ŋ": "n", "æ": "ae",
                         "œ": "oe", "þ": "th"})
checked = 0


def require(truth, vector, what):
    global checked
    checked += 1
    if not truth:
        sys.exit(f"{vector.get('name')}: {what}")


def load(name):
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def unhex(text):
    return bytes.fromhex(text)


def hash32(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def keyed(key, text):
    return hashlib.blake2b(text.encode(), digest_size=16, key=key).hexdigest()


def without_marks(text):
    return "".join(c for c in text if not unicodedata.category(c).startswith("M"))


def fold(text):
    text = without_marks(unicodedata.normalize("NFKD", text)).casefold()
    text = without_marks(unicodedata.normalize("NFKD", text)).translate(LETTERS)
    return "".join(c for c in text if unicodedata.category(c)[0] in "LN")


def pack(value):
    return msgpack.packb(value, use_bin_type=True)


def unpack(data):
    return msgpack.unpackb(data, raw=False, strict_map_key=False)


def from_json(value):
    """{"bin": hex} stands for a binary."""
    if isinstance(value, dict):
        return unhex(value["bin"])
    return [from_json(item) for item in value] if isinstance(value, list) else value


def canonical(data):
    """Is it what a canonical writer makes, of the types that the protocol has?"""
    def plain(value):
        if isinstance(value, list):
            return all(plain(item) for item in value)
        if isinstance(value, bool) or value is None or isinstance(value, (str, bytes)):
            return True
        return isinstance(value, int) and 0 <= value < 2 ** 63
    try:
        value = unpack(data)
        return isinstance(value, list) and plain(value) and pack(value) == data
    except (ValueError, msgpack.exceptions.ExtraData, msgpack.exceptions.UnpackException, UnicodeDecodeError):
        return False


def verify(signature, data, key):
    try:
        nacl.signing.VerifyKey(key).verify(data, signature)
        return True
    except nacl.exceptions.BadSignatureError:
        return False


def fingerprint(data):
    digest = hashlib.blake2b(b"ctai-fingerprint-1" + data, digest_size=32).digest()
    return "-".join(f"{int.from_bytes(digest[4 * i:4 * i + 4], 'big') % 100000:05d}" for i in range(8))


def check_forms(name):
    """Good: value and bytes agree. Bad: the bytes are not canonical, or a rule is broken (check_rules knows how many)."""
    broken_rules = 0
    for vector in load(name):
        if "good" not in vector or "hex" not in vector:
            continue
        data = unhex(vector["hex"])
        if vector["good"]:
            require(canonical(data), vector, "is not canonical")
            require(unpack(data) == from_json(vector["value"]), vector, "has another value")
            require(pack(from_json(vector["value"])) == data, vector, "is packed otherwise")
        else:
            require(vector["reason"], vector, "gives no reason")
            broken_rules += canonical(data)
    return broken_rules


def check_fold_and_tokens():
    for vector in load("fold.json"):
        require(unhex(vector["hex"]).decode() == vector["text"], vector, "is another text")
        require(fold(vector["text"]) == vector["folded"], vector, f"folds to {fold(vector['text'])!r}")
    for vector in load("tokens.json"):
        key = unhex(vector["key"])
        if "key_id" in vector:
            require(keyed(key, "ctai:key-id:1") == vector["key_id"], vector, "has another key id")
        if "E" in vector:
            require(keyed(key, "ctai:e:1:" + vector["digits"]) == vector["E"], vector, "has another E")
        if "I" in vector:
            identity = "|".join([fold(vector["nom"]), fold(vector["prenom"]), vector["date_naissance"]])
            require(identity == vector["identity"], vector, "has another identity")
            require(keyed(key, "ctai:i:1:" + identity) == vector["I"], vector, "has another I")
            require(keyed(key, "ctai:m:1:" + identity) == vector["M"], vector, "has another M")


def check_batches():
    before = bytes(32)
    for vector in load("batches.json"):
        if vector["type"] != "batch":
            continue
        header, agent = unhex(vector["header"]), unhex(vector["agent"])
        fields = unpack(header)
        require(canonical(header) and fields == from_json(vector["value"]), vector, "has another header")
        require(fields[0] == "ctai-batch-1" and fields[1] == agent, vector, "is of another agent")
        require(fields[5] == before, vector, "does not follow the one before")
        before = hash32(header)
        require(before == unhex(vector["hash"]), vector, "has another hash")
        signer = nacl.signing.SigningKey(unhex(vector["seed"]))
        require(bytes(signer.verify_key) == agent, vector, "has another key")
        require(signer.sign(header).signature == unhex(vector["signature"]), vector, "has another signature")
        bodies = [unhex(body) for body in vector["bodies"]]
        require([hash32(body) for body in bodies] == fields[9], vector, "has other bodies")
        require(all(canonical(body) for body in bodies), vector, "has a body that is not canonical")
        keys = [unpack(body)[2] for body in bodies]
        require(keys == sorted(set(keys)), vector, "has keys that do not ascend")
        message = unpack(unhex(vector["message"]))
        require(message[:3] == [2, header, unhex(vector["signature"])], vector, "is sent otherwise")
        require(all(sent in (None, body) for sent, body in zip(message[3], bodies)), vector, "sends other bodies")


def check_receipts():
    for vector in load("receipts.json"):
        if vector["type"] == "signature":
            signer = nacl.signing.SigningKey(unhex(vector["seed"]))
            require(bytes(signer.verify_key) == unhex(vector["hub"]), vector, "has another key")
            require(signer.sign(unhex(vector["receipt"])).signature == unhex(vector["signature"]), vector,
                    "has another signature")


def identity_of(stated):
    return [stated["name"], unhex(stated["curve"]), unhex(stated["sign"]), unhex(stated["box"])]


def open_armour(vector):
    """The payload's fields of a file, whose signature must be that of the key in it."""
    lines = vector["file"].splitlines()
    require(lines[0] == f"-----BEGIN CTAI {vector['type']}-----", vector, "begins otherwise")
    require(lines[-1] == f"-----END CTAI {vector['type']}-----", vector, "ends otherwise")
    require(all(len(line) == 64 for line in lines[1:-2]), vector, "has other lines")
    payload, signature = unpack(base64.b64decode("".join(lines[1:-1]), validate=True))
    require(canonical(payload), vector, "is not canonical")
    fields = unpack(payload)
    signer = fields[2] if vector["type"] == "APPROBATION" else fields[1][2]
    require(verify(signature, payload, signer), vector, "is not well signed")
    return fields


def check_credentials():
    vectors = {vector["name"]: vector for vector in load("credentials.json")}
    for vector in vectors.values():
        for part in ("identity", "agent", "sender", "recipient"):
            if part in vector:
                require(fingerprint(pack(identity_of(vector[part]))) == vector[part]["fingerprint"], vector,
                        "has another fingerprint")
    vector = vectors["request"]
    require(open_armour(vector) == ["ctai-demande-1", identity_of(vector["identity"])], vector, "says something else")
    vector = vectors["approval"]
    fields = open_armour(vector)
    hub = [unhex(vector["hub_curve"]), unhex(vector["hub_sign"])]
    require(fields[:5] == ["ctai-approbation-1", *hub, [vector["address"]], identity_of(vector["agent"])], vector,
            "says something else")
    require(fingerprint(pack(hub)) == vector["hub_fingerprint"], vector, "has another fingerprint")
    require(canonical(fields[5]) and unpack(fields[5])[0][0] == "thiers-2023", vector, "has other contracts")
    vector = vectors["grant"]
    fields = open_armour(vector)
    bound = [identity_of(vector["sender"]), identity_of(vector["recipient"]), vector["scope"], vector["epoch"], 1,
             unhex(vector["key_id"])]
    require(fields[:-1] == ["ctai-cle-1", *bound], vector, "says something else")
    box = fields[-1]
    inside = nacl.bindings.crypto_box_open(box[24:], box[:24], unhex(vector["sender"]["box"]),
                                           unhex(vector["recipient_box_secret"]))
    require(inside == hash32(pack(["ctai-cle-lien-1", *bound])) + unhex(vector["key"]), vector, "holds something else")
    require(keyed(unhex(vector["key"]), "ctai:key-id:1") == vector["key_id"], vector, "has another key id")


def check_digests():
    """The digests of messages.json are those of the records listed there."""
    messages = {vector["name"]: unpack(unhex(vector["hex"])) for vector in load("messages.json") if vector["good"]}
    digests = bytearray(4096)
    for key, contract, incarnation, sequence in messages["listed"][7]:
        said = key + bytes([len(contract)]) + contract.encode() + incarnation.to_bytes(8, "big") + sequence.to_bytes(8, "big")
        for i, byte in enumerate(hashlib.blake2b(said, digest_size=16).digest()):
            digests[16 * key[0] + i] ^= byte
    require(any(digests) and messages["digests"][4] == bytes(digests), {"name": "digests"}, "are other digests")


def main():
    check_fold_and_tokens()
    # Of the bad ones, those that are canonical break a rule: there must be both sorts.
    for name in ("messages.json", "bodies.json", "batches.json", "receipts.json"):
        require(check_forms(name) > 0, {"name": name}, "has no bad one that is canonical")
    check_batches()
    check_digests()
    check_receipts()
    check_credentials()
    print(f"{checked} checks, all passed")


main()
