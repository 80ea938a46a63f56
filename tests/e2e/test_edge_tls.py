"""postern-edge: sessions that are resumed, and those that must not be; certificates
exchanged while requests run.

Goal: a ticket is good for the name, app, port and protocol it was given out for and for
nothing else; anywhere else there is a full handshake, never a failure. A reload loses no
request and no ticket.
"""
import http.server
import os
import re
import signal
import subprocess
import threading
import time

import pytest

from conftest import run, wait_for
from test_edge import (APP, HTTP, INSTANCE, OTHER, TCP, TWIN, Backend, Edge, HttpHandler, loopback, make_cert, name,  # noqa: F401
                       request, reset, s_client, world)


def visit(world, host, tmp_path, *args):
    """One request with the session that is kept; what s_client says, and keeps the new one."""
    path = tmp_path / "session"
    known = ["-sess_in", path] if path.exists() else []
    out = s_client(world, host, *known, "-sess_out", path, *args)
    assert "HTTP/1.1 200" in out, out
    return re.findall(r"^(New|Reused), TLSv1.3", out, re.M)[0], out


@pytest.fixture
def two_apps(world):
    """A second tenant, and an alias for each."""
    address = loopback()
    server = http.server.ThreadingHTTPServer((address, HTTP), HttpHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    world.edge.fill(f"lease {TWIN} {OTHER} {address} 3600 {HTTP}:http {TCP}:tcp",
                    f"alias hello {APP}", f"alias other {OTHER}")
    yield world
    world.edge.fill(f"remove {TWIN}", f"alias hello {APP}")
    server.shutdown()
    server.server_close()


def test_session_is_resumed_again_and_again(world, tmp_path):
    assert visit(world, name(), tmp_path)[0] == "New"
    for _ in range(3):
        assert visit(world, name(), tmp_path)[0] == "Reused"


def test_E22_ticket_is_one_without_early_data(world, tmp_path):
    _, out = visit(world, name(), tmp_path, "-msg")
    assert out.count("NewSessionTicket") == 1
    assert "Max Early Data: 0" in out
    assert "Early data was not sent" in out


def test_E8_ticket_of_one_app_is_no_good_at_another(two_apps, tmp_path):
    assert visit(two_apps, name(), tmp_path)[0] == "New"
    assert visit(two_apps, name(app="other"), tmp_path)[0] == "New"
    # That one gave a ticket of its own, which the first app does not take.
    assert visit(two_apps, name(), tmp_path)[0] == "New"
    assert visit(two_apps, name(), tmp_path)[0] == "Reused"


@pytest.mark.parametrize("host", [name(app=APP), name(app=INSTANCE), name(HTTP)])
def test_E8_ticket_of_one_name_is_no_good_under_another(world, tmp_path, host):
    """The same app, the same port, and yet another name."""
    assert visit(world, name(), tmp_path)[0] == "New"
    assert visit(world, host, tmp_path)[0] == "New"


def test_E8_alias_that_moves_takes_no_ticket_along(two_apps, tmp_path):
    assert visit(two_apps, name(), tmp_path)[0] == "New"
    two_apps.edge.fill(f"alias hello {OTHER}")
    assert visit(two_apps, name(), tmp_path)[0] == "New"
    two_apps.edge.fill(f"alias hello {APP}")


@pytest.fixture
def alone(bindir):
    """An edge of two workers, to be reloaded and replaced."""
    class World:
        pass
    w = World()
    address = loopback()
    backend = Backend((address, HTTP), lambda conn: (conn.recv(4096), conn.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")))
    w.edge = Edge(bindir, more="workers: 2")
    w.edge.fill(f"lease {INSTANCE} {APP} {address} 3600 {HTTP}:http", f"alias hello {APP}")
    w.edge.start()
    yield w
    backend.close()
    w.edge.stop()


def test_ticket_outlives_a_reload_and_not_a_restart(alone, tmp_path):
    edge = alone.edge
    assert visit(alone, name(), tmp_path)[0] == "New"
    make_cert(edge.dir)
    edge.process.send_signal(signal.SIGHUP)
    wait_for(lambda: "event=reloaded" in edge.lines(), what="the reload")
    assert visit(alone, name(), tmp_path)[0] == "Reused"
    edge.process.terminate()
    edge.process.wait(10)
    edge.start()
    assert visit(alone, name(), tmp_path)[0] == "New"


def test_ticket_is_good_at_every_worker_the_next_too(alone, tmp_path):
    edge = alone.edge
    assert visit(alone, name(), tmp_path)[0] == "New"
    # The kernel picks one of two: sixteen times the same is one in 32768.
    assert [visit(alone, name(), tmp_path)[0] for _ in range(16)] == ["Reused"] * 16
    old = edge.workers()
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(set(edge.workers()) - set(old)) == 2, what="two others")
    assert [visit(alone, name(), tmp_path)[0] for _ in range(8)] == ["Reused"] * 8


def test_ticket_outlives_an_upgrade(alone, tmp_path):
    edge = alone.edge
    assert visit(alone, name(), tmp_path)[0] == "New"
    edge.process.send_signal(signal.SIGUSR2)
    wait_for(lambda: edge.process.poll() is not None, 20, "the old one to end")
    try:
        assert [visit(alone, name(), tmp_path)[0] for _ in range(8)] == ["Reused"] * 8
    finally:
        pid = int(re.findall(r"event=upgraded pid=(\d+)", edge.lines())[-1])
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not os.path.exists(f"/proc/{pid}"), what="the new one to end")


@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"])
def test_every_cipher_full_and_resumed(world, tmp_path, suite):
    for want in ("New", "Reused"):
        got, out = visit(world, name(), tmp_path, "-ciphersuites", suite)
        assert got == want and suite in out


def test_key_update_from_the_client(world):
    """s_client asks for new keys, of both sides (K) and of its own (k), in between."""
    def echo(conn):
        while part := conn.recv(4096):
            conn.sendall(part)
    world.script.do = echo
    client = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{world.edge.port}", "-servername", name(TCP),
         "-CAfile", world.edge.chain, "-msg"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in ("one\n", "K\n", "two\n", "k\n", "three\n", "Q\n"):
        time.sleep(0.3)  # a command is a line read alone
        client.stdin.write(line)
        client.stdin.flush()
    out, _ = client.communicate(timeout=15)
    # Two of its own, and the answer to one.
    assert out.count("KeyUpdate") == 3, out
    assert all(f"\n{word}\n" in out for word in ("one", "two", "three")), out


def test_renegotiation_and_old_versions_are_refused(world):
    for flag in ("-tls1_2", "-tls1_1"):
        out = run("openssl", "s_client", "-connect", f"127.0.0.1:{world.edge.port}", "-servername", name(), flag,
                  "-cipher", "ALL@SECLEVEL=0", check=False, input="").stdout
        assert "Cipher is (NONE)" in out, out


def test_certificates_reloaded_under_load(world):
    """A hundred reloads while requests run: none fails."""
    stop, failed, served = threading.Event(), [], []

    def ask():
        while not stop.is_set():
            try:
                served.append(request(world, "GET", "/", name())[0])
            except Exception as error:  # whatever it is, it must not be
                failed.append(repr(error))

    before = world.edge.lines().count("event=reloaded")
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(100):
        world.edge.process.send_signal(signal.SIGHUP)
        wait_for(lambda: world.edge.lines().count("event=reloaded") > before + number, what="a reload")
    stop.set()
    for thread in threads:
        thread.join()
    assert not failed and len(served) > 50 and set(served) == {200}, failed[:3]
