"""postern-wg with several workers: each peer is served by one of them and gets all its traffic,
in order, whatever else happens; to wg and wg-quick it is the same interface as with one.

A gateway with four workers, and clients in namespaces of their own, each on a wire of its own.
"""
import base64
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from conftest import ROOT, accepts, run, unique, wait_for
from test_wireguard import FILE, RUN, STREAM, Side, Stream, link, talk

WORKERS = 4
PORT = 51820
THREAD_ERROR = 66


class Cloud:
    """The gateway (side 'gateway', 10.99.0.1) and clients (10.99.1.1 and so on)."""

    def __init__(self, children, make_netns, program, count, options=(), client=None,
                 client_options=("--workers", "1"), env=None):
        self.children, self.program = children, program
        self.gateway_ns = make_netns("wgg")
        if env:
            os.environ.update(env)
        self.gateway = Side(children, self.gateway_ns, program, "10.99.0.1",
                            ("--workers", str(WORKERS), "--metrics", *options))
        for name in env or ():
            del os.environ[name]
        # A slow build is seen between making its socket and listening at it.
        wait_for(lambda: "event=ready" in self.gateway.process.log.read_text(), what="readiness")
        self.gateway.up(PORT)
        self.gateway_ns.run("ip", "route", "add", "10.99.0.0/16", "dev", self.gateway.name)
        self.clients = []
        for i in range(1, count + 1):
            ns = make_netns("wgc")
            link(self.gateway_ns, f"198.51.{i}.1/24", ns, f"198.51.{i}.2/24")
            side = Side(children, ns, client or program, f"10.99.1.{i}",
                        client_options if client is None else ())
            side.up()
            ns.run("ip", "route", "add", "10.99.0.0/24", "dev", side.name)
            side.set("peer", self.gateway.public, "allowed-ips", "10.99.0.0/24", "endpoint",
                     f"198.51.{i}.1:{PORT}")
            self.gateway.set("peer", side.public, "allowed-ips", f"{side.inner}/32")
            self.clients.append(side)

    def transfer_all(self, count, port=7000, timeout=100, **kwargs):
        """Both ways between the gateway and each client at once."""
        for stream in self.start_all(count, port, **kwargs):
            stream.finish(timeout)

    def start_all(self, count, port=7000, **kwargs):
        streams = []
        for i, client in enumerate(self.clients):
            streams.append(Stream(self.children, client, self.gateway, count, port + i, **kwargs))
            streams.append(Stream(self.children, self.gateway, client, count, port + 500 + i,
                                  **kwargs))
        return streams

    def metrics(self):
        return run("curl", "-s", "--unix-socket", RUN / f"{self.gateway.name}.metrics",
                   "http://localhost/metrics").stdout

    def metric(self, name):
        found = re.findall(rf"^postern_wg_{name} (\d+)$", self.metrics(), re.M)
        assert found, name
        return [int(value) for value in found]

    def thread_cpu_ns(self):
        tasks = pathlib.Path(f"/proc/{self.gateway.process.pid}/task")
        return {(task / "comm").read_text().strip(): int((task / "schedstat").read_text().split()[0])
                for task in tasks.iterdir()}


@pytest.fixture(scope="module")
def program(bindir):
    return bindir / "postern-wg"


@pytest.fixture
def cloud(children, netns, program):
    return lambda *args, **kwargs: Cloud(children, netns, program, *args, **kwargs)


def test_every_peer_has_its_worker_and_all_its_traffic(cloud):
    c = cloud(6)
    c.transfer_all(1 << 16)  # so that every session is there
    spread = c.metric(r'worker_peers\{worker="\d"\}')
    assert sorted(spread) == [1, 1, 2, 2]
    # The kernel gives every datagram and every packet to the worker whose it is.
    handed, before = c.metric("handed_over_total"), c.thread_cpu_ns()
    c.transfer_all(24 << 20, port=7010)
    assert c.metric("handed_over_total") == handed
    after = c.thread_cpu_ns()
    assert len(after) == WORKERS
    assert all(after[name] - before[name] > 10_000_000 for name in after), (before, after)
    for reason in ("handover", "index", "forged", "replayed", "source"):
        assert c.metric(rf'dropped_total\{{reason="{reason}"\}}') == [0], reason
    assert c.gateway.show("peers") == [client.public for client in c.clients]
    for client in c.clients:
        received, sent = (int(n) for n in next(
            line.split("\t")[1:] for line in
            c.gateway.wg("show", c.gateway.name, "transfer").splitlines()
            if line.startswith(client.public)))
        assert received > 24 << 20 and sent > 24 << 20


def test_order_in_a_flow_is_kept_while_control_is_busy(cloud):
    c = cloud(4)
    c.transfer_all(1 << 16)
    servers = [c.children.start(*side.ns.argv("iperf3", "-s", "-1", "-B", side.inner, "-p", 5200),
                                stdout=subprocess.DEVNULL) for side in c.clients]
    for side in c.clients:
        wait_for(lambda: ":5200" in side.ns.run("ss", "-ltnH").stdout, what="iperf3")  # noqa: B023
    flows = [c.children.start(*c.gateway_ns.argv(
        "iperf3", "-u", "-c", side.inner, "-p", 5200, "-b", "60M", "-l", 1200, "-t", 5, "-J"),
        stdout=subprocess.PIPE, text=True) for side in c.clients]
    up = c.children.start(*c.gateway_ns.argv("iperf3", "-s", "-1", "-B", c.gateway.inner, "-p",
                                             5300), stdout=subprocess.DEVNULL)
    wait_for(lambda: ":5300" in c.gateway_ns.run("ss", "-ltnH").stdout, what="iperf3")
    flows.append(c.children.start(*c.clients[3].ns.argv(
        "iperf3", "-u", "-c", c.gateway.inner, "-p", 5300, "-b", "60M", "-l", 1200, "-t", 4, "-J"),
        stdout=subprocess.PIPE, text=True))
    changes = 0
    while any(f.poll() is None for f in flows[:4]) and changes < 400:
        c.gateway.set("peer", c.clients[changes % 4].public, "persistent-keepalive",
                      str(changes % 25 + 1), "allowed-ips",
                      f"{c.clients[changes % 4].inner}/32,10.98.{changes % 250}.0/24")
        c.gateway.wg("show", c.gateway.name)
        changes += 1
    assert changes > 50
    for f in flows:
        got = json.loads(f.communicate(timeout=30)[0])["end"]
        total = got["sum_received"] if "sum_received" in got else got["sum"]
        assert got["streams"][0]["udp"]["out_of_order"] == 0
        assert total["packets"] > 10_000
        assert got["sum"]["lost_packets"] < total["packets"] * 0.02
    for server in servers + [up]:
        server.wait(10)


def test_g13_allowed_ip_moves_to_a_peer_of_another_worker(cloud):
    c = cloud(2)
    c.transfer_all(1 << 16)
    a, b = c.clients
    # Each of them believes to have the address.
    for side in a, b:
        side.ns.run("ip", "addr", "add", "10.99.7.7/32", "dev", side.name)
    def reachable(side, port):
        receiver = c.children.start(
            *side.ns.argv("/usr/bin/python3", "-c", STREAM, "receive", "10.99.7.7", port, 0, 1, 0),
            stdout=subprocess.PIPE, text=True)
        assert receiver.stdout.readline() == "ready\n"
        sender = c.children.start(
            *c.gateway_ns.argv("/usr/bin/python3", "-c", STREAM, "send", "10.99.7.7", port,
                               4 << 20, 65536, 0), stdout=subprocess.PIPE, text=True)
        assert sender.communicate(timeout=30)[0] == receiver.communicate(timeout=30)[0] != ""
    for turn, (owner, other) in enumerate(((a, b), (b, a), (a, b))):
        c.gateway.set("peer", owner.public, "allowed-ips", f"{owner.inner}/32,10.99.7.7/32")
        allowed = dict(line.split("\t") for line in
                       c.gateway.wg("show", c.gateway.name, "allowed-ips").splitlines())
        assert "10.99.7.7/32" in allowed[owner.public].split()
        assert "10.99.7.7/32" not in allowed[other.public].split()
        reachable(owner, 7000 + turn)
        before = c.metric(r'dropped_total\{reason="source"\}')[0]
        other.ns.run("/usr/bin/python3", "-c", (
            "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
            "s.bind(('10.99.7.7', 0)); s.sendto(b'x', ('10.99.0.1', 9))"))
        wait_for(lambda: c.metric(r'dropped_total\{reason="source"\}')[0] == before + 1,
                 what="the refusal of a stolen source")
    # It is nobody's: then it is nobody's for the kernel, too.
    c.gateway.set("peer", a.public, "allowed-ips", f"{a.inner}/32")
    before = c.metric(r'dropped_total\{reason="unrouted"\}')[0]
    c.gateway_ns.run("/usr/bin/python3", "-c", (
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
        ".sendto(b'x', ('10.99.7.7', 9))"))
    wait_for(lambda: c.metric(r'dropped_total\{reason="unrouted"\}')[0] == before + 1,
             what="a packet for nobody")
    assert c.metric(r'dropped_total\{reason="handover"\}') == [0]


def test_wg_sees_one_interface(cloud):
    c = cloud(5)
    c.transfer_all(1 << 18)
    g = c.gateway
    before = g.wg("show", g.name, "latest-handshakes")
    conf = c.children.folder / "conf"
    conf.write_text(g.wg("showconf", g.name))
    g.wg("syncconf", g.name, conf)
    c.transfer_all(1 << 18, port=7010)
    assert g.wg("show", g.name, "latest-handshakes") == before
    g.wg("setconf", g.name, conf)
    assert g.wg("showconf", g.name) == conf.read_text()
    c.transfer_all(1 << 18, port=7020)
    # All sockets move, and all have the mark.
    g.set("fwmark", 0x1234, "listen-port", 51999)
    sockets = c.gateway_ns.run("ss", "-Hlunp", "sport", "=", ":51999").stdout
    assert sockets.count(f"pid={g.process.pid},") == 2 * WORKERS
    assert c.gateway_ns.run("ss", "-Hlun", "sport", "=", f":{PORT}").stdout == ""
    for i, client in enumerate(c.clients, 1):
        client.set("peer", g.public, "endpoint", f"198.51.{i}.1:51999")
    c.transfer_all(1 << 18, port=7030)
    # Another key: no session lives on, in no worker.
    private = run("wg", "genkey").stdout.strip()
    public = run("wg", "pubkey", input=private).stdout.strip()
    g.set("private-key", FILE, secret=private)
    for i, client in enumerate(c.clients, 1):
        client.set("peer", g.public, "remove")
        client.set("peer", public, "allowed-ips", "10.99.0.0/24", "endpoint",
                   f"198.51.{i}.1:51999")
    c.transfer_all(1 << 18, port=7040)
    # Mistakes are answered as by one.
    assert talk(g.socket, b"set=1\nfoo=bar\n\n") == b"errno=-22\n\n"
    assert c.gateway_ns.run("wg", "set", g.name, "listen-port", 443).returncode == 0
    g.wg("set", g.name, *(a for client in c.clients for a in ("peer", client.public, "remove")))
    assert g.show("peers") == []


def test_port_of_another_daemon_refused(cloud):
    c = cloud(1)
    other = Side(c.children, c.gateway_ns, c.program, "10.97.0.1", ("--workers", str(WORKERS)))
    taken = c.gateway_ns.run("wg", "set", other.name, "listen-port", PORT, check=False)
    assert taken.returncode != 0 and "in use" in taken.stdout
    assert other.show("listen-port") != [str(PORT)]
    c.transfer_all(1 << 20)


def test_wireguard_go_as_client(cloud):
    c = cloud(3, client="wireguard-go")
    c.transfer_all(24 << 20)
    assert all(client.handshake() for client in c.clients)


def test_killed_and_started_again(cloud):
    c = cloud(2)
    c.transfer_all(1 << 18)
    g = c.gateway
    g.process.send_signal(signal.SIGKILL)
    g.process.wait(10)
    wait_for(lambda: c.gateway_ns.run("ip", "link", "show", g.name, check=False).returncode != 0,
             what="the interface's end")
    assert g.socket.exists()
    g.process = c.children.start(*c.gateway_ns.argv(c.program, "-f", "--workers", WORKERS,
                                                    "--metrics", g.name))
    wait_for(lambda: c.gateway_ns.run("wg", "show", g.name, check=False).returncode == 0,
             what="the daemon")
    g.up(PORT)
    c.gateway_ns.run("ip", "route", "add", "10.99.0.0/16", "dev", g.name)
    for i, client in enumerate(c.clients, 1):
        g.set("peer", client.public, "allowed-ips", f"{client.inner}/32", "endpoint",
              f"198.51.{i}.2:{client.show('listen-port')[0]}")
    c.transfer_all(1 << 18, port=7010)


@pytest.mark.parametrize("end", ["interface", "socket", "signal"])
def test_ends_with_all_its_workers(cloud, end):
    c = cloud(1)
    if end == "interface":
        c.gateway_ns.run("ip", "link", "del", c.gateway.name)
    elif end == "socket":
        c.gateway.socket.unlink()
    else:
        c.gateway.process.terminate()
    assert c.gateway.process.wait(10) == 0
    assert c.gateway_ns.run("ip", "link", "show", c.gateway.name, check=False).returncode != 0


def test_mtu_is_that_of_all(cloud):
    c = cloud(4)
    port = 7000
    for mtu in (1280, 9000, 1420):
        for side in [c.gateway] + c.clients:
            side.ns.run("ip", "link", "set", side.name, "mtu", mtu)
        c.transfer_all(1 << 20, port=port)
        port += 10


def test_ten_thousand_peers(cloud):
    c = cloud(2)
    c.transfer_all(1 << 18)
    keys = [os.urandom(32) for _ in range(10_000)]
    lines = "".join(f"public_key={key.hex()}\nallowed_ip=10.{100 + (i >> 16)}.{i >> 8 & 255}."
                    f"{i & 255}/32\nallowed_ip=fd00::{i:x}/128\n" for i, key in enumerate(keys))
    begin = time.monotonic()
    assert talk(c.gateway.socket, f"set=1\n{lines}\n".encode()) == b"errno=0\n\n"
    assert time.monotonic() - begin < 20
    assert sum(c.metric(r'worker_peers\{worker="\d"\}')) == 10_002
    assert max(c.metric(r'worker_peers\{worker="\d"\}')) == 2501
    assert c.gateway.show("peers")[2:] == [base64.b64encode(key).decode() for key in keys]
    streams = c.start_all(4 << 20, 7010)
    for _ in range(5):
        c.gateway.wg("show", c.gateway.name)
    for stream in streams:
        stream.finish(60)
    removal = "".join(f"public_key={key.hex()}\nremove=true\n" for key in keys)
    assert talk(c.gateway.socket, f"set=1\n{removal}\n".encode()) == b"errno=0\n\n"
    assert c.gateway.show("peers") == [client.public for client in c.clients]
    c.transfer_all(1 << 18, port=7020)


def test_without_the_right_to_steer_there_is_one_worker(children, netns, program):
    """As in a container without CAP_BPF."""
    ns, name = netns("wgb"), unique("wg")
    process = children.start(*ns.argv("setpriv", "--bounding-set=-bpf,-sys_admin",
                                      "--inh-caps=-bpf,-sys_admin", program, "-f", "--workers",
                                      WORKERS, name))
    wait_for(lambda: accepts(RUN / f"{name}.sock"), what="the socket")
    wait_for(lambda: "event=ready" in process.log.read_text(), what="readiness")
    log = process.log.read_text()
    assert "event=one_worker" in log and "workers=1" in log
    assert len(list(pathlib.Path(f"/proc/{process.pid}/task").iterdir())) == 1
    assert "numqueues" not in ns.run("ip", "-d", "link", "show", name).stdout


def test_wg_quick_with_workers(cloud):
    c = cloud(1)
    client, name = c.clients[0], unique("wq")
    conf = c.children.folder / f"{name}.conf"
    private = run("wg", "genkey").stdout.strip()
    public = run("wg", "pubkey", input=private).stdout.strip()
    c.gateway.set("peer", public, "allowed-ips", "10.99.1.99/32")
    conf.write_text(f"[Interface]\nPrivateKey = {private}\nAddress = 10.99.1.99/32\n"
                    f"[Peer]\nPublicKey = {c.gateway.public}\nAllowedIPs = 10.99.0.0/24\n"
                    f"Endpoint = 198.51.1.1:{PORT}\n")
    conf.chmod(0o600)
    # wg-quick takes the name of a program, without options.
    starter = c.children.folder / "starter"
    starter.write_text(f'#!/bin/sh\nexec {c.program} --workers {WORKERS} "$@"\n')
    starter.chmod(0o755)
    client.process.terminate()
    client.process.wait(10)
    env = dict(os.environ, WG_QUICK_USERSPACE_IMPLEMENTATION=str(starter))
    client.ns.run("wg-quick", "up", conf, env=env)
    quick = type("Quick", (), {"ns": client.ns, "inner": "10.99.1.99"})()
    Stream(c.children, quick, c.gateway, 5 << 20, 7000).finish(30)
    Stream(c.children, c.gateway, quick, 5 << 20, 7001).finish(30)
    client.ns.run("wg-quick", "down", conf, env=env)
    wait_for(lambda: not (RUN / f"{name}.sock").exists(), what="the daemon's end")


def test_command_line(program):
    for argv in (("--workers", "0", "wg9"), ("--workers", "65", "wg9"), ("wg9", "--workers"),
                 ("--workers", "many", "wg9"), ("-w", "-1", "wg9")):
        done = run(program, *argv, check=False)
        assert done.returncode == 2 and done.stdout.startswith("usage: ")


@pytest.fixture(scope="module")
def checked_program():
    """Built so that a race between threads is seen as it happens."""
    path = ROOT / "build/tsan/bin/postern-wg"
    run("make", "-s", "MODE=tsan", path.relative_to(ROOT), cwd=ROOT, timeout=900)
    return path


def test_no_thread_touches_what_is_anothers(cloud, program, checked_program, children, netns):
    """Traffic, handshakes and every kind of control at once, under ThreadSanitizer."""
    c = Cloud(children, netns, checked_program, 4, client=str(program),
              env={"TSAN_OPTIONS": f"exitcode={THREAD_ERROR} halt_on_error=0"})
    g = c.gateway
    c.transfer_all(1 << 16)
    streams = c.start_all(6 << 20, 7010, block=1 << 17, pause=0.05)
    halt = threading.Event()

    def look():
        while not halt.is_set():
            g.wg("show", g.name)
            c.metrics()

    looker = threading.Thread(target=look)
    looker.start()
    try:
        for i in range(40):
            client = c.clients[i % 4]
            g.set("peer", client.public, "allowed-ips",
                  f"{client.inner}/32,10.98.{i % 3}.0/24,fd00:{i % 3}::/64",
                  "persistent-keepalive", 1)
            if i % 10 == 0:
                c.gateway_ns.run("ip", "link", "set", g.name, "mtu", 1400 + i)
            if i % 8 == 4:  # a session anew, by an initiation that comes to any worker
                client.set("peer", g.public, "remove")
                client.set("peer", g.public, "allowed-ips", "10.99.0.0/24", "endpoint",
                           f"198.51.{i % 4 + 1}.1:{PORT}", "persistent-keepalive", 1)
            if i == 20:
                g.set("fwmark", 7, "listen-port", 51999)
                g.set("listen-port", PORT)
        for stream in streams:
            stream.finish(100)
    finally:
        halt.set()
        looker.join()
    assert c.metric("handed_over_total")[0] > 0  # the rings were used
    g.set("private-key", FILE, secret=run("wg", "genkey").stdout.strip())
    g.wg("set", g.name, "peer", c.clients[0].public, "remove")
    g.process.terminate()
    status, log = g.process.wait(20), g.process.log.read_text()
    assert "ThreadSanitizer" not in log, log[:4000]
    assert status == 0
