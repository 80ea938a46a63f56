"""What the parts of image/build share."""
import hashlib
import os
import subprocess
import sys


def fail(why):
    sys.exit(f"image/build: {why}")


def call(*argv, cwd=None, **environment):
    """Runs a command; its output, or the end of the build with what it said."""
    done = subprocess.run([str(a) for a in argv], cwd=cwd, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=os.environ | {"LC_ALL": "C.UTF-8"} | environment)
    if done.returncode:
        words = " ".join(str(a) for a in argv[:2])
        fail(f"{words}: exit {done.returncode}\n{done.stdout[-4000:]}")
    return done.stdout


def file_sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def strip(source, target):
    """A program without what depends on the folder it was built in."""
    call("objcopy", "--strip-all", "-R", ".note.gnu.build-id", "-R", ".comment", source, target)
    os.chmod(target, 0o755)
