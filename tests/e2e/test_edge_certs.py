"""postern-edge: a certificate for each name, TLS 1.2 and client certificates where a name has
them, and nothing of it anywhere else.

Goal: which certificate a name gets is what stands in the certificates; a mistake among them is
refused as a whole, with its line; a name's terms hold for it alone, whatever session a client
brings; and the app is told who the client is by nobody but the edge.
"""
import base64
import datetime
import re
import shutil
import signal
import ssl
import subprocess
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from conftest import run, wait_for
from test_edge import APP, BASE, INSTANCE, Backend, Edge, Tls, loopback, make_cert, read_all
from test_edge_http import Http1, Http2, read_v2
from test_edge_load import look

PLAIN, FORWARDED, H2F, V2, TCP = 80, 81, 50052, 7002, 7003
NO_EMS = 1  # SSL_OP_NO_EXTENDED_MASTER_SECRET


def host(label, port=None):
    return f"{label}-{port}.{BASE}" if port else f"{label}.{BASE}"


def client_cert(folder, name, issuer=None, seconds=86400, usage=ExtendedKeyUsageOID.CLIENT_AUTH,
                subject=None, ca=False):
    """A P-256 certificate valid for so many seconds; (certificate, key), also in files."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.utcnow()
    subject = subject or x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tenant, Ltd"),
                                    x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject) \
        .issuer_name(issuer[0].subject if issuer else subject).public_key(key.public_key()) \
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=9)) \
        .not_valid_after(now + datetime.timedelta(seconds=seconds)) \
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), True)
    if not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), False)
    cert = builder.sign(issuer[1] if issuer else key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    (folder / f"{name}.pem").write_bytes(cert.public_bytes(pem))
    (folder / f"{name}.key").write_bytes(key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return cert, key


class Clients:
    """Those an edge knows and those it does not."""

    def __init__(self, folder):
        self.folder = folder
        self.ca = client_cert(folder, "ca", ca=True)
        self.other_ca = client_cert(folder, "other-ca", ca=True)
        self.certs = {
            "good": client_cert(folder, "good", self.ca)[0],
            "stranger": client_cert(folder, "stranger", self.other_ca)[0],
            "late": client_cert(folder, "late", self.ca, seconds=-60)[0],
            "server": client_cert(folder, "server", self.ca, usage=ExtendedKeyUsageOID.SERVER_AUTH)[0],
        }

    def files(self, name):
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    def sha256(self, name):
        return self.certs[name].fingerprint(hashes.SHA256())


class World:
    pass


def names_yaml(folder):
    required = f"client_ca: {folder}/ca.pem, client_certificate: required"
    lines = [f"- {{ name: {host('old', p)}, tls12: true }}" for p in (None, FORWARDED, TCP)]
    lines += [f"- {{ name: {host('admin', p)}, {required}, tls12: true }}" for p in (FORWARDED, V2, H2F)]
    lines += [f"- {{ name: {host('maybe', FORWARDED)}, client_ca: {folder}/ca.pem, "
              "client_certificate: optional }"]
    lines += [f"- {{ name: {host('maybe', V2)}, client_ca: {folder}/ca.pem, client_certificate: optional }}"]
    return "names:\n" + "".join(f"  {line}\n" for line in lines)


def make_world(bindir):
    w = World()
    w.address = loopback()
    w.edge = Edge(bindir)
    w.clients = Clients(w.edge.dir)
    # What clients trust: all of the edge's own.
    w.own = make_cert(w.edge.dir, "own", f"{host('admin', FORWARDED)},DNS:gateway.{BASE},DNS:{host('OLD').upper()}")
    w.default_chain = w.edge.chain
    w.both = w.edge.dir / "trusted.pem"
    w.both.write_text(w.edge.chain.read_text() + w.own[0].read_text())
    w.edge.settings["more"] = (
        f"workers: 2\nadmin: {w.edge.dir}/admin.sock\ncertificates:\n"
        f"  - {{ chain: {w.own[0]}, key: {w.own[1]} }}\n" + names_yaml(w.edge.dir))
    w.edge.sock = w.edge.dir / "admin.sock"
    w.plain, w.forwarded = Http1((w.address, PLAIN)), Http1((w.address, FORWARDED))
    w.h2f = Http2((w.address, H2F))
    w.backends = [w.plain.backend, w.forwarded.backend, w.h2f.backend]
    for port in (V2, TCP):
        w.backends.append(Backend((w.address, port), lambda conn: conn.sendall(read_all(conn))))
    w.edge.fill(f"lease {INSTANCE} {APP} {w.address} 3600 {PLAIN}:http {FORWARDED}:http:forwarded "
                f"{H2F}:h2:forwarded {V2}:tcp:pp {TCP}:tcp",
                *[f"alias {label} {APP}" for label in ("hello", "old", "admin", "maybe")])
    w.edge.start()
    return w


@pytest.fixture(scope="module")
def world(bindir):
    w = make_world(bindir)
    yield w
    for backend in w.backends:
        backend.close()
    w.edge.stop()


@pytest.fixture
def alone(bindir):
    """One that may be broken."""
    w = make_world(bindir)
    yield w
    for backend in w.backends:
        backend.close()
    w.edge.stop()


def shown(world, name, *args):
    """The subject of the certificate that a client is shown."""
    out = run("openssl", "s_client", "-connect", f"127.0.0.1:{world.edge.port}", "-servername", name,
              *args, input="", check=False).stdout
    found = re.findall(r"^subject=CN = (\S+)", out, re.M)
    return found[0] if found else None


def reload(world, want="reloaded"):
    before = world.edge.lines().count(f"event={want}")
    world.edge.process.send_signal(signal.SIGHUP)
    wait_for(lambda: world.edge.lines().count(f"event={want}") > before, what=want)
    return [line for line in world.edge.lines().splitlines() if f"event={want}" in line][-1]


# -- certificates -------------------------------------------------------------

@pytest.mark.parametrize("name,want", [
    (host("hello"), "site"), (host("hello", TCP), "site"), ("gateway." + BASE, "own"),
    (host("admin", FORWARDED), "own"), (host("admin", V2), "site"), (host("old"), "own"),
    (host("old").upper() + ".", "own"), (host("old", FORWARDED), "site")])
def test_name_has_the_certificate_it_stands_in(world, name, want):
    assert shown(world, name) == want


def test_curl_and_chromium_take_each(world, tmp_path):
    """Clients that check: each name's certificate is good for it."""
    trusted = world.edge.chain, world.own[0]
    for name, chain in ((host("hello"), trusted[0]), (host("old"), trusted[1])):
        out = run("curl", "-s", "--cacert", chain, "--resolve", f"{name}:{world.edge.port}:127.0.0.1",
                  f"https://{name}:{world.edge.port}/head").stdout
        assert f"Host: {name}" in out
    # Chromium trusts these two keys alone.
    spki = []
    for chain in trusted:
        key = run("openssl", "x509", "-in", chain, "-noout", "-pubkey").stdout
        der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=key.encode(),
                             stdout=subprocess.PIPE, check=True).stdout
        digest = subprocess.run(["openssl", "dgst", "-sha256", "-binary"], input=der,
                                stdout=subprocess.PIPE, check=True).stdout
        spki.append(base64.b64encode(digest).decode())
    for name, more in ((host("hello"), []), (host("old"), []), (host("old"), ["--ssl-version-max=tls1.2"])):
        before = len(world.edge.lines())
        dom = subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", *more,
             f"--user-data-dir={tmp_path}/{len(more)}{name}", f"--host-resolver-rules=MAP {name} 127.0.0.1",
             f"--ignore-certificate-errors-spki-list={','.join(spki)}",
             f"https://{name}:{world.edge.port}/head"],
            text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60).stdout
        assert f"Host: {name}" in dom, (name, more, world.edge.lines()[before:])


def test_admin_lists_all(world):
    names = [c["names"] for c in look(world.edge, "/v1/certificates")["certificates"]]
    assert names[0] == [f"*.{BASE}"] and f"gateway.{BASE}" in names[1] and len(names) == 2


MISTAKES = [
    ("duplicate", lambda w: make_cert(w.edge.dir, "again", f"x.test,DNS:{host('old')}"),
     r"edge\.yaml:\d+: certificates: \S*/again\.pem: old\.postern\.localhost has \S*/own\.pem already"),
    ("same_as_default", lambda w: make_cert(w.edge.dir, "again", f"*.{BASE}"),
     r"edge\.yaml:\d+: certificates: \S*/again\.pem: \*\.postern\.localhost has \S*/site\.pem already"),
    ("key_of_another", lambda w: (make_cert(w.edge.dir, "again", "x.test")[0], w.own[1]),
     r"edge\.yaml:\d+: certificates: \S*/again\.pem: private key: key values mismatch"),
    ("no_name", lambda w: make_cert(w.edge.dir, "again", "a*.x.test"),
     r"edge\.yaml:\d+: certificates: \S*/again\.pem: expected a certificate for a host name"),
    ("missing", lambda w: (w.edge.dir / "nowhere.pem", w.own[1]),
     r"edge\.yaml:\d+: certificates: \S*/nowhere\.pem: No such file"),
]


@pytest.mark.parametrize("name,make,want", MISTAKES, ids=[m[0] for m in MISTAKES])
def test_mistake_is_refused_whole_with_its_line(alone, name, make, want):
    """A connection goes on through the reload that fails, and nothing has changed."""
    w = alone
    held = Tls(w.edge, host("hello", TCP))
    chain, key = make(w)
    before = w.edge.settings["more"]
    w.edge.settings["more"] = before.replace(
        "names:\n", f"  - {{ chain: {chain}, key: {key} }}\nnames:\n")
    fresh = make_cert(w.edge.dir, "site", f"*.{BASE}")  # good, and yet not taken
    path = w.edge.config("inherit:0")
    line = reload(w, "reload_failed")
    found = re.search(want, line)
    assert found, line
    number = int(re.search(r"edge\.yaml:(\d+)", line)[1])
    if name != "missing":
        assert "again.pem" in path.read_text().splitlines()[number - 1]
    serial = run("openssl", "x509", "-in", fresh[0], "-noout", "-serial").stdout
    out = run("openssl", "s_client", "-connect", f"127.0.0.1:{w.edge.port}", "-servername", host("hello"),
              "-showcerts", input="", check=False).stdout
    served = subprocess.run(["openssl", "x509", "-noout", "-serial"], input=out, text=True,
                            stdout=subprocess.PIPE, check=True).stdout
    assert served != serial
    held.send(b"still")
    held.half_close()
    assert held.recv_all() == b"still"
    # Mended, it is taken.
    w.edge.settings["more"] = before
    w.edge.config("inherit:0")
    reload(w)
    assert shown(w, host("hello")) == "site"


def test_new_certificate_of_a_name_is_taken_without_a_cut(alone):
    w = alone
    held = Tls(w.edge, host("hello", TCP))
    third = make_cert(w.edge.dir, "third", host("hello"))
    w.edge.settings["more"] = w.edge.settings["more"].replace(
        "names:\n", f"  - {{ chain: {third[0]}, key: {third[1]} }}\nnames:\n")
    w.edge.config("inherit:0")
    assert shown(w, host("hello")) == "site"
    reload(w)
    assert shown(w, host("hello")) == "third" and shown(w, host("hello", TCP)) == "site"
    held.send(b"still")
    held.half_close()
    assert held.recv_all() == b"still"


# -- TLS 1.2 ------------------------------------------------------------------

def client12(world, name, *args, text=None):
    text = text or f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
    return run("openssl", "s_client", "-connect", f"127.0.0.1:{world.edge.port}", "-servername", name,
               "-CAfile", world.both, "-ign_eof", *args, input=text, check=False).stdout


@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                                   "ECDHE-ECDSA-CHACHA20-POLY1305"])
def test_tls12_where_the_name_admits_it(world, suite):
    for name in (host("old"), host("old", FORWARDED)):
        out = client12(world, name, "-tls1_2", "-cipher", suite)
        assert "HTTP/1.1 200" in out and f"Cipher is {suite}" in out, out
        assert "Extended master secret: yes" in out
        assert "New, TLSv1.2" in out and "TLS session ticket" not in out


def test_tls12_where_the_backend_may_speak_first(world):
    out = client12(world, host("old", TCP), "-tls1_2", text="echo this\nQ\n")
    assert "New, TLSv1.2" in out


def test_tls13_is_still_preferred(world):
    out = client12(world, host("old"))
    assert "New, TLSv1.3" in out and "HTTP/1.1 200" in out


@pytest.mark.parametrize("args", [
    ("-cipher", "ECDHE-ECDSA-AES128-SHA256"), ("-cipher", "ECDHE-ECDSA-AES256-SHA"),
    ("-cipher", "DHE-RSA-AES128-GCM-SHA256"), ("-cipher", "AES128-GCM-SHA256"),
    ("-cipher", "ECDHE-ECDSA-AES128-CCM")], ids=lambda a: a[1])
def test_tls12_of_other_suites_is_refused(world, args):
    out = client12(world, host("old"), "-tls1_2", *args)
    assert "alert number 40" in out and "Cipher is (NONE)" in out, out


@pytest.mark.parametrize("flag,name", [
    ("-tls1_2", host("hello")), ("-tls1_2", "gateway." + BASE), ("-tls1_2", host("admin")),
    ("-tls1_1", host("old")), ("-tls1", host("old"))])
def test_other_versions_and_names_are_refused(world, flag, name):
    out = client12(world, name, flag, "-cipher", "ALL:@SECLEVEL=0")
    assert "alert number 70" in out and "Cipher is (NONE)" in out, out


def test_tls12_without_extended_master_secret_is_refused(world):
    for options, good in ((0, True), (NO_EMS, False)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(world.both)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.options |= options
        sock = world.edge.connect()
        if good:
            assert context.wrap_socket(sock, server_hostname=host("old")).version() == "TLSv1.2"
        else:
            with pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE"):
                context.wrap_socket(sock, server_hostname=host("old"))
        sock.close()
    # In TLS 1.3 it says nothing.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(world.both)
    context.options |= NO_EMS
    assert context.wrap_socket(world.edge.connect(), server_hostname=host("old")).version() == "TLSv1.3"


def test_E14_tls12_is_not_renegotiated(world):
    """Asked once nothing comes of it; asked for ever the connection is cut."""
    client = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{world.edge.port}", "-servername", host("old", TCP),
         "-CAfile", world.edge.chain, "-tls1_2", "-msg"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    time.sleep(0.5)
    client.stdin.write("R\n")
    client.stdin.flush()
    out, _ = client.communicate(timeout=15)
    assert "no_renegotiation" in out or "no renegotiation" in out, out
    assert out.count("ServerHello\n") + out.count("ServerHello ") <= 2  # and "ServerHelloDone"
    wait_for(lambda: look(world.edge, "/v1/status")["connections"] == 0, what="it to end")


def test_tls12_session_is_not_resumed(world, tmp_path):
    path = tmp_path / "session"
    client12(world, host("old"), "-tls1_2", "-sess_out", path)
    out = client12(world, host("old"), "-tls1_2", *(["-sess_in", path] if path.exists() else []))
    assert "New, TLSv1.2" in out and "Reused" not in out


# -- client certificates ------------------------------------------------------

def ask(world, name, client=None, *args, text=None):
    """What s_client says, with that client's certificate."""
    text = text or f"GET /head HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
    own = []
    if client:
        chain, key = world.clients.files(client)
        own = ["-cert", chain, "-key", key]
    return run("openssl", "s_client", "-connect", f"127.0.0.1:{world.edge.port}", "-servername", name,
               "-CAfile", world.both, "-ign_eof", *own, *args, input=text, check=False).stdout


REFUSED = [(None, 116, 40), ("stranger", 48, 48), ("late", 45, 45), ("server", 43, 43)]


@pytest.mark.parametrize("client,alert13,alert12", REFUSED, ids=[str(r[0]) for r in REFUSED])
def test_required_certificate_or_an_alert(world, client, alert13, alert12):
    before = len(world.forwarded.seen)
    name = host("admin", FORWARDED)
    for alert, flags in ((alert13, ()), (alert12, ("-tls1_2",))):
        out = ask(world, name, client, *flags)
        assert "HTTP/1.1 200" not in out
        # A certificate that is not for clients is "unsupported" to some, "bad" to others.
        assert re.search(rf"alert number ({alert}|4[236])\b" if client == "server" else rf"alert number {alert}\b", out), out
    assert len(world.forwarded.seen) == before


@pytest.mark.parametrize("flags", [(), ("-tls1_2",)], ids=["tls13", "tls12"])
def test_required_certificate_is_told_to_the_app(world, flags):
    spoof = "GET /head HTTP/1.1\r\nHost: {0}\r\nX-Forwarded-Client-Cert: Hash=00\r\n" \
            "X_Forwarded_Client_Cert: Hash=01\r\nConnection: close\r\n\r\n"
    name = host("admin", FORWARDED)
    out = ask(world, name, "good", *flags, text=spoof.format(name))
    said = re.findall(r"(?i)x.forwarded.client.cert: (\S.*?)\r?$", out, re.M)
    assert said == [f'Hash={world.clients.sha256("good").hex()};Subject="CN=good,O=Tenant\\, Ltd"'], out


@pytest.mark.parametrize("client", [None, "good"])
def test_optional_certificate(world, client):
    name = host("maybe", FORWARDED)
    out = ask(world, name, client)
    assert "HTTP/1.1 200" in out
    assert ("X-Forwarded-Client-Cert" in out) == (client is not None)
    out = ask(world, name, "stranger")
    assert "alert number 48" in out and "HTTP/1.1 200" not in out


class Client(Tls):
    """A client with a context and a session of its own."""

    def __init__(self, world, name, context, session=None, finish=True):
        self.sock = world.edge.connect()
        self.inb, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.inb, self.out, server_hostname=name, session=session)
        if finish:
            self.step(self.tls.do_handshake)


def context_of(world, client=None, version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(world.both)
    if client:
        context.load_cert_chain(*world.clients.files(client))
    if version:
        context.maximum_version = version
    return context


def header_of(world, name, context, session=None):
    """PROXY elements that the backend got, whether the session was resumed, and the new one."""
    client = Client(world, name, context, session)
    client.send(b"x")
    client.half_close()
    elements, rest = read_v2(client.recv_all())[2:]
    assert rest == b"x"
    reused, kept = client.tls.session_reused, client.tls.session
    client.close()
    return elements, reused, kept


def read_ssl(element):
    """PP2_TYPE_SSL: the client's bits, what verification said, and the elements inside."""
    bits, verify, at, inside = element[0], int.from_bytes(element[1:5], "big"), 5, {}
    while at < len(element):
        n = int.from_bytes(element[at + 1:at + 3], "big")
        inside[element[at]] = element[at + 3:at + 3 + n]
        at += 3 + n
    return bits, verify, inside


@pytest.mark.parametrize("version,word", [(None, b"TLSv1.3"), (ssl.TLSVersion.TLSv1_2, b"TLSv1.2")])
def test_proxy_header_says_who_the_client_is(world, version, word):
    elements, _, _ = header_of(world, host("admin", V2), context_of(world, "good", version))
    assert read_ssl(elements[0x20]) == (1 | 2 | 4, 0, {0x21: word, 0x22: b"good"})
    assert elements[0xe4] == world.clients.sha256("good")


@pytest.mark.parametrize("label", ["hello", "maybe"])
def test_proxy_header_of_a_client_without_one(world, label):
    elements, _, _ = header_of(world, host(label, V2), context_of(world))
    assert read_ssl(elements[0x20]) == (1, 1, {0x21: b"TLSv1.3"})
    assert 0xe4 not in elements


def test_h2_app_is_told_too(world):
    name = host("admin", H2F)
    context = context_of(world, "good")
    context.set_alpn_protocols(["h2"])
    out = run("curl", "-s", "--http2", "--cacert", world.both, "--cert", world.clients.files("good")[0], "--key",
              world.clients.files("good")[1], "--resolve", f"{name}:{world.edge.port}:127.0.0.1",
              "-H", "X-Forwarded-Client-Cert: Hash=00", f"https://{name}:{world.edge.port}/").stdout
    said = re.findall(r"x-forwarded-client-cert=(.*)", out)
    assert said == [f'Hash={world.clients.sha256("good").hex()};Subject="CN=good,O=Tenant\\, Ltd"'], out


HOSTILE = [
    ("quote", 'a"; Hash=00', b'a"; Hash=00', 'CN=a\\"\\; Hash=00'),
    ("line", "a\r\nX-Forwarded-For: 1", None, "CN=a\\0D\\0AX-Forwarded-For: 1"),
    ("nul", "good\0.evil", None, "CN=good\\00.evil"),
    ("latin", "gr\u00fcn", None, "CN=gr\\C3\\BCn"),
]


@pytest.mark.parametrize("what,text,common_name,subject", HOSTILE, ids=[row[0] for row in HOSTILE])
def test_hostile_subject_is_one_word(world, what, text, common_name, subject):
    """What a client has in its subject is never more than that."""
    folder = world.edge.dir
    client_cert(folder, "x-" + what, world.clients.ca,
                subject=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]))
    out = ask(world, host("admin", FORWARDED), "x-" + what)
    said = re.findall(r'X-Forwarded-Client-Cert: Hash=[0-9a-f]{64};Subject="(.*)"\r?$', out, re.M)
    assert said == [subject], out
    assert out.count("X-Forwarded-For") == (2 if what == "line" else 1)
    elements, _, _ = header_of(world, host("admin", V2), context_of(world, "x-" + what))
    assert read_ssl(elements[0x20])[2].get(0x22) == common_name


def test_common_name_that_is_there_twice_is_none(world):
    client_cert(world.edge.dir, "twice", world.clients.ca, subject=x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "one"), x509.NameAttribute(NameOID.COMMON_NAME, "two")]))
    elements, _, _ = header_of(world, host("admin", V2), context_of(world, "twice"))
    assert read_ssl(elements[0x20])[2] == {0x21: b"TLSv1.3"} and len(elements[0xe4]) == 32


# -- sessions -----------------------------------------------------------------

def test_session_with_a_certificate_is_resumed_with_it(world):
    name, context = host("admin", V2), context_of(world, "good")
    _, reused, session = header_of(world, name, context)
    assert not reused
    elements, reused, _ = header_of(world, name, context, session)
    assert reused
    # Not in this connection, but in the session.
    assert read_ssl(elements[0x20]) == (1 | 4, 0, {0x21: b"TLSv1.3", 0x22: b"good"})
    assert elements[0xe4] == world.clients.sha256("good")


def is_refused(world, name, context, session=None):
    client = Client(world, name, context, session, finish=False)
    with pytest.raises(ssl.SSLError) as error:
        client.step(client.tls.do_handshake)
        client.send(b"x")
        client.half_close()
        client.recv_all()
    client.close()
    return str(error.value)


def test_E8_session_without_a_certificate_is_no_way_past_it(world):
    """A ticket of a name that asks for nothing, at one of the same app that does."""
    context = context_of(world)
    _, _, session = header_of(world, host("hello", V2), context)
    assert "CERTIFICATE_REQUIRED" in is_refused(world, host("admin", V2), context, session)
    _, reused, _ = header_of(world, host("hello", V2), context, session)
    assert reused


def swap(world, old, new):
    assert old in world.edge.settings["more"]
    world.edge.settings["more"] = world.edge.settings["more"].replace(old, new)
    world.edge.config("inherit:0")
    reload(world)


def test_E8_session_is_no_way_past_a_demand_that_came_later(alone):
    name, context = host("maybe", V2), context_of(alone)
    _, _, session = header_of(alone, name, context)
    _, reused, session = header_of(alone, name, context, session)
    assert reused
    swap(alone, "client_certificate: optional", "client_certificate: required")
    assert "CERTIFICATE_REQUIRED" in is_refused(alone, name, context, session)


def test_E8_session_of_a_client_that_is_trusted_no_more(alone):
    """The authority is exchanged: what it vouched for is not resumed either."""
    name, context = host("admin", V2), context_of(alone, "good")
    _, _, session = header_of(alone, name, context)
    shutil.copy(alone.edge.dir / "other-ca.pem", alone.edge.dir / "ca.pem")
    reload(alone)
    assert "UNKNOWN_CA" in is_refused(alone, name, context, session)
    _, reused, _ = header_of(alone, name, context_of(alone, "stranger"))
    assert not reused


def test_E8_session_ends_with_its_certificate(world):
    seconds = 4
    world.clients.certs["brief"] = client_cert(world.edge.dir, "brief", world.clients.ca, seconds)[0]
    name, context, begun = host("admin", V2), context_of(world, "brief"), time.monotonic()
    _, _, session = header_of(world, name, context)
    _, reused, session = header_of(world, name, context, session)
    assert reused
    time.sleep(max(0, begun + seconds + 1.2 - time.monotonic()))
    assert "CERTIFICATE_EXPIRED" in is_refused(world, name, context, session)


# -- reloads ------------------------------------------------------------------

def test_reloads_of_all_of_it_under_load(alone):
    """Certificates and terms exchanged while clients of each kind come: none is refused."""
    w, stop, failed, done = alone, threading.Event(), [], []

    def work(name, client, version):
        while not stop.is_set():
            try:
                header_of(w, name, context_of(w, client, version))
                done.append(name)
            except Exception as error:  # whatever it is, it must not be
                failed.append((name, repr(error)))

    threads = [threading.Thread(target=work, args=args) for args in (
        (host("hello", V2), None, None), (host("admin", V2), "good", None),
        (host("admin", V2), "good", ssl.TLSVersion.TLSv1_2), (host("maybe", V2), None, None))]
    for thread in threads:
        thread.start()
    for _ in range(20):
        reload(w)
    stop.set()
    for thread in threads:
        thread.join()
    assert not failed and len(set(done)) == 3 and len(done) > 40, failed[:3]
