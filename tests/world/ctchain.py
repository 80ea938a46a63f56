"""Chains as logs take them: each certificate issued by the next, up to a root that is accepted."""
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa


class Refused(Exception):
    """What a log does not take; the text is for the submitter."""


def load_certificate(der):
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise Refused(f"not a certificate: {error}") from error


def load_pem_certificates(data):
    mark = b"-----END CERTIFICATE-----"
    return [x509.load_pem_x509_certificate(part[part.index(b"-----BEGIN"):] + mark)
            for part in data.split(mark)[:-1]]


def check_issued(child, issuer):
    key, digest = issuer.public_key(), child.signature_hash_algorithm
    if child.issuer != issuer.subject:
        raise Refused("chain is not in order")
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(child.signature, child.tbs_certificate_bytes, padding.PKCS1v15(), digest)
        else:
            key.verify(child.signature, child.tbs_certificate_bytes, ec.ECDSA(digest))
    except InvalidSignature as error:
        raise Refused("chain has a bad signature") from error


def issuers_up_to_root(certs, roots):
    """The issuers of the first of 'certs', the root included; with no 'roots' any chain will do."""
    for child, issuer in zip(certs, certs[1:]):
        check_issued(child, issuer)
    if not roots or certs[-1] in roots:
        return certs[1:]
    for root in roots:
        if is_issued(certs[-1], root):
            return certs[1:] + [root]
    raise Refused("chain does not end in an accepted root")


def is_issued(child, issuer):
    try:
        check_issued(child, issuer)
    except Refused:
        return False
    return True
