"""Proof 4 of the guard: what looks like a slip is held, served unchanged, told, and released by its hash alone; over restarts too."""
import json
import time

import pytest

from lab import PATIENCE, Bind, Knot, eventually, need_peers, zone_text

ZONE = "example.com"
GUARD = "guard { };"  # the defaults, in the lab's options


def hosts(names, address="192.0.2.1"):
    return [f"h{n} A {address}" for n in names]


def text_of(names, serial=0, more=("@ MX 10 mail", "mail A 192.0.2.25"), **kwargs):
    return zone_text(ZONE, serial=serial, records=[*more, *hosts(names)], **kwargs)


def look(daemon, text=None, zone=ZONE):
    """Writes the text and has it looked at: the verdict."""
    if text is not None:
        daemon.write(zone, text)
    return json.loads(daemon.cli("reload", zone, "--json", check=False).stdout)


def approve(daemon, hash, zone=ZONE):
    return daemon.cli("approve", zone, hash, check=False)


def assert_published(daemon, text):
    before = daemon.soa(ZONE)
    verdict = look(daemon, text)
    # The watcher may have been there first.
    assert verdict["verdict"] in ("published", "unchanged") and daemon.soa(ZONE) == before + 1, verdict
    assert daemon.zone(ZONE)["state"] == "published"


def assert_held(daemon, text, *words, zone=ZONE):
    """Held, for this reason, and served as it was. Returns the hash."""
    before = daemon.axfr(zone)
    verdict = look(daemon, text, zone)
    status = daemon.zone(zone)
    assert verdict["verdict"] == "held" and status["state"] == "held", verdict
    assert verdict["hash"] == status["hash"] and len(status["hash"]) == 64
    for word in words:
        assert word in status["reason"], status["reason"]
    assert daemon.axfr(zone) == before
    return status["hash"]


@pytest.fixture
def daemon(lab):
    daemon = lab.daemon(start=False, options=GUARD)
    daemon.write(ZONE, text_of(range(97)))  # 100 RRsets with NS, MX and mail's
    return daemon.start()


def restart(daemon):
    daemon.stop()
    daemon.start()


@pytest.mark.skipif(not need_peers(), reason="the real secondaries are not unpacked")
@pytest.mark.parametrize("kind", [Bind, Knot])
def test_forty_percent(lab, kind):
    """Nothing changes at the secondary until the right hash is approved; a wrong and an outdated one release nothing."""
    daemon = lab.daemon(start=False, options=GUARD)
    daemon.write(ZONE, text_of(range(97)))
    secondary = lab.secondary(kind, daemon, [ZONE], start=False)
    daemon.options += f" also-notify {{ {secondary.target()} }};"
    daemon.start()
    secondary.start()
    secondary.wait_serial(ZONE, 1)
    content = secondary.axfr(ZONE)

    first = assert_held(daemon, text_of(range(57)), "40 of 100 RRsets would be gone", "limit 30 %")
    assert f"held: 40 of 100 RRsets would be gone (limit 30 %); to release it: zonecrier approve {ZONE} {first}" in daemon.log()
    second = assert_held(daemon, text_of(range(58)), "39 of 100 RRsets")
    assert second != first
    for wrong in ("0" * 64, first):
        done = approve(daemon, wrong)
        assert done.returncode == 4 and "has another hash now" in done.stderr, done
        assert daemon.zone(ZONE)["hash"] == second and daemon.soa(ZONE) == 1
    daemon.cli("notify", ZONE)  # it asks, and has what it had
    eventually(lambda: daemon.zone(ZONE)["targets"][0]["acknowledged_serial"] == 1, what="the NOTIFY's answer")
    assert secondary.axfr(ZONE) == content and secondary.serial(ZONE) == 1

    done = approve(daemon, second)
    assert done.returncode == 0 and "published" in done.stdout, done
    secondary.wait_serial(ZONE, 2)
    assert secondary.axfr(ZONE)[0] == daemon.axfr(ZONE)[0] and len(daemon.axfr(ZONE)[0]) == 62
    done = approve(daemon, second)
    assert done.returncode == 1 and "nothing is held" in done.stderr, done


def test_a_changed_rdata_is_no_deletion(daemon):
    """Nor are a TTL, a $TTL, letter case and what comes: the limit of changes is another one."""
    assert_published(daemon, text_of(range(97), ttl=7200))
    assert_published(daemon, text_of(range(300), ttl=7200))
    upper = text_of(range(300), ttl=7200).replace("\nh", "\nH")
    assert_published(daemon, upper)
    text = zone_text(ZONE, 0, ["@ MX 10 mail", "mail A 192.0.2.25", *hosts(range(150)), *hosts(range(150, 300), "192.0.2.2")], ttl=7200)
    assert_published(daemon, text)
    text = zone_text(ZONE, 0, ["@ MX 10 mail", "mail A 192.0.2.25", *hosts(range(298), "192.0.2.3"), *hosts(range(298, 300))], ttl=7200)
    assert_held(daemon, text, "would be changed or gone", "limit 50 %")


@pytest.mark.skipif(not need_peers(), reason="the real secondaries are not unpacked")
def test_a_zone_signed_anew(lab, tmp_path):
    """All its RRSIG, NSEC and ZONEMD records are others."""
    test_signed = pytest.importorskip("test_signed")
    keys = [test_signed.subprocess.run(["ldns-keygen", "-a", "ED25519", "-r", "/dev/urandom", *more, ZONE], cwd=tmp_path, check=True,
                                       capture_output=True, text=True).stdout.strip() for more in ([], ["-k"])]
    signer = test_signed.Signer((tmp_path, keys), "zonemd")
    daemon = lab.daemon(start=False, options=GUARD)
    daemon.write(ZONE, signer.sign(10, hosts(range(100))))
    daemon.start()
    later = ["-i", "20260201000000", "-e", "20380201000000"]
    assert look(daemon, signer.sign(11, hosts(range(100)), dates=later))["verdict"] in ("published", "unchanged")
    assert daemon.soa(ZONE) == 11
    assert_held(daemon, signer.sign(12, hosts(range(40)), dates=later), "RRsets would be gone")


def test_five_times_29_percent(daemon):
    """Each by itself would pass. What was gone before counts, over restarts too, until somebody approves."""
    left = 97
    assert_published(daemon, text_of(range(left - 29)))
    held = assert_held(daemon, text_of(range(left - 2 * 29)), "58 of 100 RRsets would be gone, with the edits of the last hour")
    restart(daemon)
    assert daemon.zone(ZONE)["state"] == "held" and daemon.zone(ZONE)["hash"] == held and daemon.soa(ZONE) == 2
    for slip in range(3, 6):
        names = max(left - slip * 29, 0)
        assert_held(daemon, text_of(range(names)), f"{97 - names} of 100 RRsets", "with the edits of the last hour")
    assert_published(daemon, text_of(range(left - 30)))  # 30 of 100 in all
    held = assert_held(daemon, text_of(range(left - 31)), "31 of 100 RRsets")
    assert approve(daemon, held).returncode == 0
    # The window begins anew.
    assert daemon.soa(ZONE) == 4
    assert_published(daemon, text_of(range(left - 31 - 20)))
    assert_held(daemon, text_of(range(left - 31 - 21)), "21 of 69 RRsets")


def test_a_busy_zone(daemon):
    """What comes and goes is counted net: a hundred edits that put back what they took do not trip."""
    for n in range(1, 40):
        assert_published(daemon, text_of(range(97 - 20 * (n % 2))))
    dynamic = [f"d{n} A 192.0.2.9" for n in range(60)]
    for n in range(10):
        assert_published(daemon, zone_text(ZONE, 0, ["@ MX 10 mail", "mail A 192.0.2.25", *hosts(range(97)), *dynamic[:60 * (n % 2)]]))
    assert_held(daemon, text_of(range(60)), "37 of 100 RRsets")


def test_only_changed_lines_are_parsed(lab):
    """A zone so large that an edit does not read it whole: the same counts, one and several edits."""
    daemon = lab.daemon(start=False, options=GUARD)
    daemon.write(ZONE, text_of(range(7997)))
    daemon.start()
    assert_held(daemon, text_of(range(4797)), "3200 of 8000 RRsets would be gone (limit 30 %)")
    assert_published(daemon, text_of(range(6397)))
    assert_published(daemon, text_of(range(5997)))
    held = assert_held(daemon, text_of(range(5596)), "2401 of 8000 RRsets would be gone, with the edits of the last hour")
    assert_published(daemon, text_of(range(5597)))
    assert approve(daemon, held).returncode == 1  # what is published is another base
    text = text_of(range(5597)).replace("@ MX 10 mail\n", "")
    assert_held(daemon, text, "at the apex no record would be left of MX")


def test_small_zones(lab):
    """Fewer records than min-records: held when more than half goes, or all but the apex."""
    daemon = lab.daemon(start=False, options=GUARD)
    small = ["www A 192.0.2.1", "ftp A 192.0.2.2", "mail A 192.0.2.3"]
    daemon.write(ZONE, zone_text(ZONE, 0, small))
    daemon.start()
    assert_published(daemon, zone_text(ZONE, 0, [r.replace("192.0.2", "198.51.100") for r in small]))
    assert_published(daemon, zone_text(ZONE, 0, small[:1]))  # two of four
    assert_held(daemon, zone_text(ZONE, 0), "all but the apex would be gone")
    daemon.write(ZONE, zone_text(ZONE, 0, [*small, "a A 192.0.2.4", "b A 192.0.2.4"]))
    look(daemon)
    other = zone_text("example.net", 0, small + ["a A 192.0.2.4", "b A 192.0.2.4"])
    daemon.write("example.net", other)
    eventually(lambda: daemon.soa("example.net") == 1, what="the other zone")
    assert_held(daemon, zone_text("example.net", 0, small[:1]), "4 of 6 RRsets would be gone (more than half of a small zone)", zone="example.net")


def test_apex_and_delegations(lab):
    daemon = lab.daemon(start=False, options=GUARD)
    more = ["@ MX 10 mail", "@ A 192.0.2.1", "@ AAAA 2001:db8::1", "mail A 192.0.2.25", "sub NS ns1.example.net.", "sub DS 12345 13 2 " + "ab" * 32,
            "whole NS ns1.example.net.", "whole DS 12345 13 2 " + "cd" * 32]

    def text(*without, plus=()):
        return text_of(range(97), more=[r for r in more if r not in without] + list(plus))

    daemon.write(ZONE, text())
    daemon.start()
    for gone, word in ((more[0], "MX"), (more[1], "of A"), (more[2], "AAAA")):
        assert_held(daemon, text(gone), "at the apex no record would be left of", word)
    assert_held(daemon, text(*more[:3]), "of MX, A, AAAA")
    assert_held(daemon, text(more[5]), "the DS records of the delegation sub.example.com would be gone, others of it stay")
    assert_held(daemon, text(more[4], more[5], plus=["sub A 192.0.2.1"]), "of the delegation sub.example.com")
    assert_published(daemon, text(more[6], more[7]))  # a delegation that goes whole is a deletion like any other
    daemon.options = "guard { protect-apex no; };"
    daemon.write_conf()
    daemon.cli("reload")
    assert_published(daemon, text(more[0], more[5], more[6], more[7]))


def test_a_typo_of_a_serial(daemon):
    """3026112101: a year's worth ahead and more."""
    assert_published(daemon, text_of(range(97), serial=2)) if daemon.soa(ZONE) == 1 else None
    before = daemon.soa(ZONE)
    hash = assert_held(daemon, text_of(range(97), serial=3026112101 % 2**31), "is far ahead of the published", "a typo?")
    restart(daemon)
    assert daemon.zone(ZONE)["hash"] == hash and daemon.soa(ZONE) == before
    assert_held(daemon, text_of(range(50), serial=2026112101), "a typo?", "RRsets would be gone")  # all that is wrong, in one go
    assert_published(daemon, text_of(range(97), serial=before + 1))
    daemon.options = "guard { max-serial-step 100; };"
    daemon.write_conf()
    daemon.cli("reload", check=False)
    hash = assert_held(daemon, text_of(range(97), serial=before + 102), "a typo?")
    assert approve(daemon, hash).returncode == 0 and daemon.soa(ZONE) == before + 102


def test_dates_far_ahead(lab):
    """A zone in date style, and the slip of a digit: 3026112101."""
    daemon = lab.daemon(start=False, options=GUARD)
    daemon.write(ZONE, text_of(range(97), serial=2026112101))
    daemon.start()
    assert_held(daemon, text_of(range(97), serial=3026112101), "3026112101 is far ahead of the published 2026112101")
    assert look(daemon, text_of(range(97), serial=2026112102))["verdict"] in ("published", "unchanged") and daemon.soa(ZONE) == 2026112102


HOLDS = {
    "deletions": (lambda: text_of(range(40)), "RRsets would be gone"),
    "changes": (lambda: zone_text(ZONE, 0, ["@ MX 10 mail", "mail A 192.0.2.25", *hosts(range(97), "192.0.2.7")]), "changed or gone"),
    "apex": (lambda: text_of(range(97), more=["mail A 192.0.2.25"]), "at the apex"),
    "half written": (lambda: text_of(range(97)) + "more A 192.0.2.1", "half written"),
    "serial": (lambda: text_of(range(97), serial=2026112101), "a typo?"),
}


@pytest.mark.parametrize("kind", HOLDS)
def test_over_a_restart(daemon, kind):
    """The same state, reason and hash; kill -9 counts as one. Then released."""
    text, words = HOLDS[kind]
    hash = assert_held(daemon, text(), words)
    reason = daemon.zone(ZONE)["reason"]
    restart(daemon)
    daemon.kill()
    daemon.start()
    zone = daemon.zone(ZONE)
    assert (zone["state"], zone["reason"], zone["hash"], zone["serial"]) == ("held", reason, hash, 1)
    assert approve(daemon, hash).returncode == 0
    assert daemon.soa(ZONE) == (2026112101 if kind == "serial" else 2) and daemon.zone(ZONE)["state"] == "published"


def test_a_later_edit_clears_or_replaces(daemon):
    first = assert_held(daemon, text_of(range(40)), "57 of 100")
    second = assert_held(daemon, text_of(range(41)), "56 of 100")
    assert approve(daemon, first).returncode == 4
    assert_published(daemon, text_of(range(98)))
    zone = daemon.zone(ZONE)
    assert zone["state"] == "published" and zone["reason"] is None and "hash" not in zone
    assert approve(daemon, second).returncode == 1
    hash = assert_held(daemon, text_of(range(41)))
    assert hash != second  # the same text against another base
    verdict = look(daemon, text_of(range(98)))  # as it is published
    assert verdict["verdict"] == "unchanged" and daemon.zone(ZONE)["state"] == "published"
    assert approve(daemon, hash).returncode == 1 and daemon.soa(ZONE) == 2


def test_time_alone_releases_nothing(lab):
    """What is held stays so when the window has passed; another edit is judged by its own."""
    window = int(4 * PATIENCE)
    daemon = lab.daemon(start=False, options=f"guard {{ window {window}; }};")
    daemon.write(ZONE, text_of(range(97)))
    daemon.start()
    assert_published(daemon, text_of(range(97 - 29)))
    assert look(daemon, text_of(range(97 - 58)))["verdict"] == "held"
    hash = daemon.zone(ZONE)["hash"]
    time.sleep(window + 0.5)  # the window itself, not a wait for something
    assert look(daemon)["verdict"] == "held"
    restart(daemon)
    assert daemon.zone(ZONE)["state"] == "held" and daemon.zone(ZONE)["hash"] == hash
    # 20 more are 29 % of the 71 that are left.
    assert_published(daemon, text_of(range(97 - 29 - 20)))


def test_limits_changed_by_a_reload(daemon):
    """What is held is judged by the limits of now."""
    assert_held(daemon, text_of(range(57)))
    daemon.options = "guard { max-delete 45%; };"
    daemon.write_conf()
    daemon.cli("reload")
    assert daemon.soa(ZONE) == 2 and daemon.zone(ZONE)["state"] == "published"


def test_a_zone_and_a_template_have_their_own(lab):
    daemon = lab.daemon(start=False, options=GUARD, extra=f'template "loose" {{ match "*.org"; guard {{ max-delete unlimited; max-change unlimited; }}; }};\n'
                        f'zone "{ZONE}" {{ type primary; guard {{ max-delete 5%; }}; notify no; }};')
    daemon.write(ZONE, text_of(range(97)))
    daemon.write("example.org", zone_text("example.org", 0, hosts(range(99))))
    daemon.start()
    assert_held(daemon, text_of(range(90)), "7 of 100 RRsets would be gone (limit 5 %)")
    look(daemon, zone_text("example.org", 0, hosts(range(2))), "example.org")
    assert daemon.soa("example.org") == 2


def test_frozen_stays_frozen(daemon):
    """Freeze and thaw as they were, over restarts; thaw meets the guard."""
    daemon.cli("freeze", ZONE)
    assert look(daemon, text_of(range(40)))["verdict"] == "frozen"
    restart(daemon)
    assert daemon.zone(ZONE)["state"] == "frozen" and daemon.zone(ZONE)["frozen"] is True and daemon.soa(ZONE) == 1
    done = daemon.cli("thaw", ZONE, check=False)
    assert done.returncode == 4 and "57 of 100 RRsets" in done.stdout
    assert daemon.zone(ZONE)["frozen"] is False
    assert approve(daemon, daemon.zone(ZONE)["hash"]).returncode == 0


# ---- a zone's file is deleted ----

def test_a_deleted_file(lab):
    """Held, over a restart; its hash ends the zone, the tombstone keeps its serial, and the sentence says where else to delete it."""
    daemon = lab.daemon(start=False, options=GUARD + " also-notify { 127.0.0.77 port 5399; };")
    daemon.write(ZONE, text_of(range(97), serial=41))
    daemon.write("example.net", zone_text("example.net"))
    daemon.start()
    path = daemon.zones / f"{ZONE}.zone"
    path.unlink()
    eventually(lambda: daemon.zone(ZONE)["state"] == "held", what="the removal's hold")
    content = daemon.axfr(ZONE)
    zone = daemon.zone(ZONE)
    assert zone["reason"] == f"{path} is gone; the zone is served on as it was: put the file back, or approve that the zone ends"
    restart(daemon)
    assert daemon.zone(ZONE)["hash"] == zone["hash"] and daemon.axfr(ZONE) == content
    assert approve(daemon, "1" * 64).returncode == 4 and daemon.axfr(ZONE) == content

    # Back again, changed, and gone: that hash was another's.
    assert_published(daemon, text_of(range(96), serial=42))
    path.unlink()
    assert look(daemon)["verdict"] == "held"
    assert approve(daemon, zone["hash"]).returncode == 4 and daemon.soa(ZONE) == 42

    done = approve(daemon, daemon.zone(ZONE)["hash"])
    assert done.returncode == 0, done
    assert ("its last serial 42 is remembered; secondaries serve it until its EXPIRE, 86400 s after they last reached us; "
            "delete it there too: 127.0.0.77") in done.stdout
    assert [z["zone"] for z in daemon.status()["zones"]] == ["example.net"]
    assert daemon.soa(ZONE) is None
    restart(daemon)
    assert [z["zone"] for z in daemon.status()["zones"]] == ["example.net"]
    daemon.write(ZONE, text_of(range(10), serial=1))  # comes again, above its tombstone
    daemon.wait_serial(ZONE, 43)


def test_a_deleted_file_of_a_zone_block(lab):
    daemon = lab.daemon(start=False, options=GUARD, zone_files=False)
    path = daemon.folder / "apart.db"
    path.write_text(text_of(range(97)))
    daemon.extra = f'zone "{ZONE}" {{ type primary; file "{path}"; }};'
    daemon.start()
    path.unlink()
    eventually(lambda: daemon.zone(ZONE)["state"] == "held", what="the removal's hold")
    assert approve(daemon, daemon.zone(ZONE)["hash"]).returncode == 0
    zone = daemon.zone(ZONE)
    assert zone["state"] == "missing" and daemon.soa(ZONE) is None
    path.write_text(text_of(range(5)))
    daemon.wait_serial(ZONE, 2)


def many_files(lab, count):
    daemon = lab.daemon(start=False, options=GUARD)
    for n in range(count):
        (daemon.zones / f"z{n}.example.zone").write_text(zone_text(f"z{n}.example"))
    daemon.start()
    for n in range(count):
        (daemon.zones / f"z{n}.example.zone").unlink()
    begun = time.monotonic()
    eventually(lambda: all(z["state"] == "held" for z in daemon.status()["zones"]), timeout=60, what="all of them held", step=0.2)
    print(f"{count} files gone: all held after {time.monotonic() - begun:.1f} s")
    zones = daemon.status()["zones"]
    assert len(zones) == count and all(z["serial"] == 1 for z in zones)
    assert daemon.soa("z7.example") == 1


def test_every_file_is_gone(lab):
    """A folder emptied, or not mounted: every zone is served on."""
    many_files(lab, 300)


@pytest.mark.long
def test_ten_thousand_files_are_gone(lab):
    many_files(lab, 10000)
