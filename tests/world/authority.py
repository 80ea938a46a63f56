"""The certification authority behind the ACME front: a hierarchy with two roots and one
intermediate, certificates by way of precertificates and the logs of ctlog.py, sharded CRLs.

It keeps in its folder the keys, issued.jsonl (one line a certificate or revocation) and
certs/SERIAL.pem, so that a restart forgets nothing.
"""
import collections
import concurrent.futures
import datetime
import ipaddress
import json
import pathlib
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID, ObjectIdentifier

import serve
from ctwire import OID_POISON, OID_SCT_LIST, b64, sct_from_json, sct_list, sha256, tbs_without

SCT_OID = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
HOUR, DAY = 3600, 86400
DOMAIN_VALIDATED = ObjectIdentifier("2.23.140.1.2.1")

# What a certificate may be made wrong in.
WRONGS = ("foreign-key", "missing-san", "extra-san", "expired", "not-yet", "no-sct",
          "one-operator", "bad-sct", "foreign-issuer", "self-signed", "no-chain",
          "trailing-data", "client-only")

Profile = collections.namedtuple("Profile", "seconds common_name crl")
PROFILES = {"classic": Profile(90 * DAY, True, True),
            "tlsserver": Profile(45 * DAY, False, True),
            "shortlived": Profile(160 * HOUR, False, True)}

Issued = collections.namedtuple(
    "Issued", "serial names account profile not_before not_after spki chain replaces")


class IssuanceFailed(Exception):
    pass


def name(common):
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Postern test world"),
                      x509.NameAttribute(NameOID.COMMON_NAME, common)])


def pem(cert):
    return cert.public_bytes(serialization.Encoding.PEM)


def der(cert):
    return cert.public_bytes(serialization.Encoding.DER)


def key_usage(*wanted):
    fields = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
              "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{f: f in wanted for f in fields})


class Hierarchy:
    """Roots X1 and X2, and an intermediate that both have certified: chain 0 and chain 1."""

    def __init__(self, folder, clock, base):
        self.folder, self.clock, self.base = folder, clock, base
        self.keys = {n: self._key(n) for n in ("root-x1", "root-x2", "intermediate")}
        self.roots = [self._root(n) for n in ("root-x1", "root-x2")]
        self.intermediates = [self._intermediate(i) for i in (0, 1)]

    def _key(self, what):
        path = self.folder / f"{what}.key"
        if not path.exists():
            serve.write_private(path, serve.key_pem(ec.generate_private_key(ec.SECP256R1())))
        return serialization.load_pem_private_key(path.read_bytes(), None)

    def _kept(self, what, make):
        path = self.folder / f"{what}.pem"
        if not path.exists():
            path.write_bytes(pem(make()))
        return x509.load_pem_x509_certificate(path.read_bytes())

    def _builder(self, subject, issuer, key, days):
        now = self.clock.date()
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
                .public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(days=365))
                .not_valid_after(now + datetime.timedelta(days=days))
                .add_extension(key_usage("key_cert_sign", "crl_sign", "digital_signature"), True)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False))

    def _root(self, what):
        def make():
            subject = name(f"Test {what.replace('-', ' ').title()}")
            return (self._builder(subject, subject, self.keys[what], 7300)
                    .add_extension(x509.BasicConstraints(True, None), True)
                    .sign(self.keys[what], hashes.SHA256()))
        return self._kept(what, make)

    def _intermediate(self, number):
        root, root_key = self.roots[number], self.keys[f"root-x{number + 1}"]

        def make():
            return (self._builder(name("Test Intermediate E1"), root.subject,
                                  self.keys["intermediate"], 3650)
                    .add_extension(x509.BasicConstraints(True, 0), True)
                    .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
                        root.public_key()), False)
                    .add_extension(x509.ExtendedKeyUsage(
                        [x509.ExtendedKeyUsageOID.SERVER_AUTH]), False)
                    .add_extension(ca_issuers(f"{self.base}/root-x{number + 1}.der"), False)
                    .add_extension(crl_points(f"{self.base}/crl/root-x{number + 1}.crl"), False)
                    .sign(root_key, hashes.SHA256()))
        return self._kept(f"intermediate-{number + 1}", make)


def ca_issuers(url):
    return x509.AuthorityInformationAccess([x509.AccessDescription(
        AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(url))])


def crl_points(url):
    return x509.CRLDistributionPoints([x509.DistributionPoint(
        [x509.UniformResourceIdentifier(url)], None, None, None)])


class Logs:
    """The logs of a log list, asked for SCTs."""

    def __init__(self, path, cafile):
        self.path, self.cafile = path, cafile

    def usable(self):
        """[(operator, submission URL)] of the logs that are usable now"""
        found = []
        for operator in json.loads(self.path.read_text())["operators"]:
            for log in operator.get("logs", []) + operator.get("tiled_logs", []):
                if "usable" in log["state"] or "qualified" in log["state"]:
                    found.append((operator["name"], log.get("submission_url") or log["url"]))
        return found

    def submit(self, call, chain, logs):
        """What each of these logs answered; one that does not raises IssuanceFailed."""
        body = json.dumps({"chain": [b64(c) for c in chain]})

        def one(log):
            try:
                status, _, answer = serve.fetch(f"{log[1]}ct/v1/{call}", method="POST", body=body,
                                                cafile=self.cafile, timeout=20)
            except OSError as error:
                raise IssuanceFailed(f"log {log[1]}: {error}") from error
            if status != 200:
                raise IssuanceFailed(f"log {log[1]}: {status} {answer[:200]!r}")
            return json.loads(answer)

        with concurrent.futures.ThreadPoolExecutor(max(1, len(logs))) as pool:
            return list(pool.map(one, logs))


class Authority:
    """Issues, revokes, and answers for CRLs and issuers' certificates under the URL 'base'.

    'logs' is None for a CA without Certificate Transparency."""

    def __init__(self, folder, clock, base, logs, *, shards=4, backdate=3600, crl_days=7):
        self.folder, self.clock, self.base, self.logs = folder, clock, base, logs
        self.shards, self.backdate, self.crl_days = shards, backdate, crl_days
        (folder / "certs").mkdir(parents=True, exist_ok=True)
        self.hierarchy = Hierarchy(folder, clock, base)
        self.profiles = dict(PROFILES)
        self.lock = threading.Lock()
        self.issued, self.revoked, self.replaced = {}, {}, {}
        self.crl_bends = {}
        self._load()

    # ---- what a restart must not forget

    def _load(self):
        path = self.folder / "issued.jsonl"
        for line in path.read_text().splitlines() if path.exists() else []:
            self._apply(json.loads(line))

    def _note(self, line):
        self._apply(line)
        with open(self.folder / "issued.jsonl", "a", encoding="ascii") as out:
            out.write(json.dumps(line) + "\n")

    def _apply(self, line):
        serial = int(line["serial"], 16)
        if line["what"] == "issued":
            facts = {k: v for k, v in line.items() if k != "what"}
            self.issued[serial] = Issued(**{**facts, "serial": serial})
        elif line["what"] == "revoked":
            self.revoked[serial] = (line["at"], line["reason"])
        else:
            self.replaced[serial] = line["by"]

    # ---- issuing

    def issue(self, names, key, *, profile="classic", account="", wrong="", not_before=None,
              not_after=None, replaces="", common_name=None, final=True):
        """Issues for names (DNS names and addresses, as texts) and a public key; returns the
        Issued. 'wrong' is one of WRONGS; 'final' False logs a precertificate and issues nothing
        else (the Issued then has the precertificate in its chain)."""
        if wrong and wrong not in WRONGS:
            raise ValueError(f"no {wrong!r}; there are {WRONGS}")
        rules = self.profiles[profile]
        start = self.clock.now() - self.backdate if not_before is None else not_before
        end = start + rules.seconds - 1 if not_after is None else not_after
        if wrong == "expired":
            start, end = start - 2 * rules.seconds, end - 2 * rules.seconds
        if wrong == "not-yet":
            start, end = start + 2 * DAY, end + 2 * DAY
        served = list(names)
        if wrong == "missing-san":
            served = served[1:] or ["missing.invalid"]
        if wrong == "extra-san":
            served = served + ["extra.invalid"]
        if wrong == "foreign-key":
            key = ec.generate_private_key(ec.SECP256R1()).public_key()
        if common_name is None:
            common_name = served[0] if rules.common_name and len(served[0]) <= 64 else ""
        builder = self._leaf(served, key, common_name, start, end, rules, wrong)
        cert = self._signed(builder, wrong, final)
        chain = pem(cert).decode()
        if wrong == "trailing-data":
            chain += "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        facts = {"serial": f"{cert.serial_number:x}", "names": list(names), "account": account,
                 "profile": profile, "not_before": int(start), "not_after": int(end),
                 "spki": b64(sha256(key.public_bytes(
                     serialization.Encoding.DER,
                     serialization.PublicFormat.SubjectPublicKeyInfo))),
                 "chain": [chain, wrong], "replaces": replaces}
        (self.folder / "certs" / f"{cert.serial_number:x}.pem").write_text(chain)
        with self.lock:
            self._note({"what": "issued", **facts})
            if replaces:
                self._note({"what": "replaced", "serial": replaces, "by": facts["serial"]})
            return self.issued[cert.serial_number]

    def _leaf(self, names, key, common_name, start, end, rules, wrong):
        issuer = self.hierarchy.intermediates[0]
        # the last digit of a serial number is its CRL's shard, so that a shard can be found
        serial = x509.random_serial_number()
        serial = serial - serial % 16 + (serial // 16) % self.shards
        usage = x509.ExtendedKeyUsageOID
        alternatives = x509.SubjectAlternativeName([serve_name(n) for n in names])
        subject = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else [])
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.subject)
                   .public_key(key).serial_number(serial)
                   .not_valid_before(datetime.datetime.utcfromtimestamp(int(start)))
                   .not_valid_after(datetime.datetime.utcfromtimestamp(int(end)))
                   .add_extension(key_usage("digital_signature"), True)
                   .add_extension(x509.ExtendedKeyUsage(
                       [usage.CLIENT_AUTH if wrong == "client-only" else usage.SERVER_AUTH]), False)
                   .add_extension(x509.BasicConstraints(False, None), True)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
                       issuer.public_key()), False)
                   .add_extension(ca_issuers(f"{self.base}/intermediate-1.der"), False)
                   .add_extension(alternatives, not common_name)
                   .add_extension(x509.CertificatePolicies(
                       [x509.PolicyInformation(DOMAIN_VALIDATED, None)]), False))
        if rules.crl:
            builder = builder.add_extension(
                crl_points(f"{self.base}/crl/{serial % 16}.crl"), False)
        return builder

    def _signed(self, builder, wrong, final):
        key = self.hierarchy.keys["intermediate"]
        if wrong in ("foreign-issuer", "self-signed"):
            key = ec.generate_private_key(ec.SECP256R1())
        if self.logs is None:
            return builder.sign(key, hashes.SHA256())
        issuers = [der(self.hierarchy.intermediates[0]), der(self.hierarchy.roots[0])]
        precert = builder.add_extension(x509.PrecertPoison(), True).sign(key, hashes.SHA256())
        logs = self.logs.usable()
        if wrong == "one-operator":
            logs = [g for g in logs if g[0] == logs[0][0]]
        if wrong in ("no-sct", "foreign-issuer", "self-signed"):
            logs = []
        scts = [sct_from_json(a) for a in self.logs.submit(
            "add-pre-chain", [der(precert), *issuers], logs)]
        if not final:
            return precert
        if wrong == "bad-sct":
            scts = [s[:-1] + bytes([s[-1] ^ 1]) for s in scts]
        if scts:
            builder = builder.add_extension(x509.UnrecognizedExtension(
                SCT_OID, sct_list(scts)), False)
        cert = builder.sign(key, hashes.SHA256())
        assert tbs_without(cert.tbs_certificate_bytes, OID_SCT_LIST) == tbs_without(
            precert.tbs_certificate_bytes, OID_POISON), "certificate and precertificate differ"
        self.logs.submit("add-chain", [der(cert), *issuers], logs)
        return cert

    def chain(self, issued, number=0):
        """The PEM chain as ACME serves it; number 1 is the other root's."""
        leaf, wrong = issued.chain
        if wrong in ("no-chain", "self-signed"):
            return leaf
        return leaf + pem(self.hierarchy.intermediates[number]).decode()

    # ---- revocation

    def revoke(self, serial, reason=0):
        with self.lock:
            self._note({"what": "revoked", "serial": f"{serial:x}", "reason": reason,
                        "at": int(self.clock.now())})

    def find(self, cert):
        """The Issued of a certificate, if it is one of ours to the byte."""
        found = self.issued.get(cert.serial_number)
        if found and x509.load_pem_x509_certificate(found.chain[0].encode()) == cert:
            return found
        return None

    def cert_id(self, serial):
        """ARI's name of a certificate (RFC 9773 §4.1), as (AKI, serial number) in bytes"""
        aki = x509.SubjectKeyIdentifier.from_public_key(
            self.hierarchy.intermediates[0].public_key()).digest
        return aki, serial.to_bytes(serial.bit_length() // 8 + 1, "big")

    def crl(self, shard):
        """DER of one CRL: a shard's (a number's text), or a root's, which is empty."""
        bend = self.crl_bends.get(shard, {})
        if bend.get("what") == "garbage":
            return b"not a CRL"
        if shard.startswith("root-"):
            issuer, key, entries = (self.hierarchy.roots[int(shard[-1]) - 1],
                                    self.hierarchy.keys[shard], [])
        else:
            issuer, key = self.hierarchy.intermediates[0], self.hierarchy.keys["intermediate"]
            entries = [(s, *r) for s, r in self.revoked.items() if s % 16 == int(shard)]
        if bend.get("what") == "wrong-signer":
            key = ec.generate_private_key(ec.SECP256R1())
        if bend.get("what") == "hide":
            entries = []
        shown = str((int(shard) + 1) % self.shards) if bend.get("what") == "wrong-shard" else shard
        now = self.clock.date()
        if bend.get("what") == "stale":
            now -= datetime.timedelta(days=2 * self.crl_days)
        builder = (x509.CertificateRevocationListBuilder().issuer_name(issuer.subject)
                   .last_update(now).next_update(now + datetime.timedelta(days=self.crl_days))
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(
                       issuer.public_key()), False)
                   .add_extension(x509.CRLNumber(int(self.clock.now())), False))
        if not shard.startswith("root-"):
            builder = builder.add_extension(x509.IssuingDistributionPoint(
                [x509.UniformResourceIdentifier(f"{self.base}/crl/{shown}.crl")], None,
                True, False, None, False, False), True)
        for serial, at, reason in entries:
            entry = (x509.RevokedCertificateBuilder().serial_number(serial)
                     .revocation_date(datetime.datetime.utcfromtimestamp(at)))
            if reason:
                entry = entry.add_extension(x509.CRLReason(REASONS[reason]), False)
            builder = builder.add_revoked_certificate(entry.build())
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def answer(self, request):
        """CRLs and issuers' certificates over plain HTTP."""
        parts = request.path.strip("/").split("/")
        known = [str(i) for i in range(self.shards)] + ["root-x1", "root-x2"]
        if len(parts) == 2 and parts[0] == "crl" and parts[1].removesuffix(".crl") in known:
            shard = parts[1].removesuffix(".crl")
            bend = self.crl_bends.get(shard, {})
            if bend.get("what") == "status":
                return serve.Answer(int(bend["value"]), "not now\n")
            return serve.Answer(200, self.crl(shard), kind="application/pkix-crl")
        path = self.folder / pathlib.PurePath(parts[-1]).with_suffix(".pem").name
        if len(parts) == 1 and parts[0].endswith(".der") and path.exists():
            cert = x509.load_pem_x509_certificate(path.read_bytes())
            return serve.Answer(200, der(cert), kind="application/pkix-cert")
        return serve.Answer(404, "no such path\n")


REASONS = {1: x509.ReasonFlags.key_compromise, 3: x509.ReasonFlags.affiliation_changed,
           4: x509.ReasonFlags.superseded, 5: x509.ReasonFlags.cessation_of_operation,
           9: x509.ReasonFlags.privilege_withdrawn}


def serve_name(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
