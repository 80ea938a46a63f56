"""`postern deploy` on a virtual machine: an app that answers over HTTPS, nothing of it to be seen or
reached from the host's network, and a state that the next command understands after any kill.

One machine goes through all of it, in this order: each boot takes its time."""
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import time

import pytest

from conftest import ROOT, run, unique, wait_for
from vms import RUN, STATE, Cloud, packets

HELLO = ROOT / "examples/hello/compose.yaml"
NAME = unique("vm")  # of the machine: it is removed in the end
GATEWAY = "198.51.100.1"
KEY_SERVICE = "198.51.100.2"
WG_PORT, TLS_PORT, KMS_PORT = 51820, 443, 8446
SCAN_MORE = (22, 80, 443, 2375, 2376, 8080, 51820, 51821)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("vm")


@pytest.fixture(scope="module")
def cloud(bindir, folder):
    made = Cloud(bindir, folder)
    yield made
    made.close()


@pytest.fixture(scope="module")
def capture(cloud, folder):
    """Every frame on the wire in the middle, from before the machine starts."""
    path = folder / "wire.pcap"
    tcpdump = subprocess.Popen(["nsenter", f"--net={cloud.hostile}", "tcpdump", "-ni", "br0", "-s", "0",
                                "-B", "65536", "-U", "-w", path],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: path.exists() and path.stat().st_size >= 24, 60, "tcpdump")
    yield path
    tcpdump.send_signal(signal.SIGINT)
    tcpdump.wait(60)


@pytest.fixture(scope="module")
def hello(cloud, capture, guest_image):
    """The URL at which the app answers."""
    said = cloud.deploy(HELLO, "--image", guest_image, "--memory", "1G", "--cpus", "2",
                        name=NAME).stdout
    print(said)
    assert "SIMULATED" in said
    return re.search(r"^https://\S+$", said, re.M)[0]


def test_the_app_answers_over_https(cloud, hello):
    assert "hello" in cloud.get(hello).lower()
    status = cloud.status(NAME)
    assert status["running"] and status["simulated"] and status["state"] == "running"
    steps = [s["step"] for s in status["steps"]]
    assert steps.index("network") < steps.index("tunnel")
    assert hello.split("/")[2].startswith(status["app_id"])
    listed = cloud.vm("list").stdout
    assert re.search(rf"^{NAME} +running +tcg SIMULATED", listed, re.M), listed


def test_the_same_again_changes_nothing(cloud, hello):
    before = cloud.status(NAME)["qemu"]
    assert "nothing changed" in cloud.deploy(HELLO, name=NAME).stdout
    assert cloud.status(NAME)["qemu"] == before


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff


def syn(source, target, port):
    head = struct.pack(">HHIIBBHHH", 40000, port, 1, 0, 5 << 4, 2, 1024, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack(">BBH", 0, 6, 20)
    return head[:16] + struct.pack(">H", checksum(pseudo + head)) + head[18:]


def scan(target):
    """Asks every TCP port, some more often, and every UDP port; run inside the host's network."""
    source = "198.51.100.254"
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for round_ports in (range(1, 65536), SCAN_MORE, SCAN_MORE, SCAN_MORE):
        for i, port in enumerate(round_ports):
            raw.sendto(syn(source, target, port), (target, 0))
            try:
                udp.sendto(b"x", (target, port))
            except ConnectionRefusedError:
                pass  # of an earlier one; the capture has it
            if i % 64 == 0:
                time.sleep(0.004)  # a guest without hardware help takes no more
        time.sleep(0.5)


def settle(path):
    """Until tcpdump has written what it has seen."""
    size = -1
    while path.stat().st_size != size:
        size = path.stat().st_size
        time.sleep(2)


def test_nothing_listens_to_the_host(cloud, capture, hello, folder):
    address = cloud.status(NAME)["address"].split("/")[0]
    start = capture.stat().st_size
    run("nsenter", f"--net={cloud.hostile}", "/usr/bin/python3", "-c",
        "import sys; sys.path.insert(0, sys.argv[1]); import test_vm_deploy as t; t.scan(sys.argv[2])",
        pathlib.Path(__file__).parent, address, timeout=120)
    settle(capture)
    asked, answered = set(), []
    for kind, frame in packets(capture):
        if kind != 0x0800:
            continue
        source, target = frame[26:30], frame[30:34]
        at = 14 + (frame[14] & 15) * 4
        if target == socket.inet_aton(address) and source == socket.inet_aton("198.51.100.254"):
            asked.add((frame[23], struct.unpack(">H", frame[at + 2:at + 4])[0]))
        if source == socket.inet_aton(address) and target == socket.inet_aton("198.51.100.254"):
            answered.append(frame)
    assert capture.stat().st_size > start
    assert len([a for a in asked if a[0] == 6]) == 65535
    assert len([a for a in asked if a[0] == 17]) == 65535
    assert answered == []
    assert "hello" in cloud.get(hello).lower()  # and it is still there


def test_the_wire_shows_wireguard_and_the_attested_channel_alone(cloud, capture, hello):
    for _ in range(3):
        assert "hello" in cloud.get(hello).lower()
    settle(capture)
    address = socket.inet_aton(cloud.status(NAME)["address"].split("/")[0])
    gateway, kms = socket.inet_aton(GATEWAY), socket.inet_aton(KEY_SERVICE)
    card = None
    seen, strange = set(), []
    for kind, frame in packets(capture):
        if kind == 0x0806 and frame[28:32] == address:
            card = frame[6:12]
    assert card
    for kind, frame in packets(capture):
        if card not in (frame[0:6], frame[6:12]):
            continue
        at = 14 + (frame[14] & 15) * 4
        ports = struct.unpack(">HH", frame[at:at + 4]) if kind == 0x0800 else ()
        if kind == 0x0806:
            seen.add("arp")
        elif kind == 0x0800 and {frame[26:30], frame[30:34]} == {address, gateway}:
            if frame[23] == 6 and TLS_PORT in ports:
                seen.add("channel")
            elif frame[23] == 17 and WG_PORT in ports and 1 <= frame[at + 8] <= 4:
                seen.add("wireguard")
            else:
                strange.append(frame)
        elif kind == 0x0800 and {frame[26:30], frame[30:34]} == {address, kms} and KMS_PORT in ports:
            seen.add("channel to the key service")
        elif frame[26:30] != socket.inet_aton("198.51.100.254"):  # what the scan asked
            strange.append(frame)
    assert seen == {"arp", "channel", "channel to the key service", "wireguard"}
    assert strange == [], strange[0].hex()
    assert b"HTTP/1.1" not in capture.read_bytes()


def test_qemu_has_no_network_of_the_host(cloud, hello):
    qemu = cloud.status(NAME)["qemu"]
    names = [line.split(":")[0].strip() for line in
             pathlib.Path(f"/proc/{qemu}/net/dev").read_text().splitlines()[2:]]
    assert names == ["lo"]
    for table in ("tcp", "tcp6", "udp", "udp6", "raw"):
        assert len(pathlib.Path(f"/proc/{qemu}/net/{table}").read_text().splitlines()) == 1, table
    assert sorted(p.name for p in (RUN / NAME).iterdir()) == [
        "manage.sock", "platform.sock", "qmp.sock"]


def test_killed_keeper_takes_qemu_along(cloud, hello):
    status = cloud.status(NAME)
    os.kill(status["keeper"], signal.SIGKILL)
    wait_for(lambda: not pathlib.Path(f"/proc/{status['qemu']}").exists() or
             "State:\tZ" in pathlib.Path(f"/proc/{status['qemu']}/status").read_text(), 10, "QEMU's end")
    after = cloud.status(NAME)
    assert after["state"] == "killed" and not after["running"]
    assert cloud.vm("status", NAME, check=False).returncode == 1


def test_it_comes_back_after_a_kill_and_its_update_is_the_same_app(cloud, hello, folder):
    compose = folder / "hello/compose.yaml"
    compose.parent.mkdir(exist_ok=True)
    for name in ("Dockerfile", "context", "hello.c"):
        source = HELLO.parent / name
        (compose.parent / name).write_bytes(source.read_bytes())
        (compose.parent / name).chmod(source.stat().st_mode & 0o777)
    compose.write_text(HELLO.read_text().replace("64m", "65m"))
    said = cloud.deploy(compose, name=NAME).stdout
    url = re.search(r"^https://\S+$", said, re.M)[0]
    assert url == hello
    assert "hello" in cloud.get(url).lower()
    assert cloud.status(NAME)["state"] == "running"


def test_killed_qemu_is_told_and_a_resize_waits_for_the_next_start(cloud, hello):
    status = cloud.status(NAME)
    said = cloud.vm("resize", NAME, "--memory", "1100M").stdout
    assert "at its next start" in said
    os.kill(status["qemu"], signal.SIGKILL)
    wait_for(lambda: not cloud.status(NAME)["running"], 10, "the keeper's end")
    after = cloud.status(NAME)
    assert after["state"] == "stopped" and after["why"] == "QEMU was ended by signal 9"
    assert after["memory_mib"] == 1100
    assert not (RUN / NAME).exists()
    assert "QEMU was ended by signal 9" in cloud.vm("log", NAME, "--keeper").stdout


def test_another_app_does_not_get_a_machine_with_a_disk(cloud, hello, folder):
    """Goal: what could not open the disk does not take the place of what can."""
    cloud.vm("resize", NAME, "--data", "16M")
    path = STATE / NAME / "manifest.json"
    service = json.loads(path.read_bytes())["key_service"]
    manifest = path.read_bytes().replace(service.encode(), b"0b" * 20)
    path.write_bytes(manifest)  # one that another key service has the keys of
    compose = folder / "hello/compose.yaml"
    compose.write_text(HELLO.read_text().replace("64m", "66m"))
    done = cloud.deploy(compose, name=NAME, check=False)
    assert done.returncode == 1, done.stdout
    assert "it cannot open its disk" in done.stdout
    assert path.read_bytes() == manifest
    assert not cloud.status(NAME)["running"]
