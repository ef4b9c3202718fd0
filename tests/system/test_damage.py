"""A stored value that fails its checksum is never served, and the zone is written anew from its file."""
import re
import subprocess

import dns.exception
import pytest

from lab import BUILD, eventually, file_records, without_soa, zone_text

ZONE = "example.com"


def flip(primary, needle, count=1):
    """Flips a bit of the store's data file wherever the bytes are found."""
    path = next(p for p in (primary.folder / "state").rglob("data.mdb"))
    data = bytearray(path.read_bytes())
    places = [m.start() for m in re.finditer(re.escape(needle), bytes(data))]
    assert len(places) >= count, f"{needle!r} is not in the store"
    for place in places:
        data[place] ^= 1
    path.write_bytes(data)
    return len(places)


def test_damaged_leaf_heals_from_the_file(lab):
    primary = lab.daemon()
    text = zone_text(ZONE, serial=5, records=['www TXT "a needle in the leaf"', "mail A 192.0.2.25"])
    primary.write(ZONE, text)
    primary.wait_serial(ZONE, 5)
    primary.stop()
    flip(primary, b"a needle in the leaf")
    primary.start()
    wanted = without_soa(file_records(text, ZONE))

    def healed():
        try:
            got, serial = primary.axfr(ZONE, timeout=3)
        except (dns.exception.DNSException, EOFError, AssertionError):
            return None
        assert without_soa(got) == wanted, "never a wrong answer"
        return serial
    assert eventually(healed, 20, "healing") > 5
    log = primary.log()
    assert "damaged" in log and "written anew from its file" in log
    primary.stop()
    primary.start()
    assert without_soa(primary.axfr(ZONE)[0]) == wanted


@pytest.mark.parametrize("edit_first", [False, True])
def test_damage_met_by_an_edit(lab, edit_first):
    primary = lab.daemon()
    primary.write(ZONE, zone_text(ZONE, serial=5, records=['www TXT "a needle in the leaf"', "mail A 192.0.2.25"]))
    primary.wait_serial(ZONE, 5)
    primary.stop()
    flip(primary, b"a needle in the leaf")
    text = zone_text(ZONE, serial=5, records=['www TXT "a needle in the leaf"', "mail A 192.0.2.26"])
    if edit_first:
        primary.write(ZONE, text)
    primary.start()
    if not edit_first:
        primary.write(ZONE, text)
    wanted = without_soa(file_records(text, ZONE))
    eventually(lambda: without_soa(primary.axfr(ZONE)[0]) == wanted, what="the edit's content")  # the start may have healed before
    assert primary.soa(ZONE) > 5
    primary.stop()
    verified = subprocess.run([BUILD / "zonecrierd", "-c", primary.conf_path, "--verify-store"], capture_output=True, text=True)
    assert verified.returncode == 0, verified
