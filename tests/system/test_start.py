"""What keeps zonecrierd from starting is told in one line: where, why, and what to do."""
import os
import socket
import subprocess

import pytest

from lab import BUILD, PATIENCE, free_port

ZONE = "small.example"


def start(folder, options, controls=None):
    """Its exit status and what it wrote."""
    folder.mkdir(parents=True, exist_ok=True)
    conf = folder / "zonecrier.conf"
    conf.write_text(f'controls {{ unix "{controls or folder / "control.sock"}"; }};\n'
                    f'options {{ {options} listen-on-v6 {{ none; }}; allow-transfer {{ 127.0.0.1; }}; also-notify {{ 127.0.0.1; }}; }};\n'
                    f'zone "{ZONE}" {{ file "{ZONE}.zone"; }};\n')
    # Root may write everywhere: without that capability it is a user like others.
    plain = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    done = subprocess.run([*plain, BUILD / "zonecrierd", "-c", conf], capture_output=True, text=True, timeout=20 * PATIENCE)
    return done.returncode, done.stdout + done.stderr


def told(text):
    """The one line, without its time."""
    lines = text.splitlines()
    assert len(lines) == 1 and " error: cannot start: " in lines[0], text
    return lines[0].partition(" error: cannot start: ")[2]


def test_no_configuration():
    done = subprocess.run([BUILD / "zonecrierd", "-c", "/nonexistent/zonecrier.conf"], capture_output=True, text=True, timeout=20 * PATIENCE)
    text = done.stdout + done.stderr
    assert done.returncode == 1 and " error: cannot read /nonexistent/zonecrier.conf: No such file or directory\n" in text, text
    assert text.count("error:") == 1 and "hint: -c FILE names another one" in text, text


def test_a_port_in_use(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        code, text = start(tmp_path, f'state-directory "state"; listen-on port {port} {{ 127.0.0.1; }};')
    assert code == 1
    assert told(text).startswith(f"listen-on: 127.0.0.1#{port}: another server has it (ss -lntup tells which)")


def test_an_address_that_is_not_here(tmp_path):
    code, text = start(tmp_path, 'state-directory "state"; listen-on port 5353 { 192.0.2.1; };')
    assert code == 1 and "192.0.2.1#5353: this machine has no such address" in told(text)


@pytest.mark.parametrize("what,path,says", [
    ("no folder above it", "nowhere/state", "nowhere/state: the state directory cannot be made: the folder above it is not there"),
    ("a file", "zonecrier.conf", "zonecrier.conf: the state directory cannot be opened: Not a directory"),
])
def test_a_state_directory(tmp_path, what, path, says):
    code, text = start(tmp_path, f'state-directory "{path}"; listen-on port {free_port()} {{ 127.0.0.1; }};')
    assert code == 1 and says in told(text), what


def test_a_state_directory_of_another_user(tmp_path):
    (tmp_path / "state").mkdir(mode=0o500)
    code, text = start(tmp_path, f'state-directory "state"; listen-on port {free_port()} {{ 127.0.0.1; }};')
    assert code == 1 and "permission denied: the user that zonecrierd runs as must be able to write there" in told(text)


def test_a_second_daemon(lab):
    first = lab.daemon()
    code, text = start(first.folder / "second", f'state-directory "{first.folder}/state"; listen-on port {free_port()} {{ 127.0.0.1; }};')
    assert code == 1 and "another zonecrierd holds the state directory: stop that one first" in told(text)
    code, text = start(first.folder / "second", f'state-directory "own"; listen-on port {free_port()} {{ 127.0.0.1; }};', controls=first.socket)
    assert code == 1 and f"control socket: another daemon listens on {first.socket}: stop that one first" in told(text)
