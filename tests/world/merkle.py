"""A Merkle tree that grows at its end (RFC 6962 §2.1), with roots and proofs of every size it
ever had. Complete nodes are kept, so that a root or a proof costs a few dozen hashes at a
million leaves; 64 bytes a leaf.

Written from the RFC's recursive definitions, and so another way than the product's own code.
"""
import hashlib

EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(data):
    return hashlib.sha256(b"\0" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def largest_power_below(n):
    """The largest power of two smaller than n, for n > 1."""
    return 1 << ((n - 1).bit_length() - 1)


class Tree:
    def __init__(self):
        self.levels = [bytearray()]

    @property
    def size(self):
        return len(self.levels[0]) // 32

    def append(self, leaf):
        """Adds a leaf by its hash."""
        level, node = 0, leaf
        while True:
            if level == len(self.levels):
                self.levels.append(bytearray())
            row = self.levels[level]
            row += node
            if len(row) // 32 % 2:
                return
            node = node_hash(bytes(row[-64:-32]), bytes(row[-32:]))
            level += 1

    def node(self, level, index):
        """The hash over the leaves index * 2^level and up, 2^level of them."""
        return bytes(self.levels[level][32 * index:32 * index + 32])

    def _range(self, start, end):
        """MTH(D[start:end]) where start is a multiple of a power of two not smaller than it."""
        count = end - start
        if count == 0:
            return EMPTY
        if count & (count - 1) == 0:
            level = count.bit_length() - 1
            return self.node(level, start >> level)
        middle = start + largest_power_below(count)
        return node_hash(self._range(start, middle), self._range(middle, end))

    def root(self, size):
        return self._range(0, size)

    def inclusion(self, index, size):
        """PATH(index, D[size]), RFC 6962 §2.1.1"""
        def path(m, start, end):
            if end - start <= 1:
                return []
            middle = start + largest_power_below(end - start)
            if m < middle:
                return path(m, start, middle) + [self._range(middle, end)]
            return path(m, middle, end) + [self._range(start, middle)]
        return path(index, 0, size)

    def consistency(self, old, new):
        """PROOF(old, D[new]), RFC 6962 §2.1.2"""
        def proof(m, start, end, whole):
            if m == end:
                return [] if whole else [self._range(start, end)]
            middle = start + largest_power_below(end - start)
            if m <= middle:
                return proof(m, start, middle, whole) + [self._range(middle, end)]
            return proof(m, middle, end, False) + [self._range(start, middle)]
        return proof(old, 0, new, True) if 0 < old < new else []

    def tile(self, level, index, width):
        """'width' hashes of a tile: level L of tiles is level 8 L of the tree."""
        row = self.levels[8 * level] if 8 * level < len(self.levels) else b""
        start = 32 * 256 * index
        part = bytes(row[start:start + 32 * width])
        return part if len(part) == 32 * width else None
