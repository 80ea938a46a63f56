"""Goal: what an app wrote to its volume is there again after QEMU was killed, after an ordered end, and
after an update to another guest image; its disk shows nothing of it, and the key service's policy decides
which images get at it.

One machine goes through all of it, in this order: each boot takes its time."""
import json
import os
import pathlib
import re
import shutil
import signal

import pytest

import vmimage
from cert_node import ask
from conftest import run, unique, wait_for
from vms import BOOT_S, STATE, Cloud

NAME = unique("vd")
MARK = b"nobody outside reads this"
COMPOSE = """\
services:
  web:
    image: keeper:1
    ports: ["80:80"]
    volumes: ["data:/data"]
    restart: unless-stopped
volumes:
  data:
"""
# A word that is made once, and a line for each start, on the disk before it is shown.
START = (f"[ -s /data/word ] || cat /proc/sys/kernel/random/uuid >/data/word; echo '{MARK.decode()}' >>"
         "/data/starts; /bin/busybox sync; exec /bin/busybox httpd -f -p 80 -h /data")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def cloud(bindir, folder):
    made = Cloud(bindir, folder)
    yield made
    made.close()


@pytest.fixture(scope="module")
def other_image(folder, guest_image):
    """The same guest with another RTMR2, as the simulated platform has it from the image's folder."""
    image = folder / "other"
    image.mkdir()
    for file in guest_image.iterdir():
        if file.is_symlink() or file.stat().st_size > 1 << 20:
            (image / file.name).symlink_to(file.resolve())
        else:
            shutil.copy(file, image / file.name)
    rtmr2 = json.loads((image / "measured.json").read_text())["rtmr2"]
    for file, old, new in (("measured.json", rtmr2, rtmr2[::-1]), ("policy.yaml", rtmr2, rtmr2[::-1]),
                           ("policy.yaml", "-simulated", "-other"), ("image.json", "-simulated", "-other")):
        text = (image / file).read_text()
        assert old in text
        (image / file).write_text(text.replace(old, new))
    return image


@pytest.fixture(scope="module")
def app(cloud, folder, guest_image):
    """The URL at which the app answers, and how to deploy it again."""
    compose, archive = folder / "compose.yaml", folder / "keeper.tar"
    compose.write_text(COMPOSE)
    vmimage.busybox_archive(archive, "keeper:1", {}, ["/bin/busybox", "sh", "-c", START])

    def deploy(image):
        said = cloud.deploy(compose, "--image", image, "--images", archive, "--data", "128M", name=NAME).stdout
        return re.search(r"^https://\S+$", said, re.M)[0]
    return deploy(guest_image), deploy


def starts(cloud, url):
    """How often it was started, once it answers; its word."""
    word = wait_for(lambda: re.fullmatch(r"[0-9a-f-]{36}\n", cloud.get(url + "word", check=False)),
                    BOOT_S, "the app", 0.5)[0]
    return cloud.get(url + "starts").count(MARK.decode()), word


def released(cloud):
    log = cloud.state / "kms/lib/postern-kms/audit.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line["what"] for line in lines if line["event"] in ("release", "epoch")]


def test_the_app_has_a_disk_with_the_services_key(cloud, app, folder):
    url, _ = app
    count, word = starts(cloud, url)
    assert count == 1
    (folder / "word").write_text(word)
    assert "instance disk@1" in released(cloud) and "disk=1" in released(cloud)
    assert json.loads((STATE / NAME / "config.json").read_text())["kms"] == ["198.51.100.2:8446"]


def test_it_is_there_after_qemu_was_killed(cloud, app, folder):
    os.kill(cloud.status(NAME)["qemu"], signal.SIGKILL)
    wait_for(lambda: not cloud.status(NAME)["running"], 10, "the keeper's end")
    cloud.vm("start", NAME, "--wait", BOOT_S, timeout=BOOT_S + 60)
    assert starts(cloud, app[0]) == (2, (folder / "word").read_text())


def test_it_is_there_after_an_update_to_another_image(cloud, app, folder, other_image):
    url, deploy = app
    assert deploy(other_image) == url  # the same manifest: the same app
    assert starts(cloud, url) == (3, (folder / "word").read_text())
    policy = json.loads(ask(pathlib.Path(f"/run/postern-cloud/{cloud.name}/kms/run/postern/kms.sock"),
                            "GET", "/v1/policy")[1])["policy"]
    assert [len(a["images"]) for a in policy["apps"]] == [2]


def test_the_disk_shows_nothing_of_it(cloud, folder):
    disk = STATE / NAME / "data.img"
    run("sh", "-c", f"! grep -aqF '{MARK.decode()}' {disk} && ! grep -aqF "
        f"'{(folder / 'word').read_text().strip()}' {disk}")
