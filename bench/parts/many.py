"""Connections that wait, 50,000 at one worker (many.sh): in this machine, as many as its limit of
descriptors allows a process, or in a virtual one without hardware help, where that limit is ours.
There, times say something only beside each other."""
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "bench/parts/many.sh"
HELLO = ROOT / "tests/vectors/hello/openssl.bin"  # asks for port 443 of the app
PROGRAMS = ("bin/postern-edge", "tool/store_fill", "tool/tlsload", "tool/tlsserve")
COUNT, QUICK_COUNT = 50_000, 5_000
SLACK = 1024  # descriptors beside those of connections; as in many.sh
GUEST_MIB, GUEST_CPUS, GUEST_S = 6144, 2, 7200
# Name of the figures -> what many.sh calls it.
KINDS = {"idle": "ended", "passidle": "passed"}


def may_open():
    """How many descriptors a process can be given here."""
    most = int(pathlib.Path("/proc/sys/fs/nr_open").read_text())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))
    except (ValueError, OSError):
        return min(hard, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return most


def files(keys):
    """What many.sh finds in its folder, by name."""
    return {**{key.name: key.read_bytes() for key in keys}, "hello.bin": HELLO.read_bytes()}


class Here:
    """many.sh in a network namespace of its own."""

    def __init__(self, out, keys):
        self.out, self.keys = out, keys

    def lines(self, count, kind):
        with tempfile.TemporaryDirectory(prefix="pt-bench-many-") as folder:
            for name, content in files(self.keys).items():
                (pathlib.Path(folder) / name).write_bytes(content)
            argv = ["unshare", "-n", "sh", SCRIPT, folder, str(count), kind]
            path = f"{self.out}/bin:{self.out}/tool:{os.environ['PATH']}"
            with subprocess.Popen(argv, text=True, stdout=subprocess.PIPE,
                                  env={**os.environ, "PATH": path}) as child:
                try:
                    yield from child.stdout
                    status = child.wait()
                finally:
                    child.terminate()  # which takes down what it has started
            if status:
                sys.exit(f"bench/edge: many.sh: exit {status}")

    def close(self):
        pass


class There:
    """many.sh in a virtual machine."""

    def __init__(self, out, keys):
        sys.path.insert(0, str(ROOT / "tests/e2e"))
        from conftest import Children  # pylint: disable=import-outside-toplevel
        from guest import Guest  # pylint: disable=import-outside-toplevel
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pt-bench-many-"))
        self.children = Children(self.folder)
        programs = {pathlib.Path(p).name: out / p for p in PROGRAMS}
        try:
            self.guest = Guest(self.children, self.folder, None, programs,
                               memory_mib=GUEST_MIB, cpus=GUEST_CPUS)
            for name, content in files(keys).items():
                self.guest.write_bytes(f"/root/{name}", content)
            self.guest.write("/root/many.sh", SCRIPT.read_text())
        except BaseException:
            self.close()
            raise

    def lines(self, count, kind):
        self.guest.script(f"(sh /root/many.sh /root {count} {kind}; echo status $?) "
                          ">/root/log 2>&1 &")
        end, seen = time.monotonic() + GUEST_S, 0
        while time.monotonic() < end:
            time.sleep(5)
            # The guest may be too busy to answer at once.
            log = self.guest.script(f"tail -n +{seen + 1} /root/log", timeout=300)[1]
            whole = [line for line in log.splitlines(keepends=True) if line.endswith("\n")]
            for line in whole:
                seen += 1
                if line == "status 0\n":
                    return
                if line.startswith("status "):
                    sys.exit(f"bench/edge: many.sh in the guest: exit {line}")
                yield line
        sys.exit("bench/edge: many.sh in the guest: takes too long")

    def close(self):
        self.children.stop_all()
        shutil.rmtree(self.folder, ignore_errors=True)


def hold(where, count, kind):
    """The numbers that many.sh prints, by word; how far it is goes to whoever watches."""
    got = {}
    for line in where.lines(count, kind):
        words = line.split()
        if len(words) == 2 and words[0].isalpha():
            got.setdefault(words[0], []).append(float(words[1]))
        else:
            print(line, end="", file=sys.stderr, flush=True)
    return got


def measure_kind(report, where, count, name, kind):
    name = f"{name}{count}"  # what fits is not what was wanted
    got = hold(where, count, kind)
    each = {word: [kib / count for kib in got[word]]
            for word in ("private", "later", "served", "left")}
    report.figure(f"{name}_descriptors", got["descriptors"], "files")
    report.figure(f"{name}_memory", each["private"], "KiB")
    report.figure(f"{name}_memory_minute_later", each["later"], "KiB")
    report.figure(f"{name}_memory_all_asked", each["served"], "KiB")
    report.figure(f"{name}_memory_all_gone", each["left"], "KiB")
    report.figure(f"{name}_answered", got["answered"], "connections")
    for word in ("before", "after", "gone"):
        report.figure(f"{name}_request_{word}", [s * 1e6 for s in got[word]], "us")
    # Before and behind, as other work of the machine comes and goes.
    without = statistics.median(got["before"] + got["gone"])
    report.ratio(f"{name}_request_to_without", [after / without for after in got["after"]], 1.2)
    if got["answered"] != [count]:
        sys.exit(f"bench/edge: of {count} that waited {got['answered']} were answered")


def measure(report, out, keys, quick, is_guest, count=None):
    wanted = count or (QUICK_COUNT if quick else COUNT)
    fits = wanted if is_guest else min(wanted, (may_open() - SLACK) // 8 * 4)
    if fits < wanted:
        print(f"# {wanted} need {2 * wanted + SLACK} descriptors in a process: {fits} fit here, "
              "all with --guest")
    where = (There if is_guest else Here)(out, keys)
    try:
        for name, kind in KINDS.items():
            measure_kind(report, where, fits, name, kind)
    finally:
        where.close()
