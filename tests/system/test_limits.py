"""A server under load and change: configurations while transfers run, an end in order, places and slow peers."""
import os
import signal
import subprocess
import time

import pytest

import wire
from lab import PATIENCE, SECRET, eventually, zone_text
from wire import AXFR, BADKEY, IXFR, NOERROR, NOTAUTH, REFUSED, SOA, Connection, Key

KEY, NEW_KEY = Key("old-key", "hmac-sha256", SECRET), Key("new-key", "hmac-sha256", SECRET)
BIG, SMALL = "big.example", "small.example"
BIG_RECORDS = 40000  # some 11 MB: more than the sockets between two processes hold
SLOW = dict(receive_buffer=65536, timeout=30)


def big_text(serial=7, mark="a"):
    return zone_text(BIG, serial=serial, records=[f'h{i} TXT "{mark * 250}"' for i in range(BIG_RECORDS)])


def make_primary(lab, options="", keys=(KEY,), allow=None, **kwargs):
    daemon = lab.daemon(start=False, keys=[k.statement() for k in keys], options=options, allow=allow, **kwargs)
    daemon.write(BIG, big_text())
    daemon.write(SMALL, zone_text(SMALL, serial=7, records=["www A 192.0.2.1"]))
    return daemon.start()


class SlowTransfer:
    """A transfer of which the first message was read, and the rest waits for us."""

    def __init__(self, daemon, key=None, source="127.0.0.9"):
        self.key = key
        self.connection = Connection(daemon.address, daemon.port, source, **SLOW)
        octets, self.prior = wire.message(BIG, AXFR), b""
        if key:
            octets, signature = wire.sign(octets, key)
            self.prior = signature.mac
        self.connection.send(octets)
        self.answers = []
        self.read_one()

    def read_one(self):
        answer = self.connection.read()
        assert answer.rcode == NOERROR
        if self.key:
            wire.verify(answer, self.key, self.prior, first=not self.answers)
            self.prior = answer.tsig.mac
        self.answers.append(answer)

    def finish(self):
        """The rest; every record came, of one version."""
        while self.answers[-1].types()[-1] != SOA or len(self.answers) == 1:
            self.read_one()
        assert sum(len(a.answer) for a in self.answers) == BIG_RECORDS + 3
        serials = [s for a in self.answers for s in a.serials()]
        assert len(serials) == 2 and serials[0] == serials[1]
        return serials[0]

    def close(self):
        self.connection.sock.close()


def reload_by_signal(daemon):
    before = daemon.log().count("is in use")
    os.kill(daemon.process.pid, signal.SIGHUP)
    eventually(lambda: daemon.log().count("is in use") > before, what="the new configuration")


@pytest.mark.parametrize("how", ["signal", "client"])
@pytest.mark.threads
def test_a_transfer_keeps_its_configuration(lab, how):
    daemon = make_primary(lab, allow=f'key "{KEY.name}";')
    slow = SlowTransfer(daemon, KEY)
    daemon.keys = [NEW_KEY.statement()]
    daemon.allow = f'key "{NEW_KEY.name}";'
    daemon.write_conf()
    if how == "signal":
        reload_by_signal(daemon)
    else:
        daemon.cli("reload")
    # The new one holds for whoever comes now ...
    octets, _ = wire.sign(wire.message(SMALL, AXFR), KEY)
    answer = eventually(lambda: (a := wire.ask_tcp(daemon.address, daemon.port, octets)).rcode == NOTAUTH and a, what="the old key's end")
    assert answer.tsig.error == BADKEY
    octets, signature = wire.sign(wire.message(SMALL, AXFR), NEW_KEY)
    with Connection(daemon.address, daemon.port) as connection:
        connection.send(octets)
        assert connection.read_transfer(NEW_KEY, signature.mac)[0].rcode == NOERROR
    # ... and the old one for the transfer that began under it, to its end; the next request of that connection is a new one.
    octets, _ = wire.sign(wire.message(SMALL, AXFR), KEY)
    slow.connection.send(octets)
    assert slow.finish() == 7
    answer = slow.connection.read()
    assert answer.rcode == NOTAUTH and answer.tsig.error == BADKEY
    slow.close()


@pytest.mark.threads
def test_a_transfer_is_one_version(lab):
    daemon = make_primary(lab)
    slow = SlowTransfer(daemon)
    for serial, mark in ((8, "b"), (9, "c")):
        daemon.write(BIG, big_text(serial, mark))
        daemon.wait_serial(BIG, serial, timeout=30)
    assert slow.finish() == 7
    assert all(b"b" * 250 not in a.octets and b"c" * 250 not in a.octets for a in slow.answers)
    slow.close()


def wrong_configurations(daemon):
    good = daemon.configuration()
    yield "syntax", good.replace("options {", "options", 1), 0o600
    yield "unknown statement", good + "\nfrobnicate yes;\n", 0o600
    yield "undefined key", good + f'\nzone "{SMALL}" {{ type primary; allow-transfer {{ key "nobodys"; }}; }};\n', 0o600
    yield "open", good.replace("allow-transfer { 127.0.0.0/8; };", "allow-transfer { any; };"), 0o600
    yield "not built", good + '\ntls "x" { };\n', 0o600
    yield "a missing include", good + '\ninclude "absent.conf";\n', 0o600
    yield "secrets that all can read", good, 0o644
    yield "an address that is not here", good.replace(f"{{ {daemon.address}; }};", f"{{ {daemon.address}; 192.0.2.1; }};"), 0o600


def state_of(daemon):
    zones = {z["zone"]: (z["serial"], z["state"]) for z in daemon.status()["zones"]}
    return zones, daemon.soa(SMALL), daemon.axfr(SMALL)


def test_a_wrong_configuration_changes_nothing(lab):
    daemon = lab.daemon(start=False, keys=[KEY.statement()])
    daemon.write(SMALL, zone_text(SMALL, serial=7, records=["www A 192.0.2.1"]))
    daemon.start()
    before, in_use = state_of(daemon), daemon.log().count("is in use")
    for what, text, mode in list(wrong_configurations(daemon)):
        daemon.conf_path.write_text(text)
        daemon.conf_path.chmod(mode)
        done = daemon.cli("reload", check=False)
        assert done.returncode != 0, what
        assert done.stdout + done.stderr, what
        assert SECRET not in done.stdout + done.stderr
        lines = daemon.log().count("the one in use stays") + daemon.log().count("configuration in use stays")
        os.kill(daemon.process.pid, signal.SIGHUP)
        eventually(lambda: daemon.log().count("the one in use stays") + daemon.log().count("configuration in use stays") > lines, what=f"a line about {what}")
        assert state_of(daemon) == before, what
    assert daemon.log().count("is in use") == in_use and SECRET not in daemon.log()
    # A right one is taken again.
    daemon.write_conf()
    daemon.conf_path.chmod(0o600)
    daemon.cli("reload")
    assert state_of(daemon) == before and daemon.log().count("is in use") == in_use + 1


def test_listeners_follow_the_configuration(lab):
    daemon = lab.daemon(start=False)
    daemon.write(SMALL, zone_text(SMALL, serial=7))
    daemon.start()
    first = daemon.configuration()
    daemon.conf_path.write_text(first.replace(f"{{ {daemon.address}; }};", "{ 127.0.0.20; };"))
    daemon.cli("reload")
    assert wire.ask_udp("127.0.0.20", daemon.port, wire.message(SMALL, SOA)).serials() == [7]

    def is_closed():
        try:
            Connection(daemon.address, daemon.port).sock.close()
        except ConnectionRefusedError:
            return True
    eventually(is_closed, what="the old listener's end")
    daemon.conf_path.write_text(first)
    daemon.cli("reload")
    assert daemon.soa(SMALL, tcp=True) == 7


@pytest.mark.threads
def test_terminated_while_a_transfer_runs(lab):
    """The transfer goes to its end, nobody new is let in, and the exit is 0."""
    daemon = make_primary(lab)
    slow = SlowTransfer(daemon)
    os.kill(daemon.process.pid, signal.SIGTERM)
    eventually(lambda: "may end, then it stops" in daemon.log(), what="the line of the end")
    assert slow.finish() == 7
    assert slow.connection.is_closed()
    assert daemon.process.child.wait(15 * PATIENCE) == 0
    assert "broke off" not in daemon.log()
    slow.close()


def test_terminated_while_a_reader_is_stuck(lab):
    daemon = make_primary(lab)
    slow = SlowTransfer(daemon)
    idle = Connection(daemon.address, daemon.port)
    began = time.monotonic()
    os.kill(daemon.process.pid, signal.SIGTERM)
    assert idle.is_closed()  # at once: it has nothing under way
    assert daemon.process.child.wait(30 * PATIENCE) == 0
    assert 5 < time.monotonic() - began < 20 * PATIENCE
    assert "broke off" in daemon.log()
    slow.close()
    idle.sock.close()


def is_served(daemon, source, timeout=5):
    try:
        with Connection(daemon.address, daemon.port, source, timeout=timeout) as connection:
            connection.send(wire.message(SMALL, SOA))
            return connection.read().serials() == [7]
    except (EOFError, ConnectionError):
        return False


@pytest.mark.threads
def test_places_for_each_peer(lab):
    daemon = lab.daemon(start=False, options="tcp-clients-per-peer 3;")
    daemon.write(SMALL, zone_text(SMALL, serial=7))
    daemon.start()
    held = [Connection(daemon.address, daemon.port, "127.0.5.1") for _ in range(3)]
    for connection in held:  # all three are in, and answered
        connection.send(wire.message(SMALL, SOA))
        assert connection.read().serials() == [7]
    assert not is_served(daemon, "127.0.5.1")
    assert is_served(daemon, "127.0.5.2")
    held.pop().sock.close()
    eventually(lambda: is_served(daemon, "127.0.5.1"), what="the place given back")
    for connection in held:
        connection.sock.close()


def test_places_in_all(lab):
    """Who is silent makes room; who works does not."""
    daemon = make_primary(lab, options="tcp-clients 3;")
    busy = [SlowTransfer(daemon, source=f"127.0.5.{i}") for i in (1, 2, 3)]
    assert not is_served(daemon, "127.0.5.4")
    assert busy[0].finish() == 7
    # The first is idle now, and the place is for whoever comes: it may take a moment, and more tries, for an
    # idle one to be old enough, and for the thread that has it to see the newcomer.
    eventually(lambda: is_served(daemon, "127.0.5.4"), timeout=20, what="an idle connection's place", step=0.05)
    assert busy[1].finish() == 7 and busy[2].finish() == 7
    for transfer in busy:
        transfer.close()


@pytest.mark.threads
def test_transfers_at_once(lab):
    daemon = make_primary(lab, options="transfers-out 2;", keys=(KEY,))
    slow = [SlowTransfer(daemon, source=f"127.0.5.{i}") for i in (1, 2)]
    octets, signature = wire.sign(wire.message(SMALL, AXFR, edns=True), KEY)
    refused = wire.ask_tcp(daemon.address, daemon.port, octets)
    assert refused.rcode == REFUSED and refused.ede == [(0, "too many transfers at once")]
    wire.verify(refused, KEY, signature.mac)
    eventually(lambda: "transfers-out is reached" in daemon.log(), what="a line")
    # A SOA, and an IXFR of one who has it, need no place.
    assert daemon.soa(SMALL, tcp=True) == 7
    assert wire.ask_tcp(daemon.address, daemon.port, wire.message(SMALL, IXFR, serial=7)).serials() == [7]
    slow[0].finish()
    eventually(lambda: wire.ask_tcp(daemon.address, daemon.port, wire.message(SMALL, AXFR)).rcode == NOERROR, what="the place given back")
    slow[1].close()  # a broken one gives its place back too
    eventually(lambda: "broke off" in daemon.log(), what="the broken transfer's line")
    third = [SlowTransfer(daemon, source=f"127.0.6.{i}") for i in (1, 2)]
    for transfer in (*slow, *third):
        transfer.close()


@pytest.mark.threads
def test_slow_peers_block_nobody(lab):
    """Connections that send an octet now and then, ones that read nothing, and one that promises much: others are served at once."""
    daemon = make_primary(lab, options="tcp-idle-timeout 20;")  # two seconds
    octets = wire.struct.pack("!H", 65535) + wire.message(SMALL, SOA)
    loris = [Connection(daemon.address, daemon.port, f"127.0.6.{1 + i % 20}") for i in range(60)]
    stuck = [SlowTransfer(daemon, source=f"127.0.7.{1 + i}") for i in range(6)]
    began, sent = time.monotonic(), 0
    while time.monotonic() - began < 1:
        for connection in loris:
            connection.sock.send(octets[sent:sent + 1])
        sent += 1
        at = time.monotonic()
        assert is_served(daemon, "127.0.8.1") and daemon.soa(SMALL) == 7
        assert time.monotonic() - at < 1 * PATIENCE
        time.sleep(0.05)
    # An octet now and then is no request: they go when their time is over. Those who read go on.
    began = time.monotonic()
    for connection in loris:
        assert connection.is_closed()
    assert time.monotonic() - began < 8 * PATIENCE
    assert stuck[0].finish() == 7
    assert daemon.axfr(SMALL)[1] == 7
    for part in (*loris, *stuck):
        (part.sock if isinstance(part, Connection) else part).close()


def test_a_silent_connection_is_closed(lab):
    daemon = lab.daemon(start=False, options="tcp-idle-timeout 10;")
    daemon.write(SMALL, zone_text(SMALL, serial=7))
    daemon.start()
    with Connection(daemon.address, daemon.port) as connection:
        for _ in range(4):  # who asks now and then stays
            connection.send(wire.message(SMALL, SOA))
            assert connection.read().serials() == [7]
            time.sleep(0.5)
        connection.send(wire.message(SMALL, SOA))
        connection.read()
        began = time.monotonic()
        assert connection.is_closed()
        assert 0.9 < time.monotonic() - began < 5 * PATIENCE


@pytest.mark.long
def test_too_slow_a_reader_is_dropped(lab):
    daemon = make_primary(lab, options="min-transfer-rate 1m;")
    slow = SlowTransfer(daemon)
    eventually(lambda: "slower than min-transfer-rate" in daemon.log(), timeout=60, what="the limit", step=0.5)
    slow.close()


def test_many_queries_at_once_on_one_connection(lab):
    """A thousand pipelined queries, read only afterwards: all answered, in order, and others in between."""
    daemon = lab.daemon(start=False)
    daemon.write(SMALL, zone_text(SMALL, serial=7))
    daemon.start()
    asked = [wire.message(SMALL, SOA) for _ in range(1000)]
    with Connection(daemon.address, daemon.port) as connection:
        connection.send(*asked)
        assert is_served(daemon, "127.0.8.1")
        assert [connection.read().octets[:2] for _ in asked] == [octets[:2] for octets in asked]
        connection.sock.shutdown(wire.socket.SHUT_WR)
        assert connection.is_closed()


def test_half_closed_connection_gets_its_answer(lab):
    daemon = make_primary(lab)
    with Connection(daemon.address, daemon.port, **SLOW) as connection:
        connection.send(wire.message(BIG, AXFR), wire.message(SMALL, SOA))
        connection.sock.shutdown(wire.socket.SHUT_WR)
        assert sum(len(a.answer) for a in connection.read_transfer()) == BIG_RECORDS + 3
        assert connection.read().serials() == [7]
        assert connection.is_closed()


def test_check_config_tells_where(lab):
    daemon = lab.daemon(start=False, keys=[KEY.statement()])
    daemon.write_conf()
    text = daemon.configuration() + "\nfrobnicate yes;\n"
    daemon.conf_path.write_text(text)
    done = subprocess.run([*daemon.program, "-c", daemon.conf_path, "--check-config"], capture_output=True, text=True)
    line = text.split("\n").index("frobnicate yes;") + 1
    assert done.returncode != 0 and f"{daemon.conf_path}:{line}:1: error:" in done.stdout + done.stderr
