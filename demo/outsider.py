#!/usr/bin/python3
"""Runs in the hostile network: who can write the DNS there tries to get a certificate for a name
of the gateway.  Says in one line of JSON what came of it.

    outsider.py WORLD caa NAME       the name's CAA records
    outsider.py WORLD obey NAME      an account of one's own orders a certificate; CAA stays
    outsider.py WORLD lift NAME ZONE the same, while ZONE's CAA is gone for a moment
"""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/world"))

import acmeclient  # noqa: E402
import dnsserver  # noqa: E402


def issue(facts, records, name):
    """What a second account of the CA gets for the name."""
    client = acmeclient.Client(facts["ca"], records)
    try:
        cert, _, _ = client.issue(name)
    except acmeclient.Refused as refused:
        return {"refused": refused.kind, "detail": refused.document.get("detail", "")}
    finally:
        records.delete(f"_acme-challenge.{name}", "TXT")
    return {"account": client.url, "serial": f"{cert.serial_number:x}"}


def main():
    world, what, name = sys.argv[1:4]
    facts = json.loads((pathlib.Path(world) / "world.json").read_text())
    records = dnsserver.Records(facts["dns"])
    if what == "caa":
        said = {"caa": records.get(name, "CAA")}
    elif what == "obey":
        said = issue(facts, records, name)
    else:
        zone = sys.argv[4]
        kept = records.get(zone, "CAA")
        records.delete(zone, "CAA")
        try:
            said = issue(facts, records, name)
        finally:
            records.set(zone, "CAA", *kept)
    print(json.dumps(said))


if __name__ == "__main__":
    main()
