"""`postern measure` predicts RTMR1 and RTMR2 of a direct boot.

Goal: both forms of output agree; RTMR2 is what hashlib makes of command line
and initrd; a kernel that is none exits 1, unusable input 2.
"""
import hashlib
import json
import pathlib
import subprocess

import pytest

KERNEL = pathlib.Path(__file__).resolve().parents[2] / "fuzz/corpus/measure_linux/two_sections.bin"


@pytest.fixture
def boot(bindir, tmp_path):
    initrd = tmp_path / "initrd"
    initrd.write_bytes(b"initrd")

    def run(*more, kernel=KERNEL, memory="2048", cmdline="console=hvc0"):
        return subprocess.run(
            [bindir / "postern", "measure", "--kernel", kernel, "--initrd", initrd,
             "--cmdline", cmdline, "--memory", memory, *more],
            capture_output=True, text=True, timeout=60, check=False)
    return run


def extend(*events):
    value = bytes(48)
    for event in events:
        value = hashlib.sha384(value + hashlib.sha384(event).digest()).digest()
    return value.hex()


def test_both_forms_agree(boot):
    said = json.loads(boot("--json").stdout)
    assert boot().stdout == f"rtmr1 {said['rtmr1']}\nrtmr2 {said['rtmr2']}\n"
    line = "console=hvc0 initrd=initrd\0".encode("utf-16-le")
    assert said["rtmr2"] == extend(line, b"initrd")


def test_memory_above_the_split_changes_nothing(boot):
    assert boot(memory="4096").stdout == boot(memory="65536").stdout == boot().stdout
    assert boot(memory="1024").stdout != boot().stdout


def test_no_kernel_refused(boot, tmp_path):
    (tmp_path / "text").write_text("not a kernel")
    done = boot(kernel=tmp_path / "text")
    assert done.returncode == 1 and "bzImage" in done.stderr


@pytest.mark.parametrize("change", [
    {"kernel": "/nowhere"}, {"memory": "0"}, {"memory": "2G"}, {"cmdline": "caf\u00e9"},
])
def test_unusable_input_exits_2(boot, change):
    done = boot(**change)
    assert done.returncode == 2 and done.stderr and not done.stdout
