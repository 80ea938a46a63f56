"""`postern quote` judges real quotes as tests/vectors/tdx/cases.tsv says.

Goal: exit status, first line, layers and JSON agree with the expected strict
verdict for every row; each form of a quote file is read; nonsense is refused or
unusable, never accepted and never a crash; unusable input exits 2.
"""
import base64
import json
import pathlib
import shutil
import subprocess

import pytest
from conftest import on_terminal

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests/vectors/tdx"
ROWS = [line.split("\t") for line in (VECTORS / "cases.tsv").read_text().splitlines()
        if line and not line.startswith("#")]
GOOD = ["--collateral", VECTORS / "collateral/tdx_b0c0_202506", "--at", "2025-07-01T00:00:00Z"]
QUOTE = VECTORS / "quotes/tdx_v4_b0c0_uptodate.bin"


@pytest.fixture
def run(bindir):
    def quote(*args, data=None):
        done = subprocess.run([bindir / "postern", "quote", *map(str, args)], input=data,
                              capture_output=True, timeout=60, check=False)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        return done
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


RAW = QUOTE.read_bytes()
HEX, BASE64 = RAW.hex(), base64.b64encode(RAW).decode()
FORMS = {
    "raw": RAW,
    "raw_padded": RAW + bytes(3000),
    "hex": HEX.encode(),
    "hex_upper_case": HEX.upper().encode(),
    "hex_in_lines": "\n".join(HEX[i:i + 64] for i in range(0, len(HEX), 64)).encode() + b"\n",
    "base64": BASE64.encode(),
    "hex_0x": b"0x" + HEX.encode() + b"\n",
    "base64_in_lines": base64.encodebytes(RAW),
    "base64_of_urls": base64.urlsafe_b64encode(RAW).rstrip(b"="),
    "json": json.dumps({"quote": HEX}).encode(),
    "json_of_base64": json.dumps({"quote": BASE64}).encode(),
    "json_as_dstack": json.dumps({"quote": HEX, "report_data": "", "vm_config": "{}"},
                                 indent=1).encode(),
}


@pytest.mark.parametrize("how", ["file", "stdin"])
@pytest.mark.parametrize("form", FORMS)
def test_forms(run, form, how, tmp_path):
    (tmp_path / "quote").write_bytes(FORMS[form])
    if how == "file":
        done = run("verify", tmp_path / "quote", *GOOD)
    else:
        done = run("verify", "-", *GOOD, data=FORMS[form])
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"ACCEPTED: {tmp_path / 'quote' if how == 'file' else '-'}\n")
    assert run("show", tmp_path / "quote").returncode == 0


# What is no quote: refused when it can be told so, unusable when it cannot be
# read at all; `show`, which judges nothing, calls both unusable.
NONSENSE = {
    "empty": (b"", 1, "quote-too-short"),
    "newline": (b"\n", 1, "quote-too-short"),
    "text": (b"root:x:0:0\n", 1, "quote-"),
    "one_byte": (b"\x04", 1, "quote-too-short"),
    "cut": (RAW[:100], 1, "quote-too-short"),
    "cut_hex": (HEX[:200].encode(), 1, "quote-too-short"),
    "cut_by_one": (RAW[:4935], 1, "quote-too-short"),
    "odd_hex": (HEX[:-1].encode(), 1, "quote-"),
    "zeros": (bytes(5000), 1, "quote-version-unsupported"),
    "ones": (b"\xff" * 5000, 1, "quote-version-unsupported"),
    "trailing_bytes": (RAW[:4936] + b"x", 1, "quote-trailing-bytes"),
    "two_quotes": (RAW[:4936] * 2, 1, "quote-trailing-bytes"),
    "too_large_for_a_quote": (RAW + bytes(70000), 1, "quote-too-large"),
    "larger_than_1_mib": (bytes(2 ** 20 + 1), 2, "larger than 1 MiB"),
    "pem": (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 1, "quote-"),
    "json_without_quote": (b'{"a": 1}', 2, "expected a JSON object"),
    "json_cut": (b'{"quote": "' + HEX.encode(), 2, "expected a JSON object"),
    "json_number": (b'{"quote": 1}', 2, "expected a JSON object"),
    "json_no_hex": (b'{"quote": "zz!"}', 2, "expected a JSON object"),
    "json_twice": (b'{"quote": "00", "quote": "00"}', 2, "expected a JSON object"),
    "json_empty": (b'{"quote": ""}', 1, "quote-too-short"),
    "json_array": (b'[1]', 1, "quote-"),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense(run, name, tmp_path):
    content, want, reason = NONSENSE[name]
    (tmp_path / "quote").write_bytes(content)
    done = run("verify", tmp_path / "quote", *GOOD)
    assert done.returncode == want, done.stdout + done.stderr
    assert reason in (done.stdout if want == 1 else done.stderr)
    assert done.stdout.startswith("REFUSED: ") if want == 1 else done.stdout == ""
    done = run("verify", tmp_path / "quote", *GOOD, "--json")
    assert done.returncode == want
    if want == 1:
        said = json.loads(done.stdout)
        assert said["accepted"] is False and said["layers"]["evidence"] == "failed"
        assert said["platform"] is None and said["collateral"] is None
    done = run("show", tmp_path / "quote")
    assert done.returncode == 2 and done.stdout == "" and str(tmp_path) in done.stderr


MARKS = {"\u2713": "ok", "!": "ok", "\u2717": "failed", "?": "undecided", "-": "absent"}


@pytest.mark.parametrize("row", ROWS, ids=[f"{r[0].split('/')[1]}@{r[2]}" for r in ROWS])
def test_tree_says_what_json_says(run, row):
    args = ["verify", VECTORS / row[0], "--collateral", VECTORS / row[1], "--at", row[2]]
    text, said = run(*args).stdout, json.loads(run(*args, "--json").stdout)
    lines = [line.split(maxsplit=2) for line in text.split("\n\n")[1].splitlines()]
    assert {layer: MARKS[mark] for mark, layer, _ in lines} == said["layers"]
    assert list(said["layers"]) == ["evidence", "collateral", "chain", "signature", "tcb",
                                    "policy", "binding", "log"]
    failed = [layer for layer, state in said["layers"].items() if state == "failed"]
    assert failed == ([] if said["accepted"] else [said["layer"]])
    if not said["accepted"]:
        refusal = [rest for _, layer, rest in lines if layer == said["layer"]][0]
        assert refusal == f"{said['reason']}: {said['detail']}"
        assert text.startswith(f"REFUSED: {VECTORS / row[0]}: {said['reason']}\n")
    assert ("NOT VERIFIED" in text) is not said["verified"]
    # genuine up to there: only then are the layers before it said to hold
    held = {layer for layer, state in said["layers"].items() if state == "ok"}
    assert said["verified"] is (held >= {"collateral", "chain", "signature"})
    assert "\033" not in text


def test_colour_on_a_terminal_only(bindir):
    text = on_terminal([bindir / "postern", "quote", "verify", QUOTE, *GOOD])
    assert "\033[32m\u2713\033[0m evidence" in text


def test_report_data(run, tmp_path):
    said = json.loads(run("show", QUOTE, "--json").stdout)["measurements"]["report_data"]
    good = run("verify", QUOTE, *GOOD, "--report-data", said, "--json")
    assert good.returncode == 0 and json.loads(good.stdout)["layers"]["binding"] == "ok"
    (tmp_path / "data").write_bytes(bytes.fromhex(said))
    assert run("verify", QUOTE, *GOOD, "--report-data", tmp_path / "data").returncode == 0
    assert run("verify", QUOTE, *GOOD, "--report-data", "-",
               data=bytes.fromhex(said)).returncode == 0
    for wrong in (said[:-2], "00", said[:-2] + "ff"):
        done = run("verify", QUOTE, *GOOD, "--report-data", wrong, "--json")
        assert done.returncode == 1
        refused = json.loads(done.stdout)
        assert refused["reason"] == "report-data-mismatch" and refused["layer"] == "binding"
    (tmp_path / "data").write_bytes(bytes(65))
    for unusable in (said + "00", "", tmp_path / "none", tmp_path / "data", tmp_path):
        done = run("verify", QUOTE, *GOOD, "--report-data", unusable)
        assert done.returncode == 2 and "--report-data" in done.stderr


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


def test_no_quote_is_said_before_collateral_is_sought(run, tmp_path):
    (tmp_path / "quote").write_bytes(b"root:x:0:0\n")
    done = run("verify", tmp_path / "quote", "--collateral", tmp_path / "none")
    assert done.returncode == 1
    assert "not a TDX or SGX quote" in done.stdout and done.stderr == ""


def test_absent_collateral_names_folder_and_option(run):
    done = run("verify", QUOTE, "--collateral", "/nonexistent")
    assert done.returncode == 2
    assert "/nonexistent;" in done.stderr and "--collateral DIR" in done.stderr


def test_simulated_is_said(run):
    sample = VECTORS / "intel-sample-sgx"
    done = run("verify", sample / "quote.dat", *GOOD, "--root", sample / "trustedRootCaCert.pem")
    assert done.returncode == 1  # those documents rest on another root
    assert "root-untrusted" in done.stdout


@pytest.mark.parametrize("how", ["none", "folder", "dcap_qvl"])
def test_quote_without_its_chain(run, tmp_path, how):
    """Intel's sample carries a PPID; the PCK chain stands beside it."""
    sample = VECTORS / "intel-sample-sgx"
    for name, of in [("root_ca.crl.der", "rootCaCrl.der"), ("pck.crl.der", "intermediateCaCrl.der"),
                     ("tcb_info.json", "tcbInfo.json"), ("qe_identity.json", "qeIdentity.json"),
                     ("tcb_info_issuer_chain.pem", "tcbSignChain.pem"),
                     ("qe_identity_issuer_chain.pem", "tcbSignChain.pem")]:
        shutil.copy(sample / of, tmp_path / name)
    chain = (sample / "pckCert.pem").read_text() + (sample / "pckSignChain.pem").read_text()
    collateral = tmp_path
    if how == "folder":
        (tmp_path / "pck_chain.pem").write_text(chain)
    if how == "dcap_qvl":
        collateral = tmp_path / "c.json"
        members = {"pck_certificate_chain": chain}
        for name in ("root_ca", "pck"):
            members[f"{name}_crl"] = (tmp_path / f"{name}.crl.der").read_bytes().hex()
        for name in ("tcb_info", "qe_identity"):
            text = (tmp_path / f"{name}.json").read_text()
            members[name] = text[text.index(":") + 1:text.rindex(',"signature"')]
            members[f"{name}_signature"] = json.loads(text)["signature"]
            members[f"{name}_issuer_chain"] = (tmp_path / f"{name}_issuer_chain.pem").read_text()
        collateral.write_text(json.dumps(members))
    done = run("verify", sample / "quote.dat", "--collateral", collateral, "--at",
               "2022-01-01T00:00:00Z", "--root", sample / "trustedRootCaCert.pem")
    assert done.returncode == (1 if how == "none" else 0), done.stdout + done.stderr
    assert ("no PCK chain in quote or collateral" in done.stdout) == (how == "none")


def test_chain_beside_a_quote_that_has_its_own_does_not_count(run, tmp_path):
    shutil.copytree(GOOD[1], tmp_path / "c")
    (tmp_path / "c/pck_chain.pem").write_text("of another platform")
    done = run("verify", QUOTE, "--collateral", tmp_path / "c", *GOOD[2:])
    assert done.returncode == 0, done.stdout + done.stderr


def test_show(run):
    done = run("show", QUOTE, "--json")
    assert done.returncode == 0
    said = json.loads(done.stdout)
    assert said["verified"] is False
    assert said["measurements"]["mr_td"].startswith("91eb2b44")
    assert run("show", __file__).returncode == 2


@pytest.mark.parametrize("args", [["show", QUOTE], ["verify", QUOTE, *GOOD], ["--help"]])
def test_output_that_is_lost_is_no_success(bindir, args):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([bindir / "postern", "quote", *map(str, args)], stdout=full,
                              stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 2
    assert b"postern: standard output: " in done.stderr
