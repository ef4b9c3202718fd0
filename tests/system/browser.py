"""Chromium without a screen, spoken with over its DevTools pipe: pages, their accessibility tree, keys and pictures."""
import base64
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time

from lab import PATIENCE, PEERS, peer_env

CHROMIUM = PEERS / "usr/lib/chromium/chromium"


class Browser:
    def __init__(self, folder):
        to_read, self.writer = os.pipe()
        self.reader, to_write = os.pipe()
        libraries = peer_env()["LD_LIBRARY_PATH"]
        env = dict(os.environ, LD_LIBRARY_PATH=f"{libraries}:{libraries}/pulseaudio", HOME=str(folder), TZ="UTC")
        argv = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
                "--remote-debugging-pipe", f"--user-data-dir={folder}/profile", "about:blank"]
        self.log = open(folder / "chromium.log", "wb")  # pylint: disable=consider-using-with
        # Chromium speaks on descriptors 3 and 4.
        run = f"import os, sys; r, w = os.dup2({to_read}, 50), os.dup2({to_write}, 51); os.dup2(r, 3); os.dup2(w, 4); os.execv(sys.argv[1], sys.argv[1:])"
        self.child = subprocess.Popen([sys.executable, "-c", run, *map(str, argv)], env=env, pass_fds=(to_read, to_write),
                                      stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        os.close(to_read)
        os.close(to_write)
        self.pending = b""
        self.last_id = 0
        self.session = None
        self.told = []  # events

    def _receive(self, until):
        while b"\0" not in self.pending:
            ready, _, _ = select.select([self.reader], [], [], max(0.0, until - time.monotonic()))
            assert ready, f"Chromium does not answer: {open(self.log.name, 'rb').read()[-2000:]!r}"
            octets = os.read(self.reader, 1 << 20)
            assert octets, f"Chromium ended: {open(self.log.name, 'rb').read()[-2000:]!r}"
            self.pending += octets
        message, self.pending = self.pending.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=True, **parameters):
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": parameters}
        if session and self.session:
            message["sessionId"] = self.session
        os.write(self.writer, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + 60 * PATIENCE
        while True:
            answer = self._receive(until)
            if answer.get("id") == self.last_id:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self.told.append(answer)

    def wait(self, method, timeout=60):
        """The next event of that name (those that came before count)."""
        until = time.monotonic() + timeout * PATIENCE
        while True:
            for i, event in enumerate(self.told):
                if event.get("method") == method:
                    return self.told.pop(i)["params"]
            self.told.append(self._receive(until))

    def open(self, url, width=1100, height=900, dark=False, scripts=True):
        """A new page."""
        target = self.call("Target.createTarget", session=False, url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", session=False, targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Log", "Accessibility"):
            self.call(f"{domain}.enable")
        self.call("Runtime.enable")
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.told.clear()
        self.call("Page.navigate", url=url)
        self.wait("Page.loadEventFired")

    def complaints(self):
        """What the browser logged: a breach of the security policy, an error of the script."""
        self.call("Runtime.getIsolateId")  # what was said before is here then
        return [event["params"] for event in self.told if event.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown")]

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def tree(self):
        """(role, name) of each node that assistive technology sees."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node.get("ignored")]

    def key(self, name, code):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code, text="\r" if name == "Enter" and kind == "keyDown" else "")

    def picture(self, path):
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=False)["data"]))
        return path

    def close(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait(20)
        os.close(self.reader)
        os.close(self.writer)
        self.log.close()
