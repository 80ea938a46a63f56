"""Debian's certspotter, for tests: another program's opinion of which certificates a log has for
some names. It shares no line with the product or with the test world."""
import os
import pathlib

FIELDS = ("EVENT", "TBS_SHA256", "PUBKEY_SHA256", "ENTRY_INDEX", "DNS_NAMES", "SUMMARY",
          "PARSE_ERROR")


class Certspotter:
    """Follows the RFC 6962 logs of a list, from their first entry; found() is what its hook was
    told. A name is watched as certspotter(8) says: with a dot in front, all below it, too. 'prefix'
    is a command that runs it elsewhere."""

    def __init__(self, folder, children, log_list, names, cafile=None,
                 prefix=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        (self.folder / "watch").write_text("".join(f"{n}\n" for n in names))
        hook = self.folder / "hook"
        told = "\\t".join(["%s"] * len(FIELDS))
        hook.write_text(f"#!/bin/sh\nprintf '{told}\\n' "
                        + " ".join(f'"${f}"' for f in FIELDS) + f' >>"{self.folder}/found"\n')
        hook.chmod(0o755)
        environment = {**os.environ, "HOME": str(self.folder)}
        if cafile:
            environment["SSL_CERT_FILE"] = str(cafile)
        self.process = children.start(
            *prefix, "certspotter", "-logs", log_list, "-watchlist", self.folder / "watch",
            "-state_dir", self.folder / "state", "-script", hook, "-verbose", env=environment)

    def found(self):
        """[{field: value}] of every event"""
        path = self.folder / "found"
        lines = path.read_text().splitlines() if path.exists() else []
        return [dict(zip(FIELDS, line.split("\t"))) for line in lines]

    def certificates(self):
        """{(TBS hash, key hash)} of what it takes for ours"""
        return {(e["TBS_SHA256"], e["PUBKEY_SHA256"]) for e in self.found()
                if e["EVENT"] == "discovered_cert"}
