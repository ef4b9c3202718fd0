"""What is measured. A scene is one life of one server, from its cold start on; the bench calls it again for every repeat, the servers
taking turns. Each row that was asked for is saved as (row, metric, value); times in ms, memory in MB.

An edit is timed in three ways: `command`, a write in place and the server's reload command; and where the server watches its files,
`in_place`, the settle time in it, and `rename`, a new file put over the old one. Peers have the first alone.
"""
import itertools
import threading
import time

from session import Failure, Sampler, drop_page_cache
from zones import FIRST_SERIAL

REST_SEC = 3  # memory is looked at when nothing has happened for so long
BURSTS = 3  # a rate depends on what else the machine does just then


def edit_ways(contender):
    return ("rename", "in_place", "command") if contender.watches else ("command",)


def edit_once(session, zone, way, count):
    contender = session.contender
    if way == "rename":
        lines = zone.by_rename(count, contender.bump)
        time.sleep(0.1)  # the fresh file beside the old one is none of its business
    else:
        lines = zone.in_place(count, contender.bump)
    return session.edit(zone, lines, contender.reload(zone.name) if way == "command" else None)


def edits(bench, session, row, zone, count, times):
    for way in edit_ways(session.contender):
        for _ in range(times):
            result = edit_once(session, zone, way, count)
            bench.save(row, session.contender, {f"{way}_ms": result["first_notify_ms"], f"{way}_ixfr_ms": result["ixfr_ms"]}, result)
            session.settle()


def one_zone(bench, contender, maker, folder, records, tag):
    """Everything about one zone of so many records."""
    zones = maker.one(folder, records)
    zone = zones.zones[0]
    times = 5
    if not contender.watches:
        times = 3 if records < 1000000 else 1 if bench.options.quick else 2
    with bench.session(contender, zones) as session:
        first, _ = session.start(zone.serial)
        bench.save(f"cold-{tag}", contender, {"ms": first})
        session.settle()
        if bench.wants(f"memory-{tag}"):
            time.sleep(REST_SEC)
            bench.save(f"memory-{tag}", contender, {"cold_peak_mb": session.peak_mb(-1), "steady_mb": session.pss_mb()})
        edit_once(session, zone, "command", 1)  # the first one may make a journal
        session.settle()
        for count, row in ((1, f"edit-{tag}"), (100, f"edit100-{tag}")):
            if bench.wants(row) and len(zone.slots) >= count:
                edits(bench, session, row, zone, count, times)
        if bench.wants(f"memory-{tag}"):
            memory_in_edit(bench, session, zone, f"memory-{tag}")
        transfers(bench, session, zone, tag)
        if bench.wants(f"soa-{tag}"):
            for _ in range(BURSTS):
                result = session.soa_load(zone, "-t", 1.5)
                bench.save(f"soa-{tag}", contender, {"per_sec": result["answers_per_sec"], "cpu_usec": result["cpu_usec"]}, result)
        if bench.wants(f"warm-{tag}"):
            warm(bench, session, zone, f"warm-{tag}")
        if bench.wants(f"uncached-{tag}"):
            uncached(bench, session, zone, f"uncached-{tag}")
        # Last, as these fill the journals.
        if bench.wants(f"latency-{tag}"):
            latency(bench, session, zone, f"latency-{tag}")
        if bench.wants(f"replace-{tag}"):
            replace(bench, session, zone, f"replace-{tag}")


def memory_in_edit(bench, session, zone, row):
    session.peak_begin()
    with Sampler(session) as sampler:
        edit_once(session, zone, "command", 1)
    peak, after = session.peak_mb(sampler.peak), session.pss_mb()
    session.transfers(zone)
    bench.save(row, session.contender, {"peak_mb": peak, "after_mb": after, "read_mb": session.pss_mb()})
    session.settle()


def transfers(bench, session, zone, tag):
    contender = session.contender
    few = 20 if contender.watches else 1 if bench.options.quick else 3
    for row, signed, parallel in ((f"axfr-{tag}", False, 1), (f"axfr-signed-{tag}", True, 1), (f"axfr8-{tag}", False, 8), (f"axfr8-signed-{tag}", True, 8)):
        if not bench.wants(row):
            continue
        total = few if parallel == 1 else 10 * parallel if contender.watches else 2 * parallel
        if not bench.options.quick or contender.watches:
            session.transfers(zone, signed=signed)
        result = session.transfers(zone, parallel, total, signed=signed)
        bench.save(row, contender, {"cpu_sec": result["cpu_sec"], "wall_sec": result["seconds"] / total,
                                    "records_per_sec": result["records_per_sec"], "cpu_bytes_per_sec": result["bytes"] / total / result["cpu_sec"],
                                    "bytes_per_sec": result["bytes_per_sec"]}, result)
    if bench.wants(f"ixfr-{tag}"):
        if not bench.wants(f"memory-{tag}"):  # whose edit is the last one otherwise
            edit_once(session, zone, "command", 1)
            session.settle()
        session.transfers(zone, 50, 500, session.before)
        for _ in range(BURSTS):
            result = session.transfers(zone, 50, 5000, session.before)
            if result["form"] != "incremental":
                bench.fault(f"ixfr-{tag}", contender, f"the answer is {result['form']}")
                return
            bench.save(f"ixfr-{tag}", contender, {"per_sec": result["transfers_per_sec"], "cpu_usec": result["cpu_sec"] * 1e6,
                                                  "p50_ms": result["p50_ms"], "p99_ms": result["p99_ms"]}, result)


class Busy(threading.Thread):
    """The whole zone put into another form again and again: all the publisher's work, without a pause."""

    def __init__(self, session, zone):
        super().__init__(daemon=True)
        self.session, self.zone, self.rounds, self.is_over = session, zone, 0, threading.Event()
        self.texts = [zone.other_text()]
        self.texts.append(zone.path.read_bytes())

    def run(self):
        contender = self.session.contender
        for text in itertools.cycle(self.texts):
            if self.is_over.is_set():
                return
            before = self.session.ask(self.zone.name, seconds=5)
            fresh = bytearray(text)
            for at, digits in self.zone.changes(0, contender.bump):
                fresh[at:at + 10] = digits.encode()
            source, target = self.zone.by_rename_of(fresh)[0].split()[1:]
            self.session.rename(source, target)
            self.session.command(contender.reload(self.zone.name))
            while not self.is_over.is_set() and self.session.ask(self.zone.name, seconds=5) == before:
                time.sleep(0.01)
            self.rounds += 1


def latency(bench, session, zone, row):
    """Of SOA queries at 2,000 a second, the publisher idle and at full load (the client has the same two cores)."""
    words = ["-t", 4, "-r", 2000, "-s", 8]
    idle = session.soa_load(zone, *words)
    busy = Busy(session, zone)
    busy.start()
    loaded = session.soa_load(zone, *words)
    busy.is_over.set()
    busy.join()
    session.settle()
    bench.save(row, session.contender, {"idle_p50_us": idle["p50_us"], "idle_p99_us": idle["p99_us"], "busy_p50_us": loaded["p50_us"],
                                        "busy_p99_us": loaded["p99_us"], "rounds": busy.rounds, "p99_factor": loaded["p99_us"] / idle["p99_us"]}, loaded)


def replace(bench, session, zone, row):
    contender = session.contender
    text = zone.text_with(zone.changes(1, contender.bump))
    lines = zone.by_rename_of(text)
    session.peak_begin()
    with Sampler(session, 0.01) as sampler:
        result = session.edit(zone, lines, contender.reload(zone.name), 240)
    bench.save(row, contender, {"ms": result["first_notify_ms"], "peak_mb": session.peak_mb(sampler.peak), "ixfr_ms": result["ixfr_ms"],
                                "ixfr_bytes": result["ixfr_bytes"], "is_whole": int(result["form"] == "whole")}, result)
    session.settle()


def warm(bench, session, zone, row):
    """Stopped and started: the file as it was; then with one record edited while it was down."""
    contender = session.contender
    serial = session.ask(zone.name)
    stop = session.stop()
    first, _ = session.start()
    if session.ask(zone.name) != serial:
        raise Failure(f"{contender.name}: serial {serial} before the restart, {session.ask(zone.name)} after it")
    session.settle()
    bench.save(row, contender, {"ms": first, "stop_ms": stop})
    if bench.options.quick:
        return
    session.stop()
    write_plan(zone.in_place(1, contender.bump))
    contender.edited_while_down(zone)
    first, new = session.start((serial + 1) & 0xffffffff if not contender.bump else zone.serial)
    bench.save(row, contender, {"changed_first_ms": first, "changed_ms": new})
    session.settle()


def uncached(bench, session, zone, row):
    """The page cache dropped: a warm start, the first edit behind it, and a cold start."""
    contender = session.contender
    session.stop()
    if not drop_page_cache():
        return
    first, _ = session.start()
    session.settle()
    drop_page_cache()
    edit = edit_once(session, zone, "command", 1)
    session.settle()
    bench.save(row, contender, {"warm_ms": first, "edit_ms": edit["first_notify_ms"]}, edit)


def write_plan(lines):
    """Carries out the writes of a plan."""
    for line in lines:
        _, path, at, text = line.split()
        with open(path, "r+b") as file:
            file.seek(int(at))
            file.write(text.encode())


def many_zones(bench, contender, maker, folder, count, records, tag):
    zones = maker.many(folder, count, records)
    middle = zones.zones[count // 2]
    with bench.session(contender, zones) as session:
        first, every = session.start(FIRST_SERIAL, seconds=400)
        bare = session.tool(session.tools / "floor", "files", zones.folder)["ms"]
        bench.save(f"cold-{tag}", contender, {"ms": every, "first_ms": first, "bare_ms": bare, "bare_factor": every / bare})
        session.settle()
        if bench.wants(f"memory-{tag}"):
            time.sleep(REST_SEC)
            bench.save(f"memory-{tag}", contender, {"cold_peak_mb": session.peak_mb(-1), "steady_mb": session.pss_mb()})
        if bench.wants(f"edit-{tag}"):
            edit_once(session, middle, "command", 1)
            session.settle()
            edits(bench, session, f"edit-{tag}", middle, 1, 5 if contender.watches else 3)
        if bench.wants(f"all-{tag}"):
            all_edited(bench, session, f"all-{tag}")
        if bench.wants(f"warm-{tag}"):
            stop = session.stop()
            first, every = session.start(seconds=400)
            bench.save(f"warm-{tag}", contender, {"ms": every, "first_ms": first, "stop_ms": stop})


def all_edited(bench, session, row):
    """Every zone edited at once, until NOTIFY of the last one; in each way, and once more for the memory."""
    contender = session.contender
    for way in edit_ways(contender):
        make = (lambda zone: zone.by_rename(1, contender.bump)) if way == "rename" else (lambda zone: zone.in_place(1, contender.bump))
        lines = [line for zone in session.zones.zones for line in make(zone)]
        time.sleep(0.3)
        session.settle()
        result = session.edit_many(lines, contender.reload() if way == "command" else None)
        bench.save(row, contender, {f"{way}_ms": result["all_ms"], f"{way}_first_ms": result["first_notify_ms"],
                                  f"{way}_written_ms": result["write_ms"], f"{way}_behind_ms": result["all_ms"] - result["write_ms"]}, result)
        session.settle()
    session.peak_begin()
    with Sampler(session, 0.02) as sampler:
        session.edit_many([line for zone in session.zones.zones for line in zone.in_place(1, contender.bump)], contender.reload())
    bench.save(row, contender, {"peak_mb": session.peak_mb(sampler.peak)})
    session.settle()


def growth_size(bench, contender, maker, folder, records):
    zones = maker.one(folder, records)
    zone = zones.zones[0]
    with bench.session(contender, zones) as session:
        session.start(zone.serial)
        session.settle()
        edit_once(session, zone, "command", 1)
        session.settle()
        for way in edit_ways(contender):
            for _ in range(5 if contender.watches or records < 1000000 else 2):
                result = edit_once(session, zone, way, 1)
                bench.save("growth-size", contender, {f"{way}_ms": result["first_notify_ms"]}, result, x=records)
                session.settle()


def growth_count(bench, contender, maker, folder, count):
    zones = maker.many(folder, count, 10)
    zone = zones.zones[count // 2]
    with bench.session(contender, zones) as session:
        session.start(FIRST_SERIAL, seconds=600)
        session.settle()
        edit_once(session, zone, "command", 1)
        session.settle()
        for way in edit_ways(contender):
            for _ in range(5):
                result = edit_once(session, zone, way, 1)
                bench.save("growth-count", contender, {f"{way}_ms": result["first_notify_ms"]}, result, x=count)
                session.settle()


def secondaries(bench, contender, maker, folder, count, dead):
    """So many secondaries of a zone of 1,000 records: each is told and takes its IXFR. With, and without, dead ones among them."""
    zones = maker.one(folder, 1000)
    zone = zones.zones[0]
    for ghosts in (0, dead):
        with bench.session(contender, zones, count, ghosts) as session:
            session.start()
            session.settle()
            time.sleep(3 if ghosts else 1)
            for number in range(4):
                result = session.edit(zone, zone.in_place(1, contender.bump), contender.reload(zone.name), 60)
                if number > 0:  # the first is for the journal, and for the NOTIFY of the start to be over
                    end = "_dead" if ghosts else ""
                    bench.save("secondaries", contender, {f"heard{end}": result["heard"], f"fetched{end}": result["fetched"],
                                                          **{f"{what}_{part}_ms{end}": result[f"{what}_{part}_ms"]
                                                             for what in ("heard", "fetched") for part in ("p50", "p99", "last")}}, result)
                time.sleep(1)
