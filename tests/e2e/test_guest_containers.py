"""Goal: containers find their own socket, and only theirs, where our API and
dstack's SDKs look for it; secrets that were encrypted to the app arrive in the
container that the compose file names and are nowhere in clear outside the CVM;
and an envelope that is older, changed or another's is refused.
"""
import json
import pathlib
import shutil
import tempfile

import pytest

from conftest import run, wait_for
from control_bench import Bench
from test_control_docker import docker, start_engine

SECRET = "correct horse battery staple $HOME '\"\\ äß"
COMPOSE = """\
version: "2.4"
services:
  web:
    image: pt-web:1
    command: ["/bin/busybox", "httpd", "-f", "-p", "8000", "-h", "/www"]
    ports: ["80:8000"]
    stop_grace_period: 1s
    environment:
      TOKEN: "${DB_PASSWORD:?}"
    volumes: ["/usr:/usr:ro", "/lib:/lib:ro", "/lib64:/lib64:ro",
              "/var/run/dstack.sock:/var/run/dstack.sock"]
  beside:
    image: pt-web:1
    stop_grace_period: 1s
    command: ["/bin/busybox", "httpd", "-f", "-p", "8000", "-h", "/www"]
    volumes: ["/usr:/usr:ro", "/lib:/lib:ro", "/lib64:/lib64:ro"]
"""


class Cloud:
    """The bench, the developer's files, and what she does."""

    def __init__(self, bindir, folder):
        self.bench, self.dir = Bench(bindir, folder), folder
        self.mine = folder / "developer"
        self.mine.mkdir()
        self.postern = bindir / "postern"
        self.signer = run(self.postern, "secret", "keygen", self.mine / "signer").stdout.strip()
        self.manifest = folder / "app.json"
        self.manifest.write_text(json.dumps({
            "manifest_version": 2, "name": "app", "ports": [{"port": 80}],
            "runner": "docker-compose", "docker_compose_file": COMPOSE,
            "guest": {"containers": {"web": ["info", "quote"]}, "env_signers": [self.signer]},
            "allowed_envs": ["DB_PASSWORD"]}))
        self.bench.manifest("gateway")
        self.bench.add_td("gw", "gateway", folder / "gateway.json")
        self.bench.add_td("cvm", "base", self.manifest)
        self.bench.start_platform()
        gw = self.bench.gateway()
        gw.start_wg()
        gw.start_daemon()
        self.cvm = self.bench.cvm("cvm", "198.51.100.11", self.manifest, engine=f"{folder}/docker.sock")
        self.envelope = self.cvm.dir / "env.json"
        with open(self.cvm.dir / "config.yaml", "a", encoding="ascii") as config:
            config.write(f"env: {self.envelope}\n")
        self.cvm.start_wg()
        self.start_agent()

    def start_agent(self):
        self.cvm.start_daemon()
        wait_for(lambda: self.bench.agent("cvm"), 60, "the agent")

    def app_id(self):
        return self.bench.agent("cvm")["app_id"]

    def state(self):
        return self.bench.agent("cvm")["containers"]

    def encrypt(self, text, *more, sign=True, app=None):
        """What the developer does, with her own policy and nobody's word."""
        key = self.mine / "key.json"
        key.write_text(run(self.postern, "secret", "key", self.cvm.dir / "agent.sock").stdout)
        if sign:
            more += ("--sign", self.mine / "signer")
        done = run(self.postern, "secret", "encrypt", "--app", app or self.app_id(), "--key", key,
                   "--policy", self.bench.policy("cvm-image", "base"),
                   "--collateral", self.dir / "sim/collateral", "--root", self.dir / "sim/root.pem",
                   *more, input=text)
        return done.stdout.splitlines()[-1] + "\n"

    def hand_over(self, envelope):
        part = self.envelope.with_suffix(".part")
        part.write_text(envelope)
        part.rename(self.envelope)

    def refused(self, envelope, reason):
        self.hand_over(envelope)
        wait_for(lambda: self.state()["error"] == f"environment refused: {reason}", 10, reason)
        assert self.state()["state"] == "waiting"


@pytest.fixture(scope="module")
def cloud(bindir):
    for program in ("dockerd", "docker-compose", "curl"):
        assert shutil.which(program), f"{program} is missing: bootstrap install-packages"
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pt-", dir="/tmp"))
    c = Cloud(bindir, folder)
    try:
        start_engine(c.bench)
        yield c
    finally:
        left = docker(c.bench, "ps", "-aq", check=False).stdout.split()
        if left:
            docker(c.bench, "rm", "-f", *left, check=False)
        c.bench.close()
        for mount in pathlib.Path("/proc/self/mounts").read_text().split():
            if mount.startswith(str(folder)):
                run("umount", "-l", mount, check=False)
        shutil.rmtree(folder, ignore_errors=True)


def test_the_app_does_not_run_without_its_environment(cloud):
    wait_for(lambda: "waiting for the environment" in cloud.state()["error"], 10, "its word")
    assert cloud.state()["state"] == "waiting"


def test_envelopes_that_must_not_count(cloud):
    good = json.loads(cloud.encrypt("DB_PASSWORD=x\n", "--serial", "1000"))
    cloud.refused("{}", "malformed")
    cloud.refused(cloud.encrypt("DB_PASSWORD=host\n", sign=False), "unsigned")
    run(cloud.postern, "secret", "keygen", cloud.mine / "other")
    cloud.refused(cloud.encrypt("DB_PASSWORD=host\n", "--sign", cloud.mine / "other", sign=False),
                  "unknown_signer")
    cloud.refused(json.dumps({**good, "serial": 1001}), "bad_signature")
    cloud.refused(json.dumps({**good, "app_id": "00" * 20}), "other_app")
    cloud.refused(cloud.encrypt("LD_DEBUG_=1\n".replace("LD_DEBUG_", "OTHER_NAME")), "name_not_allowed")


def in_container(cloud, name, *argv, **kwargs):
    return docker(cloud.bench, "exec", "-i", f"app_{name}_1", *argv, **kwargs)


def test_the_secret_arrives_in_the_container(cloud):
    cloud.hand_over(cloud.encrypt(f"DB_PASSWORD={SECRET}\n", "--serial", "2000"))
    wait_for(lambda: cloud.state() == {"state": "running", "error": ""}, 60, "the app")
    # What docker-compose makes of "$" in a value is its own: it is not interpolated again.
    assert in_container(cloud, "web", "/usr/bin/printenv", "TOKEN").stdout.strip() == SECRET
    assert SECRET not in in_container(cloud, "beside", "/usr/bin/env").stdout


def test_the_secret_is_nowhere_outside(cloud):
    """All files of the bench, everybody's log among them, but the container
    engine's two folders, which are the CVM's disk and memory; and all command
    lines."""
    needle = SECRET.encode()[:20]
    found = {str(p.relative_to(cloud.dir)).split("/")[0] for p in cloud.dir.rglob("*")
             if p.is_file() and needle in p.read_bytes()}
    assert found == {"docker", "exec"}
    for line in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert needle not in line.read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            pass
    text = json.dumps(cloud.bench.agent("cvm")) + cloud.bench.story()
    assert needle.decode() not in text


def ask_inside(cloud, name, socket, what, **kwargs):
    return in_container(cloud, name, "/usr/bin/curl", "-s", "--max-time", "20", "--unix-socket", socket,
                        f"http://localhost{what}", **kwargs)


def test_each_container_finds_its_own_socket(cloud):
    for socket in ("/run/postern.sock", "/var/run/dstack.sock", "/var/run/tappd.sock"):
        got = json.loads(ask_inside(cloud, "web", socket, "/v1/info").stdout)
        assert got["container"] == "web" and got["app_id"] == cloud.app_id()
    info = json.loads(ask_inside(cloud, "web", "/var/run/dstack.sock", "/Info").stdout)
    assert info["app_name"] == "app"
    refused = json.loads(ask_inside(cloud, "web", "/run/postern.sock", "/v1/tls-key", check=False,
                                    input="").stdout)
    assert "error" in refused


def test_a_container_that_is_not_listed_finds_none(cloud):
    got = ask_inside(cloud, "beside", "/run/postern.sock", "/v1/version", check=False)
    assert got.returncode != 0
    assert in_container(cloud, "beside", "/bin/busybox", "ls", "/run", check=False).returncode != 0


def test_an_older_envelope_is_refused_after_the_agent_was_killed(cloud):
    old = cloud.encrypt("DB_PASSWORD=old one\n", "--serial", "1999")
    other = cloud.encrypt("DB_PASSWORD=same serial\n", "--serial", "2000")
    current = cloud.envelope.read_text()
    cloud.cvm.kill(cloud.cvm.daemon)
    cloud.hand_over(old)
    cloud.start_agent()
    cloud.refused(old, "stale")
    cloud.refused(other, "reused_serial")
    cloud.hand_over(current)
    wait_for(lambda: cloud.state()["state"] == "running", 60, "the current one")
    # Containers that had a socket were made anew, with one that answers.
    got = json.loads(ask_inside(cloud, "web", "/run/postern.sock", "/v1/info").stdout)
    assert got["container"] == "web"
    assert in_container(cloud, "web", "/usr/bin/printenv", "TOKEN").stdout.strip() == SECRET


def test_an_agent_without_the_variables_takes_the_app_down(cloud):
    """docker-compose reads "${DB_PASSWORD:?}" for that, too."""
    cloud.cvm.kill(cloud.cvm.daemon)
    cloud.hand_over("{}")
    cloud.start_agent()
    cloud.refused("{}", "malformed")
    assert docker(cloud.bench, "ps", "-q").stdout.strip()
    cloud.bench.children.stop(cloud.cvm.daemon, timeout=60)
    assert not docker(cloud.bench, "ps", "-q").stdout.strip()
