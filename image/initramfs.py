"""The initramfs: postern-init, its libraries, and the modules that reach the root disk."""
import pathlib
import shutil
import subprocess

import guestroot
from common import fail


def entry(number, name, mode, content, epoch):
    """One member of a cpio archive in the "newc" form."""
    name = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, epoch, len(content), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    head += b"\0" * (-len(head) % 4)
    return head + content + b"\0" * (-len(content) % 4)


def archive(tree, epoch):
    """The folder, sorted, owned by root, all of one time."""
    out = b""
    for number, path in enumerate(sorted(tree.rglob("*")), 1):
        name = str(path.relative_to(tree))
        if path.is_symlink():
            out += entry(number, name, 0o120777, str(path.readlink()).encode(), epoch)
        elif path.is_dir():
            out += entry(number, name, 0o040755, b"", epoch)
        else:
            mode = 0o100755 if path.stat().st_mode & 0o100 else 0o100644
            out += entry(number, name, mode, path.read_bytes(), epoch)
    out += entry(0, "TRAILER!!!", 0, b"", 0)
    return out + b"\0" * (-len(out) % 512)


def make(out, tree, root, kernel, epoch):
    """Writes 'out'; 'root' is the finished root, whose files are used."""
    for folder in ("dev", "proc", "sys", "sysroot", "usr/sbin", guestroot.LIBS, "usr/lib64"):
        (tree / folder).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64", "init", "usr/lib64/ld-linux-x86-64.so.2"):
        (tree / name).symlink_to(guestroot.LINKS[name])
    program = root / "usr/sbin/postern-init"
    guestroot.put(program, tree / "usr/sbin/postern-init")
    guestroot.add_libraries(tree, [program], [pathlib.Path(root)])
    names = []
    for _, words in guestroot.read_list("modules.list"):
        if words[0] == "initrd":
            names += words[1:]
    folder = tree / "usr/lib/modules" / kernel.release
    load = [guestroot.put_module(kernel, f, folder) for f in guestroot.module_files(kernel, names)]
    (folder / "postern.load").write_text("".join(f"{f}\n" for f in load))
    done = subprocess.run(["zstd", "-9", "-q", "-T1"], input=archive(tree, epoch), stdout=subprocess.PIPE)
    if done.returncode:
        fail("zstd failed")
    out.write_bytes(done.stdout)
    shutil.rmtree(tree)
