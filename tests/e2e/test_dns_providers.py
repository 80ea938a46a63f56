"""Goal: TXT and CAA records changed through each provider's API, played as documented
(tests/world/fakedns.py); what is then served is what was wanted, and each failure is told.

None of the real APIs was asked: that needs accounts."""
import pathlib
import sys

import pytest

from conftest import run, tool

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "world"))
from fakedns import FakeDns  # noqa: E402

KINDS = ["cloudflare", "route53", "digitalocean", "linode", "hetzner", "desec"]
# More zones than a page holds; names that end alike, and one inside another.
ZONES = ["other.test", "ample.test", "notexample.test", "test.example", "example.test", "sub.example.test"]
PIN = "ca.test; accounturi=https://ca.test/acct/1?a=1&b=2; validationmethods=dns-01"


@pytest.fixture(params=KINDS)
def fake(request):
    with FakeDns(request.param, ZONES) as played:
        yield played


@pytest.fixture
def change(fake, bindir):
    program = tool(bindir, "dnstool")

    def call(*argv, credential=None):
        done = run(program, "port=1", "provider", fake.kind, fake.base, credential or fake.credential, *argv,
                   check=False)
        return dict(line.split(" ", 1) if " " in line else (line, "") for line in done.stdout.splitlines())

    return call


def test_txt_is_added_beside_others_and_removed(fake, change):
    name = "_acme-challenge.app.example.test"
    for value in ("one", "two"):
        assert change("add", name, "txt", value)["rc"] == "ok"
    assert fake.served(name, "TXT") == ['"one"', '"two"']
    assert {r["zone"] for r in fake.records} == {"example.test"}
    assert change("remove", name, "txt", "one")["rc"] == "ok"
    assert fake.served(name, "TXT") == ['"two"']
    assert change("remove", name, "txt", "two")["rc"] == "ok"
    assert fake.served(name, "TXT") == []
    # Neither a second removal nor a second addition writes anything.
    assert change("remove", name, "txt", "two")["rc"] == "ok"
    assert change("add", name, "txt", "three")["rc"] == "ok"
    wrote = [r for r in fake.requests if r[0] != "GET"]
    assert change("add", name, "txt", "three")["rc"] == "ok"
    assert [r for r in fake.requests if r[0] != "GET"] == wrote


def test_many_records_over_pages(fake, change):
    name = "_acme-challenge.example.test"
    for i in range(5):
        fake.put("example.test", name, "TXT", f'"v{i}"')
    assert change("remove", name, "txt", "v4", "v0")["rc"] == "ok"
    assert fake.served(name, "TXT") == ['"v1"', '"v2"', '"v3"']


@pytest.mark.parametrize("name", ["app.example.test", "example.test", "x.sub.example.test"])
def test_caa_set_is_replaced(fake, change, name):
    fake.put("sub.example.test" if ".sub." in name else "example.test", name, "CAA", '0 issue "old.test"')
    fake.put("example.test", "near" + name, "CAA", '0 issue "stays.test"')
    wanted = [f'0 issue "{PIN}"', f'0 issuewild "{PIN}"']
    assert change("replace", name, "caa", *wanted)["rc"] == "ok"
    assert fake.served(name, "CAA") == sorted(wanted)
    assert fake.served("near" + name, "CAA") == ['0 issue "stays.test"']
    zone = "sub.example.test" if ".sub." in name else "example.test"
    assert {r["zone"] for r in fake.records if r["name"] == name} == {zone}


def test_there_is_no_moment_without_a_set(fake, change):
    """New records before old ones go."""
    name, seen, served = "app.example.test", [], fake.served
    fake.put("example.test", name, "CAA", '0 issue "old.test"')
    answer = fake.answer

    def watched(*args):
        result = answer(*args)
        seen.append(len(served(name, "CAA")))
        return result

    fake.answer = watched
    assert change("replace", name, "caa", f'0 issue "{PIN}"')["rc"] == "ok"
    assert min(seen) >= 1 and fake.served(name, "CAA") == [f'0 issue "{PIN}"']


def test_text_that_needs_quoting(fake, change):
    name, value = "t.example.test", 'a"b\\c d;e&f<g' + "x" * 300
    assert change("add", name, "txt", value)["rc"] == "ok"
    assert fake.plain(fake.served(name, "TXT")[0]) == value
    wrote = len(fake.requests)
    assert change("add", name, "txt", value)["rc"] == "ok"
    assert all(r[0] == "GET" for r in fake.requests[wrote:])


def test_zone_that_is_not_there(fake, change):
    result = change("add", "a.missing.test", "txt", "v")
    assert (result["rc"], result["fault"]) == ("denied", "no_zone")


def test_bad_credentials(fake, change):
    result = change("add", "a.example.test", "txt", "v", credential="AKIDEXAMPLE:wrong")
    assert result["fault"] == "credentials" and result["status"] in ("401", "403")
    assert result["text"]


def test_rate_limit_says_when(fake, change):
    fake.fail(429, {"Retry-After": "7"}, b"slow down")
    result = change("add", "a.example.test", "txt", "v")
    assert (result["fault"], result["status"], result["retry"]) == ("busy", "429", "7")


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"<html>", b'{"result": 1}', b"\xff\xfe", b"{" * 100])
def test_nonsense_with_200_is_no_success(fake, change, body):
    for _ in range(50):
        fake.fail(200, {}, body)
    assert change("add", "a.example.test", "txt", "v")["fault"] in ("form", "no_zone")
    assert fake.records == []


def test_error_of_the_server(fake, change):
    fake.fail(500, {}, b"oops")
    result = change("add", "a.example.test", "txt", "v")
    assert (result["fault"], result["status"]) == ("error", "500")


def test_route53_throttles_with_400(bindir):
    with FakeDns("route53", ZONES) as fake:
        fake.fail(400, {}, b"<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message>"
                           b"</Error></ErrorResponse>")
        done = run(tool(bindir, "dnstool"), "port=1", "provider", "route53", fake.base, fake.credential, "add",
                   "a.example.test", "txt", "v", check=False)
        assert "fault busy" in done.stdout and "text Rate exceeded" in done.stdout


def test_route53_private_zone_is_not_taken(bindir):
    with FakeDns("route53", ["private.test", "other.test"]) as fake:
        done = run(tool(bindir, "dnstool"), "port=1", "provider", "route53", fake.base, fake.credential, "add",
                   "a.private.test", "txt", "v", check=False)
        assert "fault no_zone" in done.stdout


def test_linode_has_no_critical_flag(bindir):
    with FakeDns("linode", ZONES) as fake:
        done = run(tool(bindir, "dnstool"), "port=1", "provider", "linode", fake.base, fake.credential, "add",
                   "a.example.test", "caa", '128 issue "ca.test"', check=False)
        assert "fault cannot" in done.stdout and fake.records == []
