"""postern-edge without TLS, at http.listen: one strict request a connection, a CA's http-01 question
answered from memory, everybody else sent to https; nothing is ever passed on.

Goal: what is served and what is refused, over the wire; reloads and upgrades keep the listener; a
real CA (pebble) validates a name by http-01 through it.
"""
import re
import socket
import subprocess
import time

import pytest

from cert_node import Node
from conftest import accepts, wait_for
from test_cert_edge import Gateway
from test_edge import APP, BASE, INSTANCE, Edge, loopback
from test_edge_cert import Keys, no_files
from test_edge_http import Http1
from test_edge_load import ask, look

PLAIN, CUSTOM = 8080, "www.custom.test"
PATH = "/.well-known/acme-challenge/"
TOKEN, VALUE = "tok-en_1", "tok-en_1.thumbprint"


class World:
    pass


@pytest.fixture(scope="module")
def world(bindir):
    w = World()
    w.address = loopback()
    w.edge = Edge(bindir)
    w.keys = Keys(w.edge.dir / "keys.sock")
    w.edge.sock = w.edge.dir / "admin.sock"
    w.edge.settings["more"] = f"""
http: {{ listen: [ "{w.address}:{PLAIN}" ], port: 9443 }}
workers: 2
admin: {w.edge.sock}
cert: {{ keys: {w.keys.path} }}
backends:
  - {{ names: [ {CUSTOM}, other.custom.test ], to: "{w.address}:81" }}
"""
    no_files(w)
    w.http = Http1((w.address, 80))
    w.edge.fill(f"lease {INSTANCE} {APP} {w.address} 3600 80:http 443:tls", f"alias hello {APP}")
    w.keys.issue(w.edge.dir, "issued", f"*.{BASE}", CUSTOM)
    document = w.keys.document

    def with_answers():
        return document()[:-1] + b', "answers": [%s]}' % ", ".join(
            '{"name": "%s", "token": "%s", "value": "%s"}' % (name, TOKEN, VALUE)
            for name in (f"gateway.{BASE}", "fresh.test")).encode()
    w.keys.document = with_answers
    w.keys.start()
    w.edge.start()
    yield w
    w.http.backend.close()
    w.keys.stop()
    w.edge.stop()


def say(world, data, end=True):
    """What comes back for these bytes, all of it."""
    with socket.create_connection((world.address, PLAIN), 10) as sock:
        sock.sendall(data)
        if end:
            sock.shutdown(socket.SHUT_WR)
        got = b""
        while True:
            part = sock.recv(65536)
            if not part:
                return got.decode()
            got += part


def get(host, target="/", method="GET", version="1.1", more=""):
    return f"{method} {target} HTTP/{version}\r\nHost: {host}\r\n{more}\r\n".encode()


def host(label):
    return f"{label}.{BASE}"


SENT_ON = [
    (host("hello"), "/a?b=c", {}), (host("hello-443s"), "/", {}), ("gateway." + BASE, "/", {}),
    (CUSTOM, "/x%20y", {}), (CUSTOM.upper() + ".", "/", {}), (host("hello") + ":8080", "/", {}),
    (host("hello"), "/", {"method": "POST", "more": "Content-Length: 5\r\n"}),
    (host("hello"), "/", {"version": "1.0"}), (host("hello"), "/.well-known/acme-challenges/x", {}),
    (host("hello"), "/.WELL-KNOWN/acme-challenge/x", {}), (CUSTOM, "//evil.test/", {}),
]


@pytest.mark.parametrize("name,target,more", SENT_ON, ids=[f"{n}{t}" for n, t, _ in SENT_ON])
def test_sent_on_to_https_of_the_same(world, name, target, more):
    said = say(world, get(name, target, **more))
    plain = name.lower().rstrip(".").split(":")[0]
    assert said.startswith("HTTP/1.1 308 ")
    assert re.search(r"\r\nLocation: (.*)\r\n", said)[1] == f"https://{plain}:9443{target}"
    assert "\r\nConnection: close\r\n" in said and said.endswith("\r\n\r\n")


REFUSED = [
    ("no_certificate_yet", get("other.custom.test"), 421),
    ("nobodys_name", get("evil.test"), 421),
    ("the_base", get(BASE), 421),
    ("no_reading_of_the_label", get(host("hello-0")), 421),
    ("an_address", get("127.0.0.1"), 421),
    ("fresh_name_has_answers_alone", get("fresh.test"), 421),
    ("no_host", b"GET / HTTP/1.1\r\n\r\n", 400),
    ("no_host_in_1.0", b"GET / HTTP/1.0\r\n\r\n", 421),
    ("two_hosts", get(host("hello"), more=f"Host: {host('hello')}\r\n"), 400),
    ("host_with_user", get(f"x@{host('hello')}"), 400),
    ("host_is_a_list", get(f"{host('hello')}, evil.test"), 400),
    ("other_absolute_target", get(host("hello"), "http://evil.test/"), 400),
    ("absolute_target", get(host("hello"), f"http://{host('hello')}/"), 400),
    ("asterisk", get(host("hello"), "*", method="OPTIONS"), 400),
    ("connect", get(host("hello"), "hello.test:443", method="CONNECT"), 501),
    ("bare_lf", get(host("hello")).replace(b"\r\n", b"\n"), 400),
    ("cr_in_target", get(host("hello"), "/\rLocation: x"), 400),
    ("space_in_target", get(host("hello"), "/a b"), 400),
    ("folded", get(host("hello"), more=" x\r\n"), 400),
    ("length_and_coding", get(host("hello"), more="Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400),
    ("http_2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ("tls", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ("large", get(host("hello"), more=f"X: {'x' * 9000}\r\n"), 431),
    ("long_target", get(host("hello"), "/" + "x" * 9000), 431),
    ("cut", b"GET / HTTP/1.1\r\nHost: ", 400),
    ("D10_unknown_token", get("fresh.test", PATH + "other"), 404),
    ("D10_token_of_another_name", get(CUSTOM, PATH + TOKEN), 404),
    ("no_token", get("fresh.test", PATH), 404),
    ("token_and_more", get("fresh.test", PATH + TOKEN + "?x"), 404),
    ("challenge_posted", get("fresh.test", PATH + TOKEN, method="POST"), 405),
]


@pytest.mark.parametrize("data,status", [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_refused(world, data, status):
    said = say(world, data)
    assert said.startswith(f"HTTP/1.1 {status} "), said[:200]
    assert "Location" not in said and "\r\nPostern-Reason: " in said


@pytest.mark.parametrize("name", ["fresh.test", "gateway." + BASE])
def test_D10_challenge_is_answered(world, name):
    said = say(world, get(name, PATH + TOKEN))
    head, body = said.split("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 ") and body == VALUE
    said = say(world, get(name, PATH + TOKEN, method="HEAD"))
    assert said.startswith("HTTP/1.1 200 ") and said.endswith("\r\n\r\n")
    assert f"Content-Length: {len(VALUE)}" in said


def test_one_request_and_nothing_is_passed_on(world):
    before = len(world.http.seen)
    evil = get(host("hello"), "/evil") * 3
    said = say(world, get(host("hello"), "/first", method="POST", more=f"Content-Length: {len(evil)}\r\n") + evil)
    assert said.count("HTTP/1.1 ") == 1 and "/first" in said
    said = say(world, get("fresh.test", PATH + TOKEN) + get(host("hello"), "/evidences/quote.json"))
    assert said.count("HTTP/1.1 ") == 1 and said.endswith(VALUE)
    assert len(world.http.seen) == before


def test_byte_by_byte_and_late(world):
    with socket.create_connection((world.address, PLAIN), 10) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in get("fresh.test", PATH + TOKEN):
            sock.sendall(bytes([byte]))
        assert sock.recv(1000).startswith(b"HTTP/1.1 200 ")
    began = time.monotonic()
    said = say(world, b"GET / HTTP/1.1\r\n", end=False)
    assert said.startswith("HTTP/1.1 408 ") and 0.5 < time.monotonic() - began < 3


def test_logged_and_counted(world):
    say(world, get(CUSTOM))
    wait_for(lambda: re.search(rf"name={CUSTOM} mode=plain .*result=http_redirect", world.edge.lines()),
             what="the line in the log")
    wait_for(lambda: look(world.edge, "/v1/status")["connections"] == 0, what="it to be forgotten")


def test_survives_reload_and_upgrade(world):
    assert ask(world.edge, "POST", "/v1/reload")[0] == 200
    assert say(world, get(CUSTOM)).startswith("HTTP/1.1 308 ")
    before = look(world.edge, "/v1/status")["pid"]
    count = world.edge.lines().count("event=ready")
    status, body = ask(world.edge, "POST", "/v1/upgrade")
    assert status in (200, 202), body
    # Every answer on the way is a good one: the socket is handed over.
    for _ in range(40):
        assert say(world, get("fresh.test", PATH + TOKEN)).startswith("HTTP/1.1 200 ")
        time.sleep(0.05)
    wait_for(lambda: world.edge.lines().count("event=ready") > count, what="the next version")
    wait_for(lambda: accepts(world.edge.sock), what="its socket")
    assert look(world.edge, "/v1/status")["pid"] != before


# -- with a CA -----------------------------------------------------------------

@pytest.fixture(scope="module")
def zt_settings():
    return {"ca_flags": ("--caa-identity", "ca.test", "--http01-port", str(PLAIN)), "zones": ("example.test",)}


def test_pebble_validates_by_http_01(bindir, zt_world, tmp_path):
    name = "gateway.edge.example.test"
    zt_world.records.set(name, "A", "127.0.0.1")
    g = Gateway(bindir, zt_world, tmp_path)
    g.node = Node(bindir, zt_world, tmp_path / "http", [name], challenges="http-01", more=f"edge: {g.admin}")
    path = tmp_path / "edge.yaml"
    path.write_text(re.sub(r"cert: .*", f"cert: {{ keys: {g.node.keys}, public: {g.node.public} }}\n"
                           f'http: {{ listen: [ "127.0.0.1:{PLAIN}" ] }}', path.read_text()))
    g.start_edge()
    try:
        g.node.start()
        g.node.wait_certificate()
        assert zt_world.issued(name)
        assert "result=http_challenge" in g.lines()
        assert [r for r in zt_world.records.get(name, "CAA") if "validationmethods=http-01" in r]
        wait_for(lambda: "answers" in g.node.tls() and g.node.tls()["answers"] == [], what="the answer to be gone")
        said = subprocess.run(zt_world.argv("curl", "-si", "-H", f"Host: {name}", f"http://127.0.0.1:{PLAIN}/x"),
                              stdout=subprocess.PIPE, text=True, check=True).stdout
        assert f"Location: https://{name}/x" in said
    finally:
        g.node.close()


def test_http_01_without_an_edge_says_so(bindir, zt_world, tmp_path):
    node = Node(bindir, zt_world, tmp_path / "n", ["alone.example.test"], challenges="http-01",
                more="caa: { pin: false }")
    node.start()
    try:
        assert "http-01 takes an edge" in node.wait_alarm("no_certificate")["text"] + node.log()
    finally:
        node.close()
