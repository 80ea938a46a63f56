"""Goal: a CVM's tunnel comes up only after both ends verified each other,
lives exactly as long as its lease, survives the death of any daemon, and lets
through nothing but what the manifest lists.

The order of the tests is one story on one bench; each leaves the tunnel as it
found it.
"""
import hashlib
import json
import shutil
import signal
import tempfile
import pathlib
import time

import pytest

from conftest import found_in_memory, run, wait_for
from control_bench import ATTEST_PORT, LEASE, Bench, ask

SERVER = """
import http.server, socketserver, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        body = ("hello from " + sys.argv[1]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    allow_reuse_address = True
Server(("0.0.0.0", int(sys.argv[2])), Handler).serve_forever()
"""

# One request after another over one TCP connection; prints the longest pause.
STEADY = """
import http.client, sys, time
c = http.client.HTTPConnection(sys.argv[1], 80, timeout=10)
end, worst, count = time.monotonic() + float(sys.argv[2]), 0.0, 0
while time.monotonic() < end:
    t = time.monotonic()
    c.request("GET", "/")
    assert c.getresponse().read().startswith(b"hello")
    worst, count = max(worst, time.monotonic() - t), count + 1
    time.sleep(0.02)
print(count, worst)
"""


@pytest.fixture(scope="module")
def bench(bindir):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pt-", dir="/tmp"))
    b = Bench(bindir, folder)
    try:
        hello = b.manifest("hello", [80])
        other = b.manifest("other", [80])
        b.manifest("gateway")
        b.add_td("gw", "gateway", folder / "gateway.json")
        b.add_td("cvm", "base", hello)
        b.add_td("odd", "unlisted", other)
        b.add_td("dbg", "base", other, debug=True)
        b.add_td("picky", "base", other)
        b.start_platform()
        gw = b.gateway()
        gw.start_wg()
        gw.start_daemon()
        cvm = b.cvm("cvm", "198.51.100.11", hello)
        cvm.start_wg()
        for port in (80, 8080):
            cvm.start("/usr/bin/python3", "-c", SERVER, "cvm", port)
        cvm.start_daemon()
        yield b
    finally:
        b.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def tunnel(bench):
    return bench.wait_tunnel("cvm")


def guest(bench, name, address, **kwargs):
    """One more CVM with its agent."""
    m = bench.cvm(name, address, bench.dir / "other.json", **kwargs)
    m.start_wg()
    m.start_daemon()
    return m


def test_registration_gives_a_tunnel(bench, tunnel):
    assert tunnel["address"] == "10.88.0.2"
    assert tunnel["image"] == "base" and tunnel["simulated"] is True
    assert tunnel["app_name"] == "hello" and tunnel["connected"] is True
    assert bench.fetch(tunnel["address"]) == "hello from cvm"
    assert bench.ping(tunnel["address"])
    status = bench.admin("/v1/status")
    assert status["simulated"] is True and status["leases"] == 1
    assert status["wireguard"] in ("kernel", "userspace")
    agent = bench.agent("cvm")
    assert agent["state"] == "up" and agent["simulated"] is True
    assert agent["gateway"]["image"] == "gateway"
    assert agent["lease"]["address"].startswith("10.88.0.2")
    assert "SIMULATED" in bench.machines["gw"].log()


def test_status_page_tells_no_secrets(bench, tunnel):
    socket = bench.machines["gw"].dir / "status.sock"
    status, page = ask(socket, "/")
    assert status == 200 and "SIMULATED" in page
    text = ask(socket, "/status.json")[1]
    assert json.loads(text)["simulated"] is True
    for secret in (tunnel["address"], tunnel["wireguard_public"], tunnel["instance_id"]):
        assert secret not in page and secret not in text
    assert ask(socket, "/v1/leases")[0] == 404
    assert ask(bench.machines["gw"].dir / "admin.sock", "/v1/nothing")[0] == 404
    assert ask(bench.machines["gw"].dir / "admin.sock", "/v1/leases/00", "DELETE")[0] == 404


def psk_of(bench, machine):
    done = bench.machines[machine].run("wg", "show", "wg0", "preshared-keys")
    return done.stdout.split("\t")[1].strip()


def test_renewal_rotates_the_psk_without_a_gap(bench, tunnel):
    before, renewals = psk_of(bench, "gw"), tunnel["renewals"]
    assert before == psk_of(bench, "cvm") and before != "(none)"
    done = bench.machines["gw"].run("/usr/bin/python3", "-c", STEADY, tunnel["address"],
                                    LEASE * 1.2, timeout=30)
    count, worst = done.stdout.split()
    assert int(count) > 50 and float(worst) < 2.0
    now = bench.leases()["cvm"]
    assert now["renewals"] > renewals
    assert now["expires_unix_ms"] > tunnel["expires_unix_ms"]
    wait_for(lambda: psk_of(bench, "gw") == psk_of(bench, "cvm") != before, what="same new PSK")


def test_firewall_lets_only_listed_ports_through(bench, tunnel):
    before = bench.agent("cvm")["firewall"]
    # the server on 8080 runs, but the manifest does not list it
    assert bench.fetch("127.0.0.1", 8080, where="cvm") == "hello from cvm"
    assert bench.fetch(tunnel["address"], 8080, timeout=1) is None
    after = bench.agent("cvm")["firewall"]
    assert after["dropped_input"] > before["dropped_input"]


def test_firewall_drops_other_sources(bench, tunnel):
    before = bench.agent("cvm")["firewall"]
    # straight to the CVM's address on the Ethernet, listed port or not
    for port in (80, 8080):
        done = bench.middle.run("curl", "-sf", "--max-time", "1",
                                f"http://198.51.100.11:{port}/", check=False)
        assert done.returncode != 0
    between = bench.agent("cvm")["firewall"]
    assert between["dropped_input"] > before["dropped_input"]
    # to the tunnel address, but not through the tunnel (CVE-2019-14899)
    bench.middle.run("ip", "route", "replace", "10.88.0.2/32", "via", "198.51.100.11")
    try:
        done = bench.middle.run("curl", "-sf", "--max-time", "1", "http://10.88.0.2/", check=False)
        assert done.returncode != 0
    finally:
        bench.middle.run("ip", "route", "del", "10.88.0.2/32")
    after = bench.agent("cvm")["firewall"]
    assert after["dropped_spoofed"] > between["dropped_spoofed"]


def test_firewall_drops_what_wants_out(bench, tunnel):
    before = bench.agent("cvm")["firewall"]["dropped_output"]
    cvm = bench.machines["cvm"]
    assert not bench.ping("198.51.100.66", where="cvm")
    assert cvm.run("curl", "-sf", "--max-time", "1", "http://198.51.100.66/",
                   check=False).returncode != 0
    assert bench.agent("cvm")["firewall"]["dropped_output"] > before


def gone(bench, tunnel):
    """No lease, no peer, nothing answers."""
    assert tunnel["address"] + "/32" not in bench.machines["gw"].wg_peers().values()
    assert bench.fetch(tunnel["address"], timeout=1) is None
    return True


def test_drain_marks_and_unmarks(bench, tunnel):
    path = "/v1/drained/" + tunnel["instance_id"]
    assert bench.admin(path, "PUT") == {"drained": True}
    assert bench.admin("/v1/leases")["leases"][0]["drained"] is True
    assert bench.admin(path, "DELETE") == {"drained": False}
    assert bench.admin("/v1/leases")["leases"][0]["drained"] is False
    assert ask(bench.machines["gw"].dir / "admin.sock", "/v1/drained/" + "00" * 20, "PUT")[0] == 404
    assert ask(bench.machines["gw"].dir / "admin.sock", "/v1/drained/x", "PUT")[0] == 404


def test_withdrawal_cuts_and_keeps_out(bench, tunnel):
    path = "/v1/leases/" + tunnel["instance_id"]
    assert bench.admin(path, "DELETE") == {"withdrawn": True}
    assert gone(bench, tunnel)
    assert not bench.machines["cvm"].wg_peers()
    status = bench.agent("cvm")
    assert status["lease"] is None
    assert status["refusals"][0]["reason"] in ("lease-withdrawn", "peer-denied")
    wait_for(lambda: any(r["reason"] == "peer-denied"
                         for r in bench.admin("/v1/refusals")["refusals"]), what="a denied return")
    assert "cvm" not in bench.leases()
    assert bench.admin("/v1/denied/" + tunnel["instance_id"], "DELETE") == {"allowed": True}
    assert bench.wait_tunnel("cvm")["address"] == tunnel["address"]


def test_refusal_during_a_renewal_cuts_at_once(bench, tunnel):
    """Without quotes a renewal stands still; a withdrawal that meets it is
    told as a refusal, and there are seconds left of the lease."""
    renewals = bench.agent("cvm")["renewals"]
    wait_for(lambda: (bench.agent("cvm") or {}).get("renewals", 0) > renewals, LEASE, "a renewal")
    bench.platform.send_signal(signal.SIGSTOP)
    try:
        time.sleep(LEASE / 2 + 0.3)
        assert bench.agent("cvm")["lease"]["left_ms"] > 1500
        bench.admin("/v1/leases/" + tunnel["instance_id"], "DELETE")
        wait_for(lambda: (bench.agent("cvm") or {"lease": 1})["lease"] is None, 0.8, "the cut")
        assert not bench.machines["cvm"].wg_peers()
    finally:
        bench.platform.send_signal(signal.SIGCONT)
    log = bench.machines["cvm"].log()
    assert "refused_by_gateway" in log[log.rindex("tunnel_cut") - 300:]
    assert bench.admin("/v1/denied/" + tunnel["instance_id"], "DELETE") == {"allowed": True}
    assert bench.wait_tunnel("cvm", 40)["address"] == tunnel["address"]


def test_lapse_cuts_the_tunnel(bench, tunnel):
    agent = bench.machines["cvm"].daemon
    agent.send_signal(signal.SIGSTOP)
    try:
        start = time.monotonic()
        wait_for(lambda: "cvm" not in bench.leases(), LEASE + 3, "the lapse")
        assert time.monotonic() - start < LEASE + 1.5
        assert gone(bench, tunnel)
    finally:
        agent.send_signal(signal.SIGCONT)
    assert bench.wait_tunnel("cvm")["address"] == tunnel["address"]


def test_return_to_a_gateway_that_forgot_makes_a_new_tunnel(bench, tunnel):
    """The agent is cut off while the gateway takes the lease back, and returns
    before its own has lapsed: the gateway does not know its sessions."""
    agent = bench.machines["cvm"].daemon
    agent.send_signal(signal.SIGSTOP)
    try:
        # What the gateway would say of it has no way to go any more.
        bench.machines["cvm"].run("ss", "-K", "dst", "198.51.100.1", "dport", "=", f":{ATTEST_PORT}")
        wait_for(lambda: not bench.leases()["cvm"]["connected"], what="the lost connection")
        bench.admin("/v1/leases/" + tunnel["instance_id"], "DELETE")
        assert bench.admin("/v1/denied/" + tunnel["instance_id"], "DELETE") == {"allowed": True}
        assert gone(bench, tunnel)
    finally:
        agent.send_signal(signal.SIGCONT)
    assert bench.wait_tunnel("cvm", LEASE)["address"] == tunnel["address"]


def test_agent_killed_comes_back(bench, tunnel):
    cvm = bench.machines["cvm"]
    cvm.kill(cvm.daemon)
    cvm.start_daemon()
    wait_for(lambda: bench.leases()["cvm"]["wireguard_public"] != tunnel["wireguard_public"],
             what="a new key")
    assert bench.wait_tunnel("cvm")["address"] == tunnel["address"]
    assert len(bench.machines["gw"].wg_peers()) == 1


def test_registrar_killed_keeps_the_tunnel(bench, tunnel):
    gw = bench.machines["gw"]
    key = bench.admin("/v1/status")["wireguard_public"]
    gw.kill(gw.daemon)
    assert bench.fetch(tunnel["address"]) == "hello from cvm"
    gw.start_daemon()
    restored = wait_for(lambda: bench.leases().get("cvm"), what="the restored lease")
    assert restored["address"] == tunnel["address"]
    assert bench.fetch(tunnel["address"]) == "hello from cvm"
    assert bench.admin("/v1/status")["wireguard_public"] == key
    wait_for(lambda: bench.leases()["cvm"]["connected"], what="the agent's return")
    assert bench.wait_tunnel("cvm")["address"] == tunnel["address"]


def test_restart_judges_what_it_restores(bench, tunnel):
    """Who is not accepted any more has no tunnel because nobody was looking."""
    gw = bench.machines["gw"]
    config = gw.dir / "config.yaml"
    whole = config.read_text()
    for why, edit in (("measurement-not-listed", lambda: bench.policy("gw", "another-image")),
                      ("not on the list", lambda: config.write_text(whole + "apps: []\n")),
                      ("another network", lambda: config.write_text(
                          whole.replace("10.88.0.1/16", "10.89.0.1/16")))):
        mark = len(gw.log())
        gw.kill(gw.daemon)
        assert bench.fetch(tunnel["address"]) == "hello from cvm"
        edit()
        try:
            gw.start_daemon()
            wait_for(lambda: "event=ready" in gw.log()[mark:], what="the registrar")
            assert "lease_not_restored" in gw.log()[mark:] and why in gw.log()[mark:]
            assert not gw.wg_peers()
        finally:
            gw.kill(gw.daemon)
            bench.policy("gw", "base")
            config.write_text(whole)
            gw.kill(gw.wg)  # its interface would keep the other network's address
            gw.start_wg()
            gw.start_daemon()
        assert bench.wait_tunnel("cvm", 40)["address"] == tunnel["address"]


@pytest.mark.parametrize("where", ["gw", "cvm"])
def test_keys_are_only_where_no_dump_and_no_child_has_them(bench, tunnel, where):
    """All of the registrar's and of the agent's memory is searched for the tunnel's keys."""
    m = bench.machines[where]
    deadline = time.monotonic() + 20
    while True:
        keys = {"private key": m.run("wg", "show", "wg0", "private-key").stdout.strip(),
                "psk": m.run("wg", "show", "wg0", "preshared-keys").stdout.split()[1]}
        found = {what: found_in_memory(m.daemon.pid, key) for what, key in keys.items()}
        # A renewal in between changes the pre-shared key.
        if all(found.values()):
            break
        assert time.monotonic() < deadline, found
    for what, mappings in found.items():
        assert all({"dd", "wf", "lo"} <= set(flags) for flags in mappings), (what, mappings)


@pytest.mark.parametrize("where", ["gw", "cvm"])
def test_wireguard_killed_is_restored(bench, tunnel, where):
    machine = bench.machines[where]
    time.sleep(1.5)  # a look every second tells where a new peer was heard
    machine.kill(machine.wg)
    machine.start_wg()
    wait_for(lambda: bench.fetch(tunnel["address"], timeout=1), 10, "the restored tunnel")
    assert bench.leases()["cvm"]["address"] == tunnel["address"]


def test_both_gateway_daemons_killed_recover(bench, tunnel):
    gw = bench.machines["gw"]
    gw.kill(gw.daemon)
    gw.kill(gw.wg)
    gw.start_wg()
    gw.start_daemon()
    wait_for(lambda: bench.leases().get("cvm", {}).get("connected"), what="the agent's return")
    assert bench.wait_tunnel("cvm")["address"] == tunnel["address"]


def refusal(bench, **want):
    """The newest refusal at the gateway with these fields."""
    for r in bench.admin("/v1/refusals")["refusals"]:
        if all(r[k] == v for k, v in want.items()):
            return r
    return None


def test_unlisted_measurement_is_refused(bench, tunnel):
    odd = guest(bench, "odd", "198.51.100.12")
    seen = wait_for(lambda: refusal(bench, reason="evidence-refused", by_peer=False),
                    what="the refusal")
    assert "measurement-not-listed" in seen["detail"] and seen["keys_exchanged"] is False
    status = wait_for(lambda: bench.agent("odd"), what="the agent")
    told = wait_for(lambda: (bench.agent("odd") or {}).get("refusals"), what="the reason")[0]
    assert told["reason"] == "evidence-refused" and told["by_peer"] is True
    assert told["keys_exchanged"] is False and status["lease"] is None
    assert "odd" not in bench.leases() and not odd.wg_peers()
    assert len(bench.machines["gw"].wg_peers()) == 1
    bench.children.stop(odd.daemon)


def test_debug_td_is_refused(bench, tunnel):
    dbg = guest(bench, "dbg", "198.51.100.13")
    told = wait_for(lambda: (bench.agent("dbg") or {}).get("refusals"), what="the refusal")[0]
    assert told["reason"] == "evidence-refused" and "policy-debug" in told["detail"]
    assert told["keys_exchanged"] is False and "dbg" not in bench.leases()
    bench.children.stop(dbg.daemon)


def test_gateway_of_wrong_measurement_is_refused(bench, tunnel):
    picky = guest(bench, "picky", "198.51.100.14", accepts="another-gateway")
    told = wait_for(lambda: (bench.agent("picky") or {}).get("refusals"), what="the refusal")[0]
    assert told["reason"] == "evidence-refused" and told["by_peer"] is False
    assert "measurement-not-listed" in told["detail"] and told["keys_exchanged"] is False
    assert not picky.wg_peers() and "picky" not in bench.leases()
    seen = wait_for(lambda: refusal(bench, by_peer=True, reason="evidence-refused"),
                    what="the gateway's record")
    assert seen["keys_exchanged"] is False
    bench.children.stop(picky.daemon)


def test_gateway_of_another_app_than_pinned_is_refused(bench, tunnel):
    cvm = bench.machines["cvm"]
    config = cvm.dir / "config.yaml"
    whole = config.read_text()
    app = hashlib.sha256((bench.dir / "gateway.json").read_bytes()).hexdigest()[:40]
    pinned = whole.replace("gateway:\n", f"gateway:\n  app: {app}\n")
    bench.children.stop(cvm.daemon)
    try:
        config.write_text(pinned.replace(app, app[::-1]))
        cvm.start_daemon()
        told = wait_for(lambda: (bench.agent("cvm") or {}).get("refusals"), what="the refusal")[0]
        assert told["reason"] == "peer-denied" and told["by_peer"] is False
        assert told["keys_exchanged"] is False and not cvm.wg_peers()
        bench.children.stop(cvm.daemon)
        config.write_text(pinned)
        cvm.start_daemon()
        assert bench.wait_tunnel("cvm")["address"] == tunnel["address"]
    finally:
        config.write_text(whole)


def test_policy_change_withdraws(bench, tunnel):
    bench.policy("gw", "another-image")
    try:
        wait_for(lambda: "cvm" not in bench.leases(), 5, "the withdrawal")
        assert gone(bench, tunnel)
    finally:
        bench.policy("gw", "base")
    assert bench.wait_tunnel("cvm", 40)["address"] == tunnel["address"]


def test_new_collateral_is_seen_with_a_broken_policy(bench, tunnel):
    gw = bench.machines["gw"]
    policy = bench.dir / "gw.policy"
    crl = next((bench.dir / "sim/collateral").glob("*/pck.crl.der"))
    whole, served = policy.read_text(), crl.read_bytes()
    mark = len(gw.log())
    try:
        policy.write_text("tcb: [\n")
        crl.write_bytes(b"rubbish")
        # Not by its log line: refusals are rate limited there.
        wait_for(lambda: "cvm" not in bench.leases(), 5, "the new judgement")
        assert refusal(bench, reason="evidence-refused", by_peer=False)
        # A renewal may have met the new collateral before the look at the files.
        wait_for(lambda: "event=trust_not_reloaded" in gw.log()[mark:], 5, "the complaint")
    finally:
        crl.write_bytes(served)
        policy.write_text(whole)
    assert bench.wait_tunnel("cvm", 40)["address"] == tunnel["address"]


def test_agent_stopped_gives_the_lease_back(bench, tunnel):
    cvm = bench.machines["cvm"]
    assert bench.children.stop(cvm.daemon) == 0
    wait_for(lambda: "cvm" not in bench.leases(), 3, "the lease's return")
    assert not cvm.wg_peers()
    cvm.start_daemon()
    assert bench.wait_tunnel("cvm")["address"] == tunnel["address"]


NOISE = """
import os, socket, sys, time
quiet, loud = [], 0
for i in range(int(sys.argv[1])):
    s = socket.create_connection(("198.51.100.1", int(sys.argv[2])), timeout=20)
    if i % 3 == 0:
        quiet.append(s)
        continue
    try:
        s.sendall(os.urandom(2000) if i % 3 == 1 else bytes([22, 3, 1, 2, 0, 1, 0, 1, 252]) * 200)
        s.recv(100)
    except OSError:
        pass
    s.close()
print(len(quiet))
time.sleep(float(sys.argv[3]))
"""


def test_noise_does_not_keep_others_out(bench, tunnel):
    """Silent and rubbish connections from one address are bounded, and a CVM
    still registers while they are open."""
    noise = bench.children.start(*bench.middle.argv("/usr/bin/python3", "-c", NOISE, 150,
                                                    ATTEST_PORT, 30), log="noise.log")
    wait_for(lambda: (bench.dir / "noise.log").read_text() or None, 20, "the noise")
    status = bench.admin("/v1/status")
    assert status["unverified"] <= 32 and status["turned_away"] > 0
    cvm = bench.machines["cvm"]
    cvm.kill(cvm.daemon)
    cvm.start_daemon()
    wait_for(lambda: bench.leases()["cvm"]["wireguard_public"] != tunnel["wireguard_public"],
             what="a new registration")
    bench.wait_tunnel("cvm")
    bench.children.stop(noise)
    wait_for(lambda: bench.admin("/v1/status")["unverified"] == 0, 15, "the noise's end")


def start_again(bench, name, edit):
    """The agent's exit status and log after 'edit' changed its folder."""
    m = bench.machines[name]
    mark = len(m.log())
    edit(m)
    m.start_daemon()
    status = m.daemon.wait(10)
    return status, m.log()[mark:]


def test_foreign_manifest_and_state_are_refused_at_start(bench, tunnel):
    cvm = bench.machines["cvm"]
    bench.children.stop(cvm.daemon)
    config, state = cvm.dir / "config.yaml", cvm.dir / "state/instance-seed"
    whole, identity = config.read_text(), state.read_text()
    try:
        status, log = start_again(bench, "cvm", lambda m: config.write_text(
            whole.replace("hello.json", "other.json")))
        assert status == 1 and "MRCONFIGID" in log
        config.write_text(whole)
        status, log = start_again(bench, "cvm", lambda m: state.write_text("12" * 32 + "\n"))
        assert status == 1 and "RTMR3" in log
        status, log = start_again(bench, "cvm", lambda m: state.write_text("rubbish\n"))
        assert status == 1 and "expected 64 hex digits" in log
        # what stood in this file cannot be an id: nobody chooses his own
        status, log = start_again(bench, "cvm", lambda m: state.write_text("12" * 20 + "\n"))
        assert status == 1 and "expected 64 hex digits" in log
    finally:
        config.write_text(whole)
        state.write_text(identity)
    cvm.start_daemon()
    assert bench.wait_tunnel("cvm")["address"] == tunnel["address"]


def closed_table(machine):
    """The firewall's rules, from the kernel; '' when there are none."""
    return machine.run("nft", "list", "table", "inet", "postern", check=False).stdout


def test_failed_start_leaves_the_network_closed(bench, tunnel):
    """Also without a table before, and with a configuration that cannot be read."""
    cvm = bench.machines["cvm"]
    bench.children.stop(cvm.daemon)
    config = cvm.dir / "config.yaml"
    whole = config.read_text()
    agent = bench.bindir / "postern-agent"
    only = ("--config", config, "--firewall-only")
    try:
        for text, argv, want in ((whole.replace("hello.json", "other.json"), only[:2], 1),
                                 (whole, only, 0), (whole + "rubbish: 1\n", only, 2)):
            assert "policy drop" in closed_table(cvm)
            cvm.run("nft", "delete", "table", "inet", "postern")
            config.write_text(text)
            assert cvm.run(agent, *argv, check=False).returncode == want
            assert closed_table(cvm).count("policy drop") == 3
            assert "dport { 80" not in closed_table(cvm)
            assert (f"tcp dport {ATTEST_PORT}" in closed_table(cvm)) == (want != 2)
            done = bench.middle.run("curl", "-sf", "--max-time", "1", "http://198.51.100.11/",
                                    check=False)
            assert done.returncode != 0
    finally:
        config.write_text(whole)
    cvm.start_daemon()
    assert bench.wait_tunnel("cvm")["address"] == tunnel["address"]


def test_broken_configuration_names_the_line(bench, bindir):
    for program, line in (("postern-registrar", "lease: soon\n"), ("postern-agent", "renew_at: 2\n")):
        path = bench.dir / f"{program}.yaml"
        machine = bench.machines["gw" if program == "postern-registrar" else "cvm"]
        text = (machine.dir / "config.yaml").read_text()
        key = line.split(":")[0]
        kept = [l for l in text.splitlines(True) if not l.startswith(key + ":")]
        path.write_text(line + "".join(kept))
        done = run(bindir / program, "--config", path, "--check", check=False)
        assert done.returncode == 2 and f"{path}:1: {key}: " in done.stdout
        path.write_text("".join(kept))
        assert run(bindir / program, "--config", path, "--check").stdout == "ok\n"


def test_registrar_stops_in_good_order(bench, tunnel):
    """Also the place where a sanitizer build tells of leaks."""
    gw = bench.machines["gw"]
    assert bench.children.stop(gw.daemon) == 0, gw.log()[-2000:]
    assert bench.fetch(tunnel["address"]) == "hello from cvm"
    gw.start_daemon()
    assert bench.wait_tunnel("cvm")["address"] == tunnel["address"]


def test_refused_renewal_ends_the_lease_at_once(bench, tunnel):
    """The last one: a platform that was started anew has launched every TD anew."""
    gw = bench.machines["gw"]
    before = tunnel["renewals"]
    wait_for(lambda: bench.leases()["cvm"]["renewals"] > before, what="a renewal")
    mark = len(gw.log())
    bench.children.stop(bench.platform)
    bench.start_platform()
    wait_for(lambda: "event=lease_ended" in gw.log()[mark:], LEASE + 3, "the lease's end")
    ended = next(l for l in gw.log()[mark:].splitlines() if "event=lease_ended" in l)
    assert "reason=evidence-refused" in ended, ended
    assert gone(bench, tunnel)
