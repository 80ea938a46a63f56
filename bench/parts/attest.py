#!/usr/bin/python3
"""attest.py BINDIR SECONDS RATE: fresh evidence of a running postern-cert, over its unix socket.

So many requests begin each second, evenly, each on a connection that waits for nothing else; the
time to its whole answer counts from when it was due. Prints "answered <count> <seconds>" and
"latency <milliseconds>" for each, and "quotes <count>". Needs root (the test world is in a
network namespace).
"""
import asyncio
import base64
import json
import os
import pathlib
import resource
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
from cert_node import Node  # noqa: E402
from conftest import wait_for  # noqa: E402
from zt import Zt  # noqa: E402

NAME = "bench.example.test"


def request():
    nonce = base64.urlsafe_b64encode(os.urandom(32)).rstrip(b"=").decode()
    body = json.dumps({"nonce": nonce})
    return nonce, (f"POST /evidences/v2/attest HTTP/1.1\r\nHost: {NAME}\r\nPostern-Name: {NAME}\r\n"
                   f"Postern-Exporter: {os.urandom(32).hex()}\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


class Pool:
    """Connections that are kept; as many as wait at a time."""

    def __init__(self, path):
        self.path, self.free = path, []

    async def connection(self):
        """The server closes one that was idle for ten seconds, perhaps just now."""
        while self.free:
            reader, writer, since = self.free.pop()
            if time.monotonic() - since < 5:
                return reader, writer
            writer.close()
        return await asyncio.open_unix_connection(self.path, limit=1 << 20)

    async def ask(self, due):
        nonce, text = request()
        reader, writer = await self.connection()
        writer.write(text)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        took = time.monotonic() - due
        assert head.startswith(b"HTTP/1.1 200 "), head + body
        assert f'"nonce":"{nonce}"'.encode() in body
        self.free.append((reader, writer, time.monotonic()))
        return took


async def load(path, seconds, rate):
    pool, tasks, began = Pool(path), [], time.monotonic()
    for i in range(int(seconds * rate)):
        due = began + i / rate
        if due > time.monotonic():
            await asyncio.sleep(due - time.monotonic())
        tasks.append(asyncio.create_task(pool.ask(due)))
    latencies = await asyncio.gather(*tasks)
    return latencies, time.monotonic() - began


def main():
    bindir, seconds, rate = pathlib.Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 8192), most))
    with tempfile.TemporaryDirectory(prefix="pt-attest-", dir="/tmp") as folder, \
            Zt(ca_flags=("--caa-identity", "ca.test"), zones=("example.test",)) as world:
        node = Node(bindir, world, folder, [f"*.{NAME}"])
        try:
            node.start()
            node.wait_certificate()
            wait_for(lambda: node.status().get("evidence"), 30, "evidence")
            before = node.status()["attest"]["quotes"]
            latencies, took = asyncio.run(load(str(node.public), seconds, rate))
            quotes = node.status()["attest"]["quotes"] - before
        finally:
            node.close()
    print("answered", len(latencies), took)
    print("quotes", quotes, took)
    for one in latencies:
        print("latency", one * 1000)


if __name__ == "__main__":
    main()
