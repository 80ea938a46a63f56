"""`postern quote get`: a fresh quote, from the source there is.

Goal: on a machine without TDX a clear error that says what was looked for;
with a simulated platform named, a quote that carries what was asked for and
that `verify` accepts under that platform's root only.
"""
import json
import os
import subprocess

import pytest
from conftest import on_terminal, wait_for

DATA = "00112233445566778899aabbccddeeff"


@pytest.fixture
def quote(bindir):
    def ask(*args):
        return subprocess.run([bindir / "postern", "quote", *map(str, args)], capture_output=True,
                              timeout=60, check=False)
    return ask


@pytest.fixture
def platform(workdir, bindir, children):
    config = workdir / "teesim.yaml"
    config.write_text(f"state: {workdir}/state\ncollateral: {workdir}/collateral\n"
                      f"root: {workdir}/root.pem\n"
                      f"tds:\n  - {{ name: td, socket: {workdir}/td.sock, image: base }}\n")
    child = children.start(bindir / "postern-teesim", "--config", config)
    wait_for(lambda: "event=ready" in child.log.read_text() or child.poll() is not None,
             what="postern-teesim")
    assert child.poll() is None, child.log.read_text()
    return workdir


def test_no_tdx_is_said(quote):
    if os.path.exists("/dev/tdx_guest"):
        assert quote("get").returncode == 0  # a real one: then it must work
        return
    done = quote("get")
    assert done.returncode == 1 and done.stdout == b""
    said = done.stderr.decode()
    assert said.startswith("postern quote: no source of quotes: ")
    assert "/sys/kernel/config/tsm/report" in said and "/dev/tdx_guest" in said


def test_simulated_quote_verified(quote, platform):
    trust = ["--collateral", platform / "collateral", "--root", platform / "root.pem"]
    done = quote("get", "--simulator", platform / "td.sock", "--report-data", DATA,
                 "--output", platform / "quote")
    assert done.returncode == 0 and done.stdout == b"" and b"SIMULATED" in done.stderr
    done = quote("verify", platform / "quote", *trust, "--report-data", DATA, "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 0 and said["accepted"] and said["simulated"]
    assert said["measurements"]["report_data"] == DATA + "00" * 48
    text = quote("verify", platform / "quote", *trust).stdout.decode()
    assert text.startswith("ACCEPTED (SIMULATED): ") and "under a SIMULATED root" in text
    assert quote("verify", platform / "quote", *trust[:2]).returncode == 1  # Intel's root
    done = quote("verify", platform / "quote", *trust, "--report-data", DATA[:-2])
    assert done.returncode == 1 and b"report-data-mismatch" in done.stdout


def test_output_forms(quote, platform, bindir):
    get = ["get", "--simulator", platform / "td.sock"]
    raw = quote(*get).stdout
    assert raw[:2] == b"\x04\x00"
    text = quote(*get, "--hex").stdout
    assert text.endswith(b"\n") and bytes.fromhex(text.decode())[:2] == raw[:2]
    assert on_terminal([bindir / "postern", "quote", *get])[:16].isalnum()  # no raw bytes


@pytest.mark.parametrize("args,want,says", [
    (["--report-data", "xyz"], 2, "--report-data xyz"),
    (["--report-data", "00" * 65], 2, "--report-data"),
    (["--report-data", ""], 2, "--report-data"),
    (["--wrong"], 2, "wrong arguments"),
    (["file"], 2, "get takes no file"),
    (["--simulator", "/nonexistent"], 1, "the platform does not answer"),
    (["--simulator", "/nonexistent", "--output", "/nonexistent/x"], 1, "does not answer"),
])
def test_wrong(quote, args, want, says):
    done = quote("get", *args)
    assert done.returncode == want and done.stdout == b"" and says in done.stderr.decode()


def test_output_that_cannot_be_written(quote, platform):
    done = quote("get", "--simulator", platform / "td.sock", "--output", "/nonexistent/x")
    assert done.returncode == 2 and b"/nonexistent/x: No such file" in done.stderr
