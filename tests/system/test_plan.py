"""zonecrier plan tells what is then published: serial, records, hash, the guard's verdict, octets on the wire; and it changes nothing."""
import hashlib
import json
import os
import random
import re
import subprocess

import pytest

from lab import BUILD, LONG, PATIENCE, eventually, zone_text
from test_ixfr import Model
from wire import AXFR, IXFR, Connection, message
from worktree import ENVIRONMENT, Worktree, bare, git

SEED = int(os.environ.get("PLAN_SEED", "1") if not LONG or "PLAN_SEED" in os.environ else random.randrange(10**9))
GUARDED = "guard { max-change 50%; };"  # the lab's own default is wider
SETTLED = GUARDED + " max-ixfr-ratio unlimited;"


class Counting(Connection):
    octets = 0

    def read_exactly(self, size):
        self.octets += size
        return super().read_exactly(size)


def transfer_octets(primary, zone, serial=None):
    """Of an AXFR, or an IXFR from that serial."""
    with Counting(primary.address, primary.port) as connection:
        connection.send(message(zone, AXFR if serial is None else IXFR, serial=serial))
        connection.read_transfer()
        return connection.octets


def run_plan(*argv, cwd="/", primary=None, check=(0, 2, 4)):
    socket = ["--socket", primary.socket] if primary else []
    done = subprocess.run([BUILD / "zonecrier", *socket, "plan", *map(str, argv)], capture_output=True, text=True, cwd=cwd,
                          env=ENVIRONMENT, timeout=120 * PATIENCE)
    assert done.returncode in check, f"plan {argv}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def plan(*argv, **kwargs):
    done = run_plan(*argv, "--json", **kwargs)
    return done.returncode, {zone["zone"]: zone for zone in json.loads(done.stdout)["zones"]}


def edit(model, rng):
    """One edit, or one that changes nothing, or one that the guard will not like."""
    while len(model.rrsets) < 15:
        model.random_rrset(f"n{rng.randrange(10**6)}")
    kind = rng.random()
    if kind < .08:
        return
    if kind < .2:
        for key in [k for k in list(model.rrsets) if k[1] != "NS" and rng.random() < rng.choice([.25, .5, .7])]:
            del model.rrsets[key]
        return
    if kind < .3:
        for key, (owner, ttl, rdatas) in model.rrsets.items():
            model.rrsets[key] = (owner, ttl + 7, rdatas)
        return
    model.edit()


def file_serial(rng, serial):
    """0: ours to manage; the same again; raised by hand."""
    return rng.choice([0, 0, serial, serial, (serial + rng.randrange(1, 1000)) % 2**32 or 1])


def expect_published(primary, zone, text, planned, before):
    """The text is put in place: the verdict is what was planned; approve takes the hash of the plan."""
    primary.cli("freeze", zone)  # so that the verdict is the answer to thaw, whenever the daemon sees the file
    primary.write(zone, text)
    done = primary.cli("thaw", zone, "--json", check=False)
    told = json.loads(done.stdout)
    if planned is None or planned["verdict"] == "none":
        assert told["verdict"] == "unchanged", told
        assert primary.soa(zone, tcp=True) == before
        return None
    if planned["verdict"] == "hold":
        assert (told["verdict"], told["hash"]) == ("held", planned["hash"]), told
        assert told["summary"] == "; ".join(planned["reasons"])
        assert primary.soa(zone, tcp=True) == before
        told = json.loads(primary.cli("approve", zone, planned["hash"], "--json").stdout)
    assert told["verdict"] == "published", told
    assert (told["serial_before"], told["serial"]) == (planned["serial"], planned["next_serial"])
    assert (told["added"], told["removed"]) == (planned["added"], planned["removed"])
    assert transfer_octets(primary, zone) == planned["axfr_bytes"]
    if planned["ixfr_bytes"] is not None:
        assert transfer_octets(primary, zone, planned["serial"]) == planned["ixfr_bytes"]
    return told


def check_changes(planned, before, after):
    """The lines of the plan turn the one content into the other."""
    assert planned["changes_omitted"] == 0
    lines = [line for line in planned["changes"] if " IN SOA " not in line]
    removed = {line[1:] for line in lines if line[0] == "-"}
    added = {line[1:] for line in lines if line[0] == "+"}
    assert (len(removed), len(added), len(lines)) == (planned["removed"], planned["added"], planned["removed"] + planned["added"])
    content = {f"{o} {t} IN {k} {d}" for o, t, k, d in before}
    assert removed <= content and not added & content
    assert content - removed | added == {f"{o} {t} IN {k} {d}" for o, t, k, d in after}


@pytest.mark.parametrize("part", range(3))
def test_a_folder_then_published(lab, part, tmp_path):
    """60 random edits (500 in the long form): plan FOLDER, then the text is put in place."""
    rng = random.Random(f"{SEED}/folder/{part}")
    print(f"PLAN_SEED={SEED}")
    primary = lab.daemon(start=False, options=SETTLED)
    model = Model(rng, "a.example", 40, 1)
    primary.write("a.example", model.text(4711))
    primary.start()
    staged = tmp_path / "staged"
    staged.mkdir()
    counts = {"none": 0, "publish": 0, "hold": 0}
    for _ in range(167 if LONG else 20):
        before, content = primary.soa("a.example", tcp=True), model.content()
        edit(model, rng)
        text = model.text(file_serial(rng, before))
        (staged / "a.example.zone").write_text(text)
        code, zones = plan(staged, primary=primary)
        planned = zones.get("a.example")
        assert code == {None: 0, "publish": 2, "hold": 4}[planned and planned["verdict"]]
        counts[planned["verdict"] if planned else "none"] += 1
        assert primary.soa("a.example", tcp=True) == before, "a plan changes nothing"
        if planned:
            check_changes(planned, content, model.content())
        expect_published(primary, "a.example", text, planned, before)
    print(counts)
    assert counts["publish"] > 5


class Commits:
    """Random commits of three zones; one of them has its serial raised by hand each time."""

    def __init__(self, folder, rng):
        self.rng, self.tree = rng, Worktree(folder)
        self.models = {name: Model(rng, name, 30, 1) for name in ("hand.example", "ours.example", "same.example")}
        self.serials = {"hand.example": 100, "ours.example": 0, "same.example": 7}
        self.write(self.models)
        self.head = self.tree.commit("first")

    def text(self, name):
        return self.models[name].text(self.serials[name])

    def write(self, names):
        for name in names:
            self.tree.write(f"zones/{name}.zone", self.text(name))

    def commit(self):
        changed = [name for name in self.models if self.rng.random() < .6]
        for name in changed:
            edit(self.models[name], self.rng)
            if name == "hand.example":
                self.serials[name] += self.rng.randrange(1, 1000)
        self.write(changed)
        before, self.head = self.head, self.tree.commit(f"edit {self.rng.random()}")
        return before, changed


@pytest.mark.parametrize("part", range(2))
def test_commits_then_published(lab, part, tmp_path):
    """20 random commits (500 in the long form): plan A..B without the daemon and plan REV against it say the same, and it is then
    published. (Without a window: what was published in the last hour is known to the daemon alone.)"""
    rng = random.Random(f"{SEED}/commits/{part}")
    print(f"PLAN_SEED={SEED}")
    commits = Commits(tmp_path / "r", rng)
    primary = lab.daemon(start=False, options=SETTLED.replace("50%;", "50%; window 0;"))
    for name in commits.models:
        primary.write(name, commits.text(name))
    primary.start()
    seen = 0
    for _ in range(250 if LONG else 10):
        before, changed = commits.commit()
        serials = {name: primary.soa(name, tcp=True) for name in commits.models}
        code, offline = plan(f"{before}..{commits.head}", "-p", "zones", cwd=commits.tree.folder)
        code_against, against = plan(commits.head, "-p", "zones", cwd=commits.tree.folder, primary=primary)
        # Without the daemon nobody knows which serial is published: the first one is the file's.
        alike = ("verdict", "records", "added", "removed", "ttl_changed", "hash", "axfr_bytes", "ixfr_bytes")
        loose = {name: {key: zone[key] for key in alike} for name, zone in offline.items() if zone["verdict"] != "none"}
        assert loose == {name: {key: zone[key] for key in alike} for name, zone in against.items()}
        assert code == code_against
        if "hand.example" in offline and "hand.example" in against:
            assert offline["hand.example"]["next_serial"] == against["hand.example"]["next_serial"]
        for name in changed:
            seen += expect_published(primary, name, commits.text(name), against.get(name), serials[name]) is not None
    assert seen > 3


def test_pushes_then_published(lab, tmp_path):
    """8 random pushes (100 in the long form) to a daemon that publishes out of git: plan A..B and plan REV before the push, and the end
    of a zone, whose removal has the hash of the plan."""
    rng = random.Random(f"{SEED}/pushes")
    print(f"PLAN_SEED={SEED}")
    repository = bare(tmp_path / "b.git")
    commits = Commits(tmp_path / "r", rng)
    git(commits.tree.folder, "remote", "add", "origin", repository)
    commits.tree.push()
    primary = lab.daemon(options=SETTLED.replace("50%;", "50%; window 0;"), zone_files=False,
                         extra=f'zone-files {{ git "{repository}"; branch "main"; path "zones"; }};')
    eventually(lambda: [z["state"] for z in primary.status()["zones"]] == ["published"] * 3, what="the first commit")
    seen = 0
    for _ in range(100 if LONG else 8):
        before, _ = commits.commit()
        _, offline = plan(f"{before}..{commits.head}", "-p", "zones", cwd=commits.tree.folder)
        _, against = plan(commits.head, "-p", "zones", cwd=commits.tree.folder, primary=primary)
        assert {n: z["hash"] for n, z in offline.items() if z["verdict"] != "none"} == {n: z["hash"] for n, z in against.items()}
        commits.tree.push()
        eventually(lambda: primary.status()["git"][0]["commit"] == commits.head, what="the push")
        for name, planned in against.items():
            if planned["verdict"] == "hold":
                eventually(lambda: primary.zone(name)["hash"] == planned["hash"], what="the hold of the plan")
                primary.cli("approve", name, planned["hash"])
            eventually(lambda: primary.soa(name, tcp=True) == planned["next_serial"], what="the serial of the plan")
            assert transfer_octets(primary, name) == planned["axfr_bytes"]
            assert transfer_octets(primary, name, planned["serial"]) == planned["ixfr_bytes"]
            seen += 1
    assert seen > 3
    (commits.tree.folder / "zones/same.example.zone").unlink()
    before, head = commits.head, commits.tree.commit("gone")
    _, offline = plan(f"{before}..{head}", cwd=commits.tree.folder)
    gone = offline["same.example"]
    assert gone["verdict"] == "hold" and gone["removed"] == primary.zone("same.example")["records"]
    commits.tree.push()
    held = eventually(lambda: (z := primary.zone("same.example"))["state"] == "held" and z, what="the removal is held")
    assert held["hash"] == gone["hash"]
    code, zones = plan("same.example", primary=primary)
    assert (code, zones["same.example"]["hash"]) == (4, gone["hash"])
    primary.cli("approve", "same.example", gone["hash"])
    eventually(lambda: primary.soa("same.example", tcp=True) is None, what="the end of the zone")


def test_a_plan_of_what_waits(lab):
    """plan ZONE, and plan by itself: what is held, frozen or broken, in the words of the daemon."""
    primary = lab.daemon(start=False, options=GUARDED)
    hosts = [f"h{i} A 192.0.2.{i}" for i in range(40)]
    for name in ("held", "frozen", "broken", "fine"):
        primary.write(f"{name}.example", zone_text(f"{name}.example", 3, hosts))
    primary.start()
    assert run_plan(primary=primary).stdout == "nothing would change\n"
    primary.cli("freeze", "frozen.example")
    primary.write("held.example", zone_text("held.example", 3, hosts[:10]), reload=True)
    primary.write("frozen.example", zone_text("frozen.example", 3, hosts[:38]), reload=True)
    code, zones = plan("held.example", primary=primary)
    held = zones["held.example"]
    assert (code, held["verdict"], held["serial"], held["next_serial"]) == (4, "hold", 3, 4)
    assert held["hash"] == primary.zone("held.example")["hash"] and "30 of 41 RRsets would be gone" in held["reasons"][0]
    code, zones = plan("fine.example", primary=primary)
    assert (code, zones["fine.example"]["verdict"]) == (0, "none")
    code, zones = plan(primary=primary)
    assert code == 4 and set(zones) == {"held.example", "frozen.example"}
    assert "frozen" in zones["frozen.example"]["reasons"][-1] and zones["frozen.example"]["removed"] == 2
    primary.write("broken.example", zone_text("broken.example", 3, ["x A 1"]), reload=True)
    shown = run_plan(primary=primary, check=(1,)).stdout
    assert "broken.example.zone:5:5: error: " in shown and f"approve held.example {held['hash']}" in shown
    assert run_plan("nowhere.example", primary=primary, check=(1,)).stderr.startswith("zonecrier: no zone nowhere.example")
    primary.cli("approve", "held.example", held["hash"])
    assert primary.soa("held.example") == 4


def test_errors_are_where_they_stand(lab, tmp_path):
    """Of a text that is sent, in its own lines; includes go with it."""
    primary = lab.daemon()
    staged = tmp_path / "staged"
    (staged / "parts").mkdir(parents=True)
    (staged / "a.example.zone").write_text(zone_text("a.example", 1, ["$INCLUDE parts/hosts"]))
    (staged / "parts/hosts").write_text("\nwww A 192.0.2\n")
    (staged / "b.example.zone").write_text(zone_text("b.example", 1, ["", "a_b A 192.0.2.1"]))
    (staged / "c..d.zone").write_text("")
    done = run_plan(staged, primary=primary, check=(1,))
    assert f"{staged}/parts/hosts:2:7: error: " in done.stdout and f"included from {staged}/a.example.zone:5" in done.stdout
    assert f"{staged}/b.example.zone:6:1: error: a_b.b.example. is no name of a host" in done.stdout
    assert "c..d.zone: error: the file's name is not the name of a zone" in done.stdout
    (staged / "c..d.zone").unlink()
    (staged / "b.example.zone").unlink()
    (staged / "parts/hosts").write_text("www A 192.0.2.1\n")
    code, zones = plan(staged, primary=primary)
    assert code == 2 and zones["a.example"]["added"] == 2 and zones["a.example"]["serial"] is None
    assert primary.status()["zones"] == []
    assert run_plan(staged, check=(1,), primary=type("", (), {"socket": tmp_path / "nobody"})).stderr


def test_forms(tmp_path):
    """Text, diff and Markdown of one step; the Markdown fits a comment whatever the step is."""
    tree = Worktree(tmp_path / "r")
    hosts = [f"h{i} A 192.0.2.{i}" for i in range(60)]
    tree.write("a.example.zone", zone_text("a.example", 1, hosts))
    tree.write("b.example.zone", zone_text("b.example", 1, hosts))
    tree.write("gone.example.zone", zone_text("gone.example", 1))
    first = tree.commit()
    git(tree.folder, "branch", "side")
    tree.write("a.example.zone", zone_text("a.example", 2, hosts[1:] + ['t TXT "~~~~~~ | <b>`"']))
    tree.write("b.example.zone", zone_text("b.example", 1, hosts[:5]))
    (tree.folder / "gone.example.zone").unlink()
    tree.commit()
    git(tree.folder, "checkout", "-q", "side")
    tree.write("c.example.zone", zone_text("c.example", 5))
    tree.commit()
    text = run_plan("side...main", cwd=tree.folder, check=(4,)).stdout
    assert re.search(r"^a\.example: publish, serial 1 -> 2: 1 added, 1 removed; IXFR \d+ bytes, AXFR ", text, re.M)
    assert "held: 55 of 61 RRsets would be gone" in text and "gone.example: hold, serial 1: 0 added, 2 removed" in text
    assert "c.example" not in text, "three dots: from where the two parted"
    diff = run_plan("-f", "diff", f"{first}..main", "--zone", "A.example.", cwd=tree.folder, check=(2,)).stdout
    assert diff.startswith("--- a.example 1\n+++ a.example 2\n-a.example. 3600 IN SOA ") and "b.example" not in diff
    assert "\n-h0.a.example. 3600 IN A 192.0.2.0\n" in diff
    markdown = run_plan("-f", "markdown", "main~1..main", cwd=tree.folder, check=(4,)).stdout
    assert "| a.example | **publish** | 1 → 2 | +1 −1 |" in markdown
    assert "- **b.example** would be held: 55 of 61 RRsets would be gone (limit 30 %)" in markdown
    assert '+t.a.example. 3600 IN TXT "~~~~~~ | <b>`"\n' in markdown
    assert run_plan("main..main", cwd=tree.folder, check=(0,)).stdout == "nothing would change\n"
    for i in range(150):
        tree.write(f"many/z{i}.example.zone", zone_text(f"z{i}.example", 1, [f'h{n} TXT "{"x" * 60}"' for n in range(60)]))
    tree.commit()
    large = run_plan("-f", "markdown", "side~1..side", cwd=tree.folder).stdout
    assert len(large) <= 65536 and "z149" not in large.split("<details>")[-1] and "Zones: 150 would change" in large
    for argv in (("x..y",), ("--format", "xml", "main..side"), ("--nope",), ("a", "b"), ("-z", "a..b", "main..side")):
        run_plan(*argv, cwd=tree.folder, check=(1,))


def test_a_large_zone_and_what_a_plan_leaves(lab, tmp_path):
    """Nothing is left behind: not in the store, not in the temporary folder; a plan of 20,000 records by the changed lines."""
    primary = lab.daemon(start=False)
    hosts = [f"h{i} A 192.0.2.{i % 250}" for i in range(20000)]
    primary.write("a.example", zone_text("a.example", 1, hosts))
    primary.start()
    dumped = hashlib.sha256(primary.cli("dump", "a.example").stdout.encode()).hexdigest()
    staged = tmp_path / "staged"
    staged.mkdir()
    (staged / "a.example.zone").write_text(zone_text("a.example", 1, hosts[:-3] + ["new AAAA 2001:db8::1"]))
    _, zones = plan(staged, primary=primary)
    assert (zones["a.example"]["added"], zones["a.example"]["removed"], zones["a.example"]["next_serial"]) == (1, 3, 2)
    assert hashlib.sha256(primary.cli("dump", "a.example").stdout.encode()).hexdigest() == dumped
    tree = Worktree(tmp_path / "r")
    tree.write("a.example.zone", zone_text("a.example", 1))
    tree.commit()
    tree.write("a.example.zone", zone_text("a.example", 2))
    tree.commit()
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    done = subprocess.run([BUILD / "zonecrier", "plan", "HEAD~1.."], capture_output=True, text=True, cwd=tree.folder,
                          env={**ENVIRONMENT, "TMPDIR": str(temporary)}, timeout=60 * PATIENCE)
    assert done.returncode == 2, done.stdout + done.stderr
    assert list(temporary.iterdir()) == []
    written = (primary.zones / "a.example.zone").read_text()
    primary.write("a.example", written.replace("h5 A 192.0.2.5\n", "h5 A 192.0.2.6\n"), reload=True)
    assert primary.soa("a.example") == 2
