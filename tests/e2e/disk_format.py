"""A data disk's front in Python, by docs/PROTOCOL.disk.md alone: what an attacker who
knows its key could make of it, and what one who does not can."""
import hashlib
import hmac
import json
import struct

SLOT = 4096
HEADER_AT, HEADER_LEN = 65536, 557056
DATA_AT = 1048576
COPY = 16384
MAC_AT = 180
FIELDS = {  # offset, length
    "magic": (0, 8), "version": (8, 1), "provider": (9, 1), "state": (10, 1), "integrity": (11, 1),
    "key_epoch": (12, 4), "generation": (16, 8), "seed": (24, 32), "app": (56, 20),
    "instance": (76, 20), "measurement": (96, 32), "header_at": (128, 8), "header_len": (136, 4),
    "data_at": (140, 8), "header_hash": (148, 32), "mac": (180, 32)}


def field(slot, name):
    at, n = FIELDS[name]
    return slot[at:at + n]


def generation(slot):
    return struct.unpack(">Q", field(slot, "generation"))[0]


def newest(front):
    """Which slot."""
    return max((0, 1), key=lambda i: generation(front[i * SLOT:(i + 1) * SLOT]))


def hkdf(secret, salt, info, n):
    key = hmac.digest(salt, secret, "sha256")
    out = last = b""
    while len(out) < n:
        last = hmac.digest(key, last + info + bytes([len(out) // 32 + 1]), "sha256")
        out += last
    return out[:n]


def mac_key(slot, root):
    info = (b"\3mac" + field(slot, "provider") + field(slot, "key_epoch") + field(slot, "app") +
            field(slot, "instance") + field(slot, "measurement"))
    return hkdf(root, b"postern/disk/v1", info, 32)


def sign(slot, header, root):
    """The slot with this header's hash and the MAC that its owner would write."""
    at, n = FIELDS["header_hash"]
    slot = slot[:at] + hashlib.sha256(header).digest() + slot[at + n:]
    mac = hmac.digest(mac_key(slot, root), slot[:MAC_AT], "sha256")
    return slot[:MAC_AT] + mac + slot[MAC_AT + 32:]


def luks_json(header):
    return json.loads(header[4096:COPY].rstrip(b"\0"))


def with_json(header, tree):
    """The header saying this instead, in both copies, with their checksums right."""
    area = json.dumps(tree, separators=(",", ":")).encode().ljust(COPY - 4096, b"\0")
    out = b""
    for at in (0, COPY):
        copy = header[at:at + 448] + bytes(64) + header[at + 512:at + 4096] + area
        out += copy[:448] + hashlib.sha256(copy).digest() + copy[480:]
    return out + header[2 * COPY:]
