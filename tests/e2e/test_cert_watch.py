"""postern-cert keeps watching: CAA through its resolvers, and the logs and those who read them for
others. What somebody else does to our names is an alarm within one interval; what we do is not."""
import itertools
import json
import time

import pytest

from cert_node import Node, ask
from conftest import wait_for

_serial = itertools.count(1)
CAA = "caa: { watch: 1s }"


@pytest.fixture(scope="module")
def zt_settings():
    return {"ca_flags": ("--caa-identity", "ca.test"),
            "zones": ("example.test", "plain.test:unsigned")}


@pytest.fixture
def node(bindir, zt_world, tmp_path):
    """node(more=...) makes one with a certificate and evidence; ended with the test."""
    made = []

    def make(more):
        label = f"w{next(_serial)}"
        n = Node(bindir, zt_world, tmp_path / label, [f"*.{label}.example.test"], more=more)
        n.base = n.names[0][2:]
        made.append(n)
        n.start()
        n.wait_certificate()
        n.wait_evidence()
        return n
    yield make
    zt_world.mend()
    for one in made:
        one.close()


def alarms(n):
    return {a["kind"] for a in n.status()["alarms"]}


def wait_quiet(n, kind):
    wait_for(lambda: kind not in alarms(n), 30, f"the end of {kind}", step=0.2)


def core(n):
    return json.loads((n.state / "evidence" / "core.json").read_text())


def watched(n):
    """A look at CAA that began after this call."""
    begin = int(time.time())
    return wait_for(lambda: [c for c in n.status().get("caa_watch", [])
                             if int(time.mktime(time.strptime(c["at"], "%Y-%m-%dT%H:%M:%SZ"))
                                    - time.timezone) > begin], 30, "a look at CAA", step=0.2)[0]


# ---- CAA

def test_caa_that_somebody_opens_is_an_alarm(node, zt_world):
    n = node(CAA)
    name = n.base
    seen = watched(n)
    assert seen["state"] == "held" and not seen["differs"]
    assert not alarms(n)
    before = core(n)["caa"][0]
    assert before["exclusive"]

    ours = zt_world.records.get(name, "CAA")
    zt_world.records.add(name, "CAA", '0 issue "other.test"')
    assert "other.test" in n.wait_alarm("caa_drifted", 20)["text"]
    assert "other.test" in n.wait_alarm("caa_changed", 20)["text"]
    # The evidence says so, with a proof of what is there now.
    after = wait_for(lambda: (c := core(n)["caa"][0]) and not c["exclusive"] and c, 30,
                     "evidence of it")
    assert len(after["records"]) == len(before["records"]) + 1
    assert after["proof_sha256"] != before["proof_sha256"]
    assert n.audit("caa_seen_changed")

    zt_world.records.set(name, "CAA", *ours)
    wait_quiet(n, "caa_drifted")
    wait_quiet(n, "caa_changed")
    wait_for(lambda: core(n)["caa"][0]["exclusive"], 30, "evidence that it is held again")


def test_caa_that_differs_without_a_hole_is_an_alarm(node, zt_world):
    n = node(CAA)
    watched(n)
    zt_world.records.add(n.base, "CAA", '0 iodef "mailto:somebody@example.test"')
    assert "somebody" in n.wait_alarm("caa_changed", 20)["text"]
    assert "caa_drifted" not in alarms(n)
    # Whoever is asked to pins it again.
    assert ask(n.admin, "POST", "/v1/caa/look", b"{}")[0] == 202
    wait_quiet(n, "caa_changed")


def test_caa_that_is_taken_away_is_an_alarm(node, zt_world):
    n = node(CAA)
    watched(n)
    zt_world.records.delete(n.base, "CAA")
    n.wait_alarm("caa_drifted", 20)
