"""postern-cert and postern-edge together: a CA proves a name by tls-alpn-01 at the edge, the edge
serves what was issued without a file or a restart, and relays requests for evidence, saying which
TLS session they came over.
"""
import json
import os
import re

import pytest
from cryptography import x509

from cert_node import Node
from conftest import run, tool, wait_for
from test_cert_attest import b64url, check

PORT = 8443  # in the world's network
BASE = "edge.example.test"
NAME = f"gateway.{BASE}"


@pytest.fixture(scope="module")
def zt_settings():
    return {"ca_flags": ("--caa-identity", "ca.test", "--tlsalpn01-port", str(PORT)),
            "zones": ("example.test",)}


class Gateway:
    """An edge without a certificate, and the node beside it."""

    def __init__(self, bindir, world, folder):
        self.world, self.bindir, self.dir = world, bindir, folder
        self.admin = folder / "edge-admin.sock"
        self.node = Node(bindir, world, folder / "node", [NAME], challenges="tls-alpn-01",
                         more=f"edge: {self.admin}")
        run(tool(bindir, "store_fill"), folder / "store", input="\n")
        (folder / "edge.yaml").write_text(f"""
base: {BASE}
listen: [ "127.0.0.1:{PORT}" ]
store: {folder}/store
registrar: unix:{folder}/registrar.sock
status: unix:{folder}/status.sock
admin: {self.admin}
cert: {{ keys: {self.node.keys}, public: {self.node.public} }}
""")
        self.edge = None

    def start_edge(self):
        self.edge = self.node.children.start(*self.world.argv(
            self.bindir / "postern-edge", "--config", self.dir / "edge.yaml"))
        wait_for(lambda: "event=ready" in self.lines() or self.edge.poll() is not None, what="the edge")
        assert self.edge.poll() is None, self.lines()

    def lines(self):
        return self.edge.log.read_text()

    def client(self, *args, text=""):
        """openssl's client inside the world; what it says."""
        return run(*self.world.argv("openssl", "s_client", "-connect", f"127.0.0.1:{PORT}",
                                    "-servername", NAME, *args), input=text, check=False).stdout

    def shown(self):
        """The leaf that clients are shown, or None."""
        found = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", self.client(), re.S)
        return found and x509.load_pem_x509_certificate(found[0].encode())


@pytest.fixture(scope="module")
def gateway(bindir, zt_world, tmp_path_factory):
    zt_world.records.set(NAME, "A", "127.0.0.1")
    g = Gateway(bindir, zt_world, tmp_path_factory.mktemp("gateway"))
    g.start_edge()
    assert g.shown() is None
    g.node.start()
    g.node.wait_certificate()
    g.node.wait_evidence()
    wait_for(lambda: g.node.status().get("evidence"), 60, "evidence to be served")
    yield g
    g.node.close()


def leaf_of(g):
    return x509.load_pem_x509_certificate(g.node.tls()["certificates"][0]["chain"].encode())


def test_proved_and_served(gateway, zt_world):
    assert zt_world.issued(NAME)
    assert "result=acme_proof" in gateway.lines()
    assert [r for r in zt_world.records.get(NAME, "CAA") if "validationmethods=tls-alpn-01" in r]
    wait_for(lambda: gateway.shown() == leaf_of(gateway), what="the certificate to be served")
    assert gateway.node.tls()["proofs"] == []
    # Whoever comes as a CA now is refused.
    assert "alert" in gateway.client("-alpn", "acme-tls/1")
    assert "alarms" in gateway.node.status() and not [
        a for a in gateway.node.status()["alarms"] if a["kind"] == "edge_not_told"]


def test_renewed_without_a_restart(gateway):
    first = gateway.node.certificate()
    edge = gateway.edge.pid
    run(gateway.bindir / "postern", "acme", "renew", "--socket", gateway.node.admin)
    gateway.node.wait_certificate(unlike=first["tbs"])
    wait_for(lambda: gateway.shown() == leaf_of(gateway), what="the new one to be served")
    assert gateway.edge.pid == edge and gateway.edge.poll() is None


def over_tls(g, request, *args):
    """(exporter, status, body) of an HTTP request over one TLS session."""
    said = g.client("-ign_eof", "-keymatexport", "EXPORTER-Channel-Binding", "-keymatexportlen", "32",
                    *args, text=request)
    exporter = re.search(r"Keying material: ([0-9A-F]{64})", said)
    assert exporter, said
    answer = said[said.index("HTTP/1.1 "):]
    head, _, rest = answer.partition("\n\n") if "\r\n\r\n" not in answer else answer.partition("\r\n\r\n")
    return bytes.fromhex(exporter[1]), int(head.split()[1]), rest


def post(nonce, *more):
    body = json.dumps({"nonce": b64url(nonce)})
    return "".join(f"{line}\r\n" for line in (
        "POST /evidences/v2/attest HTTP/1.1", f"Host: {NAME}", f"Content-Length: {len(body)}",
        "Connection: close", *more)) + f"\r\n{body}"


def test_fresh_evidence_is_bound_to_the_session(gateway):
    nonce = os.urandom(32)
    # What a client says of its session counts for nothing.
    exporter, status, body = over_tls(gateway, post(nonce, f"Postern-Exporter: {'00' * 32}"), "-tls1_3")
    assert status == 200, body
    said = json.JSONDecoder().raw_decode(body[body.index("{"):])[0]
    check(gateway.node, nonce, exporter, said)
    with pytest.raises(AssertionError):
        check(gateway.node, nonce, bytes(32), said)


def test_published_evidence_at_the_gateways_name(gateway):
    _, status, body = over_tls(gateway, f"GET /evidences/sha256sum.txt HTTP/1.1\r\nHost: {NAME}\r\n"
                               "Connection: close\r\n\r\n")
    assert status == 200
    assert (gateway.node.state / "evidence" / "sha256sum.txt").read_text().splitlines()[0] in body
