"""One CVM's agent over a simulated platform, in namespaces of its own and
without a gateway: for tests of the guest API. No container engine either, so a
test speaks through the containers' sockets itself, as each container would.
"""
import hashlib
import http.client
import json
import pathlib
import socket

from conftest import Children, accepts, run, wait_for
from control_bench import image_policy

# All rights there are, for one container; one that may do little; one that may nothing.
RULES = {
    "web": ["info", "quote", "evidence", "key:*", "sign:*", "tls-key", "event"],
    "worker": ["info", "key:/worker/*", "sign:vms"],
    "idle": [],
}


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)


def call(path, what, body=None, method=None):
    """(status, JSON) of one call as a container makes it."""
    connection = Connection(path)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method or ("GET" if body is None else "POST"), what, text,
                           {"Content-Type": "application/json"} if text else {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


class GuestBench:
    def __init__(self, bindir, folder, manifest):
        self.bindir, self.dir = bindir, pathlib.Path(folder)
        self.children = Children(self.dir)
        self.manifest = self.dir / "manifest.json"
        self.manifest.write_text(json.dumps({"manifest_version": 2, "name": "app", **manifest}))
        self.app_id = hashlib.sha256(self.manifest.read_bytes()).digest()[:20].hex()
        self.holder = self.children.start(
            "unshare", "-n", "-m", "sh", "-c",
            "mount --make-rprivate / && mount -t tmpfs tmpfs /run && mkdir /run/wireguard &&"
            " ip link set lo up && exec sleep 900")
        wait_for(lambda: "sleep" in self.cmdline(), what="the namespaces")
        self.start_platform()
        self.wg = self.start("postern-wg", "-f", "wg0")
        self.agent = None

    def cmdline(self):
        return pathlib.Path(f"/proc/{self.holder.pid}/cmdline").read_text()

    def argv(self, *argv):
        return ["nsenter", "--target", self.holder.pid, "--mount", "--net", "--", *argv]

    def run(self, *argv, **kwargs):
        return run(*self.argv(*argv), **kwargs)

    def start(self, program, *argv, log=None):
        return self.children.start(*self.argv(self.bindir / program, *argv), log=log)

    def start_platform(self):
        sim = self.dir / "sim"
        (self.dir / "teesim.yaml").write_text(
            f"state: {sim}\ncollateral: {sim}/collateral\nroot: {sim}/root.pem\n"
            f"tds:\n  - name: cvm\n    socket: {self.dir}/cvm.tee\n    image: base\n"
            f"    manifest: {self.manifest}\n")
        self.platform = self.start("postern-teesim", "--config", self.dir / "teesim.yaml")
        wait_for(lambda: accepts(self.dir / "cvm.tee") and (sim / "root.pem").exists(),
                 what="the platform")

    def policy(self, image="base"):
        path = self.dir / f"{image}.policy"
        path.write_text(image_policy(image))
        return path

    def start_agent(self, extra=""):
        (self.dir / "agent.yaml").write_text(
            f"node: cvm\ngateway:\n  address: 198.51.100.1:443\n  name: gateway.postern.localhost\n"
            f"manifest: {self.manifest}\nstate: {self.dir}/state\nstatus: {self.dir}/agent.sock\n"
            f"env: {self.dir}/env.json\ntrust:\n  policy: {self.policy()}\n"
            f"  collateral: {self.dir}/sim/collateral\n  simulated_root: {self.dir}/sim/root.pem\n"
            f"quotes:\n  simulator: {self.dir}/cvm.tee\n"
            "wireguard:\n  interface: wg0\n  listen_port: 51821\nfirewall: false\n"
            "containers:\n  engine: none\nlog: debug\n" + extra)
        self.agent = self.start("postern-agent", "--config", self.dir / "agent.yaml", log="agent.log")
        wait_for(lambda: accepts(self.dir / "agent.sock") or self.agent.poll() is not None,
                 60, "the agent")
        assert self.agent.poll() is None, self.log()

    def stop_agent(self):
        assert self.children.stop(self.agent) == 0, self.log()

    def log(self):
        return (self.dir / "agent.log").read_text(errors="replace")

    def socket(self, container):
        return next(self.dir.glob(f"guest.*/{container}/s"))

    def ask(self, container, what, body=None, method=None):
        return call(self.socket(container), what, body, method)

    def status(self):
        return call(self.dir / "agent.sock", "/v1/status")[1]

    def verify(self, quote, report_data=None):
        """postern quote verify over the bench's own root: its JSON."""
        kept = self.dir / "quote.json"
        kept.write_text(json.dumps(quote))
        argv = [self.bindir / "postern", "quote", "verify", kept, "--json",
                "--collateral", self.dir / "sim/collateral", "--root", self.dir / "sim/root.pem",
                "--policy", self.policy()]
        if report_data:
            argv += ["--report-data", report_data]
        done = run(*argv, check=False)
        assert done.returncode == 0, done.stdout
        return json.loads(done.stdout)

    def close(self):
        self.children.stop_all()
