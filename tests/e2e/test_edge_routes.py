"""Where postern-edge sends a connection: custom names by the DNS, several
instances of an app, health checks, races, drains.

Goal: a name leads where its owner's record and the app's manifest both say, and
nowhere else; a connection reaches an instance that works as long as there is
one, without waiting for those that do not.
"""
import os
import re
import signal
import socket
import ssl
import threading
import time

import pytest

import hellos
from conftest import wait_for
from edge_dns import SERVFAIL, Knot, PlayedDns
from test_edge import ALERTS, APP, BASE, OTHER, Backend, Edge, loopback

INSTANCES = ["1111111111111111111111111111111111111111",
             "2222222222222222222222222222222222222222",
             "3333333333333333333333333333333333333333"]
PORT = 443
OWN, COMPAT, WILD = "_postern.", "_dstack-app-address.", "_dstack-app-address-wildcard."


class RoutedEdge(Edge):
    """With lines of its own at the end of the configuration, and one worker, whose loads and
    names are thus the only ones, unless told otherwise."""

    def __init__(self, bindir, extra="", workers=1, **settings):
        super().__init__(bindir, **settings)
        self.extra = f"workers: {workers}\n{extra}"

    def config(self, listen):
        path = super().config(listen)
        text = path.read_text().replace("timeouts: {", "timeouts: { race: 100ms,")
        path.write_text(text + self.extra)
        return path


def hello(name):
    """A ClientHello for a name, as OpenSSL sends it (by a client that stops)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    inb, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(inb, out, server_hostname=name)
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def ask(edge, name, timeout=15, peer=None):
    """What a connection for a name gets: the backend's first bytes, or the name of
    an alert.  'peer' gets the client's address as the log has it."""
    first = hello(name) if isinstance(name, str) else name
    with edge.connect() as sock:
        if peer is not None:
            peer.append("%s:%d" % sock.getsockname()[:2])
        sock.settimeout(timeout)
        sock.sendall(first)
        got = sock.recv(100)
    if len(got) == 7 and got[0] == 21:
        return ALERTS[got[6]]
    return got.decode("latin-1")


def says(word):
    """A backend that says a word and stays."""
    def handle(conn):
        conn.sendall(word.encode())
        conn.recv(65536)
        try:
            while conn.recv(65536):
                pass
        except OSError:
            pass
    return handle


def results(edge, peer="", after=0):
    """Of the log's connections from a place in it on, of one client or of all."""
    return [line.split("result=")[1].split()[0]
            for line in edge.lines()[after:].splitlines(keepends=True)
            if "event=connection" in line and f"peer={peer}" in line and line.endswith("\n")]


def ask_for(edge, name):
    """As ask(), and what the log says about it, where others' last words may still come; a client
    before may have had the same port."""
    peer, after = [], len(edge.lines())
    got = ask(edge, name, peer=peer)
    return got, wait_for(lambda: results(edge, peer[0] + " ", after), what="a line of the log")[-1]


# -- custom names -----------------------------------------------------------------

class Custom:
    """An edge whose names are played: one app that lists domains, one that does
    not, one that lists none."""

    def __init__(self, bindir, extra=""):
        self.dns = PlayedDns()
        self.edge = RoutedEdge(bindir, f"""\
dns: {{ servers: [ "127.0.0.1:{self.dns.port}" ], timeout: 2s, {extra} }}
""")
        self.address = loopback()
        self.backend = Backend((self.address, PORT), says("yes"))
        self.listed, self.open, self.closed = APP, "0a" * 20, "0b" * 20
        lines = []
        for i, app in enumerate((self.listed, self.open, self.closed)):
            address = self.address if i == 0 else loopback()
            if i:
                setattr(self, f"backend{i}", Backend((address, PORT), says("yes")))
            lines.append(f"lease {INSTANCES[i]} {app} {address} 3600 {PORT}:tls 80:http")
        lines += [f"app {self.listed} domain www.example.org domain *.shop.example.org",
                  f"app {self.open} check 9:3600", f"app {self.closed} domains",
                  f"alias shop {self.listed}", f"alias open {self.open}",
                  f"alias closed {self.closed}"]
        self.edge.fill(*lines)
        self.edge.start()

    def close(self):
        self.edge.stop()
        self.dns.close()
        for backend in (self.backend, self.backend1, self.backend2):
            backend.close()


@pytest.fixture(scope="module")
def custom(bindir):
    c = Custom(bindir)
    yield c
    c.close()


@pytest.mark.parametrize("name, records, want", [
    ("www.example.org", {OWN + "www.example.org": ["shop:443"]}, ("yes", "ok")),
    ("a.shop.example.org", {COMPAT + "a.shop.example.org": [f"{APP}:443"]}, ("yes", "ok")),
    ("b.shop.example.org", {WILD + "shop.example.org": [f"{INSTANCES[0]}:443"]}, ("yes", "ok")),
    ("any.example.com", {OWN + "any.example.com": ["open:443"]}, ("yes", "ok")),
    ("www2.example.org", {OWN + "www2.example.org": ["shop:443"]},
     ("unrecognized_name", "domain_not_listed")),
    ("x.example.net", {OWN + "x.example.net": ["closed:443"]},
     ("unrecognized_name", "domain_not_listed")),
    ("y.example.net", {OWN + "y.example.net": ["open:444"]},
     ("unrecognized_name", "port_not_listed")),
    ("z.example.net", {OWN + "z.example.net": ["nobody:443"]},
     ("unrecognized_name", "unknown_alias")),
    ("w.example.net", {OWN + "w.example.net": [f"{OTHER}:443"]},
     ("unrecognized_name", "domain_not_listed")),
    ("two.example.net", {OWN + "two.example.net": ["open:443", "shop:443"]},
     ("unrecognized_name", "domain_ambiguous")),
    ("both.example.net", {OWN + "both.example.net": ["open:443"],
                          COMPAT + "both.example.net": ["shop:443"]},
     ("unrecognized_name", "domain_ambiguous")),
    ("cut.example.net", {OWN + "cut.example.net": [["open:", "443"]]},
     ("unrecognized_name", "domain_malformed")),
    ("spf.example.net", {OWN + "spf.example.net": ["v=spf1 -all"]},
     ("unrecognized_name", "domain_malformed")),
    ("none.example.net", {}, ("unrecognized_name", "domain_unknown")),
])
def test_custom_names(custom, name, records, want):
    custom.dns.records = records
    assert ask_for(custom.edge, name) == want


def test_answers_are_kept_and_questions_shared(custom):
    name = "kept.example.net"
    slow = lambda packet: time.sleep(0.2) or custom.dns.build(packet, 0, ["open:443"])
    custom.dns.records = {OWN + name: slow}
    custom.dns.asked.clear()
    got = []
    threads = [threading.Thread(target=lambda: got.append(ask(custom.edge, name)))
               for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert got == ["yes"] * 8
    assert ask(custom.edge, name.upper() + ".") == "yes"
    # (The resolver asks again when an answer takes long; the eight clients do not.)
    assert custom.dns.asked.count(COMPAT + name) == 1
    # That there is nothing is kept, too.
    custom.dns.asked.clear()
    for _ in range(3):
        assert ask(custom.edge, "nil.example.net") == "unrecognized_name"
    assert len(custom.dns.asked) <= 3


def test_a_resolver_that_fails_or_is_silent_refuses_in_time(custom):
    custom.dns.records = {OWN + "bad.example.net": lambda p: custom.dns.build(p, SERVFAIL, []),
                          OWN + "mute.example.net": lambda p: None}
    assert ask_for(custom.edge, "bad.example.net") in [("internal_error", "dns_failed"),
                                                       ("internal_error", "dns_timeout")]
    begin = time.monotonic()
    assert ask_for(custom.edge, "mute.example.net") == ("internal_error", "dns_timeout")
    assert 1.8 < time.monotonic() - begin < 4
    # Others are served meanwhile and after.
    assert ask(custom.edge, "hello-443s." + BASE) == "unrecognized_name"
    assert ask(custom.edge, "shop-443s." + BASE) == "yes"


def test_clients_that_leave_while_a_name_is_asked_for(custom):
    custom.dns.records = {OWN + "left.example.net": lambda p: None}
    for _ in range(5):
        with custom.edge.connect() as sock:
            sock.sendall(hello("left.example.net"))
    with custom.edge.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.sendall(hello("left.example.net"))
    time.sleep(2.5)
    assert ask(custom.edge, "shop-443s." + BASE) == "yes"


def test_signed_zone_and_forged_answers(bindir):
    """With an anchor: signed answers count, others are forged."""
    zone = "example.org"
    knot = Knot(zone, [(OWN + "www", "open:443")])
    forger = PlayedDns({OWN + f"www.{zone}": ["open:443"]})
    app, address = "0a" * 20, loopback()
    backend = Backend((address, PORT), says("yes"))
    try:
        for server, want in ((knot, ("yes", "ok")), (forger, ("unrecognized_name", "dns_not_secure"))):
            edge = RoutedEdge(bindir, f"""\
dns: {{ servers: [ "127.0.0.1:{server.port}" ], anchor: {knot.anchor}, require_dnssec: true,
        timeout: 5s }}
""")
            edge.fill(f"lease {INSTANCES[0]} {app} {address} 3600 {PORT}:tls",
                      f"app {app} check 9:3600", f"alias open {app}")
            edge.start()
            try:
                assert ask_for(edge, f"www.{zone}") == want
            finally:
                edge.stop()
    finally:
        knot.close()
        forger.close()
        backend.close()


# -- no name -----------------------------------------------------------------------

def no_name_client(edge, host="x"):
    """A TLS client that sends no server_name: what a request for a host gets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(edge.connect()) as tls:
        tls.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        return tls.recv(100)


@pytest.mark.parametrize("default", ["shop-443s", "shop"])
def test_default_name(bindir, default):
    """For hellos without a name and for those with an address, passed through or
    ended here."""
    edge, address = RoutedEdge(bindir, f"default: {default}.{BASE}\n"), loopback()
    backends = [Backend((address, PORT), says("raw")), Backend((address, 80), says("HTTP/1.1 200 x"))]
    edge.fill(f"lease {INSTANCES[0]} {APP} {address} 3600 {PORT}:tls 80:http", f"alias shop {APP}")
    edge.start()
    try:
        if default == "shop":
            assert no_name_client(edge, f"shop.{BASE}") == b"HTTP/1.1 200 x"
            # Where requests are read they must be for the name that stood in.
            assert no_name_client(edge, address).startswith(b"HTTP/1.1 421")
        for name in (None, "192.0.2.1", "2001:db8::1"):
            data = hellos.hello(name)
            got = ask(edge, data)
            assert got == "raw" if default == "shop-443s" else got[0] == "\x16"
        assert ask(edge, hellos.hello("nobody." + BASE)) == "unrecognized_name"
        assert ask(edge, hellos.hello("192.0.2.1.")) == "unrecognized_name"
    finally:
        edge.stop()
        for b in backends:
            b.close()


# -- several instances --------------------------------------------------------------

class Fleet:
    """One app with three instances, each saying its number."""

    def __init__(self, bindir, ports=f"{PORT}:tls", app="", handlers=None, at=None, **settings):
        self.edge = RoutedEdge(bindir, **settings)
        self.addresses = [loopback() for _ in INSTANCES]
        handlers = handlers or [says(str(i)) for i in range(len(INSTANCES))]
        self.backends = [Backend((a, PORT), h) for a, h in zip(self.addresses, handlers)]
        lines = [f"lease {n} {APP} {a} 3600 {ports}" for n, a in zip(INSTANCES, self.addresses)]
        self.edge.fill(*lines, f"alias shop {APP}", f"app {APP} {app}")
        self.plugs = []
        if at:
            self.edge.listen(at)
        else:
            self.edge.start()

    def ask(self):
        return ask(self.edge, "shop-443s." + BASE)

    def stop(self, i):
        self.backends[i].close()

    def plug(self, i):
        """Makes an instance drop what comes: its queue is full and nobody accepts."""
        self.stop(i)
        self.backends[i] = Backend((self.addresses[i], PORT), None, backlog=0)
        for _ in range(3):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex((self.addresses[i], PORT))
            self.plugs.append(sock)

    def close(self):
        self.edge.stop()
        for b in self.backends + self.plugs:
            b.close()


@pytest.fixture
def fleet(bindir):
    f = Fleet(bindir)
    yield f
    f.close()


def test_the_least_loaded_is_next(fleet):
    held = []
    for _ in range(9):
        sock = fleet.edge.connect()
        sock.sendall(hello("shop-443s." + BASE))
        held.append((sock.recv(1).decode(), sock))
    assert sorted(word for word, _ in held) == sorted("012" * 3)
    # Those of instance 1 end: the next three go there.
    before = len(results(fleet.edge))
    for word, sock in held:
        if word == "1":
            sock.close()
    wait_for(lambda: len(results(fleet.edge)) >= before + 3, what="the ends")
    again = []
    for _ in range(3):
        sock = fleet.edge.connect()
        sock.sendall(hello("shop-443s." + BASE))
        again.append((sock.recv(1).decode(), sock))
    assert [word for word, _ in again] == ["1"] * 3
    for _, sock in held + again:
        sock.close()


def test_one_that_refuses_is_passed_over_then_left_out(fleet):
    fleet.stop(0)
    assert all(fleet.ask() in "12" for _ in range(12))
    # It is back, but its time is not over: five seconds from the third refusal.
    fleet.backends[0] = Backend((fleet.addresses[0], PORT), says("0"))
    assert all(fleet.ask() in "12" for _ in range(6))
    wait_for(lambda: fleet.ask() == "0", timeout=8, what="the instance to be used again")


def test_silence_is_raced(bindir):
    """Two of three swallow connections: each still answers in the time of two
    starts, and soon without any wait."""
    fleet = Fleet(bindir, connect="10s")
    try:
        fleet.plug(0)
        fleet.plug(1)
        begin = time.monotonic()
        assert fleet.ask() == "2"
        assert time.monotonic() - begin < 0.38  # of the ten seconds of one connect timeout
        for _ in range(6):
            assert fleet.ask() == "2"
    finally:
        fleet.close()


def test_all_gone_is_an_error_in_time(fleet):
    for i in range(3):
        fleet.stop(i)
    assert ask_for(fleet.edge, "shop-443s." + BASE) == ("internal_error", "connect_refused")
    for i in range(3):
        fleet.plug(i)
    begin = time.monotonic()
    assert ask_for(fleet.edge, "shop-443s." + BASE) == ("internal_error", "connect_timeout")
    assert time.monotonic() - begin < 1.5
    assert fleet.edge.files() < 40


def test_a_drained_instance_keeps_what_it_has(fleet):
    held = [fleet.edge.connect() for _ in range(3)]
    for sock in held:
        sock.sendall(hello("shop-443s." + BASE))
    words = [sock.recv(1).decode() for sock in held]
    assert sorted(words) == ["0", "1", "2"]
    fleet.edge.fill(f"drain {INSTANCES[1]}")
    assert all(fleet.ask() in "02" for _ in range(9))
    sock = held[words.index("1")]
    sock.sendall(b"still there")
    sock.settimeout(0.2)
    with pytest.raises(TimeoutError):
        sock.recv(1)  # neither an end nor a reset
    fleet.edge.fill(f"drain {INSTANCES[0]}", f"drain {INSTANCES[2]}")
    assert ask_for(fleet.edge, "shop-443s." + BASE) == ("internal_error", "no_instance")
    fleet.edge.fill(f"undrain {INSTANCES[1]}")
    assert fleet.ask() == "1"
    for s in held:
        s.close()


# -- health checks ------------------------------------------------------------------

def health_lines(edge):
    return [line for line in edge.lines().splitlines() if "event=health" in line]


def are_up(edge):
    """Which ports of which instances the last word of is that they work."""
    last = {}
    for line in health_lines(edge):
        about, state = re.search(r"(instance=\w+ port=\d+) state=(\w+)", line).groups()
        last[about] = state
    return {about for about, state in last.items() if state == "up"}


def test_tcp_and_http_checks(bindir):
    """A port that stops working gets nothing although it accepts; the check's
    path and status count."""
    asked, status = [], ["200 OK"] * 3

    def handler(i):
        def handle(conn):
            head = conn.recv(4096)
            asked.append(head)
            conn.sendall(f"HTTP/1.1 {status[i]}\r\nContent-Length: 0\r\n\r\n".encode())
        return handle

    fleet = Fleet(bindir, ports=f"{PORT}:tls 8080:http", app="check 443:1 check 8080:1:/ready?x=1")
    checks = [Backend((a, 8080), handler(i)) for i, a in enumerate(fleet.addresses)]
    edge = fleet.edge
    try:
        # The edge may have asked before the ports of this test were there.
        wait_for(lambda: len(are_up(edge)) == 6, what="the first verdicts")
        before = len(health_lines(edge))
        assert b"GET /ready?x=1 HTTP/1.1\r\n" in asked[0]
        status[1] = "500 Broken"
        wait_for(lambda: any(f"instance={INSTANCES[1]} port=8080 state=down" in line
                             for line in health_lines(edge)), what="port 8080 to be down")
        # Port 443 of the same instance is not.
        assert sorted({fleet.ask() for _ in range(9)}) == ["0", "1", "2"]
        fleet.stop(2)
        wait_for(lambda: any(f"instance={INSTANCES[2]} port=443 state=down" in line
                             for line in health_lines(edge)), what="port 443 to be down")
        assert {fleet.ask() for _ in range(9)} == {"0", "1"}
        status[1] = "204 No Content"
        wait_for(lambda: any(f"instance={INSTANCES[1]} port=8080 state=up" in line
                             for line in health_lines(edge)[before:]), what="port 8080 to be up")
        # A lease that ends takes its verdict with it.
        edge.fill(f"remove {INSTANCES[2]}")
        time.sleep(1.5)
        assert not any(INSTANCES[2] in line and "state=up" in line
                       for line in health_lines(edge)[before:])
    finally:
        fleet.close()
        for c in checks:
            c.close()


def test_verdicts_are_everybodys_and_outlive_their_maker(bindir):
    """One worker checks, all heed it, and its successor goes on from there."""
    def handler(i):
        def handle(conn):
            head = conn.recv(65536)
            if not head.startswith(b"GET "):
                conn.sendall(str(i).encode())
                return
            status = "500 Broken" if i == 2 else "200 OK"
            conn.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())
        return handle

    fleet = Fleet(bindir, app=f"check {PORT}:1:/", handlers=[handler(i) for i in range(3)],
                  workers=2, at=loopback())
    edge = fleet.edge

    def down():
        return [line for line in health_lines(edge) if "state=down" in line]

    try:
        wait_for(lambda: len(health_lines(edge)) >= 3, what="the first verdicts")
        assert len(down()) == 1 and INSTANCES[2] in down()[0]
        time.sleep(0.2)
        checker, other = edge.workers()
        # A thread of its own makes the verdicts, in one of them.
        assert [len(os.listdir(f"/proc/{p}/task")) for p in (checker, other)] == [2, 1]
        # The kernel spreads these over both.
        assert {fleet.ask() for _ in range(40)} == {"0", "1"}
        os.kill(checker, signal.SIGKILL)
        wait_for(lambda: len(edge.workers()) == 2 and checker not in edge.workers(),
                 what="the next worker")
        assert {fleet.ask() for _ in range(40)} == {"0", "1"}
        time.sleep(2.5)
        assert {fleet.ask() for _ in range(40)} == {"0", "1"}
        assert len(down()) == 1  # it knew, and found nothing new
        assert any("state=up" in line for line in health_lines(edge)[3:])  # it does check
    finally:
        fleet.close()


def test_when_all_fail_their_checks_all_are_used(bindir):
    fleet = Fleet(bindir, ports=f"{PORT}:tls 8080:http", app=f"check {PORT}:1:/")
    try:
        # They say their number, which is no HTTP.
        wait_for(lambda: len(health_lines(fleet.edge)) >= 3, what="the first verdicts")
        assert all("state=down" in line for line in health_lines(fleet.edge))
        time.sleep(0.2)
        assert {fleet.ask() for _ in range(9)} == {"0", "1", "2"}
    finally:
        fleet.close()
