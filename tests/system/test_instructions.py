"""An edit and an AXFR cost the instructions that are kept in instructions.json, within 10 %.

Instructions, not time: counted by callgrind, they are the same in every run. So that they are the same on every machine too, only those
of our own program count (libc and libcrypto choose their code by the processor, and so does our CRC32C, which is left out), and the
daemon is told that there is one processor (counted.c).

What is counted:
  edit    the publisher's work for one record of a zone of RECORDS that is changed: publish_run() and publish_batch_commit(). The mean of
          EDITS edits, for it depends on where in its leaf and its chunk a record lies. The kernel's work and memcmp's, which compare the
          whole file, are not in it; and parsing the whole file must not be.
  axfr    the serving thread's work from the request to the last message: connection_ready().
"""
import collections
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import Lab
from lab import BUILD, PATIENCE, eventually, zone_text

pytestmark = [pytest.mark.slow_under_sanitizers,
              pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not there")]

KEPT = Path(__file__).with_name("instructions.json")
KEEP_VARIABLE = "ZONECRIER_KEEP_INSTRUCTIONS"
MACHINE = os.uname().machine
TOLERANCE = 0.10
FUNCTIONS_KEPT = 20  # the most costly ones of each, to tell which of them grew

ZONE, RECORDS, EDITS, FIRST_SERIAL = "cost.example", 100_000, 16, 7
# Collecting is switched on by entering one of these and off by leaving it; none may be called within another.
COUNTED = {"edit": ("publish_run", "publish_batch_commit"), "axfr": ("connection_ready",)}
CHOSEN_BY_PROCESSOR = re.compile("crc32c")
WHOLE_PARSE = "zonefile_parse"


def make_records():
    """The same every time."""
    kinds = (lambda i: f"A 10.{i >> 16}.{i >> 8 & 255}.{i & 255}", lambda i: f"AAAA 2001:db8::{i >> 16:x}:{i & 65535:x}",
             lambda i: f"MX 10 mail{i % 7}.example.net.", lambda i: f'TXT "v=spf1 ip4:10.1.{i >> 8 & 255}.{i & 255} -all"',
             lambda i: f"CNAME host{i - 4:06d}")
    return [f"host{i:06d} {kinds[i % 5](i)}" for i in range(RECORDS)]


def places():
    """Of EDITS A records, scattered."""
    return [number * 61803 % RECORDS // 5 * 5 for number in range(1, EDITS + 1)]


# ---- callgrind ----

def read_counts(path):
    """Instructions of each of our own functions, without what it calls. In callgrind's format a name is told once and has a number then."""
    names, counts = {}, collections.Counter()
    is_ours, function, is_call = False, None, False
    for line in path.read_text().splitlines():
        if match := re.match(r"(c?ob|c?fn)=\((\d+)\)(?: (.*))?$", line):
            name = names.setdefault((match[1][-2:], match[2]), match[3])
            if match[1] == "ob":
                is_ours = Path(name).name == "zonecrierd"
            elif match[1] == "fn":
                function = re.sub(r"'\d+$", "", name)
        elif line.startswith("calls="):
            is_call = True  # the next line is the callee's cost
        elif re.match(r"[-+*0-9]", line):
            if is_ours and not is_call and not CHOSEN_BY_PROCESSOR.search(function):
                counts[function] += int(line.split()[1])
            is_call = False
    return counts


class Callgrind:
    """The daemon's second life, under callgrind."""

    def __init__(self, daemon, folder):
        self.daemon, self.out, self.prefix, self.dumps = daemon, folder / "callgrind.out", folder / "vgdb", 0
        toggles = [f"--toggle-collect={function}" for functions in COUNTED.values() for function in functions]
        daemon.program = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.out}", f"--vgdb-prefix={self.prefix}", *toggles,
                          BUILD / "zonecrierd"]
        daemon.start()
        self._tell("zero")

    def _tell(self, *command):
        subprocess.run(["vgdb", f"--vgdb-prefix={self.prefix}", f"--pid={self.daemon.process.pid}", *command], check=True,
                       capture_output=True, timeout=60 * PATIENCE)

    def counts(self):
        """Since the start, or the counts before these."""
        self._tell("dump")
        self.dumps += 1
        return read_counts(Path(f"{self.out}.{self.dumps}"))


def wait_published(daemon, serial):
    eventually(lambda: daemon.zone(ZONE)["serial"] == serial, what=f"serial {serial}")


def count_edits(callgrind, records):
    for number, place in enumerate(places(), start=1):
        records[place] = f"host{place:06d} A 192.0.2.{number}"
        callgrind.daemon.write(ZONE, zone_text(ZONE, serial=FIRST_SERIAL, records=records))
        wait_published(callgrind.daemon, FIRST_SERIAL + number)
    counts = callgrind.counts()
    return collections.Counter({function: count // EDITS for function, count in counts.items()})


def count_transfer(callgrind):
    daemon = callgrind.daemon
    answer = subprocess.run(["dig", f"@{daemon.address}", "-p", str(daemon.port), ZONE, "AXFR", "+onesoa", "+nocmd", "+nostats"],
                            capture_output=True, text=True, timeout=60 * PATIENCE, check=True).stdout
    assert sum(1 for line in answer.splitlines() if line and line[0] != ";") == RECORDS + 2
    eventually(lambda: f"AXFR of {ZONE}" in daemon.log(), what="the transfer's end")
    return callgrind.counts()


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """{"edit": counts, "axfr": counts} by function."""
    folder = tmp_path_factory.mktemp("instructions")
    lab, records = Lab(folder), make_records()
    try:
        # The limit: valgrind has no room for a map of the size that is usual.
        daemon = lab.daemon(start=False, options="store-size-limit 1g;", env=dict(os.environ, LD_PRELOAD=str(BUILD / "system" / "counted.so")))
        daemon.write(ZONE, zone_text(ZONE, serial=FIRST_SERIAL, records=records))
        daemon.start()
        wait_published(daemon, FIRST_SERIAL)
        daemon.stop()
        callgrind = Callgrind(daemon, folder)
        yield {"edit": count_edits(callgrind, records), "axfr": count_transfer(callgrind)}
    finally:
        lab.close()


# ---- judging ----

def top(counts):
    return dict(counts.most_common(FUNCTIONS_KEPT))


def keep(what, counts):
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    kept.setdefault(MACHINE, {})[what] = {"instructions": counts.total(), "of which": top(counts)}
    KEPT.write_text(json.dumps(kept, indent=4) + "\n")


def table(counts, kept):
    """The costly functions of now and of the kept counts, those that changed most first."""
    rows = [(counts[name], kept.get(name, 0), name) for name in {*top(counts), *kept}]
    rows.sort(key=lambda row: (-abs(row[0] - row[1]), -row[0]))
    return "\n".join(f"  {now:11,d}  {f'was {was:,d}' if was else 'was not among the top':22}  {name}" for now, was, name in rows[:15])


@pytest.mark.parametrize("what", COUNTED)
def test_instructions_are_those_kept(counted, what):
    counts = counted[what]
    assert any(function in counts for function in COUNTED[what]), f"nothing was counted: is {COUNTED[what]} still there, and not inlined?"
    if os.environ.get(KEEP_VARIABLE) == "1":
        keep(what, counts)
    kept = json.loads(KEPT.read_text()).get(MACHINE, {}).get(what)
    if kept is None:
        pytest.skip(f"no counts are kept for {MACHINE}")
    now, was = counts.total(), kept["instructions"]
    change = f"{what}: {now:,d} instructions, {was:,d} are kept ({now / was - 1:+.1%})\n{table(counts, kept['of which'])}\n"
    again = f"{KEEP_VARIABLE}=1 /usr/bin/python3 -m pytest tests/system/{Path(__file__).name} keeps the new counts"
    assert now <= was * (1 + TOLERANCE), f"{change}That is more. If what it buys is worth it: {again}"
    assert now >= was * (1 - TOLERANCE), f"{change}That is less. So that it stays so: {again}"


def test_an_edit_parses_what_changed(counted):
    """Told by name too, whatever the counts."""
    counts = counted["edit"]
    assert WHOLE_PARSE not in counts, f"the whole text was parsed:\n{table(counts, {})}"
    assert "zonefile_changes_find" in counts
