"""Goal: postern-cert on a platform without sealing keys: the key of its sealed files is the key
service's, for this instance of this app in code that the release policy lists, and nobody else's."""
import json
import shutil
import signal

import pytest

from cert_node import ask
from conftest import accepts, wait_for
from control_bench import image_policy
from kms_world import KmsWorld, app_id

PROVIDER = 8 + 1  # of a sealed file: PROTOCOL.seal.md
FORM_KMS = 2


class Cert:
    """One with no CA to reach: what it seals at its start is enough."""

    def __init__(self, world, td, state=None, manifest="hello", kms=True, app=""):
        self.world, self.td = world, td
        self.dir = world.dir / f"cert-{td}"
        self.dir.mkdir(exist_ok=True)
        self.state = state or self.dir / "state"
        (self.dir / "policy").write_text(image_policy("kms"))
        service = (f"kms:\n  addresses: [ \"{world.nodes[0].address}\" ]\n{app}"
                   f"  trust: {{ policy: {self.dir}/policy, collateral: {world.dir}/sim/collateral,\n"
                   f"           simulated_root: {world.dir}/sim/root.pem }}\n")
        (self.dir / "cert.yaml").write_text(
            f"node: {td}\nmanifest: {world.dir}/{manifest}.json\nstate: {self.state}\n"
            f"quotes: {{ simulator: {world.dir}/{td}.tee }}\n"
            "certificates: [ { names: [ www.example.test ] } ]\n"
            "authorities: [ { directory: \"https://127.0.0.1:1/directory\", agree: true } ]\n"
            "challenges: [ tls-alpn-01 ]\ndns: { resolvers: [ \"127.0.0.1:1\" ] }\n"
            f"admin: {self.dir}/cert.sock\nkeys: {self.dir}/keys.sock\npublic: {self.dir}/public.sock\n"
            f"log: debug\n{service if kms else ''}")
        (self.dir / "cert.sock").unlink(missing_ok=True)
        self.child = world.children.start(*world.net.argv(
            world.bindir / "postern-cert", "--config", self.dir / "cert.yaml"), log=f"cert-{td}.log")
        wait_for(lambda: self.child.poll() is not None or accepts(self.dir / "cert.sock"),
                 60, "the start")

    def status(self):
        assert self.child.poll() is None, self.log()
        return json.loads(ask(self.dir / "cert.sock", "GET", "/v1/status")[1])

    def log(self):
        return self.child.log.read_text(errors="replace")

    def stop(self):
        self.world.children.stop(self.child, signal.SIGTERM)

    def refused(self):
        """Why it did not start."""
        assert self.child.wait(30) == 1, self.log()
        return [line for line in self.log().splitlines() if "not_started" in line][-1]


@pytest.fixture(scope="module")
def world(bindir):
    w = KmsWorld(bindir, numbers=(1,), tds=[("one", "base", "hello"), ("two", "base", "hello"),
                                            ("odd", "odd", "hello")])
    try:
        w.start()
        yield w
    finally:
        w.close()


@pytest.fixture(scope="module")
def kept(world):
    """The state of an instance that ran once."""
    cert = Cert(world, "one")
    assert cert.status()["node"]["simulated"] is True  # the key service's key makes the platform no better
    cert.stop()
    return cert.state


def releases(world):
    return [line["what"] for line in world.nodes[0].audit() if line["event"] == "release"]


def test_sealed_by_the_services_key(world, kept):
    files = list((kept / "sealed").glob("*.sealed"))
    assert files and {f.read_bytes()[PROVIDER] for f in files} == {FORM_KMS}
    assert releases(world)[-1] == "instance seal@1"


def test_read_again_at_the_next_start(world, kept):
    before = len(releases(world))
    cert = Cert(world, "one", kept)
    cert.status()
    cert.stop()
    assert len(releases(world)) == before + 1  # asked once a start


def test_goes_on_without_the_service(world, kept):
    cert = Cert(world, "one", kept)
    world.nodes[0].pause()
    try:
        assert cert.status()["node"]["simulated"]
    finally:
        world.nodes[0].go_on()
    cert.stop()


def test_another_image_gets_no_key(world, kept):
    assert "key service: measurement_refused" in Cert(world, "odd", kept).refused()


def test_another_instance_cannot_read_them(world, kept):
    state = world.dir / "moved"
    shutil.copytree(kept, state)
    (state / "instance-seed").unlink()
    assert "other_instance" in Cert(world, "two", state).refused()


def test_the_platforms_key_does_not_open_them(world, kept):
    assert "other_provider" in Cert(world, "one", kept, kms=False).refused()


def test_only_the_app_that_is_named_is_believed(world, kept):
    wrong = Cert(world, "one", kept, app=f"  app: {'0' * 39}1\n")
    assert "key service: " in wrong.refused()
    right = Cert(world, "one", kept, app=f"  app: {app_id(world.dir / 'kms.json')}\n")
    right.status()
    right.stop()


def test_a_policy_without_the_purpose_gives_none(world, kept):
    status, said = world.nodes[0].post("policy", world.policy(apps=[world.app(instance_keys=["disk"])]))
    assert status == 200, said
    world.wait_even()
    assert "key service: purpose_refused" in Cert(world, "one", kept).refused()
