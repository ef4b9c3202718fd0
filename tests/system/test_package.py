"""Proof 9: the package, installed in a booted systemd. The tests follow one machine from its installation to its purge."""
import json
import re
from types import SimpleNamespace

import pytest

from lab import ROOT, SECRET, Nsd, eventually, zone_text
from machine import CannotBoot, Machine, make_root, need_root, package

pytestmark = pytest.mark.package
ZONE = "example.com"
KEY = ("office-key", "hmac-sha256", SECRET)
NSD_PORT = 5301
PUBLISHED, TRANSFERRED, REFUSED, BAD_CONFIGURATION, COMMAND = (f"4f0b6c3e8d4a4b6f9d5f2c7a10e3b0{n}" for n in ("01", "09", "0a", "0c", "11"))

CONFIGURATION = """\
include "keys/office.key";
options {
        directory "/etc/zonecrier";
        listen-on port 53 { any; };
        listen-on-v6 port 53 { any; };
        also-notify { 127.0.0.2 port 5301 key office-key; };
        allow-transfer { key office-key; };
        serial-on-lost-state file;
};
zone-files { directory "zones"; };
"""


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """Booted, with the package installed as it comes."""
    folder = tmp_path_factory.mktemp("machine") / "disk"
    folder.mkdir()
    try:
        need_root()
        deb = package()
        make_root(deb)
        machine = Machine(folder)
    except CannotBoot as e:
        pytest.skip(f"no booted systemd here: {e}")
    try:
        try:
            machine.boot()
        except CannotBoot as e:
            pytest.skip(f"no booted systemd here: {e}")
        machine.copy(deb, "/root/zonecrier.deb")
        machine.files_before = files(machine)
        machine.run("dpkg -i /root/zonecrier.deb")
        yield machine
    finally:
        machine.close()


@pytest.fixture(scope="module")
def configured(machine):
    """As an administrator would: a key, a configuration, a zone."""
    machine.run("zonecrier keygen office-key > /dev/null")
    machine.write("/etc/zonecrier/keys/office.key", f'key "{KEY[0]}" {{ algorithm {KEY[1]}; secret "{KEY[2]}"; }};\n', "0640", "zonecrier")
    machine.write("/etc/zonecrier/zonecrier.conf", CONFIGURATION, "0640", "zonecrier")
    machine.write(f"/etc/zonecrier/zones/{ZONE}.zone", zone_text(ZONE, records=["www A 192.0.2.1"]))
    machine.run("systemctl reload zonecrierd")
    eventually(lambda: machine.serial(ZONE), what="the zone")
    return machine


@pytest.fixture
def nsd(configured, tmp_path):
    nsd = NsdInside(configured, tmp_path)
    yield nsd
    nsd.stop()


class NsdInside(Nsd):
    """NSD of build/peers in the machine's network."""

    def __init__(self, machine, folder):
        self.machine = machine
        super().__init__(folder, SimpleNamespace(address="127.0.0.1", port=53), [ZONE], key=KEY)
        self.port = NSD_PORT

    def argv(self):
        return self.machine.join(super().argv())

    def answers(self):
        assert self.process.is_running(), self.log()
        return "SOA" in self.machine.dig("-p", NSD_PORT, f"@{self.address}", ZONE, "SOA")

    def serial(self, zone):
        return self.machine.serial(zone, self.address, NSD_PORT)


def files(machine):
    """What lies where a package may leave something."""
    return set(machine.out("find /etc /usr /lib/systemd /var/lib /run -xdev -path /var/lib/dpkg -prune -o -print").splitlines())


def edit(machine, records):
    """Another text of the zone; returns the next serial."""
    serial = machine.serial(ZONE)
    machine.write(f"/etc/zonecrier/zones/{ZONE}.zone", zone_text(ZONE, records=records))
    return serial + 1


def main_pid(machine):
    return machine.out("systemctl show -P MainPID zonecrierd")


def journal(machine, *matches):
    lines = machine.out("journalctl --sync; journalctl -q -o json " + " ".join(matches)).splitlines()
    return [json.loads(line) for line in lines]


def test_it_runs_once_installed_and_hands_out_nothing(machine):
    assert machine.out("systemctl is-active zonecrierd") == "active"
    assert machine.out("systemctl is-enabled zonecrierd") == "enabled"
    checked = machine.run("zonecrierd --check-config")
    assert checked.stderr.count("warning:") == 1 and "no NOTIFY target" in checked.stderr, checked.stderr
    assert json.loads(machine.out("zonecrier status --json"))["zones"] == []
    machine.write("/etc/zonecrier/zones/example.net.zone", zone_text("example.net"))
    eventually(lambda: machine.serial("example.net") == 1, what="the zone")
    answer = machine.dig("@127.0.0.1", "example.net", "AXFR")
    assert "Transfer failed" in answer and " SOA" not in answer, answer
    assert not json.loads(machine.out("zonecrier status --json"))["zones"][0]["targets"]
    machine.run("rm /etc/zonecrier/zones/example.net.zone")


def test_modes_of_what_is_installed(machine):
    for path, wanted in {"/etc/zonecrier/keys": "750 root:zonecrier", "/etc/zonecrier/zonecrier.conf": "640 root:zonecrier",
                         "/etc/zonecrier/zones": "755 root:root", "/var/lib/zonecrier": "750 zonecrier:zonecrier",
                         "/run/zonecrier": "755 zonecrier:zonecrier", "/run/zonecrier/control.sock": "660 zonecrier:zonecrier"}.items():
        assert machine.out(f"stat -c '%a %U:%G' {path}") == wanted, path
    assert machine.out("find /var/lib/zonecrier -perm /007") == ""


def test_port_53_without_root(machine):
    pid = main_pid(machine)
    status = dict(line.split(":\t", 1) for line in machine.out(f"cat /proc/{pid}/status").splitlines() if ":\t" in line)
    assert set(status["Uid"].split()) == {machine.out("id -u zonecrier")}
    assert int(status["CapEff"], 16) == 1 << 10  # CAP_NET_BIND_SERVICE
    assert status["NoNewPrivs"] == "1"
    assert "status: NOERROR" in machine.dig("@127.0.0.1", "example.net", "SOA")
    assert "status: REFUSED" in machine.dig("@127.0.0.1", "www.example.net", "A")


def test_an_edit_reaches_a_secondary(configured, nsd):
    nsd.start()
    nsd.wait_serial(ZONE, configured.serial(ZONE))
    serial = edit(configured, ["www A 192.0.2.1", "new A 192.0.2.2"])
    nsd.wait_serial(ZONE, serial)
    assert configured.dig("+short", "-p", NSD_PORT, f"@{nsd.address}", f"new.{ZONE}", "A").strip() == "192.0.2.2"
    zone = eventually(lambda: [z for z in json.loads(configured.out(f"zonecrier status {ZONE} --json"))["zones"]
                               if z["targets"][0]["transferred_serial"] == serial], what="status")[0]
    assert zone["targets"][0]["address"] == nsd.address and zone["targets"][0]["last_rcode_name"] == "NOERROR"

    published = journal(configured, f"ZONE={ZONE}", f"MESSAGE_ID={PUBLISHED}")[-1]
    assert published["SERIAL"] == str(serial) and published["_SYSTEMD_UNIT"] == "zonecrierd.service"
    assert published["SYSLOG_IDENTIFIER"] == "zonecrierd" and published["PRIORITY"] in "56"
    taken = journal(configured, f"ZONE={ZONE}", f"MESSAGE_ID={TRANSFERRED}")[-1]
    assert (taken["SERIAL"], taken["SECONDARY"], taken["KEY"]) == (str(serial), nsd.address, KEY[0]) and int(taken["BYTES"]) > 0
    assert "IXFR" in taken["MESSAGE"]


def test_a_refusal_in_the_journal(configured):
    assert "Transfer failed" in configured.dig("@127.0.0.1", ZONE, "AXFR")
    refused = eventually(lambda: journal(configured, f"ZONE={ZONE}", f"MESSAGE_ID={REFUSED}"), what="the refusal")[-1]
    assert refused["SECONDARY"] == "127.0.0.1" and refused["RULE"], refused


def test_the_status_line(configured):
    def status_line():
        return re.search(r'Status: "(.*)"', configured.out("systemctl status zonecrierd", check=False))
    line = eventually(status_line, what="a status line")[1]
    assert re.search(r"\b\d+ zones?\b", line) and "published" in line, line


def test_a_good_reload(configured):
    pid = main_pid(configured)
    configured.write("/etc/zonecrier/zonecrier.conf", CONFIGURATION + f'zone "example.org" {{ type primary; file "other/example.org"; }};\n',
                     "0640", "zonecrier")
    configured.run("mkdir -p /etc/zonecrier/other")
    configured.write("/etc/zonecrier/other/example.org", zone_text("example.org", serial=77))
    configured.run("systemctl reload zonecrierd")
    eventually(lambda: configured.serial("example.org") == 77, what="the new zone")
    assert main_pid(configured) == pid and configured.out("systemctl is-active zonecrierd") == "active"


def test_a_wrong_reload_keeps_what_is_there(configured):
    pid, serial = main_pid(configured), configured.serial(ZONE)
    configured.write("/etc/zonecrier/zonecrier.conf", CONFIGURATION + "no-such-statement 1;\n", "0640", "zonecrier")
    assert configured.run("systemctl reload zonecrierd", check=False).returncode != 0
    said = eventually(lambda: [e["MESSAGE"] for e in journal(configured, f"MESSAGE_ID={BAD_CONFIGURATION}") if int(e["PRIORITY"]) <= 3], what="the message")
    wrong = f"{len(CONFIGURATION.splitlines()) + 1}:1"
    assert any(f"/etc/zonecrier/zonecrier.conf:{wrong}: error: " in m for m in said) and any("the one in use stays" in m for m in said), said
    assert main_pid(configured) == pid and configured.serial(ZONE) == serial
    assert configured.out("systemctl is-active zonecrierd") == "active"
    checked = configured.run("zonecrierd --check-config", check=False)
    assert checked.returncode == 1 and wrong in checked.stderr, checked
    reloaded = configured.run("zonecrier reload", check=False)
    assert reloaded.returncode == 1 and "no-such-statement" in reloaded.stdout + reloaded.stderr, reloaded
    configured.write("/etc/zonecrier/zonecrier.conf", CONFIGURATION, "0640", "zonecrier")
    configured.run("systemctl reload zonecrierd")
    eventually(lambda: "REFUSED" in configured.dig("@127.0.0.1", "example.org", "SOA"), what="the zone's end")


def test_who_may_use_the_client(configured):
    assert ZONE in configured.out("zonecrier status")
    configured.run("useradd -M member && useradd -M stranger && usermod -aG zonecrier member")
    assert ZONE in configured.out("zonecrier status", user="member")
    configured.run(f"zonecrier notify {ZONE}", user="member")
    commanded = eventually(lambda: journal(configured, f"MESSAGE_ID={COMMAND}"), what="the command in the journal")[-1]
    assert configured.out("id -u member") in commanded["MESSAGE"], commanded["MESSAGE"]
    denied = configured.run("zonecrier status", user="stranger", check=False)
    assert denied.returncode not in (0, 1) and "ermission" in denied.stderr, denied
    assert configured.run(f"cat /etc/zonecrier/keys/office.key", user="stranger", check=False).returncode != 0


def test_the_catalog_explains(configured):
    told = configured.out(f"journalctl -q -x -n 1 MESSAGE_ID={PUBLISHED}")
    assert "Subject: Zone " in told and "is published with serial" in told and "@" not in told.split("Subject:")[1].split("\n")[0], told
    listed = configured.out("journalctl --list-catalog").splitlines()
    ours = [line.split()[1] for line in (ROOT / "packaging/debian/catalog/zonecrier.catalog").read_text().splitlines() if line.startswith("-- ")]
    assert len(ours) > 20 and {line.split()[0] for line in listed if "4f0b6c3e8d4a4b6f9d5f2c7a10e3b" in line} == set(ours)


def test_the_watchdog(configured):
    configured.run("mkdir -p /run/systemd/system/zonecrierd.service.d")
    configured.write("/run/systemd/system/zonecrierd.service.d/watchdog.conf", "[Service]\nWatchdogSec=2s\nRestartSec=100ms\n")
    configured.run("systemctl daemon-reload && systemctl restart zonecrierd")
    pid, serial = main_pid(configured), configured.serial(ZONE)
    configured.run("sleep 3")
    assert main_pid(configured) == pid  # it is fed
    configured.run(f"kill -STOP {pid}")
    eventually(lambda: main_pid(configured) not in (pid, "0"), 30, "the restart")
    eventually(lambda: configured.serial(ZONE) == serial, what="the answer of the new one")
    assert int(configured.out("systemctl show -P NRestarts zonecrierd")) == 1
    assert any("atchdog" in e["MESSAGE"] for e in journal(configured, "UNIT=zonecrierd.service"))
    configured.run("rm -r /run/systemd/system/zonecrierd.service.d && systemctl daemon-reload")


def test_a_restart_keeps_serials(configured):
    serial = edit(configured, ["www A 192.0.2.3"])
    eventually(lambda: configured.serial(ZONE) == serial, what="the edit")
    configured.run("systemctl restart zonecrierd")
    assert configured.serial(ZONE) == serial
    # Edited while it is down: published at the start.
    configured.run("systemctl stop zonecrierd")
    assert configured.out("systemctl show -P Result zonecrierd") == "success"
    configured.write(f"/etc/zonecrier/zones/{ZONE}.zone", zone_text(ZONE, records=["www A 192.0.2.4"]))
    configured.run("systemctl start zonecrierd")
    eventually(lambda: configured.serial(ZONE) == serial + 1, what="the edit of a stopped daemon")
    configured.run("zonecrierd --verify-store")


def test_its_exposure_is_small(machine):
    exposure = machine.out("systemd-analyze security --no-pager zonecrierd | tail -1")
    assert float(re.search(r"([0-9.]+) (OK|SAFE|MEDIUM|EXPOSED)", exposure)[1]) < 3, exposure


def test_a_second_boot(configured, nsd):
    serial = configured.serial(ZONE)
    configured.power_off()
    configured.boot()
    assert configured.out("systemctl is-active zonecrierd") == "active"
    assert configured.serial(ZONE) == serial
    assert configured.out("systemctl --failed --no-legend") == ""
    nsd.start()
    nsd.wait_serial(ZONE, serial)


def test_the_same_package_again(machine):
    """An upgrade: the administrator's configuration and the serials stay, the daemon is restarted."""
    pid, serial = main_pid(machine), machine.serial(ZONE)
    machine.run("dpkg -i /root/zonecrier.deb < /dev/null")
    assert main_pid(machine) not in (pid, "0") and machine.serial(ZONE) == serial
    assert "office-key" in machine.out("cat /etc/zonecrier/zonecrier.conf")


def test_purge(machine):
    machine.run("dpkg -r zonecrier")
    assert machine.run("systemctl is-active zonecrierd", check=False).returncode != 0
    assert machine.out("ls /var/lib/zonecrier") != ""  # only a purge takes the state
    machine.run("dpkg -P zonecrier")
    left = {f for f in files(machine) - machine.files_before if "zonecrier" in f}
    # What the administrator made stays, and so does the user.
    assert left <= {"/etc/zonecrier", "/etc/zonecrier/keys", "/etc/zonecrier/keys/office.key", "/etc/zonecrier/zones",
                    f"/etc/zonecrier/zones/{ZONE}.zone", "/etc/zonecrier/other", "/etc/zonecrier/other/example.org"}, left
