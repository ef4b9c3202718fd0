"""doctor where a zone goes to secondaries that transfer and to a provider that is pushed to: who answers which NS set, and whose keys the parent's DS are of."""
import os
import shutil
import subprocess

import pytest

from lab import eventually, soa_serial
from namespace import namespace_of, program
from test_doctor import OURS, PARENT, SOA, InsideNsd, Parent, doctor, has, of
from test_push import ENV, make_api  # noqa: F401 (a fixture)

ONE, GIVEN = "10.77.0.2", "10.77.0.4"
BOTH, SIGNED = "both.example", "signed.example"
HEAD = "@ 3600 SOA ns1 hostmaster {serial} 7200 900 1209600 3600\n"
TEXT = "$TTL 3600\n" + HEAD + "@ NS ns1\n@ NS ns.given.example.\nns1 A 10.77.0.2\nwww A 192.0.2.{serial}\n"

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="needs root: a network namespace"),
              pytest.mark.skipif(not shutil.which("ldns-signzone"), reason="ldnsutils is not there")]


@pytest.fixture
def signer(tmp_path):
    """sign(serial) gives the text, sign.ds(count) the DS of its keys."""
    keys = [subprocess.run(["ldns-keygen", "-a", "ED25519", "-r", "/dev/urandom", "-k", SIGNED], cwd=tmp_path, check=True, capture_output=True,
                           text=True).stdout.strip() for _ in range(2)]

    def sign(serial):
        (tmp_path / "plain").write_text(f"$ORIGIN {SIGNED}.\n" + TEXT.format(serial=serial))
        subprocess.run(["ldns-signzone", "-i", "20260101000000", "-e", "20380101000000", "-o", SIGNED, "-f", "signed", "plain", keys[0]],
                       cwd=tmp_path, check=True, capture_output=True)
        return (tmp_path / "signed").read_text()
    sign.ds = [(tmp_path / f"{key}.ds").read_text().strip() for key in keys]
    return sign


class World:
    """NSD follows by transfer; Route 53's stand-in takes the pushes, and Knot has what is there, as Route 53's own name servers would."""

    def __init__(self, lab, make, ds):
        self.lab = lab
        self.daemon = lab.daemon(start=False, address=OURS, port=53, allow=f"{ONE};", env=dict(ENV), program=program([OURS, PARENT, ONE, GIVEN]))
        self.daemon.start()
        self.space = namespace_of(self.daemon)
        self.api = self.space.inside(make, "route53")
        self.zones = {name: self.api.add_zone(name, name_servers=["ns.given.example"]) for name in (BOTH, SIGNED)}
        credentials = lab.folder / "credentials"
        credentials.write_text(f"[default]\naws_access_key_id = {self.api.key_id}\naws_secret_access_key = {self.api.secret}\n")
        credentials.chmod(0o600)
        self.daemon.options += " guard { max-change unlimited; max-delete unlimited; protect-apex no; };"
        self.daemon.extra = (f'secondary "one" {{ also-notify {{ {ONE}; }}; transfer-from {{ {ONE}; }}; nameservers {{ {ONE}; }}; }};\n'
                             f'secondary "aws" {{ provider route53; credentials "{credentials}"; endpoint "{self.api.endpoint}"; ca-file "{self.api.ca}"; }};\n'
                             + "".join(f'zone "{z}" {{ type primary; secondaries {{ "one"; "aws"; }}; allow-transfer {{ none; }}; }};\n' for z in self.zones))
        self.reload()
        self.one = self.space.inside(lab.secondary, InsideNsd, self.daemon, list(self.zones), address=ONE, start=False)
        self.one.port = 53
        self.given = None
        delegations = "".join(f"{z} 3600 NS ns1.{z}.\n{z} 3600 NS ns.given.example.\nns1.{z} 3600 A {ONE}\n" for z in (f"{n}." for n in self.zones))
        self.parent = self.knot("parent", PARENT, {
            ".": SOA + f"@ 3600 NS a.root.test.\na.root.test. 3600 A {PARENT}\nexample. 3600 NS ns.example.\nns.example. 3600 A {PARENT}\n",
            "example": SOA + f"@ 3600 NS ns\nns 3600 A {PARENT}\nns.given 3600 A {GIVEN}\n{delegations.replace('..', '.')}" + "".join(f"{line}\n" for line in ds)})

    def reload(self):
        self.daemon.write_conf()
        self.daemon.cli("reload", check=False)  # the files are not there yet

    def knot(self, name, address, texts):
        made = Parent(self.lab.folder / name, self.daemon, address, texts)
        self.lab.started.append(made)
        for zone in texts:
            eventually(lambda z=zone: self.space.inside(soa_serial, address, 53, z) is not None, 30, f"{zone} at {name}")
        return made

    def write(self, name, serial, text):
        self.daemon.write(name, text)
        eventually(lambda: (self.phase(name), self.push(name).get("serial")) == ("in-sync", serial), 30, f"{name} {serial} pushed")

    def push(self, name):
        return next((p for p in self.daemon.zone(name)["pushes"] if p["secondary"] == "aws"), {})

    def phase(self, name):
        return self.push(name).get("phase")

    def serve(self, run):
        """What is at the stand-in now is what its name servers answer."""
        if self.given:
            self.given.stop()
        self.given = self.knot(f"given{run}", GIVEN, {
            name: "".join(f"{key[0]} {ttl} {key[1]} {value}\n" for key, (ttl, values, _) in zone.sets.items() for value in values)
            for name, zone in self.zones.items()})

    def doctor(self, name):
        return doctor(self.daemon, self.space, name)


@pytest.fixture
def worlds(lab, make_api):  # noqa: F811
    made = []

    def make(ds=()):
        made.append(World(lab, make_api, ds))
        return made[-1]
    yield make
    for world in made:
        world.space.close()


def test_an_apex_ns_set_that_differs(worlds):
    """Route 53 answers with its own, NSD with ours: an error that says who and what to do; push-apex-ns yes mends it."""
    world = worlds()
    world.write(BOTH, 1, TEXT.format(serial=1))
    world.one.start(wait=False)
    eventually(lambda: world.space.inside(soa_serial, ONE, 53, BOTH) == 1, 30, "NSD with the zone")
    world.serve(1)
    report = world.doctor(BOTH)
    assert report["outcome"] == "fail"
    (finding,) = [f for f in report["findings"] if f["check"] == "ns-differ"]
    assert finding["outcome"] == "fail" and "push-apex-ns yes" in finding["next"] and "aws" in finding["next"], finding
    assert f"ns.given.example: aws ({GIVEN}#53)" in finding["why"], finding
    both = f"ns.given.example and ns1.{BOTH}: one ({ONE}#53)", f"ns1.{BOTH} and ns.given.example: one ({ONE}#53)"
    assert any(text in finding["why"] for text in both), finding
    assert has(of(report, "push", BOTH), "pass", "aws") and has(of(report, "one-provider", BOTH), "pass")
    assert has(of(report, "apex-ns", BOTH), "pass")
    world.daemon.extra = world.daemon.extra.replace("provider route53;", "provider route53; push-apex-ns yes;")
    world.reload()
    ours = {"ns.given.example.", f"ns1.{BOTH}."}
    eventually(lambda: set(world.zones[BOTH].sets[(f"{BOTH}.", "NS", "")][1]) == ours, 30, "our NS set there")
    world.serve(2)
    assert has(of(world.doctor(BOTH), "ns-differ", BOTH), "pass", "2 servers")


def test_the_push_itself(worlds):
    """What is in its way is told: a provider that refuses, and a plan that waits for a person."""
    world = worlds()
    world.zones[BOTH].put("A", 300, ["198.51.100.1"], f"old.{BOTH}")
    world.daemon.write(BOTH, TEXT.format(serial=1))
    eventually(lambda: world.phase(BOTH) == "held", 30, "held")
    assert has(of(world.doctor(BOTH), "push", BOTH), "fail", "aws", "held", "other records")


@pytest.mark.parametrize("both_keys", [False, True])
def test_a_signed_zone_that_is_pushed(worlds, signer, both_keys):
    """doctor knows whose keys the DS at the parent are of."""
    world = worlds(signer.ds if both_keys else signer.ds[:1])
    world.write(SIGNED, 1, signer(1))
    report = world.doctor(SIGNED)
    assert has(of(report, "dnssec", SIGNED), "warn", "aws", "without signatures")
    if both_keys:
        assert has(of(report, "ds", SIGNED), "pass")
    else:
        assert has(of(report, "ds", SIGNED), "fail", "own keys", "aws")
