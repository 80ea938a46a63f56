"""Reads the entries of logs over their public APIs, as an aggregator does: RFC 6962 get-entries,
and the data tiles of static-ct. Proofs are not checked: an aggregator is not to be trusted.
"""
import base64
import collections
import gzip
import json
import struct

import serve

# der: the certificate, or the precertificate with its poison
Found = collections.namedtuple("Found", "log index timestamp precert der")


def logs_of(path):
    """[(url, is static)] of a log list, retired and rejected logs too"""
    found = []
    for operator in json.loads(path.read_text())["operators"]:
        found += [(g["url"], False) for g in operator.get("logs", [])]
        found += [(g["monitoring_url"], True) for g in operator.get("tiled_logs", [])]
    return found


class Reader:
    """Follows one log; what new() returns are the entries since the last call."""

    def __init__(self, url, static, cafile):
        self.url, self.static, self.cafile, self.next = url, static, cafile, 0

    def get(self, path):
        status, headers, body = serve.fetch(self.url + path, cafile=self.cafile,
                                            headers={"Accept-Encoding": "gzip"})
        if status != 200:
            raise OSError(f"{self.url}{path}: {status}")
        return gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body

    def new(self):
        size = (int(self.get("checkpoint").split(b"\n")[1]) if self.static
                else json.loads(self.get("ct/v1/get-sth"))["tree_size"])
        found = []
        while self.next < size:
            batch = self._tile(size) if self.static else self._entries(size)
            if not batch:
                break
            found += batch
            self.next += len(batch)
        return found

    def _entries(self, size):
        answer = json.loads(self.get(f"ct/v1/get-entries?start={self.next}&end={size - 1}"))
        return [self._entry(self.next + i, base64.b64decode(e["leaf_input"]),
                            base64.b64decode(e["extra_data"]))
                for i, e in enumerate(answer["entries"])]

    def _entry(self, index, leaf, extra):
        try:
            timestamp, kind = struct.unpack_from(">QH", leaf, 2)
            if kind == 0:
                return Found(self.url, index, timestamp, False, vec24(leaf, 12)[0])
            return Found(self.url, index, timestamp, True, vec24(extra, 0)[0])
        except (struct.error, IndexError):
            return Found(self.url, index, 0, False, b"")  # what does not parse is kept as that

    def _tile(self, size):
        number, skip = divmod(self.next, 256)
        width = min(256, size - 256 * number)
        path = f"{number % 1000:03d}"
        while number >= 1000:
            number //= 1000
            path = f"x{number % 1000:03d}/{path}"
        tile = self.get(f"tile/data/{path}" + ("" if width == 256 else f".p/{width}"))
        found, at, index = [], 0, self.next - skip
        while at < len(tile):
            timestamp, kind = struct.unpack_from(">QH", tile, at)
            at += 10
            if kind == 0:
                der, at = vec24(tile, at)
            else:
                _, at = vec24(tile, at + 32)
            at += 2 + struct.unpack_from(">H", tile, at)[0]
            if kind == 1:
                der, at = vec24(tile, at)
            at += 2 + struct.unpack_from(">H", tile, at)[0]
            found.append(Found(self.url, index, timestamp, kind == 1, der))
            index += 1
        return found[skip:]


def vec24(data, at):
    """(content, end) of a vector with a length of three bytes"""
    end = at + 3 + int.from_bytes(data[at:at + 3], "big")
    if end > len(data):
        raise IndexError("vector is cut short")
    return data[at + 3:end], end
