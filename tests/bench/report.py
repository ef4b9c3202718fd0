"""The table: medians with (min-max), the ratio to the best peer of the run, and the one to the newest peers' figures.

Those were measured on another machine, whose floor is known: their times are scaled by how much longer this machine takes for the
same bare work (reading and comparing a file, or HMAC-SHA256 where a row is bound by it). Memory is not scaled.
"""
import statistics

PEERS = ("knot", "nsd", "bind")
NEWEST_FLOOR_MS, NEWEST_FLOOR_BYTES, NEWEST_HMAC = 5.0, 41e6, 1.75e9


class Line:
    """ours, theirs: metrics of the row; more: whether more is better; newest: the newest peers' figures, in the line's unit;
    reach: so many times better than a peer or the best of them, or a figure that is to be had at most or at least."""

    def __init__(self, row, label, ours, theirs=None, unit="ms", scale=1, more=False, newest=None, floor="file", reach=None):
        self.row, self.label, self.ours, self.theirs, self.unit, self.scale = row, label, ours, theirs or ours, unit, scale
        self.more, self.newest, self.floor, self.reach = more, newest or {}, floor, reach


def edit_lines(tag, label, newest, reach):
    row = tag
    ways = (("rename_ms", "renamed into place"), ("command_ms", "in place, and reload"), ("in_place_ms", "in place, settle time in it"))
    return [Line(row, f"{label}: {way}", metric, "command_ms", newest=newest if metric != "in_place_ms" else {}, reach=reach if metric == "rename_ms" else None)
            for metric, way in ways]


EDIT_1M = {"bind": 3400, "knot": 3700, "nsd": 6800}
LINES = [
    *edit_lines("edit-1m", "1 record in 1 M: first NOTIFY", EDIT_1M, (200, "best")),
    *edit_lines("edit100-1m", "100 records in 1 M: first NOTIFY", EDIT_1M, (150, "best")),
    *edit_lines("edit-100k", "1 record in 100,000: first NOTIFY", {"bind": 335, "knot": 364, "nsd": 578}, (50, "best")),
    *edit_lines("edit100-100k", "100 records in 100,000: first NOTIFY", {}, None),
    *edit_lines("edit-1k", "1 record in 1,000: first NOTIFY", {"knot": 6.8, "nsd": 10.7, "bind": 13.6}, (1, "best")),
    Line("cold-1m", "cold start, 1 M", "ms", newest={"nsd": 1200, "bind": 2300, "knot": 3200}, reach=(3, "nsd")),
    Line("cold-100k", "cold start, 100,000 records", "ms"),
    Line("warm-1m", "warm start, 1 M", "ms", newest={"nsd": 1200, "bind": 2400, "knot": 4200}, reach=(50, "nsd")),
    Line("warm-1m", "warm start, file changed: first answer", "changed_first_ms"),
    Line("warm-1m", "warm start, file changed: the new serial", "changed_ms"),
    Line("uncached-1m", "warm start, page cache dropped", "warm_ms"),
    Line("uncached-1m", "first edit, page cache dropped", "edit_ms"),
    Line("axfr-1m", "AXFR of 1 M: server CPU", "cpu_sec", unit="ms", scale=1e3, newest={"knot": 320, "bind": 890, "nsd": 970}, reach=(15, "knot")),
    Line("axfr-1m", "AXFR of 1 M: wall", "wall_sec", unit="ms", scale=1e3),
    Line("axfr-signed-1m", "AXFR of 1 M, hmac-sha256: server CPU", "cpu_sec", unit="ms", scale=1e3, floor="hmac",
         newest={"knot": 340, "bind": 900, "nsd": 1050}),
    Line("axfr-signed-1m", "AXFR signed: bytes per CPU second, of the bare HMAC rate", "of_hmac", unit="%", scale=100, more=True, reach=(60, "at least")),
    Line("axfr8-1m", "AXFR, 8 clients", "records_per_sec", unit="M records/s", scale=1e-6, more=True, newest={"knot": 6.4}, reach=(5, "knot")),
    Line("axfr8-signed-1m", "AXFR, 8 clients, hmac-sha256", "records_per_sec", unit="M records/s", scale=1e-6, more=True, floor="hmac",
         newest={"knot": 5.5}),
    Line("ixfr-1m", "IXFR, 50 at a time", "per_sec", unit="/s", more=True, newest={"nsd": 16700, "bind": 11500, "knot": 7200}, reach=(1.5, "nsd")),
    Line("ixfr-1m", "IXFR: server CPU each", "cpu_usec", unit="us", reach=(1, "nsd")),
    Line("soa-1m", "SOA over UDP", "per_sec", unit="/s", more=True, newest={"knot": 141000, "nsd": 140000, "bind": 120000}, reach=(1, "best")),
    Line("soa-1m", "SOA over UDP: server CPU each", "cpu_usec", unit="us"),
    Line("latency-1m", "SOA p99, publisher idle", "idle_p99_us", unit="us"),
    Line("latency-1m", "SOA p99, publisher at full load", "busy_p99_us", unit="us"),
    Line("latency-1m", "SOA p99: full load to idle", "p99_factor", unit="x", reach=(2, "at most")),
    Line("memory-1m", "memory, 1 M loaded: PSS behind an AXFR, map included", "read_mb", unit="MB", floor=None, reach=(4, "knot")),
    Line("memory-1m", "memory, 1 M loaded: PSS at rest", "steady_mb", unit="MB", floor=None, newest={"knot": 354, "bind": 367, "nsd": 503}, reach=(4, "knot")),
    Line("memory-1m", "memory, peak in an edit", "peak_mb", unit="MB", floor=None, newest={"knot": 709, "bind": 835, "nsd": 923}, reach=(4, "knot")),
    Line("memory-1m", "memory, peak in the cold start", "cold_peak_mb", unit="MB", floor=None),
    Line("replace-1m", "1 M replaced whole: first NOTIFY", "ms"),
    Line("replace-1m", "1 M replaced whole: peak memory", "peak_mb", unit="MB", floor=None),
    Line("cold-10kz", "10,000 zones, cold start", "ms", newest={"nsd": 560}, reach=(2, "best")),
    Line("warm-10kz", "10,000 zones, warm start: all answer", "ms", newest={"bind": 580}, reach=(10, "best")),
    Line("warm-10kz", "10,000 zones, warm start: first answer", "first_ms"),
    Line("all-10kz", "10,000 zones, all edited by rename: from the last rename to the last NOTIFY", "rename_behind_ms", "command_behind_ms"),
    Line("all-10kz", "10,000 zones, all edited, and reload: last NOTIFY", "command_ms", newest={"nsd": 2100, "bind": 4100, "knot": 4400}, reach=(3, "nsd")),
    Line("all-10kz", "10,000 zones, all edited in place, settle time in it", "in_place_ms", "command_ms"),
    Line("all-10kz", "10,000 zones, all edited: peak memory", "peak_mb", unit="MB", floor=None, newest={"knot": 141, "bind": 544, "nsd": 647}, reach=(1, "knot")),
    Line("memory-10kz", "10,000 zones: PSS", "steady_mb", unit="MB", floor=None),
    *edit_lines("edit-10kz", "one of 10,000 zones: first NOTIFY", {}, None),
    Line("cold-100kz", "100,000 zones, cold start", "ms"),
    Line("cold-100kz", "100,000 zones, cold start, to the bare reading of the files", "bare_factor", unit="x", floor=None, reach=(10, "at most")),
    Line("warm-100kz", "100,000 zones, warm start: first answer", "first_ms", reach=(1000, "at most")),
    Line("warm-100kz", "100,000 zones, warm start: all answer", "ms"),
    Line("memory-100kz", "100,000 zones: PSS", "steady_mb", unit="MB", floor=None),
    *edit_lines("edit-100kz", "one of 100,000 zones: first NOTIFY", {}, (20, "at most")),
    Line("secondaries", "1,000 secondaries: NOTIFY sent to, p50", "heard_p50_ms"),
    Line("secondaries", "1,000 secondaries: NOTIFY sent to, p99", "heard_p99_ms"),
    Line("secondaries", "1,000 secondaries: IXFR taken, p50", "fetched_p50_ms"),
    Line("secondaries", "1,000 secondaries: IXFR taken, p99", "fetched_p99_ms"),
    Line("secondaries", "the same with 20 dead ones: NOTIFY p99", "heard_p99_ms_dead"),
    Line("secondaries", "the same with 20 dead ones: IXFR p99", "fetched_p99_ms_dead"),
    Line("secondaries", "secondaries served within a minute", "fetched", unit="", more=True, floor=None),
    Line("secondaries", "the same with 20 dead ones", "fetched_dead", unit="", more=True, floor=None),
]


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(values):
    if not values:
        return "-"
    middle = number(statistics.median(values))
    return middle if len(values) == 1 else f"{middle} ({number(min(values))}-{number(max(values))})"


def ratio(line, ours, other):
    factor = (ours / other if line.more else other / ours) if ours > 0 and other > 0 else 0
    return f"{number(factor)} x" if factor else "-"


def reached(line, mine, medians):
    """What was to be reached, and whether it was."""
    if not line.reach or not mine:
        return ""
    goal, what = line.reach
    if what in ("at most", "at least"):
        return f"{what} {goal} {line.unit}: {'reached' if (mine <= goal) == (what == 'at most') else '**missed**'}"
    if not medians or (what != "best" and what not in medians):
        return f"{goal} x {what}"
    other = (max if line.more else min)(medians.values()) if what == "best" else medians[what]
    factor = mine / other if line.more else other / mine
    return f"{goal} x {what}: {number(factor)} x, {'reached' if factor >= goal else '**missed**'}"


class Results:
    def __init__(self, results):
        self.results = results
        machine = [r["values"] for r in results if r["contender"] == "machine" and "file_ms" in r.get("values", {})]
        self.has_floor = bool(machine)
        if machine:
            self.file_ms = statistics.median(m["file_ms"] * NEWEST_FLOOR_BYTES / m["bytes"] for m in machine)
            self.sync_ms = statistics.median(m["sync_ms"] for m in machine)
            self.hmac = statistics.median(m["hmac_bytes_per_sec"] for m in machine)

    def slowness(self, floor):
        """How many times longer this machine takes than the one of the newest figures."""
        if not self.has_floor or floor is None:
            return 1
        return self.file_ms / NEWEST_FLOOR_MS if floor == "file" else NEWEST_HMAC / self.hmac

    def values(self, line, contender):
        metric = line.ours if contender == "zonecrier" else line.theirs
        found = []
        for result in self.results:
            if result["row"] != line.row or result["contender"] != contender or "values" not in result:
                continue
            values = result["values"]
            if metric == "of_hmac" and self.has_floor:
                if contender == "zonecrier":  # a peer's CPU is not the MAC's
                    found.append(values["cpu_bytes_per_sec"] / self.hmac * line.scale)
            elif metric in values:
                found.append(values[metric] * line.scale)
        return [value for value in found if value >= 0]  # -1: it cannot be told


def table(raw):
    results = Results(raw)
    text = []
    if results.has_floor:
        text.append(f"Floor of this machine: read and compare of 41 MB {results.file_ms:.1f} ms, HMAC-SHA256 {results.hmac / 1e9:.2f} GB/s over 16 KiB, 4 KiB written and synced {results.sync_ms:.1f} ms. The newest "
                    f"peers' figures come from one with {NEWEST_FLOOR_MS} ms and {NEWEST_HMAC / 1e9:.2f} GB/s: their times count {results.slowness('file'):.2f} "
                    f"times here, {results.slowness('hmac'):.2f} times where a row is bound by HMAC.\n")
    text.append("| measured | unit | zonecrier | " + " | ".join(PEERS) + " | to the best peer | to the newest, scaled | to reach |")
    text.append("|---|---|---:|" + "---:|" * len(PEERS) + "---:|---:|---|")
    for line in LINES:
        ours = results.values(line, "zonecrier")
        theirs = {peer: results.values(line, peer) for peer in PEERS}
        if not ours and not any(theirs.values()):
            continue
        medians = {peer: statistics.median(values) for peer, values in theirs.items() if values}
        best = (max if line.more else min)(medians, key=medians.get) if medians else None
        newest = (max if line.more else min)(line.newest, key=line.newest.get) if line.newest else None
        mine = statistics.median(ours) if ours else 0
        factor = results.slowness(line.floor)
        scaled = (line.newest[newest] / factor if line.more else line.newest[newest] * factor) if newest else 0
        text.append(f"| {line.label} | {line.unit} | {cell(ours)} | " + " | ".join(cell(theirs[peer]) for peer in PEERS) +
                    f" | {ratio(line, mine, medians[best]) + ' ' + best if best and ours else '-'}"
                    f" | {ratio(line, mine, scaled) + ' ' + newest if newest and ours else '-'} | {reached(line, mine, medians)} |")
    faults = [f"- {r['row']}, {r['contender']}: {r['fault']}" for r in raw if "fault" in r]
    if faults:
        text += ["", "Not measured:", *faults]
    return "\n".join(text) + "\n"
