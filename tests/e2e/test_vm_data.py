"""Goal: a database keeps what it promised to keep.  examples/postgres, as a person deploys it: a note is
there again after QEMU was killed the moment the database had taken it, after an ordered end and an
update to another guest image; the disk shows nothing of it, and the key service's policy decides which
images get at it.

One machine goes through all of it, in this order: each boot takes its time."""
import html
import json
import os
import pathlib
import re
import shutil
import signal

import pytest

from cert_node import ask
from conftest import ROOT, run, unique, wait_for
from vms import BOOT_S, STATE, Cloud

NAME = unique("vd")
COMPOSE = ROOT / "examples/postgres/compose.yaml"
FIRST, SECOND = "nobody outside reads this", "it's \\taken; DROP TABLE notes"
THIRD = "written <b>after</b> all"


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
def app(cloud, guest_image):
    """The URL at which the app answers, and how to deploy it again."""
    def deploy(image):
        said = cloud.deploy(COMPOSE, "--image", image, "--data", "512M", name=NAME).stdout
        return re.search(r"^https://\S+$", said, re.M)[0]
    return deploy(guest_image), deploy


def rows(page):
    """The notes of a page."""
    assert "<table" in page, page
    return [html.unescape(text) for text in re.findall(r'<td align="left">(.*?)</td>', page)[1::2]]


def notes(cloud, url):
    """What the database has, once it answers."""
    def answer():
        page = cloud.get(url, check=False)
        return page if "<table" in page else None
    return rows(wait_for(answer, BOOT_S, "the page", 0.5))


def keep(cloud, url, note):
    """Gives a note to the database, which answers when the disk has it."""
    assert rows(cloud.get(url, "--data-binary", f"note={note}", "--max-time", "60"))[-1] == note


def released(cloud):
    log = cloud.state / "kms/lib/postern-kms/audit.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return [line["what"] for line in lines if line["event"] in ("release", "epoch")]


def test_the_app_has_a_disk_with_the_services_key(cloud, app):
    url, _ = app
    assert notes(cloud, url) == []
    keep(cloud, url, FIRST)
    assert "instance disk@1" in released(cloud) and "disk=1" in released(cloud)
    assert json.loads((STATE / NAME / "config.json").read_text())["kms"] == ["198.51.100.2:8446"]


def test_it_is_there_after_qemu_was_killed(cloud, app):
    url, _ = app
    keep(cloud, url, SECOND)
    os.kill(cloud.status(NAME)["qemu"], signal.SIGKILL)
    wait_for(lambda: not cloud.status(NAME)["running"], 10, "the keeper's end")
    cloud.vm("start", NAME, "--wait", BOOT_S, timeout=BOOT_S + 60)
    assert notes(cloud, url) == [FIRST, SECOND]


def test_it_is_there_after_a_restart(cloud, app):
    url, _ = app
    cloud.vm("restart", NAME, timeout=BOOT_S)
    assert notes(cloud, url) == [FIRST, SECOND]


def test_it_is_there_after_an_update_to_another_image(cloud, app, other_image):
    url, deploy = app
    keep(cloud, url, THIRD)
    assert deploy(other_image) == url  # the same manifest: the same app
    assert notes(cloud, url) == [FIRST, SECOND, THIRD]
    policy = json.loads(ask(pathlib.Path(f"/run/postern-cloud/{cloud.name}/kms/run/postern/kms.sock"),
                            "GET", "/v1/policy")[1])["policy"]
    assert [len(a["images"]) for a in policy["apps"]] == [2]


def test_the_disk_shows_nothing_of_it(cloud):
    disk = STATE / NAME / "data.img"
    for told in (FIRST, THIRD, "PG_VERSION", "pg_hba.conf"):
        assert run("grep", "-aqF", told, disk, check=False).returncode == 1, told
