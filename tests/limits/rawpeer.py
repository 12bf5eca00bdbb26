"""A peer on a bare TCP socket that speaks ZMTP 3.1 with CURVE (RFC 23, RFC 26) by itself, so that it can do what libzmq never does:
messages without end, frames that stop half-way, frames beyond any limit, nothing read."""

import os
import socket
import struct

from nacl import bindings as box

GREETING = b"\xff" + bytes(8) + b"\x7f" + b"\x03\x00" + b"CURVE".ljust(20, b"\0") + b"\0" + bytes(31)
MORE, LONG, COMMAND = 1, 2, 4


def frame(body, flags=0):
    """The bytes of a frame."""
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return bytes([flags | LONG]) + struct.pack(">Q", len(body)) + body


class RawPeer:
    """A connection; keys and hub_curve are raw CURVE keys."""

    def __init__(self, address, hub_curve, public, secret, timeout=60):
        host, port = address.removeprefix("tcp://").rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout)
        self.hub_curve, self.public, self.secret = hub_curve, public, secret
        self._count = 0
        self._shared = None

    def _exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the connection ended")
            data += more
        return data

    def _frame(self):
        flags, size = self._exactly(2)
        if flags & LONG:
            size = int.from_bytes(bytes([size]) + self._exactly(7), "big")
        return flags, self._exactly(size)

    def _nonce(self):
        self._count += 1
        return self._count.to_bytes(8, "big")

    def greet(self):
        """The greeting alone."""
        self.socket.sendall(GREETING)
        self._exactly(64)
        return self

    def shake(self):
        """The whole handshake; raises ConnectionError when the hub refuses."""
        self.greet()
        public, secret = box.crypto_box_keypair()
        nonce = self._nonce()
        sealed = box.crypto_box(bytes(64), b"CurveZMQHELLO---" + nonce, self.hub_curve, secret)
        self.socket.sendall(frame(b"\x05HELLO\x01\x00" + bytes(72) + public + nonce + sealed, COMMAND))
        _, welcome = self._frame()
        opened = box.crypto_box_open(welcome[24:], b"WELCOME-" + welcome[8:24], self.hub_curve, secret)
        server, cookie = opened[:32], opened[32:]
        vouch_nonce = os.urandom(16)
        vouch = box.crypto_box(public + self.hub_curve, b"VOUCH---" + vouch_nonce, server, self.secret)
        metadata = b"\x0bSocket-Type" + struct.pack(">I", 6) + b"DEALER"
        nonce = self._nonce()
        self._shared = box.crypto_box_beforenm(server, secret)
        sealed = box.crypto_box_afternm(self.public + vouch_nonce + vouch + metadata, b"CurveZMQINITIATE" + nonce, self._shared)
        self.socket.sendall(frame(b"\x08INITIATE" + cookie + nonce + sealed, COMMAND))
        _, ready = self._frame()
        if not ready.startswith(b"\x05READY"):
            raise ConnectionError("refused")
        return self

    def message(self, data, more=False):
        """The bytes of a message's frame, encrypted."""
        nonce = self._nonce()
        sealed = box.crypto_box_afternm(bytes([more]) + data, b"CurveZMQMESSAGEC" + nonce, self._shared)
        return frame(b"\x07MESSAGE" + nonce + sealed)

    def send(self, data, more=False):
        """Sends one frame of a message."""
        self.socket.sendall(self.message(data, more))

    def ended(self, timeout):
        """Has the hub ended the connection, within the time?"""
        self.socket.settimeout(timeout)
        try:
            while self.socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    def close(self):
        """Ends it."""
        self.socket.close()
