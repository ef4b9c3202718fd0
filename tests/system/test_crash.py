"""No serial ever has two contents and none goes back (I1, I2): through kill -9, power loss, damage, lost and old state."""
import errno
import os
import random
import shutil
import socket
import struct
import subprocess
import time

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rdata
import pytest

import disk_trace
import lab as lab_module
from lab import BUILD, LONG, SECRET, Nsd, eventually, keyring, need_peers, zone_text
from recorder import NotifySink, Observer, Recorder, is_ahead

ZONE = "example.com"
# The first three octets are rare: what is sent can be searched for serials.
PREFIX = b"\x5a\x17\xc0"
FIRST = 0x5A17C001
UNSIGNED_MAX = 1 << 24


def edit(number, serial=FIRST, count=12, **kwargs):
    """A zone text whose content is its number's alone."""
    return zone_text(ZONE, serial, **kwargs, records=[f"host{i} A 192.0.2.{i}" for i in range(count)] + [f'mark TXT "edit {number}"'])


def mark_of(records):
    return next((r.split('"')[1] for r in records if r.startswith(f"mark.{ZONE}. ")), None)


@pytest.fixture
def sink():
    sink = NotifySink()
    yield sink
    sink.stop()


def verify_store(daemon):
    done = subprocess.run([BUILD / "zonecrierd", "-c", daemon.conf_path, "--verify-store"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def wait_mark(daemon, number, timeout=15):
    """Until the edit is served; (records, serial)."""
    def served():
        records, serial = daemon.axfr(ZONE)
        return mark_of(records) == f"edit {number}" and (records, serial)
    return eventually(served, timeout, f"edit {number}", step=0.01)


# ---- kill -9 ----

def test_kill_at_random_moments(lab, sink):
    """200 publishes (40 here), a kill -9 at a random moment of most, an observer that asks all the time."""
    rng = random.Random(4)
    recorder = Recorder(ZONE)
    sink.heard = recorder.saw_notify
    daemon = lab.daemon(start=False, options=f"also-notify {{ {sink.target()} }};")
    daemon.write(ZONE, edit(0))
    daemon.start()
    observer = Observer(recorder, daemon)
    try:
        for number in range(1, 201 if LONG else 41):
            daemon.write(ZONE, edit(number))
            time.sleep(rng.choice((rng.random() * 0.006, rng.random() * 0.03)))
            if rng.random() < 0.2:
                wait_mark(daemon, number)
            daemon.kill()
            # Half of the time the text is another one when it comes back: a serial that was used up but not served must not return with it.
            if rng.random() < 0.5:
                daemon.write(ZONE, edit(f"{number} again"))
            daemon.start()
            recorder.axfr(daemon)
    finally:
        observer.stop()
    records, serial = recorder.axfr(daemon)
    recorder.check()
    assert serial == recorder.newest
    assert len(recorder.contents) >= 20 and recorder.seen > 100
    eventually(lambda: sink.serials()[-1] == serial, what="NOTIFY of the newest serial")
    daemon.stop()
    verify_store(daemon)


POINTS = [(point, n) for point in ("serial-file-write", "serial-file-sync", "store-commit", "store-committed") for n in (1, 2, 3)]
POINTS += [("store-put", n) for n in ((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12) if LONG else (1, 3, 6, 11))]


@pytest.mark.slow_under_sanitizers
@pytest.mark.parametrize("point,n", POINTS)
def test_kill_at_a_step(lab, point, n):
    """It dies at the n-th passing of a step of the commit; the next life goes on."""
    recorder = Recorder(ZONE)
    daemon = lab.daemon(start=False)
    daemon.write(ZONE, edit(0))
    daemon.start()
    recorder.axfr(daemon)
    daemon.stop()
    daemon.env = dict(os.environ, ZONECRIER_FAULT=f"{point}:{n}:kill")
    daemon.write(ZONE, edit(1))
    daemon.start(wait=False)
    number = 1

    def died():
        nonlocal number
        if not daemon.process.is_running():
            return True
        records, _ = recorder.axfr(daemon)
        if mark_of(records) == f"edit {number}":
            number += 1
            daemon.write(ZONE, edit(number))
        return False
    eventually(died, what=f"its end at {point}")
    assert daemon.process.child.returncode == -9
    daemon.process.stop()
    daemon.env = None
    verify_store(daemon)
    daemon.write(ZONE, edit("last"))
    daemon.start()
    recorder.saw_content(*reversed(wait_mark(daemon, "last")), "AXFR", recorder.newest)
    recorder.check()
    daemon.stop()
    verify_store(daemon)


@pytest.mark.parametrize("point", ["serial-file-write", "serial-file-sync", "store-put", "store-commit"])
@pytest.mark.slow_under_sanitizers
def test_kill_at_the_first_start(lab, point):
    """Killed while the state is made, it begins as new."""
    daemon = lab.daemon(start=False, env=dict(os.environ, ZONECRIER_FAULT=f"{point}:1:kill"))
    daemon.write(ZONE, edit(0))
    daemon.start(wait=False)
    eventually(lambda: not daemon.process.is_running(), what="its end")
    daemon.process.stop()
    daemon.env = None
    daemon.start()
    records, serial = daemon.axfr(ZONE)
    assert mark_of(records) == "edit 0" and serial in (FIRST, FIRST + 1)


@pytest.mark.threads
@pytest.mark.parametrize("point,error", [("serial-file-write", "ENOSPC"), ("serial-file-sync", "EIO"), ("store-put", "ENOSPC"), ("store-commit", "EIO")])
def test_a_step_fails(lab, point, error):
    """A step that fails: the old zone is served on, one line tells it, the retry publishes under a serial not used before."""
    daemon = lab.daemon(start=False)
    daemon.write(ZONE, edit(0))
    daemon.start()
    daemon.stop()
    recorder = Recorder(ZONE)
    # The first passing may be the rewrite at start, or a small row; those behind it meet the edit.
    daemon.env = dict(os.environ, ZONECRIER_FAULT=f"{point}:1:fail={error}")
    daemon.write(ZONE, edit(1))
    daemon.start()
    recorder.axfr(daemon)
    records, serial = wait_mark(daemon, 1)
    recorder.saw_content(serial, records, "AXFR", recorder.newest)
    recorder.check()
    assert is_ahead(serial, FIRST)
    lines = [line for line in daemon.log().splitlines() if f"{ZONE}: failed" in line]
    assert len(lines) == 1 and os.strerror(getattr(errno, error)) in lines[0] and "tried again" in lines[0], lines


# ---- power loss ----

class Recording:
    """A run of the daemon under strace: what it wrote and sent, and the content of each serial."""

    def __init__(self, lab, sink, edits, *more, env=None):
        self.recorder = Recorder(ZONE)
        sink.heard = self.recorder.saw_notify
        self.log = lab.folder / "trace"
        self.daemon = lab.daemon(start=False, options=f"also-notify {{ {sink.target()} }};", env=env or disk_trace.strace_env(),
                                 program=[*disk_trace.strace(self.log, *more), BUILD / "zonecrierd"])
        self.daemon.write(ZONE, edit(0))
        self.daemon.start()
        observer = Observer(self.recorder, self.daemon)
        try:
            for number in range(1, edits + 1):
                # The last of them at once: batches, and serials that are skipped.
                self.daemon.write(ZONE, edit(number, count=60 + 10 * (number % 3)))
                if number < edits - 2:
                    wait_mark(self.daemon, number)
            wait_mark(self.daemon, edits)
            eventually(lambda: sink.got and sink.serials()[-1] == self.recorder.newest, what="NOTIFY")
        finally:
            observer.stop()
        self.recorder.check()
        self.daemon.stop()
        eventually(lambda: "+++ exited with" in self.log.read_text(errors="replace").rsplit("\n", 2)[-2], what="the end of the trace")
        self.trace = disk_trace.Trace(self.log, self.daemon.folder / "state")
        self.daemon.program = [BUILD / "zonecrierd"]
        self.daemon.env = None
        self.daemon.options = ""


@pytest.mark.slow_under_sanitizers
def test_nothing_leaves_before_its_sync(lab, sink):
    """No answer and no NOTIFY with a serial before the syncs that cover it. Each sync is made slow, so that a wrong order would show."""
    recording = Recording(lab, sink, 6, "-e", "inject=fsync,fdatasync:delay_enter=20000")
    sent = disk_trace.serials_on_the_wire(recording.trace, PREFIX)
    assert set(recording.recorder.contents) <= set(sent) and len(sent) >= 4, sent
    assert disk_trace.uncovered(recording.trace, ZONE, PREFIX) == []

    # The check itself: without a sync it must cry.
    for path in ("serials", "data.mdb"):
        events = recording.trace.events
        recording.trace.events = [e for e in events if not (e.kind == "sync" and e.path == path)]
        for event in recording.trace.events:
            event.is_synced = event.is_synced and path != "data.mdb"
        assert len(disk_trace.uncovered(recording.trace, ZONE, PREFIX)) >= len(sent) - 1
        recording.trace.events = events


def crash_states(trace, rng):
    """{the disk's octets: (what was sent before, line)} for a power loss after each moment of the trace; each disk with the latest line it is possible at."""
    sent = disk_trace.serials_on_the_wire(trace, PREFIX)
    disk, states = disk_trace.Disk(), {}
    for line, event, begins in disk_trace.steps(trace):
        (disk.begin if begins else disk.end)(event)
        if event.kind == "send" and (not begins or event.begin not in sent.values()):
            continue
        before = [serial for serial, at in sent.items() if at <= line]
        for files in disk_trace.losses(disk, rng):
            states[tuple(sorted(files.items()))] = (before, line)
    return [(dict(files), before, line) for files, (before, line) in states.items()]


@pytest.mark.slow_under_sanitizers
def test_power_loss(lab, sink):
    """Writes not synced are dropped, in any mixture, after each step of a recorded run: the store opens, is sound, and goes on above all that was sent."""
    rng = random.Random(7)
    recording = Recording(lab, sink, 12 if LONG else 6)
    daemon, contents = recording.daemon, recording.recorder.contents
    states = crash_states(recording.trace, rng)
    assert len(states) > 30
    zone_file = daemon.zones / f"{ZONE}.zone"
    started = rng.sample(range(len(states)), min(len(states), 400 if LONG else 60))
    for number, (files, sent, line) in enumerate(states):
        where = f"power loss at line {line + 1} of {recording.log}"
        disk_trace.write_disk(files, daemon.folder / "state")
        if disk_trace.meta_txn(files.get("data.mdb", b"")) > 0:
            verify_store(daemon)
        else:
            assert not sent, where  # it never was a store
            continue
        if number not in started:
            continue
        zone_file.unlink(missing_ok=True)
        daemon.start()
        recorder = Recorder(ZONE)
        recorder.contents = {serial: contents[serial] for serial in sent if serial in contents}
        for serial in sent:
            recorder.saw_serial(serial, where)
        if sent:  # served as it was stored, its file is not there
            _, serial = recorder.axfr(daemon)
            recorder.check()
        daemon.write(ZONE, edit(f"after loss {number}", count=70))
        records, serial = wait_mark(daemon, f"after loss {number}")
        recorder.saw_content(serial, records, where, recorder.newest)
        recorder.check()
        assert serial not in sent, f"{where}: serial {serial} was used"
        daemon.stop()


# ---- damage ----

def flip(path, octets):
    """Every place where these octets stand in the file; how many there were."""
    content = bytearray(path.read_bytes())
    count = at = 0
    while (at := content.find(octets, at)) >= 0:
        content[at + len(octets) // 2] ^= 0x10
        count += 1
    path.write_bytes(content)
    return count


def ixfr(daemon, serial, key=None, tcp=True):
    """(kind, serial, records) of an answer: "none" a lone SOA, "ixfr", "axfr"."""
    query = dns.message.make_query(ZONE, "IXFR")
    query.flags &= ~dns.flags.RD
    query.find_rrset(query.authority, query.question[0].name, 1, dns.rdatatype.SOA, create=True).add(
        dns.rdata.from_text("IN", "SOA", f". . {serial} 0 0 0 0"))
    if key:
        query.use_tsig(keyring(key[0], key[2], key[1]), keyname=key[0], algorithm=key[1])
    rrs, newest = [], None
    if not tcp:
        messages = [dns.query.udp(query, daemon.address, port=daemon.port, timeout=5)]
    else:
        messages = _tcp_answers(daemon, query)
    for message in messages:
        assert message.rcode() == 0, dns.rcode.to_text(message.rcode())
        for rrset in message.answer:
            rrs += [(rrset.rdtype, f"{rrset.name} {rrset.ttl} {dns.rdatatype.to_text(rrset.rdtype)} {rdata}", getattr(rdata, "serial", None)) for rdata in rrset]
    assert rrs[0][0] == dns.rdatatype.SOA
    newest = rrs[0][2]
    if len(rrs) == 1:
        return "none", newest, []
    if rrs[1][0] == dns.rdatatype.SOA and len(rrs) > 2:
        return "ixfr", newest, [r[1] for r in rrs]
    return "axfr", newest, sorted(r[1] for r in rrs[:-1])


def _tcp_answers(daemon, query):
    """Messages up to the second SOA of the newest serial (an IXFR's third, or more: until the connection is quiet)."""
    wire = query.to_wire()
    messages = []
    with socket.create_connection((daemon.address, daemon.port), 5 * lab_module.PATIENCE) as connection:
        connection.sendall(struct.pack(">H", len(wire)) + wire)
        connection.shutdown(socket.SHUT_WR)  # it answers, then closes
        received = b""
        while piece := connection.recv(65536):
            received += piece
    while len(received) >= 2:
        length = struct.unpack(">H", received[:2])[0]
        messages.append(dns.message.from_wire(received[2:2 + length], keyring=query.keyring, request_mac=query.mac, one_rr_per_rrset=True,
                                              xfr=True, multi=len(messages) > 0 or None))
        received = received[2 + length:]
    assert messages, "no answer"
    return messages


def count_lines(daemon, *words):
    return len([line for line in daemon.log().splitlines() if all(word in line for word in words)])


@pytest.fixture
def published(lab):
    """A daemon that published five edits, stopped: (daemon, serial of the newest)."""
    daemon = lab.daemon(start=False)
    for number in range(5):
        daemon.write(ZONE, edit(number, count=200) + ('gone TXT "only in the journal 0123456789"\n' if number == 2 else ""))
        if number == 0:
            daemon.start()
        _, serial = wait_mark(daemon, number)
    assert ixfr(daemon, FIRST)[0] == "ixfr"
    daemon.stop()
    return daemon, serial


def test_damaged_journal(published):
    """Octets of a step flipped: the whole zone instead of differences, and one line that says so."""
    daemon, serial = published
    assert flip(daemon.folder / "state" / "data.mdb", b"only in the journal 0123456789") >= 1
    daemon.start()
    records, _ = daemon.axfr(ZONE)
    for _ in range(3):
        kind, newest, got = ixfr(daemon, FIRST)
        assert (kind, newest, got) == ("axfr", serial, records)
    # Behind the damage the history is whole.
    assert ixfr(daemon, serial - 1)[0] == "ixfr"
    assert count_lines(daemon, ZONE, "damaged") == 1, daemon.log()
    daemon.write(ZONE, edit(9, count=200))
    _, newest = wait_mark(daemon, 9)
    assert newest == serial + 1 and ixfr(daemon, serial)[0] == "ixfr" and ixfr(daemon, FIRST)[0] == "axfr"


def test_damaged_leaf(published):
    """Octets of the zone's content flipped: never a wrong answer; told once, and written anew from its file under the next serial, in a new era."""
    daemon, serial = published
    right = lab_module.file_records((daemon.zones / f"{ZONE}.zone").read_text(), ZONE)
    assert flip(daemon.folder / "state" / "data.mdb", b"\x07host150") >= 1
    done = subprocess.run([BUILD / "zonecrierd", "-c", daemon.conf_path, "--verify-store"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and ZONE in done.stderr, done
    daemon.start()

    def healed():
        records, served = daemon.axfr(ZONE)  # refused or cut before: a secondary keeps what it has
        assert lab_module.without_soa(records) == lab_module.without_soa(right)
        return served == serial + 1
    for _ in range(3):
        try:
            records, _ = daemon.axfr(ZONE)
        except (EOFError, OSError, AssertionError, dns.exception.DNSException):
            continue
        assert lab_module.without_soa(records) == lab_module.without_soa(right)
    eventually(healed, what="the zone written anew")
    assert ixfr(daemon, serial)[0] == "axfr"
    told = [line for line in daemon.log().splitlines() if ZONE in line and "damaged" in line]
    assert 1 <= len(told) <= 3, told
    daemon.stop()
    verify_store(daemon)


# ---- lost and old state ----

KEY = ("k.example.net", "hmac-sha256", SECRET)


@pytest.fixture
def grown(lab):
    """A daemon at serial FIRST + 3 with a copy of its state of "yesterday" (FIRST + 1) beside it; stopped."""
    daemon = lab.daemon(start=False, keys=[KEY], allow='key "k.example.net"; 127.0.0.0/8;')
    daemon.write(ZONE, edit(0))
    daemon.start()
    daemon.write(ZONE, edit(1))
    wait_mark(daemon, 1)
    daemon.stop()
    shutil.copytree(daemon.folder / "state", daemon.folder / "yesterday")
    daemon.start()
    for number in (2, 3):
        daemon.write(ZONE, edit(number))
        _, serial = wait_mark(daemon, number)
    assert serial == FIRST + 3
    daemon.stop()
    return daemon


def lose(daemon, *names):
    for name in names:
        (daemon.folder / "state" / name).unlink()


@pytest.mark.threads
def test_store_lost(grown):
    """The serial file alone is left: the next serial is above it, with no history."""
    lose(grown, "data.mdb", "lock.mdb")
    grown.start()
    records, serial = grown.axfr(ZONE)
    assert serial == FIRST + 4 and mark_of(records) == "edit 3"
    assert ixfr(grown, FIRST + 3)[0] == "axfr"


def test_serial_file_lost(grown):
    """The store alone is left: it goes on from there."""
    lose(grown, "serials")
    grown.start()
    assert grown.axfr(ZONE)[1] == FIRST + 3
    grown.write(ZONE, edit(4))
    assert wait_mark(grown, 4)[1] == FIRST + 4
    grown.stop()
    assert f"{ZONE}. {FIRST + 4} " in (grown.folder / "state" / "serials").read_text()


@pytest.mark.threads
@pytest.mark.parametrize("lost", ["both lost", "store of yesterday"])
def test_secondary_ahead(grown, lost):
    """Both lost, or both old: a secondary that asks with a serial ahead of ours is answered with our SOA; then the zone goes above it, with a gap and no history, told once."""
    if lost == "both lost":
        lose(grown, "data.mdb", "lock.mdb", "serials")
    else:
        shutil.rmtree(grown.folder / "state")
        shutil.copytree(grown.folder / "yesterday", grown.folder / "state")
    grown.write(ZONE, edit("of the day after"))
    grown.start()
    records, serial = wait_mark(grown, "of the day after")
    assert serial == (FIRST if lost == "both lost" else FIRST + 2)
    ahead = FIRST + 1000
    assert ixfr(grown, ahead)[:2] == ("none", serial)
    above = ahead + 65536
    eventually(lambda: grown.soa(ZONE) == above, what="a serial above the secondary's")
    assert ixfr(grown, ahead)[0] == "axfr" and ixfr(grown, serial)[0] == "axfr"
    again, newest = grown.axfr(ZONE)
    assert newest == above and lab_module.without_soa(again) == lab_module.without_soa(records)
    assert count_lines(grown, ZONE, "ahead of ours") == 1, grown.log()
    assert grown.zone(ZONE)["state"] == "published"
    # And it goes on as ever.
    grown.write(ZONE, edit("later"))
    assert wait_mark(grown, "later")[1] == above + 1 and ixfr(grown, above)[0] == "ixfr"


def test_store_of_yesterday_serial_file_of_today(grown):
    """The serial file on another disk survived: nothing is used twice, though nobody was asked."""
    for name in ("data.mdb", "lock.mdb"):
        shutil.copy(grown.folder / "yesterday" / name, grown.folder / "state" / name)
    grown.start()
    records, serial = grown.axfr(ZONE)
    assert serial == FIRST + 4 and mark_of(records) == "edit 3"
    kind, newest, got = ixfr(grown, FIRST + 3)  # a serial that this store knows nothing of
    assert (kind, newest) == ("axfr", serial)


@pytest.mark.threads
def test_secondary_far_ahead(grown):
    """Without TSIG a serial more than 2^24 ahead moves nothing: held, told once, released by approve. With TSIG it is believed."""
    grown.start()
    far = FIRST + 3 + UNSIGNED_MAX + 5
    for _ in range(3):
        assert ixfr(grown, far)[:2] == ("none", FIRST + 3)
    zone = eventually(lambda: grown.zone(ZONE)["state"] == "behind" and grown.zone(ZONE), what="the state behind")
    eventually(lambda: grown.zone(ZONE).get("hash"), what="a hash to approve")
    assert grown.soa(ZONE) == FIRST + 3
    assert count_lines(grown, ZONE, "ahead of ours:") == 1 and count_lines(grown, ZONE, "held", "approve") == 1, grown.log()
    wrong = grown.cli("approve", ZONE, "00" * 32, check=False)
    assert wrong.returncode != 0 and grown.soa(ZONE) == FIRST + 3
    zone = eventually(lambda: grown.zone(ZONE), what="status")
    if "hash" not in zone:  # the look that a wrong hash causes found the text as published; the next query holds it again
        ixfr(grown, far)
    grown.cli("approve", ZONE, eventually(lambda: grown.zone(ZONE).get("hash"), what="a hash"))
    eventually(lambda: grown.soa(ZONE) == far + 65536, what="the approved serial")

    farther = far + 65536 + UNSIGNED_MAX + 5
    assert ixfr(grown, farther, key=KEY)[0] == "none"
    eventually(lambda: grown.soa(ZONE) == farther + 65536, what="a serial above the signed one")


@pytest.mark.slow_under_sanitizers
@pytest.mark.skipif(not need_peers(), reason="no real secondaries unpacked")
def test_nsd_ahead(lab):
    """A real NSD holds what a restored store knows nothing of. It passes over NOTIFYs that are behind it; at its refresh it asks, and ends with our content."""
    daemon = lab.daemon(start=False)
    daemon.write(ZONE, edit(0, refresh=3))
    nsd = lab.secondary(Nsd, daemon, [ZONE], start=False)
    daemon.options = f"also-notify {{ {nsd.target()} }};"
    daemon.start()
    nsd.start()
    nsd.wait_serial(ZONE, FIRST)
    daemon.stop()
    shutil.copytree(daemon.folder / "state", daemon.folder / "yesterday")
    daemon.start()
    for number in (1, 2, 3):
        daemon.write(ZONE, edit(number, refresh=3))
        wait_mark(daemon, number)
    nsd.wait_serial(ZONE, FIRST + 3)
    daemon.stop()
    shutil.rmtree(daemon.folder / "state")
    shutil.copytree(daemon.folder / "yesterday", daemon.folder / "state")
    daemon.write(ZONE, edit("restored", refresh=3))
    daemon.start()
    nsd.wait_serial(ZONE, FIRST + 3 + 65536, timeout=40)
    records, _ = nsd.axfr(ZONE)
    assert mark_of(records) == "edit restored"
    assert count_lines(daemon, ZONE, "ahead of ours") == 1, daemon.log()
