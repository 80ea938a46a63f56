"""The test world itself (tests/world): that its servers do what the real ones do, judged by
programs that have nothing to do with them or with us. lego gets certificates, openssl checks
chains, SCTs and CRLs, certspotter follows the log, delv and unbound-host validate the DNS; proofs
are checked by the algorithms of RFC 9162, which are not the ones the logs use.

One world in a network namespace serves all tests; each uses names of its own.
"""
import base64
import collections
import datetime
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import shutil
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from conftest import ROOT, Children, Netns, run, unique, wait_for

sys.path.insert(0, str(ROOT / "tests" / "world"))
import acmeclient  # noqa: E402
import ctwire  # noqa: E402
import jws  # noqa: E402
import serve  # noqa: E402
from world import World  # noqa: E402


class Here:
    """Lets a test's thread speak to servers in the namespace."""

    CLONE_NEWNET = 0x40000000

    def __init__(self, path):
        import ctypes
        self.libc, self.path = ctypes.CDLL(None, use_errno=True), path

    def __enter__(self):
        self.before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        with open(self.path) as there:
            assert self.libc.setns(there.fileno(), self.CLONE_NEWNET) == 0

    def __exit__(self, *_):
        assert self.libc.setns(self.before, self.CLONE_NEWNET) == 0
        os.close(self.before)


@pytest.fixture(scope="module")
def place():
    """(folder, namespace), with this thread inside the namespace"""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pt-world-", dir="/tmp"))
    ns = Netns(unique("wld"))
    with Here(ns.path):
        yield folder, ns
    ns.delete()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def world(place):
    folder, _ = place
    records = folder / "records"
    records.write_text('www.example.test. 60 A 127.0.0.1\n'
                       'www.plain.test. 60 A 127.0.0.1\n'
                       'www.bogus.test. 60 A 127.0.0.1\n')
    with World(folder / "world", records=records,
               zones=("example.test", "plain.test:unsigned", "bogus.test:bogus",
                      "delegated.test")) as made:
        yield made
    for log in (folder / "world").glob("*.log"):  # a traceback there is a bug in the world
        assert "Traceback" not in log.read_text(), log.read_text()[-3000:]


@pytest.fixture(autouse=True)
def well_behaved(world):
    yield
    world.control("ca", "clear")
    world.control("aggregator", "mend")
    for log in world.ct["logs"]:
        world.control("ct", "mend", log=log)
    world.set_time(offset=0)


@pytest.fixture
def started(tmp_path):
    made = Children(tmp_path)
    yield made
    made.stop_all()


@pytest.fixture
def client(world):
    return acmeclient.Client(world.ca, world.records)


def refusal(call, *args, **kwargs):
    with pytest.raises(acmeclient.Refused) as caught:
        call(*args, **kwargs)
    return caught.value


# ---- ACME, by lego

def lego(world, folder, *argv, check=True):
    key = world.dns["keys"]["challenge."]
    env = {**os.environ, "LEGO_CA_CERTIFICATES": world.cafile,
           "RFC2136_NAMESERVER": world.dns["server"], "RFC2136_TSIG_KEY": "challenge.",
           "RFC2136_TSIG_ALGORITHM": "hmac-sha256.", "RFC2136_TSIG_SECRET": key["secret"],
           "RFC2136_POLLING_INTERVAL": "1", "RFC2136_SEQUENCE_INTERVAL": "1"}
    return run("lego", "--server", world.ca["directory"], "--accept-tos", "--email", "a@lego.test",
               "--path", folder, "--dns", "rfc2136", "--dns.resolvers", world.dns["resolver"],
               "--dns.disable-cp", *argv, env=env, check=check, timeout=120)


def test_lego_gets_a_certificate_with_a_key_for_txt_and_caa_only(world, tmp_path):
    lego(world, tmp_path, "-d", "lego.example.test", "-d", "*.lego.example.test", "run")
    path = tmp_path / "certificates/lego.example.test.crt"
    run("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", world.ca["root"],
        "-untrusted", world.ca["intermediate"], path)
    cert = x509.load_pem_x509_certificate(path.read_bytes())
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(names.get_values_for_type(x509.DNSName)) == [
        "*.lego.example.test", "lego.example.test"]
    lego(world, tmp_path, "-d", "lego.example.test", "revoke", "--keep")
    serials = [c["serial"] for c in world.control("ca", "issued")["certificates"] if c["revoked"]]
    assert f"{cert.serial_number:x}" in serials


def test_caa_keeps_another_account_out(world, tmp_path, client):
    name = "pinned.example.test"
    world.records.set(name, "CAA", f'0 issue "ca.test; accounturi={client.url}"')
    refused = lego(world, tmp_path, "-d", name, "run", check=False)
    assert refused.returncode != 0
    assert "urn:ietf:params:acme:error:caa" in refused.stdout
    assert f"accounturi is {client.url}" in refused.stdout
    client.issue(name)
    # a wildcard under it falls back to issue; a name above it is not concerned
    assert refusal(acmeclient.Client(world.ca, world.records).issue, f"*.{name}").kind == "caa"


CaaCase = collections.namedtuple("CaaCase", "name records asked allowed")
CAA_CASES = [
    CaaCase("none_at_any_level", {}, "x.caa.example.test", True),
    CaaCase("other_issuer", {"caa": ['0 issue "other.test"']}, "x.caa.example.test", False),
    CaaCase("nobody", {"caa": ['0 issue ";"']}, "caa.example.test", False),
    CaaCase("one_of_two", {"caa": ['0 issue "other.test"', '0 issue "CA.test"']},
            "caa.example.test", True),
    CaaCase("closest_wins", {"caa": ['0 issue "other.test"'], "x.caa": ['0 issue "ca.test"']},
            "x.caa.example.test", True),
    CaaCase("issuewild_is_not_for_names", {"caa": ['0 issuewild ";"']}, "caa.example.test", True),
    CaaCase("issuewild_wins_for_wildcards",
            {"caa": ['0 issue "ca.test"', '0 issuewild ";"']}, "*.caa.example.test", False),
    CaaCase("issue_counts_for_wildcards", {"caa": ['0 issue ";"']}, "*.caa.example.test", False),
    CaaCase("critical_unknown_tag", {"caa": ['128 tbs "x"']}, "caa.example.test", False),
    CaaCase("unknown_tag", {"caa": ['0 tbs "x"']}, "caa.example.test", True),
    CaaCase("iodef_only", {"caa": ['0 iodef "mailto:a@b.test"']}, "caa.example.test", True),
    CaaCase("our_account", {"caa": ['0 issue "ca.test; accounturi=ACCOUNT"']},
            "caa.example.test", True),
    CaaCase("account_with_a_slash_more", {"caa": ['0 issue "ca.test; accounturi=ACCOUNT/"']},
            "caa.example.test", False),
    CaaCase("account_twice",
            {"caa": ['0 issue "ca.test; accounturi=ACCOUNT; accounturi=ACCOUNT"']},
            "caa.example.test", False),
    CaaCase("method", {"caa": ['0 issue "ca.test;validationmethods=http-01,dns-01"']},
            "caa.example.test", True),
    CaaCase("other_method", {"caa": ['0 issue "ca.test;validationmethods=http-01"']},
            "caa.example.test", False),
    CaaCase("malformed_value", {"caa": ['0 issue "ca.test; %%%"']}, "caa.example.test", False),
    CaaCase("alias_to_records", {"x.caa": "CNAME target.delegated.test.",
                                 "target.delegated.test.": ['0 issue ";"']},
            "x.caa.example.test", False),
    CaaCase("alias_then_own_parent", {"x.caa": "CNAME empty.delegated.test.",
                                      "caa": ['0 issue ";"']}, "x.caa.example.test", False),
    CaaCase("parent_of_alias_does_not_count",
            {"x.caa": "CNAME a.parent.delegated.test.", "parent.delegated.test.": ['0 issue ";"'],
             "a.parent.delegated.test.": "TXT \"there\""}, "x.caa.example.test", True),
    CaaCase("bogus_zone", {}, "www.bogus.test", False),
]


@pytest.mark.parametrize("case", CAA_CASES, ids=lambda c: c.name)
def test_caa_evaluation(world, case):
    """CAA of the CA, over the real resolver. What lego and our client see is the same function."""
    account = "https://ca.test/acct/1"
    absolute = {n if n.endswith(".") else f"{n}.example.test.": v for n, v in case.records.items()}
    try:
        for name, values in absolute.items():
            if isinstance(values, str):
                world.records.set(name, *values.split(" ", 1))
            else:
                world.records.set(name, "CAA", *[v.replace("ACCOUNT", account) for v in values])
        verdict = world.control("ca", "evaluate", name=case.asked, account=account,
                                method="dns-01")
        assert verdict["allowed"] == case.allowed, verdict
    finally:
        for name in absolute:
            world.records.delete(name)


# ---- certificates, by openssl

def files(folder, chain, key=None):
    (folder / "chain.pem").write_text(chain)
    (folder / "leaf.pem").write_text(chain.split("-----END CERTIFICATE-----")[0]
                                     + "-----END CERTIFICATE-----\n")
    if key:
        (folder / "key.pem").write_bytes(serve.key_pem(key))
    return folder / "leaf.pem"


class CtServer:
    """openssl s_server with a certificate; states() is what s_client says of its SCTs."""

    def __init__(self, world, folder, started, chain, key):
        self.world, self.folder = world, folder
        files(folder, chain, key)
        self.conf = folder / "logs.cnf"
        self.server = started.start(
            "openssl", "s_server", "-accept", "127.0.0.1:4433", "-cert", folder / "leaf.pem",
            "-cert_chain", world.ca["intermediate"], "-key", folder / "key.pem", "-quiet")
        wait_for(lambda: self.states({}), what="openssl to serve")

    def states(self, logs):
        self.conf.write_text(f"enabled_logs={','.join(logs)}\n" + "".join(
            f"[{n}]\ndescription={n}\nkey={k}\n" for n, k in logs.items()))
        said = run("openssl", "s_client", "-connect", "127.0.0.1:4433", "-CAfile",
                   self.world.ca["root"], "-ct", "-ctlogfile", self.conf, check=False,
                   input="").stdout
        return sorted(line.split(":")[1].strip() for line in said.splitlines()
                      if "alidation status" in line)


@pytest.mark.parametrize("wrong", ["", "bad-sct"])
def test_openssl_judges_the_scts_of_both_logs(world, tmp_path, started, client, wrong):
    if wrong:
        world.control("ca", "faults", at="finalize", what="wrong-certificate", value=wrong)
    _, chain, key = client.issue("sct.example.test")
    logs = {n: g["key"] for n, g in world.ct["logs"].items()}
    server = CtServer(world, tmp_path, started, chain, key)
    time.sleep(1)  # s_client counts in whole seconds, and an SCT of this one is in its future
    state = "invalid" if wrong else "valid"
    assert server.states(logs) == [state, state]
    assert server.states({"alder": logs["alder"]}) == sorted([state, "unknown log"])
    assert server.states({"alder": logs["birch"]}) == sorted([state, "unknown log"])


def crl_check(world, folder, cert, crl):
    (folder / "crl.pem").write_bytes(crl.public_bytes(serialization.Encoding.PEM))
    done = run("openssl", "verify", "-crl_check", "-extended_crl", "-CAfile", world.ca["root"],
               "-untrusted", world.ca["intermediate"], "-CRLfile", folder / "crl.pem",
               "-attime", int(time.time()), cert, check=False)
    return done.stdout


def crl_of(cert):
    points = cert.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    url = points[0].full_name[0].value
    return url, x509.load_der_x509_crl(serve.fetch(url)[2])


def test_openssl_reads_the_crl_of_the_right_shard(world, tmp_path, client):
    cert, chain, key = client.issue("crl.example.test")
    leaf = files(tmp_path, chain)
    url, crl = crl_of(cert)
    assert "OK" in crl_check(world, tmp_path, leaf, crl)
    client.revoke(cert, 4)
    _, crl = crl_of(cert)
    assert "certificate revoked" in crl_check(world, tmp_path, leaf, crl)
    entry = crl.get_revoked_certificate_by_serial_number(cert.serial_number)
    assert entry.extensions.get_extension_for_class(
        x509.CRLReason).value.reason == x509.ReasonFlags.superseded
    shard = url.rpartition("/")[2].removesuffix(".crl")
    for what, reason in (("wrong-shard", "different CRL scope"), ("stale", "CRL has expired"),
                         ("wrong-signer", "CRL signature failure"), ("hide", "OK")):
        world.control("ca", "crl", shard=shard, what=what)
        assert reason.lower() in crl_check(world, tmp_path, leaf, crl_of(cert)[1]).lower(), what


# ---- DNS, by delv and unbound-host

def delv(world, folder, *question):
    words = pathlib.Path(world.dns["anchor_ds"]).read_text().split()
    anchor = folder / "anchor.conf"
    anchor.write_text(f'trust-anchors {{ . static-ds {words[4]} {words[5]} {words[6]} '
                      f'"{words[7]}"; }};\n')
    return run("delv", "@" + world.dns["resolver"].split(":")[0], "-a", anchor, *question,
               check=False).stdout


@pytest.mark.parametrize("name, verdict, host", [
    ("www.example.test", "; fully validated", "(secure)"),
    ("www.plain.test", "; unsigned answer", "(insecure)"),
    ("www.bogus.test", "resolution failed", "SERVFAIL"),
])
def test_validators_climb_from_our_root(world, tmp_path, name, verdict, host):
    assert verdict in delv(world, tmp_path, name, "A")
    config = pathlib.Path(world.dns["anchor_ds"]).with_name("unbound.conf")
    said = run("unbound-host", "-v", "-C", config, "-t", "A", name, check=False).stdout
    assert host in said or "BOGUS" in said and host == "SERVFAIL", said


def test_negative_answers_are_proved(world, tmp_path):
    assert "; negative response, fully validated" in delv(
        world, tmp_path, "nothing.example.test", "CAA")


def test_the_challenge_key_writes_txt_and_caa_only(world):
    import dnsserver
    little = dnsserver.Records(world.dns, "challenge.")
    little.set("key.example.test", "TXT", '"x"')
    little.set("key.example.test", "CAA", '0 issue ";"')
    with pytest.raises(ValueError):
        little.set("key.example.test", "A", "192.0.2.1")
    world.records.set("key.example.test", "A", "192.0.2.1")
    assert world.records.get("key.example.test", "A") == ["192.0.2.1"]
    for kind in ("TXT", "CAA", "A"):
        world.records.delete("key.example.test", kind)


# ---- logs, by certspotter

class Certspotter:
    """Follows the RFC 6962 logs; found() is what its hook was told."""

    def __init__(self, world, folder, started, *domains):
        self.folder = folder
        (folder / "watch").write_text("".join(f"{d}\n" for d in domains))
        hook = folder / "hook"
        hook.write_text(f'#!/bin/sh\necho "$EVENT $CERT_PARSEABLE $TBS_SHA256 $DNS_NAMES $SUMMARY"'
                        f' >>{folder}/found\n')
        hook.chmod(0o755)
        self.process = started.start(
            "certspotter", "-logs", world.ct["list"], "-watchlist", folder / "watch",
            "-state_dir", folder / "state", "-script", hook, "-verbose",
            env={**os.environ, "SSL_CERT_FILE": world.cafile, "HOME": str(folder)})

    def found(self):
        path = self.folder / "found"
        return path.read_text() if path.exists() else ""


def test_certspotter_follows_the_log_and_finds_what_was_issued(world, tmp_path, started, client):
    cert, _, _ = client.issue("spotted.example.test")
    client.issue("other.example.test")
    spotter = Certspotter(world, tmp_path, started, "spotted.example.test")
    wait_for(lambda: "discovered_cert" in spotter.found(), timeout=30,
             what="certspotter to find it")
    tbs = hashlib.sha256(ctwire.tbs_without(cert.tbs_certificate_bytes, ctwire.OID_SCT_LIST))
    assert tbs.hexdigest() in spotter.found(), spotter.found()
    assert "other.example" not in spotter.found()
    # its own tree head, verified: the tree it rebuilt has our root
    wait_for(lambda: list((tmp_path / "state/logs").glob("*/state.json")), what="its position")
    position = json.loads(next((tmp_path / "state/logs").glob("*/state.json")).read_text())
    assert position["verified_position"]["size"] > 0, position
