"""Serials: a lost or old state asks the secondaries first; serial-set goes to a lower serial with real secondaries,
over restarts and edits; date style holds through a busy day."""
import os
import random
import shutil
import socket
import subprocess
import time
from datetime import datetime, timezone

import pytest

from lab import LONG, SECRET, Bind, Knot, Nsd, eventually, zone_text

ZONE = "a.example"
KEY = ("serials-key", "hmac-sha256", SECRET)
GAP = 65536
HOLD = "serial-on-lost-state hold;"


def text(serial, *records):
    return zone_text(ZONE, serial, ["www A 192.0.2.1", *records], refresh=2)


def targets(secondaries):
    return "also-notify { " + " ".join(s.target() for s in secondaries) + " };"


class World:
    """A primary and secondaries that know each other's ports before either starts."""

    def __init__(self, lab, kinds, options="", key=None, zones=(ZONE,)):
        self.primary = lab.daemon(start=False, keys=[KEY] if key else [])
        self.secondaries = [lab.secondary(kind, self.primary, list(zones), start=False, key=key) for kind in kinds]
        self.options = options
        self.configure()

    def configure(self, more=""):
        self.primary.options = f"{self.options} {targets(self.secondaries)} {more}"

    def start(self):
        for secondary in self.secondaries:
            secondary.start()
        return self

    def wait(self, serial, secondaries=None):
        for secondary in secondaries or self.secondaries:
            secondary.wait_serial(ZONE, serial, 60)

    def lose_state(self):
        self.primary.stop()
        shutil.rmtree(self.primary.folder / "state")

    def set(self):
        return self.primary.zone(ZONE).get("serial_set")


def silent_target(lab):
    """A port where TCP connections are taken and nothing is ever said."""
    listener = socket.socket()
    listener.bind(("127.0.0.6", 0))
    listener.listen(64)
    lab.started.append(type("Closer", (), {"stop": lambda self: listener.close()})())
    return f"127.0.0.6 port {listener.getsockname()[1]};"


# ---- lost state ----


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "tsig"])
def test_state_lost_with_a_secondary_ahead(lab, key):
    """Store and serial file deleted: our first serial is above BIND's, and BIND takes it."""
    world = World(lab, [Bind], HOLD, key)
    world.primary.write(ZONE, text(1))
    world.start()
    world.primary.start()
    world.wait(1)
    for serial in range(2, 5):
        world.primary.write(ZONE, text(1, f"x A 192.0.2.{serial}"))
        world.primary.wait_serial(ZONE, serial)
    world.wait(4)
    world.lose_state()
    world.primary.write(ZONE, text(1, "new A 192.0.2.9"))
    world.primary.start()
    assert world.primary.soa(ZONE) == 4 + GAP
    world.wait(4 + GAP)
    assert any(r.startswith("new.") for r in world.secondaries[0].axfr(ZONE)[0])
    assert "asked for theirs" in world.primary.log()


def test_state_lost_by_date(lab):
    """The next day's 00."""
    world = World(lab, [Bind], HOLD + " serial-update-method date;")
    world.primary.write(ZONE, text(0))
    world.start()
    world.primary.start()
    first = world.primary.soa(ZONE)
    world.wait(first)
    world.lose_state()
    world.primary.start()
    now = datetime.now(timezone.utc)
    tomorrow = {int(datetime.fromtimestamp(now.timestamp() + 86400 - back, timezone.utc).strftime("%Y%m%d00")) for back in (0, 300)}
    assert world.primary.soa(ZONE) in tomorrow
    world.wait(world.primary.soa(ZONE))


def test_nobody_has_it(lab):
    """All three say that they do not have the zone: it is new, and its file's serial is published at once."""
    world = World(lab, [Bind, Nsd, Knot], HOLD, zones=("other.example",)).start()
    world.primary.write(ZONE, text(17))
    world.primary.start()
    assert world.primary.soa(ZONE) == 17
    assert world.primary.zone(ZONE)["state"] == "published"


def test_configured_and_not_there_yet(lab):
    """Secondaries that are set up for the zone and wait for its first transfer (SERVFAIL) do not have it either."""
    world = World(lab, [Bind, Nsd, Knot], HOLD).start()
    world.primary.write(ZONE, text(17))
    world.primary.start()
    assert world.primary.soa(ZONE) == 17
    world.wait(17)


def test_one_of_three_is_silent(lab):
    """Held, told, approved: then above the furthest serial that was told."""
    world = World(lab, [Bind, Knot], HOLD)
    silent = silent_target(lab)
    world.configure()
    world.primary.write(ZONE, text(40))
    world.start()
    world.primary.start()
    world.wait(40)
    world.lose_state()
    world.primary.options = f"{HOLD} also-notify {{ {' '.join(s.target() for s in world.secondaries)} {silent} }};"
    world.primary.start()
    zone = eventually(lambda: world.primary.zone(ZONE) if world.primary.zone(ZONE)["state"] == "held" else None, 30)
    assert "silent" in zone["reason"] and "40" in zone["reason"] and zone["serial"] is None
    assert world.primary.soa(ZONE) is None
    wrong = world.primary.cli("approve", ZONE, "0" * 64, check=False)
    assert wrong.returncode == 4 and world.primary.soa(ZONE) is None
    # Over a restart it is held again.
    world.primary.stop()
    world.primary.start()
    zone = eventually(lambda: world.primary.zone(ZONE) if world.primary.zone(ZONE)["state"] == "held" else None, 30)
    world.primary.cli("approve", ZONE, zone["hash"])
    assert world.primary.soa(ZONE) == 40 + GAP
    world.wait(40 + GAP)


def test_the_silent_one_comes_back(lab):
    """Without anybody's help the zone is published once the last secondary answers."""
    world = World(lab, [Bind, Nsd], HOLD)
    bind, nsd = world.secondaries
    world.primary.write(ZONE, text(7))
    world.start()
    world.primary.start()
    world.wait(7)
    world.lose_state()
    nsd.stop()
    world.primary.start()
    eventually(lambda: world.primary.zone(ZONE)["state"] == "held", 30)
    nsd.start()
    eventually(lambda: world.primary.soa(ZONE) == 7 + GAP, 60, "the publish")
    world.wait(7 + GAP)


def test_far_ahead_without_tsig(lab):
    """An answer that anybody could forge moves the serial by 2^24 at most; beyond it is approved by hand."""
    world = World(lab, [Bind], HOLD)
    world.primary.write(ZONE, text(2026112101))
    world.start()
    world.primary.start()
    world.wait(2026112101)
    world.lose_state()
    world.primary.write(ZONE, text(3))
    world.primary.start()
    zone = world.primary.zone(ZONE)
    assert zone["state"] == "held" and "without TSIG" in zone["reason"]
    world.primary.cli("approve", ZONE, zone["hash"])
    assert world.primary.soa(ZONE) == 2026112101 + GAP


def test_file_does_not_wait(lab):
    """serial-on-lost-state file: published at once, whoever is silent; a secondary ahead is found behind that, and mended."""
    world = World(lab, [Bind], "serial-on-lost-state file;")
    bind = world.secondaries[0]
    world.primary.write(ZONE, text(40))
    world.start()
    world.primary.start()
    world.wait(40)
    world.lose_state()
    silent = silent_target(lab)
    world.primary.options = f"serial-on-lost-state file; also-notify {{ {bind.target()} {silent} }};"
    world.primary.write(ZONE, text(3))
    for number in range(50):
        world.primary.write(f"z{number}.example", zone_text(f"z{number}.example", 5))
    world.primary.start()
    assert all(zone["serial"] is not None for zone in world.primary.status()["zones"])
    eventually(lambda: world.primary.soa(ZONE) == 40 + GAP, 30, "the serial above BIND's")
    world.wait(40 + GAP)
    assert "ahead of ours" in world.primary.log()
    assert world.primary.soa("z1.example") == 5


def test_state_of_yesterday(lab):
    """Restored from a backup: the first IXFR query of a secondary shows it, and it is mended. NSD asks so; BIND and Knot look at
    the SOA first, and are found by asking them."""
    world = World(lab, [Nsd], HOLD)
    world.primary.write(ZONE, text(1))
    world.start()
    world.primary.start()
    world.wait(1)
    world.primary.stop()
    shutil.copytree(world.primary.folder / "state", world.primary.folder / "yesterday")
    world.primary.start()
    for serial in range(2, 6):
        world.primary.write(ZONE, text(1, f"x A 192.0.2.{serial}"))
        world.primary.wait_serial(ZONE, serial)
    world.wait(5)
    world.primary.stop()
    shutil.rmtree(world.primary.folder / "state")
    shutil.copytree(world.primary.folder / "yesterday", world.primary.folder / "state")
    world.primary.start()
    eventually(lambda: world.primary.soa(ZONE) >= 5 + GAP, 60, "the serial above the secondary's")
    world.wait(world.primary.soa(ZONE))
    assert "ahead of ours" in world.primary.log()


@pytest.mark.parametrize("policy", ["per-zone", "all-or-nothing"])
def test_state_lost_of_a_repository(lab, policy):
    """The zones of a commit are asked about as well: one that BIND has goes above it, the others are new."""
    world = World(lab, [Bind], HOLD)
    repository = world.primary.folder / "repository"
    folder = repository / "zones"
    folder.mkdir(parents=True)
    git = ["git", "-C", str(repository), "-c", "user.name=A", "-c", "user.email=a@example.net"]

    def commit(subject):
        subprocess.run([*git, "add", "-A"], check=True)
        subprocess.run([*git, "commit", "-q", "-m", subject], check=True)

    subprocess.run(["git", "init", "-q", "-b", "main", str(repository)], check=True)
    (folder / f"{ZONE}.zone").write_text(text(1))
    for number in range(5):
        (folder / f"z{number}.example.zone").write_text(zone_text(f"z{number}.example", 5))
    commit("all")
    world.primary.zone_files = False
    world.primary.extra = f'zone-files {{ git "{repository}/.git"; branch "main"; path "zones"; commit-policy {policy}; }};'
    world.start()
    world.primary.start()
    world.wait(1)
    (folder / f"{ZONE}.zone").write_text(text(1, "x A 192.0.2.2"))
    commit("one")
    world.wait(2)
    world.lose_state()
    world.primary.start()
    eventually(lambda: world.primary.soa(ZONE) == 2 + GAP, 30, "the serial above BIND's")
    world.wait(2 + GAP)
    for number in range(5):
        eventually(lambda: world.primary.soa(f"z{number}.example") == 5, 30, "the new zones")


# ---- serial-set ----

VECTOR = (2007103101, 1193788800)


def all_three(lab, serial):
    world = World(lab, [Bind, Nsd, Knot])
    world.primary.write(ZONE, text(serial))
    world.start()
    world.primary.start()
    world.wait(serial)
    return world


@pytest.mark.parametrize("start, goal, options", [
    (2026112105, 2026112104, ()),
    (2026112105, 2026112105 - 1000000, ()),
    (5, 4294967000, ()),
    (*VECTOR, ("--step", "max")),
], ids=["by-one", "by-a-million", "across-0", "the-vector"])
def test_serial_set(lab, start, goal, options):
    """Three real secondaries follow to the lower serial, step by step, with the content as it is; edits wait, then go out."""
    world = all_three(lab, start)
    primary = world.primary
    told = primary.cli("serial-set", ZONE, goal, *options).stdout
    if options:
        assert "4154586748" in told
    primary.write(ZONE, text(0, "edit A 192.0.2.7"))
    eventually(lambda: world.set() is None, 60, "the end of the way")
    eventually(lambda: primary.soa(ZONE) == goal + 1, 30, "the edit that waited")
    world.wait(goal + 1)
    for secondary in world.secondaries:
        assert any(r.startswith("edit.") for r in secondary.axfr(ZONE)[0])
    if options:
        assert "serial 4154586748: step 1 of 2" in primary.log()
    # A new history: nobody gets an IXFR across it.
    assert primary.zone(ZONE)["history"]["oldest_serial"] == goal


def test_one_is_down_for_a_while(lab):
    """No step without the one that is down; status and `serial` name it; it comes back, and all end at the serial."""
    start, goal = VECTOR
    world = all_three(lab, start)
    bind, nsd, knot = world.secondaries
    knot.stop()
    world.primary.cli("serial-set", ZONE, goal, "--step", "max")
    name = f"127.0.0.3#{knot.port}"
    # It took the serial once, so the first step may be taken without it; not the second.
    eventually(lambda: world.primary.soa(ZONE) == 4154586748, 60, "the first step")
    world.wait(4154586748, [bind, nsd])
    eventually(lambda: name in (world.set()["waiting_for"] or ""), 30, "the name in status")
    shown = world.primary.cli("serial", ZONE).stdout
    assert f"{name}: " in shown and "waits for" in shown and "4154586748" in shown
    assert world.primary.soa(ZONE) == 4154586748
    knot.start()
    world.wait(goal)
    assert world.primary.soa(ZONE) == goal


def test_assumed(lab):
    """The one that is down is not waited for, where that is said; also on the way."""
    start, goal = VECTOR
    world = all_three(lab, start)
    world.secondaries[2].stop()
    world.primary.cli("serial-set", ZONE, goal)
    eventually(lambda: world.primary.soa(ZONE) not in (start, goal), 60, "the first step")
    for names in ("127.0.0.33", "127.0.0.3,knott", f"127.0.0.3#{world.secondaries[2].port + 1}"):
        refused = world.primary.cli("serial-set", ZONE, "--assume", names, check=False)
        assert refused.returncode == 1 and f"has no secondary {names.split(',')[-1]} " in refused.stderr, refused
    world.primary.cli("serial-set", ZONE, "--assume", "127.0.0.3")
    world.wait(goal, world.secondaries[:2])
    assert world.primary.soa(ZONE) == goal


def test_abort_and_refusals(lab):
    start, goal = VECTOR
    world = all_three(lab, start)
    cli = world.primary.cli
    assert "nothing is under way" in cli("serial-set", ZONE, "--abort", check=False).stderr
    assert "has this serial" in cli("serial-set", ZONE, start, check=False).stderr
    assert cli("serial-set", ZONE, 0, check=False).returncode == 2
    assert cli("serial-set", ZONE, 4294967296, check=False).returncode == 2
    assert cli("serial-set", "no.example", 5, check=False).returncode == 1
    world.secondaries[0].stop()
    cli("serial-set", ZONE, goal)
    eventually(lambda: world.primary.soa(ZONE) not in (start, goal), 60, "the first step")
    middle = world.primary.soa(ZONE)
    assert "being set already" in cli("serial-set", ZONE, 7, check=False).stderr
    world.primary.write(ZONE, text(0, "edit A 192.0.2.7"))
    eventually(lambda: "wait until the serial is set" in (world.primary.zone(ZONE)["reason"] or ""), 30, "the edit waits")
    assert "given up" in cli("serial-set", ZONE, "--abort").stdout
    eventually(lambda: world.primary.soa(ZONE) == middle + 1, 30, "the edit")
    assert world.set() is None
    world.secondaries[0].start()
    world.wait(middle + 1)


def test_killed_in_each_step(lab):
    """kill -9 wherever it stands: it goes on, to the same serial, and the content never changes on the way."""
    seed = int(os.environ.get("SERIALS_SEED", "20261122"))
    print(f"SERIALS_SEED={seed}")
    moments = random.Random(seed)
    start, goal = VECTOR
    world = all_three(lab, start)
    knot = world.secondaries[2]
    world.primary.cli("serial-set", ZONE, goal - 1)
    world.primary.kill()
    world.primary.start()
    seen = set()
    for _ in range(6 if LONG else 3):
        knot.stop()
        time.sleep(moments.random() * 1.5)
        world.primary.kill()
        world.primary.start()
        serial = world.primary.soa(ZONE)
        seen.add(serial)
        assert serial == goal - 1 or world.set()["to"] == goal - 1
        knot.start()
    world.wait(goal - 1)
    assert world.primary.soa(ZONE) == goal - 1
    world.primary.kill()
    world.primary.start()
    assert world.primary.soa(ZONE) == goal - 1 and world.set() is None
    print("serials seen at restarts:", sorted(seen))


# ---- many edits, policies ----


def test_a_busy_day_in_date_style(lab):
    """Strictly rising, past the 99 that a day has room for, and a secondary follows."""
    edits = 500 if LONG else 130
    world = World(lab, [Bind], "serial-update-method date;")
    world.primary.write(ZONE, text(0))
    world.start()
    world.primary.start()
    before = world.primary.soa(ZONE)
    first = before
    for number in range(edits):
        world.primary.write(ZONE, text(0, f"x A 192.0.2.{number % 250 + 1}", f"y TXT {number}"), reload=True)
        serial = world.primary.soa(ZONE)
        assert serial > before
        before = serial
    assert before >= first + edits
    world.wait(before)


def test_a_method_that_would_go_back(lab):
    """The configuration is taken, the serial goes on upward, and the way back is named."""
    primary = lab.daemon(start=False)
    primary.write(ZONE, text(4000000000))
    primary.start()
    primary.options = "serial-update-method date;"
    primary.write_conf()
    primary.cli("reload")
    eventually(lambda: "zonecrier serial-set a.example" in primary.log(), what="the pointer to serial-set")
    primary.write(ZONE, text(4000000000, "edit A 192.0.2.7"), reload=True)
    assert primary.soa(ZONE) == 4000000001
