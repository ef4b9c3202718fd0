"""Zones out of git: real pushes to a bare repository, every secondary ends with the commit's content."""
import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

import disk_trace
from lab import PATIENCE, Bind, Knot, Nsd, eventually, file_records, without_soa, zone_text

AUTHOR = {"GIT_AUTHOR_NAME": "Anna A", "GIT_AUTHOR_EMAIL": "anna@example.net", "GIT_COMMITTER_NAME": "Carl C",
          "GIT_COMMITTER_EMAIL": "carl@example.net", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}
FREE = "guard { max-change unlimited; max-delete unlimited; protect-apex no; };"


def git(folder, *argv, check=True, **env):
    done = subprocess.run(["git", "-c", "init.defaultBranch=main", "-c", "safe.directory=*", "-C", folder, *map(str, argv)],
                          env={**{k: v for k, v in os.environ.items() if not k.startswith("GIT_")}, **AUTHOR, **env}, capture_output=True,
                          text=True, timeout=60 * PATIENCE)
    if check:
        assert done.returncode == 0, f"git {argv}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


class Repository:
    """A bare one, and a clone to push from."""

    def __init__(self, folder, object_format="sha1"):
        self.bare = folder / "dns.git"
        self.clone = folder / "clone"
        self.environment = {}
        git(folder, "init", "-q", "--bare", f"--object-format={object_format}", self.bare)
        git(folder, "init", "-q", f"--object-format={object_format}", self.clone)
        git(self.clone, "remote", "add", "origin", self.bare)

    def write(self, path, text):
        target = self.clone / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def zone(self, name, *addresses, folder="zones", serial=1):
        self.write(f"{folder}/{name}.zone", zone_text(name, serial, [f"h{i} IN A {a}" for i, a in enumerate(addresses)]))

    def commit(self, subject="a change", *options):
        git(self.clone, "add", "-A")
        git(self.clone, "commit", "-q", "--allow-empty", "-m", subject, *options)
        return git(self.clone, "rev-parse", "HEAD")

    def push(self, *options):
        git(self.clone, "push", "-q", *options, "origin", "HEAD:main", **self.environment)

    def publish(self, subject="a change"):
        commit = self.commit(subject)
        self.push()
        return commit

    def content(self, name, folder="zones"):
        return without_soa(file_records(git(self.clone, "show", f"HEAD:{folder}/{name}.zone") + "\n", name))


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)


def source(repository, statements='path "zones";'):
    return f'zone-files {{ git "{repository.bare}"; branch "main"; {statements} }};'


def daemon_for(lab, repository, statements='path "zones";', options="", **kwargs):
    return lab.daemon(zone_files=False, extra=source(repository, statements), options=FREE + options, **kwargs)


def wait_content(daemon, repository, name, folder="zones"):
    wanted = repository.content(name, folder)
    eventually(lambda: without_soa(daemon.axfr(name)[0]) == wanted, what=f"the content of {name} as pushed")


def state(daemon, name):
    return daemon.zone(name)["state"]


def wait_state(daemon, name, wanted):
    return eventually(lambda: (zone := daemon.zone(name))["state"] == wanted and zone, what=f"{name} is {wanted}")


def test_what_a_branch_goes_through(lab, repository):
    """New, edited, amended, forced back, merged, renamed, packed: BIND, NSD and Knot end with the commit's content."""
    names = ["a.example", "b.example"]
    for name in names:
        repository.zone(name, "192.0.2.1")
    first = repository.publish("first")
    daemon = daemon_for(lab, repository, start=False)
    others = [lab.secondary(kind, daemon, names, start=False) for kind in (Bind, Nsd, Knot)]
    daemon.options += "also-notify { " + " ".join(other.target() for other in others) + " };"
    daemon.start()
    for other in others:
        other.start()

    def everywhere(serial):
        daemon.wait_serial("a.example", serial)
        wait_content(daemon, repository, "a.example")
        for other in others:
            other.wait_serial("a.example", serial)
            assert without_soa(other.axfr("a.example")[0]) == repository.content("a.example"), other.name

    everywhere(1)
    repository.zone("a.example", "192.0.2.1", "192.0.2.9")
    repository.publish("one more")
    everywhere(2)
    repository.zone("a.example", "192.0.2.10")
    repository.commit("amended", "--amend")
    repository.push("--force")
    everywhere(3)
    git(repository.clone, "reset", "-q", "--hard", first)
    repository.push("--force")
    everywhere(4)
    git(repository.clone, "checkout", "-q", "-b", "side")
    repository.zone("a.example", "192.0.2.20")
    repository.commit("on the side")
    git(repository.clone, "checkout", "-q", "-")
    repository.zone("b.example", "192.0.2.21")
    repository.commit("meanwhile")
    git(repository.clone, "merge", "-q", "--no-edit", "side")
    repository.push()
    everywhere(5)
    daemon.wait_serial("b.example", 2)

    # moved within the commit: no change; and with the branch only in packed-refs
    git(repository.bare, "pack-refs", "--all", "--prune")
    (repository.clone / "zones/sub").mkdir()
    git(repository.clone, "mv", "zones/a.example.zone", "zones/sub/a.example.zone")
    repository.zone("b.example", "192.0.2.22")
    repository.publish("moved")
    daemon.wait_serial("b.example", 3)
    assert daemon.soa("a.example") == 5 and state(daemon, "a.example") == "published"
    assert daemon.zone("a.example")["file"].endswith("zones/sub/a.example.zone")
    git(repository.bare, "pack-refs", "--all", "--prune")
    old = git(repository.clone, "rev-parse", "HEAD")
    repository.zone("b.example", "192.0.2.23")
    repository.publish("loose again")
    daemon.wait_serial("b.example", 4)
    # only packed-refs changes
    git(repository.bare, "pack-refs", "--all", "--prune")
    packed = repository.bare / "packed-refs"
    text = packed.read_text().replace(git(repository.clone, "rev-parse", "HEAD"), old)
    packed.with_suffix(".new").write_text(text)
    packed.with_suffix(".new").rename(packed)
    daemon.wait_serial("b.example", 5)


def test_deleted(lab, repository):
    """A file that is gone holds its zone's removal; approved with its hash; the zone that comes back goes on above."""
    for name in ("a.example", "b.example"):
        repository.zone(name, "192.0.2.1", serial=7)
    repository.publish()
    daemon = daemon_for(lab, repository)
    git(repository.clone, "rm", "-q", "zones/b.example.zone")
    repository.zone("a.example", "192.0.2.2")
    commit = repository.publish("b goes")
    daemon.wait_serial("a.example", 8)
    held = wait_state(daemon, "b.example", "held")
    assert f"zones/b.example.zone in commit {commit[:12]} is gone" in held["reason"] and daemon.soa("b.example") == 7
    daemon.stop()
    daemon.start()
    held = wait_state(daemon, "b.example", "held")
    assert daemon.cli("approve", "b.example", "1" * 64, check=False).returncode != 0
    assert daemon.soa("b.example") == 7
    daemon.cli("approve", "b.example", held["hash"], check=False)
    eventually(lambda: "b.example" not in [z["zone"] for z in daemon.status()["zones"]], what="the end of b.example")
    assert daemon.soa("b.example") is None
    repository.zone("b.example", "192.0.2.3", serial=1)
    repository.publish("b is back")
    daemon.wait_serial("b.example", 8)


def broken(repository, name, folder="zones"):
    repository.write(f"{folder}/{name}.zone", zone_text(name, 1, ["www IN A 300.1.1.1"]))


def test_per_zone(lab, repository):
    """Two good zones and a broken one: the good ones go, in one transaction; the broken one stays as it was."""
    names = ["a.example", "b.example", "c.example"]
    for name in names:
        repository.zone(name, "192.0.2.1")
    repository.publish()
    daemon = daemon_for(lab, repository)
    repository.zone("a.example", "192.0.2.2")
    repository.zone("b.example", "192.0.2.2")
    broken(repository, "c.example")
    repository.publish()
    daemon.wait_serial("a.example", 2)
    daemon.wait_serial("b.example", 2)
    zone = wait_state(daemon, "c.example", "broken")
    assert "zones/c.example.zone:5:10: error: '300.1.1.1'" in zone["reason"] and daemon.soa("c.example") == 1
    repository.zone("c.example", "192.0.2.3")
    repository.publish()
    daemon.wait_serial("c.example", 2)


@pytest.mark.parametrize("statements,extra", [
    ('commit-policy all-or-nothing;', ""),
    ('atomic "zones";', ""),
    ("", 'template "together" { match "*.example"; atomic yes; };'),
], ids=["whole", "folder", "template"])
def test_as_a_whole(lab, repository, statements, extra):
    """Two good zones and a broken one: none goes before all can; what is not of the set goes."""
    for name in ("a.example", "b.example", "c.example"):
        repository.zone(name, "192.0.2.1")
    repository.zone("d.test", "192.0.2.1", folder="other")
    repository.publish()
    daemon = lab.daemon(zone_files=False, options=FREE, extra=extra + source(repository, statements))
    repository.zone("a.example", "192.0.2.2")
    broken(repository, "c.example")
    repository.zone("d.test", "192.0.2.2", folder="other")
    repository.publish()
    wait_state(daemon, "c.example", "broken")
    zone = wait_state(daemon, "a.example", "held")
    assert "waits for c.example, which is broken" in zone["reason"] and daemon.soa("a.example") == 1
    alone = "all-or-nothing" not in statements
    if alone:
        daemon.wait_serial("d.test", 2)
    # another commit does not let the first one's edit out
    repository.zone("b.example", "192.0.2.2")
    repository.publish()
    wait_state(daemon, "b.example", "held")
    assert [daemon.soa(n) for n in ("a.example", "b.example", "c.example")] == [1, 1, 1]
    assert alone or daemon.soa("d.test") == 1
    repository.zone("c.example", "192.0.2.9")
    repository.publish()
    for name in ("a.example", "b.example", "c.example", "d.test"):
        daemon.wait_serial(name, 2)
        assert state(daemon, name) == "published"


def test_a_whole_that_the_guard_holds(lab, repository):
    """An approval lets the one zone pass, and with it the others that waited."""
    hosts = [f"192.0.2.{i}" for i in range(1, 30)]
    repository.zone("a.example", *hosts)
    repository.zone("b.example", "192.0.2.1")
    repository.publish()
    daemon = lab.daemon(zone_files=False, options="guard { max-delete 30%; };", extra=source(repository, "commit-policy all-or-nothing;"))
    repository.zone("a.example", *hosts[:5])
    repository.zone("b.example", "192.0.2.1", "192.0.2.2")
    repository.publish()
    held = wait_state(daemon, "a.example", "held")
    assert "waits for a.example, which is held" in wait_state(daemon, "b.example", "held")["reason"]
    assert daemon.soa("a.example") == 1 and daemon.soa("b.example") == 1
    daemon.cli("approve", "a.example", held["hash"])
    daemon.wait_serial("a.example", 2)
    daemon.wait_serial("b.example", 2)


def test_many_in_one_commit(lab, repository):
    """500 zones of a commit are one sync of the serial file and one commit of the store."""
    names = [f"z{i}.example" for i in range(500)]
    for name in names:
        repository.zone(name, "192.0.2.1")
    repository.publish()
    daemon = daemon_for(lab, repository, start=False)
    trace = daemon.folder / "trace"
    daemon.env = disk_trace.strace_env()
    daemon.program = ["strace", "-D", "-f", "-y", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(trace), *map(str, daemon.program)]
    daemon.start()
    before = trace.read_text().count("/serials>")
    for name in names:
        repository.zone(name, "192.0.2.2")
    repository.publish()
    eventually(lambda: all(zone["serial"] == 2 for zone in daemon.status()["zones"]), timeout=60, what="500 serials")
    assert trace.read_text().count("/serials>") - before == 1
    wait_content(daemon, repository, names[-1])


def test_gc_while_running(lab, repository):
    """Objects move into packs, what is unreachable goes, and pushes go on."""
    for name in ("a.example", "b.example"):
        repository.zone(name, "192.0.2.1")
    repository.publish()
    daemon = daemon_for(lab, repository)
    for i in range(2, 8):
        repository.zone("a.example", f"192.0.2.{i}")
        repository.commit(f"edit {i}", *(["--amend"] if i % 2 else []))
        repository.push("--force")
        git(repository.bare, "-c", "gc.reflogExpire=now", "gc", "-q", "--prune=now")
        daemon.wait_serial("a.example", i)
    wait_content(daemon, repository, "a.example")
    # the one that is published is thrown away before the next is there
    repository.zone("b.example", "192.0.2.77")
    repository.commit("of another history", "--amend")
    git(repository.clone, "checkout", "-q", "--orphan", "anew")
    repository.commit("anew")
    daemon.process.child.send_signal(19)
    repository.push("--force")
    git(repository.bare, "-c", "gc.reflogExpire=now", "gc", "-q", "--prune=now")
    daemon.process.child.send_signal(18)
    daemon.wait_serial("b.example", 2)
    assert daemon.soa("a.example") == 7


def test_sha256_of_another_user(lab, tmp_path):
    """A SHA-256 repository that another user owns, a linked worktree's branch included."""
    repository = Repository(tmp_path, "sha256")
    repository.zone("a.example", "192.0.2.1")
    repository.publish()
    trusting = tmp_path / "gitconfig"  # the pusher's; the daemon has none
    trusting.write_text("[safe]\n\tdirectory = *\n")
    repository.environment["GIT_CONFIG_GLOBAL"] = str(trusting)
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "65534:65534", repository.bare], check=True)
    daemon = daemon_for(lab, repository)
    repository.zone("a.example", "192.0.2.2")
    commit = repository.publish()
    daemon.wait_serial("a.example", 2)
    assert len(commit) == 64 and daemon.status()["git"][0]["commit"] == commit


@pytest.mark.parametrize("kind", ["work tree", "linked"])
def test_work_trees(lab, tmp_path, kind):
    """What is checked out counts, by HEAD; not what lies in the files."""
    repository = Repository(tmp_path)
    repository.zone("a.example", "192.0.2.1")
    repository.commit()
    tree = repository.clone
    if kind == "linked":
        tree = tmp_path / "linked"
        git(repository.clone, "worktree", "add", "-q", "-b", "other", tree)
    daemon = lab.daemon(zone_files=False, options=FREE, extra=f'zone-files {{ git "{tree}"; path "zones"; }};')
    assert daemon.soa("a.example") == 1
    (tree / "zones/a.example.zone").write_text(zone_text("a.example", 1, ["h0 IN A 192.0.2.7"]))
    git(tree, "commit", "-q", "-a", "-m", "committed")
    daemon.wait_serial("a.example", 2)
    git(tree, "checkout", "-q", "-b", "third")
    (tree / "zones/a.example.zone").write_text(zone_text("a.example", 1, ["h0 IN A 192.0.2.8"]))
    git(tree, "commit", "-q", "-a", "-m", "on the third")
    daemon.wait_serial("a.example", 3)
    git(tree, "checkout", "-q", "-")
    daemon.wait_serial("a.example", 4)
    (tree / "zones/a.example.zone").write_text("not committed")
    daemon.cli("reload", "a.example")
    assert daemon.soa("a.example") == 4 and state(daemon, "a.example") == "published"


def test_includes(lab, repository):
    """Resolved in the commit: an edit of what is included counts; nothing outside is read or shown."""
    repository.write("secret/key", "SECRET")
    repository.write("common/ns.inc", "ns1 IN A 192.0.2.1\n")
    for name in ("a.example", "b.example"):
        repository.write(f"zones/{name}.zone", zone_text(name, 1, ["$INCLUDE ../common/ns.inc"]))
    for name, path in (("up.example", "../../../../../../etc/hostname"), ("root.example", "/etc/hostname"), ("link.example", "link.inc")):
        repository.write(f"zones/{name}.zone", zone_text(name, 1, [f"$INCLUDE {path}"]))
    (repository.clone / "zones/link.inc").symlink_to("/etc/hostname")
    (repository.clone / "zones/s.example.zone").symlink_to("../common/s.text")
    repository.write("common/s.text", zone_text("s.example", 1, ["h IN A 192.0.2.1"]))
    repository.publish()
    daemon = daemon_for(lab, repository)
    hostname = open("/etc/hostname").read().strip()
    for name in ("up.example", "root.example", "link.example"):
        zone = wait_state(daemon, name, "broken")
        assert "lies outside" in zone["reason"] and hostname not in str(zone["details"])
    repository.write("common/ns.inc", "ns1 IN A 192.0.2.2\n")
    repository.publish("an include")
    for name in ("a.example", "b.example"):
        daemon.wait_serial(name, 2)
        assert "ns1." + name + ". 3600 A 192.0.2.2" in daemon.axfr(name)[0]
    repository.write("common/s.text", zone_text("s.example", 1, ["h IN A 192.0.2.2"]))
    repository.publish("behind a link")
    daemon.wait_serial("s.example", 2)


def test_over_a_restart(lab, repository):
    """Nothing new is nothing new; what was pushed meanwhile goes out; a commit is named by `status`."""
    for name in ("a.example", "b.example"):
        repository.zone(name, "192.0.2.1")
    repository.publish()
    daemon = daemon_for(lab, repository)
    daemon.stop()
    daemon.start()
    assert daemon.soa("a.example") == 1 and state(daemon, "a.example") == "published"
    daemon.stop()
    repository.zone("a.example", "192.0.2.2")
    git(repository.clone, "rm", "-q", "zones/b.example.zone")
    commit = repository.publish("while it was down")
    daemon.start()
    daemon.wait_serial("a.example", 2)
    wait_state(daemon, "b.example", "held")
    shown = daemon.status()["git"][0]
    assert shown["repository"] == str(repository.bare) and shown["commit"] == commit and shown["error"] is None
    assert shown["subject"] == "while it was down" and shown["author"] == "Anna A <anna@example.net>"


def test_a_repository_that_is_not_there(lab, repository):
    """Told in `status` and once in the log; zones that were published are served; it comes back by itself."""
    repository.zone("a.example", "192.0.2.1")
    repository.publish()
    daemon = daemon_for(lab, repository)
    daemon.stop()
    away = repository.bare.with_suffix(".away")
    repository.bare.rename(away)
    daemon.start()
    assert daemon.soa("a.example") == 1 and state(daemon, "a.example") == "failed"
    assert "no folder of a git repository" in daemon.status()["git"][0]["error"]
    assert "no folder of a git repository" in daemon.cli("status", check=False).stdout
    away.rename(repository.bare)
    daemon.cli("reload", "a.example")
    wait_state(daemon, "a.example", "published")
    assert daemon.status()["git"][0]["error"] is None
    repository.zone("a.example", "192.0.2.2")
    repository.publish()
    daemon.wait_serial("a.example", 2)


def test_a_repository_that_goes_away(lab, repository):
    """A look meanwhile does not take its zones' files for deleted."""
    repository.zone("a.example", "192.0.2.1")
    repository.publish()
    daemon = daemon_for(lab, repository)
    daemon.wait_serial("a.example", 1)
    away = repository.bare.with_suffix(".away")
    repository.bare.rename(away)
    looked = daemon.cli("reload", "a.example", check=False)
    assert "its repository could not be read" in looked.stdout and looked.returncode == 1, looked
    assert daemon.soa("a.example") == 1
    away.rename(repository.bare)
    daemon.cli("reload", "a.example")
    wait_state(daemon, "a.example", "published")


def test_a_branch_that_is_not_there(lab, repository):
    """An empty repository is told, and its first push counts."""
    daemon = daemon_for(lab, repository)
    assert "has no commit on branch main" in daemon.status()["git"][0]["error"]
    repository.zone("a.example", "192.0.2.1")
    repository.publish()
    daemon.wait_serial("a.example", 1)
    assert daemon.status()["git"][0]["error"] is None


def test_fetch(lab, tmp_path):
    """What the remote's branch has goes out; a remote that is away is told, and comes back."""
    repository = Repository(tmp_path)
    repository.zone("a.example", "192.0.2.1")
    repository.publish()
    mirror = tmp_path / "mirror.git"
    git(tmp_path, "clone", "-q", "--bare", repository.bare, mirror)
    daemon = lab.daemon(zone_files=False, options=FREE,
                        extra=f'zone-files {{ git "{mirror}"; branch "main"; path "zones"; fetch "origin" every 1; }};')
    daemon.wait_serial("a.example", 1)
    repository.zone("a.example", "192.0.2.2")
    repository.publish()
    daemon.wait_serial("a.example", 2)
    away = repository.bare.with_suffix(".away")
    repository.bare.rename(away)
    eventually(lambda: "does not appear to be a git repository" in (daemon.status()["git"][0]["fetch_error"] or ""), what="the error")
    away.rename(repository.bare)
    repository.zone("a.example", "192.0.2.3")
    repository.publish()
    daemon.wait_serial("a.example", 3)
    eventually(lambda: daemon.status()["git"][0]["fetch_error"] is None, what="the error's end")


def notes(repository, commit):
    return git(repository.bare, "notes", "--ref=zonecrier", "show", commit, check=False)


def test_notes(lab, repository):
    """Each publish is told in a note of its commit, and when everybody had it; they are a floor where all else is lost."""
    for name in ("a.example", "b.example"):
        repository.zone(name, "192.0.2.1")
    first = repository.publish("first")
    daemon = daemon_for(lab, repository, 'path "zones"; notes yes;', start=False)
    knot = lab.secondary(Knot, daemon, ["a.example", "b.example"], start=False)
    daemon.options += f"also-notify {{ {knot.target()} }};"
    daemon.start()
    knot.start()
    for name in ("a.example", "b.example"):
        eventually(lambda: re.search(rf"^{name}: serial 1, \d+ added, 0 removed, published \S+Z, everywhere \S+Z$", notes(repository, first), re.M),
                   what=f"the note of {name}")
    repository.zone("a.example", "192.0.2.2", "192.0.2.3")
    second = repository.publish("second")
    eventually(lambda: re.search(r"^a.example: serial 2, 2 added, 1 removed, published \S+Z, everywhere \S+Z$", notes(repository, second), re.M), what="the second note")
    assert "b.example" not in notes(repository, second)
    log = git(repository.bare, "log", "--notes=zonecrier", "main")
    assert "a.example: serial 2, 2 added" in log and daemon.zone("a.example")["commit"] == second
    knot.stop()
    daemon.stop()
    shutil.rmtree(daemon.folder / "state")
    daemon.start()
    eventually(lambda: daemon.soa("a.example") > 2, what="a serial above the noted one")
    assert daemon.soa("b.example") > 1 and state(daemon, "a.example") == "published"


def test_notes_that_cannot_be_written(lab, repository):
    """Told, and the publishing goes on; written in the end."""
    repository.zone("a.example", "192.0.2.1")
    first = repository.publish()
    (repository.bare / "refs/notes").mkdir(exist_ok=True)
    lock = repository.bare / "refs/notes/zonecrier.lock"
    lock.touch()
    daemon = daemon_for(lab, repository, 'path "zones"; notes yes;')
    daemon.wait_serial("a.example", 1)
    eventually(lambda: daemon.status()["git"][0]["notes_error"], what="the error")
    assert ": notes: " in daemon.cli("status").stdout
    lock.unlink()
    repository.zone("a.example", "192.0.2.2")
    second = repository.publish()
    eventually(lambda: "a.example: serial 2" in notes(repository, second), what="the note")
    assert "a.example: serial 1" in notes(repository, first) and daemon.status()["git"][0]["notes_error"] is None


def children_of(pid, word):
    """Its children whose command line has the word."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[1]) == pid and word in (stat.parent / "cmdline").read_text():
                found.append(int(stat.parent.name))
    return found


def test_stuck_git(lab, repository, tmp_path):
    """A git that does not answer delays nobody else; it is told, and what was pushed goes out when it is well again."""
    tools = tmp_path / "tools"
    tools.mkdir()
    real = subprocess.run(["sh", "-c", "command -v git"], capture_output=True, text=True, check=True).stdout.strip()
    (tools / "git").write_text(f'#!/bin/sh\n[ -e "{tmp_path}/stuck" ] && exec sleep 1000\nexec {real} "$@"\n')
    (tools / "git").chmod(0o755)
    repository.zone("a.example", "192.0.2.1")
    repository.publish()
    daemon = lab.daemon(extra=source(repository), options=FREE, env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"})
    daemon.wait_serial("a.example", 1)
    (tmp_path / "stuck").touch()
    for child in children_of(daemon.process.pid, "cat-file"):
        os.kill(child, signal.SIGSTOP)
    repository.zone("a.example", "192.0.2.2")
    repository.publish()
    daemon.write("folder.example", zone_text("folder.example", 5))
    daemon.wait_serial("folder.example", 5)
    for serial in range(6, 9):
        daemon.write("folder.example", zone_text("folder.example", serial))
        daemon.wait_serial("folder.example", serial)
    eventually(lambda: "does not answer" in (daemon.status()["git"][0]["error"] or ""), timeout=40, what="the error")
    (tmp_path / "stuck").unlink()
    daemon.cli("reload", "a.example", timeout=90)
    daemon.wait_serial("a.example", 2, timeout=60)


def test_the_cost_of_one_edit(lab, repository, tmp_path):
    """However many zones there are: a push of one edit is one difference, and one look."""
    tools = tmp_path / "tools"
    tools.mkdir()
    real = subprocess.run(["sh", "-c", "command -v git"], capture_output=True, text=True, check=True).stdout.strip()
    (tools / "git").write_text(f'#!/bin/sh\necho "$@" >>"{tmp_path}/asked"\nexec {real} "$@"\n')
    (tools / "git").chmod(0o755)
    for i in range(300):
        repository.zone(f"z{i}.example", "192.0.2.1")
    repository.publish()
    daemon = daemon_for(lab, repository, env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"})
    daemon.wait_serial("z299.example", 1)
    before = {zone["zone"]: zone["looked_at"] for zone in daemon.status()["zones"]}
    (tmp_path / "asked").write_text("")
    repository.zone("z7.example", "192.0.2.2")
    repository.publish()
    daemon.wait_serial("z7.example", 2)
    asked = (tmp_path / "asked").read_text()
    assert asked.count("diff-tree") == 1 and "ls-tree" not in asked, asked
    after = {zone["zone"]: zone["looked_at"] for zone in daemon.status()["zones"]}
    assert [name for name in after if after[name] != before[name]] == ["z7.example"]


@pytest.mark.long
def test_one_edit_among_20000(lab, repository):
    """The time from the push to the serial, among 20,000 zones."""
    for i in range(20000):
        repository.zone(f"z{i}.example", "192.0.2.1", folder=f"zones/{i % 100}")
    repository.publish()
    daemon = daemon_for(lab, repository)
    daemon.wait_serial("z19999.example", 1, timeout=120)
    for i in range(2, 12):
        repository.zone("z7.example", f"192.0.2.{i}", folder="zones/7")
        repository.commit()
        begin = time.monotonic()
        repository.push()
        pushed = time.monotonic()
        daemon.wait_serial("z7.example", i)
        print(f"push {pushed - begin:.3f} s, then {time.monotonic() - pushed:.3f} s to the serial")
