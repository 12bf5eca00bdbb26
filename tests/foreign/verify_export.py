#!/usr/bin/python3
"""Verifies an exported ledger: verify_export.py FILE [RECEIPTS...]; 1 and a line for each finding when something is wrong.

Written from schema/PROTOCOL.md alone ("The ledger's chain", "An exported ledger", "Receipts of an agent"); shares no code with the product.
"""

import base64
import hashlib
import sys

import msgpack
import nacl.exceptions
import nacl.signing

HEAD, AGENT, FORMER, SCOPE, GRANT, BATCH, CONTRACT, END = range(8)
FIELDS = {HEAD: 5, AGENT: 2, FORMER: 3, SCOPE: 4, GRANT: 4, BATCH: 5, CONTRACT: 6, END: 3}
HELD, LOST, SUPERSEDED, AGAINST = range(4)
ZEROS = bytes(32)


class Malformed(Exception):
    """Not a file of this form."""


def hash32(data):
    return hashlib.blake2b(data, digest_size=32).digest()


def signed(key, data, signature):
    try:
        nacl.signing.VerifyKey(key).verify(data, signature)
        return True
    except (nacl.exceptions.BadSignatureError, ValueError):
        return False


def unpack(data):
    """A canonical value."""
    value = msgpack.unpackb(data, raw=False, strict_map_key=False)
    if msgpack.packb(value) != bytes(data):
        raise Malformed("not canonical")
    return value


def frames(data):
    """The frames, each with its bytes."""
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "big")
        if at + 4 + size > len(data) or not 1 <= size <= 1053696:
            raise Malformed("cut")
        body = data[at + 4:at + 4 + size]
        value = unpack(body)
        if not isinstance(value, list) or FIELDS.get(value[0]) != len(value):
            raise Malformed("no frame")
        yield value, body
        at += 4 + size


def read_receipts(path):
    """The agent's key, the hub's key, the receipts: each (fields, state)."""
    with open(path, encoding="ascii") as file:
        text = file.read()
    inside = text.split("-----BEGIN CTAI RECUS-----")[1].split("-----END CTAI RECUS-----")[0]
    payload, signature = unpack(base64.b64decode(inside))
    domain, identity, _, hub_sign, _, items = unpack(payload)
    if domain != "ctai-recus-1" or not signed(identity[2], payload, signature):
        raise Malformed(f"{path}: not signed by its agent")
    receipts = []
    for receipt, hub_signature, state, _ in items:
        fields = unpack(receipt)
        if fields[0] != "ctai-receipt-1" or fields[1] != identity[2] or not signed(hub_sign, receipt, hub_signature):
            raise Malformed(f"{path}: a receipt that the hub has not signed for it")
        receipts.append((fields, state))
    return identity[2], hub_sign, receipts


class Verifier:
    """One file, from its first frame to its last."""

    def __init__(self):
        self.found = []
        self.hub = None
        self.keys = {}      # signing key -> number of the agent
        self.agents = 0
        self.seal, self.count, self.ended = ZEROS, 0, False
        self.scope = None
        self.entries = {}   # (scope, position) -> (agent, sequence, hash, link)

    def wrong(self, position, what):
        self.found.append(f"scope {self.scope}, position {position}: {what}")
        self.broken = True

    def begin(self, scope, position, link):
        self.finish()
        self.scope, self.end, self.end_link = scope, position, link
        self.position, self.link, self.broken = 0, ZEROS, False
        self.places, self.grants = {}, set()

    def finish(self):
        if self.scope is not None and not self.broken and (self.position, self.link) != (self.end, self.end_link):
            self.wrong(self.position + 1, "the ledger does not end here")

    def enter(self, position, kind, entry, link):
        """Is it the next entry, and is this its link?"""
        self.link = hash32(msgpack.packb(["ctai-chain-1", self.link, self.scope, position, kind, entry]))
        if self.link != link:
            self.wrong(position, "the chain is broken")
        self.position = position

    def next_one(self, position):
        if not self.broken and position != self.position + 1:
            self.wrong(self.position + 1, "the entry is missing")
        return not self.broken

    def batch(self, position, header, signature, link):
        if not self.next_one(position):
            return
        fields = msgpack.unpackb(header, raw=False, strict_map_key=False)
        _, key, scope, incarnation, sequence, previous = fields[:6]
        agent = self.keys.get(key)
        at = self.places.get(agent, (1, 0, ZEROS))
        if agent is None or fields[0] != "ctai-batch-1" or scope != self.scope:
            self.wrong(position, "a header of nobody")
        elif not signed(key, header, signature):
            self.wrong(position, "not signed")
        elif sequence != at[1] + 1 or previous != at[2]:
            self.wrong(position, "does not follow the agent's batch before")
        elif incarnation != at[0] and (incarnation < at[0] or (agent, incarnation, at[1]) not in self.grants):
            self.wrong(position, "an incarnation that was not granted")
        else:
            self.enter(position, 1, hash32(header), link)
            self.places[agent] = (incarnation, sequence, hash32(header))
            self.entries[self.scope, position] = (agent, sequence, hash32(header), link)

    def take(self, value, body):
        kind, fields = value[0], value[1:]
        if self.ended or (kind == HEAD) != (self.count == 0):
            raise Malformed("a frame out of its order")
        if kind == HEAD:
            if fields[0] != "ctai-registre-1":
                raise Malformed("another file")
            self.hub = fields[2]
        elif kind in (AGENT, FORMER):
            number = self.agents if kind == AGENT else fields[0]
            self.agents += kind == AGENT
            self.keys[fields[-1][2]] = number
        elif kind == SCOPE:
            self.begin(*fields)
        elif kind == GRANT:
            self.grants.add(tuple(fields))
        elif kind == BATCH:
            self.batch(*fields)
        elif kind == CONTRACT:
            position, contract, version, text, link = fields
            if self.next_one(position):
                self.enter(position, 2, hash32(msgpack.packb(["ctai-contrat-1", contract, version, hash32(text)])), link)
        else:
            self.finish()
            self.ended = True
            statement, signature = fields
            if unpack(statement) != ["ctai-registre-fin-1", self.count, self.seal] or not signed(self.hub, statement, signature):
                self.found.append("the hub has not signed these frames")
        self.seal = hash32(self.seal + hash32(body))
        self.count += 1

    def compare(self, path):
        key, hub, receipts = read_receipts(path)
        if hub != self.hub or key not in self.keys:
            self.found.append(f"{path}: of another hub, or of an agent that it does not know")
            return
        for (_, _, scope, _, sequence, header, _, position, link), state in receipts:
            if state != LOST and self.entries.get((scope, position)) != (self.keys[key], sequence, header, link):
                self.found.append(f"scope {scope}, position {position}: the agent of {path} was shown another history")


def verify(path, receipts=()):
    """The findings; none: intact."""
    verifier = Verifier()
    try:
        with open(path, "rb") as file:
            for value, body in frames(file.read()):
                verifier.take(value, body)
        if not verifier.ended:
            raise Malformed("cut")
        for one in receipts:
            verifier.compare(one)
    except (Malformed, msgpack.exceptions.UnpackException, ValueError, TypeError, IndexError, KeyError) as error:
        verifier.found.append(f"{path}: {type(error).__name__} {error}")
    return verifier.found


if __name__ == "__main__":
    findings = verify(sys.argv[1], sys.argv[2:])
    print("\n".join(findings) or "intact")
    sys.exit(bool(findings))
