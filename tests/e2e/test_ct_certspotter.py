"""Debian's certspotter reads our log and agrees with the product's reader on every certificate
that was issued for the watched names: what the one finds, the other finds, and nothing else.
Plain HTTP on loopback, any port; no root is needed.
"""
import base64
import datetime
import hashlib
import json
import sys

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from certspotter import Certspotter
from conftest import ROOT, Children, tool, wait_for
from test_ct_follow import Logs

sys.path.insert(0, str(ROOT / "tests" / "world"))
import ctwire  # noqa: E402

LOG = "alder"  # RFC 6962: Debian's certspotter reads no other kind
WATCHED = ["exact.test", ".tree.test", "a.b.deep.test", ".xn--bcher-kva.test"]

# Each is one issuance: its names, and whether it is one for a watched name.
ISSUED = [
    ("the_name", ["exact.test"], True),
    ("its_capitals", ["EXACT.Test"], True),
    ("among_others", ["other.test", "exact.test", "third.test"], True),
    ("parent_wildcard", ["*.test"], True),
    ("parent_wildcard_of_a_deep_name", ["*.b.deep.test"], True),
    ("wildcard_two_levels_up", ["*.deep.test"], False),
    ("below_a_name_without_its_tree", ["www.exact.test"], False),
    ("own_wildcard_of_a_name_without_its_tree", ["*.exact.test"], False),
    ("parent_of_a_deep_name", ["b.deep.test"], False),
    ("longer_name_with_that_end", ["inexact.test"], False),
    ("name_as_a_prefix", ["exact.test.example"], False),
    ("root_of_a_tree", ["tree.test"], True),
    ("below_a_tree", ["x.tree.test"], True),
    ("far_below_a_tree", ["x.y.z.tree.test"], True),
    ("wildcard_of_a_tree", ["*.tree.test"], True),
    ("wildcard_below_a_tree", ["*.x.tree.test"], True),
    ("longer_name_with_the_end_of_a_tree", ["xtree.test"], False),
    ("international", ["xn--bcher-kva.test"], True),
    ("below_an_international", ["www.xn--bcher-kva.test"], True),
    ("another_international", ["xn--bcher-kvb.test"], False),
    ("unrelated", ["unrelated.example"], False),
    ("unrelated_wildcard", ["*.unrelated.example"], False),
]
FORMS = ("both", "precert", "final")  # of the same issuance: what the log was shown


class Issuer:
    """A CA that logs as a CA does: precertificate, SCT, then the certificate with it."""

    def __init__(self, logs):
        self.logs, self.key = logs, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Compared CA")])
        self.root = self.sign(self.name, self.key, None, [x509.BasicConstraints(True, None)])
        self.hashes = {}  # test: (TBS hash, key hash)

    def sign(self, subject, key, names, extensions, serial=None):
        now = datetime.datetime.utcnow()
        builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name)
                   .public_key(key.public_key())
                   .serial_number(serial or x509.random_serial_number())
                   .not_valid_before(now - datetime.timedelta(hours=1))
                   .not_valid_after(now + datetime.timedelta(days=90)))
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        for extension in extensions:
            builder = builder.add_extension(extension, isinstance(extension, x509.PrecertPoison))
        return builder.sign(self.key, hashes.SHA256())

    def add(self, cert, precert):
        chain = [c.public_bytes(serialization.Encoding.DER) for c in (cert, self.root)]
        return self.logs.tell("add", log=LOG, precert=precert,
                              chain=[base64.b64encode(c).decode() for c in chain])

    def issue(self, case, names, form, common_name=None):
        key, serial = ec.generate_private_key(ec.SECP256R1()), x509.random_serial_number()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
                            if common_name else [])
        plain = x509.BasicConstraints(False, None)
        precert = self.sign(subject, key, names, [plain, x509.PrecertPoison()], serial)
        scts = []
        if form != "final":
            scts = [ctwire.sct_from_json(self.add(precert, True))]
        if form != "precert":
            extension = x509.UnrecognizedExtension(
                x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2"), ctwire.sct_list(scts))
            self.add(self.sign(subject, key, names, [plain, extension], serial), False)
        tbs = ctwire.tbs_without(precert.tbs_certificate_bytes, ctwire.OID_POISON)
        self.hashes[case] = tuple(hashlib.sha256(b).hexdigest()
                                  for b in (tbs, ctwire.spki(key.public_key())))


@pytest.fixture(scope="module")
def compared(tmp_path_factory, request):
    """({case: hashes}, certspotter, hashes of what the product found)"""
    folder = tmp_path_factory.mktemp("spot")
    children = Children(folder)
    try:
        logs = Logs(folder, children, tool(request.getfixturevalue("bindir"), "ctfollow"), 100)
        issuer = Issuer(logs)
        for number, (case, names, _) in enumerate(ISSUED):
            issuer.issue(case, names, FORMS[number % len(FORMS)])
            issuer.issue(case + "+", names, FORMS[(number + 1) % len(FORMS)])
        issuer.issue("common_name_alone", [], "both", "www.tree.test")
        issuer.issue("unrelated_common_name", [], "both", "www.unrelated.example")
        size = logs.tell("logs")[LOG]["size"]
        spotter = Certspotter(folder / "certspotter", children, logs.facts["list"], WATCHED)

        def verified():
            states = [json.loads(p.read_text())
                      for p in (folder / "certspotter/state/logs").glob("*/state.json")]
            return [s for s in states if s["verified_position"]["size"] == size]
        wait_for(verified, 60, "certspotter to verify the whole log")
        alarms, last, hits = logs.follow(LOG, names=WATCHED)
        assert not alarms and last["proven"] == size and not last["unreadable"]
        yield issuer.hashes, spotter, {(h["tbs"], h["spki"]) for h in hits}
    finally:
        children.stop_all()


def test_both_find_the_same(compared):
    _, spotter, ours = compared
    assert not [e for e in spotter.found() if e["EVENT"] != "discovered_cert"]
    assert ours and spotter.certificates() == ours


@pytest.mark.parametrize("case, names, is_ours", ISSUED, ids=[case[0] for case in ISSUED])
def test_each_is_found_by_both_or_by_neither(compared, case, names, is_ours):
    issued, spotter, ours = compared
    for one in (issued[case], issued[case + "+"]):
        assert (one in spotter.certificates(), one in ours) == (is_ours, is_ours)


def test_a_common_name_counts_for_both(compared):
    issued, spotter, ours = compared
    assert issued["common_name_alone"] in spotter.certificates() & ours
    assert issued["unrelated_common_name"] not in spotter.certificates() | ours
