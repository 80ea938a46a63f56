"""The aggregators of the test world."""
import hashlib
import json
import urllib.parse

from cryptography import x509

import zt  # noqa: F401  (finds the modules of tests/world)
import ctwire
import serve
from world_bench import client, well_behaved, world  # noqa: F401


def ask(world, path):
    base = world.aggregator["crtsh"].rstrip("/")
    status, _, body = serve.fetch(base + path, cafile=world.cafile)
    return status, body


def crtsh(world, query, more="&match=ILIKE"):
    return json.loads(ask(world, f"/?q={urllib.parse.quote(query)}&output=json{more}")[1])


def certspotter(world, domain, more="&include_subdomains=true&match_wildcards=true"):
    return json.loads(ask(world, f"/v1/issuances?domain={domain}&expand=dns_names&expand=cert"
                                 f"{more}")[1])


def test_aggregators_agree_with_what_was_issued(world, client):
    cert, _, _ = client.issue("agg-1.example.test", "*.agg-1.example.test")
    tbs = hashlib.sha256(ctwire.tbs_without(cert.tbs_certificate_bytes, ctwire.OID_SCT_LIST))
    rows = crtsh(world, "%.agg-1.example.test")
    assert [r["serial_number"].lstrip("0") for r in rows] == 2 * [f"{cert.serial_number:x}"]
    assert len(crtsh(world, "%.agg-1.example.test", "&match=ILIKE&deduplicate=Y")) == 1
    # the hyphen trap: whole names only, unless match says otherwise
    assert not [r for r in crtsh(world, "%.agg-1.example.test", "")
                if "*.agg" in r["name_value"]]
    status, pem = ask(world, f"/?d={rows[0]['id']}")
    assert status == 200 and x509.load_pem_x509_certificate(pem).serial_number == \
        cert.serial_number
    found = certspotter(world, "agg-1.example.test")
    assert [f["tbs_sha256"] for f in found] == [tbs.hexdigest()]
    assert found[0]["cert"]["type"] == "cert"
    assert certspotter(world, "x.agg-1.example.test")  # by the wildcard
    assert not certspotter(world, "x.agg-1.example.test", "")
    assert not certspotter(world, "x.y.agg-1.example.test")  # which a wildcard does not cover
    assert not certspotter(world, "agg-1.example.test", f"&after={found[0]['id']}")
    assert {r["name_value"] for r in crtsh(world, "agg-1.example.test", "&match=%3D")} == {
        "agg-1.example.test"}
    assert not crtsh(world, "%.agg-1.example.test", "&match=%3D")
    assert crtsh(world, "test", "") and not crtsh(world, "test", "&match=%3D")
    # a precertificate alone counts as issuance
    world.control("ca", "issue", names=["agg-2.example.test"], final=False)
    assert certspotter(world, "agg-2.example.test")[0]["cert"]["type"] == "precert"
    world.set_time(advance=200 * 86400)
    assert not certspotter(world, "agg-1.example.test")
    assert len(crtsh(world, "agg-1.example.test")) == 2
    assert not crtsh(world, "agg-1.example.test", "&match=ILIKE&exclude=expired")


def test_what_aggregators_can_do_wrong(world, client):
    client.issue("agg-3.example.test")
    def bend(at, what, value=True):
        world.control("aggregator", "mend")
        world.control("aggregator", "bend", at=at, what=what, value=value)
    bend("crtsh", "empty")
    assert not crtsh(world, "agg-3.example.test") and certspotter(world, "agg-3.example.test")
    bend("certspotter", "hide", "agg-3.")
    assert crtsh(world, "agg-3.example.test") and not certspotter(world, "agg-3.example.test")
    bend("crtsh", "cap", 1)
    assert len(crtsh(world, "agg-3.example.test")) == 1
    bend("crtsh", "error-page")
    status, body = ask(world, "/?q=agg-3.example.test&output=json")
    assert status == 200 and b"<html>" in body
    bend("certspotter", "status", 429)
    assert ask(world, "/v1/issuances?domain=agg-3.example.test")[0] == 429
    bend("crtsh", "stale")
    client.issue("agg-4.example.test")
    assert not crtsh(world, "agg-4.example.test") and certspotter(world, "agg-4.example.test")
