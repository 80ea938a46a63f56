"""`postern up --backend vm`: a description's CVM with containers is a virtual machine; it answers under
its alias, has a disk whose key is the key service's, and nothing of it stays."""
import os
import pathlib
import signal
import subprocess

from conftest import ROOT, run, unique, wait_for
from ports import free_port
from vms import BOOT_S

CLOUD = """\
name: {name}
base: postern.localhost
gateways:
  - {{ name: gateway, address: 198.51.100.1, public: true, image: gateway, accepts: base,
      manifest: {root}/examples/demo/gateway.json }}
kms:
  - {{ name: kms, address: 198.51.100.5, image: kms }}
cvms:
  - {{ name: hello, address: 198.51.100.11, image: base, manifest: {root}/examples/hello/manifest.json,
      contexts: [ {root}/examples/hello ], gateway: "198.51.100.1:443", accepts: gateway, alias: hello,
      data: 128M }}
  - {{ name: plain, address: 198.51.100.12, image: base, manifest: {root}/examples/hello/manifest.json,
      gateway: "198.51.100.1:443", accepts: gateway, engine: none }}
"""


def command_of(path):
    try:
        return path.read_bytes()
    except OSError:  # it has ended meanwhile
        return b""


def test_a_described_cvm_runs_as_a_machine(bindir, workdir, guest_image):
    name, port = unique("v"), free_port()
    config, log = workdir / "cloud.yaml", workdir / "up.log"
    config.write_text(CLOUD.format(name=name, root=ROOT))
    with open(log, "wb") as out:
        up = subprocess.Popen([bindir / "postern", "up", "--config", config, "--port", str(port),
                               "--ephemeral", "--backend", "vm", "--image", guest_image, "--wait",
                               str(BOOT_S)],
                              stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        wait_for(lambda: b"ready: " in log.read_bytes() or up.poll() is not None, BOOT_S, "the cloud", 0.2)
        said = log.read_text()
        assert "hello: a virtual machine, attested both ways" in said, said
        assert "plain: attested both ways" in said, said
        qemus = [p for p in pathlib.Path("/proc").glob("[0-9]*/cmdline")
                 if all(part in command_of(p) for part in (b"qemu-system", b"\0hello\0",
                                                           b"/run/postern/tee.sock"))]
        assert len(qemus) == 1

        def answer():
            return run("curl", "-sS", "--max-time", "20", "--cacert",
                       f"/var/lib/postern-cloud/{name}/ca.pem", "--resolve",
                       f"hello.postern.localhost:{port}:127.0.0.1",
                       f"https://hello.postern.localhost:{port}/", check=False).stdout
        wait_for(lambda: "hello" in answer().lower(), BOOT_S, "the app", 0.5)
        audit = pathlib.Path(f"/var/lib/postern-cloud/{name}/kms/lib/postern-kms/audit.jsonl").read_text()
        assert '"instance disk@1"' in audit, audit
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(60)
    assert up.returncode == 0, log.read_text()
    assert not any(f"postern.{name}." in n for n in os.listdir("/run/netns"))
    assert not qemus[0].exists()
    assert not pathlib.Path(f"/var/lib/postern-cloud/{name}").exists()
