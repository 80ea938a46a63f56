"""The structures of Certificate Transparency, written: RFC 6962 §3 and c2sp.org/static-ct-api;
and the surgery on TBSCertificates that precertificates need.
"""
import base64
import hashlib
import struct

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

X509_ENTRY, PRECERT_ENTRY = 0, 1
# the OBJECT IDENTIFIERs as they stand in an extension, tag and length included
OID_SCT_LIST = bytes.fromhex("060a2b06010401d679020402")
OID_POISON = bytes.fromhex("060a2b06010401d679020403")


def sha256(data):
    return hashlib.sha256(data).digest()


def b64(data):
    return base64.b64encode(data).decode()


def vec16(data):
    return struct.pack(">H", len(data)) + data


def vec24(data):
    return struct.pack(">I", len(data))[1:] + data


def spki(key):
    """DER of a public key."""
    return key.public_bytes(serialization.Encoding.DER,
                            serialization.PublicFormat.SubjectPublicKeyInfo)


# ---- DER

def der_read(data, at=0):
    """(tag, content, end) of the element at 'at'."""
    tag, length, start = data[at], data[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7f
        length = int.from_bytes(data[start:start + count], "big")
        start += count
    if start + length > len(data):
        raise ValueError("DER element is longer than what holds it")
    return tag, data[start:start + length], start + length


def der_write(tag, content):
    n = len(content)
    if n < 128:
        return bytes([tag, n]) + content
    length = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def der_items(content):
    """The elements in a content, each whole."""
    at = 0
    while at < len(content):
        _, _, end = der_read(content, at)
        yield content[at:end]
        at = end


def tbs_without(tbs, *oids):
    """A TBSCertificate without the extensions of these OIDs; all else byte for byte."""
    kept = b""
    for item in der_items(der_read(tbs)[1]):
        if item[0] == 0xa3:
            extensions = der_read(der_read(item)[1])[1]
            rest = b"".join(e for e in der_items(extensions)
                            if not der_read(e)[1].startswith(tuple(oids)))
            item = der_write(0xa3, der_write(0x30, rest)) if rest else b""
        kept += item
    return der_write(0x30, kept)


# ---- log entries

def signed_entry(kind, content, issuer_key_hash=b""):
    """entry_type and what follows it: a certificate, or hash and TBS of a precertificate"""
    return struct.pack(">H", kind) + issuer_key_hash + vec24(content)


def timestamped_entry(timestamp, entry, extensions=b""):
    return struct.pack(">Q", timestamp) + entry + vec16(extensions)


def merkle_tree_leaf(timestamp, entry, extensions=b""):
    return b"\0\0" + timestamped_entry(timestamp, entry, extensions)


def index_extension(index):
    """CtExtensions of static-ct: leaf_index, 40 bits"""
    return b"\0" + vec16(struct.pack(">Q", index)[3:])


# ---- signatures

def tls_signature(key, message):
    """digitally-signed by ECDSA with SHA-256"""
    return b"\4\3" + vec16(key.sign(message, ec.ECDSA(hashes.SHA256())))


def sct_message(timestamp, entry, extensions=b""):
    return b"\0\0" + timestamped_entry(timestamp, entry, extensions)


def sth_message(timestamp, size, root):
    return b"\0\1" + struct.pack(">QQ", timestamp, size) + root


def sct_from_json(answer):
    """A SignedCertificateTimestamp from what add-chain and add-pre-chain answer."""
    extensions = base64.b64decode(answer["extensions"])
    return (bytes([answer["sct_version"]]) + base64.b64decode(answer["id"])
            + struct.pack(">Q", answer["timestamp"]) + vec16(extensions)
            + base64.b64decode(answer["signature"]))


def sct_list(scts):
    """The value of the certificate extension: an OCTET STRING with the list."""
    return der_write(0x04, vec16(b"".join(vec16(s) for s in scts)))


def note_key_id(origin, log_id):
    """static-ct: a signed note's key ID for an RFC 6962 tree head signature"""
    return sha256(origin.encode() + b"\n\x05" + log_id)[:4]
