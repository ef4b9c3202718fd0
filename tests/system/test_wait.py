"""zonecrier wait in a script: edit, wait, dig: never stale."""
import time

import dns.message
import dns.query
import pytest

from lab import Bind, Knot, Nsd, free_port, zone_text
from test_fleet import KEY, block, make
from test_git import FREE, Repository, git, source

ROUNDS = 15


def edits_in_a_row(daemon, secondaries, rounds):
    for n in range(2, rounds + 2):
        daemon.write("example.org", zone_text("example.org", n, [f"www IN A 192.0.2.{n % 250 + 1}"]))
        done = daemon.cli("wait", "example.org", "--quiet")
        assert done.stdout == "" and done.stderr == ""
        for s in secondaries:
            assert s.serial("example.org") == n, s.name


def test_edit_wait_dig(lab):
    daemon, secondaries = make(lab, [Bind, Nsd, Knot], ["example.org"])
    edits_in_a_row(daemon, secondaries, ROUNDS)


@pytest.mark.long
def test_edit_wait_dig_200_times(lab):
    daemon, secondaries = make(lab, [Bind, Nsd, Knot], ["example.org"])
    begin = time.monotonic()
    edits_in_a_row(daemon, secondaries, 200)
    print(f"{(time.monotonic() - begin) / 200:.3f} s a round")


def from_git(lab, tmp_path, kinds):
    repository = Repository(tmp_path)
    repository.zone("example.org", "192.0.2.1")
    repository.publish()
    daemon = lab.daemon(start=False, keys=[KEY], zone_files=False, options=FREE)
    secondaries = [lab.secondary(kind, daemon, ["example.org"], key=KEY, start=False) for kind in kinds]
    names = " ".join(f'"{s.name}";' for s in secondaries)
    daemon.options += f" secondaries {{ {names} }};"
    daemon.extra = source(repository) + "".join(block(s) for s in secondaries)
    daemon.start()
    for s in secondaries:
        s.start()
    return daemon, repository, secondaries


def pushes_in_a_row(daemon, repository, secondaries, rounds):
    daemon.cli("wait", "example.org")
    for n in range(rounds):
        repository.zone("example.org", f"192.0.2.{n % 250 + 1}", f"198.51.100.{n % 250 + 1}")
        commit = repository.publish(f"edit {n}")
        daemon.cli("wait", "example.org", "--quiet", *(["--commit", commit] if n % 2 else []))
        for s in secondaries:
            answer = dns.query.udp(dns.message.make_query("h1.example.org", "A"), s.address, port=s.port, timeout=5)
            assert answer.answer[0][0].address == f"198.51.100.{n % 250 + 1}", s.name


def test_push_wait_dig(lab, tmp_path):
    daemon, repository, secondaries = from_git(lab, tmp_path, [Bind, Nsd])
    pushes_in_a_row(daemon, repository, secondaries, ROUNDS)
    first = git(repository.clone, "rev-list", "--max-parents=0", "HEAD")
    daemon.cli("wait", "example.org", "--commit", first)  # what is published has it in it
    other = repository.commit("not pushed")
    done = daemon.cli("wait", "example.org", "--commit", other, "--timeout", "1s", check=False)
    assert done.returncode == 3 and "not published within 1 s" in done.stderr, done
    daemon.cli("wait", "example.org", "--commit", git(repository.clone, "rev-parse", "--short", first).strip())
    for nothing in (other[:10], "nonesuch", "--", "HEAD^{tree}"):
        done = daemon.cli("wait", "example.org", f"--commit={nothing}", "--timeout", "1h", check=False)
        assert done.returncode == 1 and "no repository that zones come from has a commit" in done.stderr and nothing in done.stderr, done


@pytest.mark.long
def test_push_wait_dig_200_times(lab, tmp_path):
    daemon, repository, secondaries = from_git(lab, tmp_path, [Bind, Nsd, Knot])
    begin = time.monotonic()
    pushes_in_a_row(daemon, repository, secondaries, 200)
    print(f"{(time.monotonic() - begin) / 200:.3f} s a round")


def test_exit_three_names_who_lags(lab):
    daemon, secondaries = make(lab, [Bind], ["example.org"], start=False)
    done = daemon.cli("wait", "example.org", "--timeout", "1s", check=False)
    assert done.returncode == 3, done
    assert "serial 1 is not everywhere after 1 s; 1 of 1 lag:" in done.stderr and "example.org: bind:" in done.stderr
    secondaries[0].start()
    done = daemon.cli("wait", "example.org", "--timeout", "60s")
    assert done.stdout.splitlines()[-1] == "example.org: bind has serial 1"
    done = daemon.cli("wait", "example.org", "--serial", "2", "--timeout", "1s", check=False)
    assert done.returncode == 3 and "not published within 1 s" in done.stderr, done


def test_verify_compares_the_changed_records(lab):
    daemon, secondaries = make(lab, [Nsd], ["example.org"])
    secondaries[0].wait_serial("example.org", 1)
    daemon.write("example.org", zone_text("example.org", 2, ["www IN A 192.0.2.9", "new IN TXT \"x\""]))
    daemon.cli("wait", "example.org", "--verify")
    assert daemon.zone("example.org")["secondaries"][0]["verified"] is True


def test_one_secondary_of_several(lab):
    daemon, secondaries = make(lab, [Bind, Nsd], ["example.org"], start=False)
    secondaries[0].start()
    done = daemon.cli("wait", "example.org", "--secondary", "BIND")
    assert "bind has serial 1" in done.stdout and "nsd" not in done.stdout
    done = daemon.cli("wait", "example.org", "--secondary", "he", check=False)
    assert done.returncode == 1 and "no secondary he" in done.stderr


def test_a_broken_or_held_edit_is_told(lab):
    daemon, secondaries = make(lab, [Bind], ["example.org"])
    daemon.cli("wait", "example.org")
    daemon.write("example.org", zone_text("example.org", 2, ["www IN A 192.0.2.300"]))
    done = daemon.cli("wait", "example.org", check=False)
    assert done.returncode == 1 and "192.0.2.300" in done.stdout, done
    daemon.write("example.org", zone_text("example.org", 2, ["www IN A 192.0.2.30"]))
    daemon.cli("wait", "example.org")
    daemon.cli("freeze", "example.org")
    daemon.write("example.org", zone_text("example.org", 3, ["www IN A 192.0.2.31"]))
    assert daemon.cli("wait", "example.org", check=False).returncode == 4


def test_silence_never_counts(lab):
    """A name server that does not answer, while the transfer was seen."""
    daemon = lab.daemon(start=False, keys=[KEY])
    bind = lab.secondary(Bind, daemon, ["example.org"], key=KEY, start=False)
    nobody = free_port("127.0.0.77")
    daemon.extra = block(bind).replace("nameservers {", f"nameservers {{ 127.0.0.77 port {nobody};")
    daemon.options += ' secondaries { "bind"; };'
    daemon.write("example.org", zone_text("example.org", 1))
    daemon.start()
    bind.start()
    bind.wait_serial("example.org", 1)
    done = daemon.cli("wait", "example.org", "--timeout", "3s", check=False)
    assert done.returncode == 3 and f"127.0.0.77#{nobody}" in done.stderr, done
    daemon.extra = block(bind, more="probe no;")
    daemon.write_conf()
    daemon.cli("reload")
    daemon.cli("wait", "example.org")


def test_wrong_usage(lab):
    daemon = lab.daemon()
    for arguments, words in [(["--timeout", "soon"], "no duration"), (["--serial", "0"], "no serial")]:
        done = daemon.cli("wait", "example.org", *arguments, check=False)
        assert done.returncode == 2 and words in done.stderr, done
    done = daemon.cli("wait", "nowhere.example", check=False)
    assert done.returncode == 1 and "no zone nowhere.example" in done.stderr
    daemon.write("alone.example", zone_text("alone.example", 1))
    done = daemon.cli("wait", "alone.example", check=False)
    assert done.returncode == 1 and "has no secondary" in done.stderr
