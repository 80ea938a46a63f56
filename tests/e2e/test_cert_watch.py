"""postern-cert keeps watching: CAA through its resolvers, and the logs and those who read them for
others. What somebody else does to our names is an alarm within one interval; what we do is not."""
import contextlib
import datetime
import http.client
import http.server
import itertools
import json
import socketserver
import threading
import time

import pytest

from cert_node import Node, ask
from certspotter import Certspotter
from conftest import run, wait_for

_serial = itertools.count(1)
CAA = "caa: { watch: 1s }"
NEVER = 253402300799


@pytest.fixture(scope="module")
def zt_settings():
    return {"ca_flags": ("--caa-identity", "ca.test"),
            "zones": ("example.test", "plain.test:unsigned")}


@pytest.fixture
def node(bindir, zt_world, tmp_path):
    """node(more=...) makes one with a certificate and evidence; ended with the test."""
    made = []

    def make(more):
        label = f"w{next(_serial)}"
        n = Node(bindir, zt_world, tmp_path / label, [f"*.{label}.example.test"], more=more)
        n.base = n.names[0][2:]
        made.append(n)
        n.start()
        n.wait_certificate()
        n.wait_evidence()
        return n
    yield make
    zt_world.mend()
    for one in made:
        one.close()


def alarms(n):
    return {a["kind"] for a in n.status()["alarms"]}


def wait_quiet(n, kind):
    wait_for(lambda: kind not in alarms(n), 30, f"the end of {kind}", step=0.2)


def core(n):
    return json.loads((n.state / "evidence" / "core.json").read_text())


def watched(n):
    """A look at CAA that began after this call."""
    begin = int(time.time())
    return wait_for(lambda: [c for c in n.status().get("caa_watch", [])
                             if int(time.mktime(time.strptime(c["at"], "%Y-%m-%dT%H:%M:%SZ"))
                                    - time.timezone) > begin], 60, "a look at CAA", step=0.2)[0]


# ---- CAA

def test_caa_that_somebody_opens_is_an_alarm(node, zt_world):
    n = node(CAA)
    name = n.base
    seen = watched(n)
    assert seen["state"] == "held" and not seen["differs"]
    assert not alarms(n)
    before = core(n)["caa"][0]
    assert before["exclusive"]

    ours = zt_world.records.get(name, "CAA")
    zt_world.records.add(name, "CAA", '0 issue "other.test"')
    assert "other.test" in n.wait_alarm("caa_drifted", 20)["text"]
    assert "other.test" in n.wait_alarm("caa_changed", 20)["text"]
    # The evidence says so, with a proof of what is there now.
    after = wait_for(lambda: (c := core(n)["caa"][0]) and not c["exclusive"] and c, 30,
                     "evidence of it")
    assert len(after["records"]) == len(before["records"]) + 1
    assert after["proof_sha256"] != before["proof_sha256"]
    assert n.audit("caa_seen_changed")

    zt_world.records.set(name, "CAA", *ours)
    wait_quiet(n, "caa_drifted")
    wait_quiet(n, "caa_changed")
    wait_for(lambda: core(n)["caa"][0]["exclusive"], 60, "evidence that it is held again")


def test_evidence_of_while_caa_was_open_is_made_anew(node, zt_world):
    n = node("caa: { watch: 4s }")
    watched(n)
    first = core(n)
    ours = zt_world.records.get(n.base, "CAA")
    tbs = n.certificate()["tbs"]
    zt_world.records.add(n.base, "CAA", '0 issue "other.test"')
    assert ask(n.admin, "POST", "/v1/renew", b"{}")[0] == 202
    n.wait_certificate(unlike=tbs)
    wait_for(lambda: not core(n)["caa"][0]["exclusive"], 60, "evidence of the open name")
    assert "since" not in core(n)["caa"][0] and core(n)["timeline"]["t1"] == NEVER
    zt_world.records.set(n.base, "CAA", *ours)
    # The watch has perhaps never seen it open; what was published is its measure.
    last = wait_for(lambda: (c := core(n)) and c["caa"][0]["exclusive"] and c, 30,
                    "evidence that it is held")
    assert last["caa"][0]["since"] > first["caa"][0]["since"]
    assert last["timeline"]["t1"] == last["caa"][0]["since"] + 8 * 3600


def test_caa_that_differs_without_a_hole_is_an_alarm(node, zt_world):
    n = node(CAA)
    watched(n)
    zt_world.records.add(n.base, "CAA", '0 iodef "mailto:somebody@example.test"')
    assert "somebody" in n.wait_alarm("caa_changed", 20)["text"]
    assert "caa_drifted" not in alarms(n)
    # Whoever is asked to pins it again.
    assert ask(n.admin, "POST", "/v1/caa/look", b"{}")[0] == 202
    wait_quiet(n, "caa_changed")


def test_caa_that_is_taken_away_is_an_alarm(node, zt_world):
    n = node(CAA)
    watched(n)
    zt_world.records.delete(n.base, "CAA")
    n.wait_alarm("caa_drifted", 20)


def test_caa_is_watched_while_the_ca_is_silent(node, zt_world, tmp_path):
    n = node(CAA)
    n.stop()
    other = tmp_path / "other.pem"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-subj", "/CN=nobody", "-keyout", tmp_path / "k.pem", "-out", other)
    text = n.config.read_text()
    n.config.write_text(text.replace(f"    ca: {zt_world.cafile}\n", f"    ca: {other}\n"))
    assert text != n.config.read_text()
    before = zt_world.records.get(n.base, "CAA")
    n.start()
    n.wait_alarm("account_not_ready", 20)
    watched(n)
    assert zt_world.records.get(n.base, "CAA") == before
    zt_world.records.add(n.base, "CAA", '0 issue "somebody.test"')
    assert "somebody.test" in n.wait_alarm("caa_drifted", 20)["text"]
    assert n.status()["accounts"][0]["standing"] == "absent"


# ---- what fails is done again

def test_edge_that_did_not_hear_is_told_again(node, tmp_path):
    edge, asked = tmp_path / "edge.sock", []
    n = node(f"edge: {edge}")
    assert str(edge) == n.wait_alarm("edge_not_told", 20)["about"]

    class Edge(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def address_string(self):
            return "postern-cert"

    class Server(socketserver.UnixStreamServer):
        server_name, server_port = "edge", 0

    with Server(str(edge), Edge) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        wait_quiet(n, "edge_not_told")
        time.sleep(3)
        server.shutdown()
    assert asked == ["/v1/tls"]  # and no more once it has heard


def test_certificate_that_cannot_be_sealed_is_served_and_sealed_later(node):
    n = node("")
    first = n.certificate()
    sealed, = (n.state / "sealed").glob("chain-*.sealed")
    kept = sealed.read_bytes()
    sealed.unlink()
    sealed.mkdir()  # which no file takes the place of
    assert ask(n.admin, "POST", "/v1/renew", b"{}")[0] == 202
    n.wait_alarm("not_sealed", 30)
    second = n.wait_certificate(unlike=first["tbs"])
    assert len(n.tls()["certificates"]) == 1 and "no_certificate" not in alarms(n)
    assert len(n.audit("order")) == 2
    sealed.rmdir()
    wait_quiet(n, "not_sealed")
    assert sealed.read_bytes() != kept
    n.stop()
    n.start()
    assert n.wait_certificate()["tbs"] == second["tbs"]
    assert len(n.audit("order")) == 2


# ---- Certificate Transparency

def ct(world, more="", **members):
    facts = {"follow": "true", "interval": "1s", **members}
    text = ", ".join(f"{k}: {v}" for k, v in facts.items())
    return (f"ct: {{ list: {world.log_list}, list_key: {world.log_list_key}, ca: {world.cafile}, "
            f"{text} }}\n{more}")


def sources(world):
    url = world.aggregator["crtsh"].rstrip("/")
    return (f"[ {{ name: crtsh, kind: crt.sh, url: '{url}' }}, "
            f"{{ name: spotter, kind: certspotter, url: '{url}' }} ]")


def status_of(n):
    """{} while the program starts"""
    with contextlib.suppress(OSError, http.client.HTTPException):
        return n.status().get("ct", {})
    return {}


def wait_ct(n, what, fn, timeout=30):
    def there():
        assert n.cert.poll() is None, n.log()[-3000:]
        seen = status_of(n)
        return seen if seen and fn(seen) else None
    return wait_for(there, timeout, what, step=0.2)


def is_reading(seen):
    """Every log has been read to its end."""
    return all(g["proven"] == g["signed"] and "signed_at" in g for g in seen["logs"])


def test_own_certificates_are_no_alarm_and_proved(node, zt_world):
    n = node(ct(zt_world))
    first = n.certificate()
    wait_ct(n, "the own certificate in the logs", lambda s: s["ours"] >= 1 and is_reading(s))
    assert ask(n.admin, "POST", "/v1/renew", b"{}")[0] == 202
    n.wait_certificate(unlike=first["tbs"])
    seen = wait_ct(n, "the renewed one", lambda s: s["ours"] >= 2)
    assert seen["foreign"] == 0
    time.sleep(2)
    assert not [a for a in alarms(n) if a.startswith("ct_")]
    assert not [line for line in n.audit("alarm") if line["kind"].startswith("ct_")]
    assert {c["class"] for c in status_of(n)["certificates"]} == {"expected"}

    # The evidence has heads of all logs, and a proof for each SCT.
    def proved():
        got = core(n)
        scts = [s for c in got["certs"] for s in c["scts"]]
        return got if scts and all("proof" in s for s in scts) else None
    got = wait_for(proved, 60, "evidence with proofs")
    assert {h["log_id"] for h in got["ct"]["heads"]} == {g["log_id"] for g in seen["logs"]}
    assert not got["ct"]["unknown"]


@pytest.mark.parametrize("how", ["logs", "aggregators"])
def test_foreign_certificate_is_an_alarm(node, zt_world, how):
    n = node(ct(zt_world) if how == "logs" else
             ct(zt_world, follow="false", aggregators=sources(zt_world)))
    wait_ct(n, "a round", lambda s: s["ours"] >= 1)
    got = zt_world.tricked(n.names[0])
    alarm = n.wait_alarm("ct_foreign", 20)
    assert n.names[0] in alarm["text"] and how in alarm["text"]
    assert status_of(n)["foreign"] == 1
    wait_for(lambda: core(n)["ct"]["unknown"] == [alarm["about"]], 60, "evidence of it")
    # A precertificate alone is an issuance, too.
    zt_world.tricked("www." + n.base, final=False)
    wait_ct(n, "the second", lambda s: s["foreign"] == 2)
    assert got.cert and n.certificate()["there"]
    # It is known after a restart, though nothing is read twice.
    before = {g["url"]: g["read"] for g in status_of(n)["logs"]}
    n.stop()
    n.start()
    seen = wait_ct(n, "a round after the restart", lambda s: is_reading(s))
    assert seen["foreign"] == 2 and n.wait_alarm("ct_foreign", 5)
    assert all(g["read"] >= before[g["url"]] for g in seen["logs"])


def test_certspotter_agrees_on_what_was_issued(node, zt_world, children, tmp_path):
    n = node(ct(zt_world))
    zt_world.tricked(n.names[0])
    zt_world.tricked("www." + n.base, "elsewhere.test")
    zt_world.tricked("pre." + n.base, final=False)
    for other in ("x" + n.base, "a.b." + n.base, "elsewhere.test"):
        zt_world.tricked(other)
    spotter = Certspotter(tmp_path / "spotter", children, zt_world.log_list,
                          ["www." + n.base, "pre." + n.base], zt_world.cafile, zt_world.argv())

    def ours():
        return {c["tbs"] for c in status_of(n)["certificates"]}
    wait_ct(n, "all four", lambda s: s["ours"] == 1 and s["foreign"] == 3 and is_reading(s))
    wait_for(lambda: {tbs for tbs, _ in spotter.certificates()} == ours(), 30,
             "certspotter to find the same")
    assert len(ours()) == 4


@pytest.mark.parametrize("what, how", [("ct-found", "flip"), ("ct-found", "remove"),
                                       ("ct-positions", "flip")])
def test_finds_or_positions_lost_are_asked_for_again(node, zt_world, what, how):
    n = node(ct(zt_world, aggregators=sources(zt_world)))
    zt_world.tricked(n.names[0])
    wait_ct(n, "the foreign one", lambda s: s["foreign"] == 1 and is_reading(s))
    wait_for(lambda: list(n.state.glob(f"sealed/{what}.sealed")), 20, "what is sealed")
    n.stop()
    path, = n.state.glob(f"sealed/{what}.sealed")
    data = path.read_bytes()
    if how == "remove":
        path.unlink()
    else:
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    # While one of the aggregators is silent, nobody knows; a restart does not change that.
    zt_world.control("aggregator", "bend", at="certspotter", what="error-page")
    for _ in range(2):
        n.start()
        assert n.wait_alarm("ct_found_lost", 20)
        seen = wait_ct(n, "what a source has", lambda s: s["foreign"] == 1)
        assert "safe_at" not in seen
        assert "ct_found_lost" in alarms(n)
        n.stop()
    zt_world.mend()
    n.start()
    wait_ct(n, "what the sources have", lambda s: s["foreign"] == 1)
    wait_quiet(n, "ct_found_lost")
    assert n.wait_alarm("ct_foreign", 20)
    # It is over for good.
    n.stop()
    n.start()
    wait_ct(n, "a round", lambda s: s["foreign"] == 1 and is_reading(s))
    assert "ct_found_lost" not in alarms(n)


def test_positions_outlive_a_list_without_the_log(node, zt_world, tmp_path):
    n = node(ct(zt_world))
    wait_ct(n, "the own certificate in the logs", lambda s: s["ours"] >= 1 and is_reading(s))
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    whole = json.loads(open(zt_world.log_list, "rb").read())
    ids = [g["log_id"] for o in whole["operators"] for k in ("logs", "tiled_logs")
           for g in o.get(k, [])]
    assert len(ids) == 2
    for path, stays in zip((first, second), ids):
        some = json.loads(json.dumps(whole))
        for o in some["operators"]:
            for k in ("logs", "tiled_logs"):
                o[k] = [g for g in o.get(k, []) if g["log_id"] == stays]
        path.write_text(json.dumps(some))
    text = n.config.read_text().replace(f"list_key: {zt_world.log_list_key}, ", "")

    # While the second log is not listed, the first moves on, and its position is written.
    n.stop()
    sealed, = n.state.glob("sealed/ct-positions.sealed")
    before = sealed.read_bytes()
    n.config.write_text(text.replace(str(zt_world.log_list), str(first)))
    n.start()
    seen = wait_ct(n, "the first log", lambda s: is_reading(s))
    assert len(seen["logs"]) == 1
    zt_world.tricked("somebody.plain.test")
    wait_for(lambda: sealed.read_bytes() != before, 20, "its position")
    n.stop()
    zt_world.tricked(n.names[0])
    n.config.write_text(text.replace(str(zt_world.log_list), str(second)))
    n.start()
    assert "logs" in n.wait_alarm("ct_foreign", 20)["text"]


def test_certificate_found_while_away(node, zt_world):
    n = node(ct(zt_world))
    wait_ct(n, "the own certificate in the logs", lambda s: s["ours"] >= 1 and is_reading(s))
    n.stop()
    zt_world.tricked(n.names[0])
    n.start()
    n.wait_alarm("ct_foreign", 20)


def test_certificate_is_taken_back_until_a_person_has_seen_why(node, bindir, zt_world):
    def served():
        with contextlib.suppress(OSError):
            return bool(n.tls()["certificates"])
    n = node(ct(zt_world, stop_on_foreign="true"))
    wait_ct(n, "a round", lambda s: s["ours"] >= 1)
    assert served()
    zt_world.tricked(n.names[0])
    n.wait_alarm("ct_foreign", 20)
    wait_for(lambda: served() is False, 10, "the shelf to be empty")
    assert n.audit("certificate_taken_back")
    # A renewal puts nothing in its place, nor does a restart, from the first answer on.
    first = n.certificate()
    assert ask(n.admin, "POST", "/v1/renew", b"{}")[0] == 202
    n.wait_certificate(unlike=first["tbs"])
    wait_ct(n, "the renewed one", lambda s: s["ours"] >= 2)
    assert served() is False
    n.stop()
    n.start()
    assert wait_for(lambda: served() is not None, 20, "the socket") and not served()
    n.wait_alarm("certificate_held", 5)
    wait_ct(n, "a round", lambda s: s["foreign"] == 1 and is_reading(s))
    assert served() is False
    # The operator: it goes on, and what was seen stops it no more.
    acme = (bindir / "postern", "acme", "serve", "--socket", n.admin)
    assert run(*acme, check=False).returncode == 2  # it takes --yes
    run(*acme, "--yes")
    wait_for(served, 10, "the certificate to be served again")
    assert n.audit("certificates_served_again")
    n.stop()
    n.start()
    wait_ct(n, "rounds after it", lambda s: s["foreign"] == 1 and is_reading(s))
    time.sleep(2)
    assert served() and "certificate_held" not in alarms(n)
    # Another foreign one does.
    zt_world.tricked("www." + n.base)
    wait_for(lambda: served() is False, 20, "it to be taken back again")


def test_foreign_certificate_is_revoked(node, bindir, zt_world):
    n = node(ct(zt_world, revocation="1s"))
    wait_ct(n, "a round", lambda s: s["ours"] >= 1 and is_reading(s))
    got = zt_world.tricked(n.names[0])
    n.wait_alarm("ct_foreign", 20)
    assert not zt_world.is_revoked(got)
    url = zt_world.aggregator["crtsh"].rstrip("/")
    said = run(*zt_world.argv(bindir / "postern", "ct", "history", n.base, "--revoke", "--source",
                              f"crt.sh={url}", "--ca", zt_world.cafile, "--admin", n.admin),
               check=False)
    assert "asked to revoke" in said.stdout + (said.stderr or "")
    wait_for(lambda: zt_world.is_revoked(got), 40, "its revocation")
    line, = wait_for(lambda: n.audit("revoke_foreign"), 20, "the line of it")
    assert line["result"] == "ok"
    wait_quiet(n, "ct_foreign")  # its CA's list has it
    assert not any(c["revoked"] for c in zt_world.issued(n.names[0])
                   if c["serial"] != f"{got.cert.serial_number:x}")


def bend_lists(world, what):
    """Every shard's; mend() ends it."""
    for shard in range(16):
        world.control("ca", "crl", shard=shard, what=what, value=503)


def found(n, got, **want):
    """What the status says of a certificate, once that is so."""
    end = got.cert.not_valid_after.strftime("%Y-%m-%dT%H:%M:%SZ")

    def there(seen):
        return any(c["not_after"] == end and c["issuer"] and
                   all(c.get(k) == v for k, v in want.items()) for c in seen["certificates"])
    return wait_ct(n, f"{want}", there)


def test_list_that_may_not_say_so_revokes_nothing(node, zt_world):
    bends = {"stale": "stale", "wrong-signer": "bad_signature", "wrong-shard": "other_shard",
             "garbage": "malformed", "status": "no_list"}
    n = node(ct(zt_world, revocation="1s"))
    wait_ct(n, "a round", lambda s: s["ours"] >= 1 and is_reading(s))
    bend_lists(zt_world, "stale")
    got = zt_world.tricked(n.names[0], not_after=int(time.time()) + 5 * 86400)
    zt_world.revoke(got, 1)
    n.wait_alarm("ct_foreign", 20)
    for bend, says in bends.items():
        bend_lists(zt_world, bend)
        seen = found(n, got, revocation=says, revoked=False)
        assert seen["foreign"] == 1 and "ct_foreign" in alarms(n)
    # The CA's own word ends it, and once it is known a silent CA changes nothing.
    zt_world.mend()
    found(n, got, revocation="revoked", revoked=True, reason="keyCompromise")
    wait_quiet(n, "ct_foreign")
    bend_lists(zt_world, "stale")
    seen = found(n, got, revocation="stale", revoked=True)
    assert seen["foreign"] == 0 and seen["revoked"] == 1
    # A list that has to name it and does not is the CA's word, too.
    bend_lists(zt_world, "hide")
    found(n, got, revocation="not_listed", revoked=False)
    n.wait_alarm("ct_foreign", 20)


def test_revoked_certificate_is_over(node, zt_world):
    base = f"w{next(_serial) + 1}.example.test"
    older, gone = zt_world.tricked(f"*.{base}"), zt_world.tricked(f"*.{base}")
    time.sleep(2)
    zt_world.revoke(gone, 4)
    n = node(ct(zt_world, follow="false", aggregators=sources(zt_world), revocation="1s"))
    assert n.base == base
    seen = wait_ct(n, "both sources", lambda s: s["legacy"] == 1 and s["revoked"] == 1)
    assert "safe_at" in seen and seen["foreign"] == 0
    timeline = wait_for(lambda: (t := core(n)["timeline"]) and
                        sum(c["revoked"] for c in t["legacy"]) == 1 and t, 60, "evidence of it")
    assert len(timeline["legacy"]) == 2
    # With the other revoked, too, the date is that of the pin; for some it is the end of both.
    before = seen["safe_at"]
    zt_world.revoke(older, 0)
    seen = wait_ct(n, "an earlier date", lambda s: s["revoked"] == 2 and s["safe_at"] < before)
    assert seen["safe_at_without_crl"] >= before and seen["legacy"] == 0
    wait_for(lambda: (t := core(n)["timeline"])["safe_at"] == t["t1"], 60, "evidence of that")
    assert len(n.audit("ct_revoked")) == 2
    # It is known after a start, though the CA is silent.
    n.stop()
    bend_lists(zt_world, "status")
    n.start()
    wait_ct(n, "a round", lambda s: s["revoked"] == 2 and s["legacy"] == 0)
    zt_world.mend()


def test_older_certificates_are_legacy_and_tell_the_date(node, zt_world):
    base = f"w{next(_serial) + 1}.example.test"
    got = zt_world.tricked(f"*.{base}")
    time.sleep(2)
    n = node(ct(zt_world, follow="false", aggregators=sources(zt_world)))
    assert n.base == base
    seen = wait_ct(n, "both sources", lambda s: s["legacy"] == 1 and "safe_at" in s)
    assert seen["foreign"] == 0 and "ct_foreign" not in alarms(n)
    end = (got.cert.not_valid_after + datetime.timedelta(seconds=1)).replace(
        tzinfo=datetime.timezone.utc)
    assert seen["safe_at"] == end.strftime("%Y-%m-%dT%H:%M:%SZ") and seen["verdict"] == "safe_later"
    line = wait_for(lambda: (t := core(n)["timeline"])["legacy"] and t, 60, "evidence of it")
    assert line["safe_at"] == end.timestamp() and sorted(line["sources"]) == ["crtsh", "spotter"]


def test_name_that_is_added_is_pinned_since_then(node, zt_world):
    n = node(ct(zt_world, follow="false", aggregators=sources(zt_world)))
    added = "added." + n.base.split(".", 1)[1]
    seen = wait_ct(n, "both sources", lambda s: "safe_at" in s)
    first, safe_at = core(n), seen["safe_at"]
    since, = (c["since"] for c in first["caa"])
    assert first["timeline"]["t1"] >= since + 8 * 3600
    time.sleep(2)
    older = zt_world.tricked(added, not_after=int(time.time()) + 3600)
    time.sleep(2)
    n.stop()
    text = n.config.read_text()
    n.config.write_text(text.replace("certificates:\n", f"certificates:\n  - names: [ {added} ]\n"))
    n.start()
    wait_for(lambda: {c["name"] for c in core(n)["caa"]} == {n.names[0], added}, 40, "evidence")
    wait_ct(n, "the older one", lambda s: s["legacy"] == 1 and s["safe_at"] > safe_at)
    assert "ct_foreign" not in alarms(n)
    # The date is that of the added name, and each has its own.
    by_name = wait_for(lambda: (c := core(n)) and c["timeline"]["safe_at"] != NEVER and
                       {x["name"]: x["since"] for x in c["caa"]}, 60, "a date")
    assert by_name[n.names[0]] == since < older.cert.not_valid_before.timestamp() + 7200
    assert by_name[added] > since + 2
    assert core(n)["timeline"]["t1"] == by_name[added] + 8 * 3600
    # From then on others are foreign there, and a start changes nothing of it.
    zt_world.tricked(added)
    n.wait_alarm("ct_foreign", 20)
    n.stop()
    n.start()
    wait_ct(n, "the same", lambda s: s["legacy"] == 1 and s["foreign"] == 1)
    assert {x["name"]: x["since"] for x in core(n)["caa"]} == by_name


def test_silent_aggregator_is_an_alarm(node, zt_world):
    n = node(ct(zt_world, follow="false", aggregators=sources(zt_world)))
    wait_ct(n, "both sources", lambda s: "safe_at" in s)
    zt_world.control("aggregator", "bend", at="crtsh", what="error-page")
    assert n.wait_alarm("ct_source_failed", 20)["about"] == "crtsh"
    wait_ct(n, "no date", lambda s: s["verdict"] == "incomplete" and "safe_at" not in s)
    zt_world.mend()
    wait_quiet(n, "ct_source_failed")


def test_slow_log_holds_up_no_other(node, zt_world):
    n = node(ct(zt_world))
    wait_ct(n, "a round", lambda s: s["ours"] >= 1 and is_reading(s))
    zt_world.control("ct", "bend", log="birch", what="delay", value=1)
    zt_world.control("ct", "fill", log="birch", count=9000)
    time.sleep(2)  # its long turn has begun
    zt_world.tricked(n.names[0])
    n.wait_alarm("ct_foreign", 30)
    zt_world.control("ct", "mend", log="birch")


def test_log_that_forks_is_an_alarm(node, zt_world):
    n = node(ct(zt_world))
    wait_ct(n, "a round", lambda s: s["ours"] >= 1 and is_reading(s))
    log = next(iter(zt_world.ct["logs"]))
    zt_world.control("ct", "bend", log=log, what="fork", value=0)
    alarm = n.wait_alarm("ct_log_inconsistent", 30)
    assert log in alarm["about"]
    # It stays: what was signed cannot be taken back.
    zt_world.mend()
    time.sleep(2)
    assert "ct_log_inconsistent" in alarms(n)


def test_log_that_shrinks_is_an_alarm(node, zt_world):
    n = node(ct(zt_world))
    seen = wait_ct(n, "a round", lambda s: s["ours"] >= 1 and is_reading(s))
    log = next(iter(zt_world.ct["logs"]))
    size = next(g["signed"] for g in seen["logs"] if f"/{log}/" in g["url"])
    zt_world.control("ct", "bend", log=log, what="shrink", value=size - 1)
    assert log in n.wait_alarm("ct_log_shrunk", 30)["about"]


def test_list_of_another_key_is_refused(node, bindir, zt_world, tmp_path):
    n = node(ct(zt_world))
    n.stop()
    other = tmp_path / "log_list.json"
    other.write_bytes(open(zt_world.log_list, "rb").read() + b"\n")
    (tmp_path / "log_list.sig").write_bytes(open(zt_world.log_list_signature, "rb").read())
    n.config.write_text(n.config.read_text().replace(str(zt_world.log_list), str(other)))
    n.start()
    assert n.cert.wait(20) == 1 and "list_key did not sign" in n.log()


# ---- postern ct

def test_ct_status_of_a_person(node, bindir, zt_world):
    n = node(ct(zt_world))
    wait_ct(n, "the own certificate", lambda s: s["ours"] >= 1 and is_reading(s))
    said = run(bindir / "postern", "ct", "status", "--admin", n.admin)
    assert said.stdout.startswith("1 ours, 0 older, 0 foreign") and "CONVICTED" not in said.stdout
    assert len([x for x in said.stdout.splitlines() if x.startswith("log ")]) == len(zt_world.ct["logs"])
    got = zt_world.tricked(n.names[0])
    n.wait_alarm("ct_foreign", 20)
    said = run(bindir / "postern", "ct", "status", "--admin", n.admin, "--json", check=False)
    assert said.returncode == 1 and json.loads(said.stdout)["foreign"] == 1 and got
    assert run(bindir / "postern", "ct", "status", "--admin", n.dir / "no.sock",
               check=False).returncode == 1
    assert run(bindir / "postern", "ct", "nonsense", check=False).returncode == 2


def test_ct_history_of_a_name(node, bindir, zt_world, tmp_path):
    n = node(CAA)
    name = "www." + n.base
    revoked, live = zt_world.tricked(name), zt_world.tricked(name)
    zt_world.revoke(revoked, 1)
    url = zt_world.aggregator["crtsh"].rstrip("/")
    (tmp_path / "reports").mkdir()

    def history(*more):
        return run(*zt_world.argv(bindir / "postern", "ct", "history", name, "--source",
                                  f"crt.sh={url}", "--source", f"certspotter={url}", "--ca",
                                  zt_world.cafile, "--core", n.state / "evidence" / "core.json",
                                  *more), check=False)
    said = history("--json", "--report", tmp_path / "reports")
    seen = json.loads(said.stdout[said.stdout.index("{"):])
    assert sorted(c["state"] for c in seen["certificates"]) == ["live", "ours", "revoked"]
    assert [c["revocation"] for c in seen["certificates"] if c["state"] == "live"] == ["not_listed"]
    gone, = (c for c in seen["certificates"] if c["state"] == "revoked")
    assert gone["reason"] == "keyCompromise" and gone["revoked_at"]
    assert [c["can"] for c in seen["certificates"] if c["state"] == "live"] == ["by_report"]
    assert said.returncode == 1 and seen["safe_at"]
    report, = (tmp_path / "reports").iterdir()
    assert f"{live.cert.serial_number:x}"[-16:] in report.read_text().lower()
    assert "live" in history().stdout and "by_report" in history().stdout
    # A list that may not say so revokes nothing.
    for what, answer in (("stale", "stale"), ("wrong-signer", "bad_signature"),
                         ("status", "no_answer")):
        bend_lists(zt_world, what)
        seen = history("--json").stdout
        seen = json.loads(seen[seen.index("{"):])
        assert sorted(c["state"] for c in seen["certificates"]) == ["live", "live", "ours"], what
        assert {c.get("revocation") for c in seen["certificates"]} == {None, answer}
    zt_world.mend()
    # A silent source is no answer.
    zt_world.control("aggregator", "bend", at="crtsh", what="error-page")
    said = history()
    assert said.returncode == 1 and "incomplete" in said.stdout
