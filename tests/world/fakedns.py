"""The web APIs of DNS providers, played: what each documents of its paths, paging, errors and forms,
over records that are then read from the played zone as a name server would serve them.

    with FakeDns("cloudflare", ["example.test"]) as fake:
        fake.base, fake.credential      # for the client
        fake.served("a.example.test", "TXT")
        fake.fail(429, {"Retry-After": "7"}, body)   # the next request
"""
import hashlib
import hmac
import http.server
import itertools
import json
import re
import threading
import urllib.parse
import xml.etree.ElementTree

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

R53 = "https://route53.amazonaws.com/doc/2013-04-01/"
TOKEN, KEY_ID, SECRET = "tok-4711", "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class Refused(Exception):
    def __init__(self, status, body):
        super().__init__(status)
        self.status, self.body = status, body


def quoted(text):
    """As zone files have it, in strings of 255 bytes."""
    parts = [text[i:i + 255] for i in range(0, len(text), 255)] or [""]
    return " ".join('"' + p.replace("\\", "\\\\").replace('"', '\\"') + '"' for p in parts)


def canonical(kind, text):
    """Presentation text as another reader (dnspython) has it; ValueError when it is none."""
    return dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(kind), text).to_text()


class FakeDns:
    def __init__(self, kind, zones, page=2, polls=2):
        self.kind, self.page, self.polls = kind, page, polls
        self.zones = {zone: f"{i}abc" if kind == "cloudflare" else f"Z{i}" if kind == "route53" else i
                      for i, zone in enumerate(zones, 1000)}
        self.records = []  # of all: dict(id, zone, name, type, ttl, text)
        self.serial, self.requests, self.failure, self.pending = itertools.count(1), [], [], {}
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fake.requests.append((self.command, self.path, body.decode()))
                status, headers, out = fake.answer(self.command, self.path, self.headers, body)
                out = out if isinstance(out, bytes) else json.dumps(out).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(out)))
                self.end_headers()
                self.wfile.write(out)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = serve

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def base(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def credential(self):
        return f"{KEY_ID}:{SECRET}" if self.kind == "route53" else TOKEN

    def fail(self, status, headers=None, body=b"{}"):
        self.failure.append((status, headers or {}, body))

    def put(self, zone, name, kind, text, ttl=300):
        self.records.append({"id": next(self.serial), "zone": zone, "name": name, "type": kind, "ttl": ttl,
                             "text": canonical(kind, text)})

    def served(self, name, kind):
        return sorted(r["text"] for r in self.records if (r["name"], r["type"]) == (name, kind))

    # -- shared

    def answer(self, method, path, headers, body):
        if self.failure:
            return self.failure.pop(0)
        url = urllib.parse.urlsplit(path)
        query = dict(urllib.parse.parse_qsl(url.query))
        try:
            if self.kind == "route53":
                self.check_sigv4(method, url, headers, body)
            else:
                scheme = "Token" if self.kind == "desec" else "Bearer"
                if headers.get("Authorization") != f"{scheme} {TOKEN}":
                    raise Refused(401, self.error("bad credentials"))
            result = getattr(self, self.kind)(method, url.path, query, body)
            status = {"POST": 201 if self.kind in ("digitalocean", "hetzner") else 200}.get(method, 200)
            if method == "DELETE" and self.kind == "digitalocean":
                return 204, {}, b""
            return status, {}, result
        except Refused as refusal:
            return refusal.status, {}, refusal.body

    def error(self, text):
        return {"cloudflare": {"success": False, "errors": [{"code": 1000, "message": text}]},
                "digitalocean": {"id": "x", "message": text}, "linode": {"errors": [{"reason": text}]},
                "hetzner": {"error": {"code": "x", "message": text}}, "desec": {"detail": text},
                "route53": f"<ErrorResponse xmlns=\"{R53}\"><Error><Type>Sender</Type><Code>X</Code>"
                           f"<Message>{text}</Message></Error></ErrorResponse>".encode()}[self.kind]

    def zone_of(self, zone_id):
        for zone, known in self.zones.items():
            if str(known) == zone_id or (self.kind in ("digitalocean", "desec") and zone == zone_id):
                return zone
        raise Refused(404, self.error("no such zone"))

    def cut(self, items, query):
        page = int(query.get("page", 1))
        pages = max(1, -(-len(items) // self.page))
        return items[(page - 1) * self.page:page * self.page], page, pages

    def remove(self, zone, record_id):
        found = [r for r in self.records if str(r["id"]) == record_id and r["zone"] == zone]
        if not found:
            raise Refused(404, self.error("no such record"))
        self.records.remove(found[0])

    def add(self, zone, name, kind, text, ttl):
        if not (name == zone or name.endswith("." + zone)):
            raise Refused(400, self.error("outside of the zone"))
        try:
            self.put(zone, name, kind, text, ttl)
        except Exception:
            raise Refused(400, self.error("malformed record"))
        return self.records[-1]

    @staticmethod
    def full(zone, relative, apex):
        return zone if relative == apex else f"{relative}.{zone}"

    @staticmethod
    def relative(zone, name, apex):
        return apex if name == zone else name[:-len(zone) - 1]

    @staticmethod
    def plain(text):
        """TXT presentation to the text itself."""
        return b"".join(dns.rdata.from_text("IN", "TXT", text).strings).decode()

    @staticmethod
    def caa(text):
        r = dns.rdata.from_text("IN", "CAA", text)
        return r.flags, r.tag.decode(), r.value.decode()

    # -- Cloudflare

    def cloudflare(self, method, path, query, body):
        parts = path.split("/")[3:]
        if parts == ["zones"]:
            items, page, pages = self.cut([{"id": i, "name": z, "status": "active"}
                                           for z, i in self.zones.items()], query)
            return {"success": True, "errors": [], "result": items,
                    "result_info": {"page": page, "total_pages": pages}}
        zone = self.zone_of(parts[1])
        if method == "DELETE":
            self.remove(zone, parts[3])
            return {"success": True, "result": {"id": parts[3]}}
        if method == "POST":
            want = json.loads(body)
            if want["ttl"] != 1 and want["ttl"] < 60:
                raise Refused(400, self.error("Invalid TTL"))
            text = want.get("content") or "{flags} {tag} {q}".format(q=quoted(want["data"]["value"]), **want["data"])
            return {"success": True, "result": {"id": str(self.add(zone, want["name"], want["type"], text,
                                                                   want["ttl"])["id"])}}
        items, page, pages = self.cut([r for r in self.records if r["zone"] == zone and r["type"] == query["type"]
                                       and r["name"] == query["name"]], query)
        result = []
        for r in items:
            one = {"id": str(r["id"]), "name": r["name"], "type": r["type"], "content": r["text"], "ttl": r["ttl"],
                   "proxied": False, "meta": {"auto_added": False}}
            if r["type"] == "CAA":
                one["data"] = dict(zip(("flags", "tag", "value"), self.caa(r["text"])))
            result.append(one)
        return {"success": True, "errors": [], "result": result, "result_info": {"page": page, "total_pages": pages}}

    # -- DigitalOcean

    def digitalocean(self, method, path, query, body):
        parts = path.split("/")[2:]
        if parts == ["domains"]:
            items, page, pages = self.cut([{"name": z, "ttl": 1800, "zone_file": "$ORIGIN"} for z in self.zones], query)
            return {"domains": items, "links": self.do_links(page, pages), "meta": {"total": len(self.zones)}}
        zone = self.zone_of(parts[1])
        if method == "DELETE":
            return self.remove(zone, parts[3])
        if method == "POST":
            want = json.loads(body)
            text = quoted(want["data"]) if want["type"] == "TXT" else \
                f"{want['flags']} {want['tag']} {quoted(want['data'])}"
            r = self.add(zone, self.full(zone, want["name"], "@"), want["type"], text, want["ttl"])
            return {"domain_record": {"id": r["id"]}}
        items, page, pages = self.cut([r for r in self.records if r["zone"] == zone and r["type"] == query["type"]
                                       and r["name"] == query["name"]], query)
        result = []
        for r in items:
            one = {"id": r["id"], "type": r["type"], "name": self.relative(zone, r["name"], "@"), "ttl": r["ttl"],
                   "priority": None, "port": None, "weight": None, "flags": None, "tag": None}
            if r["type"] == "CAA":
                one["flags"], one["tag"], one["data"] = self.caa(r["text"])
            else:
                one["data"] = self.plain(r["text"])
            result.append(one)
        return {"domain_records": result, "links": self.do_links(page, pages), "meta": {"total": len(result)}}

    def do_links(self, page, pages):
        return {"pages": {"next": f"{self.base}/v2/x?page={page + 1}"}} if page < pages else {}

    # -- Linode

    def linode(self, method, path, query, body):
        parts = path.split("/")[2:]
        if parts == ["domains"]:
            items, page, pages = self.cut([{"id": i, "domain": z, "type": "master"}
                                           for z, i in self.zones.items()], query)
            return {"data": items, "page": page, "pages": pages, "results": len(self.zones)}
        zone = self.zone_of(parts[1])
        if method == "DELETE":
            self.remove(zone, parts[3])
            return {}
        if method == "POST":
            want = json.loads(body)
            text = quoted(want["target"]) if want["type"] == "TXT" else f"0 {want['tag']} {quoted(want['target'])}"
            r = self.add(zone, self.full(zone, want["name"], ""), want["type"], text, want["ttl_sec"])
            return {"id": r["id"]}
        items, page, pages = self.cut([r for r in self.records if r["zone"] == zone], query)
        result = []
        for r in items:
            one = {"id": r["id"], "type": r["type"], "name": self.relative(zone, r["name"], ""), "ttl_sec": r["ttl"],
                   "priority": 0, "weight": 0, "port": 0, "service": None, "protocol": None, "tag": None}
            if r["type"] == "CAA":
                _, one["tag"], one["target"] = self.caa(r["text"])
            else:
                one["target"] = self.plain(r["text"]) if r["type"] == "TXT" else r["text"]
            result.append(one)
        return {"data": result, "page": page, "pages": pages, "results": len(result)}

    # -- Hetzner

    def hetzner(self, method, path, query, body):
        parts = path.split("/")[2:]
        if parts == ["zones"]:
            items, page, pages = self.cut([{"id": i, "name": z, "mode": "primary"}
                                           for z, i in self.zones.items()], query)
            return {"zones": items, "meta": {"pagination": {"page": page, "next_page": page + 1 if page < pages
                                                            else None}}}
        zone = self.zone_of(parts[1])
        if len(parts) == 3:
            want = json.loads(body)
            name = self.full(zone, want["name"], "@")
            if self.served(name, want["type"]):
                raise Refused(409, self.error("exists already"))
            for r in want["records"]:
                self.add(zone, name, want["type"], r["value"], want["ttl"])
            return {"rrset": {}, "action": {"id": 1}}
        name, kind = self.full(zone, parts[3], "@"), parts[4]
        there = [r for r in self.records if r["zone"] == zone and (r["name"], r["type"]) == (name, kind)]
        if not there:
            raise Refused(404, self.error("not found"))
        if method == "GET":
            return {"rrset": {"id": "x", "name": parts[3], "type": kind, "ttl": there[0]["ttl"],
                              "records": [{"value": r["text"], "comment": ""} for r in there]}}
        for r in there:
            self.records.remove(r)
        if method == "POST":
            for r in json.loads(body)["records"]:
                self.add(zone, name, kind, r["value"], there[0]["ttl"])
        return {"action": {"id": 1}}

    # -- deSEC

    def desec(self, method, path, query, body):
        parts = path.strip("/").split("/")[2:]
        if parts == ["domains"]:
            name = dns.name.from_text(query["owns_qname"])
            owners = [z for z in self.zones if name.is_subdomain(dns.name.from_text(z))]
            return [{"name": max(owners, key=len), "minimum_ttl": 3600}] if owners else []
        zone = self.zone_of(parts[1])
        if method == "PUT":
            for want in json.loads(body):
                if want["ttl"] < 3600:
                    raise Refused(400, self.error("ttl too low"))
                name = self.full(zone, want["subname"], "")
                self.records = [r for r in self.records if (r["name"], r["type"]) != (name, want["type"])]
                for text in want["records"]:
                    self.add(zone, name, want["type"], text, want["ttl"])
            return []
        there = [r for r in self.records if (r["name"], r["type"]) == (self.full(zone, parts[3], "@"), parts[4])]
        if not there:
            raise Refused(404, self.error("Not found."))
        return {"subname": parts[3], "type": parts[4], "ttl": there[0]["ttl"], "records": [r["text"] for r in there]}

    # -- Route 53

    def check_sigv4(self, method, url, headers, body):
        """The signature made again, from what came."""
        match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/us-east-1/route53/aws4_request, "
                             r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
                             headers.get("Authorization", ""))
        if not match or match[1] != KEY_ID:
            raise Refused(403, self.error("no signature"))
        names = match[3].split(";")
        assert {"host", "x-amz-date"} <= set(names)
        query = "&".join(sorted(url.query.split("&"))) if url.query else ""
        request = "\n".join([method, url.path, query] + [f"{n}:{headers[n].strip()}" for n in names] +
                            ["", match[3], hashlib.sha256(body).hexdigest()])
        text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], f"{match[2]}/us-east-1/route53/aws4_request",
                          hashlib.sha256(request.encode()).hexdigest()])
        key = b"AWS4" + SECRET.encode()
        for part in (match[2], "us-east-1", "route53", "aws4_request", text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        if key.hex() != match[4]:
            raise Refused(403, self.error("The request signature we calculated does not match"))

    @staticmethod
    def r53_name(name):
        return name.replace("*", "\\052") + "."

    def route53(self, method, path, query, body):
        parts = path.split("/")[2:]
        escape = xml.etree.ElementTree._escape_cdata
        if parts == ["hostedzone"]:
            zones = list(self.zones.items())
            start = int(query.get("marker", "0"))
            some = zones[start:start + self.page]
            more = start + self.page < len(zones)
            return "".join(
                [f'<?xml version="1.0"?><ListHostedZonesResponse xmlns="{R53}"><HostedZones>'] +
                [f"<HostedZone><Id>/hostedzone/{i}</Id><Name>{z}.</Name><Config><PrivateZone>"
                 f"{'true' if z.startswith('private.') else 'false'}</PrivateZone></Config></HostedZone>"
                 for z, i in some] +
                [f"</HostedZones><IsTruncated>{'true' if more else 'false'}</IsTruncated>"] +
                ([f"<NextMarker>{start + self.page}</NextMarker>"] if more else []) +
                ["<MaxItems>100</MaxItems></ListHostedZonesResponse>"]).encode()
        if parts[0] == "change":
            self.pending[parts[1]] -= 1
            state = "PENDING" if self.pending[parts[1]] > 0 else "INSYNC"
            return (f'<GetChangeResponse xmlns="{R53}"><ChangeInfo><Id>/change/{parts[1]}</Id>'
                    f"<Status>{state}</Status></ChangeInfo></GetChangeResponse>").encode()
        zone = self.zone_of(parts[1])
        if method == "POST":
            self.r53_change(zone, body)
            change = f"C{next(self.serial)}"
            self.pending[change] = self.polls
            return (f'<ChangeResourceRecordSetsResponse xmlns="{R53}"><ChangeInfo><Id>/change/{change}</Id>'
                    f"<Status>PENDING</Status></ChangeInfo></ChangeResourceRecordSetsResponse>").encode()
        name, kind = query["name"].rstrip("."), query["type"]
        there = [r for r in self.records if (r["name"], r["type"]) == (name, kind)]
        if not there:  # the list goes on with what comes after
            there = [r for r in self.records if r["zone"] == zone][:1]
        out = f'<ListResourceRecordSetsResponse xmlns="{R53}"><ResourceRecordSets>'
        if there:
            out += (f"<ResourceRecordSet><Name>{self.r53_name(there[0]['name'])}</Name><Type>{there[0]['type']}</Type>"
                    f"<TTL>{there[0]['ttl']}</TTL><ResourceRecords>")
            out += "".join(f"<ResourceRecord><Value>{escape(r['text'])}</Value></ResourceRecord>" for r in there)
            out += "</ResourceRecords></ResourceRecordSet>"
        return (out + "</ResourceRecordSets><IsTruncated>false</IsTruncated>"
                "</ListResourceRecordSetsResponse>").encode()

    def r53_change(self, zone, body):
        space = {"r": R53}
        for change in xml.etree.ElementTree.fromstring(body).iterfind(".//r:Change", space):
            action = change.find("r:Action", space).text
            record_set = change.find("r:ResourceRecordSet", space)
            name, kind = record_set.find("r:Name", space).text.rstrip("."), record_set.find("r:Type", space).text
            ttl = int(record_set.find("r:TTL", space).text)
            texts = [v.text for v in record_set.iterfind(".//r:Value", space)]
            there = [r for r in self.records if (r["name"], r["type"]) == (name, kind)]
            if action == "DELETE" and (sorted(canonical(kind, t) for t in texts) != self.served(name, kind)
                                       or {r["ttl"] for r in there} != {ttl}):
                raise Refused(400, self.error("the set to delete is another one"))
            self.records = [r for r in self.records if r not in there]
            for text in texts if action == "UPSERT" else []:
                self.add(zone, name, kind, text, ttl)
