"""A machine: a minimal Debian 12 booted with systemd-nspawn, on an overlay that is gone when it ends.

Its root is made once, by .ci/nspawn-root. Mounts live in a mount namespace of their own, kept by a process that ends with
the test, so that nothing is left behind. The machine's network is its own loopback; `join` runs a program of this machine
in it.
"""
import os
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

from lab import PATIENCE, PEERS, ROOT, Process, eventually

NSPAWN_ROOT = ROOT / "build" / "nspawn" / "root"
LIBRARIES = ":".join(f"{PEERS}/{folder}" for arch in [f"{os.uname().machine}-linux-gnu"]
                     for folder in (f"usr/lib/{arch}", f"usr/lib/{arch}/systemd", f"lib/{arch}"))
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
POWER_OFF = signal.SIGRTMIN + 4  # what systemd as PID 1 takes as "power off"


class CannotBoot(Exception):
    """This machine cannot boot another one; says why."""


def program(name):
    """As .ci/peers unpacked it, else the installed one."""
    unpacked = PEERS / "usr" / "bin" / name
    found = str(unpacked) if unpacked.exists() else shutil.which(name)
    if not found:
        raise CannotBoot(f"no {name}")
    return found


def newest(paths):
    return max((p.stat().st_mtime for top in paths for p in [top, *top.rglob("*")]), default=0)


def package():
    """The Debian package, built where it is older than what it is made of."""
    debs = sorted((ROOT / "build").glob("zonecrier_*.deb"))
    sources = [ROOT / "src", ROOT / "packaging", ROOT / "Makefile", ROOT / ".ci" / "deb"]
    if not debs or debs[-1].stat().st_mtime < newest(sources):
        subprocess.run([ROOT / ".ci" / "deb"], check=True, timeout=600 * PATIENCE)
        debs = sorted((ROOT / "build").glob("zonecrier_*.deb"))
    return debs[-1]


def need_root():
    if os.geteuid() != 0:
        raise CannotBoot("it needs root")
    program("systemd-nspawn")
    program("mmdebstrap")


def make_root(deb):
    done = subprocess.run([ROOT / ".ci" / "nspawn-root", deb], capture_output=True, text=True, timeout=600 * PATIENCE)
    if done.returncode != 0:
        raise CannotBoot(f"no root for it could be made: {(done.stdout + done.stderr)[-600:]}")


def processes():
    """pid -> (parent, the pid in each namespace)."""
    table = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = dict(line.split(":\t", 1) for line in (folder / "status").read_text().splitlines() if ":\t" in line)
                table[int(folder.name)] = (int(fields["PPid"]), fields["NSpid"].split())
            except (OSError, KeyError):
                continue  # it ended just now
    return table


def find_init(below):
    """The PID 1 of a namespace among the descendants of a process."""
    table = processes()
    for pid, (_, namespaces) in table.items():
        above = pid
        while len(namespaces) > 1 and namespaces[-1] == "1" and above in table:
            above = table[above][0]
            if above == below:
                return pid
    return None


class Machine:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.init = None
        self.console = None
        self.boots = 0
        # On a tmpfs: where /tmp is an overlay itself, another cannot lie on it.
        mounts = (f"mount -t tmpfs machine {self.folder} && mkdir {self.folder}/upper {self.folder}/work {self.folder}/root && "
                  f"mount -t overlay overlay -o lowerdir={NSPAWN_ROOT},upperdir={self.folder}/upper,workdir={self.folder}/work {self.folder}/root")
        self.keeper = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--propagation", "private", "sh", "-c",
                                        f"{mounts} && echo mounted && exec sleep infinity"],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        said = self.keeper.stdout.readline().strip()
        if said != "mounted":
            self.keeper.wait(10)
            raise CannotBoot(f"no overlay: {said}")

    def boot(self):
        """Returns when the machine has started all it wants to start."""
        self.boots += 1
        log = self.folder.with_name(f"console-{self.boots}.log")
        nspawn = [program("systemd-nspawn"), "--register=no", "--keep-unit", "--private-network", "-M", "zonecrier-test",
                  "-D", self.folder / "root", "--boot"]
        # The console has to be a terminal: script(1) makes one.
        self.console = Process(self.folder.parent, f"nspawn-{self.boots}",
                               ["setpriv", "--pdeathsig", "KILL", "nsenter", "-t", self.keeper.pid, "-m",
                                "script", "-qefc", shlex.join(map(str, nspawn)), log],
                               env=dict(os.environ, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1", LD_LIBRARY_PATH=LIBRARIES))

        def up():
            if not self.console.is_running():
                raise CannotBoot(f"systemd-nspawn ended: {self.console.log()[-600:]}")
            self.init = self.init or find_init(self.console.pid)
            return self.init and self.run("systemctl is-system-running", check=False).stdout.strip() in ("running", "degraded")
        try:
            eventually(up, 60, "the machine's start", step=0.1)
        except AssertionError as e:
            raise CannotBoot(f"{e}: {self.console.log()[-600:]}") from e
        return self

    def power_off(self):
        os.kill(self.init, POWER_OFF)
        self.console.child.wait(60 * PATIENCE)
        self.console.log_file.close()
        self.console, self.init = None, None

    def close(self):
        try:
            if self.init and self.console.is_running():
                self.power_off()
        except (subprocess.TimeoutExpired, ProcessLookupError):
            os.kill(self.init, signal.SIGKILL)
        finally:
            if self.console:
                self.console.stop(signal.SIGKILL)
            self.keeper.kill()
            self.keeper.wait(10)
            self.keeper.stdout.close()

    def run(self, command, check=True, timeout=60, user=None, text_in=None):
        """A shell command in the machine."""
        inside = ["nsenter", "-t", str(self.init), "-m", "-u", "-i", "-n", "-p", "-C", "env", "-i", f"PATH={PATH}", "LC_ALL=C.UTF-8"]
        if user:
            inside += ["runuser", "-u", user, "--"]
        done = subprocess.run([*inside, "sh", "-c", command], capture_output=True, text=True, timeout=timeout * PATIENCE,
                              input=text_in if text_in is not None else "", cwd="/")
        if check:
            assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def out(self, command, **kwargs):
        return self.run(command, **kwargs).stdout.strip()

    def write(self, path, text, mode="0644", group="root"):
        """Replaces a file by rename."""
        name = shlex.quote(f"{path}.new")
        self.run(f"cat > {name} && chmod {mode} {name} && chgrp {group} {name} && mv {name} {shlex.quote(path)}", text_in=text)

    def copy(self, path, target):
        with open(path, "rb") as source:
            subprocess.run(["nsenter", "-t", str(self.init), "-m", "tee", target], stdin=source, stdout=subprocess.DEVNULL, check=True)

    def join(self, argv):
        """The arguments that run a program of this machine in the network of that one."""
        return ["nsenter", "-t", str(self.init), "-n", *map(str, argv)]

    def dig(self, *argv):
        done = subprocess.run(self.join(["dig", "+tries=2", "+time=2", *argv]), capture_output=True, text=True, timeout=60 * PATIENCE)
        return done.stdout

    def serial(self, zone, server="127.0.0.1", port=53):
        words = self.dig("+short", "+norecurse", "-p", port, f"@{server}", zone, "SOA").split()
        return int(words[2]) if len(words) == 7 else None
