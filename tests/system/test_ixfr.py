"""Proof 2 (I3, I4): for every kept serial S, content(S) + IXFR(S to T) = AXFR(T) = file, over random edit sequences."""
import random
import re
import subprocess

import pytest

from lab import CLIENT, LONG, eventually, zone_text

SOA = "ns1.example.net. hostmaster.example.net. {} 3600 600 86400 300"


def dig_records(primary, zone, what):
    """The records of an AXFR or IXFR in their order on the wire, as (owner, ttl, type, rdata)."""
    out = subprocess.run(["dig", "+noall", "+answer", "+onesoa" if what == "AXFR" else "+noonesoa", "+nocookie", "+time=60", "-b", CLIENT, "-p", str(primary.port),
                          f"@{primary.address}", zone, what], capture_output=True, text=True, check=True).stdout
    records = []
    for line in out.splitlines():
        if not line or line.startswith(";"):
            assert "failed" not in line and "error" not in line, line
            continue
        owner, ttl, _, kind, rdata = re.split(r"\s+", line, maxsplit=4)
        records.append((owner, int(ttl), kind, rdata))
    return records


def serial_of(soa):
    return int(soa[3].split()[2])


def axfr(primary, zone):
    records = dig_records(primary, zone, "AXFR")
    assert records and records[0][2] == "SOA", records[:2]
    body = records[1:] if records[-1][2] != "SOA" else records[1:-1]
    assert len(set(body)) == len(body), "a record twice (I4)"
    return serial_of(records[0]), set(body)


def apply_ixfr(primary, zone, serial, content):
    """The content that a strict RFC 1995 client holds after IXFR from serial; and what kind of answer it was."""
    records = dig_records(primary, zone, f"IXFR={serial}")
    assert records[0][2] == "SOA"
    target = serial_of(records[0])
    if len(records) == 1:
        assert target == serial
        return target, content, "up to date"
    if records[1][2] != "SOA":
        return target, set(records[1:-1]), "whole"
    content = set(content)
    position, at = 1, serial
    while position < len(records) - 1:
        assert records[position][2] == "SOA" and serial_of(records[position]) == at, (at, records[position])
        position += 1
        while records[position][2] != "SOA":
            assert records[position] in content, f"removes what is not there: {records[position]}"
            content.remove(records[position])
            position += 1
        at = serial_of(records[position])
        position += 1
        while records[position][2] != "SOA":
            assert records[position] not in content, f"adds what is there: {records[position]}"
            content.add(records[position])
            position += 1
    assert records[-1][2] == "SOA" and serial_of(records[-1]) == target == at
    return target, content, "deltas"


class Model:
    """A zone's content as text records, and the file that says it."""

    def __init__(self, rng, zone, size, serial, wide=False):
        self.rng, self.zone, self.serial = rng, zone, serial
        self.rrsets = {}  # (owner folded, type) -> (owner as written, ttl, {rdata})
        self.add_rrset(f"{zone}.", "NS", 3600, {"ns1.example.net."})
        for i in range(size):
            self.random_rrset(f"h{i}")
        if wide:
            self.add_rrset(f"wide.{zone}.", "TXT", 60, {f'"{i:05d} {"w" * 200}"' for i in range(450)})

    def add_rrset(self, owner, kind, ttl, rdatas):
        self.rrsets[owner.lower(), kind] = (owner, ttl, set(rdatas))

    def random_rrset(self, label):
        rng = self.rng
        kind = rng.choice(["A", "AAAA", "TXT", "MX", "SRV"])
        rdatas = {
            "A": lambda: f"192.0.2.{rng.randrange(256)}",
            "AAAA": lambda: f"2001:db8::{rng.randrange(1, 65536):x}",
            "TXT": lambda: f'"t{rng.randrange(10**6)}"',
            "MX": lambda: f"{rng.randrange(100)} Mail{rng.randrange(9)}.example.org.",
            "SRV": lambda: f"0 0 {rng.randrange(65536)} sip.example.org.",
        }[kind]
        self.add_rrset(f"{label}.{self.zone}.", kind, rng.choice([60, 300, 3600]), {rdatas() for _ in range(rng.randrange(1, 4))})

    def edit(self):
        rng = self.rng
        keys = [k for k in self.rrsets if k[1] != "NS"]
        for _ in range(rng.choice([1, 1, 1, 2, 5])):
            kind = rng.randrange(7)
            key = rng.choice(keys)
            if key not in self.rrsets:
                continue
            owner, ttl, rdatas = self.rrsets[key]
            if kind == 0 and len(self.rrsets) > 6:
                del self.rrsets[key]
                keys.remove(key)
                if not keys:
                    break
            elif kind == 1:
                self.rrsets[key] = (owner, ttl + 1, rdatas)
            elif kind == 2:
                self.rrsets[key] = (owner.swapcase().replace(self.zone.swapcase(), self.zone), ttl, rdatas)
            elif kind == 3 and len(rdatas) > 1:
                self.rrsets[key] = (owner, ttl, set(sorted(rdatas)[1:]))
            else:
                self.random_rrset(f"n{rng.randrange(10**6)}")

    def content(self):
        return {(owner, ttl, kind, rdata) for (_, kind), (owner, ttl, rdatas) in self.rrsets.items() for rdata in rdatas}

    def text(self, file_serial):
        lines = [f"{o} {t} IN {k} {d}" for o, t, k, d in self.content()]
        self.rng.shuffle(lines)
        return f"$TTL 3600\n{self.zone}. 3600 IN SOA {SOA.format(file_serial)}\n" + "\n".join(lines) + "\n"


def publish(primary, model, file_serial=0):
    """Writes, waits for the verdict; the serial that is served."""
    primary.write(model.zone, model.text(file_serial))
    done = primary.cli("reload", model.zone, check=False)
    zone = primary.zone(model.zone) if done.returncode else None
    if zone and zone["state"] == "held":
        primary.cli("approve", model.zone, zone["hash"])
    return primary.soa(model.zone, tcp=True)


def run_sequence(primary, rng, number, size, edits, start_serial, wide=False):
    model = Model(rng, f"s{number}.example", size, start_serial, wide)
    serial = publish(primary, model, start_serial)
    assert serial == start_serial
    history = [(serial, model.content())]
    for _ in range(edits):
        before = model.content()
        raised = rng.random() < .2
        if not raised or rng.random() < .5:
            model.edit()
        next_serial = (serial + rng.randrange(1, 1000)) % 2**32 or 1
        serial = publish(primary, model, next_serial if raised else 0)
        if raised:
            assert serial == next_serial
        assert (serial != history[-1][0]) == (raised or model.content() != before), "a new serial if and only if something changed (I2)"
        if serial != history[-1][0]:
            history.append((serial, model.content()))
    got_serial, got = axfr(primary, model.zone)
    assert (got_serial, got) == (serial, model.content()), "AXFR is the file (I4)"
    kinds = set()
    for old_serial, old in history:
        target, content, kind = apply_ixfr(primary, model.zone, old_serial, old)
        kinds.add(kind)
        assert target == serial
        assert content == model.content(), f"IXFR from {old_serial} (I3)"
    return kinds


@pytest.mark.parametrize("part", range(4))
def test_random_sequences(lab, part):
    rng = random.Random(part)
    primary = lab.daemon(options="max-ixfr-ratio unlimited;" if part % 2 else "")
    kinds = set()
    for number in range(250 if LONG else 12):
        start = rng.choice([1, 7, 2026112101, 2**32 - 3, 2**31 - 2, 2**32 - 1])
        kinds |= run_sequence(primary, rng, number, rng.choice([3, 20, 60, 100]), rng.randrange(2, 8), start, wide=number % 6 == 5)
    assert {"deltas", "up to date"} <= kinds, kinds


def test_one_message_zone_and_serial_only(lab):
    """The smallest zone; a serial raised by hand alone is a publish with an empty delta."""
    primary = lab.daemon()
    primary.write("small.example", zone_text("small.example", serial=5))
    primary.cli("reload", "small.example")
    assert axfr(primary, "small.example") == (5, {("small.example.", 3600, "NS", "ns1.example.net.")})
    primary.write("small.example", zone_text("small.example", serial=9))
    primary.cli("reload", "small.example")
    assert axfr(primary, "small.example")[0] == 9
    target, content, _ = apply_ixfr(primary, "small.example", 5, {("small.example.", 3600, "NS", "ns1.example.net.")})
    assert target == 9 and len(content) == 1
    # Touched, and a comment: nothing to publish.
    primary.write("small.example", "; a comment\n" + zone_text("small.example", serial=9))
    primary.cli("reload", "small.example")
    assert primary.soa("small.example") == 9


def test_history_outlives_a_restart(lab):
    primary = lab.daemon()
    rng = random.Random(5)
    model = Model(rng, "kept.example", 30, 1)
    history = []
    for i in range(6):
        serial = publish(primary, model, 1 if i == 0 else 0)
        if not history or history[-1][0] != serial:
            history.append((serial, model.content()))
        model.random_rrset(f"more{i}")
    wanted = history[-1][1]
    primary.stop()
    primary.start()
    for serial, content in history:
        target, got, kind = apply_ixfr(primary, "kept.example", serial, content)
        assert (target, got) == (history[-1][0], wanted)
        assert kind == ("up to date" if serial == history[-1][0] else "deltas")


@pytest.mark.slow_under_sanitizers
def test_large_zone(lab):
    """Sequences on a zone of 200,000 records: only what changed is parsed again, and it is right."""
    size = 200_000
    rng = random.Random(11)
    primary = lab.daemon()
    zone = "large.example"
    lines = [f"h{i} A 192.0.2.{i % 256}" for i in range(size - 2)]

    def content():
        found = set()
        for line in lines:
            owner, kind, rdata = re.split(r"\s+", line, maxsplit=2)
            ttl = 3600
            if kind.isdigit():
                ttl = int(kind)
                kind, rdata = rdata.split(None, 1)
            found.add((f"{owner}.{zone}.", ttl, kind, rdata))
        return found | {(f"{zone}.", 3600, "NS", "ns1.example.net.")}

    primary.write(zone, zone_text(zone, serial=1, records=lines))
    eventually(lambda: primary.soa(zone) == 1, 60, "the first publish")
    history = [(1, content())]
    serial = 1
    for i in range(20 if LONG else 4):
        for _ in range(rng.choice([1, 3, 100])):
            position = rng.randrange(len(lines))
            kind = rng.randrange(4)
            if kind == 0:
                lines[position] = f"e{i}x{rng.randrange(10**9)} A 198.51.100.{rng.randrange(256)}"
            elif kind == 1:
                del lines[position]
            elif kind == 2:
                lines.insert(position, f"n{i}x{rng.randrange(10**9)} 77 TXT \"new {rng.randrange(10**6)}\"")
            else:
                owner = lines[position].split()[0]
                lines[position] = f"{owner} {rng.randrange(1, 3599)} A 203.0.113.9"
        primary.write(zone, zone_text(zone, serial=0, records=lines))
        primary.cli("reload", zone)
        serial += 1
        assert primary.soa(zone) == serial
        history.append((serial, content()))
    assert axfr(primary, zone) == (serial, history[-1][1])
    for old_serial, old in history if LONG else history[:2] + history[-2:]:
        target, got, kind = apply_ixfr(primary, zone, old_serial, old)
        assert (target, got) == (serial, history[-1][1]) and kind in ("deltas", "up to date")
