"""A push of a broken zone, or of a change that the guard would hold, is refused as a whole, and git's own output says why; a broken
zone is not committed. With real git."""
import os
import re
import subprocess

import pytest

from lab import BUILD, PATIENCE, zone_text
from worktree import ENVIRONMENT, Worktree, bare, git

HOSTS = [f"h{i} A 192.0.2.{i}" for i in range(40)]


def zonecrier(*argv, check=True, cwd="/", stdin=""):
    done = subprocess.run([BUILD / "zonecrier", *map(str, argv)], capture_output=True, text=True, cwd=cwd, env=ENVIRONMENT, input=stdin,
                          timeout=60 * PATIENCE)
    if check:
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done


class Place:
    """A bare repository with the hook, a clone of it, and a first push that passed."""

    def __init__(self, folder, *init, install=()):
        self.bare = bare(folder / "dns.git", *init)
        self.tree = Worktree(folder / "clone", self.bare, init)
        zonecrier("hook", "install", self.bare, *install)
        self.tree.write("zones/a.example.zone", zone_text("a.example", 1, HOSTS))
        self.tree.write("zones/b.example.zone", zone_text("b.example", 1, HOSTS))
        self.tree.commit()
        self.tree.push("-u", "origin", "main")

    def head(self):
        return git(self.bare, "rev-parse", "main").stdout.strip()

    def refused(self, *argv):
        """What git said, without its "remote: "."""
        before = git(self.bare, "for-each-ref").stdout
        done = self.tree.push(*argv, check=False)
        assert done.returncode != 0, done.stderr
        assert git(self.bare, "for-each-ref").stdout == before, "nothing of the push was taken"
        assert "pre-receive hook declined" in done.stderr, done.stderr
        return "".join(re.sub(r"^remote: ?|[ \t]+$", "", line) + "\n" for line in done.stderr.split("\n"))

    def taken(self, *argv):
        done = self.tree.push(*argv)
        assert self.head() == self.tree.head()
        return done.stderr


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_a_broken_zone_is_refused_with_its_caret(place):
    place.tree.write("zones/a.example.zone", zone_text("a.example", 2, [*HOSTS, "www 300 IN A 300.1.1.1", "two MX"]))
    place.tree.write("zones/b.example.zone", zone_text("b.example", 2, HOSTS))
    place.tree.commit()
    told = place.refused()
    assert ("zones/a.example.zone:45:14: error: '300.1.1.1' is not an IPv4 address\n"
            "   45 | www 300 IN A 300.1.1.1\n"
            "      |              ^\n") in told
    assert "zones/a.example.zone:46:7: error: " in told
    assert "the push is refused; nothing of it was taken" in told
    place.tree.write("zones/a.example.zone", zone_text("a.example", 2, HOSTS))
    place.tree.commit()
    place.taken()


@pytest.mark.parametrize("how", ["new", "forced", "amended", "merged", "renamed", "packed"])
def test_every_way_of_a_push(place, how):
    """What the tree would be counts, however it comes about."""
    tree, broken = place.tree, zone_text("a.example", 2, ["x A 1"])
    if how == "new":
        git(place.bare, "update-ref", "-d", "refs/heads/main")
    if how in ("forced", "amended"):
        git(tree.folder, "reset", "-q", "--soft", git(tree.folder, "commit-tree", "-m", "root", git(tree.folder, "write-tree").stdout.strip())
            .stdout.strip())
    if how == "merged":
        git(tree.folder, "checkout", "-q", "-b", "side")
        tree.write("zones/side.example.zone", zone_text("side.example", 1))
        tree.commit()
        git(tree.folder, "checkout", "-q", "main")
    if how == "renamed":
        git(tree.folder, "mv", "zones/a.example.zone", "a.example.zone")
        broken_path = "a.example.zone"
    else:
        broken_path = "zones/a.example.zone"
    if how == "packed":
        git(place.bare, "gc", "-q")
    tree.write(broken_path, broken)
    tree.commit()
    if how == "merged":
        git(tree.folder, "merge", "-q", "--no-edit", "side")
    assert f"{broken_path}:5:5: error: " in place.refused("--force", "origin", "main")
    tree.write(broken_path, zone_text("a.example", 2, HOSTS))
    tree.commit()
    place.taken("--force", "origin", "main")


def test_the_guard_in_the_hook(place):
    """40 % less is refused with a hash; that hash lets it through, by a push option or by the message; another does not."""
    tree = place.tree
    tree.write("zones/a.example.zone", zone_text("a.example", 2, HOSTS[16:]))
    tree.commit()
    told = place.refused()
    assert "a.example: 16 of 41 RRsets would be gone (limit 30 %)" in told
    approved = re.search(r"zonecrier-approve=([0-9a-f]{64})", told)[1]
    assert re.search(r"Zonecrier-Approve: ([0-9a-f]{64})", told)[1] == approved
    place.refused("-o", "zonecrier-approve=" + "0" * 64, "origin", "main")
    assert "approved; zonecrierd asks for its own approval" in place.taken("-o", f"zonecrier-approve={approved}", "origin", "main")
    (tree.folder / "zones/b.example.zone").unlink()
    tree.commit()
    told = place.refused()
    assert "b.example: the zone's file is gone" in told
    approved = re.search(r"Zonecrier-Approve: ([0-9a-f]{64})", told)[1]
    git(tree.folder, "commit", "-q", "--amend", "-m", f"b.example ends\n\nZonecrier-Approve: {approved}\n")
    place.taken()


def test_includes_and_second_files(place):
    """A file that zones include is looked at by what they make of it; two files for a zone, and a name that is no zone's."""
    tree = place.tree
    tree.write("zones/a.example.zone", zone_text("a.example", 2, [*HOSTS, "$include parts/more"]))
    tree.write("zones/parts/more", "more A 192.0.2.77\n")
    tree.commit()
    place.taken()
    tree.write("zones/parts/more", "more A 192.0.2\n")
    tree.commit()
    told = place.refused()
    assert "zones/parts/more:1:8: error: " in told and "included from zones/a.example.zone:45" in told
    tree.write("zones/parts/more", "more A 192.0.2.78\n")
    tree.write("elsewhere/B.Example.zone", zone_text("b.example", 1, HOSTS))
    tree.write("zones/c..d.zone", "")
    tree.commit()
    told = place.refused()
    assert "a second file for the same zone" in told and "zones/c..d.zone: error: the file's name is not the name of a zone" in told


def test_only_what_is_published_is_looked_at(tmp_path):
    """The branch and the folder of the installation; a branch that goes; the severities of a configuration."""
    conf = tmp_path / "zc.conf"
    conf.write_text("options { check-names primary ignore; notify no; allow-transfer { none; }; };\n")
    place = Place(tmp_path, install=("--branch", "main", "--path", "zones", "--config", conf))
    tree = place.tree
    tree.write("drafts/c.example.zone", "nonsense\n")
    tree.write("zones/b.example.zone", zone_text("b.example", 2, [*HOSTS, "a_b A 192.0.2.1"]))
    tree.commit()
    place.taken()
    tree.write("zones/c.example.zone", "nonsense\n")
    tree.commit()
    tree.push("origin", "main:draft")
    assert "zones/c.example.zone:1:" in place.refused()
    tree.push("origin", ":draft")
    git(place.bare, "config", "receive.denyDeleteCurrent", "ignore")
    tree.push("origin", ":main")
    git(place.bare, "config", "zonecrier.config", tmp_path / "nowhere.conf")
    assert "nowhere.conf" in place.refused()


def test_a_branch_that_is_not_there(tmp_path):
    """A misspelt one is warned of; of a repository without any nothing is said."""
    place = Place(tmp_path)
    for branch, warns in (("main", False), ("mian", True)):
        done = zonecrier("hook", "install", place.bare, "--branch", branch)
        assert (done.stderr == f"zonecrier: warning: {place.bare} has no branch {branch}: pushes to other branches are not looked at\n") == warns, done
        assert bool(done.stderr) == warns
    assert zonecrier("hook", "install", bare(tmp_path / "new.git"), "--branch", "later").stderr == ""


def test_a_sha256_repository(tmp_path):
    place = Place(tmp_path, "--object-format=sha256")
    assert len(place.head()) == 64
    place.tree.write("zones/a.example.zone", zone_text("a.example", 2, ["x A 1"]))
    place.tree.commit()
    assert "zones/a.example.zone:5:5: error: " in place.refused()
    place.tree.write("zones/a.example.zone", zone_text("a.example", 2, [*HOSTS, "x A 192.0.2.1"]))
    place.tree.commit()
    place.taken()


def test_aliases_are_not_asked_for(place):
    """ALIAS and URL pass, whatever their targets are just now; and what is wrong with them does not."""
    tree = place.tree
    tree.write("zones/a.example.zone", zone_text("a.example", 2, [*HOSTS, "@ ALIAS host.example.net.", 'w URL "https://example.org/"']))
    tree.commit()
    place.taken()
    tree.write("zones/a.example.zone", zone_text("a.example", 3, [*HOSTS, "@ ALIAS other.example.net.", "w ALIAS"]))
    tree.commit()
    assert "zones/a.example.zone:46:8: error: " in place.refused()


def test_many_zones_in_a_push(place):
    for i in range(300):
        place.tree.write(f"zones/z{i}.example.zone", zone_text(f"z{i}.example", 1, HOSTS[:3]))
    place.tree.commit()
    place.taken()
    for i in range(300):
        place.tree.write(f"zones/z{i}.example.zone", zone_text(f"z{i}.example", 2, HOSTS[:4] + (["x A 1"] if i == 250 else [])))
    place.tree.commit()
    told = place.refused()
    assert "zones/z250.example.zone:9:5: error: " in told and told.count("error: ") == 2  # and git's own


def test_commits(tmp_path):
    """pre-commit looks at the index; a broken zone is not committed, what the guard would hold is warned of."""
    tree = Worktree(tmp_path / "r")
    told = zonecrier("hook", "install", tree.folder).stdout
    assert re.findall(r"/hooks/(\S+): installed", told) == ["pre-receive", "pre-commit"]

    def commit(*argv, check=True):
        return git(tree.folder, "commit", "-q", "-m", "an edit", *argv, check=check)

    tree.write("a.example.zone", "nonsense\n")
    git(tree.folder, "add", "-A")
    tree.write("a.example.zone", zone_text("a.example", 1, HOSTS))
    done = commit(check=False)
    assert done.returncode != 0 and "a.example.zone:1:" in done.stderr and "git commit --no-verify" in done.stderr
    assert git(tree.folder, "rev-parse", "HEAD", check=False).returncode != 0
    git(tree.folder, "add", "-A")
    commit()
    tree.write("a.example.zone", zone_text("a.example", 1, HOSTS[:5]))
    assert "a.example: 35 of 41 RRsets would be gone" in commit("-a").stderr
    tree.write("sub/b.example.zone", "nonsense\n")
    git(tree.folder, "add", "-A")
    assert commit(check=False).returncode != 0
    commit("--no-verify")
    git(tree.folder, "worktree", "add", "-q", tmp_path / "second", "-b", "second")
    (tmp_path / "second/sub/b.example.zone").write_text("other nonsense\n")
    done = git(tmp_path / "second", "commit", "-q", "-a", "-m", "x", check=False)
    assert done.returncode != 0 and "sub/b.example.zone:1:" in done.stderr


def test_installing(tmp_path):
    """Again changes nothing; somebody else's hook is left as it is; what is no repository is told."""
    repository = bare(tmp_path / "it's a repo.git")
    hook = repository / "hooks/pre-receive"
    assert "installed" in zonecrier("hook", "install", repository).stdout
    first = hook.read_text()
    assert hook.stat().st_mode & 0o777 == 0o755 and not (repository / "hooks/pre-commit").exists()
    zonecrier("hook", "install", repository)
    assert hook.read_text() == first
    hook.write_text("#!/bin/sh\nexit 0\n")
    done = zonecrier("hook", "install", repository, check=False)
    assert done.returncode == 2 and "somebody else's hook" in done.stderr
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"
    hook.write_text("#!/bin/sh\nexec zonecrier hook pre-receive\n")
    assert "calls zonecrier already" in zonecrier("hook", "install", repository).stdout
    for argv in (("install", tmp_path / "nowhere"), ("install",), ("post-receive",), ("install", tmp_path)):
        assert zonecrier("hook", *argv, check=False).returncode == 2, argv
    assert sorted(os.listdir(repository / "hooks"))[-1] != "pre-receive.zonecrier"


@pytest.mark.parametrize("line", ["", "x", "0 1", "z" * 40 + " " + "0" * 40 + " refs/heads/main", "0" * 40 + " " + "1" * 40 + " refs/heads/main",
                                  "0" * 9000], ids=range(6))
def test_what_is_no_line_of_git(place, line):
    """Nothing is let through that was not understood."""
    done = zonecrier("hook", "pre-receive", cwd=place.bare, stdin=line + "\n", check=False)
    assert done.returncode == 1 and done.stderr.startswith("zonecrier: ")
