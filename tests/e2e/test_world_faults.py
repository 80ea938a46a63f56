"""What the CA of the test world does wrong when it is told to; its processes."""
import collections
import http.client
import json
import signal
import time

import pytest

import zt  # noqa: F401  (finds the modules of tests/world)
import jws
import serve
from conftest import ROOT, run
from world_bench import client, refusal, well_behaved, world  # noqa: F401


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


def asked_raw(client, name, **members):
    """Status, headers and body of a new order, and how long they took; nothing is tried again."""
    client.fetch("HEAD", client.directory["newNonce"])
    body = jws.sign(client.key, {"identifiers": [{"type": "dns", "value": name}], **members},
                    nonce=client.nonce, url=client.directory["newOrder"], kid=client.url)
    start = time.monotonic()
    answer = client.fetch("POST", client.directory["newOrder"], body,
                          {"Content-Type": "application/jose+json"})
    return *answer, time.monotonic() - start


Oddity = collections.namedtuple("Oddity", "what value shows")
ODDITIES = [
    Oddity("no-nonce", True, lambda status, headers, body, took: (
        status == 201 and "Replay-Nonce" not in headers)),
    Oddity("no-location", True, lambda status, headers, body, took: (
        status == 201 and "Location" not in headers)),
    Oddity("redirect", "https://127.0.0.1:1/elsewhere", lambda status, headers, body, took: (
        status == 302 and headers["Location"] == "https://127.0.0.1:1/elsewhere")),
    Oddity("huge", 3 << 20, lambda status, headers, body, took: (
        len(body) > 3 << 20 and json.loads(body)["status"] == "pending")),
    Oddity("delay", 1.5, lambda status, headers, body, took: status == 201 and took >= 1.5),
]


@pytest.mark.parametrize("odd", ODDITIES, ids=lambda o: o.what)
def test_what_an_answer_can_look_like(world, client, odd):
    """Once, and only then; the client gets its certificate by trying again."""
    world.control("ca", "faults", at="newOrder", what=odd.what, value=odd.value)
    assert odd.shows(*asked_raw(client, "odd.example.test"))
    assert not odd.shows(*asked_raw(client, "odd.example.test"))
    client.issue("odd.example.test")


def test_faults_come_as_often_as_they_were_asked_for(world, client):
    world.control("ca", "faults", at="any", what="problem", value={"status": 503}, times=2,
                  skip=1, retry_after=7)
    client.fetch("HEAD", client.directory["newNonce"])  # the one skipped
    for _ in range(2):
        status, headers, body = client.fetch("GET", world.ca["directory"])
        assert status == 503 and headers["Retry-After"] == "7"
        assert json.loads(body)["type"] == "urn:ietf:params:acme:error:serverInternal"
    assert client.fetch("GET", world.ca["directory"])[0] == 200
    for wrong in ({"at": "nowhere", "what": "drop"}, {"at": "newOrder", "what": "nothing"}):
        with pytest.raises(ValueError):
            world.control("ca", "faults", wrong)


def test_a_restart_of_pebble_loses_accounts(world, client):
    cert, _, _ = client.issue("restart.example.test")
    world.control("ca", "restart")
    client.nonce = None
    assert refusal(client.order, "restart.example.test").kind == "accountDoesNotExist"
    assert f"{cert.serial_number:x}" in [
        c["serial"] for c in world.control("ca", "issued")["certificates"]]


@pytest.mark.parametrize("program", ["ctlog.py", "ca.py", "dnsserver.py", "aggregator.py",
                                     "world.py"])
def test_programs_explain_themselves(program):
    assert "usage:" in run(ROOT / "tests/world" / program, "--help").stdout


def test_a_log_keeps_its_entries_and_ends_cleanly(tmp_path, world):
    flags = ("--dir", tmp_path / "ct", "--control", tmp_path / "s", "--http", "--log",
             "name=elm,operator=Gamma")
    process, facts = serve.start("ctlog.py", *flags, log=tmp_path / "log")
    serve.control(facts["control"], "fill", log="elm", count=1000)
    before = serve.fetch(facts["logs"]["elm"]["url"] + "ct/v1/get-sth")[2]
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    with open(tmp_path / "ct/elm/entries", "ab") as out:
        out.write(b"\0\0\0\7" + bytes(8) + b"half")  # what a crash leaves
    process, facts = serve.start("ctlog.py", *flags, log=tmp_path / "log")
    after = serve.fetch(facts["logs"]["elm"]["url"] + "ct/v1/get-sth")[2]
    serve.end(process)
    assert json.loads(before)["sha256_root_hash"] == json.loads(after)["sha256_root_hash"]
