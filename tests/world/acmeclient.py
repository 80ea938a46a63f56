"""A small ACME client for tests that play somebody: a foreign account, an attacker, a client that
does it wrong. It answers dns-01 through dnsserver.Records, http-01 and tls-alpn-01 by servers of
its own, and dns-persist-01."""
import contextlib
import hashlib
import json
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import authority
import jws
import responders
import serve


class Refused(Exception):
    """A problem document; 'kind' is the last part of its type."""

    def __init__(self, status, headers, document):
        self.status, self.headers, self.document = status, headers, document
        self.kind = document.get("type", "").rpartition(":")[2]
        super().__init__(f"{status} {self.kind}: {document.get('detail')}")


class Client:
    """One account of the CA whose ready line said 'facts'; made at once unless 'register' is
    False."""

    def __init__(self, facts, records=None, *, register=True, key=None, eab=None):
        self.cafile, self.records = facts["cafile"], records
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.url = self.nonce = None
        self.directory = json.loads(self.fetch("GET", facts["directory"])[2])
        if register:
            self.register(eab)

    def fetch(self, method, url, body=None, headers=None):
        status, got, data = serve.fetch(url, method=method, body=body, headers=headers,
                                        cafile=self.cafile)
        self.nonce = got.get("Replay-Nonce", self.nonce)
        return status, got, data

    def post(self, url, payload=b"", *, key=None, tries=5):
        """(headers, body) of a signed request; b"" is POST-as-GET; 'key' signs with its JWK."""
        for _ in range(tries):
            if self.nonce is None:
                self.fetch("HEAD", self.directory["newNonce"])
            who = {"jwk": jws.jwk_of((key or self.key).public_key())} if (
                key or self.url is None) else {"kid": self.url}
            nonce, self.nonce = self.nonce, None
            body = jws.sign(key or self.key, payload, nonce=nonce, url=url, **who)
            status, headers, data = self.fetch("POST", url, body,
                                               {"Content-Type": "application/jose+json"})
            if status < 300:
                return headers, data
            refused = Refused(status, headers, json.loads(data))
            if refused.kind != "badNonce":
                break
        raise refused

    def post_json(self, url, payload=b"", **more):
        return json.loads(self.post(url, payload, **more)[1])

    def register(self, eab=None):
        """'eab' is (key ID, MAC key in base64url) of an external account."""
        wanted, url = {"termsOfServiceAgreed": True}, self.directory["newAccount"]
        if eab:
            wanted["externalAccountBinding"] = jws.bind(
                eab[1], jws.jwk_of(self.key.public_key()), kid=eab[0], url=url)
        headers, _ = self.post(url, wanted)
        self.url = headers["Location"]

    # ---- issuing

    def order(self, *names, **members):
        """(URL, order)"""
        kinds = [{"type": "ip" if n.replace(".", "").isdigit() else "dns", "value": n}
                 for n in names]
        headers, body = self.post(self.directory["newOrder"], {"identifiers": kinds, **members})
        return headers["Location"], json.loads(body)

    def prove(self, order, method="dns-01"):
        """Answers the challenges of an order and waits for the authorizations."""
        for url in order["authorizations"]:
            authz = self.post_json(url)
            if authz["status"] == "valid":
                continue
            challenge = next(c for c in authz["challenges"] if c["type"] == method)
            with self.answering(method, authz["identifier"]["value"], challenge.get("token")):
                self.post(challenge["url"], {})
                authz = self.wait(url)
            if authz["status"] != "valid":
                errors = [c["error"] for c in authz["challenges"] if "error" in c]
                raise Refused(403, {}, errors[0] if errors else authz)

    def answering(self, method, name, token):
        """A context in which a challenge can be validated."""
        text = f"{token}.{jws.thumbprint(jws.jwk_of(self.key.public_key()))}"
        if method == "http-01":
            return responders.http01(name, token, text)
        if method == "tls-alpn-01":
            return responders.tlsalpn01(name, token, text)
        if method == "dns-01":
            value = jws.b64url(hashlib.sha256(text.encode()).digest())
            self.records.set(f"_acme-challenge.{name}", "TXT", f'"{value}"')
        return contextlib.nullcontext()

    def wait(self, url, states=("pending", "processing")):
        limit = time.monotonic() + 30
        while True:
            found = self.post_json(url)
            if found["status"] not in states or time.monotonic() > limit:
                return found
            time.sleep(0.1)

    def finalize(self, url, order, key, names=None):
        """The order in its final state."""
        names = names or [i["value"] for i in order["identifiers"]]
        csr = (x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
               .add_extension(x509.SubjectAlternativeName(
                   [authority.serve_name(n) for n in names]), False)
               .sign(key, hashes.SHA256()))
        self.post(order["finalize"], {"csr": jws.b64url(
            csr.public_bytes(serialization.Encoding.DER))})
        return self.wait(url)

    def issue(self, *names, method="dns-01", key=None, **members):
        """(certificate, PEM chain, key): the whole way."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        url, order = self.order(*names, **members)
        self.prove(order, method)
        order = self.finalize(url, order, key)
        if order["status"] != "valid":
            raise Refused(500, {}, order.get("error", order))
        _, chain = self.post(order["certificate"])
        return x509.load_pem_x509_certificate(chain), chain.decode(), key

    def revoke(self, cert, reason=0, key=None):
        """By this account, or by the certificate's key."""
        self.post(self.directory["revokeCert"], {"reason": reason, "certificate": jws.b64url(
            cert.public_bytes(serialization.Encoding.DER))}, key=key)


def cert_id(cert):
    """ARI's name of a certificate, RFC 9773 §4.1"""
    aki = cert.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    number = cert.serial_number
    serial = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return f"{jws.b64url(aki.key_identifier)}.{jws.b64url(serial)}"
