"""A stand-in for Intel's PCS and for a PCCS, for tests.

Serves collateral folders (the layout of `postern collateral`) over HTTPS with
a CA made for the occasion, or over plain HTTP. What it answers can be bent:

    with Pccs(folder) as pccs:
        pccs.serve(VECTORS / "collateral/tdx_b0c0_202506", "tdx")
        pccs.bend["/sgx/certification/v4/pckcrl"] = Answer(429, {"Retry-After": "7"})

It knows no more of the service than what its documentation says of paths,
parameters, headers and status codes.
"""
import base64
import collections
import datetime
import http.server
import ipaddress
import json
import ssl
import threading
import time
import urllib.parse

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Answer = collections.namedtuple("Answer", "status headers body delay drip", defaults=(
    200, {}, b"", 0, 0))  # delay: seconds before the answer; drip: seconds between bytes


class Ca:
    """A certificate authority, and certificates of 127.0.0.1 from it."""

    def __init__(self, folder, name="ca"):
        self.path = folder / f"{name}.pem"
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"test {name}")])
        self.cert = self._sign(self.name, self.key.public_key(), x509.BasicConstraints(True, None))
        self.path.write_bytes(self.cert.public_bytes(serialization.Encoding.PEM))

    def _sign(self, subject, key, *extensions):
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name)
                   .public_key(key).serial_number(x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(days=1))
                   .not_valid_after(now + datetime.timedelta(days=30)))
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, folder, address="127.0.0.1"):
        """The path of a PEM file with key and certificate of that address."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pccs")])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        cert = self._sign(subject, key.public_key(), names)
        path = folder / f"server-{address}.pem"
        path.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                              serialization.NoEncryption())
            + cert.public_bytes(serialization.Encoding.PEM))
        return path


def percent(pem):
    """As Intel encodes issuer chains: '+' too."""
    return urllib.parse.quote(pem.decode(), safe="")


class Pccs:
    def __init__(self, folder, *, ca=None, tls=True, address="127.0.0.1", named=None, port=0):
        self.answers = {}  # (path, sorted query) -> Answer
        self.bend = {}  # path, or path?query -> Answer
        self.seen = []  # what was asked
        self.ca = ca or Ca(folder)
        self.lock = threading.Lock()
        self.server = http.server.ThreadingHTTPServer((address, port), self._handler())
        self.server.daemon_threads = True
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.ca.issue(folder, named or address))
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                     do_handshake_on_connect=False)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://{address}:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Afterwards nobody listens any more."""
        if self.thread.is_alive():
            self.server.shutdown()
            self.thread.join()
        self.server.server_close()

    # ---- what is served

    @staticmethod
    def _key(path, query=""):
        return path, tuple(sorted(urllib.parse.parse_qsl(query)))

    def put(self, path, query, body, headers=None):
        self.answers[self._key(path, query)] = Answer(200, headers or {}, body)

    def serve(self, folder, tee, *, ca="platform", update=None, crl="der", old_header=False):
        """A collateral folder's documents, for one kind of update (None: the default)."""
        def read(name):
            return (folder / name).read_bytes()

        info = json.loads(read("tcb_info.json"))["tcbInfo"]
        fmspc = info["fmspc"].lower()
        more = "" if update is None else (
            f"tcbEvaluationDataNumber={update}" if isinstance(update, int) else f"update={update}")
        form = {"der": lambda b: b, "hex": lambda b: b.hex().encode(),
                "pem": lambda b: b"-----BEGIN X509 CRL-----\n" + base64.encodebytes(b)
                + b"-----END X509 CRL-----\n"}[crl]
        tcb_header = ("SGX-" if old_header else "") + "TCB-Info-Issuer-Chain"
        base = "/certification/v4/"
        with self.lock:
            self.put(f"/{tee}{base}tcb", f"fmspc={fmspc}" + (more and "&" + more),
                     read("tcb_info.json"),
                     {tcb_header: percent(read("tcb_info_issuer_chain.pem"))})
            self.put(f"/{tee}{base}qe/identity", more, read("qe_identity.json"),
                     {"SGX-Enclave-Identity-Issuer-Chain":
                      percent(read("qe_identity_issuer_chain.pem"))})
            self.put(f"/sgx{base}pckcrl", f"ca={ca}&encoding=der", form(read("pck.crl.der")),
                     {"SGX-PCK-CRL-Issuer-Chain": percent(read("pck_crl_issuer_chain.pem"))})
            self.put(f"/sgx{base}rootcacrl", "", form(read("root_ca.crl.der")))

    def serve_raw(self, folder):
        """tests/vectors/tdx/pcs-raw-2023: answers of Intel's service, headers and all."""
        def header(name):
            return {name: (folder / f"header-{name}.txt").read_text().strip()}

        self.put("/tdx/certification/v4/tcb", "fmspc=50806f000000",
                 (folder / "sample_tcbInfo_response").read_bytes(),
                 header("TCB-Info-Issuer-Chain"))
        self.put("/tdx/certification/v4/qe/identity", "",
                 (folder / "sample_qeIdentity_response").read_bytes(),
                 header("SGX-Enclave-Identity-Issuer-Chain"))
        self.put("/sgx/certification/v4/pckcrl", "ca=platform&encoding=der",
                 (folder / "pckcrl").read_bytes(), header("SGX-PCK-CRL-Issuer-Chain"))
        self.put("/sgx/certification/v4/rootcacrl", "", (folder / "rootcrl.der").read_bytes())

    # ---- serving

    def answer(self, target):
        path, _, query = target.partition("?")
        with self.lock:
            self.seen.append(target)
            bent = self.bend.get(target) or self.bend.get(path)
            found = self.answers.get(self._key(path, query))
        return bent or found or Answer(404)

    def _handler(pccs):  # pylint: disable=no-self-argument
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            timeout = 30

            def do_GET(self):
                answer = pccs.answer(self.path)
                time.sleep(answer.delay)
                try:
                    self.send_response(answer.status)
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    if "Content-Length" not in answer.headers:
                        self.send_header("Content-Length", str(len(answer.body)))
                    self.end_headers()
                    step = 1 if answer.drip else max(1, len(answer.body))
                    for at in range(0, len(answer.body), step):
                        self.wfile.write(answer.body[at:at + step])
                        time.sleep(answer.drip)
                    if int(answer.headers.get("Content-Length", 0)) > len(answer.body):
                        self.close_connection = True
                except OSError:
                    self.close_connection = True  # the client has had enough

            def log_message(self, *_):
                pass

        return Handler
