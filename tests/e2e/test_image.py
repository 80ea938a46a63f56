"""The guest image: the same bytes from the same packages, measured as predicted, and closed to its
host but for what docs/IMAGE.md lists.

The machines are emulated; the whole file boots four.
"""
import json
import resource
import select
import shutil
import socket
import struct
import subprocess
import threading
import time

import vmimage
from conftest import connect_unix, run, unique
from private_net import PrivateNet
from vmimage import image_of

COMPOSE = "services:\n  web:\n    image: hello:1\n    restart: always\n"
QUOTE_OP = 1
FILES = 16384  # open at a time, when every port is asked


class Tap:
    """Listens in on a trust domain's way to its platform: every quote that passes."""

    def __init__(self, platform):
        self.quotes, self.real = [], platform.socket
        platform.socket = platform.folder / "tap.sock"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(platform.socket))
        self.listener.listen(1)
        threading.Thread(target=self.carry, daemon=True).start()

    @staticmethod
    def frame(end):
        head = end.recv(4, socket.MSG_WAITALL)
        return head + end.recv(struct.unpack(">I", head)[0], socket.MSG_WAITALL) if head else b""

    def carry(self):
        while True:
            self.serve(self.listener.accept()[0])

    def serve(self, guest):
        platform = connect_unix(self.real)
        while request := self.frame(guest):
            platform.sendall(request)
            reply = self.frame(platform)
            if not reply:  # quiet for so long that it has hung up
                break
            if request[4] == QUOTE_OP and reply[4] == 0:
                self.quotes.append(reply[5:])
            guest.sendall(reply)
        guest.close()


def hello(folder, **more):
    """A manifest with one container and the disk that has its image."""
    archive = folder / "images.tar"
    image = vmimage.busybox_archive(archive, "hello:1", {"www/index.html": b"hello\n"},
                                    ["/bin/busybox", "httpd", "-f", "-p", "80", "-h", "/www"])
    keys = {"runner": "docker-compose", "docker_compose_file": COMPOSE, "ports": [{"port": 80}],
            "images": {"hello:1": image}} | more
    return vmimage.manifest_bytes(**keys), [("images", archive)]


def tap_device(ns):
    """A card for a guest in a namespace; QEMU opens it by name."""
    name = unique("tap")
    ns.run("ip", "tuntap", "add", "dev", name, "mode", "tap")
    ns.run("ip", "addr", "add", "10.77.0.1/24", "dev", name)
    ns.run("ip", "link", "set", name, "up")
    return name


def open_ports(address, batch=8000):
    """The TCP ports of it that answer at all, with a connection or a reset."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    room = FILES if hard == resource.RLIM_INFINITY else min(hard, FILES)
    if soft != resource.RLIM_INFINITY and soft < room:
        resource.setrlimit(resource.RLIMIT_NOFILE, (room, hard))
    found = []
    for first in range(1, 65536, batch):
        poll, sockets = select.poll(), {}
        for port in range(first, min(first + batch, 65536)):
            s = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            s.connect_ex((address, port))
            poll.register(s, select.POLLOUT)
            sockets[s.fileno()] = (s, port)
        end = time.monotonic() + 1.0
        while (left := end - time.monotonic()) > 0:
            for fd, _ in poll.poll(left * 1000):
                found.append(sockets[fd][1])
                poll.unregister(fd)
        for s, _ in sockets.values():
            s.close()
    return found


def udp_answers(address, ports):
    """Datagrams to these ports; those that anything came back from."""
    found = []
    for port in ports:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect((address, port))
            s.settimeout(0.02)
            s.send(b"hello")
            try:
                s.recv(1)
                found.append(port)
            except TimeoutError:
                pass
            except OSError:  # "unreachable": it said so
                found.append(port)
    return found


class Capture:
    """Each kind of frame that comes from a card: (ethertype, protocol, destination port)."""

    def __init__(self, ns, device):
        self.kinds, self.going = set(), True
        with ns.here():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((device, 0))
        self.socket.settimeout(0.2)
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while self.going:
            try:
                frame, where = self.socket.recvfrom(2048)
            except TimeoutError:
                continue
            if where[2] == socket.PACKET_OUTGOING:
                continue
            kind = struct.unpack_from(">H", frame, 12)[0]
            if kind == 0x0800:
                ports = 14 + 4 * (frame[14] & 15)
                self.kinds.add((kind, frame[23], struct.unpack_from(">H", frame, ports + 2)[0]))
            else:
                self.kinds.add((kind, frame[20] if kind == 0x86dd else 0, 0))

    def stop(self):
        self.going = False
        self.thread.join()
        return self.kinds


def check_quote(bindir, platform, image, quote, manifest):
    """The registers of a quote that was taken inside are those that the image's files predict."""
    file = platform.folder / "quote.bin"
    file.write_bytes(quote)
    about = image_of(image)
    said = json.loads(run(bindir / "postern", "quote", "verify", file, "--json",
                          "--collateral", platform.folder / "collateral",
                          "--root", platform.root,
                          "--policy", image / "policy.yaml").stdout)
    assert said["image"] == about["name"], said
    shown = json.loads(run(bindir / "postern", "quote", "show", file, "--json").stdout)
    for register in ("mr_td", "rtmr1", "rtmr2"):
        assert about["measurements"][register] in json.dumps(shown), (register, shown)


def test_the_same_packages_give_the_same_bytes(guest_image, bindir, workdir):
    """Goal: who builds the image anew gets the hashes that the policy was written for."""
    again = vmimage.build(vmimage.programs_for_guest(bindir), workdir / "again", "--simulated")
    assert image_of(again) == image_of(guest_image)
    for name in ("vmlinuz", "initrd", "root.img", "firmware.fd", "measured.json", "policy.yaml"):
        assert (again / name).read_bytes() == (guest_image / name).read_bytes(), name


def test_a_changed_byte_changes_the_measurement(guest_image, bindir, workdir):
    """Goal: what is in the root is in RTMR2, through the hash tree and the command line."""
    about = image_of(guest_image)
    _, salt, blocks = about["cmdline"].split("postern.root=")[1].split(":")
    root = workdir / "root.img"
    shutil.copyfile(guest_image / "root.img", root)
    geometry = ["--no-superblock", "--salt", salt, "--data-blocks", blocks, "--hash", "sha256",
                "--hash-offset", int(blocks) * 4096]
    whole = run("veritysetup", "verify", *geometry, root, root, about["root_hash"], check=False)
    assert whole.returncode == 0, whole.stdout
    with open(root, "r+b") as file:
        file.seek(root.stat().st_size // 3)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 1]))
    assert run("veritysetup", "verify", *geometry, root, root, about["root_hash"],
               check=False).returncode != 0
    said = run("veritysetup", "format", *geometry, "--uuid", "", root, root).stdout
    changed = said.split("Root hash:")[1].split()[0]
    assert changed != about["root_hash"]
    predicted = json.loads(run(
        bindir / "postern", "measure", "--json", "--memory", about["measurements"]["memory_mib"],
        "--firmware", guest_image / "firmware.fd", "--kernel", guest_image / "vmlinuz",
        "--initrd", guest_image / "initrd",
        "--cmdline", about["cmdline"].replace(about["root_hash"], changed)).stdout)
    assert predicted["rtmr2"] != about["measurements"]["rtmr2"]
    for register in ("mr_td", "rtmr1"):
        assert predicted[register] == about["measurements"][register]


def holds(image, path):
    """Whether an image's root has this path."""
    said = subprocess.run(["dump.erofs", f"--path={path}", image / "root.img"],
                          capture_output=True, text=True)
    return f"File : {path}\n" in said.stdout  # it ends with 0 either way


def test_an_image_for_tdx_has_nothing_of_the_simulator(guest_image, bindir, workdir):
    """Goal: the module, the mark and what they bring are in no image that claims to protect."""
    image = vmimage.build(vmimage.programs_for_guest(bindir), workdir / "real")
    about = image_of(image)
    assert not about["simulated"] and image_of(guest_image)["simulated"]
    assert about["measurements"]["rtmr2"] != image_of(guest_image)["measurements"]["rtmr2"]
    content = (image / "root.img").read_bytes()
    assert b"tsm_sim.ko" not in content
    assert b"tsm_sim.ko" in (guest_image / "root.img").read_bytes()
    assert holds(guest_image, "/etc/postern/simulated") and holds(image, "/usr/sbin/postern-init")
    assert not holds(image, "/etc/postern/simulated")


def test_a_guest_boots_measured_and_closed(guest_image, bindir, workdir, children):
    """Goal: the agent starts by its production path; its quotes have the predicted registers; from
    the host nothing answers; the containers run; it ends in order."""
    manifest, disks = hello(workdir)
    platform = vmimage.Platform(bindir, children, workdir, guest_image, manifest)
    tap = Tap(platform)
    ns = PrivateNet()
    card = tap_device(ns)
    capture = Capture(ns, card)
    config = platform.config(gateway={"address": "10.77.0.1:4443", "name": "gateway.example.net"},
                             net={"address": "10.77.0.2/24", "route": "10.77.0.1"})
    guest = vmimage.Machine(children, guest_image, platform, config, disks, ns=ns,
                            net=f"tap,id=n0,ifname={card},script=no,downscript=no")
    guest.wait("step", "ready")
    log = guest.log()
    assert "event=ready" in log and "quotes=tdx_guest" in log and "SIMULATED" in log
    assert tap.quotes
    for quote in tap.quotes:
        check_quote(bindir, platform, guest_image, quote, manifest)
    with ns.here():
        assert open_ports("10.77.0.2") == []
        assert udp_answers("10.77.0.2", [*range(1, 1025, 7), 2375, 51821]) == []
    guest.wait("step", "containers")
    # ARP, and connections that are asked of the gateway
    assert capture.stop() == {(0x0806, 0, 0), (0x0800, socket.IPPROTO_TCP, 4443)}
    guest.say('{"exec":"/bin/sh"}')
    guest.say('{"stop":{}}')
    guest.wait("step", "stopped")
    assert guest.ended() == 0
    assert "manage_refused" in guest.log()


def test_another_image_under_a_listed_name_is_refused(guest_image, bindir, workdir, children):
    """Goal: the host cannot put another container in the place of the manifest's."""
    manifest, disks = hello(workdir, images={"hello:1": "sha256:" + "ab" * 32})
    platform = vmimage.Platform(bindir, children, workdir, guest_image, manifest)
    guest = vmimage.Machine(children, guest_image, platform, disks=disks)
    assert guest.wait("refused")["refused"].startswith("image hello:1: it is sha256:")
    assert guest.ended() == 0
    assert not any(line.get("step") == "images" for line in guest.said)


def test_a_nonsense_config_is_refused(guest_image, bindir, workdir, children):
    """Goal: what the host says is understood whole or refused with its reason."""
    platform = vmimage.Platform(bindir, children, workdir, guest_image, vmimage.manifest_bytes())
    config = platform.config(node='a"\nfirewall: false')
    guest = vmimage.Machine(children, guest_image, platform, config)
    assert guest.wait("refused")["refused"] == "config: node: expected 1 to 63 of a-z, 0-9 and -"
    assert guest.ended() == 0
    assert not any("service" in line and line["service"] == "agent" for line in guest.said)


def test_a_changed_root_disk_does_not_run(guest_image, bindir, workdir, children):
    """Goal: the host's disk is the image's, block by block, or the machine stops."""
    image = workdir / "image"
    image.mkdir()
    for file in guest_image.iterdir():
        (image / file.name).symlink_to(file)
    root = workdir / "root.img"
    shutil.copyfile(guest_image / "root.img", root)
    with open(root, "r+b") as file:
        file.seek(1024)  # the superblock of erofs
        block = bytearray(file.read(64))
        block[40] ^= 1
        file.seek(1024)
        file.write(block)
    (image / "root.img").unlink()
    (image / "root.img").symlink_to(root)
    platform = vmimage.Platform(bindir, children, workdir, image, vmimage.manifest_bytes())
    guest = vmimage.Machine(children, image, platform)
    guest.ended()
    assert not any("step" in line for line in guest.lines(1))
    assert "dm-verity device has corrupted data" in guest.log() or "corrupted" in guest.log()
