"""doctor: a real parent, a real resolver-like server and real secondaries at port 53 of a namespace; each finding with its next step."""
import json
import os

import pytest

from lab import PEERS, SECRET, Bind, Nsd, Process, eventually, peer_env, soa_serial
from namespace import namespace_of, program

OURS, PARENT, ONE, TWO = "10.77.0.1", "10.77.0.53", "10.77.0.2", "10.77.0.3"
KEY = ("doctor-key", "hmac-sha256", SECRET)
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a network namespace")

SOA = "@ 3600 SOA a.root.test. hostmaster.root.test. 1 7200 900 1209600 300\n"
ZONES = {
    ".": SOA + "@ 3600 NS a.root.test.\na.root.test. 3600 A 10.77.0.53\nexample. 3600 NS ns.example.\nns.example. 3600 A 10.77.0.53\n",
    "example": SOA + """@ 3600 NS ns
ns 3600 A 10.77.0.53
good 3600 NS ns1.good
good 3600 NS ns2.good
ns1.good 3600 A 10.77.0.2
ns2.good 3600 A 10.77.0.3
bad 3600 NS ns1.bad
bad 3600 NS ns0.bad
ns1.bad 3600 A 10.77.0.9
ns0.bad 3600 A 10.77.0.1
bad 3600 DS 12345 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF
""",
}
TIMERS = "@ 3600 SOA ns1 hostmaster {serial} 7200 900 1209600 3600\n"
GOOD = TIMERS + "@ NS ns1\n@ NS ns2\nns1 A 10.77.0.2\nns2 A 10.77.0.3\n"
BAD = "@ 3600 SOA ns1 hostmaster {serial} 100000 200000 90000 90000\n@ NS ns1\nns1 A 10.77.0.2\n"


class Inside:
    """A secondary in the daemon's namespace, at port 53."""

    def argv(self):
        return ["nsenter", "-t", str(self.primary.process.pid), "-n", *super().argv()]


class InsideNsd(Inside, Nsd):
    pass


class InsideBind(Inside, Bind):
    pass


class Parent:
    """Knot with zones of its own at port 53. With the root and example it is the parent, and answers what a resolver would of them."""

    def __init__(self, folder, daemon, address=PARENT, texts=None):
        folder.mkdir()
        zones = ""
        for i, (name, text) in enumerate((texts or ZONES).items()):
            (folder / f"{i}.zone").write_text(f"$ORIGIN {name.rstrip('.')}.\n{text}")
            zones += f'  - domain: "{name}"\n    file: "{folder}/{i}.zone"\n'
        (folder / "knot.conf").write_text(f'server:\n  listen: {address}@53\n  rundir: "{folder}"\ndatabase:\n  storage: "{folder}/db"\n'
                                          f'log:\n  - target: stderr\n    any: info\nzone:\n{zones}')
        self.process = Process(folder, "parent", ["nsenter", "-t", str(daemon.process.pid), "-n", PEERS / "usr/sbin/knotd", "-c", folder / "knot.conf"],
                               env=peer_env())

    def stop(self):
        self.process.stop()


@pytest.fixture
def world(lab):
    """A daemon at port 53 with good.example, bad.example and lost.example; the parent; NSD and BIND have the zones."""
    daemon = lab.daemon(start=False, address=OURS, port=53, keys=[KEY, ("weak-key", "hmac-sha256", "MDEyMzQ1Njc=")], allow=f"{ONE};",
                        program=program([OURS, PARENT, ONE, TWO]))
    daemon.extra = (f'secondary "one" {{ also-notify {{ {ONE}; }}; transfer-from {{ {ONE}; }}; key "{KEY[0]}"; nameservers {{ {ONE}; }}; }};\n'
                    f'secondary "two" {{ also-notify {{ {TWO}; }}; transfer-from {{ {TWO}; }}; nameservers {{ {TWO}; }}; }};\n'
                    'zone "good.example" { type primary; secondaries { "one"; "two"; }; allow-transfer { none; }; };\n'
                    'zone "bad.example" { type primary; secondaries { "one"; }; };\n'
                    'zone "lost.example" { type primary; secondaries { "one"; "two"; }; };\n')
    for zone, text in (("good.example", GOOD), ("bad.example", BAD), ("lost.example", GOOD)):
        daemon.write(zone, "$TTL 3600\n" + text.format(serial=1))
    daemon.start()
    namespace = namespace_of(daemon)
    one = namespace.inside(lab.secondary, InsideNsd, daemon, ["good.example", "bad.example", "lost.example"], key=KEY, address=ONE, start=False)
    two = namespace.inside(lab.secondary, InsideBind, daemon, ["good.example", "lost.example"], address=TWO, start=False)
    parent = Parent(lab.folder / "parent", daemon)
    lab.started.append(parent)
    for secondary in (one, two):
        secondary.port = 53
        secondary.start(wait=False)
        eventually(lambda s=secondary: namespace.inside(soa_serial, s.address, 53, "good.example") == 1, 30, f"{secondary.name} with the zone")
    eventually(lambda: namespace.inside(soa_serial, PARENT, 53, "example") == 1, 30, "the parent")
    yield daemon, namespace
    namespace.close()


def doctor(daemon, namespace, *argv, code=None):
    done = namespace.inside(daemon.cli, "doctor", "-r", PARENT, "--json", *argv, check=False)
    assert done.returncode in ((0, 1) if code is None else (code,)), done.stderr
    return json.loads(done.stdout)


def of(report, check, zone=None):
    return {(f["outcome"], f["why"]) for f in report["findings"] if f["check"] == check and f["zone"] == zone}


def has(findings, outcome, *words):
    return any(o == outcome and all(w in why for w in words) for o, why in findings)


def test_a_zone_that_is_well(world):
    daemon, namespace = world
    eventually(lambda: all(o == "pass" for o, _ in of(doctor(daemon, namespace, "good.example"), "contact", "good.example")), 30, "both heard of")
    report = doctor(daemon, namespace, "good.example", code=0)
    for check in ("state", "soa-timers", "apex-ns", "two-servers", "one-provider", "visible", "parent-ns", "glue", "ns-differ"):
        findings = of(report, check, "good.example")
        assert findings and all(o == "pass" for o, _ in findings), (check, findings)
    assert has(of(report, "listeners"), "pass", f"{OURS}#53", "answers over TCP")
    assert has(of(report, "keys"), "warn", "weak-key", "64 bits")
    assert of(report, "clock") and has(of(report, "public-address"), "warn", "no address")
    tsig = of(report, "tsig", "good.example")
    assert has(tsig, "pass", "one") and has(tsig, "warn", "two", "without TSIG")
    assert all(f["next"] for f in report["findings"] if f["outcome"] in ("warn", "fail"))


def test_a_zone_with_every_fault(world):
    daemon, namespace = world
    report = doctor(daemon, namespace, "bad.example", code=1)
    assert report["outcome"] == "fail"
    timers = of(report, "soa-timers", "bad.example")
    assert has(timers, "warn", "RETRY") and has(timers, "warn", "REFRESH is 100000") and has(timers, "fail", "EXPIRE is 90000")
    assert has(of(report, "two-servers", "bad.example"), "fail", "1 name server")
    assert has(of(report, "one-provider", "bad.example"), "warn", "one")
    assert has(of(report, "parent-ns", "bad.example"), "fail", "at the parent and not in the zone", "ns0.bad.example")
    assert has(of(report, "visible", "bad.example"), "fail", "ns0.bad.example", OURS)
    glue = of(report, "glue", "bad.example")
    assert has(glue, "fail", "10.77.0.9", "ns1.bad.example") and has(glue, "warn", "10.77.0.2", "ns1.bad.example")
    assert has(of(report, "ds", "bad.example"), "fail", "has a DS", "not signed")
    assert has(of(report, "tsig", "bad.example"), "warn", "by address alone", ONE)
    text = namespace.inside(daemon.cli, "doctor", "-r", PARENT, "bad.example", check=False).stdout
    assert "bad.example" in text and "Correct the host's addresses at the registrar." in text and "failed" in text.splitlines()[-1]


def test_what_is_not_delegated_and_who_does_not_answer(world):
    daemon, namespace = world
    assert has(of(doctor(daemon, namespace, "lost.example"), "parent-ns", "lost.example"), "fail", "does not delegate")
    done = namespace.inside(daemon.cli, "doctor", "-r", "10.77.0.200", "--json", "lost.example", check=False)
    assert has(of(json.loads(done.stdout), "parent-ns", "lost.example"), "skipped", "no resolver answers")
    assert daemon.cli("doctor", "-r", "nonsense", check=False).returncode == 2
    assert daemon.cli("doctor", "nowhere.example", check=False).returncode == 1
    whole = doctor(daemon, namespace)
    assert {f["zone"] for f in whole["findings"]} == {None, "good.example", "bad.example", "lost.example"}


def test_an_old_copy_at_a_secondary_is_seen(world, lab):
    daemon, namespace = world
    two = next(s for s in lab.started if isinstance(s, Bind))
    two.zones = []
    (two.folder / "own.zone").write_text("$TTL 3600\n" + GOOD.format(serial=1) + "@ NS ns9.elsewhere.example.\n")
    two.stop()
    two.zones = []
    configure = two.configure

    def with_own():
        configure()
        conf = two.folder / "named.conf"
        conf.write_text(conf.read_text() + f'zone "good.example" {{ type primary; file "{two.folder}/own.zone"; }};\n')
    two.configure = with_own
    two.start(wait=False)
    eventually(lambda: namespace.inside(soa_serial, TWO, 53, "good.example") == 1, 30, "BIND with a copy of its own")
    assert has(of(doctor(daemon, namespace, "good.example"), "ns-differ", "good.example"), "fail", TWO, "ns9.elsewhere.example")
