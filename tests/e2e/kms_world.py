"""A key service of three nodes, CVMs that ask it, and whoever else wants its roots: all on the
loopback of a namespace of their own, on one simulated platform. See test_kms.py."""
import hashlib
import json
import pathlib
import shutil
import signal
import subprocess
import tempfile

from cert_node import ask
from conftest import ROOT, Children, accepts, run, tool, wait_for
from control_bench import REGISTERS, image_policy
from private_net import PrivateNet


def register(image, name):
    """What src/quoting/sim_quote.h says a register of an image is."""
    text = b"postern simulated image\0" + image.encode() + b"\0" + name.encode()
    return hashlib.sha384(text).hexdigest()


def app_id(manifest):
    return hashlib.sha256(manifest.read_bytes()).hexdigest()[:40]


class KmsNode:
    """One postern-kms; its address is 127.0.0.NUMBER."""

    def __init__(self, world, number, td=None, manifest="kms"):
        self.world, self.number = world, number
        self.td = td or f"kms{number}"
        self.dir = world.dir / f"node-{self.td}"
        self.dir.mkdir()
        self.address = f"127.0.0.{number}:8446"
        self.socket, self.state = self.dir / "kms.sock", self.dir / "state"
        self.manifest = world.dir / f"{manifest}.json"
        self.peers = [f"127.0.0.{n}:8446" for n in world.numbers if n != number]
        self.child, self.starts, self.instance = None, 0, None

    def start(self, preload=(), more=""):
        (self.dir / "kms.yaml").write_text(
            f"node: {self.td}\nlisten: {self.address}\nadmin: {self.socket}\nstate: {self.state}\n"
            f"manifest: {self.manifest}\npeers: {json.dumps(self.peers)}\n"
            f"trust:\n  policy: {self.world.dir}/any.policy\n"
            f"  collateral: {self.world.dir}/sim/collateral\n"
            f"  simulated_root: {self.world.dir}/sim/root.pem\n"
            f"quotes:\n  simulator: {self.world.dir}/{self.td}.tee\nlog: debug\n"
            "source_per_minute: 10000000\n" + more)
        self.starts += 1
        self.socket.unlink(missing_ok=True)
        self.child = self.world.children.start(
            *self.world.net.argv(*preload, self.world.bindir / "postern-kms", "--config",
                                 self.dir / "kms.yaml"), log=f"{self.td}-{self.starts}.log")
        return self

    def wait(self):
        wait_for(lambda: self.status() or self.child.poll() is not None,
                 what=f"{self.td} to start")
        assert self.child.poll() is None, self.log()
        self.instance = self.status()["instance_id"]
        return self

    def kill(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def pause(self):
        self.child.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.child.send_signal(signal.SIGCONT)

    def log(self):
        return "".join(f.read_text(errors="replace")
                       for f in sorted(self.world.dir.glob(f"{self.td}-*.log")))

    def status(self):
        """None: it does not answer."""
        try:
            return json.loads(ask(self.socket, "GET", "/v1/status")[1])
        except (OSError, ValueError):
            return None

    def post(self, what, body=b""):
        """(status, what the JSON says)"""
        status, said = ask(self.socket, "POST", f"/v1/{what}", body)
        return status, json.loads(said)

    def audit(self):
        return [json.loads(line) for line in (self.state / "audit.jsonl").read_text().splitlines()]


class KmsWorld:
    """'tds': (name, image, manifest) of CVMs and others beside the nodes."""

    ADMINS, QUORUM = 3, 2

    def __init__(self, bindir, numbers=(1, 2, 3), tds=()):
        self.bindir, self.numbers = bindir, numbers
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="pk-", dir="/tmp"))
        self.children = Children(self.dir)
        self.net = PrivateNet()
        self.asker = tool(bindir, "kmsask")
        self.serial = 0
        self.keys = [self._admin(i) for i in range(self.ADMINS)]
        self.manifest("kms", kms={"quorum": self.QUORUM, "admins": [p for _, p in self.keys]})
        self.manifest("hello")
        self.manifest("other")
        (self.dir / "any.policy").write_text("")
        self._platform([(f"kms{n}", "kms", "kms") for n in numbers] + list(tds))
        self.nodes = [KmsNode(self, n) for n in numbers]

    def close(self):
        for node in self.nodes:
            if node.child and node.child.poll() is None:
                node.go_on()
        self.children.stop_all()
        self.net.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def _admin(self, number):
        """(file of a private key, point in hex)"""
        path = self.dir / f"admin{number}.pem"
        run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-out", path)
        der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"],
                             capture_output=True, check=True).stdout
        return path, der[-64:].hex()

    def manifest(self, name, **more):
        path = self.dir / f"{name}.json"
        path.write_text(json.dumps({"manifest_version": 2, "name": name, **more}))
        return path

    def _platform(self, tds):
        text = (f"state: {self.dir}/sim\ncollateral: {self.dir}/sim/collateral\n"
                f"root: {self.dir}/sim/root.pem\ntds:\n")
        for name, image, manifest in tds:
            text += (f"  - {{ name: {name}, socket: {self.dir}/{name}.tee, image: {image},"
                     f" manifest: {self.dir}/{manifest}.json }}\n")
        (self.dir / "teesim.yaml").write_text(text)
        self.platform = self.children.start(self.bindir / "postern-teesim", "--config",
                                            self.dir / "teesim.yaml", log="teesim.log")
        wait_for(lambda: all(accepts(self.dir / f"{t[0]}.tee") for t in tds)
                 and (self.dir / "sim/root.pem").exists(), 20, "the simulated platform")

    # ---- the policy

    def image(self, name):
        return {"name": name, **{key: register(name, reg) for key, reg in REGISTERS.items()}}

    def app(self, manifest="hello", images=("base",), **more):
        return {"app": app_id(self.dir / f"{manifest}.json"), "images": list(images),
                "instance_keys": ["disk", "seal", "app/"], "app_keys": ["env"],
                "per_minute": 100000, **more}

    def policy(self, signers=(0, 1), serial=None, apps=None, nodes=None, **more):
        """The bytes of a signed policy; serial: the next."""
        self.serial = serial or self.serial + 1
        path = self.dir / "release.json"
        path.write_text(json.dumps({
            "type": "postern/kms-policy/v1", "serial": self.serial,
            "issued": "2026-11-28T00:00:00Z",
            "nodes": nodes or [n.instance for n in self.nodes],
            "images": [self.image("base"), self.image("kms")],
            "simulated": True, "apps": apps if apps is not None else [self.app()], **more}))
        for signer in signers:
            run(self.bindir / "postern", "kms", "policy", "sign", path, "--key",
                self.keys[signer][0], "--output", path)
        return path.read_bytes()

    def start(self):
        """All nodes, founded by the first, and their root active."""
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            node.wait()
        status, said = self.nodes[0].post("bootstrap", self.policy())
        assert status == 200, said
        self.wait_even()

    def wait_even(self, epoch=1, nodes=None, timeout=15):
        def even(node):
            s = node.status()
            return s and s.get("epoch") == epoch and s["ready"] == "ok" \
                and s["policy"]["serial"] == self.serial
        try:
            wait_for(lambda: all(even(n) for n in nodes or self.nodes), timeout,
                     "the nodes to agree", 0.05)
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.story()}") from None

    # ---- those who ask

    def _asker(self, td, trusts):
        folder = self.dir / f"asker-{td}"
        if not folder.exists():
            folder.mkdir()
            (folder / "collateral").symlink_to(self.dir / "sim/collateral")
            (folder / "root.pem").symlink_to(self.dir / "sim/root.pem")
        (folder / "policy").write_text(image_policy(trusts))
        return folder

    def ask(self, td, *question, manifest="hello", nodes=None, trusts="kms"):
        """(exit status, lines) of a CVM that asks"""
        addresses = ",".join(n.address for n in nodes or self.nodes)
        done = run(*self.net.argv(self.asker, self._asker(td, trusts),
                                  self.dir / f"{manifest}.json", self.dir / f"{td}.tee",
                                  addresses, *question), check=False)
        return done.returncode, done.stdout.strip().splitlines()

    def key(self, td, scope="instance", purpose="disk", epoch=0, **more):
        """(epoch, bytes); a refusal is a failure"""
        status, lines = self.ask(td, "get", scope, purpose, epoch, **more)
        assert status == 0, f"{lines}\n{self.story()}"
        number, text = lines[-1].split()
        return int(number), bytes.fromhex(text)

    def refusal(self, td, *question, **more):
        status, lines = self.ask(td, *question, **more)
        assert status == 1, lines
        return lines[-1].split()[0]

    def number(self, td, to=0, name="disk", **more):
        status, lines = self.ask(td, "epoch", name, to, **more)
        assert status == 0, f"{lines}\n{self.story()}"
        return int(lines[-1])

    def story(self):
        return "\n".join(f"--- {n.td}\n{n.log()[-2500:]}" for n in self.nodes if n.child)


