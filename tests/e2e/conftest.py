"""Fixtures of the end-to-end tests: where the programs are, network
namespaces with unique names, child processes that end with their test.

Run as root: /usr/bin/python3 -m pytest tests/e2e [--bindir build/debug/bin]
"""
import base64
import itertools
import os
import pathlib
import pty
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "world"))
_serial = itertools.count(1)


def pytest_addoption(parser):
    parser.addoption("--bindir", default=None,
                     help="folder of the programs (default build/$MODE or build/debug)")


def unique(what="x"):
    """A short name no other test or run uses; fits an interface name."""
    return f"pt{os.getpid() % 100000:x}{what[:3]}{next(_serial)}"


def wait_for(condition, timeout=60.0, what="condition", step=0.02):
    """Polls until condition() is true and returns its value."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"timed out after {timeout} s waiting for {what}")
        time.sleep(step)


def connect_unix(path, timeout=60.0):
    """A connection to a socket that somebody is about to make: its name is there before it is
    listened on."""
    sock = socket.socket(socket.AF_UNIX)
    wait_for(lambda: sock.connect_ex(str(path)) == 0, timeout, f"{path} to be listened on")
    return sock


def accepts(path):
    """Whether somebody listens at a unix socket's path; he sees a connection that says nothing."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        return probe.connect_ex(str(path)) == 0


def run(*argv, check=True, timeout=60, **kwargs):
    """Runs a command to its end; its output is in the failure's message."""
    done = subprocess.run([str(a) for a in argv], text=True, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kwargs)
    if check and done.returncode != 0:
        raise AssertionError(f"{argv}: exit {done.returncode}\n{done.stdout}")
    return done


def on_terminal(argv):
    """What a command that ends well writes when its standard output is one."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([str(a) for a in argv], stdout=theirs,
                          stderr=subprocess.DEVNULL) as child:
        os.close(theirs)
        said = b""
        try:
            while chunk := os.read(ours, 4096):
                said += chunk
        except OSError:  # the other end is closed
            pass
        os.close(ours)
        assert child.wait(60) == 0, said
    return said.decode()


def tool(bindir, name):
    """The helper program tests/tools/NAME.c, built as the programs in bindir."""
    built = bindir.parent
    run("make", "-s", f"MODE={built.name.split('-')[0]}", f"O={built}", built / "tool" / name,
        cwd=ROOT, timeout=300)
    return built / "tool" / name


def mappings_of(pid):
    """(first, end, flags) of each writable mapping that can be read."""
    first = end = None
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if line.startswith("VmFlags:"):
            flags = line.split()[1:]
            if {"rd", "wr"} <= set(flags):
                yield first, end, flags
        elif "-" in line.split()[0]:
            first, end = (int(x, 16) for x in line.split()[0].split("-"))


def found_in_memory(pid, key):
    """The flags of each mapping of a process that holds a key, given in base64: as it is, and in
    hexadecimal; one for each time."""
    key = base64.b64decode(key)
    found = []
    with open(f"/proc/{pid}/mem", "rb") as memory:
        for first, end, flags in mappings_of(pid):
            memory.seek(first)
            content = memory.read(end - first)
            found += [flags] * sum(content.count(k) for k in (
                key, key.hex().encode(), key.hex()[2:-2].encode()))
    return found


class Netns:
    """A network namespace, by name; `ns.run("ip", "addr")` runs inside.

    nsenter rather than `ip netns exec`, which would hide /sys/fs/cgroup."""

    def __init__(self, name):
        self.name = name
        run("ip", "netns", "add", name)
        self.run("ip", "link", "set", "lo", "up")

    @property
    def path(self):
        return f"/run/netns/{self.name}"

    def argv(self, *argv):
        return ["nsenter", f"--net={self.path}", "--", *[str(a) for a in argv]]

    def run(self, *argv, **kwargs):
        return run(*self.argv(*argv), **kwargs)

    def delete(self):
        run("ip", "netns", "del", self.name, check=False)


class Children:
    """Processes of one test: started here, ended at its end, by pid."""

    def __init__(self, folder):
        self.folder = folder
        self.all = []

    def start(self, *argv, log=None, **kwargs):
        log = self.folder / (log or f"{pathlib.Path(str(argv[0])).name}.{next(_serial)}.log")
        with open(log, "ab") as out:
            child = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL,
                                     stdout=kwargs.pop("stdout", out), stderr=out, **kwargs)
        child.log = log
        self.all.append(child)
        return child

    def stop(self, child, sig=signal.SIGTERM, timeout=30):
        """Ends one child; returns its exit status."""
        if child.poll() is None:
            child.send_signal(sig)
            try:
                child.wait(timeout)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        return child.returncode

    def stop_all(self):
        for child in reversed(self.all):
            self.stop(child, timeout=5)


@pytest.fixture(scope="session")
def bindir(request):
    chosen = request.config.getoption("--bindir")
    path = pathlib.Path(chosen) if chosen else ROOT / "build" / os.environ.get("MODE", "debug") / "bin"
    path = path.resolve()
    assert path.is_dir(), f"{path}: not built; run make"
    return path


@pytest.fixture(scope="session", autouse=True)
def as_root():
    if os.geteuid() != 0:
        pytest.exit("the end-to-end tests need root (network namespaces, TUN)", returncode=2)


@pytest.fixture
def workdir():
    """A folder with a short path (unix socket names are 107 bytes), removed after."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="pt-", dir="/tmp"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def children(workdir):
    made = Children(workdir)
    yield made
    made.stop_all()


@pytest.fixture
def netns():
    """netns() makes a namespace with a unique name; all go at the test's end."""
    made = []

    def make(what="ns"):
        made.append(Netns(unique(what)))
        return made[-1]

    yield make
    for ns in made:
        ns.delete()


@pytest.fixture
def veth():
    """veth(a, "10.0.0.1/24", b, "10.0.0.2/24") joins two namespaces; the
    interface names are returned."""
    def join(a, address_a, b, address_b):
        name_a, name_b = unique("va"), unique("vb")
        run("ip", "link", "add", name_a, "netns", a.name, "type", "veth",
            "peer", "name", name_b, "netns", b.name)
        for ns, name, address in ((a, name_a, address_a), (b, name_b, address_b)):
            ns.run("ip", "addr", "add", address, "dev", name)
            ns.run("ip", "link", "set", name, "up")
        return name_a, name_b
    return join


@pytest.fixture(scope="session")
def zt_shared():
    """A world of zt.py for all modules that mind no company."""
    import zt
    with zt.Zt(zones=("example.test", "plain.test:unsigned", "bogus.test:bogus",
                      "delegated.test")) as made:
        yield made


@pytest.fixture(scope="module")
def zt_settings():
    """The arguments of a module's own zt_world; modules define another."""
    return {}


@pytest.fixture(scope="module")
def zt_world(zt_settings):
    """A world of zt.py for the tests of one module."""
    import zt
    with zt.Zt(**zt_settings) as made:
        yield made


@pytest.fixture(scope="session")
def guest_image(bindir):
    """The folder of an image for the simulated platform (docs/IMAGE.md), built once a session."""
    import vmimage
    return vmimage.build_simulated(bindir)
