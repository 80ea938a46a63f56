"""A network namespace without a name and with loopback only: whatever listens in it meets nobody,
ports below 1024 and port 53 included, and it is gone with the last process in it.

    net = PrivateNet()
    run(*net.argv("ip", "address"))
    with net.here():                # this thread is inside
        socket.create_server(("127.0.0.1", 53))
"""
import contextlib
import ctypes
import os
import threading

from conftest import run

CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


def _enter(fd):
    if _LIBC.setns(fd, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


class PrivateNet:
    """Held by a descriptor of this process, so that nothing stays when it is killed."""

    def __init__(self):
        self.fd = None
        maker = threading.Thread(target=self._make)  # a thread's end is the way back
        maker.start()
        maker.join()
        assert self.fd is not None, "no network namespace; its traceback is above"
        self.path = f"/proc/{os.getpid()}/fd/{self.fd}"
        self.run("ip", "link", "set", "lo", "up")

    def _make(self):
        if _LIBC.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    def argv(self, *argv):
        """The command that runs a command inside."""
        return ["nsenter", f"--net={self.path}", "--", *[str(a) for a in argv]]

    def run(self, *argv, **kwargs):
        return run(*self.argv(*argv), **kwargs)

    @contextlib.contextmanager
    def here(self):
        """This thread is inside meanwhile."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(self.fd)
            try:
                yield
            finally:
                _enter(before)
        finally:
            os.close(before)

    def inside(self, thing):
        """'thing', each call of a method of which happens inside."""
        return _Inside(self, thing)

    def close(self):
        if self.fd is not None:
            os.close(self.fd)
            self.fd = None


class _Inside:
    def __init__(self, net, thing):
        self.__dict__.update(_net=net, _thing=thing)

    def __getattr__(self, name):
        found = getattr(self._thing, name)
        if not callable(found):
            return found

        def call(*args, **kwargs):
            with self._net.here():
                return found(*args, **kwargs)
        return call

    def __setattr__(self, name, value):
        setattr(self._thing, name, value)
