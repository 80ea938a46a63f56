"""The product's reader of CT logs against the test world's logs, which share no line with it:
both read every entry, agree on the tree, and each lie the logs can be told is noticed by its
name. Plain HTTP on loopback, any port; no root is needed.
"""
import collections
import json
import subprocess
import sys

import pytest

from conftest import ROOT, Children, run, tool, wait_for

sys.path.insert(0, str(ROOT / "tests" / "world"))
import serve  # noqa: E402

ENTRIES = 1500
LOGS = ("alder", "birch")  # RFC 6962, static-ct with compressed tiles


class Logs:
    def __init__(self, folder, children, program, entries=ENTRIES):
        self.folder, self.program = folder, program
        ready = folder / "ready"
        with open(ready, "wb") as out:
            children.start("/usr/bin/python3", ROOT / "tests/world/ctlog.py", "--dir", folder,
                           "--listen", "127.0.0.1:0", "--http", "--control", folder / "c.sock",
                           "--gzip", *[f"--fill={name}={entries}" for name in LOGS], stdout=out)
        text = wait_for(lambda: ready.read_text() if ready.read_text().endswith("\n") else "",
                        30, "the logs")
        self.facts = json.loads(text.partition(" ")[2])
        self.key = folder / "list.der"
        run("openssl", "pkey", "-pubin", "-in", self.facts["list_key"], "-outform", "DER",
            "-out", self.key)

    def tell(self, name, **args):
        return serve.control(self.facts["control"], name, args)

    def follow(self, log, *options, names=(), position=None, key=None):
        """(alarms by name, last line, other lines)"""
        if position:
            options += ("--position", position)
        done = subprocess.run(
            [str(a) for a in (self.program, *options, self.facts["list"],
                              self.facts["list_signature"], key or self.key, log, *names)],
            stdout=subprocess.PIPE, text=True, timeout=60)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        alarms = collections.Counter(line["alarm"] for line in lines if "alarm" in line)
        return alarms, lines[-1], [line for line in lines if "class" in line]


@pytest.fixture(scope="module")
def logs(tmp_path_factory, request):
    bindir = request.getfixturevalue("bindir")
    folder = tmp_path_factory.mktemp("ct")
    children = Children(folder)
    try:
        yield Logs(folder, children, tool(bindir, "ctfollow"))
    finally:
        children.stop_all()


@pytest.mark.parametrize("log", LOGS)
def test_every_entry_is_read_and_proven(logs, log):
    alarms, last, hits = logs.follow(log, names=[".fill.example"])
    assert not alarms
    assert last == {"entries": ENTRIES, "unreadable": 0, "hits": ENTRIES, "proven": ENTRIES}
    assert [hit["index"] for hit in hits] == list(range(ENTRIES))
    assert {hit["class"] for hit in hits} == {"foreign"}


@pytest.mark.parametrize("log", LOGS)
def test_beginning_at_the_end(logs, log):
    alarms, last, _ = logs.follow(log, "--from-end")
    assert not alarms and last["entries"] == 0 and last["proven"] == ENTRIES


def test_a_list_signed_by_another_key_is_not_believed(logs, tmp_path):
    other = tmp_path / "other.der"
    run("sh", "-c", f"openssl ecparam -name prime256v1 -genkey -noout | "
                    f"openssl pkey -pubout -outform DER -out {other}")
    assert logs.follow(LOGS[0], key=other)[1] == {"error": "list"}


LIES = [
    ("fork", 5, "inconsistent"),
    ("bad-signature", True, "bad_signature"),
    ("wrong-key", True, "bad_signature"),
    ("future", 9999, "future"),
    ("stale", 2 * 86400, "stale"),
    ("garbage", True, "bad_answer"),
    ("truncate", 20, "no_answer"),
    ("status", 503, "no_answer"),
    ("missing", 5, "no_answer"),  # a smaller tree, whose consistency the log cannot prove
]


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("what, value, alarm", LIES, ids=[lie[0] for lie in LIES])
def test_a_lie_is_noticed_by_its_name(logs, tmp_path, log, what, value, alarm):
    position = tmp_path / "position"
    alarms, last, _ = logs.follow(log, position=position)
    assert not alarms and last["proven"] == ENTRIES
    logs.tell("bend", log=log, what=what, value=value)
    try:
        alarms, last, _ = logs.follow(log, "--seconds", "2", position=position)
    finally:
        logs.tell("mend", log=log)
    assert alarms[alarm] > 0, alarms
    assert last["proven"] == 0  # nothing new
    # It was not forgotten what is true: the same log, honest again, goes on.
    alarms, last, _ = logs.follow(log, "--seconds", "2", position=position)
    assert last["entries"] == 0 and not alarms - collections.Counter({"inconsistent": 99})


@pytest.mark.parametrize("what", ["wrong-partial-tile", "wrong-data-tile"])
def test_false_tiles_are_noticed(logs, what):
    """A log of which nothing is known yet, so that its tiles are read."""
    logs.tell("bend", log="birch", what=what, value=True)
    try:
        options = ("--seconds", "2") + (("--from-end",) if what == "wrong-partial-tile" else ())
        alarms, last, _ = logs.follow("birch", *options)
    finally:
        logs.tell("mend", log="birch")
    assert alarms["root_mismatch"] + alarms["bad_answer"] > 0, alarms
    assert last["proven"] == 0
