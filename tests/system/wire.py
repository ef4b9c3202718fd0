"""DNS messages octet by octet, and TSIG (RFC 8945) from the standard library: for what no client library sends."""
import base64
import hmac
import os
import socket
import struct
import time
from dataclasses import dataclass, field

from lab import CLIENT, PATIENCE

SOA, NS, TXT, OPT, TSIG, IXFR, AXFR, ANY = 6, 2, 16, 41, 250, 251, 252, 255
QUERY, NOTIFY, UPDATE = 0, 4, 5
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, NOTAUTH = 0, 1, 2, 3, 4, 5, 9
BADVERS, BADSIG, BADKEY, BADTIME, BADTRUNC = 16, 16, 17, 18, 22
AA, TC = 0x0400, 0x0200
EDE_OPTION = 15

DIGESTS = {"hmac-md5": ("md5", "hmac-md5.sig-alg.reg.int"), "hmac-sha1": ("sha1", "hmac-sha1"),
           "hmac-sha224": ("sha224", "hmac-sha224"), "hmac-sha256": ("sha256", "hmac-sha256"),
           "hmac-sha384": ("sha384", "hmac-sha384"), "hmac-sha512": ("sha512", "hmac-sha512")}
MAC_SIZES = {"hmac-md5": 16, "hmac-sha1": 20, "hmac-sha224": 28, "hmac-sha256": 32, "hmac-sha384": 48, "hmac-sha512": 64}


def name_wire(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def name_octets(name):
    """Of a name that read_name gave: each character an octet."""
    labels = [label.encode("latin1") for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def record(name, rtype, rclass, ttl, rdata):
    return name_wire(name) + struct.pack("!HHIH", rtype, rclass, ttl, len(rdata)) + rdata


def opt(size=1232, version=0, flags=0):
    return b"\0" + struct.pack("!HHBBHH", OPT, size, 0, version, flags, 0)


def soa_record(name, serial):
    return record(name, SOA, 1, 0, b"\0\0" + struct.pack("!IIIII", serial, 0, 0, 0, 0))


def message(name, qtype, qclass=1, opcode=QUERY, edns=False, serial=None, questions=1, version=0):
    """A request; serial: the SOA of an IXFR."""
    question = (name_wire(name) + struct.pack("!HH", qtype, qclass)) * questions
    authority = soa_record(name, serial) if serial is not None else b""
    return (os.urandom(2) + struct.pack("!HHHHH", opcode << 11, questions, 0, serial is not None, bool(edns)) + question + authority
            + (opt(version=version) if edns else b""))


@dataclass
class Key:
    name: str
    algorithm: str
    secret: str
    bits: int = 0

    @property
    def wire_algorithm(self):
        return DIGESTS[self.algorithm][1]

    def statement(self):
        return (self.name, self.algorithm + (f"-{self.bits}" if self.bits else ""), self.secret)

    def mac(self, octets):
        return hmac.digest(base64.b64decode(self.secret), octets, DIGESTS[self.algorithm][0])


@dataclass
class Signature:
    """A TSIG record."""
    key_name: str = ""
    algorithm: str = ""
    time: int = 0
    fudge: int = 300
    mac: bytes = b""
    original_id: int = 0
    error: int = 0
    other: bytes = b""

    def variables(self):
        return (name_wire(self.key_name.lower()) + struct.pack("!HI", 255, 0) + name_wire(self.algorithm.lower()) + self.timers()
                + struct.pack("!HH", self.error, len(self.other)) + self.other)

    def timers(self):
        return struct.pack("!HIH", self.time >> 32, self.time & 0xFFFFFFFF, self.fudge)

    def record(self):
        rdata = (name_wire(self.algorithm) + self.timers() + struct.pack("!H", len(self.mac)) + self.mac
                 + struct.pack("!HHH", self.original_id, self.error, len(self.other)) + self.other)
        return record(self.key_name, TSIG, 255, 0, rdata)


def count_additional(octets, more):
    return octets[:10] + struct.pack("!H", struct.unpack("!H", octets[10:12])[0] + more) + octets[12:]


def sign(octets, key, offset=0, size=None, name=None, algorithm=None, mac=None, fudge=300):
    """The request signed. offset: our clock against the true one; size: octets of the MAC sent; name: as written on the wire."""
    signature = Signature(name or key.name, algorithm or key.wire_algorithm, int(time.time()) + offset, fudge,
                          original_id=struct.unpack("!H", octets[:2])[0])
    full = key.mac(octets + signature.variables()) if mac is None else mac
    wanted = size if size is not None else (key.bits // 8 or len(full))
    signature.mac = (full + b"\0" * 8)[:wanted]
    return count_additional(octets, 1) + signature.record(), signature


@dataclass
class Answer:
    octets: bytes
    id: int = 0
    flags: int = 0
    rcode: int = 0
    questions: list = field(default_factory=list)
    answer: list = field(default_factory=list)  # (owner, type, class, ttl, offset and length of RDATA)
    authority: list = field(default_factory=list)
    additional: list = field(default_factory=list)
    tsig: Signature = None
    tsig_offset: int = 0
    has_edns: bool = False
    ede: list = field(default_factory=list)  # (code, text)

    def types(self):
        return [r[1] for r in self.answer]

    def serials(self):
        """Of the SOA records, in order."""
        return [struct.unpack("!I", self.octets[at + length - 20:at + length - 16])[0]
                for _, rtype, _, _, at, length in self.answer if rtype == SOA]


def read_name(octets, at):
    labels, end = [], None
    while True:
        length = octets[at]
        if length >= 0xC0:
            end = end or at + 2
            at = struct.unpack("!H", octets[at:at + 2])[0] & 0x3FFF
        elif length == 0:
            return ".".join(labels) or ".", end or at + 1
        else:
            labels.append(octets[at + 1:at + 1 + length].decode("latin1"))
            at += 1 + length


def read_tsig(octets, owner, at):
    algorithm, at = read_name(octets, at)
    high, low, fudge, size = struct.unpack("!HIHH", octets[at:at + 10])
    mac = octets[at + 10:at + 10 + size]
    at += 10 + size
    original_id, error, other = struct.unpack("!HHH", octets[at:at + 6])
    return Signature(owner, algorithm, high << 32 | low, fudge, mac, original_id, error, octets[at + 6:at + 6 + other])


def parse(octets):
    """A whole answer, to its last octet."""
    ident, flags, qd, an, ns, ar = struct.unpack("!HHHHHH", octets[:12])
    answer = Answer(octets, ident, flags, flags & 0xF)
    at = 12
    for _ in range(qd):
        name, at = read_name(octets, at)
        answer.questions.append((name, *struct.unpack("!HH", octets[at:at + 4])))
        at += 4
    for section, count in ((answer.answer, an), (answer.authority, ns), (answer.additional, ar)):
        for _ in range(count):
            begin = at
            owner, at = read_name(octets, at)
            rtype, rclass, ttl, length = struct.unpack("!HHIH", octets[at:at + 10])
            at += 10
            assert answer.tsig is None, "a record behind the TSIG"
            if rtype == TSIG:
                answer.tsig, answer.tsig_offset = read_tsig(octets, owner, at), begin
            elif rtype == OPT:
                answer.has_edns = True
                answer.rcode |= ttl >> 24 << 4
                answer.ede += read_ede(octets[at:at + length])
            else:
                section.append((owner, rtype, rclass, ttl, at, length))
            at += length
    assert at == len(octets), "octets behind the last record"
    return answer


def read_ede(options):
    found = []
    while options:
        code, length = struct.unpack("!HH", options[:4])
        if code == EDE_OPTION:
            found.append((struct.unpack("!H", options[4:6])[0], options[6:4 + length].decode()))
        options = options[4 + length:]
    return found


def expected_mac(answer, key, prior, first=True):
    """The MAC that the answer must have after the one before it (the request's, for the first)."""
    plain = struct.pack("!H", answer.tsig.original_id) + count_additional(answer.octets[:answer.tsig_offset], -1)[2:]
    tail = answer.tsig.variables() if first else answer.tsig.timers()
    return key.mac(struct.pack("!H", len(prior)) + prior + plain + tail)


def verify(answer, key, prior, first=True):
    assert answer.tsig is not None, "not signed"
    assert answer.tsig.key_name.lower() == key.name.lower() and answer.tsig.algorithm == key.wire_algorithm
    mac = expected_mac(answer, key, prior, first)
    size = key.bits // 8 or len(mac)
    assert answer.tsig.mac == mac[:size], "the answer's MAC is wrong"


def ask_udp(address, port, octets, source=CLIENT, timeout=3):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        sock.settimeout(timeout * PATIENCE)
        sock.sendto(octets, (address, port))
        return parse(sock.recv(65535))


class Connection:
    """A TCP connection that sends and reads messages one by one."""

    def __init__(self, address, port, source=CLIENT, timeout=10, receive_buffer=None):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.bind((source, 0))
        self.sock.settimeout(timeout * PATIENCE)
        self.sock.connect((address, port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    @property
    def source_port(self):
        return self.sock.getsockname()[1]

    def send(self, *messages):
        self.sock.sendall(b"".join(struct.pack("!H", len(m)) + m for m in messages))

    def read_exactly(self, size):
        octets = b""
        while len(octets) < size:
            more = self.sock.recv(min(size - len(octets), 65536))
            if not more:
                raise EOFError(f"closed after {len(octets)} of {size} octets")
            octets += more
        return octets

    def read(self):
        return parse(self.read_exactly(struct.unpack("!H", self.read_exactly(2))[0]))

    def read_transfer(self, key=None, prior=b""):
        """Messages of one transfer until its last SOA; each verified where there is a key."""
        answers, serials = [], []
        while True:
            answer = self.read()
            if key:
                verify(answer, key, prior, first=not answers)
                prior = answer.tsig.mac
            answers.append(answer)
            serials += answer.serials()
            if answer.rcode or (len(serials) > 1 and answer.types()[-1] == SOA and serials[-1] == serials[0]):
                return answers
            if not answer.answer or (len(answers) == 1 and answer.types() == [SOA]):
                return answers

    def is_closed(self):
        """True when the peer has closed, within the timeout."""
        try:
            return self.sock.recv(1) == b""
        except ConnectionError:
            return True


def ask_tcp(address, port, octets, source=CLIENT):
    with Connection(address, port, source) as connection:
        connection.send(octets)
        return connection.read()


def ask(address, port, octets, tcp, source=CLIENT):
    return (ask_tcp if tcp else ask_udp)(address, port, octets, source)
