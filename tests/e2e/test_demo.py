"""Goal: the demo keeps every promise on its own, and `postern up`, `down`,
`status`, `lease`, `exec` and `logs` do what postern(1) says, also when
everything is killed, misconfigured or called with nonsense."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest
from conftest import ROOT, run, unique, wait_for
from ports import free_port

sys.path.insert(0, str(ROOT / "demo"))
from cloud import Cloud  # noqa: E402

SMALL = """
base: postern.localhost
lease: 10s
name: small
gateways:
  - { name: gateway, address: 198.51.100.1, public: true, image: gateway, accepts: base,
      manifest: %(root)s/examples/demo/gateway.json }
cvms:
  - { name: hello, address: 198.51.100.11, image: base, gateway: "198.51.100.1:443",
      manifest: %(root)s/examples/hello/manifest.json, contexts: [ %(root)s/examples/hello ],
      accepts: gateway, alias: hello }
"""


def small_cloud(folder, bindir):
    path = folder / "cloud.yaml"
    path.write_text(SMALL % {"root": ROOT})
    return Cloud(bindir, path, name=unique("up"), port=free_port())


def answers(cloud):
    try:
        return cloud.get("hello").status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def running(bindir, tmp_path_factory):
    """A small cloud that serves: one gateway, one CVM with the app hello."""
    cloud = small_cloud(tmp_path_factory.mktemp("cloud"), bindir)
    cloud.start()
    try:
        assert cloud.wait_for(lambda: any("ready: https" in line for line in cloud.lines), 60), \
            cloud.lines
        cloud.learn()
        assert cloud.wait_for(lambda: answers(cloud), 30), cloud.call(
            "logs", "--name", cloud.name).stdout
        yield cloud
    finally:
        status = cloud.stop()
    assert status == 0
    assert cloud.leftovers() == []


# The demo.

PROMISES = [
    r"certificate issued to the gateway: account made in the TEE, CAA pinned: .* by 2 of 2 CAA records",
    r"postern verify https://hello\.postern\.localhost:\d+/: [23]\d checks hold, [01] refuted, ",
    r"whoever writes the DNS orders a certificate .* account of his own: caa",
    r"he takes CAA away for a moment, and the CA issues: serial [0-9a-f]{16}",
    r"postern-cert raises its alarm ct_foreign: .*hello\.postern\.localhost",
    r"postern verify turns red, exit status 1: history\.foreign: a live certificate",
    r"hello\.postern\.localhost:\d+/ → 200 through TLSv1\.3 .* container at 172\.",
    r"vault\.postern\.localhost:\d+/ → 200 through TLSv1\.3 .* <h1>vault</h1>",
    r"the same by its identity: https://[0-9a-f]{40}\.postern",
    r"the gateway's own page: 200, and it says SIMULATED",
    r"certificate the client saw: [0-9a-f]{32}… = the one made in the container",
    r"client certificate: vault: the secret is for CN=alice",
    r"without one: 400",
    r"the CVM of shop has a certificate for www\.shop\.example",
    r"https://www\.shop\.example:\d+/ → 200 → edge, which passes it through .* where TLS ends → container",
    r"certificate issued to the custom domain: account https://.* made in shop's CVM; the gateway has neither",
    r"postern verify https://www\.shop\.example:\d+/: [23]\d checks hold, [01] refuted, ",
    r"secret marker: 0 times in [1-9]\d+ captured bytes; the container saw (\d+) of \1 requests",
    r"nothing but attested channels, WireGuard, address resolution, and the gateway's DNS and ACME",
    r"manifests list \(so the ways are open\): 2 of 2 connected",
    r"a port that no manifest lists: 0 of 1 connected",
    r"one CVM → the other.*: 0 of 6 connected",
    r"hostile network → .*: 0 of 7 connected",
    r"a CVM with an unlisted measurement: .*measurement.*keys exchanged: no.* 0 peers",
    r"a debug TD: .*debug.*keys exchanged: no.* 0 peers",
    r"a gateway that the CVM does not accept: .*measurement.*keys exchanged: no.* 0 peers",
    r"a quote relayed by a man in the middle: binding-mismatch.*keys exchanged: no.* 0 peers",
    r"a quote replayed from another session: binding-mismatch",
    r"the gateway refused [1-9]\d* channels, with a key exchanged in 0; its WireGuard has 3 peers",
    r"hello attested again, \d+\.\d s before its lease ended: new evidence, a new pre-shared key",
    r"lease withdrawn: hello answers 50[23] .* 2 peers left and the CVM's none",
    r"vault goes on",
    r"allowed again: hello serves",
    r"everything that was started or made is gone again$",
]


@pytest.fixture(scope="module")
def demo(bindir):
    name = unique("demo")
    began = time.monotonic()
    done = subprocess.run(
        [ROOT / "demo/run", "--once", "--bindir", bindir, "--name", name, "--port", str(free_port())],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240)
    done.seconds = time.monotonic() - began
    done.name = name
    return done


def test_demo_exits_with_0_within_a_minute(demo):
    assert demo.returncode == 0, demo.stdout
    assert demo.seconds < 60


@pytest.mark.parametrize("promise", PROMISES)
def test_demo_keeps(demo, promise):
    lines = [line for line in demo.stdout.splitlines() if re.search(promise, line)]
    assert lines, f"{promise}\n{demo.stdout}"
    assert re.search(r"\d s  ok  ", lines[0]), lines[0]


def test_demo_runs_without_a_service_ending(demo):
    assert not re.search(r"ended \(|restarting", demo.stdout), demo.stdout


def test_demo_output_is_plain_without_a_terminal(demo):
    assert "\033" not in demo.stdout and "\r" not in demo.stdout


def test_demo_interrupted_leaves_nothing(bindir):
    name = unique("int")
    demo = subprocess.Popen(
        [ROOT / "demo/run", "--bindir", bindir, "--name", name, "--port", str(free_port()),
         "--log-lines", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for line in demo.stdout:
        if "network in the middle" in line:
            break
    demo.send_signal(signal.SIGINT)
    said = demo.communicate(timeout=60)[0]
    assert demo.returncode == 1
    assert "everything that was started or made is gone again\n" in said
    assert Cloud(bindir, "", name=name).leftovers() == []


# up, down, status and the rest.

def test_status_shows_nodes_services_and_leases(running):
    table = running.call("status", "--name", running.name).stdout
    assert "SIMULATED" in table
    for word in ("gateway", "hello", "platform", "hostile", "dockerd wg agent", "leases of gateway"):
        assert word in table
    nodes = running.status()["nodes"]
    assert {s["state"] for s in nodes["gateway"]["services"]} == {"ready"}
    assert nodes["hello"]["status"]["lease"]["lease_ms"] == 10000
    assert nodes["gateway"]["leases"][0]["app_name"] == "hello"


def test_status_of_nothing_is_1(bindir):
    done = run(bindir / "postern", "status", "--name", "nothing", check=False)
    assert done.returncode == 1 and "no cloud nothing" in done.stdout


def test_exec_runs_inside_and_returns_its_status(running):
    assert "198.51.100.11" in running.exec("hello", "ip", "-br", "addr").stdout
    assert running.exec("hello", "hostname").stdout == "hello\n"
    assert running.exec("hello", "false").returncode == 1
    assert running.exec("hello", "sh", "-c", "kill -9 $$").returncode == 128 + 9
    assert running.exec("nobody", "true").returncode == 1


def test_nodes_see_only_their_own_processes_and_files(running):
    seen = running.exec("gateway", "ps", "ax").stdout
    assert "postern-registrar" in seen and "postern-agent" not in seen and "dockerd" not in seen
    assert running.exec("hello", "ls", "/etc/postern/tls").returncode != 0
    assert running.exec("gateway", "ls", "/etc/postern/tls").stdout.split() == ["chain.pem", "key.pem"]


def test_a_cvm_pins_its_gateway_and_a_gateway_pins_nobody(running):
    """Where the kernel has WireGuard there is no postern-wg and no pin."""
    count = 0 if pathlib.Path("/sys/module/wireguard").exists() else 1
    for node, pin in (("hello", True), ("gateway", False)):
        lines = [line for line in running.exec(node, "ps", "axo", "args").stdout.splitlines()
                 if "postern-wg" in line]
        assert ["--pin all" in line for line in lines] == [pin] * count, lines


def test_logs_are_shown(running):
    assert "event=ready" in running.call("logs", "--name", running.name, "gateway", "registrar").stdout
    assert running.call("logs", "--name", running.name, "gateway", "nothing").returncode == 1
    assert running.call("logs", "--name", running.name, "../x").returncode == 2


def test_logs_of_one_app_and_as_json(running):
    assert answers(running)
    call = ["logs", "--name", running.name, "--json"]
    lines = [json.loads(x) for x in running.call(*call, "-n", "200", "gateway").stdout.splitlines()]
    assert {x["service"] for x in lines} == {"wg", "registrar", "edge"}
    mine = [json.loads(x) for x in
            running.call(*call, "--app", "hello", "gateway", "edge").stdout.splitlines()]
    assert mine and {x["event"] for x in mine} == {"connection"}
    assert {x["name"].split(".")[0] for x in mine} == {"hello"}
    assert running.call("logs", "--name", running.name, "--app", "nobody", "gateway").stdout == ""
    assert len(running.call("logs", "--name", running.name, "-n", "1", "gateway", "edge")
               .stdout.splitlines()) == 1
    assert running.call("logs", "-n", "x").returncode == 2


def test_logs_follow(running):
    follower = subprocess.Popen([running.postern, "logs", "--name", running.name, "-f", "-n", "1",
                                 "--app", "hello", "gateway", "edge"], stdout=subprocess.PIPE,
                                text=True, stdin=subprocess.DEVNULL)
    try:
        for _ in range(3):
            assert answers(running)
            assert '"name":"hello.' in follower.stdout.readline()
    finally:
        follower.kill()
        follower.wait()


def test_status_shows_the_edge(running):
    assert answers(running)
    cloud = json.loads(running.call("status", "--name", running.name, "--json").stdout)
    gateway = [n for n in cloud["nodes"] if n["kind"] == "gateway"][0]
    assert gateway["edge"]["state"] == "serving" and gateway["edge"]["totals"]["handshakes"] > 0
    assert gateway["apps"][0]["app_name"] == "hello" and gateway["apps"][0]["connections"] > 0
    assert gateway["certificates"][0]["expires_in_s"] > 86400
    text = running.call("status", "--name", running.name).stdout
    for word in ("edge of gateway: serving", "days left", "evidence", "handshake"):
        assert word in text


def test_upgraded_edge_is_followed_by_its_supervisor(running):
    def edge():
        cloud = json.loads(running.call("status", "--name", running.name, "--json").stdout)
        gateway = [n for n in cloud["nodes"] if n["kind"] == "gateway"][0]
        return [s for s in gateway["services"] if s["name"] == "edge"][0]
    before = edge()
    done = running.exec("gateway", "curl", "-s", "-X", "POST", "--unix-socket",
                        "/run/postern/edge-admin.sock", "http://edge/v1/upgrade")
    pid = json.loads(done.stdout)["pid"]
    wait_for(lambda: edge()["pid"] == pid, 20, "the supervisor to follow")
    assert edge()["restarts"] == before["restarts"] and edge()["state"] == "ready"
    assert answers(running)


def png(path):
    """Width, height and rows of bytes of an 8-bit RGB or RGBA image."""
    import struct
    import zlib
    data, at, packed = path.read_bytes(), 8, b""
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"IHDR":
            width, height, _, colour = struct.unpack_from(">IIBB", data, at + 8)
        elif kind == b"IDAT":
            packed += data[at + 8:at + 8 + size]
        at += 12 + size
    each = {2: 3, 6: 4}[colour]
    raw, rows, before = zlib.decompress(packed), [], bytearray(width * each)
    for y in range(height):
        start = y * (width * each + 1)
        how, row = raw[start], bytearray(raw[start + 1:start + 1 + width * each])
        for i in range(len(row)):
            left = row[i - each] if i >= each else 0
            up, corner = before[i], before[i - each] if i >= each else 0
            if how == 1:
                row[i] = (row[i] + left) & 255
            elif how == 2:
                row[i] = (row[i] + up) & 255
            elif how == 3:
                row[i] = (row[i] + (left + up) // 2) & 255
            elif how == 4:
                guess = left + up - corner
                nearest = min((abs(guess - v), n, v) for n, v in enumerate((left, up, corner)))
                row[i] = (row[i] + nearest[2]) & 255
        rows.append(row)
        before = row
    return width, height, each, rows


@pytest.mark.parametrize("width,height", [(390, 844), (1280, 800)])
def test_status_page_in_a_browser(running, workdir, width, height):
    """It says what it promises, and nothing of it is cut off at the right."""
    url = f"https://gateway.{running.base}:{running.port}/"
    chromium = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                "--ignore-certificate-errors", f"--user-data-dir={workdir}/profile",
                f"--window-size={width},{height}"]
    dom = subprocess.run([*chromium, "--dump-dom", url], text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, timeout=60).stdout
    for word in ("SIMULATED", ">hello<", "attested tunnels", "TLS handshakes/s", "days left"):
        assert word in dom.replace("&nbsp;", " "), dom
    for secret in ("10.88.", "198.51.100"):
        assert secret not in dom
    subprocess.run([*chromium, f"--screenshot={workdir}/page.png", url], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=60)
    seen_width, _, each, rows = png(workdir / "page.png")
    assert seen_width == width
    for row in rows:
        assert len(set(bytes(row[-8 * each:-each]))) <= 2, "something reaches the right edge"
    assert len({bytes(row) for row in rows}) > 100, "nothing is on it"


def test_a_second_up_of_the_same_cloud_is_refused(running):
    done = running.call("up", "--config", running.config, "--name", running.name)
    assert done.returncode == 1 and "runs already" in done.stdout


def test_up_on_a_busy_port_is_refused_and_leaves_nothing(running, bindir, workdir):
    other = small_cloud(workdir, bindir)
    done = other.call("up", "--config", other.config, "--name", other.name, "--ephemeral",
                      "--port", str(running.port))
    assert done.returncode == 1 and "--port" in done.stdout
    assert other.leftovers() == []


def test_lease_of_nobody_cannot_be_withdrawn(running):
    done = running.call("lease", "--name", running.name, "withdraw", "nobody")
    assert done.returncode == 1 and "no lease" in done.stdout


@pytest.mark.parametrize("node,service", [
    ("gateway", "registrar"), ("gateway", "edge"), ("gateway", "wg"),
    ("hello", "agent"), ("hello", "wg"), ("platform", "teesim")])
def test_killed_daemon_comes_back_and_nothing_is_lost(running, node, service):
    def pid():
        rows = running.node(node).get("services") or []
        return next((s["pid"] for s in rows if s["name"] == service and s["state"] == "ready"), 0)

    def lease():
        rows = running.node("gateway").get("leases") or []
        return rows and (rows[0]["instance_id"], rows[0]["address"])

    before, old = running.wait_for(lease, 20), running.wait_for(pid, 20)
    assert before and old
    assert running.exec(node, "kill", "-9", old).returncode == 0
    assert running.wait_for(lambda: pid() not in (0, old), 20), running.node(node)
    assert running.wait_for(lambda: answers(running), 30, 0.2), running.call(
        "logs", "--name", running.name).stdout
    assert running.wait_for(lambda: lease() == before, 20), lease()


def test_node_whose_first_process_dies_is_made_anew(running):
    lock = pathlib.Path(f"/run/postern-cloud/{running.name}/hello/lock")
    old = int(lock.read_text())
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: lock.exists() and lock.read_text().strip() not in ("", str(old)), 20)
    assert running.wait_for(lambda: answers(running), 60, 0.2), running.call(
        "logs", "--name", running.name, "hello").stdout
    running.remember_namespaces()


def test_platform_that_dies_takes_its_tds_along(running):
    lock = pathlib.Path(f"/run/postern-cloud/{running.name}/platform/lock")
    old = int(lock.read_text())
    os.kill(old, signal.SIGKILL)
    assert running.wait_for(lambda: any("its TDs start anew" in line for line in running.lines), 20)
    assert running.wait_for(lambda: answers(running), 60, 0.2), running.call(
        "logs", "--name", running.name).stdout
    running.remember_namespaces()


def test_killed_supervisor_takes_all_with_it_and_down_clears_up(bindir, workdir):
    cloud = small_cloud(workdir, bindir)
    cloud.start()
    try:
        assert cloud.wait_for(lambda: any("hello: dockerd" in line for line in cloud.lines), 60)
        cloud.learn()
        assert cloud.namespaces
        cloud.stop(signal.SIGKILL)
        wait_for(lambda: not [left for left in cloud.leftovers() if left.startswith("process")], 10)
        assert cloud.leftovers()  # files and namespaces without anybody in them
        # The next run of the same cloud finds its way through them, too.
        assert cloud.call("up", "--config", cloud.config, "--name", cloud.name, "--port",
                          str(cloud.port), "--ephemeral", "--once", timeout=90).returncode == 0
        assert cloud.leftovers() == []
    finally:
        assert cloud.call("down", "--name", cloud.name).returncode == 0
    assert cloud.leftovers() == []


def test_cloud_with_a_world_gets_a_certificate_each_time(bindir, workdir):
    """Killed, it leaves no server of the world; started again over the same state, it has another
    world, whose CA knows no account of before, and the gateway a certificate of it."""
    cloud = small_cloud(workdir, bindir)
    config = pathlib.Path(cloud.config)
    config.write_text(config.read_text() + f"world: {ROOT}/tests/world/world.py\n")
    argv = [cloud.postern, "up", "--config", cloud.config, "--name", cloud.name,
            "--port", str(cloud.port), "--state", str(workdir / "state")]
    seen = []

    def certificate():
        cloud.learn()  # the root, too, is another one
        try:
            return cloud.get("gateway").fingerprint
        except OSError:
            return None

    try:
        for _ in range(2):
            process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            seen.append(wait_for(certificate, 60, "a certificate", step=0.2))
            assert not (cloud.state / "gateway/etc/postern/tls").exists()
            assert not (cloud.state / "ca.key").exists()
            process.kill()
            process.wait()
            wait_for(lambda: not [x for x in cloud.leftovers() if x.startswith("process")], 10)
        assert seen[0] != seen[1]
    finally:
        assert cloud.call("down", "--name", cloud.name).returncode == 0
    assert cloud.leftovers() == []


def test_down_ends_a_cloud_and_its_state_outlives_it(bindir, workdir):
    cloud = small_cloud(workdir, bindir)
    argv = [cloud.postern, "up", "--config", cloud.config, "--name", cloud.name,
            "--port", str(cloud.port), "--state", str(workdir / "state")]

    def up():
        return subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    instances = []
    for _ in range(2):
        process = up()
        try:
            instances.append(cloud.wait_for(
                lambda: (cloud.node("gateway").get("leases") or [{}])[0].get("instance_id"), 60))
            assert cloud.call("down", "--name", cloud.name, timeout=60).returncode == 0
            assert process.wait(10) == 0
        finally:
            process.kill()
            process.wait()
        assert cloud.leftovers() == []
    assert instances[0] and instances[0] == instances[1]


# Mistakes.

CLOUD_MISTAKES = {
    "unknown_key": ("lease: 10s", "leese: 10s", r":3: leese"),
    "short_lease": ("lease: 10s", "lease: 1s", r":3: lease"),
    "address_elsewhere": ("198.51.100.11", "192.0.2.1", r": cvms.*address: .*198\.51\.100"),
    "bad_name": ("name: hello", "name: Hello", r": cvms.*name: "),
    "same_address": ("198.51.100.11", "198.51.100.1", r"different names and addresses"),
    "reserved_name": ("name: hello", "name: hostile", r"cannot be called hostile"),
    "nobody_public": ("public: true", "public: false", r"exactly one says public"),
}


@pytest.mark.parametrize("case", CLOUD_MISTAKES)
def test_up_names_a_mistake_and_starts_nothing(bindir, workdir, case):
    old, new, want = CLOUD_MISTAKES[case]
    path = workdir / "cloud.yaml"
    text = SMALL % {"root": ROOT}
    assert old in text
    path.write_text(text.replace(old, new, 1))
    name = unique("bad")
    done = run(bindir / "postern", "up", "--config", path, "--name", name, check=False)
    assert done.returncode == 2
    assert re.search(re.escape(str(path)) + ".*" + want, done.stdout), done.stdout
    assert Cloud(bindir, "", name=name).leftovers() == []


DAEMON_MISTAKES = [
    # program, a file that is all right but for one line, which line, which key
    ("postern-registrar", "base: x.example\nnode: gw\nlisten: nonsense\n", 3, "listen"),
    ("postern-registrar", "base: x.example\nnonsense: 1\n", 2, "nonsense"),
    ("postern-agent", "node: cvm\ngateway:\n  address: 198.51.100.1:99999\n", 3, "address"),
    ("postern-agent", "node: cvm\nfirewall: maybe\n", 2, "firewall"),
    ("postern-edge", "base: x.example\nlisten: [ \"198.51.100.1\" ]\n", 2, "listen"),
    ("postern-edge", "base: x.example\ntimeouts: { hello: soon }\n", 2, "hello"),
    ("postern-teesim", "state: /nonexistent\ntds:\n  - { name: a, debug: perhaps }\n", 3, "debug"),
    ("postern-teesim", "sate: /nonexistent\n", 1, "sate"),
]


@pytest.mark.parametrize("program,text,line,key", DAEMON_MISTAKES)
def test_daemon_names_a_mistake_by_file_line_and_key(bindir, workdir, program, text, line, key):
    path = workdir / "wrong.yaml"
    path.write_text(text)
    for check in (["--check"], []):
        done = run(bindir / program, "--config", path, *check, check=False, timeout=60)
        assert done.returncode == 2, done.stdout
        assert re.search(rf"{re.escape(str(path))}:{line}: .*{key}", done.stdout), done.stdout


@pytest.mark.parametrize("program", [
    "postern-registrar", "postern-agent", "postern-edge", "postern-teesim"])
def test_daemon_without_its_file_ends_with_2(bindir, program):
    done = run(bindir / program, "--config", "/nonexistent.yaml", check=False, timeout=60)
    assert done.returncode == 2 and "/nonexistent.yaml" in done.stdout


NONSENSE = [
    ["frobnicate"], ["up", "--frobnicate"], ["up", "--port", "0"], ["up", "--port", "65536"],
    ["up", "--port", "80x"], ["up", "--wait", "soon"], ["up", "--name", "A/B"], ["up", "extra"],
    ["up", "--config", "/nonexistent.yaml"], ["down", "extra"], ["down", "--name", "../x"],
    ["status", "extra"], ["status", "--xml"], ["lease"], ["lease", "withdraw"],
    ["lease", "frobnicate", "x"], ["exec"], ["exec", "hello"], ["logs", "a", "b", "c"], [],
]


@pytest.mark.parametrize("argv", NONSENSE, ids=lambda argv: " ".join(argv) or "nothing")
def test_nonsense_is_2_with_a_word_on_stderr(bindir, argv):
    done = subprocess.run([bindir / "postern", *argv], text=True, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert done.stderr.strip()


def test_unknown_command_suggests_the_nearest(bindir):
    done = run(bindir / "postern", "staus", check=False)
    assert done.returncode == 2 and "did you mean 'status'?" in done.stdout


@pytest.mark.parametrize("command", ["up", "down", "status", "lease", "logs", "exec", "help"])
def test_every_command_has_help(bindir, command):
    for argv in (["help", command], [command, "--help"])[:1 if command == "help" else 2]:
        done = run(bindir / "postern", *argv)
        assert f"postern {command}" in done.stdout


def test_version_is_said(bindir):
    assert re.fullmatch(r"postern \d+\.\d+\.\d+\n", run(bindir / "postern", "--version").stdout)


def test_examples_manifests_hold_their_compose_files():
    for app in ("hello", "vault", "shop"):
        folder = ROOT / "examples" / app
        manifest = json.loads((folder / "manifest.json").read_text())
        assert manifest["docker_compose_file"] == (folder / "compose.yaml").read_text()
        assert manifest["name"] == app
