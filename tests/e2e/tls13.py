"""A TLS 1.3 client of the tests' own that says whatever it is told to, in the clear and under
its keys: it shakes hands as RFC 8446 wants it, until a test wants otherwise.

X25519 and TLS_AES_128_GCM_SHA256 alone; no certificate is checked.  Source: RFC 8446 §4 to §7.
"""
import hashlib
import hmac
import socket
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import hellos
from hellos import vec

CCS, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
CLIENT_HELLO, SERVER_HELLO, TICKET, FINISHED, KEY_UPDATE = 1, 2, 4, 20, 24
PLAIN_MAX = 1 << 14

ALERTS = {0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 22: "record_overflow",
          40: "handshake_failure", 42: "bad_certificate", 47: "illegal_parameter", 50: "decode_error",
          51: "decrypt_error", 70: "protocol_version", 80: "internal_error", 86: "inappropriate_fallback",
          90: "user_canceled", 109: "missing_extension", 110: "unsupported_extension",
          112: "unrecognized_name", 116: "certificate_required", 120: "no_application_protocol"}


class Ended(Exception):
    """Said by the server: an alert's name, "end" (without one) or "reset"."""


def mac(key, data):
    return hmac.new(key, data, "sha256").digest()


def expand_label(secret, label, context, n):
    info = struct.pack("!H", n) + vec(1, b"tls13 " + label.encode()) + vec(1, context)
    return mac(secret, info + b"\1")[:n]


def derive(secret, label, messages):
    return expand_label(secret, label, hashlib.sha256(messages).digest(), 32)


class Keys:
    """One direction of records."""

    def __init__(self, secret):
        self.secret, self.number = secret, 0
        self.aead = AESGCM(expand_label(secret, "key", b"", 16))
        self.iv = expand_label(secret, "iv", b"", 12)

    def nonce(self):
        self.number += 1
        return (int.from_bytes(self.iv, "big") ^ (self.number - 1)).to_bytes(12, "big")

    def seal(self, kind, data, pad=0):
        inner = data + bytes([kind]) + bytes(pad)
        head = struct.pack("!BHH", DATA, 0x0303, len(inner) + 16)
        return head + self.aead.encrypt(self.nonce(), inner, head)

    def next(self):
        return Keys(expand_label(self.secret, "traffic upd", b"", 32))


class Client:
    def __init__(self, sock, name, more=(), alpn=()):
        self.sock, self.buffer = sock, b""
        sock.settimeout(10)
        self.private = X25519PrivateKey.generate()
        self.messages, self.ours, self.theirs, self.next_ours = b"", None, None, None
        self.extensions = [hellos.server_name(name)] + list(hellos.MODERN[:2]) + [self.share(), hellos.TLS13]
        self.extensions += ([hellos.alpn(*alpn)] if alpn else []) + list(more)

    def share(self):
        public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return hellos.ext(hellos.KEY_SHARE, vec(2, b"\x00\x1d" + vec(2, public)))

    def raw(self, data):
        self.sock.sendall(data)

    def say(self, kind, data, pad=0):
        """A record under our keys, or in the clear while there are none."""
        if self.ours:
            self.raw(self.ours.seal(kind, data, pad))
        else:
            self.raw(struct.pack("!BHH", kind, 0x0303, len(data)) + data)

    def hello(self, body=None):
        self.messages = hellos.message(body or hellos.body(self.extensions, suites=b"\x13\x01"))
        self.raw(hellos.records(self.messages))

    def take(self, n):
        while len(self.buffer) < n:
            try:
                part = self.sock.recv(65536)
            except ConnectionError:
                raise Ended("reset") from None
            if not part:
                raise Ended("end")
            self.buffer += part
        got, self.buffer = self.buffer[:n], self.buffer[n:]
        return got

    def record(self):
        """(type, data); an alert is raised."""
        while True:
            head = self.take(5)
            kind, _, n = struct.unpack("!BHH", head)
            data = self.take(n)
            if kind == CCS:
                continue
            if self.theirs and kind == DATA:
                try:
                    data = self.theirs.aead.decrypt(self.theirs.nonce(), data, head)
                except InvalidTag:
                    raise Ended("undecipherable") from None
                data = data.rstrip(b"\0")
                kind, data = data[-1], data[:-1]
            if kind == ALERT:
                raise Ended(ALERTS.get(data[1], str(data[1])))
            return kind, data

    def server_hello(self):
        """Reads it and makes the handshake's keys."""
        kind, data = self.record()
        assert kind == HANDSHAKE and data[0] == SERVER_HELLO, (kind, data[:4])
        self.messages += data
        at = 4 + 2 + 32
        at += 1 + data[at] + 2 + 1 + 2
        share = None
        while at < len(data):
            number, n = struct.unpack("!HH", data[at:at + 4])
            if number == hellos.KEY_SHARE:
                share = data[at + 8:at + 4 + n]
            at += 4 + n
        common = self.private.exchange(X25519PublicKey.from_public_bytes(share))
        early = mac(bytes(32), bytes(32))
        secret = mac(derive(early, "derived", b""), common)
        self.master = mac(derive(secret, "derived", b""), bytes(32))
        self.ours = Keys(derive(secret, "c hs traffic", self.messages))
        self.theirs = Keys(derive(secret, "s hs traffic", self.messages))

    def server_flight(self):
        """Reads up to the server's Finished, and makes the keys for data."""
        flight = b""
        while True:
            kind, data = self.record()
            assert kind == HANDSHAKE, kind
            flight += data
            at = 0
            while at + 4 <= len(flight):
                n = int.from_bytes(flight[at + 1:at + 4], "big")
                if flight[at] == FINISHED and at + 4 + n == len(flight):
                    self.messages += flight
                    # The server's next record, be it an alert, is under its keys for data.
                    self.next_ours, self.theirs = (
                        Keys(derive(self.master, f"{end} ap traffic", self.messages)) for end in "cs")
                    return
                at += 4 + n

    def finished(self):
        """The message that ends our part."""
        key = expand_label(self.ours.secret, "finished", b"", 32)
        return bytes([FINISHED]) + vec(3, mac(key, hashlib.sha256(self.messages).digest()))

    def switch(self):
        """To our keys for data."""
        self.ours = self.next_ours

    def connect(self):
        self.hello()
        self.server_hello()
        self.server_flight()
        self.say(HANDSHAKE, self.finished())
        self.switch()
        return self

    def data(self):
        """The next data; tickets are passed over."""
        while True:
            kind, data = self.record()
            if kind == DATA:
                return data

    def ended(self):
        """How the server ends it; what it says before is passed over."""
        try:
            while True:
                self.record()
        except Ended as end:
            return str(end)
        except socket.timeout:
            return "nothing"

    def close(self):
        self.sock.close()
