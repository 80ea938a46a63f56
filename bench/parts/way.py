"""The whole way, client to container: postern-edge and two postern-wg beside HAProxy and two of the
newest wireguard-go (Debian's where it cannot be built).

Gateway and container are two namespaces on one wire, with a CPU each; the client is in the
gateway's, on the container's CPU.  Counted is the CPU time of all three daemons of a chain: the
proxy, and both ends of the tunnel.
"""
import importlib.machinery
import importlib.util
import pathlib
import random
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HOST, CONTAINER = "127.7.7.1", "10.99.0.2"  # the latter as bench/wireguard has it
PORTS = {"postern": {"postern": 9001}, "haproxy": {"haproxy_tcp": 9002, "haproxy_http": 9003}}
BULK = {True: 4 << 20, False: 32 << 20}  # bytes of an answer, by whether it is quick
# How many at once and in all, with --quick and without.
WORK = {"request": (32, 250, 1500), "bulk": (8, 8, 24)}
GOALS = {"request": 0.80, "bulk": 0.45}  # those of the edge alone


def wireguard_bench():
    """bench/wireguard as a module."""
    loader = importlib.machinery.SourceFileLoader("wireguard", str(ROOT / "bench/wireguard"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("wireguard", loader))
    loader.exec_module(module)
    return module


class Chain:
    """A tunnel, with a proxy at its one end and a backend at the other."""

    def __init__(self, bench, tunnel, name, proxy):
        self.name, self.tunnel, self.folder = name, tunnel, bench.dir / f"way-{name}"
        self.host, self.load_core = HOST, bench.load_core  # of a Load
        self.folder.mkdir()
        tunnel.start()
        self.prefix = ["nsenter", f"--net=/run/netns/{tunnel.names[0]}", "--"]
        bench.run(*self.prefix, "ip", "link", "set", "lo", "up")
        self.start(1, bench.out / "tool/tlsserve", "backend", CONTAINER, 80)
        self.proxy = self.start(0, *proxy(bench, self.folder))

    def start(self, end, *argv):
        with open(self.folder / "log", "ab") as log:
            child = subprocess.Popen(self.tunnel.inside(end, *argv), stdin=subprocess.DEVNULL,
                                     stdout=log, stderr=log)
        self.tunnel.tools.append(child)
        return child

    def cpu_s(self, bench):
        """Of the proxy, and of both ends of the tunnel."""
        return bench.cpu_seconds(self.proxy.pid), sum(self.tunnel.cpu_s())

    def wait(self, bench):
        for port in PORTS[self.name].values():
            argv = [*self.prefix, bench.out / "tool/tlsload", "request", HOST, port, bench.name, 1, 1]
            for _ in range(100):
                if subprocess.run([str(a) for a in argv], input="go\n", text=True, check=False,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
                    break
                time.sleep(0.1)
            else:
                raise SystemExit(f"bench/edge: the way through {self.name} does not answer:\n"
                                 f"{(self.folder / 'log').read_text()}")


def edge(bench, folder):
    instance, app = "1" * 40, "a" * 40
    bench.run(bench.out / "tool/store_fill", folder / "store", input=(
        f"lease {instance} {app} {CONTAINER} 86400 80:http\nalias {bench.name.split('.')[0]} {app}\n"))
    (folder / "edge.yaml").write_text(f"""\
base: {bench.name.split(".", 1)[1]}
listen: [ "{HOST}:9001" ]
store: {folder}/store
certificate: {{ chain: {bench.dir}/chain.pem, key: {bench.dir}/key.pem }}
workers: 1
tunnel: 10.99.0.1/24
limits: {{ source_rate: 0, lag: 0ms }}
log: warn
""")
    return bench.out / "bin/postern-edge", "--config", folder / "edge.yaml"


def haproxy(bench, folder):
    modes = "".join(f"""\
frontend {mode}
  mode {mode}
  bind {HOST}:{port} ssl crt {bench.dir}/both.pem
  use_backend {mode} if {{ ssl_fc_sni -i {bench.name} }}
backend {mode}
  mode {mode}
  server s {CONTAINER}:80
""" for mode, port in (("tcp", 9002), ("http", 9003)))
    (folder / "haproxy.cfg").write_text(f"""\
global
  nbthread 1
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  timeout connect 5s
  timeout client 120s
  timeout server 120s
{modes}""")
    return "haproxy", "-q", "-db", "-f", folder / "haproxy.cfg"


def one(bench, chain, what, port, count, size):
    """CPU seconds of the proxy and of the tunnel for one unit: a request, or a GB."""
    load = bench.load(chain, what, port, bench.name, WORK[what][0], count,
                      *([size] if what == "bulk" else []))
    before = chain.cpu_s(bench)
    load.go()
    time.sleep(0.05)
    units = size * count / 1e9 if what == "bulk" else count
    return [(b - a) / units for a, b in zip(before, chain.cpu_s(bench))]


def rounds(bench, chains, how_many, quick):
    got = {}
    for number in range(how_many + 1):
        for what, (parallel, few, many) in WORK.items():
            ways = [(chain, *way) for chain in chains for way in PORTS[chain.name].items()]
            random.shuffle(ways)
            for chain, name, port in ways:
                count = max(parallel, (few if quick else many) // (1 if number else 5))
                cost = one(bench, chain, what, port, count, BULK[quick])
                if number:  # the first round warms up
                    got.setdefault((what, name), []).append(cost)
    return got


def say(report, got):
    for what, unit, scale in (("request", "us", 1e6), ("bulk", "s/GB", 1)):
        totals = {name: [sum(cost) * scale for cost in costs]
                  for (kind, name), costs in got.items() if kind == what}
        for name, values in totals.items():
            report.figure(f"way_{what}_{name}", values, unit)
            report.figure(f"way_{what}_{name}_proxy", [c[0] * scale for c in got[what, name]], unit)
            report.figure(f"way_{what}_{name}_tunnel", [c[1] * scale for c in got[what, name]], unit)
        best = min((n for n in totals if n != "postern"), key=lambda n: statistics.median(totals[n]))
        report.ratio(f"way_{what}_vs_{best}", [a / b for a, b in zip(totals["postern"], totals[best])],
                     GOALS[what])


def measure(report, bench, how_many, quick):
    wg = wireguard_bench()
    peer, version = wg.newest_wireguard_go()
    print(f"# wireguard-go {version if peer else 'of Debian'}")
    tunnels = [wg.Tunnel(bench.out / "bin/postern-wg", "y", is_pinned=True),
               wg.Tunnel(peer or "wireguard-go", "z", is_pinned=True)]
    try:
        chains = [Chain(bench, tunnels[0], "postern", edge), Chain(bench, tunnels[1], "haproxy", haproxy)]
        for chain in chains:
            chain.wait(bench)
        say(report, rounds(bench, chains, how_many, quick))
    finally:
        for tunnel in tunnels:
            tunnel.stop()
