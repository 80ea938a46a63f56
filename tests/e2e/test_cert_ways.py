"""postern-cert's other ways: an external account (every account here is one), the next CA where
one is down, a hook that writes the DNS, and records that only a person may write.
"""
import base64
import re
import sys

import pytest

from conftest import ROOT, wait_for
from test_cert import node  # noqa: F401

KID = "kid-1"
MAC = base64.urlsafe_b64encode(bytes(range(32))).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def zt_settings():
    return {"ca_flags": ("--caa-identity", "ca.test", "--eab", f"{KID}:{MAC}"),
            "zones": ("example.test",)}


@pytest.fixture
def bound(tmp_path):
    """The external account, as a line of an authority."""
    (tmp_path / "eab").write_text(MAC + "\n")
    return f"binding: {{ kid: {KID}, key_file: {tmp_path}/eab }}"


def test_external_account(node, bound, zt_world):  # noqa: F811
    n = node(authority_more=bound)
    n.start()
    n.wait_certificate()
    assert zt_world.issued(n.names[0])


@pytest.mark.parametrize("what", ["none", "another_key"])
def test_without_the_external_account(node, what, tmp_path, zt_world):  # noqa: F811
    (tmp_path / "eab").write_text(MAC[::-1] + "\n")
    more = "" if what == "none" else f"binding: {{ kid: {KID}, key_file: {tmp_path}/eab }}"
    n = node(authority_more=more)
    n.start()
    alarm = n.wait_alarm("account_not_ready")
    assert alarm["text"]
    assert not n.audit("account_made") and not zt_world.issued(n.names[0])


def test_next_authority_where_one_is_down(node, bound, zt_world):  # noqa: F811
    n = node(authority_more=bound)
    text = n.config.read_text()
    n.config.write_text(text.replace("authorities:\n", f"""authorities:
  - directory: https://127.0.0.1:1/dir
    ca: {zt_world.cafile}
    agree: true
"""))
    n.start()
    said = n.wait_certificate()
    assert said["directory"] == zt_world.ca["directory"]
    standings = {a["directory"]: a["standing"] for a in n.status()["accounts"]}
    assert standings[zt_world.ca["directory"]] == "ready" and standings["https://127.0.0.1:1/dir"] != "ready"


HOOK = f"""#!/bin/sh
# MOMENT TYPE NAME TOKEN VALUE
echo "$1 $2 $3 $4 $5" >> %(calls)s
case $1 in
begin) exec {sys.executable} {ROOT}/tests/world/dnsserver.py --dir %(dns)s --set "_acme-challenge.$3. 60 TXT \\"$5\\"";;
*) exec {sys.executable} {ROOT}/tests/world/dnsserver.py --dir %(dns)s --delete "_acme-challenge.$3" TXT;;
esac
"""


def test_hook_writes_the_dns(node, bound, zt_world, tmp_path):  # noqa: F811
    hook, calls = tmp_path / "hook", tmp_path / "calls"
    hook.write_text(HOOK % {"calls": calls, "dns": zt_world.dir / "world" / "dns"})
    hook.chmod(0o755)
    n = node("hooked.%.example.test", authority_more=bound, dns_more=f"hook: {hook}",
             more="caa: { pin: false }")
    n.start()
    n.wait_certificate()
    moments = [line.split() for line in calls.read_text().splitlines()]
    assert [m[:4] for m in moments] == [["begin", "dns-01", n.names[0], "-"], ["done", "dns-01", n.names[0], "-"]]
    assert moments[0][4] == moments[1][4]
    assert not zt_world.records.get(f"_acme-challenge.{n.names[0]}", "TXT")
    n.stop()


def test_hook_that_fails_is_no_certificate(node, bound, zt_world, tmp_path):  # noqa: F811
    hook = tmp_path / "hook"
    hook.write_text("#!/bin/sh\nexit 3\n")
    hook.chmod(0o755)
    n = node("hooked.%.example.test", authority_more=bound, dns_more=f"hook: {hook}",
             more="caa: { pin: false }")
    n.start()
    n.wait_alarm("no_certificate")
    assert f"{hook} begin" in n.log()
    assert not zt_world.issued(n.names[0])


def test_record_that_a_person_writes(node, bound, zt_world):  # noqa: F811
    """dns-persist-01, and nobody here may write the DNS: no token is anywhere."""
    n = node("persist.%.example.test", authority_more=bound, challenges="dns-persist-01",
             dns_more="ttl: 60", more="caa: { pin: false }")
    n.start()
    # The alarm says what there has to be, as a line of a zone file.
    name, content = re.search(r"there has to be: (\S+) TXT (\".*\")", n.wait_alarm("no_certificate")["text"]).groups()
    assert name == f"_validation-persist.{n.names[0]}"
    assert content == f'"ca.test; accounturi={n.status()["accounts"][0]["url"]}"'
    zt_world.records.set(name, "TXT", content)
    n.wait_certificate(timeout=100)  # a minute after the failure, and up to a quarter more
    wait_for(lambda: not [a for a in n.status()["alarms"] if a["kind"] == "no_certificate"], 10, "the end of it")
    assert zt_world.records.get(name, "TXT")  # it is not ours to take away
