"""Goal: containers come up from the manifest's compose file, the gateway
reaches their published ports through the tunnel, and the firewall holds
whatever rules Docker writes.
"""
import json
import pathlib
import shutil
import tempfile

import pytest

from conftest import run, wait_for
from control_bench import Bench

COMPOSE = """\
version: "2.4"
services:
  web:
    image: pt-web:1
    command: ["/bin/busybox", "httpd", "-f", "-p", "8000", "-h", "/www"]
    ports: ["80:8000", "9000:8000"]
    stop_grace_period: 1s
  beside:
    image: pt-web:1
    command: ["/bin/busybox", "httpd", "-f", "-p", "8000", "-h", "/www"]
    stop_grace_period: 1s
  slow:
    image: pt-web:1
    command:
      - /bin/busybox
      - sh
      - -c
      - trap 'busybox sleep 3; echo whole >/data/end; exit' TERM; while :; do busybox sleep 0.1; done
    environment: {PATH: /bin}
    volumes: ["data:/data"]
volumes:
  data:
"""


def docker(bench, *argv, **kwargs):
    return bench.machines["cvm"].run(
        "/usr/bin/docker", "-H", f"unix://{bench.dir}/docker.sock", *argv, **kwargs)


def start_engine(bench):
    cvm = bench.machines["cvm"]
    config = bench.dir / "daemon.json"
    config.write_text(json.dumps({
        "data-root": f"{bench.dir}/docker", "exec-root": f"{bench.dir}/exec",
        "pidfile": f"{bench.dir}/docker.pid", "hosts": [f"unix://{bench.dir}/docker.sock"],
        "bridge": "none", "userland-proxy": False, "oom-score-adjust": 0, "log-level": "warn",
        "default-address-pools": [{"base": "172.28.0.0/16", "size": 24}],
        "default-ulimits": {"nofile": {"Name": "nofile", "Hard": 20000, "Soft": 20000}}}))
    cvm.start("/usr/sbin/dockerd", "--config-file", config, log="dockerd.log")
    wait_for(lambda: docker(bench, "version", check=False).returncode == 0, 120, "dockerd")
    root = bench.dir / "rootfs"
    for folder in ("bin", "www"):
        (root / folder).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    (root / "www/index.html").write_text("hello from a container")
    run("tar", "-C", root, "-cf", bench.dir / "web.tar", ".")
    docker(bench, "import", bench.dir / "web.tar", "pt-web:1")


@pytest.fixture(scope="module")
def bench(bindir):
    for program in ("dockerd", "docker-compose"):
        assert shutil.which(program), f"{program} is missing: bootstrap install-packages"
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pt-", dir="/tmp"))
    b = Bench(bindir, folder)
    try:
        manifest = b.manifest("app", [80], compose=COMPOSE)
        b.manifest("gateway")
        b.add_td("gw", "gateway", folder / "gateway.json")
        b.add_td("cvm", "base", manifest)
        b.start_platform()
        gw = b.gateway()
        gw.start_wg()
        gw.start_daemon()
        cvm = b.cvm("cvm", "198.51.100.11", manifest, engine=f"{folder}/docker.sock")
        cvm.start_wg()
        cvm.start_daemon()
        wait_for(lambda: b.agent("cvm"), what="the agent")
        assert b.agent("cvm")["containers"]["state"] == "waiting"
        start_engine(b)
        yield b
    finally:
        if "cvm" in b.machines and (folder / "docker.sock").exists():
            left = docker(b, "ps", "-aq", check=False).stdout.split()
            if left:
                docker(b, "rm", "-f", *left, check=False)
        b.close()
        for mount in pathlib.Path("/proc/self/mounts").read_text().split():
            if mount.startswith(str(folder)):
                run("umount", "-l", mount, check=False)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def tunnel(bench):
    return bench.wait_tunnel("cvm", 60)


def test_published_port_is_reached(bench, tunnel):
    assert bench.fetch(tunnel["address"]) == "hello from a container"
    running = {"state": "running", "error": ""}
    wait_for(lambda: (bench.agent("cvm") or {}).get("containers") == running, 60, "compose's word for it")


def test_port_not_listed_is_dropped(bench, tunnel):
    before = bench.agent("cvm")["firewall"]["dropped_forward"]
    # published by Docker, but not in the manifest
    assert bench.fetch(tunnel["address"], 9000, timeout=1) is None
    assert bench.agent("cvm")["firewall"]["dropped_forward"] > before


def container_address(bench, name):
    got = docker(bench, "inspect", "-f",
                 "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)
    return got.stdout.strip()


def test_container_address_is_not_reached_directly(bench, tunnel):
    inner = container_address(bench, "app_web_1")
    assert inner.startswith("172.28.")
    # from the gateway, past the published port
    gw = bench.machines["gw"]
    gw.run("ip", "route", "replace", inner, "dev", "wg0")
    assert bench.fetch(inner, 8000, timeout=1) is None
    # from the network in between, with a route to the containers
    bench.middle.run("ip", "route", "replace", inner, "via", "198.51.100.11")
    for target in (f"{inner}:8000", "198.51.100.11:80", "198.51.100.11:9000"):
        done = bench.middle.run("curl", "-sf", "--max-time", "1", f"http://{target}/", check=False)
        assert done.returncode != 0, target


def from_container(bench, address, port):
    """What an HTTP server says to a container; busybox's wget needs a libc."""
    done = docker(bench, "exec", "-i", "app_web_1", "/bin/busybox", "timeout", "2",
                  "/bin/busybox", "nc", address, str(port), check=False,
                  input="GET / HTTP/1.0\r\n\r\n")
    return done.stdout


def test_containers_reach_each_other_and_nothing_else(bench, tunnel):
    beside = container_address(bench, "app_beside_1")
    assert "hello from a container" in from_container(bench, beside, 8000)
    before = bench.agent("cvm")["firewall"]["dropped_forward"]
    for address, port in (("198.51.100.66", 80), ("198.51.100.1", 4443), ("10.88.0.1", 80)):
        assert "HTTP" not in from_container(bench, address, port)
    assert bench.agent("cvm")["firewall"]["dropped_forward"] >= before + 3


def test_docker_restart_leaves_the_firewall_in_force(bench, tunnel):
    """Docker writes its rules anew when a network is made."""
    docker(bench, "network", "create", "pt-more")
    docker(bench, "run", "-d", "--name", "extra", "--network", "pt-more", "-p", "7000:8000",
           "pt-web:1", "/bin/busybox", "httpd", "-f", "-p", "8000", "-h", "/www")
    assert bench.fetch(tunnel["address"], 7000, timeout=1) is None
    assert bench.fetch(tunnel["address"]) == "hello from a container"
    docker(bench, "rm", "-f", "extra")


def test_withdrawal_makes_containers_unreachable(bench, tunnel):
    bench.admin("/v1/leases/" + tunnel["instance_id"], "DELETE")
    assert bench.fetch(tunnel["address"], timeout=1) is None
    bench.admin("/v1/denied/" + tunnel["instance_id"], "DELETE")
    bench.wait_tunnel("cvm")


def test_agent_killed_leaves_containers_running(bench, tunnel):
    started = docker(bench, "inspect", "-f", "{{.State.StartedAt}}", "app_web_1").stdout
    cvm = bench.machines["cvm"]
    cvm.kill(cvm.daemon)
    cvm.start_daemon()
    bench.wait_tunnel("cvm")
    wait_for(lambda: ((bench.agent("cvm") or {}).get("containers") or {}).get("state") == "running",
             30, "containers")
    assert docker(bench, "inspect", "-f", "{{.State.StartedAt}}", "app_web_1").stdout == started


def test_agent_stopped_takes_containers_down(bench, tunnel):
    bench.children.stop(bench.machines["cvm"].daemon, timeout=40)
    assert docker(bench, "ps", "-aq").stdout.strip() == ""
    # and gives each the time that it may take
    assert docker(bench, "run", "--rm", "--network", "none", "-v", "app_data:/data", "pt-web:1",
                  "/bin/busybox", "cat", "/data/end").stdout.strip() == "whole"
