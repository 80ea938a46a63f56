"""postern-teesim as a program: its files, its sockets, its end.

Goal: a platform that is made once and found again after any end, that serves
guests from sockets of their own, whose certificates and revocation lists OpenSSL
accepts, and that says what is wrong with a configuration before it opens anything.
"""
import json
import pathlib
import re
import signal
import socket
import stat
import struct

import pytest
from conftest import run, wait_for


def ask(path, request):
    """One request to the simulated CPU; its reply's status and body."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(30)
        s.connect(str(path))
        s.sendall(struct.pack(">I", len(request)) + request)
        length = struct.unpack(">I", s.recv(4, socket.MSG_WAITALL))[0]
        reply = s.recv(length, socket.MSG_WAITALL)
    return reply[0], reply[1:]


def control(path, command):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(30)
        s.connect(str(path))
        s.sendall(json.dumps(command).encode() + b"\n")
        return json.loads(s.makefile().readline())


class Platform:
    def __init__(self, workdir, bindir, children):
        self.dir, self.program, self.children = workdir, bindir / "postern-teesim", children
        self.state, self.td = workdir / "state", workdir / "tds" / "hello.sock"
        self.control = workdir / "control.sock"
        self.config = workdir / "teesim.yaml"
        self.config.write_text(
            f"state: {self.state}\ncollateral: {self.state}/collateral\n"
            f"root: {self.state}/root.pem\ncontrol: {self.control}\n"
            f"tds:\n  - {{ name: hello, socket: {self.td}, image: base }}\n")

    def start(self):
        child = self.children.start(self.program, "--config", self.config)
        wait_for(lambda: "event=ready" in child.log.read_text() or child.poll() is not None,
                 what="postern-teesim")
        assert child.poll() is None, child.log.read_text()
        return child


@pytest.fixture
def platform(workdir, bindir, children):
    return Platform(workdir, bindir, children)


def certificates(path):
    """The certificates of the platform's file, in its order."""
    return re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n",
                      path.read_text(), re.S)


def test_openssl_accepts_what_it_issues(platform, workdir):
    """Chain and CRLs with OpenSSL's own strict verification, leaf and TCB signer."""
    platform.start()
    names = ["root", "ca", "signer", "pck"]
    for name, pem in zip(names, certificates(platform.state / "platform.pem")):
        (workdir / f"{name}.pem").write_text(pem)
    for name in ("root_ca", "pck"):
        der = platform.state / "collateral" / f"{name}.crl.der"
        run("openssl", "crl", "-inform", "DER", "-in", der, "-out", workdir / f"{name}.crl")
    # Twice: once as files to check, once as signatures under their issuers.
    run("openssl", "crl", "-in", workdir / "root_ca.crl", "-noout", "-CAfile", workdir / "root.pem")
    run("openssl", "verify", "-x509_strict", "-crl_check_all", "-CAfile", workdir / "root.pem",
        "-CRLfile", workdir / "root_ca.crl", "-CRLfile", workdir / "pck.crl",
        "-untrusted", workdir / "ca.pem", workdir / "pck.pem")
    run("openssl", "verify", "-x509_strict", "-crl_check", "-CAfile", workdir / "root.pem",
        "-CRLfile", workdir / "root_ca.crl", workdir / "signer.pem")
    assert (workdir / "root.pem").read_text() == (platform.state / "root.pem").read_text()


def test_state_survives_being_killed(platform):
    """The same root and the same PCK certificate after SIGKILL; registers start anew."""
    child = platform.start()
    before = (platform.state / "platform.pem").read_text()
    status, value = ask(platform.td, b"\x02\x03" + b"d" * 48)
    assert status == 0 and value != bytes(48)
    platform.children.stop(child, sig=signal.SIGKILL)
    platform.start()
    assert (platform.state / "platform.pem").read_text() == before
    assert ask(platform.td, b"\x03\x03") == (0, bytes(48))


def test_modes_and_clean_end(platform):
    """Keys are the owner's; sockets are gone after SIGTERM, which exits with 0."""
    child = platform.start()

    def mode(path):
        return stat.S_IMODE(path.stat().st_mode)

    assert mode(platform.state / "platform.pem") == 0o600
    assert mode(platform.td) == 0o666 and mode(platform.control) == 0o600
    assert platform.children.stop(child) == 0
    assert not platform.td.exists() and not platform.control.exists()
    assert "PRIVATE" not in child.log.read_text()
    for line in child.log.read_text().splitlines():
        assert "simulated=true" in line


def test_it_gives_up_its_privileges(platform):
    """No capability but one, no new privileges, system calls filtered."""
    child = platform.start()
    status = dict(line.split(":\t", 1) for line in
                  pathlib.Path(f"/proc/{child.pid}/status").read_text().splitlines()
                  if ":\t" in line)
    assert status["NoNewPrivs"] == "1"
    if "asan" not in str(platform.program):  # its leak check needs ptrace
        assert status["Seccomp"] == "2"
    assert int(status["CapEff"], 16) == 1 << 1  # CAP_DAC_OVERRIDE
    assert ask(platform.td, b"\x01" + b"r" * 64)[0] == 0


def test_control_launches_and_stops(platform, workdir):
    child = platform.start()
    manifest = workdir / "m.json"
    manifest.write_text('{"name":"b"}')
    spec = {"name": "b", "socket": str(workdir / "b.sock"), "image": "other",
            "manifest": str(manifest), "debug": True}
    assert control(platform.control, {"launch": spec}) == {"ok": True}
    status, quote = ask(workdir / "b.sock", b"\x01" + b"r" * 64)
    assert status == 0 and quote[568:632] == b"r" * 64
    assert quote[168] & 1  # TDATTRIBUTES.DEBUG
    policy = run(platform.program, "--print-policy", "other", "--manifest", manifest).stdout
    pinned = dict(re.findall(r"(\w+): ([0-9a-f]{96})", policy))
    where = {"mr_td": 184, "mr_config_id": 232, "rtmr0": 376, "rtmr1": 424, "rtmr2": 472}
    assert pinned == {name: quote[at:at + 48].hex() for name, at in where.items()}
    assert control(platform.control, {"list": {}}) == {"ok": True, "tds": ["b", "hello"]}
    assert control(platform.control, {"stop": "b"}) == {"ok": True}
    assert not (workdir / "b.sock").exists()
    assert child.poll() is None


@pytest.mark.parametrize("text, words", [
    ("tds:\n  - name: a\n    socket: /s\n", ":2: tds[0].image"),
    ("quote_delay: soon\n", ":1: quote_delay"),
    ("colour: red\n", ":1: colour"),
])
def test_mistake_is_told_and_nothing_started(platform, text, words):
    good = platform.config.read_text()
    platform.config.write_text(text)
    for option in ([], ["--check"]):
        done = run(platform.program, "--config", platform.config, *option, check=False)
        assert done.returncode == 2
        assert f"{platform.config}{words}" in done.stdout
    assert not platform.state.exists()
    platform.config.write_text(good)
    assert run(platform.program, "--config", platform.config, "--check").stdout == "ok\n"
    assert not platform.state.exists()


def test_damaged_state_is_kept(platform):
    """A file that is not ours is refused, not replaced: it may be the only copy."""
    platform.state.mkdir()
    (platform.state / "platform.pem").write_text("something else\n")
    done = run(platform.program, "--config", platform.config, check=False)
    assert done.returncode == 1 and "not a platform of ours" in done.stdout
    assert (platform.state / "platform.pem").read_text() == "something else\n"
