"""What the tests of the test world (tests/world) share: the world itself, one for all of them,
each with names of its own; readers of what a certificate says.

The world's servers are judged by programs that have nothing to do with them or with us: lego gets
certificates, openssl checks chains, SCTs and CRLs, certspotter follows the log, delv and
unbound-host validate the DNS; proofs are checked by the algorithms of RFC 9162, which are not the
ones the logs use.
"""
import pytest
from cryptography import x509

import zt  # noqa: F401  (finds the modules of tests/world)
import acmeclient
import serve
from conftest import Children


@pytest.fixture(scope="module")
def world(zt_shared):
    """The World, with this thread inside its namespace"""
    with zt_shared.here():
        for name in ("www.example.test", "www.plain.test", "www.bogus.test"):
            zt_shared.world.records.set(name, "A", "127.0.0.1")
        yield zt_shared.world


@pytest.fixture(autouse=True)
def well_behaved(zt_shared):
    yield
    zt_shared.mend()


@pytest.fixture
def started(tmp_path):
    made = Children(tmp_path)
    yield made
    made.stop_all()


@pytest.fixture
def client(world):
    return acmeclient.Client(world.ca, world.records)


def refusal(call, *args, **kwargs):
    with pytest.raises(acmeclient.Refused) as caught:
        call(*args, **kwargs)
    return caught.value


def crl_of(cert):
    points = cert.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    url = points[0].full_name[0].value
    return url, x509.load_der_x509_crl(serve.fetch(url)[2])


def names_of(cert):
    return cert.extensions.get_extension_for_class(
        x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)


def scts_of(cert):
    try:
        return list(cert.extensions.get_extension_for_class(
            x509.PrecertificateSignedCertificateTimestamps).value)
    except x509.ExtensionNotFound:
        return []
