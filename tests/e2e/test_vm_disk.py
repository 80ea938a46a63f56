"""Data disks under a kernel that has device-mapper, in a virtual machine: opened by whom
they belong to; refused, with the reason, for anybody else and whatever their host did to
them, the published attacks on LUKS2 in confidential VMs among it; whole or made again
after a crash at any moment, of the program or of the machine.

tests/unit/test_disk_*.c has every byte and every rule; this has the kernel.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

import disk_format as form
from conftest import Children, run, tool, wait_for
from control_bench import image_policy
from guest import Guest
from kms_world import KmsWorld
from private_net import PrivateNet

MIB = 1 << 20
SIZE = 16 * MIB  # the least
MODULES = ("virtio_blk", "dm_crypt", "dm_integrity", "aesni_intel", "xts", "authenc",
           "sha256_ssse3", "algif_skcipher")
KEY = b"\xe1" * 32  # diskdo's, of image a
MARK = "nobody outside reads this"


class Machine:
    """A guest with two disks, whose host is this test."""

    def __init__(self, bindir):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pd-", dir="/tmp"))
        self.children = Children(self.folder)
        self.bindir = bindir
        self.net = PrivateNet()
        self.disks = [self.folder / "a", self.folder / "b"]
        for disk in self.disks:
            run("truncate", "-s", SIZE, disk)
        try:
            self.boot()
        except BaseException:
            self.close()
            raise

    def boot(self):
        self.guest = Guest(self.children, self.folder, self.net, {
            "diskdo": tool(self.bindir, "diskdo"), "dmsetup": "/sbin/dmsetup",
            **{t: f"/sbin/{t}" for t in ("mkfs.ext4", "e2fsck", "resize2fs")},
            **{p: self.bindir / p for p in ("postern-agent", "postern-teesim")}},
            MODULES, self.disks)
        self.guest.script("".join(f"modprobe {m}\n" for m in MODULES))

    def kill(self):
        """As a power cut: what the guest had not flushed is gone."""
        self.guest.process.kill()
        self.guest.process.wait()

    def open(self, *options, disk="vda", at="/mnt", count="/tmp/count"):
        """(what diskdo says of it, whether it opened it)"""
        words = [f"count={count}"] * bool(count) + [f"at={at}"] * bool(at)
        status, said = self.guest.script(
            self.guest.command("diskdo", "open", f"/dev/{disk}", *words, *options), check=False,
            timeout=90)
        return said.strip() or f"exit {status}", status == 0

    def close_disk(self):
        self.guest.script("while umount /mnt 2>/dev/null; do :; done; diskdo close data")

    def refused(self, *options, **kwargs):
        said, is_open = self.open(*options, **kwargs)
        if is_open:
            self.close_disk()
        assert not is_open, said
        assert self.guest.run("dmsetup", "ls").strip() == "No devices found"
        return said.split(" | ")[0], said

    # ---- what a host does

    def read(self, at=0, n=form.DATA_AT, disk=0):
        with open(self.disks[disk], "rb") as f:
            f.seek(at)
            return f.read(n)

    def write(self, content, at=0, disk=0):
        """In place: QEMU has the file open."""
        with open(self.disks[disk], "r+b") as f:
            f.seek(at)
            f.write(content)

    def put(self, slot=None, header=None, sign=None, disk=0):
        """The newest record or the header replaced; sign: by who knows this key."""
        front = self.read(disk=disk)
        newest = form.newest(front) * form.SLOT
        slot = slot or front[newest:newest + form.SLOT]
        header = header or front[form.HEADER_AT:form.HEADER_AT + form.HEADER_LEN]
        if sign:
            slot = form.sign(slot, header, sign)
        self.write(slot, newest, disk)
        self.write(header, form.HEADER_AT, disk)

    def new_disk(self, *options, disk=0, count="/tmp/count"):
        """Blank, made, with a file in it, closed."""
        self.write(bytes(SIZE), disk=disk)
        self.guest.script(f"rm -f {count}")
        said, is_open = self.open(*options, disk=f"vd{'ab'[disk]}", count=count)
        assert is_open and said.startswith("ok made generation=1"), said
        self.guest.script(f"echo '{MARK}' >/mnt/file; sync")
        self.close_disk()

    def close(self):
        self.children.stop_all()
        self.net.close()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def machine(bindir):
    m = Machine(bindir)
    yield m
    m.close()


@pytest.fixture(scope="module")
def made(machine):
    """A disk of our own with a file in it, and its bytes."""
    machine.new_disk()
    return machine.read(n=SIZE)


@pytest.fixture
def ours(machine, made):
    """That disk, as it was."""
    machine.write(made)
    machine.guest.script("printf 1 >/tmp/count")
    return machine


def header_of(content):
    return content[form.HEADER_AT:form.HEADER_AT + form.HEADER_LEN]


# ---- whose it is

def test_the_same_measurement_opens_it_and_finds_its_files(ours):
    for generation in (2, 3):
        said, is_open = ours.open()
        assert said == f"ok generation={generation} count={generation}"
        assert ours.guest.run("cat", "/mnt/file").strip() == MARK
        ours.close_disk()


def test_nothing_is_in_clear_on_it(made):
    assert MARK.encode() not in made
    assert KEY[:16] not in made
    assert b"\x53\xef" not in made[form.DATA_AT + 1024 + 0x38:][:2]  # ext4's magic


@pytest.mark.parametrize("option, reason", [
    ("image=b", "other_measurement"), ("app=b", "other_app"), ("seed=b", "other_instance")])
def test_another_image_app_or_instance_is_refused(ours, option, reason):
    assert ours.refused(option)[0] == reason


def test_an_operator_sees_whose_it_is(ours, bindir):
    def show(*more):
        done = run(bindir / "postern", "disk", "show", ours.disks[0], *more, check=False)
        return done.returncode, done.stdout
    status, text = show("--json")
    said = json.loads(text)
    assert status == 0 and said["state"] == "whole" and said["generation"] == 1, text
    assert said["app"] == b"a".hex() * 20 and said["header"] == "as expected"
    assert re.search(r"^authentic +only the CVM can tell$", show()[1], re.M)
    tree = form.luks_json(header_of(ours.read()))
    null_cipher(tree)
    ours.put(header=form.with_json(header_of(ours.read()), tree))
    status, text = show("--json")
    said = json.loads(text)
    assert (status, said["header"], said["header_recorded"]) == (1, "segments.0.encryption", False)
    for front, state, status in ((b"", "blank", 0), (b"x", "not_ours", 1)):
        ours.write(bytes(form.DATA_AT))
        ours.write(front)
        assert show("--json") == (status, json.dumps({"state": state}, indent=2) + "\n")


# ---- an older copy

def test_an_older_copy_is_refused(ours, made):
    ours.open()
    ours.close_disk()
    ours.write(made)
    reason, said = ours.refused()
    assert reason == "rolled_back" and "generation 1 of 2" in said


def test_an_older_copy_is_read_where_that_is_the_policy(ours, made):
    ours.open()
    ours.close_disk()
    ours.write(made)
    said, is_open = ours.open("readonly=1")
    assert said == "ok rolled_back generation=1 count=2"
    assert ours.guest.run("cat", "/mnt/file").strip() == MARK
    assert ours.guest.script("echo x >/mnt/file", check=False)[0] != 0
    assert ours.guest.script("dd if=/dev/zero of=/dev/mapper/data bs=4096 count=1 conv=fsync",
                             check=False)[0] != 0
    ours.close_disk()
    assert ours.read(n=SIZE) == made  # not a byte was written


def test_an_older_record_on_newer_data_is_refused(ours, made):
    ours.open()
    ours.close_disk()
    ours.write(made[:2 * form.SLOT])
    assert ours.refused()[0] == "rolled_back"


def test_two_copies_cannot_both_go_on(ours, made):
    """The second one to start is older than the count."""
    ours.write(made, disk=1)
    ours.open()
    ours.close_disk()
    assert ours.refused(disk="vdb")[0] == "rolled_back"


def test_a_disk_that_was_begun_is_no_way_to_an_empty_one(ours, made):
    """The host keeps what stood there before the disk was whole."""
    begun = bytearray(made[:form.SLOT])
    assert form.field(begun, "state") == b"\1"  # slot 0 has it still
    ours.write(bytes(form.DATA_AT))
    ours.write(bytes(begun))
    assert ours.refused()[0] == "rolled_back"


# ---- a changed front

@pytest.mark.parametrize("name, reason", [
    ("magic", "rolled_back"),  # what is left is the begun record of the other slot
    ("version", "rolled_back"), ("state", "rolled_back"), ("provider", "rolled_back"),
    ("integrity", "rolled_back"), ("key_epoch", "header_not_authentic"),
    ("generation", "header_not_authentic"), ("seed", "other_instance"), ("app", "other_app"),
    ("instance", "other_instance"), ("measurement", "other_measurement"),
    ("header_at", "rolled_back"), ("header_hash", "header_not_authentic"),
    ("mac", "header_not_authentic")])
def test_a_changed_record_is_refused(ours, made, name, reason):
    at, n = form.FIELDS[name]
    newest = form.newest(made) * form.SLOT
    slot = bytearray(made[newest:newest + form.SLOT])
    slot[at + n - 1] ^= 0x40
    ours.put(slot=bytes(slot))
    assert ours.refused()[0] == reason


def null_cipher(tree):
    tree["segments"]["0"]["encryption"] = "cipher_null-ecb"


def null_keyslot(tree):
    tree["keyslots"]["0"]["area"]["encryption"] = "cipher_null-ecb"


def second_keyslot(tree):
    slot = json.loads(json.dumps(tree["keyslots"]["0"]))
    slot["area"]["offset"] = str(2 * form.COPY + 258048)
    tree["keyslots"]["1"] = slot
    tree["digests"]["0"]["keyslots"].append("1")


def other_offset(tree):
    tree["segments"]["0"]["offset"] = str(2 * MIB)


def plain_segment(tree):
    tree["segments"]["0"] = {"type": "linear", "offset": str(MIB), "size": "dynamic"}
    tree["digests"]["0"]["segments"] = []


def reencryption(tree):
    tree["config"]["requirements"] = {"mandatory": ["online-reencrypt-v2"]}


def weak_integrity(tree):
    tree["segments"]["0"]["integrity"] = {
        "type": "none", "journal_encryption": "none", "journal_integrity": "none"}


def token(tree):
    tree["tokens"]["0"] = {"type": "clevis", "keyslots": ["0"]}


PUBLISHED = [
    # The data in clear, behind a header that opens: CVE-2025-59054, CVE-2025-58356.
    (null_cipher, "segments.0.encryption"),
    # The volume key in clear, under any passphrase: the same, by the keyslot.
    (null_keyslot, "keyslots.0.area.encryption"),
    (second_keyslot, "keyslots"),
    (other_offset, "segments.0.offset"),
    (plain_segment, "segments.0"),
    # A reencryption that a crash cut short, and that decrypts: CVE-2021-4122.
    (reencryption, "config"),
    (weak_integrity, "segments.0"),
    (token, "tokens"),
]


@pytest.mark.parametrize("attack, what", PUBLISHED, ids=[a.__name__ for a, _ in PUBLISHED])
def test_a_published_attack_is_refused(ours, made, attack, what):
    """Twice: by a host, and by one that had the key and could sign what it made."""
    tree = form.luks_json(header_of(made))
    attack(tree)
    header = form.with_json(header_of(made), tree)
    ours.put(header=header)
    assert ours.refused()[0] == "header_not_authentic"
    ours.put(header=header, sign=KEY)
    reason, said = ours.refused()
    assert reason == "header_profile" and said.endswith(f": {what}"), said


def test_what_the_attacker_signs_is_what_we_would_have(ours, made):
    """Or the test above would prove nothing: the same header signed in Python opens."""
    header = header_of(made)
    ours.put(header=form.with_json(header, form.luks_json(header)), sign=KEY)
    assert ours.open()[1]
    ours.close_disk()


def test_a_second_header_that_is_newer_is_refused(ours, made):
    """libcryptsetup takes the copy with the greater sequence number."""
    header = bytearray(header_of(made))
    header[form.COPY + 23] += 1
    ours.put(header=bytes(header))
    assert ours.refused()[0] == "header_not_authentic"
    ours.put(header=bytes(header), sign=KEY)
    assert ours.refused()[0] == "header_profile"


def test_a_swapped_keyslot_or_header_of_another_disk_of_ours_is_refused(ours, made):
    """A volume key that somebody else knows under our passphrase, or one of our own."""
    ours.new_disk(disk=1, count="/tmp/count1")
    theirs = ours.read(n=SIZE, disk=1)
    # its keyslot's bytes, its whole header
    ours.put(header=header_of(made)[:2 * form.COPY] + header_of(theirs)[2 * form.COPY:])
    assert ours.refused()[0] == "header_not_authentic"
    ours.put(header=header_of(theirs))
    assert ours.refused()[0] == "header_not_authentic"
    # its whole front, before our data
    ours.write(made)
    ours.write(theirs[:form.DATA_AT])
    reason, said = ours.refused(count="/tmp/count1")
    assert reason == "other_data", said
    # and our front before its data
    ours.write(theirs)
    ours.write(made[:form.DATA_AT])
    assert ours.refused()[0] == "other_data"


def test_a_header_changed_behind_our_back_is_not_read_again(ours):
    """Between the check and the mapping: what is mapped is what was checked."""
    said, is_open = ours.open("spoil=1")
    assert is_open, said
    assert ours.guest.run("cat", "/mnt/file").strip() == MARK
    ours.close_disk()
    assert ours.refused()[0] == "header_not_authentic"


@pytest.mark.parametrize("content", [b"\xeb\x63\x90", b"LUKS\xba\xbe\0\2", b"PSTNDIS"])
def test_a_disk_that_is_none_of_ours_is_left_alone(ours, content):
    ours.write(bytes(form.DATA_AT))
    ours.write(content)
    assert ours.refused()[0] == "not_ours"
    ours.write(bytes(len(content)))
    ours.write(content, at=4 * form.SLOT)  # not at its start
    assert ours.refused()[0] == "not_ours"


# ---- changed sectors

def test_integrity_notices_a_changed_sector(machine):
    machine.new_disk("integrity=1", disk=1, count="/tmp/count1")
    assert machine.refused(disk="vdb", count="/tmp/count1")[1].endswith("header_profile: integrity")
    said, is_open = machine.open("integrity=1", disk="vdb", count="/tmp/count1")
    assert is_open, said
    machine.guest.script("head -c 3000000 /dev/zero | tr '\\0' x >/mnt/big; sync")
    machine.close_disk()
    whole = bytearray(machine.read(n=SIZE, disk=1))
    for at in range(4 * MIB, SIZE, 16384):
        whole[at] ^= 1
    machine.write(bytes(whole), disk=1)
    said, is_open = machine.open("integrity=1", disk="vdb", count="/tmp/count1")
    if is_open:
        status, _ = machine.guest.script("cat /mnt/big >/dev/null", check=False)
        log = machine.guest.run("dmesg")
        machine.close_disk()
        assert status != 0, said
        assert "INTEGRITY AEAD ERROR" in log
    else:
        assert re.match("(filesystem|io) ", said), said


# ---- crashes

STEPS = {"begun": 0, "header": 1, "filled": 2, "filesystem": 3, "whole": 4, "counted": 5}


@pytest.mark.parametrize("step", STEPS)
def test_a_disk_of_which_making_was_cut_short_is_made_again_only_if_never_whole(machine, step):
    machine.write(bytes(SIZE))
    machine.guest.script("rm -f /tmp/count")
    said, is_open = machine.open(f"step={STEPS[step]}")
    assert not is_open and "died" in said
    machine.guest.script("dmsetup remove_all")
    is_whole = STEPS[step] >= STEPS["whole"]
    said, is_open = machine.open()
    assert is_open, said
    assert said == ("ok generation=2 count=2" if is_whole else "ok made generation=1 count=1")
    machine.close_disk()


@pytest.mark.parametrize("step", [6, 7])
def test_an_opening_that_was_cut_short_costs_nothing(ours, step):
    for _ in range(2):  # both slots have been written then
        said, is_open = ours.open(f"step={step}")
        assert not is_open and "died" in said
        ours.guest.script("dmsetup remove_all")
    said, is_open = ours.open()
    assert said == "ok generation=4 count=4"
    assert ours.guest.run("cat", "/mnt/file").strip() == MARK
    ours.close_disk()


class Agents:
    """Starts postern-agent in the guest, a trust domain for each name, and says what became of
    the disk.  tds: (name, image, manifest)"""

    def __init__(self, machine, state, tds, more=""):
        self.guest, self.more, self.sim = machine.guest, more, state
        guest = self.guest
        lines = "".join(f"  - {{name: {n}, socket: /tmp/{n}.tee, image: {i}, "
                        f"manifest: /tmp/{m}.json}}\n" for n, i, m in tds)
        guest.write("/tmp/teesim.yaml", f"state: {state}\ncollateral: {state}/collateral\n"
                    f"root: {state}/root.pem\ntds:\n{lines}")
        self.manifest = {n: m for n, _, m in tds}
        guest.script("modprobe wireguard; mkdir -p /var/lib; ip link set lo up")
        self.platform = guest.start("postern-teesim", "--config", "/tmp/teesim.yaml",
                                    log="/tmp/teesim.log")
        wait_for(lambda: guest.script(f"test -S /tmp/{tds[-1][0]}.tee", check=False)[0] == 0,
                 timeout=40, what="the platform", step=0.2)

    def run(self, name, device="/dev/vda"):
        self.guest.write(f"/tmp/{name}.yaml", f"""
node: {name}
gateway: {{ address: "127.0.0.1:4443", name: gateway.test }}
manifest: /tmp/{self.manifest[name]}.json
state: /var/lib/postern
status: /run/agent.sock
trust: {{ policy: /tmp/policy, collateral: {self.sim}/collateral,
         simulated_root: {self.sim}/root.pem }}
quotes: {{ simulator: /tmp/{name}.tee }}
wireguard: {{ interface: wg0 }}
firewall: false
containers: {{ engine: none }}
storage: {{ device: {device}, mount: /var/lib, ready: /run/storage }}
{self.more}""")
        self.guest.script("rm -f /run/storage")
        return self.guest.start("postern-agent", "--config", f"/tmp/{name}.yaml",
                                log="/tmp/agent.log")

    def log(self):
        return self.guest.run("cat", "/tmp/agent.log")

    def is_ready(self):
        wait_for(lambda: "event=ready" in self.log(), timeout=120, what="the agent", step=0.2)

    def end(self, pid, name):
        self.guest.script(f"kill {pid}; while kill -0 {pid} 2>/dev/null; do sleep 0.2; done",
                          check=False, timeout=40)
        self.guest.run("postern-agent", "--config", f"/tmp/{name}.yaml", "--close-storage")
        assert self.guest.run("dmsetup", "ls").strip() == "No devices found"

    def start(self, name, while_open=None, **kwargs):
        """What it says of the disk; then it ends and lets go of it."""
        pid = self.run(name, **kwargs)
        try:
            wait_for(lambda: self.guest.script("test -e /run/storage", check=False)[0] == 0,
                     timeout=60, what="storage", step=0.2)
            said = json.loads(self.guest.run("cat", "/run/storage"))
            if said["state"] == "open":
                self.is_ready()
            if while_open:
                pid = while_open(pid, said) or pid
        except AssertionError as e:
            raise AssertionError(f"{e}\n{self.log()}") from None
        self.end(pid, name)
        return said

    def close(self):
        self.guest.script(f"kill {self.platform}", check=False)


def test_the_agent_makes_opens_and_refuses_its_disk(machine):
    """With the platform's key: postern-teesim is the CPU, and images and manifests differ."""
    machine.write(bytes(SIZE))
    machine.guest.write("/tmp/policy", image_policy("base"))
    for name in ("app", "app2"):
        machine.guest.write(f"/tmp/{name}.json", json.dumps({"manifest_version": 2, "name": name}))
    agents = Agents(machine, "/tmp/sim", [("td", "base", "app"), ("again", "base", "app"),
                                          ("image", "other", "app"), ("app", "base", "app2"),
                                          ("seed", "base", "app"), ("bent", "base", "app")])

    def restart(pid, said):
        """Killed and started again in the same machine: the disk is as it was."""
        seed = machine.guest.run("cat", "/var/lib/postern/instance-seed").strip()
        assert seed == form.field(machine.read(n=form.SLOT), "seed").hex()
        machine.guest.script(f"kill -9 {pid}")
        pid = agents.run("td")
        agents.is_ready()
        assert "storage_open_already" in agents.log()
        return pid

    first = agents.start("td", restart)
    assert (first["made"], first["generation"], first["mode"]) == (True, 1, "read-write")
    assert first["simulated"] and not first["counted"]
    second = agents.start("again")
    assert (second["made"], second["generation"]) == (False, 2)
    assert "storage_not_counted" in agents.log()
    assert agents.start("image")["reason"] == "other_measurement"
    assert agents.start("app")["reason"] == "other_app"
    # What the host changes: the seed, which would make it another instance, and the header.
    whole = machine.read()
    at, _ = form.FIELDS["seed"]
    seed = bytearray(whole[form.newest(whole) * form.SLOT:][:form.SLOT])
    seed[at] ^= 1
    machine.put(slot=bytes(seed))
    assert agents.start("seed")["reason"] == "other_instance"
    machine.write(whole)
    tree = form.luks_json(header_of(whole))
    null_cipher(tree)
    machine.put(header=form.with_json(header_of(whole), tree))
    assert agents.start("bent")["reason"] == "header_not_authentic"
    agents.close()


def test_the_key_service_remembers_how_often_a_disk_was_opened(machine, bindir):
    """The same with postern-kms, which runs on the host and counts."""
    guest = machine.guest
    world = KmsWorld(bindir, numbers=(1,))
    try:
        world.net.close()
        world.net = machine.net
        machine.net.run("ip", "address", "replace", "192.0.2.1/24", "dev", guest.tap)
        guest.script("ip addr replace 192.0.2.2/24 dev eth0; ip link set eth0 up")
        world.nodes[0].address = "192.0.2.1:8446"
        world.manifest("hello", storage={"rollback": "read-only"})
        world.manifest("strict")
        world.manifest("stranger")
        world.nodes[0].start()
        world.nodes[0].wait()
        policy = world.policy(apps=[world.app(), world.app("strict")])
        status, said = world.nodes[0].post("bootstrap", policy)
        assert status == 200, said
        world.wait_even()
        archive = subprocess.run(["tar", "-cz", "-C", world.dir, "sim"], check=True,
                                 stdout=subprocess.PIPE).stdout
        guest.write_bytes("/tmp/files", archive)
        guest.script("rm -rf /tmp/world; mkdir /tmp/world; tar -xz -C /tmp/world -f /tmp/files")
        for name in ("hello", "strict", "stranger"):
            guest.write(f"/tmp/{name}.json", (world.dir / f"{name}.json").read_text())
        guest.write("/tmp/policy", image_policy("kms"))
        machine.write(bytes(SIZE))
        agents = Agents(machine, "/tmp/world/sim", [
            ("one", "base", "hello"), ("two", "base", "hello"), ("evil", "evil", "hello"),
            ("stranger", "base", "stranger"), ("old", "base", "hello"), ("last", "base", "hello"),
            *((f"strict{n}", "base", "strict") for n in (1, 2, 3)),
        ], 'kms: { addresses: [ "192.0.2.1:8446" ] }')

        first = agents.start("one")
        assert (first["made"], first["generation"], first["counted"]) == (True, 1, True), first
        assert not first["simulated"]
        copy = machine.read(n=SIZE)
        assert agents.start("two")["generation"] == 2
        newest = machine.read(n=SIZE)
        said = agents.start("evil")
        assert said["reason"] == "no_key" and "measurement_refused" in said["why"]
        assert agents.start("stranger")["reason"] == "other_app"
        machine.write(copy)

        def cannot_write(pid, said):
            assert guest.script("echo x >/var/lib/x", check=False)[0] != 0
            guest.script("echo x >/var/lib/postern/x")  # in memory
        said = agents.start("old", cannot_write)
        assert (said["mode"], said["generation"]) == ("read-only", 1)
        assert machine.read(n=SIZE) == copy
        # Where the manifest does not say otherwise an older copy is refused.
        machine.write(bytes(SIZE))
        assert agents.start("strict1")["made"]
        copy = machine.read(n=SIZE)
        assert agents.start("strict2")["generation"] == 2
        machine.write(copy)
        said = agents.start("strict3")
        assert said["reason"] == "rolled_back" and "generation 1 of 2" in said["why"]
        machine.write(newest)
        world.nodes[0].kill()
        said = agents.start("last")
        assert said["reason"] == "no_key" and "unreachable" in said["why"]
        agents.close()
    except AssertionError as e:
        raise AssertionError(f"{e}\n{world.story()}") from None
    finally:
        world.net = PrivateNet()  # the machine keeps its own
        world.close()


def test_a_power_cut_while_data_is_written_and_a_disk_that_grew(machine):
    """The machine is killed, not the program.  What was flushed is there after it."""
    machine.new_disk()
    # The other disk is in the middle of being made.
    machine.write(bytes(SIZE), disk=1)
    machine.guest.script("rm -f /tmp/count1; diskdo open /dev/vdb name=other count=/tmp/count1 hang=3 >/tmp/hang & "
                         "while ! grep -q hang /tmp/hang; do sleep 0.05; done", timeout=30)
    assert machine.open()[1]
    machine.guest.script("""
        echo flushed >/mnt/before; sync
        (while :; do dd if=/dev/urandom of=/mnt/noise bs=64k count=64 conv=fsync; done) \
            >/dev/null 2>&1 & sleep 0.7""")
    count = machine.guest.run("cat", "/tmp/count")
    machine.kill()
    os.truncate(machine.disks[0], 2 * SIZE)
    machine.boot()
    machine.guest.write("/tmp/count", count.strip())
    said, is_open = machine.open()
    assert is_open and said.startswith("ok generation=3"), said
    assert machine.guest.run("cat", "/mnt/before").strip() == "flushed"
    blocks = int(machine.guest.script("df -k /mnt | tail -n 1")[1].split()[1])
    assert blocks * 1024 > 1.5 * SIZE
    machine.close_disk()
    said, is_open = machine.open(disk="vdb", count="/tmp/count1")
    assert is_open and said.startswith("ok made generation=1"), said
    machine.close_disk()
