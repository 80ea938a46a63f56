"""The DNS of the test world, judged by delv and unbound-host, and what its CA makes of CAA."""
import collections
import pathlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import zt  # noqa: F401  (finds the modules of tests/world)
import dnsserver
from conftest import run
from world_bench import client, refusal, well_behaved, world  # noqa: F401


def delv(world, folder, *question):
    words = pathlib.Path(world.dns["anchor_ds"]).read_text().split()
    anchor = folder / "anchor.conf"
    anchor.write_text(f'trust-anchors {{ . static-ds {words[4]} {words[5]} {words[6]} '
                      f'"{words[7]}"; }};\n')
    return run("delv", "@" + world.dns["resolver"].split(":")[0], "-a", anchor, *question,
               check=False).stdout


@pytest.mark.parametrize("name, verdict, host", [
    ("www.example.test", "; fully validated", "(secure)"),
    ("www.plain.test", "; unsigned answer", "(insecure)"),
    ("www.bogus.test", "resolution failed", "SERVFAIL"),
])
def test_validators_climb_from_our_root(world, tmp_path, name, verdict, host):
    assert verdict in delv(world, tmp_path, name, "A")
    config = pathlib.Path(world.dns["anchor_ds"]).with_name("unbound.conf")
    said = run("unbound-host", "-v", "-C", config, "-t", "A", name, check=False).stdout
    assert host in said or "BOGUS" in said and host == "SERVFAIL", said


def test_negative_answers_are_proved(world, tmp_path):
    assert "; negative response, fully validated" in delv(
        world, tmp_path, "nothing.example.test", "CAA")


def test_the_challenge_key_writes_txt_and_caa_only(world):
    little = dnsserver.Records(world.dns, "challenge.")
    little.set("key.example.test", "TXT", '"x"')
    little.set("key.example.test", "CAA", '0 issue ";"')
    with pytest.raises(ValueError):
        little.set("key.example.test", "A", "192.0.2.1")
    world.records.set("key.example.test", "A", "192.0.2.1")
    assert world.records.get("key.example.test", "A") == ["192.0.2.1"]
    for kind in ("TXT", "CAA", "A"):
        world.records.delete("key.example.test", kind)


CaaCase = collections.namedtuple("CaaCase", "name records asked allowed")
CAA_CASES = [
    CaaCase("none_at_any_level", {}, "x.caa.example.test", True),
    CaaCase("other_issuer", {"caa": ['0 issue "other.test"']}, "x.caa.example.test", False),
    CaaCase("nobody", {"caa": ['0 issue ";"']}, "caa.example.test", False),
    CaaCase("one_of_two", {"caa": ['0 issue "other.test"', '0 issue "CA.test"']},
            "caa.example.test", True),
    CaaCase("closest_wins", {"caa": ['0 issue "other.test"'], "x.caa": ['0 issue "ca.test"']},
            "x.caa.example.test", True),
    CaaCase("issuewild_is_not_for_names", {"caa": ['0 issuewild ";"']}, "caa.example.test", True),
    CaaCase("issuewild_wins_for_wildcards",
            {"caa": ['0 issue "ca.test"', '0 issuewild ";"']}, "*.caa.example.test", False),
    CaaCase("issue_counts_for_wildcards", {"caa": ['0 issue ";"']}, "*.caa.example.test", False),
    CaaCase("critical_unknown_tag", {"caa": ['128 tbs "x"']}, "caa.example.test", False),
    CaaCase("unknown_tag", {"caa": ['0 tbs "x"']}, "caa.example.test", True),
    CaaCase("iodef_only", {"caa": ['0 iodef "mailto:a@b.test"']}, "caa.example.test", True),
    CaaCase("our_account", {"caa": ['0 issue "ca.test; accounturi=ACCOUNT"']},
            "caa.example.test", True),
    CaaCase("account_with_a_slash_more", {"caa": ['0 issue "ca.test; accounturi=ACCOUNT/"']},
            "caa.example.test", False),
    CaaCase("account_twice",
            {"caa": ['0 issue "ca.test; accounturi=ACCOUNT; accounturi=ACCOUNT"']},
            "caa.example.test", False),
    CaaCase("method", {"caa": ['0 issue "ca.test;validationmethods=http-01,dns-01"']},
            "caa.example.test", True),
    CaaCase("other_method", {"caa": ['0 issue "ca.test;validationmethods=http-01"']},
            "caa.example.test", False),
    CaaCase("malformed_value", {"caa": ['0 issue "ca.test; %%%"']}, "caa.example.test", False),
    CaaCase("alias_to_records", {"x.caa": "CNAME target.delegated.test.",
                                 "target.delegated.test.": ['0 issue ";"']},
            "x.caa.example.test", False),
    CaaCase("alias_then_own_parent", {"x.caa": "CNAME empty.delegated.test.",
                                      "caa": ['0 issue ";"']}, "x.caa.example.test", False),
    CaaCase("parent_of_alias_does_not_count",
            {"x.caa": "CNAME a.parent.delegated.test.", "parent.delegated.test.": ['0 issue ";"'],
             "a.parent.delegated.test.": "TXT \"there\""}, "x.caa.example.test", True),
    CaaCase("bogus_zone", {}, "www.bogus.test", False),
]


@pytest.mark.parametrize("case", CAA_CASES, ids=lambda c: c.name)
def test_caa_evaluation(world, case):
    """CAA of the CA, over the real resolver. What lego and our client see is the same function."""
    account = "https://ca.test/acct/1"
    absolute = {n if n.endswith(".") else f"{n}.example.test.": v for n, v in case.records.items()}
    try:
        for name, values in absolute.items():
            if isinstance(values, str):
                world.records.set(name, *values.split(" ", 1))
            else:
                world.records.set(name, "CAA", *[v.replace("ACCOUNT", account) for v in values])
        verdict = world.control("ca", "evaluate", name=case.asked, account=account,
                                method="dns-01")
        assert verdict["allowed"] == case.allowed, verdict
    finally:
        for name in absolute:
            world.records.delete(name)


@pytest.mark.parametrize("method", ["dns-01", "dns-persist-01"])
def test_caa_may_be_looked_at_when_a_name_is_validated(world, client, method):
    name = "moment.example.test"
    nobody, key = '0 issue ";"', ec.generate_private_key(ec.SECP256R1())
    world.records.set(f"_validation-persist.{name}", "TXT", f'"ca.test; accounturi={client.url}"')
    world.control("ca", "caa", at="validation")

    world.records.set(name, "CAA", nobody)
    url, order = client.order(name)
    refused = refusal(client.prove, order, method)
    assert refused.kind == "caa" and f"forbids {name}" in str(refused)
    authz = client.post_json(order["authorizations"][0])
    assert authz["status"] == "invalid" and [c["type"] for c in authz["challenges"]] == [method]
    assert client.post_json(authz["challenges"][0]["url"]) == authz["challenges"][0]
    assert client.post_json(url)["status"] == "invalid"

    def proved():
        world.records.delete(name, "CAA")
        url, order = client.order(name)
        client.prove(order, method)
        world.records.set(name, "CAA", nobody)  # too late for this order, for 8 hours
        return url, order, key

    assert client.finalize(*proved())["status"] == "valid"
    late = proved()
    world.set_time(advance=8 * 3600 - 60)
    assert client.finalize(*late)["status"] == "valid"
    late = proved()
    world.set_time(advance=8 * 3600 + 60)
    assert refusal(client.finalize, *late).kind == "caa"
    world.control("ca", "caa")  # at finalize, as by default
    assert refusal(client.finalize, *proved()).kind == "caa"
    world.records.delete(name)
