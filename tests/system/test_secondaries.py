"""Proof 1: an edit reaches real BIND, NSD and Knot, TSIG-signed, as IXFR."""
import random

import pytest

from lab import LONG, SECRET, Bind, Knot, Nsd, eventually, file_records, without_soa, zone_text

ALGORITHMS = ["hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"]
ZONE = "example.com"


def random_records(rng, count=400):  # large enough that a few edits never outweigh the zone
    """Owner -> record lines without the owner's final form: a zone's worth of many types."""
    records = {}
    for i in range(count):
        kind = rng.randrange(7)
        owner = f"h{i}"
        records[f"{owner}"] = {
            0: f"{owner} A 192.0.2.{rng.randrange(256)}",
            1: f"{owner} AAAA 2001:db8::{rng.randrange(65536):x}",
            2: f"{owner} {rng.randrange(60, 9000)} MX {rng.randrange(99)} mail",
            3: f'{owner} TXT "{"x" * rng.randrange(200)}" "second; {rng.randrange(1000)}"',
            4: f"{owner} SRV 0 5 {rng.randrange(65536)} target.example.org.",
            5: f"Case{i} CNAME {owner}.Target.example.org.",
            6: f"*.{owner} TYPE65400 \\# 4 {rng.randrange(2**32):08x}",
        }[kind]
    records["mail"] = "mail A 192.0.2.25"
    return records


def edit(rng, records):
    """One random edit: a record changed, added, removed, a TTL or a letter's case changed."""
    kind = rng.randrange(5)
    owner = rng.choice([o for o in records if o != "mail"])
    if kind == 0:
        records[owner] = f"{owner} A 198.51.100.{rng.randrange(256)}"
    elif kind == 1:
        new = f"new{rng.randrange(10**6)}"
        records[new] = f"{new} A 203.0.113.{rng.randrange(256)}\n{new} A 203.0.113.{rng.randrange(256)}"
        if len(set(records[new].split("\n"))) == 1:
            records[new] = records[new].split("\n")[0]
    elif kind == 2 and len(records) > 25:
        del records[owner]
    elif kind == 3:
        records[owner] = f"{owner} {rng.randrange(1, 100000)} A 192.0.2.77"
    else:
        records[owner] = f"{owner.upper() if rng.random() < .5 else owner.lower()} A 192.0.2.78"


def text_of(records, serial):
    return zone_text(ZONE, serial=serial, records=records.values())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_fifty_edits_reach_every_secondary(lab, algorithm):
    rng = random.Random(algorithm)
    key = ("transfer-key", algorithm, SECRET)
    records = random_records(rng)
    primary = lab.daemon(start=False, keys=[key], allow='key "transfer-key";')
    others = [lab.secondary(kind, primary, [ZONE], start=False, key=key) for kind in (Bind, Nsd, Knot)]
    primary.options = "also-notify { " + " ".join(s.target() for s in others) + " };"
    primary.write(ZONE, text_of(records, 0))
    primary.start()
    for secondary in others:
        secondary.start()
        secondary.wait_serial(ZONE, 1)
    before = [s.ixfr_count() for s in others]

    serial = 1
    for i in range(50 if algorithm == "hmac-sha256" or LONG else 5):
        edit(rng, records)
        text = text_of(records, 0)
        previous = serial
        primary.write(ZONE, text)
        primary.cli("reload", ZONE)
        serial = primary.soa(ZONE)
        assert serial in (previous, previous + 1)
        if i % 10 == 9:  # let every serial of a burst be seen by somebody, and some by nobody
            for secondary in others:
                secondary.wait_serial(ZONE, serial)

    wanted = without_soa(file_records(text_of(records, 0), ZONE))
    assert without_soa(primary.axfr(ZONE, key=key)[0]) == wanted
    for secondary in others:
        secondary.wait_serial(ZONE, serial)
        got, _ = secondary.axfr(ZONE)
        if secondary.keeps_case:
            assert without_soa(got) == wanted, secondary.name
        else:
            assert sorted(r.lower() for r in without_soa(got)) == sorted(r.lower() for r in wanted), secondary.name
    # After the first transfer, only IXFR: their logs and ours say so.
    for secondary, count in zip(others, before):
        if count is not None:
            ixfr, whole = secondary.ixfr_count()
            assert ixfr > 0 and whole == count[1], (secondary.name, ixfr, whole, count)
    log = primary.log()
    for secondary in others:
        lines = [l for l in log.splitlines() if f" to {secondary.address}#" in l and ("IXFR of" in l or "AXFR of" in l) and " bytes in " in l]
        assert sum(" AXFR of" in l or "AXFR-style" in l for l in lines) == 1, lines
        assert sum(" IXFR of" in l and "AXFR-style" not in l for l in lines) >= 1, lines
        assert all('"transfer-key"' in l or "transfer-key" in l for l in lines), lines


def test_status_knows_who_took_what(lab):
    key = ("transfer-key", "hmac-sha256", SECRET)
    primary = lab.daemon(start=False, keys=[key], allow='key "transfer-key";')
    knot = lab.secondary(Knot, primary, [ZONE], start=False, key=key)
    primary.options = f"also-notify {{ {knot.target()} }};"
    primary.write(ZONE, zone_text(ZONE, records=["www A 192.0.2.1"]))
    primary.start()
    knot.start()
    knot.wait_serial(ZONE, 1)
    primary.write(ZONE, zone_text(ZONE, records=["www A 192.0.2.2"]))
    knot.wait_serial(ZONE, 2)

    def seen():
        target = primary.zone(ZONE)["targets"][0]
        return target if target["transferred_serial"] == 2 and target["acknowledged_serial"] == 2 else None
    target = eventually(seen, what="status' transferred serial")
    assert target["address"] == knot.address and target["port"] == knot.port
    assert target["notified_serial"] == 2 and target["last_rcode"] in ("NOERROR", 0)

