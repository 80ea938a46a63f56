"""The gateway's web certificate in the demo: how it came about, what `postern
verify` makes of it, and what an outsider's certificate for the same name does."""
import hashlib
import json
import pathlib
import shlex
import time

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
    def __init__(self, cloud, show, gateway, node="gateway", folder="cert", socket="cert.sock"):
        self.cloud, self.show, self.gateway = cloud, show, gateway
        self.node, self.folder, self.socket = node, folder, socket
        self.world = cloud.state / "world"

    # What postern-cert and the world say.

    def status(self):
        done = self.cloud.exec(self.node, "curl", "-sf", "--unix-socket", f"/run/postern/{self.socket}",
                               "http://localhost/v1/status")
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def audit(self):
        done = self.cloud.exec(self.node, "cat", f"/var/lib/postern/{self.folder}/audit.jsonl")
        return [json.loads(line) for line in done.stdout.splitlines()] if not done.returncode else []

    def is_published(self):
        return any(line["event"] == "evidence_published" for line in self.audit())

    def wait(self):
        """Until there is a certificate, and evidence of it."""
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

    # What a stranger can check.

    def verify_argv(self, host, judge="hello", method="dns-01", app=None):
        """The policy for the code behind a host is the one of a node that accepts it, too: of a CVM
        for the gateway's, of the gateway for a CVM's; 'app' is the only one that may answer."""
        facts = json.loads((self.world / "world.json").read_text())
        policy = self.cloud.state / f"verify-{host}"
        policy.mkdir(exist_ok=True)
        etc = self.cloud.state / judge / "etc/postern"
        (policy / "platform.yaml").write_text((etc / "policy.yaml").read_text())
        (policy / "sim-root.pem").write_text((etc / "sim-root.pem").read_text())
        ca = facts["ca"]["directory"].split("/")[2].split(":")[0]
        searches = facts["aggregator"]["crtsh"].rstrip("/")
        (policy / "verify.yaml").write_text(
            "platform: platform.yaml\nsimulated_root: sim-root.pem\n"
            f"ca:\n  directories: [ \"{ca}\" ]\n  issuers: [ ca.test ]\n  methods: [ {method} ]\n"
            # This CA looks at CAA for each order anew; of others nobody knows for eight hours.
            "  caa_reuse: 0s\n"
            + (f"apps:\n  - app_id: {app}\n" if app else ""))
        (policy / "roots.pem").write_text(pathlib.Path(facts["cafile"]).read_text()
                                          + pathlib.Path(facts["ca"]["roots"]).read_text())
        return [self.cloud.postern, "verify", f"https://{host}:{self.cloud.port}/",
                "--connect", f"{self.gateway}:443", "--policy", policy / "verify.yaml",
                "--resolver", facts["dns"]["resolver"], "--trust-anchor", facts["dns"]["anchor_ds"],
                "--ca-file", policy / "roots.pem", "--log-list", facts["ct"]["list"],
                "--log-list-key", facts["ct"]["list_key"],
                "--source", f"crt.sh={searches}",
                "--source", f"certspotter={searches}"]

    def verify_command(self):
        """The same for a person, as one line of a shell."""
        argv = self.verify_argv(f"hello.{self.cloud.base}")
        return shlex.join(map(str, self.cloud.exec_argv("hostile", *argv)))

    def verify(self, *what, **more):
        """(exit status, the report)"""
        done = self.cloud.exec("hostile", *self.verify_argv(*what, **more), "--json", timeout=60)
        try:
            return done.returncode, json.loads(done.stdout[done.stdout.index("{"):])
        except ValueError:
            return done.returncode, {"checks": [], "outcome": done.stdout.strip()[-300:]}

    def judged(self, *what, **more):
        """What `postern verify` says: (exit status, checks by id)"""
        status, report = self.verify(*(what or (f"hello.{self.cloud.base}",)), **more)
        return status, {check["id"]: check for check in report["checks"]}

    def of_state(self, checks, state):
        return [check for check in checks.values() if check["state"] == state]

    def show_verified(self, host=None, **how):
        host = host or f"hello.{self.cloud.base}"
        # The evidence has heads, proofs and a date once the logs and searches were read.
        for _ in range(15):
            status, checks = self.judged(host, **how)
            if status == 0:
                break
            time.sleep(1)
        passed, failed, open_ones = (self.of_state(checks, s) for s in ("pass", "fail", "unknown"))
        open_ones += self.of_state(checks, "not-yet") + self.of_state(checks, "not-shown")
        bad = [c["id"] for c in failed]
        needed = ("quote.signature", "quote.policy", "quote.binding", "fresh.nonce", "fresh.quote",
                  "fresh.session", "cert.key", "cert.issued", "key.quote", "account.proof",
                  "account.quote", "account.directory", "caa.dnssec", "caa.exclusive", "ct.scts",
                  "history.sources", "history.foreign", "history.safe")
        needed += ("app.identity",) if "app" in how else ()
        missing = [i for i in needed if checks.get(i, {}).get("state") != "pass"]
        self.show.check(
            passed and not bad and not missing and status == (2 if open_ones else 0),
            f"postern verify https://{host}:{self.cloud.port}/: {len(passed)} checks "
            f"hold, {len(failed)} refuted, {len(open_ones)} open, exit status {status}"
            + (f"; wrong: {', '.join(bad + missing)}" if bad or missing else ""))
        for check in failed + open_ones:
            why = "refuted" if check in failed else "open"
            self.show.more(f"{why}: {check['id']}: {check['reason']}")

    def foreign_alarm(self):
        return next((a for a in self.status().get("alarms", []) if a["kind"] == "ct_foreign"), None)

    def red_for_him_alone(self):
        """The verdict, if nothing but the foreign certificate is refuted."""
        status, checks = self.judged()
        failed = {check["id"] for check in self.of_state(checks, "fail")}
        return (status, checks) if failed == {"history.foreign"} else None

    def judged_after_attack(self):
        """Evidence that was made in the moment without CAA says so: with another certificate it is
        made anew."""
        found = self.red_for_him_alone()
        if found:
            return found
        self.cloud.exec(self.node, "curl", "-s", "-X", "POST", "--unix-socket", f"/run/postern/{self.socket}",
                        "http://localhost/v1/renew")
        return self.cloud.wait_for(self.red_for_him_alone, 20, 1) or self.judged()

    def show_attack(self):
        name = f"hello.{self.cloud.base}"
        said = self.outsider("obey", name)
        self.show.check(said.get("refused") == "caa",
                        f"whoever writes the DNS orders a certificate for {name} with an account of his "
                        f"own: {said.get('refused') or said} ({said.get('detail', '')})")
        said = self.outsider("lift", name, self.cloud.base)
        self.show.check("serial" in said, "he takes CAA away for a moment, and the CA issues: "
                        + (f"serial {said['serial'][:16]}…" if "serial" in said else str(said)))
        self.show.busy("waiting for postern-cert to find it in a log")
        alarm = self.cloud.wait_for(self.foreign_alarm, 30, 0.2)
        self.show.busy(None)
        self.show.check(alarm and alarm["about"], "postern-cert raises its alarm ct_foreign: "
                        + (f"{alarm['about']}: {alarm['text']}" if alarm else "none"))
        status, checks = self.judged_after_attack()
        failed = {check["id"] for check in self.of_state(checks, "fail")}
        foreign = checks.get("history.foreign", {})
        self.show.check(
            status == 1 and failed == {"history.foreign"},
            f"postern verify turns red, exit status {status}: history.foreign: "
            f"{foreign.get('reason')} [{foreign.get('rule')}]"
            + "".join(f"; also {i}: {checks[i]['reason']}" for i in failed - {"history.foreign"}))
