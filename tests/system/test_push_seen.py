"""What was pushed is looked for at the provider's name servers, and `wait` waits for it. A real NSD stands for those."""
import os
import subprocess

import pytest

from lab import Nsd, eventually, zone_text
from test_push import Pushed, make_api  # noqa: F401 (a fixture)

ZONE = "example.com"


def text_of(serial, address):
    return zone_text(ZONE, serial, [f"www 300 IN A {address}", "other IN A 192.0.2.50"])


def world_with_nsd(lab, api, provider, statements="", **kwargs):
    """Pushes to the stand-in; NSD follows by transfer, as the provider's servers would by themselves."""
    world = Pushed(lab, api, provider, start=False, **kwargs)
    nsd = lab.secondary(Nsd, world.daemon, [ZONE], start=False)
    world.daemon.allow = "127.0.0.0/8;"
    world.daemon.options += f" also-notify {{ {nsd.target()} }};"
    world.daemon.extra = world.daemon.extra.replace("ca-file", f"{statements or f'nameservers {{ {nsd.address} port {nsd.port}; }};'} ca-file")
    world.daemon.start()
    return world, nsd


@pytest.mark.parametrize("provider", ["route53", "cloudflare-records"])
def test_seen_at_the_name_servers(lab, make_api, provider):  # noqa: F811
    """In sync is not seen yet: wait is late until the server has it. Route 53 by serial, Cloudflare by a changed RRset."""
    api = make_api(provider)
    api.add_zone(ZONE)
    world, nsd = world_with_nsd(lab, api, provider)
    world.write(ZONE, text_of(7, "192.0.2.1"))
    push = world.wait_in_sync(ZONE, 7)
    assert not push["current"] and push["servers_seen"] == 0
    late = world.daemon.cli("wait", ZONE, "--secondary", world.secondary, "--timeout", "1s", check=False)
    assert late.returncode == 3 and world.secondary in late.stderr, late
    nsd.start()
    nsd.wait_serial(ZONE, 7)
    world.daemon.cli("wait", ZONE, "--secondary", world.secondary, "--timeout", "90s", timeout=100)
    assert (world.push(ZONE)["servers_seen"], world.push(ZONE)["servers_asked"]) == (1, 1)
    world.write(ZONE, text_of(8, "192.0.2.2"))
    world.daemon.cli("wait", ZONE, "--secondary", world.secondary, "--timeout", "90s", timeout=100)
    push = world.push(ZONE)
    assert push["serial"] == 8 and push["current"] and nsd.serial(ZONE) == 8


def may_have_own_names():
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("provider", [p for p in ("route53", "cloudflare-records") if may_have_own_names()])
def test_learnt_name_servers_are_asked(lab, make_api, provider, tmp_path):  # noqa: F811
    """Without `nameservers` those are asked that the provider gave the zone; they are known after a restart."""
    api = make_api(provider)
    address = "127.0.88.53" if provider == "route53" else "127.0.88.54"
    api.add_zone(ZONE, name_servers=["ns.given.example"])
    hosts, names = tmp_path / "hosts", tmp_path / "nsswitch.conf"
    hosts.write_text(f"127.0.0.1 localhost\n{address} ns.given.example ns.given.example.\n")
    names.write_text("hosts: files\n")
    world = Pushed(lab, api, provider, start=False)
    nsd = lab.secondary(Nsd, world.daemon, [ZONE], start=False, address=address)
    nsd.port = 53
    world.daemon.allow = "127.0.0.0/8;"
    world.daemon.options += f" also-notify {{ {nsd.target()} }};"
    inside = f'mount --bind "{hosts}" /etc/hosts && mount --bind "{names}" /etc/nsswitch.conf && exec "$0" "$@"'
    world.daemon.program = ["unshare", "-m", "sh", "-c", inside, *world.daemon.program]
    world.daemon.start()
    nsd.start()
    world.write(ZONE, text_of(7, "192.0.2.1"))
    push = world.wait_in_sync(ZONE, 7)
    assert push["name_servers"] == ["ns.given.example"]
    eventually(lambda: world.push(ZONE)["current"] and world.push(ZONE)["servers_seen"] == 1, 60, "the server seen")
    requests = len(api.log)
    world.daemon.stop()
    world.daemon.start()
    world.wait_in_sync(ZONE, 7)
    assert world.push(ZONE)["name_servers"] == ["ns.given.example"] and len(api.log) == requests
    world.write(ZONE, text_of(8, "192.0.2.2"))
    world.wait_in_sync(ZONE, 8)
    eventually(lambda: world.push(ZONE)["current"] and world.push(ZONE)["servers_seen"] == 1, 60, "the server seen again")
