"""Goal: an attacker between a CVM and the gateway, or with a recording of a
genuine CVM's evidence, is refused with a reason and never sees a key; and what
he recorded is laid out as docs/PROTOCOL.channel.md says, read here by a second
reader that was written from the document alone.

The attacker sits at 198.51.100.66 and is the only gateway his victim knows.
"""
import hashlib
import json
import pathlib
import shutil
import struct
import subprocess
import tempfile

import pytest

from conftest import accepts, wait_for
from control_bench import ATTEST_PORT, Bench

SNI = "gateway.postern.localhost"
GATEWAY = f"198.51.100.1:{ATTEST_PORT}"
RELAY = "198.51.100.66:4444"


@pytest.fixture(scope="module")
def bench(bindir):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pt-", dir="/tmp"))
    b = Bench(bindir, folder)
    try:
        hello = b.manifest("hello", [80])
        b.manifest("gateway")
        b.add_td("gw", "gateway", folder / "gateway.json")
        b.add_td("cvm", "base", hello)
        b.start_platform()
        gw = b.gateway()
        gw.start_wg()
        gw.start_daemon()
        wait_for(lambda: accepts(gw.dir / "admin.sock"), what="the registrar")
        yield b
    finally:
        b.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def relayed(bench):
    """What the man in the middle reports, after a CVM came to him."""
    attacker = bench.children.start(
        *bench.middle.argv(bench.bindir / "postern-attacker", "relay", RELAY, GATEWAY, SNI,
                           "--record", bench.dir / "evidence"),
        stdout=subprocess.PIPE, log="attacker.log")
    victim = bench.cvm("cvm", "198.51.100.11", bench.dir / "hello.json")
    config = victim.dir / "config.yaml"
    config.write_text(config.read_text().replace(GATEWAY, RELAY))
    victim.start_wg()
    victim.start_daemon()
    out, _ = attacker.communicate(timeout=30)
    return attacker.returncode, json.loads(out)


def no_tunnel_at_all(bench):
    return (bench.admin("/v1/leases")["leases"] == []
            and bench.machines["gw"].wg_peers() == {}
            and bench.machines["cvm"].wg_peers() == {})


def test_relay_refused(bench, relayed):
    status, report = relayed
    assert status == 0 and report["refused"] is True
    assert report["refused_by"] == "server"
    assert report["reason"] == "binding-mismatch"
    assert report["keys_seen"] == 0
    assert report["from_client"] == ["HELLO", "EVIDENCE"]
    assert report["from_server"] == ["HELLO", "REFUSE"]
    assert no_tunnel_at_all(bench)
    assert "reason=binding-mismatch" in bench.machines["gw"].log()
    assert "reason=binding-mismatch" in bench.machines["cvm"].log()


def test_replay_refused(bench, relayed):
    assert relayed[1]["recorded"] is True
    done = bench.middle.run(bench.bindir / "postern-attacker", "replay",
                            bench.dir / "evidence", GATEWAY, SNI, check=False)
    report = json.loads(done.stdout)
    assert done.returncode == 0 and report["refused"] is True
    assert report["reason"] == "binding-mismatch" and report["detail"] == "report-data"
    assert report["keys_seen"] == 0
    assert report["from_server"] == ["HELLO", "REFUSE"]
    assert no_tunnel_at_all(bench)


def test_unreachable_gateway_is_not_a_refusal(bench):
    recording = bench.dir / "empty"
    recording.write_bytes(b"\2\0\0\0")
    done = bench.middle.run(bench.bindir / "postern-attacker", "replay", recording,
                            "198.51.100.1:9", SNI, check=False)
    assert done.returncode == 2


# ---- a second reader, from the document

class Reader:
    def __init__(self, data):
        self.data = data

    def take(self, n):
        assert n <= len(self.data), "ends early"
        out, self.data = self.data[:n], self.data[n:]
        return out

    def number(self, n):
        return int.from_bytes(self.take(n), "big")

    def vector(self, n):
        return self.take(self.number(n))


def read_evidence(frame):
    f = Reader(frame)
    assert f.number(1) == 2
    body = Reader(f.vector(3))
    assert not f.data
    out = {"round": body.number(4), "leaf_index": body.number(8), "leaf_count": body.number(8),
           "path": body.vector(2), "claims": body.vector(2), "manifest": body.vector(3),
           "log": body.vector(3), "quote": body.vector(3)}
    assert not body.data
    return out


def replay(events):
    """RTMR3 after the log, by dstack's digest formula."""
    value = bytes(48)
    for e in events:
        payload = bytes.fromhex(e["event_payload"])
        digest = hashlib.sha384(struct.pack("<I", e["event_type"]) + b":"
                                + e["event"].encode() + b":" + payload).digest()
        assert digest.hex() == e["digest"]
        value = hashlib.sha384(value + digest).digest()
    return value


def test_recorded_evidence_is_as_documented(bench, relayed):
    assert relayed[1]["recorded"] is True
    e = read_evidence((bench.dir / "evidence").read_bytes())
    assert (e["round"], e["leaf_index"], e["leaf_count"], e["path"]) == (0, 0, 1, b"")
    manifest = (bench.dir / "hello.json").read_bytes()
    digest = hashlib.sha256(manifest).digest()
    assert e["manifest"] == manifest
    # TDX quote v4: 48 bytes of header, then the TD report.
    assert struct.unpack_from("<HHI", e["quote"]) == (4, 2, 0x81)
    report = e["quote"][48:48 + 584]
    assert report[184:232] == b"\1" + digest + bytes(15)
    assert report[520:584] != bytes(64)
    events = json.loads(e["log"])
    assert report[472:520] == replay(events)
    said = {x["event"]: x["event_payload"] for x in events}
    claims = json.loads(e["claims"])
    assert claims["app_id"] == said["app-id"] == digest[:20].hex()
    assert claims["manifest_hash"] == said["compose-hash"] == digest.hex()
    assert claims["instance_id"] == said["instance-id"]
    assert claims["purpose"] == "cvm-tunnel" and claims["node_id"] == "cvm"
    assert sorted(claims) == ["app_id", "instance_id", "manifest_hash", "node_id", "purpose",
                              "version"]
