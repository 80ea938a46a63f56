"""Judges of what a log says, for test_world_ct.py: RFC 9162's verification algorithms, which go
through a proof by the bits of an index, and signatures by the cryptography library."""
import base64
import hashlib
import struct

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def leaf_hash(leaf):
    return hashlib.sha256(b"\0" + leaf).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def included(digest, index, size, path, root):
    """RFC 9162 §2.1.3.2"""
    if index >= size:
        return False
    fn, sn, r = index, size - 1, digest
    for p in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def consistent(first, second, path, first_root, second_root):
    """RFC 9162 §2.1.4.2, for 0 < first < second"""
    path = list(path)
    if not path:
        return False
    if first & (first - 1) == 0:
        path.insert(0, first_root)
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first_root and sr == second_root


def signed(key, signature, message):
    """digitally-signed, ECDSA with SHA-256; 'key' in base64 as a log list has it"""
    public = serialization.load_der_public_key(base64.b64decode(key))
    if signature[:2] != b"\4\3" or len(signature) != 4 + struct.unpack(">H", signature[2:4])[0]:
        return False
    try:
        public.verify(signature[4:], message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def tree_head(key, sth):
    """Whether get-sth's answer is signed"""
    message = b"\0\1" + struct.pack(">QQ", sth["timestamp"], sth["tree_size"]) \
        + base64.b64decode(sth["sha256_root_hash"])
    return signed(key, base64.b64decode(sth["tree_head_signature"]), message)


def checkpoint(key, text):
    """(size, root) of a signed checkpoint; None if it is not signed by that key"""
    body, _, note = text.partition("\n\n")
    origin, size, root = body.split("\n")
    name, blob = note.strip().removeprefix("\u2014 ").split(" ")
    blob = base64.b64decode(blob)
    log_id = hashlib.sha256(base64.b64decode(key)).digest()
    key_id = hashlib.sha256(origin.encode() + b"\n\x05" + log_id).digest()[:4]
    moment = struct.unpack(">Q", blob[4:12])[0]
    message = b"\0\1" + struct.pack(">QQ", moment, int(size)) + base64.b64decode(root)
    if name != origin or blob[:4] != key_id or not signed(key, blob[12:], message):
        return None
    return int(size), base64.b64decode(root)
