"""Ports for servers that must be told theirs before they start."""
import itertools
import os
import socket

FIRST = 10000
_serial = itertools.count()


def _is_free(port):
    """For both protocols, on the loopback address."""
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def free_port():
    """One below those that the kernel gives to whoever names none, so that no connection takes it
    meanwhile; processes that run at once begin at places of their own."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        last = int(f.read().split()[0])
    for _ in range(FIRST, last):
        port = FIRST + (os.getpid() * 97 + next(_serial)) % (last - FIRST)
        if _is_free(port):
            return port
    raise OSError("no port is free")
