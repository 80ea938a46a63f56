"""Goal: a description with `kms:` comes up with a key service that is founded, lists the CVMs' apps and
gives them their keys; the same keys when the cloud comes up again; and nobody else's service will do."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import sys

import pytest

from cert_node import ask
from conftest import ROOT, accepts, run, unique, wait_for
from ports import free_port
from guest_bench import call

sys.path.insert(0, str(ROOT / "demo"))
from cloud import Cloud  # noqa: E402

HEAD = f"""
name: keys
base: postern.localhost
lease: 10s
gateways:
  - {{ name: gateway, address: 198.51.100.1, public: true, image: gateway, accepts: base,
      manifest: {ROOT}/examples/demo/gateway.json }}
cvms:
"""
CVM = """\
  - {{ name: {name}, address: 198.51.100.{host}, image: {image}, gateway: "198.51.100.1:443",
      manifest: {manifest}.json, accepts: gateway, engine: none{more} }}
"""
GUEST = {"manifest_version": 2, "ports": [], "guest": {"containers": {"web": ["info", "key:*"]}}}
MANIFESTS = {"one": GUEST, "two": {**GUEST, "allowed_envs": ["A"]},
             "shop": {"manifest_version": 2, "ingress": {"domains": ["www.shop.example"], "backend": 8080}}}


def kms(count):
    return "kms:\n" + "".join(f"  - {{ name: kms{n}, address: 198.51.100.{4 + n}, image: kms }}\n"
                              for n in range(1, count + 1))


class Keys(Cloud):
    """A cloud in a folder of its own, whose state outlives it."""

    def __init__(self, bindir, folder, text):
        config = folder / "cloud.yaml"
        config.write_text(text)
        for name, manifest in MANIFESTS.items():
            (folder / f"{name}.json").write_text(json.dumps({**manifest, "name": name}))
        super().__init__(bindir, config, name=unique("kc"), port=free_port())
        self.folder = folder

    def up(self):
        self.lines.clear()
        self.start(state=self.folder / "state", ephemeral=False)
        assert self.wait_for(lambda: any("ready: https" in line for line in self.lines)
                             or self.process.poll() is not None, 90), self.said()
        assert self.process.poll() is None, self.said()
        self.remember_namespaces()
        return self

    def said(self):
        return "\n".join(self.lines)

    def run_of(self, node):
        return pathlib.Path("/run/postern-cloud") / self.name / node / "run/postern"

    def key(self, node):
        socket = wait_for(lambda: next(self.run_of(node).glob("guest.*/web/s"), None), 20, "the guest API")
        assert call(socket, "/v1/info")[1]["key_provider"] == "kms"
        status, said = call(socket, "/v1/key", {"path": "/a"})
        assert status == 200, said
        return said["key"]


@pytest.fixture(scope="module")
def cloud(bindir, tmp_path_factory):
    text = HEAD + CVM.format(name="one", host=11, image="base", manifest="one", more="") + \
        CVM.format(name="same", host=12, image="base", manifest="one", more="") + \
        CVM.format(name="two", host=13, image="base", manifest="two", more="") + \
        CVM.format(name="shop", host=15, image="base", manifest="shop", more="") + \
        CVM.format(name="odd", host=14, image="odd", manifest="one", more=", expect: refused") + kms(3)
    made = Keys(bindir, tmp_path_factory.mktemp("kms"), text)
    try:
        yield made.up()
    finally:
        status = made.stop()
        shutil.rmtree(made.folder / "state", ignore_errors=True)
    assert status == 0
    assert made.leftovers() == []


def test_it_is_founded_and_says_whose_key_rules(cloud):
    said = re.search(r"key service: founded, 3 nodes; .* on this host: (\S+)$", cloud.said(), re.M)
    assert said, cloud.said()
    admin = cloud.folder / "state/kms-admin.pem"
    assert said[1] == str(admin) and admin.stat().st_mode & 0o777 == 0o600
    for n in (1, 2, 3):
        status = cloud.node(f"kms{n}")["status"]
        assert (status["ready"], status["simulated"], status["policy"]["serial"]) == ("ok", True, 1)
        assert status["policy"]["apps"] == 3 and len(status["policy"]["nodes"]) == 3
    assert re.search(r"^kms1 +kms +198\.51\.100\.5 +kms +ready, 3 apps", cloud.call(
        "status", "--name", cloud.name).stdout, re.M)
    assert re.search(r"^ready +ok$", cloud.exec("kms1", "postern", "kms", "status").stdout, re.M)


def test_an_app_has_its_own_keys_in_every_instance(cloud):
    one, same, two = (cloud.key(n) for n in ("one", "same", "two"))
    assert one == same and one != two


def test_an_ingress_seals_by_it(cloud):
    socket = cloud.run_of("shop") / "ingress/cert.sock"
    wait_for(lambda: accepts(socket), 60, "the ingress")
    assert json.loads(ask(socket, "GET", "/v1/status")[1])["node"]["simulated"]
    sealed = list((cloud.folder / "state/shop/lib/postern/ingress/sealed").glob("*.sealed"))
    assert sealed and {f.read_bytes()[9] for f in sealed} == {2}  # PROTOCOL.seal.md: postern-kms
    assert "seal@1" in (cloud.folder / "state/kms1/lib/postern-kms/audit.jsonl").read_text()


def test_another_image_gets_none(cloud):
    socket = next(cloud.run_of("odd").glob("guest.*/web/s"), None)
    assert socket is None or call(socket, "/v1/key", {"path": "/a"})[0] == 503
    log = (cloud.folder / "state/odd/log/agent.log").read_text()
    assert "measurement_refused" in log


def test_the_services_manifest_is_pinned(cloud):
    """Its image under another manifest would have other administrators."""
    for policy in ("trust.yaml", "one/etc/postern/policy.yaml"):
        text = (cloud.folder / "state" / policy).read_text()
        rows = re.findall(r"- name: (\S+)[^-]*?(mr_config_id: \S+)?\n(?=  -|\Z)", text)
        assert [(name, bool(pin)) for name, pin in rows] == [("gateway", False), ("kms", True)]
    assert "kms" not in (cloud.folder / "state/gateway/etc/postern/policy.yaml").read_text()


def image_without_a_guest(folder, name, digit):
    """An image folder whose QEMU ends at once: for what is said of a machine before it runs."""
    folder.mkdir()
    files = {}
    for file in ("kernel", "initrd", "root", "firmware"):
        (folder / file).write_text(file)
        files[file] = {"path": file, "sha256": "00", "bytes": len(file)}
    (folder / "qemu").write_text("#!/bin/sh\nexit 1\n")
    (folder / "qemu").chmod(0o755)
    (folder / "image.json").write_text(json.dumps({
        "format": "postern-image/1", "name": name, "simulated": True, "files": files, "cmdline": "x",
        "memory_min_mib": 256, "qemu": {"program": "qemu", "firmware_folders": ["."]}}))
    (folder / "policy.yaml").write_text(f"images:\n  - name: {name}\n" + "".join(
        f"    {r}: {digit * 96}\n" for r in ("mr_td", "rtmr0", "rtmr1", "rtmr2")))
    return folder


def test_a_machine_is_told_of_it_and_its_app_listed(cloud, bindir):
    """Also for an update to another image, which needs the same keys."""
    manifest, name = cloud.folder / "machine.json", unique("km")
    about = {"manifest_version": 2, "name": "machine", "ports": [],
             "key_service": hashlib.sha256((cloud.folder / "state/kms-manifest.json").read_bytes()).hexdigest()[:40],
             "trust": (cloud.folder / "state/trust.yaml").read_text()}
    manifest.write_text(json.dumps(about))
    app = hashlib.sha256(manifest.read_bytes()).hexdigest()[:40]
    registers = []
    try:
        for digit in "12":
            image = image_without_a_guest(cloud.folder / f"image{digit}", "guest", digit)
            for _ in range(2):  # the second time there is nothing to tell
                cloud.call("vm", "start", name, "--cloud", cloud.name, "--image", str(image), "--manifest",
                           str(manifest), "--data", "64M")
            policy = json.loads(ask(cloud.run_of("kms2") / "kms.sock", "GET", "/v1/policy")[1])["policy"]
            entry = [a for a in policy["apps"] if a["app"] == app][0]
            images = {i["name"]: i["rtmr2"] for i in policy["images"]}
            registers.append([images[i][0] for i in entry["images"]])
            assert entry["instance_keys"] == ["disk", "seal"] and entry["app_keys"] == ["env", "app/guest", "lineage"]
            assert policy["serial"] == 1 + int(digit)
        config = json.loads(pathlib.Path(f"/var/lib/postern-vm/{name}/config.json").read_text())
        # An update is listed besides; one of an app that nobody has is none.
        manifest.write_text(json.dumps({**about, "continues": app}))
        cloud.call("vm", "start", name, "--manifest", str(manifest))
        status = json.loads(cloud.call("vm", "status", name, "--json").stdout)
        policy = json.loads(ask(cloud.run_of("kms2") / "kms.sock", "GET", "/v1/policy")[1])["policy"]
        entry = [a for a in policy["apps"] if a["app"] == app][0]
        manifest.write_text(json.dumps({**about, "continues": "e" * 40}))
        of_nobody = cloud.call("vm", "start", name, "--manifest", str(manifest)).stdout
        # A guest whose manifest names none would refuse the word; another's is no use to it.
        manifest.write_text(json.dumps({**about, "key_service": "f" * 40}))
        said = cloud.call("vm", "start", name, "--manifest", str(manifest)).stdout
        del about["key_service"]
        manifest.write_text(json.dumps(about))
        cloud.call("vm", "start", name, "--manifest", str(manifest))
        without = json.loads(pathlib.Path(f"/var/lib/postern-vm/{name}/config.json").read_text())
    finally:
        cloud.call("vm", "remove", name)
    assert registers == [["1"], ["1", "2"]]
    assert status["app_id"] == app and entry["manifests"][0][:40] == app
    assert entry["manifests"][1:] == [status["compose_hash"]]
    assert f"continues app {'e' * 40}, which the key service's policy does not have" in of_nobody
    assert config["kms"] == [f"198.51.100.{n}:8446" for n in (5, 6, 7)]
    assert f"its manifest names key service {'f' * 40}, that of cloud {cloud.name} is" in said
    assert "kms" not in without and without["node"] == name


def test_a_platform_that_dies_takes_no_key_along(cloud):
    """All TDs start at once, the key service's too: who finds it away waits for it."""
    before = cloud.key("one")
    place = pathlib.Path("/run/postern-cloud") / cloud.name
    first = {name: (place / name / "lock").read_text() for name in ("one", "kms1", "kms2", "kms3")}
    os.kill(int((place / "platform/lock").read_text()), signal.SIGKILL)
    wait_for(lambda: all((place / name / "lock").read_text() not in ("", pid) for name, pid in first.items()),
             20, "another start of each")

    def key():
        try:
            return cloud.key("one")
        except (OSError, AssertionError, json.JSONDecodeError):
            return None
    assert wait_for(key, 40, "the keys", 0.2) == before


def test_the_keys_are_there_again_also_when_a_node_lost_its_state(cloud):
    before, lost = cloud.key("one"), cloud.node("kms2")["status"]["instance_id"]
    assert cloud.stop() == 0
    shutil.rmtree(cloud.folder / "state/kms2/lib/postern-kms")
    cloud.up()
    assert "key service: goes on, 3 nodes" in cloud.said()
    assert cloud.key("one") == before
    joined = cloud.node("kms2")["status"]
    assert joined["ready"] == "ok" and joined["instance_id"] != lost
    assert lost not in joined["policy"]["nodes"]
    status = cloud.node("kms1")["status"]
    assert (status["policy"]["serial"], status["policy"]["apps"]) == (6, 4)  # one node a policy; what was deployed stays


def test_without_the_administrators_key_it_does_not_come_up(cloud, bindir):
    assert cloud.stop() == 0
    admin = cloud.folder / "state/kms-admin.pem"
    key = admin.read_bytes()
    try:
        admin.write_text("nonsense")
        done = run(bindir / "postern", "up", "--config", cloud.config, "--name", cloud.name, "--port",
                   str(cloud.port), "--state", cloud.folder / "state", "--once", check=False)
        assert done.returncode == 1
        assert "kms-admin.pem: no P-256 private key" in done.stdout
    finally:
        admin.write_bytes(key)
