"""Servers that answer a challenge while it is validated, for acmeclient.py: http-01 (RFC 8555 §8.3)
at port 80, tls-alpn-01 (RFC 8737) at port 443 of the loopback interface."""
import contextlib
import datetime
import hashlib
import ipaddress
import socket
import ssl
import tempfile
import threading

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ObjectIdentifier

import serve

ACME_IDENTIFIER = ObjectIdentifier("1.3.6.1.5.5.7.1.31")


@contextlib.contextmanager
def http01(_, token, text, address="127.0.0.1"):
    def answer(request):
        if request.path == f"/.well-known/acme-challenge/{token}":
            return serve.Answer(200, text)
        return serve.Answer(404, "no such challenge\n")

    server = serve.Server(f"{address}:80", answer)
    try:
        yield
    finally:
        server.close()


def proof_certificate(name, text):
    """PEM of key and certificate, RFC 8737 §3."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ACME challenge")])
    try:
        alternative = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        alternative = x509.DNSName(name)
    digest = b"\4\x20" + hashlib.sha256(text.encode()).digest()
    now = datetime.datetime.utcnow()
    cert = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([alternative]), False)
            .add_extension(x509.UnrecognizedExtension(ACME_IDENTIFIER, digest), True)
            .sign(key, hashes.SHA256()))
    return serve.key_pem(key) + cert.public_bytes(serialization.Encoding.PEM)


@contextlib.contextmanager
def tlsalpn01(name, _, text, address="127.0.0.1"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["acme-tls/1"])
    with tempfile.NamedTemporaryFile() as pem:
        pem.write(proof_certificate(name, text))
        pem.flush()
        context.load_cert_chain(pem.name)
    listener = socket.create_server((address, 443))

    def answer():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return  # closed
            with sock, contextlib.suppress(OSError):
                sock.settimeout(5)
                context.wrap_socket(sock, server_side=True).close()

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        listener.close()
