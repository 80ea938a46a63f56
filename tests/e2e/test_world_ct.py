"""The logs of the test world, judged by certspotter and by the algorithms of RFC 9162."""
import base64
import datetime
import hashlib
import http.client
import json
import pathlib
import urllib.parse

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import zt  # noqa: F401  (finds the modules of tests/world)
import ctwire
import serve
import world_proofs as proofs
from certspotter import Certspotter
from conftest import run, wait_for
from world_bench import client, started, well_behaved, world  # noqa: F401


def test_certspotter_follows_the_log_and_finds_what_was_issued(world, tmp_path, started, client):
    cert, _, _ = client.issue("spotted.example.test")
    client.issue("other.example.test")
    spotter = Certspotter(tmp_path, started, world.ct["list"], ["spotted.example.test"],
                          world.cafile)
    wait_for(spotter.certificates, timeout=30, what="certspotter to find it")
    tbs = hashlib.sha256(ctwire.tbs_without(cert.tbs_certificate_bytes, ctwire.OID_SCT_LIST))
    assert tbs.hexdigest() in {found for found, _ in spotter.certificates()}
    assert not [e for e in spotter.found() if "other.example" in e["DNS_NAMES"] + e["SUMMARY"]]
    # its own tree head, verified: the tree it rebuilt has our root
    def verified():
        states = [json.loads(p.read_text())
                  for p in (tmp_path / "state/logs").glob("*/state.json")]
        return states and states[0]["verified_position"]["size"] > 0
    wait_for(verified, timeout=20, what="certspotter to verify a tree head")


# ---- logs, by the algorithms of RFC 9162

class Reader:
    """A log's public API; what it says is JSON, or bytes."""

    def __init__(self, world, name):
        self.facts, self.cafile = world.ct["logs"][name], world.cafile

    def get(self, path, status=200):
        got, headers, body = serve.fetch(self.facts["url"] + path, cafile=self.cafile)
        assert got == status, (path, got, body)
        return body if "json" not in headers["Content-Type"] else json.loads(body)

    def sth(self):
        return self.get("ct/v1/get-sth")

    def checkpoint(self):
        return proofs.checkpoint(self.facts["key"], self.get("checkpoint").decode())

    def consistent(self, first, second, roots):
        answer = self.get(f"ct/v1/get-sth-consistency?first={first}&second={second}")
        return proofs.consistent(first, second, map(base64.b64decode, answer["consistency"]),
                                 roots[first], roots[second])


def root_of(hashes_of_leaves):
    """The definition of RFC 6962 §2.1, slowly"""
    if len(hashes_of_leaves) == 1:
        return hashes_of_leaves[0]
    half = 1
    while 2 * half < len(hashes_of_leaves):
        half *= 2
    return proofs.node(root_of(hashes_of_leaves[:half]), root_of(hashes_of_leaves[half:]))


@pytest.fixture(scope="module")
def filled(world):
    for name in world.ct["logs"]:
        world.control("ct", "fill", log=name, count=600)


def leaves_of(reader, size):
    leaves = []
    while len(leaves) < size:
        answer = reader.get(f"ct/v1/get-entries?start={len(leaves)}&end={size - 1}")
        leaves += [base64.b64decode(e["leaf_input"]) for e in answer["entries"]]
    return [proofs.leaf_hash(leaf) for leaf in leaves]


def test_proofs_of_a_log(world, filled):
    reader = Reader(world, "alder")
    sth = reader.sth()
    size, root = sth["tree_size"], base64.b64decode(sth["sha256_root_hash"])
    assert proofs.tree_head(reader.facts["key"], sth)
    digests = leaves_of(reader, size)
    assert root_of(digests) == root
    sizes = [1, 2, 3, 4, 7, 8, 255, 256, 257, size - 1]
    roots = {n: root_of(digests[:n]) for n in [*sizes, size]}
    for first in sizes:
        assert reader.consistent(first, size, roots)
        assert not reader.consistent(first, size, {**roots, first: roots[2 if first == 1 else 1]})
    for index in (0, 1, 255, 256, size - 2, size - 1):
        for at in (n for n in (257, size) if n > index):
            quoted = digests[index]
            answer = reader.get("ct/v1/get-proof-by-hash?tree_size=%d&hash=%s" % (
                at, urllib.parse.quote(base64.b64encode(quoted), safe="")))
            path = [base64.b64decode(p) for p in answer["audit_path"]]
            assert answer["leaf_index"] == index
            assert proofs.included(quoted, index, at, path, roots[at])
            assert not proofs.included(digests[2], index, at, path, roots[at])


def test_tiles_of_a_log(world, filled):
    reader = Reader(world, "birch")
    size, root = reader.checkpoint()
    digests, leaves = b"", []
    for number in range((size + 255) // 256):
        width = min(256, size - 256 * number)
        part = "" if width == 256 else f".p/{width}"
        tile = reader.get(f"tile/0/{number:03d}{part}")
        digests += tile
        assert len(tile) == 32 * width
        leaves += entries_of(reader.get(f"tile/data/{number:03d}{part}"))
    split = [digests[i:i + 32] for i in range(0, len(digests), 32)]
    assert root_of(split) == root
    assert [proofs.leaf_hash(leaf) for leaf, _ in leaves] == split
    above = reader.get(f"tile/1/000.p/{size // 256}")
    assert above == b"".join(root_of(split[256 * i:256 * i + 256]) for i in range(size // 256))
    for index, (leaf, chain) in enumerate(leaves):
        assert leaf.endswith(b"\0\x08" + b"\0\0\5" + index.to_bytes(5, "big"))
        for fingerprint in chain[:1] if index % 100 == 0 else []:
            issuer = reader.get(f"issuer/{fingerprint.hex()}")
            assert hashlib.sha256(issuer).digest() == fingerprint
    reader.get(f"tile/0/{size // 256:03d}.p/{size % 256 + 1}", status=404)
    reader.get("tile/0/x001/000", status=404)


def entries_of(tile):
    """(MerkleTreeLeaf, fingerprints) of a data tile, as c2sp.org/static-ct-api has it"""
    found, at = [], 0
    def vector(width):
        nonlocal at
        at += width + int.from_bytes(tile[at:at + width], "big")
    while at < len(tile):
        start, kind = at, int.from_bytes(tile[at + 8:at + 10], "big")
        at += 10 + (32 if kind else 0)
        vector(3)
        vector(2)
        leaf = b"\0\0" + tile[start:at]
        if kind:
            vector(3)
        start = at + 2
        vector(2)
        found.append((leaf, [tile[i:i + 32] for i in range(start, at, 32)]))
    return found


def test_what_a_log_can_do_wrong(world, filled):
    """Each misbehaviour is there, and gone again when mended."""
    reader, tiles = Reader(world, "alder"), Reader(world, "birch")
    good = reader.sth()
    size, root = good["tree_size"], base64.b64decode(good["sha256_root_hash"])
    key = reader.facts["key"]

    def bend(log, what, value=True, **more):
        world.control("ct", "mend", log=log)
        world.control("ct", "bend", log=log, what=what, value=value, **more)

    bend("alder", "fork", 5)
    forked = reader.sth()
    assert forked["tree_size"] == size and proofs.tree_head(key, forked)
    assert base64.b64decode(forked["sha256_root_hash"]) != root
    assert root_of(leaves_of(reader, size)) == base64.b64decode(forked["sha256_root_hash"])
    bend("alder", "missing", 5)
    assert reader.sth()["tree_size"] == size - 1
    bend("alder", "shrink", 3)
    assert reader.sth()["tree_size"] == 3 and proofs.tree_head(key, reader.sth())
    for what in ("bad-signature", "wrong-key"):
        bend("alder", what)
        assert not proofs.tree_head(key, reader.sth())
    bend("alder", "stale", 7200)
    assert reader.sth()["timestamp"] < good["timestamp"] - 7000000
    bend("alder", "future", 7200)
    assert reader.sth()["timestamp"] > good["timestamp"] + 7000000
    bend("alder", "bad-proof")
    roots = {7: root_of(leaves_of(reader, 7)), size: root}
    assert not reader.consistent(7, size, roots)
    bend("alder", "status", 429, retry_after=7, times=1)
    got, headers, _ = serve.fetch(reader.facts["url"] + "ct/v1/get-sth", cafile=world.cafile)
    assert (got, headers["Retry-After"]) == (429, "7")
    assert reader.sth()["tree_size"] == size
    bend("alder", "truncate", 20)
    with pytest.raises(http.client.IncompleteRead):
        reader.sth()
    bend("alder", "garbage")
    with pytest.raises(ValueError):
        reader.sth()
    world.control("ct", "mend", log="alder")
    assert reader.consistent(7, size, roots)

    count, _ = tiles.checkpoint()
    partial, full = f"tile/0/{count // 256:03d}.p/{count % 256}", "tile/0/000"
    before = {p: tiles.get(p) for p in (partial, full, "tile/data/000")}
    for what, path in (("wrong-partial-tile", partial), ("wrong-tile", full),
                       ("wrong-data-tile", "tile/data/000")):
        bend("birch", what)
        assert {p for p in before if tiles.get(p) != before[p]} == {path}
    bend("birch", "shrink", 300)
    assert tiles.checkpoint()[0] == 300 and len(tiles.get("tile/0/001.p/44")) == 44 * 32
    for path in ("tile/0/001.p/45", "tile/0/001", "tile/data/001"):
        tiles.get(path, status=404)
    bend("birch", "wrong-key-id")
    assert tiles.checkpoint() is None
    world.control("ct", "mend", log="birch")
    assert tiles.checkpoint()[0] == count


def test_a_log_that_promises_and_does_not_merge(world, client):
    reader = Reader(world, "alder")
    before = reader.sth()["tree_size"]
    world.control("ct", "bend", log="alder", what="never-merge")
    client.issue("unmerged.example.test")
    assert reader.sth()["tree_size"] == before
    world.control("ct", "mend", log="alder")
    index = world.control("ct", "add-raw", log="alder", leaf="AAEC")["index"]
    entry = reader.get(f"ct/v1/get-entries?start={index}&end={index}")["entries"][0]
    assert entry["leaf_input"] == "AAEC"


def test_the_log_list_is_signed(world):
    data = pathlib.Path(world.ct["list"]).read_bytes()
    run("openssl", "dgst", "-sha256", "-verify", world.ct["list_key"], "-signature",
        world.ct["list_signature"], world.ct["list"])
    kinds = {o["name"]: (len(o["logs"]), len(o["tiled_logs"]))
             for o in json.loads(data)["operators"]}
    assert kinds == {"Alpha": (1, 0), "Beta": (0, 1)}


def test_logs_take_only_what_our_roots_vouch_for(world):
    other = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "stranger")])
    now = datetime.datetime.utcnow()
    cert = (x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(7)
            .public_key(other.public_key()).not_valid_before(now).not_valid_after(now)
            .sign(other, hashes.SHA256()))
    body = json.dumps({"chain": [base64.b64encode(
        cert.public_bytes(serialization.Encoding.DER)).decode()]})
    for facts in world.ct["logs"].values():
        status, _, said = serve.fetch(facts["url"] + "ct/v1/add-chain", method="POST", body=body,
                                      cafile=world.cafile)
        assert status == 400 and b"accepted root" in said


@pytest.fixture
def large(world, tmp_path):
    """A static log of 270000 entries: what its ready line said"""
    process, facts = serve.start("ctlog.py", "--dir", tmp_path / "ct", "--http", "--log",
                                 "name=elm,operator=Gamma,kind=static", "--fill", "elm=270000",
                                 log=tmp_path / "log")
    yield facts["logs"]["elm"]
    serve.end(process)


def test_tiles_of_a_large_log(large):
    """Three levels of tiles, and numbers of more than three digits."""
    def get(path, status=200):
        got, _, body = serve.fetch(large["url"] + path)
        assert got == status, path
        return body

    def hashes_of(path):
        body = get(path)
        return [body[i:i + 32] for i in range(0, len(body), 32)]

    size, root = proofs.checkpoint(large["key"], get("checkpoint").decode())
    assert size == 270000 == 1054 * 256 + 176
    second = [h for n in range(4) for h in hashes_of(f"tile/1/{n:03d}")]
    second += hashes_of("tile/1/004.p/30")
    last = root_of(hashes_of("tile/0/x001/054.p/176"))
    assert root_of(second + [last]) == root
    assert hashes_of("tile/2/000.p/4") == [root_of(second[256 * i:256 * i + 256])
                                           for i in range(4)]
    assert root_of(hashes_of("tile/0/x001/000")) == second[1000]
    leaves = [leaf for leaf, _ in entries_of(get("tile/data/x001/000"))]
    assert root_of([proofs.leaf_hash(leaf) for leaf in leaves]) == second[1000]
    for path in ("tile/0/1000", "tile/0/x001/055", "tile/2/000.p/5", "tile/3/000.p/1"):
        assert serve.fetch(large["url"] + path)[0] in (400, 404), path
