"""on-event: the user's program hears of what becomes of zones; the manual's examples work as they stand."""
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lab import ROOT, SECRET, Nsd, eventually, zone_text

KEY = ("event-key", "hmac-sha256", SECRET)
MANUAL = ROOT / "packaging" / "debian" / "zonecrier.conf.5"


def write_program(folder, body, name="program"):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def recorder(folder):
    """A program that keeps its arguments and its input, a line a run; and what reads them."""
    seen = folder / "seen"
    program = write_program(folder, f'read -r line; printf "%s\\t%s\\n" "$*" "$line" >>{seen}')

    def events():
        lines = seen.read_text().splitlines() if seen.exists() else []
        return [(line.split("\t")[0].split(" "), json.loads(line.split("\t", 1)[1])) for line in lines]
    return program, events


def of(events, kind, zone):
    return [event for arguments, event in events() if arguments[:2] == [kind, zone] and event["event"] == kind and event["zone"] == zone]


def test_zones_come_change_are_held_and_go(lab):
    daemon = lab.daemon(start=False, options="guard { max-delete 30%; min-records 4; };")
    program, events = recorder(daemon.folder)
    daemon.options += f' on-event "{program}";'
    daemon.extra = f'zone "going.example" {{ type primary; file "{daemon.folder}/going.zone"; }};\n'
    (daemon.folder / "going.zone").write_text(zone_text("going.example", 1))
    records = [f"h{i} A 192.0.2.{i}" for i in range(20)]
    daemon.write("a.example", zone_text("a.example", 7, records))
    daemon.start()
    eventually(lambda: of(events, "published", "a.example") and of(events, "published", "going.example"), what="the first events")
    mine = [arguments for arguments, event in events() if event["zone"] == "a.example"]
    assert mine == [["zone-added", "a.example", "7", "-"], ["published", "a.example", "7", "-"]]
    first = of(events, "published", "a.example")[0]
    assert first["serial"] == 7 and first["records_added"] == 21 and "serial_before" not in first

    daemon.write("a.example", zone_text("a.example", 8, records + ["new A 192.0.2.99"]))
    second = eventually(lambda: len(of(events, "published", "a.example")) == 2 and of(events, "published", "a.example")[1], what="the second")
    assert (second["serial_before"], second["serial"], second["records_added"], second["records_removed"]) == (7, 8, 1, 0)

    daemon.write("a.example", zone_text("a.example", 9, records[:2]))
    held = eventually(lambda: of(events, "held", "a.example"), what="the held change")[0]
    assert held["hash"] in daemon.cli("status", "a.example").stdout and held["text"]
    daemon.cli("approve", "a.example", held["hash"])
    eventually(lambda: len(of(events, "published", "a.example")) == 3, what="what was approved")

    daemon.extra = ""
    daemon.write_conf()
    daemon.cli("reload")
    eventually(lambda: of(events, "zone-removed", "going.example"), what="the removed zone")


def test_stale_and_in_sync(lab):
    daemon = lab.daemon(start=False, keys=[KEY], options="alert-after 1s;")
    program, events = recorder(daemon.folder)
    nsd = lab.secondary(Nsd, daemon, ["a.example"], key=KEY, start=False)
    daemon.options += f' on-event "{program}"; secondaries {{ "nsd"; }};'
    daemon.extra = (f'secondary "nsd" {{ also-notify {{ {nsd.address} port {nsd.port}; }}; transfer-from {{ {nsd.address}; }}; '
                    f'key "{KEY[0]}"; nameservers {{ {nsd.address} port {nsd.port}; }}; }};\n')
    daemon.write("a.example", zone_text("a.example", 1))
    daemon.start()
    nsd.start()
    nsd.wait_serial("a.example", 1)
    nsd.stop()
    daemon.write("a.example", zone_text("a.example", 2))
    stale = eventually(lambda: of(events, "stale", "a.example"), 60, "the stale secondary")[-1]
    assert stale["secondary"] == "nsd" and stale["serial"] == 2 and stale["stage"] and stale["text"]
    assert ["stale", "a.example", "2", "nsd"] in [arguments for arguments, _ in events()]
    nsd.start()
    daemon.cli("notify", "a.example")
    back = eventually(lambda: of(events, "in-sync", "a.example"), 60, "the secondary in sync")[-1]
    assert back["secondary"] == "nsd" and back["serial"] == 2


def test_a_program_that_hangs_holds_up_nothing(lab):
    daemon = lab.daemon(start=False)
    program = write_program(daemon.folder, "sleep 600")
    daemon.options += f' on-event "{program}"; on-event-timeout 1s;'
    daemon.start()
    for i in range(10):
        daemon.write(f"z{i}.example", zone_text(f"z{i}.example", 5))
    for i in range(10):
        daemon.wait_serial(f"z{i}.example", 5)
    eventually(lambda: "ended after on-event-timeout (1 s)" in daemon.log(), 30, "the end of a run")
    daemon.stop()


def test_the_child_is_alone(lab):
    """No file of the daemon's, none of its capabilities, no variable of systemd's, and the daemon's end is its own."""
    daemon = lab.daemon(start=False)
    seen = daemon.folder / "seen"
    program = write_program(daemon.folder, f'{{ ls /proc/self/fd | wc -l; grep CapAmb /proc/self/status; echo "${{NOTIFY_SOCKET-none}}"; pwd; '
                            f'cut -d" " -f5 /proc/$$/stat; echo $$; }} >{seen}.new; mv {seen}.new {seen}; sleep 600')
    daemon.options += f' on-event "{program}";'
    daemon.write("a.example", zone_text("a.example", 5))
    daemon.start()
    eventually(seen.exists, what="the run")
    files, ambient, socket, folder, group, pid = seen.read_text().split("\n")[:6]
    assert int(files) == 4  # its three, and the folder that ls reads
    assert ambient.split() == ["CapAmb:", "0000000000000000"] and socket == "none" and folder == "/" and group == pid
    daemon.stop()
    eventually(lambda: not _exists(int(pid)), what="the child's end")


def _exists(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().split()[2] != "Z"
    except FileNotFoundError:
        return False


class Api:
    """A web server that keeps what it is sent, and answers as the providers do."""

    def __init__(self):
        self.got = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                api.got.append((self.path, self.headers.get("Authorization"), json.loads(body)))
                answer = json.dumps({"success": True, "result": {"id": "zone-7"}}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args):  # pylint: disable=arguments-differ
                pass
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def api():
    server = Api()
    yield server
    server.close()


def manual_programs():
    """The worked examples of the manual, as the reader copies them."""
    section = MANUAL.read_text().split(".Sh COMMANDS FOR A CHANGE")[1].split(".Sh ")[0]
    blocks = re.findall(r"\.Bd -literal.*?\n(.*?)\.Ed", section, re.S)
    return [block.replace("\\e", "\\") for block in blocks if block.startswith("#!")]


def test_the_manuals_examples_work(lab, api):
    chat, provider = manual_programs()
    assert "https://chat.example.net/hooks/zones" in chat and "https://api.cloudflare.com/client/v4" in provider
    daemon = lab.daemon(start=False)
    header = daemon.folder / "cloudflare.header"
    header.write_text("Authorization: Bearer t0ken\n")
    chat = chat.replace("https://chat.example.net", api.url)
    provider = provider.replace("https://api.cloudflare.com", api.url).replace("/etc/zonecrier/cloudflare.header", str(header))
    (daemon.folder / "chat").write_text(chat)
    (daemon.folder / "provider").write_text(provider)
    both = write_program(daemon.folder, 'cat >$0.$$; for p in chat provider; do sh "${0%/*}/$p" "$@" <$0.$$ || exit; done')
    daemon.options += f' on-event "{both}";'
    daemon.write("a.example", zone_text("a.example", 5))
    daemon.start()
    eventually(lambda: len(api.got) >= 4, 30, "the requests")
    said = [body["text"] for path, _, body in api.got if path == "/hooks/zones"]
    assert said[0].startswith("zone-added a.example") and said[1].startswith("published a.example")
    made = [(path, token, body) for path, token, body in api.got if path.startswith("/client/v4/")]
    assert [(path, token) for path, token, _ in made] == [("/client/v4/zones", "Bearer t0ken"),
                                                          ("/client/v4/zones/zone-7/secondary_dns/incoming", "Bearer t0ken")]
    assert made[0][2] == {"name": "a.example", "type": "secondary", "account": {"id": "ACCOUNT"}}
    assert made[1][2] == {"name": "a.example.", "peers": ["PEER"], "auto_refresh_seconds": 3600}
    assert "on-event" not in daemon.log()
