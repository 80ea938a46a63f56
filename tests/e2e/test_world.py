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
import http.client
import json
import os
import pathlib
import signal
import shutil
import sys
import tempfile
import time
import urllib.parse

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import world_proofs as proofs
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
    def verified():
        states = [json.loads(p.read_text())
                  for p in (tmp_path / "state/logs").glob("*/state.json")]
        return states and states[0]["verified_position"]["size"] > 0
    wait_for(verified, timeout=20, what="certspotter to verify a tree head")


# ---- logs, by the algorithms of RFC 9162

class Reader:
    """A log's public API; what it says is JSON, or bytes."""

    def __init__(self, world, name):
        self.facts, self.cafile = world.ct["logs"][name], world.cafile

    def get(self, path, status=200):
        got, headers, body = serve.fetch(self.facts["url"] + path, cafile=self.cafile)
        assert got == status, (path, got, body)
        return body if "json" not in headers["Content-Type"] else json.loads(body)

    def sth(self):
        return self.get("ct/v1/get-sth")

    def checkpoint(self):
        return proofs.checkpoint(self.facts["key"], self.get("checkpoint").decode())

    def consistent(self, first, second, roots):
        answer = self.get(f"ct/v1/get-sth-consistency?first={first}&second={second}")
        return proofs.consistent(first, second, map(base64.b64decode, answer["consistency"]),
                                 roots[first], roots[second])


def root_of(hashes_of_leaves):
    """The definition of RFC 6962 §2.1, slowly"""
    if len(hashes_of_leaves) == 1:
        return hashes_of_leaves[0]
    half = 1
    while 2 * half < len(hashes_of_leaves):
        half *= 2
    return proofs.node(root_of(hashes_of_leaves[:half]), root_of(hashes_of_leaves[half:]))


@pytest.fixture(scope="module")
def filled(world):
    for name in world.ct["logs"]:
        world.control("ct", "fill", log=name, count=600)


def leaves_of(reader, size):
    leaves = []
    while len(leaves) < size:
        answer = reader.get(f"ct/v1/get-entries?start={len(leaves)}&end={size - 1}")
        leaves += [base64.b64decode(e["leaf_input"]) for e in answer["entries"]]
    return [proofs.leaf_hash(leaf) for leaf in leaves]


def test_proofs_of_a_log(world, filled):
    reader = Reader(world, "alder")
    sth = reader.sth()
    size, root = sth["tree_size"], base64.b64decode(sth["sha256_root_hash"])
    assert proofs.tree_head(reader.facts["key"], sth)
    digests = leaves_of(reader, size)
    assert root_of(digests) == root
    sizes = [1, 2, 3, 4, 7, 8, 255, 256, 257, size - 1]
    roots = {n: root_of(digests[:n]) for n in [*sizes, size]}
    for first in sizes:
        assert reader.consistent(first, size, roots)
        assert not reader.consistent(first, size, {**roots, first: roots[2 if first == 1 else 1]})
    for index in (0, 1, 255, 256, size - 2, size - 1):
        for at in (n for n in (257, size) if n > index):
            quoted = digests[index]
            answer = reader.get("ct/v1/get-proof-by-hash?tree_size=%d&hash=%s" % (
                at, urllib.parse.quote(base64.b64encode(quoted), safe="")))
            path = [base64.b64decode(p) for p in answer["audit_path"]]
            assert answer["leaf_index"] == index
            assert proofs.included(quoted, index, at, path, roots[at])
            assert not proofs.included(digests[2], index, at, path, roots[at])


def test_tiles_of_a_log(world, filled):
    reader = Reader(world, "birch")
    size, root = reader.checkpoint()
    digests, leaves = b"", []
    for number in range((size + 255) // 256):
        width = min(256, size - 256 * number)
        part = "" if width == 256 else f".p/{width}"
        tile = reader.get(f"tile/0/{number:03d}{part}")
        digests += tile
        assert len(tile) == 32 * width
        leaves += entries_of(reader.get(f"tile/data/{number:03d}{part}"))
    split = [digests[i:i + 32] for i in range(0, len(digests), 32)]
    assert root_of(split) == root
    assert [proofs.leaf_hash(leaf) for leaf, _ in leaves] == split
    above = reader.get(f"tile/1/000.p/{size // 256}")
    assert above == b"".join(root_of(split[256 * i:256 * i + 256]) for i in range(size // 256))
    for index, (leaf, chain) in enumerate(leaves):
        assert leaf.endswith(b"\0\x08" + b"\0\0\5" + index.to_bytes(5, "big"))
        for fingerprint in chain[:1] if index % 100 == 0 else []:
            issuer = reader.get(f"issuer/{fingerprint.hex()}")
            assert hashlib.sha256(issuer).digest() == fingerprint
    reader.get(f"tile/0/{size // 256:03d}.p/{size % 256 + 1}", status=404)
    reader.get("tile/0/x001/000", status=404)


def entries_of(tile):
    """(MerkleTreeLeaf, fingerprints) of a data tile, as c2sp.org/static-ct-api has it"""
    found, at = [], 0
    def vector(width):
        nonlocal at
        at += width + int.from_bytes(tile[at:at + width], "big")
    while at < len(tile):
        start, kind = at, int.from_bytes(tile[at + 8:at + 10], "big")
        at += 10 + (32 if kind else 0)
        vector(3)
        vector(2)
        leaf = b"\0\0" + tile[start:at]
        if kind:
            vector(3)
        start = at + 2
        vector(2)
        found.append((leaf, [tile[i:i + 32] for i in range(start, at, 32)]))
    return found


def test_what_a_log_can_do_wrong(world, filled):
    """Each misbehaviour is there, and gone again when mended."""
    reader, tiles = Reader(world, "alder"), Reader(world, "birch")
    good = reader.sth()
    size, root = good["tree_size"], base64.b64decode(good["sha256_root_hash"])
    key = reader.facts["key"]

    def bend(log, what, value=True, **more):
        world.control("ct", "mend", log=log)
        world.control("ct", "bend", log=log, what=what, value=value, **more)

    bend("alder", "fork", 5)
    forked = reader.sth()
    assert forked["tree_size"] == size and proofs.tree_head(key, forked)
    assert base64.b64decode(forked["sha256_root_hash"]) != root
    assert root_of(leaves_of(reader, size)) == base64.b64decode(forked["sha256_root_hash"])
    bend("alder", "missing", 5)
    assert reader.sth()["tree_size"] == size - 1
    bend("alder", "shrink", 3)
    assert reader.sth()["tree_size"] == 3 and proofs.tree_head(key, reader.sth())
    for what in ("bad-signature", "wrong-key"):
        bend("alder", what)
        assert not proofs.tree_head(key, reader.sth())
    bend("alder", "stale", 7200)
    assert reader.sth()["timestamp"] < good["timestamp"] - 7000000
    bend("alder", "future", 7200)
    assert reader.sth()["timestamp"] > good["timestamp"] + 7000000
    bend("alder", "bad-proof")
    roots = {7: root_of(leaves_of(reader, 7)), size: root}
    assert not reader.consistent(7, size, roots)
    bend("alder", "status", 429, retry_after=7, times=1)
    got, headers, _ = serve.fetch(reader.facts["url"] + "ct/v1/get-sth", cafile=world.cafile)
    assert (got, headers["Retry-After"]) == (429, "7")
    assert reader.sth()["tree_size"] == size
    bend("alder", "truncate", 20)
    with pytest.raises(http.client.IncompleteRead):
        reader.sth()
    bend("alder", "garbage")
    with pytest.raises(ValueError):
        reader.sth()
    world.control("ct", "mend", log="alder")
    assert reader.consistent(7, size, roots)

    count, _ = tiles.checkpoint()
    partial, full = f"tile/0/{count // 256:03d}.p/{count % 256}", "tile/0/000"
    before = {p: tiles.get(p) for p in (partial, full, "tile/data/000")}
    for what, path in (("wrong-partial-tile", partial), ("wrong-tile", full),
                       ("wrong-data-tile", "tile/data/000")):
        bend("birch", what)
        assert {p for p in before if tiles.get(p) != before[p]} == {path}
    bend("birch", "wrong-key-id")
    assert tiles.checkpoint() is None
    world.control("ct", "mend", log="birch")
    assert tiles.checkpoint()[0] == count


def test_a_log_that_promises_and_does_not_merge(world, client):
    reader = Reader(world, "alder")
    before = reader.sth()["tree_size"]
    world.control("ct", "bend", log="alder", what="never-merge")
    client.issue("unmerged.example.test")
    assert reader.sth()["tree_size"] == before
    world.control("ct", "mend", log="alder")
    index = world.control("ct", "add-raw", log="alder", leaf="AAEC")["index"]
    entry = reader.get(f"ct/v1/get-entries?start={index}&end={index}")["entries"][0]
    assert entry["leaf_input"] == "AAEC"


def test_the_log_list_is_signed(world):
    data = pathlib.Path(world.ct["list"]).read_bytes()
    run("openssl", "dgst", "-sha256", "-verify", world.ct["list_key"], "-signature",
        world.ct["list_signature"], world.ct["list"])
    kinds = {o["name"]: (len(o["logs"]), len(o["tiled_logs"]))
             for o in json.loads(data)["operators"]}
    assert kinds == {"Alpha": (1, 0), "Beta": (0, 1)}


def test_logs_take_only_what_our_roots_vouch_for(world):
    other = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stranger")])
    now = datetime.datetime.utcnow()
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
            .public_key(other.public_key()).not_valid_before(now).not_valid_after(now)
            .sign(other, hashes.SHA256()))
    body = json.dumps({"chain": [base64.b64encode(
        cert.public_bytes(serialization.Encoding.DER)).decode()]})
    for facts in world.ct["logs"].values():
        status, _, said = serve.fetch(facts["url"] + "ct/v1/add-chain", method="POST", body=body,
                                      cafile=world.cafile)
        assert status == 400 and b"accepted root" in said


# ---- ACME beyond pebble

def test_persistent_validation_needs_no_record_of_the_order(world, client):
    name = "persist.example.test"
    def record(text):
        world.records.set(f"_validation-persist.{name}", "TXT", f'"{text}"')
    for text, why in ((f"other.test; accounturi={client.url}", "names other.test"),
                      ("ca.test; accounturi=https://ca.test/1", "accounturi is"),
                      (f"ca.test; accounturi={client.url}; persistUntil=1", "persistUntil"),
                      ("ca.test", "accounturi is None")):
        record(text)
        refused = refusal(client.issue, name, method="dns-persist-01")
        assert refused.kind == "unauthorized" and why in str(refused), text
    record(f"ca.test; accounturi={client.url}")
    cert, _, _ = client.issue(name, method="dns-persist-01")
    assert cert.serial_number
    # a wildcard, and names below, need policy=wildcard
    for wide in (f"*.{name}", f"sub.{name}"):
        assert refusal(client.issue, wide, method="dns-persist-01").kind == "unauthorized"
    record(f"ca.test; accounturi={client.url}; policy=wildcard")
    for wide in (f"*.{name}", f"sub.{name}"):
        client.issue(wide, method="dns-persist-01")
    # CAA goes by the method that was used
    world.records.set(name, "CAA", '0 issue "ca.test; validationmethods=dns-01"')
    assert refusal(client.issue, name, method="dns-persist-01").kind == "caa"


def test_delegated_challenges_are_followed(world, client):
    name = "alias.example.test"
    world.records.delegate_challenge(name, "alias.delegated.test.")
    class Elsewhere:
        @staticmethod
        def set(asked, kind, value):
            assert asked == f"_acme-challenge.{name}"
            world.records.set("alias.delegated.test", kind, value)
    client.records = Elsewhere
    client.issue(name)


def test_profiles_and_the_clock(world, client):
    assert refusal(client.order, "p.example.test", profile="no-such").kind == "invalidProfile"
    world.set_time(now="2031-05-06T07:08:09Z")
    cert, _, _ = client.issue("p.example.test", profile="shortlived")
    assert cert.not_valid_after - cert.not_valid_before < datetime.timedelta(hours=160)
    assert str(cert.not_valid_before) == "2031-05-06 06:08:09" or (
        cert.not_valid_before - datetime.datetime(2031, 5, 6, 6, 8, 9)).seconds < 60


def test_renewal_info_and_replaces(world, client):
    cert, _, _ = client.issue("ari.example.test")
    url = client.directory["renewalInfo"] + "/" + acmeclient.cert_id(cert)
    def window():
        status, headers, body = client.fetch("GET", url)
        return status, headers["Retry-After"], json.loads(body)
    status, retry, info = window()
    start = datetime.datetime.fromisoformat(info["suggestedWindow"]["start"].rstrip("Z"))
    assert (status, retry) == (200, "21600")
    assert cert.not_valid_before < start < cert.not_valid_after
    world.control("ca", "ari", start="2026-01-01T00:00:00Z", end="2026-01-02T00:00:00Z",
                  explanation="https://ca.test/why", retry_after=60)
    assert window()[1:] == ("60", {
        "suggestedWindow": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"},
        "explanationURL": "https://ca.test/why"})
    stranger = acmeclient.Client(world.ca, world.records)
    replaced = acmeclient.cert_id(cert)
    assert refusal(stranger.order, "ari.example.test", replaces=replaced).kind == "unauthorized"
    client.issue("ari.example.test", replaces=replaced)
    refused = refusal(client.order, "ari.example.test", replaces=replaced)
    assert (refused.status, refused.kind) == (409, "alreadyReplaced")


def test_revocation_by_whoever_may(world, client):
    names = ("r1.example.test", "r2.example.test")
    certs = [client.issue(*names) for _ in range(3)]
    owner = acmeclient.Client(world.ca, world.records)
    assert refusal(owner.revoke, certs[0][0]).kind == "unauthorized"
    for name in names:  # RFC 8555 §7.6: not before it has them all
        assert refusal(owner.revoke, certs[0][0]).kind == "unauthorized"
        _, order = owner.order(name)
        owner.prove(order)
    owner.revoke(certs[0][0], 4)
    assert refusal(owner.revoke, certs[0][0]).kind == "alreadyRevoked"
    stranger = ec.generate_private_key(ec.SECP256R1())
    assert refusal(client.revoke, certs[1][0], 1, key=stranger).kind == "unauthorized"
    client.revoke(certs[1][0], 1, key=certs[1][2])
    assert refusal(client.revoke, certs[2][0], 99).kind == "badRevocationReason"
    reasons = []
    for cert, _, _ in certs:
        entry = crl_of(cert)[1].get_revoked_certificate_by_serial_number(cert.serial_number)
        reasons.append(entry and entry.extensions.get_extension_for_class(
            x509.CRLReason).value.reason)
    assert reasons == [x509.ReasonFlags.cessation_of_operation,
                       x509.ReasonFlags.key_compromise, None]


def test_key_change_is_followed(world, client):
    cert, _, _ = client.issue("rollover.example.test")
    new = ec.generate_private_key(ec.SECP256R1())
    url = client.directory["keyChange"]
    inner = jws.sign(new, {"account": client.url, "oldKey": jws.jwk_of(client.key.public_key())},
                     url=url, jwk=jws.jwk_of(new.public_key()))
    client.post(url, inner)
    assert refusal(client.revoke, cert).kind == "malformed"
    client.key = new
    client.revoke(cert)


def test_limits_by_count_and_time(world, client):
    world.control("ca", "limits", newOrder=[2, 3600])
    for _ in range(2):
        client.order("limit.example.test")
    refused = refusal(client.order, "limit.example.test")
    assert (refused.status, refused.kind) == (429, "rateLimited")
    wait = int(refused.headers["Retry-After"])
    assert 3500 < wait <= 3601
    world.set_time(advance=wait)
    client.order("limit.example.test")


Fault = collections.namedtuple("Fault", "at what value symptom")
FAULTS = [
    Fault("newOrder", "problem", {"status": 503, "type": "serverInternal"}, "serverInternal"),
    Fault("newOrder", "bad-nonce", True, None),  # the client tries again
    Fault("newOrder", "drop", True, http.client.RemoteDisconnected),
    Fault("newOrder", "drop-after", True, http.client.RemoteDisconnected),
    Fault("newOrder", "truncate", 10, http.client.IncompleteRead),
    Fault("newOrder", "garbage", "<html>", json.JSONDecodeError),
    Fault("newOrder", "edit", {"authorizations": None}, KeyError),
    Fault("order", "stuck", True, None),
    Fault("finalize", "skip-caa", True, None),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f.at}_{f.what}")
def test_what_the_ca_can_do_wrong(world, client, fault):
    name = "fault.example.test"
    if fault.what == "skip-caa":
        world.records.set(name, "CAA", '0 issue ";"')
        assert refusal(client.issue, name).kind == "caa"
    world.control("ca", "faults", at=fault.at, what=fault.what, value=fault.value)
    if fault.symptom is None:
        client.issue(name)
    elif isinstance(fault.symptom, str):
        assert refusal(client.issue, name).kind == fault.symptom
    else:
        with pytest.raises(fault.symptom):
            client.issue(name)
    world.records.delete(name)
    client.issue(name)
    asked = [r for r in world.control("ca", "seen", clear=True)["requests"]]
    assert sum(r["kind"] == "newOrder" for r in asked) >= (1 if fault.symptom is None else 2)


WrongCert = collections.namedtuple("WrongCert", "what wrong")
WRONG_CERTS = [
    WrongCert("foreign-key", lambda c, chain, key: ctwire.spki(c.public_key()) != ctwire.spki(
        key.public_key())),
    WrongCert("missing-san", lambda c, chain, key: "wrong.example.test" not in names_of(c)),
    WrongCert("extra-san", lambda c, chain, key: "extra.invalid" in names_of(c)),
    WrongCert("expired", lambda c, chain, key: c.not_valid_after < datetime.datetime.utcnow()),
    WrongCert("not-yet", lambda c, chain, key: c.not_valid_before > datetime.datetime.utcnow()),
    WrongCert("no-sct", lambda c, chain, key: not scts_of(c)),
    WrongCert("one-operator", lambda c, chain, key: len(scts_of(c)) == 1),
    WrongCert("no-chain", lambda c, chain, key: chain.count("BEGIN") == 1),
    WrongCert("trailing-data", lambda c, chain, key: "AAAA\n-----END" in chain),
]


def names_of(cert):
    return cert.extensions.get_extension_for_class(
        x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)


def scts_of(cert):
    try:
        return list(cert.extensions.get_extension_for_class(
            x509.PrecertificateSignedCertificateTimestamps).value)
    except x509.ExtensionNotFound:
        return []


@pytest.mark.parametrize("case", WRONG_CERTS, ids=lambda c: c.what)
def test_wrong_certificates(world, client, case):
    world.control("ca", "faults", at="finalize", what="wrong-certificate", value=case.what)
    assert case.wrong(*client.issue("wrong.example.test"))
    assert not case.wrong(*client.issue("wrong.example.test"))


def test_alternate_chains_and_a_loop_of_them(world, client):
    url, order = client.order("alternate.example.test")
    client.prove(order)
    order = client.finalize(url, order, ec.generate_private_key(ec.SECP256R1()))
    def alternates():
        headers, chain = client.post(order["certificate"])
        links = [v for v in headers.get_all("Link") if 'rel="alternate"' in v]
        return chain, [v[1:v.index(">")] for v in links]
    chain, others = alternates()
    assert len(others) == 1
    other = client.post(others[0])[1]
    assert other != chain and other.split(b"-----END")[0] == chain.split(b"-----END")[0]
    world.control("ca", "faults", at="certificate", what="alternate-loop", value=20)
    assert len(alternates()[1]) == 20


def test_a_restart_of_pebble_loses_accounts(world, client):
    cert, _, _ = client.issue("restart.example.test")
    world.control("ca", "restart")
    client.nonce = None
    assert refusal(client.order, "restart.example.test").kind == "accountDoesNotExist"
    assert f"{cert.serial_number:x}" in [
        c["serial"] for c in world.control("ca", "issued")["certificates"]]


# ---- aggregators

def ask(world, path):
    base = world.aggregator["crtsh"].rstrip("/")
    status, _, body = serve.fetch(base + path, cafile=world.cafile)
    return status, body


def crtsh(world, query, more="&match=ILIKE"):
    return json.loads(ask(world, f"/?q={urllib.parse.quote(query)}&output=json{more}")[1])


def certspotter(world, domain, more="&include_subdomains=true&match_wildcards=true"):
    return json.loads(ask(world, f"/v1/issuances?domain={domain}&expand=dns_names&expand=cert"
                                 f"{more}")[1])


def test_aggregators_agree_with_what_was_issued(world, client):
    cert, _, _ = client.issue("agg-1.example.test", "*.agg-1.example.test")
    tbs = hashlib.sha256(ctwire.tbs_without(cert.tbs_certificate_bytes, ctwire.OID_SCT_LIST))
    rows = crtsh(world, "%.agg-1.example.test")
    assert [r["serial_number"].lstrip("0") for r in rows] == 2 * [f"{cert.serial_number:x}"]
    assert len(crtsh(world, "%.agg-1.example.test", "&match=ILIKE&deduplicate=Y")) == 1
    # the hyphen trap: whole names only, unless match says otherwise
    assert not [r for r in crtsh(world, "%.agg-1.example.test", "")
                if "*.agg" in r["name_value"]]
    status, pem = ask(world, f"/?d={rows[0]['id']}")
    assert status == 200 and x509.load_pem_x509_certificate(pem).serial_number == \
        cert.serial_number
    found = certspotter(world, "agg-1.example.test")
    assert [f["tbs_sha256"] for f in found] == [tbs.hexdigest()]
    assert found[0]["cert"]["type"] == "cert"
    assert certspotter(world, "x.agg-1.example.test")  # by the wildcard
    assert not certspotter(world, "x.agg-1.example.test", "")
    assert not certspotter(world, "agg-1.example.test", f"&after={found[0]['id']}")
    # a precertificate alone counts as issuance
    world.control("ca", "issue", names=["agg-2.example.test"], final=False)
    assert certspotter(world, "agg-2.example.test")[0]["cert"]["type"] == "precert"
    world.set_time(advance=200 * 86400)
    assert not certspotter(world, "agg-1.example.test")
    assert len(crtsh(world, "agg-1.example.test")) == 2


def test_what_aggregators_can_do_wrong(world, client):
    client.issue("agg-3.example.test")
    def bend(at, what, value=True):
        world.control("aggregator", "mend")
        world.control("aggregator", "bend", at=at, what=what, value=value)
    bend("crtsh", "empty")
    assert not crtsh(world, "agg-3.example.test") and certspotter(world, "agg-3.example.test")
    bend("certspotter", "hide", "agg-3.")
    assert crtsh(world, "agg-3.example.test") and not certspotter(world, "agg-3.example.test")
    bend("crtsh", "cap", 1)
    assert len(crtsh(world, "agg-3.example.test")) == 1
    bend("crtsh", "error-page")
    status, body = ask(world, "/?q=agg-3.example.test&output=json")
    assert status == 200 and b"<html>" in body
    bend("certspotter", "status", 429)
    assert ask(world, "/v1/issuances?domain=agg-3.example.test")[0] == 429
    bend("crtsh", "stale")
    client.issue("agg-4.example.test")
    assert not crtsh(world, "agg-4.example.test") and certspotter(world, "agg-4.example.test")


# ---- processes

@pytest.mark.parametrize("program", ["ctlog.py", "ca.py", "dnsserver.py", "aggregator.py",
                                     "world.py"])
def test_programs_explain_themselves(program):
    assert "usage:" in run(ROOT / "tests/world" / program, "--help").stdout


def test_a_log_keeps_its_entries_and_ends_cleanly(tmp_path, place):
    flags = ("--dir", tmp_path / "ct", "--control", tmp_path / "s", "--http", "--log",
             "name=elm,operator=Gamma")
    process, facts = serve.start("ctlog.py", *flags, log=tmp_path / "log")
    serve.control(facts["control"], "fill", log="elm", count=1000)
    before = serve.fetch(facts["logs"]["elm"]["url"] + "ct/v1/get-sth")[2]
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    with open(tmp_path / "ct/elm/entries", "ab") as out:
        out.write(b"\0\0\0\7half")  # what a crash leaves
    process, facts = serve.start("ctlog.py", *flags, log=tmp_path / "log")
    after = serve.fetch(facts["logs"]["elm"]["url"] + "ct/v1/get-sth")[2]
    serve.end(process)
    assert json.loads(before)["sha256_root_hash"] == json.loads(after)["sha256_root_hash"]
