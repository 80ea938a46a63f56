"""`postern measure` predicts the registers of a direct boot.

Goal: what real guests' logs and an Intel-signed quote hold comes out of their parts;
the rest is what hashlib makes of the same files; a prediction becomes a policy that
accepts the boot it predicts and refuses one whose kernel differs by a byte; what was
given or is missing is said.
"""
import base64
import hashlib
import json
import pathlib
import re
import struct
import subprocess

import pytest
from test_teesim import Platform, ask, control

ROOT = pathlib.Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests/vectors/tdx"
KERNEL = ROOT / "fuzz/corpus/measure_linux/two_sections.bin"
OVMF = pathlib.Path("/usr/share/ovmf/OVMF.fd")
STORE_4M = pathlib.Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
REPORT = VECTORS / "dstack/quote-report.json"
CCEL = VECTORS / "eventlog/ccel_ovmf.bin"
MANIFEST = ROOT / "examples/hello/manifest.json"
ACPI = ["--acpi-loader", "00" * 48, "--acpi-rsdp", "11" * 48, "--acpi-tables", "22" * 48]


@pytest.fixture
def measure(bindir):
    def run(*args):
        return subprocess.run([bindir / "postern", "measure", *map(str, args)],
                              capture_output=True, text=True, timeout=60, check=False)
    return run


@pytest.fixture
def boot(measure, tmp_path):
    """The options of a whole kernel's boot; more replace them."""
    initrd = tmp_path / "initrd"
    initrd.write_bytes(b"initrd")

    def run(*more, kernel=KERNEL, memory="2048", cmdline="console=hvc0"):
        return measure("--kernel", kernel, "--initrd", initrd, "--cmdline", cmdline,
                       "--memory", memory, *more)
    return run


def said(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def replay(*digests):
    value = bytes(48)
    for digest in digests:
        value = hashlib.sha384(value + digest).digest()
    return value.hex()


def sha384(data):
    return hashlib.sha384(data).digest()


def firmware(path, store):
    """An image with OVMF's memory sections, this variable store and some code."""
    code = bytearray((i * 7) % 251 for i in range(8192))
    sections = [(len(store), len(code), 2**32 - len(code), len(code), 0, 1),
                (0, len(store), 2**32 - len(code) - len(store), len(store), 1, 0),
                (0, 0, 0x810000, 0x10000, 3, 0), (0, 0, 0x80b000, 0x2000, 3, 0),
                (0, 0, 0x809000, 0x2000, 2, 0), (0, 0, 0x800000, 0x6000, 3, 0)]
    metadata = b"TDVF" + struct.pack("<III", 16 + 32 * len(sections), 1, len(sections))
    metadata += b"".join(struct.pack("<IIQQII", *s) for s in sections)
    code[-2048:-2048 + len(metadata)] = metadata
    table = struct.pack("<IH", 2048, 22) + bytes.fromhex("35657ae44a989847865e4685a7bf8ec2")
    table += struct.pack("<H", len(table) + 18) + bytes.fromhex("de82b596b21ff745baeaa366c55a082d")
    code[-32 - len(table):-32] = table
    path.write_bytes(store + code)
    return path


@pytest.fixture
def image(tmp_path):
    return firmware(tmp_path / "firmware.fd", STORE_4M.read_bytes())


def mrtd(image, two_pass):
    """By the specification, with the metadata found by its signature."""
    data = image.read_bytes()
    at = data.rindex(b"TDVF" + struct.pack("<I", 16 + 32 * 6))
    value = hashlib.sha384()
    for i in range(6):
        offset, _, gpa, length, _, attributes = struct.unpack_from("<IIQQII", data, at + 16 + 32 * i)
        add = [b"MEM.PAGE.ADD".ljust(16, b"\0") + struct.pack("<Q", gpa + page).ljust(112, b"\0")
               for page in range(0, length, 4096)]
        extend = [b"".join(b"MR.EXTEND".ljust(16, b"\0") +
                           struct.pack("<Q", gpa + page + c).ljust(112, b"\0") +
                           data[offset + page + c:offset + page + c + 256]
                           for c in range(0, 4096, 256)) if attributes & 1 else b""
                  for page in range(0, length, 4096)]
        parts = add + extend if two_pass else [part for both in zip(add, extend) for part in both]
        value.update(b"".join(parts))
    return value.hexdigest()


def test_both_forms_agree(boot):
    made = said(boot("--json"))
    assert f"rtmr1        {made['rtmr1']}\nrtmr2        {made['rtmr2']}\n" in boot().stdout
    line = "console=hvc0 initrd=initrd\0".encode("utf-16-le")
    assert made["rtmr2"] == replay(sha384(line), sha384(b"initrd"))
    assert set(made["not_predicted"]) == {"mr_td", "rtmr0", "rtmr3", "mr_config_id"}
    assert "mr_td is not predicted: it needs --firmware\n" in boot().stdout


def test_memory_above_the_split_changes_nothing(boot):
    assert boot(memory="4096").stdout == boot(memory="65536").stdout == boot().stdout
    assert boot(memory="1024").stdout != boot().stdout


def authenticode(kernel):
    """Of the corpus's kernel: all but checksum and certificate entry, padded to 8."""
    at = struct.unpack_from("<I", kernel, 0x3c)[0] + 24
    image = kernel[:at + 64] + kernel[at + 68:at + 144] + kernel[at + 152:]
    return sha384(image + bytes(-len(kernel) % 8))


def test_kernel_as_it_lies_in_its_file(boot, measure, tmp_path):
    made = said(boot("--json", "--unpatched"))
    kernel = next(e for e in made["events"] if e["name"] == "kernel")
    assert kernel["digest"] == authenticode(KERNEL.read_bytes()).hex()
    assert made["rtmr1"] != said(boot("--json"))["rtmr1"]
    assert made["rtmr1"] == said(measure(
        "--kernel", KERNEL, "--initrd", tmp_path / "initrd", "--cmdline", "a",
        "--unpatched", "--json"))["rtmr1"]  # memory does not matter


@pytest.mark.parametrize("two_pass", [False, True])
def test_mrtd_of_debians_firmware(measure, two_pass):
    options = ["--two-pass"] if two_pass else []
    made = said(measure("--firmware", OVMF, "--json", *options))
    assert made["mr_td"] == mrtd(OVMF, two_pass)
    assert made["two_pass"] is two_pass and "rtmr0" not in made


@pytest.mark.parametrize("log, memory, layout", [
    (REPORT, 65536, "ovmf"), (CCEL, 2048, "ovmf-separator0")])
def test_events_are_those_of_a_real_boot(measure, bindir, image, log, memory, layout):
    """Every RTMR0 event of the log, and the register; of the first a quote holds it."""
    made = said(measure("--firmware", image, "--memory", memory, "--firmware-layout", layout,
                        "--acpi-log", log, "--json"))
    shown = json.loads(subprocess.run([bindir / "postern", "eventlog", "show", log, "--json"],
                                      capture_output=True, check=True).stdout)
    events = [e["digest"] for e in shown["events"] if e["register"] == "rtmr0"]
    assert [e["digest"] for e in made["events"]] == events
    assert [e["name"] for e in made["events"] if e["given"]] == [
        "acpi-loader", "acpi-rsdp", "acpi-tables"]
    assert made["rtmr0"] == shown["registers"]["rtmr0"]["replayed"]
    if log == REPORT:
        assert made["rtmr0"] == shown["registers"]["rtmr0"]["quote"]
    other = said(measure("--firmware", image, "--memory", memory + 1, "--firmware-layout", layout,
                         "--acpi-log", log, "--json"))
    assert other["rtmr0"] != made["rtmr0"]


def test_inputs_as_digests_or_files(measure, image, tmp_path):
    files = []
    for name in ("loader", "rsdp", "tables"):
        (tmp_path / name).write_bytes(name.encode())
        files += [f"--acpi-{name}", tmp_path / name]
    digests = [str(sha384(str(a).rsplit("/", maxsplit=1)[-1].encode()).hex())
               if i % 2 else a for i, a in enumerate(files)]
    common = ["--firmware", image, "--memory", "2048", "--json"]
    assert said(measure(*common, *files)) == said(measure(*common, *digests))


def test_what_is_given_or_missing_is_said(measure, image):
    common = ["--firmware", image, "--memory", "2048"]
    done = measure(*common)
    assert done.returncode == 0
    assert "rtmr0 is not predicted: it needs --acpi-loader" in done.stdout
    done = measure(*common, *ACPI, "--cpus", "4")
    assert "rests on digests that were given: acpi-loader, acpi-rsdp, acpi-tables; " \
        "the number of CPUs is in them only" in done.stdout
    layout = [*common, "--firmware-layout", "ovmf-202505", *ACPI]
    assert "--variable-authority" in measure(*layout).stdout
    made = said(measure(*layout, "--variable-authority", "33" * 48, "--json"))
    assert len(made["events"]) == 17 and "rtmr0" in made
    keys = firmware(image.with_name("keys.fd"), STORE_4M.with_name("OVMF_VARS_4M.ms.fd").read_bytes())
    done = measure("--firmware", keys, "--memory", "2048", *ACPI)
    assert "rtmr0 is not predicted: the firmware's variable store is not empty" in done.stdout
    assert "mr_td" in done.stdout.splitlines()[0]


@pytest.mark.parametrize("continues", [None, "cd" * 20])
def test_rtmr3_of_a_guest_of_ours(measure, tmp_path, continues):
    """The app's first manifest, or an update of it, which has the id of the first."""
    data, instance, manifest = MANIFEST.read_bytes(), "ab" * 20, MANIFEST
    if continues:
        manifest = tmp_path / "update.json"
        data = json.dumps({**json.loads(data), "continues": continues}).encode()
        manifest.write_bytes(data)
    digest = hashlib.sha256(data).digest()
    app = bytes.fromhex(continues) if continues else digest[:20]
    made = said(measure("--manifest", manifest, "--instance-id", instance, "--json"))
    events = [("system-preparing", b""), ("app-id", app), ("compose-hash", digest),
              ("instance-id", bytes.fromhex(instance)), ("boot-mr-done", b"")]
    assert made["rtmr3"] == replay(*(sha384(struct.pack("<I", 0x08000001) + b":" + name.encode() +
                                            b":" + payload) for name, payload in events))
    assert made["mr_config_id"] == "01" + digest.hex() + "00" * 15
    assert "rtmr3" not in said(measure("--manifest", manifest, "--json"))


def test_rtmr3_of_dstacks_events(measure, tmp_path):
    report = json.loads(REPORT.read_text())
    log = tmp_path / "log.json"
    log.write_text(report["event_log"])
    quote = bytes.fromhex(report["quote"])
    assert said(measure("--events", log, "--json"))["rtmr3"] == quote[520:568].hex()


@pytest.fixture
def platform(workdir, bindir, children):
    return Platform(workdir, bindir, children)


def test_from_image_to_policy(platform, workdir, bindir, boot, image):
    """Predicted, launched, quoted, verified; then a kernel with one byte changed."""
    platform.start()
    options = ["--firmware", image, *ACPI, "--cpus", "2", "--manifest", MANIFEST]
    policy = workdir / "policy.yaml"
    policy.write_text(boot(*options, "--policy", "hello-1.0").stdout)
    assert policy.read_text().count("hello-1.0") == 1
    changed = bytearray(KERNEL.read_bytes())
    changed[1500] ^= 1  # in a section
    (workdir / "changed").write_bytes(changed)
    for name, kernel in (("good", KERNEL), ("bad", workdir / "changed")):
        predicted, td = workdir / f"{name}.json", workdir / f"{name}.sock"
        predicted.write_text(boot(*options, "--json", kernel=kernel).stdout)
        assert control(platform.control, {"launch": {
            "name": name, "socket": str(td), "image": "base", "manifest": str(MANIFEST),
            "measured": str(predicted)}}) == {"ok": True}
        status, quote = ask(td, b"\x01" + bytes(64))
        assert status == 0
        (workdir / f"{name}.quote").write_bytes(base64.b64encode(quote))

    def verify(name):
        return subprocess.run(
            [bindir / "postern", "quote", "verify", workdir / f"{name}.quote", "--collateral",
             platform.state / "collateral", "--root", platform.state / "root.pem",
             "--policy", policy], capture_output=True, text=True, timeout=60, check=False)

    done = verify("good")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hello-1.0" in done.stdout and "SIMULATED" in done.stdout
    done = verify("bad")
    assert done.returncode == 1
    assert "measurement-not-listed" in done.stdout and "rtmr1" in done.stdout
    assert not re.search(r"rtmr[02]", done.stdout.splitlines()[0])


def test_simulator_refuses_what_is_no_prediction(platform, workdir):
    platform.start()
    wrong = workdir / "wrong.json"
    for text in ("[]", "{", '{"mr_td": "00"}', '{"rtmr2": 1}'):
        wrong.write_text(text)
        done = control(platform.control, {"launch": {
            "name": "x", "socket": str(workdir / "x.sock"), "image": "base",
            "measured": str(wrong)}})
        assert not done["ok"] and "postern measure" in done["error"], text
    assert control(platform.control, {"list": {}})["tds"] == ["hello"]


def test_no_kernel_or_firmware_refused(boot, measure, tmp_path):
    (tmp_path / "text").write_text("not a kernel")
    done = boot(kernel=tmp_path / "text")
    assert done.returncode == 2 and "bzImage" in done.stderr
    done = measure("--firmware", tmp_path / "text")
    assert done.returncode == 2 and "TDX firmware" in done.stderr
    done = measure("--firmware", OVMF.parent.with_name("OVMF") / "OVMF_CODE.fd")
    assert done.returncode == 2 and "in one file" in done.stderr
    done = measure("--firmware", OVMF, "--memory", "1", *ACPI)
    assert done.returncode == 1 and "memory" in done.stderr


@pytest.mark.parametrize("change", [
    {"kernel": "/nowhere"}, {"memory": "0"}, {"memory": "2G"}, {"cmdline": "caf\u00e9"},
])
def test_unusable_input_exits_2(boot, change):
    done = boot(**change)
    assert done.returncode == 2 and done.stderr and not done.stdout


@pytest.mark.parametrize("args", [
    [], ["--kernel", KERNEL], ["--firmware", "/nowhere"], ["--firmware", OVMF, "extra"],
    ["--firmware", OVMF, *ACPI], ["--firmware", OVMF, "--cpus", "0"],
    ["--firmware", OVMF, "--firmware-layout", "seabios"],
    ["--firmware", OVMF, "--memory", "2048", "--acpi-log", OVMF],
    ["--firmware", OVMF, "--memory", "2048", "--acpi-log", VECTORS / "NOTICE"],
    ["--firmware", OVMF, "--memory", "2048", *ACPI[:4], "--acpi-tables", "/nowhere"],
    ["--firmware", OVMF, "--policy", "two words"], ["--firmware", OVMF, "--policy", ""],
    ["--firmware", OVMF, "--policy", "a", "--json"], ["--instance-id", "ab" * 20],
    ["--manifest", MANIFEST, "--instance-id", "ab"], ["--events", KERNEL],
    ["--events", REPORT], ["--unknown"], ["--firmware", OVMF, "--unpatched"],
])
def test_unusable_arguments_exit_2(measure, args):
    done = measure(*args)
    assert done.returncode == 2 and done.stderr and ("--json" in args) == bool(done.stdout)
