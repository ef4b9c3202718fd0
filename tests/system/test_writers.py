"""Whoever writes the zone files, and however: what goes out is what was served before or the whole new text, or it is held; and one line says why."""
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

import disk_trace
from lab import BUILD, PATIENCE, eventually, file_records, without_soa, zone_text

ZONE = "example.com"
QUIET = 0.08  # longer than settle-time


def text_of(number, count=140):
    """A text of some 5 KB whose content is its number's alone. No 512th octet ends a line: a text that is cut between two lines near its end is a text like any
    other, and no reader can tell."""
    for pad in range(512):
        text = zone_text(ZONE, 1, [f"; {'.' * pad}"] + [f"host{i} A 192.0.{number}.{i}" for i in range(count)] + [f'mark TXT "edit {number}"'])
        if all(text[cut - 1] != "\n" for cut in range(512, len(text), 512)):
            return text
    raise AssertionError("no such text")


def content_of(text):
    return without_soa(file_records(text, ZONE))


def served(daemon, zone=ZONE):
    records, _ = daemon.axfr(zone)
    return without_soa(records)


def wait_content(daemon, text, timeout=15):
    wanted = content_of(text)
    eventually(lambda: served(daemon) == wanted, timeout, "the new content")


def log_lines(daemon, *words, level=""):
    """Log lines (their first lines, where they have more) with all these words, and a level."""
    pattern = re.compile(r"^\d{4}-\d\d-\d\d \S+ (\w+): ")
    return [line for line in daemon.log().splitlines() if (m := pattern.match(line)) and (not level or m[1] in level) and all(w in line for w in words)]


def one_line(daemon, *words, timeout=10):
    """Waits for a line of trouble with these words; there must be one alone, now and a little later."""
    eventually(lambda: log_lines(daemon, *words, level="error warning"), timeout, f"a line with {words}")
    time.sleep(0.2)
    found = log_lines(daemon, *words, level="error warning")
    assert len(found) == 1, found
    return found[0]


@pytest.fixture
def daemon(lab):
    daemon = lab.daemon(start=False)
    (daemon.zones / f"{ZONE}.zone").write_text(text_of(0))
    daemon.start()
    assert served(daemon) == content_of(text_of(0))
    return daemon


# ---- ways to write ----

@pytest.mark.threads
@pytest.mark.parametrize("way", ["truncate", "unlink", "new file renamed"])
def test_a_slow_writer(daemon, way):
    """It pauses after every 512th octet: nothing happens until it closes (renames); then the whole goes out."""
    path = daemon.zones / f"{ZONE}.zone"
    before, lines = daemon.soa(ZONE), len(daemon.log().splitlines())
    if way == "unlink":
        path.unlink()
    new = text_of(1)
    target = daemon.zones / f".{ZONE}.zone.tmp" if way == "new file renamed" else path
    with open(target, "wb", buffering=0) as file:
        for at in range(0, len(new), 512):
            file.write(new[at:at + 512].encode())
            time.sleep(QUIET)
            assert daemon.soa(ZONE) == before
        assert len(daemon.log().splitlines()) == lines, daemon.log()
    if way == "new file renamed":
        time.sleep(QUIET)
        assert daemon.soa(ZONE) == before
        target.rename(path)
    wait_content(daemon, new)
    assert daemon.soa(ZONE) == before + 1
    assert not log_lines(daemon, ZONE, level="error warning")


def test_reload_under_a_writer(daemon):
    """SIGHUP, another zone's edit, and a touch while a writer has the file open: it is not read before its close."""
    path = daemon.zones / f"{ZONE}.zone"
    new = text_of(1)
    with open(path, "wb", buffering=0) as file:
        file.write(new[:1000].encode())
        time.sleep(QUIET)
        daemon.process.child.send_signal(signal.SIGHUP)
        eventually(lambda: "is in use" in daemon.log(), what="the reload")
        daemon.write("other.example", zone_text("other.example"))
        eventually(lambda: daemon.soa("other.example") == 1, what="the other zone")
        os.utime(path)
        time.sleep(4 * QUIET)
        assert daemon.zone(ZONE)["state"] == "published" and served(daemon) == content_of(text_of(0))
        file.write(new[1000:].encode())
    wait_content(daemon, new)
    assert not log_lines(daemon, f" {ZONE}: ", level="error warning")


def test_a_writer_that_dies(daemon):
    """It dies after every 512th octet: the old zone is served on, and the cut text is held or broken, with a line; the whole text then goes out."""
    path = daemon.zones / f"{ZONE}.zone"
    old, new = text_of(0), text_of(1)
    contents = [content_of(old), content_of(new)]
    kinds = set()
    for cut in range(0, len(new), 512):
        with open(path, "wb") as file:
            file.write(new[:cut].encode())
        zone = eventually(lambda: (zone := daemon.zone(ZONE))["state"] in ("held", "broken") and zone, what=f"a verdict on {cut} octets", step=0.01)
        kinds.add(zone["state"])
        assert served(daemon) == contents[0], cut
        daemon.write(ZONE, old)
        eventually(lambda: daemon.zone(ZONE)["state"] == "published", what="the old text's verdict", step=0.01)
    assert kinds == {"held", "broken"}
    assert daemon.soa(ZONE) == 1
    path.write_text(new)
    wait_content(daemon, new)


@pytest.mark.threads
def test_approve_of_a_text_without_newline(daemon):
    """Held as perhaps half written; the hash releases exactly it, a further edit replaces it."""
    path = daemon.zones / f"{ZONE}.zone"
    path.write_text(text_of(1).rstrip("\n"))
    line = one_line(daemon, ZONE, "held")
    assert "newline" in line and "approve" in line
    stale = daemon.zone(ZONE)["hash"]
    path.write_text(text_of(2).rstrip("\n"))
    eventually(lambda: daemon.zone(ZONE)["hash"] != stale, what="the next hash")
    assert daemon.cli("approve", ZONE, stale, check=False).returncode != 0
    assert served(daemon) == content_of(text_of(0))
    daemon.cli("approve", ZONE, daemon.zone(ZONE)["hash"])
    wait_content(daemon, text_of(2))


def test_restless_writer(daemon):
    """Opened, written and closed without a pause, as a shell loop with >> does: it goes out within two seconds or so, and the last text in the end."""
    path = daemon.zones / f"{ZONE}.zone"
    text, before = text_of(1), daemon.soa(ZONE)
    path.write_text(text)
    begin, first = time.monotonic(), None
    for i in range(150):
        text += f"more{i} A 192.0.2.1\n"
        path.write_text(text)
        time.sleep(0.02)
        if first is None and daemon.soa(ZONE) != before:
            first = time.monotonic() - begin
    assert first is not None and first < 2.5 * PATIENCE, first
    wait_content(daemon, text)


def test_git_checkout(daemon):
    """A real git changes the folder's files back and forth: every state that is served is one commit's."""
    def git(*argv):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-C", daemon.zones, *argv], check=True, capture_output=True)
    if not shutil.which("git"):
        pytest.skip("no git")
    git("init", "-q", "-b", "main")
    texts = [text_of(n) for n in range(4)]
    for text in texts:
        (daemon.zones / f"{ZONE}.zone").write_text(text)
        git("add", "-A")
        git("commit", "-q", "-m", "edit")
    contents = [content_of(text) for text in texts]
    wait_content(daemon, texts[3])
    for back in (2, 1, 0, 3):
        git("checkout", "-q", f"main~{3 - back}")
        for _ in range(3):
            assert served(daemon) in contents
        wait_content(daemon, texts[back])
    assert not log_lines(daemon, ZONE, level="error warning")


@pytest.mark.threads
def test_folder_swapped(lab):
    """The folder is a symlink; a rename makes it lead elsewhere."""
    daemon = lab.daemon(start=False)
    daemon.zones.rmdir()
    for number in (0, 1):
        release = daemon.folder / f"release-{number}"
        release.mkdir()
        (release / f"{ZONE}.zone").write_text(text_of(number))
    (daemon.folder / "release-1" / "new.example.zone").write_text(zone_text("new.example"))
    daemon.zones.symlink_to("release-0")
    daemon.start()
    (daemon.folder / "next").symlink_to("release-1")
    (daemon.folder / "next").rename(daemon.zones)
    wait_content(daemon, text_of(1))
    eventually(lambda: daemon.soa("new.example") == 1, what="the zone that came with it")
    # Events come from the new place.
    daemon.write(ZONE, text_of(2))
    wait_content(daemon, text_of(2))


def test_include(lab):
    """A file that is included is watched; gone, it breaks the zone once, and heals it when it is back."""
    daemon = lab.daemon(start=False)
    (daemon.zones / "hosts.inc").write_text("a A 192.0.2.1\n")
    daemon.write(ZONE, zone_text(ZONE, 1, ["$INCLUDE hosts.inc"]))
    daemon.start()
    assert f"a.{ZONE}. 3600 A 192.0.2.1" in served(daemon)
    (daemon.zones / "hosts.inc").write_text("a A 192.0.2.2\n")
    eventually(lambda: f"a.{ZONE}. 3600 A 192.0.2.2" in served(daemon), what="the include's edit")
    (daemon.zones / "hosts.inc").unlink()
    line = one_line(daemon, ZONE, "broken")
    assert "hosts.inc" in line and daemon.zone(ZONE)["state"] == "broken"
    assert f"a.{ZONE}. 3600 A 192.0.2.2" in served(daemon)
    (daemon.zones / "hosts.inc").write_text("a A 192.0.2.3\n")
    eventually(lambda: f"a.{ZONE}. 3600 A 192.0.2.3" in served(daemon), what="the include's return")


# ---- files that are none ----

def make_directory(path):
    path.mkdir()


def make_fifo(path):
    os.mkfifo(path)


def make_socket(path):
    folder = os.open(path.parent, os.O_PATH)  # sun_path has room for 108 octets, whatever the folder's name
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.close(folder)


def make_junk(path):
    path.write_bytes(random.Random(1).randbytes(100_000))


def make_nul(path):
    path.write_bytes(bytes(5000))


def make_empty(path):
    path.write_bytes(b"")


def make_other_zone(path):
    path.write_text(zone_text("other.example", 1, ["www A 192.0.2.1"]))


def make_dangling(path):
    path.symlink_to("nowhere")


def make_html(path):
    path.write_text("<!DOCTYPE html>\n<html><body>404 not found</body></html>\n")


WRONG = {
    make_directory: "regular file",
    make_fifo: "regular file",
    make_socket: "regular file",
    make_junk: "error",
    make_nul: "error",
    make_empty: "SOA",
    make_other_zone: "SOA",
    make_dangling: "not there",
    make_html: "error",
}


@pytest.mark.threads
@pytest.mark.parametrize("when", ["at start", "later"])
def test_wrong_files(lab, when):
    """Each gets one line that names it and says why; the good zone beside them is served."""
    daemon = lab.daemon(start=False)
    (daemon.zones / f"{ZONE}.zone").write_text(text_of(0))
    if when == "later":
        daemon.start()
    names = {}
    for make in WRONG:
        name = f"{make.__name__.removeprefix('make_').replace('_', '-')}.example"
        names[make] = name
        make(daemon.zones / f"{name}.zone")
    (daemon.zones / "a..b.zone").write_text(text_of(0))
    if when == "at start":
        daemon.start()
    for make, reason in WRONG.items():
        if when == "later" and make in (make_directory, make_dangling):
            continue  # no file came: told at the next start or reload
        line = one_line(daemon, f"{names[make]}: ")
        assert f"{names[make]}.zone" in line and reason in line, line
        assert len(line) < 600 and line.isprintable(), line
        assert daemon.soa(names[make]) is None
    assert "name" in one_line(daemon, "a..b.zone")
    assert served(daemon) == content_of(text_of(0))
    # Junk is not quoted at length.
    assert len(daemon.log()) < 20_000, len(daemon.log())
    daemon.cli("reload", check=False)
    for make in WRONG:
        if make is not make_dangling:  # not a zone any more since it was told; asked for, it is told again
            one_line(daemon, f"{names[make]}: ")


@pytest.mark.parametrize("make", [make_directory, make_fifo, make_junk, make_nul, make_empty, make_other_zone, make_html], ids=lambda make: make.__name__)
def test_wrong_file_in_place_of_a_good_one(daemon, make):
    """What was served stays, one line, and the good file's return heals it."""
    path = daemon.zones / f"{ZONE}.zone"
    path.unlink()
    make(path)
    zone = eventually(lambda: (zone := daemon.zone(ZONE))["state"] in ("broken", "held") and zone, what="a verdict")
    one_line(daemon, f"{ZONE}: {zone['state']}")
    assert served(daemon) == content_of(text_of(0)) and daemon.soa(ZONE) == 1
    path.rmdir() if make is make_directory else path.unlink()
    daemon.write(ZONE, text_of(1))
    wait_content(daemon, text_of(1))
    assert daemon.zone(ZONE)["state"] == "published"


def test_unreadable(lab):
    """No permission: one line with what to do; given, it goes out by itself."""
    daemon = lab.daemon(start=False)
    path = daemon.zones / f"{ZONE}.zone"
    path.write_text(text_of(0))
    if os.geteuid() == 0:  # root reads everything unless it gives that up
        daemon.program = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search", BUILD / "zonecrierd"]
        os.chown(path, 65534, 65534)
        path.chmod(0o600)
    else:
        path.chmod(0)
    daemon.start()
    line = one_line(daemon, ZONE, "permission denied")
    assert str(path) in line and "chmod" in line
    path.chmod(0o644)
    eventually(lambda: served(daemon) == content_of(text_of(0)), what="the readable file")


@pytest.mark.threads
def test_two_files_of_one_zone(daemon):
    """Told once with both names; what is published stays; without the second all is well."""
    second = daemon.zones / "Example.COM.zone"
    second.write_text(text_of(1))
    line = one_line(daemon, "two files for one zone")
    assert f"{ZONE}.zone" in line and "Example.COM.zone" in line and "remove" in line
    (daemon.zones / f"{ZONE}.zone").write_text(text_of(2))
    time.sleep(4 * QUIET)
    assert served(daemon) == content_of(text_of(0)) and daemon.zone(ZONE)["state"] == "broken"
    second.unlink()
    wait_content(daemon, text_of(2))
    assert len(log_lines(daemon, "two files for one zone")) == 1


@pytest.mark.threads
def test_vanished(daemon):
    """Gone: served on, its removal held, one line, also through a restart; back: as if nothing had been."""
    path = daemon.zones / f"{ZONE}.zone"
    path.rename(daemon.folder / "kept")
    line = one_line(daemon, ZONE, "held")
    assert str(path) in line and "put the file back" in line and f"zonecrier approve {ZONE} " in line
    assert daemon.zone(ZONE)["state"] == "held" and served(daemon) == content_of(text_of(0))
    daemon.stop()
    daemon.start()
    assert daemon.zone(ZONE)["state"] == "held" and served(daemon) == content_of(text_of(0))
    assert len(log_lines(daemon, ZONE, "held")) == 2
    (daemon.folder / "kept").rename(path)
    eventually(lambda: daemon.zone(ZONE)["state"] == "published", what="its return")
    assert daemon.soa(ZONE) == 1


def test_a_zone_of_a_folder_is_ended(daemon):
    """Its file is removed, and that is approved: not with another hash. Should it come back, its serial goes on."""
    path = daemon.zones / f"{ZONE}.zone"
    text = path.read_text()
    path.unlink()
    held = eventually(lambda: (zone := daemon.zone(ZONE))["state"] == "held" and zone, what="the removal's hold")
    assert daemon.cli("approve", ZONE, "0" * 64, check=False).returncode != 0 and daemon.soa(ZONE) == 1
    daemon.cli("approve", ZONE, held["hash"], check=False)
    eventually(lambda: not [z for z in daemon.status()["zones"] if z["zone"] == ZONE], what="its end")
    done = daemon.cli("status", ZONE, check=False)
    assert done.returncode == 1 and done.stderr == f"zonecrier: no zone {ZONE} here; zonecrier status lists the zones\n"
    assert "its last serial 1 is remembered; secondaries serve it until its EXPIRE" in daemon.log()
    path.write_text(text)
    daemon.wait_serial(ZONE, 2)


# ---- disks ----

def have_mounts():
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


def fill(folder):
    """Takes all the room there is."""
    with open(folder / "filler", "wb", buffering=0) as file:
        size = 1 << 20
        while size >= 512:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
    return folder / "filler"


@pytest.mark.parametrize("serial_file", ["beside the store", "on another disk"])
def test_no_room(lab, serial_file):
    """A full disk: the old zone is served on, one line a zone, and it goes on by itself when there is room."""
    if not have_mounts():
        pytest.skip("needs root: a small tmpfs for the state")
    daemon = lab.daemon(start=False)
    state = daemon.folder / "state"
    state.mkdir(mode=0o700)
    (daemon.zones / f"{ZONE}.zone").write_text(text_of(0))
    if serial_file == "on another disk":
        daemon.options = f'serial-file "{daemon.folder}/serials";'
    daemon.program = ["unshare", "-m", "sh", "-c", f'mount -t tmpfs -o size=1m none "{state}" && exec "$0" "$@"', BUILD / "zonecrierd"]
    daemon.start()
    assert served(daemon) == content_of(text_of(0))
    inside = Path(f"/proc/{daemon.process.pid}/root{state}")
    assert (inside / "data.mdb").exists()
    filler = fill(inside)
    # More than the free pages of the store hold.
    large = text_of(1) + "".join(f"large{i} TXT {' '.join(['x' * 250] * 8)}\n" for i in range(100))
    daemon.write(ZONE, large)
    eventually(lambda: daemon.zone(ZONE)["state"] == "failed", what="the state failed")
    line = one_line(daemon, f"{ZONE}: failed")
    assert "No space left on device" in line and "tried again" in line
    time.sleep(2.5)  # a retry or two
    assert daemon.process.is_running() and served(daemon) == content_of(text_of(0))
    assert len(log_lines(daemon, f"{ZONE}: failed")) == 1
    assert len(log_lines(daemon, "cannot be written")) <= 1, log_lines(daemon, "cannot be written")
    filler.unlink()
    wait_content(daemon, large, timeout=25)
    assert daemon.zone(ZONE)["state"] == "published"
    daemon.write(ZONE, text_of(2) + large[len(text_of(1)):])
    wait_content(daemon, text_of(2) + large[len(text_of(1)):])


@pytest.mark.slow_under_sanitizers
@pytest.mark.parametrize("call,path", [("fsync", "serials"), ("fdatasync", "data.mdb"), ("writev", "data.mdb")])
def test_disk_error(lab, call, path):
    """EIO from a sync or a write, once: the old zone is served on, one line, and the next try publishes."""
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    daemon = lab.daemon(start=False)
    (daemon.zones / f"{ZONE}.zone").write_text(text_of(0))
    daemon.start()
    daemon.stop()
    (daemon.zones / f"{ZONE}.zone").write_text(text_of(1))
    state = daemon.folder / "state"
    daemon.program = ["strace", "-D", "-f", "-qq", "-o", daemon.folder / "trace", "-P", state / path, "-e", f"trace={call}",
                      "-e", f"inject={call}:error=EIO:when=1", BUILD / "zonecrierd"]
    daemon.env = disk_trace.strace_env()
    daemon.start()
    line = one_line(daemon, f"{ZONE}: failed")
    assert "Input/output error" in line and "tried again" in line
    wait_content(daemon, text_of(1))
    assert daemon.zone(ZONE)["state"] == "published"
    assert "INJECTED" in (daemon.folder / "trace").read_text()


@pytest.mark.slow_under_sanitizers
def test_disk_error_at_the_root(lab):
    """EIO from the write that makes a commit: LMDB refuses all that follows. The daemon ends, for its manager to start it again, and says so; the next life goes on."""
    if not shutil.which("strace"):
        pytest.skip("needs strace")
    daemon = lab.daemon(start=False)
    (daemon.zones / f"{ZONE}.zone").write_text(text_of(0))
    daemon.start()
    daemon.stop()
    (daemon.zones / f"{ZONE}.zone").write_text(text_of(1))
    daemon.program = ["strace", "-D", "-f", "-qq", "-o", daemon.folder / "trace", "-P", daemon.folder / "state" / "data.mdb", "-e", "trace=pwrite64",
                      "-e", "inject=pwrite64:error=EIO:when=1", BUILD / "zonecrierd"]
    daemon.env = disk_trace.strace_env()
    daemon.start(wait=False)
    eventually(lambda: not daemon.process.is_running(), what="its end")
    assert daemon.process.child.returncode == 1
    daemon.process.stop()
    assert len(log_lines(daemon, "started again", level="critical crit")) == 1, daemon.log()
    daemon.program, daemon.env = [BUILD / "zonecrierd"], None
    daemon.start()
    wait_content(daemon, text_of(1))
    # Serial 2 was used up, and may be on the disk.
    assert daemon.soa(ZONE) in (2, 3)
