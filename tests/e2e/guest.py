"""A small virtual machine with Debian's kernel, for what this machine's kernel
has not: WireGuard, netem.

QEMU without hardware help (TCG), so that it runs in a virtual machine too and
needs no /dev/kvm.  The guest's only file system is its initial one: busybox,
the modules, and programs of this machine with the libraries they need.  It is
driven through a port of its virtual serial bus (tests/vm/init); its network
card, if it has one, is a tap interface in a namespace given by the test.
"""
import base64
import pathlib
import shlex
import shutil
import socket
import subprocess

from conftest import ROOT, run, unique, wait_for

VM = ROOT / "tests/vm"
KERNEL = ROOT / "build/guest"
MEMORY_MIB = 512
BOOT_S = 120  # some seconds, when nobody else wants the processor
# The check of the timer fails, and with it the boot, when QEMU waits long for a processor.
CMDLINE = "console=ttyS0 quiet panic=-1 mitigations=off random.trust_cpu=on no_timer_check"
MODULES = ("virtio_pci", "virtio_console", "virtio_net", "wireguard", "tun", "ifb", "sch_netem",
           "sch_ingress", "cls_matchall", "act_mirred")


def with_dependencies(tree, names):
    """The modules' files and those they need, as modules.dep tells."""
    version = next((tree / "lib/modules").iterdir())
    needs = {}
    for line in (version / "modules.dep").read_text().splitlines():
        file, rest = line.split(":")
        needs[file] = rest.split()
    by_name = {pathlib.Path(f).name.split(".")[0].replace("-", "_"): f for f in needs}
    chosen = set()
    for name in names:
        file = by_name[name]
        chosen |= {file, *needs[file]}
    return version, sorted(chosen)


def libraries(program):
    """What the loader would load, and the loader."""
    out = run("ldd", program, check=False).stdout
    words = [w for line in out.splitlines() for w in line.split() if w.startswith("/")]
    return [pathlib.Path(w) for w in words]


class Guest:
    """Starts at once; run() and read() are there when it has booted."""

    def __init__(self, children, folder, ns, programs, modules=(), disks=(),
                 memory_mib=MEMORY_MIB, cpus=1):
        """programs: name in the guest's PATH -> file of this machine.  ns None: no network.
        disks: files, /dev/vda and following."""
        run(VM / "kernel", KERNEL, timeout=300)
        self.folder = folder / unique("vm")
        self.folder.mkdir()
        self.console = self.folder / "console"
        self.tap = unique("tap")
        self.ns = ns
        self.make_initial(programs, modules)
        devices = []
        if ns:
            ns.run("ip", "tuntap", "add", "dev", self.tap, "mode", "tap")
            ns.run("ip", "link", "set", self.tap, "up")
            devices += ["-netdev", f"tap,id=n,ifname={self.tap},script=no,downscript=no",
                        "-device", "virtio-net-pci,netdev=n,romfile="]
        for disk in disks:
            devices += ["-drive", f"file={disk},format=raw,if=virtio"]
        path = self.folder / "commands"
        self.process = children.start(*(ns.argv if ns else lambda *argv: argv)(
            "qemu-system-x86_64", "-accel", "tcg,tb-size=128", "-machine", "q35",
            "-cpu", "max,la57=off", "-smp", cpus, "-m", memory_mib, "-nodefaults",
            "-no-user-config", "-no-reboot", "-display", "none", "-kernel", KERNEL / "vmlinuz",
            "-initrd", self.folder / "initial",
            "-append", CMDLINE,
            "-serial", f"file:{self.console}",
            *devices,
            "-chardev", f"socket,id=c,path={path},server=on,wait=off",
            "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=c,name=commands"))
        self.port = socket.socket(socket.AF_UNIX)
        self.lines = None
        self.port.settimeout(BOOT_S)
        try:
            wait_for(lambda: self.process.poll() is not None or
                     self.port.connect_ex(str(path)) == 0, timeout=BOOT_S, what="QEMU")
            self.lines = self.port.makefile("rb")
            first = self.lines.readline()
        except OSError as e:
            first = repr(e).encode()
        assert first == b"ready\n", (
            f"the guest did not boot: {first}\n{self.process.log.read_text()}\n"
            f"{self.console.read_text(errors='replace') if self.console.exists() else ''}")

    def make_initial(self, programs, more_modules):
        root = self.folder / "root"
        for name in ("bin", "sbin", "usr/bin", "usr/sbin", "dev", "etc", "tmp", "root"):
            (root / name).mkdir(parents=True)
        shutil.copy("/bin/busybox", root / "bin/busybox")
        for name in set(run("/bin/busybox", "--list").stdout.split()) - {"busybox"}:
            (root / "bin" / name).symlink_to("/bin/busybox")
        (root / "sbin/modprobe").symlink_to("/bin/busybox")
        shutil.copy(VM / "init", root / "init")
        # Standalone busybox would take its own "ip" before any in PATH.
        self.at = {name: f"/usr/bin/{name}" for name in programs}
        for name, program in programs.items():
            shutil.copy(program, root / "usr/bin" / name)
            for library in libraries(program):
                to = root / str(library)[1:]
                to.parent.mkdir(parents=True, exist_ok=True)
                if not to.exists():
                    shutil.copy(library, to)
        version, files = with_dependencies(KERNEL, (*MODULES, *more_modules))
        modules = root / "lib/modules" / version.name
        for file in files:
            (modules / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(version / file, modules / file)
        for index in version.glob("modules.*"):
            shutil.copy(index, modules / index.name)
        with open(self.folder / "initial", "wb") as out:
            names = subprocess.run(["find", ".", "-print0"], cwd=root, check=True,
                                   stdout=subprocess.PIPE).stdout
            subprocess.run(["cpio", "--null", "-o", "-H", "newc", "-R", "0:0", "--quiet"], cwd=root,
                           input=names, stdout=out, check=True)
        shutil.rmtree(root)

    def script(self, text, check=True, timeout=60):
        """Runs a script of busybox's shell; (exit status, output)."""
        self.port.settimeout(timeout)
        self.port.sendall(base64.b64encode(text.encode()) + b"\n")
        try:
            answer = self.lines.readline()
        except TimeoutError:
            answer = b""
        assert answer.endswith(b"\n"), (
            f"the guest did not answer within {timeout} s: {text}\n"
            f"{self.console.read_text(errors='replace')}")
        status, _, output = answer.decode().strip().partition(" ")
        output = base64.b64decode(output).decode()
        assert not check or status == "0", f"guest: {text}\nexit {status}\n{output}"
        return int(status), output

    def command(self, *argv):
        words = [str(a) for a in argv]
        return shlex.join([self.at.get(words[0], words[0]), *words[1:]])

    def run(self, *argv, **kwargs):
        """One command's output; as conftest.run()."""
        return self.script(self.command(*argv), **kwargs)[1]

    def start(self, *argv, log="/dev/null"):
        """In the background; its process id."""
        return int(self.script(f"{self.command(*argv)} >{log} 2>&1 & echo $!")[1])

    def write_bytes(self, path, content):
        """A line of the port may not be too long, so bit by bit."""
        self.script(f"umask 077; : >{path}")
        for at in range(0, len(content), 30000):
            text = base64.b64encode(content[at:at + 30000]).decode()
            self.script(f"echo {text} | base64 -d >>{path}")

    def write(self, path, text):
        self.write_bytes(path, text.encode())
