"""The custom domain in the demo: TLS that ends in the CVM of its app ("ingress" in the manifest),
with an account and a key that were made there."""
import ssl
import time

from cloud import Connection
from webcert import HERE, WebCertificate, spki

METHOD = "tls-alpn-01"
BIRTH = ("account_key_made", "account_made", "account_quoted", "order", "key_made", "certificate_issued",
         "evidence_published")


class CustomDomain(WebCertificate):
    name = "www.shop.example"

    def __init__(self, cloud, show, gateway):
        super().__init__(cloud, show, gateway, node="shop", folder="ingress", socket="ingress/cert.sock")

    def account(self):
        return next((a["url"] for a in self.status().get("accounts", []) if a["standing"] == "ready"), None)

    def own(self):
        """The owner's part: a TXT record says whose the name is (`postern up` has made it), and CAA
        who may have certificates for it. He cannot write that before the account is there."""
        account = self.cloud.wait_for(self.account, 30, 0.2)
        if not account:
            return False
        done = self.cloud.exec("hostile", "/usr/bin/python3", HERE / "owner.py", self.world, self.name, account,
                               METHOD)
        # It looks again by itself; told, it does so at once.
        self.cloud.exec("shop", "curl", "-s", "-X", "POST", "--unix-socket", "/run/postern/ingress/cert.sock",
                        "http://localhost/v1/caa/look")
        return done.returncode == 0

    def get(self):
        """(status, JSON, the certificate, seconds)"""
        context = ssl.create_default_context(cafile=str(self.cloud.ca))
        connection = Connection(self.name, "127.0.0.1", self.cloud.port, context)
        began = time.monotonic()
        try:
            connection.request("GET", "/", headers={"Connection": "close"})
            reply = connection.getresponse()
            return reply.status, reply.read().decode(), connection.seen[2], time.monotonic() - began
        finally:
            connection.close()

    def is_served(self):
        try:
            return self.get()[0] == 200
        except OSError:
            return False

    def how_it_passed(self):
        """What the gateway's edge did with the last connection for the name."""
        done = self.cloud.exec("gateway", "curl", "-s", "--unix-socket", "/run/postern/edge-admin.sock",
                               "http://localhost/v1/certificates")
        return self.name not in done.stdout

    def show_domain(self, gateways):
        if not self.show.check(self.wait(), f"the CVM of shop has a certificate for {self.name}"):
            return
        status, body, leaf, seconds = self.get()
        self.show.check(
            status == 200 and '"container": "172.' in body and self.how_it_passed(),
            f"https://{self.name}:{self.cloud.port}/ → {status} → edge, which passes it through → WireGuard → "
            f"edge in the CVM, where TLS ends → container ({seconds * 1000:.1f} ms)")
        events = [line["event"] for line in self.audit()]
        places = [events.index(event) for event in BIRTH if event in events]
        account, key = self.account(), spki(leaf)
        own = {c["spki"] for c in self.status()["certificates"]}
        others = {c["spki"] for c in gateways.status()["certificates"]}
        self.show.check(
            len(places) == len(BIRTH) and places == sorted(places) and key in own and key not in others
            and account not in [a["url"] for a in gateways.status()["accounts"]],
            f"certificate issued to the custom domain: account {account} and key {key[:16]}… were made in shop's "
            f"CVM; the gateway has neither")

    def show_domain_verified(self):
        app = self.cloud.node("shop")["status"]["app_id"]
        self.show_verified(self.name, judge="gateway", method=METHOD, app=app)
