"""Proof 6: log, diff, show --serial and rollback against what AXFR gave at the time."""
import json
import os
import random
import subprocess

import pytest

from lab import LONG, Bind, eventually, need_peers, zone_text

ZONE = "example.com"
LOOSE = "guard { max-delete unlimited; max-change unlimited; };"
VERSIONS = 200 if LONG else 40
SEED = int(os.environ.get("HISTORY_SEED", "20261122"))


def write(daemon, text, serial):
    daemon.write(ZONE, text, reload=True)
    assert daemon.soa(ZONE) == serial, daemon.zone(ZONE)


def random_text(rng, hosts):
    """Adds, takes, changes; TTLs and letter case too, and now and then the SOA."""
    for _ in range(rng.randint(1, 6)):
        name = f"h{rng.randrange(60)}"
        kind = rng.randrange(5)
        if kind == 0:
            hosts.pop(name, None)
        elif kind == 1:
            hosts[name] = [(rng.choice((300, 3600)), f"A 192.0.2.{rng.randrange(200)}")]
        elif kind == 2:
            hosts.setdefault(name, []).append((300, f'TXT "{rng.randrange(1000)}"'))
        elif kind == 3 and name in hosts:
            hosts[name] = [(rng.choice((60, 300, 7200)), data) for _, data in hosts[name]]
        else:
            hosts[name] = [(300, f"MX {rng.randrange(3)} {rng.choice(('mail', 'Mail', 'MX2'))}")]
    records = []
    for name, sets in sorted(hosts.items()):
        ttls = {}
        for ttl, data in dict.fromkeys(sets):  # an RRset has one TTL
            records.append(f"{name} {ttls.setdefault(data.split()[0], ttl)} {data}")
    return zone_text(ZONE, serial=0, refresh=3600 + rng.randrange(2), records=["mail A 192.0.2.25", "mx2 A 192.0.2.26", *dict.fromkeys(records)])


def lines_of(text):
    """The records of `show` in axfr()'s form."""
    records = []
    for line in text.splitlines():
        if line and not line.startswith(";"):
            owner, ttl, _, rtype, rdata = line.split(None, 4)
            records.append(f"{owner} {ttl} {rtype} {rdata}")
    return sorted(records)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """A daemon, BIND behind it, and each serial's content as AXFR gave it then."""
    from conftest import Lab
    lab = Lab(tmp_path_factory.mktemp("h"))
    print(f"HISTORY_SEED={SEED}, {VERSIONS} versions")
    rng = random.Random(SEED)
    daemon = lab.daemon(start=False, options=LOOSE)
    secondary = lab.secondary(Bind, daemon, [ZONE], start=False) if need_peers() else None
    if secondary:
        daemon.options += f" also-notify {{ {secondary.target()} }};"
    hosts = {}
    daemon.write(ZONE, random_text(rng, hosts))
    daemon.start()
    if secondary:
        secondary.start()
    kept = {1: daemon.axfr(ZONE)[0]}
    while len(kept) < VERSIONS:
        before = daemon.soa(ZONE)
        daemon.write(ZONE, random_text(rng, hosts), reload=True)
        records, serial = daemon.axfr(ZONE)
        if serial != before:
            kept[serial] = records
    yield daemon, secondary, kept, rng
    lab.close()


def show(daemon, serial):
    return daemon.cli("show", ZONE, "--serial", serial).stdout


def test_log(story):
    daemon, secondary, kept, _ = story
    log = json.loads(daemon.cli("log", ZONE, "--json").stdout)
    serials = [v["serial"] for v in log["versions"]]
    assert serials == sorted(kept, reverse=True) and len(serials) == VERSIONS
    for version in log["versions"][:-1]:
        before, now = set(kept[version["serial"] - 1]), set(kept[version["serial"]])
        without_soa = [r for r in now - before if " SOA " not in r]
        assert version["added"] == len(without_soa) and version["removed"] == len([r for r in before - now if " SOA " not in r])
        assert version["file"] == str(daemon.zones / f"{ZONE}.zone") and version["published_at"].endswith("Z")
    assert "added" not in log["versions"][-1]
    text = daemon.cli("log", ZONE).stdout.splitlines()
    assert len(text) == VERSIONS and text[-1].startswith("1 ") and "the history begins" in text[-1]
    if secondary:
        secondary.wait_serial(ZONE, serials[0])
        eventually(lambda: "  at 127.0.0.1" in daemon.cli("log", ZONE).stdout.splitlines()[0], what="the secondary in the log")
        assert sum("  at " in line for line in daemon.cli("log", ZONE).stdout.splitlines()) == 1


def test_show_an_earlier_serial(story):
    daemon, _, kept, rng = story
    for serial in rng.sample(sorted(kept), 32) + [1, max(kept)]:
        text = show(daemon, serial)
        assert text.startswith(f"; zone {ZONE}, serial {serial}\n")
        assert lines_of(text) == kept[serial]


def test_diff(story):
    daemon, _, kept, rng = story
    pairs = [(rng.choice(sorted(kept)), rng.choice(sorted(kept))) for _ in range(40)] + [(1, max(kept)), (max(kept), 1), (5, 5)]
    for left, right in pairs:
        changes = daemon.cli("diff", ZONE, left, right).stdout.splitlines()
        assert {line[0] for line in changes} <= {"-", "+"}
        gone = lines_of("\n".join(line[1:] for line in changes if line[0] == "-"))
        come = lines_of("\n".join(line[1:] for line in changes if line[0] == "+"))
        before, after = set(kept[left]), set(kept[right])
        assert gone == sorted(before - after) and come == sorted(after - before), (left, right)


def test_beyond_the_history(story):
    daemon, _, kept, _ = story
    for argv in (("show", ZONE, "--serial", 999999), ("diff", ZONE, 1, 999999), ("diff", ZONE, 999999, 1), ("rollback", ZONE, "--to", 999999)):
        done = daemon.cli(*argv, check=False)
        assert done.returncode == 1 and "does not reach" in done.stderr + done.stdout, done
    for argv in (("show", ZONE, "--serial", "x"), ("diff", ZONE, "0", "1"), ("rollback", ZONE), ("diff", ZONE, "1"), ("log", "nowhere.example")):
        done = daemon.cli(*argv, check=False)
        assert done.returncode in (1, 2) and done.stderr, done


def test_rollback(story):
    """Eight targets: the content of then, a higher serial, and BIND has it by IXFR."""
    daemon, secondary, kept, rng = story
    whole = secondary.ixfr_count()[1] if secondary else 0
    for target in rng.sample(sorted(kept)[:-1], 8):
        served, before = daemon.axfr(ZONE)
        done = daemon.cli("rollback", ZONE, "--to", target, check=False)
        if without_serial(kept[target]) == without_serial(served):
            assert done.returncode == 1 and "is what is served" in done.stdout
            continue
        assert done.returncode == 0 and f"rolled back to the content of serial {target}" in done.stdout, done
        records, serial = daemon.axfr(ZONE)
        assert serial == before + 1 and without_serial(records) == without_serial(kept[target])
        kept[serial] = records
        zone = daemon.zone(ZONE)
        assert zone["rolled_back"]["to_serial"] == target and zone["state"] == "published"
        if secondary:
            secondary.wait_serial(ZONE, serial)
            assert secondary.axfr(ZONE)[0] == records
    if secondary:
        assert secondary.ixfr_count()[1] == whole, "an AXFR in between"
    newest = max(kept)
    log = json.loads(daemon.cli("log", ZONE, "--json").stdout)
    assert log["versions"][0]["by"].startswith("rollback to ") and log["versions"][0]["serial"] == newest
    assert lines_of(show(daemon, newest)) == kept[newest]


def without_serial(records):
    return sorted(" ".join(w for i, w in enumerate(r.split()) if i != 5) if " SOA " in r else r for r in records)


@pytest.mark.long
def test_two_hundred_versions(story):
    """Every one of them, in both directions."""
    daemon, _, kept, _ = story
    for serial in kept:
        assert lines_of(show(daemon, serial)) == kept[serial]


# ---- what stays, and until when ----

def hosts(count, address="192.0.2.1"):
    return [f"h{n} A {address}" for n in range(count)]


@pytest.fixture
def daemon(lab):
    daemon = lab.daemon(start=False, options="guard { };")
    daemon.write(ZONE, zone_text(ZONE, 0, hosts(50)))
    daemon.start()
    write(daemon, zone_text(ZONE, 0, hosts(49)), 2)
    write(daemon, zone_text(ZONE, 0, [*hosts(48), "new A 192.0.2.9"]), 3)
    return daemon


def rolled_back(daemon):
    return daemon.zone(ZONE).get("rolled_back")


def test_it_stays_until_the_file_changes(daemon):
    """Not by a look, a touch, a comment, a reload of all or a restart; an edit ends it."""
    content = daemon.axfr(ZONE)[0]
    daemon.cli("rollback", ZONE, "--to", 1)
    served = daemon.axfr(ZONE)
    assert served[1] == 4 and len(served[0]) == 52
    path = daemon.zones / f"{ZONE}.zone"
    os.utime(path)
    assert "stays until the file changes" in daemon.cli("reload", ZONE).stdout
    daemon.write(ZONE, path.read_text() + "; a comment\n", reload=True)
    daemon.cli("reload")
    daemon.stop()
    daemon.start()
    daemon.cli("reload", ZONE)
    assert daemon.axfr(ZONE) == served and rolled_back(daemon)["to_serial"] == 1
    assert "rolled back to the content of serial 1, which stays until the file changes" in daemon.cli("status", ZONE).stdout
    plan = daemon.cli("plan", ZONE, "--json", check=False)
    assert json.loads(plan.stdout)["zones"][0]["verdict"] == "none", plan.stdout
    write(daemon, zone_text(ZONE, 0, [*hosts(48), "new A 192.0.2.10"]), 5)
    assert rolled_back(daemon) is None
    assert len(daemon.axfr(ZONE)[0]) == len(content)


def test_the_files_serial_raised_ends_it(daemon):
    """Its content again, under a serial that is ahead: somebody means the file."""
    daemon.cli("rollback", ZONE, "--to", 1)
    write(daemon, zone_text(ZONE, 7, [*hosts(48), "new A 192.0.2.9"]), 7)
    assert rolled_back(daemon) is None and len(daemon.axfr(ZONE)[0]) == 51


def test_a_rollback_of_a_rollback(daemon):
    """The newest content again by a second one; the file still says what it said."""
    newest = daemon.axfr(ZONE)[0]
    daemon.cli("rollback", ZONE, "--to", 1)
    daemon.cli("rollback", ZONE, "--to", 3)
    records, serial = daemon.axfr(ZONE)
    assert serial == 5 and without_serial(records) == without_serial(newest)
    done = daemon.cli("rollback", ZONE, "--to", 5, check=False)
    assert done.returncode == 1 and "serial 5 is what is served" in done.stdout and daemon.zone(ZONE)["state"] == "published"
    done = daemon.cli("rollback", ZONE, "--to", 3, check=False)
    assert done.returncode == 1 and "the content under serial 3 is what is served" in done.stdout


def test_a_held_or_broken_file(daemon):
    """What is wrong with the file stays so, and does not come back by itself."""
    daemon.write(ZONE, zone_text(ZONE, 0, hosts(5)), reload=True)
    assert daemon.zone(ZONE)["state"] == "held"
    daemon.cli("rollback", ZONE, "--to", 2)
    daemon.cli("reload", ZONE)
    assert daemon.zone(ZONE)["state"] == "published" and rolled_back(daemon)["to_serial"] == 2 and daemon.soa(ZONE) == 4
    daemon.write(ZONE, zone_text(ZONE, 0, hosts(5)) + "broken A 1.2.3\n", reload=True)
    assert daemon.zone(ZONE)["state"] == "broken"
    daemon.cli("rollback", ZONE, "--to", 1)
    daemon.cli("reload", ZONE, check=False)
    assert daemon.zone(ZONE)["state"] == "broken" and len(daemon.axfr(ZONE)[0]) == 52
    write(daemon, zone_text(ZONE, 0, hosts(51)), 6)
    (daemon.zones / f"{ZONE}.zone").unlink()
    daemon.cli("reload", ZONE, check=False)
    assert daemon.zone(ZONE)["state"] == "held"
    daemon.cli("rollback", ZONE, "--to", 1)
    assert daemon.soa(ZONE) == 7 and len(daemon.axfr(ZONE)[0]) == 52


def test_freeze_and_guard_let_it_pass(daemon):
    """It is by hand. The guard's window begins anew."""
    write(daemon, zone_text(ZONE, 0, [*hosts(48), "new A 192.0.2.9", *[f"x{n} A 192.0.2.3" for n in range(100)]]), 4)
    daemon.cli("freeze", ZONE)
    daemon.cli("rollback", ZONE, "--to", 3)
    assert daemon.soa(ZONE) == 5 and daemon.zone(ZONE)["frozen"] is True
    daemon.cli("thaw", ZONE)
    assert daemon.soa(ZONE) == 5
    write(daemon, zone_text(ZONE, 0, hosts(36)), 6)  # 13 of 50 RRsets


def test_a_signed_zone_is_refused(lab):
    rrsig = "RRSIG SOA 13 2 3600 20380101000000 20260101000000 1 example.com. " + "A" * 86 + "=="
    daemon = lab.daemon(start=False, options="guard { };")
    daemon.write(ZONE, zone_text(ZONE, 1, hosts(50)))
    daemon.start()
    write(daemon, zone_text(ZONE, 2, [f"@ {rrsig}", *hosts(50)]), 2)
    done = daemon.cli("rollback", ZONE, "--to", 1, check=False)
    assert done.returncode == 1 and "signed elsewhere" in done.stdout and daemon.soa(ZONE) == 2
    write(daemon, zone_text(ZONE, 3, hosts(50)), 3)
    done = daemon.cli("rollback", ZONE, "--to", 2, check=False)
    assert done.returncode == 1 and "its signatures would be wrong" in done.stdout and daemon.soa(ZONE) == 3
    assert daemon.cli("show", ZONE, "--serial", 2).stdout.count("RRSIG") == 1


def test_a_large_zone(lab):
    """Where only changed lines are parsed: after a rollback the whole is compared again."""
    daemon = lab.daemon(start=False, options="guard { };")
    daemon.write(ZONE, zone_text(ZONE, 0, hosts(6000)))
    daemon.start()
    write(daemon, zone_text(ZONE, 0, hosts(5990)), 2)
    first = daemon.cli("show", ZONE, "--serial", 1).stdout
    daemon.cli("rollback", ZONE, "--to", 1)
    assert len(daemon.axfr(ZONE)[0]) == 6002 == len(lines_of(first))
    write(daemon, zone_text(ZONE, 0, [*hosts(5990), "one A 192.0.2.7"]), 4)
    assert len(daemon.axfr(ZONE)[0]) == 5993
    write(daemon, zone_text(ZONE, 0, [*hosts(5990), "one A 192.0.2.8"]), 5)
    assert len(daemon.axfr(ZONE)[0]) == 5993
    changes = daemon.cli("diff", ZONE, 1, 5).stdout.splitlines()
    assert len([line for line in changes if line[0] == "-" and " SOA " not in line]) == 10
    assert [line for line in changes if line[0] == "+" and " SOA " not in line] == ["+one.example.com. 3600 IN A 192.0.2.8"]


def test_a_journal_of_thousands_of_steps(lab):
    """Opened some at a time; what came and went in between is in no answer."""
    daemon = lab.daemon(start=False, options=LOOSE + " max-journal-size unlimited;")
    daemon.write(ZONE, zone_text(ZONE, 0, hosts(3)))
    daemon.start()
    count = 1300 if LONG else 520
    for n in range(count):
        daemon.write(ZONE, zone_text(ZONE, 0, [*hosts(3), f"n{n % 2} A 192.0.2.{n % 250}"]), reload=True)
    assert daemon.soa(ZONE) == count + 1
    changes = daemon.cli("diff", ZONE, 1, count + 1).stdout.splitlines()
    assert len(changes) == 3 and changes[-1].startswith("+n")
    assert len(lines_of(show(daemon, 1))) == 5
    assert len(json.loads(daemon.cli("log", ZONE, "--json").stdout)["versions"]) == count + 1


def test_a_folder_in_a_work_tree_notes_its_commit(lab):
    """A branch, a packed ref, a detached HEAD, a linked worktree; before the first commit there is none."""
    tree = lab.folder / "tree"
    daemon = lab.daemon(start=False, options=LOOSE, zone_files=False, extra=f'zone-files {{ directory "{lab.folder}/tree/zones"; }};')
    daemon.zones = tree / "zones"
    daemon.zones.mkdir(parents=True)

    def git(*argv):
        return subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", tree, *argv], check=True, capture_output=True,
                              text=True).stdout.strip()

    def newest():
        return json.loads(daemon.cli("log", ZONE, "--json").stdout)["versions"][0]

    git("init", "-q", "-b", "main")
    daemon.start()
    write(daemon, zone_text(ZONE, 1), 1)
    write(daemon, zone_text(ZONE, 2), 2)
    assert "commit" not in newest()
    git("add", "-A")
    git("commit", "-q", "-m", "first")
    write(daemon, zone_text(ZONE, 3), 3)
    assert newest()["commit"] == {"id": git("rev-parse", "HEAD")}
    git("commit", "-q", "-a", "-m", "second")
    git("pack-refs", "--all", "--prune")
    write(daemon, zone_text(ZONE, 4), 4)
    assert newest()["commit"] == {"id": git("rev-parse", "HEAD")}
    git("checkout", "-q", "-f", "--detach", "HEAD~1")
    write(daemon, zone_text(ZONE, 5), 5)
    assert newest()["commit"] == {"id": git("rev-parse", "HEAD")} and git("rev-parse", "HEAD") != git("rev-parse", "main")
    # The same folder as a linked worktree, whose .git is a file.
    git("checkout", "-q", "-f", "main")
    git("worktree", "add", "-q", "-b", "other", lab.folder / "linked", "HEAD~1")
    daemon.extra = f'zone-files {{ directory "{lab.folder}/linked/zones"; }};'
    daemon.write_conf()
    daemon.cli("reload")
    daemon.zones = lab.folder / "linked" / "zones"
    write(daemon, zone_text(ZONE, 9), 9)
    assert newest()["commit"] == {"id": git("rev-parse", "other")}
