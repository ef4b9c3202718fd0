"""What a power loss leaves: a daemon's writes, syncs and sends recorded by strace, and the disks that may follow from them.

The daemon runs under `strace -f`; every write to its state directory is in the log with its octets, and so is everything that it sends.
A write is in the page cache from the line where it begins; it is on the disk for certain when a sync of its file (or its own O_DSYNC)
has ended. What was not synced may be there, may be missing, or may be there in part, each sector of 512 octets by itself and in any
order. Names follow a sync of the folder; until then any beginning of the unsynced changes of names may be there.

One thread writes each file, so the lines of one file are in order.
"""
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512
NEVER = 1 << 60
CALLS = ("openat,write,pwrite64,writev,pwritev,pwritev2,lseek,fsync,fdatasync,msync,sync_file_range,ftruncate,fallocate,"
         "rename,renameat,renameat2,unlink,unlinkat,mmap,sendto,sendmsg,sendmmsg")


def strace(log, *more):
    """The words before a program that record it. -D: the program keeps its process id, signals reach it."""
    return ["strace", "-D", "-f", "-y", "-xx", "-s", "1000000", "-e", f"trace={CALLS}", "-o", str(log), *more]


def strace_env():
    """Leaks cannot be looked for under ptrace."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return dict(os.environ, ASAN_OPTIONS=f"{options}:detect_leaks=0")


@dataclass
class Event:
    kind: str  # create, write, size, rename, unlink, sync, sync-folder, send
    begin: int
    end: int
    path: str = ""
    offset: int = 0
    data: bytes = b""
    to: str = ""
    is_synced: bool = False


CALL = re.compile(r"^(\d+) +(\w+)\((.*)$")
RESUMED = re.compile(r"^(\d+) +<\.\.\. (\w+) resumed>(.*)$")
RESULT = re.compile(r"\)\s+= (-?\d+)(?:<([^>]*)>)?")
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


def _octets(text):
    return bytes.fromhex(text.replace("\\x", ""))


def _strings(text):
    return [_octets(m) for m in STRING.findall(text)]


def _calls(log):
    """(begin line, end line, name, arguments and result) of every finished call, in the order of their begins."""
    calls, open_calls = [], {}
    with open(log, errors="replace") as lines:
        for number, line in enumerate(lines):
            line = line.rstrip("\n")
            resumed = RESUMED.match(line)
            if resumed:
                began = open_calls.pop(resumed[1], None)
                if began:
                    began[1] = number
                    began[3] += resumed[3]
                continue
            call = CALL.match(line)
            if not call:
                continue
            entry = [number, number, call[2], call[3]]
            if line.endswith("<unfinished ...>"):
                entry[3] = call[3].replace("<unfinished ...>", "")
                open_calls[call[1]] = entry
            calls.append(entry)
    for entry in open_calls.values():  # it died in it
        entry[1] = NEVER
    return calls


class Trace:
    """The log as events; paths are names in the state directory."""

    def __init__(self, log, folder):
        self.folder = str(folder)
        self.events = []
        self.dsync, self.append, self.position, self.sizes = {}, {}, {}, {}
        for begin, end, name, text in _calls(log):
            self._take(begin, end, name, text)

    def _name(self, path):
        path = path.removesuffix("(deleted)")
        if path == self.folder:
            return ""
        return path[len(self.folder) + 1:] if path.startswith(self.folder + "/") else None

    def _fd(self, text):
        """(number, path as strace shows it) of the first argument."""
        match = re.match(r"(\d+)<([^>]*)>", text)
        return (int(match[1]), _octets(match[2]).decode(errors="replace")) if match else (-1, "")

    def _add(self, kind, begin, end, **more):
        self.events.append(Event(kind, begin, end, **more))

    def _write(self, begin, end, name, text, fd, path, result):
        pieces = _strings(text.split(">", 1)[1])
        total = sum(map(len, pieces))
        if end != NEVER:
            assert total == result, f"line {begin + 1}: {total} octets in the log, {result} written"
        if name in ("pwrite64", "pwritev"):
            offset = int(re.search(r'["\]], \d+, (\d+)', text)[1])
        elif self.append.get(fd):
            offset = self.sizes.get(path, 0)
        else:
            offset = self.position.get(fd, 0)
            self.position[fd] = offset + total
        for piece in pieces:
            self._add("write", begin, end, path=path, offset=offset, data=piece, is_synced=bool(self.dsync.get(fd)))
            offset += len(piece)
        self.sizes[path] = max(self.sizes.get(path, 0), offset)

    def _take(self, begin, end, name, text):
        found = RESULT.search(text)
        result = int(found[1]) if found else -1
        if name == "openat":
            if result < 0 or not found[2]:
                return
            path = self._name(_octets(found[2]).decode(errors="replace"))
            if path is None:
                return
            self.dsync[result] = "O_DSYNC" in text or "O_SYNC" in text
            self.append[result] = "O_APPEND" in text
            self.position[result] = 0
            if "O_CREAT" in text and path not in self.sizes:
                self._add("create", begin, end, path=path)
                self.sizes[path] = 0
            if "O_TRUNC" in text:
                self._add("size", begin, end, path=path, offset=0)
                self.sizes[path] = 0
            return
        if name in ("rename", "renameat", "renameat2"):
            old, new = (self._name(s.decode(errors="replace")) for s in _strings(text)[:2])
            if result == 0 and old:
                self._add("rename", begin, end, path=old, to=new)
                self.sizes[new] = self.sizes.pop(old, 0)
            return
        if name in ("unlink", "unlinkat"):
            path = self._name(_strings(text)[0].decode(errors="replace"))
            if result == 0 and path:
                self._add("unlink", begin, end, path=path)
                self.sizes.pop(path, None)
            return
        if name == "mmap":
            assert not ("MAP_SHARED" in text and "PROT_WRITE" in text and "data.mdb" in _all_paths(text)), "the map is written to, which no recorder sees"
            return
        fd, shown = self._fd(text)
        if shown.startswith("socket:"):
            if name.startswith("send") or name in ("write", "writev"):
                self._add("send", begin, end, data=b"".join(_strings(text.split(">", 1)[1])))
            return
        path = self._name(shown)
        if path is None:
            return
        if name in ("fsync", "fdatasync"):
            if result == 0:
                self._add("sync" if path else "sync-folder", begin, end, path=path)
        elif name == "lseek" and result >= 0:
            self.position[fd] = result
        elif name in ("ftruncate", "fallocate") and result == 0:
            numbers = [int(n) for n in re.findall(r", (\d+)", text.split(">", 1)[1])]
            size = numbers[0] if name == "ftruncate" else max(self.sizes.get(path, 0), numbers[1] + numbers[2])
            self._add("size", begin, end, path=path, offset=size)
            self.sizes[path] = size
        elif name.startswith(("write", "pwrite")) and (result >= 0 or end == NEVER):
            self._write(begin, end, name, text, fd, path, result)


def _all_paths(text):
    return " ".join(_octets(m).decode(errors="replace") for m in re.findall(r"<((?:\\x[0-9a-f]{2})+)>", text))


class File:
    def __init__(self):
        self.durable = bytearray()
        self.pending = []  # (offset, data) or (size, None)

    @staticmethod
    def _apply(content, offset, data):
        if data is None:
            if offset < len(content):
                del content[offset:]
            else:
                content.extend(bytes(offset - len(content)))
            return
        if len(content) < offset + len(data):
            content.extend(bytes(offset + len(data) - len(content)))
        content[offset:offset + len(data)] = data

    def sync(self):
        for offset, data in self.pending:
            self._apply(self.durable, offset, data)
        self.pending = []

    def sync_one(self, offset, data):
        """O_DSYNC: this write and no other."""
        self._apply(self.durable, offset, data)
        self.pending = [p for p in self.pending if p != (offset, data)]

    def after_loss(self, keep):
        """keep(n): how many of n sectors of a write are there, as a list of indexes; of a change of size: truth."""
        content = bytearray(self.durable)
        for offset, data in self.pending:
            if data is None:
                if keep(1):
                    self._apply(content, offset, None)
                continue
            sectors = _sectors(offset, data)
            for index in keep(len(sectors)):
                self._apply(content, *sectors[index])
        return bytes(content)


def _sectors(offset, data):
    pieces, at = [], 0
    while at < len(data):
        length = min(SECTOR - (offset + at) % SECTOR, len(data) - at)
        pieces.append((offset + at, data[at:at + length]))
        at += length
    return pieces


class Disk:
    """The state directory as the events make it."""

    def __init__(self):
        self.names = {}  # as programs see them
        self.durable_names = {}
        self.pending_names = []

    def begin(self, event):
        if event.kind == "create":
            self.names.setdefault(event.path, File())
            self.pending_names.append(dict(self.names))
        elif event.kind == "write":
            self.names[event.path].pending.append((event.offset, event.data))
        elif event.kind == "size":
            self.names[event.path].pending.append((event.offset, None))
        elif event.kind == "rename":
            self.names[event.to] = self.names.pop(event.path)
            self.pending_names.append(dict(self.names))
        elif event.kind == "unlink":
            self.names.pop(event.path)
            self.pending_names.append(dict(self.names))

    def end(self, event):
        if event.kind == "sync" and event.path in self.names:
            self.names[event.path].sync()
        elif event.kind == "write" and event.is_synced and event.path in self.names:
            self.names[event.path].sync_one(event.offset, event.data)
        elif event.kind == "sync-folder":
            self.durable_names = dict(self.names)
            self.pending_names = []

    def is_synced(self):
        return not self.pending_names and not any(f.pending for f in self.names.values())

    def after_loss(self, keep, names=-1):
        """{name: octets}. names: how many of the unsynced changes of names are there; -1 = all."""
        views = [self.durable_names, *self.pending_names]
        view = views[names if names >= 0 else len(views) - 1]
        return {name: file.after_loss(keep) for name, file in view.items()}


def steps(trace):
    """(line, event, begins) in the order of time: each event twice, where it begins and where it has ended."""
    moments = [(e.begin, 0, n, e, True) for n, e in enumerate(trace.events)]
    moments += [(e.end, 1, n, e, False) for n, e in enumerate(trace.events) if e.end != NEVER]
    return [(line, event, begins) for line, _, _, event, begins in sorted(moments, key=lambda m: m[:3])]


def losses(disk, rng, count=2):
    """Disks that may be there when the power goes now: nothing unsynced, all of it, and `count` mixtures."""
    if disk.is_synced():
        return [disk.after_loss(lambda n: [])]
    found = [disk.after_loss(lambda n: [], 0), disk.after_loss(lambda n: range(n))]
    for _ in range(count):
        share = rng.random()
        names = rng.randint(0, len(disk.pending_names))
        found.append(disk.after_loss(lambda n, share=share: [i for i in rng.sample(range(n), n) if rng.random() < share], names))
    return found


def write_disk(files, folder):
    folder = Path(folder)
    folder.mkdir(mode=0o700, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)


# LMDB: two meta pages, the transaction's number at octet 144 of each.
META_PAGE, META_TXN = 4096, 144


def meta_txn(data_file):
    """The newest transaction whose meta page these octets hold."""
    found = [struct.unpack_from("<Q", data_file, page * META_PAGE + META_TXN)[0] for page in (0, 1) if len(data_file) >= (page + 1) * META_PAGE]
    return max(found, default=0)


def serials_on_the_wire(trace, prefix):
    """{serial: line of its first sighting in anything sent}; serials begin with the three octets `prefix`."""
    seen = {}
    for event in trace.events:
        if event.kind != "send":
            continue
        at = event.data.find(prefix)
        while at >= 0:
            if at + 4 <= len(event.data):
                seen.setdefault(struct.unpack_from(">I", event.data, at)[0], event.begin)
            at = event.data.find(prefix, at + 1)
    return seen


def uncovered(trace, zone, prefix):
    """Serials that were sent before the syncs that cover them, as sentences. The serial file has its line, and the store a commit with it, on the disk."""
    sent = serials_on_the_wire(trace, prefix)
    first_write, commit_of, faults = {}, {}, []
    for event in trace.events:  # which transaction brings which serial
        if event.kind != "write" or event.path != "data.mdb":
            continue
        is_meta = event.offset < 2 * META_PAGE and len(event.data) < META_PAGE
        if is_meta:
            txn = struct.unpack_from("<Q", event.data, META_TXN - event.offset % META_PAGE)[0]
            for serial in first_write:
                commit_of.setdefault(serial, txn)
            continue
        for serial in sent:
            if struct.pack(">I", serial) in event.data:
                first_write.setdefault(serial, event.begin)
    waiting = sorted(sent.items(), key=lambda item: item[1])
    disk = Disk()
    for line, event, begins in steps(trace):
        while waiting and waiting[0][1] <= line:
            serial, at = waiting.pop(0)
            names = disk.durable_names
            if "serials" not in names or f"{zone}. {serial} ".encode() not in names["serials"].durable:
                faults.append(f"line {at + 1}: serial {serial} is sent before the serial file has it on the disk")
            if "data.mdb" not in names or serial not in commit_of or meta_txn(names["data.mdb"].durable) < commit_of[serial]:
                faults.append(f"line {at + 1}: serial {serial} is sent before the store has it on the disk")
        (disk.begin if begins else disk.end)(event)
    assert not waiting
    return faults
