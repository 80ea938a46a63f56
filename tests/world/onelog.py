"""One Certificate Transparency log: it takes chains, promises, merges, signs tree heads and proves;
and it misbehaves when it is told to.
"""
import base64
import collections
import struct
import threading
import time

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import ctfill
import serve
from ctchain import Refused, issuers_up_to_root, load_certificate, load_pem_certificates
from ctentries import Entry, File, View, leaf_key
from ctwire import (OID_POISON, PRECERT_ENTRY, X509_ENTRY, b64, index_extension,
                    merkle_tree_leaf, note_key_id, sct_message, sha256, signed_entry, spki,
                    sth_message, tbs_without, tls_signature, vec16, vec24)

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
        self.file = File(folder / "entries")
        for kept in self.file.load():
            if isinstance(kept, Entry):
                self._merge(kept)
            else:
                self._merge_fill(kept)

    def _load_key(self):
        path = self.folder / "key.pem"
        if not path.exists():
            serve.write_private(path, serve.key_pem(ec.generate_private_key(ec.SECP256R1())))
        return serialization.load_pem_private_key(path.read_bytes(), None)

    def _add(self, entry):
        self._merge(entry)
        self.file.add(entry)

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
        issuers = issuers_up_to_root(certs, self.accepted())
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
            self._add(Entry(merkle_tree_leaf(timestamp, entry, extensions), precert, chain))
            self.pending.append((time.monotonic(), self.main.size))
        return {"sct_version": 0, "id": b64(self.shown_id()), "timestamp": timestamp,
                "extensions": b64(extensions),
                "signature": b64(self.sign(sct_message(timestamp, entry, extensions)))}

    def add_raw(self, leaf, precert=b"", chain=()):
        """Merges a leaf of any bytes, such as no parser takes."""
        with self.lock:
            self._add(Entry(leaf, precert, list(chain)))
            return self.main.size - 1

    def fill(self, count, domain):
        """Adds synthetic entries, made again from their number whenever they are asked for."""
        with self.lock:
            if self.shown is not self.main:
                raise ValueError("mend the log before filling it")
            fill = ctfill.Fill.make(count, domain, int(self.clock.now() * 1000),
                                    self.main.size if self.kind == "static" else None)
            self._merge_fill(fill)
            self.file.add_fill(fill)
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
