#!/usr/bin/python3
"""Writes vectors.h: RDATA, names in canonical order and messages as dnspython has them. The text is the form that rdata_to_text writes;
dnspython turns it into the octets, so the octets are not ours. Run: make_vectors.py > vectors.h"""
import random

import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

RDATA = [
    ("A", "192.0.2.1"),
    ("NS", "ns1.Example.com."),
    ("CNAME", "a\\.b.example."),
    ("CNAME", "."),
    ("SOA", "ns.example. host\\.master.example. 2024010101 7200 3600 1209600 300"),
    ("SOA", ". . 4294967295 0 0 0 0"),
    ("PTR", "host.example."),
    ("HINFO", '"Intel \\"x\\" \\\\" "\\007\\127"'),
    ("MX", "10 mail.example."),
    ("MX", "0 ."),
    ("TXT", '"\\000\\255 \\""'),
    ("TXT", '"one" "" "three; (not a comment)"'),
    ("TXT", '"' + "x" * 255 + '" "y"'),
    ("RP", "admin.example. txt.example."),
    ("AFSDB", "1 afs.example."),
    ("X25", '"311061700956"'),
    ("ISDN", '"150862028003217" "004"'),
    ("ISDN", '"150862028003217"'),
    ("RT", "10 relay.example."),
    ("NSAP", "0x47000580005a0000000001e133ffffff00016100"),
    ("NSAP-PTR", "foo.example."),
    ("PX", "10 map822.example. mapx400.example."),
    ("GPOS", '"-32.6882" "116.8652" "10.0"'),
    ("AAAA", "2001:db8::1"),
    ("AAAA", "::ffff:192.0.2.1"),
    ("LOC", "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m"),
    ("LOC", "52 22 23.001 N 4 53 32.999 E -2.00m 0.00m 0.10m 90000000.00m"),
    ("LOC", "90 0 0.000 S 180 0 0.000 W 42849672.95m 1.00m 20.00m 900.00m"),
    ("SRV", "0 5 5060 sip.example."),
    ("NAPTR", '100 50 "s" "z3950+I2L+I2C" "" _z3950._tcp.example.'),
    ("NAPTR", '1 2 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .'),
    ("KX", "5 kx.example."),
    ("CERT", "PKIX 12345 8 AQIDBA=="),
    ("CERT", "URI 0 0 AQID"),
    ("CERT", "65534 65535 5 /w=="),
    ("DNAME", "Target.example."),
    ("APL", "1:192.168.32.0/21 !1:192.168.38.0/28 2:ff00::/8"),
    ("APL", "1:0.0.0.0/0"),
    ("APL", ""),
    ("DS", "60485 5 1 2bb183af5f22588179a53b0a98631fad1a292118"),
    ("SSHFP", "4 2 123456789abcdef67890123456789abcdef67890123456789abcdef123456789"),
    ("IPSECKEY", "10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="),
    ("IPSECKEY", "10 0 2 . AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="),
    ("IPSECKEY", "10 3 2 gateway.example. AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="),
    ("IPSECKEY", "10 2 2 2001:db8:0:8002::2000:1 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="),
    ("RRSIG", "A 8 3 86400 20380119031407 20030220173103 2642 Example.com. oJB1W6WNGv+ldvQ3WDG0MQkg5IEhjRip"),
    ("RRSIG", "TYPE65280 13 0 0 21060207062815 19700101000000 0 . AA=="),
    ("NSEC", "host.example. A MX RRSIG NSEC TYPE1234"),
    ("NSEC", "\\000.example. NS SOA CAA TYPE65535"),
    ("DNSKEY", "257 3 13 AQPSKmynfzW4kyBv015MUG2DeIQ3Cbl+BBZH4b/0PY1kxkmvHjcZc8no"),
    ("DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA="),
    ("NSEC3", "1 1 12 aabbccdd 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR A RRSIG"),
    ("NSEC3", "1 0 0 - 2T7B4G4VSA5SMI47K61MV5BV1A22BOJR"),
    ("NSEC3PARAM", "1 0 12 aabbccdd"),
    ("NSEC3PARAM", "1 0 0 -"),
    ("TLSA", "3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
    ("SMIMEA", "3 0 0 00ff"),
    ("HIP", "2 200100107b1a74df365639cc39f1d578 AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cIvM4p9+LrV4e19WzK00+CI6zB "
            "rvs1.example. rvs2.example."),
    ("HIP", "2 200100107b1a74df365639cc39f1d578 AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cIvM4p9+LrV4e19WzK00+CI6zB"),
    ("NINFO", '"zone state" "ok"'),
    ("CDS", "0 0 0 00"),
    ("CDNSKEY", "0 3 0 AA=="),
    ("OPENPGPKEY", "mQINBFXQ"),
    ("CSYNC", "66 3 A NS AAAA"),
    ("ZONEMD", "2018031500 1 1 " + "a1" * 48),
    ("SVCB", "1 ."),
    ("SVCB", "0 alias.example."),
    ("SVCB", '16 foo.example. mandatory=alpn,ipv4hint alpn="h2,h3-19" ipv4hint=192.0.2.1'),
    ("SVCB", '1 foo.example. key667="hello\\210qoo"'),
    ("SVCB", '16 foo.example. alpn="f\\\\\\\\oo\\\\,bar,h2"'),
    ("HTTPS", '1 . alpn="h2" no-default-alpn port=8443 ipv4hint=192.0.2.1,192.0.2.2 ech=AAECAw== '
              'ipv6hint=2001:db8::1,2001:db8::2'),
    ("SPF", '"v=spf1 -all"'),
    ("NID", "10 0014:4fff:ff20:ee64"),
    ("L32", "10 10.1.2.0"),
    ("L64", "10 2001:0db8:1140:1000"),
    ("LP", "10 l64-subnet1.example."),
    ("EUI48", "00-00-5e-00-53-2a"),
    ("EUI64", "00-00-5e-ef-10-00-00-2a"),
    ("URI", '10 1 "ftp://ftp1.example.com/public"'),
    ("CAA", '0 issue "ca1.example.net; policy=ev"'),
    ("CAA", '128 tbs ""'),
    ("AMTRELAY", "10 0 1 203.0.113.15"),
    ("AMTRELAY", "10 1 2 2001:db8::15"),
    ("AMTRELAY", "128 1 3 amtrelays.example."),
    ("AMTRELAY", "0 0 0 ."),
    ("TYPE731", "\\# 6 abcdef012345"),
    ("TYPE62347", "\\# 0"),
]

# LOC in dnspython 2.3 goes through floats: -2.05 m becomes -2.04.
# What this dnspython does not know: octets by hand from the RFCs and drafts.
BY_HAND = [
    (66, 'CDS NOTIFY 5359 cds-scanner.example.', "003b" "01" "14ef" "0b6364732d7363616e6e6572076578616d706c6500"),
    (58, "a. b.", "016100" "016200"),
    (261, '"qnamemin" "exterr=15-17"', "08716e616d656d696e" "0c6578746572723d31352d3137"),
    (262, '"eth" "0x00"', "03657468" "0430783030"),
    (259, '1234567890 0 3 "image/gif" AQID', "499602d2" "00000000" "03" "09696d6167652f676966" "010203"),
    (32768, "64097 5 1 00", "fa61" "05" "01" "00"),
    (32769, "64097 5 1 00", "fa61" "05" "01" "00"),
    (25, "512 3 8 AQID", "0200" "03" "08" "010203"),
    (24, "A 5 2 300 20000101000000 19991231235959 1 s.", "0001" "05" "02" "0000012c" "386d4380" "386d437f" "0001" "017300"),
    (31, "0102", "0102"),
    (14, "r. e.", "017200" "016500"),
    (65, '1 . dohpath="/dns-query{?dns}" ohttp', "0001" "00" "0007" "0010" "2f646e732d71756572797b3f646e737d" "0008" "0000"),
]


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def rdata_vectors():
    print("static const struct rdata_vector rdata_vectors[] = {")
    for type_text, text in RDATA:
        number = dns.rdatatype.from_text(type_text)
        wire = dns.rdata.from_text("IN", number, text).to_wire()
        print('        {%d, %s, "%s"},' % (number, c_string(text), wire.hex()))
    for number, text, octets in BY_HAND:
        if number == 24:
            octets += "0102"
            text += " AQI="
        print('        {%d, %s, "%s"},' % (number, c_string(text), octets))
    print("};\n")


def name_vectors():
    """Names below example., sorted by dnspython (RFC 4034 s.6.1)."""
    random.seed(4034)
    names = {dns.name.from_text(text) for text in (
        "example.", "a.example.", "yljkjljk.a.example.", "Z.a.example.", "zABC.a.EXAMPLE.", "z.example.",
        "\\001.z.example.", "*.z.example.", "\\200.z.example.")}
    origin = dns.name.from_text("example.")
    while len(names) < 150:
        labels = tuple(bytes(random.choice(b"\x00\x01\x02@AZ[aez{\xff") for _ in range(random.randint(1, 3)))
                       for _ in range(random.randint(1, 4)))
        names.add(dns.name.Name(labels + origin.labels))
    print("static const char *const names_in_order[] = {")
    for name in sorted(names):
        print("        %s," % c_string(name.to_text()))
    print("};\n")


def message_vector():
    """A response whose compression dnspython did: only types of RFC 1035, lower case (dnspython compresses across case)."""
    message = dns.message.make_response(dns.message.make_query("example.com.", "AXFR"), recursion_available=False)
    message.id = 0x1234
    message.flags = dns.flags.QR | dns.flags.AA
    for owner, type_text, *texts in (
            ("example.com.", "SOA", "ns1.example.com. hostmaster.example.com. 7 3600 600 86400 300"),
            ("example.com.", "NS", "ns1.example.com.", "ns2.example.net."),
            ("example.com.", "MX", "10 mail.example.com.", "20 mail.sub.example.com."),
            ("ns1.example.com.", "A", "192.0.2.1"),
            ("a.b.sub.example.com.", "TXT", '"text"'),
            ("b.sub.example.com.", "CNAME", "a.b.sub.example.com."),
            ("x.b.sub.example.com.", "PTR", "."),
            ("com.", "NS", "com.")):
        rrset = dns.rrset.from_text_list(owner, 300, "IN", type_text, texts)
        message.answer.append(rrset)
    wire = message.to_wire()
    print("static const char message_vector[] =")
    for i in range(0, len(wire), 40):
        print('        "%s"%s' % (wire[i:i + 40].hex(), ";" if i + 40 >= len(wire) else ""))
    print("static const struct record_vector message_records[] = {")
    for rrset in dns.message.from_wire(wire).answer:  # dnspython shuffles an RRset when it writes it
        for rdata in rrset:
            print('        {%s, %d, %d, "%s"},' % (c_string(rrset.name.to_text()), rrset.rdtype, rrset.ttl,
                                                 rdata.to_wire().hex()))
    print("};")


print("/* Made by make_vectors.py with dnspython; not edited by hand. */")
print("#pragma once\n")
print("struct rdata_vector {\n        unsigned type;\n        const char *text;\n        const char *hex;\n};")
print("struct record_vector {\n        const char *owner;\n        unsigned type;\n        unsigned ttl;\n        const char *hex;\n};\n")
print("/* clang-format off */")
rdata_vectors()
name_vectors()
message_vector()
print("/* clang-format on */")
