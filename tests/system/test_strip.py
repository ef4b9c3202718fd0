"""strip-dnssec: a signed zone goes to one secondary as it is and to another without its DNSSEC records, by AXFR and IXFR, and each of
them has at every serial exactly its own view of the file."""
import random
import shutil
import subprocess

import dns.name
import dns.query
import dns.rdatatype
import dns.tsigkeyring
import dns.xfr
import dns.zone
import pytest

from lab import LONG, PATIENCE, SECRET, Bind, Knot, eventually, file_records, need_peers, zone_text

ZONE = "example.com"
PLAIN, FULL = ("key-plain", "hmac-sha256", SECRET), ("key-full", "hmac-sha256", SECRET)
STRIPPED = {"RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DNSKEY", "CDS", "CDNSKEY", "ZONEMD"}
SOURCE, OTHER = "127.0.7.1", "127.0.7.2"
EXTRA = ["@ 3600 CDS 12345 15 2 " + "ab" * 32, "@ 3600 CDNSKEY 257 3 15 " + "q83v" * 10 + "qw==", "safe DS 12345 13 2 " + "cd" * 32, "safe NS ns1.example.net."]

pytestmark = pytest.mark.skipif(not shutil.which("ldns-signzone"), reason="ldnsutils is not there")


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    """signer(serial, records, more): the signed text."""
    folder = tmp_path_factory.mktemp("signer")
    keys = [subprocess.run(["ldns-keygen", "-a", "ED25519", "-r", "/dev/urandom", *more, ZONE], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()
            for more in ([], ["-k"])]

    def sign(serial, records, options=()):
        (folder / "unsigned").write_text(zone_text(ZONE, serial=serial, records=[*EXTRA, *records]))
        subprocess.run(["ldns-signzone", *options, "-i", "20260101000000", "-e", "20380101000000", "-o", ZONE, "-f", "signed", "unsigned", *keys],
                       cwd=folder, check=True, capture_output=True)
        return (folder / "signed").read_text()
    return sign


def view(text):
    """The records of the file that are not DNSSEC's, as axfr() has them."""
    return [record for record in file_records(text, ZONE) if record.split(" ")[2] not in STRIPPED]


class Client:
    """Keeps a zone by IXFR, as a secondary does, and can keep several serials of it."""

    def __init__(self, daemon, source, key=None):
        self.daemon, self.source, self.key = daemon, source, key
        self.zone = None
        self.kinds = []

    def copy(self):
        other = Client(self.daemon, self.source, self.key)
        if self.zone:
            other.zone = dns.zone.Zone(dns.name.from_text(ZONE), relativize=False)
            with other.zone.writer() as writer:
                for name, rdataset in self.zone.iterate_rdatasets():
                    writer.add(name, rdataset)
        return other

    def pull(self):
        """IXFR where there is a zone, else AXFR; a wrong difference is an error of dnspython's."""
        zone = self.zone or dns.zone.Zone(dns.name.from_text(ZONE), relativize=False)
        ring = dns.tsigkeyring.from_text({self.key[0]: (self.key[1], self.key[2])}) if self.key else None
        query, serial = dns.xfr.make_query(zone, keyring=ring)
        before = serial
        dns.query.inbound_xfr(self.daemon.address, zone, query=query, port=self.daemon.port, source=self.source, timeout=30 * PATIENCE, lifetime=60 * PATIENCE)
        self.zone = zone
        self.kinds.append("IXFR" if before else "AXFR")
        return self

    def records(self):
        return sorted(f"{name.to_text()} {rdataset.ttl} {dns.rdatatype.to_text(rdataset.rdtype)} {rdata.to_text()}"
                      for name, rdataset in self.zone.iterate_rdatasets() for rdata in rdataset)


def blocks(plain="strip-dnssec yes;"):
    return (f'secondary "plain" {{ transfer-from {{ {SOURCE}; }}; key "key-plain"; notify no; {plain} }};\n'
            f'secondary "full" {{ transfer-from {{ any; }}; key "key-full"; notify no; }};\n')


def primary(lab, text, extra, use='"plain"; "full";', **kwargs):
    daemon = lab.daemon(start=False, keys=[PLAIN, FULL], allow="", options=f"secondaries {{ {use} }}; " + kwargs.pop("options", ""), extra=extra, **kwargs)
    daemon.write(ZONE, text)
    return daemon.start()


def hosts(count, rng, changed=10):
    """Records of which some are others at each call."""
    return [f"h{i} A 192.0.2.{rng.randrange(1, 250) if rng.randrange(count) < changed else i % 250}" for i in range(count)]


@pytest.mark.parametrize("options", [(), ("-n",), ("-n", "-z", "simple:sha384")], ids=["nsec", "nsec3", "nsec3-zonemd"])
def test_each_serial_is_its_own_view(lab, signer, options):
    """Edits signed anew; from every kept serial, the differences lead to the view of the file, and to the file."""
    rng = random.Random(7)
    text = signer(10, hosts(120, rng), options)
    daemon = primary(lab, text, blocks(), options="max-journal-size unlimited; max-ixfr-ratio unlimited;")
    plain, full = Client(daemon, SOURCE, PLAIN).pull(), Client(daemon, OTHER, FULL).pull()
    eventually(lambda: "AXFR of example.com to 127.0.7.1" in daemon.log(), what="the log of the transfer")
    kept = []
    for serial in range(11, 11 + (40 if LONG else 8)):
        assert plain.records() == sorted(view(text)) and full.records() == file_records(text, ZONE)
        kept.append((plain.copy(), full.copy()))
        text = signer(serial, hosts(120, rng), options)
        daemon.write(ZONE, text, reload=True)
        daemon.wait_serial(ZONE, serial)
        plain.pull()
        full.pull()
    for before_plain, before_full in kept:
        assert before_plain.pull().records() == sorted(view(text))
        assert before_full.pull().records() == file_records(text, ZONE)
    assert Client(daemon, SOURCE, PLAIN).pull().records() == sorted(view(text))
    assert not STRIPPED & {record.split(" ")[2] for record in plain.records()} and {"DS", "NS", "A", "SOA"} <= {r.split(" ")[2] for r in plain.records()}
    # The first difference may come as a whole (the view's row is written within a second); those after it do not.
    log = daemon.log()
    assert log.count("IXFR of example.com to 127.0.7.1") - log.count("AXFR-style IXFR of example.com to 127.0.7.1") >= len(kept)


def test_large_steps_and_leaves(lab, signer):
    """A zone of many leaves, and steps that would go out as they lie in the store."""
    count = 4000
    text = signer(10, [f"h{i} A 192.0.2.{i % 250}" for i in range(count)])
    daemon = primary(lab, text, blocks(), options="max-ixfr-ratio unlimited;")
    plain = Client(daemon, SOURCE, PLAIN).pull()
    assert plain.records() == sorted(view(text))
    for serial, address in ((11, "198.51.100"), (12, "203.0.113")):
        text = signer(serial, [f"h{i} A {address}.{i % 250}" for i in range(count)])
        daemon.write(ZONE, text, reload=True)
        daemon.wait_serial(ZONE, serial)
        assert plain.pull().records() == sorted(view(text))


def test_told_by_address_where_there_is_no_key(lab, signer):
    text = signer(10, hosts(50, random.Random(1)))
    daemon = primary(lab, text, f'secondary "plain" {{ transfer-from {{ {SOURCE}; }}; notify no; strip-dnssec yes; }};\n'
                                f'secondary "full" {{ transfer-from {{ {OTHER}; }}; notify no; }};\n')
    assert Client(daemon, SOURCE).pull().records() == sorted(view(text))
    assert Client(daemon, OTHER).pull().records() == file_records(text, ZONE)


def whole_count(daemon):
    return daemon.log().count("AXFR-style IXFR of example.com to 127.0.7.1")


def test_a_view_that_changes_is_sent_whole_once(lab, signer):
    """Who has the signed zone cannot take differences of the stripped one, nor the other way round; over a restart too."""
    rng = random.Random(3)
    state = {"serial": 10, "text": signer(10, hosts(60, rng))}
    daemon = primary(lab, state["text"], blocks(plain=""), options="max-ixfr-ratio unlimited;")
    client = Client(daemon, SOURCE, PLAIN).pull()

    def edit(stripped):
        state["serial"] += 1
        state["text"] = signer(state["serial"], hosts(60, rng))
        daemon.write(ZONE, state["text"], reload=True)
        daemon.wait_serial(ZONE, state["serial"])
        client.pull()
        assert client.records() == (sorted(view(state["text"])) if stripped else file_records(state["text"], ZONE))

    def settled(stripped):
        """Edits until differences are sent again; a few at most: the row of the view is written within a second or so."""
        for _ in range(200):
            before = whole_count(daemon)
            edit(stripped)
            if whole_count(daemon) == before:
                return
        raise AssertionError("always sent whole")
    edit(False)
    assert whole_count(daemon) == 0
    for plain, stripped in (("strip-dnssec yes;", True), ("", False), ("strip-dnssec yes;", True)):
        before = whole_count(daemon)
        daemon.extra = blocks(plain)
        daemon.write_conf()
        daemon.cli("reload")
        edit(stripped)
        assert whole_count(daemon) > before
        settled(stripped)
    daemon.stop()
    daemon.start()
    before = whole_count(daemon)
    edit(True)
    assert whole_count(daemon) == before


@pytest.mark.skipif(not need_peers(), reason="no real secondaries unpacked")
def test_at_bind_and_knot(lab, signer):
    """BIND gets it without DNSSEC, Knot as it is; both follow by IXFR."""
    rng = random.Random(5)
    text = signer(10, hosts(80, rng))
    daemon = lab.daemon(start=False, keys=[PLAIN, FULL], allow="", options="secondaries { plain; full; }; max-ixfr-ratio unlimited;")
    daemon.write(ZONE, text)
    bind = lab.secondary(Bind, daemon, [ZONE], start=False, key=PLAIN)
    knot = lab.secondary(Knot, daemon, [ZONE], start=False, key=FULL)
    daemon.extra = (f'secondary "plain" {{ transfer-from {{ {bind.address}; }}; key "key-plain"; also-notify {{ {bind.address} port {bind.port}; }}; strip-dnssec yes; }};\n'
                    f'secondary "full" {{ transfer-from {{ {knot.address}; }}; key "key-full"; also-notify {{ {knot.address} port {knot.port}; }}; }};\n')
    daemon.start()
    bind.start()
    knot.start()
    for serial in range(10, 10 + (30 if LONG else 6)):
        if serial > 10:
            text = signer(serial, hosts(80, rng))
            daemon.write(ZONE, text)
        for secondary in (bind, knot):
            secondary.wait_serial(ZONE, serial)
        assert bind.axfr(ZONE)[0] == sorted(view(text))
        lower = sorted(r.lower() for r in file_records(text, ZONE))
        assert sorted(r.lower() for r in knot.axfr(ZONE)[0]) == lower
    ixfrs, _ = bind.ixfr_count()
    assert ixfrs >= 3 or f" IXFR of {ZONE} to {bind.address}#" in daemon.log()
