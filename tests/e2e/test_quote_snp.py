"""`postern quote` judges AMD's real SEV-SNP reports.

Goal: the same command as for quotes, its exit status, first line and JSON; each
form of a file is read; unusable input exits 2.
"""
import base64
import json
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests/vectors/snp"
REPORT = VECTORS / "reports/milan_trustee.bin"
AT = ["--at", "2024-07-01T00:00:00Z"]


def documents(name):
    return ["--collateral", VECTORS / "collateral" / name]


@pytest.fixture
def run(bindir):
    def quote(*args):
        return subprocess.run([bindir / "postern", "quote", *map(str, args)],
                              capture_output=True, text=True, timeout=60, check=False)
    return quote


@pytest.fixture
def policy(tmp_path):
    def write(text="snp: {require_crl: false}\n"):
        path = tmp_path / "policy.yaml"
        path.write_text(text)
        return ["--policy", path]
    return write


@pytest.mark.parametrize("name, reason, verified", [
    ("milan_trustee", "ok", True), ("milan_virtee", "ok", True),
    ("milan_google", "policy-debug", True)])
def test_real_reports(run, policy, name, reason, verified):
    done = run("verify", VECTORS / f"reports/{name}.bin", *documents(name), *AT, *policy(),
               "--json")
    said = json.loads(done.stdout)
    assert done.returncode == (0 if reason == "ok" else 1), done.stderr
    assert said["reason"] == reason and said["verified"] is verified
    assert said["anchor"] == "AMD ARK-Milan" and said["simulated"] is False
    assert said["platform"]["product"] == "Milan-B0"
    assert said["collateral"]["crl"] is False


def test_crl_is_wanted(run):
    done = run("verify", REPORT, *documents("milan_trustee"), *AT)
    assert done.returncode == 1
    assert done.stdout.startswith("REFUSED: ") and "CRL: missing" in done.stdout


def test_layers(run, policy):
    done = run("verify", REPORT, *documents("milan_trustee"), *AT, *policy())
    for line in ["evidence    SEV-SNP report, version 2, VMPL 0",
                 "collateral  NO CRL, all valid until 2030-01-24",
                 "chain       VCEK of Milan-B0, under AMD ARK-Milan", "signature   report",
                 "tcb         AMD publishes no status"]:
        assert line in done.stdout
    said = json.loads(run("verify", REPORT, *documents("milan_trustee"), *AT, *policy(),
                          "--json").stdout)
    assert said["layers"] == {"evidence": "ok", "collateral": "ok", "chain": "ok",
                              "signature": "ok", "tcb": "absent", "policy": "ok",
                              "binding": "absent", "log": "absent"}


def test_report_data(run, policy):
    data = REPORT.read_bytes()[0x50:0x90].hex()
    args = [REPORT, *documents("milan_trustee"), *AT, *policy(), "--json"]
    said = json.loads(run("verify", *args, "--report-data", data).stdout)
    assert said["accepted"] and said["layers"]["binding"] == "ok"
    done = run("verify", *args, "--report-data", "00" + data[2:])
    said = json.loads(done.stdout)
    assert done.returncode == 1 and said["reason"] == "report-data-mismatch"
    assert said["verified"] and "found ec6c52d7" in said["detail"]


def test_event_log_has_no_registers(run, policy, tmp_path):
    with_log = tmp_path / "log.json"
    with_log.write_text(json.dumps({"quote": REPORT.read_bytes().hex(), "event_log": "[]"}))
    done = run("verify", with_log, *documents("milan_trustee"), *AT, *policy(), "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 1 and said["reason"] == "event-log-malformed"
    assert said["detail"] == "event log: a SEV-SNP report has no registers to compare it with"


def test_policy_names_rule(run, policy):
    rule = "snp:\n  require_crl: false\n  min_tcb: [{product: Milan, microcode: 116}]\n"
    done = run("verify", REPORT, *documents("milan_trustee"), *AT, *policy(rule), "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 1 and said["reason"] == "policy-snp-tcb"
    assert said["detail"] == "snp.min_tcb.microcode: expected at least 116, found 115"
    image = "images: [{name: app, measurement: " + REPORT.read_bytes()[0x90:0xc0].hex() + "}]\n"
    done = run("verify", REPORT, *documents("milan_trustee"), *AT,
               *policy("snp: {require_crl: false}\n" + image), "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["image"] == "app"


@pytest.mark.parametrize("form", ["raw", "hex", "base64", "json"])
def test_forms(run, policy, form, tmp_path):
    raw = REPORT.read_bytes()
    content = {"raw": raw, "hex": raw.hex().encode(), "base64": base64.encodebytes(raw),
               "json": json.dumps({"quote": raw.hex()}).encode()}[form]
    (tmp_path / "report").write_bytes(content)
    done = run("verify", tmp_path / "report", *documents("milan_trustee"), *AT, *policy())
    assert done.returncode == 0
    assert done.stdout.startswith("ACCEPTED: ")


def test_unusable(run, policy, tmp_path):
    amd = tmp_path / "amd.pem"
    chain = (VECTORS / "collateral/milan_trustee/cert_chain.pem").read_text()
    amd.write_text("-----BEGIN" + chain.split("-----BEGIN")[2])
    for args, words in [
            ([REPORT, "--collateral", "/nonexistent"], "/nonexistent/vcek.der"),
            ([REPORT, *documents("milan_trustee"), "--root", amd], "a root of AMD's"),
            ([REPORT, *documents("milan_trustee"), "--root", REPORT], "neither a root of the form"),
            ([REPORT, *documents("milan_trustee"), *policy("snp: {vmpl: 9}\n")], "snp.vmpl")]:
        done = run("verify", *args)
        assert done.returncode == 2 and done.stdout == ""
        assert words in done.stderr


def test_flipped_and_cut(run, policy, tmp_path):
    raw = bytearray(REPORT.read_bytes())
    raw[0x90] ^= 1
    (tmp_path / "flipped").write_bytes(raw)
    (tmp_path / "cut").write_bytes(raw[:1183])
    for name, reason in [("flipped", "snp-report-signature-invalid"), ("cut", "snp-report-size")]:
        done = run("verify", tmp_path / name, *documents("milan_trustee"), *AT, *policy(),
                   "--json")
        assert done.returncode == 1 and json.loads(done.stdout)["reason"] == reason


def test_show(run, tmp_path):
    done = run("show", REPORT, "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 0 and said["verified"] is False
    assert said["report"]["tee"] == "SEV-SNP" and said["report"]["guest_policy"]["debug"] is False
    assert said["measurements"]["measurement"].startswith("a1f39304")
    assert run("show", REPORT).stdout.startswith("UNVERIFIED: ")
    (tmp_path / "cut").write_bytes(REPORT.read_bytes()[:1000])
    done = run("show", tmp_path / "cut")
    assert done.returncode == 2 and "not a SEV-SNP report: snp-report-size" in done.stderr
