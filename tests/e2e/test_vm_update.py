"""Goal: an app that is deployed again with another container image is the same app: it has its disk, what
it wrote there, its URL and its place in the key service's policy, where its manifest stands besides the first.
"""
import json
import pathlib
import re

import pytest

import vmimage
from cert_node import ask
from conftest import unique, wait_for
from vms import BOOT_S, STATE, Cloud

NAME = unique("vu")
COMPOSE = """\
services:
  web:
    image: keeper:1
    ports: ["80:80"]
    volumes: ["data:/data"]
volumes:
  data:
"""
# Each start of each version adds its name to what is on the disk.
START = "echo {} >>/data/index.html; /bin/busybox sync; exec /bin/busybox httpd -f -p 80 -h /data"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("update")


@pytest.fixture(scope="module")
def cloud(bindir, folder):
    made = Cloud(bindir, folder)
    yield made
    made.close()


def deploy(cloud, folder, image, version):
    """Its URL, once it answers there."""
    compose, archive = folder / "compose.yaml", folder / "keeper.tar"
    compose.write_text(COMPOSE)
    vmimage.busybox_archive(archive, "keeper:1", {}, ["/bin/busybox", "sh", "-c", START.format(version)])
    said = cloud.deploy(compose, "--image", image, "--images", archive, "--data", "64M", name=NAME).stdout
    url = re.search(r"^https://\S+$", said, re.M)[0]
    wait_for(lambda: version in cloud.get(url, check=False), BOOT_S, "the app", 0.5)
    return url


def policy_of(cloud):
    socket = pathlib.Path(f"/run/postern-cloud/{cloud.name}/kms/run/postern/kms.sock")
    return json.loads(ask(socket, "GET", "/v1/policy")[1])["policy"]


def test_another_container_image_is_the_same_app(cloud, folder, guest_image):
    url = deploy(cloud, folder, guest_image, "one")
    first = cloud.status(NAME)
    assert first["app_id"] == first["compose_hash"][:40]
    assert deploy(cloud, folder, guest_image, "two") == url
    assert cloud.get(url) == "one\ntwo\n"
    second = cloud.status(NAME)
    assert second["app_id"] == first["app_id"] and second["compose_hash"] != first["compose_hash"]
    assert json.loads((STATE / NAME / "manifest.json").read_text())["continues"] == first["app_id"]
    assert [a["manifests"] for a in policy_of(cloud)["apps"]] == [[first["compose_hash"], second["compose_hash"]]]
    log = cloud.state / "kms/lib/postern-kms/audit.jsonl"
    assert f"manifest {second['compose_hash']}" in log.read_text()
