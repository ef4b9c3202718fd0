"""The API beside Cloudflare's transfers (api-token): what it holds is shown, and a NOTIFY that nothing followed is followed by force_axfr."""
import datetime
import time

import pytest

from lab import Nsd, eventually, zone_text
from test_push import ENV, make_api  # noqa: F401 (a fixture)

ZONE = "example.com"
DUE = 10  # seconds from a publish until the transfer should have come


def text_of(serial):
    return zone_text(ZONE, serial, [f"www 300 IN A 192.0.2.{serial % 200}"])


class Followed:
    """A daemon with a block of provider cloudflare; a real NSD is the server that transfers."""

    def __init__(self, lab, api, serial=7, statements="", options="", extra="", zones=(ZONE,)):
        self.api = api
        folder = lab.folder / "primary"
        folder.mkdir(parents=True, exist_ok=True)
        self.token = folder / "token"
        self.write_token(api.token)
        self.daemon = lab.daemon("primary", start=False, allow="", env=dict(ENV), options=f'secondaries {{ "cf"; {options} }};')
        self.nsd = lab.secondary(Nsd, self.daemon, list(zones), start=False)
        self.daemon.extra = (
            f'secondary "cf" {{ provider cloudflare; transfer-from {{ {self.nsd.address}; }}; also-notify {{ {self.nsd.target()} }}; '
            f'{statements} api-token "{self.token}"; endpoint "{api.endpoint}"; ca-file "{api.ca}"; }};{extra}')
        self.publish(serial)

    def write_token(self, token):
        temporary = self.token.with_suffix(".new")
        temporary.write_text(f"# of the API\n{token}\n")
        temporary.chmod(0o600)
        temporary.rename(self.token)

    def publish(self, serial):
        self.daemon.write(ZONE, text_of(serial))
        self.published = time.monotonic()

    def holds(self):
        """What the API says: the serial that NSD has."""
        serial = self.nsd.serial(ZONE) if self.nsd.process else None
        now = datetime.datetime.now(datetime.timezone.utc)
        return {"soa_serial": serial or 0, "checked_time": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}

    def start(self, serial=7):
        self.daemon.start()
        self.daemon.wait_serial(ZONE, serial)

    def secondary(self):
        return next(s for s in self.daemon.zone(ZONE)["secondaries"] if s["name"] == "cf")

    def wait_held(self, serial, timeout=40):
        return eventually(lambda: (s := self.secondary())["api"]["serial"] == serial and s, timeout, f"serial {serial} by the API")

    def wait_forced(self, count=1, timeout=40):
        eventually(lambda: len(self.api.forced) == count, timeout, f"force_axfr {count} times")


@pytest.fixture
def api(make_api):  # noqa: F811
    return make_api("cloudflare-records")


def test_no_transfer_is_forced_once(lab, api):
    """Nobody answers the NOTIFY: the zone's transfer is asked for when it is due, once; the serial that it holds then is shown."""
    zone = api.add_zone(ZONE)
    world = Followed(lab, api)
    api.incoming[zone.id] = world.holds
    world.start()
    world.wait_forced()
    assert api.forced[0][0] - world.published > DUE - 1, "not before the transfer was due"
    secondary = world.secondary()
    assert (secondary["current"], secondary["api"]["forced_serial"], secondary["api"]["serial"]) == (False, 7, None), secondary
    assert "asked through its API" in world.daemon.log()
    assert "its API was asked to transfer 7" in world.daemon.cli("status", ZONE).stdout
    world.nsd.start()  # as if force_axfr had reached it
    secondary = world.wait_held(7)
    assert secondary["stage"] == "transferred" and secondary["api"]["checked_at"] and not secondary["api"]["why"], secondary
    assert "its API: it holds 7, checked" in world.daemon.cli("status", ZONE).stdout
    assert len(api.forced) == 1 and api.count("find") == 1, "the zone's id is known"


def test_a_transfer_that_came_is_not_forced(lab, api):
    """Fetched in time: nothing is asked for; the API's serial is read and shown, and the next one after the next publish."""
    zone = api.add_zone(ZONE)
    world = Followed(lab, api)
    api.incoming[zone.id] = world.holds
    world.nsd.start(wait=False)
    world.start()
    world.wait_held(7)
    world.publish(8)
    assert world.wait_held(8)["current"]
    time.sleep(max(0, world.published + DUE + 3 - time.monotonic()))  # force_axfr would have come by now
    assert not api.forced and api.count("force") == 0


@pytest.mark.parametrize("faults", [["throttle", "5xx"], ["cut", "lose"], pytest.param(["stall"], marks=pytest.mark.long)])
def test_faults(lab, api, faults):
    """Each is asked again, and again, until it is taken; meanwhile status says why."""
    zone = api.add_zone(ZONE)
    world = Followed(lab, api)
    api.incoming[zone.id] = {"soa_serial": 6}
    for fault in faults:
        api.fault("force", fault)
    world.start()
    why = eventually(lambda: world.secondary()["api"]["why"], 60, "a failure")
    assert "429" in why if faults[0] == "throttle" else "answer" in why, why
    # One whose answer was lost, or cut, had been taken: it is asked again, which does no harm.
    eventually(lambda: world.secondary()["api"]["forced_serial"] == 7, 90, "force_axfr")
    assert [f for _, f in api.faulted] == faults
    assert not world.secondary()["api"]["why"] and world.secondary()["api"]["failures"] == 0
    assert world.daemon.log().count("was asked through its API") == 1
    assert len(api.forced) == 1 + faults.count("lose") + faults.count("cut")


def test_held_without_a_transfer_seen(lab, api):
    """Where name servers cannot be asked, what the API holds counts as transferred, never as served; where they can, it does not do."""
    zone = api.add_zone(ZONE)
    world = Followed(lab, api)
    api.incoming[zone.id] = {"soa_serial": 7, "checked_time": "2026-11-22T05:20:00Z"}
    world.start()
    world.daemon.cli("wait", ZONE, "--secondary", "cf", "--timeout", "60s", timeout=70)
    secondary = world.secondary()
    assert (secondary["stage"], secondary["state"], secondary["transfers"]) == ("transferred", "has", 0), secondary
    assert secondary["api"]["checked_at"].startswith("2026-11-22T05:20:00")
    world.daemon.extra = world.daemon.extra.replace("api-token", f"nameservers {{ {world.nsd.address} port {world.nsd.port}; }}; api-token")
    world.daemon.write_conf()
    world.daemon.cli("reload")
    secondary = world.wait_held(7)
    assert secondary["probed"] and not secondary["current"] and secondary["stage"] == "transferred", secondary
    assert api.count("force") == 0


def test_token_and_rights(lab, api):
    """Missing, wrong, then right: read again when it changes, never printed. A zone that is none of its secondaries is told once."""
    zone = api.add_zone(ZONE)
    world = Followed(lab, api)
    world.token.unlink()
    world.start()
    eventually(lambda: "No such file" in (world.secondary()["api"]["why"] or ""), 30, "no token")
    world.write_token("quite-another-token")
    eventually(lambda: "answers 403" in (world.secondary()["api"]["why"] or ""), 30, "a wrong token")
    world.write_token(api.token)
    why = eventually(lambda: "not configured as a secondary" in (w := world.secondary()["api"]["why"] or "") and w, 60, "not a secondary")
    assert "answers 400" in why
    eventually(lambda: api.count("force") >= 1, 30, "force_axfr, refused too")
    asked = api.count("incoming"), api.count("force")
    time.sleep(2)
    assert (api.count("incoming"), api.count("force")) == asked, "it is not asked again for this serial"
    api.incoming[zone.id] = {"soa_serial": 8}
    world.publish(8)
    assert not world.wait_held(8)["api"]["why"]
    told = world.daemon.log() + world.daemon.cli("status", "--json").stdout
    assert told.count("not configured as a secondary") <= 3, "once for each of the two requests, and in status"
    assert api.token not in told and "quite-another-token" not in told


def test_one_account_with_pushes(lab, api):
    """A token that pushes records too is one account: one connection, one rate."""
    zone, other = api.add_zone(ZONE), api.add_zone("other.example")
    world = Followed(lab, api, options='"records";')
    world.daemon.extra += (f'secondary "records" {{ provider cloudflare-records; credentials "{world.token}"; endpoint "{api.endpoint}"; '
                           f'ca-file "{api.ca}"; }};')
    api.incoming[zone.id] = api.incoming[other.id] = {"soa_serial": 7}
    world.daemon.write("other.example", zone_text("other.example", 7, ["www IN A 192.0.2.1"]))
    world.start()
    world.wait_held(7)
    eventually(lambda: all(p["phase"] == "in-sync" for z in (ZONE, "other.example") for p in world.daemon.zone(z)["pushes"]), 40, "pushes")
    eventually(lambda: api.count("incoming") >= 2, 30, "both zones' serials")
    assert api.count("change") == 2
    assert len(api.connections) == 1, "one worker asks"


def test_a_token_that_goes_and_comes(lab, api):
    """A block without its token is followed by transfers alone; with it again the API is asked."""
    zone = api.add_zone(ZONE)
    world = Followed(lab, api)
    api.incoming[zone.id] = world.holds
    world.start()
    eventually(lambda: world.secondary()["api"]["read_at"], 30, "a first answer")
    with_token = world.daemon.extra
    world.daemon.extra = with_token.replace(f'api-token "{world.token}"; ', "")
    world.daemon.write_conf()
    world.daemon.cli("reload")
    assert "api" not in world.secondary()
    world.daemon.extra = with_token
    world.daemon.write_conf()
    world.daemon.cli("reload")
    eventually(lambda: world.secondary()["api"]["read_at"], 30, "an answer again")
