"""Debian's packages for the image: fetched through an apt state of our own, which neither reads nor
changes the machine's, and unpacked without running anything of theirs."""
import json
import os
import pathlib
import re
import shutil
import time

from common import call, fail, file_sha256

DAY = 24 * 3600
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
# What may be asked for, and from where of the mirror.
SUITES = {
    "stable": [("debian", "bookworm"), ("debian", "bookworm-updates"),
               ("debian-security", "bookworm-security")],
    "backports": [("debian", "bookworm-backports")],
    "trixie": [("debian", "trixie")],
}
QEMU = ["qemu-system-x86", "qemu-system-common", "qemu-system-data", "seabios"]


class Kernel:
    def __init__(self, release, tree, headers):
        self.release = release
        self.tree = tree  # the unpacked image: boot/, lib/modules/
        self.headers = headers
        self.image = tree / "boot" / f"vmlinuz-{release}"
        self.base = release.removesuffix("-cloud-amd64")


def mirrors():
    """Where this machine gets Debian and its security updates from."""
    found = {"debian": "http://deb.debian.org/debian",
             "debian-security": "http://deb.debian.org/debian-security"}
    folder = pathlib.Path("/etc/apt")
    for file in [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]:
        if not file.is_file():
            continue
        for line in file.read_text().splitlines():
            uri = re.match(r"(?:URIs:|deb\s+(?:\[[^]]*\]\s*)?)\s*"
                           r"(https?://\S+/(debian|debian-security))/?(?:\s|$)", line)
            if uri:
                found[uri[2]] = uri[1]
    return found


class Packages:
    def __init__(self, cache, update):
        self.cache = cache
        self.taken = {}
        cache.mkdir(parents=True, exist_ok=True)
        self.debs = cache / "debs"
        self.debs.mkdir(exist_ok=True)
        self.unpacked = cache / "unpacked"
        self.unpacked.mkdir(exist_ok=True)
        for suite in SUITES:
            self._lists(suite, update)

    def _apt(self, suite, *argv, **options):
        return call(*argv, APT_CONFIG=str(self.cache / suite / "apt.conf"), **options)

    def _lists(self, suite, update):
        state = self.cache / suite
        for folder in ("state/lists/partial", "cache/archives/partial", "etc"):
            (state / folder).mkdir(parents=True, exist_ok=True)
        (state / "status").touch()
        places = mirrors()
        (state / "sources.list").write_text("".join(
            f"deb [signed-by={KEYRING}] {places[which]} {name} main\n"
            for which, name in SUITES[suite]))
        (state / "apt.conf").write_text(
            f'Dir::State "{state}/state";\nDir::State::status "{state}/status";\n'
            f'Dir::Cache "{state}/cache";\nDir::Etc::sourcelist "{state}/sources.list";\n'
            f'Dir::Etc::sourceparts "{state}/etc";\nDir::Etc::preferencesparts "{state}/etc";\n'
            'APT::Architecture "amd64";\nAPT::Architectures { "amd64"; };\n'
            'APT::Sandbox::User "root";\nAcquire::Languages "none";\nAcquire::Retries "3";\n')
        stamp = state / "updated"
        if update or not stamp.exists() or time.time() - stamp.stat().st_mtime > DAY:
            self._apt(suite, "apt-get", "-qq", "update")
            stamp.touch()

    def _resolve(self, suite, names):
        """name -> (file, version, SHA-256), as the suite's lists have it; kept until they change."""
        lists = (self.cache / suite / "updated").stat().st_mtime_ns
        kept = self.cache / suite / "resolved.json"
        known = json.loads(kept.read_text()) if kept.is_file() else {}
        if known.get("lists") != lists:
            known = {"lists": lists, "packages": {}}
        lacking = [name for name in names if name not in known["packages"]]
        said = self._apt(suite, "apt-get", "-qq", "download", "--print-uris", *lacking) if lacking else ""
        for line in said.splitlines():
            match = re.fullmatch(r"'[^']+' (([^_ ]+)_([^_ ]+)_\w+\.deb) \d+ SHA256:([0-9a-f]{64})", line)
            if match:
                known["packages"][match[2]] = [match[1], match[3].replace("%3a", ":"), match[4]]
        lacking = [name for name in names if name not in known["packages"]]
        if lacking:
            fail(f"{suite} has no package {' '.join(lacking)}; asked, it said: {said[-500:]}")
        part = kept.with_name(f"resolved.{os.getpid()}")
        part.write_text(json.dumps(known))
        part.rename(kept)
        return {name: known["packages"][name] for name in names}

    def fetch(self, suite, names):
        """The .deb files of these packages, in a dict by name."""
        wanted = self._resolve(suite, names)
        missing = [name for name, (file, _, want) in wanted.items()
                   if not (self.debs / file).is_file() or file_sha256(self.debs / file) != want]
        if missing:
            self._apt(suite, "apt-get", "-qq", "download", *missing, cwd=self.debs)
        for name, (file, version, want) in wanted.items():
            if name in missing and file_sha256(self.debs / file) != want:
                fail(f"{file}: not what the package list says")
            self.taken[name] = {"name": name, "version": version, "sha256": want}
        return {name: self.debs / file for name, (file, _, _) in wanted.items()}

    def tree(self, deb):
        """The folder that a package unpacks to."""
        folder = self.unpacked / deb.stem
        if not folder.is_dir():
            part = folder.with_name(folder.name + f".{os.getpid()}")
            call("dpkg-deb", "-x", deb, part)
            try:
                part.rename(folder)
            except OSError:  # another build was quicker
                shutil.rmtree(part)
        return folder

    def merged(self, name, debs):
        """The same for packages that need each other, in one folder."""
        folder = self.unpacked / name
        marks = "".join(sorted(deb.name + "\n" for deb in debs))
        mark = folder / ".packages"
        if not mark.is_file() or mark.read_text() != marks:
            shutil.rmtree(folder, ignore_errors=True)
            for deb in debs:
                call("dpkg-deb", "-x", deb, folder)
            mark.write_text(marks)
        return folder

    def _kernel_release(self):
        """What the newest of Debian's cloud kernels in backports is called; kept as above."""
        kept = self.cache / "backports" / "release"
        stamp = self.cache / "backports" / "updated"
        if kept.is_file() and kept.stat().st_mtime_ns >= stamp.stat().st_mtime_ns:
            return kept.read_text()
        said = self._apt("backports", "apt-cache", "depends", "linux-image-cloud-amd64")
        found = re.search(r"Depends: linux-image-(\S+-cloud-amd64)", said)
        if not found:
            fail(f"backports has no linux-image-cloud-amd64: {said[-500:]}")
        kept.write_text(found[1])
        return found[1]

    def kernel(self):
        """That kernel, which has configfs-tsm, and its headers."""
        release = self._kernel_release()
        base = release.removesuffix("-cloud-amd64")
        image = f"linux-image-{release}"
        headers = [f"linux-headers-{release}", f"linux-headers-{base}-common", f"linux-kbuild-{base}"]
        debs = self.fetch("backports", [image, *headers])
        return Kernel(release, self.tree(debs[image]),
                      self.merged(f"headers-{release}", [debs[n] for n in headers]))

    def qemu(self):
        """Where QEMU 10 stands; it is a tool of the tests, no part of the image."""
        before = dict(self.taken)
        debs = self.fetch("backports", QEMU)
        self.taken = before
        folder = self.merged("qemu", debs.values())
        return folder

    def used(self):
        return [self.taken[name] for name in sorted(self.taken)]
