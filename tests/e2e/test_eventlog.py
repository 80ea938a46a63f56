"""`postern eventlog show` reads logs and says whether a quote agrees.

Goal: each form of log is shown; a disagreement exits 1 and names the register;
unusable input exits 2.
"""
import json
import pathlib
import subprocess

import pytest

VECTORS = pathlib.Path(__file__).resolve().parents[2] / "tests/vectors/tdx"
REPORT = VECTORS / "dstack/quote-report.json"
QUOTE = VECTORS / "quotes/tdx_v4_90c0_dstack.bin"
CCEL = VECTORS / "eventlog/ccel_ovmf.bin"


@pytest.fixture
def show(bindir):
    def run(*args):
        return subprocess.run([bindir / "postern", "eventlog", "show", *map(str, args)],
                              capture_output=True, text=True, timeout=60, check=False)
    return run


def test_firmware_log_shown(show):
    done = show(CCEL)
    assert done.returncode == 0, done.stderr
    assert "rtmr0 = EV_EFI_VARIABLE_DRIVER_CONFIG    SecureBoot (0 bytes)" in done.stdout
    assert "rtmr0 8566f998798db094" in done.stdout


def test_object_compared_with_its_own_quote(show):
    done = show(REPORT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("AGREES: ")
    assert "3763bc34552cf3a27ff71ad5f7a90471562a1a2d" in done.stdout


def test_bare_array_compared_with_a_named_quote(show, tmp_path):
    log = tmp_path / "log.json"
    log.write_text(json.loads(REPORT.read_text())["event_log"])
    said = json.loads(show(log, "--quote", QUOTE, "--json").stdout)
    assert said["agrees"] is True and said["form"] == "json"
    assert said["identity"]["app_id"].startswith("3763bc34")
    other = show(log, "--quote", VECTORS / "quotes/tdx_v4_b0c0_uptodate.bin", "--json")
    assert other.returncode == 1
    assert json.loads(other.stdout)["reason"] == "event-log-mismatch"


def test_disagreement_names_the_register(show):
    done = show(CCEL, "--quote", QUOTE)
    assert done.returncode == 1
    assert "another RTMR0" in done.stdout.splitlines()[0]
    assert done.stdout.count("DIFFERS") == 3


@pytest.mark.parametrize("args", [
    [], ["/nowhere"], [QUOTE], [CCEL, "--quote", "/nowhere"], [CCEL, "--quote", CCEL],
    [CCEL, "--quote", VECTORS / "quotes/sgx_v3_00a067.bin"], [CCEL, "--unknown"], [CCEL, CCEL],
])
def test_unusable_input_exits_2(show, args):
    done = show(*args)
    assert done.returncode == 2
    assert done.stderr and not done.stdout
