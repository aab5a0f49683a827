"""A headless Chromium, driven over its DevTools protocol (pipes, no port and no package)."""

import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--headless --no-sandbox --disable-gpu --no-first-run --remote-debugging-pipe "
    "--disable-background-networking --disable-component-update --disable-dev-shm-usage"
)
SECONDS = 30
AXE = Path(str(files("axe_core_python"))) / "axe.min.js"
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40}


def find_browser() -> str | None:
    """The path of a Chromium, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def open_browser() -> Iterator["Browser"]:
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        (in_read, in_write), (out_read, out_write) = os.pipe(), os.pipe()
        command = f"{shlex.quote(find_browser())} {OPTIONS} --user-data-dir={shlex.quote(profile)}"
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command} 3<&{in_read} 4>&{out_write}"],
            pass_fds=(in_read, out_write),
            stderr=subprocess.DEVNULL,
        )
        os.close(in_read)
        os.close(out_write)
        try:
            yield Browser(in_write, out_read)
        finally:
            process.kill()
            process.wait()
            os.close(in_write)
            os.close(out_read)


class BrowserError(Exception):
    """The browser refused a command, such as one to a page that was just left for another."""


class Browser:
    """Sends commands and keeps the events that come meanwhile."""

    def __init__(self, write: int, read: int):
        self._write, self._read, self._rest, self._id = write, read, b"", 0
        self.events: list[dict] = []

    def send(self, method: str, session: str | None = None, **parameters) -> dict:
        """Return a command's result."""
        self._id += 1
        message = {"id": self._id, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._id:
                if "error" in answer:
                    raise BrowserError(answer["error"])
                return answer["result"]
            self.events.append(answer)

    def _next(self) -> dict:
        while b"\0" not in self._rest:
            part = os.read(self._read, 1 << 20)
            assert part, "the browser has ended"
            self._rest += part
        message, self._rest = self._rest.split(b"\0", 1)
        return json.loads(message)

    def download_to(self, folder: Path) -> None:
        """Have what pages download written into a folder."""
        behavior = {"behavior": "allow", "downloadPath": str(folder)}
        self.send("Browser.setDownloadBehavior", **behavior)

    def open(self, page: Path, fragment: str = "", width: int = 1280, dark: bool = False) -> "Tab":
        """Open a file in a new tab and wait until it is loaded."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self, session)
        for domain in ("Page", "Runtime", "Network", "Log"):
            tab.send(f"{domain}.enable")
        sizes = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        tab.send("Emulation.setDeviceMetricsOverride", **sizes)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        tab.send("Emulation.setEmulatedMedia", features=[scheme])
        tab.go(page.as_uri() + fragment)
        return tab


class Tab:
    """One page."""

    def __init__(self, browser: Browser, session: str):
        self._browser, self._session = browser, session

    def send(self, method: str, **parameters) -> dict:
        return self._browser.send(method, self._session, **parameters)

    def go(self, address: str) -> None:
        self.send("Page.navigate", url=address)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'")

    def evaluate(self, script: str):
        """The value of a JavaScript expression."""
        result = self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in result:
            raise BrowserError(result["result"]["description"])
        return result["result"].get("value")

    def wait(self, script: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            # A page that sends the reader on to another cannot be asked in between, and one that
            # has just begun has no elements.
            with suppress(BrowserError):
                if self.evaluate(f"Boolean({script})"):
                    return
            time.sleep(0.02)
        raise AssertionError(f"never true: {script}")

    def press(self, key: str) -> None:
        code = KEYS.get(key) or ord(key.upper())
        text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
        about = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        self.send("Input.dispatchKeyEvent", type="keyDown", **about, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", **about)

    def type(self, text: str) -> None:
        self.send("Input.insertText", text=text)

    def upload(self, selector: str, path: Path) -> None:
        """Choose a file in a field."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def point_at(self, selector: str) -> None:
        """Move the pointer to the middle of an element."""
        box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        x, y = self.evaluate(
            f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])({box})"
        )
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def violations(self) -> list[tuple[str, list]]:
        """What axe-core finds wrong: rules, and the elements that break them."""
        self.evaluate(AXE.read_text("utf-8") + "; 0")
        found = self.evaluate("axe.run(document).then((result) => result.violations)")
        return [(v["id"], [node["target"] for node in v["nodes"]]) for v in found]

    def _events(self, method: str) -> list[dict]:
        self.evaluate("1")  # so that what has come is read
        return [
            event["params"]
            for event in self._browser.events
            if event.get("sessionId") == self._session and event["method"] == method
        ]

    def problems(self) -> list:
        """Errors and warnings in the console, and uncaught exceptions."""
        called = self._events("Runtime.consoleAPICalled")
        return [
            *self._events("Runtime.exceptionThrown"),
            *(e for e in self._events("Log.entryAdded") if e["entry"]["level"] != "verbose"),
            *(event for event in called if event["type"] in ("error", "warning", "assert")),
        ]

    def requests(self) -> list[str]:
        """The addresses of all that the page asked for."""
        return [event["request"]["url"] for event in self._events("Network.requestWillBeSent")]
