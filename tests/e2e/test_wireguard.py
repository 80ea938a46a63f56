"""postern-wg is a drop-in for wireguard-go: it talks to wireguard-go, is driven
by wg and wg-quick unchanged, carries TCP intact both ways, renews its session
under load, follows a peer that moves, and is not disturbed by garbage.

The tunnel to wireguard-go lives as long as this file runs: a slow stream through
it crosses the two minutes after which a session is renewed.
"""
import base64
import os
import pathlib
import random
import shutil
import socket
import stat
import subprocess
import tempfile
import time

import pytest

from conftest import Children, Netns, accepts, found_in_memory, run, tool, unique, wait_for

GIB = 1 << 30
RUN = pathlib.Path("/var/run/wireguard")

# Sends count bytes that never repeat within a gigabyte, or receives to the end;
# prints how many and their SHA-256.  With a pause: a block, then a rest.
STREAM = r"""
import hashlib, os, socket, sys, time
role, host, port, count, block, pause = sys.argv[1:7]
port, count, block, pause = int(port), int(count), int(block), float(pause)
digest, done = hashlib.sha256(), 0
if role == "receive":
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((host, port))
    server.listen(1)
    print("ready", flush=True)
    s = server.accept()[0]
    buffer = bytearray(1 << 20)
    while n := s.recv_into(buffer):
        digest.update(memoryview(buffer)[:n])
        done += n
else:
    s = socket.create_connection((host, port), timeout=20)
    s.settimeout(60)
    noise = os.urandom(block)
    while done < count:
        chunk = (done.to_bytes(8, "big") + noise[8:])[:count - done]
        s.sendall(chunk)
        digest.update(chunk)
        done += len(chunk)
        if pause:
            time.sleep(pause)
    s.shutdown(socket.SHUT_WR)
    s.recv(1)
print(done, digest.hexdigest(), flush=True)
"""


class Side:
    """One end: a namespace, a key, a daemon with its interface."""

    def __init__(self, make_children, ns, program, inner, options=()):
        self.children = make_children
        self.ns = ns
        self.inner = inner
        self.name = unique("wg")
        self.private = run("wg", "genkey").stdout.strip()
        self.public = run("wg", "pubkey", input=self.private).stdout.strip()
        self.process = self.children.start(*ns.argv(program, "-f", *options, self.name))
        wait_for(lambda: accepts(self.socket), what=f"{self.socket}")

    @property
    def socket(self):
        return RUN / f"{self.name}.sock"

    def wg(self, *argv, **kwargs):
        return self.ns.run("wg", *argv, **kwargs).stdout

    def set(self, *argv, secret=None):
        """wg set; a secret is handed over through a file, as wg wants it."""
        with tempfile.NamedTemporaryFile("w", dir=self.children.folder) as f:
            f.write(secret or self.private)
            f.flush()
            return self.wg("set", self.name, *[f.name if a is FILE else a for a in argv])

    def up(self, port=0):
        self.set("private-key", FILE, *(("listen-port", port) if port else ()))
        self.ns.run("ip", "addr", "add", f"{self.inner}/24", "dev", self.name)
        self.ns.run("ip", "link", "set", self.name, "up")

    def show(self, what):
        return self.wg("show", self.name, what).split()

    def handshake(self):
        return int(self.show("latest-handshakes")[1])


FILE = object()


def connect(a, b, outer_b, port=51820):
    """a knows where b is; b learns where a is."""
    a.up()
    b.up(port)
    a.set("peer", b.public, "allowed-ips", f"{b.inner}/32", "endpoint", f"{outer_b}:{port}")
    b.set("peer", a.public, "allowed-ips", f"{a.inner}/32")


class Stream:
    """A transfer from one side to another, its hash compared at the end."""

    def __init__(self, children, source, sink, count, port, block=1 << 20, pause=0.0):
        def start(side, role):
            return children.start(
                *side.ns.argv("/usr/bin/python3", "-c", STREAM, role, sink.inner, port, count,
                              block, pause),
                stdout=subprocess.PIPE, text=True)

        self.count = count
        self.receiver = start(sink, "receive")
        assert self.receiver.stdout.readline() == "ready\n"
        self.sender = start(source, "send")

    def finish(self, timeout):
        sent = self.sender.communicate(timeout=timeout)[0].split()
        received = self.receiver.communicate(timeout=timeout)[0].split()
        assert sent and sent == received
        assert int(sent[0]) == self.count


def link(a, address_a, b, address_b):
    name_a, name_b = unique("va"), unique("vb")
    run("ip", "link", "add", name_a, "netns", a.name, "type", "veth", "peer", "name", name_b,
        "netns", b.name)
    for ns, name, address in ((a, name_a, address_a), (b, name_b, address_b)):
        ns.run("ip", "addr", "add", address, "dev", name)
        ns.run("ip", "link", "set", name, "up")
    return name_a, name_b


class Pair:
    """Two namespaces on one wire, a daemon in each, a tunnel between."""

    def __init__(self, program_a, program_b):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pt-", dir="/tmp"))
        self.children = Children(self.folder)
        self.namespaces = [Netns(unique("wga")), Netns(unique("wgb"))]
        na, nb = self.namespaces
        self.wire = link(na, "192.0.2.1/24", nb, "192.0.2.2/24")
        self.a = Side(self.children, na, program_a, "10.99.0.1")
        self.b = Side(self.children, nb, program_b, "10.99.0.2")
        connect(self.a, self.b, "192.0.2.2")

    def transfer(self, source, sink, count, port=7000, timeout=120, **kwargs):
        Stream(self.children, source, sink, count, port, **kwargs).finish(timeout)

    def close(self):
        self.children.stop_all()
        for ns in self.namespaces:
            ns.delete()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def program(bindir):
    return bindir / "postern-wg"


@pytest.fixture(scope="module")
def interop(program):
    """postern-wg (a) and wireguard-go (b), with a slow stream running."""
    pair = Pair(program, "wireguard-go")
    pair.slow = Stream(pair.children, pair.a, pair.b, 1300 * 1000, 7001, block=1000, pause=0.1)
    wait_for(pair.a.handshake, what="a handshake")
    pair.first_handshake = pair.a.handshake()
    yield pair
    pair.close()


@pytest.fixture
def own(program):
    """Two of ours."""
    pair = Pair(program, program)
    yield pair
    pair.close()


def test_show_has_every_field_wireguard_go_has(interop):
    a, b = interop.a, interop.b
    for side, other in ((a, b), (b, a)):
        device, peer = [line.split("\t") for line in
                        side.wg("show", side.name, "dump").strip().split("\n")]
        assert device[:2] == [side.private, side.public]
        assert int(device[2]) > 0 and device[3] == "off"
        assert peer[0] == other.public and peer[1] == "(none)"
        assert peer[3] == f"{other.inner}/32"
        assert abs(int(peer[4]) - time.time()) < 600
        assert int(peer[5]) > 0 and int(peer[6]) > 0 and peer[7] == "off"
    assert a.show("endpoints")[1] == "192.0.2.2:51820"
    assert b.show("endpoints")[1].startswith("192.0.2.1:")


def test_a_gibibyte_from_postern_to_wireguard_go(interop):
    interop.transfer(interop.a, interop.b, GIB, timeout=200)


def test_a_gibibyte_from_wireguard_go_to_postern(interop):
    interop.transfer(interop.b, interop.a, GIB, timeout=200)


def test_psk_agrees_with_wireguard_go_and_a_wrong_one_does_not(program):
    pair = Pair(program, "wireguard-go")
    try:
        a, b = pair.a, pair.b
        psk, other = (run("wg", "genpsk").stdout.strip() for _ in range(2))
        a.set("peer", b.public, "preshared-key", FILE, secret=psk)
        b.set("peer", a.public, "preshared-key", FILE, secret=psk)
        pair.transfer(a, b, 1 << 20)
        assert a.show("preshared-keys") == [b.public, psk]
        # A new session, for which the keys differ: nothing gets through.
        b.set("peer", a.public, "preshared-key", FILE, secret=other)
        a.set("peer", b.public, "remove")
        a.set("peer", b.public, "preshared-key", FILE, "allowed-ips", f"{b.inner}/32",
              "endpoint", "192.0.2.2:51820", "persistent-keepalive", 1, secret=psk)
        wait_for(lambda: int(a.show("transfer")[2]) >= 148, what="an initiation")
        time.sleep(1)
        assert a.handshake() == 0
        a.set("peer", b.public, "preshared-key", FILE, secret=other)
        wait_for(a.handshake, timeout=15, what="a handshake with the right key")
        pair.transfer(a, b, 1 << 20, port=7002)
    finally:
        pair.close()


def test_roaming_in_mid_transfer(own):
    a, b = own.a, own.b
    stream = Stream(own.children, a, b, 40 << 20, 7000, block=1 << 18, pause=0.02)
    wait_for(lambda: int(b.show("transfer")[1]) > 4 << 20, what="some of the stream")
    assert b.show("endpoints")[1].startswith("192.0.2.1:")
    a.ns.run("ip", "addr", "add", "192.0.2.77/24", "dev", own.wire[0])
    a.ns.run("ip", "addr", "del", "192.0.2.1/24", "dev", own.wire[0])
    a.ns.run("ip", "addr", "replace", "192.0.2.77/24", "dev", own.wire[0])
    stream.finish(60)
    assert b.show("endpoints")[1].startswith("192.0.2.77:")


@pytest.mark.parametrize("pinned", [False, True])
def test_g9_pinned_endpoint_stays_though_a_nat_rewrites_it(program, netns, children, pinned):
    """Somebody between two ends sends b's packets on from an address of his own.
    Without a pin a follows and talks to him; with one a stays where it was told."""
    na, nb = netns("wga"), netns("wgb")
    wire = link(na, "192.0.2.1/24", nb, "192.0.2.2/24")
    a = Side(children, na, program, "10.99.0.1", ("--pin", "all") if pinned else ())
    b = Side(children, nb, program, "10.99.0.2")
    connect(a, b, "192.0.2.2")
    b.set("peer", a.public, "endpoint", f"192.0.2.1:{a.show('listen-port')[0]}")
    Stream(children, a, b, 1 << 20, 7030).finish(30)
    assert a.show("endpoints")[1] == "192.0.2.2:51820"
    b.ns.run("ip", "addr", "add", "192.0.2.66/24", "dev", wire[1])
    b.ns.run("nft", "add table ip middle; add chain ip middle out { type nat hook postrouting "
             "priority 100; }; add rule ip middle out udp sport 51820 snat to 192.0.2.66:666; "
             "add chain ip middle in { type filter hook input priority 0; }; "
             "add rule ip middle in ip daddr 192.0.2.66 counter")
    b.set("listen-port", 51821)  # a new flow, so that the rule is asked
    b.set("listen-port", 51820)
    before = int(a.show("transfer")[1])
    b.ns.run("/usr/bin/python3", "-c", "import socket; socket.socket(socket.AF_INET, "
             f"socket.SOCK_DGRAM).sendto(b'x', ('{a.inner}', 9))")
    wait_for(lambda: int(a.show("transfer")[1]) > before, what="a packet of the rewriter's")
    assert a.show("endpoints")[1] == ("192.0.2.2:51820" if pinned else "192.0.2.66:666")


def test_ipv6_inside_and_outside(own):
    a, b = own.a, own.b
    for side, wire, outer, inner in ((a, own.wire[0], "fd01::1/64", "fd02::1/64"),
                                     (b, own.wire[1], "fd01::2/64", "fd02::2/64")):
        side.ns.run("ip", "addr", "add", outer, "dev", wire, "nodad")
        side.ns.run("ip", "addr", "add", inner, "dev", side.name, "nodad")
    a.set("peer", b.public, "allowed-ips", "fd02::2/128", "endpoint", "[fd01::2]:51820")
    b.set("peer", a.public, "allowed-ips", "fd02::1/128")
    a.inner, b.inner = "fd02::1", "fd02::2"
    with_v6 = STREAM.replace("server = socket.socket()",
                             "server = socket.socket(socket.AF_INET6)")
    receiver = own.children.start(
        *b.ns.argv("/usr/bin/python3", "-c", with_v6, "receive", "fd02::2", 7000, 0, 1, 0),
        stdout=subprocess.PIPE, text=True)
    assert receiver.stdout.readline() == "ready\n"
    sender = own.children.start(
        *a.ns.argv("/usr/bin/python3", "-c", STREAM, "send", "fd02::2", 7000, 5 << 20, 65536, 0),
        stdout=subprocess.PIPE, text=True)
    assert sender.communicate(timeout=30)[0] == receiver.communicate(timeout=30)[0] != ""
    assert a.show("endpoints")[1] == "[fd01::2]:51820"


def test_answers_come_from_the_address_that_was_asked(own):
    a, b = own.a, own.b
    for side, wire, *more in ((a, own.wire[0], "fd01::1/64"),
                              (b, own.wire[1], "192.0.2.3/24", "fd01::2/64", "fd01::3/64")):
        for address in more:
            nodad = ["nodad"] if ":" in address else []
            side.ns.run("ip", "addr", "add", address, "dev", wire, *nodad)
    for port, endpoint in enumerate(("192.0.2.3:51820", "[fd01::3]:51820", "[fd01::2]:51820"),
                                    7000):
        for remove in (a, b), (b, a):
            remove[0].set("peer", remove[1].public, "remove")
        b.set("peer", a.public, "allowed-ips", f"{a.inner}/32")
        a.set("peer", b.public, "allowed-ips", f"{b.inner}/32", "endpoint", endpoint)
        own.transfer(a, b, 1 << 16, port=port)
        own.transfer(b, a, 1 << 16, port=port)
        assert a.show("endpoints")[1] == endpoint


def test_wg_setconf_syncconf_and_showconf(own):
    a, b = own.a, own.b
    own.transfer(a, b, 1 << 20)
    before = a.handshake()
    conf = own.folder / "conf"
    conf.write_text(a.wg("showconf", a.name))
    # The same again keeps the session; without the peer it is gone.
    a.wg("syncconf", a.name, conf)
    assert a.handshake() == before and before
    own.transfer(a, b, 1 << 20, port=7002)
    assert a.handshake() == before
    a.wg("setconf", a.name, conf)
    assert a.wg("showconf", a.name) == conf.read_text()
    own.transfer(a, b, 1 << 20, port=7003)
    conf.write_text(conf.read_text().split("[Peer]")[0])
    a.wg("syncconf", a.name, conf)
    assert a.show("peers") == []


def test_wg_set_mark_port_and_mistakes(own):
    a, b = own.a, own.b
    a.set("fwmark", 0x1234, "listen-port", 40001)
    assert a.show("fwmark") == ["0x1234"]
    assert a.show("listen-port") == ["40001"]
    own.transfer(a, b, 1 << 20)
    blocker = own.children.start(*a.ns.argv("/usr/bin/python3", "-c", (
        "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
        "s.bind(('', 40002)); print('ready', flush=True); time.sleep(60)")),
        stdout=subprocess.PIPE, text=True)
    assert blocker.stdout.readline() == "ready\n"
    taken = a.ns.run("wg", "set", a.name, "listen-port", 40002, check=False)
    assert taken.returncode != 0 and "in use" in taken.stdout
    assert a.show("listen-port") == ["40001"]
    a.set("listen-port", 443)
    own.transfer(a, b, 1 << 20, port=7002)


@pytest.mark.parametrize("other", ["postern-wg", "wireguard-go"])
def test_nothing_is_lost_above_a_bad_wire(program, bindir, other):
    """1 in 100 lost, 1 in 20 overtaken, 1 in 50 twice, 1 in 100 marked, each way."""
    pair = Pair(program, program if other == "postern-wg" else other)
    try:
        a, b = pair.a, pair.b
        wire = pair.children.start(
            *b.ns.argv(tool(bindir, "badwire"), "0.0.0.0:51900", "127.0.0.1:51820",
                       7, 10, 50, 20, 10),
            stdout=subprocess.PIPE, text=True)
        assert wire.stdout.readline() == "ready\n"
        a.set("peer", b.public, "endpoint", "192.0.2.2:51900")
        for port, (source, sink) in enumerate(((a, b), (b, a)), 7000):
            pair.transfer(source, sink, 16 << 20, port=port)
        assert a.show("endpoints")[1] == "192.0.2.2:51900"
    finally:
        pair.close()


def test_any_mtu_inside_over_any_outside(own):
    """Also where what is sent has to be fragmented outside, which the kernel does not do for
    datagrams it cuts itself."""
    a, b = own.a, own.b
    port = 7100
    for outer in (1500, 9100):
        for side, wire in ((a, own.wire[0]), (b, own.wire[1])):
            side.ns.run("ip", "link", "set", wire, "mtu", outer)
        for inner in (1280, 1420, 1421, 1500, 4000, 9000):
            for side in (a, b):
                side.ns.run("ip", "link", "set", side.name, "mtu", inner)
            own.transfer(a, b, 2 << 20, port=port)
            own.transfer(b, a, 2 << 20, port=port + 1)
            port += 2


# Datagrams that leave in one piece (UDP_SEGMENT, 103) arrive one by one, whole and in order.
CUT = r"""
import os, socket, struct, sys
role, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
family = socket.AF_INET6 if ":" in host else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
def datagram(i, n):
    return struct.pack("!I", i) + bytes((i * 7 + k) & 255 for k in range(n - 4))
plan = [(size, count, last) for size in (5, 64, 999, 1372) for count in (1, 2, 40)
        for last in (4, size)]
if role == "receive":
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.bind((host, port))
    s.settimeout(20)
    print("ready", flush=True)
    i = 0
    for size, count, last in plan:
        for k in range(count):
            want = datagram(i, last if k == count - 1 else size)
            got = s.recv(65536)
            assert got == want, (i, len(got), len(want), got[:8])
            i += 1
    print("all", i, flush=True)
else:
    s.connect((host, port))
    i = 0
    for size, count, last in plan:
        s.setsockopt(socket.IPPROTO_UDP, 103, size)
        parts = [datagram(i + k, last if k == count - 1 else size) for k in range(count)]
        s.send(b"".join(parts))
        i += count
"""


def test_datagrams_are_cut_and_joined_unchanged(own):
    a, b = own.a, own.b
    for side, inner in ((a, "fd02::1/64"), (b, "fd02::2/64")):
        side.ns.run("ip", "addr", "add", inner, "dev", side.name, "nodad")
    a.set("peer", b.public, "allowed-ips", "10.99.0.2/32,fd02::2/128")
    b.set("peer", a.public, "allowed-ips", "10.99.0.1/32,fd02::1/128")
    own.transfer(a, b, 1 << 16)
    for port, host in ((7200, "10.99.0.2"), (7201, "fd02::2")):
        receiver = own.children.start(
            *b.ns.argv("/usr/bin/python3", "-c", CUT, "receive", host, port),
            stdout=subprocess.PIPE, text=True)
        assert receiver.stdout.readline() == "ready\n"
        own.children.start(*a.ns.argv("/usr/bin/python3", "-c", CUT, "send", host, port)).wait(30)
        assert receiver.communicate(timeout=30)[0] == "all 344\n"


def talk(path, text):
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(20)
        s.connect(str(path))
        s.sendall(text)
        s.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := s.recv(65536):
            answer += chunk
        return answer


def test_garbage_disturbs_nothing(own):
    a, b = own.a, own.b
    rng = random.Random(5)
    stream = Stream(own.children, a, b, 20 << 20, 7000, block=1 << 18, pause=0.02)
    own.children.start(*a.ns.argv("/usr/bin/python3", "-c", r"""
import os, random, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(20000):
    n = random.choice((0, 1, 31, 32, 64, 92, 148, 500, 1472))
    s.sendto((bytes([random.randrange(6), 0, 0, 0]) + os.urandom(n))[:n], ("192.0.2.2", 51820))
""")).wait(60)
    for _ in range(200):
        text = bytes(rng.randrange(256) for _ in range(rng.randrange(300))) + b"\n\n"
        assert b"errno=0" not in talk(b.socket, text)
    assert talk(b.socket, b"set=1\nfoo=bar\n\n") == b"errno=-22\n\n"
    assert talk(b.socket, b"set=1\nnonsense\n\n") == b"errno=-71\n\n"
    assert talk(b.socket, b"get=1\n\nget=1\n\n").count(b"errno=0\n\n") == 2
    # Clients that connect and say nothing, more than are served at once.
    idle = [socket.socket(socket.AF_UNIX) for _ in range(100)]
    for s in idle:
        s.connect(str(b.socket))
    for s in idle:
        s.close()
    stream.finish(60)
    assert b.process.poll() is None
    assert b.handshake() and b.show("peers") == [a.public]


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


def test_long_request_stops_nobody(program, netns, children):
    """27 MiB that arrive in small parts, refused at their last line: read in a
    second, not searched from the start with each part."""
    ns, name = netns("wgl"), unique("wg")
    process = children.start(*ns.argv(program, "-f", name))
    wait_for(lambda: accepts(RUN / f"{name}.sock"), what="the socket")
    text = b"set=1\n" + b"fwmark=1\n" * (3 << 20) + b"x\n\n"
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(RUN / f"{name}.sock"))
        for at in range(0, len(text), 4096):
            s.sendall(text[at:at + 4096])
        assert s.recv(100) == b"errno=-71\n\n"
    stat_line = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    assert int(stat_line[11]) + int(stat_line[12]) < 5 * os.sysconf("SC_CLK_TCK")


# The congestion marks of UDP packets to a port of the first interface, until all four were seen.
MARKS = r"""
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
s.bind((sys.argv[1], 0))
s.settimeout(15)
print("ready", flush=True)
seen = set()
while len(seen) < 4:
    b = s.recv(65536)
    if b[9] == 17 and b[22:24] == struct.pack("!H", 51820) and len(b) == 20 + 8 + 32 + 112:
        seen.add(b[1])
print(*sorted(seen), flush=True)
"""


def test_congestion_marks_are_carried_outside_and_no_other_bits(own):
    a, b = own.a, own.b
    own.transfer(a, b, 1 << 16)
    sniffer = own.children.start(
        *b.ns.argv("/usr/bin/python3", "-c", MARKS, own.wire[1]), stdout=subprocess.PIPE,
        text=True)
    assert sniffer.stdout.readline() == "ready\n"
    a.ns.run("/usr/bin/python3", "-c", (
        "import socket\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "for tos in (0xb8, 1, 0xba, 3):\n"
        "    s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)\n"
        "    s.sendto(bytes(80), ('10.99.0.2', 7300))\n"))
    assert sniffer.communicate(timeout=20)[0] == "0 1 2 3\n"


def test_metrics_for_prometheus(program, own, netns):
    ns, name = netns("wgx"), unique("wg")
    path = RUN / f"{name}.metrics"
    process = own.children.start(*ns.argv(program, "-f", "--metrics", name))
    wait_for(lambda: accepts(path), what="the metrics socket")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def get(what):
        return run("curl", "-s", "-w", "%{http_code}", "--unix-socket", path,
                   f"http://localhost{what}").stdout

    ns.run("wg", "set", name, "peer", own.b.public, "allowed-ips", "10.99.0.2/32")
    text = get("/metrics")
    assert text.endswith("200")
    assert f'postern_wg_peer_sent_bytes_total{{peer="{own.b.public}"}} 0\n' in text
    assert 'postern_wg_dropped_total{reason="forged"} 0\n' in text
    assert get("/").endswith("404")
    # Not asked for, not there; gone with the daemon.
    assert not (RUN / f"{own.a.name}.metrics").exists()
    process.terminate()
    assert process.wait(10) == 0 and not path.exists()


def test_postern_wg_show(program, own):
    a, b = own.a, own.b
    postern = program.parent / "postern"
    psk = run("wg", "genpsk").stdout.strip()
    for side, other in ((a, b), (b, a)):
        side.set("peer", other.public, "preshared-key", FILE, "persistent-keepalive", 25,
                 secret=psk)
    own.transfer(a, b, 5 << 20)
    text = a.ns.run(postern, "wg", "show", a.name).stdout
    assert text.startswith(f"interface: {a.name} (userspace)\n  public key: {a.public}\n"
                           "  private key: (hidden)\n  listening port: ")
    peer = text.split("\n\n")[1]
    assert peer.startswith(f"peer: {b.public}\n  preshared key: (hidden)\n"
                           "  endpoint: 192.0.2.2:51820\n  allowed ips: 10.99.0.2/32\n"
                           "  latest handshake: ")
    assert " MiB sent\n  persistent keepalive: every 25 seconds\n" in peer
    assert a.private not in text and psk not in text
    # Others may be there, also the socket of a daemon that was killed: all that may be complained of.
    shown = a.ns.run(postern, "wg", "show", check=False)
    everything = shown.stdout
    complaints = [x for x in everything.splitlines() if x.startswith("postern wg: ")]
    assert all(x.endswith(".sock (Connection refused)") for x in complaints), complaints
    assert shown.returncode == (1 if complaints else 0)
    assert f"interface: {a.name} " in everything and f"interface: {b.name} " in everything
    missing = a.ns.run(postern, "wg", "show", "nosuchwg", check=False)
    assert missing.returncode == 1 and "nosuchwg: " in missing.stdout
    assert a.ns.run(postern, "wg", "hide", check=False).returncode == 2


def test_runs_with_little_power(own):
    status = status_of(own.a.process.pid)
    allowed = 1 << 12 | 1 << 10  # CAP_NET_ADMIN, CAP_NET_BIND_SERVICE
    assert int(status["CapEff"], 16) & ~allowed == 0
    assert int(status["CapBnd"], 16) & ~allowed == 0
    assert status["NoNewPrivs"].strip() == "1" and status["Seccomp"].strip() == "2"
    assert stat.S_IMODE(own.a.socket.stat().st_mode) == 0o600


def test_g28_keys_are_only_where_no_dump_and_no_child_has_them(own):
    """All of the daemon's memory is searched for its private key and a PSK."""
    a, b = own.a, own.b
    psk = run("wg", "genpsk").stdout.strip()
    for side, other in ((a, b), (b, a)):
        side.set("peer", other.public, "preshared-key", FILE, secret=psk)
    own.transfer(a, b, 1 << 20, port=7020)
    a.wg("showconf", a.name)
    for what, text in (("private key", a.private), ("psk", psk)):
        found = found_in_memory(a.process.pid, text)
        assert found, f"no {what} at all"
        assert all({"dd", "wf", "lo"} <= set(flags) for flags in found), what


def test_daemon_is_ready_when_it_returns_and_ends_with_the_interface(program, netns):
    for end in ("interface", "socket"):
        ns, name = netns("wgd"), unique("wg")
        done = ns.run(program, name, timeout=10)
        path = RUN / f"{name}.sock"
        assert done.stdout == "" and path.exists()
        assert "listening port" in ns.run("wg", "show", name).stdout
        again = ns.run(program, name, timeout=10, check=False)
        assert again.returncode == 1 and "start_failed" in again.stdout
        assert path.exists()
        if end == "interface":
            ns.run("ip", "link", "del", name)
        else:
            path.unlink()
        wait_for(lambda: not path.exists() and
                 ns.run("ip", "link", "show", name, check=False).returncode != 0,
                 what="the daemon's end")


def test_interface_may_be_renamed_and_moved(program, own, netns):
    """The daemon goes on, its sockets where it was born, and ends with the
    interface even when another has taken its first name."""
    outside, inside, name = netns("wgm"), netns("wgn"), unique("wg")
    b, process = own.b, own.children.start(*outside.argv(program, "-f", name))
    link(outside, "198.51.101.2/24", b.ns, "198.51.101.1/24")
    wait_for(lambda: accepts(RUN / f"{name}.sock"), what="the socket")
    private = run("wg", "genkey").stdout.strip()
    public = run("wg", "pubkey", input=private).stdout.strip()
    key = own.folder / "moved.key"
    key.write_text(private)
    b.set("peer", public, "allowed-ips", "10.99.0.8/32")
    outside.run("wg", "set", name, "private-key", key, "peer", b.public, "allowed-ips",
                "10.99.0.2/32", "endpoint", "198.51.101.1:51820")
    other = unique("wg")
    outside.run("ip", "link", "set", name, "name", other)
    outside.run("ip", "link", "set", other, "netns", inside.name)
    outside.run("ip", "link", "add", name, "type", "veth", "peer", "name", unique("va"))
    inside.run("ip", "addr", "add", "10.99.0.8/24", "dev", other)
    inside.run("ip", "link", "set", other, "up")
    moved = type("Moved", (), {"ns": inside, "inner": "10.99.0.8"})()
    Stream(own.children, moved, b, 1 << 20, 7010).finish(30)
    assert process.poll() is None
    inside.run("ip", "link", "del", other)
    assert process.wait(10) == 0


def test_command_line_mistakes(program):
    for argv in ((), ("-x", "wg9"), ("a/b",), ("..",), ("much-too-long-name",), ("a", "b"),
                 ("--pin",), ("--pin", "everyone", "wg9"), ("wg9", "--pin"),
                 ("--pin", base64.b64encode(bytes(31)).decode(), "wg9")):
        done = run(program, *argv, check=False)
        assert done.returncode == 2 and done.stdout.startswith("usage: ")


def test_wg_quick_up_and_down(program, own, netns):
    ns, name = netns("wgq"), unique("wq")
    b = own.b
    link(ns, "198.51.100.2/24", b.ns, "198.51.100.1/24")
    private = run("wg", "genkey").stdout.strip()
    public = run("wg", "pubkey", input=private).stdout.strip()
    b.set("peer", public, "allowed-ips", "10.99.0.9/32")
    conf = own.folder / f"{name}.conf"
    conf.write_text(f"[Interface]\nPrivateKey = {private}\nAddress = 10.99.0.9/24\n"
                    f"[Peer]\nPublicKey = {b.public}\nAllowedIPs = 10.99.0.2/32\n"
                    f"Endpoint = 198.51.100.1:51820\nPersistentKeepalive = 5\n")
    conf.chmod(0o600)
    env = dict(os.environ, WG_QUICK_USERSPACE_IMPLEMENTATION=str(program))
    ns.run("wg-quick", "up", conf, env=env)
    path = RUN / f"{name}.sock"
    assert path.exists()
    wait_for(lambda: int(ns.run("wg", "show", name, "latest-handshakes").stdout.split()[1]),
             what="a handshake")
    quick = type("Quick", (), {"ns": ns, "inner": "10.99.0.9"})()
    Stream(own.children, quick, b, 5 << 20, 7000).finish(30)
    Stream(own.children, b, quick, 5 << 20, 7001).finish(30)
    ns.run("wg-quick", "down", conf, env=env)
    wait_for(lambda: not path.exists(), what="the daemon's end")


def test_session_was_renewed_during_the_slow_stream(interop):
    """Last in the file: by now the stream has run for about two minutes."""
    a, b = interop.a, interop.b
    wait_for(lambda: a.handshake() > interop.first_handshake, timeout=140, step=0.5,
             what="a second handshake")
    assert a.handshake() - interop.first_handshake >= 115
    assert abs(a.handshake() - b.handshake()) <= 1
    # Its pauses alone take 130 s: it was there before the renewal and after.
    interop.slow.finish(60)
