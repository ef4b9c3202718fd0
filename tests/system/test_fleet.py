"""Who serves it: stages of secondaries, what is due, stale and in sync again, with real servers."""
import json
import re

from lab import Bind, Knot, Nsd, SECRET, eventually, zone_text

KEY = ("fleet-key", "hmac-sha256", SECRET)


def block(secondary, name=None, more=""):
    """A secondary block for a real server, which answers the public at the address it transfers from."""
    return (f'secondary "{name or secondary.name}" {{ also-notify {{ {secondary.address} port {secondary.port}; }};\n'
            f'  transfer-from {{ {secondary.address}; }}; key "{KEY[0]}"; nameservers {{ {secondary.address} port {secondary.port}; }}; {more} }};\n')


def sight(daemon, zone, name):
    """What status says of that secondary."""
    whole = json.loads(daemon.cli("status", zone, "--json").stdout)["zones"][0]
    return next(s for s in whole["secondaries"] if s["name"] == name)


def is_serving(daemon, zone, name, serial):
    seen = sight(daemon, zone, name)
    return seen["state"] == "serving" and seen["serial"] == serial and seen


def make(lab, kinds, zones, options="", start=True):
    """Our daemon and real secondaries that have its zones."""
    daemon = lab.daemon(start=False, keys=[KEY], options=options)
    secondaries = [lab.secondary(kind, daemon, zones, key=KEY, start=False) for kind in kinds]
    names = " ".join(f'"{s.name}";' for s in secondaries)
    daemon.options += f" secondaries {{ {names} }};"
    daemon.extra = "".join(block(s) for s in secondaries)
    for zone in zones:
        daemon.write(zone, zone_text(zone, 1, ["www IN A 192.0.2.1"]))
    daemon.start()
    if start:
        for s in secondaries:
            s.start()
    return daemon, secondaries


def test_stages_up_to_serving(lab):
    daemon, secondaries = make(lab, [Bind, Nsd, Knot], ["example.org"])
    for s in secondaries:
        s.wait_serial("example.org", 1)
        eventually(lambda s=s: is_serving(daemon, "example.org", s.name, 1), 30, f"{s.name} serving serial 1")
    daemon.write("example.org", zone_text("example.org", 2, ["www IN A 192.0.2.2"]))
    for s in secondaries:
        seen = eventually(lambda s=s: is_serving(daemon, "example.org", s.name, 2), 30, f"{s.name} serving serial 2")
        assert seen["current"] and seen["stage"] == "serving" and seen["overdue"] is None and seen["due_at"] is None
        assert seen["transfers"] >= 2 and seen["expires_at"] is None and seen["stale_since"] is None
        assert [server["answer"] for server in seen["servers"]] == ["serial"] and seen["servers_serving"] == 1
        eventually(lambda s=s: sight(daemon, "example.org", s.name)["verified"], 30, f"{s.name}'s www compared")
    used = json.loads(daemon.cli("status", "--json").stdout)["address_lists_used"]
    assert sorted(u["secondary"] for u in used) == ["bind", "knot", "nsd"]
