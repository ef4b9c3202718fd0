"""Proof 4: what a signature may be wrong in, the answer of RFC 8945 s.5.2 to each, and its line in the log."""
import base64
import itertools
import re
import struct
import subprocess
import time

import pytest

import wire
from conftest import Lab
from lab import CLIENT, PATIENCE, PEERS, SECRET, axfr, eventually, peer_env, zone_text
from wire import AXFR, BADKEY, BADSIG, BADTIME, BADTRUNC, FORMERR, IXFR, NOERROR, NOTAUTH, REFUSED, SOA, Connection, Key

ZONE, OTHER = "example.com", "other.example"
OTHER_SECRET = base64.b64encode(b"another secret, of another person").decode()
KEY = Key("Transfer-Key", "hmac-sha256", SECRET)
OTHER_KEY = Key("other-key", "hmac-sha256", OTHER_SECRET)
SHORT_KEY = Key("short-key", "hmac-sha256", SECRET, bits=128)


DENIED = "127.0.0.66"
addresses = (f"127.9.{i // 250}.{1 + i % 250}" for i in itertools.count())


@pytest.fixture
def source():
    """An address that nobody has used: what a peer may cost is counted by it, and the log told apart."""
    return next(addresses)


def make_primary(lab):
    """Two zones, each with a key of its own; the first at addresses other than DENIED."""
    daemon = lab.daemon(
        start=False, allow="", zone_files=False, keys=[k.statement() for k in (KEY, OTHER_KEY, SHORT_KEY)],
        extra=f'acl "keys" {{ key "{KEY.name}"; key "short-key"; }};\n'
              f'zone "{ZONE}" {{ type primary; file "zones/{ZONE}.zone"; allow-transfer {{ !{DENIED}; "keys"; }}; }};\n'
              f'zone "{OTHER}" {{ type primary; file "zones/{OTHER}.zone"; allow-transfer {{ key "other-key"; }}; }};\n')
    for name in (ZONE, OTHER):
        daemon.write(name, zone_text(name, serial=7, records=["www A 192.0.2.1", "secret-host A 192.0.2.2"]))
    return daemon.start()


@pytest.fixture(scope="module")
def primary(tmp_path_factory):
    lab = Lab(tmp_path_factory.mktemp("tsig"))
    yield make_primary(lab)
    lab.close()


def request(qtype, name=ZONE, edns=False):
    return wire.message(name, qtype, serial=6 if qtype == IXFR else None, edns=edns)


# Over TCP the transfers; over UDP what a secondary asks before one.
TRANSPORTS = [(SOA, False), (SOA, True), (AXFR, True), (IXFR, True), (IXFR, False)]
transports = pytest.mark.parametrize("qtype,tcp", TRANSPORTS, ids=["soa-udp", "soa-tcp", "axfr", "ixfr", "ixfr-udp"])
ASKED = {SOA: "SOA", AXFR: "AXFR", IXFR: "IXFR"}


def exchange(primary, octets, tcp, source):
    return wire.ask(primary.address, primary.port, octets, tcp, source)


def assert_tells_nothing(answer):
    assert not answer.answer and not answer.authority and not answer.additional
    assert b"secret-host" not in answer.octets
    assert not answer.flags & wire.AA


def assert_logged(primary, source, text, qtype, key, zone=ZONE):
    """One line: who, what, which zone, which key, and why."""
    line = re.compile(rf'refused {ASKED[qtype]} of {re.escape(zone)} to {re.escape(source)}#\d+ \({re.escape(key)}\): {text}', re.I)
    eventually(lambda: line.search(primary.log()), what=f"a line {line.pattern} in\n{primary.log()}", timeout=5)


def key_text(name):
    return f'key "{name}"'


def assert_unsigned_error(answer, octets, error, key_name, algorithm):
    """s.5.3.2: BADKEY and BADSIG go out unsigned, with an empty MAC, under the name that was used."""
    assert answer.rcode == NOTAUTH
    assert answer.tsig.error == error and answer.tsig.mac == b"" and answer.tsig.other == b""
    assert answer.tsig.key_name.lower() == key_name.lower() and answer.tsig.algorithm == algorithm
    assert struct.pack("!H", answer.tsig.original_id) == octets[:2] == answer.octets[:2]
    assert_tells_nothing(answer)


@transports
def test_unknown_key(primary, source, qtype, tcp):
    key = Key("nobody-knows-it", "hmac-sha256", SECRET)
    octets, _ = wire.sign(request(qtype), key)
    assert_unsigned_error(exchange(primary, octets, tcp, source), octets, BADKEY, key.name, "hmac-sha256")
    assert_logged(primary, source, "BADKEY: no key of this name", qtype, key_text("nobody-knows-it"))


@transports
def test_wrong_secret(primary, source, qtype, tcp):
    key = Key(KEY.name, KEY.algorithm, OTHER_SECRET)
    octets, _ = wire.sign(request(qtype), key)
    assert_unsigned_error(exchange(primary, octets, tcp, source), octets, BADSIG, key.name, "hmac-sha256")
    assert_logged(primary, source, "BADSIG: the secret here and there differ", qtype, key_text("transfer-key"))


@transports
def test_wrong_algorithm(primary, source, qtype, tcp):
    key = Key(KEY.name, "hmac-sha512", SECRET)
    octets, _ = wire.sign(request(qtype), key)
    assert_unsigned_error(exchange(primary, octets, tcp, source), octets, BADKEY, key.name, "hmac-sha512")
    assert_logged(primary, source, "BADKEY: the key is hmac-sha256 here and hmac-sha512 there", qtype, key_text("transfer-key"))


def test_unknown_algorithm(primary, source):
    octets, _ = wire.sign(request(AXFR), KEY, algorithm="hmac-sha3-256.example")
    assert_unsigned_error(exchange(primary, octets, True, source), octets, BADKEY, KEY.name, "hmac-sha3-256.example")
    assert_logged(primary, source, "BADKEY: the key is hmac-sha256 here and hmac-sha3-256.example there", AXFR, key_text("transfer-key"))


@transports
@pytest.mark.parametrize("offset", [-600, 600])
def test_clock_off(primary, source, qtype, tcp, offset):
    octets, signature = wire.sign(request(qtype), KEY, offset=offset)
    answer = exchange(primary, octets, tcp, source)
    assert answer.rcode == NOTAUTH and answer.tsig.error == BADTIME
    assert_tells_nothing(answer)
    # s.5.2.3: signed, the client's time in it, and ours in other data: so the client learns how far it is off.
    wire.verify(answer, KEY, signature.mac)
    assert answer.tsig.time == signature.time
    ours = int.from_bytes(answer.tsig.other, "big")
    assert len(answer.tsig.other) == 6 and abs(ours - time.time()) < 30 * PATIENCE
    where = "ahead of" if offset > 0 else "behind"
    assert_logged(primary, source, rf"BADTIME: the peer's clock is (59\d|60\d) s {where} ours", qtype, key_text("transfer-key"))


@pytest.mark.parametrize("offset", [-280, 280])
def test_clock_within_fudge(primary, source, offset):
    octets, signature = wire.sign(request(SOA), KEY, offset=offset)
    answer = exchange(primary, octets, False, source)
    assert answer.rcode == NOERROR and answer.serials() == [7]
    wire.verify(answer, KEY, signature.mac)


def test_fudge_is_the_clients(primary, source):
    octets, _ = wire.sign(request(SOA), KEY, offset=-30, fudge=5)
    assert exchange(primary, octets, False, source).tsig.error == BADTIME
    octets, signature = wire.sign(request(SOA), KEY, offset=-600, fudge=1000)
    wire.verify(exchange(primary, octets, False, source), KEY, signature.mac)


@transports
@pytest.mark.parametrize("size", [0, 9, 15, 33, 40])
def test_mac_of_impossible_length(primary, source, qtype, tcp, size):
    """s.5.2.2.1: below half the digest (and 10 octets), or longer than it: FORMERR, whatever the octets are."""
    octets, _ = wire.sign(request(qtype), KEY, size=size)
    answer = exchange(primary, octets, tcp, source)
    assert answer.rcode == FORMERR
    assert_tells_nothing(answer)
    assert answer.tsig is None
    assert_logged(primary, source, f"FORMERR: no MAC of this algorithm has {size} octets", qtype, key_text("transfer-key"))


@transports
@pytest.mark.parametrize("size", [16, 31])
def test_mac_truncated_more_than_the_key_allows(primary, source, qtype, tcp, size):
    octets, signature = wire.sign(request(qtype), KEY, size=size)
    answer = exchange(primary, octets, tcp, source)
    assert answer.rcode == NOTAUTH and answer.tsig.error == BADTRUNC
    assert_tells_nothing(answer)
    wire.verify(answer, KEY, signature.mac)
    assert_logged(primary, source, f"BADTRUNC: a MAC of {size} octets is shorter than this key's", qtype, key_text("transfer-key"))


def test_truncated_and_wrong_is_badsig(primary, source):
    octets, _ = wire.sign(request(AXFR), KEY, mac=b"x" * 32, size=16)
    assert_unsigned_error(exchange(primary, octets, True, source), octets, BADSIG, KEY.name, "hmac-sha256")


@transports
@pytest.mark.parametrize("size", [16, 20, 32])
def test_key_with_short_macs(primary, source, qtype, tcp, size):
    """hmac-sha256-128 takes 16 octets and more, and answers with 16."""
    octets, signature = wire.sign(request(qtype), SHORT_KEY, size=size)
    if tcp:
        with Connection(primary.address, primary.port, source) as connection:
            connection.send(octets)
            answers = connection.read_transfer(SHORT_KEY, signature.mac)
    else:
        answers = [exchange(primary, octets, False, source)]
        wire.verify(answers[0], SHORT_KEY, signature.mac)
    assert all(a.rcode == NOERROR and len(a.tsig.mac) == 16 for a in answers)
    assert answers[0].serials()[0] == 7


def test_key_with_short_macs_and_a_shorter_one(primary, source):
    octets, _ = wire.sign(request(AXFR), SHORT_KEY, size=15)
    assert exchange(primary, octets, True, source).rcode == FORMERR


@pytest.mark.parametrize("qtype", [AXFR, IXFR])
def test_key_of_another_zone(primary, source, qtype):
    octets, signature = wire.sign(request(qtype), OTHER_KEY)
    answer = exchange(primary, octets, True, source)
    assert answer.rcode == REFUSED and answer.tsig.error == NOERROR
    wire.verify(answer, OTHER_KEY, signature.mac)  # a good signature is answered with one
    assert_tells_nothing(answer)
    assert_logged(primary, source, "no element of allow-transfer matches", qtype, key_text("other-key"))
    octets, signature = wire.sign(request(qtype, name=OTHER), OTHER_KEY)
    with Connection(primary.address, primary.port, source) as connection:
        connection.send(octets)
        assert connection.read_transfer(OTHER_KEY, signature.mac)[0].rcode == NOERROR


@pytest.mark.parametrize("qtype", [AXFR, IXFR])
def test_address_not_allowed(primary, qtype):
    octets, signature = wire.sign(request(qtype, edns=True), KEY)
    answer = exchange(primary, octets, True, DENIED)
    assert answer.rcode == REFUSED
    wire.verify(answer, KEY, signature.mac)
    assert_tells_nothing(answer)
    assert [code for code, _ in answer.ede] == [18]  # Prohibited
    assert_logged(primary, DENIED, 'allow-transfer: "!127.0.0.66" denies it', qtype, key_text("transfer-key"))


@pytest.mark.parametrize("qtype", [AXFR, IXFR])
def test_no_key(primary, source, qtype):
    answer = exchange(primary, request(qtype), True, source)
    assert answer.rcode == REFUSED and answer.tsig is None
    assert_tells_nothing(answer)
    assert_logged(primary, source, "no element of allow-transfer matches", qtype, "no key")


@transports
@pytest.mark.parametrize("fault", ["not-last", "twice", "in-answer", "class-in", "ttl-1", "cut"])
def test_misplaced(primary, source, qtype, tcp, fault):
    """s.5.1: one TSIG, the last record of the additional section; FORMERR else."""
    octets = request(qtype)
    good, _ = wire.sign(octets, KEY)
    if fault == "not-last":
        octets = wire.count_additional(good, 1) + wire.opt()
    elif fault == "twice":
        octets, _ = wire.sign(good, KEY)
    elif fault == "in-answer":
        octets = good[:6] + struct.pack("!HHH", 1, 0, 0) + wire.name_wire(ZONE) + struct.pack("!HH", qtype, 1) + good[len(octets):]
    elif fault == "class-in":
        octets = good.replace(struct.pack("!HH", wire.TSIG, 255), struct.pack("!HH", wire.TSIG, 1))
    elif fault == "ttl-1":
        octets = good.replace(struct.pack("!HHI", wire.TSIG, 255, 0), struct.pack("!HHI", wire.TSIG, 255, 1))
    else:
        octets = good[:-3]
    answer = exchange(primary, octets, tcp, source)
    assert answer.rcode == FORMERR and answer.tsig is None
    assert_tells_nothing(answer)
    if qtype != SOA:
        eventually(lambda: re.search(rf"to {re.escape(source)}#\d+ .*: the message is malformed", primary.log()), what="a line", timeout=5)


@transports
@pytest.mark.parametrize("name", ["TRANSFER-KEY", "transfer-key"])
@pytest.mark.threads
def test_key_name_in_other_letters(primary, source, qtype, tcp, name):
    octets, signature = wire.sign(request(qtype), KEY, name=name)
    if not tcp:
        answer = exchange(primary, octets, False, source)
        wire.verify(answer, KEY, signature.mac)
        assert answer.rcode == NOERROR and answer.serials() == [7]
        return
    with Connection(primary.address, primary.port, source) as connection:
        connection.send(octets)
        assert connection.read_transfer(KEY, signature.mac)[0].serials()[0] == 7


def test_original_id_is_what_is_signed(primary, source):
    """A forwarder may have changed the ID (s.5.2.1): the original one counts for the MAC."""
    octets, signature = wire.sign(request(SOA), KEY)
    answer = exchange(primary, b"\x12\x34" + octets[2:], False, source)
    assert answer.id == 0x1234 and answer.rcode == NOERROR
    answer.tsig.original_id = answer.id
    wire.verify(answer, KEY, signature.mac)


def test_changed_octet_is_badsig(primary, source):
    octets, _ = wire.sign(request(AXFR), KEY)
    spoiled = octets.replace(b"\7example\3com", b"\7Example\3com", 1)
    assert exchange(primary, spoiled, True, source).tsig.error == BADSIG


def test_every_message_of_a_transfer_is_signed(lab, source):
    text = zone_text(ZONE, serial=7, records=[f'h{i} TXT "{"x" * 200}"' for i in range(2000)])
    primary = lab.daemon(start=False, keys=[KEY.statement()], allow=f'key "{KEY.name}";')
    primary.write(ZONE, text)
    primary.start()
    octets, signature = wire.sign(request(AXFR), KEY)
    with Connection(primary.address, primary.port, source) as connection:
        connection.send(octets)
        answers = connection.read_transfer(KEY, signature.mac)
    assert len(answers) > 5 and sum(len(a.answer) for a in answers) == 2003
    # The zone is far larger than one message, and each was verified against the one before it; the first has a question.
    assert answers[0].questions == [(ZONE, AXFR, 1)]


@pytest.mark.threads
def test_refusals_are_limited_in_the_log(lab, source):
    """A misled secondary, in a loop: no line for each, none lost without a count, and good queries go on."""
    primary = make_primary(lab)
    key = Key("nobody-knows-it", "hmac-sha256", SECRET)
    with Connection(primary.address, primary.port, source) as connection:
        for _ in range(20):
            connection.send(*[wire.sign(request(SOA), key)[0] for _ in range(50)])
            assert all(connection.read().tsig.error == BADKEY for _ in range(50))
    octets, signature = wire.sign(request(SOA), KEY)
    wire.verify(exchange(primary, octets, False, source), KEY, signature.mac)
    assert 1 <= primary.log().count("BADKEY") <= 110 + 10 * PATIENCE, primary.log().count("BADKEY")
    # The next line that is due tells how many were left out.
    counted = re.compile(r"\((\d+) more were not logged\)")

    def next_line():
        with Connection(primary.address, primary.port, source) as connection:
            connection.send(wire.sign(request(AXFR), key)[0])
            connection.read()
        return counted.search(primary.log())
    assert int(eventually(next_line, timeout=20, what="the count of lines left out", step=0.5)[1]) > 100


def test_failed_signatures_have_a_limit(lab, source):
    """HMACs over what a stranger sends cost: beyond a burst none is looked at, and the connection still gets answers."""
    primary = make_primary(lab)
    key = Key(KEY.name, KEY.algorithm, OTHER_SECRET)
    with Connection(primary.address, primary.port, source) as connection:
        rcodes = []
        for _ in range(10):
            connection.send(*[wire.sign(request(AXFR), key)[0] for _ in range(50)])
            rcodes += [connection.read().rcode for _ in range(50)]
    assert rcodes[0] == NOTAUTH and rcodes[-1] == REFUSED
    assert NOTAUTH in rcodes[:200] and set(rcodes) == {NOTAUTH, REFUSED}
    # Another peer is not touched by it.
    octets, signature = wire.sign(request(SOA), KEY)
    wire.verify(exchange(primary, octets, True, next(addresses)), KEY, signature.mac)


# ---- the good path, with clients of others ----

ALGORITHMS = ["hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"]


@pytest.fixture(params=ALGORITHMS)
def signed_primary(lab, request):
    key = Key("k.example", request.param, SECRET)
    daemon = lab.daemon(start=False, keys=[key.statement()], allow=f'key "{key.name}";')
    daemon.write(ZONE, zone_text(ZONE, serial=7, records=[f"h{i} A 192.0.2.{i % 250}" for i in range(3000)]))
    return daemon.start(), key


def run(argv, env=None):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, timeout=30 * PATIENCE, env=env)
    return done.stdout + done.stderr


@pytest.mark.parametrize("program", ["dig", "kdig"])
def test_clients_of_others(signed_primary, program):
    primary, key = signed_primary
    env = peer_env() if program == "dig" and (PEERS / "usr/bin/dig").exists() else None
    argv = [PEERS / "usr/bin/dig" if env else program, f"@{primary.address}", "-p", primary.port, "-b", CLIENT, "+norec"]
    auth = ["-y", f"{key.algorithm}:{key.name}:{key.secret}"]
    for more, records in ((["SOA"], 1), (["+tcp", "SOA"], 1), (["AXFR"], 3003), (["IXFR=6"], 3003), (["+tcp", "IXFR=7"], 1)):
        out = run([*argv, *more[:-1], ZONE, more[-1], *auth], env)
        told = [l for l in out.splitlines() if re.search(r"\bIN\s+(SOA|NS|A)\s", l) and not l.startswith(";")]
        assert len(told) == records, (more, out[-2000:])
        assert not re.search(r"verify signature|BADSIG|BADKEY|TSIG.*fail|WARNING", out), (more, out[-2000:])


def test_dnspython(signed_primary):
    primary, key = signed_primary
    records, serial = axfr(primary.address, primary.port, ZONE, key=(key.name, key.algorithm, key.secret))
    assert serial == 7 and len(records) == 3002
