"""Goal: an app that is updated to a new manifest is the same app when, and only as long as, the key
service's signed policy lists the manifest: the same keys, sealed files and numbers, for agents and
at the gateway. Nobody becomes another's app, or a node of the key service, by saying so.
"""
import hashlib
import json
import shutil

import pytest

from conftest import run, wait_for
from control_bench import image_policy
from kms_world import KmsNode, KmsWorld, app_id
from test_guest_kms import Agent

KEYS = {"instance_keys": ["disk", "seal"], "app_keys": ["env", "app/guest", "lineage"]}
GUEST = {"guest": {"containers": {"web": ["info", "key:*"]}}, "allowed_envs": ["A"]}
SEED = "ab" * 32 + "\n"


class World(KmsWorld):
    def manifest(self, name, **more):
        """'hello' is the app's first; v2 and v3 are updates of it, thief says so and is nobody's."""
        if name == "kms":
            path = super().manifest(name, **more)
            super().manifest("fakekms", continues=app_id(path), **more)
            return path
        service = app_id(self.dir / "kms.json")
        path = super().manifest(name, **GUEST, key_service=service)
        super().manifest("bare", guest=GUEST["guest"])
        if name == "hello":
            for later in ("v2", "v3", "thief"):
                super().manifest(later, **GUEST, key_service=service, continues=app_id(path))
            super().manifest("grandchild", **GUEST, key_service=service,
                             continues=app_id(self.dir / "v2.json"))
        return path


@pytest.fixture(scope="module")
def world(bindir):
    tds = [(name, "base", name) for name in ("hello", "v2", "v3", "thief", "grandchild")]
    w = World(bindir, tds=[*tds, ("bent", "evil", "v2"), ("fake", "kms", "fakekms"),
                        ("agent1", "base", "hello"), ("agent2", "base", "v2"), ("agent3", "base", "v2"),
                        ("agent4", "base", "v3"), ("bare", "base", "bare")])
    try:
        for td, *_ in tds:  # one instance: what an update finds on its disk
            state = w._asker(td, "kms") / "state"
            state.mkdir()
            (state / "instance-seed").write_text(SEED)
        w.start()
        yield w
    finally:
        w.close()


def hash_of(world, manifest):
    return hashlib.sha256((world.dir / f"{manifest}.json").read_bytes()).hexdigest()


def give(world, *manifests):
    """The app's keys to these of its manifests; None: no list."""
    listed = {} if manifests == (None,) else {"manifests": [hash_of(world, m) for m in manifests]}
    status, said = world.nodes[0].post("policy", world.policy(apps=[world.app("hello", **KEYS, **listed)]))
    assert status == 200, said
    world.wait_even()


def keys(world, td):
    asked = [(scope, purpose) for scope, names in (("instance", KEYS["instance_keys"]), ("app", KEYS["app_keys"]))
             for purpose in names]
    return [world.key(td, *one, manifest=td) for one in asked]


def refused(world, td):
    reasons = {world.refusal(td, *question, manifest=td)
               for question in (("get", "instance", "disk", 0), ("get", "app", "env", 0), ("epoch", "disk", 0))}
    assert len(reasons) == 1, reasons
    return reasons.pop()


def test_an_update_has_the_apps_keys_once_it_is_listed(world):
    give(world, None)
    first = keys(world, "hello")
    assert len(set(first)) == len(first)
    assert refused(world, "v2") == "manifest_not_listed"
    give(world, "hello", "v2")
    assert keys(world, "v2") == first == keys(world, "hello")
    assert refused(world, "v3") == refused(world, "thief") == "manifest_not_listed"


def test_files_and_numbers_go_along(world):
    give(world, "hello", "v2")
    folder = world.dir / "sealed"
    assert world.ask("hello", "seal", folder, "account", "a secret", manifest="hello") == (0, ["ok"])
    assert world.ask("v2", "seal", folder, "account", manifest="v2") == (0, ["ok a secret"])
    assert world.number("hello", 5, manifest="hello") == 5
    assert world.number("v2", manifest="v2") == 5
    assert world.number("v2", 6, manifest="v2") == 6
    assert world.number("hello", manifest="hello") == 6


def test_what_is_taken_out_gets_nothing_any_more(world):
    give(world, "hello", "v2")
    first = keys(world, "hello")
    give(world, "v2", "v3")
    assert refused(world, "hello") == "manifest_not_listed"
    assert keys(world, "v2") == first == keys(world, "v3")
    give(world, "v3")
    assert refused(world, "v2") == "manifest_not_listed"
    give(world)
    assert {refused(world, td) for td in ("hello", "v2", "v3")} == {"manifest_not_listed"}


def test_who_only_says_so_gets_nothing(world):
    give(world, "hello", "v2")
    assert refused(world, "thief") == "manifest_not_listed"
    assert refused(world, "grandchild") == "app_unknown"  # it names an update, not the first
    assert world.refusal("bent", "get", "app", "env", 0, manifest="v2") == "measurement_refused"
    audit = [line for node in world.nodes for line in node.audit() if line["event"] == "refusal"]
    assert any(line["reason"] == "manifest_not_listed" and line["app"] == app_id(world.dir / "hello.json")
               for line in audit)


def test_no_node_by_continuing_the_service(world):
    """The code of a node, under a manifest of others that continues the service's, with a node's seed: its
    app and instance are those of a node then."""
    fake = KmsNode(world, 9, td="fake", manifest="fakekms")
    fake.state.mkdir()
    shutil.copy(world.nodes[1].state / "instance-seed", fake.state / "instance-seed")
    fake.start().wait()
    caller = world.nodes[2]
    try:
        assert fake.instance == world.nodes[1].instance
        caller.kill()
        caller.peers.append(fake.address)
        caller.start().wait()
        wait_for(lambda: "not the code of a node" in caller.log(), 10, "a refusal of it")
        # It calls, too, once it has something to say.
        status, _ = fake.post("bootstrap", world.policy(serial=world.serial))
        assert status == 200
        wait_for(lambda: fake.status()["peers"][0].get("why"), 10, "an end of its calls")
        assert fake.status()["epoch"] == 0
        assert not any(p["state"] == "even" for p in fake.status()["peers"])
    finally:
        fake.kill()
        caller.kill()
        caller.peers.remove(fake.address)
        caller.start().wait()
        world.wait_even()


def test_agents_of_both_say_which_app_they_are_and_have_its_keys(world):
    give(world, "hello", "v2")
    found = {}
    for td, manifest in (("agent1", "hello"), ("agent2", "v2")):
        agent = Agent(world, td, manifest)
        assert agent.child.poll() is None, agent.log() + world.story()
        info = agent.ask("/v1/info")[1]
        assert (info["app_id"], info["compose_hash"]) == (app_id(world.dir / "hello.json"), hash_of(world, manifest))
        assert f"lineage_shown app={info['app_id']}" in agent.log()
        proof = agent.dir / "env.proof"
        proof.write_text(run(world.bindir / "postern", "secret", "key", agent.dir / "agent.sock").stdout)
        found[manifest] = agent.ask("/v1/key", {"path": "/a"})[1]["key"], json.loads(proof.read_text())["public_key"]
        agent.stop()
    assert found["hello"] == found["v2"]


def test_secrets_go_to_an_update_that_is_named(world):
    """The proof of the test before: the app id in it is the manifest's word, so it is not enough."""
    def encrypt(td, *more):
        return run(world.bindir / "postern", "secret", "encrypt", "--app", app_id(world.dir / "hello.json"), "--key",
                   world.dir / f"agent-{td}/env.proof", "--policy", world.dir / "base.policy", "--collateral",
                   world.dir / "sim/collateral", "--root", world.dir / "sim/root.pem", *more, input="A=1\n",
                   check=False)
    (world.dir / "base.policy").write_text(image_policy("base"))
    assert encrypt("agent1").returncode == 0
    for more, status in (((), 1), (("--compose-hash", hash_of(world, "v3")), 1),
                         (("--compose-hash", hash_of(world, "v2")), 0)):
        done = encrypt("agent2", *more)
        assert done.returncode == status, done.stdout
        assert ("another app's key" in done.stdout) == (status == 1)
        assert (app_id(world.dir / "hello.json") in done.stdout) == (status == 0)


def test_an_agent_of_what_is_not_listed_does_not_start(world):
    give(world, "hello")
    agent = Agent(world, "agent3", "v2")
    assert agent.child.wait(30) == 1
    assert "manifest_not_listed" in agent.log()


def test_no_mark_of_a_service_that_is_not_measured(world):
    """Its host names it, so the host could be it, and choose what the app's updates have to show."""
    give(world, "hello")
    agent = Agent(world, "bare", "bare")
    assert agent.ask("/v1/info")[0] == 200, agent.log()
    assert "lineage" not in agent.log()
    agent.stop()


def test_an_update_without_a_key_service_does_not_start(world):
    """Without one nobody says which manifests may."""
    agent = Agent(world, "agent4", "v3", kms=False)
    assert agent.child.wait(30) == 1
    assert "continues: expected a key service" in agent.log()
