"""What the providers' manuals tell an operator to put into named.conf, taken as it stands: real names, addresses and secrets in, and nothing else changed."""
import base64
import re
import subprocess

import pytest

import wire
from lab import PATIENCE, SECRET, Bind, Daemon, eventually, file_records, need_peers, without_soa, zone_text

GENERIC = """# Primary (BIND named.conf) - Allow transfers to secondaries
zone "example.com" {
    type master;
    file "/var/named/example.com.zone";
    allow-transfer { 198.51.100.10; 198.51.100.20; };
    also-notify { 198.51.100.10; 198.51.100.20; };
};
"""
# TSIG key for secure transfers (generate with dnssec-keygen)
GENERIC_KEY = """key "transfer-key" {
    algorithm hmac-sha256;
    secret "%s";
};
"""
ALIBABA = """zone "xxx.com" IN {
type master;
allow-update { 127.0.0.1; };
allow-transfer {key test_key;};
notify explicit;
also-notify {%s port %u key test_key;%s port %u key test_key;};
file "zone_file";
};"""
ALIBABA_KEY = 'key "test_key" { algorithm %s; secret "%s";};\n'
ALIBABA_KEY_FILE = """key "test_key" {
algorithm hmac-sha256;
secret "%s";
};"""
# What its `dnssec-keygen -a HMAC-SHA256 -b 128 -n HOST test_key` leaves behind.
KEYGEN_PRIVATE = """Private-key-format: v1.3
Algorithm: 163 (HMAC_SHA256)
Key: %s
Bits: AAA=
Created: 20260101000000
Publish: 20260101000000
Activate: 20260101000000
"""
KEYGEN_KEY = "test_key. IN KEY 512 3 163 %s\n"
DYNDNS = """	zone "mydomain.com" {
type master;
file "db.mydomain.com";
allow-transfer { 204.13.249.76; 208.78.69.76; 91.198.22.76; 203.62.195.76; };
};
"""
SECRET_128 = base64.b64encode(b"sixteen octets..").decode()


def check_config(folder, text, files=()):
    """zonecrierd --check-config of exactly this text: (exit code, output)."""
    path = folder / "named.conf"
    for name, content in (("named.conf", text), *files):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
        (folder / name).chmod(0o600)
    done = subprocess.run([*Daemon(folder / "daemon").program, "--check-config", "-c", path], capture_output=True, text=True, timeout=20 * PATIENCE)
    return done.returncode, done.stdout + done.stderr


def alibaba(addresses=("47.92.0.10", "47.92.0.11"), ports=(53, 53)):
    return ALIBABA % (addresses[0], ports[0], addresses[1], ports[1])


KEY_TEXT = ALIBABA_KEY % ("hmac-sha256", SECRET_128)
SAMPLES = {  # text, files that it includes, and whether a zone ends without a NOTIFY target
    "generic": (GENERIC, [], False),
    "generic-with-key": (GENERIC_KEY % SECRET + GENERIC, [], False),
    "generic-key-used": (GENERIC_KEY % SECRET + GENERIC.replace("{ 198.51.100.10; 198.51.100.20; };", '{ key "transfer-key"; };', 1), [], False),
    "alibaba-key-after": (alibaba() + KEY_TEXT, [], False),
    "alibaba-key-before": (KEY_TEXT + alibaba(), [], False),
    "alibaba-key-included": (f'{alibaba()}\ninclude "etc/dns-key";\n', [("etc/dns-key", ALIBABA_KEY_FILE % SECRET_128)], False),
    "alibaba-private-file": (f'include "keys/*.private";\n{alibaba()}', [("keys/Ktest_key.+163+64252.private", KEYGEN_PRIVATE % SECRET_128),
                                                                         ("keys/Ktest_key.+163+64252.key", KEYGEN_KEY % SECRET_128)], False),
    "dyndns": (DYNDNS, [], True),
    "all-at-once": (GENERIC_KEY % SECRET + GENERIC + KEY_TEXT + alibaba() + DYNDNS, [], True),
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_loads_as_it_stands(tmp_path, sample):
    text, files, is_silent = SAMPLES[sample]
    code, said = check_config(tmp_path, text, files)
    assert code == 0 and "error" not in said, said
    silent = re.findall(r'warning: zone "([^"]+)" has no NOTIFY target', said)
    assert silent == (["mydomain.com"] if is_silent else []), said
    # allow-update has no use here: one note, with its place.
    assert len(re.findall(r"named\.conf:\d+:1: note: .*allow-update", said)) == (1 if "allow-update" in text else 0), said
    assert SECRET not in said and SECRET_128 not in said


def test_what_is_wrong_is_told(tmp_path):
    """The samples before anything was put in: the placeholders are errors at their place, not taken for something else."""
    code, said = check_config(tmp_path, KEY_TEXT + alibaba(("47.92.XX.XX", "47.92.XX.XXX")))
    assert code != 0 and len(re.findall(r"named\.conf:\d+:\d+: error: ", said)) == 2 and "47.92.XX.XX" in said, said
    code, said = check_config(tmp_path, GENERIC_KEY % "base64-encoded-secret==" + GENERIC)
    assert code != 0 and re.search(r"named\.conf:3:\d+: error: ", said) and "base64-encoded" not in said, said
    code, said = check_config(tmp_path, alibaba())
    assert code != 0 and "test_key" in said, said
    # The same manual's other half, the secondary's, is none of ours.
    code, said = check_config(tmp_path, 'zone "example.com" {\n    type slave;\n    file "/var/named/slave/example.com.zone";\n    masters { 203.0.113.53; };\n};\n')
    assert code != 0 and "named.conf:2:" in said, said


@pytest.mark.parametrize("sample", ["alibaba-key-after", "alibaba-key-included", "alibaba-private-file"])
def test_secret_that_all_can_read_is_refused(tmp_path, sample):
    text, files, _ = SAMPLES[sample]
    assert check_config(tmp_path, text, files)[0] == 0
    holder = tmp_path / (files[0][0] if files else "named.conf")
    holder.chmod(0o644)
    done = subprocess.run([*Daemon(tmp_path / "daemon").program, "--check-config", "-c", tmp_path / "named.conf"], capture_output=True, text=True)
    assert done.returncode != 0 and holder.name in done.stdout + done.stderr and SECRET_128 not in done.stdout + done.stderr


@pytest.mark.skipif(not need_peers(), reason="no real secondaries unpacked")
@pytest.mark.parametrize("algorithm", ["hmac-md5", "hmac-sha1", "hmac-sha256"])
def test_alibaba_with_a_real_secondary(lab, algorithm):
    """Its sample, its three algorithms, BIND in its place; and its second address is dead, which delays nobody."""
    zone, key = "xxx.com", ("test_key", algorithm, SECRET_128)
    records = [f"h{i} A 192.0.2.{i % 250}" for i in range(50)]
    primary = lab.daemon(start=False, zone_files=False, allow="")
    bind = lab.secondary(Bind, primary, [zone], start=False, key=key)
    primary.extra = alibaba((bind.address, "127.0.0.77"), (bind.port, 9)) + ALIBABA_KEY % key[1:]
    zone_file = primary.folder / "zone_file"
    zone_file.write_text(zone_text(zone, serial=1, records=records))
    primary.start()
    bind.start()
    bind.wait_serial(zone, 1)
    text = zone_text(zone, serial=2, records=[*records, "www A 192.0.2.99"])
    zone_file.write_text(text)
    bind.wait_serial(zone, 2, timeout=15)
    assert without_soa(bind.axfr(zone)[0]) == without_soa(file_records(text, zone))
    line = re.compile(rf' IXFR of {re.escape(zone)} to {bind.address}#\d+ \(key "test_key"\): serial 1 to 2')
    eventually(lambda: line.search(primary.log()), what="the IXFR, signed", timeout=5)

    def acknowledged():
        targets = {t["address"]: t for t in primary.zone(zone)["targets"]}
        return targets[bind.address]["acknowledged_serial"] == 2 and targets["127.0.0.77"]["acknowledged_serial"] != 2
    eventually(acknowledged, what="the NOTIFY's answer, of one and not of the other")
    # The key, and nothing else, opens the zone.
    assert wire.ask_tcp(primary.address, primary.port, wire.message(zone, wire.AXFR)).rcode == wire.REFUSED


def test_dyndns_is_served_to_its_addresses(lab):
    """The sample's addresses made ours: who stands in the list gets the zone, and nobody else."""
    zone = "mydomain.com"
    text = DYNDNS
    for i, address in enumerate(("204.13.249.76", "208.78.69.76", "91.198.22.76", "203.62.195.76")):
        text = text.replace(address, f"127.0.5.{i + 1}")
    primary = lab.daemon(start=False, zone_files=False, allow="", extra=text)
    (primary.folder / "db.mydomain.com").write_text(
        zone_text(zone, serial=5, ns=[f"ns{i}.mydyndns.org." for i in (2, 3, 4, 5)], records=["www A 192.0.2.1"]))
    primary.start()
    for i in range(1, 6):
        with wire.Connection(primary.address, primary.port, f"127.0.5.{i}") as connection:
            connection.send(wire.message(zone, wire.AXFR))
            assert connection.read_transfer()[0].rcode == (wire.NOERROR if i < 5 else wire.REFUSED)
