"""Certificates, SCTs and CRLs of the test world, judged by openssl; and certificates made wrong."""
import collections
import datetime
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import zt  # noqa: F401  (finds the modules of tests/world)
import ctwire
import serve
from conftest import run, wait_for
from world_bench import client, crl_of, names_of, scts_of, started, well_behaved, world  # noqa: F401


def files(folder, chain, key=None):
    (folder / "chain.pem").write_text(chain)
    (folder / "leaf.pem").write_text(chain.split("-----END CERTIFICATE-----")[0]
                                     + "-----END CERTIFICATE-----\n")
    if key:
        (folder / "key.pem").write_bytes(serve.key_pem(key))
    return folder / "leaf.pem"


class CtServer:
    """openssl s_server with a certificate; states() is what s_client says of its SCTs."""

    def __init__(self, world, folder, started, chain, key):
        self.world, self.folder = world, folder
        files(folder, chain, key)
        self.conf = folder / "logs.cnf"
        self.server = started.start(
            "openssl", "s_server", "-accept", "127.0.0.1:4433", "-cert", folder / "leaf.pem",
            "-cert_chain", world.ca["intermediate"], "-key", folder / "key.pem", "-quiet")
        wait_for(lambda: self.states({}), what="openssl to serve")

    def states(self, logs):
        self.conf.write_text(f"enabled_logs={','.join(logs)}\n" + "".join(
            f"[{n}]\ndescription={n}\nkey={k}\n" for n, k in logs.items()))
        said = run("openssl", "s_client", "-connect", "127.0.0.1:4433", "-CAfile",
                   self.world.ca["root"], "-ct", "-ctlogfile", self.conf, check=False,
                   input="").stdout
        return sorted(line.split(":")[1].strip() for line in said.splitlines()
                      if "alidation status" in line)


@pytest.mark.parametrize("wrong", ["", "bad-sct"])
def test_openssl_judges_the_scts_of_both_logs(world, tmp_path, started, client, wrong):
    if wrong:
        world.control("ca", "faults", at="finalize", what="wrong-certificate", value=wrong)
    _, chain, key = client.issue("sct.example.test")
    logs = {n: g["key"] for n, g in world.ct["logs"].items()}
    server = CtServer(world, tmp_path, started, chain, key)
    time.sleep(1)  # s_client counts in whole seconds, and an SCT of this one is in its future
    state = "invalid" if wrong else "valid"
    assert server.states(logs) == [state, state]
    assert server.states({"alder": logs["alder"]}) == sorted([state, "unknown log"])
    assert server.states({"alder": logs["birch"]}) == sorted([state, "unknown log"])


def crl_check(world, folder, cert, crl):
    (folder / "crl.pem").write_bytes(crl.public_bytes(serialization.Encoding.PEM))
    done = run("openssl", "verify", "-crl_check", "-extended_crl", "-CAfile", world.ca["root"],
               "-untrusted", world.ca["intermediate"], "-CRLfile", folder / "crl.pem",
               "-attime", int(time.time()), cert, check=False)
    return done.stdout


def test_openssl_reads_the_crl_of_the_right_shard(world, tmp_path, client):
    cert, chain, key = client.issue("crl.example.test")
    leaf = files(tmp_path, chain)
    url, crl = crl_of(cert)
    assert "OK" in crl_check(world, tmp_path, leaf, crl)
    client.revoke(cert, 4)
    _, crl = crl_of(cert)
    assert "certificate revoked" in crl_check(world, tmp_path, leaf, crl)
    entry = crl.get_revoked_certificate_by_serial_number(cert.serial_number)
    assert entry.extensions.get_extension_for_class(
        x509.CRLReason).value.reason == x509.ReasonFlags.superseded
    shard = url.rpartition("/")[2].removesuffix(".crl")
    for what, reason in (("wrong-shard", "different CRL scope"), ("stale", "CRL has expired"),
                         ("wrong-signer", "CRL signature failure"), ("hide", "OK")):
        world.control("ca", "crl", shard=shard, what=what)
        assert reason.lower() in crl_check(world, tmp_path, leaf, crl_of(cert)[1]).lower(), what


WrongCert = collections.namedtuple("WrongCert", "what wrong")
WRONG_CERTS = [
    WrongCert("foreign-key", lambda c, chain, key: ctwire.spki(c.public_key()) != ctwire.spki(
        key.public_key())),
    WrongCert("missing-san", lambda c, chain, key: "wrong.example.test" not in names_of(c)),
    WrongCert("extra-san", lambda c, chain, key: "extra.invalid" in names_of(c)),
    WrongCert("expired", lambda c, chain, key: c.not_valid_after < datetime.datetime.utcnow()),
    WrongCert("not-yet", lambda c, chain, key: c.not_valid_before > datetime.datetime.utcnow()),
    WrongCert("no-sct", lambda c, chain, key: not scts_of(c)),
    WrongCert("one-operator", lambda c, chain, key: len(scts_of(c)) == 1),
    WrongCert("no-chain", lambda c, chain, key: chain.count("BEGIN") == 1),
    WrongCert("trailing-data", lambda c, chain, key: "AAAA\n-----END" in chain),
]


@pytest.mark.parametrize("case", WRONG_CERTS, ids=lambda c: c.what)
def test_wrong_certificates(world, client, case):
    world.control("ca", "faults", at="finalize", what="wrong-certificate", value=case.what)
    assert case.wrong(*client.issue("wrong.example.test"))
    assert not case.wrong(*client.issue("wrong.example.test"))


def test_alternate_chains_and_a_loop_of_them(world, client):
    url, order = client.order("alternate.example.test")
    client.prove(order)
    order = client.finalize(url, order, ec.generate_private_key(ec.SECP256R1()))
    def alternates():
        headers, chain = client.post(order["certificate"])
        links = [v for v in headers.get_all("Link") if 'rel="alternate"' in v]
        return chain, [v[1:v.index(">")] for v in links]
    chain, others = alternates()
    assert len(others) == 1
    other = client.post(others[0])[1]
    assert other != chain and other.split(b"-----END")[0] == chain.split(b"-----END")[0]
    world.control("ca", "faults", at="certificate", what="alternate-loop", value=20)
    assert len(alternates()[1]) == 20
