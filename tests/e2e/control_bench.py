"""A gateway and CVMs in namespaces of their own, joined by an Ethernet, all
with real programs: postern-teesim, postern-wg, postern-registrar,
postern-agent. Used by test_control.py.

Each machine has a private /run, so that the sockets of two WireGuard
interfaces called wg0 do not meet.
"""
import hashlib
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import textwrap
import time

from conftest import Children, Netns, accepts, run, unique, wait_for

ATTEST_PORT, WG_PORT = 4443, 51820
LEASE = 6.0
REGISTERS = {"mr_td": "mrtd", "rtmr0": "rtmr0", "rtmr1": "rtmr1", "rtmr2": "rtmr2"}


def image_policy(image):
    """What src/quoting/sim_quote.h says the registers of an image are."""
    lines = [f"  - name: {image}"]
    for key, register in REGISTERS.items():
        text = b"postern simulated image\0" + image.encode() + b"\0" + register.encode()
        lines.append(f"    {key}: {hashlib.sha384(text).hexdigest()}")
    return "images:\n" + "\n".join(lines) + "\n"


PING = """
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.settimeout(1)
head = struct.pack("!BBHHH", 8, 0, 0, 77, 1)
total = sum(struct.unpack("!4H", head))
total = (total & 0xffff) + (total >> 16)
try:
    s.sendto(struct.pack("!BBHHH", 8, 0, ~total & 0xffff, 77, 1), (sys.argv[1], 0))
    while s.recv(2048)[20:21] != bytes([0]):
        pass
except OSError:
    sys.exit(1)
"""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


def ask(path, what, method="GET"):
    """(status, body) of an HTTP request over a unix socket."""
    connection = UnixConnection(path)
    try:
        connection.request(method, what)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


class Machine:
    """A namespace with a private /run and one address on the Ethernet."""

    def __init__(self, bench, name, address):
        self.bench, self.name, self.address = bench, name, address
        self.dir = bench.dir / name
        self.dir.mkdir()
        self.ns = Netns(unique(name))
        self.holder = bench.children.start(
            *self.ns.argv("unshare", "-m", "sh", "-c",
                          "mount -t tmpfs tmpfs /run && mkdir /run/wireguard && exec sleep 600"))
        outer = unique("o")
        run("ip", "link", "add", outer, "netns", bench.middle.name, "type", "veth",
            "peer", "name", "eth0", "netns", self.ns.name)
        bench.middle.run("ip", "link", "set", outer, "master", "br0", "up")
        self.ns.run("ip", "addr", "add", f"{address}/24", "dev", "eth0")
        self.ns.run("ip", "link", "set", "eth0", "up")
        wait_for(lambda: "sleep" in pathlib.Path(f"/proc/{self.holder.pid}/cmdline").read_text(),
                 what="private /run")
        self.wg = None
        self.daemon = None

    def argv(self, *argv):
        return ["nsenter", "--target", self.holder.pid, "--mount", "--net", "--", *argv]

    def run(self, *argv, **kwargs):
        return run(*self.argv(*argv), **kwargs)

    def start(self, program, *argv, log=None):
        path = program if "/" in str(program) else self.bench.bindir / program
        return self.bench.children.start(*self.argv(path, *argv), log=log)

    def start_wg(self):
        self.wg = self.start("postern-wg", "-f", "wg0", log=f"{self.name}-wg.log")

    def start_daemon(self):
        program = "postern-registrar" if self.name == "gw" else "postern-agent"
        self.daemon = self.start(program, "--config", self.dir / "config.yaml",
                                 log=f"{self.name}.log")

    def log(self):
        return (self.bench.dir / f"{self.name}.log").read_text(errors="replace")

    def kill(self, child):
        child.send_signal(signal.SIGKILL)
        child.wait()

    def wg_peers(self):
        """public key -> allowed addresses, as `wg` sees them."""
        done = self.run("wg", "show", "wg0", "allowed-ips", check=False)
        return dict(line.split(None, 1) for line in done.stdout.splitlines()
                    if "\t" in line)


class Bench:
    """gateway 198.51.100.1; CVMs from .11 on; a hostile host at .66."""

    def __init__(self, bindir, folder):
        self.bindir, self.dir = bindir, folder
        self.children = Children(folder)
        self.middle = Netns(unique("mid"))
        self.middle.run("ip", "link", "add", "br0", "type", "bridge")
        self.middle.run("ip", "link", "set", "br0", "up")
        self.middle.run("ip", "addr", "add", "198.51.100.66/24", "dev", "br0")
        self.machines = {}
        self.tds = []

    def close(self):
        self.children.stop_all()
        for machine in self.machines.values():
            machine.ns.delete()
        self.middle.delete()

    # ---- the platform

    def manifest(self, name, ports=(), compose=None):
        path = self.dir / f"{name}.json"
        text = {"manifest_version": 2, "name": name,
                "ports": [{"port": p, "protocol": "http"} for p in ports]}
        if compose:
            text.update(runner="docker-compose", docker_compose_file=compose)
        path.write_text(json.dumps(text))
        return path

    def add_td(self, name, image, manifest, debug=False):
        self.tds.append({"name": name, "image": image, "manifest": manifest, "debug": debug,
                         "socket": self.dir / f"{name}.tee"})

    def start_platform(self):
        sim = self.dir / "sim"
        config = self.dir / "teesim.yaml"
        text = (f"state: {sim}\ncollateral: {sim}/collateral\nroot: {sim}/root.pem\n"
                "tds:\n")
        for td in self.tds:
            text += (f"  - name: {td['name']}\n    socket: {td['socket']}\n"
                     f"    image: {td['image']}\n    manifest: {td['manifest']}\n"
                     f"    debug: {'true' if td['debug'] else 'false'}\n")
        config.write_text(text)
        self.platform = self.children.start(self.bindir / "postern-teesim", "--config", config,
                                            log="teesim.log")
        wait_for(lambda: all(accepts(td["socket"]) for td in self.tds)
                 and (sim / "root.pem").exists(), what="the simulated platform")

    def trust(self, policy, td):
        return textwrap.dedent(f"""\
            trust:
              policy: {policy}
              collateral: {self.dir}/sim/collateral
              simulated_root: {self.dir}/sim/root.pem
            quotes:
              simulator: {self.dir}/{td}.tee
            """)

    def policy(self, name, image):
        path = self.dir / f"{name}.policy"
        part = self.dir / f"{name}.policy.new"
        part.write_text(image_policy(image))
        os.rename(part, path)
        return path

    # ---- the machines

    def gateway(self, accepts="base", td="gw", extra=""):
        m = self.machines["gw"] = Machine(self, "gw", "198.51.100.1")
        policy = self.policy("gw", accepts)
        (m.dir / "config.yaml").write_text(
            f"base: postern.localhost\nnode: gw-1\nlisten: 198.51.100.1:{ATTEST_PORT}\n"
            f"admin: {m.dir}/admin.sock\nstatus: {m.dir}/status.sock\n"
            f"store: {m.dir}/store\nstate: {m.dir}/state\nmanifest: {self.dir}/gateway.json\n"
            + self.trust(policy, td) +
            f"wireguard:\n  interface: wg0\n  listen_port: {WG_PORT}\n"
            f"  endpoint: 198.51.100.1:{WG_PORT}\n  address: 10.88.0.1/16\n  keepalive: 1s\n"
            f"lease: {int(LEASE)}s\nlog: debug\n" + extra)
        return m

    def cvm(self, name, address, manifest, accepts="gateway", td=None, engine=None):
        m = self.machines[name] = Machine(self, name, address)
        policy = self.policy(name, accepts)
        (m.dir / "config.yaml").write_text(
            f"node: {name}\n"
            f"gateway:\n  address: 198.51.100.1:{ATTEST_PORT}\n  name: gateway.postern.localhost\n"
            f"manifest: {manifest}\nstate: {m.dir}/state\nstatus: {m.dir}/agent.sock\n"
            + self.trust(policy, td or name) +
            "wireguard:\n  interface: wg0\n  listen_port: 51821\n"
            "firewall: true\nlog: debug\ncontainers:\n"
            + (f"  engine: docker\n  socket: {engine}\n" if engine else "  engine: none\n"))
        return m

    # ---- what they say

    def admin(self, what, method="GET"):
        status, body = ask(self.machines["gw"].dir / "admin.sock", what, method)
        return json.loads(body) if status == 200 else {"status": status, **json.loads(body)}

    def leases(self):
        try:
            return {lease["node_id"]: lease for lease in self.admin("/v1/leases")["leases"]}
        except OSError:
            return {}

    def agent(self, name):
        """Its status; None when it does not answer, also asked again."""
        for _ in range(3):
            try:
                return json.loads(ask(self.machines[name].dir / "agent.sock", "/v1/status")[1])
            except OSError:
                time.sleep(0.05)
        return None

    def fetch(self, address, port=80, timeout=2, where="gw"):
        """The body of http://address:port/ as the machine sees it, or None."""
        done = self.machines[where].run(
            "curl", "-sf", "--max-time", timeout, f"http://{address}:{port}/", check=False)
        return done.stdout if done.returncode == 0 else None

    def ping(self, address, where="gw"):
        """No ping(8) on a small machine: one echo request by hand."""
        return self.machines[where].run("/usr/bin/python3", "-c", PING, address,
                                        check=False).returncode == 0

    def story(self):
        """What everybody said last and who is dead, for a failure's message."""
        lines = []
        for child in self.children.all:
            end = child.log.read_text(errors="replace")[-1500:]
            lines.append(f"--- {child.log.name} pid {child.pid} exit {child.poll()}\n{end}")
        return "\n".join(lines)

    def wait_tunnel(self, name, timeout=15.0):
        """The lease of a CVM whose web server answers through the tunnel."""
        try:
            lease = wait_for(lambda: self.leases().get(name), timeout, f"a lease of {name}")
            wait_for(lambda: self.fetch(lease["address"]), timeout, f"the tunnel to {name}")
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.story()}") from None
        return lease
