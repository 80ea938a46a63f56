"""Goal: the rooms dns and resolve against real name servers. Updates with TSIG against knot with
DNSSEC signing; look-ups validated by DNSSEC; CAA climbed, judged, watched from two vantages; a
challenge's publication checked at every name server; proofs of CAA sets kept and checked offline;
hooks as uacme calls them.

Everything runs in a network namespace with loopback only.
"""
import shlex
import struct
import time

import dns.name as dns_names
import pytest

from conftest import run, tool
from signed_dns import Knot, PrivateNet, head

CA, ACCOUNT = "ca.test", "https://ca.test/acct/1"
PIN = f"{CA}; accounturi={ACCOUNT}; validationmethods=dns-01"
EXAMPLE = [
    "ns1 A 127.0.0.1", "ns2 A 127.0.0.2",
    f'@ CAA 0 issue "{PIN}"', f'@ CAA 0 issuewild "{PIN}"',
    "app A 127.0.0.1",
    f'held CAA 0 issue "{PIN}"', f'held CAA 0 issuewild "{PIN}"',
    'half CAA 0 issuewild ";"',
    "alias CNAME target.other.test.",
    "lost CNAME nothing.other.test.",
    "_acme-challenge.delegated CNAME app.challenges.other.test.",
    '_acme-challenge TXT "standing"',
]


class World:
    """The signed zones test., example.test. and other.test., and plain.test. without a signature."""

    def __init__(self):
        self.net = PrivateNet()
        keys = {"narrow": ("hmac-sha256", ["TXT", "CAA"]), "wide": ("hmac-sha512", None),
                "middle": ("hmac-sha384", ["TXT", "CAA"])}
        zones = {
            "test": (True, head("test")),
            "example.test": (True, head("example.test") + EXAMPLE),
            "other.test": (True, head("other.test") + [
                'target CAA 0 issue "elsewhere.test"', '@ CAA 0 issue "parent-of-target.test"',
                'app.challenges TXT "old"']),
            "plain.test": (False, head("plain.test") + [f'@ CAA 0 issue "{PIN}"']),
        }
        self.first = Knot(self.net, "127.0.0.1", zones, keys)
        ds = {zone: self.first.generate(zone) for zone in zones if zones[zone][0]}
        lines = head("test")
        for zone in ("example.test", "other.test", "plain.test"):
            lines += [f"{zone}. NS ns1.example.test.", f"{zone}. NS ns2.example.test."]
            lines += ds.get(zone, [])
        lines += ["ns1.example.test. A 127.0.0.1", "ns2.example.test. A 127.0.0.2"]
        self.first.zone_file("test").write_text("\n".join(lines) + "\n")
        self.anchor = self.first.dir / "anchor"
        self.anchor.write_text("\n".join(ds["test"]) + "\n")
        # A second server that is not told of updates.
        self.second = Knot(self.net, "127.0.0.2", {
            "example.test": (False, head("example.test") + EXAMPLE),
            "other.test": (False, zones["other.test"][1])})
        self.first.start()
        self.second.start()

    def close(self):
        self.first.close()
        self.second.close()
        self.net.close()


@pytest.fixture(scope="module")
def world():
    w = World()
    yield w
    w.close()


@pytest.fixture
def dns(world, bindir):
    """Calls dnstool in the world: its lines as a list of words each, with the exit status first."""
    program = tool(bindir, "dnstool")

    def call(*argv, anchored=True, stub="test@127.0.0.1:53", key="narrow", zone="example.test", server=None):
        options = [f"stub={stub}", f"server={server or '127.0.0.1:53'}", f"zone={zone}",
                   f"pin={CA},{ACCOUNT},dns-01"]
        if key:
            options.append(f"key={world.first.key(key) if key in world.first.keys else key}")
        if anchored:
            options.append(f"anchor={world.anchor}")
        done = world.net.run(program, *options, *argv, check=False, timeout=60)
        assert done.returncode in (0, 1), done.stdout
        return [line.split(" ") for line in done.stdout.splitlines()]

    return call


def words(lines, first):
    return [line[1:] for line in lines if line[0] == first]


def word(lines, first):
    found = words(lines, first)
    assert len(found) == 1, lines
    return found[0][0]


# -- updates


@pytest.mark.parametrize("key", ["narrow", "middle", "wide"])
def test_txt_is_added_and_removed(dns, world, key):
    name = f"_acme-challenge.{key}.example.test"
    for value in ("one", "two"):
        lines = dns("txt-add", name, value, key=key)
        assert (word(lines, "rc"), word(lines, "signature")) == ("ok", "good")
    assert world.first.short("TXT", name) == ['"one"', '"two"']
    assert word(dns("txt-remove", name, "one", key=key), "rc") == "ok"
    assert world.first.short("TXT", name) == ['"two"']
    assert word(dns("txt-remove", name, "two", key=key), "rc") == "ok"
    assert world.first.short("TXT", name) == []


def test_caa_set_is_swapped_in_one_step(dns, world):
    name = "swapped.example.test"
    first, second = f'0 issue "{PIN}"', f'0 issuewild "{PIN}"'
    assert word(dns("swap", name, "--", first), "rc") == "ok"
    assert word(dns("swap", name, first, "--", first, second), "rc") == "ok"
    assert len(world.first.short("CAA", name)) == 2
    # Somebody else's idea of what was there is out of date, in each way.
    for before in ([], [first], [first, second, '0 issue "third.test"'], [first, '0 issue ";"']):
        lines = dns("swap", name, *before, "--", '0 issue "evil.test"')
        assert word(lines, "rc") == "stale", before
        assert word(lines, "rcode") in ("NXRRSET", "YXRRSET")
        assert word(lines, "signature") == "good"
    assert len(world.first.short("CAA", name)) == 2
    # Order does not matter.
    assert word(dns("swap", name, second, first, "--"), "rc") == "ok"
    assert world.first.short("CAA", name) == []


def test_key_for_txt_and_caa_cannot_write_addresses(dns, world):
    # knot says of a key that may not write this type what it says of one it does not know.
    lines = dns("address", "app2.example.test")
    assert (word(lines, "rcode"), word(lines, "error")) == ("NOTAUTH", "BADKEY")
    assert word(dns("txt-add", "app2.example.test", "v"), "rc") == "ok"
    assert world.first.short("A", "app2.example.test") == []
    assert word(dns("address", "app2.example.test", key="wide"), "rc") == "ok"
    assert world.first.short("A", "app2.example.test") == ["192.0.2.1"]


def test_wrong_secret_is_badsig(dns):
    lines = dns("txt-add", "x.example.test", "v", key="narrow.:hmac-sha256:" + "A" * 43 + "=")
    assert (word(lines, "rc"), word(lines, "error")) == ("crypto", "BADSIG")
    assert word(lines, "signature") == "unsigned"


def test_unknown_key_is_badkey(dns):
    lines = dns("txt-add", "x.example.test", "v", key="nobody.:hmac-sha256:" + "A" * 43 + "=")
    assert (word(lines, "rc"), word(lines, "error")) == ("crypto", "BADKEY")


def test_condition_stops_what_was_done_before(world, bindir):
    """The same change twice: the second finds another set than it was made for."""
    name = "replayed.example.test"
    program = tool(bindir, "dnstool")
    argv = [program, f"key={world.first.key('narrow')}", "server=127.0.0.1:53", "zone=example.test", "swap",
            name, "--", '0 issue "one.test"']
    assert world.net.run(*argv, check=False).returncode == 0
    assert world.net.run(*argv, check=False).returncode == 1
    assert world.first.short("CAA", name) == ['0 issue "one.test"']


def test_another_zone_is_refused(dns):
    lines = dns("txt-add", "x.missing.test", "v", zone="missing.test")
    assert word(lines, "rc") == "denied"


# -- look-ups


@pytest.mark.parametrize("name,kind,trust,count", [
    ("example.test", 257, "secure", 2),
    ("app.example.test", 257, "secure", 0),
    ("nowhere.example.test", 257, "secure", 0),
    ("alias.example.test", 257, "secure", 1),
    ("lost.example.test", 257, "secure", 0),
    ("plain.test", 257, "insecure", 1),
])
def test_lookup_is_validated(dns, name, kind, trust, count):
    lines = dns("ask", name, kind)
    assert (word(lines, "trust"), word(lines, "count")) == (trust, str(count)), lines


def test_wrong_anchor_is_bogus_and_gives_no_data(dns, world, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("test. DS 1 13 2 " + "AB" * 32 + "\n")
    lines = dns(f"anchor={wrong}", "ask", "example.test", 257, anchored=False)
    assert (word(lines, "trust"), word(lines, "count")) == ("bogus", "0")


def test_no_anchor_is_never_secure(dns):
    lines = dns("ask", "example.test", 257, anchored=False)
    assert (word(lines, "trust"), word(lines, "count")) == ("insecure", "2")


def test_signatures_run_out(dns):
    later = int(time.time()) + 90 * 86400
    lines = dns(f"now={later}", "ask", "example.test", 257)
    assert (word(lines, "trust"), word(lines, "count")) == ("bogus", "0")


def test_silent_server_is_failed(dns):
    lines = dns("ask", "example.test", 257, stub="test@127.0.0.9:53")
    assert (word(lines, "trust"), word(lines, "count")) == ("failed", "0")


# -- CAA


def holes(lines):
    return [(h[0], h[1]) for h in words(lines, "hole") if h[2] == "1"]


def test_pinned_name_is_ours_alone(dns):
    lines = dns("caa", "app.example.test")
    assert words(lines, "answer") == [["yes", "matches"]]
    assert words(lines, "others")[0][0] == "0", lines


def test_missing_issue_is_open(dns):
    lines = dns("caa", "half.example.test")
    assert ("unrestricted", "half.example.test") in holes(lines)


def test_alias_gives_the_targets_set(dns):
    """A24: the name is a CNAME and its target's set names somebody else."""
    lines = dns("caa", "alias.example.test")
    assert words(lines, "answer") == [["no", "issuer_not_named"]]
    assert ("other_issuer", "alias.example.test") in holes(lines)


def test_parent_of_an_aliass_target_does_not_count(dns):
    """A25: other.test has a set, nothing.other.test has none: example.test governs."""
    lines = dns("caa", "lost.example.test")
    assert words(lines, "answer") == [["yes", "matches"]]
    assert ["lost.example.test", "secure", "0", "nothing.other.test"] in words(lines, "level")


def test_unknown_level_is_undecided(dns, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("test. DS 1 13 2 " + "AB" * 32 + "\n")
    lines = dns(f"anchor={wrong}", "caa", "app.example.test", anchored=False)
    assert word(lines, "decided") == "0"
    assert not words(lines, "property")


def test_vantages_that_disagree(dns, world):
    """A32: one path shows another set than the others."""
    name = "watched.example.test"
    wanted = [f'0 issue "{PIN}"', f'0 issuewild "{PIN}"']
    two = "stub=example.test@127.0.0.1:53", "stub=example.test@127.0.0.2:53"
    assert word(dns("swap", name, "--", *wanted), "rc") == "ok"
    lines = dns(*two, "views", name, stub="example.test@127.0.0.1:53", anchored=False)
    assert words(lines, "disagree") == [["1", "2"]], lines
    assert words(lines, "drift") == [["1", "unknown", "0"]]
    lines = dns("views", name, stub="test@127.0.0.1:53")
    assert words(lines, "disagree") == [["0", "0"]], lines
    assert words(lines, "drift") == [["0", "unknown", "0"]]


# -- publication


def test_waits_for_every_server(dns, world):
    name = "_acme-challenge.example.test"
    lines = dns("wait", name, "standing")
    assert word(lines, "rc") == "ok"
    assert word(lines, "zone") == "example.test"
    assert words(lines, "server") == [["as_wanted", "0"]] * 2
    # The second server does not learn of it.
    assert word(dns("txt-add", name, "fresh"), "rc") == "ok"
    lines = dns("wait", name, "fresh")
    assert word(lines, "rc") == "limit"
    assert sorted(words(lines, "server")) == [["as_wanted", "0"], ["missing", "0"]]
    # It goes on serving what should be gone.
    assert word(dns("txt-remove", name, "standing"), "rc") == "ok"
    lines = dns("wait", name, "", "standing")
    assert sorted(words(lines, "server")) == [["as_wanted", "0"], ["stale", "0"]]


def test_delegated_challenge_is_followed(dns):
    lines = dns("wait", "_acme-challenge.delegated.example.test", "old")
    assert word(lines, "rc") == "ok"
    assert (word(lines, "zone"), word(lines, "target")) == ("other.test", "app.challenges.other.test")
    assert words(lines, "server") == [["as_wanted", "0"]] * 2


# -- proofs


@pytest.fixture(scope="module")
def proof_path(tmp_path_factory):
    return tmp_path_factory.mktemp("proof")


def prove(dns, name, path):
    lines = dns("prove", name, path)
    assert word(lines, "rc") == "ok", lines
    return lines


def levels(lines):
    return {line[0]: (line[1], line[2]) for line in words(lines, "level")}


@pytest.mark.parametrize("name,want", [
    ("app.example.test", {"app.example.test": ("secure", "0"), "example.test": ("secure", "2"),
                          "test": ("secure", "0")}),
    ("nowhere.example.test", {"nowhere.example.test": ("secure", "0"), "example.test": ("secure", "2"),
                              "test": ("secure", "0")}),
    ("alias.example.test", {"alias.example.test": ("secure", "1"), "example.test": ("secure", "2"),
                            "test": ("secure", "0")}),
    ("plain.test", {"plain.test": ("insecure", "1"), "test": ("secure", "0")}),
])
def test_proof_holds_offline(dns, proof_path, name, want):
    path = proof_path / name
    prove(dns, name, path)
    # In a namespace without any network at all.
    lines = dns("check", name, path)
    assert word(lines, "rc") == "ok"
    assert levels(lines) == want


def test_proof_runs_out(dns, proof_path):
    path = proof_path / "late"
    prove(dns, "app.example.test", path)
    lines = dns(f"now={int(time.time()) + 90 * 86400}", "check", "app.example.test", path)
    assert {trust for trust, _ in levels(lines).values()} == {"bogus"}
    assert word(lines, "decided") == "0"


def test_proof_under_another_anchor_is_bogus(dns, proof_path):
    path, wrong = proof_path / "anchored", proof_path / "wrong"
    prove(dns, "app.example.test", path)
    wrong.write_text("test. DS 1 13 2 " + "AB" * 32 + "\n")
    lines = dns(f"anchor={wrong}", "check", "app.example.test", path, anchored=False)
    assert {trust for trust, _ in levels(lines).values()} == {"bogus"}


class Proof:
    """A proof taken apart and put together again by another DNS library."""

    MAGIC = b"postern-dns-proof/1\n"

    def __init__(self, data):
        assert data.startswith(self.MAGIC)
        at = len(self.MAGIC) + 1
        self.messages, self.chain = [], []
        for _ in range(data[at - 1]):
            size = struct.unpack_from("!H", data, at)[0]
            self.messages.append(data[at + 2:at + 2 + size])
            at += 2 + size
        chain, at = data[at + 3:], 0
        while at < len(chain):
            begin, used = at, dns_names.from_wire(chain, at)[1]
            size = struct.unpack_from("!H", chain, at + used + 8)[0]
            at += used + 10 + size
            self.chain.append(chain[begin:at])

    @staticmethod
    def records(message, first):
        """(first byte, end, owner, type) of each record from the answer section on."""
        at = 12 + dns_names.from_wire(message, 12)[1] + 4
        out = []
        while at < len(message):
            owner, used = dns_names.from_wire(message, at)
            kind, size = struct.unpack_from("!H", message, at + used)[0], \
                struct.unpack_from("!H", message, at + used + 8)[0]
            out.append((at, at + used + 10 + size, owner.to_text(), kind))
            at += used + 10 + size
        return out

    def rebuild(self, level, answers, authority):
        """Makes a level's message of these records instead."""
        old = self.messages[level]
        question = old[12:12 + dns_names.from_wire(old, 12)[1] + 4]
        self.messages[level] = old[:6] + struct.pack("!HHH", len(answers), len(authority), 0) + question + \
            b"".join(answers) + b"".join(authority)

    def parts(self, level):
        message = self.messages[level]
        answers = struct.unpack_from("!H", message, 6)[0]
        all_of = [message[a:b] for a, b, _, _ in self.records(message, 0)]
        return all_of[:answers], all_of[answers:]

    @staticmethod
    def kind(record):
        return struct.unpack_from("!H", record, dns_names.from_wire(record, 0)[1])[0]

    def bytes(self):
        chain = b"".join(self.chain)
        return self.MAGIC + bytes([len(self.messages)]) + b"".join(
            struct.pack("!H", len(m)) + m for m in self.messages) + len(chain).to_bytes(3, "big") + chain


CAA, DS, RRSIG, NSEC, DNSKEY, CNAME = 257, 43, 46, 47, 48, 5


def one_value_changed(p):
    answers, authority = p.parts(1)
    p.rebuild(1, [a.replace(b"ca.test; ", b"evil.te; ") for a in answers], authority)
    return "example.test"


def one_record_left_out(p):
    answers, authority = p.parts(1)
    p.rebuild(1, answers[1:], authority)
    return "example.test"


def one_record_added(p):
    answers, authority = p.parts(1)
    p.rebuild(1, [answers[0].replace(b"ca.test; ", b"evil.te; ")] + answers, authority)
    return "example.test"


def signatures_left_out(p):
    answers, authority = p.parts(1)
    p.rebuild(1, [a for a in answers if p.kind(a) != RRSIG], authority)
    return "example.test"


def set_left_out(p):
    p.rebuild(1, [], p.parts(1)[1])
    return "example.test"


def absence_by_another_names_nsec(p):
    """Of example.test: the NSEC record that proves app.example.test's absence."""
    p.rebuild(1, [], p.parts(0)[1])
    return "example.test"


def absence_left_out(p):
    p.rebuild(0, [], [])
    return "app.example.test"


def absence_by_the_zone_above(p):
    p.rebuild(1, [], p.parts(2)[1])
    return "example.test"


def nsec_without_its_signature(p):
    answers, authority = p.parts(0)
    p.rebuild(0, answers, [a for a in authority if p.kind(a) != RRSIG])
    return "app.example.test"


def keys_left_out(p):
    p.chain = [r for r in p.chain if not (p.kind(r) == DNSKEY and dns_names.from_wire(r, 0)[0].to_text() ==
                                         "example.test.")]
    return "example.test"


def ds_left_out(p):
    p.chain = [r for r in p.chain if p.kind(r) != DS]
    return "example.test"


def everything_unsigned(p):
    """A30, A31: data without a signature, and a chain without DS records or proof that there are none."""
    p.chain = [r for r in p.chain if dns_names.from_wire(r, 0)[0].to_text() == "test."]
    answers, authority = p.parts(1)
    p.rebuild(1, [a.replace(b"ca.test; ", b"evil.te; ") for a in answers if p.kind(a) != RRSIG], authority)
    return "example.test"


@pytest.mark.parametrize("damage", [
    one_value_changed, one_record_left_out, one_record_added, signatures_left_out, set_left_out,
    absence_by_another_names_nsec, absence_left_out, absence_by_the_zone_above, nsec_without_its_signature,
    keys_left_out, ds_left_out, everything_unsigned])
def test_damaged_proof_is_bogus(dns, proof_path, damage):
    """A30: no change to a proof makes a level secure, or insecure, or empty."""
    path = proof_path / damage.__name__
    prove(dns, "app.example.test", path)
    whole = Proof(path.read_bytes())
    assert whole.bytes() == path.read_bytes()
    name = damage(whole)
    path.write_bytes(whole.bytes())
    lines = dns("check", "app.example.test", path)
    assert word(lines, "rc") == "ok", lines
    assert levels(lines)[name] == ("bogus", "0")


def test_unsigned_zone_without_proof_of_no_ds_is_bogus(dns, proof_path):
    """A31: "the zone is unsigned" has to be shown."""
    path = proof_path / "downgrade"
    prove(dns, "plain.test", path)
    p = Proof(path.read_bytes())
    p.chain = [r for r in p.chain if p.kind(r) == DNSKEY or
               (p.kind(r) == RRSIG and dns_type_covered(r) == DNSKEY)]
    path.write_bytes(p.bytes())
    assert levels(dns("check", "plain.test", path))["plain.test"] == ("bogus", "0")


def test_alias_without_its_signature_is_bogus(dns, proof_path):
    path = proof_path / "alias"
    prove(dns, "alias.example.test", path)
    p = Proof(path.read_bytes())
    answers, authority = p.parts(0)
    p.rebuild(0, [a for a in answers if not (p.kind(a) == RRSIG and dns_type_covered(a) == CNAME)], authority)
    path.write_bytes(p.bytes())
    assert levels(dns("check", "alias.example.test", path))["alias.example.test"] == ("bogus", "0")


def dns_type_covered(record):
    return struct.unpack_from("!H", record, dns_names.from_wire(record, 0)[1] + 10)[0]


def test_proof_of_another_name_is_malformed(dns, proof_path):
    path = proof_path / "other"
    prove(dns, "app.example.test", path)
    assert word(dns("check", "held.example.test", path), "rc") == "malformed"


# -- hooks


def test_hook_gets_both_conventions(dns, tmp_path):
    hook = tmp_path / "hook"
    hook.write_text("#!/bin/sh\necho $# $* $CERTBOT_DOMAIN $CERTBOT_VALIDATION $CERTBOT_TOKEN "
                    "$CERTBOT_REMAINING_CHALLENGES $HOME $SECRET\n")
    hook.chmod(0o755)
    lines = dns("hook", hook, "dns-01", "app.example.test", "tok", "-auth_")
    assert words(lines, "output") == [
        "5 begin dns-01 app.example.test tok -auth_ app.example.test -auth_ tok 0".split()]
    assert word(lines, "rc") == "ok"


def test_hook_that_fails_declines(dns, tmp_path):
    hook = tmp_path / "hook"
    hook.write_text("#!/bin/sh\nexit 3\n")
    hook.chmod(0o755)
    assert word(dns("hook", hook, "dns-01", "a.test", "t", "v"), "rc") == "denied"


def test_hook_that_hangs_is_killed(dns, tmp_path):
    hook = tmp_path / "hook"
    hook.write_text("#!/bin/sh\nsleep 60\n")
    hook.chmod(0o755)
    began = time.monotonic()
    assert word(dns("hook", hook, "dns-01", "a.test", "t", "v"), "rc") == "limit"
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("value", ["a b", "a\nb", ""])
def test_hook_with_odd_bytes_is_not_run(dns, tmp_path, value):
    hook = tmp_path / "hook"
    hook.write_text("#!/bin/sh\ntouch " + shlex.quote(str(tmp_path / "ran")) + "\n")
    hook.chmod(0o755)
    assert word(dns("hook", hook, "dns-01", "a.test", "t", value), "rc") == "malformed"
    assert not (tmp_path / "ran").exists()
