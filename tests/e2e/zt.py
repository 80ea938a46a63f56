"""The world outside (tests/world) for tests of certificates and evidence: DNS, logs, CA and
aggregators in a network namespace of their own, and what others do in it. Fixtures of conftest.py:

    zt_world    a world for the module, with what the module's own zt_settings() returns as the
                arguments of World (zones, logs, ca_flags and so on)
    zt_shared   one world for all modules that mind no company: names of one's own, no clock

    def test_an_attack(zt_world, children):
        node = children.start(*zt_world.argv(bindir / "postern-cert", ...))
        cert = zt_world.foreign("www.example.test")         # by another account, over ACME
        cert = zt_world.tricked("www.example.test")         # whatever CAA says
        zt_world.revoke(cert, 1)
        zt_world.advance(days=30)

The thread of the test stays outside; methods go inside and come back.
"""
import collections
import os
import pathlib
import shutil
import sys
import tempfile
import time

from cryptography import x509

from conftest import ROOT
from private_net import PrivateNet

sys.path.insert(0, str(ROOT / "tests" / "world"))
import acmeclient  # noqa: E402
import serve  # noqa: E402
from world import World  # noqa: E402

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"

# cert: x509.Certificate (the precertificate if only that was made); chain: PEM; key: PEM, or None
Got = collections.namedtuple("Got", "cert chain key")


class Zt:
    """A World in a PrivateNet. 'ca', 'ct', 'dns' and 'aggregator' are facts of the servers (see
    tests/world/README.md), 'records' changes the DNS."""

    def __init__(self, **settings):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="pt-zt-", dir="/tmp"))
        self.net = PrivateNet()
        self.world = World(self.dir / "world", prefix=self.net.argv(), **settings)
        self.argv, self.here = self.net.argv, self.net.here

    def start(self):
        try:
            self.world.start()
        except BaseException:
            self._end()
            raise
        return self

    def _end(self):
        """What the servers' logs have of tracebacks"""
        self.world.close()
        self.net.close()
        bugs = [text[-3000:] for p in self.world.dir.glob("*.log")
                if "Traceback" in (text := p.read_text())]
        shutil.rmtree(self.dir, ignore_errors=True)
        return bugs

    def close(self):
        """Ends everything; a traceback in a server's log is a bug in the world."""
        bugs = self._end()
        assert not bugs, bugs[0]

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    ca = property(lambda self: self.world.ca)
    ct = property(lambda self: self.world.ct)
    dns = property(lambda self: self.world.dns)
    aggregator = property(lambda self: self.world.aggregator)
    cafile = property(lambda self: self.world.cafile)
    log_list = property(lambda self: self.ct["list"])
    log_list_key = property(lambda self: self.ct["list_key"])  # PEM
    log_list_signature = property(lambda self: self.ct["list_signature"])

    @property
    def records(self):
        return self.net.inside(self.world.records)

    def control(self, what, name, wanted=None, /, **more):
        """Asks a control endpoint: control("ct", "bend", log="alder", what="fork", value=3)"""
        return self.world.control(what, name, wanted, **more)

    def mend(self):
        """Everybody behaves again, and it is the machine's time."""
        self.control("ca", "clear")
        self.control("aggregator", "mend")
        for log in self.ct["logs"]:
            self.control("ct", "mend", log=log)
        self.set_time(offset=0)

    def secret_file(self, key="challenge."):
        """A file with a TSIG key's secret, as a line of base64; "challenge." writes TXT and CAA."""
        path = self.dir / f"tsig-{key.rstrip('.')}"
        serve.write_private(path, self.dns["keys"][key]["secret"].encode() + b"\n")
        return path

    # ---- what others do

    def account(self, **options):
        """Another account of the CA: an acmeclient.Client that can write the DNS."""
        with self.here():
            return self.net.inside(acmeclient.Client(self.ca, self.world.records, **options))

    def foreign(self, *names, account=None, caa=True, method="dns-01", **members):
        """The attack by one who can write the DNS: a certificate for another account. CAA is
        obeyed (acmeclient.Refused, kind "caa") unless it is not to be looked at."""
        if not caa:
            self.control("ca", "faults", at="finalize", what="skip-caa")
        cert, chain, key = (account or self.account()).issue(*names, method=method, **members)
        return Got(cert, chain, serve.key_pem(key).decode())

    def tricked(self, *names, **wanted):
        """A certificate that the CA should not have issued: no order, no proof, no CAA. More:
        account, profile, wrong (authority.WRONGS), not_before and not_after (unix seconds),
        spki (PEM of the key), final=False (a precertificate in the logs, and no more)."""
        said = self.control("ca", "issue", names=list(names), **wanted)
        return Got(x509.load_pem_x509_certificate(said["chain"].encode()), said["chain"],
                   said["key"])

    def revoke(self, cert, reason=0):
        """By the CA: a Got, a certificate, or a serial number in hex."""
        self.control("ca", "revoke", serial=serial_of(cert), reason=reason)

    def issued(self, name=None):
        """What the CA issued, oldest first: dicts with serial, names, account, profile, chain,
        revoked (None, or time and reason), replaced; of one name, or all."""
        found = self.control("ca", "issued")["certificates"]
        return [c for c in found if name is None or name in c["names"]]

    def is_revoked(self, cert):
        return any(c["revoked"] for c in self.issued() if c["serial"] == serial_of(cert))

    # ---- time

    def now(self):
        """Unix seconds of the world; the DNS has the machine's."""
        return serve.Clock(self.world.clock_file).now()

    def set_time(self, **wanted):
        """offset= or advance= (seconds), or now= (RFC 3339)"""
        said = self.world.set_time(**wanted)
        new = self.dir / "faketime.new"
        new.write_text(f"{said['offset']:+.0f}\n")
        new.replace(self.dir / "faketime")
        return said

    def advance(self, days=0, hours=0, seconds=0):
        """CA, logs and aggregators are that much later; see clock_env() for programs of ours."""
        return self.set_time(advance=86400 * days + 3600 * hours + seconds)

    def clock_env(self, follow=False):
        """The environment that gives a program the world's time by libfaketime: as it is now, or,
        if it may open files of the test's folder, as it will be. Monotonic clocks are left."""
        offset = self.now() - time.time()
        which = {"FAKETIME": f"{offset:+.0f}"}
        if follow:
            self.set_time(offset=offset)
            which = {"FAKETIME_TIMESTAMP_FILE": str(self.dir / "faketime"),
                     "FAKETIME_CACHE_DURATION": "1"}
        return {**os.environ, "LD_PRELOAD": FAKETIME, "FAKETIME_DONT_FAKE_MONOTONIC": "1", **which}


def serial_of(cert):
    """A serial number as the control endpoint has it."""
    if isinstance(cert, str):
        return cert
    cert = cert.cert if isinstance(cert, Got) else cert
    return f"{cert.serial_number:x}"
