"""statistics-channels: metrics that promtool takes, and the page in a real browser."""
import http.client
import json
import os
import re
import socket
import subprocess
import time

import pytest

from browser import Browser, CHROMIUM
from lab import LONG, PEERS, SECRET, Nsd, eventually, free_port, peer_env, zone_text

KEY = ("web-key", "hmac-sha256", SECRET)
KEEP = os.environ.get("ZONECRIER_PICTURES")  # a folder for the screenshots


def get(port, path, method="GET", headers=None, address="127.0.0.1"):
    connection = http.client.HTTPConnection(address, port, timeout=60)
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, body, answer.headers


def check_metrics(text):
    done = subprocess.run([PEERS / "usr/bin/promtool", "check", "metrics"], input=text, capture_output=True, text=True, env=peer_env(), check=False)
    assert done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr


def value(text, line):
    found = re.search(rf"^zonecrier_{re.escape(line)} (\S+)$", text, re.M)
    assert found, f"no {line} in\n{text}"
    return float(found[1])


@pytest.fixture
def world(lab):
    """world(more): a daemon with a channel, NSD that has two of its zones, a broken zone, and a secondary that is not there."""
    def make(more="", zones=3, secondary=True):
        daemon = lab.daemon(start=False, keys=[KEY], options="alert-after 1s;")
        port = free_port()
        nsd = lab.secondary(Nsd, daemon, ["z0.example", "z1.example"], key=KEY, start=False)
        daemon.options += ' secondaries { "office"; "away"; };'
        daemon.extra = (f'secondary "office" {{ also-notify {{ {nsd.address} port {nsd.port}; }}; transfer-from {{ {nsd.address}; }}; '
                        f'key "{KEY[0]}"; nameservers {{ {nsd.address} port {nsd.port}; }}; }};\n'
                        f'secondary "away" {{ also-notify {{ 127.0.0.77 port 9; }}; transfer-from {{ 127.0.0.77; }}; key "{KEY[0]}"; probe no; }};\n'
                        f"statistics-channels {{ inet 127.0.0.1 port {port} allow {{ 127.0.0.1; }}; {more} }};\n")
        for i in range(zones):
            daemon.write(f"z{i}.example", zone_text(f"z{i}.example", 1))
        daemon.write("broken<b>.example".replace("<b>", ""), zone_text("broken.example", 1, ["www A 300.1.1.1"]))
        daemon.start()
        if secondary:
            nsd.start()
            nsd.wait_serial("z0.example", 1)
        return daemon, nsd, port
    return make


def test_metrics_health_and_status(world):
    daemon, nsd, port = world("zone-metrics yes;")
    nsd.wait_serial("z1.example", 1)
    daemon.write("z0.example", zone_text("z0.example", 2, ["www A 192.0.2.1"]))
    nsd.wait_serial("z0.example", 2)

    def is_counted():
        text = get(port, "/metrics")[1]
        return value(text, "propagation_seconds_count") >= 3 and value(text, 'secondary_serial{zone="z0.example",secondary="office"}') == 2 and text
    text = eventually(is_counted, 30, "three transfers in the figures")
    check_metrics(text)
    assert value(text, 'zones{state="published"}') == 3 and value(text, 'zones{state="broken"}') == 1
    assert value(text, "publishes_total") == 4 and value(text, 'zone_serial{zone="z0.example"}') == 2
    assert value(text, 'zone_ok{zone="broken.example"}') == 0 and value(text, 'secondary_lag_seconds{zone="z0.example",secondary="away"}') >= 0
    assert get(port, "/metrics")[2]["Content-Type"].startswith("text/plain; version=0.0.4")
    status, body, _ = get(port, "/healthz")
    assert (status, body) == (200, "ok\n")
    assert {z["zone"] for z in json.loads(get(port, "/status.json")[1])["zones"]} == {"broken.example", "z0.example", "z1.example", "z2.example"}


def test_no_labels_of_zones_by_default(world):
    daemon, _, port = world(secondary=False)
    text = get(port, "/metrics")[1]
    check_metrics(text)
    assert "example" not in text
    daemon.cli("reload", check=False)
    for i in range(3, 40):
        daemon.write(f"z{i}.example", zone_text(f"z{i}.example", 1))
    eventually(lambda: value(get(port, "/metrics")[1], 'zones{state="published"}') == 40, what="forty zones")
    assert len(get(port, "/metrics")[1].splitlines()) == len(text.splitlines())


def test_who_may_and_by_which_name(world):
    daemon, _, port = world('host "status.example.net"; inet 127.0.0.1 port %d;' % (second := free_port()), secondary=False)
    assert get(port, "/", headers={"Host": "status.example.net"})[0] == 200
    assert get(port, "/", headers={"Host": f"STATUS.example.net:{port}"})[0] == 200
    assert get(port, "/", headers={"Host": "localhost"})[0] == 200
    for host in ("evil.example", "127.0.0.1.evil.example", "[::1", "status.example.net:80x"):
        assert get(port, "/status.json", headers={"Host": host})[0] == 421
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        status, _, headers = get(port, "/", method)
        assert status == 405 and headers["Allow"] == "GET, HEAD"
    status, body, headers = get(port, "/", "HEAD")
    assert status == 200 and not body and headers["X-Content-Type-Options"] == "nosniff" and headers["X-Frame-Options"] == "DENY"
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy
    assert get(port, "/v1/status")[0] == 404 and get(port, "/../../etc/passwd")[0] == 404
    assert get(second, "/healthz")[0] == 200
    # From another address than allow has.
    other = http.client.HTTPConnection("127.0.0.1", port, timeout=30, source_address=("127.0.0.9", 0))
    other.request("GET", "/metrics")
    assert other.getresponse().status == 403
    other.close()
    # A reload to an address that is taken changes nothing; to another one moves it.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        daemon.extra = daemon.extra.replace(f"port {second};", f"port {taken.getsockname()[1]};")
        daemon.write_conf()
        assert daemon.cli("reload", check=False).returncode != 0
        assert get(second, "/healthz")[0] == 200
    daemon.extra = re.sub(r"statistics-channels.*", "", daemon.extra)
    daemon.write_conf()
    daemon.cli("reload", check=False)

    def is_gone():
        try:
            get(port, "/healthz")
            return False
        except ConnectionRefusedError:
            return True
    eventually(is_gone, what="the channel's end")


@pytest.fixture
def browser(tmp_path):
    assert CHROMIUM.exists(), ".ci/peers chromium prometheus fetches it"
    browser = Browser(tmp_path)
    yield browser
    browser.close()


def ready(world):
    daemon, nsd, port = world()
    nsd.wait_serial("z1.example", 1)
    daemon.write("z0.example", zone_text("z0.example", 2, ["www A 192.0.2.1"]))
    nsd.wait_serial("z0.example", 2)
    eventually(lambda: "office after" in get(port, "/")[1], 30, "the publish on the page")
    return daemon, nsd, port


def look(browser, tmp_path, name):
    picture = browser.picture((tmp_path if not KEEP else type(tmp_path)(KEEP)) / f"{name}.png")
    assert picture.stat().st_size > 5000


def test_page_in_both_themes_and_narrow(world, browser, tmp_path):
    _, _, port = ready(world)
    colors = set()
    for name, options in (("light", {}), ("dark", {"dark": True}), ("narrow", {"width": 400}), ("narrow-dark", {"width": 400, "dark": True})):
        browser.open(f"http://127.0.0.1:{port}/", **options)
        assert not browser.complaints()
        look(browser, tmp_path, name)
        assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than its window"
        colors.add(browser.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert contrast(browser) >= 4.5, name
    assert len(colors) == 2


def contrast(browser):
    """The least of all texts against what is behind them (WCAG 2.1 asks for 4.5)."""
    return browser.evaluate("""(() => {
        const channels = c => c.match(/[\\d.]+/g).map(Number);
        const lum = c => { const [r, g, b] = channels(c).map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 });
            return .2126 * r + .7152 * g + .0722 * b };
        const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
            if (channels(c)[3] !== 0) return c } return 'rgb(255,255,255)' };
        let least = 21;
        for (const e of document.body.querySelectorAll('*')) {
            if (e.matches('script,style,svg,svg *') || ![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
            const a = lum(getComputedStyle(e).color), b = lum(behind(e));
            least = Math.min(least, (Math.max(a, b) + .05) / (Math.min(a, b) + .05));
        }
        return least })()""")


@pytest.mark.parametrize("width", [1100, 400])
def test_table_without_scripts_as_a_screen_reader_has_it(world, browser, width):
    _, _, port = ready(world)
    browser.open(f"http://127.0.0.1:{port}/", width=width, scripts=False)
    tree = browser.tree()
    roles = [role for role, _ in tree]
    assert "table" in roles and ("main", "") in tree and ("heading", "Zones by secondaries") in tree
    assert {name for role, name in tree if role == "rowheader"} == {"broken.example", "z0.example", "z1.example", "z2.example"}
    if width > 640:
        assert [name for role, name in tree if role == "columnheader"] == ["Zone", "State", "Serial", "office", "away"]
    cells = [name for role, name in tree if role in ("cell", "gridcell")]
    assert any("in sync" in cell for cell in cells) and any("broken" in cell for cell in cells)
    assert not any(role == "button" and "refresh" in name.lower() for role, name in tree)  # it needs the script


def test_refreshes_itself_and_by_keyboard(world, browser):
    daemon, nsd, port = ready(world)
    browser.open(f"http://127.0.0.1:{port}/")
    browser.evaluate("document.getElementById('find').focus(); document.title = 'the same page'")
    daemon.write("z0.example", zone_text("z0.example", 3, ["www A 192.0.2.2"]))
    nsd.wait_serial("z0.example", 3)
    eventually(lambda: "serial 3" in browser.evaluate("document.getElementById('publishes').textContent"), 60, "the new publish on the open page", step=0.5)
    assert browser.evaluate("document.title") == "the same page" and browser.evaluate("document.activeElement.id") == "find"
    # Every control by Tab, in order; Enter searches.
    browser.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    seen = []
    for _ in range(12):
        browser.key("Tab", 9)
        seen.append(browser.evaluate("document.activeElement.id || document.activeElement.textContent"))
        assert browser.evaluate("document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle !== 'none'")
    assert {"refresh", "find", "go", "status.json", "metrics", "healthz"} <= set(seen), seen
    browser.evaluate("document.getElementById('find').value = 'Z1'; document.getElementById('find').focus()")
    browser.told.clear()
    browser.key("Enter", 13)
    browser.wait("Page.loadEventFired")
    rows = browser.evaluate("[...document.querySelectorAll('tbody th')].map(e => e.textContent)")
    assert rows == ["z1.example"] and browser.evaluate("document.getElementById('find').value") == "Z1"
    assert not browser.complaints()


def test_nothing_of_a_zones_text_becomes_markup(lab):
    port = free_port()
    daemon = lab.daemon(start=False, extra=f"statistics-channels {{ inet 127.0.0.1 port {port}; }};")
    daemon.write("a.example", zone_text("a.example", 1, ["www A <script>alert(1)</script>"]))
    daemon.start()
    text = get(port, "/")[1]
    assert "<script>alert" not in text and "&lt;script&gt;" in text
    assert "<b>" not in get(port, "/?find=%3Cb%3E%22%27")[1].split("</h1>")[1].split("publishes")[0].replace("<b>1</b>", "")


@pytest.mark.long
def test_a_hundred_thousand_zones(lab):
    """/metrics within a millisecond of work, the page in slices: the main loop answers in between."""
    port, count = free_port(), 100_000 if LONG else 1000
    daemon = lab.daemon(start=False, options="also-notify { 127.0.0.77 port 9; 127.0.0.78 port 9; }; notify-rate 1000000;",
                        extra=f"statistics-channels {{ inet 127.0.0.1 port {port}; }};")
    for i in range(count):
        (daemon.zones / f"z{i}.example.zone").write_text(zone_text(f"z{i}.example", 1))
    daemon.start(wait=False)
    eventually(lambda: get(port, "/healthz")[0] == 200, 300, "the start", step=1)
    times = []
    for _ in range(200):
        begin = time.monotonic()
        assert get(port, "/metrics")[0] == 200
        times.append(time.monotonic() - begin)
    times.sort()
    print(f"/metrics: median {times[100] * 1000:.2f} ms, with the connection")
    begin = time.monotonic()
    page = get(port, "/?rows=200")[1]
    print(f"the page: {time.monotonic() - begin:.2f} s, {len(page)} octets")
    assert f"{count} zones" in page
    assert times[100] < 0.02
