"""Fresh evidence of postern-cert: POST /evidences/v2/attest at its socket 'public'.

Goal: each verifier's nonce and TLS exporter stand under a quote made after they were sent, one
quote serves all who wait, whoever comes alone does not wait, and what cannot be bound to a TLS
session is refused. The edge is played here: it says name and exporter.
"""
import base64
import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import os
import time

import pytest

from cert_node import UnixConnection
from conftest import accepts, wait_for
from test_cert import REPORT_DATA, node, zt_settings  # noqa: F401

PATH = "/evidences/v2/attest"


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def post(n, body, fields, method="POST"):
    """(status, headers, what the JSON says)"""
    with contextlib.closing(UnixConnection(n.public)) as connection:
        connection.request(method, PATH, body, fields)
        answer = connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())


def fields(exporter, name="gateway.example.test"):
    return {"Postern-Name": name, "Postern-Exporter": exporter.hex()}


def attest(n):
    """A verifier; its nonce, exporter and answer."""
    nonce, exporter = os.urandom(48), os.urandom(32)
    status, _, said = post(n, json.dumps({"nonce": b64url(nonce)}), fields(exporter))
    assert status == 200, said
    return nonce, exporter, said


def root_of(leaf, index, count, path):
    """RFC 9162, 2.1.3.2, over RFC 6962's hashes."""
    at, last = index, count - 1
    h = hashlib.sha256(b"\0" + leaf).digest()
    for p in path:
        assert last > 0
        if at & 1 or at == last:
            h = hashlib.sha256(b"\1" + p + h).digest()
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            h = hashlib.sha256(b"\1" + h + p).digest()
        at, last = at >> 1, last >> 1
    assert last == 0
    return h


def check(n, nonce, exporter, said):
    core = hashlib.sha256((n.state / "evidence" / "core.json").read_bytes()).digest()
    assert said["v"] == 2 and said["core_sha256"] == core.hex() and said["nonce"] == b64url(nonce)
    binder = hashlib.sha512(b"postern/evidence/v2" + core + exporter + bytes([len(nonce)]) + nonce).digest()
    root = root_of(binder, said["index"], said["count"], [bytes.fromhex(p) for p in said["path"]])
    quote = base64.b64decode(said["quote"])
    assert quote[REPORT_DATA] == hashlib.sha512(b"postern/batch/v1" + root).digest()
    assert json.loads(said["event_log"])


@pytest.fixture
def ready(node):  # noqa: F811
    n = node("gateway.%.example.test")
    n.start()
    n.wait_certificate()
    n.wait_evidence()
    wait_for(lambda: n.status().get("evidence"), 60, "evidence to be served")
    return n


def test_no_evidence_yet(node):  # noqa: F811
    n = node("gateway.%.example.test")
    n.start()
    wait_for(lambda: accepts(n.public), what="the socket")
    status, headers, said = post(n, json.dumps({"nonce": b64url(bytes(32))}), fields(bytes(32)))
    assert (status, said, headers["Retry-After"]) == (503, {"error": "no_evidence"}, "1")


def test_lone_verifier_is_answered_at_once(ready):
    began = time.monotonic()
    answer = attest(ready)
    assert time.monotonic() - began < 0.9
    assert answer[2]["count"] == 1 and answer[2]["path"] == []
    check(ready, *answer)
    # The next one waits for its second: one quote in each.
    check(ready, *attest(ready))
    assert time.monotonic() - began >= 0.9


def test_all_who_wait_share_a_quote(ready):
    attest(ready)
    with concurrent.futures.ThreadPoolExecutor(150) as pool:
        began = time.monotonic()
        answers = list(pool.map(lambda _: attest(ready), range(150)))
        assert time.monotonic() - began < 5
    quotes = {said["quote"] for _, _, said in answers}
    assert len(quotes) <= 3  # who came while one was being made is in the next
    assert max(said["count"] for _, _, said in answers) > 50
    for answer in answers:
        check(ready, *answer)
    # Another's exporter, or nonce, is not under it.
    nonce, _, said = answers[0]
    with pytest.raises(AssertionError):
        check(ready, nonce, os.urandom(32), said)


NONCE = json.dumps({"nonce": b64url(bytes(32))})


@pytest.mark.parametrize("body, more, rule", [
    (NONCE, {"Postern-Exporter": None}, "RFC 9266"),
    (NONCE, {"Postern-Exporter": ""}, "RFC 9266"),
    (NONCE, {"Postern-Exporter": "00" * 31}, "RFC 9266"),
    (NONCE, {"Postern-Exporter": "0g" * 32}, "RFC 9266"),
    (NONCE, {"Postern-Name": None}, "Postern-Name"),
    ("", {}, "nonce"),
    ("{}", {}, "nonce"),
    (json.dumps({"nonce": b64url(bytes(31))}), {}, "nonce"),
    (json.dumps({"nonce": b64url(bytes(65))}), {}, "nonce"),
    (NONCE[:-1] + ', "more": 1}', {}, "nonce"),
    (NONCE + " " * 600, {}, "nonce"),
], ids=("no_exporter", "empty_exporter", "short_exporter", "exporter_not_hex", "no_name", "no_body",
        "no_nonce", "short_nonce", "long_nonce", "member_unknown", "body_too_long"))
def test_refused(refusing, body, more, rule):
    said = {k: v for k, v in {**fields(bytes(32)), **more}.items() if v is not None}
    got, _, answer = post(refusing, body, said)
    assert got == 400 and rule in answer["rule"], answer


@pytest.fixture(scope="module")
def refusing(bindir, zt_world, tmp_path_factory):
    """One node for the whole table."""
    from cert_node import Node
    n = Node(bindir, zt_world, tmp_path_factory.mktemp("refusing"), ["refusing.example.test"])
    n.start()
    n.wait_certificate()
    wait_for(lambda: n.status().get("evidence"), 60, "evidence to be served")
    yield n
    n.close()


def test_only_a_post_asks(refusing):
    assert post(refusing, None, fields(bytes(32)), method="GET")[0] == 405


def test_end_of_the_program_does_not_wait_for_verifiers(ready):
    attest(ready)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: attest(ready))
        time.sleep(0.1)
        began = time.monotonic()
        ready.stop()
        assert time.monotonic() - began < 5
        with pytest.raises((OSError, http.client.HTTPException)):
            waiting.result()
    assert ready.cert.returncode == 0, ready.log()[-2000:]
