"""postern-cert against the test world: a certificate whose key and account were made in the TEE,
with CAA in place before it, evidence under a quote after it, and nothing of it lost or made twice
when the program is killed at any step.

Every test has a node with names of its own; they share one world.
"""
import base64
import hashlib
import itertools
import json
import os
import signal
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from cert_node import Node, ask, follow
from conftest import ROOT, run, wait_for

_serial = itertools.count(1)
REPORT_DATA = slice(48 + 520, 48 + 584)  # of a TDX quote, version 4


@pytest.fixture(scope="module")
def zt_settings():
    return {"ca_flags": ("--caa-identity", "ca.test"),
            "zones": ("example.test", "plain.test:unsigned")}


@pytest.fixture
def node(bindir, zt_world, tmp_path):
    """node(names=..., ...) makes one; ended with the test."""
    made = []

    def make(*names, **settings):
        label = f"n{next(_serial)}"
        names = [n.replace("%", label) for n in names] or [f"*.{label}.example.test"]
        made.append(Node(bindir, zt_world, tmp_path / label, names, **settings))
        return made[-1]
    yield make
    for one in made:
        one.close()


def spki_of(key):
    return key.public_bytes(serialization.Encoding.DER,
                            serialization.PublicFormat.SubjectPublicKeyInfo)


def test_certificate_with_its_proof(node, zt_world):
    n = node("*.%.example.test", "gateway.%.example.test")
    n.start()
    said = n.wait_certificate()
    folder = n.wait_evidence()
    base = n.names[0][2:]

    # The edge is given chain and key, and they belong together.
    given = n.tls()["certificates"]
    assert len(given) == 1 and sorted(given[0]["names"]) == sorted(n.names)
    leaf = x509.load_pem_x509_certificate(given[0]["chain"].encode())
    key = serialization.load_pem_private_key(given[0]["key"].encode(), None)
    assert spki_of(key.public_key()) == spki_of(leaf.public_key())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(names.get_values_for_type(x509.DNSName)) == sorted(n.names)
    assert said["spki"] == hashlib.sha256(spki_of(leaf.public_key())).hexdigest()

    # Key first: made and quoted before the order was finalized; CAA before the order.
    events = [line["event"] for line in n.audit()]
    for before, after in itertools.pairwise(
            ("account_key_made", "account_made", "account_quoted", "caa_written", "order",
             "key_made", "certificate_issued", "evidence_published")):
        assert events.index(before) < events.index(after), events
    account = n.status()["accounts"][0]["url"]
    caa = zt_world.records.get(base, "CAA")
    for tag in ("issue", "issuewild"):
        assert [r for r in caa if f" {tag} " in r and f"accounturi={account}" in r
                and "validationmethods=dns-01" in r], caa
    assert not [r for r in caa if "accounturi" not in r]
    assert not zt_world.records.get(f"_acme-challenge.{base}", "TXT")

    # dstack's files, checked as its guide does; one quote over them and the core.
    run("sha256sum", "-c", "--strict", "sha256sum.txt", cwd=folder)
    assert json.loads((folder / "acme-account.json").read_text())["uri"] == account
    quote = bytes.fromhex(json.loads((folder / "quote.json").read_text())["quote"])
    core = (folder / "core.json").read_bytes()
    assert quote[REPORT_DATA] == (hashlib.sha256((folder / "sha256sum.txt").read_bytes()).digest()
                                  + hashlib.sha256(core).digest())
    assert [c["tbs_sha256"] for c in json.loads(core)["certs"]] == [said["tbs"]] * 2
    assert all(c["exclusive"] and "proof_sha256" in c for c in json.loads(core)["caa"])

    # Served, too, and the same.
    code, body = ask(n.public, "GET", "/evidences/v2/core.json")
    assert (code, body) == (200, core)
    code, body = ask(n.public, "GET", "/.dstack/acme-info")
    info = json.loads(body)
    assert info["account_uri"] == account
    quoted = json.loads(info["quoted_hist_keys"][0]["quote"])["quote"]
    assert bytes.fromhex(quoted)[REPORT_DATA] == hashlib.sha512(
        b"zt-cert:" + spki_of(leaf.public_key())).digest()

    # Nothing on the disk has the key, or begins as one does.
    secret = base64.b64encode(key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))[40:80]
    number = key.private_numbers().private_value.to_bytes(32, "big")
    for path in n.state.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert secret not in data and number not in data and b"PRIVATE KEY" not in data, path
    n.stop()


def test_restart_keeps_account_and_certificate(node, zt_world):
    n = node()
    n.start()
    first = n.wait_certificate()
    account = n.status()["accounts"][0]["url"]
    n.stop()
    n.start()
    assert n.wait_certificate() == {**first, "renew_at": n.certificate()["renew_at"]}
    wait_for(lambda: n.status().get("accounts", [{}])[0].get("standing") == "ready", 30)
    assert n.status()["accounts"][0]["url"] == account
    assert len(zt_world.issued(n.names[0])) == 1
    assert len(n.audit("account_key_made")) == 1


def test_renewal_has_a_new_key_and_the_same_account(node, zt_world):
    n = node()
    n.start()
    first = n.wait_certificate()
    n.wait_evidence()
    assert ask(n.admin, "POST", "/v1/renew", b"{}")[0] == 202
    second = n.wait_certificate(unlike=first["tbs"])
    assert second["spki"] != first["spki"]
    old, new = zt_world.issued(n.names[0])
    assert old["account"] == new["account"] and old["replaced"]

    def keys():
        core = json.loads((n.state / "evidence" / "core.json").read_text())
        return core if len(core["keys"]) == 2 else None
    core = wait_for(keys, 60, "evidence of both keys")
    assert [k["spki_sha256"] for k in core["keys"]] == [first["spki"], second["spki"]]
    assert core["keys"][0]["retired_at"] and not core["keys"][1]["retired_at"]


def test_account_that_is_gone_is_not_made_again(node, zt_world):
    n = node()
    n.start()
    n.wait_certificate()
    account = n.status()["accounts"][0]["url"]
    n.stop()
    n.wipe_state()
    n.launch_anew()
    n.start()
    alarm = n.wait_alarm("account_not_ready")
    assert account in alarm["text"] and "OPERATIONS.md" in alarm["text"]
    assert not n.audit("account_key_made")
    assert len(zt_world.issued(n.names[0])) == 1
    # A person may say that it is lost.
    assert ask(n.admin, "POST", "/v1/account/new", b"{}")[0] == 202
    n.wait_certificate()
    assert n.status()["accounts"][0]["url"] != account
    assert len(zt_world.issued(n.names[0])) == 2


def test_no_account_is_made_while_caa_cannot_be_seen(node, zt_world):
    """Who takes the state away may also silence DNS; the CA is still reached."""
    n = node()
    whole = n.config.read_text()
    n.config.write_text(whole.replace(zt_world.dns["resolver"],
                                      f"{zt_world.dns['resolver']}, 127.0.0.1:9"))
    n.start()
    alarm = n.wait_alarm("account_not_ready")
    assert "cannot be looked up" in alarm["text"]
    assert not n.audit("account_key_made")
    n.stop()
    n.config.write_text(whole)
    n.start()
    n.wait_certificate()


@pytest.mark.parametrize("what, said", [("flip", "not_authentic"), ("remove", "missing"),
                                        ("old", "rolled_back")])
def test_sealed_account_that_was_touched_is_refused(node, zt_world, what, said):
    n = node()
    n.start()
    n.wait_certificate()
    n.stop()
    path, = n.state.glob("sealed/acme-*.sealed")
    data = path.read_bytes()
    if what == "flip":
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    elif what == "remove":
        path.unlink()
    else:  # an older state in its place
        n.start()
        first = n.wait_certificate()
        assert ask(n.admin, "POST", "/v1/renew", b"{}")[0] == 202
        n.wait_certificate(unlike=first["tbs"])
        n.stop()
        path.write_bytes(data)
    n.start()
    alarm = n.wait_alarm("account_not_ready")
    assert said in alarm["text"]
    assert len(n.audit("account_key_made")) == 1


def test_other_code_cannot_read_the_sealed_files(node):
    n = node()
    n.start()
    n.wait_certificate()
    n.stop()
    n.children.stop(n.platform)
    text = (n.dir / "teesim.yaml").read_text()
    (n.dir / "teesim.yaml").write_text(text.replace("image: base", "image: another"))
    n.platform = None
    n.start()
    assert n.cert.wait(30) == 1
    assert "other_measurement" in n.log()


def steps_of(n):
    """Every step that the ACME client took in a whole issuance."""
    return [line.rsplit("want=", 1)[1] for line in n.log().splitlines()
            if "event=acme_step" in line]


def test_killed_at_every_step(node, zt_world):
    """kill -9 after the k-th step, for every k: the account is the one, at most one order more is
    made than without, and no file is half-written."""
    whole = node()
    whole.start()
    whole.wait_certificate()
    count = len(steps_of(whole))
    whole.stop()
    assert count > 12
    for k in range(1, count + 1):
        n = node()
        child = n.start()
        if not follow(child.log, "event=acme_step", k, timeout=20):
            # How often a CA has to be asked again varies: this one was through before.
            assert k > 12 and n.certificate(), (k, n.log()[-3000:])
            break
        child.send_signal(signal.SIGKILL)
        child.wait(10)
        n.start()
        n.wait_certificate()
        n.wait_evidence()
        assert len({c["account"] for c in zt_world.issued(n.names[0])}) == 1, k
        assert len(zt_world.issued(n.names[0])) <= 2, k
        assert len(n.audit("account_key_made")) == 1, k
        assert len(n.audit("order")) <= 2, k
        run("sha256sum", "-c", "--strict", "--quiet", "sha256sum.txt", cwd=n.state / "evidence")
        assert not list(n.state.glob("sealed/*.tmp")), k
        n.close()


@pytest.fixture(scope="module")
def killer(tmp_path_factory):
    path = tmp_path_factory.mktemp("killat") / "killat.so"
    run("gcc", "-shared", "-fPIC", "-O1", "-o", path, ROOT / "tests/preload/killat.c")
    return path


def dies_at(n, killer, call):
    """Starts it; whether it died at that call and was started again, or had its evidence before."""
    core = n.state / "evidence" / "core.json"
    n.state.mkdir()
    armed = n.state / "killat"
    armed.write_text(str(call))
    child = n.start(before=("env", f"LD_PRELOAD={killer}", f"KILLAT={armed}"))
    wait_for(lambda: child.poll() is not None or core.exists(), 60, f"call {call} or the end")
    if core.exists():
        return False
    # Its sandbox lets it kill nobody, and ends it for trying: as suddenly.
    assert child.returncode in (-signal.SIGKILL, -signal.SIGSYS), n.log()[-3000:]
    armed.unlink()
    n.start()
    return True


def test_killed_between_any_two_traces(node, zt_world, killer):
    """kill -9 at every so manieth call that writes, syncs, renames or sends (every one of them with
    KILL_EVERY=1): what test_killed_at_every_step asks for, of the program's own files, too."""
    stride = int(os.environ.get("KILL_EVERY", "75"))
    died, call = 0, 2
    while True:
        n = node()
        if not dies_at(n, killer, call):
            break
        n.wait_certificate()
        n.wait_evidence()
        assert len({c["account"] for c in zt_world.issued(n.names[0])}) == 1, call
        assert len(zt_world.issued(n.names[0])) <= 2, call
        assert len(n.audit("account_key_made")) <= 2, call
        assert len(n.audit("order")) <= 2, call
        run("sha256sum", "-c", "--strict", "--quiet", "sha256sum.txt", cwd=n.state / "evidence")
        assert not list(n.state.glob("sealed/*.tmp")), call
        n.close()
        died, call = died + 1, call + stride
    assert died >= 3


def test_mistakes_of_the_configuration_have_their_place(node, bindir):
    n = node()
    text = n.config.read_text()
    for old, new, said in (
            ("challenges: [ dns-01 ]", "challenges: [ dns-02 ]", "challenges[0]"),
            ("agree: true", "agree: yes", "authorities[0].agree"),
            ("node: gw-1", "node: gw-1\nnod: x", "nod: unknown"),
            (json.dumps(n.names), '["a.test", "A.test"]', "comes twice"),
            (json.dumps(n.names), '["*.*.test"]', "certificates[0].names[0]")):
        n.config.write_text(text.replace(old, new))
        done = run(bindir / "postern-cert", "--config", n.config, "--check", check=False)
        assert done.returncode == 2, (new, done.stdout)
        assert said in done.stdout and ("twice" in said or f"{n.config}:" in done.stdout), done.stdout
    n.config.write_text(text)
    assert run(bindir / "postern-cert", "--config", n.config, "--check").stdout == "ok\n"
    assert subprocess.call([bindir / "postern-cert", "--nonsense"], stderr=subprocess.DEVNULL) == 2
