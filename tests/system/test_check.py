"""zonecrier check tells everything that is wrong in zone files, with its place, whatever they lie in: a folder, or a commit; with no
daemon, no configuration, no root."""
import json
import os
import re
import shutil
import subprocess

import pytest

from lab import BUILD, PATIENCE, ROOT, zone_text
from worktree import ENVIRONMENT, Worktree, bare

BROKEN = sorted((ROOT / "tests/data/broken").glob("*.zone"))


def check(*argv, cwd="/", env=None):
    return subprocess.run([BUILD / "zonecrier", "check", *map(str, argv)], capture_output=True, text=True, cwd=cwd,
                          env={**ENVIRONMENT, **(env or {})}, timeout=60 * PATIENCE, errors="surrogateescape")


def expected(text):
    """The first line of a broken file: [(line, column, code)]."""
    first = text.split("\n", 1)[0].removeprefix("; expect ").rstrip("\r")
    return sorted((int(line), int(column), code) for line, column, code in re.findall(r"(\d+):(\d+) ([\w-]+)", first))


def test_there_are_at_least_200_broken_files():
    assert len(BROKEN) >= 200


@pytest.mark.parametrize("part", range(4))
def test_each_broken_file_is_told_at_its_place(part, tmp_path):
    """By text, JSON and annotations alike; and the same once it is committed."""
    tree = Worktree(tmp_path / "r")
    for path in BROKEN[part::4]:
        text = path.read_bytes().decode("latin-1")
        places = expected(text)
        told = json.loads(check("-j", "-o", "example.com", path).stdout)["files"][0]["diagnostics"]
        errors = [d for d in told if d["severity"] == "error"]
        assert sorted((d["line"], d["column"], d["code"]) for d in errors) == places, path
        assert all(d["source_line"] is not None and d["message"] for d in errors), path
        (tree.folder / path.stem).mkdir()
        (tree.folder / path.stem / "example.com.zone").write_bytes(path.read_bytes())
        if BROKEN.index(path) % 12 != part:  # the forms say the same: each third file shows it
            continue
        annotations = re.findall(r"^::error file=.*,line=(\d+),col=(\d+),title=([\w-]+)::", check("-f", "github", "-o", "example.com", path).stdout, re.M)
        assert sorted((int(line), int(column), code) for line, column, code in annotations) == places, path
        plain = check("-o", "example.com", path)
        assert plain.returncode == 1, path
        assert sorted(re.findall(rf"^{re.escape(str(path))}:(\d+):(\d+): error: ", plain.stdout, re.M)) == sorted(
            (str(line), str(column)) for line, column, _ in places), path
    tree.commit()
    for path in BROKEN[part::4][::6]:
        told = json.loads(check("-j", "-g", "HEAD", "-p", path.stem, cwd=tree.folder).stdout)["files"]
        assert [f["file"] for f in told] == [f"{path.stem}/example.com.zone"]
        assert sorted((d["line"], d["column"], d["code"]) for d in told[0]["diagnostics"] if d["severity"] == "error") == expected(
            path.read_bytes().decode("latin-1")), path


def test_a_commit_is_checked_not_the_work_tree(tmp_path):
    tree = Worktree(tmp_path / "r")
    tree.write("zones/a.example.zone", zone_text("a.example", records=["www A 300.1.1.1", "$INCLUDE parts/hosts"]))
    tree.write("zones/parts/hosts", "h A 1\n")
    tree.write("zones/sub/b.example.zone", zone_text("b.example"))
    tree.write("other/c.example.zone", zone_text("c.example", records=["x_y A 192.0.2.1"]))
    tree.write("zones/README", "no zone\n")
    broken = tree.commit()
    tree.write("zones/a.example.zone", zone_text("a.example"))
    tree.commit()
    tree.write("zones/a.example.zone", "nonsense\n")
    assert check("-g", "HEAD", "--path", "zones", cwd=tree.folder / "zones").returncode == 0
    told = check("-g", "HEAD~1", "--path", "zones", cwd=tree.folder)
    assert told.returncode == 1
    assert "zones/a.example.zone:5:7: error: " in told.stdout
    assert "zones/parts/hosts:1:5: error: " in told.stdout
    assert "included from zones/a.example.zone:6" in told.stdout
    assert "2 files: 2 errors" in told.stdout and "c.example" not in told.stdout
    whole = check("-g", broken, cwd=tree.folder)
    assert "other/c.example.zone:5:1: error: x_y.c.example. is no name of a host" in whole.stdout
    assert "3 files: 3 errors" in whole.stdout
    repository = bare(tmp_path / "bare.git")
    tree.push(repository, "main")
    assert check("--git", "main~1", cwd=repository).stdout == whole.stdout
    for argv in (("-g", "nowhere"), ("-g", "HEAD", "-p", "nowhere"), ("-g", "HEAD", "zones"), ("-p", "zones"), ()):
        assert check(*argv, cwd=tree.folder).returncode == 2, argv
    assert "no git repository" in check("-g", "HEAD", cwd="/").stderr


def test_nothing_outside_the_root_is_shown(tmp_path):
    """By "..", an absolute path, and a symlink: refused, and nothing of its text in any format; in a folder and in a commit."""
    secret = tmp_path / "secret"
    secret.write_text("the-secret-text A 1\n")
    tree = Worktree(tmp_path / "r")
    tree.write("zones/up.example.zone", zone_text("up.example", records=["$INCLUDE ../../secret"]))
    tree.write("zones/far.example.zone", zone_text("far.example", records=[f"$INCLUDE {secret}"]))
    tree.write("zones/link.example.zone", zone_text("link.example", records=["$INCLUDE link"]))
    (tree.folder / "zones/link").symlink_to(secret)
    (tree.folder / "zones/whole.example.zone").symlink_to("../../secret")
    tree.commit()
    for argv in (("zones",), ("-g", "HEAD"), ("-g", "HEAD", "-p", "zones")):
        for form in ("text", "json", "github"):
            told = check("-f", form, *argv, cwd=tree.folder)
            assert told.returncode in (1, 2)
            assert "the-secret-text" not in told.stdout + told.stderr
        told = check(*argv, cwd=tree.folder)
        for name in ("up", "far", "link"):
            assert re.search(rf"zones/{name}\.example\.zone:5:10: error: ", told.stdout), told.stdout
        assert "whole.example.zone" in told.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_no_root_no_configuration(tmp_path):
    """A user without a home, in a read-only folder, of a repository that somebody else owns."""
    tree = Worktree(tmp_path / "r")
    tree.write("a.example.zone", zone_text("a.example"))
    tree.commit()
    for folder in (tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o011)
    program = tmp_path / "zonecrier"
    program.write_bytes((BUILD / "zonecrier").read_bytes())
    program.chmod(0o755)
    for argv in (("a.example.zone",), ("-g", "HEAD")):
        done = subprocess.run([program, "check", *argv], capture_output=True, text=True, cwd=tree.folder, user=65534, group=65534,
                              extra_groups=[], env={"PATH": os.environ["PATH"]}, timeout=60 * PATIENCE)
        assert done.returncode == 0, done.stdout + done.stderr


def test_severities_are_those_that_bind_has(tmp_path):
    """named-checkzone refuses, warns of and takes the same zones, under the same words."""
    named = shutil.which("named-checkzone")
    if not named:
        pytest.skip("named-checkzone is not there")
    cases = {"names": ("check-names primary", "-k", "a_b A 192.0.2.1"), "mx": ("check-mx", "-m", "@ MX 10 192.0.2.9\n@ A 192.0.2.1"),
             "mxcname": ("check-mx-cname", "-M", "@ MX 10 al\nal CNAME a\na A 192.0.2.1"),
             "srvcname": ("check-srv-cname", "-S", "_x._tcp SRV 0 0 1 al\nal CNAME a\na A 192.0.2.1")}
    for name, (statement, option, records) in cases.items():
        zone = tmp_path / f"{name}.example.zone"
        zone.write_text(zone_text(f"{name}.example", records=[records]))
        for level in ("fail", "warn", "ignore"):
            conf = tmp_path / "zc.conf"
            conf.write_text(f"options {{ {statement} {level}; notify no; allow-transfer {{ none; }}; }};\n")
            ours = check("-c", conf, zone)
            theirs = subprocess.run([named, "-i", "local", option, level, f"{name}.example", zone], capture_output=True, text=True)
            assert (ours.returncode == 0) == (theirs.returncode == 0), (name, level, ours.stdout, theirs.stdout)
            if level == "ignore":
                assert "clean" in ours.stdout or name == "mx", ours.stdout
            else:
                assert {"fail": "error: ", "warn": "warning: "}[level] in ours.stdout


def test_the_daemon_has_the_same_severities(lab):
    """check-names and the others hold for what is published: by the whole text, and by the changed lines of a large one."""
    zones = "".join(f"zone {level}.example {{ check-names {level}; check-mx {level}; }};\n" for level in ("warn", "ignore"))
    primary = lab.daemon(extra=zones)
    for size in (3, 6000):
        hosts = [f"h{i} A 192.0.2.{i % 250}" for i in range(size)]
        for serial, extra in ((size, []), (size + 1, ["a_b A 192.0.2.1"]), (size + 2, ["m MX 5 192.0.2.7"]), (size + 3, [])):
            for level in ("fail", "warn", "ignore"):
                primary.write(f"{level}.example", zone_text(f"{level}.example", serial, hosts + extra), reload=True)
                zone = primary.zone(f"{level}.example")
                breaks = level == "fail" and extra[:1] == ["a_b A 192.0.2.1"]
                assert zone["state"] == ("broken" if breaks else "published"), zone
                assert zone["serial"] == (serial - 1 if breaks else serial)
                assert ("error: a_b.fail.example. is no name of a host" in (zone["details"] or "")) == breaks
