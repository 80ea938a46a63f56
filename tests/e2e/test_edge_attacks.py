"""A catalogue of attacks on a gateway's edge, one test a row and named by it:
what has broken other gateways is tried on this one.

Goal: each test fails when the defence it is named for is taken out. Rows that
another file tests (resumption, HTTP, PROXY headers, floods) stand there.
"""
import re
import socket
import struct
import time

import pytest

import hellos
from conftest import ROOT, run
from edge_dns import PlayedDns
from test_edge import ALERTS, APP, BASE, Backend, loopback, read_all
from test_edge_routes import OWN, RoutedEdge, ask, ask_for, hello

INSTANCE, OTHER_INSTANCE = "1" * 40, "2" * 40
OTHER_APP, LISTED_APP = "0a" * 20, "0c" * 20
RAW, HTTP = 443, 80
HOST = f"hello-443s.{BASE}"


class Site:
    """One edge in front of an app whose port 443 notes what it gets and sends it
    back, with custom names by a name server that we play."""

    def __init__(self, bindir):
        self.seen = []
        self.address, self.own = loopback(), None
        net = self.address.rsplit(".", 2)[0]
        self.own = f"{net}.250.77"
        self.dns = PlayedDns()
        self.edge = RoutedEdge(bindir, f"""\
tunnel: {self.own}/16
dns: {{ servers: [ "127.0.0.1:{self.dns.port}" ], timeout: 2s, ttl_max: 5s }}
""")
        self.raw = Backend((self.address, RAW), self.echo)
        self.http = Backend((self.address, HTTP), self.echo)
        self.trap_seen = []
        self.traps = [Backend((a, p), self.trap) for a in (self.own, "127.0.0.1")
                      for p in (8022, 8443)]
        self.other = loopback()
        self.edge.fill(
            f"lease {INSTANCE} {APP} {self.address} 3600 {RAW}:tls {HTTP}:http 8080:tcp",
            f"lease {OTHER_INSTANCE} {OTHER_APP} {self.address[:-1]}9 3600 {RAW}:tls",
            # What no registrar would grant: the gateway's own addresses.
            f"lease {'3' * 40} {'0d' * 20} {self.own} 3600 8022:tcp 8443:tls",
            f"lease {'4' * 40} {'0e' * 20} 127.0.0.1 3600 8022:tcp 8443:tls",
            f"app {APP} domain www.tenant-a.org", f"app {OTHER_APP} domains",
            # Aliases that end like a suffix, which no registrar would take either.
            f"alias hello-80 {APP}", f"alias hello-s {APP}", f"alias hello-443s {APP}",
            f"alias hello {APP}", f"alias other {OTHER_APP}", f"alias self {'0d' * 20}",
            f"alias loop {'0e' * 20}")
        self.edge.start()

    def echo(self, conn):
        got = b""
        conn.settimeout(5)
        while True:
            part = conn.recv(65536)
            if not part:
                return
            got += part
            self.seen.append(got)
            conn.sendall(part)

    def trap(self, conn):
        self.trap_seen.append(conn.getsockname())

    def passed(self, data, chunk=None, timeout=10):
        """Sends a hello and the end; what comes back, until the end."""
        with self.edge.connect() as sock:
            sock.settimeout(timeout)
            for i in range(0, len(data), chunk or len(data)):
                sock.sendall(data[i:i + (chunk or len(data))])
            sock.shutdown(socket.SHUT_WR)
            return read_all(sock)

    def alert(self, data):
        got = self.passed(data)
        assert len(got) == 7 and got[0] == 21, got[:40]
        return ALERTS[got[6]]

    def close(self):
        self.edge.stop()
        self.dns.close()
        for backend in [self.raw, self.http] + self.traps:
            backend.close()


@pytest.fixture(scope="module")
def site(bindir):
    s = Site(bindir)
    yield s
    s.close()


@pytest.fixture(autouse=True)
def forget(site):
    site.seen.clear()
    site.trap_seen.clear()


# -- ClientHello --------------------------------------------------------------------

def test_E1_hello_split_over_segments_and_records(site):
    """However a hello is cut, it is routed by its name, whole."""
    whole = hellos.hello(HOST)
    for size in (1, 2, 3, 5, 9, 43, 100):
        assert site.passed(whole, chunk=size) == whole
    for size in [*range(1, 12), 50, 51, 52, 100, len(whole) - 6]:
        cut = hellos.records(whole[5:], size)
        assert site.passed(cut) == cut
    # Split inside of the name itself, in a record and a segment of its own.
    at = whole.index(HOST.encode()) + 3
    for cut in (whole[:3] + struct.pack("!H", at - 5) + whole[5:at] + hellos.records(whole[at:]),):
        assert site.passed(cut, chunk=at) == cut


def test_E2_hellos_larger_than_a_segment(site):
    """Hellos with post-quantum key shares, and padded far beyond any record."""
    for data in (hellos.firefox(HOST),
                 *(hellos.hello(HOST, hellos.ext(hellos.PADDING, bytes(n)))
                   for n in (1500, 4096, 15000, 16384, 40000, 64000))):
        assert site.passed(data, chunk=1400) == data


@pytest.mark.parametrize("data", [
    b"\x16\x03\x01\x00\x10\x01\xff\xff\xff\x03\x03" + bytes(10),
    b"\x16\x03\x01\x00\x10\x01\x01\x00\x01\x03\x03" + bytes(10),
    b"\x16\x03\x01\xff\xff\x01", b"\x16\x03\x01\x40\x01\x01", b"\x16\x03\x01\x00\x00",
    b"\x80\x2e\x01\x03\x01", b"SSH-2.0-x\r\n", b"\x15\x03\x01\x00\x02\x01\x00"])
def test_E3_lying_lengths_are_refused_at_once(site, data):
    """Not when the announced bytes have come, nor when the time is over."""
    alert, why = ask_for(site.edge, data)
    assert alert == "decode_error" and why != "hello_timeout"


def test_E4_slow_hellos_meet_one_deadline(site):
    """A byte now and then buys no time; honest clients are served meanwhile."""
    data, begin = hellos.hello(HOST), time.monotonic()
    drips = [site.edge.connect() for _ in range(100)]
    open_ones = set(drips)
    for i in range(60):
        for sock in list(open_ones):
            try:
                sock.sendall(data[i:i + 1])
                sock.setblocking(False)
                if sock.recv(100):
                    open_ones.discard(sock)
            except BlockingIOError:
                sock.settimeout(5)
            except OSError:
                open_ones.discard(sock)
        if i % 10 == 0:
            started = time.monotonic()
            assert site.passed(data) == data
            assert time.monotonic() - started < 1
        if not open_ones:
            break
        time.sleep(0.05)
    assert not open_ones and time.monotonic() - begin < 5
    for sock in drips:
        sock.close()


def entry(name, kind=0):
    return bytes([kind]) + hellos.vec(2, name.encode())


@pytest.mark.parametrize("what, extensions", [
    ("two_names", [hellos.ext(0, hellos.vec(2, entry(HOST) + entry("other-443s." + BASE)))]),
    ("other_type_first", [hellos.ext(0, hellos.vec(2, entry("x", 1) + entry(HOST)))]),
    ("extension_twice", [hellos.server_name(HOST), hellos.server_name("other-443s." + BASE)]),
    ("byte_behind_the_list", [hellos.ext(0, hellos.vec(2, entry(HOST)) + b"x")]),
    ("byte_in_the_list", [hellos.ext(0, hellos.vec(2, entry(HOST) + b"\0"))]),
    ("list_shorter", [hellos.ext(0, struct.pack("!H", len(HOST)) + entry(HOST))]),
    ("name_shorter", [hellos.ext(0, hellos.vec(2, b"\0" + struct.pack("!H", 4) + HOST.encode()))]),
    ("unknown_twice", [hellos.server_name(HOST), hellos.ext(0x7777), hellos.ext(0x7777)]),
    ("empty_name", [hellos.ext(0, hellos.vec(2, entry("")))]),
])
def test_E5_two_readings_of_a_name_are_refused(site, what, extensions):
    data = hellos.records(hellos.message(hellos.body(extensions + hellos.MODERN)))
    assert site.alert(data) == "decode_error"
    assert not site.seen


def test_E5_servers_see_the_name_that_is_routed():
    """Thousands of hellos, before our reader and three stacks' servers."""
    done = run(ROOT / "tools/differential-hello", timeout=600)
    assert " 0 unexplained" in done.stdout


@pytest.mark.parametrize("name, want", [
    (HOST.upper(), "passed"), (HOST + ".", "passed"), (HOST.title() + ".", "passed"),
    (HOST + "..", "unrecognized_name"), ("." + HOST, "unrecognized_name"),
    (HOST.replace("hello", "he_llo"), "unrecognized_name"),
    ("xn--hllo-bpa-443s." + BASE, "unrecognized_name"),
    ("a.hello-443s." + BASE, "unrecognized_name"), (HOST + "x", "unrecognized_name"),
    ("127.0.0.1", "unrecognized_name"), ("::1", "unrecognized_name"), ("localhost", "unrecognized_name"),
    (HOST + "\0", "decode_error"), ("hello\0-443s." + BASE, "decode_error"),
    ("hällo-443s." + BASE, "decode_error"), ("hello-443s/" + BASE, "decode_error"),
    ("a" * 256, "decode_error"), ("a" * 64 + "." + BASE, "unrecognized_name"),
])
def test_E6_a_name_has_one_form(site, name, want):
    data = hellos.hello(name)
    if want == "passed":
        assert site.passed(data) == data
    else:
        assert site.alert(data) == want
        assert not site.seen


def test_E10_protocols_do_not_cross(site):
    """ALPACA: a client of one protocol is not talked to in another."""
    for protocols in (["ftp"], ["smtp"], ["imap"], ["h2"], ["acme-tls/1"]):
        data = hellos.hello(f"hello.{BASE}", hellos.alpn(*protocols))
        assert site.alert(data) == "no_application_protocol"
    # A browser at a port that speaks no HTTP.
    data = hellos.hello(f"hello-8080.{BASE}", hellos.alpn("h2", "http/1.1"))
    assert site.alert(data) == "no_application_protocol"
    assert not site.seen


def test_E11_conflicts_are_errors_not_defaults(site):
    """One label for two apps: nothing changes, rather than the last one wins."""
    lines = [f"alias twice {APP}", f"alias twice {OTHER_APP}"]
    done = run(site.edge.tool, site.edge.dir / "store", input="\n".join(lines) + "\n", check=False)
    assert done.returncode != 0
    assert site.alert(hellos.hello(f"twice-443s.{BASE}")) == "unrecognized_name"
    data = hellos.hello(HOST)
    assert site.passed(data) == data


def test_E12_second_hello_with_another_name(site):
    """After a HelloRetryRequest the name must be the one that was routed."""
    groups = hellos.ext(hellos.GROUPS, hellos.vec(2, b"\x00\x1d"))
    no_share = [groups, hellos.MODERN[1], hellos.ext(hellos.KEY_SHARE, b"\0\0"), hellos.TLS13]
    share = [groups] + hellos.MODERN[1:]

    def first(name, rest):
        return hellos.records(hellos.message(hellos.body([hellos.server_name(name)] + rest)))

    for second, want in ((f"hello.{BASE}", "handshake"), (f"hello-80.{BASE}", "alert"),
                         (f"other.{BASE}", "alert"), (None, "alert")):
        with site.edge.connect() as sock:
            sock.settimeout(5)
            sock.sendall(first(f"hello.{BASE}", no_share))
            head = sock.recv(5, socket.MSG_WAITALL)
            retry = sock.recv(struct.unpack("!H", head[3:])[0], socket.MSG_WAITALL)
            assert head[0] == 22 and retry[0] == 2
            names = [] if second is None else [hellos.server_name(second)]
            sock.sendall(hellos.records(hellos.message(hellos.body(names + share)), version=0x0303))
            got = b""
            while len(got) < 7 or (got[0] == 20 and len(got) < 6 + 7):
                part = sock.recv(4096)
                if not part:
                    break
                got += part
            if got[0] == 20:  # change_cipher_spec, for middle boxes
                got = got[6:]
            if want == "handshake":
                # The name of another port of the app is another name.
                assert got[0] == 22 and got[5] == 2
            else:
                assert got[0] == 21 and got[6] in (112, 47), got[:20]


def test_E13_ech_is_routed_by_its_outer_name(site):
    """What is encrypted is not looked into and not touched."""
    data = hellos.firefox(HOST)
    assert struct.pack("!H", hellos.ECH) in data
    assert site.passed(data) == data
    assert site.alert(hellos.firefox("inner.example")) == "unrecognized_name"


# -- where names lead ----------------------------------------------------------------

def test_E27_only_listed_ports(site):
    """Names for ports that the manifest does not list lead nowhere."""
    ports = [1, 21, 22, 25, 53, 111, 135, 444, 2375, 3306, 5432, 6379, 8090, 9100, 10250, 51820, 65535]
    for port in ports:
        for suffix in ("", "s", "g"):
            data = hellos.hello(f"hello-{port}{suffix}.{BASE}", hellos.alpn("h2"))
            assert site.alert(data) in ("unrecognized_name", "no_application_protocol")
    assert not site.seen


def test_E27_never_the_gateways_own_addresses(site):
    """Not even when the store says so: not the tunnel's own address, not loopback."""
    for name in ("self-8443s", "loop-8443s", "self-8022s", "loop-8022s",
                 "0d" * 20 + "-8443s", "3" * 40 + "-8443s"):
        assert site.alert(hellos.hello(f"{name}.{BASE}")) == "internal_error"
    for name in ("localhost-8443s", "127-8443s", "169-254-169-254-8443s", "gateway-8443s"):
        assert site.alert(hellos.hello(f"{name}.{BASE}")) == "unrecognized_name"
    time.sleep(0.1)
    assert not site.trap_seen


def test_E28_forged_answers_are_not_taken(site):
    """Answers that come first, with another id, or from another address."""
    name = "www.tenant-a.org"
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.bind((loopback(), site.dns.port))

    def forge(packet):
        for peer in list(peers):
            for i in range(1, 50):
                wrong_id = struct.pack("!H", struct.unpack("!H", packet[:2])[0] ^ i) + packet[2:]
                site.dns.sock.sendto(site.dns.build(wrong_id, 0, ["other:443"]), peer)
            stranger.sendto(site.dns.build(packet, 0, ["other:443"]), peer)
        return site.dns.build(packet, 0, ["hello:443"])

    peers = []
    genuine = site.dns.reply

    def remember(packet, peer):
        peers.append(peer)
        genuine(packet, peer)
    site.dns.reply = remember
    try:
        site.dns.records = {OWN + name: forge}
        assert site.passed(hellos.hello(name))[:1] == b"\x16"
    finally:
        site.dns.reply = genuine
        stranger.close()


def test_E28_a_time_to_live_is_bounded(site):
    """A record of a year is forgotten after ttl_max (5 s here), one of no time at
    all not asked for again and again."""
    site.dns.records = {OWN + "www.tenant-a.org": ["hello:443"]}
    for ttl in (365 * 86400, 0):
        site.dns.ttl = ttl
        time.sleep(5.2)
        assert ask(site.edge, hello("www.tenant-a.org"))[:1] == "\x16"
        site.dns.records[OWN + "www.tenant-a.org"] = ["other:443"]
        site.dns.asked.clear()
        for _ in range(5):
            assert site.passed(hellos.hello("www.tenant-a.org"))[:1] == b"\x16"
        assert not site.dns.asked
        time.sleep(5.2)
        assert site.alert(hellos.hello("www.tenant-a.org")) == "unrecognized_name"
        site.dns.records[OWN + "www.tenant-a.org"] = ["hello:443"]
    site.dns.ttl = 60


def test_E28_strangers_cannot_make_it_ask_without_end(site):
    """New names of one source are so many and no more; then it is not asked."""
    site.dns.records = {}
    site.dns.asked.clear()
    with_wait = time.monotonic()
    got = [site.alert(hellos.hello(f"n{i}.made-up.org")) for i in range(60)]
    budget = 20 + int(time.monotonic() - with_wait) + 1
    assert got[-1] == "internal_error"
    asked = {n.split("made-up")[0].rsplit(".", 2)[-2] for n in site.dns.asked if "made-up" in n}
    assert len([a for a in asked if a.startswith("n")]) <= budget
    assert "result=dns_limited" in site.edge.lines()
    time.sleep(2.1)  # for the tests behind this one


def test_D9_no_certificate_for_a_name_of_the_gateway(site):
    """TLS-ALPN-01 through passthrough, in every form of a name."""
    for name in (HOST, HOST.upper(), HOST + ".", f"hello-s.{BASE}", f"{APP}-443s.{BASE}",
                 f"{INSTANCE}-s.{BASE}", BASE, f"gateway.{BASE}", f"hello.{BASE}"):
        for protocols in (["acme-tls/1"], ["http/1.1", "acme-tls/1"]):
            data = hellos.hello(name, hellos.alpn(*protocols))
            if protocols[0] == "http/1.1" and "443" not in name and "-s" not in name:
                continue  # ends here, in HTTP
            assert site.alert(data) in ("no_application_protocol", "unrecognized_name")
    assert not site.seen
    # For a custom name it is its owner's business.
    site.dns.records = {OWN + "www.tenant-a.org": ["hello:443"]}
    time.sleep(5.2)
    data = hellos.hello("www.tenant-a.org", hellos.alpn("acme-tls/1"))
    assert site.passed(data) == data


LABEL = re.compile(r"^(?P<id>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)$")
SUFFIX = re.compile(r"^(?P<id>.+)-(?P<port>\d*)(?P<mode>[sg]*)$")


def reading(label):
    """(id, port, mode) of a label by the grammar of the design; None: refused."""
    ident, port, mode = label, "", ""
    match = SUFFIX.match(label)
    if match and (match["port"] or match["mode"]):
        ident, port, mode = match.groups()
        if len(mode) > 1 or (port and (port[0] == "0" or int(port) > 65535)):
            return None
        again = SUFFIX.match(ident)
        if again and (again["port"] or again["mode"]):
            return None
    if not LABEL.match(ident) or ident == "gateway":
        return None
    return ident, int(port or (443 if mode == "s" else 80)), mode


def test_D25_a_label_has_one_reading(site):
    """Labels made of the grammar's pieces in any order: the edge reads each as the
    design's grammar does, or refuses it as it does."""
    pieces = ["hello", "-443s", "-s", "-g", "-80", "-0443s", "-443", "s", "-443sg", "-", "-65536s", "-0s"]
    labels = {a + b + c for a in pieces for b in ["", *pieces] for c in ["", "-443s", "-s", "s"]}
    for label in sorted(labels):
        data = hellos.hello(f"{label}.{BASE}", hellos.alpn("h2", "http/1.1"))
        want, before = reading(label), len(site.seen)
        if want in (("hello", RAW, "s"), ("hello", HTTP, "s")):
            assert site.passed(data) == data, label
            continue
        if want and want[0] == "hello" and want[1] in (RAW, HTTP):
            continue  # ends here
        assert site.alert(data) in ("unrecognized_name", "no_application_protocol"), label
        assert len(site.seen) == before, label


def test_D27_a_domain_pointed_at_another_tenant(site):
    """The record is changed, or dangles: the app it points at must list the name."""
    site.dns.records = {OWN + "www.tenant-a.org": ["other:443"],
                        OWN + "www.tenant-b.org": ["hello:443"]}
    time.sleep(5.2)
    for name in ("www.tenant-a.org", "www.tenant-b.org"):
        assert ask_for(site.edge, hellos.hello(name)) == ("unrecognized_name", "domain_not_listed")
    assert not site.seen
