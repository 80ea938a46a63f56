"""Goal: the guest API's and the environment's keys are the key service's, the
same in each instance and after a restart; an app that its policy does not give
them to gets none, nor one whose manifest names another key service.
"""
import json
import signal

import pytest

from conftest import accepts, run, wait_for
from control_bench import image_policy
from guest_bench import call
from kms_world import KmsWorld, app_id

KEYS = {"instance_keys": ["seal"], "app_keys": ["env", "app/guest"]}


class Agent:
    """An agent of the world's network, with a /run of its own."""

    def __init__(self, world, td, manifest="hello", kms=True):
        self.world, self.dir = world, world.dir / f"agent-{td}"
        self.dir.mkdir(exist_ok=True)
        (self.dir / "policy").write_text(image_policy("kms"))
        (self.dir / "agent.yaml").write_text(
            f"node: {td}\ngateway: {{ address: 198.51.100.1:443, name: gateway.postern.localhost }}\n"
            f"manifest: {world.dir}/{manifest}.json\nstate: {self.dir}/state\nstatus: {self.dir}/agent.sock\n"
            f"env: {self.dir}/env.json\ntrust:\n  policy: {self.dir}/policy\n"
            f"  collateral: {world.dir}/sim/collateral\n  simulated_root: {world.dir}/sim/root.pem\n"
            f"quotes:\n  simulator: {world.dir}/{td}.tee\nfirewall: false\n"
            + (f"kms:\n  addresses: [ \"{world.nodes[0].address}\" ]\n" if kms else "") +
            "containers:\n  engine: none\nlog: debug\n")
        (self.dir / "agent.sock").unlink(missing_ok=True)
        self.child = world.children.start(*world.net.argv(
            "unshare", "-m", "-p", "-f", "--kill-child", "sh", "-c",
            "mount --make-rprivate / && mount -t tmpfs tmpfs /run && mkdir /run/wireguard && "
            f"{world.bindir}/postern-wg -f wg0 & "
            "until [ -S /run/wireguard/wg0.sock ]; do sleep 0.05; done; "
            f"exec {world.bindir}/postern-agent --config {self.dir}/agent.yaml"), log=f"agent-{td}.log")
        wait_for(lambda: accepts(self.dir / "agent.sock") or self.child.poll() is not None,
                 60, "the agent")

    def log(self):
        return self.child.log.read_text(errors="replace")

    def ask(self, what, body=None):
        return call(next(self.dir.glob("guest.*/web/s")), what, body)

    def stop(self):
        self.world.children.stop(self.child, signal.SIGKILL)  # and with it all of its namespace
        for left in self.dir.glob("guest.*/web/s"):
            left.unlink()


class World(KmsWorld):
    def manifest(self, name, **more):
        if name == "kms":
            return super().manifest(name, **more)
        guest = {"guest": {"containers": {"web": ["info", "key:*"]}}}
        if name == "other":
            super().manifest("bare", **guest)
        service = app_id(self.dir / "kms.json") if name == "hello" else "11" * 20
        return super().manifest(name, **guest, allowed_envs=["A"], key_service=service)


@pytest.fixture(scope="module")
def world(bindir):
    w = World(bindir, tds=[("one", "base", "hello"), ("two", "base", "hello"),
                          ("stray", "base", "other"), ("bare", "base", "bare")])
    try:
        w.start()
        yield w
    finally:
        w.close()


def give(world, **keys):
    """A policy under which both apps get these keys."""
    apps = [world.app(manifest, **keys) for manifest in ("hello", "bare")]
    status, said = world.nodes[0].post("policy", world.policy(apps=apps))
    assert status == 200, said
    world.wait_even()


def test_keys_are_the_key_services(world):
    give(world, **KEYS)
    found = []
    for td in ("one", "two", "one"):
        agent = Agent(world, td)
        assert agent.child.poll() is None, agent.log() + world.story()
        assert agent.ask("/v1/info")[1]["key_provider"] == "kms"
        proof = json.loads(run(world.bindir / "postern", "secret", "key", agent.dir / "agent.sock").stdout)
        found.append((agent.ask("/v1/key", {"path": "/a"})[1]["key"], proof["public_key"]))
        agent.stop()
    assert len(set(found)) == 1


def test_an_app_without_the_guest_key_has_none(world):
    give(world, instance_keys=["seal"], app_keys=["env"])
    agent = Agent(world, "two")
    assert agent.child.poll() is None, agent.log()
    assert "guest_without_keys" in agent.log()
    assert agent.ask("/v1/key", {"path": "/a"})[0] == 503
    agent.stop()


def test_a_genuine_service_that_the_manifest_does_not_name_is_not_believed(world):
    """Its code is accepted by the policy, and it would give the keys."""
    status, said = world.nodes[0].post("policy", world.policy(apps=[world.app("other", **KEYS)]))
    assert status == 200, said
    world.wait_even()
    agent = Agent(world, "stray", "other")
    assert agent.child.poll() == 1, agent.log()
    assert "we refuse it: not the pinned app" in agent.log()


def test_it_waits_for_a_service_that_is_away(world):
    """Without keys it would stay until its next start, so it does not start."""
    give(world, **KEYS)
    world.nodes[0].kill()
    agent = Agent(world, "bare", "bare")
    assert agent.child.wait(30) == 1, agent.log()
    assert "not_started" in agent.log() and "guest API: key service: unreachable" in agent.log()
    world.nodes[0].start().wait()
    world.wait_even()
    agent = Agent(world, "bare", "bare")
    assert agent.ask("/v1/key", {"path": "/a"})[0] == 200
    agent.stop()
