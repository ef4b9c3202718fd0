"""Proof 7: zones signed elsewhere, NSEC and NSEC3, and ones with a ZONEMD: carried octet by octet, under the file's own serial."""
import re
import shutil
import subprocess

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest

import wire
from lab import PATIENCE, SECRET, Bind, Knot, Nsd, eventually, need_peers, zone_text

ZONE = "example.com"
KEY = ("transfer-key", "hmac-sha256", SECRET)
# Fixed, and Ed25519: what is signed again without a change is the same octets, as with a careful signer.
DATES = ["-i", "20260101000000", "-e", "20380101000000"]
KINDS = {
    "nsec": [], "nsec3": ["-n", "-t", "5", "-s", "aabbccdd"], "nsec3-opt-out": ["-n", "-p"],
    "zonemd": ["-z", "simple:sha384"], "nsec3-zonemd": ["-n", "-z", "simple:sha384", "-z", "simple:sha512"],
    "zonemd-unsigned": ["-Z", "-z", "simple:sha384"],
}
SIGNED = [kind for kind in KINDS if kind != "zonemd-unsigned"]
NEVER_COMPRESSED = {43, 46, 47, 48, 50, 51, 63, 65400}  # DS RRSIG NSEC DNSKEY NSEC3 NSEC3PARAM ZONEMD, and the unknown

pytestmark = pytest.mark.skipif(not shutil.which("ldns-signzone"), reason="ldnsutils is not there")

RECORDS = [
    "@ MX 10 Mail", "Mail A 192.0.2.25", "Mail AAAA 2001:db8::25", 'txt TXT "one" "two; three" "\\000\\255"', "WWW CNAME mail", "*.wild A 192.0.2.7",
    "sub NS ns.sub", "sub NS Elsewhere.example.net.", "ns.sub A 192.0.2.53", "odd TYPE65400 \\# 4 deadbeef", "_sip._tcp SRV 0 5 5060 Mail",
    "safe DS 12345 13 2 " + "ab" * 32, "safe NS ns1.example.net.", "empty.non.terminal A 192.0.2.9",
]


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A ZSK and a KSK: (folder, base names)."""
    folder = tmp_path_factory.mktemp("keys")
    names = [subprocess.run(["ldns-keygen", "-a", "ED25519", "-r", "/dev/urandom", *more, ZONE], cwd=folder, check=True, capture_output=True,
                            text=True).stdout.strip() for more in ([], ["-k"])]
    return folder, names


class Signer:
    def __init__(self, keys, kind):
        self.folder, self.keys = keys
        self.kind = kind

    def sign(self, serial, records, dates=DATES):
        (self.folder / "unsigned").write_text(zone_text(ZONE, serial=serial, records=[*RECORDS, *records], ns=("ns1.example.net.", "ns2.example.net.")))
        subprocess.run(["ldns-signzone", *KINDS[self.kind], *dates, "-o", ZONE, "-f", "signed", "unsigned",
                        *(self.keys if self.kind in SIGNED else [])], cwd=self.folder, check=True, capture_output=True)
        return (self.folder / "signed").read_text()

    def verify(self, text):
        """By ldns-verify-zone; from the key itself where it is signed."""
        (self.folder / "transferred").write_text(text)
        argv = ["ldns-verify-zone", "-V", "1"]
        if "zonemd" in self.kind:
            argv += ["-Z"] if self.kind == "zonemd-unsigned" else ["-Z", "-Z"]
        if self.kind in SIGNED:
            argv += ["-k", f"{self.keys[1]}.key"]
        return subprocess.run([*argv, "transferred"], cwd=self.folder, capture_output=True, text=True, timeout=60)

    def assert_valid(self, text):
        done = self.verify(text)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(params=list(KINDS))
def signer(keys, request):
    return Signer(keys, request.param)


def hosts(count=120, changed=()):
    return [f"h{i} A {'198.51.100.77' if i in changed else f'192.0.2.{i % 250}'}" for i in range(count)]


def file_octets(text):
    """Every record of a zone text with one record a line, as ldns-signzone and we write it: (owner, TTL, type, RDATA octets), letter case kept."""
    records = []
    for line in text.splitlines():
        if line.strip() and not line.startswith((";", "$")):
            owner, ttl, rclass, rtype, rdata = line.split(None, 4)
            assert rclass == "IN"
            rtype = dns.rdatatype.from_text(rtype)
            octets = dns.rdata.from_text(dns.rdataclass.IN, rtype, rdata, relativize=False).to_wire(origin=None)
            records.append((dns.name.from_text(owner).to_wire(), int(ttl), int(rtype), octets))
    return sorted(records)


def served_octets(answers):
    """The same of a transfer as it came, the closing SOA left out. RDATA that no name may be compressed in is taken as it lies in the message."""
    records = []
    for answer in answers:
        parsed = wire_rdatas(answer)
        for (owner, rtype, _, ttl, at, length), rdata in zip(answer.answer, parsed, strict=True):
            raw = answer.octets[at:at + length]
            if rtype in NEVER_COMPRESSED:
                assert raw == rdata, "compressed, or changed"
            records.append((wire.name_octets(owner), ttl, rtype, rdata))
    assert records[0] == records[-1]
    return sorted(records[:-1])


def wire_rdatas(answer):
    return [dns.rdata.from_wire(dns.rdataclass.IN, rtype, answer.octets, at, length).to_wire(origin=None)
            for _, rtype, _, _, at, length in answer.answer]


def transfer(daemon):
    octets, signature = wire.sign(wire.message(ZONE, wire.AXFR), wire.Key(*KEY))
    with wire.Connection(daemon.address, daemon.port) as connection:
        connection.send(octets)
        return connection.read_transfer(wire.Key(*KEY), signature.mac)


def dig_text(address, port, key=None):
    """A transfer as text, as an operator would take it."""
    auth = ["-y", f"{key[1]}:{key[0]}:{key[2]}"] if key else []
    out = subprocess.run(["dig", f"@{address}", "-p", str(port), "-b", "127.0.0.9", "+noall", "+answer", "+onesoa", ZONE, "AXFR", *auth], capture_output=True,
                         text=True, timeout=30 * PATIENCE).stdout
    return "".join(line + "\n" for line in out.splitlines() if line and not re.search(r"\sTSIG\s", line))


def make_primary(lab, text, **kwargs):
    daemon = lab.daemon(start=False, keys=[KEY], allow=f'key "{KEY[0]}";', **kwargs)
    daemon.write(ZONE, text)
    return daemon


def test_carried_octet_by_octet(lab, signer):
    text = signer.sign(2026, hosts())
    signer.assert_valid(text)
    daemon = make_primary(lab, text).start()
    assert daemon.soa(ZONE) == 2026
    assert served_octets(transfer(daemon)) == file_octets(text)
    signer.assert_valid(dig_text(daemon.address, daemon.port, KEY))
    zone = daemon.zone(ZONE)
    assert zone["state"] == "published" and zone["signed_elsewhere"] is True
    # And through the text that we print.
    shown = daemon.cli("show", ZONE).stdout
    assert file_octets(shown) == file_octets(text)
    signer.assert_valid(shown)


def test_a_verifier_that_works(keys):
    """That the test's own verifier sees a changed octet."""
    for kind in KINDS:
        signer = Signer(keys, kind)
        text = signer.sign(2026, hosts())
        assert signer.verify(text.replace("192.0.2.25", "192.0.2.26")).returncode != 0, kind


@pytest.mark.skipif(not need_peers(), reason="no real secondaries unpacked")
@pytest.mark.parametrize("kind,options", [*[(kind, "") for kind in KINDS], ("nsec", "serial-update-method unixtime;")])
def test_at_secondaries(lab, keys, kind, options):
    """Verified where it is served; held when changed under its old serial; under a new one it goes out as IXFR."""
    signer = Signer(keys, kind)
    first = signer.sign(2026, hosts())
    daemon = make_primary(lab, first)
    others = [lab.secondary(kind, daemon, [ZONE], start=False, key=KEY) for kind in (Bind, Nsd, Knot)]
    daemon.options = options + " also-notify { " + " ".join(s.target() for s in others) + " };"
    daemon.start()
    for secondary in others:
        secondary.start()
        secondary.wait_serial(ZONE, 2026)
        signer.assert_valid(dig_text(secondary.address, secondary.port))

    # Signed again with another content and the same serial: nothing changes anywhere.
    before = served_octets(transfer(daemon))
    daemon.write(ZONE, signer.sign(2026, hosts(changed={3})))
    done = daemon.cli("reload", ZONE, check=False)
    assert done.returncode != 0 and "2026" in done.stdout + done.stderr
    zone = daemon.zone(ZONE)
    assert zone["state"] == "held" and zone["serial"] == 2026 and "serial" in zone["reason"]
    assert "raise it where the zone is signed" in daemon.log()
    assert daemon.soa(ZONE) == 2026 and served_octets(transfer(daemon)) == before == file_octets(first)
    for secondary in others:
        assert secondary.serial(ZONE) == 2026
        assert "198.51.100.77" not in dig_text(secondary.address, secondary.port)
    notified = [t["notified_serial"] for t in zone["targets"]]
    assert notified == [2026] * len(others)

    # Its serial advanced: out it goes, under that serial exactly.
    second = signer.sign(2030, hosts(changed={3}))
    daemon.write(ZONE, second)
    daemon.wait_serial(ZONE, 2030)
    assert daemon.zone(ZONE)["state"] == "published"
    assert served_octets(transfer(daemon)) == file_octets(second)
    for secondary in others:
        secondary.wait_serial(ZONE, 2030)
        got = dig_text(secondary.address, secondary.port)
        assert "198.51.100.77" in got
        signer.assert_valid(got)
        line = re.compile(rf" IXFR of {ZONE} to {re.escape(secondary.address)}#\d+ .*serial 2026 to 2030")
        eventually(lambda: line.search(daemon.log()), what=f"an IXFR to {secondary.name} in\n{daemon.log()}", timeout=5)


def held(daemon, text):
    """Writes it; it must not be published."""
    before = daemon.soa(ZONE), served_octets(transfer(daemon))
    daemon.write(ZONE, text)
    assert daemon.cli("reload", ZONE, check=False).returncode != 0
    assert (daemon.soa(ZONE), served_octets(transfer(daemon))) == before
    return daemon.zone(ZONE)


@pytest.fixture
def nsec(keys):
    return Signer(keys, "nsec")


def test_signatures_made_anew(lab, nsec):
    """Every RRSIG is another one: no reason for the guard, but for a new serial."""
    daemon = make_primary(lab, nsec.sign(10, hosts())).start()
    later = ["-i", "20260201000000", "-e", "20380201000000"]
    assert held(daemon, nsec.sign(10, hosts(), dates=later))["state"] == "held"
    text = nsec.sign(11, hosts(), dates=later)
    daemon.write(ZONE, text)
    daemon.wait_serial(ZONE, 11)
    assert served_octets(transfer(daemon)) == file_octets(text)


@pytest.mark.parametrize("serial", [9, 0x80000000 + 10, 0x90000000], ids=["behind", "opposite", "far-behind"])
def test_serial_that_is_not_ahead(lab, nsec, serial):
    daemon = make_primary(lab, nsec.sign(10, hosts())).start()
    assert held(daemon, nsec.sign(serial, hosts(changed={1})))["state"] == "held"
    # The old file again: all is well, and nothing was published.
    daemon.write(ZONE, nsec.sign(10, hosts()))
    daemon.cli("reload", ZONE)
    assert daemon.zone(ZONE)["state"] == "published" and daemon.soa(ZONE) == 10


def test_serial_wraps(lab, nsec):
    daemon = make_primary(lab, nsec.sign(0xFFFFFFF0, hosts())).start()
    text = nsec.sign(5, hosts(changed={1}))
    daemon.write(ZONE, text)
    daemon.wait_serial(ZONE, 5)
    assert served_octets(transfer(daemon)) == file_octets(text)


def test_serial_alone_is_a_publish(lab, nsec):
    daemon = make_primary(lab, nsec.sign(10, hosts())).start()
    text = nsec.sign(12, hosts())
    daemon.write(ZONE, text)
    daemon.wait_serial(ZONE, 12)
    assert served_octets(transfer(daemon)) == file_octets(text)


def test_serial_zero_is_no_serial(lab, nsec):
    daemon = make_primary(lab, nsec.sign(0, hosts())).start()
    zone = daemon.zone(ZONE)
    assert zone["state"] == "held" and daemon.soa(ZONE) is None


def test_after_a_restart(lab, nsec):
    """The rule holds for a zone that was published before the start, and for a text that changed while we were away."""
    text = nsec.sign(10, hosts())
    daemon = make_primary(lab, text).start()
    daemon.stop()
    daemon.write(ZONE, nsec.sign(10, hosts(changed={1})))
    daemon.start()
    assert daemon.zone(ZONE)["state"] == "held" and daemon.soa(ZONE) == 10
    assert served_octets(transfer(daemon)) == file_octets(text)
    newer = nsec.sign(11, hosts(changed={1}))
    daemon.write(ZONE, newer)
    daemon.wait_serial(ZONE, 11)
    assert served_octets(transfer(daemon)) == file_octets(newer)


def test_differing_ttls_are_an_error(lab, nsec):
    """In an unsigned zone they are mended; here that would break a signature."""
    text = nsec.sign(10, hosts())
    daemon = make_primary(lab, text).start()
    spoiled = re.sub(rf"^{ZONE}\.\t3600\tIN\tNS\tns1", f"{ZONE}.\t1800\tIN\tNS\tns1", nsec.sign(11, hosts()), flags=re.M)
    assert "1800" in spoiled
    zone = held(daemon, spoiled)
    assert zone["state"] == "broken" and zone["serial"] == 10


def test_signing_begins_and_ends(lab, nsec):
    """An unsigned zone whose serials are ours becomes a signed one, whose serials are the signer's, and back."""
    plain = zone_text(ZONE, serial=0, records=[*RECORDS, *hosts()])
    daemon = make_primary(lab, plain).start()
    assert daemon.soa(ZONE) == 1
    assert held(daemon, nsec.sign(1, hosts()))["state"] == "held"
    signed = nsec.sign(2, hosts())
    daemon.write(ZONE, signed)
    daemon.wait_serial(ZONE, 2)
    assert served_octets(transfer(daemon)) == file_octets(signed) and daemon.zone(ZONE)["signed_elsewhere"] is True
    # The end of signing takes the apex' DNSKEY: the guard asks once.
    zone = held(daemon, plain)
    assert zone["state"] == "held" and "DNSKEY" in zone["reason"] and daemon.soa(ZONE) == 2
    daemon.cli("approve", ZONE, zone["hash"])
    daemon.wait_serial(ZONE, 3)
    assert daemon.zone(ZONE)["signed_elsewhere"] is False


def test_edits_of_a_large_zone(lab, keys):
    """Where only changed lines are parsed: a ZONEMD that comes, changes and goes is seen all the same."""
    signer = Signer(keys, "zonemd-unsigned")
    plain = [f"h{i} A 192.0.2.{i % 250}" for i in range(6000)]
    daemon = make_primary(lab, zone_text(ZONE, serial=20, records=plain)).start()
    lines = zone_text(ZONE, serial=20, records=plain).rstrip("\n")
    digest = f"@ ZONEMD 20 1 1 {'ab' * 48}"
    assert held(daemon, f"{lines}\n{digest}\n")["state"] == "held"
    daemon.write(ZONE, f"{lines}\n{digest}\n".replace(" 20 3600", " 21 3600", 1))
    daemon.wait_serial(ZONE, 21)
    assert daemon.zone(ZONE)["signed_elsewhere"] is True
    assert held(daemon, f"{lines}\n{digest}\nmore A 192.0.2.1\n".replace(" 20 3600", " 21 3600", 1))["state"] == "held"
    assert held(daemon, f"{lines}\n{digest.replace('ab', 'cd')}\n".replace(" 20 3600", " 21 3600", 1))["state"] == "held"
    # Without it the serials are ours again.
    daemon.write(ZONE, f"{lines}\nmore A 192.0.2.1\n".replace(" 20 3600", " 21 3600", 1))
    daemon.wait_serial(ZONE, 22)
    assert daemon.zone(ZONE)["signed_elsewhere"] is False
    text = signer.sign(30, plain)
    daemon.write(ZONE, text)
    daemon.wait_serial(ZONE, 30)
    signer.assert_valid(dig_text(daemon.address, daemon.port, KEY))
    changed = signer.sign(31, ["h5 A 192.0.2.200", *plain])
    daemon.write(ZONE, changed)
    daemon.wait_serial(ZONE, 31)
    signer.assert_valid(dig_text(daemon.address, daemon.port, KEY))
