"""ALIAS and URL entries against real name servers whose answers change, fail and come back."""
import signal

import pytest

from lab import PEERS, Bind, Nsd, Process, axfr, eventually, free_port, peer_env, without_soa, zone_text

ZONE = "alias.example"
TARGETS = "target.example"


class Upstream:
    """A real server of target.example's file, asked as resolvers are."""

    def __init__(self, folder, kind):
        self.folder = folder / f"up-{kind}"
        self.folder.mkdir()
        self.kind = kind
        self.port = free_port()
        self.serial = 0
        self.process = None
        self.starts = 0

    def serve(self, *records):
        """These records from now on."""
        self.serial += 1
        path = self.folder / "zone"
        path.with_suffix(".new").write_text(zone_text(TARGETS, self.serial, ["ns1 A 192.0.2.1", *records], ttl=1))
        path.with_suffix(".new").rename(path)
        if self.process:
            self.process.child.send_signal(signal.SIGHUP)

    def start(self):
        self.starts += 1
        if self.kind == "nsd":
            (self.folder / "nsd.conf").write_text(
                f'server:\n  ip-address: 127.0.0.1@{self.port}\n  username: ""\n  chroot: ""\n  zonesdir: "{self.folder}"\n  xfrdfile: "{self.folder}/xfrd"\n'
                f'  xfrdir: "{self.folder}"\n  zonelistfile: "{self.folder}/list"\n  pidfile: "{self.folder}/pid"\n  server-count: 1\n  database: ""\n'
                f'  cookie-secret-file: ""\n  xfrd-reload-timeout: 0\nremote-control:\n  control-enable: no\nzone:\n  name: "{TARGETS}"\n  zonefile: "zone"\n')
            argv = [PEERS / "usr/sbin/nsd", "-d", "-c", self.folder / "nsd.conf"]
        else:
            (self.folder / "named.conf").write_text(
                f'options {{ directory "{self.folder}"; pid-file "{self.folder}/pid"; session-keyfile none; managed-keys-directory "{self.folder}";\n'
                f"  listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; recursion no; dnssec-validation no; notify no; }};\n"
                f'controls {{ }};\nzone "{TARGETS}" {{ type primary; file "zone"; }};\n')
            argv = [PEERS / "usr/sbin/named", "-f", "-4", "-n", "1", "-c", self.folder / "named.conf"]
        self.process = Process(self.folder, f"{self.kind}-{self.starts}", argv, env=peer_env())
        return self

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None


@pytest.fixture(params=["nsd", "bind"])
def upstream(request, lab):
    upstream = Upstream(lab.folder, request.param)
    lab.started.append(upstream)
    upstream.serve("host A 192.0.2.7", "host AAAA 2001:db8::7", "chain CNAME host")
    return upstream.start()


def options(upstream, more=""):
    return f"alias-resolver port {upstream.port} {{ 127.0.0.1; }}; alias-min-interval 1; {more}"


def text(serial, *records):
    return zone_text(ZONE, serial, ["ns1 A 192.0.2.53", *records])


def addresses(daemon, owner, zone=ZONE):
    """What is published there, as words; no other type may ever be seen."""
    records = [record.split() for record in without_soa(axfr(daemon.address, daemon.port, zone)[0])]
    assert all(record[2] in ("NS", "A", "AAAA") for record in records), records
    name = f"{zone}." if owner == "@" else f"{owner}.{zone}."
    return sorted(record[3] for record in records if record[0] == name and record[2] in ("A", "AAAA"))


def wait_addresses(daemon, owner, *expected):
    eventually(lambda: addresses(daemon, owner) == sorted(expected), 60, f"{owner} as {expected}")


def test_answers_change_fail_and_come_back(lab, upstream):
    daemon = lab.daemon(start=False, options=options(upstream))
    (daemon.zones / f"{ZONE}.zone").write_text(text(1, f"@ 60 ALIAS host.{TARGETS}.", f"www ALIAS chain.{TARGETS}."))
    daemon.start()
    wait_addresses(daemon, "@", "192.0.2.7", "2001:db8::7")
    wait_addresses(daemon, "www", "192.0.2.7", "2001:db8::7")
    serial = daemon.soa(ZONE)
    assert serial == 1

    # Asked again and again, with the same answer: no new serial. The next change is seen behind that.
    upstream.serve("host A 192.0.2.8", "host A 192.0.2.7", "chain CNAME host")
    wait_addresses(daemon, "@", "192.0.2.7", "192.0.2.8")
    wait_addresses(daemon, "www", "192.0.2.7", "192.0.2.8")
    changed = daemon.soa(ZONE)
    assert changed == 2 or changed == 3  # one for both names, or one each where they were asked at different moments

    # Nobody answers: the last good addresses stay, told once.
    upstream.stop()
    eventually(lambda: f"ALIAS host.{TARGETS}: " in daemon.log() and "the last good addresses stay" in daemon.log(), 60, "the failure's line")
    assert addresses(daemon, "@") == ["192.0.2.7", "192.0.2.8"]
    # Also after a restart, and for an edit beside it.
    daemon.stop()
    daemon.start()
    assert addresses(daemon, "@") == ["192.0.2.7", "192.0.2.8"]
    daemon.write(ZONE, text(1, f"@ 60 ALIAS host.{TARGETS}.", f"www ALIAS chain.{TARGETS}.", "new A 192.0.2.99"))
    wait_addresses(daemon, "new", "192.0.2.99")
    assert addresses(daemon, "@") == ["192.0.2.7", "192.0.2.8"]
    assert daemon.soa(ZONE) == changed + 1

    # They come back, and NXDOMAIN then is a failure too.
    upstream.serve("host A 192.0.2.9", "chain CNAME host")
    upstream.start()
    wait_addresses(daemon, "@", "192.0.2.9")
    wait_addresses(daemon, "www", "192.0.2.9")
    eventually(lambda: "resolved again" in daemon.log(), 30, "the line of its end")
    upstream.serve("other A 192.0.2.9")
    eventually(lambda: f"ALIAS host.{TARGETS}: there is no such name (NXDOMAIN); the last good addresses stay" in daemon.log(), 60, "NXDOMAIN told")
    assert addresses(daemon, "@") == ["192.0.2.9"]


def test_never_resolved_is_not_published(lab, upstream):
    """A zone whose target has no address keeps what it had; told with the reason; it goes out by itself when there is one."""
    daemon = lab.daemon(options=options(upstream))
    daemon.write(ZONE, text(1, "www A 192.0.2.1"))
    wait_addresses(daemon, "www", "192.0.2.1")
    daemon.write(ZONE, text(2, "www A 192.0.2.1", f"new ALIAS missing.{TARGETS}."))
    zone = eventually(lambda: (zone := daemon.zone(ZONE))["state"] == "broken" and zone, 60, "the state")
    assert f"ALIAS missing.{TARGETS}: there is no such name (NXDOMAIN); asked again in 1 s" in str(zone), zone
    assert daemon.soa(ZONE) == 1 and addresses(daemon, "new") == []
    upstream.serve("missing A 192.0.2.44")
    wait_addresses(daemon, "new", "192.0.2.44")
    assert daemon.soa(ZONE) == 2 and daemon.zone(ZONE)["state"] == "published"


@pytest.mark.parametrize("kind", [Bind, Nsd], ids=["bind", "nsd"])
def test_a_secondary_gets_addresses_alone(lab, kind):
    upstream = Upstream(lab.folder, "nsd")
    lab.started.append(upstream)
    upstream.serve("host A 192.0.2.7")
    upstream.start()
    daemon = lab.daemon(start=False)
    secondary = lab.secondary(kind, daemon, [ZONE], start=False)
    daemon.options = options(upstream, f"url-redirector {{ 192.0.2.80; 2001:db8::80; }}; notify explicit; also-notify {{ {secondary.target()} }};")
    (daemon.zones / f"{ZONE}.zone").write_text(text(1, f"@ ALIAS host.{TARGETS}.", 'go URL "https://www.example.org/"'))
    daemon.start()
    wait_addresses(daemon, "go", "192.0.2.80", "2001:db8::80")
    secondary.start()
    secondary.wait_serial(ZONE, 1)
    upstream.serve("host A 192.0.2.8")
    eventually(lambda: f"{ZONE}. 3600 A 192.0.2.8" in secondary.axfr(ZONE)[0], 60, "the new address there")
    assert {record.split()[2] for record in secondary.axfr(ZONE)[0]} == {"NS", "A", "AAAA", "SOA"}


def test_url_without_a_redirector_is_refused(lab):
    daemon = lab.daemon()
    daemon.write(ZONE, text(1, "www A 192.0.2.1"))
    wait_addresses(daemon, "www", "192.0.2.1")
    daemon.write(ZONE, text(2, "www A 192.0.2.1", "go URL https://www.example.org/"))
    eventually(lambda: daemon.zone(ZONE)["state"] == "broken", 30, "the state")
    assert "url-redirector" in daemon.log() and daemon.soa(ZONE) == 1
    # With one, by a reload of the configuration.
    daemon.options += " url-redirector { 192.0.2.80; };"
    daemon.write_conf()
    daemon.process.child.send_signal(signal.SIGHUP)
    wait_addresses(daemon, "go", "192.0.2.80")
