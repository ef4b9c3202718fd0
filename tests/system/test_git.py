"""Zones out of git: real pushes to a bare repository, every secondary ends with the commit's content."""
import os
import subprocess

import pytest

from lab import Bind, Knot, LONG, Nsd, PATIENCE, eventually, file_records, need_peers, without_soa, zone_text

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
        git(self.clone, "push", "-q", *options, "origin", "HEAD:main")

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


def test_pushes(lab, repository):
    """New, edited, amended, forced back, merged, renamed: the daemon serves what the branch has."""
    repository.zone("a.example", "192.0.2.1")
    repository.zone("b.example", "192.0.2.2")
    repository.publish("first")
    daemon = daemon_for(lab, repository)
    assert daemon.soa("a.example") == 1 and daemon.zone("a.example")["state"] == "published"
    before = git(repository.clone, "rev-parse", "HEAD")

    repository.zone("a.example", "192.0.2.1", "192.0.2.9")
    repository.publish("one more")
    daemon.wait_serial("a.example", 2)
    wait_content(daemon, repository, "a.example")

    repository.zone("a.example", "192.0.2.10")
    repository.commit("amended", "--amend")
    repository.push("--force")
    daemon.wait_serial("a.example", 3)
    wait_content(daemon, repository, "a.example")

    git(repository.clone, "reset", "-q", "--hard", before)
    repository.push("--force")
    daemon.wait_serial("a.example", 4)
    wait_content(daemon, repository, "a.example")
