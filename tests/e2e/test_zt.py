"""The building blocks of zt.py, which tests of certificates and evidence stand on."""
import datetime
import os
import re
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

import zt  # noqa: F401  (finds the modules of tests/world)
import acmeclient
from conftest import run
from private_net import PrivateNet

NAME = "www.zt.test"


@pytest.fixture(scope="module")
def zt_settings():
    return {"zones": ("zt.test",), "logs": ("name=oak,operator=Alpha",)}


@pytest.fixture(autouse=True)
def well_behaved(zt_world):
    yield
    zt_world.mend()


def test_the_world_is_the_one_that_was_asked_for_and_apart(zt_world):
    assert list(zt_world.ct["logs"]) == ["oak"]
    zt_world.records.set(NAME, "A", "192.0.2.1")
    assert zt_world.records.get(NAME, "A") == ["192.0.2.1"]
    address = zt_world.dns["resolver"].split(":")[0]
    said = run(*zt_world.argv("kdig", f"@{address}", "+dnssec", NAME)).stdout
    assert "192.0.2.1" in said and re.search(r"Flags:[^;]* ad\b", said), said
    with pytest.raises(OSError):  # nothing listens out here
        zt_world.world.records.get(NAME, "A")


def test_a_private_net_is_left_as_it_was_entered():
    before = os.readlink("/proc/thread-self/ns/net")
    net = PrivateNet()
    with pytest.raises(ZeroDivisionError), net.here():
        assert os.readlink("/proc/thread-self/ns/net") != before
        assert 1 // 0
    assert os.readlink("/proc/thread-self/ns/net") == before
    assert net.inside([3, 1]).index(1) == 1
    path = net.path
    net.close()
    assert run("nsenter", f"--net={path}", "true", check=False).returncode != 0


def test_a_foreign_account_is_kept_out_by_caa_and_a_tricked_ca_is_not(zt_world):
    ours = zt_world.account()
    zt_world.records.set(NAME, "CAA", f'0 issue "ca.test; accounturi={ours.url}"')
    zt_world.foreign(NAME, account=ours)
    with pytest.raises(acmeclient.Refused) as caught:
        zt_world.foreign(NAME)
    assert caught.value.kind == "caa"
    attacks = [zt_world.foreign(NAME, caa=False), zt_world.tricked(NAME)]
    zt_world.records.delete(NAME, "CAA")
    attacks.append(zt_world.foreign(NAME))
    issued = zt_world.issued(NAME)
    assert [c["account"] == ours.url for c in issued] == [True, False, False, False]
    assert [f"{a.cert.serial_number:x}" for a in attacks] == [c["serial"] for c in issued[1:]]
    for attack in attacks:  # each is logged, and its key is the attacker's
        key = serialization.load_pem_private_key(attack.key.encode(), None)
        assert key.public_key().public_numbers() == attack.cert.public_key().public_numbers()
        assert attack.cert.extensions.get_extension_for_class(
            x509.PrecertificateSignedCertificateTimestamps).value


def test_a_precertificate_alone(zt_world):
    got = zt_world.tricked(NAME, final=False)
    assert got.cert.extensions.get_extension_for_class(x509.PrecertPoison)


def test_revocation_is_seen_by_all_names_of_a_certificate(zt_world):
    got = [zt_world.tricked(NAME) for _ in range(4)]
    for one in (got[0], got[1].cert, f"{got[2].cert.serial_number:x}"):
        assert not zt_world.is_revoked(one)
        zt_world.revoke(one, 1)
        assert zt_world.is_revoked(one)
    assert not zt_world.is_revoked(got[3])


def test_time_passes_for_servers_and_programs(zt_world, tmp_path):
    def difference(env):
        said = subprocess.run(["date", "+%s"], env=env, stdout=subprocess.PIPE, check=True)
        return int(said.stdout) - time.time()
    env = zt_world.clock_env(follow=True)
    zt_world.advance(days=400, hours=1, seconds=5)
    later = 400 * 86400 + 3605
    assert abs(zt_world.now() - time.time() - later) < 1
    assert abs(difference(env) - later) < 5
    assert abs(difference(zt_world.clock_env()) - later) < 5
    cert = zt_world.tricked(NAME).cert
    assert abs(cert.not_valid_before - datetime.datetime.utcnow()
               - datetime.timedelta(seconds=later - 3600)) < datetime.timedelta(seconds=60)
    zt_world.mend()
    assert abs(difference(env)) < 5 and abs(zt_world.now() - time.time()) < 1
    zt_world.set_time(offset=-86400)
    assert abs(difference(env) + 86400) < 5


def test_files_for_a_program(zt_world):
    run("openssl", "dgst", "-sha256", "-verify", zt_world.log_list_key, "-signature",
        zt_world.log_list_signature, zt_world.log_list)
    path = zt_world.secret_file()
    assert path.stat().st_mode & 0o077 == 0
    assert path.read_text().strip() == zt_world.dns["keys"]["challenge."]["secret"]
