"""`postern collateral` and `postern quote verify --collateral URL`.

Goal: collateral of Intel's is had from a PCS or PCCS over HTTPS, judged, kept
on disk, served while it is valid and not a moment longer; nothing a server,
a network or a crash does destroys what is stored, and no older TCB state than
one seen before is accepted. The server is the stand-in of pccs.py: Intel's own
cannot be reached from a test.
"""
import base64
import json
import os
import random
import shutil
import subprocess
import time

import pytest

from conftest import ROOT, tool
from pccs import Answer, Ca, Pccs, percent

VECTORS = ROOT / "tests/vectors/tdx"
B0C0 = VECTORS / "collateral/tdx_b0c0_202506"
QUOTE = VECTORS / "quotes/tdx_v4_b0c0_uptodate.bin"
AT = "2025-07-01T00:00:00Z"
TCB = "/tdx/certification/v4/tcb"
QE = "/tdx/certification/v4/qe/identity"
PCK_CRL = "/sgx/certification/v4/pckcrl"
ROOT_CRL = "/sgx/certification/v4/rootcacrl"
FILES = ["root_ca.crl.der", "pck.crl.der", "tcb_info.json", "tcb_info_issuer_chain.pem",
         "qe_identity.json", "qe_identity_issuer_chain.pem", "pck_crl_issuer_chain.pem"]


def content(folder):
    return {name: (folder / name).read_bytes() for name in FILES}


class Postern:
    def __init__(self, bindir, folder, server):
        self.bin, self.dir, self.cache = bindir / "postern", folder / "dir", folder / "cache"
        self.server = server

    def run(self, *args, **kwargs):
        return subprocess.run([self.bin, *map(str, args)], capture_output=True, text=True,
                              timeout=60, check=False, **kwargs)

    def collateral(self, verb, *args, **kwargs):
        return self.run("collateral", verb, *args, "--dir", self.dir, **kwargs)

    def fetch(self, *args, at=AT, url=None, ca=None, fmspc="b0c06f000000", **kwargs):
        return self.collateral("fetch", url or self.server.url, "--fmspc", fmspc, "--at", at,
                               "--ca-file", ca or self.server.ca.path, *args, **kwargs)

    def verify(self, quote=QUOTE, at=AT, *args):
        done = self.run("quote", "verify", quote, "--collateral", self.server.url, "--ca-file",
                        self.server.ca.path, "--at", at, "--cache", self.cache, "--json", *args)
        return done, json.loads(done.stdout) if done.stdout else None


@pytest.fixture
def pccs(workdir):
    with Pccs(workdir) as server:
        server.serve(B0C0, "tdx")
        yield server


@pytest.fixture
def postern(bindir, workdir, pccs):
    return Postern(bindir, workdir, pccs)


@pytest.fixture(scope="session")
def simset(bindir, tmp_path_factory):
    """simset(evaluation, issued) -> folder with set/, root.pem, quote.bin; one platform."""
    folder = tmp_path_factory.mktemp("simset")
    program = tool(bindir, "simset")

    def make(evaluation, issued):
        out = folder / f"{evaluation}-{int(issued)}"
        subprocess.run([program, folder / "state", out, str(evaluation),
                        str(int(issued))], check=True, timeout=60)
        return out
    return make


def refused(done, reason, said=""):
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith(f"postern collateral: {reason}: "), done.stderr
    assert said in done.stderr and done.stdout == ""


def test_policy_is_checked_with_a_server(postern, pccs, workdir):
    """One request a document and family, however many quotes; none when it is down."""
    evidence, policy = workdir / "evidence", workdir / "policy.yaml"
    evidence.mkdir()
    policy.write_text("")
    for i in range(3):
        shutil.copy(QUOTE, evidence / f"quote{i}")

    def check(cache):
        done = postern.run("policy", "check", policy, evidence, "--collateral",
                           pccs.url.replace("https", "HTTPS"), "--ca-file", pccs.ca.path, "--cache",
                           workdir / cache, "--at", AT, "--json")
        return done.returncode, json.loads(done.stdout)
    status, said = check("cache")
    assert status == 0 and said["accepted"] == 3, said
    assert len(pccs.seen) == 4 and (workdir / "cache/tdx-default/b0c06f000000").is_dir()
    pccs.seen.clear()
    pccs.bend[TCB] = Answer(503, {})
    status, said = check("other")
    assert status == 1 and said["reasons"] == {"collateral-missing": 3}
    assert all("server-error" in f["detail"] for f in said["files"])
    assert len(pccs.seen) == 1


# ---- what is fetched


@pytest.mark.parametrize("crl", ["der", "pem", "hex"])
@pytest.mark.parametrize("old_header", [False, True], ids=["v4", "v3"])
def test_fetched_as_served(postern, pccs, crl, old_header):
    pccs.answers.clear()
    pccs.serve(B0C0, "tdx", crl=crl, old_header=old_header)
    done = postern.fetch()
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("b0c06f000000  TDX  evaluation 17")
    assert content(postern.dir / "b0c06f000000") == content(B0C0)
    assert pccs.seen == [TCB + "?fmspc=b0c06f000000", QE,
                         PCK_CRL + "?ca=platform&encoding=der", ROOT_CRL]
    show = postern.collateral("show", "--at", AT, "--json")
    assert show.returncode == 0 and json.loads(show.stdout)[0]["valid"] is True
    show = postern.collateral("show", "--at", "2025-08-01T00:00:00Z")
    assert show.returncode == 1 and "NOT VALID NOW" in show.stdout


def test_answers_of_intel_2023(postern, pccs):
    pccs.answers.clear()
    pccs.serve_raw(VECTORS / "pcs-raw-2023")
    done = postern.fetch(fmspc="50806f000000", at="2023-07-01T01:00:00Z")
    assert done.returncode == 0, done.stderr
    assert content(postern.dir / "50806f000000") == content(
        VECTORS / "collateral/tdx_5080_202306")


def test_quote_says_which_platform(postern, pccs):
    pccs.serve(VECTORS / "collateral/sgx_00a067_202506", "sgx", ca="processor")
    done = postern.collateral("fetch", pccs.url, "--ca-file", pccs.ca.path, "--at", AT, "--quote",
                              VECTORS / "quotes/sgx_v3_00a067.bin")
    assert done.returncode == 0, done.stderr
    assert pccs.seen[0] == "/sgx/certification/v4/tcb?fmspc=00a067110000"
    assert PCK_CRL + "?ca=processor&encoding=der" in pccs.seen


@pytest.mark.parametrize("update", ["early", "standard", 17])
def test_update_kinds(postern, pccs, update):
    pccs.answers.clear()
    pccs.serve(B0C0, "tdx", update=update)
    assert postern.fetch("--update", str(update)).returncode == 0
    query = f"tcbEvaluationDataNumber={update}" if update == 17 else f"update={update}"
    assert pccs.seen[:2] == [f"{TCB}?fmspc=b0c06f000000&{query}", f"{QE}?{query}"]
    done, said = postern.verify(QUOTE, AT, "--update", str(update))
    assert done.returncode == 0 and said["accepted"]
    assert [p.name for p in postern.cache.iterdir()] == [f"tdx-{update}"]


def test_plain_http_only_where_the_url_says_so(postern, workdir):
    with Pccs(workdir, tls=False) as plain:
        plain.serve(B0C0, "tdx")
        assert postern.fetch(url=plain.url).returncode == 0
        refused(postern.fetch(url=plain.url.replace("http:", "https:")),
                "server-certificate-refused")


def test_environment_decides_nothing(postern):
    env = {**os.environ, "https_proxy": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1",
           "ALL_PROXY": "http://127.0.0.1:1", "SSL_CERT_FILE": "/nonexistent",
           "CURL_CA_BUNDLE": "/nonexistent"}
    assert postern.fetch(env=env).returncode == 0


# ---- what is not accepted, each leaving what is stored


STATUSES = [(204, "status-unexpected"), (400, "request-refused"), (401, "key-required"),
            (403, "key-required"), (404, "not-found"), (410, "tcb-evaluation-retired"),
            (418, "status-unexpected"), (461, "platform-unknown"), (462, "no-cached-data"),
            (500, "server-error"), (502, "server-error"), (503, "server-error")]


@pytest.mark.parametrize("status,reason", STATUSES)
def test_status(postern, pccs, status, reason):
    assert postern.fetch().returncode == 0
    pccs.bend[TCB] = Answer(status)
    refused(postern.fetch(), reason, f"status {status}")
    assert content(postern.dir / "b0c06f000000") == content(B0C0)


@pytest.mark.parametrize("value,wait", [("7", 7), ("100000", 86400), ("soon", None)])
def test_retry_after_is_told(postern, pccs, value, wait):
    pccs.bend[QE] = Answer(429, {"Retry-After": value})
    done = postern.fetch()
    refused(done, "server-busy")
    assert (f"wait {wait} seconds" in done.stderr) == (wait is not None)
    assert not (postern.dir / "b0c06f000000").exists()


def changed(name, at):
    body = bytearray((B0C0 / name).read_bytes())
    body[at] ^= 1
    return bytes(body)


GARBAGE = [
    (TCB, b"", "answer-malformed"),
    (TCB, b"<html>", "answer-malformed"),
    (TCB, b"{}", "answer-malformed"),
    (TCB, (B0C0 / "qe_identity.json").read_bytes(), "answer-malformed"),
    (TCB, (B0C0 / "tcb_info.json").read_bytes()[:-1], "answer-malformed"),
    (TCB, (B0C0 / "tcb_info.json").read_bytes() + b"x", "answer-malformed"),
    (TCB, changed("tcb_info.json", 60), "collateral-refused"),
    (QE, changed("qe_identity.json", 100), "collateral-refused"),
    (QE, (B0C0 / "tcb_info.json").read_bytes(), "answer-malformed"),
    (PCK_CRL, b"\x30\x82", "answer-malformed"),
    (PCK_CRL, b"zz", "answer-malformed"),
    (PCK_CRL, changed("pck.crl.der", 200), "collateral-refused"),
    (PCK_CRL, (B0C0 / "root_ca.crl.der").read_bytes(), "collateral-refused"),
    (ROOT_CRL, (B0C0 / "pck.crl.der").read_bytes(), "collateral-refused"),
    (ROOT_CRL, bytes(1000), "answer-malformed"),
]


@pytest.mark.parametrize("path,body,reason", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_destroys_nothing(postern, pccs, path, body, reason):
    assert postern.fetch().returncode == 0
    query = {TCB: "fmspc=b0c06f000000", PCK_CRL: "ca=platform&encoding=der"}.get(path, "")
    good = pccs.answers[pccs._key(path, query)]  # its headers go with it
    pccs.bend[path] = good._replace(body=body)
    refused(postern.fetch(), reason)
    assert content(postern.dir / "b0c06f000000") == content(B0C0)
    pccs.bend.clear()
    assert postern.fetch().returncode == 0


CHAINS = [(None, "issuer-chain-missing"), ("", "issuer-chain-missing"),
          ("%", "answer-malformed"), ("-----BEGIN%2", "answer-malformed"),
          ("a%00b", "answer-malformed"),
          ("x" * 20000, "answer-too-large"), ("x" * 70000, "answer-too-large"),
          ("no%20PEM", "collateral-refused")]


@pytest.mark.parametrize("value,reason", CHAINS, ids=range(len(CHAINS)))
def test_bad_issuer_chain(postern, pccs, value, reason):
    body = (B0C0 / "tcb_info.json").read_bytes()
    headers = {} if value is None else {"TCB-Info-Issuer-Chain": value}
    pccs.bend[TCB] = Answer(200, headers, body)
    refused(postern.fetch(), reason)
    assert not (postern.dir / "b0c06f000000").exists()


def test_oversize_body_is_cut_off(postern, pccs):
    pccs.bend[TCB] = Answer(200, {}, b" " * (64 << 20))
    refused(postern.fetch(), "answer-too-large")


def test_oversize_headers_are_cut_off(postern, pccs):
    pccs.bend[TCB] = Answer(200, {f"X-{i}": "x" * 8000 for i in range(20)}, b"{}")
    refused(postern.fetch(), "answer-too-large")


def test_cut_answer(postern, pccs):
    pccs.bend[TCB] = Answer(200, {"Content-Length": "5000"}, b"{")
    refused(postern.fetch(), "answer-incomplete")


@pytest.mark.parametrize("answer", [Answer(delay=5), Answer(200, {}, b" " * 100, drip=0.2)],
                         ids=["silent", "dripping"])
def test_slow_server_is_given_up(postern, pccs, answer):
    pccs.bend[TCB] = answer
    begun = time.monotonic()
    refused(postern.fetch("--timeout", "1"), "server-timeout")
    assert time.monotonic() - begun < 4


def test_redirect_is_not_followed(postern, pccs, workdir):
    with Pccs(workdir, ca=pccs.ca) as other:
        other.serve(B0C0, "tdx")
        pccs.bend[TCB] = Answer(302, {"Location": f"{other.url}{TCB}?fmspc=b0c06f000000"})
        refused(postern.fetch(), "server-redirects", "status 302")
        assert other.seen == []


def test_wrong_ca(postern, pccs, workdir):
    stranger = Ca(workdir, "stranger")
    refused(postern.fetch(ca=stranger.path), "server-certificate-refused")
    refused(postern.fetch(ca="/nonexistent.pem"), "server-certificate-refused")
    os.mkfifo(workdir / "fifo")
    refused(postern.fetch(ca=workdir / "fifo"), "server-certificate-refused", "regular file")
    refused(postern.fetch(ca="/dev/null"), "server-certificate-refused", "regular file")
    (workdir / "empty").touch()
    refused(postern.fetch(ca=workdir / "empty"), "server-certificate-refused")
    refused(postern.collateral("fetch", pccs.url, "--fmspc", "b0c06f000000"),
            "server-certificate-refused")  # the system's roots do not know it
    assert pccs.seen == []


def test_certificate_of_another_host(postern, workdir, pccs):
    with Pccs(workdir, ca=pccs.ca, named="127.0.0.9") as other:
        other.serve(B0C0, "tdx")
        refused(postern.fetch(url=other.url), "server-certificate-refused")
        assert other.seen == []


def test_another_platforms_documents(postern, pccs):
    pccs.bend[TCB] = pccs.answers[pccs._key(TCB, "fmspc=b0c06f000000")]
    refused(postern.fetch(fmspc="90c06f000000"), "collateral-of-another-platform",
            "b0c06f000000")


def test_not_valid_at_that_time(postern):
    refused(postern.fetch(at="2025-06-01T00:00:00Z"), "collateral-refused", "not valid yet")
    refused(postern.fetch(at="2025-08-01T00:00:00Z"), "collateral-refused", "expired")


def test_nobody_listens(postern, pccs):
    pccs.stop()
    refused(postern.fetch(), "server-unreachable")
    done, said = postern.verify()
    assert done.returncode == 2 and said["error"]["reason"] == "collateral-unavailable"
    assert "server-unreachable" in said["error"]["text"] and said["error"]["text"] in done.stderr
    assert said["error"]["file"] == pccs.url


@pytest.mark.parametrize("args", [
    [], ["steal"], ["fetch"], ["fetch", "https://h"], ["fetch", "ftp://h", "--fmspc", "0" * 12],
    ["fetch", "https://u:p@h", "--fmspc", "0" * 12], ["fetch", "https://h", "--fmspc", "0" * 11],
    ["fetch", "https://h", "--fmspc", "0" * 12, "--update", "late"],
    ["fetch", "https://h", "--fmspc", "0" * 12, "--quote", QUOTE],
    ["fetch", "https://h", "--quote", "/nonexistent"], ["fetch", "https://h", "--timeout", "0"],
    ["fetch", "https://h", "--quote", QUOTE, "--at", "now"], ["fetch", "https://h", "--json"],
    ["show", "/nonexistent"], ["show", "--update", "early"], ["show", QUOTE],
    ["import"], ["import", QUOTE], ["import", "/nonexistent"], ["export"],
    ["export", "x", "--dir", "/nonexistent"],
    ["fetch", "https://h", "--quote", QUOTE, "--root", VECTORS / "roots/intel_sgx_root_ca.pem"]])
def test_unusable(postern, args):
    done = postern.run("collateral", *args)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("postern collateral: ")
    assert done.stdout == "" or ("--json" in args and "error" in json.loads(done.stdout))


def test_folder_that_cannot_be_listed_is_not_empty(bindir, tmp_path):
    (tmp_path / "dir").mkdir(mode=0o300)
    done = subprocess.run(["setpriv", "--bounding-set=-dac_override,-dac_read_search",
                           bindir / "postern", "collateral", "show", tmp_path / "dir"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and "Permission denied" in done.stderr and not done.stdout


# ---- what is stored


def test_verified_through_a_url_and_then_from_the_cache(postern, pccs):
    done, said = postern.verify()
    assert done.returncode == 0 and said["accepted"] and done.stderr == ""
    asked = len(pccs.seen)
    assert asked == 4
    pccs.stop()  # not asked again, and not missed
    done, said = postern.verify()
    assert done.returncode == 0 and said["accepted"] and done.stderr == ""
    done, said = postern.verify(QUOTE, "2025-08-01T00:00:00Z")
    assert done.returncode == 1 and said["reason"].endswith("expired")
    assert "server-unreachable" in done.stderr


def test_due_is_fetched_and_served_when_it_cannot_be(postern, pccs, simset):
    now = time.time()
    old, new = simset(18, now - 20 * 86400), simset(18, now - 60)
    args = (new / "quote.bin", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
            "--root", new / "root.pem")
    pccs.serve(old / "set", "tdx")
    assert postern.verify(*args)[0].returncode == 0
    stored = next((postern.cache / "simulated/tdx-default").glob("5*"))
    assert content(stored) == content(old / "set")
    asked = len(pccs.seen)
    assert postern.verify(*args)[0].returncode == 0
    assert len(pccs.seen) == asked  # 10 days are left, and it is fresh from the server
    os.utime(stored / "tcb_info.json", (now - 19 * 86400,) * 2)
    pccs.bend[TCB] = Answer(503)
    done, said = postern.verify(*args)
    assert done.returncode == 0 and said["accepted"] and said["simulated"]
    assert "server-error" in done.stderr and "what is stored is used" in done.stderr
    assert content(stored) == content(old / "set")
    pccs.bend.clear()
    pccs.serve(new / "set", "tdx")
    assert postern.verify(*args)[0].returncode == 0
    assert content(stored) == content(new / "set")


def test_evaluation_number_never_goes_back(postern, pccs, simset):
    now = time.time()
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    new, old = simset(18, now - 60), simset(17, now - 60)
    args = ("--root", new / "root.pem")
    fmspc = json.loads((new / "set/tcb_info.json").read_text())["tcbInfo"]["fmspc"].lower()
    pccs.serve(new / "set", "tdx")
    assert postern.fetch(*args, fmspc=fmspc, at=at).returncode == 0
    pccs.serve(old / "set", "tdx")
    refused(postern.fetch(*args, fmspc=fmspc, at=at), "tcb-evaluation-went-back",
            "number 17, seen before: 18")
    stored = postern.dir / fmspc
    assert content(stored) == content(new / "set")
    for file in stored.iterdir():  # who takes the set away takes not the memory
        file.unlink()
    stored.rmdir()
    refused(postern.fetch(*args, fmspc=fmspc, at=at), "tcb-evaluation-went-back")
    assert not stored.exists()
    assert postern.fetch(*args, "--allow-older", fmspc=fmspc, at=at).returncode == 0
    assert content(stored) == content(old / "set")
    assert postern.fetch(*args, fmspc=fmspc, at=at).returncode == 0


def test_dates_never_go_back(postern, pccs, simset):
    """An older list of revoked certificates is no answer while a newer one is known."""
    now = time.time()
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    new, old = simset(18, now - 60), simset(18, now - 86400)
    args = ("--root", new / "root.pem")
    pccs.serve(new / "set", "tdx")
    fmspc = json.loads((new / "set/tcb_info.json").read_text())["tcbInfo"]["fmspc"].lower()
    assert postern.fetch(*args, fmspc=fmspc, at=at).returncode == 0
    stale = Pccs._key(PCK_CRL, "ca=platform&encoding=der")
    pccs.serve(old / "set", "tdx")
    old_crl = pccs.answers[stale]
    pccs.serve(new / "set", "tdx")
    pccs.answers[stale] = old_crl
    refused(postern.fetch(*args, fmspc=fmspc, at=at), "collateral-went-back", "PCK CRL")
    assert content(postern.dir / fmspc) == content(new / "set")


def test_killed_at_any_moment_leaves_one_whole_set(postern, simset, workdir):
    now = int(time.time()) - 60
    sets = [simset(17, now), simset(18, now)]
    files = []
    for i, made in enumerate(sets):
        folder = workdir / f"b{i}"
        fmspc = json.loads((made / "set/tcb_info.json").read_text())["tcbInfo"]["fmspc"].lower()
        folder.mkdir()
        (made / "set").rename(folder / fmspc)
        files.append(workdir / f"{i}.json")
        done = postern.run("collateral", "export", files[i], "--dir", folder)
        assert done.returncode == 0, done.stderr
        sets[i] = content(folder / fmspc)
    root = simset(18, now) / "root.pem"
    command = [postern.bin, "collateral", "import", "--dir", postern.dir, "--root", root,
               "--allow-older"]
    begun = time.monotonic()
    subprocess.run([*command, files[0]], check=True, timeout=60, stdout=subprocess.DEVNULL)
    took = time.monotonic() - begun
    stored, outcomes = postern.dir / fmspc, set()
    chance = random.Random(7)
    for turn in range(120):
        child = subprocess.Popen([*command, files[turn % 2]], stdout=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, took))
        child.kill()
        outcomes.add((child.wait() == 0, sets.index(content(stored))))
    assert {which for _, which in outcomes} == {0, 1}
    assert False in {ended for ended, _ in outcomes}, "nothing was killed in time"
    done = postern.run(*command[1:], files[1])
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in postern.dir.iterdir()) == sorted([".lock", fmspc, "evaluations"])


# ---- numbers, bundles


def test_numbers(postern, pccs, simset):
    now = time.time()
    made = simset(18, now - 60)
    path = "/tdx/certification/v4/tcbevaluationdatanumbers"
    chain = (made / "numbers_chain.pem").read_bytes()
    pccs.serve(made / "set", "tdx")
    body = (made / "numbers.json").read_bytes()

    def numbers(*args):
        return postern.run("collateral", "numbers", pccs.url, "--ca-file", pccs.ca.path, "--root",
                           made / "root.pem", *args)

    def put(body):
        pccs.put(path, "", body, {"TCB-Evaluation-Data-Numbers-Issuer-Chain": percent(chain)})

    put(body)
    done = numbers()
    assert done.returncode == 0, done.stderr
    assert done.stdout == "18  event 2025-05-13T00:00:00Z  TCB date 2025-05-14T00:00:00Z\n"
    assert json.loads(numbers("--json").stdout)[0]["tcb_evaluation"] == 18
    refused(numbers("--at", "2040-01-01T00:00:00Z"), "crl-expired")
    put(body.replace(b"18", b"19", 1))
    refused(numbers(), "collateral-signature-invalid")
    put(b"{}")
    refused(numbers(), "answer-malformed")


def qvl(folder, old):
    """dcap-qvl's form of a collateral folder; the older one has arrays of bytes."""
    def cut(name, member):
        text = (folder / name).read_text()
        begin = text.index(":") + 1
        end = text.rindex(',"signature"')
        assert text.startswith(f'{{"{member}":')
        return text[begin:end], bytes.fromhex(json.loads(text)["signature"])

    def binary(b):
        return list(b) if old else b.hex()

    files = content(folder)
    tcb, tcb_signature = cut("tcb_info.json", "tcbInfo")
    qe, qe_signature = cut("qe_identity.json", "enclaveIdentity")
    return {"pck_crl_issuer_chain": files["pck_crl_issuer_chain.pem"].decode(),
            "root_ca_crl": binary(files["root_ca.crl.der"]),
            "pck_crl": binary(files["pck.crl.der"]),
            "tcb_info_issuer_chain": files["tcb_info_issuer_chain.pem"].decode(),
            "tcb_info": tcb, "tcb_info_signature": binary(tcb_signature),
            "qe_identity_issuer_chain": files["qe_identity_issuer_chain.pem"].decode(),
            "qe_identity": qe, "qe_identity_signature": binary(qe_signature)}


@pytest.mark.parametrize("old", [False, True], ids=["hex", "arrays"])
def test_dcap_qvl_imported(postern, workdir, old):
    (workdir / "c.json").write_text(json.dumps(qvl(B0C0, old)))
    done = postern.collateral("import", workdir / "c.json", "--at", AT)
    assert done.returncode == 0, done.stderr
    assert content(postern.dir / "b0c06f000000") == content(B0C0)
    done = postern.run("quote", "verify", QUOTE, "--collateral", workdir / "c.json", "--at", AT)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("chain", [{}, {"pck_crl_issuer_chain": ""},
                                   {"pck_crl_issuer_chain": None}])
def test_dcap_qvl_without_pck_crl_issuer_chain(postern, workdir, chain):
    made = qvl(B0C0, False)
    del made["pck_crl_issuer_chain"]
    (workdir / "c.json").write_text(json.dumps(made | chain))
    done = postern.run("quote", "verify", QUOTE, "--collateral", workdir / "c.json", "--at", AT)
    assert done.returncode == 0, done.stderr


def test_bundle_carries_many_platforms(postern, pccs, workdir):
    pccs.serve(VECTORS / "collateral/sgx_00a067_202506", "sgx", ca="processor")
    assert postern.fetch().returncode == 0
    assert postern.fetch("--tee", "sgx", "--ca", "processor", fmspc="00a067110000").returncode == 0
    file = workdir / "bundle.json"
    done = postern.collateral("export", file)
    assert done.returncode == 0 and done.stdout == f"{file}: 2 sets\n"
    bundle = json.loads(file.read_text())
    assert bundle["format"] == "postern-collateral/1"
    assert base64.b64decode(bundle["sets"][0]["pck.crl.der"]).startswith(b"\x30\x82")
    elsewhere = workdir / "elsewhere"
    done = postern.run("collateral", "import", file, "--dir", elsewhere, "--at", AT)
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 2
    assert content(elsewhere / "b0c06f000000") == content(B0C0)
    for quote, status in ((QUOTE, 0), (VECTORS / "quotes/sgx_v3_00a067.bin", 1),
                          (VECTORS / "quotes/tdx_v5_90c0_uptodate.bin", 2)):
        done = postern.run("quote", "verify", quote, "--collateral", file, "--at", AT)
        assert done.returncode == status, (quote, done.stdout, done.stderr)
    assert "none of its 2 sets" in done.stderr
    show = postern.run("collateral", "show", file, "--at", AT)
    assert show.returncode == 0 and len(show.stdout.splitlines()) == 2


def test_import_judges(postern, workdir):
    bad = qvl(B0C0, False)
    bad["tcb_info"] = bad["tcb_info"].replace("UpToDate", "Revoked", 1)
    (workdir / "c.json").write_text(json.dumps(bad))
    done = postern.collateral("import", workdir / "c.json", "--at", AT)
    assert done.returncode == 1 and "collateral-signature-invalid" in done.stderr
    assert not (postern.dir / "b0c06f000000").exists()
