"""ClientHellos by hand, extension by extension, well-formed and not.

Source: RFC 8446 §4.1.2 and §4.2; RFC 6066 §3; RFC 7301 §3.1. Firefox's is made
after the order of extensions it is known by, not captured.
"""
import hashlib
import struct

SERVER_NAME, GROUPS, SIGNATURES, ALPN, PADDING, PSK, VERSIONS, KEY_SHARE, ECH = \
    0, 10, 13, 16, 21, 41, 43, 51, 0xfe0d


def vec(width, data):
    return len(data).to_bytes(width, "big") + data


def ext(kind, data=b""):
    return struct.pack("!H", kind) + vec(2, data)


def server_name(name, kind=0):
    name = name if isinstance(name, bytes) else name.encode("latin-1")
    return ext(SERVER_NAME, vec(2, bytes([kind]) + vec(2, name)))


def alpn(*protocols):
    return ext(ALPN, vec(2, b"".join(vec(1, p.encode()) for p in protocols)))


def fixed(what, n):
    """n bytes that are the same each time."""
    data = b""
    while len(data) < n:
        data += hashlib.sha256(what.encode() + bytes([len(data) // 32 & 255])).digest()
    return data[:n]


X25519_BASE = bytes([9]) + bytes(31)  # a public key everybody takes
TLS13 = ext(VERSIONS, vec(1, b"\x03\x04\x03\x03"))
MODERN = [
    ext(GROUPS, vec(2, b"\x00\x1d\x00\x17")),
    ext(SIGNATURES, vec(2, b"\x04\x03\x08\x04\x04\x01")),
    ext(KEY_SHARE, vec(2, b"\x00\x1d" + vec(2, X25519_BASE))),
    TLS13,
]


def body(extensions, version=0x0303, session=None, suites=b"\x13\x01\x13\x02\xc0\x2b\xc0\x2f",
         compression=b"\0", tail=b""):
    """The message without its header. extensions: a list, or None for none at all."""
    session = fixed("session", 32) if session is None else session
    data = struct.pack("!H", version) + fixed("random", 32) + vec(1, session) + \
        vec(2, suites) + vec(1, compression)
    if extensions is not None:
        data += vec(2, b"".join(extensions))
    return data + tail


def message(data):
    return b"\x01" + vec(3, data)


def records(data, size=16384, version=0x0301):
    """A handshake message in records of 'size' bytes."""
    return b"".join(b"\x16" + struct.pack("!H", version) + vec(2, data[i:i + size])
                    for i in range(0, len(data), size))


def hello(name, *more, **kwargs):
    """A TLS 1.3 hello for a name (None: without the extension)."""
    extensions = ([] if name is None else [server_name(name)]) + list(more) + MODERN
    return records(message(body(extensions, **kwargs)))


def firefox(name):
    """Firefox's order: the name first, the key shares (ML-KEM's among them) in the
    middle, ECH GREASE last."""
    groups = b"\x11\xec\x00\x1d\x00\x17\x00\x18\x00\x19\x01\x00\x01\x01"
    # An ML-KEM-768 key must be reduced modulo 3329: zeros are.
    mlkem = bytes(1184) + X25519_BASE
    p256 = bytes.fromhex("046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                         "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
    shares = b"\x11\xec" + vec(2, mlkem) + b"\x00\x1d" + vec(2, X25519_BASE) + \
        b"\x00\x17" + vec(2, p256)
    signatures = b"\x04\x03\x05\x03\x06\x03\x08\x04\x08\x05\x08\x06\x04\x01\x05\x01\x06\x01\x02\x03\x02\x01"
    grease = b"\0" + b"\x00\x01\x00\x03" + b"\x1f" + vec(2, fixed("enc", 32)) + \
        vec(2, fixed("payload", 239))
    suites = bytes.fromhex("130113031302c02bc02fcca9cca8c02cc030c00ac009c013c014009c009d002f0035")
    return records(message(body([
        server_name(name), ext(23), ext(0xff01, b"\0"), ext(GROUPS, vec(2, groups)),
        ext(11, b"\x01\x00"), ext(35), alpn("h2", "http/1.1"), ext(5, b"\x01\0\0\0\0"),
        ext(34, vec(2, b"\x04\x03\x05\x03\x06\x03\x02\x03")), ext(18),
        ext(KEY_SHARE, vec(2, shares)), ext(VERSIONS, vec(1, b"\x03\x04\x03\x03")),
        ext(SIGNATURES, vec(2, signatures)), ext(45, b"\x01\x01"), ext(28, b"\x40\x01"),
        ext(27, vec(1, b"\x00\x01\x00\x02\x00\x03")), ext(ECH, grease)], suites=suites)))
