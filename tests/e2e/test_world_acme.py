"""The CA of the test world as clients see it: lego, and our own for what lego cannot."""
import datetime
import json
import os

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

import zt  # noqa: F401  (finds the modules of tests/world)
import acmeclient
import jws
from conftest import run
from world_bench import client, crl_of, refusal, well_behaved, world  # noqa: F401


def lego(world, folder, *argv, check=True):
    key = world.dns["keys"]["challenge."]
    env = {**os.environ, "LEGO_CA_CERTIFICATES": world.cafile,
           "RFC2136_NAMESERVER": world.dns["server"], "RFC2136_TSIG_KEY": "challenge.",
           "RFC2136_TSIG_ALGORITHM": "hmac-sha256.", "RFC2136_TSIG_SECRET": key["secret"],
           "RFC2136_POLLING_INTERVAL": "1", "RFC2136_SEQUENCE_INTERVAL": "1"}
    return run("lego", "--server", world.ca["directory"], "--accept-tos", "--email", "a@lego.test",
               "--path", folder, "--dns", "rfc2136", "--dns.resolvers", world.dns["resolver"],
               "--dns.disable-cp", *argv, env=env, check=check, timeout=120)


def test_lego_gets_a_certificate_with_a_key_for_txt_and_caa_only(world, tmp_path):
    lego(world, tmp_path, "-d", "lego.example.test", "-d", "*.lego.example.test", "run")
    path = tmp_path / "certificates/lego.example.test.crt"
    run("openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", world.ca["root"],
        "-untrusted", world.ca["intermediate"], path)
    cert = x509.load_pem_x509_certificate(path.read_bytes())
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(names.get_values_for_type(x509.DNSName)) == [
        "*.lego.example.test", "lego.example.test"]
    lego(world, tmp_path, "-d", "lego.example.test", "revoke", "--keep")
    serials = [c["serial"] for c in world.control("ca", "issued")["certificates"] if c["revoked"]]
    assert f"{cert.serial_number:x}" in serials


def test_caa_keeps_another_account_out(world, tmp_path, client):
    name = "pinned.example.test"
    world.records.set(name, "CAA", f'0 issue "ca.test; accounturi={client.url}"')
    refused = lego(world, tmp_path, "-d", name, "run", check=False)
    assert refused.returncode != 0
    assert "urn:ietf:params:acme:error:caa" in refused.stdout
    assert f"accounturi is {client.url}" in refused.stdout
    client.issue(name)
    # a wildcard under it falls back to issue; a name above it is not concerned
    assert refusal(acmeclient.Client(world.ca, world.records).issue, f"*.{name}").kind == "caa"


def test_persistent_validation_needs_no_record_of_the_order(world, client):
    name = "persist.example.test"
    def record(text):
        world.records.set(f"_validation-persist.{name}", "TXT", f'"{text}"')
    for text, why in ((f"other.test; accounturi={client.url}", "names other.test"),
                      ("ca.test; accounturi=https://ca.test/1", "accounturi is"),
                      (f"ca.test; accounturi={client.url}; persistUntil=1", "persistUntil"),
                      ("ca.test", "accounturi is None")):
        record(text)
        refused = refusal(client.issue, name, method="dns-persist-01")
        if "DNS-PERSIST-01" in str(refused):  # a later pebble, which validates these itself
            assert refused.kind in ("unauthorized", "malformed"), text
        else:
            assert refused.kind == "unauthorized" and why in str(refused), text
    record(f"ca.test; accounturi={client.url}")
    cert, _, _ = client.issue(name, method="dns-persist-01")
    assert cert.serial_number
    assert refusal(client.issue, f"*.{name}", method="dns-persist-01").kind == "unauthorized"
    record(f"ca.test; accounturi={client.url}; policy=wildcard")
    client.issue(f"*.{name}", method="dns-persist-01")
    # CAA goes by the method that was used
    world.records.set(name, "CAA", '0 issue "ca.test; validationmethods=dns-01"')
    assert refusal(client.issue, name, method="dns-persist-01").kind == "caa"


def test_a_persistent_record_with_a_policy_is_good_for_names_below(world, client):
    def record(text):
        world.records.set("_validation-persist.above.example.test", "TXT", f'"{text}"')
    record(f"ca.test; accounturi={client.url}")
    refused = refusal(client.issue, "sub.above.example.test", method="dns-persist-01")
    assert refused.kind == "unauthorized" and "policy is not wildcard" in str(refused)
    record(f"ca.test; accounturi={client.url}; policy=wildcard")
    client.issue("sub.above.example.test", method="dns-persist-01")


def test_delegated_challenges_are_followed(world, client):
    name = "alias.example.test"
    world.records.delegate_challenge(name, "alias.delegated.test.")
    class Elsewhere:
        @staticmethod
        def set(asked, kind, value):
            assert asked == f"_acme-challenge.{name}"
            world.records.set("alias.delegated.test", kind, value)
    client.records = Elsewhere
    client.issue(name)


def test_profiles_and_the_clock(world, client):
    assert refusal(client.order, "p.example.test", profile="no-such").kind == "invalidProfile"
    world.set_time(now="2031-05-06T07:08:09Z")
    cert, _, _ = client.issue("p.example.test", profile="shortlived")
    assert cert.not_valid_after - cert.not_valid_before < datetime.timedelta(hours=160)
    assert str(cert.not_valid_before) == "2031-05-06 06:08:09" or (
        cert.not_valid_before - datetime.datetime(2031, 5, 6, 6, 8, 9)).seconds < 60


def test_renewal_info_and_replaces(world, client):
    cert, _, _ = client.issue("ari.example.test")
    url = client.directory["renewalInfo"] + "/" + acmeclient.cert_id(cert)
    def window():
        status, headers, body = client.fetch("GET", url)
        return status, headers["Retry-After"], json.loads(body)
    status, retry, info = window()
    start = datetime.datetime.fromisoformat(info["suggestedWindow"]["start"].rstrip("Z"))
    assert (status, retry) == (200, "21600")
    assert cert.not_valid_before < start < cert.not_valid_after
    world.control("ca", "ari", start="2026-01-01T00:00:00Z", end="2026-01-02T00:00:00Z",
                  explanation="https://ca.test/why", retry_after=60)
    assert window()[1:] == ("60", {
        "suggestedWindow": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"},
        "explanationURL": "https://ca.test/why"})
    stranger = acmeclient.Client(world.ca, world.records)
    replaced = acmeclient.cert_id(cert)
    assert refusal(stranger.order, "ari.example.test", replaces=replaced).kind == "unauthorized"
    client.issue("ari.example.test", replaces=replaced)
    refused = refusal(client.order, "ari.example.test", replaces=replaced)
    assert (refused.status, refused.kind) == (409, "alreadyReplaced")


def test_revocation_by_whoever_may(world, client):
    names = ("r1.example.test", "r2.example.test")
    certs = [client.issue(*names) for _ in range(3)]
    owner = acmeclient.Client(world.ca, world.records)
    assert refusal(owner.revoke, certs[0][0]).kind == "unauthorized"
    for name in names:  # RFC 8555 §7.6: not before it has them all
        assert refusal(owner.revoke, certs[0][0]).kind == "unauthorized"
        _, order = owner.order(name)
        owner.prove(order)
    owner.revoke(certs[0][0], 4)
    assert refusal(owner.revoke, certs[0][0]).kind == "alreadyRevoked"
    stranger = ec.generate_private_key(ec.SECP256R1())
    assert refusal(client.revoke, certs[1][0], 1, key=stranger).kind == "unauthorized"
    client.revoke(certs[1][0], 1, key=certs[1][2])
    assert refusal(client.revoke, certs[2][0], 99).kind == "badRevocationReason"
    reasons = []
    for cert, _, _ in certs:
        entry = crl_of(cert)[1].get_revoked_certificate_by_serial_number(cert.serial_number)
        reasons.append(entry and entry.extensions.get_extension_for_class(
            x509.CRLReason).value.reason)
    assert reasons == [x509.ReasonFlags.cessation_of_operation,
                       x509.ReasonFlags.key_compromise, None]


def test_key_change_is_followed(world, client):
    cert, _, _ = client.issue("rollover.example.test")
    new = ec.generate_private_key(ec.SECP256R1())
    url = client.directory["keyChange"]
    inner = jws.sign(new, {"account": client.url, "oldKey": jws.jwk_of(client.key.public_key())},
                     url=url, jwk=jws.jwk_of(new.public_key()))
    client.post(url, inner)
    assert refusal(client.revoke, cert).kind == "malformed"
    client.key = new
    client.revoke(cert)


def test_limits_by_count_and_time(world, client):
    world.control("ca", "limits", newOrder=[2, 3600])
    for _ in range(2):
        client.order("limit.example.test")
    refused = refusal(client.order, "limit.example.test")
    assert (refused.status, refused.kind) == (429, "rateLimited")
    wait = int(refused.headers["Retry-After"])
    assert 3500 < wait <= 3601
    world.set_time(advance=wait)
    client.order("limit.example.test")
