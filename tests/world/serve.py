"""What the servers of the test world share: an HTTP server of threads, a control
endpoint, a clock that can be moved, children that do not outlive their parent,
the ready line, and the clean end on SIGTERM.

A server prints one line when it serves, `ready {...}` with what a client must
know as JSON, and nothing else on standard output.
"""
import ctypes
import datetime
import hashlib
import http.client
import http.server
import ipaddress
import json
import os
import pathlib
import queue
import select
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
import traceback
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

REQUEST_MAX = 4 << 20


# ---- time

class Clock:
    """The time of the world: the machine's and an offset in seconds, which lies in a file
    when several processes are to share it."""

    def __init__(self, path=None):
        self.path = pathlib.Path(path) if path else None
        self._offset = 0.0

    @property
    def offset(self):
        if self.path is None:
            return self._offset
        try:
            return float(self.path.read_text() or 0)
        except (OSError, ValueError):
            return 0.0

    @offset.setter
    def offset(self, seconds):
        self._offset = float(seconds)
        if self.path is not None:
            new = self.path.with_name(f"{self.path.name}.{os.getpid()}")
            new.write_text(f"{self._offset}\n")
            new.replace(self.path)

    def now(self):
        return time.time() + self.offset

    def date(self):
        return datetime.datetime.utcfromtimestamp(int(self.now()))

    def set(self, wanted):
        """{"offset": seconds}, {"advance": seconds} or {"now": "2027-01-02T03:04:05Z"}"""
        if "offset" in wanted:
            self.offset = wanted["offset"]
        elif "advance" in wanted:
            self.offset += wanted["advance"]
        elif "now" in wanted:
            self.offset = from_rfc3339(wanted["now"]) - time.time()
        return {"offset": self.offset, "now": rfc3339(self.now())}


def rfc3339(seconds):
    return datetime.datetime.utcfromtimestamp(int(seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def from_rfc3339(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


# ---- transport certificates

def transport_authority(folder):
    """Makes once the authority that vouches for the world's HTTPS servers, and returns (path of
    its certificate, certificate, key). It has nothing to do with the certificates of ca.py."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pem, key_path = folder / "transport.pem", folder / "transport.key"
    with Lock(folder / "transport.lock"):
        if not pem.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test world transport")])
            cert = _transport(name, key.public_key(), name, key, [
                (x509.BasicConstraints(True, None), True),
                (x509.KeyUsage(False, False, False, False, False, True, True, False, False), True),
            ])
            write_private(key_path, key_pem(key))
            pem.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    return (pem, x509.load_pem_x509_certificate(pem.read_bytes()),
            serialization.load_pem_private_key(key_path.read_bytes(), None))


def transport_certificate(folder, *names):
    """The path of a PEM file with key and certificate of names and addresses."""
    folder = pathlib.Path(folder)
    _, issuer, issuer_key = transport_authority(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    alternatives = x509.SubjectAlternativeName([_general_name(n) for n in dict.fromkeys(names)])
    usage = x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH])
    cert = _transport(subject, key.public_key(), issuer.subject, issuer_key,
                      [(alternatives, False), (usage, False)])
    digest = hashlib.sha256(" ".join(names).encode()).hexdigest()[:8]
    path = folder / f"server-{digest}.pem"
    write_private(path, key_pem(key) + cert.public_bytes(serialization.Encoding.PEM))
    return path


def _general_name(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _transport(subject, key, issuer, issuer_key, extensions):
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
               .serial_number(x509.random_serial_number())
               .not_valid_before(now - datetime.timedelta(days=2))
               .not_valid_after(now + datetime.timedelta(days=3650)))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer_key, hashes.SHA256())


def key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def write_private(path, data):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as out:
        out.write(data)


class Lock:
    """with Lock(path): one process at a time."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        import fcntl  # pylint: disable=import-outside-toplevel
        self.file = open(self.path, "ab")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        self.file.close()


# ---- HTTP

class Request:
    """What was asked: method, target, path, query (last value of each name), headers, body."""

    def __init__(self, method, target, headers, body, peer):
        self.method, self.target, self.headers, self.body, self.peer = (
            method, target, headers, body, peer)
        self.path, _, query = target.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.queries = urllib.parse.parse_qs(query, keep_blank_values=True)


class Answer:
    """status, body (bytes, str, or what becomes JSON), headers; delay in seconds before it;
    sent: how many bytes of the body leave before the connection closes (None: all);
    drop: nothing is answered at all."""

    def __init__(self, status=200, body=b"", headers=None, *, kind=None, delay=0, sent=None,
                 drop=False):
        if isinstance(body, (dict, list)):
            body, kind = json.dumps(body, indent=1).encode() + b"\n", kind or "application/json"
        if isinstance(body, str):
            body, kind = body.encode(), kind or "text/plain; charset=utf-8"
        self.status, self.body, self.headers = status, body, dict(headers or {})
        if kind:
            self.headers["Content-Type"] = kind
        self.delay, self.sent, self.drop = delay, sent, drop
        self.kind_zips = False  # whether compression pays

    def json(self):
        return json.loads(self.body)


def _handler(answer, nodelay):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version, sys_version = "postern-test-world", ""
        timeout = 60
        disable_nagle_algorithm = nodelay

        def serve(self):
            size = int(self.headers.get("Content-Length") or 0)
            if size > REQUEST_MAX:
                self.close_connection = True
                return
            body = self.rfile.read(size) if size else b""
            request = Request(self.command, self.path, self.headers, body, self.client_address)
            try:
                reply = answer(request)
            except Exception:  # pylint: disable=broad-except
                traceback.print_exc()
                reply = Answer(500, "the test world has a bug; its log says more\n")
            try:
                self.write(reply)
            except OSError:
                self.close_connection = True  # the client has had enough

        def write(self, reply):
            time.sleep(reply.delay)
            if reply.drop:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                for one in value if isinstance(value, list) else [value]:
                    self.send_header(name, str(one))
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body if reply.sent is None else reply.body[:reply.sent])
                if reply.sent is not None:
                    self.close_connection = True

        do_GET = do_POST = do_HEAD = do_PUT = do_DELETE = do_PATCH = serve

        def address_string(self):
            return str(self.client_address)

        def log_message(self, *_):
            pass

        def handle(self):
            try:
                super().handle()
            except (OSError, ssl.SSLError):
                pass  # it went away, or did not speak TLS

    return Handler


class _TcpServer(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            traceback.print_exc()

    def server_bind(self):  # without the base's reverse look-up of the address
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


class _UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def server_bind(self):
        pathlib.Path(self.server_address).unlink(missing_ok=True)
        old = os.umask(0o077)
        try:
            super().server_bind()
        finally:
            os.umask(old)


class Server:
    """Serves answer(request) -> Answer at "address:port" or at a unix socket's path; 'pem' is a
    file with key and certificate for HTTPS."""

    def __init__(self, where, answer, pem=None):
        if "/" in where:
            self.server = _UnixServer(where, _handler(answer, False))
            self.where = where
        else:
            host, port = host_port(where)
            self.server = _TcpServer((host, port), _handler(answer, True))
            self.where = f"{host}:{self.server.server_address[1]}"
        if pem:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def port(self):
        return int(self.where.rpartition(":")[2])

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        if "/" in self.where:
            pathlib.Path(self.where).unlink(missing_ok=True)


def host_port(where):
    host, _, port = where.rpartition(":")
    return host.strip("[]") or "127.0.0.1", int(port)


class Control:
    """The control endpoint: POST /NAME with a JSON object calls functions[NAME](object), GET
    /NAME calls it with {}; what it returns is the answer. GET / lists the names."""

    def __init__(self, where, functions):
        self.functions = functions
        self.server = Server(where, self.answer)
        self.where = self.server.where

    def answer(self, request):
        name = request.path.strip("/")
        if not name:
            return Answer(200, {n: (f.__doc__ or "").strip() for n, f in self.functions.items()})
        if name not in self.functions:
            return Answer(404, {"error": f"no {name!r}; there are {sorted(self.functions)}"})
        try:
            wanted = json.loads(request.body) if request.body else dict(request.query)
            result = self.functions[name](wanted)
        except (KeyError, ValueError, TypeError) as error:
            return Answer(400, {"error": f"{type(error).__name__}: {error}"})
        return Answer(200, {} if result is None else result)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def control(where, name, wanted=None, /, timeout=60, **more):
    """Asks a control endpoint, from a test: control(where, "faults", at="newOrder", ...)."""
    wanted = more if wanted is None else wanted
    connection = (_UnixConnection(where, timeout) if "/" in where
                  else http.client.HTTPConnection(*host_port(where), timeout=timeout))
    try:
        connection.request("POST", "/" + name, json.dumps(wanted))
        answer = connection.getresponse()
        body = json.loads(answer.read())
    finally:
        connection.close()
    if answer.status != 200:
        raise ValueError(f"{name}: {body}")
    return body


def fetch(url, *, method="GET", body=None, headers=None, cafile=None, timeout=30, connect=None):
    """(status, headers, body) of one exchange; 'connect' is an "address:port" to go to whatever
    the URL's host is."""
    parts = urllib.parse.urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host, port = host_port(connect) if connect else (parts.hostname, port)
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=cafile)
        if connect:
            context.check_hostname = False
        connection = http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
    else:
        connection = http.client.HTTPConnection(host, port, timeout=timeout)
    target = parts.path or "/"
    if parts.query:
        target += "?" + parts.query
    try:
        connection.request(method, target, body, {
            "Host": parts.netloc, "User-Agent": "postern-test-world", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


# ---- processes

_PRCTL = ctypes.CDLL(None).prctl
_WORK = queue.SimpleQueue()


def _die_with_parent():
    # PR_SET_PDEATHSIG; for the kernel the parent is the thread that forked, so children have to be
    # started by the main thread, or one that stays
    _PRCTL(1, signal.SIGTERM)


def in_main_thread(function):
    """Has the main thread, in until_signal(), call function(); returns what it does, or raises."""
    done = queue.SimpleQueue()
    _WORK.put((function, done))
    result, error = done.get()
    if error:
        raise error
    return result


def child(argv, log, env=None):
    """Starts a program that ends when we do; what it says goes to the file 'log'."""
    with open(log, "ab") as out:
        return subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out,
                                stderr=out, env=env, preexec_fn=_die_with_parent)


def end(process, timeout=10):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(condition, what, timeout=20.0):
    """Polls until condition() is true and returns its value."""
    limit = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > limit:
            raise TimeoutError(f"waited {timeout} s for {what}")
        time.sleep(0.02)


def ready(facts):
    print("ready " + json.dumps(facts), flush=True)


def until_signal():
    """Returns at SIGTERM or SIGINT; until then does what in_main_thread() wants."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _WORK.put((None, None)))
    while True:
        function, done = _WORK.get()
        if function is None:
            return
        try:
            done.put((function(), None))
        except Exception as error:  # pylint: disable=broad-except
            done.put((None, error))


def start(program, *flags, log, timeout=60, prefix=()):
    """Starts a server of this folder from a test and waits for its ready line: (process, facts).
    'prefix' is put before the command, such as nsenter's."""
    path = pathlib.Path(__file__).with_name(program)
    with open(log, "ab") as out:
        process = subprocess.Popen([*map(str, prefix), "/usr/bin/python3", str(path),
                                    *map(str, flags)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=out,
                                   text=True, preexec_fn=_die_with_parent)
    if select.select([process.stdout], [], [], timeout)[0]:
        line = process.stdout.readline()
        if line.startswith("ready "):
            return process, json.loads(line[6:])
    end(process)
    raise RuntimeError(f"{program} did not start:\n{pathlib.Path(log).read_text()[-4000:]}")
