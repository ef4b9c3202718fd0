"""The lab: our daemon, real secondaries and a test client, each in a folder of its own on loopback addresses.

Everything that is started here is ended here. Waiting is bounded: `eventually` fails with what it saw last.
"""
import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.xfr
import dns.zone

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("ZONECRIER_BUILD", ROOT / "build")).resolve()
PEERS = ROOT / "build" / "peers" / "root"
LONG = os.environ.get("ZONECRIER_LONG") == "1"
SECRET = base64.b64encode(b"a secret of this test lab, 32 byt").decode()
# Sanitizers and loaded machines: every wait is this many times longer.
PATIENCE = float(os.environ.get("ZONECRIER_PATIENCE", "1"))


def peer_env():
    return dict(os.environ, LD_LIBRARY_PATH=f"{PEERS}/usr/lib/{os.uname().machine}-linux-gnu")


def eventually(check, timeout=15.0, what="it", step=0.02):
    """Calls check until it returns something true; returns that. Fails with the last value or exception."""
    end = time.monotonic() + timeout * PATIENCE
    last = None
    while True:
        try:
            last = check()
            if last:
                return last
        except (OSError, AssertionError, KeyError, ValueError, EOFError, dns.exception.DNSException) as e:
            last = e
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen within {timeout * PATIENCE:.0f} s; last: {last!r}")
        time.sleep(step)


def free_port(address="127.0.0.1"):
    """A port free for UDP and TCP on the address now."""
    for _ in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind((address, 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind((address, port))
                return port
            except OSError:
                continue
    raise AssertionError("no free port")


def zone_text(name, serial=1, records=(), ttl=3600, refresh=3600, ns=("ns1.example.net.",)):
    """A small zone file."""
    lines = [f"$ORIGIN {name}.", f"$TTL {ttl}",
             f"@ IN SOA ns1.example.net. hostmaster.example.net. {serial} {refresh} 600 86400 300"]
    lines += [f"@ IN NS {n}" for n in ns]
    lines += list(records)
    return "\n".join(lines) + "\n"


class Process:
    """A child in a folder, its output in a file."""

    def __init__(self, folder, name, argv, env=None):
        self.name = name
        self.log_path = Path(folder) / f"{name}.log"
        self.log_file = open(self.log_path, "ab")
        self.child = subprocess.Popen([str(a) for a in argv], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                                      stdout=self.log_file, stderr=self.log_file, start_new_session=True)

    @property
    def pid(self):
        return self.child.pid

    def log(self):
        return self.log_path.read_text(errors="replace")

    def is_running(self):
        return self.child.poll() is None

    def stop(self, sig=signal.SIGTERM, timeout=20):
        if self.child.poll() is None:
            self.child.send_signal(sig)
            try:
                self.child.wait(timeout * PATIENCE)
            except subprocess.TimeoutExpired:
                os.killpg(self.child.pid, signal.SIGKILL)
                self.child.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.log_file.close()
        return self.child.returncode


class Daemon:
    """zonecrierd in a folder: zones/ (a zone-files folder), state/, control.sock, a port of its own."""

    def __init__(self, folder, keys=(), options="", extra="", zone_files=True, address="127.0.0.1", port=None, allow=None,
                 program=None, env=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.zones = self.folder / "zones"
        self.zones.mkdir(exist_ok=True)
        self.address = address
        self.port = port or free_port(address)
        self.socket = self.folder / "control.sock"
        self.keys = list(keys)  # (name, algorithm, secret)
        self.options = options
        self.extra = extra
        self.zone_files = zone_files
        self.allow = allow
        self.program = program or [BUILD / "zonecrierd"]
        self.env = env
        self.process = None
        self.starts = 0

    @property
    def conf_path(self):
        return self.folder / "zonecrier.conf"

    def configuration(self):
        keys = "".join(f'key "{n}" {{ algorithm {a}; secret "{s}"; }};\n' for n, a, s in self.keys)
        files = f'zone-files {{ directory "{self.zones}"; }};\n' if self.zone_files else ""
        allow = self.allow if self.allow is not None else "127.0.0.0/8;"
        transfer = f"    allow-transfer {{ {allow} }};\n" if allow else ""
        # Most tests have targets that answer no questions: their zones are not to wait for that.
        lost = "" if "serial-on-lost-state" in self.options else "    serial-on-lost-state file;\n"
        # Tests write zones anew; those that ask for the guard configure it.
        guard = "" if "guard {" in self.options else "    guard { max-change unlimited; };\n"
        return (f'{keys}controls {{ unix "{self.socket}"; }};\noptions {{\n    directory "{self.folder}";\n{guard}'
                f'    state-directory "{self.folder}/state";\n    listen-on port {self.port} {{ {self.address}; }};\n'
                f'    listen-on-v6 {{ none; }};\n{transfer}{lost}    {self.options}\n}};\n{files}{self.extra}\n')

    def write_conf(self):
        self.conf_path.write_text(self.configuration())
        self.conf_path.chmod(0o600)

    def start(self, wait=True):
        self.write_conf()
        self.starts += 1
        self.process = Process(self.folder, f"zonecrierd-{self.starts}", [*self.program, "-c", self.conf_path], env=self.env)
        if wait:
            eventually(self._is_settled, timeout=30, what="the daemon's start")
        return self

    def _is_settled(self):
        if not self.process.is_running():
            raise RuntimeError(f"zonecrierd ended with {self.process.child.returncode}:\n{self.process.log()}")
        return self.socket.exists() and self.status().get("settled")

    def stop(self, sig=signal.SIGTERM):
        if self.process is None:
            return None
        code = self.process.stop(sig)
        log = self.log()
        assert "Sanitizer" not in log and "runtime error:" not in log, log
        self.process = None
        return code

    def kill(self):
        """kill -9."""
        self.process.child.kill()
        self.process.child.wait(10)
        self.process.log_file.close()
        self.process = None

    def log(self):
        return "".join(p.read_text(errors="replace") for p in sorted(self.folder.glob("zonecrierd-*.log"), key=lambda p: p.stat().st_mtime))

    def cli(self, *argv, check=True, timeout=60):
        done = subprocess.run([BUILD / "zonecrier", "--socket", self.socket, *map(str, argv)], capture_output=True, text=True,
                              timeout=timeout * PATIENCE)
        if check:
            assert done.returncode == 0, f"{argv}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def status(self):
        return json.loads(self.cli("status", "--json").stdout)

    def zone(self, name):
        for zone in self.status()["zones"]:
            if zone["zone"] == name:
                return zone
        raise KeyError(name)

    def write(self, name, text, reload=False):
        """Replaces the zone's file by rename, as editors and tools do."""
        temporary = self.zones / f".{name}.tmp"
        temporary.write_text(text)
        temporary.rename(self.zones / f"{name}.zone")
        if reload:
            self.cli("reload", name, check=False)

    def soa(self, name, tcp=False, **kwargs):
        """The serial we serve, asked as a client would."""
        return soa_serial(self.address, self.port, name, tcp=tcp, **kwargs)

    def wait_serial(self, name, serial, timeout=15):
        eventually(lambda: self.soa(name) == serial, timeout, f"serial {serial} of {name} at the primary")

    def axfr(self, name, **kwargs):
        return axfr(self.address, self.port, name, **kwargs)


def soa_serial(address, port, name, tcp=False, timeout=3, source=None):
    query = dns.message.make_query(name, "SOA")
    query.flags &= ~dns.flags.RD
    send = dns.query.tcp if tcp else dns.query.udp
    answer = send(query, address, timeout=timeout * PATIENCE, port=port, source=source)
    for rrset in answer.answer:
        if rrset.rdtype == dns.rdatatype.SOA:
            return rrset[0].serial
    return None


WIRE_ALGORITHMS = {"hmac-md5": "hmac-md5.sig-alg.reg.int."}


def keyring(name, secret, algorithm="hmac-sha256"):
    return dns.tsigkeyring.from_text({name: (WIRE_ALGORITHMS.get(algorithm, algorithm), secret)})


CLIENT = "127.0.0.9"  # the test's own address: nobody's secondary


def axfr(address, port, name, key=None, source=CLIENT, timeout=30):
    """Every record of an AXFR as sorted text lines, the SOA once; and the serial."""
    kwargs = {}
    if key:
        kwargs = {"keyring": keyring(key[0], key[2], key[1]), "keyname": key[0], "keyalgorithm": WIRE_ALGORITHMS.get(key[1], key[1])}
    zone = dns.zone.Zone(dns.name.from_text(name), relativize=False)
    messages = dns.query.xfr(address, name, port=port, relativize=False, source=source, timeout=timeout * PATIENCE,
                             lifetime=timeout * PATIENCE, **kwargs)
    records, serials = [], []
    for message in messages:
        for rrset in message.answer:
            for rdata in rrset:
                if rrset.rdtype == dns.rdatatype.SOA:
                    serials.append(rdata.serial)
                    if len(serials) > 1:
                        continue
                records.append(f"{rrset.name.to_text()} {rrset.ttl} {dns.rdatatype.to_text(rrset.rdtype)} {rdata.to_text()}")
    assert len(serials) == 2 and serials[0] == serials[1], serials
    del zone
    return sorted(records), serials[0]


def file_records(text, name):
    """The records of a zone text by dnspython, in axfr()'s form."""
    zone = dns.zone.from_text(text, origin=name, relativize=False, check_origin=False)
    records = []
    for owner, node in zone.nodes.items():
        for rdataset in node.rdatasets:
            for rdata in rdataset:
                records.append(f"{owner.to_text()} {rdataset.ttl} {dns.rdatatype.to_text(rdataset.rdtype)} {rdata.to_text()}")
    return sorted(records)


def without_soa(records):
    return [r for r in records if " SOA " not in r]


class Secondary:
    """A real server that follows our daemon."""
    name = "?"
    keeps_case = True

    def __init__(self, folder, primary, zones, key=None, address="127.0.0.1"):
        self.folder = Path(folder) / self.name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.primary = primary
        self.zones = list(zones)
        self.key = key
        self.address = address
        self.port = free_port(address)
        self.process = None
        self.starts = 0

    def argv(self):
        raise NotImplementedError

    def configure(self):
        raise NotImplementedError

    def start(self, wait=True):
        self.configure()
        self.starts += 1
        self.process = Process(self.folder, f"{self.name}-{self.starts}", self.argv(), env=peer_env())
        if wait:
            eventually(lambda: self.answers(), 20, f"{self.name}'s start: {self.log()[-2000:]}")
        return self

    def answers(self):
        assert self.process.is_running(), self.log()
        dns.query.udp(dns.message.make_query(self.zones[0] if self.zones else "example", "SOA"), self.address, timeout=1, port=self.port)
        return True

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None

    def log(self):
        return "".join(p.read_text(errors="replace") for p in sorted(self.folder.glob("*.log"), key=lambda p: p.stat().st_mtime))

    def serial(self, zone):
        return soa_serial(self.address, self.port, zone)

    def axfr(self, zone):
        return axfr(self.address, self.port, zone)

    def wait_serial(self, zone, serial, timeout=30):
        eventually(lambda: self.serial(zone) == serial, timeout, f"serial {serial} of {zone} at {self.name} (log: {self.log()[-1500:]})")

    def target(self):
        """For our also-notify."""
        key = f' key "{self.key[0]}"' if self.key else ""
        return f"{self.address} port {self.port}{key};"

    def ixfr_count(self):
        """How many IXFRs its log tells, and how many AXFRs."""
        raise NotImplementedError


class Bind(Secondary):
    name = "bind"

    def configure(self):
        key = f'key "{self.key[0]}" {{ algorithm {self.key[1]}; secret "{self.key[2]}"; }};\n' if self.key else ""
        use = f' key "{self.key[0]}"' if self.key else ""
        allow = f'{{ {self.primary.address}; key "{self.key[0]}"; }}' if self.key else f"{{ {self.primary.address}; }}"
        zones = "".join(f'zone "{z}" {{ type secondary; file "{z}.db"; masterfile-format text; '
                        f"primaries {{ {self.primary.address} port {self.primary.port}{use}; }}; allow-notify {allow}; }};\n" for z in self.zones)
        (self.folder / "named.conf").write_text(
            f'{key}options {{ directory "{self.folder}"; pid-file "{self.folder}/named.pid"; session-keyfile none;\n'
            f'  managed-keys-directory "{self.folder}"; listen-on port {self.port} {{ {self.address}; }}; listen-on-v6 {{ none; }};\n'
            f"  recursion no; dnssec-validation no; allow-transfer {{ any; }}; notify no; transfer-source {self.address};\n"
            f"  notify-source {self.address}; request-ixfr yes; serial-query-rate 1000; min-retry-time 1; min-refresh-time 1; minimal-responses yes; }};\n"
            f'logging {{ channel f {{ file "{self.folder}/bind-named.log"; severity debug 3; print-time yes; }}; category default {{ f; }}; '
            f"category xfer-in {{ f; }}; category notify {{ f; }}; }};\ncontrols {{ }};\n{zones}")

    def argv(self):
        return [PEERS / "usr/sbin/named", "-f", "-4", "-n", "2", "-c", self.folder / "named.conf"]

    def ixfr_count(self):
        log = self.log()
        return len(re.findall(r"received IXFR|got incremental response", log)), len(re.findall(r"got nonincremental response", log))


class Nsd(Secondary):
    name = "nsd"
    keeps_case = False  # it serves names in lower case, whatever it was sent

    def __init__(self, *args, address="127.0.0.2", **kwargs):
        super().__init__(*args, address=address, **kwargs)

    def configure(self):
        use = self.key[0] if self.key else "NOKEY"
        key = f'key:\n  name: "{self.key[0]}"\n  algorithm: {self.key[1]}\n  secret: "{self.key[2]}"\n' if self.key else ""
        zones = "".join(f'zone:\n  name: "{z}"\n  zonefile: "{z}.zone"\n  request-xfr: {self.primary.address}@{self.primary.port} {use}\n'
                        f"  allow-notify: {self.primary.address} {use}\n  outgoing-interface: {self.address}\n  provide-xfr: 127.0.0.0/8 NOKEY\n"
                        f"  max-retry-time: 5\n  min-retry-time: 1\n" for z in self.zones)
        (self.folder / "nsd.conf").write_text(
            f'server:\n  ip-address: {self.address}@{self.port}\n  username: ""\n  chroot: ""\n  zonesdir: "{self.folder}"\n  xfrdfile: "{self.folder}/xfrd.state"\n'
            f'  xfrdir: "{self.folder}"\n  zonelistfile: "{self.folder}/zone.list"\n  pidfile: "{self.folder}/nsd.pid"\n  verbosity: 2\n  server-count: 1\n'
            f'  cookie-secret-file: ""\n  database: ""\n  xfrd-reload-timeout: 0\nremote-control:\n  control-enable: no\n{key}{zones}')

    def argv(self):
        return [PEERS / "usr/sbin/nsd", "-d", "-c", self.folder / "nsd.conf"]

    def ixfr_count(self):
        # NSD does not log which kind it got; ours does.
        return None


class Knot(Secondary):
    name = "knot"
    keeps_case = False

    def __init__(self, *args, address="127.0.0.3", **kwargs):
        super().__init__(*args, address=address, **kwargs)

    def configure(self):
        (self.folder / "db").mkdir(exist_ok=True)
        key = f'key:\n  - id: "{self.key[0]}"\n    algorithm: {self.key[1]}\n    secret: "{self.key[2]}"\n' if self.key else ""
        use = f'    key: "{self.key[0]}"\n' if self.key else ""
        zones = "".join(f'  - domain: "{z}"\n    master: primary\n    acl: [notify, transfer]\n' for z in self.zones)
        (self.folder / "knot.conf").write_text(
            f'server:\n  listen: {self.address}@{self.port}\n  rundir: "{self.folder}"\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n'
            f'log:\n  - target: stderr\n    any: info\ndatabase:\n  storage: "{self.folder}/db"\n{key}'
            f"remote:\n  - id: primary\n    address: {self.primary.address}@{self.primary.port}\n    via: {self.address}\n{use}"
            f"acl:\n  - id: notify\n    address: {self.primary.address}\n    action: notify\n{use}  - id: transfer\n    address: 127.0.0.0/8\n    action: transfer\n"
            f'template:\n  - id: default\n    storage: "{self.folder}"\n    zonefile-load: whole\n    journal-content: changes\n    refresh-min-interval: 2\n    retry-min-interval: 1\n'
            f"zone:\n{zones}")

    def argv(self):
        return [PEERS / "usr/sbin/knotd", "-c", self.folder / "knot.conf"]

    def ixfr_count(self):
        log = self.log()
        return len(re.findall(r"IXFR, incoming.*finished", log)), len(re.findall(r"AXFR, incoming.*finished", log))


def need_peers():
    """True where the real secondaries are unpacked."""
    return (PEERS / "usr/sbin/named").exists() and shutil.which("dig") is not None
