"""One server at work: started, edited, drained, weighed and stopped. What is started here is ended here."""
import contextlib
import json
import os
import re
import select
import signal
import socket
import struct
import subprocess
import threading
import time

from contenders import SECRET, KEY, SERVER


class Failure(Exception):
    """A measure that cannot be told; the run goes on."""


def free_port(address=SERVER):
    """Free for UDP and TCP now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind((address, 0))
            with contextlib.suppress(OSError):
                udp.bind(tcp.getsockname())
                return tcp.getsockname()[1]


def name_end(message, at):
    while message[at]:
        if message[at] >= 192:
            return at + 2
        at += message[at] + 1
    return at + 1


def soa_query(zone):
    name = b"".join(bytes([len(label)]) + label.encode() for label in zone.split(".")) + b"\0"
    return struct.pack(">6H", 4711, 0, 1, 0, 0, 0) + name + struct.pack(">2H", 6, 1)


def soa_serial(message):
    """Of an authoritative answer; None where it is no such answer."""
    if len(message) < 12 or message[3] & 15 or not message[2] & 4 or struct.unpack_from(">H", message, 6)[0] < 1:
        return None
    at = name_end(message, name_end(message, 12) + 4)
    if struct.unpack_from(">H", message, at)[0] != 6:
        return None
    return struct.unpack_from(">I", message, name_end(message, name_end(message, at + 10)))[0]


def drop_page_cache():
    """False where this user may not."""
    os.sync()
    try:
        with open("/proc/sys/vm/drop_caches", "w") as file:
            file.write("3")
        return True
    except OSError:
        return False


class Stopwatch:
    """The secondaries: they take NOTIFY for as long as this lives, and time an edit when asked."""

    def __init__(self, tool, server, sink, targets, dead, env):
        # Reload commands are its children: they need the environment of the server they talk to.
        self.child = subprocess.Popen([tool, server, sink, str(targets), str(dead)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        self._answer(10)

    def _answer(self, seconds):
        if not select.select([self.child.stdout], [], [], seconds)[0]:
            raise Failure("the stopwatch is silent")
        line = self.child.stdout.readline()
        if not line:
            raise Failure("the stopwatch ended")
        return json.loads(line)

    def run(self, kind, what, serial, plan, seconds, command):
        words = [kind, str(what), str(serial), str(plan), str(seconds), *map(str, command)]
        self.child.stdin.write(("\t".join(words) + "\n").encode())
        self.child.stdin.flush()
        return self._answer(seconds + 30)

    def stop(self):
        self.child.stdin.close()
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


class Sampler(threading.Thread):
    """The highest sum of PSS, looked at again and again."""

    def __init__(self, session, pause=0.004):
        super().__init__(daemon=True)
        self.session, self.pause, self.peak, self.is_over = session, pause, 0.0, threading.Event()

    def run(self):
        while not self.is_over.is_set():
            self.peak = max(self.peak, self.session.pss_mb())
            self.is_over.wait(self.pause)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.join()


class Session:
    def __init__(self, tools, contender, zones, targets=1, dead=0):
        self.tools, self.contender, self.zones = tools, contender, zones
        self.process = None
        self.before = None  # the serial before the last edit
        sink = "127.1.0.1"
        self.sink_port = free_port(sink)
        hosts = [(f"127.1.{i // 250}.{i % 250 + 1}", self.sink_port) for i in range(targets + dead)]
        contender.configure(zones, hosts)
        self.server = f"{SERVER}:{contender.port}"
        self.plan = contender.folder / "edit.plan"
        self.stopwatch = Stopwatch(tools / "stopwatch", self.server, f"{sink}:{self.sink_port}", targets, dead, contender.env)

    # ---- its life

    def start(self, serial=None, names=None, seconds=180):
        """(ms to the first answer, ms until each of names has an answer, with the serial where one is said).

        The names are asked from the last to the first; a server that answers the last one first gains nothing by it."""
        todo = list(names or self.zones.sample())
        log = open(self.contender.folder / "output.log", "ab")
        begun = time.monotonic()
        self.process = subprocess.Popen(list(map(str, self.contender.argv())), cwd=self.contender.folder, env=self.contender.env,
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        log.close()
        first = None
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.connect((SERVER, self.contender.port))
            while todo:
                answer = self.ask(todo[-1], asker, 0.02)
                if answer is not None and first is None:
                    first = time.monotonic() - begun
                if answer is not None and answer == (serial or answer):
                    todo.pop()
                    continue
                if time.monotonic() - begun > seconds or self.process.poll() is not None:
                    raise Failure(f"{self.contender.name} did not start: {self.log()}")
                time.sleep(0.0005)
        return first * 1e3, (time.monotonic() - begun) * 1e3

    def log(self):
        texts = [path.read_text(errors="replace")[-400:] for path in (self.contender.folder / "output.log", self.contender.folder / "log")
                 if path.exists()]
        return " | ".join(texts)

    def ask(self, zone, asker=None, seconds=1.0):
        """The serial served, or None."""
        if asker is None:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
                own.connect((SERVER, self.contender.port))
                return self.ask(zone, own, seconds)
        asker.settimeout(seconds)
        try:
            query = soa_query(zone)
            asker.send(query)
            while True:
                answer = asker.recv(4096)
                if answer[12:len(query)] == query[12:]:
                    return soa_serial(answer)
        except OSError:
            return None

    def settle(self, seconds=90):
        """Until it has done what a start or an edit leaves behind."""
        calm, end = 0, time.monotonic() + seconds
        while calm < 3 and time.monotonic() < end:
            before = self.cpu_sec()
            time.sleep(0.1)
            calm = calm + 1 if self.cpu_sec() - before < 0.005 else 0

    def stop(self):
        """SIGTERM, the same for all; returns the ms it took."""
        if self.process is None:
            return None
        begun = time.monotonic()
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(90)
        except subprocess.TimeoutExpired:
            pass
        while self.pids() and time.monotonic() - begun < 100:
            time.sleep(0.005)
        for pid in self.pids() or []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        return (time.monotonic() - begun) * 1e3

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.stopwatch.stop()

    # ---- what it uses

    def pids(self):
        """All processes of the session that its start made."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/stat") as file:
                        words = file.read().rsplit(")", 1)[1].split()
                except OSError:
                    continue
                if int(words[3]) == self.process.pid and words[0] != "Z":
                    found.append(int(entry))
        return found

    def cpu_sec(self):
        """Of all its living processes, to the nanosecond (the kernel's CPU clock of a process counts its ended threads too)."""
        total = 0.0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                total += time.clock_gettime((~pid) << 3 | 2)
        return total

    def pss_mb(self):
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/smaps_rollup") as file:
                total += int(re.search(r"^Pss:\s+(\d+)", file.read(), re.M).group(1))
        return total / 1024

    def peak_begin(self):
        for pid in self.pids():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/clear_refs", "w") as file:
                file.write("5")

    def peak_mb(self, sampled):
        """Since peak_begin. One process: the kernel's own mark, which misses nothing. Several: the highest sum that was seen."""
        pids = self.pids()
        if len(pids) != 1:
            return sampled
        with open(f"/proc/{pids[0]}/status") as file:
            return int(re.search(r"^VmHWM:\s+(\d+)", file.read(), re.M).group(1)) / 1024

    # ---- what it is asked to do

    def edit(self, zone, lines, command, seconds=120):
        """A plan on one zone; None for `command` where the server watches."""
        self.before = self.ask(zone.name)
        if self.before is None:
            raise Failure(f"{zone.name} has no answer before its edit")
        self.plan.write_text("\n".join(lines) + "\n")
        result = self.stopwatch.run("edit", zone.name, self.before, self.plan, seconds, command or [])
        if result["first_notify_ms"] < 0:
            raise Failure(f"no NOTIFY in {seconds} s: {self.log()}")
        return result

    def rename(self, source, target):
        os.rename(source, target)

    def command(self, words, seconds=120):
        subprocess.run(list(map(str, words)), env=self.contender.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, timeout=seconds)

    def edit_many(self, lines, command, seconds=240):
        self.plan.write_text("\n".join(lines) + "\n")
        result = self.stopwatch.run("many", len(self.zones.zones), "-", self.plan, seconds, command or [])
        if result["all_ms"] < 0:
            raise Failure(f"NOTIFY of {result['zones']} zones in {seconds} s")
        return result

    def tool(self, *words, seconds=120):
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=seconds)
        if done.returncode != 0:
            raise Failure(f"{words[0]}: {done.stderr.strip()[-300:]}")
        return json.loads(done.stdout)

    def transfers(self, zone, parallel=1, total=1, ixfr_from=None, signed=False, seconds=120):
        """With the server's CPU seconds for each transfer."""
        words = ["-c", parallel, "-n", total, "-t", seconds]
        if ixfr_from is not None:
            words += ["-i", ixfr_from]
        if signed:
            words += ["-k", f"{KEY}:{SECRET.hex()}"]
        before = self.cpu_sec()
        result = self.tool(self.tools / "transfers", *words, self.server, zone.name, seconds=seconds + 10)
        result["cpu_sec"] = (self.cpu_sec() - before) / result["transfers"]
        return result

    def soa_load(self, zone, *words):
        before = self.cpu_sec()
        result = self.tool(self.tools / "soaload", *words, self.server, zone.name)
        result["cpu_usec"] = (self.cpu_sec() - before) * 1e6 / max(1, result["answers"])
        return result
