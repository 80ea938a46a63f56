"""postern acme: what a person asks of a running postern-cert, and what becomes of it."""
import json
import re

from conftest import run, wait_for
from test_cert import node, zt_settings  # noqa: F401


def acme(n, *argv, status=0):
    done = run(n.bindir / "postern", "acme", *argv, "--socket", n.admin, check=False)
    assert done.returncode == status, done.stdout
    return done.stdout


def issued(n):
    n.wait_certificate()
    n.wait_evidence()
    wait_for(lambda: n.status().get("evidence"), 30, "evidence to be served")


def test_status_for_people_and_machines(node):  # noqa: F811
    n = node()
    n.start()
    wait_for(n.admin.exists, what="the socket")
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
                                   if a["thumbprint"] != before["thumbprint"]), None), 30, "another key")
    assert after["url"] == before["url"] and after["standing"] == "ready"
    # The CA knows the new one: the next start orders with it, under the same CAA.
    n.stop()
    n.start()
    n.wait_certificate()
    wait_for(lambda: n.status().get("accounts", [{}])[0].get("standing") == "ready", 30, "the account")
    acme(n, "renew")
    n.wait_certificate(unlike=first["tbs"])
    assert len({c["account"] for c in zt_world.issued(n.names[0])}) == 1
    assert n.status()["accounts"][0]["thumbprint"] == after["thumbprint"]


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
