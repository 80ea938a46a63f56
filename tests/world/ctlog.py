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
import collections
import contextlib
import gzip
import json
import pathlib
import struct
import threading
import time

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

import ctfill
import serve
from ctwire import (OID_POISON, OID_SCT_LIST, PRECERT_ENTRY, X509_ENTRY, b64, index_extension,
                    merkle_tree_leaf, note_key_id, sct_message, sha256, signed_entry, spki,
                    sth_message, tbs_without, tls_signature, vec16, vec24)
from merkle import Tree, leaf_hash
from serve import Answer

# What `bend` knows; the value of most is true.
BENDS = {
    "fork": "value: an index; shows a tree of the same size whose entry there is another",
    "missing": "value: an index; shows a tree without that entry",
    "never-merge": "promises (SCTs) and merges nothing",
    "shrink": "value: a size; shows that smaller tree",
    "stale": "value: true, or seconds; the tree head stays as it is (its time that much back)",
    "bad-signature": "signatures of tree heads and SCTs are broken",
    "wrong-key": "signs with another key",
    "wrong-key-id": "another log ID in SCTs, another key ID in checkpoints",
    "future": "value: seconds; SCTs and tree heads are dated that much ahead",
    "bad-proof": "inclusion and consistency proofs have a bit flipped",
    "wrong-tile": "full hash tiles have a bit flipped",
    "wrong-partial-tile": "partial hash tiles have a bit flipped",
    "wrong-data-tile": "data tiles end a byte early",
    "status": "value: an HTTP status (429, 503, ...) for requests matching 'path'",
    "truncate": "value: bytes; answers end there",
    "delay": "value: seconds before each answer",
    "garbage": "answers are no JSON, checkpoint or tile",
}

Entry = collections.namedtuple("Entry", "leaf precert chain")
# leaf: the MerkleTreeLeaf; precert: DER or empty; chain: the issuers' DER, a list


class Refused(Exception):
    """What a log does not take; the text is for the submitter."""


class View:
    """What a log shows: entries, and the tree over their leaves."""

    def __init__(self, entries=()):
        self.entries, self.tree = [], Tree()
        for entry in entries:
            self.append(entry)

    def append(self, entry):
        self.entries.append(entry)
        self.tree.append(leaf_hash(entry.leaf))

    def append_fill(self, fill):
        self.entries += [None] * fill.count
        for index in range(fill.count):
            self.tree.append(leaf_hash(fill.entry(index)[0]))

    @property
    def size(self):
        return self.tree.size

    def index_of(self, digest, size):
        row, at = self.tree.levels[0], -1
        while True:
            at = row.find(digest, at + 1, 32 * size)
            if at < 0:
                return None
            if at % 32 == 0:
                return at // 32


class Log:
    """One log. Its folder holds key.pem and entries, in the order they came."""

    def __init__(self, folder, name, operator, kind, clock, batch=256, delay=0.0, roots=None):
        if kind not in ("rfc6962", "static"):
            raise ValueError(f"log {name}: kind is rfc6962 or static")
        self.folder, self.name, self.operator, self.kind = folder, name, operator, kind
        self.clock, self.batch, self.delay, self.roots_path = clock, batch, delay, roots
        folder.mkdir(parents=True, exist_ok=True)
        self.key = self._load_key()
        self.public = spki(self.key.public_key())
        self.log_id = sha256(self.public)
        self.origin = None  # of checkpoints; known when the address is
        self.lock = threading.RLock()
        self.bends, self.promised, self.issuers = {}, {}, {}
        self.fills = []  # (first index, ctfill.Fill)
        self.main = self.shown = View()
        self.head, self.pending = None, collections.deque()
        self.state = {"usable": {"timestamp": "2026-01-01T00:00:00Z"}}
        self.asked = collections.Counter()
        self._load_entries()
        self.file = open(folder / "entries", "ab")

    # ---- persistence

    def _load_key(self):
        path = self.folder / "key.pem"
        if not path.exists():
            serve.write_private(path, serve.key_pem(ec.generate_private_key(ec.SECP256R1())))
        return serialization.load_pem_private_key(path.read_bytes(), None)

    def _load_entries(self):
        path = self.folder / "entries"
        data = path.read_bytes() if path.exists() else b""
        at = 0
        while at + 12 <= len(data):
            sizes = struct.unpack_from(">III", data, at)
            if at + 12 + sum(sizes) > len(data):
                break
            parts, start = [], at + 12
            for size in sizes:
                parts.append(data[start:start + size])
                start += size
            at = start
            if parts[0]:
                self._merge(Entry(parts[0], parts[1], ctfill.split_chain(parts[2])))
            else:
                self._merge_fill(ctfill.Fill.from_bytes(parts[1]))
        if at < len(data):  # the end of a write that a crash cut short
            path.write_bytes(data[:at])

    def _write(self, leaf, precert, chain):
        self.file.write(struct.pack(">III", len(leaf), len(precert), len(chain))
                        + leaf + precert + chain)
        self.file.flush()

    def _merge(self, entry):
        for view in {id(v): v for v in (self.main, self.shown)}.values():
            view.append(entry)
        for der in entry.chain:
            self.issuers[sha256(der).hex()] = der
        self.promised[leaf_key(entry.leaf)] = (self.main.size - 1, entry.leaf)

    def _merge_fill(self, fill):
        self.fills.append((self.main.size, fill))
        self.main.append_fill(fill)
        for der in fill.chain:
            self.issuers[sha256(der).hex()] = der

    def entry(self, view, index):
        found = view.entries[index]
        if found is None:
            start, fill = next(f for f in self.fills if f[0] <= index < f[0] + f[1].count)
            found = Entry(*fill.entry(index - start), fill.chain)
        return found

    # ---- submission

    def accepted(self):
        """Certificates of the roots taken; none configured: any."""
        if self.roots_path is None:
            return []
        paths = sorted(self.roots_path.glob("*.pem")) if self.roots_path.is_dir() else (
            [self.roots_path] if self.roots_path.exists() else [])
        return [c for p in paths for c in load_pem_certificates(p.read_bytes())]

    def submit(self, chain, precert):
        """The JSON answer of add-chain and add-pre-chain, RFC 6962 §4.1 and §4.2"""
        certs = [load_certificate(der) for der in chain]
        if not certs:
            raise Refused("chain is empty")
        issuers = self._checked_issuers(certs)
        poisoned = OID_POISON[2:] in certs[0].tbs_certificate_bytes
        if precert != poisoned:
            raise Refused("a precertificate" + (" is wanted" if precert else " is not wanted"))
        if precert:
            if not issuers:
                raise Refused("a precertificate needs its issuer")
            entry = signed_entry(PRECERT_ENTRY,
                                 tbs_without(certs[0].tbs_certificate_bytes, OID_POISON),
                                 sha256(spki(issuers[0].public_key())))
        else:
            entry = signed_entry(X509_ENTRY, chain[0])
        ders = [c.public_bytes(serialization.Encoding.DER) for c in issuers]
        with self.lock:
            return self._promise(entry, chain[0] if precert else b"", ders)

    def _checked_issuers(self, certs):
        """The issuers of the first, up to an accepted root."""
        for child, issuer in zip(certs, certs[1:]):
            check_issued(child, issuer)
        issuers, roots = certs[1:], self.accepted()
        if not roots:
            return issuers
        last = certs[-1]
        if last in roots:
            return issuers
        for root in roots:
            if root.subject == last.issuer:
                with contextlib.suppress(Refused):
                    check_issued(last, root)
                    return issuers + [root]
        raise Refused("chain does not end in an accepted root")

    def _promise(self, entry, precert, chain):
        known = self.promised.get(sha256(entry))
        if known:
            index, leaf = known
            timestamp = struct.unpack_from(">Q", leaf, 2)[0]
        else:
            index = self.main.size
            timestamp = int((self.clock.now() + self.bends.get("future", 0)) * 1000)
        extensions = index_extension(index) if self.kind == "static" else b""
        if not known and "never-merge" not in self.bends:
            leaf = merkle_tree_leaf(timestamp, entry, extensions)
            self._merge(Entry(leaf, precert, chain))
            self._write(leaf, precert, b"".join(vec24(c) for c in chain))
            self.pending.append((time.monotonic(), self.main.size))
        return {"sct_version": 0, "id": b64(self.shown_id()), "timestamp": timestamp,
                "extensions": b64(extensions),
                "signature": b64(self.sign(sct_message(timestamp, entry, extensions)))}

    def add_raw(self, leaf, precert=b"", chain=()):
        """Merges a leaf of any bytes, such as no parser takes."""
        with self.lock:
            self._merge(Entry(leaf, precert, list(chain)))
            self._write(leaf, precert, b"".join(vec24(c) for c in chain))
            return self.main.size - 1

    def fill(self, count, domain):
        """Adds synthetic entries, made again from their number whenever they are asked for."""
        with self.lock:
            if self.shown is not self.main:
                raise ValueError("mend the log before filling it")
            fill = ctfill.Fill.make(count, domain, int(self.clock.now() * 1000),
                                    self.main.size if self.kind == "static" else None)
            self._merge_fill(fill)
            self._write(b"", fill.to_bytes(), b"")
            return self.main.size

    # ---- what is signed

    def shown_id(self):
        return sha256(self.log_id) if "wrong-key-id" in self.bends else self.log_id

    def sign(self, message):
        key = ec.generate_private_key(ec.SECP256R1()) if "wrong-key" in self.bends else self.key
        if "bad-signature" in self.bends:
            message += b"?"
        return tls_signature(key, message)

    def published(self):
        """How many entries the tree head covers; merging may be set to take a while."""
        while self.pending and self.pending[0][0] + self.delay <= time.monotonic():
            self.pending.popleft()
        if not self.pending:
            return self.shown.size
        return min(self.shown.size, self.pending[0][1] - 1)

    def tree_head(self):
        """(size, milliseconds, root, signature)"""
        with self.lock:
            if "stale" in self.bends and self.head:
                size, back = self.head[0], self.bends["stale"]
                if isinstance(back, bool):
                    return self.head
                moment = int((self.clock.now() - back) * 1000)
            else:
                size = min(self.published(), self.bends.get("shrink", 1 << 62))
                moment = int((self.clock.now() + self.bends.get("future", 0)) * 1000)
                if self.head and self.head[0] == size and 0 <= moment - self.head[1] < 1000:
                    return self.head
            root = self.shown.tree.root(size)
            self.head = (size, moment, root, self.sign(sth_message(moment, size, root)))
            return self.head

    def checkpoint(self):
        size, moment, root, signature = self.tree_head()
        key_id = note_key_id(self.origin, self.shown_id())
        return (f"{self.origin}\n{size}\n{b64(root)}\n\n\u2014 {self.origin} "
                f"{b64(key_id + struct.pack('>Q', moment) + signature)}\n")

    # ---- misbehaviour

    def bend(self, what, value=True, path="", times=-1, retry_after=None):
        if what not in BENDS:
            raise ValueError(f"no {what!r}; there are {BENDS}")
        with self.lock:
            self.head = self.head if what == "stale" else None
            if what in ("status", "truncate", "delay", "garbage"):
                self.bends[what] = {"value": value, "path": path, "times": times,
                                    "retry_after": retry_after}
            else:
                self.bends[what] = value
            if what == "stale" and not self.head:
                self.bends.pop("stale")
                self.tree_head()
                self.bends["stale"] = value
            if what in ("fork", "missing"):
                self.shown = self._altered(what, value)

    def mend(self):
        with self.lock:
            self.bends, self.head, self.shown = {}, None, self.main

    def _altered(self, what, index):
        entries = [self.entry(self.main, i) for i in range(self.main.size)]
        if what == "missing":
            del entries[index]
        else:
            old = entries[index]
            moment = struct.unpack_from(">Q", old.leaf, 2)[0] + 1
            entries[index] = old._replace(
                leaf=old.leaf[:2] + struct.pack(">Q", moment) + old.leaf[10:])
        return View(entries)

    def fault(self, path):
        """An answer in place of the right one, and what is to be done to the right one."""
        found = {}
        with self.lock:
            for what in ("status", "truncate", "delay", "garbage"):
                bend = self.bends.get(what)
                if bend and bend["path"] in path:
                    found[what] = bend
                    bend["times"] -= 1
                    if bend["times"] == 0:
                        del self.bends[what]
        return found

    # ---- reading: RFC 6962 §4.3 on

    def proof(self, nodes):
        nodes = list(nodes)
        if nodes and "bad-proof" in self.bends:
            nodes[0] = bytes([nodes[0][0] ^ 1]) + nodes[0][1:]
        return [b64(n) for n in nodes]

    def get_sth(self, _):
        size, moment, root, signature = self.tree_head()
        return {"tree_size": size, "timestamp": moment, "sha256_root_hash": b64(root),
                "tree_head_signature": b64(signature)}

    def get_sth_consistency(self, query):
        old, new = int(query["first"]), int(query["second"])
        if not 0 <= old <= new <= self.shown.size:
            raise Refused("no such sizes")
        return {"consistency": self.proof(self.shown.tree.consistency(old, new))}

    def get_proof_by_hash(self, query):
        size = int(query["tree_size"])
        if not 0 < size <= self.shown.size:
            raise Refused("no such tree size")
        index = self.shown.index_of(base64.b64decode(query["hash"]), size)
        if index is None:
            raise Refused("hash is not in that tree")
        return {"leaf_index": index,
                "audit_path": self.proof(self.shown.tree.inclusion(index, size))}

    def get_entry_and_proof(self, query):
        index, size = int(query["leaf_index"]), int(query["tree_size"])
        if not 0 <= index < size <= self.shown.size:
            raise Refused("no such entry or tree size")
        return {**self._entry_json(index),
                "audit_path": self.proof(self.shown.tree.inclusion(index, size))}

    def get_entries(self, query):
        start, end = int(query["start"]), int(query["end"])
        size = self.tree_head()[0]
        if not 0 <= start <= end or start >= size:
            raise Refused("no such entries")
        end = min(end + 1, start + self.batch, size)
        return {"entries": [self._entry_json(i) for i in range(start, end)]}

    def _entry_json(self, index):
        entry = self.entry(self.shown, index)
        chain = vec24(b"".join(vec24(c) for c in entry.chain))
        extra = (vec24(entry.precert) if entry.precert else b"") + chain
        return {"leaf_input": b64(entry.leaf), "extra_data": b64(extra)}

    def get_roots(self, _):
        return {"certificates": [b64(c.public_bytes(serialization.Encoding.DER))
                                 for c in self.accepted()]}

    # ---- reading: static-ct

    def tile(self, parts):
        """tile/<L>/<N>[.p/<W>] and tile/data/<N>[.p/<W>]; None: there is none"""
        level, number, width = tile_path(parts)
        size = self.tree_head()[0]
        if level == "data":
            return self._data_tile(number, width, size)
        available = size >> (8 * level)
        if 256 * number + width > available:
            return None
        tile = self.shown.tree.tile(level, number, width)
        wrong = "wrong-tile" if width == 256 else "wrong-partial-tile"
        if tile and wrong in self.bends:
            tile = tile[:-1] + bytes([tile[-1] ^ 1])
        return tile

    def _data_tile(self, number, width, size):
        if 256 * number + width > size:
            return None
        tile = b""
        for index in range(256 * number, 256 * number + width):
            entry = self.entry(self.shown, index)
            tile += entry.leaf[2:] + (vec24(entry.precert) if entry.precert else b"")
            tile += vec16(b"".join(sha256(c) for c in entry.chain))
        return tile[:-1] if "wrong-data-tile" in self.bends else tile


V1 = {
    "get-sth": Log.get_sth, "get-sth-consistency": Log.get_sth_consistency,
    "get-proof-by-hash": Log.get_proof_by_hash, "get-entry-and-proof": Log.get_entry_and_proof,
    "get-entries": Log.get_entries, "get-roots": Log.get_roots,
}


def leaf_key(leaf):
    """What makes two submissions the same: the entry without time and extensions."""
    kind = struct.unpack_from(">H", leaf, 10)[0] if len(leaf) >= 12 else None
    start = 12 + (32 if kind == PRECERT_ENTRY else 0)
    if kind not in (X509_ENTRY, PRECERT_ENTRY) or len(leaf) < start + 3:
        return sha256(leaf)
    return sha256(leaf[10:start + 3 + int.from_bytes(leaf[start:start + 3], "big")])


def tile_path(parts):
    """(level, number, width) of what follows "tile/" """
    width, digits = 256, parts[1:]
    if len(digits) > 1 and digits[-2].endswith(".p"):
        width = int(digits.pop())
        digits[-1] = digits[-1][:-2]
        if not 1 <= width <= 255:
            raise ValueError("width of a partial tile")
    if not digits or any(not d.startswith("x") for d in digits[:-1]):
        raise ValueError("tile number")
    groups = [d.lstrip("x") for d in digits]
    if any(len(g) != 3 or not g.isdigit() for g in groups):
        raise ValueError("tile number")
    level = parts[0] if parts[0] == "data" else int(parts[0])
    return level, int("".join(groups)), width


def load_certificate(der):
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise Refused(f"not a certificate: {error}") from error


def load_pem_certificates(data):
    mark = b"-----END CERTIFICATE-----"
    return [x509.load_pem_x509_certificate(part[part.index(b"-----BEGIN"):] + mark)
            for part in data.split(mark)[:-1]]


def check_issued(child, issuer):
    key, digest = issuer.public_key(), child.signature_hash_algorithm
    if child.issuer != issuer.subject:
        raise Refused("chain is not in order")
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(child.signature, child.tbs_certificate_bytes, padding.PKCS1v15(), digest)
        else:
            key.verify(child.signature, child.tbs_certificate_bytes, ec.ECDSA(digest))
    except InvalidSignature as error:
        raise Refused("chain has a bad signature") from error


class LogList:
    """log_list.json (v3) and log_list.sig, which the key of log_list.key vouches for: RSA with
    SHA-256 (PKCS #1 v1.5) as the list browsers use."""

    def __init__(self, folder, logs, public, mmd, clock):
        self.folder, self.logs, self.public, self.mmd, self.clock = folder, logs, public, mmd, clock
        path = folder / "log_list.key"
        if not path.exists():
            serve.write_private(path, serve.key_pem(rsa.generate_private_key(65537, 2048)))
        self.key = serialization.load_pem_private_key(path.read_bytes(), None)
        (folder / "log_list.pub").write_bytes(self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
        self.write()

    def write(self):
        operators = {}
        for log in self.logs.values():
            operator = operators.setdefault(log.operator, {
                "name": log.operator, "email": [f"ct@{log.operator.lower()}.example"],
                "logs": [], "tiled_logs": []})
            url = f"{self.public}/{log.name}/"
            facts = {"description": f"{log.operator} '{log.name}'", "log_id": b64(log.log_id),
                     "key": b64(log.public), "mmd": self.mmd, "state": log.state}
            if log.kind == "static":
                operator["tiled_logs"].append(
                    {**facts, "submission_url": url, "monitoring_url": url})
            else:
                operator["logs"].append({**facts, "url": url})
        document = {"version": "1.0", "log_list_timestamp": serve.rfc3339(self.clock.now()),
                    "is_all_logs": True, "operators": list(operators.values())}
        data = json.dumps(document, indent=2).encode() + b"\n"
        signature = self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        for name, content in (("log_list.json", data), ("log_list.sig", signature)):
            new = self.folder / (name + ".new")
            new.write_bytes(content)
            new.replace(self.folder / name)


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
