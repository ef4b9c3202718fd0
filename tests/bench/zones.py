"""Zone files under edit: made by genzone, edited by plans that the stopwatch carries out.

A slot is a TXT record of ten digits at a known offset; so is the serial. An edit in place is a write of the same length; an edit
by rename is a whole new file beside the old one, on the disk before the clock runs.
"""
import os
import subprocess
from pathlib import Path

FIRST_SERIAL = 2026010101


def offsets(output):
    """What genzone tells: the serial's offset, and those of the slots."""
    words = [line.split() for line in output.splitlines()]
    return next(int(at) for what, at in words if what == "serial"), [int(at) for what, at in words if what == "slot"]


class Zone:
    """One zone file in a contender's folder."""

    def __init__(self, name, path, serial_at, slots):
        self.name, self.path, self.serial_at, self.slots = name, Path(path), serial_at, slots
        self.serial = FIRST_SERIAL
        self.edits = 0

    def changes(self, count, bump):
        """(offset, text) of an edit of `count` slots; with a new serial where the server makes none."""
        self.edits += 1
        changes = [(at, f"{self.edits:010d}") for at in self.slots[:count]]
        if bump:
            self.serial += 1
            changes.append((self.serial_at, f"{self.serial:010d}"))
        return changes

    def in_place(self, count, bump):
        return [f"write {self.path} {at} {text}" for at, text in self.changes(count, bump)]

    def by_rename(self, count, bump):
        text = bytearray(self.path.read_bytes())
        for at, digits in self.changes(count, bump):
            text[at:at + 10] = digits.encode()
        return self.by_rename_of(text)

    def by_rename_of(self, text):
        fresh = self.path.with_name(f".{self.path.name}.fresh")
        with open(fresh, "wb") as file:
            file.write(text)
            os.fsync(file.fileno())
        return [f"rename {fresh} {self.path}"]

    def other_text(self):
        """Every record but a few has another TTL, most have other data: the same owners and types, so no slip to guard against."""
        pairs = [(b"$TTL 3600", b"$TTL 3700"), (b"\t10.", b"\t11."), (b"\t300\t", b"\t301\t"), (b"\t1d\t", b"\t2d\t")]
        text = self.path.read_bytes()
        is_other = pairs[0][1] in text[:200]
        for old, new in pairs:
            text = text.replace(*((new, old) if is_other else (old, new)))
        return text

    def text_with(self, changes):
        text = bytearray(self.other_text())
        for at, digits in changes:
            text[at:at + 10] = digits.encode()
        return text


class Zones:
    """The zones that a contender serves in a scene: a folder of files NAME.zone."""

    def __init__(self, folder, zones, suffix=None):
        self.folder, self.zones, self.suffix = Path(folder), zones, suffix

    @property
    def names(self):
        return [zone.name for zone in self.zones]

    def sample(self, most=50):
        """Some of the names, spread, the last among them."""
        names = self.names
        return names[::max(1, len(names) // most)] + [names[-1]]


class Maker:
    """Makes zones with genzone; large ones are made once and copied."""

    def __init__(self, genzone, folder):
        self.genzone, self.folder, self.made = genzone, Path(folder), {}
        self.folder.mkdir(parents=True, exist_ok=True)

    def run(self, *words):
        return offsets(subprocess.run([self.genzone, *map(str, words)], check=True, capture_output=True, text=True).stdout)

    def one(self, folder, records):
        """A zone of so many records, with slots for an edit of 100 where there is room for them."""
        name = f"z{records}.test"
        source = self.folder / f"{name}.zone"
        if name not in self.made:
            self.made[name] = self.run("one", name, records, min(100, max(1, records // 50)), source)
        path = Path(folder) / f"{name}.zone"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read_bytes())
        os.sync()
        return Zones(folder, [Zone(name, path, *self.made[name])])

    def many(self, folder, count, records):
        suffix = "many.test"
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        serial_at, slots = self.run("many", suffix, count, records, folder)
        os.sync()
        names = [f"z{i:06d}.{suffix}" for i in range(count)]
        return Zones(folder, [Zone(name, folder / f"{name}.zone", serial_at, slots) for name in names], suffix)
