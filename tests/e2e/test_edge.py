"""postern-edge alone on loopback: a store filled by hand, real backends, and
clients that behave and misbehave.

Goal: every path of a connection (terminate, passthrough, registrar, status),
each refusal with the alert or response it promises, ends and failures at every
phase, and afterwards no descriptor left in the program.
"""
import hashlib
import http.client
import http.server
import itertools
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

import pytest

from conftest import ROOT, run, tool, wait_for

BASE = "postern.localhost"
APP = "abcdef0123456789abcdef0123456789abcdef01"
OTHER = "00000000000000000000000000000000000000aa"
GONE = "00000000000000000000000000000000000000bb"
INSTANCE = "1111111111111111111111111111111111111111"
TWIN = "2222222222222222222222222222222222222222"
EXPIRED = "3333333333333333333333333333333333333333"
VECTORS = ROOT / "tests/vectors/hello"

# Ports of the test app, by what answers there.
HTTP, TCP, RAW, MTLS, DEAD, HOLE, PP, H2 = 80, 7000, 443, 8443, 81, 82, 7001, 50051

ALERTS = {50: "decode_error", 70: "protocol_version", 80: "internal_error",
          112: "unrecognized_name", 120: "no_application_protocol"}


def make_cert(folder, name="site", subject="*." + BASE, ca=None):
    """A P-256 key and certificate, self-signed or by ca; returns the paths."""
    key, chain = folder / f"{name}.key", folder / f"{name}.pem"
    args = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", key, "-out", chain,
            "-addext", f"subjectAltName=DNS:{subject}"]
    if ca:
        args += ["-CA", ca[0], "-CAkey", ca[1]]
    run(*args)
    return chain, key


class Backend:
    """A listening socket; each connection is handled by 'handle' in a thread."""

    def __init__(self, address, handle, backlog=64):
        self.handle = handle
        self.family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.sock = socket.socket(self.family)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(address)
        self.sock.listen(backlog)
        if handle:
            threading.Thread(target=self.loop, daemon=True).start()

    def loop(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        conn.settimeout(15)
        try:
            self.handle(conn)
        except OSError:
            pass
        finally:
            conn.close()

    def close(self):
        try:
            # Wakes the thread in accept(), which else keeps the port open.
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


def read_all(conn):
    parts = []
    while True:
        part = conn.recv(65536)
        if not part:
            return b"".join(parts)
        parts.append(part)


class Script:
    """What the tcp backend does next, and what it saw."""

    def __init__(self):
        self.do = lambda conn: conn.sendall(read_all(conn))
        self.seen = []

    def __call__(self, conn):
        self.do(conn)


class HttpHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(b"x" * int(self.path[1:]) if self.path[1:].isdigit() else b"hello")

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(hashlib.sha256(body).hexdigest().encode())

    def log_message(self, *args):
        pass


class Tls:
    """A TLS client that can be stopped at any byte."""

    def __init__(self, edge, name, alpn=None, finish=True):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(edge.chain)
        context.check_hostname = name.endswith("." + BASE)
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # a cut is an error
        if alpn:
            context.set_alpn_protocols(alpn)
        self.sock = edge.connect()
        self.inb, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.inb, self.out, server_hostname=name)
        if finish:
            self.step(self.tls.do_handshake)

    def flush(self):
        if self.out.pending:
            self.sock.sendall(self.out.read())

    def fill(self):
        got = self.sock.recv(262144)
        if got:
            self.inb.write(got)
        else:
            self.inb.write_eof()

    def step(self, what, *args):
        while True:
            try:
                value = what(*args)
                self.flush()
                return value
            except ssl.SSLWantReadError:
                self.flush()
                self.fill()

    def send(self, data):
        """Sends from a thread's point of view: nothing is read meanwhile."""
        self.tls.write(data)
        self.flush()

    def recv(self, n=262144):
        """b"" at close_notify; ssl.SSLError when cut off."""
        try:
            return self.step(self.tls.read, n)
        except ssl.SSLZeroReturnError:
            return b""

    def recv_all(self):
        return b"".join(iter(self.recv, b""))

    def half_close(self):
        """close_notify, without waiting for the other side's."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self.flush()

    def close(self):
        self.sock.close()


class Edge:
    """The program with its files, in a folder of its own."""

    def __init__(self, bindir, **settings):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="pt-edge-", dir="/tmp"))
        self.bin = bindir / "postern-edge"
        self.chain, self.key = make_cert(self.dir)
        self.tool = tool(bindir, "store_fill")
        self.process = None
        self.host, self.port = "127.0.0.1", None
        self.settings = {"hello": "800ms", "connect": "400ms", "idle": "3s", "half_closed": "2s",
                         "connections": 500, "per_source": 400, "buffer": 65536, "log": "info",
                         "handshake": "2s", "request": "1s", "drain": "5s", "limits": "",
                         "more": ""}
        self.settings.update(settings)
        # The leak checker of a sanitizer build would break the sandbox.
        self.env = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")

    def fill(self, *lines):
        run(self.tool, self.dir / "store", input="\n".join(lines) + "\n")

    def config(self, listen):
        s = self.settings
        path = self.dir / "edge.yaml"
        path.write_text(f"""\
base: {BASE}
listen: [ "{listen}" ]
store: {self.dir}/store
certificate: {{ chain: {self.chain}, key: {self.key} }}
registrar: unix:{self.dir}/registrar.sock
status: unix:{self.dir}/status.sock
timeouts: {{ hello: {s["hello"]}, handshake: {s["handshake"]}, connect: {s["connect"]},
            request: {s["request"]}, idle: {s["idle"]}, half_closed: {s["half_closed"]}, drain: {s["drain"]} }}
limits: {{ connections: {s["connections"]}, per_source: {s["per_source"]}, buffer: {s["buffer"]} {s["limits"]} }}
log: {s["log"]}
{s["more"]}
""")
        return path

    def listen(self, address, port=9443, env=()):
        """Listens at an address by itself: a socket for each worker."""
        self.host, self.port = address, port
        self.log = self.dir / "edge.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.bin, "--config", self.config(f"{address}:{port}")], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=dict(self.env, **dict(env)))
        wait_for(lambda: re.search('event"?[=:]"?ready', self.lines())
                 or self.process.poll() is not None, what="the edge to be ready")
        assert self.process.poll() is None, self.lines()
        return self

    def start(self):
        """Listens on a port of its own choosing, handed over as systemd does."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        self.port = listener.getsockname()[1]
        config = self.config("inherit:0")
        fd = listener.fileno()

        self.log = self.dir / "edge.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" --config "$1"',
                 self.bin, config], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=self.env,
                preexec_fn=lambda: os.dup2(fd, 3), pass_fds=(3,))
        wait_for(lambda: "event=ready" in self.lines() or self.process.poll() is not None,
                 what="the edge to be ready")
        listener.close()
        assert self.process.poll() is None, self.lines()
        return self

    def lines(self):
        return self.log.read_text()

    def connect(self):
        sock = socket.create_connection((self.host, self.port), timeout=15)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def workers(self):
        """The processes that serve, by pid."""
        pid = self.process.pid
        text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(x) for x in text.split()]

    def files(self, pipes=False):
        """Descriptors of the workers that are no pipes, of which some are kept; or only those."""
        found = 0
        for pid in self.workers():
            for entry in os.listdir(f"/proc/{pid}/fd"):
                try:
                    found += os.readlink(f"/proc/{pid}/fd/{entry}").startswith("pipe:") == pipes
                except FileNotFoundError:
                    pass  # closed meanwhile
        return found

    def signal_workers(self, sig):
        for pid in self.workers():
            os.kill(pid, sig)

    def are_stopped(self):
        """After SIGSTOP, which takes effect when the kernel gets to it."""
        return all(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
                   for pid in self.workers())

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


_octet = itertools.count(random.randrange(1, 200))


def loopback():
    """An address nobody else binds, so that its ports are all free."""
    return f"127.{os.getpid() % 250 + 1}.{next(_octet) % 250 + 1}.1"


def s_server(folder, address, port):
    """openssl s_server with a certificate of its own that demands the client's."""
    ca = make_cert(folder, "clientca", "ca.test")
    own = make_cert(folder, "container", "container.test")
    client = make_cert(folder, "client", "client.test", ca=ca)
    process = subprocess.Popen(
        ["openssl", "s_server", "-accept", f"{address}:{port}", "-cert", own[0], "-key", own[1],
         "-CAfile", ca[0], "-Verify", "1", "-verify_return_error", "-www", "-quiet"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return process, own, client


class World:
    pass


@pytest.fixture(scope="module")
def world(bindir):
    """One edge with one app on it, for most tests."""
    w = World()
    w.address, w.old_address = loopback(), loopback()
    w.edge = Edge(bindir)
    w.script, w.raw_seen = Script(), []
    w.tcp = Backend((w.address, TCP), w.script)
    w.pp = Backend((w.address, PP), w.script)
    w.h2 = Backend((w.address, H2), w.script)
    w.raw_script = Script()
    w.raw = Backend((w.address, RAW), w.raw_script)
    w.http = http.server.ThreadingHTTPServer((w.address, HTTP), HttpHandler)
    threading.Thread(target=w.http.serve_forever, daemon=True).start()
    # A queue that is full drops what comes: connecting to it takes for ever.
    w.hole = Backend((w.address, HOLE), None, backlog=0)
    w.plugs = []
    for _ in range(3):
        plug = socket.socket()
        plug.setblocking(False)
        plug.connect_ex((w.address, HOLE))
        w.plugs.append(plug)
    w.mtls, w.own_cert, w.client_cert = s_server(w.edge.dir, w.address, MTLS)
    w.registrar = Script()
    w.status = Script()
    w.sockets = [Backend(str(w.edge.dir / "registrar.sock"), w.registrar),
                 Backend(str(w.edge.dir / "status.sock"), w.status)]
    ports = (f"{HTTP}:http {TCP}:tcp {RAW}:tls {MTLS}:tls {DEAD}:http {HOLE}:http "
             f"{PP}:tcp:pp {H2}:h2")
    w.edge.fill(f"lease {INSTANCE} {APP} {w.address} 3600 {ports}",
                f"lease {EXPIRED} {GONE} {w.old_address} -5 {HTTP}:http",
                f"alias hello {APP}", f"alias gone {GONE}")
    w.edge.start()
    w.idle_files = w.edge.files()
    yield w
    left = wait_for(lambda: w.edge.files() <= w.idle_files or None, what="descriptors to go")
    assert left
    for backend in [w.tcp, w.pp, w.h2, w.raw, w.hole] + w.sockets:
        backend.close()
    for plug in w.plugs:
        plug.close()
    w.http.shutdown()
    w.http.server_close()
    w.mtls.kill()
    w.mtls.wait()
    w.edge.stop()


@pytest.fixture(autouse=True)
def reset(request):
    if "world" in request.fixturenames:
        world = request.getfixturevalue("world")
        for script in (world.script, world.raw_script, world.registrar, world.status):
            script.__init__()


def name(port=None, suffix="", app="hello"):
    tail = f"-{port or ''}{suffix}" if port or suffix else ""
    return f"{app}{tail}.{BASE}"


def wait_result(world, want, before):
    """The next connection logged after 'before' bytes of log ends like this."""
    wait_for(lambda: f"result={want} " in world.edge.lines()[before:],
             what=f"result={want} in\n{world.edge.lines()[before:]}")


def request(world, method, path, host, body=None):
    tls = Tls(world.edge, host, ["http/1.1"])
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
    if body is not None:
        head += f"Content-Length: {len(body)}\r\n"
    tls.send(head.encode() + b"\r\n")
    if body is not None:
        # Not more than the sockets hold while nobody reads: the server reads all first.
        for i in range(0, len(body), 65536):
            tls.send(body[i:i + 65536])
    answer = tls.recv_all()
    tls.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode(), body


# -- the ways through ---------------------------------------------------------

def test_terminate_get_and_post(world):
    assert request(world, "GET", "/", name())[::2] == (200, b"hello")
    assert request(world, "GET", "/", name(app=APP))[::2] == (200, b"hello")
    assert request(world, "GET", "/", name(app=INSTANCE))[::2] == (200, b"hello")
    assert request(world, "GET", "/", name(HTTP).upper().replace("POSTERN", "Postern") + ".")[0] == 200
    body = os.urandom(3 << 20)
    status, _, digest = request(world, "POST", "/", name(), body)
    assert (status, digest) == (200, hashlib.sha256(body).hexdigest().encode())
    status, _, body = request(world, "GET", "/5000000", name())
    assert status == 200 and body == b"x" * 5000000


def test_keep_alive_and_curl(world):
    out = run("curl", "-s", "--cacert", world.edge.chain, "--http1.1",
              "--resolve", f"{name()}:{world.edge.port}:127.0.0.1",
              f"https://{name()}:{world.edge.port}/", f"https://{name()}:{world.edge.port}/7").stdout
    assert out == "helloxxxxxxx"


def test_echo_of_mebibytes_at_once_both_ways(world):
    """Both directions are full at the same time: neither blocks the other."""
    def echo(conn):
        while True:
            part = conn.recv(65536)
            if not part:
                return
            conn.sendall(part)
    world.script.do = echo
    tls = Tls(world.edge, name(TCP))
    sent, got = os.urandom(4 << 20), []
    at = 0
    while len(b"".join(got)) < len(sent) if at == len(sent) else True:
        if at < len(sent):
            tls.send(sent[at:at + 65536])
            at += 65536
        part = tls.recv()
        assert part
        got.append(part)
    assert b"".join(got) == sent
    tls.half_close()
    assert tls.recv() == b""
    tls.close()


@pytest.mark.parametrize("mode", ["terminate", "pass"])
def test_E17_client_half_close(world, mode):
    """The client ends its direction; the backend then answers all it got."""
    seen = []

    def answer_after_end(conn):
        data = read_all(conn)
        seen.append(data)
        time.sleep(0.1)
        conn.sendall(b"late answer")
    world.script.do = world.raw_script.do = answer_after_end
    if mode == "terminate":
        tls = Tls(world.edge, name(TCP))
        tls.send(b"question")
        tls.half_close()
        assert tls.recv_all() == b"late answer"
        assert seen == [b"question"]
        tls.close()
    else:
        hello = (VECTORS / "openssl.bin").read_bytes()
        sock = world.edge.connect()
        sock.sendall(hello + b"question")
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == b"late answer"
        assert seen == [hello + b"question"]
        sock.close()


@pytest.mark.parametrize("mode", ["terminate", "pass"])
def test_E17_backend_half_close(world, mode):
    """The backend ends its direction; what the client says later still arrives."""
    seen = []

    def end_then_read(conn):
        if mode == "pass":
            seen.append(conn.recv(65536))
        conn.sendall(b"all I say")
        conn.shutdown(socket.SHUT_WR)
        seen.append(read_all(conn))
    world.script.do = world.raw_script.do = end_then_read
    if mode == "terminate":
        tls = Tls(world.edge, name(TCP))
        assert tls.recv_all() == b"all I say"
        tls.send(b"last words")
        tls.half_close()
        tls.close()
        wait_for(lambda: seen == [b"last words"], what="the last words")
    else:
        sock = world.edge.connect()
        hello = (VECTORS / "openssl.bin").read_bytes()
        sock.sendall(hello)
        assert read_all(sock) == b"all I say"
        sock.sendall(b"last words")
        sock.shutdown(socket.SHUT_WR)
        wait_for(lambda: seen[1:] == [b"last words"], what="the last words")
        sock.close()


def test_passthrough_shows_the_containers_certificate_and_mtls(world):
    args = ["openssl", "s_client", "-connect", f"127.0.0.1:{world.edge.port}", "-servername",
            name(MTLS, "s"), "-CAfile", world.own_cert[0], "-verify_return_error", "-ign_eof"]
    chain, key = world.client_cert
    done = run(*args, "-cert", chain, "-key", key, input="GET / HTTP/1.0\r\n\r\n")
    assert "subject=CN = container" in done.stdout and "Verify return code: 0" in done.stdout
    assert "HTTP/1.0 200 ok" in done.stdout
    refused = run(*args, input="GET / HTTP/1.0\r\n\r\n", check=False)
    assert "200 ok" not in refused.stdout
    assert re.search("alert certificate required|alert number 116", refused.stdout)


def test_registrar_gets_the_raw_hello(world):
    got = []

    def take(conn):
        got.append(conn.recv(65536))
        conn.sendall(b"raw answer")
    world.registrar.do = take
    tls = Tls(world.edge, "gateway." + BASE, ["postern-attest/1"], finish=False)
    with pytest.raises(ssl.SSLWantReadError):
        tls.tls.do_handshake()
    hello = tls.out.read()
    tls.sock.sendall(hello)
    assert read_all(tls.sock) == b"raw answer"
    assert got == [hello]
    tls.close()


def test_status_is_terminated(world):
    world.status.do = lambda conn: (conn.recv(65536), conn.sendall(b"HTTP/1.1 200 OK\r\n\r\nstatus page"))
    assert request(world, "GET", "/", "gateway." + BASE)[::2] == (200, b"status page")


def test_full_queue_of_a_service_is_waited_for(own_edge):
    """The status page is busy for a moment: its clients are not refused."""
    edge = own_edge(connect="2s")
    edge.fill(f"alias hello {APP}")
    status = Backend(str(edge.dir / "status.sock"), None, backlog=0)
    plug = socket.socket(socket.AF_UNIX)
    plug.connect(str(edge.dir / "status.sock"))
    edge.start()
    tls = Tls(edge, "gateway." + BASE, ["http/1.1"])
    tls.send(f"GET / HTTP/1.1\r\nHost: gateway.{BASE}\r\n\r\n".encode())
    time.sleep(0.3)
    plug.close()
    status.handle = lambda conn: (conn.recv(9999), conn.sendall(b"here"))
    threading.Thread(target=status.loop, daemon=True).start()
    assert tls.recv_all() == b"here"
    tls.close()
    status.close()


def test_h2_only(world):
    preface, settings, seen = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]), []
    world.script.do = lambda conn: (seen.append(read_all(conn)), conn.sendall(settings))
    for host in (name(H2, "g"), name(H2)):
        tls = Tls(world.edge, host, ["h2", "http/1.1"])
        assert tls.tls.selected_alpn_protocol() == "h2"
        tls.send(preface)
        tls.half_close()
        assert tls.recv_all() == settings
        tls.close()
    assert seen == [preface] * 2
    tls = Tls(world.edge, name(), ["h2", "http/1.1"])
    assert tls.tls.selected_alpn_protocol() == "http/1.1"
    tls.close()


def test_proxy_header(world):
    tls = Tls(world.edge, name(PP))
    tls.send(b"body")
    tls.half_close()
    got = tls.recv_all()
    ours = tls.sock.getsockname()
    host = name(PP).encode()
    ssl_element = b"\x20\0\x0f\x01\0\0\0\x01\x21\0\x07TLSv1.3"
    want = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11" +
            struct.pack(">H", 12 + 3 + len(host) + 3 + 32 + len(ssl_element)) +
            socket.inet_aton("127.0.0.1") * 2 + struct.pack(">HH", ours[1], world.edge.port))
    assert got.startswith(want + struct.pack(">BH", 2, len(host)) + host)
    assert got[len(want) + 3 + len(host):][:3] == b"\x05\0\x20" and got.endswith(ssl_element + b"body")
    assert len(got) == len(want) + 3 + len(host) + 3 + 32 + len(ssl_element) + 4
    tls.close()


def test_instances_take_turns(world):
    address, second = loopback(), loopback()
    twins = [Backend((address, 80), lambda conn: conn.sendall(b"one")),
             Backend((second, 80), lambda conn: conn.sendall(b"two"))]
    world.edge.fill(f"lease {TWIN} {OTHER} {address} 3600 80:tcp",
                    f"lease {'4' * 40} {OTHER} {second} 3600 80:tcp")
    got = [Tls(world.edge, name(app=OTHER)).recv_all() for _ in range(6)]
    # Each worker counts its own turns.
    assert 2 <= got.count(b"one") <= 4 and got.count(b"one") + got.count(b"two") == 6
    # One goes away: the other serves all.
    twins[0].close()
    time.sleep(0.05)
    assert [Tls(world.edge, name(app=OTHER)).recv_all() for _ in range(4)] == [b"two"] * 4
    twins[1].close()
    world.edge.fill(f"remove {TWIN}", f"remove {'4' * 40}")


def s_client(world, host, *args):
    return run("openssl", "s_client", "-connect", f"127.0.0.1:{world.edge.port}", "-servername", host,
               "-CAfile", world.edge.chain, "-ign_eof", *args,
               input=f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").stdout


def test_second_hello_after_a_retry(world):
    """A first key share that the edge does not take: HelloRetryRequest."""
    out = s_client(world, name(), "-groups", "P-384:P-256", "-msg")
    assert "HTTP/1.1 200" in out and out.count("ClientHello") == 2


# -- hellos -------------------------------------------------------------------

@pytest.mark.parametrize("client", ["openssl", "curl", "chromium", "openssl_tls12"])
def test_real_hello_byte_by_byte(world, client):
    """Routed the same however it comes: passed on whole, or answered by TLS."""
    hello = (VECTORS / f"{client}.bin").read_bytes()
    sock = world.edge.connect()
    for i in range(len(hello)):
        sock.sendall(hello[i:i + 1])
    if client == "openssl":
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == hello
    elif client == "openssl_tls12":
        assert sock.recv(7) == b"\x15\x03\x03\x00\x02\x02\x46"
    else:
        head = sock.recv(6, socket.MSG_WAITALL)
        assert head[0] == 22 and head[5] == 2, "a ServerHello"
    sock.close()


@pytest.mark.parametrize("size", [1, 2, 17, 100, 1000])
def test_hello_in_many_records(world, size):
    for client in ("openssl", "chromium"):
        message = (VECTORS / f"{client}.bin").read_bytes()[5:]
        records = b"".join(b"\x16\x03\x01" + struct.pack(">H", len(message[i:i + size])) + message[i:i + size]
                           for i in range(0, len(message), size))
        sock = world.edge.connect()
        sock.sendall(records)
        if client == "openssl":
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock) == records
        else:
            head = sock.recv(6, socket.MSG_WAITALL)
            assert head[0] == 22 and head[5] == 2
        sock.close()


def alert_of(sock):
    """The description of the plaintext alert that is all the edge says."""
    data = read_all(sock)
    sock.close()
    assert len(data) == 7 and data[:6] == b"\x15\x03\x03\x00\x02\x02", data
    return data[6]


GARBAGE = {
    "random": (b"\x00\xff" * 50, 50),
    "ssh": (b"SSH-2.0-OpenSSH_9\r\n", 50),
    "proxy_header": (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n", 50),
    "ssl2": (b"\x80\x2e\x01\x03\x01" + b"\x00" * 43, 50),
    "server_hello": (b"\x16\x03\x01\x00\x04\x02\x00\x00\x00", 50),
    "empty_record": (b"\x16\x03\x01\x00\x00", 50),
    "length_lies": (b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\x03", 50),
    "old_version": (b"\x16\x03\x01\x00\x06\x01\x00\x00\x02\x03\x01", 70),
    "cut": (b"\x16\x03\x01\x02\x00\x01\x00", 50),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_instead_of_a_hello(world, kind):
    data, want = GARBAGE[kind]
    sock = world.edge.connect()
    sock.sendall(data)
    if kind == "cut":
        sock.shutdown(socket.SHUT_WR)
    assert alert_of(sock) == want


def test_plain_http_is_told(world):
    sock = world.edge.connect()
    sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = read_all(sock)
    assert answer.startswith(b"HTTP/1.1 400 ") and b"https://" in answer
    sock.close()


def test_slow_hello_meets_an_absolute_deadline(world):
    hello = (VECTORS / "chromium.bin").read_bytes()
    sock = world.edge.connect()
    started = time.monotonic()
    sock.settimeout(0.05)
    data = b""
    for i in range(200):
        try:
            sock.sendall(hello[i:i + 1])
            data = sock.recv(100)
            break
        except socket.timeout:
            continue
    assert data[:6] == b"\x15\x03\x03\x00\x02\x02" and data[6] == 50
    assert 0.6 < time.monotonic() - started < 3
    sock.close()


def test_handshake_that_stops_is_ended_in_order(world):
    before = len(world.edge.lines())
    sock = world.edge.connect()
    sock.sendall((VECTORS / "curl.bin").read_bytes())
    assert sock.recv(1) == b"\x16"
    assert read_all(sock), "a FIN after the flight, no reset"
    sock.close()
    wait_result(world, "handshake_timeout", before)


def test_many_slow_hellos_do_not_stop_honest_clients(world):
    drips = [world.edge.connect() for _ in range(200)]
    for sock in drips:
        sock.sendall(b"\x16\x03\x01\x02")
    started = time.monotonic()
    assert request(world, "GET", "/", name())[0] == 200
    assert time.monotonic() - started < 2
    for sock in drips:
        sock.close()


def test_garbage_in_the_handshake(world):
    """A good hello, then noise where the Finished should be."""
    before = len(world.edge.lines())
    sock = world.edge.connect()
    sock.sendall((VECTORS / "curl.bin").read_bytes())
    assert sock.recv(1) == b"\x16"
    sock.sendall(b"\x17\x03\x03\x00\x20" + b"\x55" * 32)
    assert read_all(sock)  # the rest of the server's flight, then its alert
    sock.close()
    wait_result(world, "handshake_failed", before)


def test_garbage_after_the_handshake(world):
    ended = []
    world.script.do = lambda conn: ended.append(read_all(conn))
    tls = Tls(world.edge, name(TCP))
    tls.sock.sendall(b"\x17\x03\x03\x00\x20" + b"\x55" * 32)
    with pytest.raises(ssl.SSLError, match="bad record mac|BAD_RECORD_MAC"):
        tls.recv()
    tls.close()


# -- refusals as a client sees them -------------------------------------------

REFUSALS = [
    ("unknown_alias", [name(app="nobody")], 112),
    ("port_not_listed", [name(22)], 112),
    ("passthrough_port_not_listed", [name(22, "s")], 112),
    ("other_domain", ["www.example.org"], 112),
    ("bad_suffix", [name(443, "sg")], 112),
    ("tls_port_not_terminated", [name(RAW)], 112),
    ("two_labels", ["a." + name()], 112),
    ("alpn_unknown", [name(), "-alpn", "ftp"], 120),
    ("h2_not_offered", [name(H2, "g"), "-alpn", "http/1.1"], 120),
    ("browser_at_tcp_port", [name(TCP), "-alpn", "h2,http/1.1"], 120),
    ("tls12", [name(), "-tls1_2"], 70),
    ("passthrough_backend_dead", [name(DEAD, "s")], 80),
    ("passthrough_no_instance", [name(HTTP, "s", app=GONE)], 80),
    ("passthrough_timeout", [name(HOLE, "s")], 80),
]


@pytest.mark.parametrize("what,args,alert", REFUSALS, ids=[r[0] for r in REFUSALS])
def test_alert_as_openssl_sees_it(world, what, args, alert):
    done = run("openssl", "s_client", "-connect", f"127.0.0.1:{world.edge.port}", "-servername",
               *args, check=False, stdin=subprocess.DEVNULL)
    assert f"SSL alert number {alert}" in done.stdout, done.stdout


def test_no_name_is_refused(world):
    sock = world.edge.connect()
    sock.sendall((VECTORS / "openssl_no_name.bin").read_bytes())
    assert alert_of(sock) == 112


@pytest.mark.parametrize("host,status,reason", [
    (name(DEAD), 502, "connect_refused"),
    (name(app="gone"), 503, "no_instance"),
    (name(app="9" * 40), 503, "no_instance"),
    (name(HOLE), 504, "connect_timeout"),
])
def test_http_answers(world, host, status, reason):
    got, head, body = request(world, "GET", "/", host)
    assert got == status and body
    assert f"Postern-Reason: {reason}" in head and "Connection: close" in head


def test_h2_client_is_told_by_goaway(world):
    tls = Tls(world.edge, name(DEAD, "g"), ["h2"])
    tls.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    answer = tls.recv_all()
    assert answer[:9] == b"\0\0\0\x04\0\0\0\0\0", "SETTINGS"
    assert answer[12] == 7 and answer.endswith(b"connect_refused"), "GOAWAY"
    tls.close()


# -- ends that are failures ---------------------------------------------------

def test_cut_off_client_resets_the_backend(world):
    """FIN without close_notify is a truncation: the backend must not take it
    for the end of the data."""
    saw, there = [], threading.Event()

    def watch(conn):
        conn.recv(10, socket.MSG_WAITALL)
        there.set()
        try:
            saw.append(("end", read_all(conn)))
        except ConnectionResetError:
            saw.append("reset")
    world.script.do = watch
    tls = Tls(world.edge, name(TCP))
    tls.send(b"half of it")
    assert there.wait(30)
    tls.close()
    wait_for(lambda: saw, what="the backend to see something")
    assert saw == ["reset"]


def test_targets_are_looked_up_when_the_request_comes(world):
    """A browser connects ahead of need; meanwhile the app moves, then goes, and
    its old address is another's."""
    old, new = loopback(), loopback()
    others = [Backend((old, 80), lambda conn: conn.sendall(b"not yours")),
              Backend((new, 80), lambda conn: (conn.recv(9999), conn.sendall(b"moved")))]
    world.edge.fill(f"lease {TWIN} {OTHER} {old} 3600 80:http")
    moved, gone, changed = (Tls(world.edge, name(app=OTHER)) for _ in range(3))
    world.edge.fill(f"lease {TWIN} {OTHER} {new} 3600 80:http:pp")
    asked = f"GET / HTTP/1.1\r\nHost: {name(app=OTHER)}\r\n\r\n".encode()
    moved.send(asked)
    assert moved.recv_all() == b"moved"
    world.edge.fill(f"lease {TWIN} {OTHER} {old} 3600 80:tcp")
    changed.send(asked)
    assert changed.recv_all().startswith(b"HTTP/1.1 503 ")
    world.edge.fill(f"remove {TWIN}")
    gone.send(asked)
    answer = gone.recv_all()
    assert answer.startswith(b"HTTP/1.1 503 ") and b"no_instance" in answer
    for end in (moved, gone, changed, *others):
        end.close()


def test_client_reset_resets_the_backend(world):
    saw, there = [], threading.Event()

    def watch(conn):
        conn.recv(1)
        there.set()
        try:
            saw.append(("end", read_all(conn)))
        except ConnectionResetError:
            saw.append("reset")
    world.raw_script.do = watch
    sock = world.edge.connect()
    sock.sendall((VECTORS / "openssl.bin").read_bytes())
    assert there.wait(30)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    wait_for(lambda: saw, what="the backend to see something")
    assert saw == ["reset"]


@pytest.mark.parametrize("sends", [False, True], ids=["quiet", "sending"])
def test_backend_reset_is_no_clean_end(world, sends):
    """All the backend said arrives, then TCP ends without close_notify; also
    when the first to notice is what the client sends."""
    asked, gone = threading.Event(), threading.Event()
    size = 10000 if sends else 100000  # what the edge's socket holds while it stands

    def reset_after(conn):
        conn.sendall(b"x")
        assert asked.wait(10)
        conn.sendall(b"y" * size)
        time.sleep(0.2)
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        conn.close()
        gone.set()
    world.script.do = reset_after
    tls = Tls(world.edge, name(TCP))
    got = tls.recv()  # the edge is connected, and copies
    if sends:
        world.edge.signal_workers(signal.SIGSTOP)
        wait_for(world.edge.are_stopped, what="the workers to stand")
        tls.send(b"a question")
    asked.set()
    if sends:
        assert gone.wait(10)
        world.edge.signal_workers(signal.SIGCONT)
    with pytest.raises(ssl.SSLError, match="eof"):
        while True:
            part = tls.recv()
            assert part, "a clean end"
            got += part
    assert got == b"x" + b"y" * size
    tls.close()


def test_backend_killed_in_a_transfer(world):
    address = loopback()
    code = ("import socket,sys\ns=socket.socket()\n"
            f"s.bind(('{address}',80)); s.listen()\nprint('up',flush=True)\n"
            "c,_=s.accept()\nwhile True: c.sendall(b'z'*65536)")
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    child.stdout.readline()
    world.edge.fill(f"lease {TWIN} {OTHER} {address} 3600 80:tcp")
    tls = Tls(world.edge, name(app=OTHER))
    got = 0
    while got < 1 << 20:
        got += len(tls.recv())
    child.kill()
    child.wait()
    started = time.monotonic()
    try:
        while tls.recv():
            pass
    except ssl.SSLError:
        pass
    assert time.monotonic() - started < 5
    tls.close()
    # Its port is closed now, and that is no empty answer.
    tls = Tls(world.edge, name(app=OTHER))
    with pytest.raises(ssl.SSLError, match="eof"):
        tls.recv_all()
    tls.close()
    world.edge.fill(f"remove {TWIN}")
    assert request(world, "GET", "/", name())[0] == 200


def test_F6_back_pressure_bounds_memory(world):
    """Backends that pour into clients that do not read."""
    stopped = threading.Event()
    sent = []

    def pour(conn):
        conn.settimeout(0.5)
        total = 0
        try:
            while not stopped.is_set():
                total += conn.send(b"p" * 65536)
        except OSError:
            pass
        sent.append(total)
        stopped.wait(10)
    world.script.do = pour

    def memory():
        texts = [pathlib.Path(f"/proc/{pid}/status").read_text() for pid in world.edge.workers()]
        return sum(int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) for text in texts)
    before = memory()
    begin = len(world.edge.lines())
    clients = [Tls(world.edge, name(TCP)) for _ in range(40)]
    wait_for(lambda: len(sent) == 40, what="all backends to be blocked")
    grown = memory() - before
    # A sanitizer keeps what was freed.
    assert grown < 40 * 400 or "/asan" in str(world.edge.bin), f"{grown} KiB for 40 stalled connections of 64 KiB buffers"
    # They are stalled, not cut.
    assert "result=tls_failed" not in world.edge.lines()[begin:]
    assert request(world, "GET", "/", name())[0] == 200
    stopped.set()
    for client in clients:
        client.close()


def test_idle_and_half_closed_timeouts(world):
    held = threading.Event()
    world.script.do = lambda conn: held.wait(60)
    before = len(world.edge.lines())
    idle, half = Tls(world.edge, name(TCP)), Tls(world.edge, name(TCP))
    half.half_close()
    started = time.monotonic()
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        half.recv()
    assert 1 < time.monotonic() - started < 3.5
    with pytest.raises((ssl.SSLError, ConnectionResetError)):
        idle.recv()
    assert 2 < time.monotonic() - started < 6
    held.set()
    wait_result(world, "half_closed_timeout", before)
    wait_result(world, "idle_timeout", before)


def test_preconnect_without_a_request_is_closed_in_order(world):
    before = len(world.edge.lines())
    tls = Tls(world.edge, name())
    started = time.monotonic()
    assert tls.recv() == b""
    assert 0.6 < time.monotonic() - started < 2.5, "not the idle timeout"
    wait_result(world, "request_timeout", before)
    tls.close()


# -- life of the program ------------------------------------------------------

def test_access_log_names_the_connection(world):
    before = len(world.edge.lines())
    request(world, "GET", "/", name())
    wait_result(world, "ok", before)
    line = [x for x in world.edge.lines()[before:].splitlines() if "event=connection" in x][-1]
    for part in (f"name={name()}", "mode=terminate", f"app={APP}", f"instance={INSTANCE}",
                 "port=80", "peer=127.0.0.1:"):
        assert part in line


def serial(edge):
    out = run("openssl", "s_client", "-connect", f"127.0.0.1:{edge.port}", "-servername", name(),
              stdin=subprocess.DEVNULL, check=False).stdout
    pem = re.search("-----BEGIN.*?END CERTIFICATE-----", out, re.S)
    return hashlib.sha256(pem.group(0).encode()).hexdigest()


def test_reload_whole_or_not_at_all(world):
    edge = world.edge
    old, old_key = edge.chain.read_bytes(), edge.key.read_bytes()
    before = serial(edge)
    world.script.do = lambda conn: (conn.recv(10), conn.sendall(b"still here"))
    held = Tls(edge, name(TCP))
    fresh = make_cert(edge.dir, "fresh")
    # A chain without its key is refused and the old one goes on.
    os.replace(fresh[0], edge.chain)
    edge.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "event=reload_failed" in edge.lines(), what="the refusal")
    assert serial(edge) == before
    os.replace(fresh[1], edge.key)
    edge.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "event=reloaded" in edge.lines(), what="the reload")
    assert serial(edge) != before
    held.send(b"x")
    assert held.recv_all() == b"still here"
    held.close()
    edge.chain.write_bytes(old)
    edge.key.write_bytes(old_key)
    edge.process.send_signal(signal.SIGHUP)
    wait_for(lambda: edge.lines().count("event=reloaded") == 2, what="the old one again")


def test_reload_through_symlinks(own_edge):
    """certbot: live/chain.pem -> ../archive/chain1.pem, then chain2.pem."""
    edge = own_edge()
    edge.fill(f"alias hello {APP}")
    live, archive = edge.dir / "live", edge.dir / "archive"
    live.mkdir()
    archive.mkdir()

    def renew(number):
        for path, made in zip((edge.chain, edge.key), make_cert(edge.dir, f"made{number}")):
            kept = archive / f"{number}-{path.name}"
            os.replace(made, kept)
            (live / "new").symlink_to(f"../archive/{kept.name}")
            os.replace(live / "new", path)
    edge.chain, edge.key = live / "chain.pem", live / "key.pem"
    renew(1)
    edge.start()
    before = serial(edge)
    renew(2)
    edge.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "event=reload" in edge.lines(), what="the reload")
    assert "event=reloaded" in edge.lines(), edge.lines()
    assert serial(edge) != before


@pytest.fixture
def own_edge(bindir):
    made = []

    def make(**settings):
        made.append(Edge(bindir, **settings))
        return made[-1]
    yield make
    for edge in made:
        edge.stop()


def test_sigterm_lets_connections_finish(own_edge):
    address = loopback()
    backend = Backend((address, 80), lambda conn: (conn.recv(10), time.sleep(0.5), conn.sendall(b"done")))
    edge = own_edge()
    edge.fill(f"lease {INSTANCE} {APP} {address} 3600 80:tcp")
    edge.start()
    tls = Tls(edge, name(app=APP))
    tls.send(b"go")
    time.sleep(0.1)
    edge.process.terminate()
    wait_for(lambda: "event=draining" in edge.lines(), what="the drain")
    with pytest.raises(ConnectionRefusedError):
        edge.connect()
    assert tls.recv_all() == b"done"
    tls.half_close()
    tls.close()
    assert edge.process.wait(30) == 0
    backend.close()


def test_limits_hold(own_edge):
    """A source beyond its share is turned away; a full edge lets others wait."""
    edge = own_edge(per_source=5, connections=8, hello="20s")
    edge.fill(f"alias hello {APP}")
    edge.start()
    mine = [edge.connect() for _ in range(5)]
    time.sleep(0.1)
    extra = edge.connect()
    assert extra.recv(1) == b""
    others = []
    for i in range(2, 6):
        sock = socket.socket()
        sock.bind((f"127.0.0.{i}", 0))
        sock.settimeout(10)
        sock.connect(("127.0.0.1", edge.port))
        sock.sendall(b"x")
        others.append(sock)
    # Three of them fit; the fourth is served once one of mine goes.
    for sock in others[:3]:
        assert sock.recv(1) == b"\x15"
    for sock in mine + others + [extra]:
        sock.close()


def test_config_mistakes_name_their_line(own_edge):
    edge = own_edge()
    path = edge.config("127.0.0.1:0")
    good = path.read_text()
    done = run(edge.bin, "--config", path, "--check")
    assert done.stdout.strip() == "ok"
    for old, new, want in ((f"base: {BASE}", "base: Bad.", ":1: base: "),
                           ('"127.0.0.1:0"', '"nowhere"', ":2: listen"),
                           ("log: info", "log: loud", ": log: "),
                           ("log: info", "color: red", "color")):
        path.write_text(good.replace(old, new))
        done = run(edge.bin, "--config", path, check=False)
        assert done.returncode == 2 and want in done.stdout, done.stdout
    assert run(edge.bin, "--config", "/nonexistent", check=False).returncode == 2


def test_missing_certificate_stops_the_start(own_edge):
    edge = own_edge()
    edge.fill(f"alias hello {APP}")
    path = edge.config("127.0.0.1:0")
    edge.key.unlink()
    done = run(edge.bin, "--config", path, check=False)
    assert done.returncode == 1 and "event=start_failed what=setup" in done.stdout and str(edge.key) in done.stdout
