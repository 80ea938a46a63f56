#!/usr/bin/python3
"""Certificate Transparency logs for tests and the demo: several in one process.

Each is kept in a folder of its own and has a real Merkle tree and real ECDSA
P-256 signatures. A log of kind rfc6962 has the API of RFC 6962 §4, one of kind
static has that of c2sp.org/static-ct-api (and the same two calls to submit).
`--list` keeps a log list (v3 JSON) with a detached signature beside it. What a
log does wrong, it does because a control endpoint told it to:

    ctlog.py --dir D --listen 127.0.0.1:14100 --control D/ct.sock \\
        --log name=alder,operator=Alpha --log name=birch,operator=Beta,kind=static
    curl --unix-socket D/ct.sock localhost/bend -d '{"log": "birch", "what": "shrink", "value": 3}'
"""
import argparse
import base64
import binascii
import gzip
import json
import pathlib

import serve
from ctchain import Refused
from ctwire import b64
from loglist import LogList
from onelog import V1, Log
from serve import Answer


class Service:
    """All logs of the process, over HTTP and at the control endpoint."""

    def __init__(self, logs, log_list, gzip_always=False):
        self.logs, self.log_list, self.gzip_always = logs, log_list, gzip_always

    # ---- HTTP

    def answer(self, request):
        parts = request.path.strip("/").split("/")
        if parts[0] in ("log_list.json", "log_list.sig", "log_list.pub"):
            return Answer(200, (self.log_list.folder / parts[0]).read_bytes(),
                          kind="application/octet-stream")
        log = self.logs.get(parts[0])
        if not log:
            return Answer(404, "no such log\n")
        log.asked["/".join(parts[1:2] if parts[1:2] != ["ct"] else parts[1:4])] += 1
        fault = log.fault(request.path)
        if "status" in fault:
            later = fault["status"]["retry_after"]
            return Answer(int(fault["status"]["value"]), "not now\n",
                          {} if later is None else {"Retry-After": later})
        try:
            answer = self._route(log, request, parts[1:])
        except Refused as refusal:
            answer = Answer(400, {"success": False, "error_message": str(refusal)})
        except (KeyError, ValueError, IndexError, binascii.Error) as error:
            answer = Answer(400, {"success": False, "error_message": f"request: {error!r}"})
        answer.delay = float(fault["delay"]["value"]) if "delay" in fault else 0
        if "garbage" in fault:
            answer.body = b"<html>It works!</html>\n"
        if "truncate" in fault:
            answer.sent = int(fault["truncate"]["value"])
        return self._zipped(request, answer)

    def _zipped(self, request, answer):
        accepts = "gzip" in request.headers.get("Accept-Encoding", "")
        if answer.kind_zips and (self.gzip_always or accepts):
            answer.body = gzip.compress(answer.body, 1)
            answer.headers["Content-Encoding"] = "gzip"
        return answer

    def _route(self, log, request, parts):
        if parts[:2] == ["ct", "v1"] and len(parts) == 3:
            if parts[2] in ("add-chain", "add-pre-chain"):
                if request.method != "POST":
                    return Answer(405, "POST\n")
                chain = [base64.b64decode(c, validate=True)
                         for c in json.loads(request.body)["chain"]]
                return Answer(200, log.submit(chain, parts[2] == "add-pre-chain"))
            if parts[2] in V1 and (log.kind == "rfc6962" or parts[2] == "get-roots"):
                return Answer(200, V1[parts[2]](log, request.query))
        elif log.kind == "static":
            return self._static(log, parts)
        return Answer(404, "no such path\n")

    @staticmethod
    def _static(log, parts):
        if parts == ["checkpoint"]:
            return Answer(200, log.checkpoint(), {"Cache-Control": "no-store"})
        found = None
        if parts[0] == "tile" and len(parts) > 2:
            found = log.tile(parts[1:])
        elif parts[0] == "issuer" and len(parts) == 2:
            found = log.issuers.get(parts[1])
        if found is None:
            return Answer(404, "no such path\n")
        answer = Answer(200, found, kind="application/octet-stream")
        answer.kind_zips = parts[0] == "tile" and parts[1] == "data"
        return answer

    # ---- control

    def functions(self, clock):
        def log_of(wanted):
            return self.logs[wanted["log"]]

        def bend(wanted):
            """{"log", "what", "value", "path", "times", "retry_after"}: misbehave from now on"""
            log_of(wanted).bend(**{k: v for k, v in wanted.items() if k != "log"})

        def mend(wanted):
            """{"log"}: behave again"""
            log_of(wanted).mend()

        def fill(wanted):
            """{"log", "count", "domain"}: add synthetic entries"""
            return {"size": log_of(wanted).fill(int(wanted["count"]),
                                                wanted.get("domain", "fill.example"))}

        def add_raw(wanted):
            """{"log", "leaf", "precert"}: merge a leaf of any bytes (base64)"""
            return {"index": log_of(wanted).add_raw(base64.b64decode(wanted["leaf"]),
                                                    base64.b64decode(wanted.get("precert", "")))}

        def add(wanted):
            """{"log", "chain", "precert"}: submit a chain (base64 DER)"""
            return log_of(wanted).submit([base64.b64decode(c) for c in wanted["chain"]],
                                         bool(wanted.get("precert")))

        def state(wanted):
            """{"log", "state"}: the log's state in the list, such as {"retired": {...}}"""
            log_of(wanted).state = wanted["state"]
            self.log_list.write()

        def logs(_):
            """what there is, and how often each path was asked for"""
            return {n: {"kind": g.kind, "operator": g.operator, "log_id": b64(g.log_id),
                        "size": g.main.size, "bends": g.bends, "asked": dict(g.asked)}
                    for n, g in self.logs.items()}

        return {"bend": bend, "mend": mend, "fill": fill, "add-raw": add_raw, "add": add,
                "state": state, "logs": logs, "clock": clock.set}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", required=True, type=pathlib.Path,
                        help="folder of keys and entries")
    parser.add_argument("--listen", default="127.0.0.1:0", help="address:port (0: any port)")
    parser.add_argument("--public", help="host:port that URLs show (default: as --listen)")
    parser.add_argument("--http", action="store_true", help="plain HTTP rather than HTTPS")
    parser.add_argument("--transport", type=pathlib.Path,
                        help="folder of the transport authority (default: --dir)")
    parser.add_argument("--control", default="127.0.0.1:0", help="unix socket, or address:port")
    parser.add_argument("--log", action="append", default=[], metavar="name=N,operator=O,kind=K",
                        help="a log; more keys: batch (entries an answer), delay (seconds until "
                             "the tree head covers an entry)")
    parser.add_argument("--roots", type=pathlib.Path,
                        help="PEM file, or folder of them, of accepted roots; read anew each time")
    parser.add_argument("--mmd", type=int, default=86400, help="as the list says it")
    parser.add_argument("--gzip", action="store_true", help="compress data tiles for everyone")
    parser.add_argument("--fill", action="append", default=[], metavar="NAME=COUNT",
                        help="synthetic entries, unless the log has that many")
    parser.add_argument("--clock", help="file with seconds to add to the time")
    return parser.parse_args()


def main():
    args = arguments()
    clock = serve.Clock(args.clock)
    args.dir.mkdir(parents=True, exist_ok=True)
    logs = {}
    for text in args.log or ["name=alder,operator=Alpha", "name=birch,operator=Beta,kind=static"]:
        flags = dict(f.split("=", 1) for f in text.split(","))
        logs[flags["name"]] = Log(args.dir / flags["name"], flags["name"], flags["operator"],
                                  flags.get("kind", "rfc6962"), clock,
                                  int(flags.get("batch", 256)), float(flags.get("delay", 0)),
                                  args.roots)
    for text in args.fill:
        name, count = text.split("=")
        if logs[name].main.size < int(count):
            logs[name].fill(int(count) - logs[name].main.size, "fill.example")
    host = serve.host_port(args.listen)[0]
    names = [serve.host_port(args.public)[0]] if args.public else []
    pem = None if args.http else serve.transport_certificate(
        args.transport or args.dir, *names, host, "localhost")
    service = Service(logs, None, args.gzip)
    server = serve.Server(args.listen, service.answer, pem)
    public = args.public or server.where
    for log in logs.values():
        log.origin = f"{public}/{log.name}"
    url = ("http://" if args.http else "https://") + public
    service.log_list = LogList(args.dir, logs, url, args.mmd, clock)
    control = serve.Control(args.control, service.functions(clock))
    serve.ready({"url": url, "control": control.where,
                 "list": str(args.dir / "log_list.json"),
                 "list_signature": str(args.dir / "log_list.sig"),
                 "list_key": str(args.dir / "log_list.pub"),
                 "cafile": str((args.transport or args.dir) / "transport.pem"),
                 "logs": {n: {"url": f"{url}/{n}/", "kind": g.kind, "log_id": b64(g.log_id),
                              "key": b64(g.public)} for n, g in logs.items()}})
    serve.until_signal()
    control.server.close()
    server.close()


if __name__ == "__main__":
    main()
