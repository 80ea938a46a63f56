"""The ACME client's core against pebble, the test server of Let's Encrypt.

Goal: everything the packaged pebble can do is done with it: each way to prove a name,
addresses, wildcards, external accounts, key change, revocation, other chains, and all that
while half of the nonces are refused; and a client that is killed before each of its steps
ends with one account and at most one order more.
"""
import base64
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from conftest import Children, Netns, run, tool, unique, wait_for

DIRECTORY = "https://127.0.0.1:14000/dir"
MANAGEMENT = "https://127.0.0.1:15000"
CHALLENGES = "http://127.0.0.1:8055"
MAC = base64.urlsafe_b64encode(b"k" * 32).decode().rstrip("=")

# A server for tls-alpn-01: for the name asked for it shows the certificate that lies in the
# folder under that name, to those who offer acme-tls/1.
ALPN_SERVER = '''
import pathlib, socket, ssl, sys
folder, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])
def choose(sock, name, outer):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["acme-tls/1"])
    context.load_cert_chain(folder / f"{name}.pem")
    sock.context = context
outer = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
outer.set_alpn_protocols(["acme-tls/1"])
outer.sni_callback = choose
listener = socket.create_server(("127.0.0.1", port))
while True:
    sock, _ = listener.accept()
    try:
        sock.settimeout(5)
        outer.wrap_socket(sock, server_side=True).close()
    except Exception as e:
        print(repr(e), flush=True)
'''


class Pebble:
    """pebble and its challenge server in a namespace of their own."""

    def __init__(self, folder, acmedo, nonce_reject=5, **config):
        self.folder, self.acmedo = folder, acmedo
        self.ns = Netns(unique("acm"))
        self.children = Children(folder)
        self.proofs = folder / "proofs"
        self.proofs.mkdir()
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", folder / "tls.key", "-out", folder / "tls.pem", "-days", "30", "-subj", "/CN=pebble",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        settings = {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000",
                    "certificate": str(folder / "tls.pem"), "privateKey": str(folder / "tls.key"),
                    "httpPort": 5002, "tlsPort": 5001, "ocspResponderURL": "",
                    "externalAccountBindingRequired": False, "certificateValidityPeriod": 518400} | config
        (folder / "pebble.json").write_text(json.dumps({"pebble": settings}))
        env = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": str(nonce_reject), "PEBBLE_AUTHZREUSE": "0",
               "PEBBLE_ALTERNATE_ROOTS": "2", "PEBBLE_CHAIN_LENGTH": "2", "PATH": "/usr/bin:/bin"}
        self.children.start(*self.ns.argv("pebble", "-config", folder / "pebble.json", "-dnsserver",
                                          "127.0.0.1:8053"), log="pebble.log", env=env)
        self.children.start(*self.ns.argv("pebble-challtestsrv", "-defaultIPv6", "", "-defaultIPv4", "127.0.0.1",
                                          "-dns01", "127.0.0.1:8053", "-http01", "127.0.0.1:5002", "-https01", "",
                                          "-tlsalpn01", "", "-management", "127.0.0.1:8055"), log="challenges.log")
        (folder / "alpn.py").write_text(ALPN_SERVER)
        self.children.start(*self.ns.argv("/usr/bin/python3", folder / "alpn.py", self.proofs, "5001"),
                            log="alpn.log")
        wait_for(lambda: self.get("/roots/0", check=False).returncode == 0, what="pebble")

    def get(self, path, **kwargs):
        return self.ns.run("curl", "-sf", "--cacert", self.folder / "tls.pem", MANAGEMENT + path, **kwargs)

    def roots(self, *which):
        path = self.folder / "roots.pem"
        path.write_text("".join(self.get(f"/roots/{n}").stdout for n in which))
        return path

    def do(self, *job, who="a", want=0, **options):
        """One run of the tool; what it says, or None when it was to be killed and was."""
        options = {"directory": DIRECTORY, "ca": self.folder / "tls.pem", "key": self.folder / f"{who}.key",
                   "state": self.folder / f"{who}.state", "challenges": CHALLENGES, "proofs": self.proofs,
                   "certkey": self.folder / f"{who}-cert.key", "out": self.folder / f"{who}.pem"} | options
        argv = self.ns.argv(self.acmedo, *[f"{k}={v}" for k, v in options.items() if v is not None], *job)
        done = run(*argv, check=False)
        if "kill" in options and done.returncode == 9:
            return None
        assert done.returncode == want, done.stdout
        return json.loads(done.stdout.splitlines()[-1]) if want in (0, 1) else None

    def chain(self, who="a"):
        text = (self.folder / f"{who}.pem").read_bytes()
        return [x509.load_pem_x509_certificate(b"-----BEGIN" + part) for part in text.split(b"-----BEGIN")[1:]]

    def is_revoked(self, certificate):
        answer = self.get(f"/cert-status-by-serial/{certificate.serial_number:x}")
        return json.loads(answer.stdout)["Status"] == "Revoked"

    def close(self):
        self.children.stop_all()
        self.ns.delete()


@pytest.fixture(scope="module")
def acmedo(bindir):
    return tool(bindir, "acmedo")


@pytest.fixture(scope="module")
def shared(acmedo, tmp_path_factory):
    """One pebble for what does not need another configuration, with an account."""
    pebble = Pebble(tmp_path_factory.mktemp("pebble"), acmedo)
    said = pebble.do("register", contact="mailto:ops@example.org")
    assert said["status"] == "valid" and said["account"].startswith("https://127.0.0.1:14000/")
    yield pebble
    pebble.close()


def names_of(certificate):
    san = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return sorted(str(n.value) for n in san)


@pytest.mark.parametrize("methods,names", [
    ("dns-01", ["dns.example.org"]),
    ("http-01", ["http.example.org"]),
    ("tls-alpn-01", ["alpn.example.org"]),
    ("dns-01", ["*.wild.example.org", "wild.example.org"]),
    ("http-01", ["127.0.0.1"]),
    ("tls-alpn-01", ["127.0.0.1"]),
    ("http-01,dns-01", ["*.mixed.example.org", "mixed.example.org", "127.0.0.1"]),
])
def test_certificate_is_issued(shared, methods, names):
    said = shared.do("order", *names, methods=methods)
    assert said["end"] == "ok" and not said["hasOrder"], said
    leaf = shared.chain()[0]
    assert names_of(leaf) == sorted(names)
    key = serialization.load_pem_private_key((shared.folder / "a-cert.key").read_bytes(), None)
    assert leaf.public_key().public_numbers() == key.public_key().public_numbers()
    assert not list(shared.proofs.iterdir())


def test_chain_leads_to_the_roots_that_are_given(shared):
    assert shared.do("order", "rooted.example.org", roots=shared.roots(0))["end"] == "ok"
    # Only another chain leads there, so that one is taken.
    assert shared.do("order", "rooted.example.org", roots=shared.roots(1))["end"] == "ok"
    ours = shared.folder / "tls.pem"
    said = shared.do("order", "rooted.example.org", roots=ours, want=1)
    assert (said["end"], said["check"], said["hasOrder"]) == ("certificate", "no_root", False)


def test_another_chain_is_taken_by_its_issuer(shared):
    root = x509.load_pem_x509_certificate(shared.get("/roots/2").stdout.encode())
    wanted = root.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    shared.do("order", "chains.example.org")
    assert wanted not in [c.issuer.rfc4514_string()[3:] for c in shared.chain()]
    shared.do("order", "chains.example.org", issuer=wanted)
    assert shared.chain()[-1].issuer.rfc4514_string() == f"CN={wanted}"
    # One that does not exist: the default chain.
    assert shared.do("order", "chains.example.org", issuer="Nobody Root")["end"] == "ok"


def test_order_fails_where_the_name_is_not_proven(shared):
    # http-01 at a name whose address nobody answers at.
    shared.ns.run("curl", "-sf", "-d", json.dumps({"host": "away.example.org.", "addresses": ["127.0.0.9"]}),
                  f"{CHALLENGES}/add-a")
    said = shared.do("order", "away.example.org", methods="http-01", want=1)
    assert (said["end"], said["problem"], said["cure"]) == ("refused", "connection", "proof"), said
    assert not said["hasOrder"]
    # No way of ours for a wildcard.
    said = shared.do("order", "*.away.example.org", methods="http-01", want=1)
    assert said["end"] == "no_challenge"


def test_revoked_by_account_and_by_owner_of_the_key(shared):
    for job in ("revoke", "revoke-as-owner"):
        shared.do("order", "revoked.example.org")
        leaf = shared.chain()[0]
        assert not shared.is_revoked(leaf)
        assert shared.do(job, shared.folder / "a.pem", "1")["end"] == "ok"
        assert shared.is_revoked(leaf)
        # A second time it is as we want it already.
        assert shared.do(job, shared.folder / "a.pem", "1")["end"] == "ok"
    shared.do("order", "revoked.example.org")
    said = shared.do("revoke", shared.folder / "a.pem", "99", want=1)
    assert (said["problem"], said["cure"]) == ("badRevocationReason", "settings")


def test_foreign_certificate_is_refused_by_this_server(shared):
    """pebble does not do RFC 8555 7.6 for another account's; all of the way there is done."""
    shared.do("register", who="b")
    shared.do("order", "foreign.example.org", who="b")
    said = shared.do("revoke-foreign", shared.folder / "b.pem", "1", want=1)
    assert (said["end"], said["problem"]) == ("refused", "unauthorized"), said
    assert not said["hasOrder"]


def test_unknown_key_gets_no_account_by_looking(shared):
    said = shared.do("find", who="nobody", want=1)
    assert (said["end"], said["problem"], said["status"]) == ("refused", "accountDoesNotExist", "none")
    found = shared.do("find", who="again", key=shared.folder / "a.key")
    assert found["account"] == json.loads((shared.folder / "a.state").read_text())["account"]["url"]


def test_key_changes_and_the_account_stays(shared):
    before = shared.do("register", who="k")["account"]
    new = shared.folder / "k2.key"
    assert shared.do("key", new, who="k")["end"] == "ok"
    assert shared.do("order", "key.example.org", who="k", key=new)["account"] == before
    assert shared.do("find", who="old", key=shared.folder / "k.key", want=1)["problem"] == "accountDoesNotExist"
    # The old key is not taken for the new one's account.
    shared.do("find", who="k", want=2)


@pytest.mark.parametrize("steps", range(8))
def test_key_change_killed_at_any_step_is_finished(shared, steps):
    who, new = f"kk{steps}", shared.folder / f"kk{steps}-new.key"
    before = shared.do("register", who=who)["account"]
    said = shared.do("key", new, who=who, kill=steps)
    state = json.loads((shared.folder / f"{who}.state").read_text())["account"]
    assert not said or not state["nextKey"]
    if state["nextKey"]:  # nothing else goes before that is settled
        shared.do("find", who=who, want=2)
    if not said:
        shared.do("key", new, who=who)
    assert shared.do("find", who=who, key=new)["account"] == before


def test_account_is_updated_and_deactivated(shared):
    shared.do("register", who="d")
    assert shared.do("update", who="d", contact="mailto:new@example.org")["end"] == "ok"
    assert shared.do("deactivate", who="d")["status"] == "deactivated"
    shared.do("order", "gone.example.org", who="d", want=2)


def test_profile_and_replaces_do_no_harm_where_unknown(shared):
    shared.do("order", "again.example.org", profile="shortlived")
    assert shared.do("order", "again.example.org", replaces=shared.folder / "a.pem")["end"] == "ok"


def test_renewal_window_where_it_is_offered(shared):
    shared.do("order", "window.example.org")
    offered = "renewalInfo" in shared.ns.run("curl", "-sf", "--cacert", shared.folder / "tls.pem", DIRECTORY).stdout
    said = shared.do("renewal", shared.folder / "a.pem", want=0 if offered else 1)
    if offered:
        assert said["windowStart"] < said["windowEnd"]
    else:
        assert said["end"] == "unsupported"


def test_killed_before_each_step_it_ends_all_the_same(shared):
    """One account, and no more orders than kills before the order's URL was known."""
    shared.do("register", who="r")
    shared.do("order", "killed.example.org", who="r")
    log = shared.folder / "pebble.log"
    twice = 0
    for steps in range(60):
        before = log.read_text().count("Added order")
        name = f"k{steps}.example.org"
        if shared.do("order", name, who="r", kill=steps):  # it ended before it came to that
            break
        state = json.loads((shared.folder / "r.state").read_text())
        shared.do(*(("resume",) if "order" in state else ("order", name)), who="r")
        made = log.read_text().count("Added order") - before
        assert made <= 2, (steps, made)
        twice += made == 2
        assert names_of(shared.chain("r")[0]) == [name]
        print(f"killed before step {steps}: {made} orders")
    assert steps > 12, steps
    # Only between asking for one and storing where it is.
    assert twice == 1, twice


def test_half_of_the_nonces_are_refused(acmedo, tmp_path):
    pebble = Pebble(tmp_path, acmedo, nonce_reject=50)
    try:
        pebble.do("register")
        bad = sum(pebble.do("order", f"n{n}.example.org")["badNonces"] for n in range(5))
        assert bad > 5, bad
    finally:
        pebble.close()


def test_external_account_is_bound(acmedo, tmp_path):
    pebble = Pebble(tmp_path, acmedo, externalAccountBindingRequired=True, externalAccountMACKeys={"kid-1": MAC})
    try:
        said = pebble.do("register", want=1)
        assert (said["problem"], said["cure"], said["status"]) == ("externalAccountRequired", "person", "none")
        wrong = MAC[:-2] + "AA"
        assert pebble.do("register", kid="kid-1", mac=wrong, want=1)["problem"] == "unauthorized"
        assert pebble.do("register", kid="kid-1", mac=MAC)["end"] == "ok"
        assert pebble.do("order", "bound.example.org")["end"] == "ok"
    finally:
        pebble.close()


def test_account_that_the_server_forgot_is_lost_for_good(acmedo, tmp_path):
    pebble = Pebble(tmp_path, acmedo)
    pebble.do("register")
    pebble.close()
    (tmp_path / "second").mkdir()
    pebble = Pebble(tmp_path / "second", acmedo)  # it keeps nothing
    try:
        for name in ("a.key", "a.state"):
            (tmp_path / "second" / name).write_bytes((tmp_path / name).read_bytes())
        said = pebble.do("order", "lost.example.org", want=1)
        assert (said["end"], said["status"]) == ("account", "lost"), said
        assert "CAA" in said["why"]
        # No way back by itself.
        pebble.do("register", want=2)
        pebble.do("order", "lost.example.org", want=2)
    finally:
        pebble.close()
