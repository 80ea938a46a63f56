"""Registrar and agent keep their collateral fresh from a server by themselves.

Goal: a gateway and a CVM whose folders are empty fetch what they need, confined
as they are and through the CVM's firewall, and then attest each other; they
ask again when a server said so and not before; what goes wrong leaves the
tunnel alone while the stored set is valid; a new set is noticed.

The stand-in serves the simulated platform's documents from the Ethernet
between the machines.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time

import pytest

from conftest import ROOT, wait_for
from control_bench import Bench

PCCS_PORT = 8081
# pccs.py in a process of its own, since it listens in another namespace; it
# serves the folder argv[2], read anew for each request, except that a file
# 'status' beside it holds "STATUS RETRY_AFTER" for all answers.
SERVER = """
import pathlib, sys, time
sys.path.insert(0, sys.argv[1])
from pccs import Answer, Pccs
folder = pathlib.Path(sys.argv[2])
server = Pccs(folder, address="198.51.100.66", port=int(sys.argv[3]))
usual = server.answer
def answer(target):
    with open(folder / "asked", "a") as f:
        f.write(f"{time.time():.3f} {target}\\n")
    if (folder / "status").exists():
        status, retry = (folder / "status").read_text().split()
        return Answer(int(status), {"Retry-After": retry})
    server.serve(folder / "set", "tdx")
    return usual(target)
server.answer = answer
(folder / "ready").touch()
server.server.serve_forever()
"""


class FetchingBench(Bench):
    """Both machines have folders of their own and a source."""

    fmspc = None

    def trust(self, policy, td):
        return textwrap.dedent(f"""\
            trust:
              policy: {policy}
              collateral: {self.dir}/{td}-collateral
              simulated_root: {self.dir}/sim/root.pem
              source:
                url: https://198.51.100.66:{PCCS_PORT}
                ca: {self.dir}/pccs/ca.pem
                platforms: [ {self.fmspc} ]
            quotes:
              simulator: {self.dir}/{td}.tee
            """)

    def start_server(self):
        self.pccs = self.dir / "pccs"
        self.pccs.mkdir()
        shutil.copytree(self.dir / "sim/collateral", self.pccs / "set")
        child = self.children.start(*self.middle.argv(
            sys.executable, "-c", SERVER, ROOT / "tests/e2e", self.pccs, PCCS_PORT))
        wait_for(lambda: (self.pccs / "ready").exists() or child.poll() is not None,
                 what="the server")
        assert child.poll() is None, child.log.read_text()

    def asked(self):
        path = self.pccs / "asked"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []

    def folder(self, td):
        return self.dir / f"{td}-collateral" / self.fmspc


@pytest.fixture(scope="module")
def bench(bindir):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pt-", dir="/tmp"))
    b = FetchingBench(bindir, folder)
    try:
        hello = b.manifest("hello", [80])
        b.manifest("gateway")
        b.add_td("gw", "gateway", folder / "gateway.json")
        b.add_td("cvm", "base", hello)
        b.start_platform()
        info = json.loads((folder / "sim/collateral/tcb_info.json").read_text())["tcbInfo"]
        b.fmspc = info["fmspc"].lower()
        b.start_server()
        gw = b.gateway()
        gw.start_wg()
        gw.start_daemon()
        cvm = b.cvm("cvm", "198.51.100.11", hello)
        cvm.start_wg()
        cvm.start("/usr/bin/python3", "-c", WEB, log="web.log")
        cvm.start_daemon()
        yield b
    finally:
        b.close()
        shutil.rmtree(folder, ignore_errors=True)


WEB = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("0.0.0.0", 80), Handler).serve_forever()
"""


def restart(machine):
    machine.daemon.terminate()
    assert machine.daemon.wait(10) == 0
    machine.start_daemon()


def said(machine, event, since=0):
    return [line for line in machine.log()[since:].splitlines() if f" event={event}" in line]


def test_empty_folders_are_filled_and_a_tunnel_comes_up(bench):
    bench.wait_tunnel("cvm", 30)
    for name in ("gw", "cvm"):
        machine = bench.machines[name]
        assert (bench.folder(name) / "tcb_info.json").read_bytes() == (
            bench.pccs / "set/tcb_info.json").read_bytes()
        line = said(machine, "collateral_refreshed")[0]
        assert f"fmspc={bench.fmspc}" in line and "anchor=simulated" in line
        assert "evaluation=18" in line
        assert (bench.dir / f"{name}-collateral/.update").read_text() == "tdx-default"
    # each asked for its four documents, once
    assert len(bench.asked()) == 8


def test_the_cvm_is_closed_but_for_the_source(bench):
    cvm = bench.machines["cvm"]
    ok = ["curl", "-skf", "--max-time", "20", f"https://198.51.100.66:{PCCS_PORT}"
          "/sgx/certification/v4/rootcacrl", "-o", "/dev/null"]
    assert cvm.run(*ok, check=False).returncode == 0
    other = bench.children.start(*bench.middle.argv(
        sys.executable, "-m", "http.server", "8082", "--bind", "198.51.100.66"))
    wait_for(lambda: bench.middle.run("curl", "-sf", "http://198.51.100.66:8082/", "-o",
                                      "/dev/null", check=False).returncode == 0, what="8082")
    assert cvm.run("curl", "-sf", "--max-time", "1", "http://198.51.100.66:8082/",
                   check=False).returncode == 28  # nothing came back
    bench.children.stop(other)


def test_a_restart_asks_nobody_while_the_set_is_fresh(bench):
    before = len(bench.asked())
    restart(bench.machines["gw"])
    wait_for(lambda: said(bench.machines["gw"], "ready")[1:], what="its return")
    bench.wait_tunnel("cvm", 30)
    time.sleep(1)
    assert len(bench.asked()) == before


def test_another_choice_of_tcb_state_asks_at_once(bench):
    gw = bench.machines["gw"]
    config = gw.dir / "config.yaml"
    text = config.read_text()
    before = len(bench.asked())
    config.write_text(text.replace("ca: ", "update: early\n    ca: "))
    restart(gw)
    asked = wait_for(lambda: bench.asked()[before:], what="a request")
    assert asked[0][1].endswith("&update=early")  # which this server has not
    wait_for(lambda: "reason=not-found" in gw.log(), what="the refusal")
    bench.wait_tunnel("cvm", 30)  # the stored set is as good as it was
    config.write_text(text)
    restart(gw)
    bench.wait_tunnel("cvm", 30)


def make_due(bench, name):
    """As if a third of what was left had passed."""
    file = bench.folder(name) / "tcb_info.json"
    os.utime(file, (time.time() - 29 * 86400,) * 2)


def test_a_server_in_trouble_changes_nothing_and_is_not_pressed(bench):
    gw = bench.machines["gw"]
    (bench.pccs / "status").write_text("429 300")
    make_due(bench, "gw")
    since, before = len(gw.log()), len(bench.asked())
    restart(gw)
    line = wait_for(lambda: said(gw, "collateral_not_refreshed", since), what="the refusal")[0]
    assert " warn " in line and "reason=server-busy" in line and "stored=valid" in line
    assert 300 <= int(re.search(r"next_in_s=(\d+)", line)[1]) < 310
    bench.wait_tunnel("cvm", 30)
    time.sleep(2)
    assert len(bench.asked()) == before + 1
    (bench.pccs / "status").unlink()


def test_a_new_set_is_noticed_and_judged_by(bench):
    """The next set revokes nothing and yet is another: the registrar reloads."""
    gw = bench.machines["gw"]
    make_due(bench, "gw")
    since = len(gw.log())
    restart(gw)
    wait_for(lambda: said(gw, "collateral_refreshed", since), what="a refresh")
    wait_for(lambda: said(gw, "trust_reloaded", since), what="its notice")
    bench.wait_tunnel("cvm", 30)


def test_nothing_valid_is_an_error_and_refuses(bench):
    gw = bench.machines["gw"]
    (bench.pccs / "status").write_text("503 0")
    file = bench.folder("gw") / "tcb_info.json"
    file.write_bytes(file.read_bytes().replace(b"UpToDate", b"Revoked!", 1))
    since = len(gw.log())
    restart(gw)
    line = wait_for(lambda: said(gw, "collateral_not_refreshed", since), what="the failure")[0]
    assert " error " in line and "reason=server-error" in line and "stored=none-valid" in line
    wait_for(lambda: "cvm" not in bench.leases(), 20, "the end of the lease")
    assert "collateral-" in gw.log()[since:]
    # the agent's own clock cuts its end
    wait_for(lambda: (bench.agent("cvm") or {"lease": 1})["lease"] is None, 20, "the lapse")
    (bench.pccs / "status").unlink()
    restart(gw)
    bench.wait_tunnel("cvm", 40)


def test_it_stops_in_the_middle_of_a_transfer(bench):
    """A server that accepts and says nothing does not hold the end up."""
    gw = bench.machines["gw"]
    make_due(bench, "gw")
    text = (gw.dir / "config.yaml").read_text()
    silent = subprocess.Popen(bench.middle.argv(
        sys.executable, "-c", "import socket, time\n"
        "s = socket.create_server(('198.51.100.66', 8083))\nprint('up', flush=True)\n"
        "c = s.accept()\nprint('in', flush=True)\ntime.sleep(60)"), stdout=subprocess.PIPE)
    try:
        assert silent.stdout.readline() == b"up\n"
        (gw.dir / "config.yaml").write_text(text.replace(f":{PCCS_PORT}", ":8083"))
        restart(gw)
        assert silent.stdout.readline() == b"in\n"
        begun = time.monotonic()
        gw.daemon.terminate()
        assert gw.daemon.wait(30) == 0
        assert time.monotonic() - begun < 4
    finally:
        silent.kill()
        silent.wait()
    (gw.dir / "config.yaml").write_text(text)
    gw.start_daemon()
    bench.wait_tunnel("cvm", 40)
