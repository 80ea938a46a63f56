#!/usr/bin/python3
"""A certification authority for tests and the demo: an ACME front over a real pebble.

pebble (started here, on a loopback port) keeps accounts, orders and challenges. The front
evaluates CAA independently of the product, issues from its own hierarchy by way of
precertificates and SCTs, serves CRLs, ARI and revocation, and misbehaves on request:

    ca.py --dir D --listen 127.0.0.1:14000 --http 127.0.0.1:14080 --resolver 127.0.0.54:53 \\
        --caa-identity ca.test --ct-list D/ct/log_list.json --ct-cafile D/ct/transport.pem
    curl --unix-socket D/control localhost/faults -d '{"at": "newOrder", "what": "problem",
        "value": {"status": 429, "type": "rateLimited"}, "retry_after": 60}'

pebble keeps its state in memory: after a restart every account, order and authorization is gone
(clients get accountDoesNotExist). What was issued and revoked, the hierarchy, CRLs and renewalInfo
survive.
"""
import argparse
import json
import os
import pathlib

from cryptography.hazmat.primitives import serialization

import authority
import caa
import serve
from acmefront import Front
from ports import free_port


class Pebble:
    def __init__(self, args):
        self.args, self.port = args, free_port()
        self.where = f"127.0.0.1:{self.port}"
        self.folder = args.dir / "pebble"
        transport = self.folder / "transport"
        pem = serve.transport_certificate(transport, "127.0.0.1")
        self.cafile = transport / "transport.pem"
        config = {
            "listenAddress": self.where, "managementListenAddress": "",
            "certificate": str(pem), "privateKey": str(pem), "ocspResponderURL": "",
            "httpPort": args.http01_port, "tlsPort": args.tlsalpn01_port,
            "externalAccountBindingRequired": bool(args.eab),
            "externalAccountMACKeys": dict(e.split(":", 1) for e in args.eab),
            "domainBlocklist": args.block,
            # for pebble of later versions
            "profiles": {n: {"description": "", "validityPeriod": int(p.seconds)}
                         for n, p in authority.PROFILES.items()},
            "caaIdentities": args.caa_identity or ["ca.test"],
        }
        self.config = self.folder / "config.json"
        self.config.write_text(json.dumps({"pebble": config}, indent=1))
        self.process = None

    def start(self):
        env = {**os.environ, "PEBBLE_VA_NOSLEEP": "1", "PEBBLE_AUTHZREUSE": "0",
               "PEBBLE_WFE_NONCEREJECT": str(self.args.nonce_reject)}
        argv = [self.args.pebble, "-config", self.config,
                *(["-strict"] if self.args.strict else []),
                *(["-dnsserver", self.args.resolver] if self.args.resolver else [])]
        self.process = serve.child(argv, self.folder / "pebble.log", env)

        def serves():
            if self.process.poll() is not None:
                raise RuntimeError(f"pebble ended; see {self.folder}/pebble.log")
            try:
                return serve.fetch(f"https://{self.where}/dir", cafile=self.cafile)[0] == 200
            except OSError:
                return False

        serve.wait_until(serves, "pebble to serve its directory")

    def stop(self):
        if self.process:
            serve.end(self.process)


def functions(front, clock, pebble):
    """The control endpoint's functions."""
    own = front.authority

    def add_fault(wanted):
        """{"at", "what", "value", "times" (-1: for ever), "skip", "retry_after"}; see faults.py"""
        front.faults.add(**wanted)

    def clear(_):
        """no faults, limits, scripted windows and CRL bends any more; CAA as at first"""
        front.faults.clear()
        front.limits.rules.clear()
        front.limits.events.clear()
        front.ari.clear()
        own.crl_bends.clear()
        front.caa.set()

    def limits(wanted):
        """{"newAccount" | "newOrder" | "duplicate": [count, seconds]}"""
        front.limits.rules.update(wanted)

    def look_at_caa(wanted):
        """{"on": false}: the CA issues without looking at CAA; {"at": "validation"}: it looks when
        a name is validated and not again for 8 hours (else "finalize")"""
        front.caa.set(**wanted)

    def evaluate(wanted):
        """{"name", "account", "method"}: what this CA makes of a name's CAA"""
        return front.evaluator.evaluate(wanted["name"], wanted["account"],
                                        wanted["method"])._asdict()

    def ari(wanted):
        """{"serial" (or "*"), "start", "end", "explanation", "retry_after", "status", "body"}"""
        front.ari[wanted.get("serial", "*")] = {k: v for k, v in wanted.items() if k != "serial"}

    def revoke(wanted):
        """{"serial", "reason"}: by the CA itself"""
        own.revoke(int(wanted["serial"], 16), int(wanted.get("reason", 0)))

    def crl(wanted):
        """{"shard", "what": stale | wrong-shard | wrong-signer | hide | garbage | status, "value"};
        no "what": as it should be"""
        if "what" in wanted:
            own.crl_bends[str(wanted["shard"])] = wanted
        else:
            own.crl_bends.pop(str(wanted["shard"]), None)

    def issued(_):
        """every certificate, oldest first"""
        return {"certificates": [
            {**c._asdict(), "serial": f"{s:x}", "chain": own.chain(c),
             "revoked": own.revoked.get(s), "replaced": own.replaced.get(s)}
            for s, c in own.issued.items()]}

    def profiles(wanted):
        """{"name", "seconds", "common_name", "crl"}: a profile, new or changed"""
        own.profiles[wanted["name"]] = authority.Profile(
            wanted["seconds"], wanted.get("common_name", False), wanted.get("crl", True))

    def seen(wanted):
        """{"clear": true}: the latest requests, 5000 at most"""
        found = {"requests": list(front.seen)}
        if wanted.get("clear"):
            front.seen.clear()
        return found

    def restart(_):
        """restarts pebble: accounts, orders and authorizations are lost"""
        def again():
            pebble.stop()
            front.forget()
            pebble.start()

        serve.in_main_thread(again)

    def authz(wanted):
        """{"seconds"}: how long an authorization can be used to revoke"""
        front.authz_seconds = wanted["seconds"]

    return {"faults": add_fault, "clear": clear, "limits": limits, "caa": look_at_caa,
            "evaluate": evaluate, "ari": ari, "revoke": revoke, "crl": crl, "issued": issued,
            "issue": front.issue_outright, "profiles": profiles, "seen": seen,
            "restart": restart, "authz": authz, "clock": clock.set,
            "state": lambda _: front.state()}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", required=True, type=lambda p: pathlib.Path(p).resolve())
    parser.add_argument("--listen", default="127.0.0.1:0", help="address:port of ACME, HTTPS")
    parser.add_argument("--public", help="host:port of ACME's URLs (default: as --listen)")
    parser.add_argument("--transport", type=pathlib.Path,
                        help="folder of the transport authority (default: --dir)")
    parser.add_argument("--http", default="127.0.0.1:0",
                        help="address:port of CRLs and issuers' certificates, plain HTTP")
    parser.add_argument("--public-http", help="host:port of their URLs (default: as --http)")
    parser.add_argument("--control", default="127.0.0.1:0", help="unix socket, or address:port")
    parser.add_argument("--resolver", help="address:port that pebble and CAA look-ups ask")
    parser.add_argument("--caa-resolver", help="another one for CAA and dns-persist-01")
    parser.add_argument("--caa-identity", action="append", default=[], metavar="NAME",
                        help="the CA's name in CAA (default: ca.test)")
    parser.add_argument("--ct-list", type=pathlib.Path, help="log list; no SCTs without")
    parser.add_argument("--ct-cafile", help="vouches for the logs")
    parser.add_argument("--shards", type=int, default=4, help="of the CRL, at most 16")
    parser.add_argument("--http01-port", type=int, default=80, help="where pebble connects")
    parser.add_argument("--tlsalpn01-port", type=int, default=443, help="likewise")
    parser.add_argument("--eab", action="append", default=[], metavar="KID:B64URL",
                        help="external account binding is needed, with one of these keys")
    parser.add_argument("--block", action="append", default=[], metavar="DOMAIN",
                        help="refused by policy")
    parser.add_argument("--nonce-reject", type=int, default=0, metavar="PERCENT",
                        help="of good nonces that pebble rejects")
    parser.add_argument("--strict", action="store_true", help="pebble's strict mode")
    parser.add_argument("--pebble", default=os.environ.get("WORLD_PEBBLE", "pebble"),
                        help="the program (default: $WORLD_PEBBLE, or Debian's)")
    parser.add_argument("--clock", help="file with seconds to add to the time")
    return parser.parse_args()


def main():
    args = arguments()
    clock = serve.Clock(args.clock)
    args.dir.mkdir(parents=True, exist_ok=True)
    folder = args.dir / "authority"
    folder.mkdir(exist_ok=True)
    host = serve.host_port(args.listen)[0]
    names = [serve.host_port(args.public)[0]] if args.public else []
    pem = serve.transport_certificate(args.transport or args.dir, *names, host, "localhost")
    holder = []  # what the servers serve; they have to listen before their URLs are known
    plain = serve.Server(args.http, lambda r: holder[1].answer(r))
    server = serve.Server(args.listen, lambda r: holder[0].answer(r), pem)
    pebble = Pebble(args)
    try:
        pebble.start()
        logs = authority.Logs(args.ct_list, args.ct_cafile) if args.ct_list else None
        base = f"http://{args.public_http or plain.where}"
        own = authority.Authority(folder, clock, base, logs, shards=args.shards)
        evaluator = caa.Evaluator(args.caa_resolver or args.resolver or "127.0.0.1:53",
                                  args.caa_identity or ["ca.test"])
        front = Front(args.public or server.where, pebble.where, pebble.cafile, own, evaluator,
                      clock)
        holder += [front, own]
        control = serve.Control(args.control, functions(front, clock, pebble))
        roots = args.dir / "roots.pem"
        roots.write_bytes(b"".join(c.public_bytes(serialization.Encoding.PEM)
                                   for c in own.hierarchy.roots))
        serve.ready({"directory": f"{front.base}/dir", "base": front.base, "http": base,
                     "control": control.where, "roots": str(roots),
                     "root": str(folder / "root-x1.pem"),
                     "intermediate": str(folder / "intermediate-1.pem"),
                     "cafile": str((args.transport or args.dir) / "transport.pem"),
                     "caa_identities": evaluator.issuers})
        serve.until_signal()
        control.server.close()
    finally:
        server.close()
        plain.close()
        pebble.stop()


if __name__ == "__main__":
    main()
