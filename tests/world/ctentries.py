"""What a log holds: entries with the tree over their leaves, and the file that keeps them."""
import collections
import struct

import ctfill
from ctwire import PRECERT_ENTRY, X509_ENTRY, sha256, vec24
from merkle import Tree, leaf_hash

Entry = collections.namedtuple("Entry", "leaf precert chain")
# leaf: the MerkleTreeLeaf; precert: DER or empty; chain: the issuers' DER, a list


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


def leaf_key(leaf):
    """What makes two submissions the same: the entry without time and extensions."""
    kind = struct.unpack_from(">H", leaf, 10)[0] if len(leaf) >= 12 else None
    start = 12 + (32 if kind == PRECERT_ENTRY else 0)
    if kind not in (X509_ENTRY, PRECERT_ENTRY) or len(leaf) < start + 3:
        return sha256(leaf)
    return sha256(leaf[10:start + 3 + int.from_bytes(leaf[start:start + 3], "big")])


class File:
    """The entries of a log in the order they came. A synthetic lot of them is one record, with an
    empty leaf."""

    def __init__(self, path):
        self.path, self.out = path, None

    def load(self):
        """What was kept, Entry and ctfill.Fill; the end of a write that a crash cut short is
        forgotten."""
        data = self.path.read_bytes() if self.path.exists() else b""
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
            yield (Entry(parts[0], parts[1], ctfill.split_chain(parts[2])) if parts[0]
                   else ctfill.Fill.from_bytes(parts[1]))
        if at < len(data):
            self.path.write_bytes(data[:at])
        self.out = open(self.path, "ab")

    def add(self, entry):
        self._write(entry.leaf, entry.precert, b"".join(vec24(c) for c in entry.chain))

    def add_fill(self, fill):
        self._write(b"", fill.to_bytes(), b"")

    def _write(self, *parts):
        self.out.write(struct.pack(">III", *map(len, parts)) + b"".join(parts))
        self.out.flush()
