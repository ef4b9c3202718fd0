"""The guard over zones out of git: holds of a commit, and approvals by hash and by commit."""
import json

import pytest

from lab import eventually, zone_text
from test_git import Repository, git, source, wait_state

ZONE = "a.example"
GUARD = "guard { };"


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)


def hosts(count, *more):
    return [*[f"h{n} A 192.0.2.1" for n in range(count)], *more]


def publish(repository, count, *more, zone=ZONE):
    repository.write(f"zones/{zone}.zone", zone_text(zone, 0, hosts(count, *more)))
    return repository.publish(f"{count} hosts")


def daemon_for(lab, repository, statements='path "zones";'):
    return lab.daemon(zone_files=False, extra=source(repository, statements), options=GUARD)


def held(daemon, *words, zone=ZONE):
    """Waits until it is held for this reason; its hash."""
    def look():
        found = daemon.zone(zone)
        return found["state"] == "held" and all(word in found["reason"] for word in words) and found["hash"]
    return eventually(look, what=f"{zone} held with {words}")


def approve(daemon, *argv, zone=ZONE):
    return daemon.cli("approve", zone, *argv, check=False)


def records(daemon, zone=ZONE):
    return len(daemon.axfr(zone)[0]) - 2  # without SOA and NS


def test_a_commit_is_held_and_approved_by_its_hash(lab, repository):
    publish(repository, 100)
    publish(repository, 100, zone="b.example")
    daemon = daemon_for(lab, repository)
    publish(repository, 100, "one A 192.0.2.2", zone="b.example")
    publish(repository, 60)
    hash = held(daemon, "40 of 101 RRsets would be gone (limit 30 %)")
    daemon.wait_serial("b.example", 2)  # the other zone of the push goes
    daemon.stop()
    daemon.start()
    assert daemon.zone(ZONE)["hash"] == hash and daemon.soa(ZONE) == 1
    assert approve(daemon, "0" * 64).returncode == 4
    assert approve(daemon, hash).returncode == 0
    assert daemon.soa(ZONE) == 2 and records(daemon) == 60


def test_approve_a_commit(lab, repository):
    """The branch's newest commit, by its id, by its name, by the branch."""
    publish(repository, 100)
    daemon = daemon_for(lab, repository)
    commit = publish(repository, 60)
    held(daemon, "40 of 101")
    done = approve(daemon, "--commit", commit)
    assert done.returncode == 0 and "published" in done.stdout, done
    assert records(daemon) == 60
    eventually(lambda: daemon.zone(ZONE)["state"] == "published" and "hash" not in daemon.zone(ZONE), what="the end of the hold")
    log = json.loads(daemon.cli("log", ZONE, "--json").stdout)
    assert log["versions"][0]["commit"]["id"] == commit
    publish(repository, 30)
    held(daemon, "30 of 61")
    assert approve(daemon, "--commit", "refs/heads/main").returncode == 0 and records(daemon) == 30


def test_approve_a_commit_that_the_branch_has_left_behind(lab, repository):
    """That tree goes out, and what came behind it is judged against it."""
    publish(repository, 100)
    daemon = daemon_for(lab, repository)
    second = publish(repository, 60)
    held(daemon, "40 of 101")
    third = publish(repository, 60, "one A 192.0.2.2")
    newer = held(daemon, "40 of 101")
    assert approve(daemon, "--commit", second[:12]).returncode == 0
    eventually(lambda: daemon.soa(ZONE) == 3 and records(daemon) == 61, what="what the branch has besides")
    log = json.loads(daemon.cli("log", ZONE, "--json").stdout)["versions"]
    assert [v["commit"]["id"] for v in log[:2]] == [third, second]
    assert approve(daemon, newer).returncode == 1  # outdated

    # What came behind it is a slip of its own.
    fourth = publish(repository, 62, "one A 192.0.2.2")
    daemon.wait_serial(ZONE, 4)
    publish(repository, 20)
    held(daemon, "RRsets would be gone")
    fifth = publish(repository, 2)
    held(daemon, "RRsets would be gone")
    assert approve(daemon, "--commit", "main~1").returncode == 0
    assert eventually(lambda: records(daemon) == 20, what="the commit before the last")
    held(daemon, "18 of 21 RRsets")
    assert approve(daemon, "--commit", fifth).returncode == 0 and records(daemon) == 2
    assert fourth != fifth


def test_what_no_commit_releases(lab, repository):
    """One that is not there; the removal of a file; a broken text; a zone of a folder."""
    publish(repository, 100)
    daemon = daemon_for(lab, repository)
    for revision in ("0123456789abcdef0123456789abcdef01234567", "nosuchbranch", "--upload-pack=x", "main:zones"):
        done = approve(daemon, f"--commit={revision}")
        assert done.returncode == 1 and "has no commit" in done.stdout + done.stderr, (revision, done)
    assert daemon.zone(ZONE)["state"] == "published"

    git(repository.clone, "rm", "-q", f"zones/{ZONE}.zone")
    commit = repository.publish("gone")
    hash = held(daemon, "is gone")
    done = approve(daemon, "--commit", commit)
    assert done.returncode == 4 and daemon.soa(ZONE) == 1, done
    held(daemon, "is gone")
    assert approve(daemon, hash).returncode == 0
    eventually(lambda: not [z for z in daemon.status()["zones"] if z["zone"] == ZONE], what="the zone's end")

    repository.write(f"zones/{ZONE}.zone", zone_text(ZONE, 0, ["broken A 1.2.3"]))
    commit = repository.publish("broken")
    wait_state(daemon, ZONE, "broken")
    assert approve(daemon, "--commit", commit).returncode == 1


def test_a_zone_of_a_folder_has_no_commits(lab):
    daemon = lab.daemon(start=False, options=GUARD)
    daemon.write(ZONE, zone_text(ZONE, 0, hosts(5)))
    daemon.start()
    done = approve(daemon, "--commit", "main")
    assert done.returncode in (1, 4) and "does not come from git" in done.stdout + done.stderr, done
    assert daemon.cli("approve", ZONE, check=False).returncode == 2
    assert daemon.cli("approve", ZONE, "0" * 64, "--commit", "x", check=False).returncode == 2


def test_zones_that_go_together(lab, repository):
    """all-or-nothing: the held one holds the others, and takes its hash."""
    publish(repository, 100)
    publish(repository, 100, zone="b.example")
    daemon = daemon_for(lab, repository, 'path "zones"; commit-policy all-or-nothing;')
    repository.write("zones/b.example.zone", zone_text("b.example", 0, hosts(101)))
    repository.write(f"zones/{ZONE}.zone", zone_text(ZONE, 0, hosts(60)))
    commit = repository.publish("both")
    hash = held(daemon, "40 of 101")
    assert daemon.soa("b.example") == 1
    done = approve(daemon, "--commit", commit)
    assert done.returncode == 1 and "together with others" in done.stdout and daemon.soa(ZONE) == 1, done
    approve(daemon, hash)
    daemon.wait_serial(ZONE, 2)
    daemon.wait_serial("b.example", 2)


def test_a_rollback_stays_until_its_file_changes(lab, repository):
    """Commits that change other files leave it as it is."""
    publish(repository, 20)
    daemon = daemon_for(lab, repository)
    publish(repository, 21)
    daemon.wait_serial(ZONE, 2)
    daemon.cli("rollback", ZONE, "--to", 1)
    publish(repository, 5, zone="b.example")
    daemon.wait_serial("b.example", 1)
    daemon.cli("reload", ZONE)
    daemon.stop()
    daemon.start()
    assert daemon.soa(ZONE) == 3 and records(daemon) == 20 and daemon.zone(ZONE)["rolled_back"]["to_serial"] == 1
    log = json.loads(daemon.cli("log", ZONE, "--json").stdout)["versions"]
    assert log[0]["by"] == "rollback to 1" and "commit" not in log[0] and "commit" in log[1]
    publish(repository, 22)
    daemon.wait_serial(ZONE, 4)
    assert records(daemon) == 22 and "rolled_back" not in daemon.zone(ZONE)
