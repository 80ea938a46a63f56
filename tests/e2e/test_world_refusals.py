"""What the CA and the logs of the test world must refuse: each check there is one that a test of
ours relies on, and is broken on purpose to see one of these fail."""
import base64
import collections
import contextlib
import datetime
import json

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import zt  # noqa: F401  (finds the modules of tests/world)
import acmeclient
import authority
import jws
import persist
import serve
from conftest import wait_for
from world_bench import client, refusal, well_behaved, world  # noqa: F401


@pytest.fixture
def other(world):
    """Another account"""
    return acmeclient.Client(world.ca, world.records)


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


# ---- requests that the front answers itself

def post_raw(client, where, *, key=None, kind="application/jose+json", **protected):
    """The status and problem of a request whose protected header is as told."""
    client.fetch("HEAD", client.directory["newNonce"])
    wanted = {"nonce": client.nonce, "url": where, "kid": client.url, **protected}
    body = jws.sign(key or client.key, b"", **wanted)
    status, _, answer = client.fetch("POST", where, body, {"Content-Type": kind})
    return status, json.loads(answer).get("type", "").rpartition(":")[2]


@pytest.fixture
def served(client):
    """(certificate, URL of it)"""
    url, order = client.order("refused.example.test")
    client.prove(order)
    order = client.finalize(url, order, new_key())
    _, chain = client.post(order["certificate"])
    return x509.load_pem_x509_certificate(chain), order["certificate"]


def test_certificates_are_for_who_ordered_them(client, other, served):
    _, url = served
    assert refusal(other.post, url).kind == "unauthorized"
    assert refusal(client.post, url[:-4] + "beef").kind == "malformed"
    assert post_raw(client, url, url=url + "x") == (400, "malformed")
    assert post_raw(client, url, nonce="AAAA") == (400, "badNonce")
    assert post_raw(client, url, key=new_key()) == (400, "malformed")
    for algorithm in ("ES384", "RS256", "none"):
        assert post_raw(client, url, alg=algorithm) == (400, "malformed")
    assert post_raw(client, url, kid=client.url + "0") == (400, "accountDoesNotExist")
    assert post_raw(client, url, kind="application/json") == (415, "malformed")
    assert client.fetch("POST", url, b"{}", {"Content-Type": "application/jose+json"})[0] == 400
    assert client.fetch("GET", url)[0] == 405
    client.post(url)


def test_a_nonce_is_good_once(client, served):
    _, url = served
    client.fetch("HEAD", client.directory["newNonce"])
    body = jws.sign(client.key, b"", nonce=client.nonce, url=url, kid=client.url)
    headers = {"Content-Type": "application/jose+json"}
    assert client.fetch("POST", url, body, headers)[0] == 200
    status, _, again = client.fetch("POST", url, body, headers)
    assert status == 400 and json.loads(again)["type"].endswith(":badNonce")


def test_a_deactivated_account_gets_nothing(client, served):
    cert, url = served
    client.post(client.url, {"status": "deactivated"})
    assert refusal(client.post, url).kind == "unauthorized"
    assert refusal(client.revoke, cert).kind == "unauthorized"


def test_only_this_cas_certificates_are_revoked(world, client, other, served):
    cert, _ = served
    strange = (x509.CertificateBuilder().subject_name(cert.subject).issuer_name(cert.issuer)
               .public_key(cert.public_key()).serial_number(cert.serial_number)
               .not_valid_before(cert.not_valid_before).not_valid_after(cert.not_valid_after)
               .sign(new_key(), hashes.SHA256()))
    assert refusal(client.revoke, strange).kind == "malformed"
    # an authorization that has run out proves nothing any more
    _, order = other.order("refused.example.test")
    other.prove(order)
    world.control("ca", "authz", seconds=3600)
    world.set_time(advance=31 * 86400)
    assert refusal(other.revoke, cert).kind == "unauthorized"
    world.set_time(offset=0)
    world.control("ca", "authz", seconds=30 * 86400)
    other.revoke(cert)


def test_an_authorization_that_was_given_up_or_is_short_does_not_revoke(world, other, served):
    cert, _ = served
    _, order = other.order("refused.example.test")
    other.prove(order)
    other.post(order["authorizations"][0], {"status": "deactivated"})
    assert refusal(other.revoke, cert).kind == "unauthorized"
    _, order = other.order("refused.example.test", profile="shortlived")
    other.prove(order)
    world.set_time(advance=7 * 3600 + 60)
    assert refusal(other.revoke, cert).kind == "unauthorized"
    world.set_time(offset=0)
    other.revoke(cert)


def test_nobody_spoils_anothers_challenge(world, client, other):
    world.control("ca", "caa", at="validation")
    world.records.set("spoilt.example.test", "CAA", '0 issue ";"')
    _, order = client.order("spoilt.example.test")
    authz = client.post_json(order["authorizations"][0])
    for challenge in authz["challenges"]:
        with pytest.raises(acmeclient.Refused):
            other.post(challenge["url"], {})
    assert client.post_json(order["authorizations"][0])["status"] == "pending"
    world.records.delete("spoilt.example.test")


Record = collections.namedtuple("Record", "text wide why")
OURS = "https://ca.test/acct/1"


@pytest.mark.parametrize("record", [
    Record(f"ca.test; accounturi={OURS}", False, ""),
    Record(f"ca.test; accounturi={OURS}; policy=WildCard", True, ""),
    Record(f"ca.test; accounturi={OURS}; persistUntil=1000", False, ""),
    Record(f"ca.test; accounturi={OURS}; persistUntil=999", False, "has passed"),
    Record(f"ca.test; accounturi={OURS}; persistUntil=-1", False, "has passed"),
    Record(f"ca.test; accounturi={OURS}; accounturi={OURS}", False, "malformed"),
    Record(f"ca.test; accounturi={OURS}; policy", False, "malformed"),
    Record(f"ca.test; accounturi={OURS}/", False, "accounturi is"),
    Record(f"ca.test; accounturi={OURS}; policy=other", True, "policy is not"),
    Record(f"; accounturi={OURS}", False, "names nobody"),
    Record(f"not-ca.test; accounturi={OURS}", False, "names not-ca.test"),
], ids=lambda r: f"{r.text.removeprefix('ca.test; accounturi=')}-{r.wide}")
def test_persistent_records(record):
    said = persist.judge(record.text, ["ca.test"], OURS, record.wide, 1000)
    assert record.why in said and bool(record.why) == bool(said), said


def test_what_replaces_must_be_ones_own_and_fit(client, served):
    cert, _ = served
    replaced = acmeclient.cert_id(cert)
    aki, _, serial = replaced.partition(".")
    for wrong in (f"{aki}.{jws.b64url(b'1234')}", f"{jws.b64url(b'1234')}.{serial}", "x"):
        refused = refusal(client.order, "refused.example.test", replaces=wrong)
        assert refused.kind == "malformed", wrong
    assert refusal(client.order, "elsewhere.example.test", replaces=replaced).kind == "malformed"
    client.order("refused.example.test", "elsewhere.example.test", replaces=replaced)


def test_signing_requests_of_persistent_orders_are_checked(world, client):
    name = "csr.example.test"
    world.records.set(f"_validation-persist.{name}", "TXT", f'"ca.test; accounturi={client.url}"')
    url, order = client.order(name)
    assert refusal(client.finalize, url, order, new_key()).kind == "orderNotReady"
    client.prove(order, "dns-persist-01")
    for key, names in ((new_key(), [name, "more.example.test"]),
                       (new_key(), ["else.example.test"]), (client.key, [name])):
        assert refusal(client.finalize, url, order, key, names).kind == "badCSR", names
    csr = bytearray(x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
                    .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
                    .sign(new_key(), hashes.SHA256()).public_bytes(serialization.Encoding.DER))
    csr[-1] ^= 1
    assert refusal(client.post, order["finalize"], {"csr": jws.b64url(bytes(csr))}).kind == "badCSR"
    assert client.finalize(url, order, new_key())["status"] == "valid"


def test_an_unready_order_is_not_finalized(world, client):
    names = ("unready-1.example.test", "unready-2.example.test")
    url, order = client.order(*names)
    assert refusal(client.finalize, url, order, new_key()).kind == "orderNotReady"
    world.records.set(f"_validation-persist.{names[0]}", "TXT",
                      f'"ca.test; accounturi={client.url}"')
    one = [u for u in order["authorizations"]
           if client.post_json(u)["identifier"]["value"] == names[0]]
    client.prove({"authorizations": one}, "dns-persist-01")
    assert client.post_json(url)["status"] == "pending"
    assert refusal(client.finalize, url, order, new_key()).kind == "orderNotReady"


# ---- submissions to the logs

def leaf(subject_key, issuer, issuer_key, *extensions):
    now = datetime.datetime.utcnow()
    builder = (x509.CertificateBuilder().subject_name(authority.name("leaf"))
               .issuer_name(issuer).public_key(subject_key.public_key()).serial_number(7)
               .not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)))
    for extension in extensions:
        builder = builder.add_extension(extension, True)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def submit(world, call, *chain, log="alder"):
    """(status, answer)"""
    body = json.dumps({"chain": [base64.b64encode(c).decode() for c in chain]})
    status, _, said = serve.fetch(f"{world.ct['logs'][log]['url']}ct/v1/{call}", method="POST",
                                  body=body, cafile=world.cafile)
    return status, json.loads(said)


@pytest.fixture
def chain(world):
    """DER of what issues: intermediate, root; and the intermediate's key"""
    read = [open(world.ca[n], "rb").read() for n in ("intermediate", "root")]
    folder = world.ca["intermediate"].rpartition("/")[0]
    with open(f"{folder}/intermediate.key", "rb") as key:
        key = serialization.load_pem_private_key(key.read(), None)
    return [authority.der(x509.load_pem_x509_certificate(c)) for c in read], key


@pytest.mark.parametrize("log", ["alder", "birch"])
def test_logs_take_chains_that_are_whole_and_signed(world, chain, log):
    (intermediate, root), key = chain
    issuer = x509.load_der_x509_certificate(intermediate).subject
    good = leaf(new_key(), issuer, key)
    poisoned = leaf(new_key(), issuer, key, x509.PrecertPoison())
    for call, what, why in (
            ("add-chain", [leaf(new_key(), issuer, new_key()), intermediate, root], "signature"),
            ("add-chain", [good, root], "order"), ("add-chain", [], "empty"),
            ("add-chain", [good], "root"), ("add-chain", [good[:-9], intermediate], "not a cert"),
            ("add-chain", [poisoned, intermediate], "not wanted"),
            ("add-pre-chain", [good, intermediate], "is wanted")):
        status, said = submit(world, call, *what, log=log)
        assert status == 400 and why in said["error_message"], (call, why, said)
    first = submit(world, "add-chain", good, intermediate, root, log=log)
    assert first[0] == 200
    # again, and with the root left to the log: the same promise, and no second entry
    size = world.control("ct", "logs")[log]["size"]
    for more in ([root], []):
        again = submit(world, "add-chain", good, intermediate, *more, log=log)
        for member in ("timestamp", "id", "extensions"):
            assert again[1][member] == first[1][member]
    assert world.control("ct", "logs")[log]["size"] == size
    assert submit(world, "add-pre-chain", poisoned, intermediate, log=log)[0] == 200


@pytest.mark.parametrize("path", [
    "get-entries?start=5&end=4", "get-entries?start=99999999&end=99999999", "get-entries?start=x",
    "get-sth-consistency?first=9&second=3", "get-sth-consistency?first=1&second=99999999",
    "get-proof-by-hash?tree_size=99999999&hash=AAAA", "get-proof-by-hash?tree_size=1&hash=AAAA",
    "get-entry-and-proof?leaf_index=1&tree_size=1"])
def test_logs_do_not_answer_what_they_cannot(world, path):
    status, _, _ = serve.fetch(f"{world.ct['logs']['alder']['url']}ct/v1/{path}",
                               cafile=world.cafile)
    assert status == 400


def test_logs_give_what_there_is(world):
    url = f"{world.ct['logs']['alder']['url']}ct/v1/"
    world.control("ct", "add-raw", log="alder", leaf="AAEC")
    size = json.loads(serve.fetch(url + "get-sth", cafile=world.cafile)[2])["tree_size"]
    status, _, body = serve.fetch(f"{url}get-entries?start={size - 1}&end={size + 9}",
                                  cafile=world.cafile)
    assert status == 200 and len(json.loads(body)["entries"]) == 1


def test_a_log_may_take_its_time_to_merge(world, tmp_path):
    process, facts = serve.start("ctlog.py", "--dir", tmp_path / "ct", "--control", tmp_path / "s",
                                 "--http", "--log", "name=slow,operator=Gamma,delay=2",
                                 log=tmp_path / "log")
    try:
        url = facts["logs"]["slow"]["url"] + "ct/v1/"
        def size():
            return json.loads(serve.fetch(url + "get-sth")[2])["tree_size"]
        cert = leaf(new_key(), authority.name("x"), new_key())
        assert serve.control(facts["control"], "add", log="slow",
                             chain=[base64.b64encode(cert).decode()])["timestamp"]
        assert size() == 0
        wait_for(lambda: size() == 1, timeout=10, what="the log to merge")
    finally:
        serve.end(process)


# ---- certificates

def test_chains_can_be_built_from_the_certificates_themselves(world, served):
    """Each names where its issuer's certificate is, up to a root of ours."""
    cert, seen = served[0], 0
    with contextlib.suppress(x509.ExtensionNotFound):
        while True:
            where = cert.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
            status, _, body = serve.fetch(where[0].access_location.value)
            assert status == 200
            issuer = x509.load_der_x509_certificate(body)
            assert issuer.subject == cert.issuer
            issuer.public_key().verify(cert.signature, cert.tbs_certificate_bytes,
                                       ec.ECDSA(cert.signature_hash_algorithm))
            cert, seen = issuer, seen + 1
    with open(world.ca["root"], "rb") as root:
        assert cert == x509.load_pem_x509_certificate(root.read()) and seen == 2


def test_a_revoked_certificate_is_to_be_renewed_at_once_and_in_one_shard(world, client, served):
    cert, _ = served
    client.revoke(cert)
    url = client.directory["renewalInfo"] + "/" + acmeclient.cert_id(cert)
    window = json.loads(client.fetch("GET", url)[2])["suggestedWindow"]
    assert serve.from_rfc3339(window["start"]) < serve.Clock(world.clock_file).now()
    found = []
    for shard in range(4):
        _, _, body = serve.fetch(f"{world.ca['http']}/crl/{shard}.crl")
        crl = x509.load_der_x509_crl(body)
        found += [shard] * bool(crl.get_revoked_certificate_by_serial_number(cert.serial_number))
    assert found == [cert.serial_number % 16]
    for what, value, shows in (("garbage", True, (200, b"not a CRL")),
                               ("status", 503, (503, b"not now\n"))):
        world.control("ca", "crl", shard=found[0], what=what, value=value)
        status, _, body = serve.fetch(f"{world.ca['http']}/crl/{found[0]}.crl")
        assert (status, body) == shows


@pytest.mark.parametrize("what", ["foreign-issuer", "self-signed", "client-only"])
def test_certificates_that_nobody_should_take(world, client, what):
    world.control("ca", "faults", at="finalize", what="wrong-certificate", value=what)
    cert, _, _ = client.issue("nobody.example.test")
    with open(world.ca["intermediate"], "rb") as issuer:
        issuer = x509.load_pem_x509_certificate(issuer.read())
    usage = cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    taken = contextlib.nullcontext() if what == "client-only" else pytest.raises(InvalidSignature)
    with taken:
        issuer.public_key().verify(cert.signature, cert.tbs_certificate_bytes,
                                   ec.ECDSA(cert.signature_hash_algorithm))
    assert list(usage) == [x509.ExtendedKeyUsageOID.CLIENT_AUTH if what == "client-only"
                           else x509.ExtendedKeyUsageOID.SERVER_AUTH]
