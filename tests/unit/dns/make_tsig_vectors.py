#!/usr/bin/python3
"""Prints tsig_vectors.h: exchanges signed by dnspython, an implementation that is not ours.

Each vector is a query, the same query signed, and the answer of one to three messages, unsigned and signed as a chain.
"""
import base64
import struct

import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rdatatype
import dns.rrset
import dns.tsig

NOW = 1700000000
ALGORITHMS = ["hmac-md5.sig-alg.reg.int.", "hmac-sha1.", "hmac-sha224.", "hmac-sha256.", "hmac-sha384.", "hmac-sha512."]
FIELDS = dns.rdata.get_rdata_class(dns.rdataclass.ANY, dns.rdatatype.TSIG)


def tsig_record(key, rdata):
    body = rdata.to_wire()
    return key.name.to_wire() + struct.pack("!HHIH", 250, 255, 0, len(body)) + body


def append(wire, record):
    (count,) = struct.unpack("!H", wire[10:12])
    return wire[:10] + struct.pack("!H", count + 1) + wire[12:] + record


def sign(wire, key, request_mac=b"", ctx=None, multi=False, error=0, other=b"", time=NOW, fudge=300):
    empty = FIELDS(dns.rdataclass.ANY, dns.rdatatype.TSIG, key.algorithm, time, fudge, b"",
                   struct.unpack("!H", wire[:2])[0], error, other)
    rdata, ctx = dns.tsig.sign(wire, key, empty, time, request_mac, ctx, multi)
    return append(wire, tsig_record(key, rdata)), rdata.mac, ctx


def answer(n, query):
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA
    if n > 0:
        response.question = []
    response.answer = [dns.rrset.from_text(f"a{n}.example.com.", 3600, "IN", "TXT", '"%s"' % ("x" * (20 + n)))]
    return response.to_wire()


def literal(name, octets):
    lines = [octets[i:i + 16] for i in range(0, len(octets), 16)]
    body = "\n".join("        " + " ".join(f"0x{o:02x}," for o in line) for line in lines)
    print(f"static const uint8_t {name}[] = {{\n{body}\n}};")


def main():
    print("/* Made by make_tsig_vectors.py with dnspython: do not edit. */\n#pragma once\n\n#include <stdint.h>\n")
    print(f"#define VECTOR_TIME {NOW}u\n")
    for i, algorithm in enumerate(ALGORITHMS):
        secret = bytes(range(1, 33)) if i != 5 else bytes((7 * n) % 256 for n in range(200))
        key = dns.tsig.Key("Transfer.Example.", secret, algorithm)
        key.name = dns.name.from_text("transfer.example.")
        query = dns.message.make_query("Example.com.", "AXFR", id=0x1234 + i)
        query.flags = 0
        wire = query.to_wire()
        signed, mac, _ = sign(wire, key)
        literal(f"query_{i}", wire)
        literal(f"signed_query_{i}", signed)
        ctx = None
        for n in range(3):
            unsigned = answer(n, query)
            out, _, ctx = sign(unsigned, key, mac if n == 0 else b"", ctx, True)
            literal(f"answer_{i}_{n}", unsigned)
            literal(f"signed_answer_{i}_{n}", out)
        refused = dns.message.make_response(query)
        refused.set_rcode(9)
        unsigned = refused.to_wire()
        server_time = NOW + 600
        out, _, _ = sign(unsigned, key, mac, error=18, other=struct.pack("!HI", 0, server_time))
        literal(f"badtime_{i}", unsigned)
        literal(f"signed_badtime_{i}", out)
    literal("long_secret", bytes((7 * n) % 256 for n in range(200)))
    print("\n/* clang-format off */")
    print("#define VECTORS(each) " + " ".join(f"each({i})" for i in range(len(ALGORITHMS))))


main()
