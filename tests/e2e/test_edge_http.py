"""What postern-edge sees to in HTTP, and whom it says a connection is from.

Goal: no request reaches an app that it was not for, or that two servers could
read in two ways; nobody but the edge says who the client is; and all that HTTP
may do still works through it: keep-alive, pipelining, upgrades, bodies of any
size, half-closed streams.  Names that begin with a letter and a number (E7) are
those of attacks in docs/THREATS.md.
"""
import concurrent.futures
import hashlib
import os
import re
import socket
import struct
import threading
import time

import grpc
import h2.config
import h2.connection
import h2.events
import pytest

from conftest import run, wait_for
from test_edge import APP, BASE, INSTANCE, Backend, Edge, Tls, loopback, read_all

PLAIN, FORWARDED, ANY, H2, H2F, V1, V2, TCP = 80, 81, 82, 50051, 50052, 7001, 7002, 7003
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
V2_SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
BODY_LEN = (1 << 30) if os.environ.get("POSTERN_LONG") == "1" else (64 << 20)


def name(port=None, suffix="", app="hello"):
    return f"{app}-{port}{suffix}.{BASE}" if port else f"{app}.{BASE}"


class Http1:
    """A server of HTTP/1.1 that keeps every byte it was sent."""

    def __init__(self, address):
        self.seen, self.lock = b"", threading.Lock()
        self.silent, self.connections = False, 0
        self.backend = Backend(address, self.serve)

    def note(self, data):
        with self.lock:
            self.seen += data

    def serve(self, conn):
        self.connections += 1
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                part = conn.recv(262144)
                if not part:
                    return
                self.note(part)
                buffer += part
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            buffer = self.answer(conn, head.decode("latin-1"), buffer)
            if buffer is None:
                return

    def answer(self, conn, head, rest):
        if self.silent:
            return rest
        lowered = head.lower()
        target = head.split()[1]
        if "upgrade: websocket" in lowered and target == "/ws":
            conn.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
                         b"Upgrade: websocket\r\n\r\n")
            conn.sendall(rest)
            while True:
                part = conn.recv(65536)
                if not part:
                    return None
                conn.sendall(part)
        if "expect: 100-continue" in lowered:
            conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = re.search(r"content-length: (\d+)", lowered)
        digest, left = hashlib.sha256(), int(length[1]) if length else 0
        while left:
            part = rest[:left] or conn.recv(262144)
            rest = rest[len(part):] if rest else b""
            digest.update(part)
            left -= len(part)
        if target.startswith("/get/"):
            count = int(target[5:])
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % count)
            for _ in range(count >> 20):
                conn.sendall(b"d" * (1 << 20))
            return rest
        body = head.encode() if target == "/head" else digest.hexdigest().encode()
        start = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        conn.sendall(start if head.startswith("HEAD") else start + body)
        return rest


class Http2:
    """A server of HTTP/2 that answers each stream with the fields it got."""

    def __init__(self, address):
        self.paths = []
        self.backend = Backend(address, self.serve)

    def serve(self, conn):
        c = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False,
                                                                 header_encoding="utf-8"))
        c.initiate_connection()
        conn.sendall(c.data_to_send())
        fields, sizes = {}, {}
        while True:
            data = conn.recv(65536)
            if not data:
                return
            for event in c.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    fields[event.stream_id], sizes[event.stream_id] = event.headers, 0
                    self.paths.append(dict(event.headers)[":path"])
                elif isinstance(event, h2.events.DataReceived):
                    sizes[event.stream_id] += len(event.data)
                    c.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    text = "".join(f"{k}={v}\n" for k, v in fields[event.stream_id])
                    text += f"size={sizes[event.stream_id]}\n"
                    c.send_headers(event.stream_id, [(":status", "200")])
                    c.send_data(event.stream_id, text.encode(), end_stream=True)
            conn.sendall(c.data_to_send())


class World:
    pass


@pytest.fixture(scope="module")
def world(bindir):
    w = World()
    w.address = loopback()
    w.edge = Edge(bindir)
    w.http = Http1((w.address, PLAIN))
    w.forwarded = Http1((w.address, FORWARDED))
    w.any = Http1((w.address, ANY))
    w.h2, w.h2f = Http2((w.address, H2)), Http2((w.address, H2F))
    w.tcp = [Backend((w.address, p), lambda conn: conn.sendall(read_all(conn)))
             for p in (V1, V2, TCP)]
    w.edge.fill(f"lease {INSTANCE} {APP} {w.address} 3600 {PLAIN}:http {FORWARDED}:http:forwarded "
                f"{ANY}:http:any {H2}:h2 {H2F}:h2:forwarded {V1}:http:pp1 {V2}:tcp:pp {TCP}:tcp",
                f"alias hello {APP}")
    w.edge.start()
    yield w
    for server in (w.http, w.forwarded, w.any, w.h2, w.h2f):
        server.backend.close()
    for backend in w.tcp:
        backend.close()
    w.edge.stop()


def open_http(world, port=PLAIN):
    return Tls(world.edge, name(port), ["http/1.1"])


def response(tls, buffer=b"", is_head=False):
    """One response: its status, head and body, and what came behind it."""
    while b"\r\n\r\n" not in buffer:
        part = tls.recv()
        assert part, buffer
        buffer += part
    head, _, buffer = buffer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    want = 0 if is_head or not length else int(length[1])
    while len(buffer) < want:
        part = tls.recv()
        assert part
        buffer += part
    return int(head.split()[1]), head.decode(), buffer[:want], buffer[want:]


def get(tls, host, target="/", extra=""):
    tls.send(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n{extra}\r\n".encode())
    return response(tls)[:3]


def wait_result(world, want, before):
    wait_for(lambda: f"result={want} " in world.edge.lines()[before:],
             what=f"result={want} in\n{world.edge.lines()[before:]}")


# -- requests that are refused ----------------------------------------------------

OK = f"Host: {name(PLAIN)}\r\n"
REFUSED = [
    ("E7_another_host", "GET /x HTTP/1.1\r\nHost: other.postern.localhost\r\n\r\n", 421, "misdirected"),
    ("E7_absolute_target_of_another", "GET http://other.test/x HTTP/1.1\r\nHost: other.test\r\n\r\n",
     421, "misdirected"),
    ("E7_host_twice", f"GET /x HTTP/1.1\r\n{OK}Host: other.test\r\n\r\n", 400, "host"),
    ("E7_no_host", "GET /x HTTP/1.1\r\n\r\n", 400, "host"),
    ("F1_length_and_chunked", f"POST /x HTTP/1.1\r\n{OK}Content-Length: 4\r\n"
     "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "length_and_coding"),
    ("F1_chunked_and_length", f"POST /x HTTP/1.1\r\n{OK}Transfer-Encoding: chunked\r\n"
     "Content-Length: 4\r\n\r\n5c\r\nGPOST / HTTP/1.1\r\n\r\n0\r\n\r\n", 400, "length_and_coding"),
    ("F1_two_lengths", f"POST /x HTTP/1.1\r\n{OK}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
     400, "length"),
    ("F1_length_with_sign", f"POST /x HTTP/1.1\r\n{OK}Content-Length: +4\r\n\r\nabcd", 400, "length"),
    ("F1_coding_hidden", f"POST /x HTTP/1.1\r\n{OK}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
     501, "coding_unknown"),
    ("F1_coding_twice", f"POST /x HTTP/1.1\r\n{OK}Transfer-Encoding: chunked\r\n"
     "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400, "coding"),
    ("F1_coding_in_http10", f"POST /x HTTP/1.0\r\n{OK}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400, "coding"),
    ("F1_space_before_colon", f"POST /x HTTP/1.1\r\n{OK}Content-Length : 4\r\n\r\nabcd", 400, "field"),
    ("F3_empty_name", f"GET /x HTTP/1.1\r\n{OK}: a\r\nContent-Length: 0\r\n\r\n", 400, "field"),
    ("F3_empty_name_hides_a_host", f"GET /x HTTP/1.1\r\n: a\r\nHost: other.test\r\n{OK}\r\n", 400, "field"),
    ("F3_line_without_a_colon", f"GET /x HTTP/1.1\r\n{OK}Content-Length\r\n\r\n", 400, "field"),
    ("F8_bare_lf", f"GET /x HTTP/1.1\n{OK}\r\n", 400, "bare_lf"),
    ("F8_folded_line", f"GET /x HTTP/1.1\r\n{OK}X: a\r\n b: c\r\n\r\n", 400, "field"),
    ("F8_cr_in_value", f"GET /x HTTP/1.1\r\n{OK}X: a\rb\r\n\r\n", 400, "field"),
    ("F8_nul_in_value", f"GET /x HTTP/1.1\r\n{OK}X: a\0b\r\n\r\n", 400, "field"),
    ("F7_upgrade_to_h2c", f"GET /x HTTP/1.1\r\n{OK}Connection: Upgrade, HTTP2-Settings\r\n"
     "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", 400, "connection"),
    ("F7_upgrade_to_h2c_alone", f"GET /x HTTP/1.1\r\n{OK}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
     400, "upgrade"),
    ("F7_upgrade_with_body", f"POST /x HTTP/1.1\r\n{OK}Connection: upgrade\r\nUpgrade: websocket\r\n"
     "Content-Length: 4\r\n\r\nabcd", 400, "upgrade"),
    ("F7_h2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version"),
    ("connect", "CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n", 501, "connect"),
    ("target_long", f"GET /{'x' * 20000} HTTP/1.1\r\n{OK}\r\n", 414, "target_long"),
    ("head_long", f"GET /x HTTP/1.1\r\n{OK}X: {'x' * 40000}\r\n\r\n", 431, "head_long"),
    ("fields_many", f"GET /x HTTP/1.1\r\n{OK}" + "X: y\r\n" * 140 + "\r\n",
     431, "fields_many"),
    ("F11_connection_names_host", f"GET /x HTTP/1.1\r\n{OK}Connection: host\r\n\r\n", 400, "connection"),
]


@pytest.mark.parametrize("text,status,reason", [row[1:] for row in REFUSED],
                         ids=[row[0] for row in REFUSED])
@pytest.mark.parametrize("is_first", [True, False], ids=["first", "later"])
def test_request_is_refused_and_unseen(world, text, status, reason, is_first):
    tls, before = open_http(world), len(world.edge.lines())
    if not is_first:
        assert get(tls, name(PLAIN))[0] == 200
    seen, connections = len(world.http.seen), world.http.connections
    tls.send(text.encode("latin-1"))
    got, head, body, _ = response(tls)
    assert got == status and "Connection: close" in head and body
    assert f"Postern-Reason: http_{reason}\r\n" in head + "\r\n"
    assert tls.recv_all() == b""
    tls.close()
    wait_result(world, "http_" + reason, before)
    assert len(world.http.seen) == seen and world.http.connections == connections


@pytest.mark.parametrize("text", [
    "5;a=b\r\nhello\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n",
    "5\r\nhelloXX0\r\n\r\n", "fffffffffffffffff\r\nhello\r\n",
    "5\r\nhello\r\n0\r\nHost: other.test\r\n\r\n"],
    ids=["F1_extension", "F8_bare_lf_in_chunk", "F1_hex_prefix", "F1_no_end_of_chunk", "F1_overflow",
         "F12_trailer"])
def test_chunks_that_could_be_read_otherwise_end_it(world, text):
    """What is right of a body was sent; nothing behind what is wrong is."""
    world.http.silent = True
    try:
        tls, before = open_http(world), len(world.edge.lines())
        tls.send(f"POST /x HTTP/1.1\r\n{OK}Transfer-Encoding: chunked\r\n\r\n{text}".encode() +
                 f"GET /smuggled HTTP/1.1\r\n{OK}\r\n".encode())
        with pytest.raises(Exception):  # cut off: no close_notify
            while tls.recv():
                pass
            raise EOFError
        tls.close()
        wait_result(world, "http_chunk", before)
        assert b"smuggled" not in world.http.seen
    finally:
        world.http.silent = False


def test_refused_behind_one_that_waits_ends_without_an_answer(world):
    """F1: an answer of ours would be taken for that of the request before."""
    tls, before = open_http(world), len(world.edge.lines())
    world.http.silent = True
    try:
        tls.send(f"GET /x HTTP/1.1\r\n{OK}\r\n".encode())
        time.sleep(0.2)
        tls.send(b"GET /smuggled HTTP/1.1\r\nHost: other.test\r\n\r\n")
        with pytest.raises(Exception):
            assert tls.recv() == b"answered"
        wait_result(world, "http_misdirected", before)
        assert b"smuggled" not in world.http.seen
    finally:
        world.http.silent = False
        tls.close()


def test_host_of_the_name_passes_in_each_spelling(world):
    tls = open_http(world)
    for host in (name(PLAIN), name(PLAIN).upper(), name(PLAIN) + ".", f"{name(PLAIN)}:443",
                 f"{name(PLAIN)}:{world.edge.port}"):
        assert get(tls, host)[0] == 200
    tls.close()


def test_any_host_where_the_manifest_says_so(world):
    tls = open_http(world, ANY)
    assert get(tls, "other.test")[0] == 200
    # Nobody looks, so what comes is passed as it is.
    tls.send(b"GET /head HTTP/1.1\nHost: x\r\n\r\n")
    assert b"HTTP/1.1\n" in response(tls)[2]
    tls.close()


def test_gateway_is_for_its_own_name(world):
    status = Http1(str(world.edge.dir / "status.sock"))
    tls = Tls(world.edge, "gateway." + BASE, ["http/1.1"])
    assert get(tls, "gateway." + BASE)[0] == 200
    assert get(tls, name(PLAIN))[0] == 421
    tls.close()
    status.backend.close()


# -- who the client is ------------------------------------------------------------------

SPOOFED = ("X-Forwarded-For: 6.6.6.6\r\nx-forwarded-proto: http\r\nX_Forwarded_For: 6.6.6.6\r\n"
           "Forwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX-Request-Id: mine\r\nX-Mine: kept\r\n"
           "X-Forwarded-Host: evil.test\r\n")


def test_E30_forwarded_is_the_edges_to_say(world):
    """What a client says of itself is gone."""
    tls = open_http(world, FORWARDED)
    text = get(tls, name(FORWARDED), "/head", SPOOFED)[2].decode()
    assert "6.6.6.6" not in text and "mine" not in text and "evil" not in text
    assert re.findall(r"(?im)^x-forwarded-for: (.*?)\r?$", text) == ["127.0.0.1"]
    assert re.findall(r"(?im)^x-forwarded-proto: (.*?)\r?$", text) == ["https"]
    assert "X-Mine: kept" in text
    tls.close()


def test_request_ids_differ_and_are_in_the_log(world):
    ids, before = [], len(world.edge.lines())
    for _ in range(3):
        tls = open_http(world, FORWARDED)
        for _ in range(3):
            text = get(tls, name(FORWARDED), "/head")[2].decode()
            ids += re.findall(r"X-Request-Id: (\S+)", text)
        tls.close()
    assert len(set(ids)) == 9
    connections = {i.partition("-")[0] for i in ids}
    assert len(connections) == 3 and all(re.fullmatch("[0-9a-f]{32}", i) for i in connections)
    for i in connections:
        wait_for(lambda: f"id={i} " in world.edge.lines()[before:], what="the id in the log")


def test_without_the_option_nothing_is_said(world):
    tls = open_http(world)
    text = get(tls, name(PLAIN), "/head", "X-Forwarded-For: 6.6.6.6\r\n")[2].decode()
    assert "X-Forwarded-For: 6.6.6.6" in text and "Request-Id" not in text
    tls.close()


# -- all that HTTP may do ------------------------------------------------------------------

def test_F7_websocket_upgrade(world):
    tls = open_http(world)
    tls.send((f"GET /ws HTTP/1.1\r\n{OK}Connection: Upgrade\r\nUpgrade: websocket\r\n"
              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n").encode() +
             b"early")  # kept until the backend agrees
    status, _, _, rest = response(tls)
    assert status == 101
    while len(rest) < 5:
        rest += tls.recv()
    assert rest == b"early"
    frames = b"\x81\x05\nbare\n" * 1000
    tls.send(frames)
    got = b""
    while len(got) < len(frames):
        got += tls.recv()
    assert got == frames
    tls.half_close()
    assert tls.recv_all() == b""
    tls.close()


def test_F7_upgrade_that_is_not_granted_goes_on_as_http(world):
    tls = open_http(world)
    tls.send(f"GET /no HTTP/1.1\r\n{OK}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n".encode() +
             b"GET /smuggled HTTP/1.1\r\nHost: other.test\r\n\r\n")
    status, _, _, rest = response(tls)
    assert status == 200
    assert response(tls, rest)[0] == 421
    assert b"smuggled" not in world.http.seen
    tls.close()


def test_pipelined_requests_are_answered_in_order(world):
    for port in (PLAIN, FORWARDED):
        tls, rest = open_http(world, port), b""
        count = 200  # more than may wait at once
        text = f"POST /x HTTP/1.1\r\nHost: {name(port)}\r\nContent-Length: 3\r\n\r\n"
        tls.send("".join(f"{text}{i:03}" for i in range(count)).encode())
        for i in range(count):
            status, _, body, rest = response(tls, rest)
            assert (status, body) == (200, hashlib.sha256(b"%03d" % i).hexdigest().encode())
        tls.close()


def test_head_and_expect_continue(world):
    tls = open_http(world)
    tls.send(f"HEAD /x HTTP/1.1\r\n{OK}\r\n".encode())
    status, _, _, rest = response(tls, is_head=True)
    assert (status, rest) == (200, b"")
    tls.send(f"POST /x HTTP/1.1\r\n{OK}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n".encode())
    assert response(tls)[0] == 100
    tls.send(b"body")
    assert response(tls)[:3:2] == (200, hashlib.sha256(b"body").hexdigest().encode())
    assert get(tls, "other.test")[0] == 421
    tls.close()


@pytest.mark.parametrize("port", [PLAIN, FORWARDED], ids=["plain", "forwarded"])
def test_large_bodies_each_way(world, port):
    path = world.edge.dir / "body"
    with open(path, "wb") as f:
        f.truncate(BODY_LEN)
    url = f"https://{name(port)}:{world.edge.port}"
    args = ["curl", "-s", "--cacert", world.edge.chain, "--http1.1", "--max-time", "100",
            "--resolve", f"{name(port)}:{world.edge.port}:127.0.0.1"]
    want = hashlib.sha256()
    for _ in range(BODY_LEN >> 20):
        want.update(bytes(1 << 20))
    assert run(*args, "-T", path, url + "/put").stdout == want.hexdigest()
    out = run(*args, "-o", world.edge.dir / "got", "-w", "%{size_download} %{http_code}",
              f"{url}/get/{BODY_LEN}").stdout
    assert out == f"{BODY_LEN} 200"
    path.unlink()


def test_chunked_upload_by_curl(world):
    out = run("curl", "-s", "--cacert", world.edge.chain, "--http1.1", "--resolve",
              f"{name(PLAIN)}:{world.edge.port}:127.0.0.1", "-H", "Expect:", "-d", "12345",
              f"https://{name(PLAIN)}:{world.edge.port}/x").stdout
    assert out == hashlib.sha256(b"12345").hexdigest()


def test_half_close_leaves_the_answer(world):
    tls = open_http(world)
    tls.send(f"POST /x HTTP/1.1\r\n{OK}Content-Length: 4\r\n\r\nbody".encode())
    tls.half_close()
    assert response(tls)[2] == hashlib.sha256(b"body").hexdigest().encode()
    assert tls.recv_all() == b""
    tls.close()


@pytest.mark.parametrize("is_first", [True, False], ids=["first", "later"])
def test_slow_head_has_a_deadline(world, is_first):
    """A head a byte at a time holds a connection for timeouts.request, and no backend."""
    tls, before = open_http(world), len(world.edge.lines())
    if not is_first:
        assert get(tls, name(PLAIN))[0] == 200
    connections, started = world.http.connections, time.monotonic()
    status = None
    tls.sock.settimeout(0.1)
    for byte in b"GET / HTTP/1.1\r\nX: " + b"x" * 200:
        try:
            tls.send(bytes([byte]))
            status = response(tls)[0]
            break
        except TimeoutError:
            pass
    assert status == 408 and 0.8 < time.monotonic() - started < 4
    tls.close()
    wait_result(world, "http_head_timeout", before)
    assert world.http.connections == connections


def test_drain_lets_a_request_finish(bindir):
    edge, address = Edge(bindir), loopback()
    server = Http1((address, PLAIN))
    edge.fill(f"lease {INSTANCE} {APP} {address} 3600 {PLAIN}:http", f"alias hello {APP}")
    edge.start()
    tls = Tls(edge, name(PLAIN), ["http/1.1"])
    tls.send(f"POST /x HTTP/1.1\r\n{OK}Content-Length: 4\r\n\r\nbo".encode())
    wait_for(lambda: server.seen.endswith(b"bo"), what="the first half")
    edge.process.terminate()
    time.sleep(0.3)
    tls.send(b"dy")
    assert response(tls)[2] == hashlib.sha256(b"body").hexdigest().encode()
    tls.half_close()
    tls.recv_all()
    tls.close()
    assert edge.process.wait(30) == 0
    server.backend.close()
    edge.stop()


# -- HTTP/2 ------------------------------------------------------------------------------------

class H2Client:
    def __init__(self, world, port, suffix=""):
        self.tls = Tls(world.edge, name(port, suffix), ["h2"])
        self.c = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.c.initiate_connection()
        self.flush()
        self.status, self.body, self.ended, self.reset, self.goaway = {}, {}, set(), {}, None

    def flush(self):
        self.tls.send(self.c.data_to_send())

    def ask(self, host, path="/", extra=(), end=True):
        stream = self.c.get_next_available_stream_id()
        self.c.send_headers(stream, [(":method", "POST" if not end else "GET"), (":path", path),
                                     (":scheme", "https"), (":authority", host), *extra],
                            end_stream=end)
        self.flush()
        return stream

    def pump(self, until):
        while not until():
            data = self.tls.recv()
            if not data:
                return False
            for e in self.c.receive_data(data):
                if isinstance(e, h2.events.ResponseReceived):
                    self.status[e.stream_id] = dict(e.headers)[":status"]
                elif isinstance(e, h2.events.DataReceived):
                    self.body[e.stream_id] = self.body.get(e.stream_id, b"") + e.data
                elif isinstance(e, h2.events.StreamEnded):
                    self.ended.add(e.stream_id)
                elif isinstance(e, h2.events.StreamReset):
                    self.reset[e.stream_id] = e.error_code
                    self.ended.add(e.stream_id)
                elif isinstance(e, h2.events.ConnectionTerminated):
                    self.goaway = e.error_code
            self.flush()
        return True

    def finish(self, *streams):
        assert self.pump(lambda: self.ended.issuperset(streams))
        return [self.status.get(s) for s in streams]


@pytest.mark.parametrize("port,suffix", [(H2, ""), (H2, "g"), (H2F, "")])
def test_E9_coalesced_request_gets_421_while_others_are_served(world, port, suffix):
    """A browser's request for another app over the connection of this one."""
    server = world.h2 if port == H2 else world.h2f
    client, host = H2Client(world, port, suffix), name(port, suffix)
    first = client.ask(host, "/first", end=False)
    client.c.send_data(first, b"half")
    client.flush()
    bad = client.ask(f"other.{BASE}", "/misdirected")
    assert client.finish(bad) == ["421"]
    client.c.send_data(first, b"rest", end_stream=True)
    client.flush()
    later = client.ask(host, "/later")
    assert client.finish(first, later) == ["200", "200"]
    assert b"size=8\n" in client.body[first]
    assert "/misdirected" not in server.paths and "/later" in server.paths
    client.tls.close()


def test_E30_h2_forwarded_is_the_edges_to_say(world):
    client = H2Client(world, H2F)
    spoofed = [("x-forwarded-for", "6.6.6.6"), ("forwarded", "for=6.6.6.6"), ("x-request-id", "mine"),
               ("x-mine", "kept")]
    streams = [client.ask(name(H2F), "/", spoofed) for _ in range(3)]
    assert client.finish(*streams) == ["200"] * 3
    texts = [client.body[s].decode() for s in streams]
    for text in texts:
        assert "6.6.6.6" not in text and "=mine" not in text and "x-mine=kept" in text
        assert "x-forwarded-for=127.0.0.1\n" in text and "x-forwarded-proto=https\n" in text
    assert len({re.search(r"x-request-id=(\S+)", t)[1] for t in texts}) == 3
    client.tls.close()


def h2_headers(block):
    """A request on stream 1 with this field block behind what must come first."""
    block = b"\x82\x87\x84\x41" + bytes([len(name(H2))]) + name(H2).encode() + block
    return len(block).to_bytes(3, "big") + b"\1\5\0\0\0\1" + block


# RFC 7541 §6.2.1: put into the table once, 3000 bytes, and named a thousand times; and a cookie in
# thousands of pieces of a byte each (RFC 9113 §8.2.3).
BOMB = b"\x40\1x\x7f" + bytes([(3000 - 127) & 127 | 128, (3000 - 127) >> 7]) + b"v" * 3000 + b"\xbe" * 1000
CRUMBS = b"\x60\1c" + b"\xbe" * 8000


@pytest.mark.parametrize("frames,reason", [
    (b"GET / HTTP/1.1\r\n\r\n", "preface"),
    (PREFACE + b"\0\0\0\4\0\0\0\0\0" + b"\0\0\4\5\4\0\0\0\1\0\0\0\2", "push"),
    (PREFACE + b"\0\0\0\4\0\0\0\0\0" + b"\0\0\1\1\4\0\0\0\1\xff", "hpack"),
    (PREFACE + b"\0\0\0\4\0\0\0\0\0" + b"\0\0\0\1\0\0\0\0\1" + b"\0\0\0\x09\0\0\0\0\1" * 40, "block_long"),
    (PREFACE + b"\0\0\0\4\0\0\0\0\0" + h2_headers(BOMB), "fields_large"),
    (PREFACE + b"\0\0\0\4\0\0\0\0\0" + h2_headers(CRUMBS), "fields_large"),
], ids=["preface", "push", "hpack", "F5_continuation_flood", "F5_hpack_bomb", "F5_cookie_crumbs"])
def test_h2_broken_ends_with_goaway(world, frames, reason):
    tls, before, paths = Tls(world.edge, name(H2), ["h2"]), len(world.edge.lines()), len(world.h2.paths)
    tls.send(frames)
    got = tls.recv_all()
    assert b"\x07\0\0\0\0\0" in got, got  # GOAWAY
    tls.close()
    wait_result(world, "http_" + reason, before)
    assert len(world.h2.paths) == paths


def test_F4_h2_rapid_reset_ends(world):
    """CVE-2023-44487."""
    client, before = H2Client(world, H2), len(world.edge.lines())
    try:
        for _ in range(400):
            stream = client.ask(name(H2), "/reset", end=False)
            client.c.reset_stream(stream)
            client.flush()
    except OSError:
        pass
    wait_result(world, "http_resets", before)
    client.tls.close()


def test_nghttp_and_h2_upload(world):
    path = world.edge.dir / "upload"
    path.write_bytes(b"u" * 3000000)
    out = run("curl", "-s", "--cacert", world.edge.chain, "--http2", "--max-time", "60", "--resolve",
              f"{name(H2)}:{world.edge.port}:127.0.0.1", "-T", path, "-w", "%{http_version} %{http_code}",
              f"https://{name(H2)}:{world.edge.port}/up").stdout
    assert "size=3000000\n" in out and out.endswith("2 200")


def test_grpc_streams_both_ways(bindir):
    """Another's client and server: calls, streams, trailers; and of another authority."""
    edge, address = Edge(bindir), loopback()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Test", {
        "Echo": grpc.stream_stream_rpc_method_handler(lambda parts, _: parts)})])
    assert server.add_insecure_port(f"{address}:{H2F}") == H2F
    server.start()
    edge.fill(f"lease {INSTANCE} {APP} {address} 3600 {H2F}:h2:forwarded", f"alias hello {APP}")
    edge.start()
    trust = grpc.ssl_channel_credentials(edge.chain.read_bytes())
    parts = [os.urandom(1 + i * 997) for i in range(100)]
    for authority, want in ((name(H2F), parts), (f"other.{BASE}", None)):
        with grpc.secure_channel(f"127.0.0.1:{edge.port}", trust, options=[
                ("grpc.ssl_target_name_override", name(H2F)),
                ("grpc.default_authority", authority)]) as channel:
            call = channel.stream_stream("/test.Test/Echo")(iter(parts), timeout=20)
            if want:
                assert list(call) == want and call.code() == grpc.StatusCode.OK
            else:
                with pytest.raises(grpc.RpcError):
                    list(call)
    server.stop(0)
    edge.stop()


# -- the PROXY protocol -----------------------------------------------------------------------

def test_proxy_v1_out(world):
    """Version 1 before a request that the edge has read."""
    seen = []
    world.tcp[0].handle = lambda conn: (seen.append(conn.recv(65536)),
                                        conn.sendall(b"HTTP/1.1 204 No Content\r\n\r\n"))
    tls = open_http(world, V1)
    tls.send(f"GET / HTTP/1.1\r\nHost: {name(V1)}\r\n\r\n".encode())
    assert response(tls)[0] == 204
    port = tls.sock.getsockname()[1]
    assert seen[0].startswith(b"PROXY TCP4 127.0.0.1 127.0.0.1 %d %d\r\nGET / " % (port, world.edge.port))
    tls.close()


def read_v2(data):
    assert data.startswith(V2_SIGNATURE + b"\x21\x11")
    length = struct.unpack(">H", data[14:16])[0]
    body, rest, elements, at = data[16:16 + length], data[16 + length:], {}, 12
    while at < length:
        kind, n = struct.unpack(">BH", body[at:at + 3])
        elements[kind] = body[at + 3:at + 3 + n]
        at += 3 + n
    source, _, port = socket.inet_ntoa(body[:4]), body[4:8], struct.unpack(">H", body[8:10])[0]
    return source, port, elements, rest


def test_proxy_v2_out_says_name_and_id(world):
    before = len(world.edge.lines())
    tls = Tls(world.edge, name(V2))
    tls.send(b"body")
    tls.half_close()
    source, port, elements, rest = read_v2(tls.recv_all())
    assert (source, port) == tls.sock.getsockname() and rest == b"body"
    assert elements[2] == name(V2).encode() and 1 not in elements
    assert re.fullmatch(rb"[0-9a-f]{32}", elements[5])
    wait_for(lambda: f"id={elements[5].decode()} " in world.edge.lines()[before:], what="the id")
    tls.close()


class Fronted(Edge):
    def config(self, listen):
        path = super().config(listen)
        path.write_text(path.read_text() + "proxy_protocol: { from: [ 127.0.0.9, 127.9.0.0/16 ] }\n")
        return path

    def connect(self):
        sock = socket.create_connection(("127.0.0.1", self.port), timeout=15,
                                        source_address=(self.source, 0))
        sock.sendall(self.header)
        return sock


@pytest.fixture(scope="module")
def fronted(bindir):
    w = World()
    w.address = loopback()
    w.edge = Fronted(bindir, per_source=3)
    w.forwarded = Http1((w.address, FORWARDED))
    w.tcp = Backend((w.address, V2), lambda conn: conn.sendall(read_all(conn)))
    w.edge.fill(f"lease {INSTANCE} {APP} {w.address} 3600 {FORWARDED}:http:forwarded {V2}:tcp:pp",
                f"alias hello {APP}")
    w.edge.start()
    yield w
    w.forwarded.backend.close()
    w.tcp.close()
    w.edge.stop()


V1_IN = b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n"
V2_IN = (V2_SIGNATURE + b"\x21\x11" + struct.pack(">H", 12 + 3 + 9) + socket.inet_aton("192.0.2.7") +
         socket.inet_aton("192.0.2.1") + struct.pack(">HH", 4711, 443) + b"\x02\0\x09evil.test")


@pytest.mark.parametrize("header", [V1_IN, V2_IN], ids=["v1", "v2"])
def test_proxy_in_names_the_client_everywhere(fronted, header):
    before = len(fronted.edge.lines())
    fronted.edge.source, fronted.edge.header = "127.9.1.2", header
    tls = open_http(fronted, FORWARDED)
    text = get(tls, name(FORWARDED), "/head")[2].decode()
    assert "X-Forwarded-For: 192.0.2.7\r\n" in text + "\r\n"
    tls.close()
    tls = Tls(fronted.edge, name(V2))
    tls.send(b"x")
    tls.half_close()
    source, port, elements, _ = read_v2(tls.recv_all())
    assert (source, port) == ("192.0.2.7", 4711)
    assert elements[2] == name(V2).encode()  # not what the header's element says
    tls.close()
    wait_for(lambda: fronted.edge.lines()[before:].count("peer=192.0.2.7:4711 ") == 2, what="both logged")


def test_proxy_in_of_a_health_check(fronted):
    """LOCAL: the balancer speaks for itself."""
    before = len(fronted.edge.lines())
    fronted.edge.source, fronted.edge.header = "127.0.0.9", V2_SIGNATURE + b"\x20\0\0\0"
    tls = open_http(fronted, FORWARDED)
    assert "X-Forwarded-For: 127.0.0.9" in get(tls, name(FORWARDED), "/head")[2].decode()
    tls.close()
    wait_for(lambda: "peer=127.0.0.9:" in fronted.edge.lines()[before:], what="its line")


@pytest.mark.parametrize("header", [
    b"", b"PROXY TCP4 192.0.2.7 192.0.2.1 04711 443\r\n", b"PROXY UDP4 192.0.2.7 192.0.2.1 1 2\r\n",
    V2_SIGNATURE + b"\x31\x11\0\x0c" + b"\0" * 12, V2_SIGNATURE + b"\x21\x11\0\x0b" + b"\0" * 11],
    ids=["none", "v1_zero_before_port", "v1_udp", "v2_version_3", "v2_short"])
def test_E21_listed_source_must_say_who_it_is(fronted, header):
    before = len(fronted.edge.lines())
    fronted.edge.source, fronted.edge.header = "127.9.1.2", header
    with pytest.raises(OSError):
        Tls(fronted.edge, name(FORWARDED), ["http/1.1"])
    wait_result(fronted, "bad_proxy", before)


def test_listed_source_that_waits_is_reset(fronted):
    before = len(fronted.edge.lines())
    fronted.edge.source, fronted.edge.header = "127.9.1.2", V1_IN[:9]
    sock = fronted.edge.connect()
    with pytest.raises(ConnectionResetError):
        sock.recv(1)
    sock.close()
    wait_result(fronted, "bad_proxy", before)


@pytest.mark.parametrize("header", [V1_IN, V2_IN], ids=["v1", "v2"])
def test_E20_stranger_cannot_say_who_it_is(fronted, header):
    """Its header is not TLS, and nothing of it is believed."""
    before = len(fronted.edge.lines())
    fronted.edge.source, fronted.edge.header = "127.0.0.1", header
    with pytest.raises(OSError):
        Tls(fronted.edge, name(FORWARDED), ["http/1.1"])
    wait_result(fronted, "not_tls", before)
    assert "192.0.2.7" not in fronted.edge.lines()[before:]


def test_limits_count_whom_the_header_names(fronted):
    """Not the balancer, which brings everybody; the client, wherever it comes through."""
    before = len(fronted.edge.lines())
    fronted.edge.source = "127.9.1.2"
    open_ones = []
    for i in range(5):
        fronted.edge.header = b"PROXY TCP4 198.51.100.%d 192.0.2.1 1 443\r\n" % i
        open_ones.append(Tls(fronted.edge, name(FORWARDED), ["http/1.1"]))
    fronted.edge.header = b"PROXY TCP4 198.51.100.0 192.0.2.1 2 443\r\n"
    for i in range(2):
        open_ones.append(Tls(fronted.edge, name(FORWARDED), ["http/1.1"]))
    with pytest.raises(OSError):
        Tls(fronted.edge, name(FORWARDED), ["http/1.1"])
    wait_result(fronted, "source_limit", before)
    for tls in open_ones:
        tls.close()
