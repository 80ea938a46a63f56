"""Connections that wait, 50,000 at one worker (many.sh), or as many as this machine's limit of
descriptors allows a process."""
import os
import pathlib
import resource
import statistics
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "bench/parts/many.sh"
COUNT, QUICK_COUNT = 50_000, 5_000
SLACK = 1024  # descriptors beside those of connections; as in many.sh


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


def hold(out, keys, count):
    with tempfile.TemporaryDirectory(prefix="pt-bench-many-") as folder:
        for key in keys:
            (pathlib.Path(folder) / key.name).write_bytes(key.read_bytes())
        path = f"{out}/bin:{out}/tool:{os.environ['PATH']}"
        return subprocess.run(["unshare", "-n", "sh", SCRIPT, folder, str(count)], check=True, text=True,
                              stdout=subprocess.PIPE, env={**os.environ, "PATH": path}).stdout


def measure(report, out, keys, quick):
    wanted = QUICK_COUNT if quick else COUNT
    count = min(wanted, (may_open() - SLACK) // 2)
    if count < wanted:
        print(f"# {wanted} need {2 * wanted + SLACK} descriptors in a process: {count} fit here")
    got = {}
    for line in hold(out, keys, count).splitlines():
        word, number = line.split()
        got.setdefault(word, []).append(float(number))
    name = f"idle{count}"  # what fits is not what was wanted
    report.figure(f"{name}_descriptors", got["descriptors"], "files")
    report.figure(f"{name}_memory", [kib / count for kib in got["private"]], "KiB")
    report.figure(f"{name}_request_before", [s * 1e6 for s in got["before"]], "us")
    report.figure(f"{name}_request_after", [s * 1e6 for s in got["after"]], "us")
    before = statistics.median(got["before"])
    report.ratio(f"{name}_request_to_before", [after / before for after in got["after"]], 1.2)
