"""postern acme: what a person asks of a running postern-cert, and what becomes of it."""
import json
import re
import signal

import pytest

from cert_node import follow
from conftest import accepts, run, wait_for
from test_cert import node, zt_settings  # noqa: F401


def acme(n, *argv, status=0):
    done = run(n.bindir / "postern", "acme", *argv, "--socket", n.admin, check=False)
    assert done.returncode == status, done.stdout
    return done.stdout


def issued(n):
    n.wait_certificate()
    n.wait_evidence()
    wait_for(lambda: n.status().get("evidence"), 60, "evidence to be served")


def test_status_for_people_and_machines(node):  # noqa: F811
    n = node()
    n.start()
    wait_for(lambda: accepts(n.admin), what="the socket")
    acme(n, "status", status=1)  # nothing is there yet
    issued(n)
    text = acme(n, "status")
    assert re.search(r"^account +ready +https://\S+ +key \S{43}$", text, re.M), text
    assert re.search(rf"^certificate +{re.escape(n.names[0])}: \d+ days left, to be renewed in \d+ days, from https", text, re.M)
    assert re.search(r"^caa +\S+: held, ", text, re.M), text
    assert re.search(r"^evidence +core [0-9a-f]{16}, valid for ", text, re.M), text
    assert "SIMULATED" in text and "ALARM" not in text
    said = json.loads(acme(n, "status", "--json"))
    assert said["certificates"] == n.status()["certificates"]
    assert [a["standing"] for a in json.loads(acme(n, "account", "--json"))] == ["ready"]
    n.stop()
    acme(n, "status", status=2)


def test_renew(node, zt_world):  # noqa: F811
    n = node("gateway.%.example.test")
    n.start()
    issued(n)
    first = n.certificate()
    assert "asked" in acme(n, "renew")
    assert n.wait_certificate(unlike=first["tbs"])["spki"] != first["spki"]
    events = {(e["event"], e["end"]): e["count"] for e in n.status()["events"]}
    assert events["certificate_issued", ""] == 2 and events["order", ""] == 2


def test_key_change_keeps_the_account(node, zt_world):  # noqa: F811
    n = node("gateway.%.example.test")
    n.start()
    issued(n)
    before, first = n.status()["accounts"][0], n.certificate()
    acme(n, "key-change")
    after = wait_for(lambda: next((a for a in n.status()["accounts"]
                                   if a["thumbprint"] != before["thumbprint"]), None), 60, "another key")
    assert after["url"] == before["url"] and after["standing"] == "ready"
    # The CA knows the new one: the next start orders with it, under the same CAA.
    n.stop()
    n.start()
    n.wait_certificate()
    wait_for(lambda: n.status().get("accounts", [{}])[0].get("standing") == "ready", 60, "the account")
    acme(n, "renew")
    n.wait_certificate(unlike=first["tbs"])
    assert len({c["account"] for c in zt_world.issued(n.names[0])}) == 1
    assert n.status()["accounts"][0]["thumbprint"] == after["thumbprint"]


@pytest.mark.parametrize("then", ["restart", "again"])
def test_new_key_that_could_not_be_sealed_counts(node, zt_world, then):  # noqa: F811
    """The CA has it: orders go on under it, and a restart, or the next change, puts it right."""
    n = node("gateway.%.example.test")
    child = n.start()
    issued(n)
    first, known = n.certificate(), {n.status()["accounts"][0]["thumbprint"]}
    path, = n.state.glob("sealed/account-*.sealed")
    aside = path.rename(path.with_suffix(".aside"))
    path.mkdir()  # nothing can be put in its place
    acme(n, "key-change")
    assert follow(child.log, "event=key_not_changed", 1)
    path.rmdir()
    aside.rename(path)
    acme(n, "renew")
    n.wait_certificate(unlike=first["tbs"])
    known.add(n.status()["accounts"][0]["thumbprint"])
    assert len(known) == 2 and not n.audit("account_key_changed")
    if then == "again":
        acme(n, "key-change")
        wait_for(lambda: n.status()["accounts"][0]["thumbprint"] not in known, 60, "a third key")
        wait_for(lambda: len(n.audit("account_key_changed")) == 2, 60, "it to be sealed")
    else:
        n.stop()
        n.start()
        n.wait_certificate()
        wait_for(lambda: n.status().get("accounts", [{}])[0].get("standing") == "ready", 60, "the account")
        assert n.status()["accounts"][0]["thumbprint"] in known
        assert len(n.audit("account_key_changed")) == 1
    assert len({c["account"] for c in zt_world.issued(n.names[0])}) == 1


def test_an_order_is_broken_off_when_the_platform_is_gone(node, zt_world):  # noqa: F811
    n = node("gateway.%.example.test")
    n.start()
    issued(n)
    first = n.certificate()
    n.launch_anew()
    acme(n, "renew")
    assert "quote" in n.wait_alarm("no_certificate")["text"]
    assert [line["end"] for line in n.audit("order_failed")] == ["broken_off"]
    assert n.certificate()["tbs"] == first["tbs"]
    # The order waits: the next start goes on with it.
    n.stop()
    n.start()
    n.wait_certificate(unlike=first["tbs"])
    assert len(n.audit("order")) == 2
    assert len(zt_world.issued(n.names[0])) == 2


@pytest.mark.parametrize("what", ["drop", "drop-after"])
def test_key_change_that_was_killed_is_finished(node, zt_world, what):  # noqa: F811
    """The CA has the new key, or it has not; who asked never hears which."""
    n = node("gateway.%.example.test")
    child = n.start()
    issued(n)
    before, first = n.status()["accounts"][0], n.certificate()
    zt_world.control("ca", "faults", at="keyChange", what=what, times=-1)
    acme(n, "key-change")
    assert follow(child.log, "event=acme_no_answer", 1)
    n.stop(sig=signal.SIGKILL)
    zt_world.control("ca", "clear")
    n.start()
    n.wait_certificate()
    after = wait_for(lambda: next((a for a in n.status()["accounts"]
                                   if a["thumbprint"] != before["thumbprint"]), None), 60, "another key")
    assert after["url"] == before["url"] and after["standing"] == "ready"
    assert len(n.audit("account_key_changed")) == 1
    acme(n, "renew")
    n.wait_certificate(unlike=first["tbs"])
    assert len({c["account"] for c in zt_world.issued(n.names[0])}) == 1


def test_revoke_takes_a_yes(node, zt_world):  # noqa: F811
    n = node("gateway.%.example.test")
    n.start()
    issued(n)
    first = n.certificate()
    assert "--yes" in acme(n, "revoke", status=2)
    assert not n.audit("revoke")
    acme(n, "revoke", "--yes")
    n.wait_certificate(unlike=first["tbs"])
    old, new = zt_world.issued(n.names[0])
    assert old["revoked"] and old["revoked"][1] == 5 and not new["revoked"]


def test_an_alarm_is_exit_status_1(node):  # noqa: F811
    n = node("gateway.%.example.test")
    n.start()
    issued(n)
    n.stop()
    n.wipe_state()
    n.launch_anew()
    n.start()
    n.wait_alarm("account_not_ready")
    assert re.search(r"^ALARM +account_not_ready ", acme(n, "status", status=1), re.M)
    assert "lost" in acme(n, "account", status=1)
    acme(n, "new-account", status=2)
    acme(n, "new-account", "--yes")
    issued(n)
    acme(n, "account")
