"""A cloud of `postern up` with a gateway alone, in which `postern deploy` puts apps on virtual
machines; their image is vmimage.py's."""
import json
import pathlib
import signal
import struct
import subprocess

from conftest import ROOT, run, unique, wait_for
from ports import free_port

BOOT_S = 600  # a tenth of it, when nobody else wants the processors
STATE = pathlib.Path("/var/lib/postern-vm")
RUN = pathlib.Path("/run/postern-vm")


class Cloud:
    """One gateway, in the background; machines that were put into it go with it."""

    def __init__(self, bindir, folder):
        self.bindir, self.folder = bindir, folder
        self.name = unique("c")
        self.port = free_port()
        self.machines = set()
        self.log = open(folder / "up.log", "wb")
        self.up = subprocess.Popen(
            [bindir / "postern", "up", "--config", ROOT / "examples/deploy/cloud.yaml", "--name",
             self.name, "--port", str(self.port), "--ephemeral"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            wait_for(lambda: b"ready: " in (folder / "up.log").read_bytes() or
                     self.up.poll() is not None, 60, "the cloud")
            assert self.up.poll() is None, (folder / "up.log").read_text()
        except BaseException:
            self.end()
            raise
        self.state = pathlib.Path("/var/lib/postern-cloud") / self.name
        self.hostile = f"/run/netns/postern.{self.name}.hostile"

    def postern(self, *argv, **kwargs):
        return run(self.bindir / "postern", *argv, **kwargs)

    def vm(self, *argv, **kwargs):
        return self.postern("vm", *argv, **kwargs)

    def status(self, name):
        said = self.vm("status", name, "--json", check=False).stdout
        return json.loads(said)

    def deploy(self, compose, *more, name, **kwargs):
        """Runs `postern deploy`; its output, whatever its end.  The name is one of unique()'s: the
        machine goes with this cloud, and must not be a person's."""
        self.machines.add(name)
        return self.postern("deploy", compose, "--cloud", self.name, "--name", name, "--wait", BOOT_S,
                            *more, timeout=BOOT_S + 60, **kwargs)

    def get(self, url, *more, check=True):
        host = url.split("/")[2].split(":")[0]
        return run("curl", "-sS", "--max-time", "20", "--cacert", self.state / "ca.pem", "--resolve",
                   f"{host}:{self.port}:127.0.0.1", url, *more, check=check).stdout

    def close(self):
        for name in self.machines:
            self.vm("stop", name, check=False, timeout=150)
            self.vm("remove", name, check=False)
        self.end()

    def end(self):
        if self.up.poll() is None:
            self.up.send_signal(signal.SIGINT)
        self.up.wait(60)
        self.log.close()


def packets(path):
    """(ethertype, frame) of each frame in a pcap file."""
    data = pathlib.Path(path).read_bytes()
    order = "<" if data[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    at = 24
    while at + 16 <= len(data):
        length = struct.unpack(order + "I", data[at + 8:at + 12])[0]
        frame = data[at + 16:at + 16 + length]
        at += 16 + length
        yield struct.unpack(">H", frame[12:14])[0], frame
