"""The gateway's web certificate in the demo: how it came about."""
import hashlib
import json
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import serialization

HERE = pathlib.Path(__file__).resolve().parent
WAIT = 60  # seconds, for the certificate and its evidence
BIRTH = ("account_key_made", "account_made", "account_quoted", "caa_written", "order", "key_made",
         "certificate_issued", "evidence_published")


def spki(der):
    """SHA-256 of the key in a certificate, as postern-cert says it."""
    key = x509.load_der_x509_certificate(der).public_key()
    return hashlib.sha256(key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).hexdigest()


class WebCertificate:
    def __init__(self, cloud, show, gateway):
        self.cloud, self.show, self.gateway = cloud, show, gateway
        self.world = cloud.state / "world"

    # What postern-cert and the world say.

    def status(self):
        done = self.cloud.exec("gateway", "curl", "-sf", "--unix-socket", "/run/postern/cert.sock",
                               "http://localhost/v1/status")
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def audit(self):
        done = self.cloud.exec("gateway", "cat", "/var/lib/postern/cert/audit.jsonl")
        return [json.loads(line) for line in done.stdout.splitlines()] if not done.returncode else []

    def is_published(self):
        return any(line["event"] == "evidence_published" for line in self.audit())

    def wait(self):
        """Until the gateway has its certificate, and evidence of it."""
        return self.cloud.wait_for(self.is_published, WAIT, 0.2) and \
            self.cloud.wait_for(self.is_served, 10)

    def is_served(self):
        try:
            return self.cloud.get("gateway").status == 200
        except OSError:
            return False

    def outsider(self, *what):
        done = self.cloud.exec("hostile", "/usr/bin/python3", HERE / "outsider.py", self.world, *what)
        try:
            return json.loads(done.stdout.strip().splitlines()[-1])
        except (ValueError, IndexError):
            return {"error": done.stdout.strip()[-300:]}

    def show_birth(self):
        status, events = self.status(), [line["event"] for line in self.audit()]
        account = status["accounts"][0]["url"]
        places = [events.index(event) for event in BIRTH if event in events]
        born = len(places) == len(BIRTH) and places == sorted(places)
        seen = spki(self.cloud.get("hello").certificate)
        served = any(c["spki"] == seen for c in status["certificates"])
        caa = self.outsider("caa", self.cloud.base).get("caa", [])
        pins = [r for r in caa if f"accounturi={account}" in r and "validationmethods=dns-01" in r]
        pinned = len(pins) == len(caa) and {r.split()[1] for r in pins} == {"issue", "issuewild"}
        self.show.check(
            born and served and pinned,
            f"certificate issued to the gateway: account made in the TEE, CAA pinned: {account} "
            f"is named by {len(pins)} of {len(caa)} CAA records; the key that hello shows, "
            f"{seen[:16]}…, was made there, too")
