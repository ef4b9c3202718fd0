"""What is published is at Route 53 and Cloudflare: every record, nothing twice, within their limits and rates, whatever they answer."""
import os
import random
import re
import shutil
import string
import subprocess
import time

import dns.name
import dns.rdata
import dns.zone
import pytest

from apis import Cloudflare, Route53, cf_is_foreign, cf_rdata, r53_rdata
from lab import PATIENCE, eventually, free_port, zone_text
from test_web import check_metrics, get, value
from test_alias import TARGETS, Upstream
from test_alias import options as resolver_of

APEX_TYPES = ("SOA", "NS")
ENV = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}


class Pushed:
    """A daemon that pushes to one stand-in."""

    def __init__(self, lab, api, provider, statements="", options="", name="primary", start=True, credentials=None, env=None):
        self.api, self.provider = api, provider
        self.secondary = {"route53": "aws", "cloudflare-records": "cf"}[provider]
        folder = lab.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        self.credentials = folder / "credentials"
        if credentials is None:
            self.write_credentials()
        self.daemon = lab.daemon(
            name, start=False, allow="", env=dict(env or ENV),
            options=f'guard {{ max-change unlimited; max-delete unlimited; protect-apex no; }}; secondaries {{ "{self.secondary}"; }}; {options}',
            extra=f'secondary "{self.secondary}" {{ provider {provider}; credentials "{credentials or self.credentials}"; '
                  f'endpoint "{api.endpoint}"; ca-file "{api.ca}"; {statements} }};')
        if start:
            self.daemon.start()

    def write_credentials(self, **other):
        api = self.api
        if self.provider == "route53":
            lines = ["[other]", "aws_access_key_id = nobody", "aws_secret_access_key = nothing", "[default]",
                     f"aws_access_key_id = {other.get('key_id', api.key_id)}", f"aws_secret_access_key={other.get('secret', api.secret)}"]
            if api.token:
                lines.append(f"aws_session_token = {other.get('token', api.token)}")
        else:
            lines = ["# a token", other.get("token", api.token)]
        temporary = self.credentials.with_suffix(".new")
        temporary.write_text("\n".join(lines) + "\n")
        temporary.chmod(other.get("mode", 0o600))
        temporary.rename(self.credentials)

    def push(self, zone):
        return next(p for p in self.daemon.zone(zone)["pushes"] if p["secondary"] == self.secondary)

    def wait_phase(self, zone, phase, timeout=30):
        return eventually(lambda: (p := self.push(zone))["phase"] == phase and p, timeout, f"{zone} {phase} at {self.secondary}")

    def wait_in_sync(self, zone, serial, timeout=40):
        def check():
            push = self.push(zone)
            assert push["phase"] == "in-sync" and push["serial"] == serial, push
            return push
        return eventually(check, timeout, f"serial {serial} of {zone} at {self.secondary}")

    def write(self, zone, text):
        """Publishes, gives back the serial."""
        before = self.daemon.soa(zone) if (self.daemon.zones / f"{zone}.zone").exists() else None
        self.daemon.write(zone, text)
        return eventually(lambda: (s := self.daemon.soa(zone)) != before and s, 15, f"a new serial of {zone}")


def records_of(text, name, provider):
    """What is to be there: (name, type, ttl, rdata) of the text, less SOA and apex NS."""
    zone = dns.zone.from_text(text, origin=name, relativize=False, check_origin=False)
    found = set()
    for owner, node in zone.nodes.items():
        for rdataset in node.rdatasets:
            rrtype = dns.rdatatype.to_text(rdataset.rdtype)
            if owner == zone.origin and rrtype in APEX_TYPES:
                continue
            ttl = min(max(rdataset.ttl, 60), 86400) if provider == "cloudflare-records" else rdataset.ttl
            found |= {(owner, rrtype, ttl, rdata) for rdata in rdataset}
    return found


def soa_serial_there(zone):
    return int(zone.sets[(zone.name, "SOA", "")][1][0].split()[2])


@pytest.fixture(params=["route53", "cloudflare-records"])
def provider(request):
    return request.param


@pytest.fixture
def make_api(tmp_path):
    made = []

    def make(provider, **kwargs):
        api = (Route53 if provider == "route53" else Cloudflare)(tmp_path / f"api{len(made)}", **kwargs)
        made.append(api)
        return api
    yield make
    for api in made:
        api.close()
        assert not api.problems, api.problems


@pytest.fixture
def api(provider, make_api):
    return make_api(provider)


SOME = ["www 300 IN A 192.0.2.1", "www 300 IN A 192.0.2.2", "www IN AAAA 2001:db8::1", "* IN TXT \"a; b\" \"\\\"c\\\\ \\226\"",
        "mail IN MX 10 mx.example.net.", "alias IN CNAME www", "_sip._tcp IN SRV 1 2 5060 sip.example.net.",
        "@ IN CAA 0 issue \"ca.example\"", "sub IN NS ns.other.example.", "sub IN DS 1 8 2 " + "ab" * 32, "ptr IN PTR host.example.",
        "_443._tcp IN TLSA 3 1 1 " + "cd" * 32, "host IN SSHFP 4 2 " + "ef" * 32,
        "n IN NAPTR 10 20 \"u\" \"E2U+sip\" \"!^.*$!sip:a@example.com!\" .", "svc IN HTTPS 1 . alpn=\"h2,h3\" port=8443"]


def test_a_zone_and_its_edits_arrive(lab, api, provider):
    """First push to an empty zone, an edit, a record replaced by a CNAME, a deletion; one change request each."""
    zone = api.add_zone("example.com")
    world = Pushed(lab, api, provider)
    text = zone_text("example.com", 7, SOME)
    assert world.write("example.com", text) == 7
    push = world.wait_in_sync("example.com", 7)
    assert zone.records() == records_of(text, "example.com", provider)
    assert push["name_servers"] == zone.name_servers and push["zone_id"] == zone.id
    for serial, lines in ((8, SOME[1:] + ["new IN A 192.0.2.9"]), (9, ["www IN CNAME web.example.net."] + SOME[4:]), (10, SOME[4:])):
        changes, lists = api.count("change"), api.count("list")
        text = zone_text("example.com", serial, lines)
        world.write("example.com", text)
        world.wait_in_sync("example.com", serial)
        assert zone.records() == records_of(text, "example.com", provider)
        assert api.count("change") == changes + 1
        if provider == "route53":
            assert api.count("list") == lists and soa_serial_there(zone) == serial


def test_serial_alone(lab, make_api):
    """A new serial without other changes: Route 53's SOA has it, its other fields are as they were."""
    api = make_api("route53")
    zone = api.add_zone("example.com")
    world = Pushed(lab, api, "route53")
    world.write("example.com", zone_text("example.com", 7, SOME))
    world.wait_in_sync("example.com", 7)
    world.write("example.com", zone_text("example.com", 8, SOME))
    world.wait_in_sync("example.com", 8)
    assert zone.sets[("example.com.", "SOA", "")][1] == ["ns-1.awsdns-01.example. awsdns-hostmaster.amazon.com. 8 7200 900 1209600 86400"]
    assert world.push("example.com")["shows_serial"] is True


def test_soa_refused_or_switched_off(lab, make_api):
    """Where the SOA is refused the rest is pushed all the same, and where it is off nothing is asked of it."""
    api = make_api("route53")
    zone, quiet = api.add_zone("example.com"), api.add_zone("example.net")
    api.refuse_soa = True
    world = Pushed(lab, api, "route53")
    text = zone_text("example.com", 7, SOME)
    world.write("example.com", text)
    world.wait_in_sync("example.com", 7)
    assert zone.records() == records_of(text, "example.com", "route53") and soa_serial_there(zone) == 1
    assert world.push("example.com")["shows_serial"] is False
    api.refuse_soa = False
    world.daemon.extra = world.daemon.extra.replace("ca-file", "push-soa-serial no; ca-file")
    world.daemon.write_conf()
    world.daemon.cli("reload", check=False)
    text = zone_text("example.net", 3, SOME)
    world.write("example.net", text)
    world.wait_in_sync("example.net", 3)
    assert quiet.records() == records_of(text, "example.net", "route53") and soa_serial_there(quiet) == 1


FAULTS = [("change", "throttle"), ("change", "5xx"), ("change", "cut"), ("change", "lose"), ("list", "cut"), ("list", "throttle"),
          ("list", "5xx"), ("change", "truncated")]


@pytest.mark.parametrize("request_kind,fault", FAULTS)
def test_faults(lab, api, provider, request_kind, fault):
    """A fault in the first push and in an edit: nothing lost, nothing applied twice, in sync in the end."""
    zone = api.add_zone("example.com")
    world = Pushed(lab, api, provider, start=False)
    api.fault(request_kind, fault)
    world.daemon.start()
    text = zone_text("example.com", 7, SOME)
    world.write("example.com", text)
    world.wait_in_sync("example.com", 7)
    assert zone.records() == records_of(text, "example.com", provider) and api.faulted
    api.fault("change", fault, 2)
    text = zone_text("example.com", 8, SOME[2:] + ["x IN A 192.0.2.7"])
    world.write("example.com", text)
    world.wait_in_sync("example.com", 8)
    assert zone.records() == records_of(text, "example.com", provider)
    assert len(api.faulted) == 3


def test_prior_request_not_complete(lab, make_api):
    api = make_api("route53")
    zone = api.add_zone("example.com")
    world = Pushed(lab, api, "route53")
    api.fault("change", "busy", 3)
    text = zone_text("example.com", 7, SOME)
    world.write("example.com", text)
    world.wait_in_sync("example.com", 7)
    assert zone.records() == records_of(text, "example.com", "route53")


def test_a_stalled_answer_is_given_up(lab, make_api):
    """The main loop answers meanwhile, and another zone's edit is published."""
    api = make_api("route53")
    zone = api.add_zone("example.com")
    world = Pushed(lab, api, "route53")
    api.fault("change", "stall")
    text = zone_text("example.com", 7, SOME)
    world.write("example.com", text)
    eventually(lambda: api.faulted, 15, "the stall")
    begin = time.monotonic()
    assert world.push("example.com")["phase"] == "changing"
    assert time.monotonic() - begin < 5 * PATIENCE
    world.wait_in_sync("example.com", 7, timeout=60)
    assert zone.records() == records_of(text, "example.com", "route53")


def test_refused_record_is_named_and_the_next_version_goes(lab, api, provider):
    zone = api.add_zone("example.com")
    if provider == "route53":
        api.refused = {("bad.example.com.", "A"): True}
    else:
        api.refused = {("bad.example.com", "A")}
    world = Pushed(lab, api, provider)
    world.write("example.com", zone_text("example.com", 7, SOME + ["bad IN A 192.0.2.66", "ok IN A 192.0.2.67"]))
    push = world.wait_phase("example.com", "failed", timeout=60)
    assert "bad.example.com" in push["reason"], push
    text = zone_text("example.com", 8, SOME + ["ok IN A 192.0.2.67"])
    world.write("example.com", text)
    world.wait_in_sync("example.com", 8)
    assert zone.records() == records_of(text, "example.com", provider)


def fill(api, zone, provider):
    """Records that somebody put there."""
    if provider == "route53":
        zone.put("A", 300, ["198.51.100.1"], "old.example.com")
        zone.put("A", 60, ["198.51.100.2"], "www.example.com")
    else:
        api.add_record(zone, name="old.example.com", type="A", content="198.51.100.1")
        api.add_record(zone, name="www.example.com", type="A", content="198.51.100.2", ttl=60)


def test_first_push_over_other_records_is_held(lab, api, provider):
    """Held, shown, approved by its hash alone; the hash is the same after a restart."""
    zone = api.add_zone("example.com")
    fill(api, zone, provider)
    world = Pushed(lab, api, provider)
    text = zone_text("example.com", 7, SOME)
    world.write("example.com", text)
    held = world.wait_phase("example.com", "held")
    assert "holds other records" in held["reason"] and api.count("change") == 0
    plan = world.daemon.cli("plan", "example.com", "--secondary", world.secondary, check=False)
    assert plan.returncode == 4 and "- old.example.com. 300 IN A 198.51.100.1" in plan.stdout, plan
    assert "+ alias.example.com. 3600 IN CNAME www.example.com." in plan.stdout and held["hash"] in plan.stdout
    wrong = world.daemon.cli("approve", "example.com", "0" * 64, "--secondary", world.secondary, check=False)
    assert wrong.returncode == 1 and "another hash" in wrong.stderr
    world.daemon.stop()
    world.daemon.start()
    assert world.wait_phase("example.com", "held")["hash"] == held["hash"]
    assert api.count("change") == 0
    world.daemon.cli("approve", "example.com", held["hash"], "--secondary", world.secondary)
    world.wait_in_sync("example.com", 7)
    assert zone.records() == records_of(text, "example.com", provider)


def put_foreign(api, zone, provider):
    """Alias, weighted and geolocation sets; proxied and mail-routing records: foreign_of() them."""
    if provider == "route53":
        zone.put("A", 0, [], "alias2.example.com",
                 extra="<AliasTarget><HostedZoneId>Z2</HostedZoneId><DNSName>x.example.</DNSName></AliasTarget>")
        zone.put("A", 60, ["198.51.100.1"], "weighted.example.com", identifier="one")
        zone.put("A", 60, ["198.51.100.2"], "weighted.example.com", identifier="two")
        zone.put("A", 60, ["198.51.100.3"], "geo.example.com", identifier="eu", extra="<GeoLocation><ContinentCode>EU</ContinentCode></GeoLocation>")
    else:
        api.add_record(zone, name="cdn.example.com", type="A", content="198.51.100.1", proxied=True)
        api.add_record(zone, name="example.com", type="MX", content="route1.mx.example", priority=5, meta={"email_routing": True})
    return foreign_of(zone, provider)


def foreign_of(zone, provider):
    if provider == "route53":
        return {k: v for k, v in zone.sets.items() if v[2] or k[2]}
    return {k: dict(v) for k, v in zone.listed.items() if cf_is_foreign(v)}


def test_what_is_not_ours_stays(lab, api, provider):
    """Neither changed nor in the way."""
    zone = api.add_zone("example.com")
    foreign = put_foreign(api, zone, provider)
    assert len(foreign) == (4 if provider == "route53" else 2)
    world = Pushed(lab, api, provider, "drift-interval 1s;")
    text = zone_text("example.com", 7, SOME)
    world.write("example.com", text)
    world.wait_in_sync("example.com", 7)
    lists = api.count("list")
    eventually(lambda: api.count("list") > lists + 2, 30, "comparisons")
    assert foreign_of(zone, provider) == foreign
    assert zone.records() == records_of(text, "example.com", provider)


def test_drift_is_repaired(lab, api, provider):
    zone = api.add_zone("example.com")
    world = Pushed(lab, api, provider, "drift-interval 1s;")
    text = zone_text("example.com", 7, SOME)
    world.write("example.com", text)
    world.wait_in_sync("example.com", 7)
    with api.lock:
        if provider == "route53":
            zone.put("A", 300, ["198.51.100.9"], "somebody.example.com")
            zone.put("A", 300, ["198.51.100.9"], "www.example.com")
            zone.sets.pop(("alias.example.com.", "CNAME", ""))
        else:
            api.add_record(zone, name="somebody.example.com", type="A", content="198.51.100.9")
            zone.listed = {k: v for k, v in zone.listed.items() if v["type"] != "CNAME"}
            next(v for v in zone.listed.values() if v["name"] == "www.example.com" and v["type"] == "A")["content"] = "198.51.100.9"
        foreign = put_foreign(api, zone, provider)
    eventually(lambda: zone.records() == records_of(text, "example.com", provider), 30, "repair")
    eventually(lambda: "3 RRsets at" in world.daemon.log(), 15, "its line")
    assert foreign_of(zone, provider) == foreign
    world.wait_in_sync("example.com", 7)


def test_drift_is_reported(lab, api, provider):
    """It stays until `push`."""
    zone = api.add_zone("example.com")
    world = Pushed(lab, api, provider, "drift-interval 1s; drift report;")
    text = zone_text("example.com", 7, SOME)
    world.write("example.com", text)
    world.wait_in_sync("example.com", 7)
    with api.lock:
        if provider == "route53":
            zone.put("A", 300, ["198.51.100.9"], "somebody.example.com")
        else:
            api.add_record(zone, name="somebody.example.com", type="A", content="198.51.100.9")
        foreign = put_foreign(api, zone, provider)
    eventually(lambda: world.push("example.com")["drift"] == 1, 30, "drift in status")
    compared = world.push("example.com")["compared_at"]
    eventually(lambda: world.push("example.com")["compared_at"] > compared, 30, "one more comparison")
    assert len(zone.records()) == len(records_of(text, "example.com", provider)) + 1
    world.daemon.cli("push", "example.com", "--secondary", world.secondary)
    eventually(lambda: zone.records() == records_of(text, "example.com", provider), 30, "push")
    assert foreign_of(zone, provider) == foreign


def test_the_guard_holds_a_repair(lab, api, provider):
    """What deletes more of what is there than max-delete allows waits for approve; an edit that does is held before it is pushed."""
    zone = api.add_zone("example.com")
    world = Pushed(lab, api, provider, "drift-interval 1s;", start=False)
    world.daemon.options = world.daemon.options.replace("max-delete unlimited", "max-delete 30%")
    world.daemon.start()
    text = zone_text("example.com", 7, SOME)
    world.write("example.com", text)
    world.wait_in_sync("example.com", 7)
    changes = api.count("change")
    with api.lock:
        for i in range(10):
            if provider == "route53":
                zone.put("A", 300, ["198.51.100.9"], f"somebody{i}.example.com")
            else:
                api.add_record(zone, name=f"somebody{i}.example.com", type="A", content="198.51.100.9")
    held = world.wait_phase("example.com", "held")
    assert re.search(r"10 of 2\d RRsets there would be deleted \(limit 30 %\)", held["reason"]), held
    world.daemon.write("example.com", zone_text("example.com", 8, SOME[:2]))
    eventually(lambda: world.daemon.zone("example.com")["state"] == "held", 20, "the edit held")
    assert api.count("change") == changes
    world.daemon.write("example.com", text)
    held = world.wait_phase("example.com", "held")
    world.daemon.cli("approve", "example.com", held["hash"], "--secondary", world.secondary)
    eventually(lambda: zone.records() == records_of(text, "example.com", provider), 30, "repair")


def test_a_newer_publish_replaces_the_waiting_one(lab, make_api):
    """While one push is on its way three versions are published: it ends, then the newest goes alone."""
    api = make_api("route53")
    zone = api.add_zone("example.com")
    world = Pushed(lab, api, "route53")
    world.write("example.com", zone_text("example.com", 7, SOME))
    world.wait_in_sync("example.com", 7)
    api.spread = 3600
    before = api.count("change")
    for serial in (8, 9, 10, 11):
        text = zone_text("example.com", serial, [*SOME, f"new{serial} IN A 192.0.2.{serial}"])
        world.write("example.com", text)
        if serial == 8:
            world.wait_phase("example.com", "spreading")
    assert api.count("change") == before + 1 and soa_serial_there(zone) == 8, "one change at a time"
    with api.lock:
        api.spread = 0.1
        api.change_times = dict.fromkeys(api.change_times, time.monotonic())
    world.wait_in_sync("example.com", 11)
    assert zone.records() == records_of(text, "example.com", "route53")
    assert api.count("change") == before + 2, "9 and 10 were not pushed"


def test_an_alias_is_pushed_resolved(lab, api, provider):
    """Its addresses go out, never its own type nor the provider's alias; a new answer is pushed."""
    upstream = Upstream(lab.folder, "nsd")
    lab.started.append(upstream)
    upstream.serve("host A 192.0.2.7")
    upstream.start()
    zone = api.add_zone("example.com")
    world = Pushed(lab, api, provider, options=resolver_of(upstream))
    world.daemon.write("example.com", zone_text("example.com", 7, [f"@ 300 ALIAS host.{TARGETS}.", "www A 192.0.2.1"]))

    def has(address):
        assert zone.records() == records_of(zone_text("example.com", 7, [f"@ 300 A {address}", "www A 192.0.2.1"]), "example.com", provider)
        return True
    eventually(lambda: has("192.0.2.7"), 60, "the target's address there")
    upstream.serve("host A 192.0.2.8")
    eventually(lambda: has("192.0.2.8"), 60, "the new address there")


def test_plan_of_what_is_in_sync(lab, api, provider):
    zone = api.add_zone("example.com")
    world = Pushed(lab, api, provider)
    world.write("example.com", zone_text("example.com", 7, SOME))
    world.wait_in_sync("example.com", 7)
    plan = world.daemon.cli("plan", "example.com", "--secondary", world.secondary)
    assert "0 RRsets created, 0 replaced, 0 deleted" in plan.stdout
    with api.lock:
        fill(api, zone, provider)
    plan = world.daemon.cli("plan", "example.com", "--secondary", world.secondary)
    assert "- old.example.com. 300 IN A 198.51.100.1" in plan.stdout and zone.changes if provider == "route53" else True
    missing = world.daemon.cli("push", "example.com", "--secondary", "nobody", check=False)
    assert missing.returncode == 1 and "is not pushed" in missing.stderr
    world.wait_in_sync("example.com", 7)


def test_metrics(lab, api, provider):
    """promtool takes them; they say what is in sync, what is asked, what waits."""
    api.add_zone("example.com")
    fill(api, api.add_zone("example.net"), provider)
    port = free_port()
    world = Pushed(lab, api, provider, start=False)
    world.daemon.extra += f"\nstatistics-channels {{ inet 127.0.0.1 port {port} allow {{ 127.0.0.1; }}; }};"
    world.daemon.start()

    def now(family):
        text = get(port, "/metrics")[1]
        check_metrics(text)
        return value(text, f'{family}{{secondary="{world.secondary}"}}')
    world.write("example.com", zone_text("example.com", 7, SOME))
    world.wait_in_sync("example.com", 7)
    world.write("example.net", zone_text("example.net", 7, ["www A 192.0.2.1"]))
    world.wait_phase("example.net", "held")
    assert [now(f"push_{family}") for family in ("zones", "in_sync", "held", "retrying", "failed", "throttled_total")] == [2, 1, 1, 0, 0, 0]
    assert now("push_batches_total") == api.count("change") == 1
    eventually(lambda: now("push_requests_total") == len(api.log), 20, "each request counted")
    api.fault("any", "throttle", 3)
    world.daemon.cli("push", "example.com")
    eventually(lambda: now("push_throttled_total") == 3, 30, "each throttled one counted")


def test_credentials(lab, api, provider):
    """Missing, for everybody to read, wrong, then right: read when they change; never printed."""
    zone = api.add_zone("example.com")
    world = Pushed(lab, api, provider, start=False)
    world.credentials.unlink()
    world.daemon.start()
    text = zone_text("example.com", 7, SOME)
    world.write("example.com", text)
    assert "No such file" in world.wait_phase("example.com", "retrying")["reason"]
    world.write_credentials(mode=0o644)
    eventually(lambda: "chmod 640 or tighter" in (world.push("example.com")["reason"] or ""), 20, "a refusal of the file's mode")
    assert not api.log
    world.write_credentials(secret="quite+another/secret", token="quite-another-token")
    eventually(lambda: "answers 403" in (world.push("example.com")["reason"] or ""), 20, "a refusal")
    world.write_credentials()
    world.wait_in_sync("example.com", 7)
    assert zone.records() == records_of(text, "example.com", provider)
    told = world.daemon.log() + world.daemon.cli("status", "--json").stdout
    for secret in ("quite+another", "quite-another", api.token or "", getattr(api, "secret", "")):
        assert not secret or secret not in told


def test_no_secret_at_debug(lab, make_api, provider):
    """--debug has what curl says of each request; no token, key or signature is in it, nor in status, doctor, metrics or errors."""
    api = make_api(provider, **({"token": "a/session+token=="} if provider == "route53" else {}))
    zone = api.add_zone("example.com")
    world = Pushed(lab, api, provider, start=False)
    world.daemon.program = [*world.daemon.program, "--debug"]
    world.daemon.start()
    text = zone_text("example.com", 7, SOME)
    world.write("example.com", text)
    world.wait_in_sync("example.com", 7)
    assert zone.records() == records_of(text, "example.com", provider)
    wrong = {"secret": "quite+another/secret", "token": "quite-another-token"}
    world.write_credentials(**wrong)
    world.daemon.cli("push", "example.com")
    eventually(lambda: "answers 403" in (world.push("example.com")["reason"] or ""), 20, "a refusal")
    world.daemon.write("example.com", zone_text("example.com", 8, SOME[1:]))
    log = world.daemon.log()
    assert "* " in log and "> POST " in log and "< HTTP/1.1 200 OK" in log and "Authorization: (hidden)" in log, log[-3000:]
    told = log + world.daemon.cli("status", "--json").stdout + world.daemon.cli("status", "example.com").stdout
    told += world.daemon.cli("doctor", "-r", "127.0.0.99", "example.com", check=False).stdout
    refused = world.daemon.cli("plan", "example.com", "--secondary", world.secondary, check=False)  # also while a push is retried
    assert refused.returncode == 1 and "answers 403" in refused.stderr, refused
    told += refused.stderr + world.daemon.log()
    secrets = [api.token, *wrong.values(), getattr(api, "secret", None)]
    for secret in (s for s in secrets if s):
        assert secret not in told and secret.rstrip("=") not in told, secret
    assert not re.search(r"Signature=|Bearer |Credential=", told)


def test_credentials_of_systemd_and_session_token(lab, make_api):
    """A name alone is in $CREDENTIALS_DIRECTORY; an endpoint with a path is signed with it."""
    api = make_api("route53", token="a/session+token==", path="/proxy/aws")
    zone = api.add_zone("example.com")
    folder = lab.folder / "secrets"
    folder.mkdir()
    world = Pushed(lab, api, "route53", start=False, credentials="aws.ini", env=dict(ENV, CREDENTIALS_DIRECTORY=str(folder)))
    world.credentials = folder / "aws.ini"
    world.write_credentials()
    world.daemon.start()
    text = zone_text("example.com", 7, SOME)
    world.write("example.com", text)
    world.wait_in_sync("example.com", 7)
    assert zone.records() == records_of(text, "example.com", "route53")


def test_zone_id_and_ambiguity(lab, make_api):
    """Two public zones of one name are refused until zone-id says which; a private one does not count."""
    api = make_api("route53")
    first, second = api.add_zone("example.com"), api.add_zone("example.com")
    api.add_zone("example.com", private=True)
    world = Pushed(lab, api, "route53")
    text = zone_text("example.com", 7, SOME)
    world.write("example.com", text)
    assert "2 public hosted zones" in world.wait_phase("example.com", "retrying")["reason"]
    world.daemon.extra = world.daemon.extra.replace("ca-file", f'zone-id "{second.id}"; ca-file')
    world.daemon.write_conf()
    world.daemon.cli("reload", check=False)
    world.wait_in_sync("example.com", 7)
    assert second.records() == records_of(text, "example.com", "route53") and not first.records()


def test_types_it_cannot_hold(lab, api, provider):
    """Left out and counted; `unsupported fail` names one; DNSSEC's are not counted."""
    zone = api.add_zone("example.com")
    world = Pushed(lab, api, provider)
    odd = ["d IN DNAME elsewhere.example.", "r IN RP a.example. b.example."]
    keys = ["@ IN CDS 1 8 2 " + "ab" * 32]
    world.write("example.com", zone_text("example.com", 7, SOME + odd + keys))
    assert world.wait_in_sync("example.com", 7)["left_out"] == 2
    assert zone.records() == records_of(zone_text("example.com", 7, SOME), "example.com", provider)
    world.daemon.extra = world.daemon.extra.replace("ca-file", "unsupported fail; ca-file")
    world.daemon.write_conf()
    world.daemon.cli("reload", check=False)
    assert "d.example.com" in world.wait_phase("example.com", "failed")["reason"]


@pytest.mark.skipif(not shutil.which("ldns-signzone"), reason="ldnsutils is not there")
def test_a_signed_zone_is_told_once(lab, api, provider, tmp_path):
    """Its signatures and keys are left out; the journal says so when the zone becomes signed, not with each push or start."""
    zone = api.add_zone("example.com")
    key = subprocess.run(["ldns-keygen", "-a", "ED25519", "-r", "/dev/urandom", "-k", "example.com"], cwd=tmp_path, check=True, capture_output=True,
                         text=True).stdout.strip()

    def signed(serial):
        (tmp_path / "plain").write_text(zone_text("example.com", serial, SOME))
        subprocess.run(["ldns-signzone", "-e", "20380101000000", "-o", "example.com", "-f", "signed", "plain", key], cwd=tmp_path, check=True,
                       capture_output=True)
        return (tmp_path / "signed").read_text()
    line = f"example.com: the zone is signed, and {'aws' if provider == 'route53' else 'cf'} gets it without signatures and keys"
    world = Pushed(lab, api, provider)

    def publish(serial, text):
        world.write("example.com", text)
        world.wait_in_sync("example.com", serial)
        assert zone.records() == records_of(zone_text("example.com", serial, SOME), "example.com", provider)
        return world.daemon.log().count(line)
    assert publish(7, zone_text("example.com", 7, SOME)) == 0
    assert publish(8, signed(8)) == 1
    assert publish(9, signed(9)) == 1
    world.daemon.stop()
    world.daemon.start()
    world.daemon.cli("push", "example.com")
    assert publish(10, signed(10)) == 1
    assert publish(11, zone_text("example.com", 11, SOME)) == 1
    assert publish(12, signed(12)) == 2


def test_apex_ns(lab, make_api):
    api = make_api("route53")
    zone = api.add_zone("example.com")
    world = Pushed(lab, api, "route53", "push-apex-ns yes;")
    text = zone_text("example.com", 7, SOME, ns=["ns-1.awsdns-01.example.", "ns.he.example."])
    world.write("example.com", text)
    held = world.wait_phase("example.com", "held")  # it replaces what is there
    world.daemon.cli("approve", "example.com", held["hash"], "--secondary", "aws")
    world.wait_in_sync("example.com", 7)
    ttl, values, _ = zone.sets[("example.com.", "NS", "")]
    assert ttl == 3600 and sorted(values) == ["ns-1.awsdns-01.example.", "ns.he.example."]


def many(count, seed=1):
    rng = random.Random(seed)
    return [f"h{i} 300 IN A 192.0.{rng.randrange(256)}.{rng.randrange(256)}" for i in range(count)]


@pytest.mark.parametrize("count", [2500, pytest.param(10000, marks=pytest.mark.long)])
def test_a_large_zone_and_one_edit(lab, api, provider, count):
    """The first push in batches within the limits (listed in pages), then one edit: one change request."""
    zone = api.add_zone("example.com")
    if provider == "route53":
        api.rate = 5
    world = Pushed(lab, api, provider)
    lines = many(count)
    world.write("example.com", zone_text("example.com", 7, lines))
    world.wait_in_sync("example.com", 7, timeout=300)
    assert zone.records() == records_of(zone_text("example.com", 7, lines), "example.com", provider)
    changes, lists = api.count("change"), api.count("list")
    lines[count // 2] = "edited IN TXT \"one\""
    text = zone_text("example.com", 8, lines)
    world.write("example.com", text)
    world.wait_in_sync("example.com", 8)
    assert zone.records() == records_of(text, "example.com", provider)
    assert api.count("change") == changes + 1 and api.count("list") <= lists + 2
    world.daemon.stop()  # what was pushed is known after a restart: nothing is asked
    requests = len(api.log)
    world.daemon.start()
    world.wait_in_sync("example.com", 8)
    assert len(api.log) == requests
    world.daemon.cli("push", "example.com")  # listed in pages: nothing is to be done
    eventually(lambda: api.count("list") > lists + 3, 60, "a listing")
    world.wait_in_sync("example.com", 8)
    assert api.count("change") == changes + 1 and api.throttled == 0


@pytest.mark.parametrize("count", [8, pytest.param(200, marks=pytest.mark.long)])
def test_many_zones_at_once_keep_the_rate(lab, make_api, count):
    """Route 53's 5 requests a second: none is throttled."""
    api = make_api("route53")
    names = [f"z{i}.example" for i in range(count)]
    zones = {n: api.add_zone(n) for n in names}
    world = Pushed(lab, api, "route53", start=False)
    world.daemon.zones.mkdir(exist_ok=True)
    for name in names:
        world.daemon.write(name, zone_text(name, 7, ["www IN A 192.0.2.1"]))
    world.daemon.start()
    for name in names:
        world.wait_in_sync(name, 7, timeout=60 + 2 * count)
    begin, requests = time.monotonic(), len(api.log)
    for name in names:
        world.daemon.write(name, zone_text(name, 8, ["www IN A 192.0.2.2"]))
    for name in names:
        world.wait_in_sync(name, 8, timeout=60 + 2 * count)
        assert ("A", 3600) in {(t, ttl) for _, t, ttl, r in zones[name].records() if r.to_text() == "192.0.2.2"}
    print(f"{count} zones in {time.monotonic() - begin:.1f} s with {len(api.log) - requests} requests, {api.throttled} throttled")
    assert api.throttled == 0


@pytest.mark.parametrize("kill_at", [1, 3])
def test_killed_between_batches(lab, api, provider, kill_at):
    """kill -9 in a push of many batches; after the restart it ends in sync, also when the file went back meanwhile."""
    zone = api.add_zone("example.com")
    world = Pushed(lab, api, provider, "batch-limit 100;", start=False)
    world.daemon.start()
    small = zone_text("example.com", 7, SOME)
    world.write("example.com", small)
    world.wait_in_sync("example.com", 7)
    changes = api.count("change")
    world.daemon.write("example.com", zone_text("example.com", 8, SOME[3:] + many(800)))
    eventually(lambda: api.count("change") >= changes + kill_at, 30, "batches")
    world.daemon.kill()
    back = zone_text("example.com", 9, SOME)
    if kill_at == 1:
        world.daemon.write("example.com", back)
    world.daemon.start()
    text, serial = (back, 9) if kill_at == 1 else (zone_text("example.com", 8, SOME[3:] + many(800)), 8)
    world.wait_in_sync("example.com", serial, timeout=120)
    assert zone.records() == records_of(text, "example.com", provider)


# ---- random zones ----

R53_EXTRA = ["SPF"]
CF_EXTRA = ["SMIMEA", "LOC", "URI", "OPENPGPKEY"]


def random_text(rng, count):
    alphabet = string.ascii_letters + string.digits + " ;()@$\"\\\t\x7f\xe9\x01"
    octets = "".join(rng.choice(alphabet) for _ in range(rng.randrange(1, count)))
    return '"' + "".join(c if c.isalnum() or c == " " else f"\\{ord(c):03d}" for c in octets) + '"'


def random_name(rng):
    return rng.choice(["n1.example.net.", "deep.er.example.net.", "Host", "\\052.odd.example.", "xn--bcher-kva.example."])


def random_rdata(rng, rrtype):
    def hexes(n):
        return "".join(rng.choice("0123456789abcdef") for _ in range(2 * n))
    make = {
        "A": lambda: f"192.0.2.{rng.randrange(256)}", "AAAA": lambda: f"2001:db8:0:0:{rng.randrange(9)}::{rng.randrange(65536):x}",
        "CNAME": lambda: random_name(rng), "PTR": lambda: random_name(rng), "NS": lambda: random_name(rng),
        "MX": lambda: f"{rng.randrange(65536)} {random_name(rng)}",
        "TXT": lambda: " ".join(random_text(rng, rng.choice([10, 60, 250])) for _ in range(rng.randrange(1, 4))),
        "SPF": lambda: random_text(rng, 40),
        "CAA": lambda: f"{rng.choice([0, 128])} {rng.choice(['issue', 'iodef'])} \"ca{rng.randrange(99)}.example; x=\\\"y\\\"\"",
        "SRV": lambda: f"{rng.randrange(9)} {rng.randrange(9)} {rng.randrange(65536)} {random_name(rng)}",
        "DS": lambda: f"{rng.randrange(65536)} 13 2 {hexes(32)}", "SSHFP": lambda: f"{rng.randrange(1, 5)} 2 {hexes(32)}",
        "TLSA": lambda: f"{rng.randrange(4)} {rng.randrange(2)} 1 {hexes(32)}", "SMIMEA": lambda: f"3 1 1 {hexes(32)}",
        "NAPTR": lambda: f"{rng.randrange(99)} {rng.randrange(99)} \"u\" \"E2U+sip\" \"!^(.*)$!sip:\\\\1@x{rng.randrange(9)}.example!\" .",
        "SVCB": lambda: f"{rng.randrange(1, 9)} {random_name(rng)} alpn=h2 ipv4hint=192.0.2.{rng.randrange(256)}",
        "HTTPS": lambda: f"{rng.randrange(1, 9)} . port={rng.randrange(65536)}",
        "LOC": lambda: f"{rng.randrange(90)} {rng.randrange(60)} {rng.randrange(60)}.{rng.randrange(1000):03d} N "
                       f"{rng.randrange(180)} {rng.randrange(60)} {rng.randrange(60)}.000 E {rng.randrange(9999)}.00m 1m 10000m 10m",
        "URI": lambda: f"{rng.randrange(9)} {rng.randrange(9)} \"ftp://ftp{rng.randrange(9)}.example/a\"",
        "OPENPGPKEY": lambda: rng.choice(["AQIDBA==", "BAMCAQ=="]),
    }
    return make[rrtype]()


def random_zone(rng, provider):
    types = ["A", "AAAA", "TXT", "MX", "CAA", "SRV", "SSHFP", "TLSA", "NAPTR", "SVCB", "HTTPS", "PTR"]
    types += R53_EXTRA if provider == "route53" else CF_EXTRA
    lines = []
    for name in rng.sample(["@", "a", "b", "*", "*.w", "deep.er", "_x._tcp", "Mixed", "o\\.dd", "x_y", "u\\042v"], rng.randrange(2, 9)):
        if name != "@" and rng.random() < 0.2:
            lines.append(f"{name} {rng.choice([60, 300, 86400])} IN CNAME {random_rdata(rng, 'CNAME')}")
            continue
        if name not in "@*" and rng.random() < 0.15:
            lines += [f"{name} 600 IN NS {random_rdata(rng, 'NS')}", f"{name} 600 IN DS {random_rdata(rng, 'DS')}"]
            continue
        for rrtype in rng.sample(types, rng.randrange(1, 5)):
            ttl = rng.choice([5, 60, 3600, 172800])
            lines += sorted({f"{name} {ttl} IN {rrtype} {random_rdata(rng, rrtype)}" for _ in range(rng.randrange(1, 4))})
    return lines


@pytest.mark.parametrize("pairs", [8, pytest.param(500, marks=pytest.mark.long)])
def test_random_pairs(lab, api, provider, pairs):
    """From one random zone to another: the stand-in's records equal the zone, the journal's delta alone is sent."""
    seed = int(os.environ.get("ZONECRIER_SEED", "20261122"))
    print("seed", seed)
    rng = random.Random(seed)
    zones = [api.add_zone(f"r{i}.example") for i in range(min(pairs, 100))]
    api.spread = 0
    world = Pushed(lab, api, provider, rng.choice(["", "batch-limit 40;"]), options="check-names primary ignore; check-mx ignore;",
                   start=False)
    texts = {}
    world.daemon.zones.mkdir(exist_ok=True)
    for round_number, serial in enumerate(range(7, 8 + pairs // len(zones))):
        for zone in zones:
            name = zone.name.rstrip(".")
            texts[name] = zone_text(name, serial, random_zone(rng, provider))
            world.daemon.write(name, texts[name])
        if round_number == 0:
            world.daemon.start()
        else:
            for fault in ("lose", "cut", "throttle"):
                api.fault("change", fault)
        end = time.monotonic() + (60 + 4 * pairs) * PATIENCE
        while True:  # one status for all
            status = {z["zone"]: z for z in world.daemon.status()["zones"]}
            late = {n: (status[n]["state"], status[n]["reason"], status[n]["pushes"]) for n in texts
                    if not (status[n]["pushes"] and status[n]["pushes"][0]["phase"] == "in-sync"
                            and status[n]["pushes"][0]["serial"] == serial)}
            if not late:
                break
            assert time.monotonic() < end, (len(late), next(iter(late.items())))
            time.sleep(0.2)
        for zone in zones:
            name = zone.name.rstrip(".")
            assert zone.records() == records_of(texts[name], name, provider), (seed, name, texts[name])
    refusals = [p for p in (z["pushes"][0] for z in world.daemon.status()["zones"]) if p["left_out"]]
    assert not refusals, refusals
