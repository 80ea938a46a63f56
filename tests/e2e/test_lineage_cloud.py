"""Goal: a gateway serves an app's update under the app's name, and nobody who only says that he is one."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

from conftest import run, wait_for
from test_kms_cloud import CVM, HEAD, Keys, kms

# What `postern up` writes of its administrator's key: src/cli/keyservice.c.
SERVICE = """{
  "manifest_version": 2,
  "name": "kms",
  "ports": [],
  "kms": {
    "quorum": 1,
    "admins": ["%s"]
  }
}
"""


def make_service(state):
    """The app id that the cloud's key service will have: a manifest names it before there is one."""
    state.mkdir()
    admin = state / "kms-admin.pem"
    run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", admin)
    admin.chmod(0o600)
    der = subprocess.run(["openssl", "pkey", "-in", admin, "-pubout", "-outform", "DER"],
                         capture_output=True, check=True).stdout
    return hashlib.sha256((SERVICE % der[-64:].hex()).encode()).hexdigest()[:40]


def write(folder, name, **more):
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"manifest_version": 2, "name": name, "ports": [], **more}))
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def cloud(bindir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lineage")
    service = make_service(folder / "state")
    first = write(folder, "first", key_service=service)
    v2 = write(folder, "v2", key_service=service, continues=first[:40])
    # Without the service's name in what is measured its host could play the service.
    write(folder, "thief", continues=first[:40])
    text = HEAD + "".join(CVM.format(name=name, host=11 + i, image="base", manifest=name, more=more)
                          for i, (name, more) in enumerate((("first", ""), ("v2", ""),
                                                            ("thief", ", expect: refused")))) + kms(1)
    made = Keys(bindir, folder, text)
    made.first, made.v2, made.service = first, v2, service
    try:
        yield made.up()
    finally:
        status = made.stop()
        shutil.rmtree(folder / "state", ignore_errors=True)
    assert status == 0
    assert made.leftovers() == []


def test_the_update_has_the_apps_name(cloud):
    manifest = (cloud.folder / "state/kms-manifest.json").read_bytes()
    assert hashlib.sha256(manifest).hexdigest()[:40] == cloud.service

    def leases():
        return {lease["app_name"]: lease for lease in cloud.node("gateway")["leases"]}
    found = wait_for(lambda: leases() if {"first", "v2"} <= leases().keys() else None, 60, "both leases")
    assert {found[name]["app_id"] for name in ("first", "v2")} == {cloud.first[:40]}
    assert found["first"]["instance_id"] != found["v2"]["instance_id"]
    status = cloud.node("v2")["status"]
    assert (status["app_id"], status["compose_hash"]) == (cloud.first[:40], cloud.v2)


def test_who_only_says_so_gets_no_lease(cloud):
    log = cloud.folder / "state/gateway/log/registrar.log"
    wait_for(lambda: "lineage-unproven" in log.read_text(), 60, "a refusal")
    assert not any(lease["app_name"] == "thief" for lease in cloud.node("gateway")["leases"])


def test_a_version_is_ended(cloud, bindir):
    """As docs/VM.md says it: what is taken out gets no key at its next start, whatever its host does."""
    socket = cloud.run_of("kms1") / "kms.sock"
    answer = run("curl", "-s", "--unix-socket", socket, "http://kms/v1/policy").stdout
    policy = json.loads(answer)["policy"]
    assert policy["apps"][0]["manifests"] == [cloud.first, cloud.v2]
    policy["apps"][0]["manifests"].remove(cloud.first)
    policy["serial"] += 1
    path = cloud.folder / "policy.json"
    path.write_text(json.dumps(policy))
    run(bindir / "postern", "kms", "policy", "sign", path, "--key", cloud.folder / "state/kms-admin.pem", "--output",
        path)
    run(bindir / "postern", "kms", "policy", "set", path, "--socket", socket, "--wait")
    place = pathlib.Path("/run/postern-cloud") / cloud.name / "first/lock"
    os.kill(int(place.read_text()), signal.SIGKILL)
    log = cloud.folder / "state/first/log/agent.log"
    wait_for(lambda: re.search(r"lineage_not_shown why=.*manifest_not_listed", log.read_text()), 60, "a refusal")
