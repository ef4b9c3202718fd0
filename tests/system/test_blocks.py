"""secondary blocks and templates: who is let in, who is told, and that a reload changes one without hurting another."""
import os
import re
import socket
import subprocess
import time

import pytest

import wire
from lab import BUILD, SECRET, Bind, eventually, need_peers, zone_text
from recorder import NotifySink
from wire import AXFR, IXFR, NOERROR, REFUSED, SOA

A = wire.Key("key-a", "hmac-sha256", SECRET)
B = wire.Key("key-b", "hmac-sha512", SECRET)
KEYS = [A.statement(), B.statement()]
ZONE = "example.com"
HERE, THERE, ELSEWHERE = "127.0.7.1", "127.0.7.2", "127.0.8.1"


def primary(lab, blocks, use, keys=KEYS, zones=((ZONE, ()),), start=True, **kwargs):
    """A daemon whose zones have these secondaries and no allow-transfer."""
    options = f"secondaries {{ {use} }}; {kwargs.pop('options', '')}"
    daemon = lab.daemon(start=False, keys=keys, allow="", options=options, extra=blocks + kwargs.pop("extra", ""), **kwargs)
    for name, records in zones:
        daemon.write(name, zone_text(name, serial=1, records=records))
    return daemon.start() if start else daemon


def answer(daemon, source, key=None, qtype=AXFR, zone=ZONE, tcp=True, serial=None):
    octets = wire.message(zone, qtype, serial=serial)
    if key:
        octets, _ = wire.sign(octets, key)
    return wire.ask(daemon.address, daemon.port, octets, tcp, source)


def rcode(*args, **kwargs):
    return answer(*args, **kwargs).rcode


def reload(daemon, blocks=None, use=None):
    """Another configuration; it has to be taken."""
    if blocks is not None:
        daemon.extra = blocks
    if use is not None:
        daemon.options = f"secondaries {{ {use} }};"
    daemon.write_conf()
    daemon.cli("reload")


def told(daemon, peer, *texts):
    """That a line about a refusal of this peer has the texts; it is written behind the answer."""
    def line():
        return [line for line in daemon.log().splitlines() if "refused" in line and f" {peer}#" in line and all(text in line for text in texts)]
    return eventually(line, what=f"a refusal of {peer} that tells {texts}")


# ---- address and key ----

def test_address_and_key_are_both_needed(lab):
    daemon = primary(lab, f'secondary "s" {{ transfer-from {{ {HERE}; 127.0.7.16/28; 127.0.7.100-127.0.7.102; }}; key "key-a"; notify no; }};', "s;")
    for source in (HERE, "127.0.7.16", "127.0.7.31", "127.0.7.100", "127.0.7.102"):
        assert rcode(daemon, source, A) == NOERROR, source
        assert rcode(daemon, source) == REFUSED and rcode(daemon, source, B) == REFUSED, source
    for source in (THERE, "127.0.7.15", "127.0.7.32", "127.0.7.99", "127.0.7.103"):
        assert rcode(daemon, source, A) == REFUSED, source
        # The operator is told the line that lets it in; the peer is not told more than any other.
        told(daemon, source, f"transfer-from {{ ...; {source}; }};", 'key of secondary "s"')
        assert answer(daemon, source, A).answer == []
    assert rcode(daemon, HERE) == REFUSED
    told(daemon, HERE, 'secondary "s" has a key here, and the request is not signed: set the key "key-a" there too')
    assert rcode(daemon, HERE, B) == REFUSED
    told(daemon, HERE, 'signed with another key than secondary "s" has here ("key-a")')
    # Its SOA it may ask for without the key, as many do before a signed transfer.
    assert rcode(daemon, HERE, qtype=SOA, tcp=False) == NOERROR and rcode(daemon, HERE, qtype=SOA) == NOERROR


def test_an_address_without_a_key_takes_no_signature(lab):
    daemon = primary(lab, f'secondary "plain" {{ transfer-from {{ {HERE}; }}; notify no; }};', "plain;")
    assert rcode(daemon, HERE) == NOERROR and rcode(daemon, THERE) == REFUSED
    assert rcode(daemon, HERE, A) == REFUSED
    told(daemon, HERE, 'secondary "plain" has no key here, and the request is signed', 'key "key-a";')


def test_the_key_alone(lab):
    daemon = primary(lab, 'secondary "roaming" { transfer-from { any; }; key "key-a"; notify no; };', "roaming;")
    for source in (HERE, THERE, ELSEWHERE):
        assert rcode(daemon, source, A) == NOERROR
        assert rcode(daemon, source) == REFUSED and rcode(daemon, source, B) == REFUSED


def test_beside_allow_transfer(lab):
    """A block does not close what allow-transfer opens, nor the other way round."""
    daemon = primary(lab, f'secondary "s" {{ transfer-from {{ {HERE}; }}; key "key-a"; notify no; }};', "s;",
                     options=f"allow-transfer {{ {THERE}; }};")
    assert rcode(daemon, HERE, A) == NOERROR and rcode(daemon, THERE) == NOERROR
    assert rcode(daemon, ELSEWHERE) == REFUSED


# ---- reload ----

def read_slowly(daemon, source, key):
    """A transfer that has begun and waits for its reader."""
    connection = wire.Connection(daemon.address, daemon.port, source, timeout=60, receive_buffer=4096)
    octets = wire.message(ZONE, AXFR)
    if key:
        octets, signature = wire.sign(octets, key)
    connection.send(octets)
    return connection, signature.mac if key else b""


BIG = [f'h{i} TXT "{"x" * 200}"' for i in range(40000)]


def test_keys_roll_without_a_gap(lab):
    block = f'secondary "s" {{ transfer-from {{ {HERE}; }}; %s notify no; }};'
    daemon = primary(lab, block % 'key "key-a";', "s;", zones=[(ZONE, BIG)])
    running, prior = read_slowly(daemon, HERE, A)
    assert rcode(daemon, HERE, A) == NOERROR and rcode(daemon, HERE, B) == REFUSED
    reload(daemon, block % 'key { "key-a"; "key-b"; };')
    assert rcode(daemon, HERE, A) == NOERROR and rcode(daemon, HERE, B) == NOERROR
    reload(daemon, block % 'key "key-b";')
    assert rcode(daemon, HERE, A) == REFUSED and rcode(daemon, HERE, B) == NOERROR
    # The one that runs since before goes on to its end, signed with the key that it began with.
    answers = running.read_transfer(A, prior)
    assert sum(len(a.answer) for a in answers) == len(BIG) + 3
    running.sock.close()


def test_secondaries_come_change_and_go(lab):
    one = f'secondary "one" {{ transfer-from {{ {HERE}; }}; notify no; }};\n'
    two = 'secondary "two" { transfer-from { %s; }; key "key-a"; notify no; };\n'
    daemon = primary(lab, one, "one;", zones=[(ZONE, BIG)])
    running, _ = read_slowly(daemon, HERE, None)
    idle = wire.Connection(daemon.address, daemon.port, HERE)
    idle.send(wire.message(ZONE, SOA))
    assert idle.read().rcode == NOERROR
    assert rcode(daemon, THERE, A) == REFUSED
    reload(daemon, one + two % THERE, "one; two;")
    assert rcode(daemon, THERE, A) == NOERROR and rcode(daemon, HERE) == NOERROR
    reload(daemon, one + two % ELSEWHERE, "one; two;")
    assert rcode(daemon, THERE, A) == REFUSED and rcode(daemon, ELSEWHERE, A) == NOERROR
    reload(daemon, two % ELSEWHERE, "two;")
    # Refused at once, on a connection too that was open before; what runs goes on.
    assert rcode(daemon, HERE) == REFUSED
    idle.send(wire.message(ZONE, AXFR))
    assert idle.read().rcode == REFUSED
    idle.sock.close()
    assert sum(len(a.answer) for a in running.read_transfer()) == len(BIG) + 3
    running.sock.close()
    assert daemon.soa(ZONE) == 1


def test_two_that_cannot_be_told_apart(lab):
    good = f'secondary "one" {{ transfer-from {{ {HERE}; }}; notify no; }};\n'
    daemon = primary(lab, good, "one;")
    daemon.extra = good + 'secondary "two" { transfer-from { 127.0.7.0/24; }; notify no; strip-dnssec yes; };\n'
    daemon.options = "secondaries { one; two; };"
    daemon.write_conf()
    done = daemon.cli("reload", check=False)
    assert done.returncode != 0
    assert f'secondaries "one" and "two" share addresses ({HERE}) and key' in done.stdout + done.stderr + daemon.log()
    assert rcode(daemon, HERE) == NOERROR and rcode(daemon, THERE) == REFUSED  # the old one stays
    check = subprocess.run([BUILD / "zonecrierd", "-c", daemon.conf_path, "--check-config"], capture_output=True, text=True, timeout=60)
    assert check.returncode != 0 and "a request could be either's" in check.stderr + check.stdout


# ---- what one gets ----

def transfer_of(daemon, source, serial, key=None):
    """An IXFR from that serial: SOA serials in order, and how many records."""
    with wire.Connection(daemon.address, daemon.port, source) as connection:
        octets, prior = wire.message(ZONE, IXFR, serial=serial), b""
        if key:
            octets, signature = wire.sign(octets, key)
            prior = signature.mac
        connection.send(octets)
        answers = connection.read_transfer(key, prior)
    return [s for a in answers for s in a.serials()], sum(len(a.answer) for a in answers)


def test_ixfr_no(lab):
    daemon = primary(lab, f'secondary "old" {{ transfer-from {{ {HERE}; }}; notify no; ixfr no; }};\n'
                          f'secondary "new" {{ transfer-from {{ {THERE}; }}; notify no; }};\n', "old; new;",
                     zones=[(ZONE, [f"h{i} A 192.0.2.{i}" for i in range(200)])])
    daemon.write(ZONE, zone_text(ZONE, serial=2, records=[f"h{i} A 192.0.2.{i}" for i in range(199)]), reload=True)
    daemon.wait_serial(ZONE, 2)
    assert transfer_of(daemon, THERE, 1) == ([2, 1, 2, 2], 5)
    assert transfer_of(daemon, HERE, 1) == ([2, 2], 199 + 3)
    assert transfer_of(daemon, HERE, 2) == ([2], 1)  # up to date
    eventually(lambda: re.search(rf"AXFR-style IXFR of {ZONE} to {HERE}#", daemon.log()), what="the log's line")


def test_transfers_out_of_a_block(lab):
    daemon = primary(lab, f'secondary "few" {{ transfer-from {{ {HERE}; }}; notify no; transfers-out 2; }};\n'
                          f'secondary "many" {{ transfer-from {{ {THERE}; }}; notify no; }};\n', "few; many;", zones=[(ZONE, BIG)])
    running = [read_slowly(daemon, HERE, None)[0] for _ in range(2)]
    # Both run once their first message can be read.
    first = [connection.read() for connection in running]
    assert all(a.rcode == NOERROR for a in first)
    assert rcode(daemon, HERE) == REFUSED
    told(daemon, HERE, "transfers-out of its secondary block is reached")
    assert rcode(daemon, HERE, qtype=SOA) == NOERROR
    others = [read_slowly(daemon, THERE, None)[0] for _ in range(4)]
    assert all(connection.read().rcode == NOERROR for connection in others)
    # A reload forgets none of those that run.
    reload(daemon)
    assert rcode(daemon, HERE) == REFUSED
    for connection in running + others:
        connection.sock.close()
    eventually(lambda: rcode(daemon, HERE) == NOERROR, what="a place that is free again")


# ---- NOTIFY ----

@pytest.fixture
def sinks():
    made = []

    def make(address):
        made.append(NotifySink(address))
        return made[-1]
    yield make
    for sink in made:
        sink.stop()


def listen(address):
    """A socket of one's own, for what a sink does not keep."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, 0))
    sock.settimeout(60)
    return sock


def take(sock, key=None):
    """The next NOTIFY: parsed, and where it came from; acknowledged, signed where it was."""
    octets, peer = sock.recvfrom(4096)
    notify = wire.parse(octets)
    reply = octets[:2] + b"\xa4\x00" + octets[4:6] + b"\0\0\0\0\0\0" + octets[12:12 + len(wire.name_wire(ZONE)) + 4]
    sock.sendto(reply, peer)
    return notify, peer


def test_notify_as_the_block_says(lab, sinks):
    """Signed with the block's key, another one, or none; from its own source; not at all; to its own targets alone."""
    plain, signed, other, silent, zone_wide = (listen(f"127.0.9.{i}") for i in range(1, 6))

    def at(sock):
        return "{} port {}".format(*sock.getsockname())
    blocks = (f'secondary "signed" {{ transfer-from {{ any; }}; key "key-a"; also-notify {{ {at(signed)}; }}; notify-source 127.0.9.77; }};\n'
              f'secondary "plain" {{ transfer-from {{ any; }}; key "key-b"; notify-key none; also-notify {{ {at(plain)}; {at(other)} key "key-a"; }}; }};\n'
              f'secondary "silent" {{ transfer-from {{ {HERE}; }}; notify no; also-notify {{ {at(silent)}; }}; }};\n')
    daemon = primary(lab, blocks, "signed; plain; silent;", options=f"also-notify {{ {at(zone_wide)}; }};")
    got = {name: take(sock) for name, sock in (("signed", signed), ("plain", plain), ("other", other), ("zone", zone_wide))}
    assert got["signed"][0].tsig.key_name == "key-a" and got["signed"][1][0] == "127.0.9.77"
    assert got["plain"][0].tsig is None and got["plain"][1][0] != "127.0.9.77"
    assert got["other"][0].tsig.key_name == "key-a"
    assert got["zone"][0].tsig is None
    # Nothing for the one with "notify no", though it is listed: shown by what comes behind it, a serial later.
    daemon.write(ZONE, zone_text(ZONE, serial=2), reload=True)
    assert take(signed)[0].serials() == [2]
    silent.setblocking(False)
    with pytest.raises(BlockingIOError):
        silent.recvfrom(100)
    assert len(daemon.zone(ZONE)["targets"]) == 4
    for sock in (plain, signed, other, silent, zone_wide):
        sock.close()


def test_notify_rate_of_a_block(lab, sinks):
    """40 zones at 10 a second to one, at options' rate to the other."""
    slow, fast = sinks("127.0.9.21"), sinks("127.0.9.22")
    zones = [(f"z{i}.example", ()) for i in range(40)]
    daemon = primary(lab, f'secondary "slow" {{ transfer-from {{ {HERE}; }}; notify-rate 10; also-notify {{ {slow.target()} }}; }};\n'
                          f'secondary "fast" {{ transfer-from {{ {THERE}; }}; also-notify {{ {fast.target()} }}; }};\n', "slow; fast;",
                     options="notify-rate 400;", zones=zones)
    eventually(lambda: len({name for _, name, _ in slow.got}) == 40, 30, "a NOTIFY of each zone")
    assert len({name for _, name, _ in fast.got}) == 40
    first_seen = {}
    for when, name, _ in slow.got:
        first_seen.setdefault(name, when)
    times = sorted(first_seen.values())
    assert times[-1] - times[0] >= 39 / 10 * 0.9  # no faster than its rate
    assert daemon.process.is_running()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a mount namespace with a hosts file of its own")
def test_targets_by_name(lab, sinks, tmp_path):
    one, other = sinks("127.0.9.31"), sinks("127.0.9.32")
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.9.31 ns.secondary.test\n")
    nss = tmp_path / "nsswitch.conf"
    nss.write_text("hosts: files\n")
    setup = f'mount --bind {hosts} /etc/hosts && mount --bind {nss} /etc/nsswitch.conf && exec "$0" "$@"'
    daemon = primary(
        lab, 'secondary "named" { transfer-from { any; }; key "key-a"; notify-key none;\n'
             f'  also-notify {{ "NS.secondary.test." port {one.port}; "absent.secondary.test"; {other.address} port {other.port}; }}; }};\n', "named;",
        program=["unshare", "-m", "sh", "-c", setup, BUILD / "zonecrierd"])
    eventually(lambda: one.serials(ZONE) == [1] and other.serials(ZONE) == [1], what="NOTIFY to a name's address")
    daemon.write(ZONE, zone_text(ZONE, serial=2), reload=True)
    eventually(lambda: 2 in one.serials(ZONE) and 2 in other.serials(ZONE), what="NOTIFY of the next serial")
    eventually(lambda: "absent.secondary.test" in daemon.log(), what="the name that is not there, told")


# ---- templates ----

def test_templates(lab, sinks):
    sink = sinks("127.0.9.41")
    daemon = primary(
        lab, f'secondary "a" {{ transfer-from {{ {HERE}; }}; also-notify {{ {sink.target()} }}; }};\n'
             f'secondary "b" {{ transfer-from {{ {THERE}; }}; notify no; }};\n'
             'template "customers" { match "*.customers.example"; secondaries { "a"; }; serial-update-method unixtime; };\n'
             'template "plain" { secondaries { "b"; }; };\n', "a; b;", zones=[(z, ()) for z in ("x.customers.example", "y.example", "z.example")],
        extra='zone "z.example" { template "plain"; };\n')
    eventually(lambda: {name for _, name, _ in sink.got} == {"x.customers.example", "y.example"}, what="NOTIFY for the zones of a")

    def may(source):
        return [zone for zone in ("x.customers.example", "y.example", "z.example") if rcode(daemon, source, zone=zone) == NOERROR]
    assert may(HERE) == ["x.customers.example", "y.example"] and may(THERE) == ["y.example", "z.example"]
    for zone in ("x.customers.example", "y.example"):
        daemon.write(zone, zone_text(zone, serial=1, records=["new A 192.0.2.1"]), reload=True)
    assert daemon.soa("y.example") == 2 and abs(daemon.soa("x.customers.example") - time.time()) < 3600
    # A template that changes changes its zones.
    daemon.extra = daemon.extra.replace('{ "a"; }; serial-update', '{ "b"; }; serial-update')
    reload(daemon)
    assert may(HERE) == ["y.example"] and may(THERE) == ["x.customers.example", "y.example", "z.example"]


# ---- real servers ----

@pytest.mark.skipif(not need_peers(), reason="no real secondaries unpacked")
def test_a_target_that_asks_from_another_address(lab, sinks):
    """As at Hurricane Electric: NOTIFY goes here, the transfer is asked for from there, unsigned; it counts for the block."""
    sink = sinks("127.0.9.51")
    daemon = primary(lab, f'secondary "he" {{ transfer-from {{ {HERE}; }}; also-notify {{ {sink.target()} }}; }};\n', "he;")
    eventually(lambda: sink.serials(ZONE) == [1], what="NOTIFY")
    assert daemon.zone(ZONE)["targets"][0].get("transferred_serial") in (None, 0)
    with wire.Connection(daemon.address, daemon.port, HERE) as connection:
        connection.send(wire.message(ZONE, AXFR))
        assert connection.read_transfer()[0].rcode == NOERROR
    eventually(lambda: daemon.zone(ZONE)["targets"][0]["transferred_serial"] == 1, what="the transfer at the block's target")


@pytest.mark.skipif(not need_peers(), reason="no real secondaries unpacked")
def test_bind_through_a_roll_and_edits(lab):
    """Edits go on while the key is rolled here, then there, then here: BIND has each serial in the end, by IXFR."""
    daemon = primary(lab, "", "", start=False)
    bind = lab.secondary(Bind, daemon, [ZONE], start=False, key=A.statement(), address="127.0.0.1")
    block = 'secondary "bind" {{ transfer-from {{ 127.0.0.1; }}; key {{ {keys} }}; also-notify {{ 127.0.0.1 port {port} key "{notify}"; }}; }};\n'

    def conf(keys, notify):
        return block.format(keys=keys, port=bind.port, notify=notify)
    daemon.options, daemon.extra = "secondaries { bind; };", conf('"key-a";', "key-a")
    daemon.start()
    bind.start()
    bind.wait_serial(ZONE, 1)
    serial = 1

    def edit(count):
        nonlocal serial
        for _ in range(count):
            serial += 1
            daemon.write(ZONE, zone_text(ZONE, serial=serial, records=[f"n{serial} A 192.0.2.1"]))
            bind.wait_serial(ZONE, serial)
    edit(3)
    reload(daemon, conf('"key-a"; "key-b";', "key-a"))
    edit(3)
    bind.key = B.statement()
    bind.stop()
    bind.start()
    reload(daemon, conf('"key-a"; "key-b";', "key-b"))
    edit(3)
    reload(daemon, conf('"key-b";', "key-b"))
    edit(3)
    assert "AXFR-style" not in daemon.log()
