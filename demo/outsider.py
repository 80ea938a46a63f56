#!/usr/bin/python3
"""Runs in the hostile network and says in one line of JSON what it found.

    outsider.py WORLD caa NAME       the name's CAA records
"""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/world"))

import dnsserver  # noqa: E402


def main():
    world, what, name = sys.argv[1:4]
    facts = json.loads((pathlib.Path(world) / "world.json").read_text())
    records = dnsserver.Records(facts["dns"])
    said = {what: records.get(name, what.upper())}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
