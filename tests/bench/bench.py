#!/usr/bin/env python3
"""zonecrier beside Debian's knot, nsd and bind9, as hidden primaries, on this machine, in one run.

    make bench                                      everything, three times; more than an hour
    make bench-quick                                the most telling rows, once; some five minutes
    tests/bench/bench.py --rows edit-1m,axfr-1m --contenders zonecrier,nsd --repeat 3
    tests/bench/bench.py --list                     the rows there are

Raw results are appended to build/bench/results.jsonl (--json), the table is printed and kept as build/bench/table.md, the growth
is drawn as build/bench/growth-*.svg. All addresses are on loopback; what is started is ended, and the work folder removed.
"""
import argparse
import contextlib
import fnmatch
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import plot
import report
import scenes
from contenders import BUILD, CONTENDERS
from session import Failure, Session, free_port
from zones import Maker

OUT = BUILD / "bench"
TAGS = {"1m": 1000000, "100k": 100000, "1k": 1000}
ONE = ("cold", "memory", "edit", "edit100", "axfr", "axfr-signed", "axfr8", "axfr8-signed", "ixfr", "soa", "latency", "replace", "warm", "uncached")
MANY = ("cold", "memory", "edit", "all", "warm")
SIZES = (1000, 10000, 100000, 1000000, 10000000)
COUNTS = (1, 10, 100, 1000, 10000, 100000, 300000)


def one_rows(tag):
    return [f"{row}-{tag}" for row in ONE if tag != "1k" or row != "edit100"]


class Scene:
    """Rows that one life of a server gives. repeat: at most so often; peers: whether they are measured too."""

    def __init__(self, name, rows, run, repeat=None, peers=True):
        self.name, self.rows, self.run, self.repeat, self.peers = name, rows, run, repeat, peers


def all_scenes():
    made = []
    for tag, records in TAGS.items():
        made.append(Scene(tag, one_rows(tag), lambda *a, r=records, t=tag: scenes.one_zone(*a, r, t)))
    made.append(Scene("10k", [f"{row}-10kz" for row in MANY], lambda *a: scenes.many_zones(*a, 10000, 20, "10kz")))
    made.append(Scene("100k", [f"{row}-100kz" for row in MANY if row != "all"], lambda *a: scenes.many_zones(*a, 100000, 10, "100kz"), repeat=1))
    made.append(Scene("secondaries", ["secondaries"], lambda *a: scenes.secondaries(*a, 1000, 20), repeat=1))
    for size in SIZES:
        made.append(Scene(f"growth-size-{size}", ["growth-size"], lambda *a, n=size: scenes.growth_size(*a, n), repeat=1, peers=size <= 1000000))
    for count in COUNTS:
        made.append(Scene(f"growth-count-{count}", ["growth-count"], lambda *a, n=count: scenes.growth_count(*a, n), repeat=1,
                          peers=count <= 10000))
    return made


ALL_ROWS = list(dict.fromkeys(row for scene in all_scenes() for row in scene.rows))
FULL = [row for row in ALL_ROWS if not row.endswith(("-100k", "-1k"))] + ["edit-100k", "edit100-100k", "edit-1k", "cold-100k"]
QUICK = ["cold-1m", "memory-1m", "edit-1m", "edit100-1m", "axfr-1m", "axfr-signed-1m", "ixfr-1m", "soa-1m", "warm-1m",
         "edit-100k", "edit-1k"]


class Bench:
    def __init__(self, options):
        self.options = options
        self.tools = BUILD / "bench" / "bin"
        self.work = Path(options.work or OUT / "work")
        self.results = []
        self.run = time.strftime("%Y-%m-%dT%H:%M:%S")
        self.repeat = 0

    def wants(self, row):
        return row in self.options.rows

    def save(self, row, contender, values, raw=None, x=None):
        if not self.wants(row):
            return
        name = contender if isinstance(contender, str) else contender.name
        result = {"run": self.run, "row": row, "contender": name, "repeat": self.repeat, "x": x, "values": values, "raw": raw or {}}
        self.keep(result)
        shown = "  ".join(f"{metric} {value:.4g}" for metric, value in values.items() if isinstance(value, (int, float)))
        print(f"{row:18} {name:10} {'' if x is None else x} {shown}", file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def session(self, contender, zones, targets=1, dead=0):
        with Session(self.tools, contender, zones, targets, dead) as session:
            yield session

    def fault(self, row, contender, error):
        self.keep({"run": self.run, "row": row, "contender": contender.name, "repeat": self.repeat, "fault": str(error)})
        print(f"{row:18} {contender.name:10} FAILED {error}", file=sys.stderr, flush=True)

    def keep(self, result):
        self.results.append(result)
        with open(self.options.json, "a") as file:
            file.write(json.dumps(result) + "\n")

    def floor(self):
        """Before, between and behind the scenes: the machine is not always the same."""
        maker = self.maker
        if "floor" not in maker.made:
            maker.run("one", "floor.test", 1000000, 1, maker.folder / "floor.zone")
            maker.made["floor"] = True
        def tell(*words):
            return json.loads(subprocess.run([self.tools / "floor", *map(str, words)], check=True, capture_output=True, text=True).stdout)
        self.options.rows.add("floor")
        file = tell("file", maker.folder / "floor.zone")
        self.save("floor", "machine", {"file_ms": file["median_ms"], "file_min_ms": file["min_ms"], "bytes": file["bytes"],
                                       "hmac_bytes_per_sec": tell("hmac", 1)["bytes_per_sec"],
                                       "sync_ms": tell("sync", maker.folder)["median_ms"]})

    def scene(self, scene):
        for self.repeat in range(min(self.options.repeat, scene.repeat or self.options.repeat)):
            self.floor()
            for name in self.options.contenders:
                if name != "zonecrier" and not scene.peers:
                    continue
                folder = self.work / f"{name}-{scene.name}"
                shutil.rmtree(folder, ignore_errors=True)
                contender = CONTENDERS[name](folder, free_port(), free_port())
                try:
                    scene.run(self, contender, self.maker, folder / "zones")
                except (Failure, OSError, ValueError, subprocess.SubprocessError) as error:
                    self.fault(scene.name, contender, error)
                shutil.rmtree(folder, ignore_errors=True)

    def run_all(self):
        self.maker = Maker(self.tools / "genzone", self.work / "zones")
        for scene in all_scenes():
            if any(self.wants(row) for row in scene.rows):
                self.scene(scene)


def options_parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", help="comma-separated, * allowed; default: all of the table")
    parser.add_argument("--contenders", default=",".join(CONTENDERS))
    parser.add_argument("--repeat", type=int)
    parser.add_argument("--quick", action="store_true", help="the most telling rows in five minutes")
    parser.add_argument("--json", default=OUT / "results.jsonl", help="raw results are appended to it")
    parser.add_argument("--work", help="work folder, on a real disk")
    parser.add_argument("--report", action="store_true", help="measures nothing: the table of what --json holds")
    parser.add_argument("--list", action="store_true", help="the rows there are")
    options = parser.parse_args()
    if options.list:
        print("\n".join(ALL_ROWS))
        sys.exit(0)
    patterns = options.rows.split(",") if options.rows else QUICK if options.quick else FULL
    options.rows = {row for row in ALL_ROWS if any(fnmatch.fnmatch(row, pattern) for pattern in patterns)}
    options.contenders = options.contenders.split(",")
    options.repeat = options.repeat or (1 if options.quick else 3)
    return options


def finish(results, told):
    text = "\n".join(told) + "\n\n" + report.table(results)
    print(text)
    (OUT / "table.md").write_text(text)
    for path in plot.growth(results, OUT):
        print(f"drawn: {path}")


def main():
    options = options_parse()
    if options.report:
        with open(options.json) as file:
            finish([json.loads(line) for line in file], [])
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    OUT.mkdir(parents=True, exist_ok=True)
    bench = Bench(options)
    begun = time.monotonic()
    versions = {name: CONTENDERS[name](bench.work / "version", 0, 0).version() for name in options.contenders}
    try:
        bench.run_all()
    finally:
        shutil.rmtree(bench.work, ignore_errors=True)
    told = [f"# {platform.node()}: {os.cpu_count()} cores, Linux {platform.release()}; {time.monotonic() - begun:.0f} s; ended {time.ctime()}"]
    told += [f"{versions[name]}: {CONTENDERS[name].told}" for name in options.contenders]
    finish(bench.results, told)


if __name__ == "__main__":
    main()
