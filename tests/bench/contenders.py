"""The servers that are measured, each configured as a hidden primary at its best: a difference is made of every edit and kept for
IXFR, nothing is checked that could be left out, and no limit holds NOTIFY, transfers or answers back.

A contender has configure(zones, targets), argv(), reload(zone or None) and `bump`: whether the file's serial has to be raised by hand.
"""
import base64
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("ZONECRIER_BUILD", ROOT / "build")).resolve()
PEERS = ROOT / "build" / "peers" / "root"
SERVER = "127.0.0.1"
KEY, SECRET = "bench-key", b"the secret of the bench, 32 octet"
SECRET_TEXT = base64.b64encode(SECRET).decode()


class Contender:
    name = "?"
    bump = True
    watches = False  # sees an edit by itself, without a reload command
    env = None

    def __init__(self, folder, port, control_port):
        self.folder, self.port, self.control_port = Path(folder), port, control_port
        self.folder.mkdir(parents=True, exist_ok=True)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def edited_while_down(self, zone):
        """What it needs before it is started with a file that was edited meanwhile."""

    def version(self):
        words = subprocess.run(self.version_argv(), capture_output=True, text=True, env=self.env)
        return (words.stdout + words.stderr).splitlines()[0].split(" (Ext")[0].strip()


class Zonecrier(Contender):
    name = "zonecrier"
    bump = False
    watches = True
    told = ("serial-on-lost-state file (its secondaries are not asked for a serial at a cold start; the peers do not ask either), the guard "
            "against large changes off (the peers have none), notify-rate lifted")

    def version_argv(self):
        return [BUILD / "zonecrierd", "--version"]

    def configure(self, zones, targets):
        state = self.folder / "state"
        state.mkdir(mode=0o700, exist_ok=True)
        hosts = "".join(f" {address} port {port};" for address, port in targets)
        self.write("zonecrier.conf", f"""
key "{KEY}" {{ algorithm hmac-sha256; secret "{SECRET_TEXT}"; }};
controls {{ unix "{self.folder}/control.sock"; }};
options {{
    directory "{self.folder}";
    state-directory "{state}";
    listen-on port {self.port} {{ {SERVER}; }};
    listen-on-v6 {{ none; }};
    serial-update-method increment;
    serial-on-lost-state file;
    guard {{ max-change unlimited; max-delete unlimited; }};
    notify-rate 1000000;
    also-notify {{{hosts} }};
    allow-transfer {{ key "{KEY}"; 127.0.0.0/8; }};
    tcp-clients 3000;
    tcp-clients-per-peer 3000;
    transfers-out 3000;
}};
zone-files {{ directory "{zones.folder}"; }};
""")

    def argv(self):
        return [BUILD / "zonecrierd", "-c", self.folder / "zonecrier.conf"]

    def reload(self, zone=None):
        return [BUILD / "zonecrier", "--socket", self.folder / "control.sock", "reload", *([zone] if zone else [])]


class Peer(Contender):
    env = dict(os.environ, LD_LIBRARY_PATH=f"{PEERS}/usr/lib/{os.uname().machine}-linux-gnu")
    sbin = PEERS / "usr/sbin"


class Knot(Peer):
    name = "knot"
    bump = False
    told = "journal-content all, zonefile-load difference-no-serial, semantic-checks off"

    def version_argv(self):
        return [self.sbin / "knotd", "--version"]

    def configure(self, zones, targets):
        (self.folder / "db").mkdir(exist_ok=True)
        remotes = "".join(f"  - id: t{i}\n    address: {address}@{port}\n" for i, (address, port) in enumerate(targets))
        notify = ", ".join(f"t{i}" for i in range(len(targets)))
        entries = "".join(f'  - domain: "{zone.name}"\n    file: "{zone.path}"\n' for zone in zones.zones)
        self.write("knot.conf", f"""
server:
    rundir: "{self.folder}"
    listen: {SERVER}@{self.port}
    udp-workers: 2
    tcp-workers: 10
    background-workers: 2
    tcp-max-clients: 3000
log:
  - target: "{self.folder}/log"
    any: warning
database:
    storage: "{self.folder}/db"
    journal-db-mode: robust
    journal-db-max-size: 20G
control:
    listen: "{self.folder}/knot.sock"
key:
  - id: {KEY}
    algorithm: hmac-sha256
    secret: {SECRET_TEXT}
remote:
{remotes}acl:
  - id: plain
    address: 127.0.0.0/8
    action: transfer
  - id: signed
    address: 127.0.0.0/8
    key: {KEY}
    action: transfer
template:
  - id: default
    storage: "{self.folder}"
    journal-content: all
    journal-max-usage: 4G
    zonefile-load: difference-no-serial
    zonefile-sync: -1
    serial-policy: increment
    semantic-checks: off
    notify: [{notify}]
    acl: [plain, signed]
zone:
{entries}""")

    def argv(self):
        return [self.sbin / "knotd", "-c", self.folder / "knot.conf"]

    def reload(self, zone=None):
        return [self.sbin / "knotc", "-s", self.folder / "knot.sock", "zone-reload", *([zone] if zone else [])]


class Nsd(Peer):
    name = "nsd"
    told = "create-ixfr, two servers, no rate limit, xfrd-reload-timeout 0"

    def version_argv(self):
        return [self.sbin / "nsd", "-v"]

    def configure(self, zones, targets):
        notify = "".join(f"    notify: {address}@{port} NOKEY\n" for address, port in targets)
        entries = "".join(f'zone:\n    name: "{zone.name}"\n    zonefile: "{zone.path}"\n    include-pattern: p\n' for zone in zones.zones)
        self.write("nsd.conf", f"""
server:
    server-count: 2
    ip-address: {SERVER}@{self.port}
    reuseport: yes
    username: ""
    chroot: ""
    database: ""
    zonesdir: "{self.folder}"
    xfrdfile: "{self.folder}/xfrd.state"
    xfrdir: "{self.folder}"
    zonelistfile: "{self.folder}/zone.list"
    pidfile: "{self.folder}/nsd.pid"
    logfile: "{self.folder}/log"
    cookie-secret-file: ""
    tcp-count: 1500
    tcp-timeout: 60
    xfrd-reload-timeout: 0
    zonefiles-check: yes
    zonefiles-write: 0
    rrl-ratelimit: 0
remote-control:
    control-enable: yes
    control-interface: "{self.folder}/control.sock"
key:
    name: {KEY}
    algorithm: hmac-sha256
    secret: "{SECRET_TEXT}"
pattern:
    name: p
{notify}    provide-xfr: 127.0.0.0/8 NOKEY
    provide-xfr: 127.0.0.0/8 {KEY}
    store-ixfr: yes
    create-ixfr: yes
{entries}""")

    def argv(self):
        return [self.sbin / "nsd", "-d", "-c", self.folder / "nsd.conf"]

    def reload(self, zone=None):
        return [self.sbin / "nsd-control", "-c", self.folder / "nsd.conf", "reload", *([zone] if zone else [])]


class Bind(Peer):
    name = "bind"
    told = "ixfr-from-differences, notify-rate, startup-notify-rate and serial-query-rate lifted, no integrity checks"

    def version_argv(self):
        return [self.sbin / "named", "-v"]

    def configure(self, zones, targets):
        hosts = "".join(f" {address} port {port};" for address, port in targets)
        entries = "".join(f'zone "{zone.name}" {{ type primary; file "{zone.path}"; }};\n' for zone in zones.zones)
        rndc = f'key "rndc" {{ algorithm hmac-sha256; secret "{SECRET_TEXT}"; }};\n'
        self.write("rndc.conf", f'{rndc}options {{ default-key "rndc"; default-server {SERVER}; default-port {self.control_port}; }};\n')
        self.write("named.conf", f"""
{rndc}key "{KEY}" {{ algorithm hmac-sha256; secret "{SECRET_TEXT}"; }};
controls {{ inet {SERVER} port {self.control_port} allow {{ 127.0.0.0/8; }} keys {{ "rndc"; }}; }};
logging {{ channel f {{ file "{self.folder}/log"; severity warning; }}; category default {{ f; }}; }};
options {{
    directory "{self.folder}";
    pid-file "{self.folder}/named.pid";
    session-keyfile none;
    managed-keys-directory "{self.folder}";
    listen-on port {self.port} {{ {SERVER}; }};
    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
    minimal-responses yes;
    zone-statistics none;
    check-integrity no;
    check-names primary ignore;
    ixfr-from-differences primary;
    max-ixfr-ratio unlimited;
    notify explicit;
    also-notify {{{hosts} }};
    notify-delay 0;
    notify-rate 100000;
    startup-notify-rate 100000;
    serial-query-rate 100000;
    allow-transfer {{ key "{KEY}"; 127.0.0.0/8; }};
    transfer-format many-answers;
    transfer-message-size 65535;
    transfers-out 3000;
    tcp-clients 3000;
    tcp-listen-queue 1000;
}};
{entries}""")

    def edited_while_down(self, zone):
        # Else: "journal rollforward failed: journal out of sync with zone", and the zone is not loaded.
        zone.path.with_name(zone.path.name + ".jnl").unlink(missing_ok=True)

    def argv(self):
        return [self.sbin / "named", "-f", "-4", "-n", "2", "-c", self.folder / "named.conf"]

    def reload(self, zone=None):
        rndc = next((path for path in (self.sbin / "rndc", PEERS / "usr/bin/rndc") if path.exists()), "rndc")
        return [rndc, "-c", self.folder / "rndc.conf", "reload", *([zone] if zone else [])]


CONTENDERS = {c.name: c for c in (Zonecrier, Knot, Nsd, Bind)}
