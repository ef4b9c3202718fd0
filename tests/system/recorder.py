"""A recorder: what clients of a zone saw, over all lives of the daemon, and what may never be among it (I1, I2).

An observer asks all the time: AXFRs give (serial, content), SOA answers and NOTIFYs give serials. One lock around all of it.
"""
import hashlib
import socket
import threading
import time

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.tsig

import lab


def is_ahead(left, right):
    """RFC 1982: left comes after right."""
    return 0 < (left - right) % 2**32 < 2**31


def content_digest(records):
    """Of the records but for the SOA's serial."""
    lines = []
    for record in records:
        fields = record.split(" ")
        if fields[2] == "SOA":
            fields[5] = "-"
        lines.append(" ".join(fields))
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


class NotifySink:
    """A NOTIFY target that acknowledges at once and keeps (when, zone, serial)."""

    def __init__(self, address="127.0.0.1", heard=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.socket.settimeout(0.2)
        self.address, self.port = self.socket.getsockname()
        self.got = []
        self.heard = heard
        self.stopping = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def target(self):
        return f"{self.address} port {self.port};"

    def serials(self, zone=None):
        return [serial for _, name, serial in list(self.got) if zone is None or name == zone]

    def _run(self):
        while not self.stopping:
            try:
                wire, peer = self.socket.recvfrom(4096)
            except OSError:
                continue
            try:
                message = dns.message.from_wire(wire)
            except dns.exception.DNSException:
                continue
            name = message.question[0].name.to_text().rstrip(".")
            serial = next((rr[0].serial for rr in message.answer if rr.rdtype == dns.rdatatype.SOA), None)
            self.got.append((time.monotonic(), name, serial))
            if self.heard:
                self.heard(name, serial)
            answer = dns.message.make_response(message)
            answer.flags |= dns.flags.AA
            self.socket.sendto(answer.to_wire(), peer)

    def stop(self):
        self.stopping = True
        self.thread.join(5)
        self.socket.close()


class Recorder:
    """Everything seen of one zone. Faults are kept, and raised by check(): the observer's thread cannot raise."""

    def __init__(self, zone):
        self.zone = zone
        self.lock = threading.Lock()
        self.contents = {}  # serial -> digest
        self.newest = None
        self.seen = 0
        self.faults = []

    def saw_serial(self, serial, how, floor=None):
        """floor: the newest serial known before the question was asked; an answer may not be behind it."""
        with self.lock:
            self.seen += 1
            if serial == 0:
                self.faults.append(f"{how}: serial 0")
            if floor is not None and is_ahead(floor, serial):
                self.faults.append(f"{how}: serial {serial} after {floor} was seen")
            if self.newest is None or is_ahead(serial, self.newest):
                self.newest = serial

    def saw_content(self, serial, records, how, floor=None):
        self.saw_serial(serial, how, floor)
        digest = content_digest(records)
        with self.lock:
            if self.contents.setdefault(serial, digest) != digest:
                self.faults.append(f"{how}: serial {serial} has two contents")

    def saw_notify(self, name, serial):
        if name == self.zone:
            self.saw_serial(serial, "NOTIFY")

    def axfr(self, daemon):
        """Asks, records, returns (records, serial)."""
        floor = self.newest
        records, serial = daemon.axfr(self.zone)
        self.saw_content(serial, records, "AXFR", floor)
        return records, serial

    def check(self):
        with self.lock:
            assert not self.faults, self.faults


class Observer:
    """Asks a daemon for SOA and AXFR until stopped, whether it lives or not."""

    def __init__(self, recorder, daemon):
        self.recorder = recorder
        self.daemon = daemon
        self.stopping = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopping:
            try:
                floor = self.recorder.newest
                serial = lab.soa_serial(self.daemon.address, self.daemon.port, self.recorder.zone, timeout=0.2)
                if serial is not None:
                    self.recorder.saw_serial(serial, "SOA", floor)
                self.recorder.axfr(self.daemon)
            except (OSError, EOFError, AssertionError, dns.exception.DNSException):
                time.sleep(0.005)

    def stop(self):
        self.stopping = True
        self.thread.join(30)
