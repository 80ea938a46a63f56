"""The guest's root: chosen files of Debian's packages, the libraries they need, kernel modules, our
programs, and a few files of configuration."""
import fnmatch
import lzma
import os
import pathlib
import shutil

from common import call, fail

HERE = pathlib.Path(__file__).resolve().parent
LIBS = "usr/lib/x86_64-linux-gnu"
# Where the packages put libraries, in the order the loader would look.
LIB_FOLDERS = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "usr/lib", "lib"]
LOADER = "ld-linux-x86-64.so.2"
MOUNT_POINTS = ["dev", "proc", "sys", "run", "tmp", "var", "root", "mnt", "etc", "usr/bin", "usr/sbin",
                LIBS, "usr/lib64"]
LINKS = {
    "bin": "usr/bin", "sbin": "usr/sbin", "lib": "usr/lib", "lib64": "usr/lib64",
    "init": "usr/sbin/postern-init",
    "usr/sbin/modprobe": "../bin/kmod",
    "usr/sbin/iptables": "xtables-nft-multi", "usr/sbin/ip6tables": "xtables-nft-multi",
    "usr/sbin/iptables-save": "xtables-nft-multi", "usr/sbin/ip6tables-save": "xtables-nft-multi",
    "usr/sbin/iptables-restore": "xtables-nft-multi",
    "usr/sbin/ip6tables-restore": "xtables-nft-multi",
    "usr/sbin/mkfs.ext4": "mke2fs", "usr/sbin/fsck.ext4": "e2fsck",
    "usr/bin/docker-compose": "../libexec/docker/cli-plugins/docker-compose",
    "usr/lib64/ld-linux-x86-64.so.2": f"../../{LIBS}/{LOADER}",
    "etc/resolv.conf": "../run/postern/resolv.conf",
    "etc/mtab": "../proc/self/mounts",
}
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/nonexistent\nnobody:x:65534:65534:nobody:/nonexistent:/nonexistent\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "etc/hostname": "postern\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    # Docker's part of it alone: what else it has takes seconds to find out that it is of no use here.
    "etc/containerd/config.toml":
        'version = 2\nroot = "/var/lib/containerd"\nstate = "/run/containerd"\n'
        'disabled_plugins = [' + ", ".join(f'"io.containerd.{name}"' for name in (
            "grpc.v1.cri", "snapshotter.v1.aufs", "snapshotter.v1.btrfs", "snapshotter.v1.devmapper",
            "snapshotter.v1.zfs", "snapshotter.v1.native", "internal.v1.opt",
            "internal.v1.tracing", "tracing.processor.v1.otlp")) + ']\n'
        '[debug]\nlevel = "error"\n',
    "etc/docker/daemon.json":
        '{"deprecated-key-path": "/var/lib/docker/key.json", "group": "root", "userland-proxy": false,'
        ' "storage-driver": "overlay2", "log-driver": "json-file",'
        ' "log-opts": {"max-size": "4m", "max-file": "2"}}\n',
}


def read_list(name):
    for number, line in enumerate((HERE / name).read_text().splitlines(), 1):
        words = line.split("#")[0].split()
        if words:
            yield number, words


def usr(path):
    """Debian's own /usr merge, for packages made before it."""
    first = path.split("/")[0]
    return f"usr/{path}" if first in ("bin", "sbin", "lib", "lib64") else path


def put(source, target):
    """A file's content under a mode that is one of two."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)


def take(root, folder, patterns):
    """The files of a package that match; returns those that are ELF."""
    taken = []
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    for pattern in patterns:
        found = fnmatch.filter(names, pattern)
        if not found:
            fail(f"{folder.name} has no {pattern}")
        for name in found:
            put((folder / name).resolve(), root / usr(name))
            taken.append(root / usr(name))
    return taken


def needed(path):
    """The libraries that an ELF file names; none for another file."""
    with open(path, "rb") as file:
        if file.read(4) != b"\x7fELF":
            return []
    said = call("readelf", "-d", path)
    return [line.split("[")[1].rstrip("]") for line in said.splitlines() if "(NEEDED)" in line]


def add_libraries(root, files, folders):
    """What the files need, and what that needs, from the packages under "lib"."""
    wanted = {LOADER} | {name for file in files for name in needed(file)}
    done = set()
    while wanted - done:
        name = sorted(wanted - done)[0]
        done.add(name)
        places = [f / where / name for f in folders for where in LIB_FOLDERS]
        source = next((p for p in places if p.is_file()), None)
        if not source:
            fail(f"{name}: in no package of image/root.list under lib")
        put(source.resolve(), root / LIBS / name)
        wanted |= set(needed(source.resolve()))


def module_files(kernel, names):
    """The kernel's files for these modules, dependencies first, as 'kernel/...' without '.xz'."""
    files = []
    for name in names:
        said = call("modprobe", "-d", kernel.tree, "-S", kernel.release, "--show-depends", name)
        for line in said.splitlines():
            words = line.split()
            if words[0] == "insmod":
                file = words[1].split(f"/{kernel.release}/", 1)[1]
                if file not in files:
                    files.append(file)
    return files


def put_module(kernel, file, folder):
    """Uncompressed, as finit_module() takes it; the file system compresses."""
    target = folder / file.removesuffix(".xz")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(lzma.decompress((kernel.tree / "lib/modules" / kernel.release / file).read_bytes()))
    return file.removesuffix(".xz")


def depmod(kernel):
    if not (kernel.tree / "lib/modules" / kernel.release / "modules.dep").exists():
        call("depmod", "-b", kernel.tree, kernel.release)


def add_modules(root, kernel, extra):
    """The modules, and the order in which postern-init loads the first of them."""
    folder = root / "usr/lib/modules" / kernel.release
    lists = {"initrd": [], "load": [], "keep": []}
    for number, words in read_list("modules.list"):
        if words[0] not in lists:
            fail(f"image/modules.list:{number}: initrd, load or keep, not {words[0]}")
        lists[words[0]] += words[1:]
    early = module_files(kernel, lists["initrd"])
    load = [put_module(kernel, f, folder) for f in module_files(kernel, lists["initrd"] + lists["load"])
            if f not in early]
    for file in early:
        put_module(kernel, file, folder)
    for file in module_files(kernel, lists["keep"]):
        put_module(kernel, file, folder)
    if extra:
        put(extra, folder / "extra/tsm_sim.ko")
        load.append("extra/tsm_sim.ko")
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copyfile(kernel.tree / "lib/modules" / kernel.release / name, folder / name)
    call("depmod", "-b", root / "usr", kernel.release)
    (folder / "postern.load").write_text("".join(f"{f}\n" for f in load))


def make(root, packages, kernel, programs, module):
    """Fills the new folder 'root'."""
    depmod(kernel)
    for folder in MOUNT_POINTS:
        (root / folder).mkdir(parents=True)
    from_suite, libraries = {}, []
    for number, (suite, *words) in read_list("root.list"):
        if suite == "lib":
            libraries += words
        else:
            from_suite.setdefault(suite, []).append((words[0], words[1:]))
    files = []
    for suite, wanted in from_suite.items():
        debs = packages.fetch(suite, [name for name, _ in wanted])
        for name, patterns in wanted:
            files += take(root, packages.tree(debs[name]), patterns)
    for program in sorted(programs.iterdir()):
        put(program, root / "usr/sbin" / program.name)
        files.append(root / "usr/sbin" / program.name)
    debs = packages.fetch("stable", sorted(set(libraries)))
    add_libraries(root, files, [packages.tree(debs[name]) for name in sorted(debs)])
    add_modules(root, kernel, module)
    roots = sorted((root / "usr/share/ca-certificates/mozilla").glob("*.crt"))
    bundle = b"".join(file.read_bytes() for file in roots)
    shutil.rmtree(root / "usr/share/ca-certificates")
    for name, text in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "etc/ssl/certs").mkdir(parents=True)
    (root / "etc/ssl/certs/ca-certificates.crt").write_bytes(bundle)
    if module:
        (root / "etc/postern").mkdir()
        (root / "etc/postern/simulated").write_text("SIMULATED: this image protects nothing\n")
    for name, target in LINKS.items():
        (root / name).symlink_to(target)
