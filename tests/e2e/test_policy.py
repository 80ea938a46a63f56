"""`postern policy check` and `postern platforms`: what a policy would refuse.

Goal: over real quotes and SEV-SNP reports with their collateral, each is accepted or
refused for every rule that refuses it; a signed list made with OpenSSL's keys
is verified by OpenSSL too, and one out of order refuses everything.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests/vectors/tdx"
SNP = ROOT / "tests/vectors/snp"
TRUSTEE, GOOGLE = "milan_trustee.bin", "milan_google.bin"
EXAMPLES = ROOT / "examples/policy"
TDX = "tdx_v4_b0c0_uptodate.bin"
SGX = "sgx_v3_00a067.bin"
DEBUG = "tdx_v4_5080_debug.bin"
# quote, its collateral, when it was recorded
RECORDED = [(TDX, "tdx_b0c0_202506", "2025-07-01T00:00:00Z"),
            (SGX, "sgx_00a067_202506", "2025-07-01T00:00:00Z"),
            (DEBUG, "tdx_5080_202306", "2023-07-01T01:00:00Z")]
PPID = "811dca2a26b952e85bb6448b097ba4fd"  # of TDX; test_ppid keeps it true


@pytest.fixture
def evidence(tmp_path):
    folder = tmp_path / "evidence"
    folder.mkdir()
    for name, collateral, at in RECORDED:
        shutil.copy(VECTORS / "quotes" / name, folder)
        shutil.copytree(VECTORS / "collateral" / collateral, folder / (name + ".collateral"))
        (folder / (name + ".at")).write_text(at + "\n")
    return folder


@pytest.fixture
def postern(bindir):
    def run(*args):
        return subprocess.run([bindir / "postern", *map(str, args)], capture_output=True,
                              text=True, timeout=60, check=False)
    return run


@pytest.fixture
def check(postern, evidence, tmp_path):
    """Judges by a policy text; exit status and the JSON's files by name."""
    def run(yaml, *args, folder=evidence):
        policy = tmp_path / "policy.yaml"
        policy.write_text(yaml)
        done = postern("policy", "check", policy, folder, "--json", *args)
        if not done.stdout:
            return done.returncode, done.stderr, {}
        said = json.loads(done.stdout)
        assert said["accepted"] + said["refused"] + said["unusable"] == len(said["files"])
        return done.returncode, said, {f["file"]: f for f in said["files"]}
    return run


def reasons(said):
    return [fault["reason"] for fault in said["faults"]]


def test_what_each_rule_refuses(check):
    status, said, files = check("")
    assert status == 1 and said["accepted"] == 1 and said["refused"] == 2
    assert files[TDX]["accepted"] and files[TDX]["faults"] == []
    assert reasons(files[SGX]) == ["tcb-status-not-accepted"]
    assert reasons(files[DEBUG]) == ["policy-debug"]
    assert said["reasons"] == {"tcb-status-not-accepted": 1, "policy-debug": 1}
    status, said, files = check("tcb: {accept: [], issued_after: 2025-06-30T00:00:00Z}\n"
                                "td: {xfam: 00000000000000e7, modules: []}\n"
                                "platforms: {fmspc: [], allow: [], smt: false}\nimages: []\n")
    assert status == 1 and said["accepted"] == 0
    assert reasons(files[TDX]) == [
        "policy-xfam", "policy-tdx-module", "tcb-status-not-accepted", "policy-collateral-age",
        "policy-fmspc", "policy-platform-configuration", "policy-platform",
        "measurement-not-listed"]
    assert files[TDX]["reason"] == "policy-xfam"
    assert "policy-xfam" not in reasons(files[SGX])
    for file in files.values():
        for fault in file["faults"]:
            assert re.search(r"^[A-Za-z._]+: expected .*, found ", fault["detail"]), fault


def test_enclave_by_named_image(check, evidence):
    quote = (evidence / SGX).read_bytes()
    enclave, signer = quote[48 + 64:48 + 96].hex(), quote[48 + 128:48 + 160].hex()
    prod, svn = (int.from_bytes(quote[o:o + 2], "little") for o in (48 + 256, 48 + 258))
    accept = "tcb: {accept: [ConfigurationAndSWHardeningNeeded]}\n"
    image = f"images: [{{name: ours, mr_signer: '{signer}', isv_prod_id: {prod}, "
    _, _, files = check(accept + image + f"min_isv_svn: {svn}}}]\n")
    assert files[SGX]["accepted"] and files[SGX]["image"] == "ours"
    assert "measurement-not-listed" in reasons(files[TDX])
    _, _, files = check(accept + image + f"min_isv_svn: {svn + 1}}}]\n")
    assert files[SGX]["detail"] == (f"images.ours.min_isv_svn: expected at least {svn + 1}, "
                                    f"found {svn}")
    _, _, files = check(accept + f"images: [{{name: ours, mr_enclave: '{enclave}'}}]\n")
    assert files[SGX]["accepted"]


def test_times(check, evidence):
    _, _, files = check("", "--at", "2025-08-01T00:00:00Z")
    assert reasons(files[TDX]) == ["collateral-expired"]
    (evidence / (TDX + ".at")).unlink()
    _, _, files = check("")  # now, which is later than any of these documents
    assert reasons(files[TDX]) == ["collateral-expired"]


def test_collateral_beside_or_named(check, evidence):
    shutil.rmtree(evidence / (TDX + ".collateral"))
    _, _, files = check("", "--collateral", VECTORS / "collateral/tdx_b0c0_202506")
    assert files[TDX]["accepted"]
    _, _, files = check("", "--collateral", "/nonexistent")
    assert reasons(files[TDX]) == ["collateral-missing"]
    assert "/nonexistent" in files[TDX]["detail"]
    (evidence / "collateral").symlink_to(VECTORS / "collateral/tdx_b0c0_202506")
    _, _, files = check("", "--collateral", "/nonexistent")
    assert files[TDX]["accepted"]


def test_event_log_is_evidence_too(check, tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    report = (VECTORS / "dstack/quote-report.json").read_text()
    (folder / "good.json").write_text(report)
    (folder / "changed.json").write_text(report.replace("8ae1e425", "8ae1e426"))
    _, _, files = check("", "--at", "2026-03-01T00:00:00Z",
                        "--collateral", VECTORS / "collateral/tdx_90c0_202602", folder=folder)
    assert files["good.json"]["accepted"]
    assert reasons(files["changed.json"]) == ["event-log-mismatch"]


def test_no_quote_is_refused_and_bad_file_unusable(check, evidence):
    (evidence / "text").write_text("hello")
    status, said, files = check("")
    assert status == 1 and reasons(files["text"]) == ["quote-too-short"]
    (evidence / "text.at").write_text("yesterday")
    (evidence / "bad.json").write_text("{}")
    status, said, files = check("")
    assert status == 2 and said["unusable"] == 2
    assert ".at holds no time" in files["text"]["unusable"]


def test_fifo_is_unusable_and_not_waited_for(check, evidence):
    os.mkfifo(evidence / "a_fifo")
    code, said, files = check("")
    assert code == 2 and said["unusable"] == 1
    (evidence / (TDX + ".at")).unlink()
    os.mkfifo(evidence / (TDX + ".at"))
    assert "its .at holds no time" in check("")[2][TDX]["unusable"]
    assert files["a_fifo"]["unusable"].endswith("a_fifo: not a regular file") and TDX in files


def test_for_people(postern, evidence, tmp_path):
    (tmp_path / "p.yaml").write_text("td: {perfmon: false}\n")
    done = postern("policy", "check", tmp_path / "p.yaml", evidence)
    assert done.returncode == 1
    assert f"ACCEPTED {TDX}: UpToDate\n" in done.stdout
    assert f"REFUSED {DEBUG}" in done.stdout
    assert "3 quotes and reports: 1 accepted, 2 refused" in done.stdout
    assert "       1  policy-debug\n" in done.stdout
    for name in (SGX, DEBUG):
        (evidence / name).unlink()
    assert postern("policy", "check", tmp_path / "p.yaml", evidence).returncode == 0


def test_example_is_a_policy(postern, evidence, tmp_path):
    for policy in EXAMPLES.glob("*policy*.yaml"):
        done = postern("policy", "check", policy, evidence, "--json")
        files = {f["file"]: f for f in json.loads(done.stdout)["files"]}
        assert files[TDX]["accepted"], files[TDX]["faults"]


def test_collateral_of_a_bundle(postern, check, evidence, tmp_path):
    """What has none beside it is judged by the set of its family in the file."""
    for name, collateral, _ in RECORDED:
        shutil.rmtree(evidence / (name + ".collateral"))
        family = collateral.split("_")[1].ljust(12, "0")
        shutil.copytree(VECTORS / "collateral" / collateral, tmp_path / "dir" / family)
    made = postern("collateral", "export", tmp_path / "bundle.json", "--dir", tmp_path / "dir")
    assert made.returncode == 0 and "3 sets" in made.stdout, made.stderr
    assert reasons(check("")[2][TDX]) == ["collateral-missing"]
    status, said, files = check("", "--collateral", tmp_path / "bundle.json")
    assert status == 1 and files[TDX]["accepted"], files[TDX]
    assert reasons(files[SGX]) == ["tcb-status-not-accepted"]
    assert reasons(files[DEBUG]) == ["policy-debug"]


def test_quote_without_its_chain(check, evidence, tmp_path):
    """Intel's sample carries a PPID; its PCK chain was recorded beside it."""
    sample = VECTORS / "intel-sample-sgx"
    beside = evidence / "sample.collateral"
    beside.mkdir()
    for name, of in [("root_ca.crl.der", "rootCaCrl.der"), ("pck.crl.der", "intermediateCaCrl.der"),
                     ("tcb_info.json", "tcbInfo.json"), ("qe_identity.json", "qeIdentity.json"),
                     ("tcb_info_issuer_chain.pem", "tcbSignChain.pem"),
                     ("qe_identity_issuer_chain.pem", "tcbSignChain.pem")]:
        shutil.copy(sample / of, beside / name)
    shutil.copy(sample / "quote.dat", evidence / "sample")
    (evidence / "sample.at").write_text("2022-01-01T00:00:00Z\n")
    root = ["--root", sample / "trustedRootCaCert.pem"]
    policy = "simulated: true\n"
    assert reasons(check(policy, *root)[2]["sample"]) == ["quote-certification-type"]
    chain = (sample / "pckCert.pem").read_text() + (sample / "pckSignChain.pem").read_text()
    (beside / "pck_chain.pem").write_text(chain)
    said = check(policy, *root)[2]["sample"]
    assert said["accepted"] and said["simulated"], said


@pytest.mark.parametrize("args", [
    [], ["judge"], ["check"], ["check", "a"], ["check", "/nonexistent", ROOT],
    ["check", EXAMPLES / "policy.yaml", "/nonexistent"],
    ["check", EXAMPLES / "policy.yaml", EXAMPLES, "--at", "now"],
    ["check", EXAMPLES / "policy.yaml", EXAMPLES, "--root", "/nonexistent"]])
def test_unusable(postern, args):
    done = postern("policy", *args)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("postern policy")


# ---- SEV-SNP reports ----

@pytest.fixture
def reports(evidence):
    """AMD's real reports beside the quotes, each with its chip's documents."""
    for name in ("milan_trustee", "milan_google"):
        shutil.copy(SNP / f"reports/{name}.bin", evidence)
        shutil.copytree(SNP / f"collateral/{name}", evidence / f"{name}.bin.collateral")
        (evidence / f"{name}.bin.at").write_text("2024-07-01T00:00:00Z\n")
    return evidence


def test_reports_beside_quotes(check, reports):
    status, said, files = check("snp: {require_crl: false}\n")
    assert status == 1 and said["accepted"] == 2 and said["refused"] == 3
    assert files[TDX]["accepted"] and files[TRUSTEE]["accepted"]
    assert files[TRUSTEE]["anchor"] == "AMD ARK-Milan" and files[TRUSTEE]["faults"] == []
    assert files[TRUSTEE]["platform"]["product"] == "Milan-B0"
    assert reasons(files[GOOGLE]) == ["policy-debug"] and files[GOOGLE]["verified"]
    assert said["reasons"]["policy-debug"] == 2
    # all the rules that refuse, not only the first
    _, _, files = check("snp: {require_crl: false, smt: false, single_socket: true, allow: []}\n"
                        "images: []\n")
    assert reasons(files[TRUSTEE]) == ["policy-snp-guest", "policy-platform",
                                       "measurement-not-listed"]
    assert reasons(files[GOOGLE])[0] == "policy-debug"
    assert reasons(files[TDX]) == ["measurement-not-listed"]


def test_reports_documents_missing(check, reports):
    _, _, files = check("")
    assert reasons(files[TRUSTEE]) == ["collateral-missing"]
    assert files[TRUSTEE]["detail"] == "CRL: missing"
    (reports / f"{TRUSTEE}.collateral/vcek.der").unlink()
    shutil.rmtree(reports / f"{GOOGLE}.collateral")
    _, _, files = check("snp: {require_crl: false}\n", "--collateral",
                        SNP / "collateral/milan_google")
    assert reasons(files[TRUSTEE]) == ["collateral-missing"]
    assert f"{TRUSTEE}.collateral/vcek.der" in files[TRUSTEE]["detail"]
    assert reasons(files[GOOGLE]) == ["policy-debug"]


def test_report_with_a_log_or_cut(check, reports):
    raw = (reports / TRUSTEE).read_bytes()
    shutil.copytree(SNP / "collateral/milan_trustee", reports / "collateral")
    (reports / "log.json").write_text(json.dumps({"quote": raw.hex(), "event_log": "[]"}))
    (reports / "cut").write_bytes(raw[:1000])
    _, _, files = check("snp: {require_crl: false}\n", "--at", "2024-07-01T00:00:00Z")
    assert reasons(files["log.json"]) == ["event-log-malformed"]
    assert "a SEV-SNP report has no registers" in files["log.json"]["detail"]
    assert reasons(files["cut"]) == ["snp-report-size"]


def test_reports_for_people(postern, reports, tmp_path):
    (tmp_path / "p.yaml").write_text("snp: {require_crl: false}\n")
    said = postern("policy", "check", tmp_path / "p.yaml", reports).stdout
    assert f"ACCEPTED {TRUSTEE}\n" in said and f"REFUSED {GOOGLE}\n" in said


def test_amds_root_is_no_simulation(postern, reports, tmp_path):
    chain = (SNP / "collateral/milan_trustee/cert_chain.pem").read_text()
    root = tmp_path / "root.pem"
    root.write_text("-----BEGIN" + chain.split("-----BEGIN")[2])
    (tmp_path / "p.yaml").write_text("")
    done = postern("policy", "check", tmp_path / "p.yaml", reports, "--root", root)
    assert done.returncode == 2 and "a root of AMD's is no simulation" in done.stderr


# ---- signed lists ----

@pytest.fixture
def keys(tmp_path):
    def make(name):
        private, public = tmp_path / f"{name}.pem", tmp_path / f"{name}.pub"
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-out", private], check=True,
                       capture_output=True)
        subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public],
                       check=True)
        return private, public
    return make


@pytest.fixture
def sign(postern, keys, tmp_path):
    """Signs a list into list.json; returns the policy's section on it."""
    private, public = keys("signer")

    def make(ppid=PPID, use="allow", serial=3, expires="2026-01-01T00:00:00Z", more="",
             wants="allow", key=private, name="example"):
        text = tmp_path / "list.yaml"
        text.write_text(f"name: {name}\nuse: {use}\nserial: {serial}\n"
                        f"issued: 2023-01-01T00:00:00Z\nexpires: {expires}\n"
                        f"platforms:\n  - ppid: {ppid}\n    level: 2\n"
                        "    operator: Example GmbH\n")
        done = postern("platforms", "sign", text, "--key", key, "--output", tmp_path / "list.json")
        assert done.returncode == 0, done.stderr
        pem = public.read_text().replace("\n", "\n        ")
        return (f"platforms:\n  lists:\n    - name: example\n      use: {wants}\n"
                f"      file: list.json\n{more}      key: |\n        {pem}\n")
    return make


def test_ppid(check):
    assert check("")[2][TDX]["platform"]["ppid"] == PPID


def test_signed_list_allows_and_denies(check, sign):
    assert check(sign())[2][TDX]["accepted"]
    assert reasons(check(sign(ppid="00" * 16))[2][TDX]) == ["policy-platform"]
    files = check(sign(use="deny", wants="deny"))[2]
    assert reasons(files[TDX]) == ["policy-platform"]
    assert "platforms.lists[0] (example): expected a ppid not listed" in files[TDX]["detail"]
    assert check(sign(more="      min_level: 2\n"))[2][TDX]["accepted"]
    assert not check(sign(more="      min_level: 3\n"))[2][TDX]["accepted"]
    assert check(sign(more="      operator: Example GmbH\n"))[2][TDX]["accepted"]
    assert not check(sign(more="      operator: Other\n"))[2][TDX]["accepted"]


def test_list_out_of_order_refuses(check, sign, keys, tmp_path):
    def reason(policy):
        return check(policy)[2][TDX]["reason"]

    assert reason(sign(expires="2025-06-30T23:59:59Z")) == "platform-list-expired"
    assert reason(sign(more="      min_serial: 4\n")) == "platform-list-older"
    assert reason(sign(use="deny")) == "platform-list-mismatch"
    assert reason(sign(name="another")) == "platform-list-mismatch"
    assert reason(sign(key=keys("other")[0])) == "platform-list-signature-invalid"
    policy = sign()
    served = tmp_path / "list.json"
    served.write_text(served.read_text().replace('"serial":3', '"serial":4'))
    assert reason(policy) == "platform-list-signature-invalid"
    served.write_text("{}")
    assert reason(policy) == "platform-list-malformed"
    served.unlink()
    assert reason(policy) == "platform-list-missing"


def test_quote_verify_takes_the_list_too(postern, sign, evidence, tmp_path):
    policy = tmp_path / "policy.yaml"
    policy.write_text(sign(ppid="00" * 16))
    done = postern("quote", "verify", evidence / TDX, "--policy", policy, "--collateral",
                   evidence / (TDX + ".collateral"), "--at", "2025-07-01T00:00:00Z")
    assert done.returncode == 1 and "policy-platform" in done.stdout


def test_openssl_verifies_what_we_sign(sign, tmp_path):
    """The steps of docs/PLATFORMS.md."""
    sign()
    shown = (ROOT / "docs/PLATFORMS.md").read_text()
    script = re.search(r"```sh\n(sed -n.*?)```", shown, re.S).group(1)
    subprocess.run(["cp", "signer.pub", "public.pem"], cwd=tmp_path, check=True)
    done = subprocess.run(["sh", "-ec", script], cwd=tmp_path, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0 and "Verified OK" in done.stdout, done.stderr
    served = tmp_path / "list.json"
    served.write_text(served.read_text().replace('"level":2', '"level":3'))
    done = subprocess.run(["sh", "-ec", script], cwd=tmp_path, capture_output=True, text=True,
                          check=False)
    assert done.returncode != 0 and "Verified OK" not in done.stdout


def test_example_list_can_be_signed(postern, keys, tmp_path):
    private, public = keys("signer")
    done = postern("platforms", "sign", EXAMPLES / "example.platforms.yaml", "--key", private)
    assert done.returncode == 0
    (tmp_path / "list.json").write_text(done.stdout)
    done = postern("platforms", "show", tmp_path / "list.json", "--key", public,
                   "--at", "2026-04-01T00:00:00Z")
    assert done.returncode == 0 and "platforms 2\n" in done.stdout


def test_show(postern, sign, keys, tmp_path):
    sign()
    args = ["platforms", "show", tmp_path / "list.json", "--key"]
    done = postern(*args, tmp_path / "signer.pub", "--at", "2025-07-01T00:00:00Z")
    assert done.returncode == 0
    assert "serial    3\n" in done.stdout
    assert f"  {PPID} level 2 operator Example GmbH\n" in done.stdout
    done = postern(*args, tmp_path / "signer.pub", "--at", "2026-01-01T00:00:01Z")
    assert done.returncode == 1 and "platform-list-expired" in done.stdout
    done = postern(*args, keys("other")[1], "--at", "2025-07-01T00:00:00Z")
    assert done.returncode == 1 and "platform-list-signature-invalid" in done.stdout


def test_sign_and_show_unusable(postern, sign, tmp_path):
    sign()
    good, key = tmp_path / "list.yaml", tmp_path / "signer.pem"
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: a\nuse: both\n")
    done = postern("platforms", "sign", bad, "--key", key)
    assert done.returncode == 2 and "bad.yaml:2: use: expected one of" in done.stderr
    for args in ([], ["sign"], ["sign", good], ["sign", good, "--key", good],
                 ["sign", good, "--key", tmp_path / "signer.pub"],
                 ["sign", good, "--key", key, "--at", "2025-07-01T00:00:00Z"],
                 ["show", good], ["show", good, "--key", key],
                 ["show", "/nonexistent", "--key", tmp_path / "signer.pub"]):
        done = postern("platforms", *args)
        assert done.returncode == 2 and done.stdout == ""
        assert done.stderr.startswith("postern platforms")
    many = tmp_path / "many.yaml"
    many.write_text(good.read_text() + "".join(
        f"  - ppid: {n:032x}\n    operator: {'x' * 60}\n" for n in range(3000)))
    done = postern("platforms", "sign", many, "--key", key)
    assert done.returncode == 2 and "at most 256 KiB" in done.stderr
