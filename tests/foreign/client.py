#!/usr/bin/python3
"""A client of the protocol between an agent and the hub, written from schema/PROTOCOL.md alone.

It shares no line with the product: keys and files, canonical MessagePack, tokens, batches, the conversation, receipts.
A client that talks to a real hub keeps what `Chain` holds on disk; this one, which lives as long as a test, keeps it in memory.
"""

import base64
import hashlib
import itertools
import os
import time
import unicodedata
from dataclasses import dataclass, field

import msgpack
import nacl.exceptions
import nacl.public
import nacl.signing
import zmq
import zmq.utils.monitor

VERSION = 1
SCHEME = 1
MAX_MESSAGE = 4 << 20
MAX_INTEGER = (1 << 63) - 1
ZERO_HASH = bytes(32)

HELLO, BATCH, RENEW, SURVEY, LIST = range(1, 6)
WELCOME, ACK, CONTRACTS, REFUSED, GRANTED, DIGESTS, LISTED = range(16, 23)

# Reasons of a record, in an ACK.
(UNREADABLE, BAD_TYPE, BAD_FIELDS, BAD_CODE, BAD_QUANTITY, BAD_MONTH, BAD_TOKENS, UNKNOWN_CONTRACT, UNKNOWN_ACTION, NO_RIGHT,
 KEY_ORDER) = range(1, 12)
# Reasons of a message, in a REFUSED.
(MALFORMED, BAD_VERSION, BAD_SIGNATURE, NOT_NEXT, FORK, BAD_SCOPE, BAD_LINKAGE_KEY, REVOKED, BAD_INCARNATION, BUSY) = range(1, 11)


class ProtocolError(Exception):
    """The other side, or a file, does not keep to the protocol."""


class NotAdmitted(Exception):
    """The hub's ZAP status for our key: 400 is final, 300 and 500 pass."""

    def __init__(self, status):
        super().__init__(f"ZAP status {status}")
        self.status = status


class Unreachable(Exception):
    """No connection, or one that ended."""


def hash32(data):
    """BLAKE2b-256 without key."""
    return hashlib.blake2b(data, digest_size=32).digest()


# --- Canonical MessagePack -------------------------------------------------------------------------------------------------------

def _sized(forms, size):
    """The first byte and big-endian length of the smallest of `forms` that holds the size."""
    for first, width in forms:
        if size < 1 << (8 * width):
            return bytes([first]) + size.to_bytes(width, "big")
    raise ValueError(f"{size} is too much")


def pack(value):
    """The canonical bytes of nil, booleans, unsigned integers, strings, binaries and arrays."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if not 0 <= value <= MAX_INTEGER:
            raise ValueError(f"{value} is not an unsigned integer below 2^63")
        return bytes([value]) if value < 128 else _sized(((0xcc, 1), (0xcd, 2), (0xce, 4), (0xcf, 8)), value)
    if isinstance(value, str):
        data = value.encode("utf-8")
        start = bytes([0xa0 + len(data)]) if len(data) < 32 else _sized(((0xd9, 1), (0xda, 2)), len(data))
        return start + data
    if isinstance(value, (bytes, bytearray)):
        return _sized(((0xc4, 1), (0xc5, 2), (0xc6, 4)), len(value)) + bytes(value)
    if isinstance(value, (list, tuple)):
        start = bytes([0x90 + len(value)]) if len(value) < 16 else _sized(((0xdc, 2),), len(value))
        return start + b"".join(map(pack, value))
    raise ValueError(f"{type(value).__name__} has no form")


def unpack(data):
    """The array in `data`; refuses all that a canonical writer would not have written."""
    try:
        value = msgpack.unpackb(data, raw=False)
        if isinstance(value, list) and pack(value) == data:
            return value
    except (ValueError, TypeError, msgpack.UnpackException):
        pass
    raise ProtocolError("not a canonical array")


def expect(condition, what):
    """Refuses what the document does not allow."""
    if not condition:
        raise ProtocolError(what)


# --- Keys and files --------------------------------------------------------------------------------------------------------------

def fingerprint(data):
    """What people compare by voice."""
    digest = hash32(b"ctai-fingerprint-1" + data)
    return "-".join(f"{int.from_bytes(digest[i:i + 4], 'big') % 100_000:05}" for i in range(0, 32, 4))


def verify(public, data, signature):
    """Requires an Ed25519 signature."""
    try:
        nacl.signing.VerifyKey(public).verify(data, signature)
    except (nacl.exceptions.BadSignatureError, nacl.exceptions.ValueError) as error:
        raise ProtocolError("wrong signature") from error


@dataclass(frozen=True)
class Identity:
    """The public half of an agent."""
    name: str
    curve: bytes
    sign: bytes
    box: bytes

    def array(self):
        """As it stands in files."""
        return [self.name, self.curve, self.sign, self.box]

    def fingerprint(self):
        """Of the identity's canonical bytes."""
        return fingerprint(pack(self.array()))

    @classmethod
    def of(cls, array):
        """From a file's array."""
        expect(isinstance(array, list) and len(array) == 4 and isinstance(array[0], str), "identity")
        expect(all(isinstance(key, bytes) and len(key) == 32 for key in array[1:]), "identity")
        return cls(*array)


class Keys:
    """The three key pairs of an agent."""

    def __init__(self, name, curve=None, sign=None, box=None):
        self.curve = nacl.public.PrivateKey(curve or os.urandom(32))
        self.sign = nacl.signing.SigningKey(sign or os.urandom(32))
        self.box = nacl.public.PrivateKey(box or os.urandom(32))
        self.identity = Identity(name, bytes(self.curve.public_key), bytes(self.sign.verify_key), bytes(self.box.public_key))

    def request(self):
        """The request file."""
        return write_armour("DEMANDE", pack(["ctai-demande-1", self.identity.array()]), self.sign)


def write_armour(kind, payload, key):
    """A signed payload as a text file."""
    text = base64.b64encode(pack([payload, key.sign(payload).signature])).decode("ascii")
    lines = [text[i:i + 64] for i in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN CTAI {kind}-----", *lines, f"-----END CTAI {kind}-----", ""])


def read_armour(kind, text):
    """The payload's array, its bytes and the signature of the first armour of that kind."""
    expect(len(text.encode("utf-8", "replace")) <= 1 << 20, "a file of over 1 MiB")
    lines = [line.strip() for line in text.splitlines()]
    try:
        start = lines.index(f"-----BEGIN CTAI {kind}-----")
        end = lines.index(f"-----END CTAI {kind}-----", start)
        signed = unpack(base64.b64decode("".join(lines[start + 1:end]), validate=True))
    except ValueError as error:
        raise ProtocolError(f"no {kind}") from error
    expect(len(signed) == 2 and all(isinstance(part, bytes) for part in signed), kind)
    return unpack(signed[0]), *signed


@dataclass(frozen=True)
class Approval:
    """What the prefecture answers."""
    curve: bytes
    sign: bytes
    addresses: list
    agent: Identity
    contracts: list

    def fingerprint(self):
        """The hub's."""
        return fingerprint(pack([self.curve, self.sign]))


def read_approval(text):
    """An approval file, its signature verified."""
    array, payload, signature = read_armour("APPROBATION", text)
    expect(len(array) == 6 and array[0] == "ctai-approbation-1", "approval")
    _, curve, sign, addresses, agent, contracts = array
    verify(sign, payload, signature)
    return Approval(curve, sign, addresses, Identity.of(agent), [Contract.of(each) for each in unpack(contracts)])


@dataclass(frozen=True)
class LinkageKey:
    """The key of a scope's epoch."""
    scope: str
    epoch: int
    key: bytes
    sender: Identity = None

    def key_id(self):
        """Names the key without telling it."""
        return token(self.key, "key-id:1")


def read_grant(text, keys):
    """Opens a key grant sealed for these keys."""
    array, payload, signature = read_armour("CLE", text)
    expect(len(array) == 8 and array[0] == "ctai-cle-1", "grant")
    _, sender, recipient, scope, epoch, scheme, key_id, box = array
    giver = Identity.of(sender)
    verify(giver.sign, payload, signature)
    expect(Identity.of(recipient) == keys.identity, "a grant for somebody else")
    expect(scheme == SCHEME and len(box) == 104, "grant")
    try:
        opened = nacl.public.Box(keys.box, nacl.public.PublicKey(giver.box)).decrypt(box)
    except nacl.exceptions.CryptoError as error:
        raise ProtocolError("a box that does not open") from error
    bond = hash32(pack(["ctai-cle-lien-1", sender, recipient, scope, epoch, scheme, key_id]))
    expect(opened[:32] == bond, "a box of another grant")
    made = LinkageKey(scope, epoch, opened[32:], giver)
    expect(made.key_id() == key_id, "key id")
    return made


# --- Tokens ----------------------------------------------------------------------------------------------------------------------

_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ə": "e", "ŋ": "n", "æ": "ae", "œ": "oe",
                          "þ": "th"})


def _without_marks(text):
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.category(c).startswith("M"))


def fold(text):
    """A name as it is compared, version 1."""
    letters = _without_marks(_without_marks(text).casefold()).translate(_LETTERS)
    return "".join(c for c in letters if unicodedata.category(c)[0] in "LN")


def identity_text(nom, prenom, born):
    """The identity of a person."""
    return f"{fold(nom)}|{fold(prenom)}|{born}"


def token(key, text):
    """The BLAKE2b-128 of a text under a key."""
    return hashlib.blake2b(f"ctai:{text}".encode("utf-8"), key=key, digest_size=16).digest()


def token_e(key, digits):
    """Of a foreigner's number."""
    return token(key, f"e:1:{digits}")


def token_i(key, identity):
    """Of an identity."""
    return token(key, f"i:1:{identity}")


def token_m(key, identities):
    """Of a household."""
    return token(key, f"m:1:{min(identities, key=lambda each: each.encode('utf-8'))}")


# --- Batches ---------------------------------------------------------------------------------------------------------------------

def record(key, contract, action, kind, month, *, tokens=(), sex=None, bpi=None, under_25=None, quantity=None, code=None,
           reference=None, text=None, salt=None):
    """The bytes of a record's body."""
    return pack([salt or os.urandom(16), 1, key, contract, action, kind, month, [list(each) for each in tokens], sex, bpi, under_25,
                 quantity, code, reference, text])


def withdrawal(key, contract, salt=None):
    """The bytes of a withdrawal."""
    return pack([salt or os.urandom(16), 0, key, contract])


def erasure(key, contract, salt=None):
    """The bytes of a body that takes a record away, from history too."""
    return pack([salt or os.urandom(16), 2, key, contract])


def closing(key_id, epoch, salt=None):
    """The bytes of a body that closes an epoch of the linkage key."""
    return pack([salt or os.urandom(16), 3, key_id, epoch])


@dataclass
class Batch:
    """A batch that was signed."""
    scope: str
    incarnation: int
    sequence: int
    header: bytes
    signature: bytes
    bodies: list

    def hash(self):
        """What the next header names."""
        return hash32(self.header)

    def message(self):
        """The whole message."""
        return pack([BATCH, self.header, self.signature, self.bodies])


def make_batch(keys, scope, incarnation, sequence, previous, linkage_keys, coverage, bodies, hashes=None):
    """Signs a batch. Its bodies are sent in the order given: a caller sorts them by key."""
    header = pack(["ctai-batch-1", keys.identity.sign, scope, incarnation, sequence, previous, SCHEME,
                   [[each.epoch, each.key_id()] for each in linkage_keys], coverage, hashes or [hash32(each) for each in bodies]])
    return Batch(scope, incarnation, sequence, header, keys.sign.sign(header).signature, list(bodies))


@dataclass
class Chain:
    """An agent's batches of one scope."""
    keys: Keys
    scope: str
    incarnation: int = 1
    batches: list = field(default_factory=list)
    acknowledged: int = 0

    def add(self, bodies, coverage=(), linkage_keys=()):
        """Signs the next batch and keeps it; the bodies are put in the order of their keys."""
        batch = self.next(sorted(bodies, key=lambda body: unpack(body)[2]), coverage, linkage_keys)
        self.batches.append(batch)
        return batch

    def next(self, bodies, coverage=(), linkage_keys=()):
        """Signs what could be the next batch, and does not keep it."""
        last = self.batches[-1].hash() if self.batches else ZERO_HASH
        return make_batch(self.keys, self.scope, self.incarnation, len(self.batches) + 1, last, linkage_keys, list(coverage), bodies)

    def hash_of(self, sequence):
        """Of the header of that sequence, zeros for 0."""
        expect(sequence <= len(self.batches), "a sequence beyond ours")
        return self.batches[sequence - 1].hash() if sequence else ZERO_HASH

    def position(self):
        """As a HELLO names it."""
        last = len(self.batches)
        return [self.scope, self.incarnation, last, self.hash_of(last), self.acknowledged]

    def believe(self, position):
        """Takes the hub's position, if it lies on this chain; returns the sequence after which to go on."""
        if not self.batches and position.sequence == 0:
            self.incarnation = position.incarnation
        expect(position.incarnation == self.incarnation, "another incarnation")
        expect(position.hash == self.hash_of(position.sequence), "another hash")
        return position.sequence

    def acknowledge(self, receipt, signature, hub_sign):
        """Takes a receipt, if the hub signed it and it lies on this chain."""
        got = Receipt.of(receipt, signature, hub_sign)
        expect(got.agent == self.keys.identity.sign, "a receipt of another agent")
        expect((got.scope, got.incarnation) == (self.scope, self.incarnation), "a receipt of another scope or incarnation")
        expect(got.hash == self.hash_of(got.sequence), "a receipt of another batch")
        self.acknowledged = max(self.acknowledged, got.sequence)
        return got


@dataclass(frozen=True)
class Receipt:
    """What the hub signs."""
    agent: bytes
    scope: str
    incarnation: int
    sequence: int
    hash: bytes
    stable: int
    ledger: int
    chain: bytes

    @classmethod
    def of(cls, data, signature, hub_sign):
        """From the bytes of an ACK."""
        verify(hub_sign, data, signature)
        array = unpack(data)
        expect(len(array) == 9 and array[0] == "ctai-receipt-1", "receipt")
        made = cls(*array[1:])
        expect(made.incarnation >= 1 and made.sequence >= 1 and made.stable <= made.sequence, "receipt")
        return made


# --- Messages --------------------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Position:
    """Where a scope stands."""
    scope: str
    incarnation: int
    sequence: int
    hash: bytes
    stable: int


@dataclass(frozen=True)
class Contract:
    """A contract and, for each action's code, its title and whether we may push it."""
    id: str
    title: str
    scope: str
    first_day: str
    last_day: str
    actions: dict
    keys: dict  # of the scope, that are open: key id by epoch

    @classmethod
    def of(cls, array):
        """From a message or an approval."""
        expect(len(array) == 7 and len(array[6]) <= 2, "contract")
        return cls(*array[:5], {code: (title, allowed) for code, title, allowed in array[5]}, dict(array[6]))


@dataclass(frozen=True)
class Welcome:
    """The answer to HELLO."""
    software: str
    credit_batches: int
    credit_bytes: int
    contracts: list
    positions: dict


@dataclass(frozen=True)
class Ack:
    """An acknowledgement, not yet verified."""
    receipt: bytes
    signature: bytes
    refusals: list


@dataclass(frozen=True)
class Contracts:
    """Contracts or rights have changed."""
    contracts: list


@dataclass(frozen=True)
class Refused:
    """A message that the hub does not take."""
    reason: int
    scope: str = None
    sequence: int = 0


@dataclass(frozen=True)
class Granted:
    """An incarnation, and the hub's hashes of the sequences that both sides may have."""
    request: bytes
    position: Position
    hashes: list


@dataclass(frozen=True)
class Digests:
    """What the hub holds of us in a scope, a digest for each first byte of a key."""
    scope: str
    incarnation: int
    sequence: int
    digests: bytes


@dataclass(frozen=True)
class Listed:
    """The records of one first byte: (key, contract, incarnation, sequence)."""
    scope: str
    incarnation: int
    sequence: int
    bucket: int
    after: bytes
    more: bool
    records: list


def renew(own, seen, incarnation, request):
    """The bytes of a RENEW; own and seen as a HELLO names positions."""
    return pack([RENEW, list(own), list(seen), incarnation, request])


def survey(scope):
    """The bytes of a SURVEY."""
    return pack([SURVEY, scope])


def list_bucket(scope, bucket, after=None):
    """The bytes of a LIST."""
    return pack([LIST, scope, bucket, after])


def digests_of(held):
    """The digests of records (key, contract, incarnation, sequence)."""
    digests = bytearray(4096)
    for held_key, contract, incarnation, sequence in held:
        name = contract.encode()
        said = held_key + bytes([len(name)]) + name + incarnation.to_bytes(8, "big") + sequence.to_bytes(8, "big")
        for i, byte in enumerate(hashlib.blake2b(said, digest_size=16).digest()):
            digests[16 * held_key[0] + i] ^= byte
    return bytes(digests)


def hello(chains=(), software="foreign", version=VERSION):
    """The bytes of a HELLO."""
    return pack([HELLO, version, software, [chain.position() for chain in chains]])


def read_message(data):
    """A message of the hub."""
    array = unpack(data)
    kind, fields = (array[0], array[1:]) if array else (None, [])
    sizes = {WELCOME: 6, ACK: 3, CONTRACTS: 1, REFUSED: 3, GRANTED: 3, DIGESTS: 4, LISTED: 7}
    expect(sizes.get(kind) == len(fields), f"message of type {kind}")
    if kind == WELCOME:
        version, software, credit_batches, credit_bytes, contracts, positions = fields
        expect(version == VERSION and credit_batches >= 1 and credit_bytes >= 1, "welcome")
        return Welcome(software, credit_batches, credit_bytes, [Contract.of(each) for each in contracts],
                       {each[0]: Position(*each) for each in positions})
    if kind == ACK:
        return Ack(*fields)
    if kind == CONTRACTS:
        return Contracts([Contract.of(each) for each in fields[0]])
    if kind == GRANTED:
        return Granted(fields[0], Position(*fields[1]), fields[2])
    if kind == DIGESTS:
        return Digests(*fields)
    if kind == LISTED:
        return Listed(*fields[:6], [tuple(each) for each in fields[6]])
    return Refused(*fields)


# --- The conversation ------------------------------------------------------------------------------------------------------------

_numbers = itertools.count()
PATIENCE_S = 60     # how long an answer is waited for: a machine under load is slow


class Connection:
    """One socket to one hub, for as long as it lasts: a next try is a fresh one."""

    def __init__(self, keys, approval, address=None, timeout=PATIENCE_S):
        self.hub_sign = approval.sign
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.setsockopt(zmq.CURVE_SERVERKEY, approval.curve)
        self.socket.setsockopt(zmq.CURVE_PUBLICKEY, keys.identity.curve)
        self.socket.setsockopt(zmq.CURVE_SECRETKEY, bytes(keys.curve))
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RECONNECT_IVL, -1)
        self.socket.setsockopt(zmq.HEARTBEAT_IVL, 5000)
        self.socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 15000)
        self.socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
        self._ended = False
        self._monitor = self.socket.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
            | zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED, f"inproc://foreign-{next(_numbers)}")
        self.socket.connect(address or approval.addresses[0])
        try:
            if not self._event(timeout):
                raise Unreachable("no handshake in time")
        except Exception:
            self.close()
            raise

    def _event(self, timeout):
        """Waits for an event: true when the handshake is done; raises when the connection has ended."""
        if self._ended:
            raise Unreachable("the connection ended")
        if not self._monitor.poll(timeout * 1000):
            return False
        event = zmq.utils.monitor.recv_monitor_message(self._monitor)
        if event["event"] == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            raise NotAdmitted(event["value"])
        if event["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            return True
        self._ended = True
        raise Unreachable("the connection ended")

    def send(self, message):
        """Sends bytes, whatever they are."""
        self.socket.send(message)

    def receive(self, timeout=PATIENCE_S):
        """The hub's next message, or None; raises Unreachable once the connection has ended and all was read."""
        deadline = time.monotonic() + timeout
        poller = zmq.Poller()
        poller.register(self.socket, zmq.POLLIN)
        if not self._ended:
            poller.register(self._monitor, zmq.POLLIN)
        while True:
            ready = dict(poller.poll(max(0, deadline - time.monotonic()) * 1000))
            if self.socket in ready:
                frames = self.socket.recv_multipart()
                expect(len(frames) == 1, "a message of several frames")
                return read_message(frames[0])
            if self._ended or self._monitor in ready:
                if self.socket.poll(0):
                    continue
                self._event(0)
            if not ready:
                return None

    def hello(self, chains=(), timeout=PATIENCE_S):
        """Says HELLO; returns the WELCOME."""
        self.send(hello(chains))
        answer = self.receive(timeout)
        expect(isinstance(answer, Welcome), f"no WELCOME but {answer}")
        for chain in chains:
            if chain.scope in answer.positions:
                chain.believe(answer.positions[chain.scope])
        return answer

    def ask(self, question, timeout=PATIENCE_S):
        """Sends a question; returns what answers it."""
        self.send(question)
        answer = self.receive(timeout)
        while isinstance(answer, Ack):
            answer = self.receive(timeout)
        return answer

    def ask_receipt(self, batch, timeout=PATIENCE_S):
        """Sends a batch that no Chain keeps; returns the Receipt that covers it."""
        self.send(batch.message())
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            answer = self.receive(left)
            expect(isinstance(answer, Ack), f"no ACK but {answer}")
            receipt = Receipt.of(answer.receipt, answer.signature, self.hub_sign)
            if receipt.sequence >= batch.sequence:
                return receipt
        raise Unreachable("no acknowledgement in time")

    def push(self, chain, batch, timeout=PATIENCE_S):
        """Sends a batch; returns the Receipt that covers it and the refusals, or what the hub refused."""
        self.send(batch.message())
        refusals = []
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            answer = self.receive(left)
            if isinstance(answer, Refused):
                return answer, refusals
            if isinstance(answer, Ack):
                refusals += answer.refusals
                receipt = chain.acknowledge(answer.receipt, answer.signature, self.hub_sign)
                if receipt.sequence >= batch.sequence:
                    return receipt, refusals
        raise Unreachable("no acknowledgement in time")

    def close(self):
        """Ends the connection."""
        self.socket.disable_monitor()
        self._monitor.close(0)
        self.socket.close(0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
