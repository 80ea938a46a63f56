"""The kernel's WireGuard, in a virtual machine because this machine's kernel
need not have it: it is controlled like a userspace device, by the same table of
operations; it and postern-wg carry each other's TCP intact over a bad wire, any
MTU, with and without a pre-shared key, through sessions begun anew, and while
either end moves; and a node takes it when it is there.

tests/interop moves more, for longer.
"""
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from control_bench import Bench
from conftest import ROOT, Children, Netns, accepts, run, tool, unique, wait_for
from guest import Guest

MIB = 1 << 20
PORT = 51820


def unit_test(bindir, name):
    """The unit test tests/unit/NAME.c, built as the programs in bindir."""
    built = bindir.parent
    run("make", "-s", f"MODE={built.name.split('-')[0]}", f"O={built}", built / "test" / name,
        cwd=ROOT, timeout=300)
    return built / "test" / name


class Tunnel:
    """postern-wg in a namespace (us), the kernel's WireGuard in the guest (them)."""

    def __init__(self, bindir):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pt-", dir="/tmp"))
        self.children = Children(self.folder)
        self.bindir = bindir
        self.transfer_tool = tool(bindir, "transfer")
        self.ns = Netns(unique("vm"))
        self.name = unique("wg")
        self.next_port = 7000
        try:
            self.start(bindir)
        except BaseException:
            self.close()
            raise

    def start(self, bindir):
        self.guest = Guest(self.children, self.folder, self.ns, {
            "ip": "/sbin/ip", "tc": "/sbin/tc", "wg": "/usr/bin/wg",
            "transfer": self.transfer_tool,
            **{p: bindir / p for p in ("postern", "postern-wg", "postern-agent", "postern-teesim")},
            **{t: unit_test(bindir, t) for t in ("test_wgctl_wgctl", "test_node_tunnel")}})
        self.ns.run("ip", "addr", "add", "192.0.2.1/24", "dev", self.guest.tap)
        self.guest.script("ip addr add 192.0.2.2/24 dev eth0; ip link set eth0 up")
        self.daemon = self.children.start(*self.ns.argv(bindir / "postern-wg", "-f", self.name))
        wait_for(lambda: accepts(f"/var/run/wireguard/{self.name}.sock"), what="postern-wg")
        keys = [run("wg", "genkey").stdout.strip() for _ in range(2)]
        self.ours, self.theirs = (run("wg", "pubkey", input=k).stdout.strip() for k in keys)
        (self.folder / "key").write_text(keys[0])
        self.guest.write("/tmp/key", keys[1])
        self.guest.run("ip", "link", "add", "wg0", "type", "wireguard")
        for ip, wg, name, inner, peer, other, outer in (
                (self.ns.run, self.wg, self.name, 1, self.theirs, 2, "192.0.2.2"),
                (self.guest.run, self.guest.run, "wg0", 2, self.ours, 1, "192.0.2.1")):
            key = self.folder / "key" if inner == 1 else "/tmp/key"
            wg("wg", "set", name, "private-key", key, "listen-port", PORT, "peer", peer,
               "allowed-ips", f"10.99.0.{other}/32", "endpoint", f"{outer}:{PORT}")
            ip("ip", "addr", "add", f"10.99.0.{inner}/24", "dev", name)
            ip("ip", "link", "set", name, "up")

    def wg(self, *argv, **kwargs):
        return self.ns.run(*argv, **kwargs).stdout

    def stream(self, to_guest, count, *pace):
        """Starts a transfer; what it returns ends it and compares."""
        self.next_port += 1
        at = f"10.99.0.{2 if to_guest else 1}:{self.next_port}"
        sender = ["transfer", "send", at, count, self.next_port, *pace]
        if to_guest:
            log = f"/tmp/received.{self.next_port}"
            self.guest.start("transfer", "receive", at, log=log)
            wait_for(lambda: self.guest.run("cat", log) == "ready\n", what="the receiver")
            ours = self.children.start(*self.ns.argv(self.transfer_tool, *sender[1:]),
                                       stdout=subprocess.PIPE, text=True)
        else:
            log = f"/tmp/sent.{self.next_port}"
            ours = self.children.start(*self.ns.argv(self.transfer_tool, "receive", at),
                                       stdout=subprocess.PIPE, text=True)
            assert ours.stdout.readline() == "ready\n"
            self.guest.start(*sender, log=log)

        def finish(timeout=120):
            got = ours.communicate(timeout=timeout)[0].split()
            wait_for(lambda: len(self.guest.run("cat", log).split()) >= 2, what="the guest's end")
            assert got == self.guest.run("cat", log).removeprefix("ready\n").split()
            assert int(got[0]) == count
        return finish

    def both_ways(self, count):
        for to_guest in (True, False):
            self.stream(to_guest, count)()

    def endpoint(self):
        return self.wg("wg", "show", self.name, "endpoints").split()[1]

    def their_endpoint(self):
        return self.guest.run("wg", "show", "wg0", "endpoints").split()[1]

    def handshake(self):
        return int(self.guest.run("wg", "show", "wg0", "latest-handshakes").split()[1])

    def close(self):
        self.children.stop_all()
        self.ns.delete()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def tunnel(bindir):
    t = Tunnel(bindir)
    yield t
    t.close()


def passed(output):
    """How many tests of a cmocka program passed; none failed and none was skipped."""
    assert "FAILED" not in output and "SKIPPED" not in output, output
    return sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test", output))


def test_one_table_of_operations_for_every_back_end(tunnel):
    output = tunnel.guest.run("test_wgctl_wgctl", "/usr/bin/postern-wg")
    assert passed(output) >= 2 * 16 + 3
    for back_end in ("kernel", "userspace"):
        assert f"{back_end}_allowed_ip_moves_to_whom_it_is_given_last" in output


def test_a_node_chooses_the_kernel_and_makes_its_device_again(tunnel):
    assert passed(tunnel.guest.run("test_node_tunnel")) >= 6


@pytest.fixture
def gateway(bindir, tunnel):
    """A gateway with postern-wg, to which the guest has a way; and what a CVM in the guest needs
    to prove itself: the same simulated platform."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pt-", dir="/tmp"))
    bench, guest = Bench(bindir, folder), tunnel.guest
    try:
        bench.manifest("gateway")
        manifest = bench.manifest("hello", [80])
        bench.add_td("gw", "gateway", folder / "gateway.json")
        bench.start_platform()
        gw = bench.gateway()
        gw.start_wg()
        gw.start_daemon()
        outer, inner = unique("o"), unique("i")
        run("ip", "link", "add", outer, "netns", bench.middle.name, "type", "veth", "peer", "name",
            inner, "netns", tunnel.ns.name)
        bench.middle.run("ip", "link", "set", outer, "master", "br0", "up")
        tunnel.ns.run("sh", "-c", f"ip addr add 198.51.100.50/24 dev {inner};"
                      f"ip link set {inner} up; echo 1 >/proc/sys/net/ipv4/ip_forward")
        gw.run("ip", "route", "add", "192.0.2.0/24", "via", "198.51.100.50")
        guest.script("ip route add 198.51.100.0/24 via 192.0.2.1")
        # The platform's keys and collateral, and the CVM's files, where they are here.
        bench.policy("cvm", "gateway")
        (folder / "cvm.yaml").write_text(
            "node: cvm\ngateway:\n  address: 198.51.100.1:4443\n"
            f"  name: gateway.postern.localhost\nmanifest: {manifest}\nstate: {folder}/cvm\n"
            f"status: {folder}/agent.sock\n" + bench.trust(folder / "cvm.policy", "cvm") +
            "wireguard:\n  interface: wg5\n  listen_port: 51825\n"
            "firewall: false\nlog: debug\n"
            "containers:\n  engine: none\n")
        (folder / "cvm-teesim.yaml").write_text(
            f"state: {folder}/sim\ncollateral: {folder}/sim/collateral\n"
            f"root: {folder}/sim/root.pem\ntds:\n  - name: cvm\n    socket: {folder}/cvm.tee\n"
            f"    image: base\n    manifest: {manifest}\n")
        archive = subprocess.run(["tar", "-cz", "-C", "/", *(str(folder / f)[1:] for f in (
            "sim", "cvm.yaml", "cvm-teesim.yaml", "cvm.policy", "hello.json"))],
            check=True, stdout=subprocess.PIPE).stdout
        guest.write_bytes("/tmp/files", archive)
        guest.script("tar -xz -C / -f /tmp/files")
        yield bench
    finally:
        bench.close()
        shutil.rmtree(folder, ignore_errors=True)


def test_an_agent_takes_the_kernels_device_and_gets_its_tunnel(tunnel, gateway):
    guest, folder = tunnel.guest, gateway.dir
    guest.start("postern-teesim", "--config", folder / "cvm-teesim.yaml", log="/tmp/teesim.log")
    wait_for(lambda: guest.script(f"test -S {folder}/cvm.tee", check=False)[0] == 0,
             what="the guest's platform")
    agent = guest.start("postern-agent", "--config", folder / "cvm.yaml", log="/tmp/agent.log")
    try:
        wait_for(lambda: "cvm" in gateway.leases(), timeout=30, what="the lease")
        address = gateway.leases()["cvm"]["address"]
        wait_for(lambda: gateway.ping(address), timeout=15, what="an answer through the tunnel")
    except AssertionError as e:
        raise AssertionError(f"{e}\n{guest.run('cat', '/tmp/agent.log', '/tmp/teesim.log')}\n"
                             f"{gateway.story()}") from None
    log = guest.run("cat", "/tmp/agent.log")
    assert re.search(r"event=device .*interface=wg5 backend=kernel", log), log
    shown = guest.run("postern", "wg", "show", "wg5")
    assert shown.startswith("interface: wg5 (kernel)\n") and "latest handshake" in shown
    assert gateway.admin("/v1/status")["wireguard"] == "userspace"
    # The tunnel goes with the agent, not the device.
    guest.script(f"kill {agent}; while kill -0 {agent} 2>/dev/null; do sleep 0.1; done", timeout=20)
    assert "peer:" not in guest.run("postern", "wg", "show", "wg5")


@pytest.mark.parametrize("mtu", [1280, 1420, 9000])
def test_bytes_pass_unchanged_at_any_mtu(tunnel, mtu):
    outer = 1500 if mtu <= 1420 else 1400  # in fragments
    tunnel.ns.run("ip", "link", "set", tunnel.guest.tap, "mtu", outer)
    tunnel.guest.run("ip", "link", "set", "eth0", "mtu", outer)
    tunnel.ns.run("ip", "link", "set", tunnel.name, "mtu", mtu)
    tunnel.guest.run("ip", "link", "set", "wg0", "mtu", mtu)
    try:
        tunnel.both_ways(4 * MIB)
    finally:
        for ip, wire, name in ((tunnel.ns.run, tunnel.guest.tap, tunnel.name),
                               (tunnel.guest.run, "eth0", "wg0")):
            ip("ip", "link", "set", wire, "mtu", 1500)
            ip("ip", "link", "set", name, "mtu", 1420)


def netem(tunnel, *how):
    """What the guest's kernel does to packets, each way; the incoming ones pass through ifb0."""
    g = tunnel.guest
    g.script("ip link add ifb0 type ifb; ip link set ifb0 up", check=False)
    g.script("; ".join(g.command("tc", *words.split()) for words in (
        "qdisc add dev eth0 handle ffff: ingress",
        "filter add dev eth0 parent ffff: matchall action mirred egress redirect dev ifb0")))
    for name in ("eth0", "ifb0"):
        g.run("tc", "qdisc", "add", "dev", name, "root", "netem", *how)


def netem_counts(tunnel, name):
    """(sent, dropped) of one direction."""
    text = tunnel.guest.run("tc", "-s", "qdisc", "show", "dev", name)
    found = re.search(r"Sent \d+ bytes (\d+) pkt \(dropped (\d+)", text)
    return int(found.group(1)), int(found.group(2))


@pytest.fixture
def good_again(tunnel):
    yield
    tunnel.guest.script("tc=/usr/bin/tc; $tc qdisc del dev eth0 root; $tc qdisc del dev ifb0 root; "
                        "$tc qdisc del dev eth0 ingress", check=False)


def test_nothing_is_lost_above_a_bad_wire(tunnel, good_again):
    """1 in 100 lost, 1 in 10 overtaken, 1 in 50 twice, both ways."""
    netem(tunnel, "limit", 10000, "delay", "2ms", "reorder", "90%", "loss", "1%",
          "duplicate", "2%")
    tunnel.both_ways(3 * MIB)
    for name in ("eth0", "ifb0"):
        sent, dropped = netem_counts(tunnel, name)
        assert sent > 2000 and dropped > 10, (name, sent, dropped)


def delivered_marks(text):
    """TCPDeliveredCE of /proc/net/netstat."""
    names, values = [line.split() for line in text.splitlines() if line.startswith("TcpExt:")]
    return int(values[names.index("TCPDeliveredCE")])


def test_congestion_marks_outside_reach_tcp_inside(tunnel, good_again):
    """What the wire marks on the outer packets the receiving TCP tells the sending one."""
    for sysctl in (lambda s: tunnel.ns.run("sh", "-c", s), tunnel.guest.script):
        sysctl("echo 1 >/proc/sys/net/ipv4/tcp_ecn")
    counts = (lambda: delivered_marks(tunnel.ns.run("cat", "/proc/self/net/netstat").stdout),
              lambda: delivered_marks(tunnel.guest.run("cat", "/proc/net/netstat")))
    netem(tunnel, "limit", 10000, "loss", "2%", "ecn")
    before = [count() for count in counts]
    # Few packets, large ones, come to the lossy wire: it may mark none of them.
    for _ in range(10):
        tunnel.both_ways(3 * MIB)
        if all(count() > b for count, b in zip(counts, before)):
            return
    raise AssertionError("no mark came through in one direction")


def test_psk_rotates_and_sessions_begin_anew_in_mid_transfer(tunnel):
    first = tunnel.handshake()
    transfers = [tunnel.stream(to_guest, 12 * MIB, 32768, 20) for to_guest in (True, False)]
    for _ in range(3):
        psk = run("wg", "genpsk").stdout
        (tunnel.folder / "psk").write_text(psk)
        tunnel.guest.write("/tmp/psk", psk)
        tunnel.guest.run("wg", "set", "wg0", "peer", tunnel.ours, "preshared-key", "/tmp/psk")
        tunnel.wg("wg", "set", tunnel.name, "peer", tunnel.theirs, "preshared-key",
                  tunnel.folder / "psk")
        # The new key counts from the next session on, which begins when one end forgets; its
        # time is told in whole seconds.
        tunnel.guest.script("sleep 1.1; ip link set wg0 down; ip link set wg0 up")
        wait_for(lambda: tunnel.handshake() > first, what="a new session", step=0.2)
        first = tunnel.handshake()
    for finish in transfers:
        finish()
    shown = tunnel.guest.run("wg", "show", "wg0", "preshared-keys").split()
    assert shown == [tunnel.ours, psk.strip()]
    assert tunnel.wg("wg", "show", tunnel.name, "preshared-keys").split()[1] == psk.strip()


def test_wrong_psk_carries_nothing(tunnel):
    tunnel.guest.write("/tmp/psk", run("wg", "genpsk").stdout)
    right = tunnel.wg("wg", "show", tunnel.name, "preshared-keys").split()[1]
    tunnel.guest.run("wg", "set", "wg0", "peer", tunnel.ours, "preshared-key", "/tmp/psk")
    tunnel.guest.script("ip link set wg0 down; ip link set wg0 up")
    before = tunnel.handshake()
    status, _ = tunnel.guest.script("ping -c 2 -W 1 10.99.0.1", check=False)
    assert status != 0 and tunnel.handshake() == before
    tunnel.guest.write("/tmp/psk", "" if right == "(none)" else right + "\n")
    tunnel.guest.run("wg", "set", "wg0", "peer", tunnel.ours, "preshared-key", "/tmp/psk")
    tunnel.guest.script("ping -c 8 -W 1 10.99.0.1")


def test_either_end_moves_in_mid_transfer(tunnel):
    transfers = [tunnel.stream(to_guest, 4 * MIB, 32768, 20) for to_guest in (True, False)]
    assert tunnel.endpoint() == f"192.0.2.2:{PORT}"
    tunnel.guest.script("ip addr add 192.0.2.77/24 dev eth0; ip addr del 192.0.2.2/24 dev eth0; "
                        "ip addr replace 192.0.2.77/24 dev eth0")
    wait_for(lambda: tunnel.endpoint() == f"192.0.2.77:{PORT}", what="our following")
    tap = tunnel.guest.tap
    for what in (("add", "192.0.2.88/24"), ("del", "192.0.2.1/24"), ("replace", "192.0.2.88/24")):
        tunnel.ns.run("ip", "addr", *what, "dev", tap)
    wait_for(lambda: tunnel.their_endpoint() == f"192.0.2.88:{PORT}", what="their following")
    for finish in transfers:
        finish()


@pytest.mark.parametrize("back_end", ["kernel", "userspace"])
def test_postern_wg_show_has_all_of_it(tunnel, back_end):
    """1,000 allowed IPs: more than one message of the kernel's holds."""
    many = [f"10.{i >> 8}.{i & 255}.0/24" for i in range(1000)]
    name = unique("wg")
    if back_end == "kernel":
        command = tunnel.guest.run
        command("ip", "link", "add", name, "type", "wireguard")
    else:
        command = tunnel.wg
        tunnel.children.start(*tunnel.ns.argv(tunnel.bindir / "postern-wg", "-f", name))
        wait_for(lambda: accepts(f"/var/run/wireguard/{name}.sock"), what=name)
    command("wg", "set", name, "fwmark", "0x1234", "peer", tunnel.theirs, "allowed-ips",
            ",".join(many))
    postern = "postern" if back_end == "kernel" else tunnel.bindir / "postern"
    text = command(postern, "wg", "show", name)
    assert text.startswith(f"interface: {name} ({back_end})\n")
    assert "  fwmark: 0x1234\n" in text
    assert sorted(re.search("allowed ips: (.*)", text).group(1).split(", ")) == sorted(many)
