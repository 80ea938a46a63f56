"""A small tree of signed zones for test_dns.py, served by real name servers (knot) on addresses of
the loopback interface of a network namespace of its own, at port 53."""
import base64
import os
import pathlib
import shutil
import subprocess
import tempfile

from conftest import run, wait_for

ALGORITHM = "algorithm=ECDSAP256SHA256"


class PrivateNet:
    """A network namespace without a name, with loopback only; it ends with its process."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "ip link set lo up; exec sleep 3600"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: "127.0.0.1" in run(*self.argv("ip", "addr", "show", "lo"), check=False).stdout
                 and os.readlink(f"/proc/{self.holder.pid}/ns/net") != os.readlink("/proc/self/ns/net"),
                 what="a loopback interface")

    def argv(self, *argv):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--", *[str(a) for a in argv]]

    def run(self, *argv, **kwargs):
        return run(*self.argv(*argv), **kwargs)

    def close(self):
        self.holder.kill()
        self.holder.wait()


class Knot:
    """knotd at one address with the zones of 'zones': name -> (signed, lines of the zone file).
    'keys' are TSIG keys, name -> (algorithm, what it may write: types, or None for anything)."""

    def __init__(self, net, address, zones, keys=None, folder=None):
        self.net, self.address, self.zones, self.keys = net, address, zones, keys or {}
        self.dir = pathlib.Path(folder or tempfile.mkdtemp(prefix="pt-knot-", dir="/tmp"))
        self.secrets = {name: base64.b64encode(os.urandom(32)).decode() for name in self.keys}
        self.config = self.dir / "knot.conf"
        self.child = None
        for zone, (_, lines) in zones.items():
            self.zone_file(zone).write_text("\n".join(lines) + "\n")
        self.configure()

    def zone_file(self, zone):
        return self.dir / f"{zone or 'root'}.zone"

    def configure(self):
        acls = ""
        for name, (_, types) in self.keys.items():
            acls += f"  - id: {name}\n    key: {name}.\n    action: update\n"
            if types:
                acls += f"    update-type: [ {', '.join(types)} ]\n"
        keys = "".join(f"  - id: {name}.\n    algorithm: {algorithm}\n    secret: {self.secrets[name]}\n"
                       for name, (algorithm, _) in self.keys.items())
        zones = "".join(
            f"  - domain: {zone}.\n    file: {self.zone_file(zone)}\n"
            f"    dnssec-signing: {'on' if signed else 'off'}\n" for zone, (signed, _) in self.zones.items())
        acl = f"    acl: [ {', '.join(self.keys)} ]\n" if self.keys else ""
        self.config.write_text(f"""\
server:
    rundir: {self.dir}
    listen: {self.address}@53
    automatic-acl: off
log:
  - target: {self.dir}/log
    any: info
database:
    storage: {self.dir}
{'key:' if keys else ''}
{keys}
{'acl:' if acls else ''}
{acls}
policy:
  - id: ours
    algorithm: ECDSAP256SHA256
    manual: on
    cds-cdnskey-publish: none
template:
  - id: default
    storage: {self.dir}
    dnssec-policy: ours
    zonefile-load: difference
    zonefile-sync: -1
    journal-content: changes
{acl}
zone:
{zones}
""")

    def generate(self, zone):
        """Keys for a zone; its DS records as lines of the parent's file."""
        for role in ("ksk=yes", "zsk=yes"):
            run("keymgr", "-c", self.config, zone, "generate", ALGORITHM, role)
        out = run("keymgr", "-c", self.config, zone, "ds").stdout
        lines = [line for line in out.splitlines() if " DS " in line]
        assert lines, out
        return lines

    def start(self):
        self.child = subprocess.Popen(self.net.argv("knotd", "-c", self.config),
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for zone in self.zones:
            wait_for(lambda: "SOA" in self.dig("SOA", zone or "."), what=f"knotd at {self.address}")
        return self

    def dig(self, kind, name, *more):
        return self.net.run("kdig", f"@{self.address}", "+time=1", "+retry=0", "+nocookie", *more, name, kind,
                            check=False).stdout

    def short(self, kind, name):
        out = self.net.run("kdig", f"@{self.address}", "+short", name, kind).stdout
        return sorted(line.strip() for line in out.splitlines())

    def key(self, name):
        algorithm = self.keys[name][0]
        return f"{name}.:{algorithm}:{self.secrets[name]}"

    def close(self):
        if self.child:
            self.child.terminate()
            self.child.wait(10)
        shutil.rmtree(self.dir, ignore_errors=True)


def head(zone, serial=1):
    """The first lines of a zone served by ns1 (127.0.0.1) and ns2 (127.0.0.2) of example.test."""
    return [f"$ORIGIN {zone}.", "$TTL 5",
            f"@ SOA ns1.example.test. hostmaster.example.test. {serial} 3600 600 86400 5",
            "@ NS ns1.example.test.", "@ NS ns2.example.test."]
