"""postern-edge and postern-cert: certificates that come over a socket, and proofs for a CA.

Goal: what postern-cert has issued is served, by all workers or by none, without a dropped
connection, whatever the socket says or does not say; keys never come to a disk; a CA that
asks for a proof gets that alone, and where there is none nothing is different from before.
postern-cert is played by a small server here: what is tested is the edge's side.
"""
import http.server
import json
import os
import pathlib
import re
import signal
import socketserver
import ssl
import subprocess
import threading
import time

import pytest

from conftest import run, wait_for
from test_edge import APP, BASE, INSTANCE, TWIN, Backend, Edge, Tls, loopback, make_cert, read_all
from test_edge_http import Http1
from test_edge_load import ask, look

HTTP, TCP, RAW = 80, 7003, 443


class Socket(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 256


class Keys:
    """What postern-cert's socket 'keys' does: 'says' it, with 'status'; or nothing at all."""

    def __init__(self, path):
        self.path, self.asked, self.generation = str(path), 0, 0
        self.status, self.raw, self.hangs = 200, None, False
        self.certificates, self.proofs = {}, {}
        self.server = None

    def issue(self, folder, name, *names):
        chain, key = make_cert(folder, name, ",DNS:".join(names))
        self.certificates[name] = {"names": list(names), "chain": chain.read_text(), "key": key.read_text()}
        # Only this program has them.
        chain.unlink(), key.unlink()

    def prove(self, folder, name):
        chain, key = make_cert(folder, "proof", name)
        self.proofs[name] = {"name": name, "chain": chain.read_text(), "key": key.read_text()}

    def document(self):
        if self.raw is not None:
            return self.raw
        self.generation += 1
        return json.dumps({"generation": self.generation, "certificates": list(self.certificates.values()),
                           "proofs": list(self.proofs.values())}).encode()

    def start(self):
        keys = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                keys.asked += 1
                if keys.hangs:
                    time.sleep(20)
                body = keys.document() if self.path == "/v1/tls" else b""
                self.send_response(keys.status if self.path == "/v1/tls" else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    pass  # it was not waited for

            def log_message(self, *args):
                pass

            def address_string(self):
                return ""

        pathlib.Path(self.path).unlink(missing_ok=True)
        self.server = Socket(self.path, Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            pathlib.Path(self.path).unlink(missing_ok=True)
        self.server = None


def host(label, port=None):
    return f"{label}-{port}.{BASE}" if port else f"{label}.{BASE}"


class World:
    pass


@pytest.fixture
def world(bindir):
    """An edge with two workers that is not started yet, and a postern-cert that is not either."""
    w = World()
    w.address = loopback()
    w.edge = Edge(bindir)
    w.keys = Keys(w.edge.dir / "keys.sock")
    w.edge.sock = w.edge.dir / "admin.sock"
    w.more = f"workers: 2\nadmin: {w.edge.sock}\ncert: {{ keys: {w.keys.path} }}\n"
    w.edge.settings["more"] = w.more
    w.http = Http1((w.address, HTTP))
    w.backends = [w.http.backend, Backend((w.address, TCP), lambda conn: conn.sendall(read_all(conn))),
                  Backend((w.address, RAW), lambda conn: conn.sendall(conn.recv(5)))]
    w.edge.fill(f"lease {INSTANCE} {APP} {w.address} 3600 {HTTP}:http {TCP}:tcp {RAW}:tls", f"alias hello {APP}")
    yield w
    for backend in w.backends:
        backend.close()
    w.keys.stop()
    w.edge.stop()


def no_files(world):
    """A configuration without 'certificate'."""
    make = world.edge.config

    def config(listen):
        path = make(listen)
        path.write_text("".join(line for line in path.read_text().splitlines(True)
                                if not line.startswith("certificate:")))
        return path
    world.edge.config = config


def s_client(world, name, *args, text=""):
    return subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{world.edge.port}", "-servername", name, *args],
        input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20).stdout


def shown(world, name, *args):
    """Whose certificate a client is shown; or None."""
    found = re.findall(r"^subject=CN = (\S+)", s_client(world, name, *args), re.M)
    return found[0] if found else None


def take(world, want=200):
    status, body = ask(world.edge, "POST", "/v1/tls")
    assert status == want, body
    return json.loads(body)


# -- certificates -------------------------------------------------------------

def test_issued_before_the_edge_starts(world):
    """No file is needed; which names have a certificate is what postern-cert says."""
    no_files(world)
    world.keys.issue(world.edge.dir, "issued", f"*.{BASE}", BASE)
    world.keys.start()
    world.edge.start()
    assert shown(world, host("hello")) == "issued"
    listed = look(world.edge, "/v1/certificates")["certificates"]
    assert [c["chain"] for c in listed] == ["postern-cert"] and listed[0]["names"] == [f"*.{BASE}", BASE]
    assert not list(pathlib.Path(world.edge.dir).glob("issued*"))


def test_edge_waits_for_a_postern_cert_that_comes_later(world):
    no_files(world)
    world.edge.start()
    out = s_client(world, host("hello"))
    assert "alert number 112" in out, out
    assert "certificates_not_taken" in world.edge.lines()
    world.keys.issue(world.edge.dir, "issued", f"*.{BASE}")
    world.keys.start()
    wait_for(lambda: shown(world, host("hello")) == "issued", what="it to be asked again")


def test_files_serve_meanwhile_and_what_is_issued_goes_before(world):
    world.edge.start()
    assert shown(world, host("hello")) == "site"
    world.keys.issue(world.edge.dir, "issued", host("hello"))
    world.keys.start()
    said = take(world)
    assert (said["certificates"], said["proofs"]) == (1, 0)
    assert shown(world, host("hello")) == "issued" and shown(world, host("hello", TCP)) == "site"


def test_all_workers_have_it_when_the_answer_comes(world):
    world.keys.issue(world.edge.dir, "first", f"*.{BASE}")
    world.keys.start()
    world.edge.start()
    held = Tls(world.edge, host("x", TCP), finish=False)
    for i in range(5):
        world.keys.certificates.clear()
        world.keys.issue(world.edge.dir, f"n{i}", f"*.{BASE}")
        take(world)
        assert {shown(world, host("hello")) for _ in range(6)} == {f"n{i}"}
    held.close()


GARBAGE = [
    ("no_json", dict(raw=b"<html>no</html>"), "malformed"),
    ("nothing", dict(raw=b""), "status 200 with 0 bytes"),
    ("status", dict(status=503), "status 503"),
    ("half", dict(raw=b'{"generation":1,"certificates":['), "malformed"),
    ("no_pem", dict(raw=b'{"generation":1,"certificates":[{"names":["a.test"],"chain":"C","key":"K"}],"proofs":[]}'),
     "cert: a.test"),
    ("large", dict(raw=b" " * (5 << 20)), "bytes"),
    ("huge", dict(raw=b" " * (17 << 20)), "limit"),
]


@pytest.mark.parametrize("how,want", [g[1:] for g in GARBAGE], ids=[g[0] for g in GARBAGE])
def test_garbage_is_refused_and_nothing_changes(world, how, want):
    world.keys.issue(world.edge.dir, "issued", f"*.{BASE}")
    world.keys.start()
    world.edge.start()
    held = TlsAny(world, host("hello", TCP))
    for name, value in how.items():
        setattr(world.keys, name, value)
    assert want in take(world, 409)["error"].lower()
    assert shown(world, host("hello")) == "issued"
    held.send(b"still")
    held.half_close()
    assert held.recv_all() == b"still"


class TlsAny(Tls):
    """A client that takes any certificate."""

    def __init__(self, world, name, alpn=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if alpn:
            context.set_alpn_protocols(alpn)
        self.sock = world.edge.connect()
        self.inb, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.inb, self.out, server_hostname=name)
        self.step(self.tls.do_handshake)


def test_certificate_for_another_name_is_refused(world):
    world.keys.issue(world.edge.dir, "issued", f"*.{BASE}")
    world.keys.start()
    world.edge.start()
    world.keys.certificates["issued"]["names"].append("other.test")
    assert "not for this name" in take(world, 409)["error"]
    assert shown(world, host("hello")) == "issued"


def test_a_postern_cert_that_hangs_or_is_gone_takes_nothing_back(world):
    world.keys.issue(world.edge.dir, "issued", f"*.{BASE}")
    world.keys.start()
    world.edge.start()
    world.keys.hangs = True
    began = time.monotonic()
    assert take(world, 409)["error"]
    assert time.monotonic() - began < 8
    world.keys.hangs = False
    world.keys.stop()
    take(world, 409)
    # A reload goes on with what there is; so do workers that come later.
    status, body = ask(world.edge, "POST", "/v1/reload")
    assert status == 200, body
    world.edge.signal_workers(signal.SIGKILL)
    wait_for(lambda: shown(world, host("hello")) == "issued", what="new workers")
    # And it is found again when it is back.
    world.keys.certificates.clear()
    world.keys.issue(world.edge.dir, "later", f"*.{BASE}")
    world.keys.start()
    wait_for(lambda: shown(world, host("hello")) == "later", what="it to be asked again")


def test_without_cert_there_is_nothing_to_take(world):
    world.edge.settings["more"] = world.more.split("cert:")[0]
    world.edge.start()
    assert "not configured" in take(world, 409)["error"]


def test_next_version_has_them_without_postern_cert(world):
    no_files(world)
    world.keys.issue(world.edge.dir, "issued", f"*.{BASE}")
    world.keys.start()
    world.edge.start()
    world.keys.stop()
    status, body = ask(world.edge, "POST", "/v1/upgrade")
    assert status == 202, body
    pid = json.loads(body)["pid"]
    try:
        wait_for(lambda: world.edge.lines().count("event=ready") == 2, what="the next version")
        assert shown(world, host("hello")) == "issued"
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not pathlib.Path(f"/proc/{pid}").exists()
                 or "State:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text(), what="its end")


def test_keys_are_on_no_disk(world):
    world.keys.issue(world.edge.dir, "issued", f"*.{BASE}")
    key = world.keys.certificates["issued"]["key"].splitlines()[1].encode()
    world.keys.start()
    world.edge.start()
    take(world)
    files = [p for p in pathlib.Path(world.edge.dir).rglob("*") if p.is_file()]
    assert files and not [p for p in files if key in p.read_bytes()]
    assert key.decode() not in world.edge.lines()


def test_taken_again_and_again_under_load(world):
    """200 times while clients ask: none of their requests fails."""
    world.keys.issue(world.edge.dir, "issued", f"*.{BASE}")
    world.keys.start()
    world.edge.start()
    failed, done, stop = [], [0], threading.Event()

    def client():
        while not stop.is_set():
            try:
                tls = TlsAny(world, host("hello", TCP))
                tls.send(b"said")
                tls.half_close()
                if tls.recv_all() != b"said":
                    failed.append("answer")
                tls.close()
                done[0] += 1
            except (OSError, ssl.SSLError) as e:
                failed.append(repr(e))

    threads = [threading.Thread(target=client) for _ in range(4)]
    for t in threads:
        t.start()
    for i in range(200):
        if i % 20 == 0:
            world.keys.certificates.clear()
            world.keys.issue(world.edge.dir, "issued", f"*.{BASE}")
        take(world)
    stop.set()
    for t in threads:
        t.join()
    assert not failed and done[0] > 50, (failed[:3], done)


# -- proofs -------------------------------------------------------------------

def test_ca_gets_the_proof_and_the_end(world):
    world.keys.start()
    world.edge.start()
    acme = ("-alpn", "acme-tls/1")
    for name in (host("hello"), "gateway." + BASE):
        assert "alert number 120" in s_client(world, name, *acme)
        world.keys.prove(world.edge.dir, name)
    assert take(world)["proofs"] == 2
    for name in (host("hello"), "gateway." + BASE):
        out = s_client(world, name, *acme)
        assert "subject=CN = proof" in out and "ALPN protocol: acme-tls/1" in out, out
    # Nobody else is shown it, and no app was.
    assert shown(world, host("hello")) == "site" and shown(world, host("hello"), "-alpn", "http/1.1") == "site"
    assert "alert number 120" in s_client(world, host("hello", TCP), "-alpn", "acme-tls/1,http/1.1")
    assert world.http.seen == b""
    wait_for(lambda: "result=acme_proof" in world.edge.lines(), what="the line about it")
    # It ends by itself, with close_notify.
    tls = TlsAny(world, host("hello"), alpn=["acme-tls/1"])
    assert tls.recv_all() == b"" and tls.tls.selected_alpn_protocol() == "acme-tls/1"
    tls.close()
    # Taken away it is gone.
    world.keys.proofs.clear()
    assert take(world)["proofs"] == 0
    assert "alert number 120" in s_client(world, host("hello"), *acme)


def test_app_behind_passthrough_never_sees_a_ca(world):
    world.keys.start()
    world.edge.start()
    name = host("hello", "443s")
    assert "alert number 120" in s_client(world, name, "-alpn", "acme-tls/1")
    world.keys.prove(world.edge.dir, name)
    take(world)
    out = s_client(world, name, "-alpn", "acme-tls/1")
    assert "subject=CN = proof" in out, out
