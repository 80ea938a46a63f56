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
from test_edge_http import Http1, Http2
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
    began, asked = time.monotonic(), world.keys.asked
    assert take(world, 409)["error"]
    assert time.monotonic() - began < 8
    # It is not waited for again at once.
    time.sleep(0.6)
    assert world.keys.asked == asked + 1
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


def edit(world, old, new):
    path = world.edge.dir / "edge.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_what_is_on_disk_is_for_a_reload_alone(world):
    """Neither edits that nobody reloaded nor mistakes in them touch what is taken."""
    world.keys.issue(world.edge.dir, "issued", host("hello"))
    world.keys.start()
    world.edge.start()
    before = shown(world, host("other"))
    edit(world, "log: info", "log: debug")
    (world.edge.dir / "cert").mkdir()
    other = make_cert(world.edge.dir / "cert", "edited", host("other"))
    edit(world, "\ncert:", f"\ncertificates:\n  - {{ chain: {other[0]}, key: {other[1]} }}\ncert:")
    world.keys.certificates.clear()
    world.keys.issue(world.edge.dir, "again", host("hello"))
    take(world)
    assert (shown(world, host("hello")), shown(world, host("other"))) == ("again", before)
    edit(world, "base:", "bas")
    world.edge.chain.write_text("half")
    world.keys.certificates.clear()
    world.keys.issue(world.edge.dir, "third", host("hello"))
    take(world)
    assert (shown(world, host("hello")), shown(world, host("other"))) == ("third", before)
    assert ask(world.edge, "POST", "/v1/reload")[0] == 409
    assert shown(world, host("hello")) == "third"


def test_socket_that_a_reload_names_is_asked(world):
    world.keys.issue(world.edge.dir, "issued", host("hello"))
    world.keys.start()
    world.edge.start()
    assert shown(world, host("hello")) == "issued"
    moved = Keys(world.edge.dir / "moved.sock")
    moved.issue(world.edge.dir, "moved", host("hello"))
    moved.start()
    try:
        edit(world, world.keys.path, moved.path)
        assert ask(world.edge, "POST", "/v1/reload")[0] == 200
        wait_for(lambda: shown(world, host("hello")) == "moved", what="the other socket to be asked")
    finally:
        moved.stop()


def test_keys_are_forgotten_with_cert(world):
    """A reload without 'cert' leaves none in memory that the master hands on."""
    world.keys.issue(world.edge.dir, "issued", f"*.{BASE}")
    key = world.keys.certificates["issued"]["key"].splitlines()[1].encode()
    world.keys.start()
    world.edge.start()

    def kept():
        folder = pathlib.Path(f"/proc/{world.edge.process.pid}/fd")
        files = [fd for fd in folder.iterdir() if "postern-edge-files" in os.readlink(fd)]
        assert files
        return any(key in fd.read_bytes() for fd in files)
    assert kept()
    edit(world, f"cert: {{ keys: {world.keys.path} }}", "")
    assert ask(world.edge, "POST", "/v1/reload")[0] == 200
    assert not kept()


def test_who_drains_asks_no_more(world):
    world.keys.status = 500
    world.keys.start()
    world.edge.start()
    tls = TlsAny(world, host("hello", TCP))
    tls.send(b"kept")
    world.edge.process.terminate()
    wait_for(lambda: "event=draining" in world.edge.lines(), what="the drain")
    take(world, 409)
    asked = world.keys.asked
    time.sleep(2.5)
    assert world.edge.process.poll() is None and world.keys.asked == asked
    tls.close()


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


# -- evidence -----------------------------------------------------------------

class Public:
    """What postern-cert's socket 'public' is asked; it answers with what it saw."""

    def __init__(self, path):
        self.path, self.seen, self.lock, self.connections = str(path), [], threading.Lock(), 0
        self.backend = None
        self.large = b""

    def start(self):
        pathlib.Path(self.path).unlink(missing_ok=True)
        self.backend = Backend(self.path, self.serve, backlog=256)
        return self

    def serve(self, conn):
        with self.lock:
            self.connections += 1
        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                part = conn.recv(65536)
                if not part:
                    return
                data += part
            head, _, data = data.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            fields = {}
            for line in lines[1:]:
                name, _, value = line.partition(": ")
                fields.setdefault(name.lower(), []).append(value)
            n = int(fields.get("content-length", ["0"])[0])
            while len(data) < n:
                data += conn.recv(65536)
            body, data = data[:n], data[n:]
            with self.lock:
                self.seen.append((lines[0], fields, body))
            kept = ["keep-alive"] if lines[0].endswith("1.0") else [None, "keep-alive"]
            closes = fields.get("connection", [None])[0] not in kept
            answer = self.large or b"evidence:" + body
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (
                len(answer), b"Connection: close\r\n" if closes else b"",
                b"" if lines[0].startswith("HEAD") else answer))
            if closes:
                return

    def places(self):
        """How many connections are held here."""
        out = pathlib.Path("/proc/net/unix").read_text()
        return sum(line.endswith(self.path) and line.split()[5] == "03" for line in out.splitlines())

    def stop(self):
        if self.backend:
            self.backend.close()


@pytest.fixture
def site(world):
    """With evidence, served, and a forwarding port beside the others."""
    world.public = Public(world.edge.dir / "public.sock").start()
    world.edge.settings["more"] = world.more.replace("keys.sock }", f"keys.sock, public: {world.public.path} }}")
    world.edge.settings["per_source"] = 480
    world.keys.issue(world.edge.dir, "issued", *[host("hello", port) for port in (None, 8080, 8081, 8082)])
    world.heard = []  # by a port that wants a PROXY header
    for port in (8080, 8082):
        world.backends.append(Backend((world.address, port), lambda conn: world.heard.append(conn.recv(65536))))
    world.status = Http1(str(world.edge.dir / "status.sock"))
    world.edge.fill(f"lease {INSTANCE} {APP} {world.address} 3600 {HTTP}:http {TCP}:tcp {RAW}:tls "
                    "8080:http:pp 8081:http:forwarded 8082:http:any", f"alias hello {APP}")
    world.keys.start()
    world.edge.start()
    yield world
    world.public.stop()
    world.status.backend.close()


def get(tls, name, path, more="", body=b"", method="GET", minor=1):
    """One request on a connection that stays open: status and body."""
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    tls.send(f"{method} {path} HTTP/1.{minor}\r\nHost: {name}\r\n{length}{more}\r\n".encode() + body)
    return answer(tls, method)


def answer(tls, method="GET"):
    data = getattr(tls, "rest", b"")
    while b"\r\n\r\n" not in data:
        part = tls.recv()
        assert part, data
        data += part
    head, _, data = data.partition(b"\r\n\r\n")
    n = int(re.search(rb"(?i)content-length: (\d+)", head)[1]) if method != "HEAD" else 0
    while len(data) < n:
        part = tls.recv()
        assert part, data
        data += part
    tls.rest = data[n:]
    return int(head.split()[1]), data[:n]


def test_F9_evidence_and_app_on_one_connection(site):
    tls, name = TlsAny(site, host("hello")), host("hello")
    for _ in range(3):
        assert get(tls, name, "/evidences/quote.json") == (200, b"evidence:")
        assert get(tls, name, "/")[0] == 200
        assert get(tls, name, "/evidences") == (200, b"evidence:")
        assert get(tls, name, "/evidences?x") == (200, b"evidence:")
        assert get(tls, name, "/.dstack/app-info", method="HEAD") == (200, b"")
        assert get(tls, name, "/.dstack/attest", body=b"nonce", method="POST") == (200, b"evidence:nonce")
        assert get(tls, name, "/.well-known/acme-challenge/x") == (200, b"evidence:")
        assert get(tls, name, f"https://{name}/evidences/x") == (200, b"evidence:")
    tls.close()
    assert len(site.public.seen) == 21
    assert b"evidences" not in site.http.seen and b"dstack" not in site.http.seen


@pytest.mark.parametrize("path", ["/evidences-of-x", "/evidence", "/x/evidences/", "/.dstack", "//evidences/",
                                  "/.well-known/acme-challenge", "/%65vidences/", "/?/evidences/"])
def test_F9_other_paths_are_the_apps(site, path):
    tls = TlsAny(site, host("hello"))
    assert get(tls, host("hello"), path)[0] == 200
    tls.close()
    assert f"GET {path} HTTP/1.1".encode() in site.http.seen and not site.public.seen


def test_F10_what_the_edge_vouches_for(site):
    """Name, version and exporter of the very connection; a client cannot say them."""
    lie = "Postern-Name: evil.test\r\nPostern_Exporter: 00\r\npostern-tls: none\r\nX-Mine: yes\r\n"
    for _ in range(2):
        tls = TlsAny(site, host("hello"))
        get(tls, host("hello"), "/evidences/", lie)
        want = None
        if hasattr(tls.tls, "export_keying_material"):
            want = tls.tls.export_keying_material("EXPORTER-Channel-Binding", 32).hex()
        tls.close()
        fields = site.public.seen[-1][1]
        assert fields["postern-name"] == [host("hello")] and fields["postern-tls"] == ["TLSv1.3"]
        assert fields["x-mine"] == ["yes"] and "postern_exporter" not in fields
        assert re.fullmatch("[0-9a-f]{64}", fields["postern-exporter"][0])
        assert want in (None, fields["postern-exporter"][0])
    assert len({f["postern-exporter"][0] for _, f, _ in site.public.seen}) == 2


def test_exporter_is_what_openssl_has(site):
    out = s_client(site, host("hello"), "-ign_eof", "-keymatexport", "EXPORTER-Channel-Binding",
                   "-keymatexportlen", "32",
                   text=f"GET /evidences/ HTTP/1.1\r\nHost: {host('hello')}\r\nConnection: close\r\n\r\n")
    found = re.search(r"Keying material: ([0-9A-F]{64})", out)
    assert found and "evidence:" in out, out
    assert site.public.seen[-1][1]["postern-exporter"] == [found[1].lower()]


@pytest.mark.parametrize("is_issued", [True, False])
def test_port_for_any_host_is_read_where_evidence_is(site, is_issued):
    """A second word on the request line goes to an app unread only where no path is postern-cert's."""
    if not is_issued:
        site.keys.certificates.clear()
        take(site)
    tls = TlsAny(site, host("hello", 8082))
    tls.send(b"GET / a HTTP/1.1\r\nHost: b.test\r\n\r\n")
    if is_issued:
        assert answer(tls)[0] == 400 and not site.heard
    else:
        wait_for(lambda: site.heard, what="the app's bytes")
    tls.close()


def test_port_that_changes_meanwhile_needs_a_new_connection(site):
    """What the edge vouches for was fixed when the first request came."""
    tls = TlsAny(site, host("hello"))
    assert get(tls, host("hello"), "/")[0] == 200
    assert get(tls, host("hello"), "/evidences/")[0] == 200
    site.edge.fill(f"lease {INSTANCE} {APP} {site.address} 3600 {HTTP}:http:forwarded {TCP}:tcp {RAW}:tls",
                   f"alias hello {APP}")
    seen = len(site.http.seen)
    assert get(tls, host("hello"), "/")[0] == 503 and len(site.http.seen) == seen
    tls.close()
    tls = TlsAny(site, host("hello"))
    assert get(tls, host("hello"), "/")[0] == 200
    assert b"X-Forwarded-For: 127.0.0.1" in site.http.seen[seen:]
    tls.close()


def test_proxy_header_goes_to_the_app_alone(site):
    tls, name = TlsAny(site, host("hello", 8080)), host("hello", 8080)
    assert get(tls, name, "/evidences/")[0] == 200
    assert site.public.seen[-1][0] == "GET /evidences/ HTTP/1.1"
    tls.send(f"GET / HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
    wait_for(lambda: site.heard, what="the app's request")
    assert site.heard[0].startswith(b"\r\n\r\n\0\r\nQUIT\n") and b"GET / HTTP/1.1" in site.heard[0]
    tls.close()


REFUSED = [("PUT", "", b"x", 405), ("DELETE", "", b"", 405), ("POST", "", b"x" * 65537, 413),
           ("POST", "Transfer-Encoding: chunked\r\n", b"", 413)]


@pytest.mark.parametrize("method,more,body,status", REFUSED, ids=[f"{r[0]}{r[3]}{len(r[2])}" for r in REFUSED])
def test_odd_requests_for_evidence_are_refused(site, method, more, body, status):
    tls = TlsAny(site, host("hello"))
    assert get(tls, host("hello"), "/evidences/", more, body, method)[0] == status
    tls.close()
    assert not site.public.seen


def test_largest_body_is_taken(site):
    tls = TlsAny(site, host("hello"))
    body = os.urandom(65536)
    assert get(tls, host("hello"), "/.dstack/attest", body=body, method="POST") == (200, b"evidence:" + body)
    tls.close()


def test_pipelined_across_services_is_cut_not_mixed(site):
    tls = TlsAny(site, host("hello"))
    one = f"GET /evidences/a HTTP/1.1\r\nHost: {host('hello')}\r\n\r\n"
    tls.send((one + one.replace("/evidences/a", "/")).encode())
    try:
        assert b"Host" not in tls.recv_all()
    except ssl.SSLError:
        pass  # cut, without close_notify
    assert not site.http.seen
    tls.close()
    # Of one service they may be.
    tls = TlsAny(site, host("hello"))
    tls.send((one * 3).encode())
    assert [answer(tls) for _ in range(3)] == [(200, b"evidence:")] * 3
    tls.close()


def test_waiting_clients_hold_no_place(site):
    """A hundred clients that have their answer and stay: postern-cert has none of them."""
    held = [TlsAny(site, host("hello")) for _ in range(100)]
    for i, tls in enumerate(held):
        assert get(tls, host("hello"), "/evidences/", "Connection: keep-alive\r\n", minor=i % 2)[0] == 200

    wait_for(lambda: site.public.places() == 0, what="the places to be free")
    assert get(held[0], host("hello"), "/")[0] == 200
    for tls in held:
        tls.close()


def test_slow_head_after_evidence_has_a_deadline(site):
    """It has timeouts.request, and not what a client may be idle."""
    site.edge.process.terminate()
    assert site.edge.process.wait(30) == 0
    site.edge.settings["idle"] = "2m"
    site.edge.start()
    tls = TlsAny(site, host("hello"))
    assert get(tls, host("hello"), "/evidences/x") == (200, b"evidence:")
    wait_for(lambda: site.public.places() == 0, what="the place to be free")
    tls.send(b"GET / HTTP/1.1\r\nX: ")
    tls.sock.settimeout(30)
    assert answer(tls)[0] == 408
    tls.close()


def test_large_answer_and_a_slow_reader(site):
    site.public.large = os.urandom(8 << 20)
    tls = TlsAny(site, host("hello"))
    assert get(tls, host("hello"), "/evidences/bundle") == (200, site.public.large)
    site.public.large = b""
    assert get(tls, host("hello"), "/evidences/x") == (200, b"evidence:")
    tls.close()


def test_postern_cert_away_is_a_502_and_the_app_goes_on(site):
    site.public.stop()
    pathlib.Path(site.public.path).unlink()
    tls = TlsAny(site, host("hello"))
    assert get(tls, host("hello"), "/")[0] == 200
    assert get(tls, host("hello"), "/evidences/")[0] == 502
    tls.close()
    site.public.start()
    tls = TlsAny(site, host("hello"))
    assert get(tls, host("hello"), "/evidences/")[0] == 200
    tls.close()


def test_gateway_has_evidence_and_names_without_a_certificate_have_none(site):
    tls = TlsAny(site, "gateway." + BASE)
    assert get(tls, "gateway." + BASE, "/evidences/") == (200, b"evidence:")
    assert get(tls, "gateway." + BASE, "/")[0] == 200
    assert get(tls, "gateway." + BASE, "/evidences/") == (200, b"evidence:")
    tls.close()
    assert b"evidences" not in site.status.seen
    by_id = f"{APP}.{BASE}"
    tls = TlsAny(site, by_id)
    assert get(tls, by_id, "/evidences/")[0] == 200
    tls.close()
    assert b"GET /evidences/" in site.http.seen


def test_no_descriptor_is_left(site):
    before = site.edge.files()
    for i in range(20):
        tls = TlsAny(site, host("hello"))
        for path in ("/", "/evidences/", "/")[i % 3:]:
            assert get(tls, host("hello"), path)[0] == 200
        tls.close()
    wait_for(lambda: site.edge.files() == before, what="the descriptors to be closed")


# -- evidence beside HTTP/2 ----------------------------------------------------

GRPC = 50051


@pytest.fixture
def twofold(site):
    """An app that speaks HTTP/2 alone, with a certificate of postern-cert's."""
    site.h2 = Http2((site.address, GRPC))
    site.backends.append(site.h2.backend)
    site.edge.fill(f"lease {INSTANCE} {APP} {site.address} 3600 {HTTP}:http {GRPC}:h2", f"alias hello {APP}")
    site.keys.issue(site.edge.dir, "both", host("hello", GRPC), host("hello", f"{HTTP}g"))
    take(site)
    return site


def curl(world, name, path, *more):
    return subprocess.run(
        ["curl", "-sk", *more, "--resolve", f"{name}:{world.edge.port}:127.0.0.1",
         "-w", " %{http_code} %{http_version}", f"https://{name}:{world.edge.port}{path}"], stdout=subprocess.PIPE, text=True, timeout=20).stdout


def test_evidence_where_the_app_speaks_h2_alone(twofold):
    name = host("hello", GRPC)
    # A client of HTTP/2 is sent to HTTP/1.1 for it, and comes.
    assert curl(twofold, name, "/evidences/quote.json", "--http2") == "evidence: 200 1.1"
    assert "size=0" in curl(twofold, name, "/evidences-of-mine", "--http2")
    assert twofold.h2.paths == ["/evidences-of-mine"]
    # One that has none is let in for it, and for nothing else.
    for protocols in (["http/1.1"], None):
        tls = TlsAny(twofold, name, protocols)
        assert get(tls, name, "/evidences/") == (200, b"evidence:")
        assert get(tls, name, "/.dstack/app-info") == (200, b"evidence:")
        status, _ = get(tls, name, "/")
        assert status == 505
        tls.close()
    assert twofold.h2.paths == ["/evidences-of-mine"]
    assert "h2_only" in twofold.edge.lines()


def test_other_protocols_are_refused_there(twofold):
    for protocols in (["acme-tls/1"], ["http/1.0"], ["h3"]):
        with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
            TlsAny(twofold, host("hello", GRPC), protocols)
    # Without a certificate of postern-cert's there is nothing to ask for.
    twofold.keys.certificates.pop("both")
    take(twofold)
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        TlsAny(twofold, host("hello", GRPC), ["http/1.1"])


def test_F9_one_h2_connection_for_the_app_goes_on(twofold):
    """The stream for evidence ends; those of the app do not."""
    name = host("hello", GRPC)
    import h2.config
    import h2.connection
    import h2.events
    tls = TlsAny(twofold, name, ["h2"])
    client = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    client.initiate_connection()

    def ask_for(path):
        stream = client.get_next_available_stream_id()
        client.send_headers(stream, [(":method", "GET"), (":scheme", "https"), (":authority", name), (":path", path)],
                            end_stream=True)
        return stream
    first, evidence, last = ask_for("/one"), ask_for("/evidences/"), ask_for("/two")
    tls.send(client.data_to_send())
    ended, reset = set(), {}
    while len(ended) + len(reset) < 3:
        for event in client.receive_data(tls.recv()):
            if isinstance(event, h2.events.StreamEnded):
                ended.add(event.stream_id)
            if isinstance(event, h2.events.StreamReset):
                reset[event.stream_id] = event.error_code
        tls.send(client.data_to_send())
    assert ended == {first, last} and reset == {evidence: 0xd}
    assert twofold.h2.paths == ["/one", "/two"]
    tls.close()


# -- ingress: custom names that end here --------------------------------------

CUSTOM = "www.custom.test"


@pytest.fixture
def ingress(world):
    """An edge without a store, as in a CVM, before three services beside it."""
    no_files(world)
    world.public = Public(world.edge.dir / "public.sock").start()
    world.heard = []
    world.backends.append(Backend((world.address, 8080), lambda conn: world.heard.append(conn.recv(65536))))
    at = f"to: \"{world.address}"
    world.edge.settings["more"] = world.more.replace("keys.sock }", f"keys.sock, public: {world.public.path} }}") + (
        "backends:\n"
        f"  - {{ names: [ {CUSTOM}, custom.test ], {at}:{HTTP}\" }}\n"
        f"  - {{ names: [ \"*.raw.test\" ], {at}:{TCP}\", alpn: none }}\n"
        f"  - {{ names: [ pp.custom.test ], {at}:8080\", proxy: v2 }}\n"
        f"  - {{ names: [ bare.test ], {at}:{HTTP}\" }}\n"
        f"  - {{ names: [ two.custom.test ], {at}:{HTTP}\", alpn: h2 }}\n")
    make = world.edge.config

    def config(listen):
        path = make(listen)
        path.write_text(path.read_text().replace(f"store: {world.edge.dir}/store", 'store: ""'))
        return path
    world.edge.config = config
    world.keys.issue(world.edge.dir, "issued", CUSTOM, "custom.test", "*.raw.test", "pp.custom.test", "two.custom.test")
    world.keys.start()
    world.edge.start()
    yield world
    world.public.stop()


def test_custom_names_end_at_an_ingress(ingress):
    for name in (CUSTOM, "custom.test"):
        tls = TlsAny(ingress, name)
        assert get(tls, name, "/")[0] == 200
        assert get(tls, name, "/evidences/") == (200, b"evidence:")
        assert get(tls, name, "/")[0] == 200
        assert ingress.public.seen[-1][1]["postern-name"] == [name]
        tls.close()
    # Its backend speaks HTTP/2, which this client does not.
    tls = TlsAny(ingress, "two.custom.test", ["http/1.1"])
    assert get(tls, "two.custom.test", "/evidences/") == (200, b"evidence:")
    assert get(tls, "two.custom.test", "/")[0] == 505
    tls.close()
    tls = TlsAny(ingress, "a.raw.test")
    tls.send(b"said")
    tls.half_close()
    assert tls.recv_all() == b"said"
    tls.close()
    tls = TlsAny(ingress, "pp.custom.test")
    tls.send(b"GET / HTTP/1.1\r\nHost: pp.custom.test\r\n\r\n")
    wait_for(lambda: ingress.heard, what="the request")
    assert ingress.heard[0].startswith(b"\r\n\r\n\0\r\nQUIT\n") and b"pp.custom.test" in ingress.heard[0]
    tls.close()


def test_ingress_refuses_what_it_has_no_certificate_or_place_for(ingress):
    for name, why in (("bare.test", "no_certificate"), ("a.b.raw.test", "other_domain"),
                      ("other.test", "other_domain"), (host("hello"), "unknown_alias")):
        assert "alert number 112" in s_client(ingress, name), name
        wait_for(lambda: f"result={why}" in ingress.edge.lines(), what=why)
    # The host of a request is the name's.
    tls = TlsAny(ingress, CUSTOM)
    assert get(tls, "custom.test", "/")[0] == 421
    tls.close()
    for path in ("/v1/apps", "/v1/instances"):
        assert look(ingress.edge, path)
    # A CA asks here, too.
    ingress.keys.prove(ingress.edge.dir, CUSTOM)
    take(ingress)
    assert "subject=CN = proof" in s_client(ingress, CUSTOM, "-alpn", "acme-tls/1")


@pytest.mark.parametrize("entry,want", [
    ("{ names: [ other.test, www.custom.test ], to: \"127.0.0.1:1\" }", "www.custom.test: expected once, given twice"),
    (f"{{ names: [ x.{BASE} ], to: \"127.0.0.1:1\" }}", f"x.{BASE}: expected a name outside the base")])
def test_mistaken_backends_are_refused_with_their_line(ingress, entry, want):
    ingress.edge.settings["more"] += f"  - {entry}\n"
    ingress.edge.config("inherit:0")
    status, body = ask(ingress.edge, "POST", "/v1/reload")
    assert status == 409 and want in json.loads(body)["error"], body
    assert re.search(r"edge\.yaml:\d+: backends: ", body)
    tls = TlsAny(ingress, CUSTOM)
    assert get(tls, CUSTOM, "/")[0] == 200
    tls.close()


def test_workers_and_postern_cert_killed_under_load(ingress):
    """After SIGKILL of all workers, and with postern-cert away, names are served within a second."""
    ingress.keys.stop()
    tls = TlsAny(ingress, CUSTOM)
    assert get(tls, CUSTOM, "/")[0] == 200
    ingress.edge.signal_workers(signal.SIGKILL)

    def served():
        try:
            one = TlsAny(ingress, CUSTOM)
            good = get(one, CUSTOM, "/evidences/") == (200, b"evidence:")
            one.close()
            return good
        except (OSError, ssl.SSLError, AssertionError):
            return False
    wait_for(served, timeout=3, what="new workers to serve")
    tls.close()
