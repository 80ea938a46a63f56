"""JSON Web Signatures as ACME uses them (RFC 8555 §6.2), read and verified for the front; and
made, for tests that play a client."""
import base64
import binascii
import hashlib
import hmac
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

CURVES = {"P-256": (ec.SECP256R1, 32, "ES256", hashes.SHA256),
          "P-384": (ec.SECP384R1, 48, "ES384", hashes.SHA384)}


class Malformed(Exception):
    pass


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text):
    if not isinstance(text, str) or "=" in text:
        raise Malformed("base64url without padding is wanted")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("not base64url") from error


class Jws:
    """One signed request: 'protected' (the header as a dict) and 'payload' (bytes)."""

    def __init__(self, body):
        try:
            outer = json.loads(body)
            self.signed = f"{outer['protected']}.{outer['payload']}".encode()
            self.protected = json.loads(unb64url(outer["protected"]))
            self.payload = unb64url(outer["payload"])
            self.signature = unb64url(outer["signature"])
            self.algorithm = self.protected["alg"]
            self.url, self.nonce = self.protected.get("url"), self.protected.get("nonce")
            self.kid, self.jwk = self.protected.get("kid"), self.protected.get("jwk")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Malformed(f"not a flattened JWS: {error!r}") from error
        if (self.kid is None) == (self.jwk is None):
            raise Malformed("exactly one of kid and jwk is wanted")

    def json(self):
        """The payload as an object; empty for POST-as-GET."""
        try:
            found = json.loads(self.payload) if self.payload else {}
        except ValueError as error:
            raise Malformed("payload is not JSON") from error
        if not isinstance(found, dict):
            raise Malformed("payload is not an object")
        return found

    def verify(self, jwk):
        """Raises Malformed unless that key signed."""
        key, expected = public_key(jwk), None
        try:
            if isinstance(key, rsa.RSAPublicKey):
                expected = "RS256"
                if self.algorithm == expected:
                    key.verify(self.signature, self.signed, padding.PKCS1v15(), hashes.SHA256())
            else:
                _, size, expected, digest = CURVES[jwk["crv"]]
                if self.algorithm == expected:
                    if len(self.signature) != 2 * size:
                        raise InvalidSignature
                    numbers = [int.from_bytes(s, "big") for s in (
                        self.signature[:size], self.signature[size:])]
                    key.verify(utils.encode_dss_signature(*numbers), self.signed,
                               ec.ECDSA(digest()))
        except InvalidSignature as error:
            raise Malformed("JWS verification error") from error
        if self.algorithm != expected:
            raise Malformed(f"alg {self.algorithm!r} does not fit the key")


def public_key(jwk):
    try:
        if jwk["kty"] == "RSA":
            numbers = [int.from_bytes(unb64url(jwk[f]), "big") for f in "en"]
            return rsa.RSAPublicNumbers(*numbers).public_key()
        curve = CURVES[jwk["crv"]][0]
        numbers = [int.from_bytes(unb64url(jwk[f]), "big") for f in "xy"]
        return ec.EllipticCurvePublicNumbers(*numbers, curve()).public_key()
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed(f"bad public key: {error!r}") from error


def jwk_of(key):
    """The JWK of a public key."""
    numbers = key.public_numbers()
    if isinstance(key, rsa.RSAPublicKey):
        size = (numbers.n.bit_length() + 7) // 8
        return {"kty": "RSA", "n": b64url(numbers.n.to_bytes(size, "big")),
                "e": b64url(numbers.e.to_bytes(3, "big"))}
    name = {"secp256r1": "P-256", "secp384r1": "P-384"}[key.curve.name]
    size = CURVES[name][1]
    return {"kty": "EC", "crv": name, "x": b64url(numbers.x.to_bytes(size, "big")),
            "y": b64url(numbers.y.to_bytes(size, "big"))}


def thumbprint(jwk):
    """RFC 7638"""
    fields = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}[jwk["kty"]]
    text = json.dumps({f: jwk[f] for f in fields}, separators=(",", ":"), sort_keys=True)
    return b64url(hashlib.sha256(text.encode()).digest())


def sign(key, payload, **protected):
    """The body of a request, signed with an EC private key."""
    name = {"secp256r1": "P-256", "secp384r1": "P-384"}[key.curve.name]
    _, size, algorithm, digest = CURVES[name]
    if isinstance(payload, dict):
        payload = json.dumps(payload).encode()
    head = b64url(json.dumps({"alg": algorithm, **protected}).encode())
    body = b64url(payload)
    r, s = utils.decode_dss_signature(key.sign(f"{head}.{body}".encode(), ec.ECDSA(digest())))
    signature = r.to_bytes(size, "big") + s.to_bytes(size, "big")
    return json.dumps({"protected": head, "payload": body,
                       "signature": b64url(signature)}).encode()


def bind(key, jwk, **protected):
    """externalAccountBinding, RFC 8555 §7.3.4: an account's JWK under a MAC key (base64url)."""
    head = b64url(json.dumps({"alg": "HS256", **protected}).encode())
    body = b64url(json.dumps(jwk).encode())
    mac = hmac.digest(unb64url(key), f"{head}.{body}".encode(), "sha256")
    return {"protected": head, "payload": body, "signature": b64url(mac)}
