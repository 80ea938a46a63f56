"""`postern deploy --backend netns`: the same file in namespaces, in a cloud of the app's own; again it
is an update."""
import os
import re

from conftest import ROOT, run, unique
from ports import free_port


def test_deployed_in_namespaces_and_again(bindir):
    name, port = unique("n"), free_port()
    argv = [bindir / "postern", "deploy", ROOT / "examples/hello/compose.yaml", "--backend", "netns",
            "--name", name, "--port", str(port), "--wait", "120"]
    try:
        said = run(*argv, timeout=180).stdout
        url = re.search(r"^https://\S+$", said, re.M)[0]
        host = url.split("/")[2].split(":")[0]
        got = run("curl", "-sS", "--max-time", "20", "--cacert",
                  f"/var/lib/postern-cloud/{name}/ca.pem", "--resolve", f"{host}:{port}:127.0.0.1",
                  url).stdout
        assert '"app": "hello"' in got
        again = run(*argv, timeout=180).stdout
        assert url in again  # the same bytes are the same app
    finally:
        run(bindir / "postern", "down", "--name", name, check=False)
        for folder in (name, f"{name}.app"):
            run("rm", "-rf", f"/var/lib/postern-cloud/{folder}")
    assert not any(f"postern.{name}." in n for n in os.listdir("/run/netns"))
