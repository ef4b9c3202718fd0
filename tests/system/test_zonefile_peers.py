"""Zone text read by us and by BIND's named-compilezone gives the same octets: every RR type, every way to write it, and random zones.

BIND writes its raw format, which holds RDATA in wire form, so no text form lies between. Where the two refuse different things on
purpose, STRICTER and LAXER below say so and why.
"""

import os
import pathlib
import random
import shutil
import struct
import subprocess

import pytest

import lab

ROOT = pathlib.Path(__file__).resolve().parents[2]
ORIGIN = "example.com."
HEAD = "$TTL 3600\n@ SOA ns1 host 1 3600 600 604800 300\n@ NS ns1\nns1 A 192.0.2.1\n"


def find_tool(name):
    """From the unpacked peers, else installed."""
    for folder in ("usr/bin", "usr/sbin"):
        if (lab.PEERS / folder / name).exists():
            return str(lab.PEERS / folder / name)
    return shutil.which(name, path="/usr/bin:/usr/sbin")


def run_tool(command, **kwargs):
    environment = dict(os.environ)
    if command[0].startswith(str(lab.PEERS)):
        environment["LD_LIBRARY_PATH"] = f"{lab.PEERS}/usr/lib/{os.uname().machine}-linux-gnu"
    return subprocess.run(command, env=environment, capture_output=True, text=True, **kwargs)


BIND = find_tool("named-compilezone")
SIGNZONE, KEYGEN = find_tool("ldns-signzone"), find_tool("ldns-keygen")
pytestmark = pytest.mark.skipif(not BIND, reason="named-compilezone is not there")


@pytest.fixture(scope="session")
def zonetext():
    """The helper program: $ZONETEXT, or that of `make system-build`."""
    return os.environ.get("ZONETEXT") or str(lab.BUILD / "system" / "zonetext")


def read_raw(data):
    """Records of BIND's raw master format: (owner, TTL, type, RDATA)."""
    form, version = struct.unpack_from(">II", data, 0)
    assert form == 2 and version == 1
    at = 4 * 6 # format, version, dump time, flags, source serial, last transfer
    records = set()
    while at < len(data):
        total, _, rrtype, _, ttl, count, name_length = struct.unpack_from(">IHHHIIH", data, at)
        end, at = at + total, at + 20
        owner = data[at:at + name_length]
        at += name_length
        for _ in range(count):
            (length,) = struct.unpack_from(">H", data, at)
            records.add((owner.lower(), ttl, rrtype, data[at + 2:at + 2 + length]))
            at += 2 + length
        assert at == end
    return records


def by_bind(path, origin=ORIGIN):
    out = path.with_suffix(".raw")
    run = run_tool([BIND, "-q", "-j", "-i", "none", "-k", "ignore", "-n", "ignore", "-r", "ignore", "-m", "ignore",
                          "-M", "ignore", "-S", "ignore", "-T", "ignore", "-W", "ignore", "-F", "raw", "-o", str(out), origin, str(path)],
                         cwd=path.parent)
    if run.returncode != 0:
        return None, run.stdout + run.stderr
    return read_raw(out.read_bytes()), ""


def by_us(zonetext, path, origin=ORIGIN):
    run = subprocess.run([zonetext, "-x", origin, str(path)], capture_output=True, text=True)
    assert run.returncode in (0, 1), run.stderr
    if run.returncode == 1:
        return None, run.stderr
    records = set()
    for line in run.stdout.splitlines():
        owner, ttl, rrtype, rdata = line.split(" ")
        records.add((bytes.fromhex(owner).lower(), int(ttl), int(rrtype), bytes.fromhex(rdata)))
    return records, ""


def assert_same(zonetext, tmp_path, text, name="z.zone", origin=ORIGIN):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("latin-1"))
    theirs, their_error = by_bind(path, origin)
    ours, our_error = by_us(zonetext, path, origin)
    assert theirs is not None, f"BIND refuses: {their_error}\n{text}"
    assert ours is not None, f"we refuse: {our_error}\n{text}"
    assert ours - theirs == set() and theirs - ours == set()


B64 = "AQPSKmynfzW4kyBv015MUG2DeIQ3Cbl+BBZH4b/0PY1kxkmvHjcZc8nokfzj31GajIQKY+5CptLr3buXA10hWqTkF7H6RfoRqXQeogmMHfpftf6z" \
      "Mv1LyBUgia7za6ZEzOJBOztyvhjL742iU/TpPSEDhm2SNKLijfUppn1UaNvv4w=="
SHA256 = "3A" * 32
VALID = {
    "A": ["192.0.2.1", "0.0.0.0", "255.255.255.255", "( 192.0.2.7 )"],
    "AAAA": ["2001:db8::1", "::", "::1", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1", "2001:DB8::A"],
    "NS": ["ns1", "ns.example.net.", "@", "."],
    "CNAME": ["target", "a.b.c.d.example.net.", "\\065b\\.c.d", "*.x"],
    "DNAME": ["target.example.net."],
    "PTR": ["host", "host.example.net."],
    "MX": ["10 mail", "0 .", "65535 mail.example.net."],
    "TXT": ['"hello world"', "hello", '"a" "b" c', '""', '"a\\"b\\\\c"', "a\\;b", '"semi;colon"', "\\000\\255", '"\\001"', '"tab\\009"',
            "( one\n two ; comment\n \"three\" )", "a\"b\"c", '"' + "x" * 255 + '"', "v=spf1", '"(not a parenthesis)"', "\\@", "@",
            '"\xc3\xa9"', "a=b", "\\065\\066"],
    "SPF": ['"v=spf1 -all"'],
    "AVC": ['"app-name:x"'],
    "NINFO": ['"a" "b"'],
    "HINFO": ['"PC" "Linux"', "PC Linux"],
    "RP": ["mbox txt", ". ."],
    "AFSDB": ["1 afs"],
    "RT": ["10 relay"],
    "KX": ["10 kx"],
    "PX": ["10 a.b c.d"],
    "X25": ['"311061700956"', "311061700956"],
    "ISDN": ['"150862028003217" "004"', "150862028003217"],
    "NSAP": ["0x47.0005.80.005a00.0000.0001.e133.ffffff000162.00", "0x4700"],
    "NSAP-PTR": ["a.b."],
    "GPOS": ["-32.6882 116.8652 10.0"],
    "LOC": ["52 14 05 N 00 08 50 E 10m", "42 21 54 N 71 06 18 W -24m 30m", "42 21 43.952 N 71 5 6.344 W -24m 1m 200m 10m",
            "0 N 0 E 0", "90 N 180 E 42849672.95m", "90 S 180 W -100000m", "52 N 4 E 0m 0.00m 90000000m 0.01m",
            "10 59 59.999 S 1 E 1.5m 2.5m", "1 1 N 1 1 W 0.5", "12 45 N 13 E 100m 12m 3456m 99m"],
    "SRV": ["0 5 5060 sip", "1 2 3 ."],
    "NAPTR": ['100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .', '100 50 s "z3950+I2L+I2C" "" _z3950._tcp', '1 2 "" "" "" x'],
    "CERT": ["PGP 0 0 AQID", "1 2 RSASHA1 AQIDBA==", "65534 65535 254 AQ==", "URI 0 0 AQ=="],
    "APL": ["1:192.168.32.0/21 !1:192.168.38.0/28", "", "2:2001:db8::/32", "1:224.0.0.0/4 2:FF00:0:0:0:0:0:0:0/8", "1:0.0.0.0/0", "!1:10.0.0.1/32"],
    "DS": ["60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118", f"1 8 2 {SHA256}", f"1 ECDSAP256SHA256 2 {SHA256[:20]} {SHA256[20:]}",
           "1 13 4 " + "ab" * 48, "1 13 200 ab"],
    "CDS": ["0 0 0 00", f"1 8 2 {SHA256}"],
    "DLV": [f"1 8 2 {SHA256}"],
    "TA": [f"1 8 2 {SHA256}"],
    "SSHFP": ["2 1 123456789abcdef67890123456789abcdef67890", "4 2 " + SHA256, "1 1 12345678 9abcdef67890123456789abcdef67890"],
    "IPSECKEY": ["10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==", "10 0 2 . AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
                 "10 3 2 mygateway.example.com. AQNR U3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==", "10 2 2 2001:db8:0:8002::2000:1 AQ=="],
    "RRSIG": ["A 5 3 86400 20300322173103 20300220173103 2642 example.com. oJB1W6WNGv+ldvQ3WDG0MQkg5IEhjRip8WTrPYGv07h108dUKGMeDPKijVCHX3DDKdfb+v6o",
              "TYPE65280 RSASHA256 0 0 1900000000 1800000000 65535 . AQ==", "MX 13 2 3600 20380119031408 20371231235959 1 x.y. AQ=="],
    "SIG": ["A 5 3 86400 20300322173103 20300220173103 2642 example.com. AQID"],
    "NSEC": ["host.example.com. ( A MX RRSIG NSEC TYPE1234 )", ". TYPE65535 A", "@ A NS SOA MX TXT AAAA RRSIG NSEC DNSKEY CAA"],
    "NSEC3": ["1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG", "1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr",
              "1 0 1 AABB 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A"],
    "NSEC3PARAM": ["1 0 12 aabbccdd", "1 0 0 -"],
    "DNSKEY": [f"256 3 5 {B64}", f"257 3 RSASHA256 ( {B64[:50]}\n  {B64[50:]} )", "256 3 13 " + "A" * 86 + "=="],
    "CDNSKEY": [f"256 3 5 {B64}", "0 3 0 AA=="],
    "KEY": [f"256 3 5 {B64}", "49152 3 5"],
    "RKEY": ["0 3 5 AQID"],
    "DHCID": ["AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=", "AAEB OSD+XR3Os/0LozeXVqcNc7FwCfQdWL3b/NaiUDlW2No="],
    "TLSA": ["3 1 1 " + SHA256, "0 0 0 abcd", "1 1 2 92003BA34942DC74152E2F2C408D29ECA5A520E7F2E06BB944F4DCA346BAF63C 1B177615D466F6C4B71C216A50292BD58C9EBDD2F74E38FE51FFD48C43326CBC"],
    "SMIMEA": ["0 0 1 " + SHA256],
    "HIP": ["2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cIvM4p9+LrV4e19WzK00+CI6zBCQTdtWsuxKbWIy87UOoJTwkUs7lBu+Upr1gsNrut79ryra+bSRGQb1slImA8YVJyuIDsj7kwzG7jnERNqnWxZ48AWkskmdHaVDP4BcelrTI3rMXdXF5D",
            "2 2001 AQID rvs.example.com. rvs2"],
    "TALINK": ["a.b. c"],
    "OPENPGPKEY": [B64, "AQ ID"],
    "CSYNC": ["66 3 A NS AAAA", "4294967295 0"],
    "ZONEMD": ["2018031500 1 1 " + "fe" * 48, "1 1 2 " + "0a" * 64, "1 1 240 " + "01" * 20],
    "SVCB": ["0 foo.example.com.", "1 .", "16 foo.example.com. port=53", '1 foo key667=hello', '1 foo key667="hello\\210qoo"', '1 foo ipv6hint="2001:db8::1,2001:db8::53:1"',
             '1 example.com. ipv6hint="2001:db8:122:344::192.0.2.33"', '16 foo alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1',
             '16 foo alpn="f\\\\\\\\oo\\\\,bar,h2"', '16 foo alpn=f\\\\\\092oo\\092,bar,h2', '1 . ech=AQID', '1 . ech="AQIDBA=="', "1 . alpn=h2 no-default-alpn",
             '1 . dohpath="/dns-query{?dns}" alpn=h2', "1 . key65534", "1 . key10=\"\"", '1 . port="8443" alpn="h3"', "1 . key1=\\002h2", "1 . key3=\\001\\000"],
    "HTTPS": ["1 . alpn=h3,h2 ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1", "0 svc.example.net."],
    "NID": ["10 0014:4fff:ff20:ee64", "0 1:2:3:4"],
    "L32": ["10 10.1.2.0"],
    "L64": ["10 2001:0DB8:1140:1000"],
    "LP": ["10 l64-subnet1"],
    "EUI48": ["00-00-5e-00-53-2a", "AB-CD-EF-01-23-45"],
    "EUI64": ["00-00-5e-ef-10-00-00-2a"],
    "URI": ['10 1 "ftp://ftp1.example.com/public"', '10 1 "a"', '0 0 "http://x/?a=b;c"'],
    "CAA": ['0 issue "letsencrypt.org"', "128 issue ca.example.net", '0 iodef "mailto:x@example.com"', '0 issue ";"', '0 issue ""', '0 TBS "Unknown; a=b"'],
    "AMTRELAY": ["10 0 1 203.0.113.15", "10 0 2 2001:DB8::15", "128 1 3 amtrelays.example.com.", "0 0 0 ."],
    "DOA": ['0 1 2 "" aHR0cHM6Ly93d3cuaXNjLm9yZy8=', '1234567890 1234567890 1 "image/gif" R0lGODlhKAAZAOMCAGZmZsznAA==', '0 1 2 "" -'],
    "MB": ["m"], "MG": ["m"], "MR": ["m"], "MINFO": ["a b"], 
    "EID": ["1289AB", "12 89 AB"], "NIMLOC": ["1289AB"],
    "TYPE65280": ["\\# 0", "\\# 4 01020304", "\\# 4 ( 0102 0304 )", "\\# 3 abCDef"],
    "TYPE1": ["\\# 4 c0000201"],
    "A ": ["\\# 4 c0000202"],
    "MX ": ["\\# 3 000100"],
    "CLASS1 TYPE15": ["10 mail"],
}

INVALID = {
    "A": ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 5", "a.b.c.d", '"1.2.3.4"', "\\# 3 010203", "\\# 4 0102030", "\\# 4 01020304 05"],
    "AAAA": ["1.2.3.4", "1::2::3", "12345::", "::1%lo", "\\# 15 000102030405060708090a0b0c0d0e"],
    "NS": ["", "a b", "a..b", ".a", "x" * 64, ".".join(["x" * 50] * 6)],
    "MX": ["mail", "70000 mail", "-1 mail", "10", "10 a b", "1x mail"],
    "TXT": ["", '"' + "x" * 256 + '"', '"open', "\\300", "\\25", '"\\25x"'],
    "SRV": ["0 0 70000 x", "0 0 x", "0 0 0"],
    "CAA": ["256 issue x", '0 "is sue" x', "0 issue", '0 "" "x"'],
    "DS": ["1 8 2 ab", "1 8 1 " + SHA256, "1 300 2 " + SHA256, "70000 8 2 " + SHA256, f"1 8 2 {SHA256}a", "1 8 2 xyz"],
    "RRSIG": ["A 5 3 86400 20301322173103 20300220173103 2642 example.com. AQID", "A 5 3 86400 2030 20300220173103 2642 example.com.", "FOO 5 3 1 1 1 1 . AQ==",
              "A 5 3 86400 20300322253103 20300220173103 2642 example.com. AQID"],
    "DNSKEY": ["256 3 5 !!!!", "256 3 5 AQI", "256 3 256 AQID", "256 3 5"],
    "NSEC3": ["1 1 12 abc 2t7b4g4vsa5smi47k61mv5bv1a22bojr A", "1 1 12 ab 2t7b4g4vsa5smi47k61mv5bv1a22boj! A", "1 1 70000 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr"],
    "LOC": ["91 N 0 E 0", "52 N 181 E 0", "52 60 N 4 E 0", "52 N 4 E", "52 14 60 N 4 E 0", "52 N 4 E 50000000m", "52 X 4 E 0", "90 1 N 0 E 0", "52 N 4 E 0 1m 1m 1m 1m"],
    "APL": ["3:1.2.3.4/8", "1:1.2.3.4/33", "1:1.2.3.4", "1.2.3.4/8", "2:::/129"],
    "SVCB": ["1", "1 . port=70000", "1 . port=53 port=54", "1 . no-default-alpn", "1 . mandatory=alpn", "1 . ipv4hint=1.2.3", "1 . alpn=", '1 . alpn="h2,,h3"',
             "1 . mandatory=alpn,alpn alpn=h2", "1 . foo=bar", "1 . key65535=x", "1 . port", "1 . ech=!!", "1 . mandatory=mandatory", "1 . no-default-alpn=x alpn=h2"],
    "HIP": ["2 2001", "2 200 AQID", "256 2001 AQID"],
    "IPSECKEY": ["10 4 2 . AQ==", "10 1 2 x AQ==", "10 0 2 x AQ=="],
    "AMTRELAY": ["10 2 1 1.2.3.4", "10 0 1 x", "10 0 0 x", "10 0 2 1.2.3.4"],
    "EUI48": ["00-00-5e-00-53", "00:00:5e:00:53:2a", "00-00-5e-00-53-2g"],
    "NID": ["10 0014:4fff:ff20", "10 0014:4fff:ff20:ee64:1", "10 12345:1:1:1"],
    "TLSA": ["3 1 1 xyz", "3 1 1", "256 1 1 ab"],
    "URI": ["10 1", "70000 1 x"],
    "ZONEMD": ["1 1 1 ab"],
    "TYPE65280": ["1.2.3.4", "\\# 4 010203", "\\# 70000 00", "\\# x", "\\#"],
    "TYPE70000": ["\\# 0"],
    "NOTATYPE": ["x"],
    "CH TXT": ["x"],
    "ANY": ["\\# 0"],
    "OPT": ["\\# 0"],
}
# We refuse what BIND reads, on purpose.
STRICTER = {
    ("SVCB", "1 . key65535=x"), # RFC 9460 s.14.3.2: reserved as invalid
    ("EUI48", "00-00-5e-00-53-2g"),
}
# We read what BIND refuses, on purpose.
LAXER = set()


def test_valid_rdata(zonetext, tmp_path):
    """Each way to write each type, all in one zone, octet for octet."""
    text, n = HEAD, 0
    for rrtype, samples in VALID.items():
        for sample in samples:
            n += 1
            text += f"r{n} {rrtype} {sample}\n"
    assert_same(zonetext, tmp_path, text)


@pytest.mark.parametrize("rrtype", INVALID)
def test_invalid_rdata(zonetext, tmp_path, rrtype):
    """What BIND refuses we refuse."""
    for sample in INVALID[rrtype]:
        path = tmp_path / "z.zone"
        path.write_text(HEAD + f"bad {rrtype} {sample}\n")
        theirs, _ = by_bind(path)
        ours, error = by_us(zonetext, path)
        if (rrtype, sample) in STRICTER:
            assert theirs is not None and ours is None
            continue
        if (rrtype, sample) in LAXER:
            assert theirs is None and ours is not None
            continue
        assert theirs is None, f"BIND reads {rrtype} {sample}"
        assert ours is None, f"we read {rrtype} {sample}"
        assert "z.zone:5:" in error


FORMS = """
$TTL 1h30m
@ 1d IN SOA ns1 host.example.com. ( 2024010101 ; serial
	1h 15m ; refresh, retry
	1w
	1h )
	NS ns1
 IN NS ns2.example.net.
  1W NS ns3.example.net.
ns1 IN 300 A 192.0.2.1
 300 IN AAAA 2001:db8::1
NS1 in 300 txt "mixed case"
ns1 300 hinfo a b
a.b IN	A ( 192.0.2.2 )
( paren A 192.0.2.3 )
multi (
 A
 192.0.2.4 )
; only a comment
   ; a blank and a comment

* A 192.0.2.5
*.wild TXT "x"
esc\\.dot A 192.0.2.6
\\097bc A 192.0.2.7
x\\@y TXT at
$ORIGIN sub
@ A 192.0.2.8
www A 192.0.2.9
$ORIGIN deeper
w A 192.0.2.10
$ORIGIN example.com.
$TTL 60
short A 192.0.2.11
 MX 5 short
1.2.3.4 TXT "digits first"
a1 1h A 192.0.2.12
a2 2H30M5s A 192.0.2.13
in A 192.0.2.14
mx MX 0 mx
$GENERATE 1-5 g$ A 10.0.0.$
$GENERATE 0-10/5 g${10,3,d}.x 120 IN CNAME h${-0}.y
$GENERATE 1-3 m$ MX "10 mail$"
$GENERATE 8-17 o${0,4,o} TXT x${0,0,x}X${0,4,X}
$GENERATE 30-32 ${0,5,n}.rev PTR p${0,3,N}.
$GENERATE 1-2 lit\\$$ TXT "$$ is $"
$generate 250-256 n${1} A 10.1.${-250}.1
$generate 3-4 aaaa$ AAAA 2001:db8::$
tail A 192.0.2.99
"""


def test_forms(zonetext, tmp_path):
    """Owners, TTLs, classes, parentheses, directives in all their ways."""
    assert_same(zonetext, tmp_path, FORMS)


def test_crlf(zonetext, tmp_path):
    assert_same(zonetext, tmp_path, FORMS.replace("\n", "\r\n"))


def test_no_final_newline(zonetext, tmp_path):
    assert_same(zonetext, tmp_path, FORMS.rstrip("\n"))


def test_includes(zonetext, tmp_path):
    """Owner and origin go in and come back; the default TTL stays changed."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "one.inc").write_text(' TXT "inherits"\nx A 192.0.2.20\n$TTL 77\n$ORIGIN deep\ny A 192.0.2.21\n')
    (tmp_path / "sub" / "two.inc").write_text("@ TXT two\nz A 192.0.2.22\n")
    assert_same(zonetext, tmp_path, HEAD + "$INCLUDE one.inc\n TXT after\n$INCLUDE one.inc other\n$INCLUDE \"sub/two.inc\" two.example.com. ; c\nlast A 192.0.2.23\n")


@pytest.mark.parametrize("head", [
    "@ 600 SOA ns1 host 1 2 3 4 300\n NS ns1\nns1 A 192.0.2.1\n",           # the last TTL
    "@ SOA ns1 host 1 2 3 4 300\n NS ns1\nns1 A 192.0.2.1\n",               # the SOA's MINIMUM
    "@ SOA ns1 host 1 2 3 4 300\n 60 NS ns1\nns1 A 192.0.2.1\n",            # and it stays the default
    "@ 600 SOA ns1 host 1 2 3 4 300\n 60 NS ns1\n$TTL 5\nns1 A 192.0.2.1\n",
    "$TTL 0\n@ SOA ns1 host 1 2 3 4 300\n NS ns1\nns1 2147483647 A 192.0.2.1\n",
])
def test_default_ttl(zonetext, tmp_path, head):
    assert_same(zonetext, tmp_path, head)


def random_name(rng):
    labels = ["".join(rng.choice("abcXYZ019-_") for _ in range(rng.randint(1, 12))) for _ in range(rng.randint(1, 3))]
    if rng.random() < 0.1:
        labels[0] += "\\%03d" % rng.randint(0, 255)
    return ".".join(labels) + rng.choice(["", "", "", ".example.com."])


@pytest.mark.parametrize("seed", range(int(os.environ.get("ZONECRIER_TEST_ZONES", "400" if lab.LONG else "20"))))
def test_random_zones(zonetext, tmp_path, seed):
    """Samples of all types at random owners, TTLs, origins, with comments, blank owners and parentheses thrown in."""
    rng = random.Random(seed)
    samples = [(rrtype, s) for rrtype, all_of_it in VALID.items() for s in all_of_it
               if rrtype not in ("CNAME", "DNAME", "NS", "CLASS1 TYPE15") and "\n" not in s]
    text, used, owner, origin = HEAD, {}, None, "example.com."
    for _ in range(400):
        kind = rng.random()
        if kind < 0.03:
            origin = rng.choice(["example.com.", "sub.example.com.", "a.b.example.com."])
            text += f"$ORIGIN {origin}\n"
            owner = None
            continue
        if kind < 0.08:
            text += rng.choice(["; comment ( \" \n", "\n", "   \n", "\t; x\n"])
            continue
        rrtype, rdata = rng.choice(samples)
        if owner is None or rng.random() < 0.7:
            owner = random_name(rng)
            written = owner
        else:
            written = rng.choice([" ", "\t", "   "])
        # One TTL an RRset: BIND takes the first of them, we the lowest.
        full = (owner if owner.endswith(".") else f"{owner}.{origin}").lower()
        ttl = used.setdefault(full, rng.choice([60, 3600, 86400]))
        fields = rng.choice([[str(ttl), "IN"], ["IN", str(ttl)], [str(ttl)]])
        line = f"{written} {' '.join(fields)} {rrtype} "
        if "(" not in rdata and rng.random() < 0.2:
            line += f"( {rdata} ; in parentheses\n )"
        else:
            line += rdata
        text += line + rng.choice(["", "", " ; comment", "\t"]) + "\n"
    assert_same(zonetext, tmp_path, text)


def test_root_zone(zonetext, tmp_path):
    text = "$TTL 3600\n. SOA a.root. b.root. 1 2 3 4 5\n. NS a.root.\na.root. A 192.0.2.1\ncom NS a.gtld\na.gtld A 192.0.2.2\n"
    assert_same(zonetext, tmp_path, text, origin=".")


@pytest.mark.skipif(not SIGNZONE or not KEYGEN, reason="ldns-signzone is not there")
@pytest.mark.parametrize("nsec3", [False, True])
def test_signed_zone(zonetext, tmp_path, nsec3):
    """A zone signed by ldns: every RRSIG, NSEC, NSEC3 and DNSKEY as it stands."""
    plain = tmp_path / "plain.zone"
    plain.write_text(f"$ORIGIN {ORIGIN}\n" + HEAD + "".join(f"h{n} A 10.0.0.{n}\n" for n in range(50)) + "sub NS ns.example.net.\n*.w TXT wild\n")
    made = run_tool([KEYGEN, "-a", "ECDSAP256SHA256", "-k", ORIGIN], cwd=tmp_path, check=True)
    run_tool([SIGNZONE, *(["-n", "-s", "ab12"] if nsec3 else []), "-f", "signed.zone", "plain.zone", made.stdout.strip()],
             cwd=tmp_path, check=True)
    assert_same(zonetext, tmp_path, (tmp_path / "signed.zone").read_text())
