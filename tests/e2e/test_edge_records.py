"""What a client can say to the edge beneath TLS: malformed messages of every step, records that
no stack of ours makes, and floods of what is allowed.

Goal: each is answered with the alert that RFC 8446 names, or ends its own connection; what is
merely odd works; nobody else's connection notices, and none of it reaches an app.  Rows of the
catalogue of attacks (E14 to E29) are named by their tests.
"""
import http.server
import os
import random
import socket
import struct
import threading
import time

import pytest

import hellos
from conftest import run, wait_for
from hellos import vec
from test_edge import APP, BASE, INSTANCE, Backend, Edge, HttpHandler, Tls, loopback, read_all
from tls13 import ALERT, CCS, DATA, HANDSHAKE, KEY_UPDATE, PLAIN_MAX, Client, Ended, Keys

HTTP, TCP, RAW = 80, 7000, 443
NAME = f"hello-{TCP}.{BASE}"
WARNING = 1


class World:
    pass


@pytest.fixture(scope="module")
def world(bindir):
    w = World()
    w.edge, address, w.seen = Edge(bindir), loopback(), []
    w.tcp = Backend((address, TCP), lambda conn: echo(w, conn))
    w.raw = Backend((address, RAW), lambda conn: conn.sendall(read_all(conn)))
    w.http = http.server.ThreadingHTTPServer((address, HTTP), HttpHandler)
    threading.Thread(target=w.http.serve_forever, daemon=True).start()
    w.edge.fill(f"lease {INSTANCE} {APP} {address} 3600 {HTTP}:http {TCP}:tcp {RAW}:tls",
                f"alias hello {APP}")
    w.edge.start()
    w.pids = w.edge.workers()
    yield w
    # Whatever was said, the processes are those of the beginning.
    assert w.edge.workers() == w.pids
    assert w.edge.process.poll() is None
    w.edge.stop()
    w.http.shutdown()
    w.http.server_close()
    for backend in (w.tcp, w.raw):
        backend.close()


def echo(world, conn):
    while part := conn.recv(65536):
        world.seen.append(part)
        conn.sendall(part)


@pytest.fixture(autouse=True)
def forget(world):
    world.seen.clear()


def client(world, name=NAME, **more):
    return Client(world.edge.connect(), name, **more)


def check_served(world):
    """An honest client is, now."""
    c = client(world).connect()
    c.say(DATA, b"honest")
    assert c.data() == b"honest"
    c.close()


# -- the client of this file itself ------------------------------------------------------

def test_this_client_is_understood(world):
    """Otherwise the refusals below would say nothing."""
    c = client(world).connect()
    for part in (b"one", b"x" * PLAIN_MAX):
        c.say(DATA, part)
        got = b""
        while len(got) < len(part):
            got += c.data()
        assert got == part
    c.say(ALERT, bytes([WARNING, 0]))
    assert c.ended() == "close_notify"
    c.close()


# -- instead of a ClientHello -------------------------------------------------------------

def changed(extensions=None, **kwargs):
    """A hello with something else in place of what is usual."""
    return hellos.body([hellos.server_name(NAME)] + (hellos.MODERN if extensions is None else extensions),
                       **kwargs)


GROUPS, SIGNATURES, SHARE, VERSIONS = hellos.MODERN
BROKEN_SHARE = {
    "short": vec(2, b"\x00\x1d" + vec(2, bytes(31))),
    "long": vec(2, b"\x00\x1d" + vec(2, bytes([9]) + bytes(32))),
    "empty": vec(2, b"\x00\x1d" + vec(2, b"")),
    "zero": vec(2, b"\x00\x1d" + vec(2, bytes(32))),
    "order_8": vec(2, b"\x00\x1d" + vec(2, bytes.fromhex(
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"))),
    "off_the_curve": vec(2, b"\x00\x17" + vec(2, b"\x04" + bytes([1]) * 64)),
    "group_not_offered": vec(2, b"\x00\x18" + vec(2, b"\x04" + bytes(96))),
    "list_lies": struct.pack("!H", 99) + b"\x00\x1d" + vec(2, hellos.X25519_BASE),
}

HELLOS = [
    ("no_suites", changed(suites=b""), ("decode_error", "illegal_parameter")),
    ("half_a_suite", changed(suites=b"\x13\x01\x13"), ("decode_error",)),
    ("unknown_suites", changed(suites=b"\x13\x37"), ("handshake_failure",)),
    ("compression", changed(compression=b"\1\0"), ("illegal_parameter",)),
    ("no_compression_at_all", changed(compression=b""), ("decode_error", "illegal_parameter")),
    ("session_of_33", changed(session=bytes(33)), ("decode_error", "illegal_parameter")),
    ("byte_behind", changed(tail=b"x"), ("decode_error",)),
    ("no_groups", changed([SIGNATURES, SHARE, VERSIONS]), ("missing_extension", "handshake_failure")),
    ("no_signatures", changed([GROUPS, SHARE, VERSIONS]), ("missing_extension", "handshake_failure")),
    ("no_share", changed([GROUPS, SIGNATURES, VERSIONS]), ("missing_extension", "handshake_failure")),
    ("unknown_groups", changed([hellos.ext(10, vec(2, b"\x7a\x7a")), SIGNATURES, SHARE, VERSIONS]),
     ("handshake_failure", "illegal_parameter")),
    ("unknown_signatures", changed([GROUPS, hellos.ext(13, vec(2, b"\x7a\x7a")), SHARE, VERSIONS]),
     ("handshake_failure",)),
    ("signatures_rsa_alone", changed([GROUPS, hellos.ext(13, vec(2, b"\x08\x04\x04\x01")), SHARE, VERSIONS]),
     ("handshake_failure",)),
    ("versions_of_the_future", changed([GROUPS, SIGNATURES, SHARE, hellos.ext(43, vec(1, b"\x7f\x1c"))]),
     ("protocol_version",)),
    ("versions_empty", changed([GROUPS, SIGNATURES, SHARE, hellos.ext(43, b"\0")]),
     ("decode_error", "illegal_parameter", "protocol_version")),
    ("tls12_alone", changed([GROUPS, SIGNATURES]), ("protocol_version",)),
    ("tls10", changed([GROUPS, SIGNATURES], version=0x0301), ("protocol_version",)),
    ("psk_not_last", changed([hellos.ext(45, b"\x01\x01"), hellos.ext(41, vec(2, vec(2, b"x") + bytes(4)) +
                                                                      vec(2, vec(1, bytes(32)))),
                              *hellos.MODERN]), ("decode_error",)),  # the edge's own reader
    ("psk_without_modes", changed([*hellos.MODERN, hellos.ext(41, vec(2, vec(2, b"x") + bytes(4)) +
                                                              vec(2, vec(1, bytes(32))))]),
     ("missing_extension",)),
    ("alpn_empty", changed([hellos.ext(16, vec(2, b"")), *hellos.MODERN]), ("decode_error",)),
    ("alpn_empty_name", changed([hellos.ext(16, vec(2, vec(1, b""))), *hellos.MODERN]), ("decode_error",)),
    *((f"share_{what}", changed([GROUPS, SIGNATURES, hellos.ext(hellos.KEY_SHARE, data), VERSIONS]),
       ("decode_error", "illegal_parameter")) for what, data in BROKEN_SHARE.items()),
]


def ids(rows):
    return [row[0] for row in rows]


@pytest.mark.parametrize("what,body,want", HELLOS, ids=ids(HELLOS))
def test_hello_is_refused_with_its_alert(world, what, body, want):
    c = client(world)
    c.hello(body)
    assert c.ended() in want
    c.close()
    assert not world.seen


def test_E25_broken_key_shares_make_no_key(world):
    """Wrong lengths, a zero, a point of small order, one off the curve: none is shaken hands over."""
    for data in BROKEN_SHARE.values():
        c = client(world)
        c.hello(changed([GROUPS, SIGNATURES, hellos.ext(hellos.KEY_SHARE, data), VERSIONS]))
        with pytest.raises(Ended):
            c.server_hello()
        c.close()
    check_served(world)


# -- between hello and Finished -------------------------------------------------------------

def at_flight(world):
    c = client(world)
    c.hello()
    c.server_hello()
    c.server_flight()
    return c


def empty_certificate():
    return b"\x0b" + vec(3, b"\0" + vec(3, b""))


BEFORE_FINISHED = [
    ("data", lambda c: c.say(DATA, b"early"), "unexpected_message"),
    ("plain_data", lambda c: c.raw(b"\x17\x03\x03\x00\x05early"), ("bad_record_mac", "decode_error",
                                                                  "unexpected_message")),
    ("plain_handshake", lambda c: c.raw(b"\x16\x03\x03" + vec(2, c.finished())), "unexpected_message"),
    ("certificate_nobody_asked_for", lambda c: c.say(HANDSHAKE, empty_certificate()), "unexpected_message"),
    ("hello_again", lambda c: c.say(HANDSHAKE, c.messages[:200]), ("unexpected_message", "decode_error")),
    ("key_update", lambda c: c.say(HANDSHAKE, bytes([KEY_UPDATE]) + vec(3, b"\1")), "unexpected_message"),
    ("no_type", lambda c: c.raw(c.ours.seal(0, b"")), "unexpected_message"),
    ("unknown_type", lambda c: c.say(99, b"x"), "unexpected_message"),
    ("empty_handshake", lambda c: c.say(HANDSHAKE, b""), "unexpected_message"),
    ("ccs_within", lambda c: c.say(CCS, b"\1"), "unexpected_message"),
    # RFC 8446 §5 names unexpected_message; libssl has another word.
    ("ccs_of_another_byte", lambda c: c.raw(b"\x14\x03\x03\x00\x01\x02"), "unexpected_message"),  # RFC 8446 5
    ("finished_wrong", lambda c: c.say(HANDSHAKE, c.finished()[:-1] + bytes([c.finished()[-1] ^ 1])),
     "decrypt_error"),
    ("finished_short", lambda c: c.say(HANDSHAKE, b"\x14" + vec(3, c.finished()[4:-1])),
     ("decode_error", "decrypt_error")),
    ("finished_long", lambda c: c.say(HANDSHAKE, b"\x14" + vec(3, c.finished()[4:] + b"x")),
     ("decode_error", "decrypt_error")),
    ("finished_and_more", lambda c: c.say(HANDSHAKE, c.finished() + bytes([KEY_UPDATE]) + vec(3, b"\0")),
     "unexpected_message"),
    ("tag_wrong", lambda c: c.raw(flipped(c.ours.seal(HANDSHAKE, c.finished()))), "bad_record_mac"),
    ("message_without_end", lambda c: c.say(HANDSHAKE, b"\x14\xff\xff\xff" + bytes(100)),
     ("illegal_parameter", "decode_error", "unexpected_message", "record_overflow")),
]


def flipped(data, at=-1):
    data = bytearray(data)
    data[at] ^= 1
    return bytes(data)


def check_end(got, want):
    assert got in ((want,) if isinstance(want, str) else want)


@pytest.mark.parametrize("what,say,want", BEFORE_FINISHED, ids=ids(BEFORE_FINISHED))
def test_handshake_is_ended_with_its_alert(world, what, say, want):
    c = at_flight(world)
    say(c)
    check_end(c.ended(), want)
    c.close()
    assert not world.seen


def test_finished_may_come_in_pieces(world):
    """Odd, and allowed: one byte a record, padded."""
    c = at_flight(world)
    for byte in c.finished():
        c.say(HANDSHAKE, bytes([byte]), pad=100)
    c.switch()
    c.say(DATA, b"after all")
    assert c.data() == b"after all"
    c.close()


# -- after it -------------------------------------------------------------------------------

AFTERWARDS = [
    ("unknown_type", lambda c: c.say(99, b"x"), "unexpected_message"),
    ("zeros_alone", lambda c: c.raw(c.ours.seal(0, b"", pad=100)), "unexpected_message"),
    ("plain_data", lambda c: c.raw(b"\x17\x03\x03\x00\x20" + bytes(32)), "bad_record_mac"),
    ("plain_alert", lambda c: c.raw(b"\x15\x03\x03\x00\x02\x02\x28"), "unexpected_message"),
    ("ccs", lambda c: c.raw(b"\x14\x03\x03\x00\x01\x01"), "unexpected_message"),
    ("hello_again", lambda c: c.say(HANDSHAKE, c.messages[:200]), "unexpected_message"),
    ("finished_again", lambda c: c.say(HANDSHAKE, b"\x14" + vec(3, bytes(32))), "unexpected_message"),
    ("ticket_of_ours", lambda c: c.say(HANDSHAKE, b"\x04" + vec(3, bytes(20))), "unexpected_message"),
    ("empty_handshake", lambda c: c.say(HANDSHAKE, b""), "unexpected_message"),
    ("key_update_of_2", lambda c: c.say(HANDSHAKE, bytes([KEY_UPDATE]) + vec(3, b"\2")), "illegal_parameter"),
    ("key_update_long", lambda c: c.say(HANDSHAKE, bytes([KEY_UPDATE]) + vec(3, b"\0\0")), "decode_error"),
    ("tag_wrong", lambda c: c.raw(flipped(c.ours.seal(DATA, b"x"))), "bad_record_mac"),
    ("text_wrong", lambda c: c.raw(flipped(c.ours.seal(DATA, b"xyz"), 5)), "bad_record_mac"),
    ("no_tag", lambda c: c.raw(b"\x17\x03\x03\x00\x08" + bytes(8)), ("decode_error", "bad_record_mac")),
    ("old_keys", lambda c: c.raw(c.before.seal(DATA, b"x")), "bad_record_mac"),
    ("number_left_out", lambda c: (c.ours.nonce(), c.say(DATA, b"x")), "bad_record_mac"),
    ("alert_of_one_byte", lambda c: c.say(ALERT, b"\1"), ("decode_error", "unexpected_message")),
    ("alert_of_three", lambda c: c.say(ALERT, b"\1\0\0"), ("decode_error", "unexpected_message")),
]


@pytest.mark.parametrize("what,say,want", AFTERWARDS, ids=ids(AFTERWARDS))
def test_record_is_refused_with_its_alert(world, what, say, want):
    c = at_flight(world)
    c.say(HANDSHAKE, c.finished())
    c.before = c.ours
    c.switch()
    c.say(DATA, b"first")
    assert c.data() == b"first"
    say(c)
    check_end(c.ended(), want)
    c.close()
    assert b"".join(world.seen) == b"first"


def test_record_sent_twice_is_refused(world):
    c = client(world).connect()
    record = c.ours.seal(DATA, b"once")
    c.raw(record)
    assert c.data() == b"once"
    c.raw(record)
    assert c.ended() == "bad_record_mac"
    assert b"".join(world.seen) == b"once"
    c.close()


def test_E14_no_renegotiation_and_no_flood_of_ccs(world):
    """TLS 1.3 has none: a hello after the handshake ends it.  One change_cipher_spec is for middle
    boxes; a flood of them is not waited through."""
    c = client(world).connect()
    c.say(HANDSHAKE, c.messages[:200])
    assert c.ended() == "unexpected_message"
    c.close()
    c = at_flight(world)
    c.raw(b"\x14\x03\x03\x00\x01\x01")
    c.say(HANDSHAKE, c.finished())
    c.switch()
    c.say(DATA, b"middle box")
    assert c.data() == b"middle box"
    c.close()
    c = at_flight(world)
    with pytest.raises((Ended, OSError)):
        for _ in range(200):
            c.raw(b"\x14\x03\x03\x00\x01\x01" * 100)
            time.sleep(0.001)
        c.say(HANDSHAKE, c.finished())
        c.switch()
        c.say(DATA, b"flooded")
        c.data()
    c.close()
    check_served(world)


def wait_failed(world, before):
    """The edge found it wrong, and has not only waited until it was idle."""
    wait_for(lambda: "result=tls_failed " in world.edge.lines()[before:], 10,
             "tls_failed in " + world.edge.lines()[before:])


NOTHINGS = [
    ("empty", lambda c: c.ours.seal(DATA, b"")),
    ("padding", lambda c: c.ours.seal(DATA, b"", pad=64)),
    ("warnings", lambda c: c.ours.seal(ALERT, bytes([WARNING, 90]))),
]


@pytest.mark.parametrize("what,record", NOTHINGS, ids=ids(NOTHINGS))
def test_E15_floods_of_nothing_end(world, what, record):
    """Records that say nothing, tens of thousands of them: not waited through."""
    c, before = client(world).connect(), len(world.edge.lines())
    try:
        for _ in range(1000):
            c.raw(b"".join(record(c) for _ in range(50)))
    except ConnectionError:
        pass
    wait_failed(world, before)
    c.close()
    assert not world.seen
    check_served(world)


def test_E15_flood_of_key_updates_ends(world):
    """Each costs the edge more than the client; a few are welcome."""
    def update(c):
        c.say(HANDSHAKE, bytes([KEY_UPDATE]) + vec(3, b"\0"))
        c.ours = c.ours.next()
    c, before = client(world).connect(), len(world.edge.lines())
    for _ in range(3):
        update(c)
        c.say(DATA, b"x")
        assert c.data() == b"x"
    try:
        for _ in range(3000):
            update(c)
    except ConnectionError:
        pass
    wait_failed(world, before)
    c.close()
    check_served(world)


def test_E15_records_of_one_byte_are_only_slow(world):
    c = client(world).connect()
    text = os.urandom(3000)
    c.raw(b"".join(c.ours.seal(DATA, bytes([b])) for b in text))
    got = b""
    while len(got) < len(text):
        got += c.data()
    assert got == text
    c.close()


OVERFLOWS = [
    # RFC 8446 §5.1, §5.2: of text 2^14, of what is sealed 2^14 + 256.
    ("text", lambda c: c.raw(c.ours.seal(DATA, bytes(PLAIN_MAX + 1)))),
    ("padding", lambda c: c.raw(c.ours.seal(DATA, b"x", pad=PLAIN_MAX))),
    ("sealed", lambda c: c.raw(struct.pack("!BHH", DATA, 0x0303, PLAIN_MAX + 257) + bytes(PLAIN_MAX + 257))),
    ("length_alone", lambda c: c.raw(struct.pack("!BHH", DATA, 0x0303, 0xffff))),
]


@pytest.mark.parametrize("what,say", OVERFLOWS, ids=ids(OVERFLOWS))
def test_E16_records_that_are_too_long(world, what, say):
    c = client(world).connect()
    say(c)
    assert c.ended() == "record_overflow"
    c.close()
    assert not world.seen


def test_E16_longest_records_pass(world):
    """To the byte: with data alone, and with padding up to the bound."""
    c = client(world).connect()
    for data, pad in ((bytes(PLAIN_MAX), 0), (b"x", PLAIN_MAX - 1)):
        c.say(DATA, data, pad)
        got = b""
        while len(got) < len(data):
            got += c.data()
        assert got == data
    c.close()


def test_E16_first_record_that_is_too_long(world):
    c = client(world)
    c.raw(b"\x16\x03\x01" + struct.pack("!H", PLAIN_MAX + 1) + b"\x01")
    assert c.ended() in ("record_overflow", "decode_error")
    c.close()


def test_E18_no_byte_of_another_connection(world):
    """Buffers and pipes are lent: what was in them goes to nobody.  Each of many clients marks all
    it sends, and gets marks of its own alone, also when others are cut off in between."""
    failed, rng = [], random.Random(18)

    def talk(number, name, cuts):
        mark = bytes([number + 1])
        for size in [rng.choice((1, 900, 16384, 70000, 400000)) for _ in range(6)]:
            tls = None
            try:
                if name.endswith(f"s.{BASE}"):
                    sock = world.edge.connect()
                    hello = hellos.hello(name)
                    sock.sendall(hello + mark * size)
                    if not cuts:
                        sock.shutdown(socket.SHUT_WR)
                        got = read_all(sock)[len(hello):]
                    sock.close()
                else:
                    tls = Tls(world.edge, name)
                    for i in range(0, size, 16384):
                        tls.send(mark * min(16384, size - i))
                    if not cuts:
                        tls.half_close()
                        got = tls.recv_all()
                    tls.close()
                if not cuts and got != mark * size:
                    failed.append((number, size, len(got), set(got)))
            except Exception as error:  # of any kind: it is told below
                if not cuts:
                    failed.append((number, size, repr(error)))
    threads = [threading.Thread(target=talk, args=(i, (NAME, f"hello-{RAW}s.{BASE}")[i % 2], i % 4 > 1))
               for i in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[:3]


def test_E22_early_data_reaches_nobody(world):
    """Sent with a session the edge does not know: it is passed over, and the handshake goes on; sent
    where nothing of the kind was announced, it ends it."""
    psk = hellos.ext(41, vec(2, vec(2, bytes(64)) + bytes(4)) + vec(2, vec(1, bytes(32))))
    c = client(world, more=[hellos.ext(45, b"\x01\x01"), hellos.ext(42), psk])
    c.hello()
    early = Keys(bytes(32))
    c.raw(early.seal(DATA, b"GET /replayed"))
    c.server_hello()
    c.server_flight()
    c.say(HANDSHAKE, c.finished())
    c.switch()
    c.say(DATA, b"later")
    assert c.data() == b"later" and b"".join(world.seen) == b"later"
    c.close()
    c = client(world)
    c.hello()
    c.raw(early.seal(DATA, b"GET /replayed"))
    with pytest.raises(Ended):
        c.server_hello()
        c.server_flight()
        c.record()
    c.close()
    assert b"".join(world.seen) == b"later"


def test_E24_nothing_is_compressed(world):
    """Neither by TLS nor in HTTP: what is the same shows as little as what is not."""
    out = run("openssl", "s_client", "-connect", f"127.0.0.1:{world.edge.port}", "-servername", f"hello.{BASE}",
              "-comp", "-CAfile", world.edge.chain, input="").stdout
    assert "Compression: NONE" in out and "Expansion: NONE" in out
    c = client(world, name=f"hello.{BASE}", alpn=["http/1.1"]).connect()
    c.say(DATA, f"GET /30000 HTTP/1.1\r\nHost: hello.{BASE}\r\nAccept-Encoding: gzip, br, deflate\r\n\r\n".encode())
    got = b""
    while b"\r\n\r\n" not in got or len(got.split(b"\r\n\r\n", 1)[1]) < 30000:
        got += c.data()
    head, body = got.split(b"\r\n\r\n", 1)
    assert b"ncoding" not in head and body == b"x" * 30000
    c.close()


def test_E26_rsa_decrypts_nothing(bindir):
    """Also where the key is an RSA key and TLS 1.2 is admitted: it signs, and no client may send a
    secret under it, so there is no padding to tell apart and nothing to time."""
    edge = Edge(bindir, more=f"names:\n  - {{ name: hello.{BASE}, tls12: true }}")
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", edge.key, "-out",
        edge.chain, "-subj", f"/CN={BASE}", "-addext", f"subjectAltName=DNS:*.{BASE}")
    edge.fill(f"alias hello {APP}", f"lease {INSTANCE} {APP} {loopback()} 3600 {HTTP}:http")
    edge.start()
    out = {}
    for cipher in ("ECDHE-RSA-AES128-GCM-SHA256", "AES128-GCM-SHA256:AES256-SHA256:AES128-SHA"):
        out[cipher] = run("openssl", "s_client", "-connect", f"127.0.0.1:{edge.port}", "-servername",
                          f"hello.{BASE}", "-tls1_2", "-cipher", cipher, input="", check=False).stdout
    edge.stop()
    signed, decrypted = out.values()
    assert "Cipher is ECDHE-RSA-AES128-GCM-SHA256" in signed, signed
    assert "Cipher is (NONE)" in decrypted and "handshake failure" in decrypted, decrypted


def test_E29_tiny_segments(world):
    """A client whose segments hold 88 bytes."""
    c = client(world)
    c.close()
    sock = socket.socket()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 88)
    sock.settimeout(10)
    sock.connect((world.edge.host, world.edge.port))
    c = Client(sock, NAME).connect()
    c.say(DATA, b"y" * 5000)
    got = b""
    while len(got) < 5000:
        got += c.data()
    assert got == b"y" * 5000
    c.close()


# -- any bytes -----------------------------------------------------------------------------

def mutate(rng, data):
    """One to four changes: bits, bytes, pieces taken out, doubled or put in."""
    data = bytearray(data)
    for _ in range(rng.randrange(1, 5)):
        at = rng.randrange(len(data))
        kind = rng.randrange(5)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at] = rng.choice((0, 1, 0x7f, 0x80, 0xff, rng.randrange(256)))
        elif kind == 2:
            del data[at:at + rng.randrange(1, 9)]
        elif kind == 3:
            data[at:at] = data[at:at + rng.randrange(1, 40)]
        else:
            data[at:at] = rng.randbytes(rng.randrange(1, 9))
        if not data:
            return b"x"
    return bytes(data)


def fuzz_one(world, rng):
    """One connection, changed at some step; how it ended."""
    c, step = client(world), rng.randrange(4)
    try:
        if step == 0:
            c.raw(mutate(rng, hellos.records(hellos.message(hellos.body(c.extensions)))))
            c.sock.shutdown(socket.SHUT_WR)
            return c.ended()
        if step == 1:
            c.raw(hellos.records(mutate(rng, hellos.message(hellos.body(c.extensions)))))
            c.sock.shutdown(socket.SHUT_WR)
            return c.ended()
        c.hello()
        c.server_hello()
        c.server_flight()
        if step == 2:
            c.say(HANDSHAKE, mutate(rng, c.finished()))
        else:
            c.say(HANDSHAKE, c.finished())
            c.switch()
            c.raw(mutate(rng, c.ours.seal(rng.choice((ALERT, HANDSHAKE, DATA)), rng.randbytes(20))))
        c.sock.shutdown(socket.SHUT_WR)
        return c.ended()
    except Ended as end:
        return str(end)
    except ConnectionError:
        return "reset"
    finally:
        c.close()


def fuzz(world, seed, count):
    """How often each end came."""
    rng, ends = random.Random(seed), {}
    for _ in range(count):
        end = fuzz_one(world, rng)
        ends[end] = ends.get(end, 0) + 1
    assert not {end for end in ends if end.isdigit()} | ({"nothing", "undecipherable"} & set(ends)), ends
    assert world.edge.workers() == world.pids
    check_served(world)
    return ends


def test_any_bytes_end_in_order(world):
    """Changed bytes at every step: an alert or an end, never silence; the workers live.  A
    thousand times more are tests/interop-tls's."""
    seed = random.randrange(1 << 32)
    print("seed", seed)
    print(fuzz(world, seed, 300))
