"""Name servers for tests of the edge: one that we play and that misbehaves as
told, and a real one (knot) that signs its zone.
"""
import contextlib
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import threading

from conftest import run, wait_for
from ports import free_port

TXT, OPT = 16, 41
NOERROR, SERVFAIL, NXDOMAIN = 0, 2, 3


class PlayedDns:
    """Answers TXT questions from a dictionary: name -> a list of texts (bytes or
    str), or a function of the question's packet that returns the answer's (None:
    silence). Names that are not there do not exist. 'asked' has every name asked
    for."""

    def __init__(self, records=None, ttl=60):
        self.records, self.ttl, self.asked = dict(records or {}), ttl, []
        self.port = free_port()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", self.port))
        # Long answers and those after a forged one are asked for over TCP.
        self.tcp = socket.socket()
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind(("127.0.0.1", self.port))
        self.tcp.listen(16)
        for serve in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    @staticmethod
    def name_of(packet):
        labels, at = [], 12
        while packet[at]:
            labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1"))
            at += 1 + packet[at]
        return ".".join(labels).lower(), packet[12:at + 5]

    def build(self, packet, rcode, texts, ttl=None):
        _, question = self.name_of(packet)
        body = b""
        for text in texts:
            strings = text if isinstance(text, list) else [text]
            data = b""
            for s in strings:
                s = s.encode() if isinstance(s, str) else s
                data += bytes([len(s)]) + s
            body += b"\xc0\x0c" + struct.pack("!HHIH", TXT, 1, self.ttl if ttl is None else ttl,
                                              len(data)) + data
        return packet[:2] + struct.pack("!HHHHH", 0x8180 | rcode, 1, len(texts), 0, 0) + \
            question + body

    def answer(self, packet):
        name, _ = self.name_of(packet)
        self.asked.append(name)
        what = self.records.get(name)
        if callable(what):
            return what(packet)
        return self.build(packet, NXDOMAIN if what is None else NOERROR, what or [])

    def serve_udp(self):
        while True:
            try:
                packet, peer = self.sock.recvfrom(4096)
            except OSError:
                return
            threading.Thread(target=self.reply, args=(packet, peer), daemon=True).start()

    def reply(self, packet, peer):
        reply = self.answer(packet)
        with contextlib.suppress(OSError):  # closed meanwhile
            if reply is not None:
                self.sock.sendto(reply, peer)

    def serve_tcp(self):
        while True:
            try:
                conn, _ = self.tcp.accept()
            except OSError:
                return
            with conn:
                conn.settimeout(10)
                try:
                    size = struct.unpack("!H", conn.recv(2))[0]
                    reply = self.answer(conn.recv(size))
                    if reply is not None:
                        conn.sendall(struct.pack("!H", len(reply)) + reply)
                except (OSError, struct.error):
                    pass

    def close(self):
        self.sock.close()
        self.tcp.close()


class Knot:
    """knotd with one signed zone; 'anchor' is a file with its DS record."""

    def __init__(self, zone, records, sign=True):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="pt-knot-", dir="/tmp"))
        self.port = free_port()
        lines = [f"$ORIGIN {zone}.", "$TTL 60",
                 f"@ SOA ns.{zone}. hostmaster.{zone}. 1 3600 600 86400 30", f"@ NS ns.{zone}.",
                 "ns A 127.0.0.1"]
        lines += [f'{name} TXT "{text}"' for name, text in records]
        (self.dir / "zone").write_text("\n".join(lines) + "\n")
        config = self.dir / "knot.conf"
        config.write_text(f"""\
server:
    rundir: {self.dir}
    listen: 127.0.0.1@{self.port}
database:
    storage: {self.dir}
log:
  - target: stderr
    any: warning
policy:
  - id: one
    single-type-signing: on
    algorithm: ecdsap256sha256
zone:
  - domain: {zone}
    file: {self.dir}/zone
    dnssec-signing: {"on" if sign else "off"}
    dnssec-policy: one
""")
        self.log = open(self.dir / "log", "ab")
        self.process = subprocess.Popen(["knotd", "-c", config], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        wait_for(lambda: self.asks(zone), what="knot to serve its zone")
        self.anchor = self.dir / "anchor"
        if sign:
            ds = wait_for(lambda: run("keymgr", "-c", config, zone, "ds", check=False).stdout,
                          what="a key")
            self.anchor.write_text("; one of the zone's keys\n" + ds)

    def asks(self, zone):
        """Whether it answers for the zone's SOA record."""
        labels = b"".join(bytes([len(w)]) + w.encode() for w in zone.split("."))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.2)
            sock.sendto(struct.pack("!HHHHHH", 7, 0, 1, 0, 0, 0) + labels + b"\0\0\6\0\1",
                        ("127.0.0.1", self.port))
            try:
                return b"hostmaster" in sock.recv(512)
            except OSError:
                return False

    def close(self):
        self.process.terminate()
        self.process.wait(60)
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)
