"""Who serves it: stages of secondaries, what is due, stale and in sync again, with real servers."""
import contextlib
import json
import os
import socket
import subprocess
import threading
import time

import pytest

from lab import BUILD, PATIENCE, SECRET, Bind, Knot, Nsd, eventually, free_port, soa_serial, zone_text
from namespace import Namespace

KEY = ("fleet-key", "hmac-sha256", SECRET)


def block(secondary, name=None, more=""):
    """A secondary block for a real server, which answers the public at the address it transfers from."""
    return (f'secondary "{name or secondary.name}" {{ also-notify {{ {secondary.address} port {secondary.port}; }};\n'
            f'  transfer-from {{ {secondary.address}; }}; key "{KEY[0]}"; nameservers {{ {secondary.address} port {secondary.port}; }}; {more} }};\n')


def sight(daemon, zone, name):
    """What status says of that secondary."""
    whole = json.loads(daemon.cli("status", zone, "--json").stdout)["zones"][0]
    return next(s for s in whole["secondaries"] if s["name"] == name)


def is_serving(daemon, zone, name, serial):
    seen = sight(daemon, zone, name)
    return seen["state"] == "serving" and seen["serial"] == serial and seen


def make(lab, kinds, zones, options="", start=True):
    """Our daemon and real secondaries that have its zones."""
    daemon = lab.daemon(start=False, keys=[KEY], options=options)
    secondaries = [lab.secondary(kind, daemon, zones, key=KEY, start=False) for kind in kinds]
    names = " ".join(f'"{s.name}";' for s in secondaries)
    daemon.options += f" secondaries {{ {names} }};"
    daemon.extra = "".join(block(s) for s in secondaries)
    for zone in zones:
        daemon.write(zone, zone_text(zone, 1, ["www IN A 192.0.2.1"]))
    daemon.start()
    if start:
        for s in secondaries:
            s.start()
    return daemon, secondaries


def test_stages_up_to_serving(lab):
    daemon, secondaries = make(lab, [Bind, Nsd, Knot], ["example.org"])
    for s in secondaries:
        s.wait_serial("example.org", 1)
        eventually(lambda s=s: is_serving(daemon, "example.org", s.name, 1), 30, f"{s.name} serving serial 1")
    daemon.write("example.org", zone_text("example.org", 2, ["www IN A 192.0.2.2"]))
    for s in secondaries:
        seen = eventually(lambda s=s: is_serving(daemon, "example.org", s.name, 2), 30, f"{s.name} serving serial 2")
        assert seen["current"] and seen["stage"] == "serving" and seen["overdue"] is None and seen["due_at"] is None
        assert seen["transfers"] >= 2 and seen["expires_at"] is None and seen["stale_since"] is None
        assert [server["answer"] for server in seen["servers"]] == ["serial"] and seen["servers_serving"] == 1
        eventually(lambda s=s: sight(daemon, "example.org", s.name)["verified"], 30, f"{s.name}'s www compared")
    used = json.loads(daemon.cli("status", "--json").stdout)["address_lists_used"]
    assert sorted(u["secondary"] for u in used) == ["bind", "knot", "nsd"]


class Network:
    """A namespace of its own, with packet rules: what is started `within` it sees no other."""

    def __init__(self, addresses):
        setup = "ip link set lo up; " + "".join(f"ip addr add {a}/32 dev lo; " for a in addresses) + "echo up; exec sleep 1000"
        self.anchor = subprocess.Popen(["unshare", "-n", "sh", "-c", setup], stdout=subprocess.PIPE, start_new_session=True)
        assert self.anchor.stdout.readline() == b"up\n"
        self.namespace = Namespace(self.anchor.pid)

    def within(self, *argv):
        return ["nsenter", f"--net=/proc/{self.anchor.pid}/ns/net", *map(str, argv)]

    def nft(self, *words):
        done = subprocess.run(self.within("nft", *words), capture_output=True, text=True, timeout=30 * PATIENCE)
        assert done.returncode == 0, done.stderr

    def rules(self, *rules):
        """These drop what they match, and nothing else does."""
        self.nft("add", "table", "inet", "t")
        self.nft("flush", "table", "inet", "t")
        self.nft("add", "chain", "inet", "t", "i", "{ type filter hook input priority 0; }")
        for rule in rules:
            self.nft("add", "rule", "inet", "t", "i", *rule.split(), "drop")

    def close(self):
        self.namespace.close()
        self.anchor.kill()
        self.anchor.wait(10)
        self.anchor.stdout.close()


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a network namespace")


@pytest.fixture
def network():
    made = Network([])
    yield made
    made.close()


def make_within(network, lab, kinds, zones, options):
    """As make(), all of it in the namespace."""
    daemon = lab.daemon(start=False, keys=[KEY], options=options, program=network.within(BUILD / "zonecrierd"))
    secondaries = []
    for kind in kinds:
        s = lab.secondary(kind, daemon, zones, key=KEY, start=False)
        plain = s.argv
        s.argv = lambda plain=plain: network.within(*plain())
        s.serial = lambda zone, s=s: network.namespace.inside(soa_serial, s.address, s.port, zone)
        s.answers = lambda s=s: s.serial(zones[0]) or True
        secondaries.append(s)
    names = " ".join(f'"{s.name}";' for s in secondaries)
    daemon.options += f" secondaries {{ {names} }};"
    daemon.extra = "".join(block(s) for s in secondaries)
    for zone in zones:
        daemon.write(zone, zone_text(zone, 1, ["www IN A 192.0.2.1"]))
    daemon.start()
    for s in secondaries:
        s.start()
    return daemon, secondaries


def told(daemon, words):
    return [line for line in daemon.log().splitlines() if words in line]


@needs_root
def test_one_of_three_is_cut_off_and_comes_back(network, lab):
    """TCP from one of them to us is dropped: named with its stage, what is overdue and when it expires; in sync again by itself."""
    zone = "example.org"
    daemon, secondaries = make_within(network, lab, [Bind, Nsd, Knot], [zone], "alert-after 1;")
    for s in secondaries:
        eventually(lambda s=s: is_serving(daemon, zone, s.name, 1), 40, f"{s.name} serving serial 1")
    cut = secondaries[0]
    network.rules(f"ip saddr {cut.address} tcp dport {daemon.port}")
    edited = time.time()
    daemon.write(zone, zone_text(zone, 2, ["www IN A 192.0.2.2"], refresh=2))

    def is_named():
        seen = sight(daemon, zone, cut.name)
        return seen["overdue"] and seen["stale_since"] and seen
    seen = eventually(is_named, 30, "the one that is cut off, named")
    assert time.time() - edited < 30 * PATIENCE
    assert seen["state"] == "stale" and seen["current"] is False and seen["serial"] == 1
    assert seen["stage"] == "asked-soa" and seen["overdue"] == "transferred", seen  # it asks over UDP, the transfer does not come to be
    expires = time.mktime(time.strptime(seen["expires_at"][:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    assert edited - 3600 < expires - 86400 <= time.time() + 1, seen  # EXPIRE after it was last in touch
    assert [s["state"] for s in daemon.zone(zone)["secondaries"] if s["name"] != cut.name] == ["serving", "serving"]
    assert len(told(daemon, f"zone {zone}: {cut.name} is stale: it has serial 1, not 2")) == 1
    waited = daemon.cli("wait", zone, "--timeout", "1s", check=False)
    assert waited.returncode == 3 and f"{zone}: {cut.name}: asked-soa, has 1, overdue: transferred" in waited.stderr, waited
    assert "nsd" not in waited.stderr and "knot" not in waited.stderr
    words = daemon.cli("status", zone).stdout
    assert f"{cut.name}: stale, has 1, stage: asked-soa, overdue: transferred" in words and "it expires the zone at about" in words, words

    network.rules()
    eventually(lambda: is_serving(daemon, zone, cut.name, 2), 60, "in sync by itself")
    eventually(lambda: told(daemon, f"zone {zone}: {cut.name} is in sync again"), 10, "its line")
    daemon.cli("wait", zone)
    assert len(told(daemon, ", not 2, ")) == 1 and len(told(daemon, f"{cut.name} is in sync again")) == 1


@needs_root
def test_every_notify_gets_there_through_loss(network, lab):
    """30 % of all UDP packets are lost, questions and answers alike."""
    zones = [f"z{i}.example" for i in range(8)]
    daemon, secondaries = make_within(network, lab, [Bind, Nsd, Knot], zones, "notify-rate 1000;")
    for s in secondaries:
        for zone in zones:
            eventually(lambda s=s, zone=zone: s.serial(zone) == 1, 60, f"{zone} at {s.name}")
    network.rules("meta l4proto udp numgen random mod 100 < 30")
    for zone in zones:
        daemon.write(zone, zone_text(zone, 2, ["www IN A 192.0.2.2"]))

    def all_know():
        known = [t["acknowledged_serial"] == 2 or t["transferred_serial"] == 2 for z in daemon.status()["zones"] for t in z["targets"]]
        return len(known) == 24 and all(known)
    eventually(all_know, 150, "every NOTIFY", step=0.3)
    network.rules()
    for zone in zones:
        daemon.cli("wait", zone, "--timeout", "120s", timeout=150)


def test_a_right_key_from_an_unlisted_address(lab):
    """The line that is to be added stands in the log; after it was added, the transfer comes."""
    daemon = lab.daemon(start=False, keys=[KEY], allow="", options=' secondaries { "nsd"; };')
    nsd = lab.secondary(Nsd, daemon, ["example.org"], key=KEY, start=False)
    daemon.extra = block(nsd).replace(f"transfer-from {{ {nsd.address}; }}", "transfer-from { 127.0.0.44; }")
    daemon.write("example.org", zone_text("example.org", 1))
    daemon.start()
    nsd.start()
    line = eventually(lambda: told(daemon, 'with the right key of secondary "nsd"'), 30, "the hint")[0]
    assert line.endswith(f"add to transfer-from:  {nsd.address};"), line
    daemon.extra = block(nsd)
    daemon.write_conf()
    daemon.cli("reload")

    def is_there():
        daemon.cli("notify", "example.org")
        return is_serving(daemon, "example.org", "nsd", 1)
    eventually(is_there, 60, "the zone at nsd", step=1)
    used = json.loads(daemon.cli("status", "--json").stdout)["address_lists_used"]
    assert [(u["secondary"], u["element"]) for u in used] == [("nsd", nsd.address)]
    daemon.stop()
    daemon.start()  # it is known over a restart
    assert json.loads(daemon.cli("status", "--json").stdout)["address_lists_used"] == used
    assert sight(daemon, "example.org", "nsd")["current"] is True


class Server:
    """A name server that hears NOTIFYs and shows what it heard of: what many real ones would do, in one thread. Or a dead one."""

    def __init__(self, address, is_alive):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.port = free_port(address)
        self.socket.bind((address, self.port))
        self.socket.settimeout(0.2)
        self.address = address
        self.is_alive = is_alive
        self.serials = {}  # zone -> serial
        self.notified = []  # when a zone was heard of first with a serial
        self.probes = []  # when it was asked
        self.others = 0
        self.is_stopping = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.is_stopping:
            try:
                octets, peer = self.socket.recvfrom(4096)
            except OSError:
                continue
            now = time.monotonic()
            is_notify = octets[2] >> 3 & 15 == 4
            end = octets.index(b"\0", 12) + 5
            question = octets[12:end]
            if is_notify:
                serial = octets[-20:-16]
                if self.serials.get(question) != serial:
                    self.notified.append(now)
                self.serials[question] = serial
            else:
                self.probes.append(now)
            if not self.is_alive:
                continue
            if is_notify:
                self.socket.sendto(octets[:2] + b"\xa4\0\0\1\0\0\0\0\0\0" + question, peer)
            elif question in self.serials:
                rdata = b"\0\0" + self.serials[question] + bytes(16)
                answer = b"\xc0\x0c\0\6\0\1\0\0\0\x3c" + len(rdata).to_bytes(2, "big") + rdata
                self.socket.sendto(octets[:2] + b"\x84\0\0\1\0\1\0\0\0\0" + question + answer, peer)
            else:
                self.socket.sendto(octets[:2] + b"\x84\x05\0\1\0\0\0\0\0\0" + question, peer)

    def close(self):
        self.is_stopping = True
        self.thread.join(5)
        self.socket.close()


def at_most(times, rate, seconds=5.0):
    """The most of them within so many seconds, a second."""
    times = sorted(times)
    begin, most = 0, 0
    for end, now in enumerate(times):
        while now - times[begin] > seconds:
            begin += 1
        most = max(most, end - begin + 1)
    return most / seconds


def half_dead(lab, zone_count):
    """zones by eight servers, four of them dead: NOTIFY to the living keeps its rate, and probes keep theirs."""
    notify_rate, probe_rate = 300, 400
    with contextlib.ExitStack() as stack:
        servers = [Server(f"127.0.1.{i + 1}", i % 2 == 0) for i in range(8)]
        for server in servers:
            stack.callback(server.close)
        living, dead = servers[::2], servers[1::2]
        blocks = "".join(f'secondary "s{i}" {{ also-notify {{ {s.address} port {s.port}; }}; transfer-from {{ {s.address}; }}; '
                         f"nameservers {{ {s.address} port {s.port}; }}; }};\n" for i, s in enumerate(servers))
        names = " ".join(f'"s{i}";' for i in range(8))
        daemon = lab.daemon(start=False, extra=blocks, options=f"notify-rate {notify_rate}; probe-rate {probe_rate}; secondaries {{ {names} }};")
        for i in range(zone_count):
            (daemon.zones / f"z{i}.example.zone").write_text(zone_text(f"z{i}.example", 1))
        daemon.start(wait=False)
        eventually(lambda: all(len(s.serials) == zone_count for s in living), zone_count / notify_rate + 90, "the first NOTIFYs")
        eventually(daemon._is_settled, 60, "the daemon's start")
        for server in servers:
            server.notified.clear()
        began = time.monotonic()
        for i in range(zone_count):
            temporary = daemon.zones / ".tmp"
            temporary.write_text(zone_text(f"z{i}.example", 2))
            temporary.rename(daemon.zones / f"z{i}.example.zone")
        written = time.monotonic()
        eventually(lambda: all(len(s.notified) >= zone_count for s in living), zone_count / notify_rate + 60, "NOTIFY to the living")
        last = max(s.notified[-1] for s in living)
        slack = 5 * PATIENCE + (written - began)
        assert last - began <= zone_count / notify_rate + slack, f"{last - began:.1f} s"
        for server in living:
            assert at_most(server.notified, notify_rate) <= notify_rate * 1.3
        eventually(lambda: all(json.loads(daemon.cli("status", f"z{i}.example", "--json").stdout)["zones"][0]["secondaries"][0]["servers"][0]["serial"] == 2
                               for i in (0, zone_count // 2, zone_count - 1)), zone_count * 8 / probe_rate + 60, "looks at the living", step=0.5)
        probes = at_most([t for s in servers for t in s.probes], probe_rate)
        assert probes <= probe_rate * 1.3, probes
        to_dead = max(len(s.probes) for s in dead)
        assert to_dead < 100 * PATIENCE, to_dead
        whole = json.loads(daemon.cli("status", "z1.example", "--json").stdout)["zones"][0]["secondaries"]
        assert [s["servers"][0]["down"] for s in whole] == [False, True] * 4
        print(f"{zone_count} zones: NOTIFY to the living in {last - began:.1f} s at {notify_rate}/s, edits written in {written - began:.1f} s; "
              f"at most {probes:.0f} probes/s of {probe_rate}; {to_dead} questions to a dead one")


def test_half_of_the_servers_are_dead(lab):
    half_dead(lab, 600)


@pytest.mark.long
def test_half_of_the_servers_of_3000_zones_are_dead(lab):
    half_dead(lab, 3000)
