"""What every command of `postern` says when it cannot do what was asked.

Goal: 0 holds or done, 1 the answer is no or it failed, 2 not decided, for every
command alike; and a command that was given --json prints one JSON object whatever
happens, with a stable reason, the text that stands on standard error, and the file.
"""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests/vectors/tdx"
QUOTE = VECTORS / "quotes/tdx_v4_b0c0_uptodate.bin"
SGX = VECTORS / "quotes/sgx_v3_00a067.bin"
SET = VECTORS / "collateral/tdx_b0c0_202506"
CCEL = VECTORS / "eventlog/ccel_ovmf.bin"
OVMF = pathlib.Path("/usr/share/ovmf/OVMF.fd")
ACPI = ["--acpi-loader", "00" * 48, "--acpi-rsdp", "11" * 48, "--acpi-tables", "22" * 48]
AT = ["--at", "2025-07-01T00:00:00Z"]


@pytest.fixture
def postern(bindir, tmp_path):
    (tmp_path / "text").write_text("this is none of it\n")
    (tmp_path / "object").write_text("{}\n")
    (tmp_path / "empty.json").write_text('{"format": "postern-collateral/1", "sets": []}')
    (tmp_path / "folder").mkdir()
    (tmp_path / "policy.yaml").write_text("tcb: {accept: [UpToDate]}\n")
    (tmp_path / "bad.yaml").write_text("tcb: 1\n")
    shutil.copytree(SET, tmp_path / "set/B0C06F000000")

    def run(*args):
        return subprocess.run([bindir / "postern", *map(str, args)], capture_output=True,
                              text=True, timeout=60, check=False, cwd=tmp_path)
    return run


def error_of(done):
    said = json.loads(done.stdout)
    assert list(said) == ["error"] and list(said["error"]) == ["reason", "text", "file"]
    assert said["error"]["text"] in done.stderr
    return said["error"]


# arguments; reason, file, words of the text
JSON_ERRORS = [
    (["quote"], "usage", None, "expected verify"),
    (["acme", "renwe"], "usage", None, "renew"),
    (["acme", "revoke"], "usage", None, "--yes"),
    (["acme", "status", "--socket", "absent"], "no-answer", "absent", "No such file"),
    (["secret"], "usage", None, "expected key, encrypt, show or keygen"),
    (["secret", "encrypt"], "usage", None, "--app, --key and --policy"),
    (["secret", "encrypt", "--app", "1", "--key", "x", "--policy", "x"], "usage", None, "40 hex"),
    (["secret", "encrypt", "--app", 20 * "00", "--key", "absent", "--policy", "x"], "input-unreadable",
     "absent", "No such file"),
    (["secret", "encrypt", "--app", 20 * "00", "--key", "object", "--policy", "x"], "input-malformed",
     "object", "not a key with its proof"),
    (["secret", "encrypt", "--app", 20 * "00", "--key", "x", "--policy", "x", "--compose-hash", 20 * "00"],
     "usage", None, "64 hex"),
    (["secret", "encrypt", "--serial", "0"], "usage", None, "--serial"),
    (["secret", "show", "object"], "input-malformed", "object", "not an envelope"),
    (["secret", "show"], "usage", None, "expected one argument"),
    (["secret", "key", "absent"], "no-answer", "absent", "No such file"),
    (["quote", "verify"], "usage", None, "expected one file"),
    (["quote", "verify", QUOTE, "--at", "noon"], "usage", None, "--at"),
    (["quote", "verify", QUOTE, "--update", "never"], "usage", None, "--update"),
    (["quote", "verify", QUOTE, "--nonsense"], "usage", None, "wrong arguments"),
    (["quote", "verify", QUOTE, "--report-data", "absent"], "usage", None, "--report-data absent"),
    (["quote", "verify", "absent"], "input-unreadable", "absent", "No such file"),
    (["quote", "verify", "folder"], "input-unreadable", "folder", "Is a directory"),
    (["quote", "verify", "object"], "input-malformed", "object", "expected a JSON object"),
    (["quote", "verify", QUOTE, "--policy", "bad.yaml"], "policy-unusable", "bad.yaml",
     "bad.yaml:1"),
    (["quote", "verify", QUOTE, "--policy", "absent"], "policy-unusable", "absent", "No such file"),
    (["quote", "verify", QUOTE, "--root", "text"], "root-unusable", "text", "neither a root"),
    (["quote", "verify", QUOTE, "--collateral", "folder"], "collateral-unavailable", "folder",
     "root_ca.crl.der"),
    (["quote", "verify", QUOTE, "--collateral", "object"], "collateral-unavailable", "object",
     "object"),
    (["quote", "verify", QUOTE, "--collateral", "ftp://host"], "collateral-unavailable",
     "ftp://host", "with https or http"),
    (["quote", "verify", QUOTE, "--collateral", "empty.json"], "collateral-unavailable",
     "empty.json", "none of its 0 sets"),
    (["quote", "show", "text"], "input-malformed", "text", "not a TDX or SGX quote"),
    (["quote", "show", QUOTE, "--at", "x"], "usage", None, "show takes"),
    (["policy", "check", "policy.yaml"], "usage", None, "a policy and a folder"),
    (["policy"], "usage", None, "expected check"),
    (["policy", "check", "bad.yaml", "folder"], "policy-unusable", "bad.yaml", "bad.yaml:1"),
    (["policy", "check", "policy.yaml", "folder"], "nothing-there", "folder", "no quotes"),
    (["policy", "check", "policy.yaml", "absent"], "input-unreadable", "absent", "No such file"),
    (["policy", "check", "policy.yaml", "folder", "--root", "text"], "root-unusable", "text",
     "neither a root"),
    (["policy", "check", "policy.yaml", "folder", "--collateral", "gopher://x"],
     "collateral-unavailable", "gopher://x", "with https or http"),
    (["policy", "check", "policy.yaml", "folder", "--collateral", "object"],
     "collateral-unavailable", "object", "root_ca_crl: missing"),
    (["platforms"], "usage", None, "expected sign or show"),
    (["platforms", "show", "text"], "usage", None, "expected --key"),
    (["platforms", "show", "absent", "--key", "text"], "input-unreadable", "absent",
     "No such file"),
    (["platforms", "show", "text", "--key", "text"], "input-malformed", "text", "public key"),
    (["platforms", "sign", "text", "--key", "text"], "usage", None, "sign prints the list"),
    (["kms"], "usage", None, "expected status"),
    (["kms", "policy", "burn", "text"], "usage", None, "expected status"),
    (["kms", "status", "--socket", "absent"], "no-answer", "absent", "No such file"),
    (["kms", "policy", "sign", "text"], "usage", None, "expected --key"),
    (["kms", "policy", "sign", "text", "--key", "text"], "input-malformed", "text", "private key"),
    (["kms", "policy", "show", "object", "--manifest", "object"], "input-malformed", "object",
     "quorum and admins"),
    (["kms", "audit", "absent"], "input-unreadable", "absent", "No such file"),
    (["kms", "audit", "text", "--key", "zz"], "usage", None, "128 hex digits"),
    (["collateral"], "usage", None, "expected fetch"),
    (["collateral", "show", "absent"], "input-unreadable", "absent", "No such file"),
    (["collateral", "show", "object"], "input-malformed", "object", "root_ca_crl: missing"),
    (["collateral", "show", "folder", "--root", "absent"], "root-unusable", "absent",
     "No such file"),
    (["collateral", "numbers", "ftp://host"], "usage", None, "expected one URL"),
    (["collateral", "import", "object"], "usage", None, "not an option of import"),
    (["eventlog", "show"], "usage", None, "one file"),
    (["disk", "show"], "usage", None, "one file"),
    (["disk", "open", "text"], "usage", None, "expected show"),
    (["disk", "show", "absent"], "input-unreadable", "absent", "No such file"),
    (["disk", "show", "text"], "input-malformed", "text", "too short"),
    (["eventlog", "show", "absent"], "input-unreadable", "absent", "No such file"),
    (["eventlog", "show", "text"], "input-malformed", "text", "not an event log"),
    (["eventlog", "show", "object"], "input-malformed", "object", "expected a JSON object"),
    (["eventlog", "show", CCEL, "--quote", "absent"], "input-unreadable", "absent", "No such"),
    (["eventlog", "show", CCEL, "--quote", SGX], "input-unfit", str(SGX), "no such registers"),
    (["eventlog", "show", CCEL, "--nonsense"], "usage", None, "wrong arguments"),
    (["measure"], "usage", None, "expected --firmware"),
    (["measure", "--firmware", "absent"], "input-unreadable", "absent", "No such file"),
    (["measure", "--firmware", "text"], "input-malformed", "text", "not a whole TDX firmware"),
    (["measure", "--kernel", "text", "--initrd", "text", "--cmdline", "x", "--memory", "2048"],
     "input-malformed", "text", "not a bzImage"),
    (["measure", "--events", "object"], "input-malformed", "object", "not a JSON array"),
    (["measure", "--memory", "x"], "usage", None, "--memory"),
    (["status", "--name", "a b"], "usage", None, "what is"),
    (["lease"], "usage", None, "say list"),
]


@pytest.mark.parametrize("args, reason, file, words", JSON_ERRORS,
                         ids=[" ".join(pathlib.Path(str(a)).name for a in row[0])
                              for row in JSON_ERRORS])
def test_status_2_is_an_object(postern, args, reason, file, words):
    done = postern(*args, "--json")
    assert done.returncode == 2
    error = error_of(done)
    assert (error["reason"], error["file"]) == (reason, file)
    assert words in error["text"]
    # The same without --json, and nothing where results go.
    plain = postern(*args)
    if reason != "usage":
        assert (plain.returncode, plain.stdout, plain.stderr) == (2, "", done.stderr)


def test_what_fails_is_an_object_too(postern):
    done = postern("lease", "list", "--json", "--admin", "/nonexistent.sock")
    assert done.returncode == 1 and error_of(done)["reason"] == "no-answer"
    done = postern("status", "--json", "--name", "none-such")
    assert done.returncode == 1 and error_of(done)["reason"] == "no-answer"
    done = postern("collateral", "numbers", "http://127.0.0.1:9", "--json", "--timeout", "5")
    assert done.returncode == 1 and error_of(done)["reason"] == "server-unreachable"
    done = postern("measure", "--firmware", OVMF, "--memory", "1", *ACPI, "--json")
    assert done.returncode == 1 and error_of(done)["reason"] == "input-unfit"


def test_a_json_argument_is_no_option(postern):
    done = postern("quote", "verify", QUOTE, "--policy", "--json")
    assert done.returncode == 2 and done.stdout == ""
    done = postern("quote", "verify", "--", "--json")
    assert done.returncode == 2 and done.stdout == ""


def test_import_of_nothing(postern, tmp_path):
    done = postern("collateral", "import", "empty.json", "--dir", "kept")
    assert done.returncode == 2 and "no set of documents in it" in done.stderr
    assert not (tmp_path / "kept").exists()


def test_where_nothing_can_be_written(postern, tmp_path):
    """A file stands where a folder should be, which stops root, too."""
    done = postern("collateral", "export", "text/bundle.json", "--dir", "set")
    assert done.returncode == 2 and "text/bundle.json: Not a directory" in done.stderr
    done = postern("collateral", "export", "bundle.json", "--dir", "set")
    assert done.returncode == 0
    done = postern("collateral", "import", "bundle.json", "--dir", "text/x", *AT)
    assert done.returncode == 2 and "store-failed" in done.stderr
    done = postern("collateral", "import", "bundle.json", "--dir", "kept", *AT)
    assert done.returncode == 0 and os.listdir(tmp_path / "kept")
    done = postern("collateral", "import", "bundle.json", "--dir", "other", "--at",
                   "2020-01-01T00:00:00Z")
    assert done.returncode == 1 and "collateral-refused" in done.stderr


def test_every_help_says_the_statuses(postern):
    for command in ["quote", "policy", "platforms", "collateral", "eventlog", "measure",
                    "status", "lease"]:
        text = postern("help", command).stdout
        for status in "012":
            assert f"{status} " in text[text.index("Exit status:"):], command
