"""Who may have what, and how everything else is answered: address match lists as BIND reads them, and the small answers."""
import os
import struct
import subprocess

import pytest

import wire
from conftest import Lab
from lab import PATIENCE, PEERS, SECRET, Process, eventually, free_port, need_peers, peer_env, zone_text
from wire import ANY, AXFR, FORMERR, IXFR, NOERROR, NOTIFY, NOTIMP, NS, REFUSED, SOA, TXT, UPDATE, Connection, Key

A, B = Key("key-a", "hmac-sha256", SECRET), Key("key-b", "hmac-sha256", SECRET)

ACLS = """
acl "inner" { !127.0.3.3; 127.0.3.0/24; };
acl "outer" { "inner"; 127.0.4.0/24; };
acl "keys" { key "key-a"; };
"""
# Zone: its allow-transfer, who gets it, and who does not: (address, key).
RULES = {
    "nested": ('"outer";', [("127.0.3.4", None), ("127.0.4.1", None)], [("127.0.3.3", None), ("127.0.5.1", A)]),
    # A denial within a list is no match outside of it.
    "nested-then": ('"inner"; 127.0.3.3;', [("127.0.3.3", None), ("127.0.3.4", None)], [("127.0.5.1", None)]),
    "not-nested": ('!"inner"; 127.0.0.0/8;', [("127.0.3.3", None), ("127.0.5.1", None)], [("127.0.3.4", None)]),
    "first-match": ("127.0.2.5; !127.0.2.0/24; 127.0.0.0/8;", [("127.0.2.5", None), ("127.0.9.9", None)], [("127.0.2.6", None), ("127.0.2.6", A)]),
    "written-in-place": ("{ 127.0.2.1; { 127.0.2.2; }; };", [("127.0.2.1", None), ("127.0.2.2", None)], [("127.0.2.3", None)]),
    "key-alone": ('key "key-a";', [("127.0.5.1", A)], [("127.0.5.1", None), ("127.0.5.1", B)]),
    "key-in-acl": ('"keys";', [("127.0.5.1", A)], [("127.0.5.1", None), ("127.0.5.1", B)]),
    "either": ('key "key-a"; 127.0.5.1;', [("127.0.5.1", None), ("127.0.5.1", B), ("127.0.5.2", A)], [("127.0.5.2", None), ("127.0.5.2", B)]),
    "both": ('!{ !127.0.5.1; any; }; key "key-a";', [("127.0.5.1", A)], [("127.0.5.1", None), ("127.0.5.1", B), ("127.0.5.2", A)]),
    "not-key": ('!key "key-b"; 127.0.0.0/8;', [("127.0.5.1", None), ("127.0.5.1", A)], [("127.0.5.1", B)]),
    "none": ("none;", [], [("127.0.0.1", None), ("127.0.0.1", A)]),
    "nobody": ("", [], [("127.0.0.1", None), ("127.0.0.1", A)]),
    "localhost": ("localhost;", [("127.0.0.1", None)], [("127.0.5.1", None)]),
    "localnets": ("localnets;", [("127.0.0.1", None), ("127.0.5.1", None)], []),
    "inherited": (None, [("127.0.7.7", None)], [("127.0.7.8", None), ("127.0.7.8", A)]),
    "everybody": ("any;", [("127.0.5.1", None), ("127.0.5.1", B)], []),
}
CASES = [(zone, address, key, is_allowed) for zone, (_, good, bad) in RULES.items()
         for is_allowed, peers in ((True, good), (False, bad)) for address, key in peers]


def zone_name(rule):
    return f"{rule}.example"


def zone_blocks(is_ours):
    text = ACLS
    for rule, (allow, _, _) in RULES.items():
        allow = "" if allow is None else f"allow-transfer {{ {allow} }};"
        public = "transfers-public yes;" if is_ours and rule == "everybody" else ""
        text += f'zone "{zone_name(rule)}" {{ type primary; file "zones/{zone_name(rule)}.zone"; {allow} {public} }};\n'
    return text


def make_primary(lab):
    daemon = lab.daemon(start=False, keys=[A.statement(), B.statement()], zone_files=False, allow="127.0.7.7;", extra=zone_blocks(True))
    for rule in RULES:
        daemon.write(zone_name(rule), zone_text(zone_name(rule), serial=7, records=["www A 192.0.2.1"]))
    return daemon.start()


@pytest.fixture(scope="module")
def primary(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("rules"))
    yield make_primary(lab)
    lab.close()


@pytest.fixture(scope="module")
def bind(tmp_path_factory, primary):
    """BIND as a primary with the same lists: what they mean is what they mean there."""
    folder = tmp_path_factory.mktemp("bind")
    (folder / "zones").symlink_to(primary.zones)
    port = free_port()
    keys = "".join(f'key "{k.name}" {{ algorithm {k.algorithm}; secret "{k.secret}"; }};\n' for k in (A, B))
    (folder / "named.conf").write_text(
        f'{keys}options {{ directory "{folder}"; pid-file none; session-keyfile none; managed-keys-directory "{folder}"; recursion no;\n'
        f"dnssec-validation no; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; allow-transfer {{ 127.0.7.7; }};\n"
        f"notify no; }};\ncontrols {{ }};\n{zone_blocks(False)}")
    process = Process(folder, "named", [PEERS / "usr/sbin/named", "-f", "-4", "-n", "1", "-c", folder / "named.conf"], env=peer_env())
    eventually(lambda: wire.ask_udp("127.0.0.1", port, wire.message(zone_name("nobody"), SOA), timeout=1).serials() == [7], 20, "BIND's start")
    yield port
    process.stop()


def transfer(port, zone, address, key):
    octets, prior = wire.message(zone, AXFR), b""
    if key:
        octets, signature = wire.sign(octets, key)
        prior = signature.mac
    with Connection("127.0.0.1", port, address) as connection:
        connection.send(octets)
        return connection.read_transfer(key, prior)[0]


def case_id(case):
    zone, address, key, is_allowed = case
    return f"{zone}-{address}-{key.name if key else 'unsigned'}-{'yes' if is_allowed else 'no'}"


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_transfer_rule(primary, case):
    rule, address, key, is_allowed = case
    answer = transfer(primary.port, zone_name(rule), address, key)
    assert answer.rcode == (NOERROR if is_allowed else REFUSED)
    assert bool(answer.answer) == is_allowed


@pytest.mark.skipif(not need_peers(), reason="no real secondaries unpacked")
def test_the_rules_mean_what_they_mean_in_bind(bind):
    for rule, address, key, is_allowed in CASES:
        answer = transfer(bind, zone_name(rule), address, key)
        assert (answer.rcode == NOERROR) == is_allowed, (rule, address, key)


@pytest.mark.parametrize("key", [None, A, B], ids=["unsigned", "key-a", "key-b"])
@pytest.mark.parametrize("qtype", [AXFR, IXFR])
@pytest.mark.parametrize("edns", [False, True])
def test_no_such_zone_and_not_for_you_look_alike(primary, qtype, key, edns):
    """Nobody learns by asking which zones are here."""
    answers = []
    for zone in ("nobody.example", "absent.example", "sub.nobody.example"):
        octets = wire.message(zone, qtype, serial=1 if qtype == IXFR else None, edns=edns)
        if key:
            octets, _ = wire.sign(octets, key)
        answer = wire.ask_tcp(primary.address, primary.port, octets)
        assert answer.rcode == REFUSED and not answer.answer and not answer.authority
        answers.append((answer.flags, answer.has_edns, answer.ede, answer.tsig.error if key else None))
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize("rule", ["key-alone", "nobody"])
def test_open_configuration_is_an_error(lab, rule):
    """Everybody, without a key, and without saying that it is meant."""
    daemon = lab.daemon(start=False, allow="any;")
    daemon.write_conf()
    done = subprocess.run([*daemon.program, "-c", daemon.conf_path, "--check-config"], capture_output=True, text=True)
    assert done.returncode != 0 and "transfers-public yes" in done.stdout + done.stderr
    daemon.options = "transfers-public yes;"
    daemon.write_conf()
    done = subprocess.run([*daemon.program, "-c", daemon.conf_path, "--check-config"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# ---- what is answered, and how ----

ZONE = zone_name("localnets")
both = pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
with_edns = pytest.mark.parametrize("edns", [False, True], ids=["plain", "edns"])


def ask(primary, tcp, *args, **kwargs):
    return wire.ask(primary.address, primary.port, wire.message(*args, **kwargs), tcp)


@both
@with_edns
@pytest.mark.threads
def test_apex(primary, tcp, edns):
    answer = ask(primary, tcp, ZONE, SOA, edns=edns)
    assert answer.rcode == NOERROR and answer.flags & wire.AA and answer.serials() == [7] and answer.has_edns == edns
    answer = ask(primary, tcp, ZONE.upper(), NS, edns=edns)
    assert answer.rcode == NOERROR and answer.flags & wire.AA and answer.types() == [NS]
    assert answer.questions == [(ZONE.upper(), NS, 1)]  # as it was asked


REFUSALS = {  # what is asked: rcode, and the extended error where EDNS is there
    "a": (dict(qtype=1), REFUSED, 21), "txt": (dict(qtype=TXT), REFUSED, 21), "any": (dict(qtype=ANY), REFUSED, 21),
    "dnskey": (dict(qtype=48), REFUSED, 21), "mailb": (dict(qtype=253), REFUSED, 21), "type65535": (dict(qtype=65535), REFUSED, 21),
    "chaos": (dict(qtype=TXT, qclass=3), REFUSED, 20), "class-any": (dict(qtype=SOA, qclass=255), REFUSED, 20),
    "update": (dict(qtype=SOA, opcode=UPDATE), NOTIMP, 21), "status": (dict(qtype=SOA, opcode=2), NOTIMP, 21),
    "opcode15": (dict(qtype=SOA, opcode=15), NOTIMP, 21), "notify": (dict(qtype=SOA, opcode=NOTIFY), REFUSED, 21),
    "no-question": (dict(qtype=SOA, questions=0), FORMERR, 21), "two-questions": (dict(qtype=SOA, questions=2), FORMERR, None),
    "ixfr-without-soa": (dict(qtype=IXFR), FORMERR, None),
}


@both
@with_edns
@pytest.mark.parametrize("what", REFUSALS)
def test_everything_else(primary, tcp, edns, what):
    asked, rcode, ede = REFUSALS[what]
    answer = ask(primary, tcp, ZONE, edns=edns, **asked)
    assert answer.rcode == rcode and not answer.answer and not answer.authority
    assert not answer.flags & wire.AA and answer.flags & 0x8000 and answer.flags >> 11 & 15 == asked.get("opcode", 0)
    if edns and what != "two-questions":  # two: a message that is not read to its OPT
        assert answer.has_edns
    if edns and ede:
        assert [code for code, _ in answer.ede] == [ede] and answer.ede[0][1]
    if not edns:
        assert not answer.has_edns


@both
@pytest.mark.parametrize("name", ["www.localnets.example", "localnets.example.org", "example", "."])
def test_names_that_are_no_apex(primary, tcp, name):
    answer = ask(primary, tcp, name, SOA)
    assert answer.rcode == REFUSED and not answer.answer and not answer.authority


@with_edns
def test_axfr_over_udp(primary, edns):
    answer = ask(primary, False, ZONE, AXFR, edns=edns)
    assert answer.rcode == FORMERR and not answer.answer
    assert [code for code, _ in answer.ede] == ([21] if edns else [])


@pytest.mark.parametrize("serial", [1, 6, 7, 8, 0x90000000])
def test_ixfr_over_udp_is_a_lone_soa(primary, serial):
    """No amplification: whatever the client has, one SOA, and TCP for more."""
    answer = ask(primary, False, ZONE, IXFR, serial=serial)
    assert answer.rcode == NOERROR and answer.types() == [SOA] and answer.serials() == [7]


def test_ixfr_of_one_who_has_it(primary):
    answer = ask(primary, True, ZONE, IXFR, serial=7)
    assert answer.rcode == NOERROR and answer.types() == [SOA] and answer.serials() == [7]


def test_serial_ahead_is_believed_signed_or_over_tcp(lab):
    """A datagram's source can be forged: unsigned it must not cut our history."""
    daemon = lab.daemon(start=False, keys=[A.statement()])
    daemon.write(ZONE, zone_text(ZONE, serial=7))
    daemon.start()
    ahead = wire.message(ZONE, IXFR, serial=100)
    for _ in range(3):
        assert wire.ask_udp(daemon.address, daemon.port, ahead).serials() == [7]
    daemon.cli("reload", ZONE)  # whatever was posted has been taken up
    assert daemon.soa(ZONE) == 7 and "ahead of ours" not in daemon.log()
    assert wire.ask_udp(daemon.address, daemon.port, wire.sign(ahead, A)[0]).serials() == [7]
    daemon.wait_serial(ZONE, 100 + 65536)
    assert wire.ask_tcp(daemon.address, daemon.port, wire.message(ZONE, IXFR, serial=70000)).serials() == [65636]
    daemon.wait_serial(ZONE, 70000 + 65536)


@both
def test_edns_version(primary, tcp):
    answer = ask(primary, tcp, ZONE, SOA, edns=True, version=1)
    assert answer.rcode == wire.BADVERS and not answer.answer


def test_responses_and_scraps_are_dropped(primary):
    """A message with QR set, or too short to have a header, is never answered: two servers would talk for ever."""
    good = wire.message(ZONE, SOA)
    response = good[:2] + struct.pack("!H", 0x8000) + good[4:]
    with wire.socket.socket(wire.socket.AF_INET, wire.socket.SOCK_DGRAM) as sock:
        sock.connect((primary.address, primary.port))
        sock.settimeout(5 * PATIENCE)
        for octets in (response, good[:11], b"", good):
            sock.send(octets)
        assert sock.recv(4096)[:2] == good[:2]
        sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            sock.recv(4096)
    with Connection(primary.address, primary.port) as connection:
        connection.send(response)
        assert connection.is_closed()


@pytest.mark.parametrize("cut", [13, 20, 30])
def test_cut_question(primary, cut):
    octets = wire.message(ZONE, SOA)[:cut]
    assert wire.ask_udp(primary.address, primary.port, octets).rcode == FORMERR


@pytest.mark.threads
def test_pipelined(primary):
    """Two transfers, a SOA and a refusal asked at once on one connection: answered in their order, none mixed."""
    asked = [wire.message(ZONE, AXFR), wire.message(ZONE, SOA), wire.message("nobody.example", AXFR), wire.message("everybody.example", AXFR),
             wire.message(ZONE, IXFR, serial=3)]
    with Connection(primary.address, primary.port) as connection:
        connection.send(*asked)
        for octets, rcode, count in zip(asked, (NOERROR, NOERROR, REFUSED, NOERROR, NOERROR), (4, 1, 0, 4, 4)):
            answers = connection.read_transfer()
            assert all(a.octets[:2] == octets[:2] for a in answers)
            assert answers[0].rcode == rcode and sum(len(a.answer) for a in answers) == count


def test_pipelined_octet_by_octet(primary):
    octets = wire.message(ZONE, SOA)
    octets = (struct.pack("!H", len(octets)) + octets) * 3
    with Connection(primary.address, primary.port) as connection:
        connection.sock.setsockopt(wire.socket.IPPROTO_TCP, wire.socket.TCP_NODELAY, 1)
        for octet in octets:
            connection.sock.send(bytes([octet]))
        for _ in range(3):
            assert connection.read().serials() == [7]


# ---- allow-query ----

def test_allow_query_as_written(lab):
    daemon = lab.daemon(start=False, zone_files=False, extra=(
        'zone "q.example" { type primary; file "zones/q.example.zone"; allow-query { !127.0.5.5; 127.0.5.0/24; key "key-a"; }; };'), keys=[A.statement()])
    daemon.write("q.example", zone_text("q.example", serial=7))
    daemon.options = "allow-query { localhost; };"
    daemon.start(wait=False)
    eventually(lambda: daemon.socket.exists() and daemon.status().get("settled"), what="the start")

    def rcode(source, key=None, zone="q.example"):
        octets = wire.message(zone, SOA)
        if key:
            octets, _ = wire.sign(octets, key)
        return wire.ask_udp(daemon.address, daemon.port, octets, source).rcode
    assert rcode("127.0.5.1") == NOERROR and rcode("127.0.5.5") == REFUSED and rcode("127.0.6.1") == REFUSED
    assert rcode("127.0.6.1", A) == NOERROR and rcode("127.0.5.5", A) == REFUSED
    # An address that may transfer, by options' list, still may not ask where the zone's allow-query says so.
    assert rcode("127.0.0.1") == REFUSED


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a network namespace")
def test_allow_query_by_default(lab):
    """This machine, transfer and NOTIFY addresses; and anybody, at a rate, where a transfer rule is a key alone."""
    setup = "ip link set lo up && for i in 1 2 3 4; do ip addr add 198.51.100.$i/24 dev lo; done && exec \"$@\""
    daemon = lab.daemon(
        start=False, zone_files=False, address="198.51.100.1", keys=[A.statement()], allow="", port=5300, options="key-only-query-rate 20;",
        program=["unshare", "-n", "sh", "-c", setup, "sh", *lab_program()],
        extra='zone "plain.example" { type primary; file "zones/plain.example.zone"; allow-transfer { 198.51.100.2; }; also-notify { 198.51.100.3 port 9; }; };\n'
              'zone "keyed.example" { type primary; file "zones/keyed.example.zone"; allow-transfer { key "key-a"; }; };\n')
    for name in ("plain.example", "keyed.example"):
        daemon.write(name, zone_text(name, serial=7))
    daemon.start()
    pid = eventually(lambda: child_named("zonecrierd", daemon.process.pid), what="the daemon within unshare")

    def ask_from(source, zone, times=1, key=()):
        argv = ["nsenter", "-t", str(pid), "-n", "dig", "-b", source, "@198.51.100.1", "-p", "5300", "+norec", "+tries=1", "+timeout=3", *key]
        out = subprocess.run([*argv, *([zone, "SOA"] * times)], capture_output=True, text=True, timeout=60 * PATIENCE).stdout
        return [line.split("status: ")[1].split(",")[0] for line in out.splitlines() if "status: " in line]
    assert ask_from("198.51.100.1", "plain.example") == ["NOERROR"]  # itself
    assert ask_from("198.51.100.2", "plain.example") == ["NOERROR"]  # may transfer
    assert ask_from("198.51.100.3", "plain.example") == ["NOERROR"]  # is told
    assert ask_from("198.51.100.4", "plain.example") == ["REFUSED"]
    assert ask_from("198.51.100.4", "absent.example") == ["REFUSED"]
    assert ask_from("198.51.100.4", "plain.example", key=("-y", f"{A.algorithm}:{A.name}:{A.secret}")) == ["REFUSED"]
    assert ask_from("198.51.100.4", "keyed.example") == ["NOERROR"]
    many = ask_from("198.51.100.4", "keyed.example", times=90)
    assert many.count("NOERROR") >= 15 and many.count("REFUSED") >= 5 and len(many) == 90
    # The key's holder and this machine are not counted.
    assert ask_from("198.51.100.4", "keyed.example", key=("-y", f"{A.algorithm}:{A.name}:{A.secret}")) == ["NOERROR"]
    assert ask_from("198.51.100.1", "keyed.example") == ["NOERROR"]


def lab_program():
    from lab import BUILD
    return [str(BUILD / "zonecrierd")]


def child_named(name, pid):
    """unshare and sh replace themselves by exec: the process is the daemon's in the end."""
    with open(f"/proc/{pid}/comm") as comm:
        return pid if comm.read().strip() == name else None
