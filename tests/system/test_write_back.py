"""serial-write-back: the published serial's digits stand in the zone's file, nothing else of it is touched, and
no edit is lost for it."""
import os
import random
import stat
import time

import pytest

from lab import LONG, eventually, zone_text

SEED = int(os.environ.get("ZONECRIER_SEED", "11"))
TEXT = zone_text("a.example", 7, ["www A 192.0.2.1 ; the serial is not 7 here", 'x TXT "7"'])


@pytest.fixture
def primary(lab):
    return lab.daemon(start=False, options="serial-write-back yes; serial-update-method increment;")


def path_of(primary, name="a.example"):
    return primary.zones / f"{name}.zone"


def is_written(primary, serial, name="a.example"):
    """The file's serial as an independent reader sees it."""
    return path_of(primary, name).read_text().split("hostmaster.example.net. ")[1].split()[0] == str(serial)


def test_only_the_digits_change(primary):
    primary.start()
    primary.write("a.example", TEXT)
    primary.wait_serial("a.example", 7)
    path = path_of(primary)
    os.chmod(path, 0o640)
    if os.geteuid() == 0:
        os.chown(path, 0, 12)
    edited = TEXT.replace("192.0.2.1", "192.0.2.99")
    path.write_text(edited)
    primary.wait_serial("a.example", 8)
    eventually(lambda: is_written(primary, 8), what="the serial in the file")
    assert path.read_text() == edited.replace("example.net. 7 ", "example.net. 8 ")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    if os.geteuid() == 0:
        assert path.stat().st_gid == 12
    eventually(lambda: [p.name for p in primary.zones.iterdir()] == [path.name], what="no other file left")


def test_its_own_write_is_no_change(primary):
    """No new serial, no NOTIFY, nothing said; and what is written is not written again."""
    primary.start()
    for number in range(1, 6):
        primary.write("a.example", TEXT.replace("192.0.2.1", f"192.0.2.{number}"))
        primary.wait_serial("a.example", 6 + number)
        eventually(lambda: is_written(primary, 6 + number), what="the serial in the file")
    inode = path_of(primary).stat().st_ino
    primary.cli("reload", "a.example")
    primary.write("b.example", zone_text("b.example", 1))
    primary.wait_serial("b.example", 1)
    assert primary.soa("a.example") == 11
    assert primary.log().count("a.example: published") == 5
    assert path_of(primary).stat().st_ino == inode
    assert "write_back" not in primary.zone("a.example")


def test_what_was_not_written_is_written_at_the_next_start(primary):
    """A crash between publish and write, or the statement new: the next look does it."""
    primary.options = ""
    primary.start()
    primary.write("a.example", TEXT)
    primary.wait_serial("a.example", 7)
    primary.write("a.example", TEXT + "b A 192.0.2.2\n")
    primary.wait_serial("a.example", 8)
    primary.kill()
    assert is_written(primary, 7)
    primary.options = "serial-write-back yes;"
    primary.start()
    eventually(lambda: is_written(primary, 8), what="the serial in the file")
    assert primary.soa("a.example") == 8


def test_ours_to_manage(primary):
    """Serial 0 in the file: the digits take its place, and the policy makes the next one all the same."""
    primary.start()
    primary.write("a.example", TEXT.replace(" 7 ", " 0 "))
    primary.wait_serial("a.example", 1)
    eventually(lambda: is_written(primary, 1), what="the serial in the file")
    path = path_of(primary)
    path.write_text(path.read_text() + "c A 192.0.2.3\n")
    primary.wait_serial("a.example", 2)
    eventually(lambda: is_written(primary, 2), what="the serial in the file")


def test_a_link_is_followed(primary):
    """What the link leads to is written; the link stays one."""
    real = primary.folder / "real"
    real.mkdir()
    (real / "a.db").write_text(TEXT)
    primary.extra = f'zone "a.example" {{ type primary; file "{path_of(primary)}"; }};'
    path_of(primary).symlink_to(real / "a.db")
    primary.start()
    primary.wait_serial("a.example", 7)
    (real / "a.db").write_text(TEXT + "d A 192.0.2.4\n")
    primary.cli("reload", "a.example")
    primary.wait_serial("a.example", 8)
    eventually(lambda: is_written(primary, 8), what="the serial in the file")
    assert path_of(primary).is_symlink()


def test_why_it_cannot_be_done(primary):
    """Hard links, an SOA in an included file: the zone is served all the same, and status says why."""
    primary.start()
    primary.write("a.example", TEXT)
    primary.wait_serial("a.example", 7)
    os.link(path_of(primary), primary.folder / "second")
    path_of(primary).write_text(TEXT + "e A 192.0.2.5\n")
    primary.wait_serial("a.example", 8)
    eventually(lambda: "hard links" in primary.zone("a.example").get("write_back", ""), what="the reason in status")
    assert "write-back" in primary.cli("status", "a.example").stdout
    os.unlink(primary.folder / "second")
    primary.cli("reload", "a.example")
    eventually(lambda: is_written(primary, 8), what="the serial in the file")
    eventually(lambda: "write_back" not in primary.zone("a.example"), what="no reason in status")

    (primary.zones / "soa.inc").write_text("@ IN SOA ns1.example.net. hostmaster.example.net. 0 3600 600 86400 300\n")
    primary.write("b.example", "$TTL 300\n$INCLUDE soa.inc\n@ NS ns1.example.net.\n")
    primary.wait_serial("b.example", 1)
    eventually(lambda: "another file" in primary.zone("b.example").get("write_back", ""), what="the reason in status")
    assert " 0 3600" in (primary.zones / "soa.inc").read_text()


def test_signed_elsewhere_is_left_alone(primary):
    text = zone_text("a.example", 7, ["@ 3600 IN ZONEMD 7 1 240 ( " + "00" * 48 + " )"])
    primary.start()
    primary.write("a.example", text)
    primary.wait_serial("a.example", 7)
    primary.write("b.example", zone_text("b.example", 0))
    eventually(lambda: is_written(primary, 1, "b.example"), what="the other zone's serial")
    assert path_of(primary).read_text() == text


def test_racing_editors(primary):
    """Editors of three kinds without pause, write-back between them: every edit is published in the end, and the
    file is the last edit but for the serial."""
    seed, rounds = SEED, 200 if LONG else 25
    print(f"seed {seed}")
    rng = random.Random(seed)
    primary.options = "serial-write-back yes; settle-time 5ms;"
    primary.start()
    primary.write("a.example", TEXT + "".join(f"s{n} A 192.0.2.1\n" for n in range(100)))  # no edit is much of the zone
    primary.wait_serial("a.example", 7)
    path = path_of(primary)

    def with_mark(text, mark):
        return text.split("; mark")[0] + f"; mark\nmark{mark} A 192.0.2.{mark % 250 + 1}\n"

    for mark in range(rounds):
        way = rng.choice(["rename", "in place", "append"])
        time.sleep(rng.random() * 0.08)
        if way == "rename":
            other = primary.folder / "edit.tmp"
            other.write_text(with_mark(path.read_text(), mark))
            other.rename(path)
        elif way == "in place":
            text = with_mark(path.read_text(), mark)
            with open(path, "r+") as file:
                file.truncate(0)
                file.write(text)
        else:
            with open(path, "a") as file:
                file.write(f"mark{mark} A 192.0.2.{mark % 250 + 1}\n")
        # Not at once: for an instant the copy may stand there, before it makes way for the edit.
        eventually(lambda: f"mark{mark} " in path.read_text(), what=f"edit {mark} ({way})")
    last = f"mark{rounds - 1}.a.example."
    eventually(lambda: any(r.startswith(last) for r in primary.axfr("a.example")[0]), what="the last edit published")
    eventually(lambda: is_written(primary, primary.soa("a.example")), what="the last serial in the file")
    assert f"mark{rounds - 1} " in path.read_text()


def test_many_zones_at_once(primary):
    count = 2000 if LONG else 200
    for number in range(count):
        primary.write(f"z{number}.example", zone_text(f"z{number}.example", 0))
    primary.start()
    eventually(lambda: all(is_written(primary, 1, f"z{n}.example") for n in range(count)), 60, "every serial in its file")
    eventually(lambda: not list(primary.zones.glob(".*")), what="no other file left")
