"""What the CA of the test world does wrong when it is told to; its processes."""
import collections
import http.client
import json
import signal

import pytest

import zt  # noqa: F401  (finds the modules of tests/world)
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
        out.write(b"\0\0\0\7half")  # what a crash leaves
    process, facts = serve.start("ctlog.py", *flags, log=tmp_path / "log")
    after = serve.fetch(facts["logs"]["elm"]["url"] + "ct/v1/get-sth")[2]
    serve.end(process)
    assert json.loads(before)["sha256_root_hash"] == json.loads(after)["sha256_root_hash"]
