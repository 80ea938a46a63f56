"""A node with postern-cert for tests: the simulated platform, the manifest, the configuration, and
the program itself in the test world's network; see test_cert.py."""
import contextlib
import http.client
import json
import pathlib
import shutil
import socket
import time

from conftest import Children, accepts, wait_for


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


def ask(path, method, url, body=None):
    """(status, bytes) of a server at a unix socket"""
    with contextlib.closing(UnixConnection(path)) as connection:
        connection.request(method, url, body)
        answer = connection.getresponse()
        return answer.status, answer.read()


class Node:
    """'names' is one certificate's; 'more' is YAML at the end of cert.yaml."""

    def __init__(self, bindir, world, folder, names, *, more="", challenges="dns-01", image="base",
                 dns_more="", authority_more=""):
        self.bindir, self.world, self.names = bindir, world, names
        self.dir = pathlib.Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.children = Children(self.dir)
        self.state, self.config = self.dir / "cert", self.dir / "cert.yaml"
        self.admin, self.keys = self.dir / "cert.sock", self.dir / "keys.sock"
        self.public = self.dir / "public.sock"
        (self.dir / "manifest.json").write_text('{"manifest_version":2,"name":"gateway"}')
        (self.dir / "teesim.yaml").write_text(f"""
state: {self.dir}/teesim
root: {self.dir}/sim-root.pem
collateral: {self.dir}/collateral
control: {self.dir}/teesim.sock
tds:
  - {{ name: gw, socket: {self.dir}/tee.sock, image: {image}, manifest: {self.dir}/manifest.json }}
""")
        update = (f"update: {{ server: {world.dns['server']}, key: challenge.,"
                  f" secret_file: {world.secret_file()} }}")
        self.config.write_text(f"""
node: gw-1
manifest: {self.dir}/manifest.json
state: {self.state}
quotes: {{ simulator: {self.dir}/tee.sock }}
collateral: {self.dir}/collateral
certificates:
  - names: {json.dumps(names)}
authorities:
  - directory: {world.ca['directory']}
    ca: {world.cafile}
    roots: {world.ca['roots']}
    agree: true
    {authority_more}
challenges: [ {challenges} ]
dns:
  resolvers: [ {world.dns['resolver']} ]
  anchors: {world.dns['anchor_ds']}
  port: {world.dns['server'].rsplit(':', 1)[1]}
  {dns_more or update}
admin: {self.admin}
keys: {self.keys}
public: {self.public}
log: debug
{more}
""")
        self.cert = self.platform = None

    def start_platform(self):
        self.platform = self.children.start(self.bindir / "postern-teesim", "--config",
                                            self.dir / "teesim.yaml")
        wait_for(lambda: accepts(self.dir / "tee.sock"), what="the platform")

    def launch_anew(self):
        """Another launch of the trust domain: registers are as at boot."""
        self.children.stop(self.platform)
        self.platform = None

    def start(self, *, before=(), **kwargs):
        """'before' are words in front of the command, such as env and its arguments."""
        if not self.platform:
            self.start_platform()
        self.cert = self.children.start(*self.world.argv(
            *before, self.bindir / "postern-cert", "--config", self.config), **kwargs)
        return self.cert

    def log(self):
        return self.cert.log.read_text()

    def stop(self, **kwargs):
        return self.children.stop(self.cert, **kwargs)

    def close(self):
        self.children.stop_all()

    def status(self):
        code, body = ask(self.admin, "GET", "/v1/status")
        assert code == 200, body
        return json.loads(body)

    def certificate(self):
        """What the status says of the one certificate, or None."""
        try:
            known = self.status().get("certificates")
        except (OSError, http.client.HTTPException):
            return None
        return known[0] if known and known[0]["there"] else None

    def wait_certificate(self, timeout=60, unlike=None):
        """Until there is one (with another TBS than 'unlike')."""
        def there():
            assert self.cert.poll() is None, self.log()[-3000:]
            now = self.certificate()
            return now if now and now["tbs"] != unlike else None
        return wait_for(there, timeout, "a certificate", step=0.2)

    def wait_evidence(self, timeout=30):
        wait_for((self.state / "evidence" / "core.json").exists, timeout, "evidence", step=0.1)
        return self.state / "evidence"

    def tls(self):
        """What the edge is given."""
        code, body = ask(self.keys, "GET", "/v1/tls")
        assert code == 200, body
        return json.loads(body)

    def audit(self, *events):
        lines = [json.loads(line) for line in
                 (self.state / "audit.jsonl").read_text().splitlines()]
        return [line for line in lines if not events or line["event"] in events]

    def wait_alarm(self, kind, timeout=60):
        def raised():
            assert self.cert.poll() is None, self.log()[-3000:]
            with contextlib.suppress(OSError, http.client.HTTPException):
                return [a for a in self.status()["alarms"] if a["kind"] == kind]
        return wait_for(raised, timeout, f"the alarm {kind}", step=0.2)[0]

    def wipe_state(self):
        shutil.rmtree(self.state)


def follow(path, mark, count, timeout=60):
    """Waits until the file has 'mark' that many times."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if path.read_text(errors="replace").count(mark) >= count:
            return True
        time.sleep(0.002)
    return False
