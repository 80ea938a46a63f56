"""Reads a packet capture of the network in the middle and says what was in it.

Only what the demo needs: classic pcap of Ethernet frames, IPv4 and ARP.
"""
import collections
import struct

WIREGUARD = {1: "WireGuard handshake initiation", 2: "WireGuard handshake response",
             3: "WireGuard cookie reply", 4: "WireGuard data (ChaCha20-Poly1305)"}
WORLD = bytes((198, 51, 100, 254))  # the DNS, CA and logs of this Internet
WORLD_PORTS = {53: "DNS of the Internet", 5300: "DNS of the Internet",
               **{port: "CA and logs of the Internet (TLS)" for port in (14000, 14002, 14003)}}
KEEPALIVE_LEN = 32  # a data message without content


def frames(path):
    """Yields the bytes of each frame; a last one cut short is left out."""
    with open(path, "rb") as f:
        header = f.read(24)
        if len(header) < 24:
            return
        order = "<" if header[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
        while len(head := f.read(16)) == 16:
            length = struct.unpack(order + "IIII", head)[2]
            frame = f.read(length)
            if len(frame) == length:
                yield frame


def kind(frame):
    """What a frame is, as a stranger on the network can tell."""
    if len(frame) < 14:
        return "other"
    ethertype = struct.unpack("!H", frame[12:14])[0]
    if ethertype == 0x0806:
        return "ARP"
    if ethertype != 0x0800 or len(frame) < 34:
        return "other"
    packet = frame[14:]
    header, protocol = (packet[0] & 15) * 4, packet[9]
    segment = packet[header:struct.unpack("!H", packet[2:4])[0]]
    if protocol in (6, 17) and len(segment) >= 8:
        peers = (packet[12:16], packet[16:20])
        for address, port in zip(peers, struct.unpack("!HH", segment[:4])):
            if address == WORLD and port in WORLD_PORTS:
                return WORLD_PORTS[port]
    if protocol == 17 and len(segment) >= 12:
        datagram = segment[8:]
        if datagram[1:4] == b"\0\0\0" and datagram[0] in WIREGUARD:
            if datagram[0] == 4 and len(datagram) == KEEPALIVE_LEN:
                return "WireGuard keepalive"
            return WIREGUARD[datagram[0]]
        return "other UDP"
    if protocol == 6 and len(segment) >= 20:
        ports = struct.unpack("!HH", segment[:4])
        return "attested channel (TLS 1.3)" if 443 in ports else f"TCP to port {ports[1]}"
    return "ICMP" if protocol == 1 else "other IPv4"


def summary(path, address=None):
    """(frames by kind, most first; bytes captured) of frames from or to an
    IPv4 address, or of all."""
    counts, total = collections.Counter(), 0
    raw = bytes(map(int, address.split("."))) if address else None
    for frame in frames(path):
        if raw and raw not in (frame[26:30], frame[30:34]):
            continue
        counts[kind(frame)] += 1
        total += len(frame)
    return counts.most_common(), total


def occurrences(path, marker):
    """How often the marker's bytes stand in the raw file, and its length.
    The whole file is searched as one, so also across packets of it."""
    with open(path, "rb") as f:
        data = f.read()
    return data.count(marker), len(data)
