"""Providers as they are: their real addresses in a network namespace, their key algorithms, their forms (tests/providers/rows.tsv)."""
import ipaddress
import os
import socket
import threading

import pytest

import wire
from lab import LONG, PATIENCE, SECRET, Bind, axfr, eventually, file_records, need_peers, soa_serial, zone_text
from namespace import Capture, namespace_of, program
from test_blocks import ZONE
from wire import AXFR, NOERROR, REFUSED, SOA

KEY = wire.Key("key-a", "hmac-sha256", SECRET)
OURS = "198.51.100.1"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a network namespace")


@pytest.fixture
def world(lab):
    """world(addresses, blocks, use): a daemon at port 53 of a namespace that has the addresses."""
    opened = []

    def make(addresses, blocks, use, zones=None, keys=(KEY,), **kwargs):
        daemon = lab.daemon(start=False, address=OURS, port=53, allow="", keys=[k.statement() for k in keys], extra=blocks,
                            options=f"secondaries {{ {use} }}; " + kwargs.pop("options", ""), program=program([OURS, *addresses]), **kwargs)
        for name, records in (zones or {ZONE: ()}).items():
            daemon.write(name, zone_text(name, serial=1, records=records))
        daemon.start()
        opened.append(namespace_of(daemon))
        return daemon, opened[-1]
    yield make
    for namespace in opened:
        namespace.close()


class Target:
    """A NOTIFY target that acknowledges, unsigned: (serial, name of the key) of each."""

    def __init__(self, address, port=53):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, port))
        self.socket.settimeout(0.2)
        self.address, self.port = self.socket.getsockname()
        self.got = []
        self.is_stopping = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def serials(self):
        return [serial for serial, _ in list(self.got)]

    def _run(self):
        while not self.is_stopping:
            try:
                octets, peer = self.socket.recvfrom(4096)
            except OSError:
                continue
            notify = wire.parse(octets)
            self.got.append((notify.serials()[0], notify.tsig.key_name if notify.tsig else None))
            question = octets[12:12 + len(wire.name_wire(notify.questions[0][0])) + 4]
            self.socket.sendto(octets[:2] + b"\xa4\x00\0\1\0\0\0\0\0\0" + question, peer)

    def stop(self):
        self.is_stopping = True
        self.thread.join(5)
        self.socket.close()


def sink_in(namespace, address):
    return namespace.inside(Target, address)


def rcode(daemon, namespace, source, key=None, qtype=AXFR, tcp=True):
    octets = wire.message(ZONE, qtype)
    if key:
        octets, _ = wire.sign(octets, key)
    return namespace.inside(wire.ask, daemon.address, daemon.port, octets, tcp, source).rcode


def serial_at(daemon, namespace, source, tcp=False):
    return namespace.inside(soa_serial, daemon.address, daemon.port, ZONE, tcp=tcp, source=source)


# ---- WEDOS ----

@needs_root
def test_wedos(world):
    """46.28.104.64/27 and nobody beside it, with or without the key as it is set; no NOTIFY ever; the live serial at once."""
    edge = ["46.28.104.64", "46.28.104.70", "46.28.104.95"]
    outside = ["46.28.104.63", "46.28.104.96"]
    daemon, namespace = world([*edge, *outside, "203.0.113.53"], 'secondary "wedos" { provider wedos; };\n'
                              'secondary "office" { transfer-from { 203.0.113.53; }; also-notify { 203.0.113.53; }; };\n', "wedos; office;")
    capture = Capture(namespace)
    office = sink_in(namespace, "203.0.113.53")
    text = zone_text(ZONE, serial=1)
    for source in edge:
        records, serial = namespace.inside(axfr, daemon.address, daemon.port, ZONE, source=source)
        assert serial == 1 and records == file_records(text, ZONE)
        assert serial_at(daemon, namespace, source) == 1 and serial_at(daemon, namespace, source, tcp=True) == 1
    for source in outside:
        assert rcode(daemon, namespace, source) == REFUSED and rcode(daemon, namespace, source, qtype=SOA, tcp=False) == REFUSED
    for serial in range(2, 6):
        daemon.write(ZONE, zone_text(ZONE, serial=serial), reload=True)
        assert serial_at(daemon, namespace, "46.28.104.70") == serial  # its next look sees it at once
        eventually(lambda: serial in office.serials(), what="NOTIFY to the office")
    # Also where an operator sends NOTIFY to all of them.
    daemon.cli("notify", ZONE)
    eventually(lambda: office.serials().count(5) > 1, what="NOTIFY by hand")
    eventually(lambda: capture.notified().count("203.0.113.53") >= 6, what="the capture's packets")
    net = ipaddress.ip_network("46.28.104.64/27")
    assert not [to for to in capture.notified() if ipaddress.ip_address(to) in net]
    assert set(capture.notified()) == {"203.0.113.53"}
    capture.stop()
    office.stop()


@needs_root
def test_wedos_with_a_key(world):
    """TSIG is optional there: with a key both are asked for, and what is wrong is told apart."""
    daemon, namespace = world(["46.28.104.70", "46.28.104.96"], 'secondary "wedos" { provider wedos; key "key-a"; };\n', "wedos;")
    wrong_secret = wire.Key("key-a", "hmac-sha256", "d3Jvbmcgc2VjcmV0IG9mIHRoaXMgdGVzdCBsYWIhISE=")
    unknown = wire.Key("key-z", "hmac-sha256", SECRET)
    inside = "46.28.104.70"
    assert rcode(daemon, namespace, inside, KEY) == NOERROR
    assert rcode(daemon, namespace, inside) == REFUSED and rcode(daemon, namespace, "46.28.104.96", KEY) == REFUSED
    eventually(lambda: "transfer-from { ...; 46.28.104.96; };" in daemon.log(), what="the line to add")
    for key, error, text in ((wrong_secret, wire.BADSIG, "BADSIG"), (unknown, wire.BADKEY, "BADKEY")):
        octets, _ = wire.sign(wire.message(ZONE, AXFR), key)
        answer = namespace.inside(wire.ask, daemon.address, daemon.port, octets, True, inside)
        assert answer.rcode == wire.NOTAUTH and answer.tsig.error == error
        eventually(lambda text=text: text in daemon.log(), what=f"{text} in the log")


# ---- Alibaba Cloud DNS ----

@pytest.mark.skipif(not need_peers(), reason="no real secondaries unpacked")
@pytest.mark.parametrize("algorithm", ["hmac-md5", "hmac-sha1", "hmac-sha256"])
def test_alibaba_algorithms_at_bind(lab, algorithm):
    """key-only transfers, two NOTIFY targets with port and key, `notify explicit`; a signed zone goes without DNSSEC records."""
    key = ("test_key", algorithm, SECRET)
    daemon = lab.daemon(start=False, keys=[key], allow="", options='notify explicit; notify-source 127.0.0.1; secondaries { "alibaba"; };')
    bind = lab.secondary(Bind, daemon, [ZONE], start=False, key=key)
    sink = Target("127.0.9.71", 0)
    daemon.extra = ('secondary "alibaba" { provider alibaba; key "test_key"; transfer-from { any; };\n'
                    f'  also-notify {{ {bind.address} port {bind.port}; {sink.address} port {sink.port}; }}; }};\n')
    daemon.write(ZONE, zone_text(ZONE, serial=1))
    daemon.start()
    bind.start()
    bind.wait_serial(ZONE, 1)
    for serial in range(2, 12 if LONG else 5):
        daemon.write(ZONE, zone_text(ZONE, serial=serial, records=[f"n{serial} A 192.0.2.1"]))
        bind.wait_serial(ZONE, serial)
    assert bind.axfr(ZONE)[0] == daemon.axfr(ZONE, key=key)[0]
    eventually(lambda: serial in sink.serials(), what="the second target's NOTIFY")
    sink.stop()
    assert {key_name for _, key_name in sink.got} == {"test_key"}
    assert f'(key "test_key"): serial {serial - 1} to {serial}' in daemon.log()


def test_alibaba_takes_no_other_algorithm(lab):
    daemon = lab.daemon(start=False, keys=[("k", "hmac-sha512", SECRET)], allow="", extra='secondary "a" { provider alibaba; key "k"; transfer-from { any; }; };')
    daemon.start(wait=False)
    eventually(lambda: not daemon.process.is_running(), what="the end of a daemon with a wrong configuration")
    assert "Alibaba Cloud DNS does not take hmac-sha512" in daemon.log()
    assert "hmac-md5, hmac-sha1, hmac-sha256" in daemon.log()


# ---- DynDNS, UltraDNS: many at once ----

def pull_in_parallel(daemon, namespace, sources, key=None, rounds=3, edits=6):
    """All of them pull again and again while the zone is edited: serial -> contents seen, and who was refused."""
    seen, faults = {}, []
    rest = threading.Barrier(len(sources))

    def pull(source):
        try:
            for _ in range(rounds):
                rest.wait(60 * PATIENCE)
                records, serial = axfr(daemon.address, daemon.port, ZONE, source=source, key=key.statement() if key else None)
                seen.setdefault(serial, set()).add(tuple(records))
        except Exception as e:  # pylint: disable=broad-except
            faults.append((source, repr(e)))
            rest.abort()

    def run():
        threads = [threading.Thread(target=pull, args=(source,)) for source in sources]
        for thread in threads:
            thread.start()
        return threads
    threads = namespace.inside(run)  # they are in the namespace as the thread that made them
    for serial in range(2, 2 + edits):
        daemon.write(ZONE, zone_text(ZONE, serial=serial, records=records_of(serial)), reload=True)
    for thread in threads:
        thread.join(120 * PATIENCE)
    assert not faults, faults
    return seen


def records_of(serial):
    return [f"h{i} A 192.0.2.{(i + serial) % 250}" for i in range(2000)]


DYNDNS = ["204.13.249.76", "208.78.69.76", "91.198.22.76", "203.62.195.76"]


@needs_root
def test_dyndns_four_at_once(world):
    """Its four servers pull one zone at one time, in edits: each gets a whole zone of one serial; the neighbour nothing."""
    daemon, namespace = world([*DYNDNS, "204.13.249.77"], 'secondary "dyn" { provider dyndns; };\n', "dyn;", zones={ZONE: records_of(1)})
    sinks = [sink_in(namespace, address) for address in DYNDNS]
    seen = pull_in_parallel(daemon, namespace, DYNDNS)
    for serial, contents in seen.items():
        assert contents == {tuple(file_records(zone_text(ZONE, serial=serial, records=records_of(serial)), ZONE))}, serial
    assert rcode(daemon, namespace, "204.13.249.77") == REFUSED
    # NOTIFY to each of the four; SOA over UDP and TCP; an IXFR over UDP is answered with the SOA.
    daemon.write(ZONE, zone_text(ZONE, serial=99, records=records_of(99)), reload=True)
    for sink in sinks:
        eventually(lambda sink=sink: 99 in sink.serials(), what=f"NOTIFY to {sink.address}")
        assert serial_at(daemon, namespace, sink.address) == 99 and serial_at(daemon, namespace, sink.address, tcp=True) == 99
        answer = namespace.inside(wire.ask_udp, daemon.address, daemon.port, wire.message(ZONE, wire.IXFR, serial=1), sink.address)
        assert answer.rcode == NOERROR and answer.serials() == [99]
        sink.stop()


ULTRADNS = ("23.21.200.163 23.21.206.251 50.112.240.144 50.112.240.145 54.75.253.83 176.34.183.208 52.201.103.62 52.87.134.132 34.205.12.198 "
            "52.201.155.234 52.201.155.120 52.39.68.132 35.165.213.102 52.10.123.90 52.10.63.3").split()


@needs_root
def test_ultradns_fifteen_at_once(world):
    """15 sources with one key."""
    daemon, namespace = world(ULTRADNS, 'secondary "ultra" { provider ultradns; key "key-a"; notify no; };\n', "ultra;", zones={ZONE: records_of(1)})
    seen = pull_in_parallel(daemon, namespace, ULTRADNS, KEY, rounds=2, edits=3)
    for serial, contents in seen.items():
        assert contents == {tuple(file_records(zone_text(ZONE, serial=serial, records=records_of(serial)), ZONE))}, serial
    assert rcode(daemon, namespace, ULTRADNS[0]) == REFUSED


# ---- Cloudflare: addresses that end ----

@needs_root
def test_cloudflare_old_sources_are_told(world):
    old, new = "198.41.144.245", "104.30.167.163"
    daemon, namespace = world([old, new, "2a09:bac0:1000:c47::7"], 'secondary "cf" { provider cloudflare; key "key-a"; notify no; };\n', "cf;")
    assert rcode(daemon, namespace, new, KEY) == NOERROR
    for _ in range(3):
        assert rcode(daemon, namespace, old, KEY) == NOERROR

    def told():
        return [line for line in daemon.log().splitlines() if "2026-12-01" in line]
    line = eventually(told, what="the warning")[0]
    assert "198.41.144.240/28" in line and old in line and '"cf"' in line and " warning: " in line
    daemon.write(ZONE, zone_text(ZONE, serial=2), reload=True)
    assert rcode(daemon, namespace, old, KEY) == NOERROR
    eventually(lambda: daemon.log().count(f"AXFR of {ZONE} to {old}#") == 4, what="the log of the last transfer")
    assert len(told()) == 1  # once a day


# ---- Hurricane Electric: NOTIFY there, transfers from elsewhere ----

@needs_root
def test_he_asks_from_another_host(world):
    daemon, namespace = world(["216.218.130.2", "216.218.133.2"], 'secondary "he" { provider he; key "key-a"; };\n', "he;")
    sink = sink_in(namespace, "216.218.130.2")
    daemon.cli("notify", ZONE)
    eventually(lambda: 1 in sink.serials(), what="NOTIFY to ns1.he.net")
    assert rcode(daemon, namespace, "216.218.130.2", KEY) == REFUSED
    assert rcode(daemon, namespace, "216.218.133.2", KEY) == NOERROR
    target = eventually(lambda: [t for t in daemon.zone(ZONE)["targets"] if t["transferred_serial"] == 1], what="the transfer at its target")[0]
    assert "216.218.130.2" in str(target)
    sink.stop()


# ---- forms ----

def form(lab, extra, secondary, *options, keys=(("key-a", "hmac-sha256", SECRET),), zone=ZONE, use=None, daemon_options="", check=True):
    daemon = lab.daemon(name=f"form-{secondary}-{len(lab.started)}", start=False, keys=keys, allow="", extra=extra, port=53,
                        options=f"public-address {{ 192.0.2.1; 2001:db8::1; }}; secondaries {{ {use or secondary}; }}; " + daemon_options)
    daemon.write_conf()
    done = daemon.cli("provider", "form", zone, secondary, "-c", daemon.conf_path, *options, check=check)
    return dict(line.strip().split("  ", 1) for line in done.stdout.splitlines() if line.startswith("  ") and "  " in line.strip()), done


def fields_of(lab, *args, **kwargs):
    return {label: value.strip() for label, value in form(lab, *args, **kwargs)[0].items()}


def test_forms_in_the_providers_words(lab):
    wedos = fields_of(lab, 'secondary "wedos" { provider wedos; key "key-a"; };', "wedos")
    assert list(wedos.items()) == [("Domain name", ZONE), ("Type", "secondary"), ("Pattern", "no pattern"), ("Primary IP", "192.0.2.1"), ("TSIG name", "key-a"),
                                   ("TSIG algorithm", "hmac-sha256"), ("TSIG key", "(its secret: --show-secret)")]
    alibaba = fields_of(lab, 'secondary "ali" { provider alibaba; key "key-a"; transfer-from { any; }; also-notify { 192.0.2.7; }; };', "ali", "--show-secret")
    assert alibaba["TSIG Key Type"] == "sha256" and alibaba["TSIG Key Value"] == SECRET and alibaba["TSIG Key Name"] == "key-a"
    assert alibaba["Primary DNS Server IP"] == "192.0.2.1, 2001:db8::1" == alibaba["IP addresses that send NOTIFY"]
    dyndns = fields_of(lab, 'secondary "dyn" { provider dyndns; };', "dyn")
    assert dyndns["IP Address of Primary Nameserver"] == "192.0.2.1"
    dnsimple = fields_of(lab, 'secondary "simple" { provider dnsimple; nameservers { "ns1.simple.test"; 192.0.2.99; }; };', "simple")
    assert dnsimple["Name servers"] == "ns1.simple.test, 192.0.2.99" and dnsimple["IP"] == "192.0.2.1" and dnsimple["Port"] == "53"
    cloudflare = fields_of(lab, 'secondary "cf" { provider cloudflare; key "key-a"; };', "cf")
    assert cloudflare["TSIG algorithm"] == "hmac-sha256."
    own = fields_of(lab, 'secondary "own" { transfer-from { 192.0.2.7; }; notify no; };', "own")
    assert own["zone"] == ZONE and own["key name"] == "(none: the block has no key)"


def test_no_form_shows_a_secret_unasked(lab):
    for name in ("wedos", "hetzner", "cloudflare", "akamai"):
        _, done = form(lab, f'secondary "s" {{ provider {name}; key "key-a"; transfer-from {{ 192.0.2.7; }}; notify no; }};', "s")
        assert SECRET not in done.stdout + done.stderr


def test_a_subdomain_is_refused(lab):
    for name in ("wedos", "dyndns"):
        _, done = form(lab, f'secondary "s" {{ provider {name}; }};', "s", zone="www.example.com", check=False)
        assert done.returncode != 0 and "no subdomains" in done.stderr
        assert form(lab, f'secondary "s" {{ provider {name}; }};', "s", zone="example.co.uk")[1].returncode == 0


def test_the_registrars_list(lab):
    daemon = lab.daemon(start=False, allow="", options='secondaries { "dyn"; };', extra='secondary "dyn" { provider dyndns; notify no; };')
    daemon.write(ZONE, zone_text(ZONE, serial=1, ns=("ns2.mydyndns.org.", "ns9.example.net.")))
    daemon.start()
    out = daemon.cli("provider", "form", ZONE, "dyn", "-c", daemon.conf_path).stdout.split("At the registrar")[1]
    assert "its published NS records" in out
    assert "\n  ns2.mydyndns.org\n" in out and "\n  ns9.example.net\n" in out
    assert "ns3.mydyndns.org (secondary \"dyn\"; not in the zone: add its NS record first)" in out


def test_list_and_show(lab):
    daemon = lab.daemon(start=False, allow="", extra='provider "ours" { title "Our own"; transfer-from { 192.0.2.7; }; };\n'
                                                     'provider wedos { note "changed here"; };')
    daemon.write_conf()
    out = daemon.cli("provider", "list", "-c", daemon.conf_path).stdout
    names = [line.split()[0] for line in out.splitlines()[1:]]
    assert names == sorted(names) and len(names) >= 28 and {"ours", "wedos", "route53"} <= set(names)
    assert max(map(len, out.splitlines())) <= 104
    shown = daemon.cli("provider", "show", "Wedos", "-c", daemon.conf_path).stdout
    assert "46.28.104.64/27" in shown and "it takes none" in shown and "changed here" in shown and "by a provider block" in shown
    assert "until 2026-12-01" in daemon.cli("provider", "show", "cloudflare", "-c", daemon.conf_path).stdout
    done = daemon.cli("provider", "show", "nobody", "-c", daemon.conf_path, check=False)
    assert done.returncode == 2 and "provider list" in done.stderr
    assert daemon.cli("provider", "frobnicate", check=False).returncode == 2


def test_a_public_name(lab):
    _, done = form(lab, 'secondary "roll" { provider rollernet; transfer-from { 192.0.2.7; }; notify no; };', "roll")
    assert "stays when addresses change" not in done.stdout
    daemon = lab.started[-1]
    daemon.options = daemon.options.replace("2001:db8::1;", '2001:db8::1; "axfr.example.net";')
    daemon.write_conf()
    out = daemon.cli("provider", "form", ZONE, "roll", "-c", daemon.conf_path).stdout
    assert "Master" in out and "axfr.example.net" in out and "stays when addresses change" in out
