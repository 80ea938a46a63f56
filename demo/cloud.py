"""A running cloud as the demo and the tests see it: `postern` and HTTPS."""
import ctypes
import hashlib
import http.client
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import threading
import time

PR_SET_PDEATHSIG = 1


def end_with_parent():
    """In a child: gets SIGTERM when we die, however we die."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Answer:
    """What an HTTPS request got, and what TLS it went through."""

    def __init__(self, status, body, tls, cipher, certificate, seconds):
        self.status, self.body = status, body
        self.tls, self.cipher = tls, cipher
        self.certificate = certificate
        self.fingerprint = hashlib.sha256(certificate).hexdigest()
        self.seconds = seconds

    def json(self):
        return json.loads(self.body)


class Connection(http.client.HTTPSConnection):
    """To an address of ours, whatever the name in the URL resolves to."""

    def __init__(self, name, address, port, context):
        super().__init__(name, port, context=context, timeout=20)
        self.address, self.tls = address, context

    def connect(self):
        plain = socket.create_connection((self.address, self.port), timeout=20)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = self.tls.wrap_socket(plain, server_hostname=self.host)
        self.seen = (self.sock.version(), self.sock.cipher()[0], self.sock.getpeercert(True))


class Cloud:
    def __init__(self, bindir, config, name="demo", port=8443):
        self.postern = str(pathlib.Path(bindir).resolve() / "postern")
        self.bindir = pathlib.Path(bindir).resolve()
        self.config, self.name, self.port = str(config), name, port
        self.process = None
        self.lines = []
        self.namespaces = {}  # host's number of a node's first process -> descriptor
        self.base = "postern.localhost"
        self.state = self.ca = None  # known once it runs

    # Starting and stopping.

    def start(self, on_line=lambda line: None, state=None, wait=60, ephemeral=True):
        """Starts `postern up`; on_line gets each line it prints, from a thread."""
        argv = [self.postern, "up", "--config", self.config, "--name", self.name,
                "--port", str(self.port), "--wait", str(wait)]
        if ephemeral:
            argv.append("--ephemeral")
        if state:
            argv += ["--state", str(state)]
        self.process = subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=end_with_parent)

        def read():
            for line in self.process.stdout:
                self.lines.append(line.rstrip("\n"))
                on_line(self.lines[-1])

        self.reader = threading.Thread(target=read, daemon=True)
        self.reader.start()

    def stop(self, sig=signal.SIGTERM, timeout=30):
        """Ends it; returns the exit status."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.reader.join(5)
        return status

    def leftovers(self):
        """Everything of this cloud that is still on the machine, in words."""
        left = []
        prefix = f"postern.{self.name}."
        netns = pathlib.Path("/run/netns")
        if netns.is_dir():
            left += [f"network namespace {p.name}" for p in netns.iterdir()
                     if p.name.startswith(prefix)]
        for folder in pathlib.Path("/sys/fs/cgroup").glob(f"{prefix}*"):
            left.append(f"control group {folder}")
        for folder in pathlib.Path("/sys/fs/cgroup").glob(f"*/{prefix}*"):
            left.append(f"control group {folder}")
        place = f"/postern-cloud/{self.name}"
        with open("/proc/mounts") as mounts:
            left += [f"mount {line.split()[1]}" for line in mounts
                     if place + "/" in line or prefix in line]
        for folder in ("/run" + place, "/var/lib" + place, f"/run{place}.lock"):
            if os.path.exists(folder):
                left.append(folder)
        inodes = {os.fstat(fd).st_ino for fd in self.namespaces.values()}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                inside = os.stat(f"/proc/{pid}/ns/pid").st_ino
            except OSError:
                continue
            is_ours = words[0] == self.postern.encode() and self.name.encode() in words
            if is_ours or inside in inodes:
                left.append(f"process {pid} {words[0].decode(errors='replace')}")
        return left

    def remember_namespaces(self):
        """Holds the nodes' process namespaces, to find processes in them later;
        one that is not held could give its number to somebody else's."""
        for lock in pathlib.Path(f"/run/postern-cloud/{self.name}").glob("*/lock"):
            pid = lock.read_text().strip()
            if pid and pid not in self.namespaces:
                try:
                    self.namespaces[pid] = os.open(f"/proc/{pid}/ns/pid", os.O_RDONLY)
                except OSError:
                    pass

    # Looking into it.

    def call(self, *argv, timeout=30):
        return subprocess.run([self.postern, *argv], text=True, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL)

    def status(self):
        """`postern status --json`, with the nodes by name; {} when it does not run."""
        done = self.call("status", "--name", self.name, "--json")
        if done.returncode != 0:
            return {}
        cloud = json.loads(done.stdout)
        cloud["nodes"] = {node["name"]: node for node in cloud["nodes"]}
        return cloud

    def node(self, name):
        return self.status().get("nodes", {}).get(name, {})

    def exec_argv(self, node, *argv):
        return [self.postern, "exec", "--name", self.name, node, *[str(a) for a in argv]]

    def exec(self, node, *argv, timeout=30):
        """Runs a command inside a node to its end."""
        return subprocess.run(self.exec_argv(node, *argv), text=True, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL)

    def popen(self, node, *argv, **kwargs):
        """Starts a command inside a node; it ends with us."""
        return subprocess.Popen(self.exec_argv(node, *argv), stdin=subprocess.DEVNULL,
                                preexec_fn=end_with_parent, **kwargs)

    def wait_for(self, question, timeout, step=0.1):
        """Polls question() until it answers something true, or time is up."""
        end = time.monotonic() + timeout
        while True:
            answer = question()
            if answer or time.monotonic() > end or \
                    (self.process and self.process.poll() is not None):
                return answer
            time.sleep(step)

    def learn(self):
        """What only the running cloud knows: its state folder, its authority."""
        status = self.status()
        self.state = pathlib.Path(status.get("state", "/nonexistent"))
        self.base = status.get("base", self.base)
        self.ca = self.state / "ca.pem"
        self.remember_namespaces()

    def wg_peers(self, node):
        """Public keys of the node's WireGuard peers; None when it has no device."""
        done = self.exec(node, "wg", "show", "wg0", "peers")
        return done.stdout.split() if done.returncode == 0 else None

    # Using it.

    def get(self, label, path="/", headers=None, context=None):
        """GET https://<label>.<base>/..., by default trusting the demo's authority."""
        if context is None:
            context = ssl.create_default_context(cafile=str(self.ca))
        name = f"{label}.{self.base}"
        connection = Connection(name, "127.0.0.1", self.port, context)
        began = time.monotonic()
        try:
            connection.request("GET", path, headers={"Connection": "close", **(headers or {})})
            reply = connection.getresponse()
            body = reply.read().decode()
            return Answer(reply.status, body, *connection.seen, time.monotonic() - began)
        finally:
            connection.close()
