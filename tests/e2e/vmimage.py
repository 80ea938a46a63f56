"""The guest image for the tests that boot it, and the least that boots one: QEMU without hardware
help, a simulated platform, and the two ports.

What QEMU is told here follows docs/IMAGE.md; `postern vm` has its own way to say it.
"""
import hashlib
import io
import json
import os
import pathlib
import subprocess
import tarfile
import time

from conftest import ROOT, connect_unix, run, unique

BOOT_S = 600  # some ten seconds, when nobody else wants the processors
PROGRAMS = ("postern", "postern-init", "postern-agent", "postern-wg", "postern-edge", "postern-cert")
MEMORY_MIB = 1024
# A policy of the guest's own: anybody on the simulated platform.
TRUST = "tcb:\n  accept: [UpToDate]\n"


def programs_for_guest(bindir):
    """Those under test; what a sanitizer made would need its library in the guest."""
    if not bindir.name == "bin" or not any(s in bindir.parent.name for s in ("asan", "tsan", "cov")):
        return bindir
    release = ROOT / "build/release/bin"
    run("make", "-s", "MODE=release", *[f"build/release/bin/{p}" for p in PROGRAMS], cwd=ROOT,
        timeout=900)
    return release


def build(bindir, out, *options):
    run(ROOT / "image/build", "--bindir", bindir, *options, out, timeout=600)
    return out


def build_simulated(bindir):
    """The folder of an image for the simulated platform; conftest.py's guest_image calls this once."""
    programs = programs_for_guest(bindir)
    return build(programs, ROOT / "build/image" / f"test-{programs.parent.name}", "--simulated")


def image_of(folder):
    return json.loads((folder / "image.json").read_text())


def manifest_bytes(name="hello", **more):
    """An application's manifest for a guest; 'more' are further keys of it."""
    return json.dumps({"manifest_version": 2, "name": name, "trust": TRUST} | more).encode()


def busybox_archive(path, name, files, command):
    """A container image as `docker save` writes it: busybox and these files; returns its id."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        content = {"bin/busybox": pathlib.Path("/bin/busybox").read_bytes()} | files
        for folder in sorted({str(pathlib.Path(f).parent) for f in content} | {"tmp"}):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for file, data in content.items():
            entry = tarfile.TarInfo(file)
            entry.size, entry.mode = len(data), 0o755
            tar.addfile(entry, io.BytesIO(data))
    layer = layer.getvalue()
    config = json.dumps({
        "architecture": "amd64", "os": "linux", "config": {"Cmd": command},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}).encode()
    image = hashlib.sha256(config).hexdigest()
    index = json.dumps([{"Config": f"{image}.json", "RepoTags": [name], "Layers": ["layer.tar"]}])
    with tarfile.open(path, "w") as tar:
        for file, data in ((f"{image}.json", config), ("layer.tar", layer),
                           ("manifest.json", index.encode())):
            entry = tarfile.TarInfo(file)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return f"sha256:{image}"


class Platform:
    """postern-teesim with one trust domain per image folder and manifest."""

    def __init__(self, bindir, children, folder, image, manifest):
        self.folder, self.bindir = folder, bindir
        self.manifest = folder / "manifest.json"
        self.manifest.write_bytes(manifest)
        self.socket, self.root = folder / "tee.sock", folder / "root.pem"
        (folder / "teesim.yaml").write_text(
            f"state: {folder}/sim\ncollateral: {folder}/collateral\nroot: {self.root}\ntds:\n"
            f"  - name: a\n    socket: {self.socket}\n    image: base\n"
            f"    manifest: {self.manifest}\n    measured: {image}/measured.json\n")
        children.start(bindir / "postern-teesim", "--config", folder / "teesim.yaml")
        connect_unix(self.socket).close()
        self.bundle = folder / "collateral.json"
        run(bindir / "postern", "collateral", "export", self.bundle, "--dir", folder / "collateral")

    def config(self, **more):
        return {"node": "a", "gateway": {"address": "10.0.2.2:4443", "name": "gateway.example.net"},
                "net": {"address": "10.0.2.15/24", "route": "10.0.2.2"},
                "simulated_root": self.root.read_text()} | more


class Machine:
    """A guest that boots at once.  'config' is an object, or bytes as they are."""

    def __init__(self, children, image, platform, config=None, disks=(), net="user,id=n0", ns=None):
        self.folder, self.said, self._rest = platform.folder, [], b""
        name = unique("vm")
        self.console = self.folder / f"{name}.console"
        manage = self.folder / f"{name}.manage"
        config = platform.config() if config is None else config
        given = self.folder / f"{name}.json"
        given.write_bytes(config if isinstance(config, bytes) else json.dumps(config).encode())
        about = image_of(image)
        argv = [image / about["qemu"]["program"]]
        for folder in about["qemu"]["firmware_folders"]:
            argv += ["-L", image / folder]
        argv += ["-accel", "tcg,thread=multi,tb-size=1024", "-cpu", "Haswell", "-M", "q35", "-smp", "2",
                 "-m", str(MEMORY_MIB), "-nodefaults", "-no-reboot", "-display", "none",
                 "-serial", f"file:{self.console}", "-kernel", image / about["files"]["kernel"]["path"],
                 "-initrd", image / about["files"]["initrd"]["path"], "-append", about["cmdline"],
                 "-netdev", net, "-device", "virtio-net-pci,netdev=n0,romfile=",
                 "-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
                 "-chardev", f"socket,id=m,path={manage},server=on,wait=off",
                 "-device", "virtserialport,chardev=m,name=org.postern.manage",
                 "-chardev", f"socket,id=p,path={platform.socket},reconnect=1",
                 "-device", "virtserialport,chardev=p,name=org.postern.platform",
                 "-fw_cfg", f"name=opt/org.postern/manifest,file={platform.manifest}",
                 "-fw_cfg", f"name=opt/org.postern/config,file={given}",
                 "-fw_cfg", f"name=opt/org.postern/collateral,file={platform.bundle}"]
        root = image / about["files"]["root"]["path"]
        for serial, file in (("root", root), *disks):
            argv += ["-drive", f"file={file},if=none,id={serial},format=raw,readonly=on",
                     "-device", f"virtio-blk-pci,drive={serial},serial={serial}"]
        argv = ns.argv(*argv) if ns else argv
        self.child = children.start(*argv, log=f"{name}.qemu")
        self.manage = connect_unix(manage, timeout=60)

    def cpu_s(self):
        """What QEMU has used of the processors."""
        fields = pathlib.Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def lines(self, until=BOOT_S):
        """What the guest says on its management port, line by line, until it goes away."""
        end = time.monotonic() + until
        while True:
            while b"\n" in self._rest:
                line, self._rest = self._rest.split(b"\n", 1)
                self.said.append(json.loads(line))
                yield self.said[-1]
            self.manage.settimeout(max(0.1, end - time.monotonic()))
            try:
                more = self.manage.recv(4096)
            except TimeoutError:
                raise AssertionError(f"silent; it said {self.said}\n{self.log()[-3000:]}") from None
            if not more:
                return
            self._rest += more

    def wait(self, key, value=None, until=BOOT_S):
        """The first line from now on that has this."""
        for line in self.lines(until):
            if key in line and value in (None, line[key]):
                return line
        raise AssertionError(f"it ended without {key} {value}; it said {self.said}\n{self.log()[-3000:]}")

    def log(self):
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def say(self, text):
        self.manage.sendall(text.encode() + b"\n")

    def ended(self, timeout=BOOT_S):
        """QEMU's exit status, once the machine is off."""
        try:
            return self.child.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it goes on\n{self.log()[-3000:]}") from None
