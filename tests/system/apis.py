"""Stand-ins for the APIs of Route 53 and Cloudflare, over HTTPS, with the standard library (and dnspython to read values).

They hold what the documents say: signatures are computed here from the request alone, batches are all or nothing, a DELETE names
exactly what is there, limits and rates are counted, changes are PENDING before they are INSYNC. Each can be told to throttle, fail,
cut its answer, stall, or apply a batch and lose the answer.
"""
import contextlib
import datetime
import hashlib
import hmac
import http.server
import itertools
import json
import re
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse
import xml.etree.ElementTree as ElementTree
from collections import deque
from xml.sax.saxutils import escape

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

NS = "https://route53.amazonaws.com/doc/2013-04-01/"


def make_ca(folder):
    """A test CA and a certificate for 127.0.0.1: paths of the CA, the certificate and its key."""
    folder.mkdir(parents=True, exist_ok=True)

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test CA")
    openssl("req", *curve, "-keyout", "api.key", "-out", "api.csr", "-subj", "/CN=api")
    (folder / "ext").write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "api.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "ext",
            "-out", "api.pem")
    return folder / "ca.pem", folder / "api.pem", folder / "api.key"


class Answer(Exception):
    """Ends a request with this status and body."""

    def __init__(self, status, body, headers=()):
        super().__init__(status)
        self.status, self.body, self.headers = status, body, dict(headers)


class Api:
    """A server on 127.0.0.1 with requests counted, and faults to be met."""

    def __init__(self, folder):
        self.ca, certificate, key = make_ca(folder)
        self.lock = threading.RLock()
        self.log = []      # (time, kind)
        self.faults = []   # [kind of request or "any", fault, how often]
        self.faulted = []
        self.throttled = 0
        self.connections = set()  # of clients
        self.problems = []  # what a well-behaved client does not do
        self.stop = threading.Event()
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def run(self):
                length = int(self.headers.get("Content-Length") or 0)
                api.handle(self, self.rfile.read(length) if length else b"")

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = run

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @property
    def host(self):
        return f"127.0.0.1:{self.port}"

    def close(self):
        self.stop.set()
        self.server.shutdown()
        self.server.server_close()

    def fault(self, request, fault, times=1):
        """The next requests of this kind ("list", "change", "any" ...) meet the fault."""
        with self.lock:
            self.faults.append([request, fault, times])

    def take_fault(self, kind):
        with self.lock:
            for entry in self.faults:
                if entry[0] in ("any", kind) and entry[2] > 0:
                    entry[2] -= 1
                    self.faulted.append((kind, entry[1]))
                    return entry[1]
        return None

    def count(self, kind):
        with self.lock:
            return sum(1 for _, k in self.log if k == kind)

    def handle(self, handler, body):
        kind, fault = "?", None
        try:
            with self.lock:
                kind = self.kind_of(handler)
                self.log.append((time.monotonic(), kind))
                self.connections.add(handler.client_address)
            fault = self.take_fault(kind)
            with self.lock:
                self.check(handler, body)
            if fault == "stall":
                self.stop.wait(60)
                return
            if fault == "5xx":
                raise Answer(503, b"<html>busy</html>")
            if fault in ("throttle", "busy"):
                raise self.refusal(fault)
            with self.lock:
                status, text, headers = self.answer(handler, kind, body)
        except Answer as answer:
            status, text, headers = answer.status, answer.body, answer.headers
        if fault == "lose":  # done, and nobody hears of it
            handler.close_connection = True
            with contextlib.suppress(OSError):
                handler.connection.shutdown(socket.SHUT_RDWR)
            return
        text = text.encode() if isinstance(text, str) else text
        with contextlib.suppress(OSError):
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(text)))
            handler.end_headers()
            if fault == "cut":
                handler.wfile.write(text[:len(text) // 2])
                handler.close_connection = True
            elif fault == "truncated":  # the length is told as if this were all
                handler.close_connection = True
            else:
                handler.wfile.write(text)
            handler.wfile.flush()


# ---- Route 53 ----

R53_TYPES = "A AAAA CAA CNAME DS HTTPS MX NAPTR NS PTR SOA SPF SRV SSHFP SVCB TLSA TXT".split()


def octal_to_master(text):
    return re.sub(r"\\(?:([0-3][0-7]{2})|(.))", lambda m: f"\\{int(m[1], 8):03d}" if m[1] else m[0], text)


def r53_name(text):
    """As Route 53 gives names back: lower case, octal escapes."""
    name = dns.name.from_text(octal_to_master(text)).canonicalize()
    plain = b"abcdefghijklmnopqrstuvwxyz0123456789-_"
    return ".".join("".join(chr(c) if c in plain else f"\\{c:03o}" for c in label) for label in name.labels)


def r53_rdata(rrtype, value):
    return dns.rdata.from_text(dns.rdataclass.IN, rrtype, octal_to_master(value), relativize=False)


class Zone53:
    def __init__(self, identity, name, private=False, name_servers=("ns-1.awsdns-01.example", "ns-2.awsdns-02.example")):
        self.id, self.name, self.private, self.name_servers = identity, r53_name(name), private, list(name_servers)
        self.sets = {}  # (name, type, set identifier or "") -> (ttl, [values], extra XML)
        first = self.name_servers[0]
        self.put("SOA", 900, [f"{first}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"])
        self.put("NS", 172800, [f"{n}." for n in self.name_servers])
        self.changes = 0

    def put(self, rrtype, ttl, values, name=None, identifier="", extra=""):
        self.sets[(r53_name(name) if name else self.name, rrtype, identifier)] = (ttl, list(values), extra)

    def key(self, key):
        name, rrtype, identifier = key
        return (list(reversed(name.rstrip(".").split("."))), rrtype, identifier)

    def records(self):
        """(name, type, ttl, rdata) of all but SOA and apex NS, as dnspython reads them."""
        found = set()
        for (name, rrtype, identifier), (ttl, values, extra) in self.sets.items():
            if identifier or extra or (name == self.name and rrtype in ("SOA", "NS")):
                continue
            for value in values:
                found.add((dns.name.from_text(octal_to_master(name)), rrtype, ttl, r53_rdata(rrtype, value)))
        return found


class Route53(Api):
    def __init__(self, folder, key_id="AKIDTEST", secret="a+secret/of/the+test", token=None, path="", region="us-east-1"):
        self.key_id, self.secret, self.token, self.path, self.region = key_id, secret, token, path, region
        self.zones = {}
        self.change_times = {}  # id -> INSYNC at
        self.spread = 0.3
        self.rate = 5
        self.arrivals = deque()
        self.refused = {}  # (name, type) that is refused
        self.refuse_soa = False
        self.page = 300
        self.batches = []
        self.counter = itertools.count(1)
        self.conflicts = 0
        self.clock_skew = 0
        super().__init__(folder)

    @property
    def endpoint(self):
        return f"https://{self.host}{self.path}"

    def add_zone(self, name, identity=None, **kwargs):
        identity = identity or f"Z{next(self.counter):08d}TEST"
        self.zones[identity] = Zone53(identity, name, **kwargs)
        return self.zones[identity]

    def error(self, status, code, message):
        return Answer(status, f'<?xml version="1.0"?>\n<ErrorResponse xmlns="{NS}"><Error><Type>Sender</Type><Code>{code}</Code>'
                              f'<Message>{escape(message)}</Message></Error><RequestId>r</RequestId></ErrorResponse>')

    def refusal(self, fault):
        if fault == "throttle":
            return self.error(400, "Throttling", "Rate exceeded")
        return self.error(400, "PriorRequestNotComplete",
                          "The request was rejected because Route 53 was still processing a prior request.")

    def split(self, handler):
        path, _, query = handler.path.partition("?")
        if not path.startswith(self.path):
            raise self.error(404, "NotFound", path)
        return path[len(self.path):], urllib.parse.parse_qs(query, keep_blank_values=True)

    def kind_of(self, handler):
        path, _ = self.split(handler)
        if path.startswith("/2013-04-01/change/"):
            return "sync"
        if path.startswith("/2013-04-01/hostedzonesbyname"):
            return "find"
        if "/rrset" in path:
            return "change" if handler.command == "POST" else "list"
        return "zone"

    def check(self, handler, body):
        now = time.monotonic()
        while self.arrivals and now - self.arrivals[0] >= 1.0:
            self.arrivals.popleft()
        if len(self.arrivals) >= self.rate:
            self.throttled += 1
            raise self.error(400, "Throttling", "Rate exceeded")
        self.arrivals.append(now)
        self.check_signature(handler, body)

    def check_signature(self, handler, body):
        headers = {k.lower(): v for k, v in handler.headers.items()}
        match = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/route53/aws4_request, SignedHeaders=([^,]+), "
                             r"Signature=([0-9a-f]{64})", headers.get("authorization", ""))
        if not match:
            raise self.error(403, "IncompleteSignature", "no signature")
        key_id, day, region, signed, signature = match.groups()
        if key_id != self.key_id:
            raise self.error(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
        if self.token is not None and headers.get("x-amz-security-token") != self.token:
            raise self.error(403, "InvalidClientTokenId", "the session token is another")
        date = headers.get("x-amz-date", "")
        at = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
        if abs(time.time() + self.clock_skew - at) > 300 or not date.startswith(day) or region != self.region:
            raise self.error(403, "SignatureDoesNotMatch", f"Signature expired: {date} is not now")
        names = signed.split(";")
        if "host" not in names or "x-amz-date" not in names or names != sorted(names):
            raise self.error(403, "IncompleteSignature", "host and x-amz-date are to be signed")
        path, _, query = handler.path.partition("?")
        fields = sorted(tuple((f + "=").split("=")[:2]) for f in query.split("&") if f)
        canonical = "\n".join([handler.command, urllib.parse.quote(path, safe="/-_.~"), "&".join(f"{k}={v}" for k, v in fields),
                               *(f"{n}:{' '.join(headers[n].split())}" for n in names), "", signed, hashlib.sha256(body).hexdigest()])
        scope = f"{day}/{region}/route53/aws4_request"
        to_sign = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = b"AWS4" + self.secret.encode()
        for part in (day, region, "route53", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        if hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest() != signature:
            raise self.error(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")

    def answer(self, handler, kind, body):
        path, query = self.split(handler)
        if kind == "find":
            text = self.find(query)
        elif kind == "sync":
            text = self.change_status(path.rsplit("/", 1)[1])
        else:
            identity = path.split("/")[3]
            if identity not in self.zones:
                raise self.error(404, "NoSuchHostedZone", f"No hosted zone found with ID: {identity}")
            zone = self.zones[identity]
            text = {"zone": lambda: self.hosted_zone(zone), "list": lambda: self.list(zone, query),
                    "change": lambda: self.change(zone, body)}[kind]()
        return 200, f'<?xml version="1.0"?>\n{text}', {"Content-Type": "text/xml"}

    def zone_xml(self, zone):
        return (f"<HostedZone><Id>/hostedzone/{zone.id}</Id><Name>{zone.name}</Name><CallerReference>c</CallerReference>"
                f"<Config><PrivateZone>{str(zone.private).lower()}</PrivateZone></Config></HostedZone>")

    def find(self, query):
        start = r53_name(query["dnsname"][0])
        order = sorted(self.zones.values(), key=lambda z: list(reversed(z.name.rstrip(".").split("."))))
        found = [z for z in order if list(reversed(z.name.rstrip(".").split("."))) >= list(reversed(start.rstrip(".").split(".")))]
        listed = "".join(self.zone_xml(z) for z in found[:int(query["maxitems"][0])])
        return f'<ListHostedZonesByNameResponse xmlns="{NS}"><HostedZones>{listed}</HostedZones></ListHostedZonesByNameResponse>'

    def hosted_zone(self, zone):
        servers = "".join(f"<NameServer>{n}</NameServer>" for n in zone.name_servers)
        return (f'<GetHostedZoneResponse xmlns="{NS}">{self.zone_xml(zone)}<DelegationSet><NameServers>{servers}</NameServers>'
                f"</DelegationSet></GetHostedZoneResponse>")

    def set_xml(self, key, value):
        (name, rrtype, identifier), (ttl, values, extra) = key, value
        listed = "".join(f"<ResourceRecord><Value>{escape(v)}</Value></ResourceRecord>" for v in values)
        records = f"<TTL>{ttl}</TTL><ResourceRecords>{listed}</ResourceRecords>" if values else ""
        chosen = f"<SetIdentifier>{identifier}</SetIdentifier><Weight>1</Weight>" if identifier else ""
        return f"<ResourceRecordSet><Name>{name}</Name><Type>{rrtype}</Type>{chosen}{records}{extra}</ResourceRecordSet>"

    def list(self, zone, query):
        items = min(int(query.get("maxitems", ["300"])[0]), self.page)
        if "type" in query and "name" not in query:
            raise self.error(400, "InvalidInput", "type without name")
        keys = sorted(zone.sets, key=zone.key)
        if "name" in query:
            start = (r53_name(query["name"][0]), query.get("type", [""])[0], query.get("identifier", [""])[0])
            keys = [k for k in keys if zone.key(k) >= zone.key(start)]
        page, rest = keys[:items], keys[items:]
        more = ""
        if rest:
            more = f"<NextRecordName>{rest[0][0]}</NextRecordName><NextRecordType>{rest[0][1]}</NextRecordType>"
            if rest[0][2]:
                more += f"<NextRecordIdentifier>{rest[0][2]}</NextRecordIdentifier>"
        sets = "".join(self.set_xml(k, zone.sets[k]) for k in page)
        return (f'<ListResourceRecordSetsResponse xmlns="{NS}"><ResourceRecordSets>{sets}</ResourceRecordSets>'
                f"<IsTruncated>{str(bool(rest)).lower()}</IsTruncated>{more}<MaxItems>{items}</MaxItems></ListResourceRecordSetsResponse>")

    def read_change(self, change):
        tag = f"{{{NS}}}"
        action = change.findtext(f"{tag}Action")
        one = change.find(f"{tag}ResourceRecordSet")
        if [c.tag.replace(tag, "") for c in one] != ["Name", "Type", "TTL", "ResourceRecords"]:
            raise self.error(400, "InvalidInput", "Invalid XML ; cvc-complex-type.2.4.a")
        values = [r.findtext(f"{tag}Value") for r in one.find(f"{tag}ResourceRecords")]
        return action, r53_name(one.findtext(f"{tag}Name")), one.findtext(f"{tag}Type"), int(one.findtext(f"{tag}TTL")), values

    def check_value(self, name, rrtype, ttl, values):
        where = f"[name='{name}', type='{rrtype}']"
        if rrtype not in R53_TYPES or not 0 <= ttl < 2 ** 31 or not values or len(values) > 400 or len(set(values)) != len(values):
            raise self.error(400, "InvalidChangeBatch", f"Invalid Resource Record set {where}")
        if (name, rrtype) in self.refused or (self.refuse_soa and rrtype == "SOA"):
            raise self.error(400, "InvalidChangeBatch", f"The resource record set {where} is not liked")
        for value in values:
            try:
                r53_rdata(rrtype, value)
            except Exception as e:
                raise self.error(400, "InvalidChangeBatch", f"Invalid value {value} of {where}: {e}") from e
            if rrtype in ("TXT", "SPF") and not re.fullmatch(r'("(\\.|[ -!#-\[\]-~])*" ?)+', value):
                raise self.error(400, "InvalidChangeBatch", f"TXT of {where} is not enclosed in quotation marks")

    def change(self, zone, body):
        root = ElementTree.fromstring(body)
        if root.tag != f"{{{NS}}}ChangeResourceRecordSetsRequest":
            raise self.error(400, "MalformedInput", "ChangeBatch is not valid, expected ChangeResourceRecordSetsRequest")
        changes = [self.read_change(c) for c in root.iter(f"{{{NS}}}Change")]
        elements = sum(len(v) * (2 if a == "UPSERT" else 1) for a, _, _, _, v in changes)
        characters = sum(sum(map(len, v)) * (2 if a == "UPSERT" else 1) for a, _, _, _, v in changes)
        if elements > 1000 or characters > 32000:
            self.problems.append(f"a batch of {elements} elements and {characters} characters")
            raise self.error(400, "InvalidChangeBatch", "Number of records limit of 1000 exceeded.")
        sets = dict(zone.sets)
        for action, name, rrtype, ttl, values in changes:
            key = (name, rrtype, "")
            if not (name == zone.name or name.endswith("." + zone.name)):
                raise self.error(400, "InvalidChangeBatch", f"RRSet with DNS name {name} is not permitted in zone {zone.name}")
            where = f"[name='{name}', type='{rrtype}']"
            if action == "DELETE":
                if key not in sets:
                    self.conflicts += 1
                    raise self.error(400, "InvalidChangeBatch", f"Tried to delete resource record set {where} but it was not found")
                if (sets[key][0], sorted(sets[key][1])) != (ttl, sorted(values)):
                    self.conflicts += 1
                    raise self.error(400, "InvalidChangeBatch", f"Tried to delete resource record set {where} but the values provided "
                                                                "do not match the current values")
                del sets[key]
                continue
            self.check_value(name, rrtype, ttl, values)
            if action == "CREATE" and key in sets:
                self.conflicts += 1
                raise self.error(400, "InvalidChangeBatch", f"Tried to create resource record set {where} but it already exists")
            if any(k[0] == name and k[1] == rrtype and k[2] for k in sets):
                self.problems.append(f"{where} beside a weighted set")
            sets[key] = (ttl, values, "")
        names = {}
        for name, rrtype, _ in sets:
            names.setdefault(name, set()).add(rrtype)
        for name, types in names.items():
            if "CNAME" in types and len(types) > 1:
                raise self.error(400, "InvalidChangeBatch", f"RRSet of type CNAME with DNS name {name} is not permitted as it conflicts")
        if "SOA" not in names.get(zone.name, ()) or "NS" not in names.get(zone.name, ()):
            raise self.error(400, "InvalidChangeBatch", "A HostedZone must contain exactly one SOA record and one NS record")
        for key, value in zone.sets.items():
            if (key[2] or value[2]) and sets.get(key) != value:
                self.problems.append(f"{key} is somebody else's")
        zone.sets = sets
        zone.changes += 1
        self.batches.append((zone.name, changes))
        change = f"C{next(self.counter):010d}"
        self.change_times[change] = time.monotonic() + self.spread
        return f'<ChangeResourceRecordSetsResponse xmlns="{NS}">{self.change_xml(change)}</ChangeResourceRecordSetsResponse>'

    def change_xml(self, change):
        status = "INSYNC" if time.monotonic() >= self.change_times[change] else "PENDING"
        return f"<ChangeInfo><Id>/change/{change}</Id><Status>{status}</Status><SubmittedAt>2026-11-22T00:00:00Z</SubmittedAt></ChangeInfo>"

    def change_status(self, change):
        if change not in self.change_times:
            raise self.error(404, "NoSuchChange", "no such change")
        return f'<GetChangeResponse xmlns="{NS}">{self.change_xml(change)}</GetChangeResponse>'


# ---- Cloudflare ----

# Members of "data", in the order of zone file text; "q" is a quoted one.
CF_DATA = {
    "SRV": "priority weight port target", "CAA": "flags tag q:value", "DS": "key_tag algorithm digest_type digest",
    "SSHFP": "algorithm type fingerprint", "TLSA": "usage selector matching_type certificate",
    "SMIMEA": "usage selector matching_type certificate",
    "NAPTR": "order preference q:flags q:service q:regex replacement", "SVCB": "priority target value", "HTTPS": "priority target value",
    "URI": "weight q:target",
    "LOC": "lat_degrees lat_minutes lat_seconds lat_direction long_degrees long_minutes long_seconds long_direction altitude size "
           "precision_horz precision_vert",
}
CF_NAMES = {"target": ("SRV", "SVCB", "HTTPS"), "replacement": ("NAPTR",)}
CF_PLAIN = "A AAAA CNAME NS PTR TXT MX OPENPGPKEY".split()


class ZoneCf:
    def __init__(self, identity, name, name_servers=("amy.ns.example", "bob.ns.example")):
        self.id, self.name, self.name_servers = identity, name.rstrip("."), list(name_servers)
        self.listed = {}  # id -> record

    def records(self):
        return {(dns.name.from_text(r["name"]), r["type"], r["ttl"], cf_rdata(r)) for r in self.listed.values() if not cf_is_foreign(r)}


def cf_is_foreign(record):
    return record.get("proxied") or record.get("meta", {}).get("email_routing")


def cf_rdata(record):
    rrtype, data = record["type"], record.get("data")
    if rrtype in CF_DATA:
        words = []
        for member in CF_DATA[rrtype].split():
            quoted, _, name = member.rpartition(":")
            value = data[name]
            if quoted:
                value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
            elif rrtype in CF_NAMES.get(name, ()):
                value = value if value.endswith(".") else value + "."
            elif name in ("altitude", "size", "precision_horz", "precision_vert"):
                value = f"{value:.2f}m"
            words.append(str(value))
        text = " ".join(words)
        if rrtype == "URI":
            text = f"{record['priority']} {text}"
    else:
        text = record["content"]
        if rrtype in ("CNAME", "NS", "PTR", "MX") and not text.endswith("."):
            text += "."
        if rrtype == "MX":
            text = f"{record['priority']} {text}"
    return dns.rdata.from_text(dns.rdataclass.IN, rrtype, text, relativize=False)


class Cloudflare(Api):
    def __init__(self, folder, token="test-token_0123456789"):
        self.token = token
        self.zones = {}
        self.rate, self.window = 1200, 300
        self.arrivals = deque()
        self.limit = 200
        self.counter = itertools.count(1)
        self.refused = set()  # (name, type)
        self.batches = []
        self.incoming = {}  # zone id -> {"soa_serial": ...}, or a function that gives it: zones it transfers (secondary DNS)
        self.forced = []    # (when, zone)
        super().__init__(folder)

    @property
    def endpoint(self):
        return f"https://{self.host}/client/v4"

    def add_zone(self, name, **kwargs):
        identity = hashlib.md5(f"{name}{next(self.counter)}".encode()).hexdigest()
        self.zones[identity] = ZoneCf(identity, name, **kwargs)
        return self.zones[identity]

    def add_record(self, zone, **record):
        identity = f"{next(self.counter):032x}"
        zone.listed[identity] = {"id": identity, "proxied": False, "ttl": 300, **record}
        return identity

    def error(self, status, code, message, pointer=None):
        error = {"code": code, "message": message}
        if pointer:
            error["source"] = {"pointer": pointer}
        return Answer(status, json.dumps({"success": False, "errors": [error], "messages": [], "result": None}))

    def refusal(self, fault):
        answer = self.error(429, 971, "Please wait and consider throttling your request speed")
        answer.headers["Retry-After"] = "1"
        return answer

    def kind_of(self, handler):
        path = handler.path.partition("?")[0]
        if path.endswith("/dns_records/batch"):
            return "change"
        if path.endswith("/dns_records"):
            return "list"
        if path.endswith("/force_axfr"):
            return "force"
        if path.endswith("/secondary_dns/incoming"):
            return "incoming"
        return "find" if path.endswith("/zones") else "zone"

    def check(self, handler, body):
        now = time.monotonic()
        while self.arrivals and now - self.arrivals[0] >= self.window:
            self.arrivals.popleft()
        if len(self.arrivals) >= self.rate:
            self.throttled += 1
            raise self.refusal("throttle")
        self.arrivals.append(now)
        if handler.headers.get("Authorization") != f"Bearer {self.token}":
            raise self.error(403, 10000, "Authentication error")

    def ok(self, result, **more):
        return 200, json.dumps({"success": True, "errors": [], "messages": [], "result": result, **more}), {"Content-Type": "application/json"}

    def answer(self, handler, kind, body):
        path, _, query = handler.path.partition("?")
        query = urllib.parse.parse_qs(query)
        if kind == "find":
            wanted = query.get("name", [""])[0]
            return self.ok([self.zone_json(z) for z in self.zones.values() if not wanted or z.name == wanted])
        identity = path.split("/")[4]
        if identity not in self.zones:
            raise self.error(404, 7003, "Could not route to the zone")
        zone = self.zones[identity]
        if kind == "zone":
            return self.ok(self.zone_json(zone))
        if kind in ("force", "incoming") and identity not in self.incoming:
            raise self.error(400, 8004, "Zone is not configured as a secondary zone.")
        if kind == "force":
            if handler.command != "POST" or json.loads(body) != {}:
                self.problems.append(f"force_axfr by {handler.command} with {body}")
            self.forced.append((time.monotonic(), zone.name))
            return self.ok("OK")
        if kind == "incoming":
            held = self.incoming[identity]
            return self.ok({"id": zone.id, "name": zone.name + ".", "auto_refresh_seconds": 86400, "peers": ["23ff594956f20c2a721606e94745a8aa"],
                            **(held() if callable(held) else held)})
        if kind == "list":
            return self.list(zone, query)
        return self.batch(zone, json.loads(body))

    def zone_json(self, zone):
        return {"id": zone.id, "name": zone.name, "name_servers": zone.name_servers, "status": "active"}

    def list(self, zone, query):
        page, per_page = int(query.get("page", ["1"])[0]), int(query.get("per_page", ["100"])[0])
        if per_page > 100:
            raise self.error(400, 1004, "per_page is too large")
        records = [r for r in zone.listed.values() if "name" not in query or r["name"] == query["name"][0]]
        part = records[(page - 1) * per_page:page * per_page]
        return self.ok(part, result_info={"page": page, "per_page": per_page, "count": len(part), "total_count": len(records)})

    def batch(self, zone, batch):
        operations = sum(len(batch.get(k, [])) for k in ("deletes", "patches", "puts", "posts"))
        if operations > self.limit:
            self.problems.append(f"a batch of {operations} operations")
            raise self.error(400, 1004, "batch is too large")
        records = dict(zone.listed)
        for entry in batch.get("deletes", []):
            if entry["id"] not in records:
                raise self.error(404, 81044, "Record does not exist.")
            if cf_is_foreign(records.pop(entry["id"])):
                self.problems.append("a record that is somebody else's was deleted")
        posted = []
        for index, entry in enumerate(batch.get("posts", [])):
            posted.append(self.post(zone, records, dict(entry), f"/posts/{index}"))
        zone.listed = records
        self.batches.append((zone.name, batch))
        return self.ok({"deletes": batch.get("deletes", []), "patches": [], "puts": [], "posts": posted})

    def post(self, zone, records, entry, pointer):
        rrtype, name = entry["type"], entry["name"]
        if rrtype not in CF_DATA and rrtype not in CF_PLAIN:
            raise self.error(400, 1004, f"type {rrtype}", pointer)
        if not (name == zone.name or name.endswith("." + zone.name)) or name.endswith(".") or (name, rrtype) in self.refused:
            raise self.error(400, 9000, "DNS name is invalid.", pointer)
        if entry["ttl"] != 1 and not 60 <= entry["ttl"] <= 86400:
            raise self.error(400, 9021, "Invalid TTL.", pointer)
        if rrtype == "TXT" and not (entry["content"].startswith('"') and len(entry["content"]) > 2):
            raise self.error(400, 9207, "Content for TXT record is invalid.", pointer)
        if rrtype in ("A", "AAAA", "CNAME") and entry.get("proxied") is not False:
            self.problems.append("proxied is not said to be false")
        try:
            rdata = cf_rdata(entry)
        except Exception as e:
            raise self.error(400, 9005, f"Content for {rrtype} record is invalid: {e}", pointer) from e
        if rrtype == "AAAA":
            entry["content"] = rdata.to_text()
        for other in records.values():
            if other["name"] != name:
                continue
            if other["type"] == rrtype and cf_rdata(other) == rdata:
                raise self.error(400, 81058, "An identical record already exists.", pointer)
            if "CNAME" in (rrtype, other["type"]):
                raise self.error(400, 81053, "An A, AAAA, or CNAME record with that host already exists.", pointer)
        identity = f"{next(self.counter):032x}"
        if rrtype in CF_DATA:
            entry.setdefault("content", " ".join(str(v) for v in entry["data"].values()))
        records[identity] = {**entry, "id": identity, "proxied": False, "meta": {}}
        return records[identity]
