#!/usr/bin/python3
"""Two aggregators of Certificate Transparency over the logs of ctlog.py: one with the answers of
crt.sh (`/?q=…&match=…&output=json`, `/?d=ID`), one with those of Cert Spotter
(`/v1/issuances?domain=…`). Both follow every log of a log list and look anew at each request.

A control endpoint makes either of them ("crtsh", "certspotter") wrong:

    aggregator.py --list D/ct/log_list.json --cafile D/ct/transport.pem \\
        --listen 127.0.0.1:14200 --dir D --control D/agg.sock
    curl --unix-socket D/agg.sock localhost/bend -d '{"at": "crtsh", "what": "empty"}'
"""
import argparse
import base64
import fnmatch
import pathlib
import re
import threading
import time

from cryptography import x509
from cryptography.hazmat.primitives import serialization

import logreader
import serve
from ctwire import OID_POISON, OID_SCT_LIST, sha256, spki, tbs_without
from serve import Answer

CRTSH_ROWS_MAX = 10000
BENDS = {
    "empty": "an empty list",
    "cap": "value: a number; no more rows than that, in no order (crt.sh: 10000)",
    "error-page": "an HTML page with status 200",
    "status": "value: an HTTP status",
    "hide": "value: part of a name, or a serial number in hex; such rows are left out",
    "stale": "nothing newer than now",
    "truncate": "value: bytes of the answer that are sent",
    "delay": "value: seconds",
}


class Certificate:
    """One certificate or precertificate, however often it was logged."""

    def __init__(self, number, found):
        self.id, self.found = number, found
        cert = x509.load_der_x509_certificate(found.der)
        self.cert = cert
        self.tbs = sha256(tbs_without(cert.tbs_certificate_bytes, OID_POISON, OID_SCT_LIST)).hex()
        common = cert.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        self.common_name = common[0].value if common else ""
        try:
            names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            self.names = [str(n.value) for n in names]
        except x509.ExtensionNotFound:
            self.names = []
        self.all_names = list(dict.fromkeys(
            n.lower() for n in self.names + [self.common_name] if n))

    def has(self, text):
        return any(text in n for n in self.all_names) or text == f"{self.cert.serial_number:x}"


class Store:
    """What all logs have, by the time they were found."""

    def __init__(self, path, cafile):
        self.path, self.cafile, self.lock = path, cafile, threading.Lock()
        self.readers, self.all, self.known, self.unparsed = {}, [], set(), 0

    def refresh(self):
        with self.lock:
            for url, static in logreader.logs_of(self.path):
                reader = self.readers.setdefault(
                    url, logreader.Reader(url, static, self.cafile))
                try:
                    self._add(reader.new())
                except (OSError, ValueError, LookupError):
                    continue  # that log answers badly now; what is known stays
            return list(self.all)

    def _add(self, found):
        for entry in found:
            digest = sha256(entry.der)
            if digest in self.known:
                continue
            self.known.add(digest)
            try:
                self.all.append(Certificate(len(self.all) + 1, entry))
            except ValueError:
                self.unparsed += 1


class Service:
    def __init__(self, store, clock):
        self.store, self.clock = store, clock
        self.bends = {"crtsh": {}, "certspotter": {}}
        self.asked = []

    def answer(self, request):
        which = "certspotter" if request.path.startswith("/v1/") else "crtsh"
        bend = self.bends[which]
        self.asked.append({"at": time.time(), "which": which, "target": request.target})
        if "status" in bend:
            return Answer(int(bend["status"]), "<html>busy</html>", {"Retry-After": 60},
                          kind="text/html", delay=bend.get("delay", 0))
        if "error-page" in bend:
            return Answer(200, "<!DOCTYPE html><html><body>An error has occurred.</body></html>",
                          kind="text/html; charset=UTF-8")
        known = self.store.refresh()
        if "stale" in bend:
            known = known[:bend["stale"]]
        known = [] if "empty" in bend else [
            c for c in known if not ("hide" in bend and c.has(bend["hide"]))]
        if which == "certspotter":
            answer = self._certspotter(request, known, bend)
        elif request.path == "/":
            answer = self._crtsh(request, known, bend)
        else:
            answer = Answer(404, "no such path\n")
        answer.delay, answer.sent = bend.get("delay", 0), bend.get("truncate")
        return answer

    # ---- crt.sh

    def _crtsh(self, request, known, bend):
        query = request.query
        if "d" in query:
            for cert in known:
                if str(cert.id) == query["d"]:
                    return Answer(200, cert.cert.public_bytes(
                        serialization.Encoding.PEM), kind="application/pkix-cert")
            return Answer(404, "<html>Certificate not found</html>", kind="text/html")
        if query.get("output") != "json" or not (query.get("q") or query.get("identity")):
            return Answer(200, "<html>crt.sh | Certificate Search</html>", kind="text/html")
        wanted = matcher(query.get("q") or query["identity"], query.get("match"))
        rows, now, issuances = [], self.clock.date(), set()
        for cert in known:
            matched = [n for n in cert.all_names if wanted(n)]
            if not matched or (query.get("exclude") == "expired"
                               and cert.cert.not_valid_after < now):
                continue
            if query.get("deduplicate") == "Y":
                if cert.tbs in issuances:
                    continue
                issuances.add(cert.tbs)
            rows.append(crtsh_row(cert, matched))
        most = int(bend.get("cap", CRTSH_ROWS_MAX))
        if len(rows) > most:
            rows = sorted(rows, key=lambda r: sha256(str(r["id"]).encode()))[:most]
        else:
            rows.sort(key=lambda r: -r["id"])
        return Answer(200, rows)

    # ---- Cert Spotter

    def _certspotter(self, request, known, bend):
        if request.path != "/v1/issuances":
            return Answer(404, {"code": "not_found", "message": "no such path"})
        query = request.queries
        domains = [d.lower() for d in query.get("domain", [])]
        if not domains:
            return Answer(400, {"code": "missing_parameter", "message": "domain is missing"})
        below = query.get("include_subdomains", ["false"])[-1] == "true"
        wild = query.get("match_wildcards", ["false"])[-1] == "true"
        expand, after = set(query.get("expand", [])), query.get("after", [""])[-1]
        issuances, now = {}, self.clock.date()
        for cert in known:  # the certificate itself is shown once it is known
            pair = issuances.setdefault(cert.tbs, [cert, cert])
            pair[1] = pair[1] if not pair[1].found.precert else cert
        rows = []
        for first, shown in issuances.values():
            if after and first.id <= int(after) or shown.cert.not_valid_after < now:
                continue
            if any(name_matches(n, d, below, wild) for n in shown.all_names for d in domains):
                rows.append(certspotter_row(first.id, shown, expand))
        return Answer(200, rows[:int(bend.get("cap", 100))])

    # ---- control

    def functions(self):
        def bend(wanted):
            """{"at": crtsh | certspotter, "what", "value"}"""
            if wanted["what"] not in BENDS:
                raise ValueError(f"there are {BENDS}")
            value = wanted.get("value", True)
            if wanted["what"] == "stale":
                value = len(self.store.refresh())
            self.bends[wanted["at"]][wanted["what"]] = value

        def mend(_):
            """behave again"""
            for bends in self.bends.values():
                bends.clear()

        def state(_):
            """how much is known, and what was asked"""
            return {"certificates": len(self.store.refresh()), "unparsed": self.store.unparsed,
                    "asked": self.asked[-1000:]}

        return {"bend": bend, "mend": mend, "state": state, "clock": self.clock.set}


def matcher(text, match):
    """Whether a name fits q; without match a hyphen means whole names (crt.sh's trap)."""
    text = text.lower()
    if match in ("=", "single"):
        return lambda n: n == text
    if match in ("ILIKE", "LIKE") or (match is None and "%" in text):
        if match is None and "-" in text:
            text = text.strip("%").lstrip(".")
            return lambda n: n == text
        pattern = "".join(".*" if c == "%" else "." if c == "_" else re.escape(c) for c in text)
        compiled = re.compile(pattern + r"\Z", re.DOTALL)
        return lambda n: compiled.match(n) is not None
    if "-" in text:
        return lambda n: n == text
    return lambda n: text in n.split(".") or text == n or n.endswith("." + text)


def crtsh_row(cert, matched):
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(cert.found.timestamp / 1000))
    issuer = cert.cert.issuer.rfc4514_string()
    return {"issuer_ca_id": int.from_bytes(sha256(issuer.encode())[:3], "big"),
            "issuer_name": ", ".join(reversed(issuer.split(","))),
            "common_name": cert.common_name, "name_value": "\n".join(matched), "id": cert.id,
            "entry_timestamp": f"{moment}.{cert.found.timestamp % 1000:03d}",
            "not_before": cert.cert.not_valid_before.isoformat(),
            "not_after": cert.cert.not_valid_after.isoformat(),
            "serial_number": padded_hex(cert.cert.serial_number),
            "result_count": len(matched) + 1}


def padded_hex(number):
    text = f"{number:x}"
    return text if len(text) % 2 == 0 else "0" + text


def certspotter_row(number, cert, expand):
    der = cert.found.der
    row = {"id": str(number), "tbs_sha256": cert.tbs, "cert_sha256": sha256(der).hex(),
           "pubkey_sha256": sha256(spki(cert.cert.public_key())).hex(),
           "not_before": cert.cert.not_valid_before.isoformat() + "Z",
           "not_after": cert.cert.not_valid_after.isoformat() + "Z", "revoked": None}
    if "dns_names" in expand:
        row["dns_names"] = cert.all_names
    if "issuer" in expand:
        row["issuer"] = {"friendly_name": "Postern test world",
                         "name": cert.cert.issuer.rfc4514_string()}
    if "cert" in expand:
        row["cert"] = {"type": "precert" if cert.found.precert else "cert",
                       "sha256": sha256(der).hex(), "data": base64.b64encode(der).decode()}
    if "cert_der" in expand:
        row["cert_der"] = base64.b64encode(der).decode()
    if "problem_reporter" in expand:
        row["problem_reporter"] = "problems@ca.test"
    return row


def name_matches(name, domain, below, wild):
    if name == domain or below and name.endswith("." + domain):
        return True
    return wild and name.startswith("*.") and domain.count(".") and (
        fnmatch.fnmatchcase(domain, name) and domain.count(".") == name.count("."))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", required=True, type=pathlib.Path)
    parser.add_argument("--list", required=True, type=pathlib.Path, help="log list (v3 JSON)")
    parser.add_argument("--cafile", help="vouches for the logs")
    parser.add_argument("--listen", default="127.0.0.1:0", help="address:port")
    parser.add_argument("--public", help="host:port of URLs (default: as --listen)")
    parser.add_argument("--http", action="store_true", help="plain HTTP rather than HTTPS")
    parser.add_argument("--transport", type=pathlib.Path,
                        help="folder of the transport authority (default: --dir)")
    parser.add_argument("--control", default="127.0.0.1:0", help="unix socket, or address:port")
    parser.add_argument("--clock", help="file with seconds to add to the time")
    return parser.parse_args()


def main():
    args = arguments()
    args.dir.mkdir(parents=True, exist_ok=True)
    service = Service(Store(args.list, args.cafile), serve.Clock(args.clock))
    host = serve.host_port(args.listen)[0]
    names = [serve.host_port(args.public)[0]] if args.public else []
    pem = None if args.http else serve.transport_certificate(
        args.transport or args.dir, *names, host, "localhost")
    server = serve.Server(args.listen, service.answer, pem)
    control = serve.Control(args.control, service.functions())
    url = ("http://" if args.http else "https://") + (args.public or server.where)
    serve.ready({"crtsh": url + "/", "certspotter": url + "/v1/issuances",
                 "control": control.where,
                 "cafile": str((args.transport or args.dir) / "transport.pem")})
    serve.until_signal()
    control.server.close()
    server.close()


if __name__ == "__main__":
    main()
