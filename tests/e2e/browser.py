"""Debian's Chromium without a window, driven through its pipe (the DevTools protocol, one JSON text after another)."""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile

import harness

# Nothing of the browser goes to the network, and nothing of it stays.
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
         "--remote-debugging-pipe", "--proxy-server=127.0.0.1:9", "--host-resolver-rules=MAP * ~NOTFOUND"]


class Browser:
    """One page of one browser."""

    def __init__(self):
        self._folder = tempfile.mkdtemp(prefix="ctai-browser-")
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()

        def as_three_and_four():
            first, second = os.dup(commands), os.dup(answers)
            os.dup2(first, 3)
            os.dup2(second, 4)

        self._process = subprocess.Popen(["chromium", *FLAGS, f"--user-data-dir={self._folder}", "about:blank"], close_fds=False,
                                         preexec_fn=as_three_and_four, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
        os.close(commands)
        os.close(answers)
        self._number, self._session, self._rest, self.requests, self._loaded = 0, None, b"", [], set()
        target = harness.wait_until(self._page, "the browser has no page")
        self._session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)
        self.call("Network.enable")

    def _page(self):
        """The page that it begins with, once it is there."""
        return next((t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page"), None)

    def _message(self):
        while b"\0" not in self._rest:
            if not select.select([self._answers], [], [], harness.TIMEOUT_S)[0]:
                raise AssertionError("the browser says nothing any more")
            more = os.read(self._answers, 1 << 16)
            if not more:
                raise AssertionError("the browser has ended")
            self._rest += more
        text, self._rest = self._rest.split(b"\0", 1)
        message = json.loads(text)
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])
        if message.get("method") == "Page.lifecycleEvent" and message["params"]["name"] == "load":
            self._loaded.add(message["params"]["loaderId"])
        return message

    def call(self, method, **parameters):
        """Sends a command and returns its result."""
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while True:
            message = self._message()
            if message.get("id") == self._number:
                if "error" in message:
                    raise AssertionError(f"{method}: {message['error']}")
                return message["result"]

    def open(self, path, width, height=900, zoom=1):
        """Opens a file in a window of that many CSS pixels; zoom 2 is the reader's 200 %."""
        self.call("Emulation.setDeviceMetricsOverride", width=width // zoom, height=height // zoom, deviceScaleFactor=zoom, mobile=False)
        self.requests.clear()
        loader = self.call("Page.navigate", url=f"file://{path}")["loaderId"]
        while loader not in self._loaded:  # word of it may come before the command's own answer
            self._message()

    def evaluate(self, expression):
        """The value of an expression of JavaScript in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(result["exceptionDetails"])
        return result["result"].get("value")

    def picture(self, path):
        """The whole page as a PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def pdf(self):
        """The page as it prints, its own sizes kept."""
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True, printBackground=False)["data"])

    def close(self):
        """Ends the browser."""
        with contextlib.suppress(AssertionError, OSError):
            self.call("Browser.close")
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._answers)
        os.close(self._commands)
        shutil.rmtree(self._folder, ignore_errors=True)
