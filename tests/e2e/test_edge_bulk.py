"""postern-edge: many bytes each way, TLS ended and passed through, with readers that are
slow, ends that come early and resets that come late.

Goal: every byte arrives, in order and unaltered, and each end or reset comes after what was
sent before it. With POSTERN_LONG=1 a body is 1 GiB, else 48 MiB.
"""
import hashlib
import os
import socket
import struct
import threading
import time

import pytest

from conftest import wait_for
from test_edge import TCP, Tls, VECTORS, name, reset, wait_result, world  # noqa: F401

SIZE = (1 << 30) if os.environ.get("POSTERN_LONG") == "1" else 48 << 20
CHUNK = 1 << 20
HELLO = (VECTORS / "openssl.bin").read_bytes()  # asks for port 443, passed through
# Not a period of any buffer: a piece out of place is noticed.
PIECE = hashlib.shake_256(b"bulk").digest(CHUNK - 1)


def digest(size):
    state, left = hashlib.sha256(), size
    while left > 0:
        state.update(PIECE[:left])
        left -= len(PIECE)
    return state.digest()


def send_body(send, size):
    left = size
    while left > 0:
        send(PIECE[:left])
        left -= len(PIECE)


def hear_body(recv):
    """Digest and length of all that comes."""
    state, total = hashlib.sha256(), 0
    while part := recv(CHUNK):
        state.update(part)
        total += len(part)
    return total, state.digest()


class Raw:
    """A client whose TLS nobody ends: the hello, then bytes."""

    def __init__(self, world):
        self.sock = world.edge.connect()
        self.sock.sendall(HELLO)
        self.send, self.recv = self.sock.sendall, self.sock.recv

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)


def client_of(world, mode):
    return Raw(world) if mode == "pass" else Tls(world.edge, name(TCP))


def serve(world, mode, do):
    """The backend does this, behind the hello."""
    def behind_hello(conn):
        got = b""
        while len(got) < len(HELLO):
            got += conn.recv(len(HELLO) - len(got))
        assert got == HELLO
        do(conn)
    (world.raw_script if mode == "pass" else world.script).do = behind_hello if mode == "pass" else do


MODES = pytest.mark.parametrize("mode", ["pass", "terminate"])


@MODES
def test_download_arrives_whole(world, mode):
    serve(world, mode, lambda conn: send_body(conn.sendall, SIZE))
    assert hear_body(client_of(world, mode).recv) == (SIZE, digest(SIZE))


@MODES
def test_upload_arrives_whole_and_is_answered(world, mode):
    """The client ends its side; the backend answers what it heard, and only then ends."""
    def do(conn):
        total, heard = hear_body(conn.recv)
        conn.sendall(struct.pack(">Q", total) + heard)
    serve(world, mode, do)
    client = client_of(world, mode)
    send_body(client.send, SIZE)
    client.half_close()
    answer = b""
    while part := client.recv(4096):
        answer += part
    assert answer == struct.pack(">Q", SIZE) + digest(SIZE)


def test_both_ways_at_once_passed_through(world):
    """Each side sends all it has before it has read anything of note."""
    size, heard = SIZE // 4, []

    def do(conn):
        writer = threading.Thread(target=send_body, args=(conn.sendall, size))
        writer.start()
        left = size
        state = hashlib.sha256()
        while left > 0:
            part = conn.recv(min(left, CHUNK))
            state.update(part)
            left -= len(part)
        writer.join()
        heard.append(state.digest())
        conn.shutdown(socket.SHUT_WR)
        conn.recv(1)
    serve(world, "pass", do)
    client = Raw(world)
    writer = threading.Thread(target=send_body, args=(client.send, size))
    writer.start()
    assert hear_body(client.recv) == (size, digest(size))
    writer.join()
    assert heard == [digest(size)]


@MODES
def test_slow_reader_gets_all_after_the_end(world, mode):
    """The backend is done and gone long before the client has read half of it."""
    size, done = 6 << 20, threading.Event()

    def do(conn):
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 << 20)
        send_body(conn.sendall, size)
        done.set()
    serve(world, mode, do)
    client = client_of(world, mode)
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    total, state = 0, hashlib.sha256()
    while part := client.recv(CHUNK):
        if total < size // 4:
            time.sleep(0.01)
        total += len(part)
        state.update(part)
    assert done.is_set() and (total, state.digest()) == (size, digest(size))


def test_backend_that_is_reset_is_told_from_one_that_ends(world):
    """Passed through, TCP ends after what came before the reset; the TLS inside tells a client
    that there was more, and the log tells the operator."""
    size = 4 << 20

    def do(conn):
        send_body(conn.sendall, size)
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    serve(world, "pass", do)
    before = len(world.edge.lines())
    total, heard = hear_body(Raw(world).recv)
    assert total <= size and heard == digest(total)
    wait_result(world, "backend_reset", before)


def test_reset_of_the_client_reaches_the_backend(world):
    seen = []

    def do(conn):
        try:
            while conn.recv(CHUNK):
                pass
            seen.append("end")
        except ConnectionResetError:
            seen.append("reset")
    serve(world, "pass", do)
    client = Raw(world)
    send_body(client.send, 4 << 20)
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.sock.close()
    deadline = time.monotonic() + 60
    while not seen and time.monotonic() < deadline:
        time.sleep(0.01)
    assert seen == ["reset"]


def test_pipes_come_back_and_more_flows_than_pipes_work(world):
    """40 readers that stall in the middle of a large body; then all go on."""
    size, count = 3 << 20, 40
    before = world.edge.files()
    serve(world, "pass", lambda conn: send_body(conn.sendall, size))
    clients = [Raw(world) for _ in range(count)]
    for client in clients:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    wait_for(lambda: world.edge.files(pipes=True) >= 2, what="pipes to be in use")
    time.sleep(0.5)  # for more than are allowed
    assert world.edge.files() <= before + 2 * count
    assert 2 <= world.edge.files(pipes=True) <= 64
    got = [None] * count

    def read(i):
        got[i] = hear_body(clients[i].recv)
        clients[i].sock.close()
    threads = [threading.Thread(target=read, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [(size, digest(size))] * count
