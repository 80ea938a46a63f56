"""Goal: a custom domain ends TLS in the CVM of its app. One line of the manifest switches it on; its
owner makes a TXT record and the CAA records that the ingress asks for; then the certificate comes
from a CA by tls-alpn-01 through the gateway, whose key nobody but the CVM has, and `postern verify`
goes from the hardware by the account to the certificate.

One cloud of `postern up` with a world; the order of the tests is one story.
"""
import base64
import hashlib
import json
import pathlib
import re
import signal
import ssl
import sys

import pytest
from cryptography.hazmat.primitives import serialization

from conftest import ROOT, found_in_memory, unique, wait_for
from ports import free_port

sys.path.insert(0, str(ROOT / "demo"))
from cloud import Cloud, Connection  # noqa: E402
from webcert import WebCertificate  # noqa: E402

NAME, GATEWAY, WORLD = "www.custom.example", "198.51.100.1", "198.51.100.254"
MANIFEST = json.dumps({"manifest_version": 2, "name": "shop",
                       "ingress": {"domains": [NAME], "backend": 8080, "forwarded": True}})
APP = hashlib.sha256(MANIFEST.encode()).hexdigest()[:40]
CLOUD = f"""
base: postern.localhost
lease: 20s
name: ingress
world: {ROOT}/tests/world/world.py
gateways:
  - {{ name: gateway, address: {GATEWAY}, public: true, image: gateway, accepts: base,
      manifest: {ROOT}/examples/demo/gateway.json }}
cvms:
  - {{ name: shop, address: 198.51.100.11, image: base, gateway: "{GATEWAY}:443", manifest: shop.json,
      accepts: gateway, alias: shop, engine: none }}
"""
# The app: says what it was asked, on the CVM's loopback.
SERVER = """
import http.server, json
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = json.dumps({"path": self.path, "headers": dict(self.headers)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Handler).serve_forever()
"""
OWNER = f"""
import json, sys
sys.path.insert(0, {str(ROOT / 'tests/world')!r})
import dnsserver
records = dnsserver.Records(json.load(open(sys.argv[1]))["dns"])
for name, *caa in json.loads(sys.argv[2]):
    records.set(name, "CAA", *caa)
"""


class Shop:
    def __init__(self, cloud):
        self.cloud = cloud
        self.run = pathlib.Path(f"/run/postern-cloud/{cloud.name}")

    def ask(self, socket, path, *more):
        done = self.cloud.exec("shop", "curl", "-sf", *more, "--unix-socket", f"/run/postern/{socket}",
                               f"http://localhost{path}")
        return json.loads(done.stdout) if done.returncode == 0 else {}

    def cert(self):
        return self.ask("ingress/cert.sock", "/v1/status")

    def account(self):
        return next((a["url"] for a in self.cert().get("accounts", []) if a["standing"] == "ready"), None)

    def certificate(self):
        return next((c for c in self.cert().get("certificates", []) if c["there"]), None)

    def events(self):
        done = self.cloud.exec("shop", "cat", "/var/lib/postern/ingress/audit.jsonl")
        return [json.loads(line)["event"] for line in done.stdout.splitlines()]

    def services(self):
        ingress = (self.cloud.node("shop").get("status") or {}).get("ingress") or {}
        return {s["name"]: s for s in ingress.get("services", [])}

    def own(self, *wanted):
        """What the domain's owner writes: [name, CAA...] each."""
        facts = self.cloud.state / "world/world.json"
        done = self.cloud.exec("hostile", "/usr/bin/python3", "-c", OWNER, facts, json.dumps(wanted))
        assert done.returncode == 0, done.stdout

    def get(self, path="/", name=NAME):
        """A visitor's request: (status, body, the certificate)"""
        context = ssl.create_default_context(cafile=str(self.cloud.ca))
        connection = Connection(name, "127.0.0.1", self.cloud.port, context)
        try:
            connection.request("GET", path, headers={"Connection": "close"})
            reply = connection.getresponse()
            return reply.status, reply.read().decode(), connection.seen[2]
        finally:
            connection.close()

    def answers(self):
        try:
            return self.get()[0] == 200
        except (OSError, ValueError):
            return False

    def logs(self):
        return self.cloud.call("logs", "--name", self.cloud.name).stdout[-6000:]


@pytest.fixture(scope="module")
def shop(bindir, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cloud")
    (folder / "cloud.yaml").write_text(CLOUD)
    (folder / "shop.json").write_text(MANIFEST)
    cloud = Cloud(bindir, folder / "cloud.yaml", name=unique("in"), port=free_port())
    cloud.start()
    try:
        assert cloud.wait_for(lambda: any("ready: https" in line for line in cloud.lines), 60), cloud.lines
        cloud.learn()
        s = Shop(cloud)
        s.app = cloud.popen("shop", "/usr/bin/python3", "-c", SERVER)
        yield s
        s.app.kill()
        s.app.wait()
    finally:
        status = cloud.stop()
    assert status == 0
    assert cloud.leftovers() == []


def test_nothing_is_ordered_before_caa_names_the_account(shop):
    alarms = wait_for(lambda: shop.account() and [a for a in shop.cert()["alarms"] if a["kind"] == "caa_not_pinned"],
                      20, "an account and the alarm")
    assert alarms[0]["about"] == NAME
    # It says what its owner has to make.
    wanted = re.search(r"there has to be: (.*)$", alarms[0]["text"])[1].split(", ")
    assert wanted == [f'{NAME} CAA 0 issue "ca.test; accounturi={shop.account()}; validationmethods=tls-alpn-01"',
                      f'{NAME} CAA 0 issuewild ";"']
    assert "there has to be" in shop.cloud.call("status", "--name", shop.cloud.name).stdout
    assert "order" not in shop.events() and not shop.certificate()
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        shop.get()


def test_certificate_made_in_the_cvm(shop):
    account = shop.account()
    shop.own([NAME, f'0 issue "ca.test; accounturi={account}; validationmethods=tls-alpn-01"', '0 issuewild ";"'],
             ["custom.example", '0 issue ";"', '0 issuewild ";"'])
    shop.ask("ingress/cert.sock", "/v1/caa/look", "-X", "POST")
    wait_for(lambda: "evidence_published" in shop.events(), 60, "the certificate and its evidence", step=0.2)
    wait_for(shop.answers, 10, "the app to be reached", step=0.1)
    assert account == shop.account()
    status, body, _ = shop.get("/hello?x=1")
    said = json.loads(body)
    assert status == 200 and said["path"] == "/hello?x=1"
    # Whom the gateway said the client is, and no word of the client's own.
    assert said["headers"]["X-Forwarded-For"] == "127.0.0.1"
    assert said["headers"]["X-Forwarded-Proto"] == "https"
    # The gateway passed it through.
    edge = (shop.cloud.state / "gateway/log/edge.log").read_text()
    assert re.search(rf'"name":"{NAME}","mode":"pass","app":"{APP}"', edge)
    assert f'"name":"{NAME}","mode":"terminate"' not in edge


def test_another_name_does_not_lead_here(shop):
    """The owner of another domain points it at this app, whose manifest does not list it."""
    code = OWNER.split("for name")[0] + f'records.set("_postern.other.custom.example", "TXT", \'"{APP}:443"\')\n'
    done = shop.cloud.exec("hostile", "/usr/bin/python3", "-c", code, shop.cloud.state / "world/world.json")
    assert done.returncode == 0, done.stdout
    with pytest.raises(ssl.SSLError, match="(?i)unrecognized.name"):
        shop.get(name="other.custom.example")


def test_evidence_comes_from_the_cvm(shop):
    status, body, _ = shop.get("/.dstack/app-info")
    assert status == 200 and json.loads(body)["app_id"] == APP
    status, sums, leaf = shop.get("/evidences/sha256sum.txt")
    assert status == 200 and f"cert-{NAME}.pem" in sums
    status, pem, _ = shop.get(f"/evidences/cert-{NAME}.pem")
    assert hashlib.sha256(pem.encode()).hexdigest() in sums
    assert ssl.PEM_cert_to_DER_cert(pem[:pem.index("-----END") + 26]) == leaf
    assert shop.get("/evidences-of-mine")[1].startswith('{"path"')  # the app's


def test_postern_verify_holds(shop):
    web = WebCertificate(shop.cloud, None, GATEWAY)
    needed = {"quote.signature", "quote.policy", "quote.binding", "app.identity", "fresh.quote", "fresh.session",
              "cert.key", "cert.issued", "key.quote", "account.proof", "account.quote", "account.directory",
              "caa.dnssec", "caa.exclusive", "ct.scts", "history.sources", "history.foreign"}

    def verdict():
        status, checks = web.judged(NAME, judge="gateway", method="tls-alpn-01", app=APP)
        return status, {i: c for i, c in checks.items() if c["state"] != "pass"}, needed - set(checks)
    # The sources learn of a certificate a moment after it is logged.
    shop.cloud.wait_for(lambda: verdict()[0] == 0, 25, 1)
    status, rest, missing = verdict()
    assert status == 0 and not needed & set(rest) and not missing, (status, rest, missing)
    # Another app is not taken for this one.
    _, checks = web.judged(NAME, judge="gateway", method="tls-alpn-01", app="00" * 20)
    assert checks["app.identity"]["state"] == "fail"


def forms_of_the_key(shop):
    """The private key as text (PEM), as in DER, and as a number in memory has it."""
    pem = shop.ask("ingress/cert-keys.sock", "/v1/tls")["certificates"][0]["key"]
    key = serialization.load_pem_private_key(pem.encode(), None)
    number = key.private_numbers().private_value.to_bytes(32, "big")
    return [pem.splitlines()[1].encode(), number, number[::-1]]


def pids_of(shop, node):
    """Numbers on this machine of a node's processes."""
    init = int((shop.run / node / "lock").read_text())
    space = pathlib.Path(f"/proc/{init}/ns/pid").stat().st_ino
    found = []
    for proc in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if (proc / "ns/pid").stat().st_ino == space:
                found.append(int(proc.name))
        except OSError:
            pass
    return found


def test_gateway_has_no_key_of_it(shop):
    forms = forms_of_the_key(shop)

    def holds(pid):
        return any(found_in_memory(pid, base64.b64encode(form)) for form in forms)
    assert any(holds(pid) for pid in pids_of(shop, "shop"))  # so it can be found
    assert not [pid for pid in pids_of(shop, "gateway") if holds(pid)]
    for path in shop.cloud.state.rglob("*"):
        if path.is_file() and path.stat().st_size < 16 << 20:
            text = path.read_bytes()
            assert not [form for form in forms if form in text], path


def test_only_postern_cert_gets_out(shop):
    def connects(*how):
        return shop.cloud.exec("shop", "/usr/bin/python3", "-c",
                               "import os, socket, sys\n"
                               + "".join(f"{h}\n" for h in how)
                               + f"socket.create_connection(('{WORLD}', 14000), 1.5)").returncode == 0
    assert not connects()
    assert connects("os.setgroups([])", "os.setgid(64443)")  # as postern-cert
    assert not connects("os.setgroups([64443])")  # a supplementary group is none
    seen = shop.cloud.exec("shop", "ps", "-eo", "gid,comm").stdout
    assert re.search(r"64443 postern-cert", seen) and re.search(r" 0 postern-edge", seen)


@pytest.mark.parametrize("which", ["edge", "cert"])
def test_killed_program_comes_back(shop, which):
    before, issued = shop.services()[which], shop.certificate()["tbs"]
    orders = shop.events().count("order")
    assert shop.cloud.exec("shop", "kill", "-9", str(before["pid"])).returncode == 0
    wait_for(lambda: (s := shop.services()[which]) and s["restarts"] > before["restarts"] and s["state"] == "ready",
             15, f"{which} to be ready again", step=0.1)
    wait_for(lambda: shop.answers() and shop.certificate(), 15, "the app to be reached again", step=0.1)
    assert shop.certificate()["tbs"] == issued and shop.events().count("order") == orders


def test_killed_agent_comes_back(shop):
    issued = shop.certificate()["tbs"]
    services = json.loads((shop.run / "shop/run/postern/services.json").read_text())["services"]
    agent = next(s for s in services if s["name"] == "agent")
    before = {s["pid"] for s in shop.services().values()}
    assert shop.cloud.exec("shop", "kill", "-9", str(agent["pid"])).returncode == 0
    wait_for(lambda: (s := shop.services()) and not before & {x["pid"] for x in s.values()}
             and all(x["state"] == "ready" for x in s.values()), 20, "another supervisor", step=0.2)
    wait_for(shop.answers, 20, "the app to be reached again", step=0.2)
    assert shop.certificate()["tbs"] == issued


def test_status_shows_it(shop):
    said = shop.cloud.call("status", "--name", shop.cloud.name).stdout
    assert re.search(rf"ingress of shop.*\n.*certificate {NAME}: \d+ days left", said), said


def test_state_is_sealed_to_this_app_and_instance(shop):
    """Only the app's own instance reads it: its files say nothing in clear."""
    sealed = list((shop.cloud.state / "shop/lib/postern/ingress/sealed").rglob("*"))
    assert [p for p in sealed if p.is_file()]
    for path in sealed:
        assert not path.is_file() or b"PRIVATE KEY" not in path.read_bytes()


def test_end_leaves_nothing_behind(shop):
    """With the agent, also by a signal, everything of it ends."""
    services = json.loads((shop.run / "shop/run/postern/services.json").read_text())["services"]
    agent = next(s for s in services if s["name"] == "agent")
    pids = [s["pid"] for s in shop.services().values()]
    shop.cloud.exec("shop", "kill", f"-{signal.SIGTERM.value}", str(agent["pid"]))
    wait_for(lambda: all(shop.cloud.exec("shop", "kill", "-0", str(p)).returncode for p in pids), 15,
             "the programs to end", step=0.2)
    wait_for(shop.answers, 20, "the next agent's", step=0.2)
