"""Goal: a container gets from its CVM what the measured manifest lets it have,
in our words and in dstack's, and nothing else; quotes say whose data they
carry; and events that an app extends are explained after a restart.

The calls of dstack's SDKs are sent as the SDKs send them; tests/interop-dstack
runs the SDKs themselves.
"""
import hashlib
import json
import shutil
import ssl
import subprocess
import tempfile
import threading
import time

import pytest

from conftest import run, wait_for
from guest_bench import RULES, Connection, GuestBench, call

RAW = {"guest": {"raw_quotes": True, "containers": RULES}}
PLAIN = {"guest": {"containers": RULES}}


def make(bindir, manifest):
    folder = tempfile.mkdtemp(prefix="pt-", dir="/tmp")
    b = GuestBench(bindir, folder, manifest)
    b.start_agent()
    return b


@pytest.fixture(scope="module")
def bench(bindir):
    b = make(bindir, PLAIN)
    yield b
    b.close()
    shutil.rmtree(b.dir, ignore_errors=True)


@pytest.fixture(scope="module")
def raw(bindir):
    b = make(bindir, RAW)
    yield b
    b.close()
    shutil.rmtree(b.dir, ignore_errors=True)


def rest(b):
    """Lets the containers' buckets fill again: 2 quotes a second."""
    time.sleep(0.6)
    return b


def bound(container, data):
    return hashlib.sha512(b"postern/guest/v1" + bytes([len(container)]) + container.encode() + data)


def report_data(quote):
    return quote["quote"][2 * 568:2 * 632]


def test_a_quote_is_over_the_containers_own_label(bench):
    status, quote = bench.ask("web", "/v1/quote", {"data": "00ff"})
    assert status == 200 and quote["container"] == "web"
    assert report_data(quote) == bound("web", b"\x00\xff").hexdigest() == quote["report_data"]
    verdict = bench.verify(quote, bound("web", b"\x00\xff").hexdigest())
    assert verdict["accepted"] and verdict["event_log"]["app_id"] == bench.app_id


def test_raw_quotes_are_refused_by_default(bench):
    for what, body in (("/GetQuote", {"report_data": "00" * 64}), ("/Attest", {"report_data": "00"}),
                       ("/prpc/Tappd.RawQuote", {"report_data": "00"}),
                       ("/prpc/Tappd.TdxQuote", {"report_data": "00", "hash_algorithm": "sha512"})):
        status, answer = bench.ask("web", what, body)
        assert status == 403 and "raw_quotes" in answer["error"], what


@pytest.mark.parametrize("container, what, body, status", [
    ("web", "/v1/info", None, 200),
    ("worker", "/v1/info", None, 200),
    ("idle", "/v1/info", None, 403),
    ("idle", "/Info", {}, 403),
    ("idle", "/v1/version", None, 200),
    ("idle", "/v1/verify", {"data": "", "signature": "", "public_key": ""}, 200),
    ("idle", "/v1/quote", {"data": ""}, 403),
    ("idle", "/v1/evidence", {}, 403),
    ("idle", "/v1/tls-key", {}, 403),
    ("idle", "/GetTlsKey", {}, 403),
    ("idle", "/v1/event", {"event": "x"}, 403),
    ("idle", "/EmitEvent", {"event": "x", "payload": ""}, 403),
    ("worker", "/v1/key", {"path": "/worker/a"}, 200),
    ("worker", "/v1/key", {"path": "/web/a"}, 403),
    ("worker", "/v1/key", {"path": "/worker"}, 403),
    ("worker", "/GetKey", {"path": "/worker/a", "purpose": "", "algorithm": ""}, 200),
    ("worker", "/GetKey", {"path": "", "purpose": "/worker/a", "algorithm": ""}, 403),
    ("worker", "/v1/sign", {"path": "/worker/a", "data": ""}, 403),
    ("worker", "/Sign", {"algorithm": "ed25519", "data": "00"}, 200),
    ("worker", "/GetQuote", {"report_data": "00"}, 403),
    ("worker", "/v1/tls-key", {"usage_ra_tls": True}, 403),
    ("web", "/v1/key", {"path": "/a", "algorithm": "rsa"}, 400),
    ("web", "/v1/key", {"path": "/a", "pfad": "/b"}, 400),
    ("web", "/v1/key", {}, 400),
    ("web", "/v1/nothing", {}, 404),
    ("web", "/../v1/key", {}, 404),
    ("web", "/v1/event", {"event": "app-id", "payload": ""}, 400),
    ("web", "/v1/quote", {"data": "0"}, 400),
])
def test_what_is_answered_and_refused(bench, container, what, body, status):
    got, answer = bench.ask(container, what, body)
    assert got == status, answer
    assert (status == 200) != ("error" in answer)


@pytest.mark.parametrize("body", ["", "{", "[]", "{\"path\":\"a\",\"path\":\"b\"}", "{\"path\":\"\\u0000\"}",
                                  "{\"path\":" + "[" * 50, "{\"path\": 1}", "\xff", "x" * 70000])
def test_a_broken_body_is_refused_and_does_no_harm(bench, body):
    connection = Connection(bench.socket("web"))
    try:
        connection.request("POST", "/v1/key", body.encode("latin-1"))
        assert connection.getresponse().status in (400, 413)
    except ConnectionError:
        assert len(body) > 65536  # cut off
    finally:
        connection.close()
    assert bench.ask("web", "/v1/version")[0] == 200


def test_keys_differ_in_all_that_names_them(bench):
    asked = [{"path": "/a", "purpose": "p"}, {"path": "/a", "purpose": "q"}, {"path": "/b", "purpose": "p"},
             {"path": "/ap", "purpose": ""}, {"path": "/", "purpose": "ap"},
             {"path": "/a", "purpose": "p", "algorithm": "ed25519"},
             {"path": "/a", "purpose": "p", "algorithm": "raw"}]
    keys = [bench.ask("web", "/v1/key", body)[1]["key"] for body in asked]
    assert len(set(keys)) == len(keys)
    assert keys == [bench.ask("web", "/v1/key", body)[1]["key"] for body in asked]
    # the same key by dstack's call, and in another container
    assert bench.ask("web", "/GetKey", {"algorithm": "k256", **asked[0]})[1]["key"] == keys[0]
    one = {"path": "/worker/a"}
    assert bench.ask("web", "/v1/key", one)[1]["key"] == bench.ask("worker", "/v1/key", one)[1]["key"]


def test_what_is_signed_is_verified(bench):
    data = hashlib.sha256(b"data").hexdigest()
    for algorithm in ("secp256k1", "secp256k1_prehashed", "ed25519"):
        body = {"algorithm": algorithm, "data": data}
        signed = bench.ask("web", "/v1/sign", {"path": "/a", **body})[1]
        check = {**body, "signature": signed["signature"], "public_key": signed["public_key"]}
        assert bench.ask("idle", "/v1/verify", check) == (200, {"valid": True})
        assert bench.ask("idle", "/Verify", check) == (200, {"valid": True})
        other = {**check, "data": hashlib.sha256(b"other").hexdigest()}
        assert bench.ask("idle", "/Verify", other) == (200, {"valid": False})
        assert bench.ask("idle", "/Verify", {**check, "signature": "00" * 64})[1] == {"valid": False}


def openssl(*argv, text):
    return run("openssl", *argv, input=text).stdout


def test_tls_keys_are_fresh_and_of_one_authority(bench, tmp_path):
    body = {"subject": "web.example", "alt_names": ["web.example", "127.0.0.1", "::1"],
            "usage_server_auth": True, "usage_ra_tls": True}
    first, second = (bench.ask("web", "/GetTlsKey", body)[1] for _ in range(2))
    assert first["key"] != second["key"]
    authority = tmp_path / "ca.pem"
    authority.write_text(bench.ask("web", "/v1/info")[1]["authority"])
    for made in (first, second):
        leaf = tmp_path / "leaf.pem"
        leaf.write_text(made["certificate_chain"][0])
        run("openssl", "verify", "-x509_strict", "-CAfile", authority, "-purpose", "sslserver",
            "-verify_hostname", "web.example", leaf)
        run("openssl", "verify", "-CAfile", authority, "-verify_ip", "::1", leaf)
        key = openssl("pkey", "-pubout", text=made["key"])
        assert key == openssl("x509", "-noout", "-pubkey", text=made["certificate_chain"][0])
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], check=True,
                         input=openssl("pkey", "-pubout", text=first["key"]).encode(),
                         stdout=subprocess.PIPE).stdout
    cert = ssl.PEM_cert_to_DER_cert(first["certificate_chain"][0])
    want = hashlib.sha512(b"ratls-cert:" + der).digest()
    assert want in cert  # the quote's report data, inside


def test_evidence_covers_the_apps_public_keys(bench):
    rest(bench)
    status, evidence = bench.ask("web", "/v1/evidence", {"nonce": "c0ffee"})
    assert status == 200
    want = hashlib.sha512(b"postern/guest-evidence/v1" +
                          hashlib.sha256(evidence["statement"].encode()).digest()).hexdigest()
    assert bench.verify(evidence, want)["accepted"]
    said = json.loads(evidence["statement"])
    assert said["nonce"] == "c0ffee" and said["app_id"] == bench.app_id
    assert len(said["voucher"]) == 66 and len(said["authority"]) == 128


def test_quotes_of_one_container_are_limited_and_others_go_on(bench):
    answers = []

    def ask():
        answers.append(bench.ask("web", "/v1/quote", {"data": "00"})[0])

    threads = [threading.Thread(target=ask) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) == {200, 429} and answers.count(200) <= 21
    assert bench.ask("worker", "/v1/info")[0] == 200
    assert bench.status()["guest"]["too_many"] == answers.count(429)


def test_dstacks_calls_as_its_sdks_send_them(raw):
    info = raw.ask("web", "/Info", {})[1]
    tcb = json.loads(info["tcb_info"])
    assert info["app_id"] == raw.app_id and tcb["app_compose"] == raw.manifest.read_text()
    assert info["compose_hash"] == hashlib.sha256(raw.manifest.read_bytes()).hexdigest()
    assert {len(tcb[r]) for r in ("mrtd", "rtmr0", "rtmr1", "rtmr2", "rtmr3")} == {96}
    assert len(tcb["device_id"]) == 64 and len(info["mr_aggregated"]) == 64
    key = raw.ask("web", "/GetKey", {"path": "", "purpose": "", "algorithm": "secp256k1"})[1]
    assert len(key["key"]) == 64 and [len(s) for s in key["signature_chain"]] == [130, 130]
    quote = raw.ask("web", "/GetQuote", {"report_data": b"test".hex()})[1]
    assert report_data(quote) == b"test".hex().ljust(128, "0") == quote["report_data"]
    assert raw.verify(quote)["accepted"]
    attestation = bytes.fromhex(raw.ask("web", "/Attest", {"report_data": "00"})[1]["attestation"])
    assert attestation.startswith(b"\x83\xa7version\x01\xa8platform") and b"\xa6app-id" in attestation
    assert raw.ask("web", "/Version", {})[1]["version"]
    tappd = raw.ask("web", "/prpc/Tappd.TdxQuote", {"report_data": b"x".hex(), "hash_algorithm": ""})[1]
    assert report_data(tappd) == hashlib.sha512(b"app-data:x").hexdigest()
    assert "PRIVATE KEY" in raw.ask("web", "/prpc/Tappd.DeriveKey", {"path": "/", "subject": "a"})[1]["key"]
    assert raw.ask("web", "/prpc/Tappd.Info", {})[0] == 200
    assert raw.ask("web", "/EmitEvent", {"event": "sdk event", "payload": "00"}) == (200, None)


def test_dstacks_version_1(raw):
    info = raw.ask("web", "/v1/Info", {})[1]
    assert info["app_id"] == raw.app_id and info["app_compose"] == raw.manifest.read_text()
    assert "tcb_info" not in info
    asked = {"domain": "/worker/a", "algorithm": "ed25519"}
    key = raw.ask("worker", "/v1/GetKey", asked)[1]
    assert key == {**raw.ask("web", "/v1/GetKey", asked)[1], "signature_chain": key["signature_chain"]}
    assert key["key"] != raw.ask("web", "/GetKey", {"path": "/worker/a", "algorithm": "ed25519"})[1]["key"]
    assert raw.ask("worker", "/v1/GetKey", {**asked, "domain": "/web"})[0] == 403
    assert raw.ask("web", "/v1/GetKey", {"domain": "d"})[0] == 400
    time.sleep(1.1)
    attested = raw.ask("web", "/v1/Attest", {"report_data": "00", "include_boottime_gpu_evidence": True})[1]
    assert attested["boottime_gpu_evidence"] == [] and attested["attestation"].startswith("83a7")
    assert len(raw.ask("web", "/v1/IssueCert", {"with_app_info": True})[1]["certificate_chain"]) == 2
    assert raw.ask("web", "/v1/AttestGpu", {"nonce": "00" * 32})[0] == 501
    status, said = raw.ask("web", "/v1/Sign", {"data": "00"})
    assert status == 404 and said["error"].startswith("Service not found")


def test_a_request_may_name_the_server_or_none(raw):
    """As dstack's Rust SDK does."""
    for target, host in (("http://unix.socket/Version", "Host: dstack\r\n"), ("/prpc/Tappd.Version", "")):
        connection = Connection(raw.socket("web"))
        connection.connect()
        connection.sock.sendall(f"POST {target} HTTP/1.1\r\n{host}Content-Length: 2\r\n\r\n{{}}".encode())
        assert b'"version"' in connection.sock.recv(4096)
        connection.close()


def test_a_client_that_shuts_its_side_gets_its_end(raw):
    """dstack's JavaScript SDK waits for the end of the stream, which it asks
    for by closing its half."""
    connection = Connection(raw.socket("web"))
    connection.connect()
    connection.sock.sendall(b"POST /Version HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
    got = connection.sock.recv(4096)
    assert b'"version"' in got
    connection.sock.shutdown(1)
    assert connection.sock.recv(4096) == b""
    connection.close()


def test_events_are_in_the_quote_and_explained_after_a_restart(raw):
    time.sleep(1.1)
    before = raw.ask("web", "/v1/info")[1]["measurements"]["rtmr3"]
    for n, payload in enumerate(("", "00ff", "61" * 1000)):
        assert raw.ask("web", "/v1/event", {"event": f"e {n}", "payload": payload})[0] == 200
    after = raw.ask("web", "/v1/info")[1]["measurements"]["rtmr3"]
    assert after != before
    for _ in range(2):
        quote = rest(raw).ask("web", "/v1/quote", {"data": ""})[1]
        assert raw.verify(quote)["event_log"]["app_id"] == raw.app_id
        log = json.loads(quote["event_log"])
        assert [e["event"] for e in log[-3:]] == ["e 0", "e 1", "e 2"]
        assert quote["quote"][2 * 520:2 * 568] == after
        raw.stop_agent()
        raw.start_agent()
    # What was written down and never extended is no event.
    events = raw.dir / "state/app-events"
    raw.stop_agent()
    events.write_text(events.read_text() + "never -\n")
    raw.start_agent()
    assert raw.ask("web", "/v1/info")[1]["measurements"]["event_log"][-1]["event"] == "e 2"
    # A host that changes the file stops the app, and no more.
    raw.stop_agent()
    events.write_text(events.read_text().replace("00ff", "00fe"))
    with pytest.raises(AssertionError, match="holds other events"):
        raw.start_agent()


def test_no_key_is_in_the_log(bench):
    key = bench.ask("web", "/v1/key", {"path": "/log"})[1]["key"]
    text = bench.log()
    assert "guest_api" in text and key not in text


def test_the_sockets_stand_where_only_root_gets(bench):
    folder = bench.socket("web").parent.parent
    assert folder.stat().st_mode & 0o777 == 0o700
    assert bench.socket("web").stat().st_mode & 0o777 == 0o666
    wait_for(lambda: call(bench.socket("web"), "/v1/version")[0] == 200, what="an answer")


def test_without_its_key_service_the_agent_does_not_start(bindir):
    """Or the app would be without keys long after the service came back."""
    b = GuestBench(bindir, tempfile.mkdtemp(prefix="pt-", dir="/tmp"), PLAIN)
    try:
        with pytest.raises(AssertionError, match="event=not_started"):
            b.start_agent("kms:\n  addresses: [ \"127.0.0.1:9\" ]\n")
        assert "unreachable" in b.log() and b.agent.wait(10) != 0
    finally:
        b.close()
        shutil.rmtree(b.dir, ignore_errors=True)
