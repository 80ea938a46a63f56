"""Synthetic log entries, cheap enough for a million: two real certificates (one of them as a
precertificate) whose serial number and name are overwritten for each entry. Their signatures
are therefore wrong, which nobody who follows a log checks.
"""
import datetime
import struct

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ctwire import (OID_POISON, PRECERT_ENTRY, X509_ENTRY, index_extension, merkle_tree_leaf,
                    sha256, signed_entry, spki, tbs_without, vec24)

SERIAL = bytes.fromhex("7e57f1117e57f111")
NUMBER = b"424242424242"


def split_chain(data):
    """The certificates of what vec24 made, one after another."""
    chain, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at:at + 3], "big")
        chain.append(data[at + 3:at + 3 + size])
        at += 3 + size
    return chain


class Fill:
    """'count' entries; even ones are certificates, odd ones precertificates. 'first' is the
    index of the first in a static log, whose leaves hold it; None: an RFC 6962 log."""

    def __init__(self, count, base_ms, first, issuer, cert, precert):
        self.count, self.base_ms, self.first = count, base_ms, first
        self.issuer, self.cert, self.precert = issuer, cert, precert
        self.chain = [issuer]
        key = x509.load_der_x509_certificate(issuer).public_key()
        self.issuer_key_hash = sha256(spki(key))
        self.tbs = tbs_without(x509.load_der_x509_certificate(precert).tbs_certificate_bytes,
                               OID_POISON)

    @classmethod
    def make(cls, count, domain, base_ms, first):
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = _sign("Fill CA", key, key, x509.random_serial_number(), None, None)
        serial = int.from_bytes(SERIAL, "big")
        name = f"n{NUMBER.decode()}.{domain}"
        leaf = ec.generate_private_key(ec.SECP256R1())
        return cls(count, base_ms, first, issuer, _sign(name, leaf, key, serial, name, None),
                   _sign(name, leaf, key, serial, name, x509.PrecertPoison()))

    def to_bytes(self):
        first = (1 << 64) - 1 if self.first is None else self.first
        return struct.pack(">QQQ", self.count, self.base_ms, first) + b"".join(
            vec24(d) for d in (self.issuer, self.cert, self.precert))

    @classmethod
    def from_bytes(cls, data):
        count, base_ms, first = struct.unpack_from(">QQQ", data)
        return cls(count, base_ms, None if first == (1 << 64) - 1 else first,
                   *split_chain(data[24:]))

    def entry(self, number):
        """(MerkleTreeLeaf, precertificate or b"") of one entry"""
        serial = struct.pack(">Q", 0x0100000000000000 + number)
        digits = b"%012d" % number

        def filled(template):
            return template.replace(SERIAL, serial).replace(NUMBER, digits)

        if number % 2:
            entry = signed_entry(PRECERT_ENTRY, filled(self.tbs), self.issuer_key_hash)
            precert = filled(self.precert)
        else:
            entry, precert = signed_entry(X509_ENTRY, filled(self.cert)), b""
        extensions = b"" if self.first is None else index_extension(self.first + number)
        return merkle_tree_leaf(self.base_ms + number, entry, extensions), precert


def _sign(name, key, issuer_key, serial, dns_name, poison):
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder()
               .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
               .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Fill CA")]))
               .public_key(key.public_key()).serial_number(serial)
               .not_valid_before(now - datetime.timedelta(hours=1))
               .not_valid_after(now + datetime.timedelta(days=90)))
    if dns_name:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(dns_name)]), False)
    else:
        builder = builder.add_extension(x509.BasicConstraints(True, None), True)
    if poison:
        builder = builder.add_extension(poison, True)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
