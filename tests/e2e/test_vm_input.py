"""`postern vm` and `postern deploy` say what is wrong before anything starts, and leave nothing."""
import fcntl
import json
import pathlib

import pytest

from conftest import ROOT, run, unique
from vms import STATE

MANIFEST = {"manifest_version": 2, "name": "x", "ports": []}


@pytest.mark.parametrize("argv, want", [
    ([], "say start, stop"),
    (["begin", "a"], "say start, stop"),
    (["start"], "start takes one name"),
    (["start", "a", "b"], "start takes one name"),
    (["list", "a"], "list takes no name"),
    (["start", "A"], "a name is 1 to 15"),
    (["start", "../x"], "a name is 1 to 15"),
    (["start", "abcdefghijklmnop"], "a name is 1 to 15"),
    (["start", "a", "--memory", "lots"], "--memory: what is 'lots'?"),
    (["start", "a", "--memory", "0"], "--memory: what is '0'?"),
    (["start", "a", "--data", "-1G"], "--data: what is '-1G'?"),
    (["start", "a", "--cpus", "0"], "--cpus: what is '0'?"),
    (["start", "a", "--nonsense"], "wrong arguments"),
    (["stop", "a", "--memory", "1G"], "stop changes nothing"),
    (["resize", "a"], "resize takes"),
    (["update", "a"], "update takes"),
])
def test_wrong_arguments_are_named(bindir, argv, want):
    done = run(bindir / "postern", "vm", *argv, check=False)
    assert done.returncode == 2, done.stdout
    assert want in done.stdout


@pytest.fixture
def name(bindir):
    """Of a machine that no person has; whatever became of it is gone after the test."""
    chosen = unique("in")
    yield chosen
    run(bindir / "postern", "vm", "stop", chosen, check=False, timeout=150)
    run(bindir / "postern", "vm", "remove", chosen, check=False)


@pytest.fixture
def made(workdir):
    """A folder like an image's, which nothing can boot."""
    image = workdir / "image"
    image.mkdir()
    files = {}
    for key, name in (("kernel", "vmlinuz"), ("initrd", "initrd"), ("root", "root.img"),
                      ("firmware", "firmware.fd")):
        (image / name).write_bytes(b"nothing")
        files[key] = {"path": name, "sha256": "", "bytes": 7}
    document = {"format": "postern-image/1", "name": "none", "simulated": True, "files": files,
                "cmdline": "quiet", "memory_min_mib": 256}
    (image / "image.json").write_text(json.dumps(document))
    (workdir / "manifest.json").write_text(json.dumps(MANIFEST))
    return workdir


def start(bindir, made, name, *more):
    return run(bindir / "postern", "vm", "start", name, "--image", made / "image", "--manifest",
               made / "manifest.json", "--backend", "tcg", "--gateway", "192.0.2.1:443",
               "--gateway-name", "gateway.example", "--net", "none", *more, check=False)


@pytest.mark.parametrize("more, want", [
    (["--backend", "xen"], "--backend takes tdx, kvm or tcg"),
    (["--net", "bridge"], "--net takes user, none or tap"),
    (["--memory", "255M"], "needs 256 MiB"),
    (["--data", "1M"], "a disk has 16 MiB or more"),
    (["--manifest", "/nonexistent"], "/nonexistent: No such file"),
    (["--manifest", "/etc/passwd"], "/etc/passwd:"),
    (["--images", "/nonexistent"], "/nonexistent: No such file"),
    (["--cloud", "nowhere"], "no cloud nowhere runs"),
    (["--backend", "tdx"], "image none is SIMULATED"),
])
def test_what_cannot_be_made_leaves_nothing(bindir, made, name, more, want):
    done = start(bindir, made, name, *more)
    assert done.returncode == 1, done.stdout
    assert want in done.stdout
    if "needs 256" not in want and "SIMULATED" not in want:  # a machine that is made is kept
        assert not (STATE / name).exists()


@pytest.mark.parametrize("change, want", [
    (lambda d: d.update(format="postern-image/9"), "another format"),
    (lambda d: d.update(name="a b"), "name: expected"),
    (lambda d: d["files"]["root"].update(path="../../etc/passwd"), "root: expected a path below"),
    (lambda d: d["files"]["kernel"].update(bytes=8), "has not the 8 bytes"),
    (lambda d: d["files"]["initrd"].update(path="nothing"), "No such file"),
])
def test_a_bad_image_is_refused(bindir, made, name, change, want):
    path = made / "image/image.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    done = start(bindir, made, name)
    assert done.returncode == 1 and want in done.stdout, done.stdout
    assert not (STATE / name).exists()


def test_a_machine_that_is_not_there(bindir):
    name = unique("no")
    for verb in ("status", "log", "remove", "restart"):
        done = run(bindir / "postern", "vm", verb, name, check=False)
        assert done.returncode == 1, done.stdout
        assert name in done.stdout
    assert run(bindir / "postern", "vm", "stop", name).stdout == f"{name}: does not run\n"


@pytest.mark.parametrize("text, want", [
    ("services:\n  a:\n    image: x\n    privileged: true\n", ":4: privileged:"),
    ("services:\n  a:\n    image: x\n    network_mode: host\n", ":4: network_mode:"),
    ("services:\n  a:\n    image: x\n    volumes:\n      - /srv:/srv\n", ":5: volumes: '/srv'"),
    ("services:\n  a:\n    build: .\n", ":3: a: name an image"),
    ("services: [", ":2: "),
    ("", ":1: services:"),
])
def test_deploy_refuses_with_file_and_line(bindir, workdir, text, want):
    path = workdir / "compose.yaml"
    path.write_text(text)
    done = run(bindir / "postern", "deploy", path, check=False)
    assert done.returncode == 2, done.stdout
    assert f"postern deploy: {path}{want}" in done.stdout


def test_deploy_in_namespaces_leaves_a_cloud_that_is_no_apps(bindir, children, name):
    """Goal: the app's name is not enough to end what a person runs."""
    supervisor = children.start("sleep", "60")
    path = pathlib.Path(f"/run/postern-cloud/{name}.lock")
    path.parent.mkdir(exist_ok=True)
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        print(supervisor.pid, file=lock, flush=True)
        done = run(bindir / "postern", "deploy", ROOT / "examples/hello/compose.yaml", "--backend",
                   "netns", "--name", name, "--wait", "5", check=False)
        path.unlink()
    assert done.returncode == 1, done.stdout
    assert f"cloud {name} runs and is no app's" in done.stdout
    assert supervisor.poll() is None
    assert not pathlib.Path(f"/var/lib/postern-cloud/{name}.app").exists()


def test_deploy_in_namespaces_refuses_a_folder_that_no_description_can_name(bindir, workdir, name):
    folder = workdir / 'a", debug: true #'
    folder.mkdir()
    compose = folder / "compose.yaml"
    compose.write_bytes((ROOT / "examples/hello/compose.yaml").read_bytes())
    done = run(bindir / "postern", "deploy", compose, "--backend", "netns", "--name", name, check=False)
    assert done.returncode == 1 and "must not have" in done.stdout, done.stdout
    assert not pathlib.Path(f"/var/lib/postern-cloud/{name}.app").exists()


def test_deploy_takes_one_readable_file(bindir, workdir):
    lock = pathlib.Path("/run/postern-cloud/deploy.lock")
    before = lock.exists()
    for argv, want in (([], "say one Compose file"), (["a", "b"], "say one Compose file"),
                       (["/nonexistent.yaml"], "/nonexistent.yaml: No such file"),
                       (["--backend", "xen", "a"], "--backend takes vm or netns"),
                       (["--name", "A b", "a"], "--name takes")):
        done = run(bindir / "postern", "deploy", *argv, check=False)
        assert done.returncode == 2 and want in done.stdout, done.stdout
    assert lock.exists() == before
