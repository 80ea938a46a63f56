"""`postern verify` meets services: an honest one made by postern-cert in the test world, and the
attacks on it, each for real. What an honest service shows passes; each attack is refuted by the
check that is there for it; nothing that could not be looked at is called a pass.

The server is Python's (honest_server.py), so that the relying party meets TLS that is not ours.
"""
import base64
import html
import itertools
import json
import pathlib
import re
import socket
import subprocess
import sys
import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cert_node import Node, ask
from conftest import Children, run, wait_for
from private_net import PrivateNet

HERE = pathlib.Path(__file__).resolve().parent
_serial = itertools.count(1)


@pytest.fixture(scope="module")
def zt_settings():
    return {"ca_flags": ("--caa-identity", "ca.test"), "zones": ("example.test",)}


class Service:
    """A node, its server, and a relying party that looks at it."""

    def __init__(self, bindir, world, folder, zone):
        self.bindir, self.world, self.dir = bindir, world, folder
        # A wildcard of the parent would do for the host: both are pinned.
        self.zone, self.name = zone, f"gateway.{zone}"
        self.node = Node(bindir, world, folder, [f"*.{zone}", self.name])
        self.children = Children(folder)
        self.port = 4400 + next(_serial)
        self.node.start()
        self.node.wait_certificate()
        self.node.wait_evidence()
        self.policy = folder / "rules.yaml"
        self.roots = folder / "web.pem"
        self.roots.write_text(pathlib.Path(world.cafile).read_text()
                              + pathlib.Path(world.ca["roots"]).read_text())
        self.write_policy()
        self.server = None
        self.serve()

    def write_policy(self, more=""):
        self.policy.write_text(f"""
simulated_root: {self.dir}/sim-root.pem
ca:
  directories: [ {self.world.ca['directory'].split('/')[2].split(':')[0]} ]
  issuers: [ ca.test ]
{more}""")

    def serve(self, *args):
        if self.server:
            self.children.stop(self.server)
        self.server = self.children.start(*self.world.argv(
            sys.executable, HERE / "honest_server.py", self.port, self.node.keys, self.node.public,
            *args))
        wait_for(lambda: "ready" in self.server.log.read_text(), 10, "the server")

    def trust(self):
        """What a relying party pins in this world."""
        return ["--policy", self.policy, "--log-list", self.world.log_list,
                "--log-list-key", self.world.log_list_key, "--ca-file", self.roots,
                "--trust-anchor", self.world.dns["anchor_ds"]]

    def verify(self, *args, trust=None, resolver=None, timeout=100, **kwargs):
        """(exit status, JSON)"""
        spotter = self.world.aggregator["certspotter"].removesuffix("/v1/issuances")
        argv = [self.bindir / "postern", "verify", f"https://{self.name}:{self.port}/", "--json",
                "--connect", f"127.0.0.1:{self.port}",
                "--resolver", resolver or self.world.dns["resolver"],
                "--source", f"crt.sh={self.world.aggregator['crtsh'].rstrip('/')}",
                "--source", f"certspotter={spotter}",
                *(trust or self.trust()), *args]
        return judged(self.world.argv(*argv), timeout, **kwargs)

    def close(self):
        self.children.stop_all()
        self.node.close()


def judged(argv, timeout=100, **kwargs):
    done = subprocess.run([str(a) for a in argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=timeout, **kwargs)
    assert done.returncode in (0, 1, 2), (done.returncode, done.stderr)
    return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def service(bindir, zt_world):
    """One honest service for the module; tests that break something mend it."""
    made = Service(bindir, zt_world, zt_world.dir / "svc", "svc.example.test")
    yield made
    made.close()


def states(report):
    return {c["id"]: c["state"] for c in report["checks"]}


def reasons(report):
    return {c["id"]: f"{c['state']}: {c['reason']}" for c in report["checks"]}


# What the service shows only later, or never; and what in its core says that it does.
def shown(core, answered):
    heads = bool(core["ct"]["heads"])
    fresh = dict.fromkeys(("form.answer", "fresh.nonce", "fresh.quote", "fresh.session"), answered)
    return {**fresh, "ct.growth": heads, "core.beacon": heads,
            "ct.inclusion": all("proof" in s for c in core["certs"] for s in c["scts"]),
            "history.safe": False,
            "quote.policy": False}  # no image is pinned here


NOT_ASKED = {"app.identity", "audit.proof", "memory.account", "memory.logs"}


def test_honest_service(service):
    status, report = service.verify()
    said = states(report)
    core = json.loads((service.node.state / "evidence" / "core.json").read_text())
    answered = ask(service.node.public, "POST", "/evidences/v2/attest",
                   json.dumps({"nonce": "A" * 43}))[0] == 200
    later = shown(core, answered)
    for check, state in said.items():
        if check in NOT_ASKED:
            assert state == "not-asked", (check, reasons(report)[check])
        elif check == "history.safe":
            # Minutes old: no date until everything was read once, and then one hours ahead.
            assert core["timeline"]["safe_at"] > time.time()
            assert state in ("unknown", "not-yet"), reasons(report)[check]
        elif not later.get(check, True):
            assert state == "unknown", (check, reasons(report)[check])
        elif check not in later:
            assert state == "pass", (check, reasons(report)[check])
        else:  # shown; that it is heeded has tests of its own
            assert state in ("pass", "unknown"), (check, reasons(report)[check])
    assert (status, report["outcome"]) == (2, "undecided")
    assert report["simulated"] is True and report["offline"] is False


def test_exit_status(service):
    """2 is above; 0 when the rules do not ask for what cannot be shown yet; 3 for bad files."""
    service.write_policy(f"optional: [ {', '.join(shown_ids())} ]")
    try:
        status, report = service.verify()
        assert (status, report["outcome"]) == (0, "holds"), reasons(report)
    finally:
        service.write_policy()
    for args in (["--policy", "/nonexistent"], ["--timeout", "0"], ["a b"], ["x.test", "y.test"],
                 ["--offline", "/nonexistent"], ["--offline", service.policy]):
        done = run(service.bindir / "postern", "verify", *args, check=False)
        assert done.returncode == 3, (args, done.stdout)


def shown_ids():
    return sorted(shown({"ct": {"heads": []}, "certs": [], "timeline": {"safe_at": 0}}, False))


def test_saved_and_judged_again_without_a_network(service, tmp_path):
    seen = tmp_path / "seen.json"
    status, live = service.verify("--save", seen)
    nowhere = PrivateNet()
    try:
        again = judged(nowhere.argv(service.bindir / "postern", "verify", "--json", "--offline",
                                    seen, *service.trust()))
    finally:
        nowhere.close()
    assert again[0] == status
    assert reasons(again[1]) == reasons(live)
    assert again[1]["offline"] is True and again[1]["at"] == live["at"]
    assert live["hearsay"] is None and str(seen) in again[1]["hearsay"]


def test_saved_visit_is_the_word_of_whoever_saved_it(service, tmp_path):
    seen = tmp_path / "seen.json"
    offline = [service.bindir / "postern", "verify", "--json", "--offline", seen, *service.trust()]
    service.write_policy(f"optional: [ {', '.join(shown_ids())} ]")
    try:
        status, report = service.verify("--save", seen)
        assert (status, report["outcome"]) == (0, "holds"), reasons(report)
        assert judged(offline)[0] == 2
        assert judged([*offline, service.name, "--trust-saved"])[0] == 0
    finally:
        service.write_policy()
    done = run(*offline, "other.test", check=False)
    assert done.returncode == 3 and "another host" in done.stdout, done.stdout


def unpacked(item):
    return base64.urlsafe_b64decode(item[1] + "=" * (-len(item[1]) % 4))


def packed(item, value):
    return [item[0], base64.urlsafe_b64encode(value).decode().rstrip("="), *item[2:]]


def with_other_ttls(proof):
    """The chain's records live for a second, which no signature covers (RFC 4034 §3.1.4)."""
    out = bytearray(proof)
    at = len(b"postern-dns-proof/1\n") + 1
    for _ in range(out[at - 1]):
        at += 2 + int.from_bytes(out[at:at + 2], "big")
    at += 3
    while at < len(out):
        while out[at]:
            at += 1 + out[at]
        at += 1 + 4  # type and class
        out[at:at + 4] = bytes((0, 0, 0, 1))
        at += 6 + int.from_bytes(out[at + 4:at + 6], "big")
    assert out != proof
    return bytes(out)


def test_proof_is_the_one_that_the_quoted_core_names(service, tmp_path):
    """One that DNSSEC would take as well, under the label of the pinned one."""
    seen = tmp_path / "seen.json"
    offline = [service.bindir / "postern", "verify", "--json", "--offline", seen, *service.trust()]
    service.verify("--save", seen)
    assert states(judged(offline)[1])["caa.proof"] == "pass"
    visit = json.loads(seen.read_text())
    bundle = json.loads(unpacked(visit["bundle"]))
    proofs = [label for label in bundle["dnssec"] if not label.startswith("__")]
    for label in proofs:
        item = bundle["dnssec"][label]
        bundle["dnssec"][label] = packed(item, with_other_ttls(unpacked(item)))
    visit["bundle"] = packed(visit["bundle"], json.dumps(bundle).encode())
    seen.write_text(json.dumps(visit))
    assert proofs and states(judged(offline)[1])["caa.proof"] == "fail"


def test_saved_answers_are_about_the_names_asked_for(service, tmp_path):
    seen = tmp_path / "seen.json"
    offline = [service.bindir / "postern", "verify", "--json", "--offline", seen, *service.trust()]
    service.verify("--save", seen)
    assert states(judged(offline)[1])["caa.exclusive"] == "pass"
    visit = json.loads(seen.read_text())
    facts = json.loads(unpacked(visit["seen"]))
    levels = facts["dns"]["levels"]
    assert levels[0]["name"].rstrip(".") == service.name
    levels[0]["name"] = "other.example.test"
    visit["seen"] = packed(visit["seen"], json.dumps(facts, separators=(",", ":")).encode())
    seen.write_text(json.dumps(visit))
    assert states(judged(offline)[1])["caa.exclusive"] == "unknown"


def test_page_stands_by_itself(service, tmp_path):
    page = tmp_path / "report.html"
    _, report = service.verify("--html", page)
    text = page.read_text()
    assert not re.search(r"<(script|link|img|iframe|object|embed)\b|\b(src|href)=|url\(|@import",
                         text)
    assert service.name in text and "SIMULATED" in text
    for check in report["checks"]:
        assert html.escape(check["id"]) in text, check["id"]


def test_memory_of_the_last_visit(service, tmp_path):
    memory = tmp_path / "memory.json"
    _, report = service.verify("--memory", memory)
    assert states(report)["memory.account"] == "not-asked"
    kept = json.loads(memory.read_text())
    account = service.node.status()["accounts"][0]["url"]
    assert (kept["host"], kept["account_uri"]) == (service.name, account)
    _, report = service.verify("--memory", memory)
    assert states(report)["memory.account"] == "pass"
    # Another account than then, or another key of it: refuted, and not got used to.
    for member, value in ("account_uri", account + "0"), ("thumbprint", "ab" * 32):
        memory.write_text(json.dumps({**kept, member: value}))
        for _ in range(2):
            refuted(service, "memory.account", "--memory", memory)
    # A head of a log that is none of its past.
    log = json.loads(pathlib.Path(service.world.log_list).read_text())["operators"][0]["logs"][0]
    head = {"log_id": base64.b64decode(log["log_id"]).hex(), "size": 1, "root": "cd" * 32}
    memory.write_text(json.dumps({**kept, "heads": [head]}))
    refuted(service, "memory.logs", "--memory", memory, reason="rewritten")
    memory.write_text(json.dumps({**kept, "host": "other.test"}))
    done = run(service.bindir / "postern", "verify", service.name, "--memory", memory,
               *service.trust(), check=False)
    assert done.returncode == 3, done.stdout


# ---- attacks

def refuted(service, check, *args, reason="", **kwargs):
    status, report = service.verify(*args, **kwargs)
    said = reasons(report)
    assert said[check].startswith("fail: ") and reason in said[check], said[check]
    assert (status, report["outcome"]) == (1, "refuted")
    return said


@pytest.mark.parametrize("wanted", [{}, {"final": False}], ids=["final", "precertificate"])
def test_a_certificate_of_others_until_it_is_revoked(service, zt_world, wanted):
    """The one a tricked CA issued is found by the sources; once its CA's list has it, no more."""
    got = zt_world.tricked(service.name, **wanted)
    refuted(service, "history.foreign", reason="not_listed")
    zt_world.revoke(got, 1)
    status, report = service.verify()
    said = reasons(report)["history.foreign"]
    assert said.startswith("pass: ") and "all revoked" in said, said
    assert status == 2


def test_a_wildcard_of_others_above_the_name(service, zt_world):
    got = zt_world.tricked(f"*.{service.zone}")
    refuted(service, "history.foreign")
    zt_world.revoke(got, 4)
    assert service.verify()[0] == 2


@pytest.mark.parametrize("record", ['0 issue "ca.test"', '0 issue "another.test"',
                                    '0 issue ";"'])
def test_caa_lifted(service, zt_world, record):
    """Beside the name's own set, at the name itself: the nearest set is the one that counts."""
    before = zt_world.records.get(service.name, "CAA")
    assert before
    zt_world.records.set(service.name, "CAA", record)
    try:
        status, report = service.verify()
    finally:
        zt_world.records.set(service.name, "CAA", *before)
    said = states(report)["caa.exclusive"]
    if record.endswith('";"'):  # stricter than asked: nobody may issue
        assert said == "pass"
    else:
        assert (said, status) == ("fail", 1), reasons(report)["caa.exclusive"]


def test_the_key_of_another_server(service, zt_world, tmp_path):
    """Honest evidence, relayed by one who has a certificate and not the key."""
    got = zt_world.tricked(service.name)
    pem = tmp_path / "other.pem"
    pem.write_text(got.chain + got.key)
    service.serve("--pem", pem)
    try:
        said = refuted(service, "cert.key")
        assert said["cert.issued"].startswith("fail: "), said["cert.issued"]
        assert said["history.foreign"].startswith("fail: "), said["history.foreign"]
    finally:
        service.serve()
        zt_world.revoke(got, 1)


def test_evidence_past_its_end(service, zt_world):
    zt_world.advance(days=3)
    try:
        refuted(service, "core.time", env=zt_world.clock_env())
    finally:
        zt_world.set_time(offset=0)
    assert states(service.verify()[1])["core.time"] == "pass"


def test_log_list_of_somebody_else(service, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    pem = tmp_path / "key.pem"
    pem.write_bytes(key.public_bytes(serialization.Encoding.PEM,
                                     serialization.PublicFormat.SubjectPublicKeyInfo))
    refuted(service, "ct.list", trust=[*service.trust(), "--log-list-key", pem])


def test_plain_http_and_redirects_elsewhere(service, tmp_path):
    done = subprocess.run([str(a) for a in service.world.argv(
        service.bindir / "postern", "verify", f"http://{service.name}", "--json", "--resolver",
        service.world.dns["resolver"], "--source", "crt.sh=http://127.0.0.1:1", *service.trust())],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, timeout=60)
    assert done.returncode == 1
    assert states(json.loads(done.stdout))["reach.https"] == "fail"
    service.serve("--redirect", "https://elsewhere.test")
    try:
        refuted(service, "reach.https", reason="elsewhere.test")
    finally:
        service.serve()


def test_silent_resolver_is_not_waited_for(service):
    with service.world.here(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        begun = time.monotonic()
        status, report = service.verify(resolver=f"127.0.0.1:{silent.getsockname()[1]}")
        took = time.monotonic() - begun
    assert status == 2 and took < 20, took
    for check in ("caa.dnssec", "caa.exclusive", "dns.persist"):
        assert states(report)[check] == "unknown", reasons(report)[check]


def test_all_ends_in_time(service):
    """A server that accepts and says nothing, and sources that do the same."""
    with service.world.here(), socket.create_server(("127.0.0.1", 0)) as silent:
        there = f"127.0.0.1:{silent.getsockname()[1]}"
        begun = time.monotonic()
        done = subprocess.run([str(a) for a in service.world.argv(
            service.bindir / "postern", "verify", service.name, "--json", "--connect", there,
            "--timeout", "4", "--resolver", there, "--source", f"crt.sh=http://{there}",
            *service.trust())], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
            timeout=60)
        took = time.monotonic() - begun
    assert done.returncode == 2 and took < 10, took
    assert "pass" not in {s for c, s in states(json.loads(done.stdout)).items()
                          if not c.startswith("ct.list")}
