"""Clients as they are, through both modes of the edge: TLS ended there, and passed through to a
container that ends it.

Goal: what works with the container alone works through the edge: curl, Chromium, a hello in
Firefox's order, WebSockets, streams of a gRPC client, certificates of clients.  Bodies of a GiB
each way are tests/interop-tls's; half-closed streams are in test_edge.py (E17).
"""
import base64
import concurrent.futures
import hashlib
import os
import socket
import ssl
import subprocess
import threading

import grpc
import pytest

import hellos
from conftest import run
from test_edge import APP, BASE, INSTANCE, Backend, Edge, Tls, loopback, make_cert
from tls13 import HANDSHAKE, SERVER_HELLO

HTTP, HTTPS, MTLS, GRPC, GRPCS = 80, 443, 8443, 50051, 50443
ENDED, PASSED = f"hello.{BASE}", f"hello-s.{BASE}"
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455 §1.3


class World:
    pass


def serve_http(conn):
    """Answers one request after the other with its head; upgrades to a WebSocket's echo."""
    buffer = b""
    while True:
        while b"\r\n\r\n" not in buffer:
            part = conn.recv(65536)
            if not part:
                return
            buffer += part
        head, _, buffer = buffer.partition(b"\r\n\r\n")
        if b"upgrade: websocket" in head.lower():
            key = [x.split(b": ")[1] for x in head.split(b"\r\n") if x.lower().startswith(b"sec-websocket-key")][0]
            accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
            conn.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                         b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + buffer)
            while part := conn.recv(65536):
                conn.sendall(part)
            return
        body = b"<pre>" + head + b"</pre>"
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def tls_server(own, client_ca=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*own)
    if client_ca:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_REQUIRED

    def serve(conn):
        with context.wrap_socket(conn, server_side=True) as tls:
            serve_http(tls)
    return serve


def grpc_server(address, port, credentials=None):
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("test.Test", {
        "Echo": grpc.stream_stream_rpc_method_handler(lambda parts, _: parts)})])
    at = f"{address}:{port}"
    assert (server.add_secure_port(at, credentials) if credentials else server.add_insecure_port(at)) == port
    server.start()
    return server


@pytest.fixture(scope="module")
def world(bindir):
    w = World()
    w.edge, address = Edge(bindir), loopback()
    w.own = make_cert(w.edge.dir, "container", "*." + BASE)
    w.ca = make_cert(w.edge.dir, "clientca", "ca.test")
    w.client = make_cert(w.edge.dir, "client", "client.test", ca=w.ca)
    w.backends = [Backend((address, HTTP), serve_http), Backend((address, HTTPS), tls_server(w.own)),
                  Backend((address, MTLS), tls_server(w.own, w.ca[0]))]
    chain, key = (path.read_bytes() for path in w.own)
    w.servers = [grpc_server(address, GRPC),
                 grpc_server(address, GRPCS, grpc.ssl_server_credentials(
                     [(key, chain)], w.ca[0].read_bytes(), require_client_auth=True))]
    w.edge.fill(f"lease {INSTANCE} {APP} {address} 3600 {HTTP}:http {HTTPS}:tls {MTLS}:tls {GRPC}:h2 {GRPCS}:tls",
                f"alias hello {APP}")
    w.edge.start()
    w.trust = {ENDED: w.edge.chain, PASSED: w.own[0]}
    yield w
    w.edge.stop()
    for server in w.servers:
        server.stop(0)
    for backend in w.backends:
        backend.close()


BOTH = pytest.mark.parametrize("name", [ENDED, PASSED], ids=["ended", "passed"])


@BOTH
def test_curl(world, name):
    """Two requests on one connection."""
    at = f"https://{name}:{world.edge.port}"
    out = run("curl", "-sS", "--cacert", world.trust[name], "--resolve", f"{name}:{world.edge.port}:127.0.0.1",
              "-w", "[%{num_connects}]", f"{at}/one", f"{at}/two").stdout
    assert "GET /one HTTP/1.1" in out and "GET /two HTTP/1.1" in out
    assert "[1]" in out and "[0]" in out, out


def spki(chain):
    key = run("openssl", "x509", "-in", chain, "-noout", "-pubkey").stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=key.encode(),
                         stdout=subprocess.PIPE, check=True).stdout
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


@BOTH
def test_chromium(world, name, tmp_path):
    """The key it trusts is the one it must see: the edge's, or the container's alone."""
    dom = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", f"--user-data-dir={tmp_path}",
         f"--host-resolver-rules=MAP {name} 127.0.0.1",
         f"--ignore-certificate-errors-spki-list={spki(world.trust[name])}", f"https://{name}:{world.edge.port}/page"],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60).stdout
    assert "GET /page HTTP/1.1" in dom and f"Host: {name}" in dom, dom


@BOTH
def test_firefox_like_hello(world, name):
    """Of three key shares, ML-KEM's among them, and ECH in grease, a ServerHello comes of it."""
    sock = world.edge.connect()
    sock.sendall(hellos.firefox(name))
    head = sock.recv(6, socket.MSG_WAITALL)
    assert head[0] == HANDSHAKE and head[5] == SERVER_HELLO
    sock.close()


class Passed:
    """A TLS connection to the container, with the methods of Tls."""

    def __init__(self, world, name, cert=None):
        context = ssl.create_default_context(cafile=world.own[0])
        if cert:
            context.load_cert_chain(*cert)
        self.tls = context.wrap_socket(world.edge.connect(), server_hostname=name)
        self.send, self.recv, self.close = self.tls.sendall, lambda: self.tls.recv(65536), self.tls.close


def open_tls(world, name):
    return Tls(world.edge, name, ["http/1.1"]) if name == ENDED else Passed(world, name)


@BOTH
def test_websocket(world, name):
    tls = open_tls(world, name)
    tls.send(f"GET /ws HTTP/1.1\r\nHost: {name}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
    got = b""
    while b"\r\n\r\n" not in got:
        got += tls.recv()
    # RFC 6455 §1.3 has this very answer.
    assert b"101" in got.split(b"\r\n")[0] and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in got
    got = got.split(b"\r\n\r\n", 1)[1]
    frames = b"".join(b"\x82\x7e\x10\x00" + os.urandom(4096) for _ in range(50))
    thread = threading.Thread(target=tls.send, args=(frames,)) if name == PASSED else None
    if thread:
        thread.start()
    else:
        tls.send(frames)
    while len(got) < len(frames):
        part = tls.recv()
        assert part
        got += part
    if thread:
        thread.join()
    assert got == frames
    tls.close()


def test_grpc_streams_to_a_container_that_asks_for_a_certificate(world):
    """HTTP/2, its streams and trailers, and the client's certificate, end to end; without the
    certificate nothing."""
    name = f"hello-{GRPCS}s.{BASE}"
    parts = [os.urandom(1 + i * 997) for i in range(100)]
    trust, key, chain = world.own[0].read_bytes(), world.client[1].read_bytes(), world.client[0].read_bytes()
    with_one = grpc.ssl_channel_credentials(trust, key, chain)
    for credentials, want in ((with_one, parts), (grpc.ssl_channel_credentials(trust), None)):
        with grpc.secure_channel(f"127.0.0.1:{world.edge.port}", credentials, options=[
                ("grpc.ssl_target_name_override", name)]) as channel:
            call = channel.stream_stream("/test.Test/Echo")(iter(parts), timeout=20)
            if want:
                assert list(call) == want and call.code() == grpc.StatusCode.OK
            else:
                with pytest.raises(grpc.RpcError):
                    list(call)


def test_client_certificate_is_passed_through(world):
    name = f"hello-{MTLS}s.{BASE}"
    tls = Passed(world, name, cert=world.client)
    tls.send(f"GET /mine HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    assert b"GET /mine" in tls.recv()
    tls.close()
    with pytest.raises((ssl.SSLError, ConnectionError)):
        stranger = Passed(world, name)
        stranger.send(b"GET /mine HTTP/1.1\r\n\r\n")
        assert stranger.recv()
