"""Ways to prove names and addresses to the CA of the test world, and external accounts: by lego, and
by our own client where lego cannot."""
import base64
import contextlib
import os

import pytest
from cryptography import x509

import zt  # noqa: F401  (finds the modules of tests/world)
import acmeclient
import responders
import serve
from conftest import run
from world_bench import client, refusal, well_behaved, world  # noqa: F401

KID, MAC = "kid-1", base64.urlsafe_b64encode(b"mac key of thirty-two bytes, all").decode().rstrip("=")


@pytest.fixture(scope="module")
def bound(world, tmp_path_factory):
    """A CA that wants external accounts; what its ready line said"""
    folder = tmp_path_factory.mktemp("bound")
    process, facts = serve.start("ca.py", "--dir", folder / "ca", "--resolver",
                                 world.dns["resolver"], "--eab", f"{KID}:{MAC}",
                                 log=folder / "log")
    yield facts
    serve.end(process)


def lego(facts, folder, *argv, check=True):
    env = {**os.environ, "LEGO_CA_CERTIFICATES": facts["cafile"]}
    return run("lego", "--server", facts["directory"], "--accept-tos", "--email", "a@lego.test",
               "--path", folder, *argv, env=env, check=check, timeout=120)


def alternatives_of(pem):
    cert = x509.load_pem_x509_certificate(pem)
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return sorted(str(n.value) for n in names)


@pytest.mark.parametrize("flag, name", [
    ("--http", "www.example.test"), ("--tls", "www.example.test"),
])
def test_lego_proves_a_name(world, tmp_path, flag, name):
    lego(world.ca, tmp_path, flag, "-d", name, "run")
    assert alternatives_of((tmp_path / f"certificates/{name}.crt").read_bytes()) == [name]


@pytest.mark.parametrize("method", ["http-01", "tls-alpn-01"])
@pytest.mark.parametrize("name", ["www.example.test", "127.0.0.1"])
def test_our_client_proves_a_name_or_an_address(client, method, name):
    _, chain, _ = client.issue(name, method=method)
    assert alternatives_of(chain.encode()) == [name]


@pytest.mark.parametrize("method, name, kind", [
    ("http-01", "www.example.test", "unauthorized"), ("http-01", "127.0.0.1", "unauthorized"),
    ("tls-alpn-01", "www.example.test", "unauthorized"),
    ("tls-alpn-01", "127.0.0.1", "unauthorized"),
])
def test_another_accounts_answer_proves_nothing(client, monkeypatch, method, name, kind):
    answer = {"http-01": responders.http01, "tls-alpn-01": responders.tlsalpn01}[method]
    monkeypatch.setattr(client, "answering",
                        lambda _, n, token: answer(n, token, f"{token}.another"))
    assert refusal(client.issue, name, method=method).kind == kind


def test_nobody_answers(client, monkeypatch):
    monkeypatch.setattr(client, "answering", lambda *_: contextlib.nullcontext())
    assert refusal(client.issue, "www.example.test", method="http-01").kind == "connection"


def test_addresses_have_no_caa_and_names_do(world, client):
    world.control("ca", "caa", at="validation")
    world.records.set("www.example.test", "CAA",
                      '0 issue "ca.test; validationmethods=tls-alpn-01"')
    try:
        assert refusal(client.issue, "www.example.test", method="http-01").kind == "caa"
        client.issue("www.example.test", "127.0.0.1", method="tls-alpn-01")
        looked = [c["name"] for c in world.control("ca", "state")["caa"]]
        assert "www.example.test" in looked and "127.0.0.1" not in looked
    finally:
        world.records.delete("www.example.test", "CAA")


def test_lego_binds_its_account(bound, tmp_path):
    lego(bound, tmp_path / "a", "--eab", "--kid", KID, "--hmac", MAC, "--http", "-d",
         "www.example.test", "run")
    wrong = base64.urlsafe_b64encode(b"!" * 32).decode().rstrip("=")
    for more in ((), ("--eab", "--kid", KID, "--hmac", wrong)):
        done = lego(bound, tmp_path / "b", *more, "--http", "-d", "www.example.test", "run",
                    check=False)
        assert done.returncode != 0, done.stdout


def test_bindings_are_pebbles_to_judge(bound, world):
    assert bound["directory"] != world.ca["directory"]
    made = acmeclient.Client(bound, eab=(KID, MAC))
    _, chain, _ = made.issue("www.example.test", method="http-01")
    assert alternatives_of(chain.encode()) == ["www.example.test"]
    for eab, kind in ((None, "externalAccountRequired"), (("kid-2", MAC), "unauthorized"),
                      ((KID, MAC[1:] + "A"), "unauthorized")):
        assert refusal(acmeclient.Client, bound, eab=eab).kind == kind
