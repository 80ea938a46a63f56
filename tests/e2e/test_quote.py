"""`postern quote` judges real quotes as tests/vectors/tdx/cases.tsv says.

Goal: exit status, first line and JSON agree with the expected strict verdict
for every row; each form of a quote file is read; unusable input exits 2.
"""
import base64
import json
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests/vectors/tdx"
ROWS = [line.split("\t") for line in (VECTORS / "cases.tsv").read_text().splitlines()
        if line and not line.startswith("#")]
GOOD = ["--collateral", VECTORS / "collateral/tdx_b0c0_202506", "--at", "2025-07-01T00:00:00Z"]
QUOTE = VECTORS / "quotes/tdx_v4_b0c0_uptodate.bin"


@pytest.fixture
def run(bindir):
    def quote(*args):
        return subprocess.run([bindir / "postern", "quote", *map(str, args)],
                              capture_output=True, text=True, timeout=60, check=False)
    return quote


@pytest.mark.parametrize("row", ROWS, ids=[f"{r[0].split('/')[1]}@{r[2]}" for r in ROWS])
def test_row(run, row):
    quote, collateral, at, _, want = row[:5]
    done = run("verify", VECTORS / quote, "--collateral", VECTORS / collateral, "--at", at,
               "--json")
    said = json.loads(done.stdout)
    accepted = want.startswith("ACCEPT")
    assert done.returncode == (0 if accepted else 1), done.stderr
    assert said["accepted"] is accepted
    assert said["simulated"] is False
    assert (said["reason"] == "ok") is accepted
    if accepted or want.startswith("VERIFIED"):
        assert said["verified"] is True
        assert said["tcb_status"] == want.split()[1]


@pytest.mark.parametrize("form", ["raw", "hex", "base64", "json"])
def test_forms(run, form, tmp_path):
    raw = QUOTE.read_bytes()
    content = {"raw": raw, "hex": raw.hex().encode(), "base64": base64.encodebytes(raw),
               "json": json.dumps({"quote": raw.hex()}).encode()}[form]
    (tmp_path / "quote").write_bytes(content)
    done = run("verify", tmp_path / "quote", *GOOD)
    assert done.returncode == 0
    assert done.stdout.startswith("ACCEPTED: ")


def test_event_log_replayed(run, tmp_path):
    report = VECTORS / "dstack/quote-report.json"
    args = ["--collateral", VECTORS / "collateral/tdx_90c0_202602",
            "--at", "2026-03-01T00:00:00Z", "--json"]
    said = json.loads(run("verify", report, *args).stdout)
    assert said["accepted"] and said["event_log"]["app_id"].startswith("3763bc34")
    changed = report.read_text().replace("8ae1e425", "8ae1e426")
    (tmp_path / "changed.json").write_text(changed)
    done = run("verify", tmp_path / "changed.json", *args)
    assert done.returncode == 1
    assert json.loads(done.stdout)["reason"] == "event-log-mismatch"


def test_policy_names_rule(run, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text("images:\n  - name: other\n    mr_td: " + "00" * 48 + "\n")
    done = run("verify", QUOTE, *GOOD, "--policy", policy, "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 1 and said["verified"]
    assert said["reason"] == "measurement-not-listed"
    assert said["detail"].startswith("images.other.mr_td: expected 0000")
    policy.write_text("images: [\n")
    done = run("verify", QUOTE, *GOOD, "--policy", policy)
    assert done.returncode == 2 and "policy.yaml:" in done.stderr


@pytest.mark.parametrize("args", [
    [], ["judge", "x"], ["verify"], ["verify", "/nonexistent"], ["show", QUOTE, "--at", "now"],
    ["verify", QUOTE, "--at", "yesterday"], ["verify", QUOTE, "--collateral", "/nonexistent"],
    ["verify", QUOTE, *GOOD, "--root", VECTORS / "roots/intel_sgx_root_ca.pem"],
    ["verify", QUOTE, *GOOD, "--root", QUOTE], ["verify", QUOTE, *GOOD, "--policy", QUOTE]])
def test_unusable(run, args):
    done = run(*args)
    assert done.returncode == 2
    assert done.stderr.startswith("postern quote") and done.stdout == ""


@pytest.mark.parametrize("content", [b"", b"root:x:0:0\n", QUOTE.read_bytes()[:100],
                                     bytes(5000)], ids=["empty", "text", "cut", "zeros"])
def test_no_quote_is_said_before_collateral_is_sought(run, content, tmp_path):
    (tmp_path / "quote").write_bytes(content)
    nowhere = ["--collateral", tmp_path / "none"]
    done = run("verify", tmp_path / "quote", *nowhere)
    assert done.returncode == 1
    assert "not a TDX or SGX quote: quote-" in done.stdout and done.stderr == ""
    said = json.loads(run("verify", tmp_path / "quote", *nowhere, "--json").stdout)
    assert not said["accepted"] and said["reason"].startswith("quote-")


def test_absent_collateral_names_folder_and_option(run):
    done = run("verify", QUOTE, "--collateral", "/nonexistent")
    assert done.returncode == 2
    assert "/nonexistent;" in done.stderr and "--collateral DIR" in done.stderr


def test_simulated_is_said(run):
    sample = VECTORS / "intel-sample-sgx"
    done = run("verify", sample / "quote.dat", *GOOD, "--root", sample / "trustedRootCaCert.pem")
    assert done.returncode == 1  # those documents rest on another root
    assert "root-untrusted" in done.stdout


def test_show(run):
    done = run("show", QUOTE, "--json")
    assert done.returncode == 0
    said = json.loads(done.stdout)
    assert said["verified"] is False
    assert said["measurements"]["mr_td"].startswith("91eb2b44")
    assert run("show", __file__).returncode == 1
