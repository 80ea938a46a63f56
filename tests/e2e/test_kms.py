"""Goal: postern-kms gives an app's keys to the measurements that its signed policy lists and to
nobody else; three nodes hold what one of them was told, whichever of them is killed at whichever
step; and what leaves them is in an audit log in which nothing can be changed.
"""
import base64
import hashlib
import json
import re
import shutil
import subprocess

import pytest

from cert_node import ask
from conftest import ROOT, mappings_of, run, wait_for
from kms_world import KmsNode, KmsWorld, app_id

TDS = [("cvm1", "base", "hello"), ("cvm2", "base", "hello"), ("bent", "evil", "hello"),
       ("other", "base", "other"), ("evil", "evil", "kms"), ("spare", "kms", "kms")]


@pytest.fixture(scope="module")
def world(bindir):
    w = KmsWorld(bindir, tds=TDS)
    try:
        w.start()
        yield w
    finally:
        w.close()


def set_policy(w, **more):
    status, said = w.nodes[0].post("policy", w.policy(**more))
    assert status == 200, said
    w.wait_even(w.nodes[0].status()["epoch"])


# ---- who gets which key

def test_same_question_same_key_on_every_node(world):
    epoch, disk = world.key("cvm1")
    assert epoch == 1
    assert all(world.key("cvm1", nodes=[n]) == (1, disk) for n in world.nodes)
    others = [world.key("cvm2")[1], world.key("cvm1", purpose="seal")[1],
              world.key("cvm1", purpose="app/tls")[1], world.key("cvm1", "app", "env")[1]]
    assert len({disk, *others}) == 5
    assert world.key("cvm1", "app", "env") == world.key("cvm2", "app", "env")


def test_several_keys_in_one_answer(world):
    status, lines = world.ask("cvm1", "get", "instance", "disk", 0, "app", "env", 1)
    assert status == 0 and len(lines) == 2
    assert bytes.fromhex(lines[0].split()[1]) == world.key("cvm1")[1]


def test_sealed_files_by_the_service(world):
    folder = world.dir / "sealed-by-kms"
    assert world.ask("cvm1", "seal", folder, "account", "a secret") == (0, ["ok"])
    assert world.ask("cvm1", "seal", folder, "account") == (0, ["ok a secret"])
    assert world.ask("cvm2", "seal", folder, "account")[1][0].startswith("other_instance")
    assert world.ask("bent", "seal", folder, "account")[1][0].startswith("no_key")
    assert files_with(folder, b"a secret") == [] and list(folder.iterdir())


@pytest.mark.parametrize("question, reason", [
    (("instance", "nothing", 0), "purpose_refused"),
    (("instance", "app", 0), "purpose_refused"),
    (("app", "disk", 0), "scope_refused"),
    (("instance", "env", 0), "scope_refused"),
    (("instance", "kms/audit", 0), "purpose_refused"),
    (("instance", "disk", 2), "epoch_unknown"),
    (("instance", "disk", 0, "instance", "nothing", 0), "purpose_refused"),
])
def test_refused_by_the_policy(world, question, reason):
    assert world.refusal("cvm1", "get", *question) == reason


def test_other_measurement_gets_nothing(world):
    assert world.refusal("bent", "get", "instance", "disk", 0) == "measurement_refused"
    assert world.refusal("bent", "epoch", "disk", 1) == "measurement_refused"


def test_other_app_gets_nothing(world):
    assert world.refusal("other", "get", "instance", "disk", 0, manifest="other") == "app_unknown"


def test_cvm_does_not_ask_what_it_does_not_trust(world):
    before = [n.status()["counts"]["releases"] for n in world.nodes]
    said = world.refusal("cvm1", "get", "instance", "disk", 0, trusts="something")
    assert said == "channel/evidence-refused"
    assert [n.status()["counts"]["releases"] for n in world.nodes] == before


def test_denied_instance_and_rate(world):
    instance = next(line["instance"] for line in world.nodes[0].audit()
                    if line.get("what") == "app env@1")
    set_policy(world, apps=[world.app(instances=[{"instance": instance, "denied": True}])])
    assert {world.ask(t, "get", "instance", "disk", 0)[1][-1].split()[0] for t in ("cvm1", "cvm2")} \
        == {"instance_denied", "1"}
    set_policy(world, apps=[world.app(per_minute=10)])
    said = [world.ask("cvm1", "get", "instance", "disk", 0)[1][-1].split()[0] for _ in range(12)]
    assert said[0] == "1" and said[-1] == "rate_limited"
    set_policy(world)


# ---- the policy

@pytest.mark.parametrize("signers, reason", [((0,), "signatures_missing"), ((), "signatures_missing")])
def test_too_few_signatures(world, signers, reason):
    serial = world.serial
    status, said = world.nodes[0].post("policy", world.policy(signers))
    world.serial = serial
    assert status == 409 and said["error"] == reason
    assert world.nodes[0].status()["policy"]["serial"] == serial


def test_signatures_of_strangers_and_changed_bytes(world, tmp_path):
    serial = world.serial
    good = world.policy((0, 1))
    for text, reason in [
            (good.replace(b'"simulated": true', b'"simulated":  true'), "signatures_missing"),
            (good.replace(world.keys[1][1].encode(), world.keys[2][1].encode()), "signatures_missing"),
            (good.replace(world.keys[1][1].encode(), world.keys[0][1].encode()), "signatures_missing"),
            (good[:-10], "malformed")]:
        assert text != good
        status, said = world.nodes[0].post("policy", text)
        assert (status, said["error"]) == (409, reason)
    world.serial = serial


def test_older_serial_refused_on_every_node(world):
    serial = world.serial
    old = world.policy(serial=1, apps=[])
    world.serial = serial
    for node in world.nodes:
        status, said = node.post("policy", old)
        assert (status, said["error"]) == (409, "serial_too_old")
    assert world.key("cvm1")[0] >= 1


def test_bootstrap_only_once(world):
    status, said = world.nodes[1].post("bootstrap", world.policy(serial=world.serial))
    assert (status, said["error"]) == (409, "done_already")


# ---- who may hold the roots

def test_malicious_joiner_gets_nothing(world):
    """Other code under the same manifest, which the policy even names as a node."""
    evil = KmsNode(world, 9, td="evil").start().wait()
    for node in world.nodes:
        assert node.number != 9
    try:
        own = evil.status()["instance_id"]
        names = [n.instance for n in world.nodes] + [own]
        set_policy(world, nodes=names)
        # A node that is told of it calls it: the address is in its configuration.
        caller = world.nodes[2]
        caller.kill()
        caller.peers.append(evil.address)
        caller.start().wait()
        wait_for(lambda: "not the code of a node" in caller.log(), 10, "a refusal of the joiner")
        assert evil.status()["founded"] is False
        # It founds a service of its own with that policy, and calls the nodes.
        status, _ = evil.post("bootstrap", world.policy(nodes=names, serial=world.serial))
        assert status == 200
        wait_for(lambda: evil.status()["peers"][0].get("why"), 10, "an end of its calls")
        assert evil.status()["epoch"] == 0
        assert not any(p["state"] == "even" for p in evil.status()["peers"])
    finally:
        evil.kill()
        caller = world.nodes[2]
        caller.kill()
        caller.peers.remove(evil.address)
        caller.start().wait()
        set_policy(world)
        world.wait_even(world.nodes[0].status()["epoch"])


def test_relay_and_replay_refused(world, bindir):
    attacker = bindir / "postern-attacker"
    relay, record = "127.0.0.66:4444", world.dir / "evidence"
    child = world.children.start(
        *world.net.argv(attacker, "relay", relay, world.nodes[0].address, "kms", "--record", record),
        stdout=subprocess.PIPE, log="attacker.log")

    class Middle:
        address = relay

    def asked():
        said = world.refusal("cvm2", "get", "instance", "disk", 0, nodes=[Middle])
        return said if said != "unreachable" else None  # he does not listen yet
    assert wait_for(asked, what="the man in the middle") == "channel/binding-mismatch"
    report = json.loads(child.communicate(timeout=30)[0])
    assert report["refused_by"] == "server" and report["keys_seen"] == 0
    assert report["reason"] == "binding-mismatch"
    done = run(*world.net.argv(attacker, "replay", record, world.nodes[0].address, "kms"), check=False)
    report = json.loads(done.stdout)
    assert done.returncode == 0 and report["reason"] == "binding-mismatch"
    assert report["keys_seen"] == 0
    wait_for(lambda: any(line["event"] == "channel_refused" and line["reason"] == "binding-mismatch"
                         for line in world.nodes[0].audit()), what="the refusal in the audit log")


def test_session_of_the_registrar_is_none(world, bindir):
    """The same TLS with the registrar's ALPN does not connect."""
    done = run(*world.net.argv(bindir / "postern-attacker", "replay", world.dir / "evidence",
                               world.nodes[0].address, "gateway.example.net"), check=False)
    assert done.returncode == 2 and "no application protocol" in done.stdout


# ---- numbers

def test_number_never_goes_down_on_any_node(world):
    assert world.number("cvm1", 7) == 7
    for node in world.nodes:
        assert world.number("cvm1", nodes=[node]) == 7
    assert world.number("cvm1", 3) == 7
    assert world.number("cvm2") == 0
    assert world.refusal("cvm1", "epoch", "nothing", 1) == "purpose_refused"


def test_node_whose_disk_was_put_back_learns_again(world):
    node = world.nodes[0]
    node.kill()
    shutil.copytree(node.state / "sealed", world.dir / "old")
    node.start().wait()
    world.wait_even(node.status()["epoch"])
    assert world.number("cvm1", 9, nodes=[node]) == 9
    node.kill()
    shutil.rmtree(node.state / "sealed")
    shutil.copytree(world.dir / "old", node.state / "sealed")
    node.start().wait()
    world.wait_even(node.status()["epoch"])
    assert world.number("cvm1", nodes=[node]) == 9


def test_floor_of_the_policy(world):
    instance = next(line["instance"] for line in reversed(world.nodes[0].audit())
                    if line.get("what") == "disk=9")
    set_policy(world, apps=[world.app(instances=[
        {"instance": instance, "name": "disk", "floor": 40}])])
    assert world.number("cvm1") == 40
    set_policy(world)


# ---- epochs of the root

def test_rotation_keeps_what_was(world):
    first = world.key("cvm1", epoch=1)
    newest = world.nodes[0].status()["epoch"]
    assert world.nodes[1].post("rotate")[0] == 200
    world.wait_even(newest + 1)
    epoch, key = world.key("cvm1")
    assert epoch == newest + 1 and key != first[1]
    assert all(world.key("cvm1", epoch=1, nodes=[n]) == first for n in world.nodes)
    set_policy(world, apps=[world.app(min_epoch=newest + 1)])
    assert world.refusal("cvm1", "get", "instance", "disk", 1) == "epoch_too_old"
    assert world.key("cvm1") == (epoch, key)
    set_policy(world)


def test_no_root_without_every_node(world):
    newest = world.nodes[0].status()["epoch"]
    gone = world.nodes[2]
    gone.kill()
    assert world.nodes[0].post("rotate")[0] == 200
    wait_for(lambda: len(world.nodes[1].status()["roots"]) == newest + 1, what="the pending root")
    assert world.nodes[0].post("rotate") == (409, {"error": "done_already"})
    assert world.key("cvm1", nodes=world.nodes[:2])[0] == newest
    gone.start().wait()
    world.wait_even(newest + 1)


# ---- the audit log

def audit(world, *args):
    return run(world.bindir / "postern", "kms", "audit", *args, check=False)


def test_audit_log_in_order_and_tampering_seen(world, tmp_path):
    node = world.nodes[0]
    path, key = node.state / "audit.jsonl", node.status()["audit"]["key"]
    done = audit(world, path, "--key", key)
    assert done.returncode == 0, done.stdout
    assert audit(world, path, "--key", world.nodes[1].status()["audit"]["key"]).returncode == 1
    lines = path.read_bytes().splitlines(keepends=True)
    events = {json.loads(line)["event"] for line in lines}
    assert {"bootstrap", "release", "refusal", "epoch", "policy_set", "rotate", "root_active",
            "signed"} <= events
    release = next(i for i, line in enumerate(lines) if b'"release"' in line)
    bent = lines[release].replace(b'"event":"release"', b'"event":"refusal"')
    for name, content, reason in [
            ("changed", lines[:release] + [bent] + lines[release + 1:], "chain_broken"),
            ("left_out", lines[:release] + lines[release + 1:], "sequence_broken"),
            ("put_in", lines[:release] + [lines[release]] + lines[release:], "sequence_broken"),
            ("cut", lines[:-1] + [lines[-1][:-20]], "malformed")]:
        (tmp_path / name).write_bytes(b"".join(content))
        done = audit(world, tmp_path / name, "--json")
        assert done.returncode == 1, name
        assert json.loads(done.stdout)["reason"] == reason, name
    (tmp_path / "short").write_bytes(b"".join(lines[:-1]))
    assert audit(world, tmp_path / "short").returncode == 1  # its end is not signed


# ---- nothing in clear on any disk

def root_of(node, epoch, wanted):
    """The root's bytes, found in the process's memory by its public id."""
    label = b"postern/kms-root-id/v1" + epoch.to_bytes(4, "big")
    with open(f"/proc/{node.child.pid}/mem", "rb") as memory:
        for first, end, flags in mappings_of(node.child.pid):
            if "dd" not in flags:
                continue
            memory.seek(first)
            content = memory.read(end - first)
            for at in range(0, len(content) - 32, 4):
                if hashlib.sha256(label + content[at:at + 32]).hexdigest() == wanted:
                    return content[at:at + 32]
    return None


def forms(secret):
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for skip in range(3):  # base64 depends on where it begins
        core = base64.b64encode(secret[skip:skip + (len(secret) - skip) // 3 * 3])
        yield core
        yield core.replace(b"+", b"-").replace(b"/", b"_")


def files_with(folder, secret):
    return [str(path) for path in folder.rglob("*") if path.is_file() and not path.is_symlink()
            and any(form in path.read_bytes() for form in forms(secret))]


def test_nothing_in_clear_on_any_disk(world):
    root = next(r for r in world.nodes[0].status()["roots"] if r["epoch"] == 1)
    secret = root_of(world.nodes[0], 1, root["id"])
    assert secret is not None, "the root is not in the guarded memory"
    keys = [world.key("cvm1", epoch=1)[1], world.key("cvm1", "app", "env", 1)[1]]
    for node in world.nodes:
        assert root_of(node, 1, root["id"]) == secret
    for found in [files_with(world.dir, s) for s in [secret, *keys]]:
        assert found == []
    # What the search must find: an id that is in every log.
    seen = bytes.fromhex(world.nodes[0].status()["instance_id"])
    assert files_with(world.dir, seen)


# ---- nodes that die

@pytest.fixture(scope="module")
def killer(world):
    path = world.dir / "killat.so"
    run("gcc", "-shared", "-fPIC", "-O1", "-o", path, ROOT / "tests/preload/killat.c")
    return path


class Armed:
    """A node that dies at a step of what it does next: the N-th one, or the N-th call of that
    name on that file: (2, "fsync", "epochs.sealed")."""

    NEVER = 1 << 20  # so many there are not

    def __init__(self, killer, node):
        self.node, self.file = node, node.state / "killat"
        self.log = node.state / "killat.log"
        self.preload = ("env", f"LD_PRELOAD={killer}", f"KILLAT={self.file}")

    def restart(self):
        self.file.unlink(missing_ok=True)
        self.node.kill()
        self.node.start(self.preload).wait()

    def arm(self, *step):
        self.log.unlink(missing_ok=True)
        part = self.file.with_suffix(".new")
        part.write_text(" ".join(str(word) for word in step))
        part.rename(self.file)

    def traces(self):
        """What it did since it was armed, in order; of a dead one the last was not done."""
        count, steps = {}, []
        for line in self.log.read_text().splitlines():
            call, what = line.split(" ", 1)
            # a descriptor of no file is "socket:[7]"; a file's name may be one that is to be renamed
            name = what.split(":")[0] if ":" in what else re.sub(r"\.\w{6}\.tmp$", "", what.split("/")[-1])
            count[call, name] = count.get((call, name), 0) + 1
            steps.append((count[call, name], call, name))
        return steps

    def dies(self, within=0.5):
        try:
            self.node.child.wait(within)
        except subprocess.TimeoutExpired:
            return False
        return True


def post_quietly(node, what, body=b""):
    """A node may die meanwhile."""
    try:
        return node.post(what, body)
    except (OSError, ValueError, __import__("http.client").client.HTTPException):
        return None


def test_killed_at_every_step_of_bootstrap(bindir, killer):
    """One node alone: founded or not, never half; and founded once."""
    w = KmsWorld(bindir, numbers=(1,), tds=[("cvm1", "base", "hello")])
    node, outcomes, step, policy = w.nodes[0], [], 0, None
    try:
        while True:
            step += 1
            armed = Armed(killer, node)
            if node.child:
                node.kill()
            armed.file.unlink(missing_ok=True)
            shutil.rmtree(node.state / "sealed", ignore_errors=True)
            (node.state / "audit.jsonl").unlink(missing_ok=True)
            node.start(armed.preload).wait()
            policy = policy or w.policy(serial=1)
            armed.arm(step)
            said = post_quietly(node, "bootstrap", policy)
            if not armed.dies():
                assert said == (200, {"ok": True})
                break
            armed.restart()
            founded = node.status()["founded"]
            outcomes.append(founded)
            assert founded or said is None  # what was answered is kept
            if founded:
                assert node.post("bootstrap", policy)[0] == 409
            else:
                assert node.post("bootstrap", policy)[0] == 200
            w.wait_even(1)
        armed.restart()
        w.wait_even(1)
        assert w.key("cvm1", epoch=1)[0] == 1
        assert audit(w, node.state / "audit.jsonl").returncode == 0
        assert len(outcomes) >= 6 and {True, False} == set(outcomes)
    finally:
        w.close()


SENDS = 4  # to clients and peers; more of them are heartbeats


def kill_points(traces):
    """Every trace on the disk, and the first words to others. (A wake-up of a thread is no trace.)"""
    return [t for t in traces if t[2] not in ("socket", "anon_inode")] \
        + [(n, "send", "socket") for n in range(1, SENDS + 1)]


@pytest.mark.parametrize("who", [0, 1], ids=["teller", "told"])
def test_killed_at_every_step_of_replication(bindir, killer, who):
    """A rotation: whoever dies, the root that gets active is one, and is the same on all."""
    w = KmsWorld(bindir, tds=[("cvm1", "base", "hello")])
    try:
        w.start()
        armed = Armed(killer, w.nodes[who])
        first = w.key("cvm1", epoch=1)
        armed.restart()
        w.wait_even(1)
        armed.arm(Armed.NEVER)
        assert w.nodes[0].post("rotate")[0] == 200
        w.wait_even(2)
        points, died = kill_points(armed.traces()), set()
        for point in points:
            newest = len(w.nodes[2].status()["roots"])
            armed.arm(*point)
            post_quietly(w.nodes[0], "rotate")
            if armed.dies(15):
                assert armed.traces()[-1] == point
                died.add(point)
            armed.restart()
            if len(w.nodes[0].status()["roots"]) == newest:
                post_quietly(w.nodes[0], "rotate")
            w.wait_even(newest + 1)
            ids = [json.dumps(n.status()["roots"]) for n in w.nodes]
            assert ids[0] == ids[1] == ids[2]
        # pending, then active: each time what is held, how often it was kept, and the log
        assert {(n, call, name) for n in (1, 2) for call in ("write", "fsync", "rename")
                for name in ("kms-cluster.sealed", "epochs.sealed")} \
            | {(n, call, "audit.jsonl") for n in (1, 2) for call in ("write", "fdatasync")} \
            | {(n, "fsync", "sealed") for n in range(1, 5)} \
            | {(n, "send", "socket") for n in range(1, SENDS + 1)} <= died
        assert all(w.key("cvm1", epoch=1, nodes=[n]) == first for n in w.nodes)
        for node in w.nodes:
            assert audit(w, node.state / "audit.jsonl").returncode == 0
    except AssertionError as e:
        raise AssertionError(f"{e}\n{w.story()}") from None
    finally:
        w.close()


def test_killed_at_every_step_of_release(world, killer):
    """The one that asks gets the same key of another node; the log stays whole, and has each key
    that left."""
    node = world.nodes[0]
    armed, died = Armed(killer, node), set()

    def logged():
        return len([e for e in node.audit() if e["event"] == "release"])
    first = world.key("cvm1", epoch=1)
    armed.restart()
    world.wait_even(world.nodes[1].status()["epoch"])
    armed.arm(Armed.NEVER)
    assert world.key("cvm1", epoch=1, nodes=[node]) == first
    whole = armed.traces()
    kept = {(1, "write", "audit.jsonl"), (1, "fdatasync", "audit.jsonl")}
    assert kept <= set(whole)
    for point in whole:
        before = logged()
        armed.arm(*point)
        status, lines = world.ask("cvm1", "get", "instance", "disk", 1, nodes=[node])
        if armed.dies(0.1):
            died.add(point)
            assert armed.traces()[-1] == point
            assert world.key("cvm1", epoch=1) == first
            armed.restart()
            world.wait_even(world.nodes[1].status()["epoch"])
        armed.file.unlink(missing_ok=True)
        assert point not in kept or (status != 0 and point in died)
        if status == 0:
            assert lines[-1].split() == ["1", first[1].hex()]
        # What is logged may have been lost on its way, but never the other way round.
        assert before + (status == 0) <= logged() <= before + 1
        assert audit(world, node.state / "audit.jsonl").returncode == 0
    armed.restart()
    assert len(died) >= 6 and kept <= died  # the last sends may be heartbeats
    world.wait_even(world.nodes[1].status()["epoch"])
    before = logged()
    assert world.key("cvm1", epoch=1, nodes=[node]) == first
    assert logged() == before + 1
    assert audit(world, node.state / "audit.jsonl").returncode == 0


def test_minority_advances_nothing(world):
    left = world.nodes[0]
    assert world.number("cvm2", 5) == 5
    set_policy(world, release="known")
    known = world.key("cvm1")
    for node in world.nodes[1:]:
        node.kill()
    wait_for(lambda: left.status()["policy"]["linked"] == 1, what="the others to be gone")
    assert world.refusal("cvm2", "epoch", "disk", 6, nodes=[left]) == "no_quorum"
    assert world.key("cvm1", nodes=[left]) == known
    assert left.post("policy", world.policy(release="quorum"))[0] == 200
    wait_for(lambda: left.status()["ready"] == "no_quorum", 10, "what was heard to be old", 0.1)
    assert world.refusal("cvm1", "get", "instance", "disk", 0, nodes=[left]) == "no_quorum"
    for node in world.nodes[1:]:
        node.start().wait()
    world.wait_even(left.status()["epoch"])
    assert world.number("cvm2") == 5


def test_all_but_one_lost(world):
    """A new policy names the one that is left and another machine; nothing that was given is lost."""
    keys = [world.key("cvm1", epoch=e) for e in (1, 0)]
    assert world.number("cvm1", 77) == 77
    for node in world.nodes[:2]:
        node.kill()
        shutil.rmtree(node.state)
    left = world.nodes[2]
    spare = KmsNode(world, 8, td="spare").start().wait()
    left.kill()
    left.peers = [spare.address]
    left.start().wait()
    world.nodes = [left, spare]
    status, said = left.post("policy", world.policy())
    assert (status, said["error"]) == (409, "nodes_at_once") and "found 3" in said["detail"]
    assert left.post("policy", world.policy(majority_lost=True))[0] == 200
    world.wait_even(left.status()["epoch"])
    for node in world.nodes:
        assert [world.key("cvm1", epoch=e, nodes=[node]) for e in (1, 0)] == keys
        assert world.number("cvm1", nodes=[node]) == 77
    assert ask(left.socket, "GET", "/metrics")[1].endswith(b"# EOF\n")
    assert app_id(left.manifest) == left.status()["app_id"]
