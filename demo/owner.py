#!/usr/bin/python3
"""Runs in the network between, where the DNS is: what the owner of a custom domain does once he
knows the account that his app's CVM has made at the CA.

    owner.py WORLD NAME ACCOUNT METHOD   only this account may get certificates for NAME, and
                                         nobody for other names of its zone
"""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/world"))

import dnsserver  # noqa: E402


def main():
    world, name, account, method = sys.argv[1:]
    records = dnsserver.Records(json.loads((pathlib.Path(world) / "world.json").read_text())["dns"])
    records.set(name.split(".", 1)[1], "CAA", '0 issue ";"', '0 issuewild ";"')
    records.set(name, "CAA", f'0 issue "ca.test; accounturi={account}; validationmethods={method}"',
                '0 issuewild ";"')


if __name__ == "__main__":
    main()
