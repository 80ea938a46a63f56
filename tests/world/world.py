#!/usr/bin/python3
"""The whole test world in one go: DNS, logs, CA and aggregators, wired to each other, all in the
network namespace this runs in. For tests:

    with World(folder, prefix=ns.argv()) as world:
        world.ca["directory"], world.records.set("www.example.test", "A", "192.0.2.1"), ...

By hand: `ip netns add x; ip -n x link set lo up; ip netns exec x tests/world/world.py --dir /tmp/w`
prints what each server said in its ready line, and serves until Ctrl-C.
"""
import argparse
import json
import pathlib
import sys

import dnsserver
import serve


class World:
    """Facts of the servers: dns, ct, ca, aggregator (each a dict); 'records' changes the DNS.

    'zones' and 'logs' are as --zone of dnsserver.py and --log of ctlog.py want them. 'address' is
    where everything listens but the resolver; with 'port' the CA, its CRLs, the logs and the
    aggregators have that one and the three after it. Tests that need names for the CA or the logs
    give more flags."""

    def __init__(self, folder, *, zones=("example.test",), logs=(), address="127.0.0.1",
                 resolver="127.0.0.54", prefix=(), records=None, ca_flags=(), ct_flags=(),
                 dns_flags=(), port=0):
        self.dir = pathlib.Path(folder).resolve()
        self.dir.mkdir(parents=True, exist_ok=True)
        self.prefix, self.processes = list(prefix), []
        self.clock_file = self.dir / "clock"
        self.zones, self.logs, self.address, self.resolver = zones, logs, address, resolver
        self.flags = {"ca": ca_flags, "ct": ct_flags, "dns": dns_flags}
        self.records_file = records
        self.transport = self.dir / "transport"
        self.at = {what: f"{address}:{port and port + i}"
                   for i, what in enumerate(("ca", "http", "ct", "aggregator"))}
        self.dns = self.ct = self.ca = self.aggregator = self.records = None

    def start(self):
        try:
            self._start_dns()
            self._start_logs()
            self._start_ca()
            self._start_aggregator()
        except BaseException:
            self.close()
            raise
        return self

    def _run(self, what, program, *flags):
        process, facts = serve.start(program, *flags, log=self.dir / f"{what}.log",
                                     prefix=self.prefix)
        self.processes.append(process)
        return facts

    def _start_dns(self):
        flags = [f for z in self.zones for f in ("--zone", z)]
        if self.records_file:
            flags += ["--records", self.records_file]
        self.dns = self._run("dns", "dnsserver.py", "--dir", self.dir / "dns", "--address",
                             self.address, "--resolver", self.resolver, *flags,
                             *self.flags["dns"])
        self.records = dnsserver.Records(self.dns)

    def _start_logs(self):
        flags = [f for g in self.logs for f in ("--log", g)]
        self.ct = self._run("ct", "ctlog.py", "--dir", self.dir / "ct", "--listen",
                            self.at["ct"], "--transport", self.transport, "--roots",
                            self.dir / "ca/roots.pem", "--control", self.dir / "ct.sock",
                            "--clock", self.clock_file, *flags, *self.flags["ct"])

    def _start_ca(self):
        self.ca = self._run("ca", "ca.py", "--dir", self.dir / "ca", "--listen",
                            self.at["ca"], "--http", self.at["http"], "--transport",
                            self.transport, "--resolver", self.dns["resolver"], "--ct-list",
                            self.ct["list"], "--ct-cafile", self.ct["cafile"], "--control",
                            self.dir / "ca.sock", "--clock", self.clock_file, *self.flags["ca"])

    def _start_aggregator(self):
        self.aggregator = self._run("aggregator", "aggregator.py", "--dir", self.dir / "aggregator",
                                    "--list", self.ct["list"], "--cafile", self.ct["cafile"],
                                    "--listen", self.at["aggregator"], "--transport",
                                    self.transport, "--control", self.dir / "agg.sock",
                                    "--clock", self.clock_file)

    @property
    def cafile(self):
        """vouches for every HTTPS server of the world"""
        return self.ca["cafile"]

    def control(self, what, name, wanted=None, /, **more):
        """Asks a control endpoint: control("ca", "faults", at=..., what=...)"""
        facts = {"ca": self.ca, "ct": self.ct, "aggregator": self.aggregator}[what]
        return serve.control(facts["control"], name, more if wanted is None else wanted)

    def set_time(self, **wanted):
        """offset=, advance= (seconds) or now= (RFC 3339), for CA, logs and aggregators; the DNS
        keeps the machine's time."""
        return serve.Clock(self.clock_file).set(wanted)

    def facts(self):
        return {"dns": self.dns, "ct": self.ct, "ca": self.ca, "aggregator": self.aggregator,
                "cafile": self.cafile, "clock": str(self.clock_file)}

    def close(self):
        for process in reversed(self.processes):
            serve.end(process)
        self.processes = []

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", required=True, type=pathlib.Path)
    parser.add_argument("--zone", action="append", default=[], metavar="NAME[:KIND]")
    parser.add_argument("--zones", type=pathlib.Path, help="file of more zones, a line each")
    parser.add_argument("--log", action="append", default=[], metavar="name=N,operator=O,kind=K")
    parser.add_argument("--records", type=pathlib.Path)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--resolver", default="127.0.0.54")
    parser.add_argument("--port", type=int, default=0, metavar="N",
                        help="of the CA; CRLs, logs and aggregators have the next three")
    args = parser.parse_args()
    zones = args.zone + (args.zones.read_text().split() if args.zones else [])
    with World(args.dir, zones=zones or ("example.test",), logs=args.log,
               address=args.address, resolver=args.resolver, records=args.records,
               port=args.port) as world:
        facts = world.facts()
        new = world.dir / "world.json.new"
        new.write_text(json.dumps(facts, indent=1) + "\n")
        new.replace(world.dir / "world.json")  # whoever waits for it reads it whole
        if sys.stdout.isatty():
            print(json.dumps(facts, indent=1))
        serve.ready(facts)
        serve.until_signal()


if __name__ == "__main__":
    main()
