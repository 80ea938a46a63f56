#!/usr/bin/python3
"""The DNS of the test world: real servers, a small hierarchy of our own.

knotd is authoritative for the root, the top-level domains and the zones asked
for; root and signed zones are signed, and each parent holds its children's DS
records, so that validation climbs a real chain from a trust anchor of our own.
unbound is the recursive resolver, which validates. Records are changed by RFC
2136 updates with TSIG: one key may do everything, one only TXT and CAA.

    dnsserver.py --dir D --address 127.0.0.53 --resolver 127.0.0.54 \\
        --zone example.test --zone plain.test:unsigned --records D/records
    dnsserver.py --dir D --set 'www.example.test. 60 A 192.0.2.1'

A line of records is one of a zone file with an absolute name; the longest zone
that fits gets it.
"""
import argparse
import base64
import json
import os
import pathlib

import dns.dnssec
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.update

import serve

KINDS = ("signed", "unsigned", "bogus")  # bogus: signed, but the parent has another key's DS
KEYS = {"full.": [], "challenge.": ["TXT", "CAA"]}  # key -> the types it may change; none: all


class Records:
    """Changes and looks up records at the authoritative server; what tests use. 'where' is what
    the ready line said, or the folder of a server."""

    def __init__(self, where, key="full."):
        facts = where if isinstance(where, dict) else json.loads(
            (pathlib.Path(where) / "facts.json").read_text())
        self.address, self.port = serve.host_port(facts["server"])
        self.zones = [dns.name.from_text(z) for z in facts["zones"]]
        secret = facts["keys"][key]["secret"]
        self.keyring = dns.tsigkeyring.from_text({key: secret})
        self.key = dns.name.from_text(key)

    def zone_of(self, name):
        fitting = [z for z in self.zones if name.is_subdomain(z)]
        return max(fitting, key=lambda z: len(z.labels))

    def update(self, zone):
        return dns.update.UpdateMessage(zone, keyring=self.keyring, keyname=self.key,
                                        keyalgorithm="hmac-sha256")

    def send(self, update):
        try:
            answer = dns.query.tcp(update, self.address, 10, self.port)
        except dns.tsig.PeerError as error:  # a key that may not, too, for Knot
            raise ValueError(f"update refused: {error}") from error
        if answer.rcode() != dns.rcode.NOERROR:
            raise ValueError(f"update refused: {dns.rcode.to_text(answer.rcode())}")

    def set(self, name, kind, *values, ttl=60, replace=True):
        """Makes these the records of that type, or adds them."""
        name = dns.name.from_text(name)
        update = self.update(self.zone_of(name))
        if replace:
            update.delete(name, kind)
        for value in values:
            update.add(name, ttl, kind, value)
        self.send(update)

    def add(self, name, kind, *values, ttl=60):
        self.set(name, kind, *values, ttl=ttl, replace=False)

    def delete(self, name, kind=None):
        name = dns.name.from_text(name)
        update = self.update(self.zone_of(name))
        update.delete(name, *([kind] if kind else []))
        self.send(update)

    def delegate_challenge(self, name, target):
        """_acme-challenge.NAME becomes an alias of TARGET."""
        self.set(f"_acme-challenge.{name}", "CNAME", target)

    def get(self, name, kind):
        """What the server answers, as texts; aliases included."""
        question = dns.message.make_query(name, kind)
        answer = dns.query.tcp(question, self.address, 10, self.port)
        return [str(r) for rrset in answer.answer for r in rrset]


# ---- zones

def zones_of(wanted):
    """name -> kind, with the root and every parent that was not asked for."""
    zones = {}
    for text in wanted:
        name, _, kind = text.partition(":")
        kind = kind or "signed"
        if kind not in KINDS:
            raise SystemExit(f"--zone {text}: the kind is one of {', '.join(KINDS)}")
        zones[dns.name.from_text(name)] = kind
    for name in list(zones):
        zones.setdefault(dns.name.Name(name.labels[-2:]), "signed")
    zones.setdefault(dns.name.root, "signed")
    return zones


def parent_of(zone, zones):
    above = [z for z in zones if z != zone and zone.is_subdomain(z)]
    return max(above, key=lambda z: len(z.labels)) if above else None


def server_name(zone):
    return dns.name.from_text("ns", zone)


def zone_text(zone, zones, address, records):
    kind = "AAAA" if ":" in address else "A"
    lines = ["$TTL 60", f"{zone} SOA {server_name(zone)} {dns.name.from_text('hostmaster', zone)}"
             " 1 3600 600 86400 30", f"{zone} NS {server_name(zone)}",
             f"{server_name(zone)} {kind} {address}"]
    for child in zones:
        if parent_of(child, zones) == zone:
            lines += [f"{child} NS {server_name(child)}", f"{server_name(child)} {kind} {address}"]
    return "\n".join(lines + records) + "\n"


def sorted_records(path, zones):
    """zone -> lines of a records file"""
    sorted_by_zone = {z: [] for z in zones}
    for line in (path.read_text().splitlines() if path else []):
        line = line.strip()
        if line and not line.startswith(("#", ";")):
            name = dns.name.from_text(line.split()[0])
            fitting = [z for z in zones if name.is_subdomain(z)]
            sorted_by_zone[max(fitting, key=lambda z: len(z.labels))].append(line)
    return sorted_by_zone


class Knot:
    def __init__(self, args, zones):
        self.dir, self.zones, self.address, self.port = args.dir, zones, args.address, args.port
        self.dir.mkdir(parents=True, exist_ok=True)
        (self.dir / "db").mkdir(exist_ok=True)
        self.keys = self._keys()
        self.config = self.dir / "knot.conf"
        self.config.write_text(self._config(args))
        records = sorted_records(args.records, zones)
        for zone in zones:
            path = self._file(zone)
            if not path.exists():  # else it is what updates left
                path.write_text(zone_text(zone, zones, self.address, records[zone]))
        self.process = serve.child(["knotd", "-c", self.config], self.dir / "knot.log")

    def _file(self, zone):
        return self.dir / f"zone-{str(zone).rstrip('.') or 'root'}"

    def _keys(self):
        path = self.dir / "keys.json"
        if not path.exists():
            keys = {k: {"algorithm": "hmac-sha256",
                        "secret": base64.b64encode(os.urandom(32)).decode()} for k in KEYS}
            serve.write_private(path, json.dumps(keys).encode())
        return json.loads(path.read_text())

    def _config(self, args):
        text = f"""\
server:
    rundir: {self.dir}
    listen: {self.address}@{self.port}
    automatic-acl: off
database:
    storage: {self.dir}/db
log:
  - target: stderr
    any: info
policy:
  - id: one
    single-type-signing: on
    algorithm: ecdsap256sha256
    rrsig-lifetime: {args.rrsig_lifetime}
    rrsig-refresh: {args.rrsig_lifetime // 4}
    nsec3: {"on" if args.nsec3 else "off"}
    cds-cdnskey-publish: none
key:
"""
        for name, key in self.keys.items():
            text += f"  - id: {name}\n    algorithm: {key['algorithm']}\n" \
                    f"    secret: {key['secret']}\n"
        text += "acl:\n"
        for name, types in KEYS.items():
            text += f"  - id: {name}\n    key: {name}\n    action: [update, transfer]\n"
            text += f"    update-type: [{', '.join(types)}]\n" if types else ""
        text += f"""\
template:
  - id: default
    zonefile-sync: 0
    zonefile-load: difference-no-serial
    journal-content: all
    acl: [{", ".join(KEYS)}]
    dnssec-policy: one
zone:
"""
        for zone, kind in self.zones.items():
            text += f"  - domain: {zone}\n    file: {self._file(zone)}\n" \
                    f"    dnssec-signing: {'off' if kind == 'unsigned' else 'on'}\n"
        return text

    def serving(self, zone):
        """Whether it answers for the zone, signed if it is to be."""
        if self.process.poll() is not None:
            raise RuntimeError(f"knotd ended; see {self.dir}/knot.log")
        question = dns.message.make_query(zone, "SOA", want_dnssec=True)
        try:
            answer = dns.query.udp(question, self.address, 0.5, self.port)
        except (OSError, dns.exception.DNSException):
            return False
        types = {r.rdtype for r in answer.answer}
        return dns.rdatatype.SOA in types and (
            self.zones[zone] == "unsigned" or dns.rdatatype.RRSIG in types)

    def dnskeys(self, zone):
        question = dns.message.make_query(zone, "DNSKEY")
        answer = dns.query.tcp(question, self.address, 5, self.port)
        return [r for s in answer.answer if s.rdtype == dns.rdatatype.DNSKEY for r in s]

    def ds_records(self, zone):
        return [str(dns.dnssec.make_ds(zone, key, "SHA256")) for key in self.dnskeys(zone)
                if key.flags & 1]  # the secure entry point

    def link(self, records):
        """Puts the DS records of signed zones into their parents."""
        for zone, kind in self.zones.items():
            parent = parent_of(zone, self.zones)
            if kind == "unsigned" or parent is None or self.zones[parent] == "unsigned":
                continue
            wanted = self.ds_records(zone)
            if kind == "bogus":
                wanted = [" ".join(w.split()[:3] + ["00" * 32]) for w in wanted]
            update = records.update(parent)
            update.delete(zone, "DS")
            for text in wanted:
                update.add(zone, 60, "DS", text)
            records.send(update)

    def write_anchors(self):
        """anchor.ds and anchor.key: the root's DS and DNSKEY records as a zone file has them."""
        (self.dir / "anchor.ds").write_text(
            "".join(f". 3600 IN DS {d}\n" for d in self.ds_records(dns.name.root)))
        (self.dir / "anchor.key").write_text(
            "".join(f". 3600 IN DNSKEY {k}\n" for k in self.dnskeys(dns.name.root)
                    if k.flags & 1))


def resolver_config(args, zones):
    """unbound that starts at our root, keeps nothing, and validates from our anchor."""
    host, port = serve.host_port(args.resolver if ":" in args.resolver else args.resolver + ":53")
    lines = ["server:", "  username: \"\"", "  chroot: \"\"", f"  directory: {args.dir}",
             f"  pidfile: {args.dir}/unbound.pid", "  use-syslog: no", "  verbosity: 1",
             "  do-daemonize: no", f"  interface: {host}@{port}",
             "  access-control: 0.0.0.0/0 allow", "  access-control: ::0/0 allow",
             "  do-not-query-localhost: no",
             "  cache-max-ttl: 0", "  cache-max-negative-ttl: 0", "  val-bogus-ttl: 0",
             "  msg-cache-size: 64k", "  rrset-cache-size: 64k", "  qname-minimisation: no",
             "  module-config: \"validator iterator\"",
             f"  trust-anchor-file: {args.dir}/anchor.ds",
             "  aggressive-nsec: no", "  infra-host-ttl: 0", "  unblock-lan-zones: yes",
             "  insecure-lan-zones: no", "  extended-statistics: no"]
    lines += [f"  local-zone: \"{z}\" nodefault" for z in zones if z != dns.name.root]
    lines += ["remote-control:", "  control-enable: no"]
    if args.port == 53:
        stubs = [dns.name.root]
    else:  # delegations name no port
        stubs = list(zones)
    for zone in stubs:
        lines += ["stub-zone:", f"  name: \"{zone}\"", f"  stub-addr: {args.address}@{args.port}",
                  "  stub-prime: no", "  stub-no-cache: yes"]
    return "\n".join(lines) + "\n", f"{host}:{port}"


def start_resolver(args, zones):
    text, where = resolver_config(args, zones)
    config = args.dir / "unbound.conf"
    config.write_text(text)
    process = serve.child(["unbound", "-c", config], args.dir / "unbound.log")

    def answers():
        if process.poll() is not None:
            raise RuntimeError(f"unbound ended; see {args.dir}/unbound.log")
        try:
            question = dns.message.make_query(".", "SOA", want_dnssec=True)
            answer = dns.query.udp(question, serve.host_port(where)[0], 0.5,
                                   serve.host_port(where)[1])
        except (OSError, dns.exception.DNSException):
            return False
        return bool(answer.flags & dns.flags.AD)

    serve.wait_until(answers, "unbound to validate the root")
    return process, where


def key_files(folder, keys):
    """keys/NAME.key for nsupdate -k; keys/NAME for `knsupdate -k` is the same syntax."""
    folder.mkdir(exist_ok=True)
    for name, key in keys.items():
        serve.write_private(folder / f"{name}key", (
            f'key "{name}" {{\n\talgorithm {key["algorithm"]};\n\tsecret "{key["secret"]}";\n}};\n'
        ).encode())


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", required=True, type=lambda p: pathlib.Path(p).resolve(),
                        help="folder of zones, keys and logs")
    parser.add_argument("--address", default="127.0.0.1", help="of the authoritative server")
    parser.add_argument("--port", type=int, default=53)
    parser.add_argument("--resolver", help="address[:port] of a validating resolver; none without")
    parser.add_argument("--zone", action="append", default=[], metavar="NAME[:KIND]",
                        help="signed (the default), unsigned, or bogus: its DS is another key's")
    parser.add_argument("--records", type=pathlib.Path, help="file of records at the first start")
    parser.add_argument("--rrsig-lifetime", type=int, default=14 * 86400, metavar="SECONDS")
    parser.add_argument("--nsec3", action="store_true", help="NSEC3 rather than NSEC")
    parser.add_argument("--set", metavar="RECORD", help="set a record at a running server, and end")
    parser.add_argument("--delete", nargs=2, metavar=("NAME", "TYPE"), help="likewise")
    return parser.parse_args()


def change(args):
    records = Records(args.dir)
    if args.set:
        name, ttl, kind, value = args.set.split(None, 3)
        records.set(name, kind, value, ttl=int(ttl))
    if args.delete:
        records.delete(*args.delete)


def main():
    args = arguments()
    if args.set or args.delete:
        change(args)
        return
    zones = zones_of(args.zone or ["example.test"])
    knot = Knot(args, zones)
    resolver, where = None, None
    try:
        for zone in zones:
            serve.wait_until(lambda z=zone: knot.serving(z), f"knotd to serve {zone}")
        key_files(args.dir / "keys", knot.keys)
        facts = {"server": f"{args.address}:{args.port}", "zones": [str(z) for z in zones],
                 "keys": knot.keys, "key_files": str(args.dir / "keys"),
                 "anchor_ds": str(args.dir / "anchor.ds"),
                 "anchor_key": str(args.dir / "anchor.key")}
        knot.link(Records(facts))
        knot.write_anchors()
        if args.resolver:
            resolver, where = start_resolver(args, zones)
        facts["resolver"] = where
        serve.write_private(args.dir / "facts.json", json.dumps(facts, indent=1).encode())
        serve.ready(facts)
        serve.until_signal()
    finally:
        for process in (resolver, knot.process):
            if process:
                serve.end(process)


if __name__ == "__main__":
    main()
