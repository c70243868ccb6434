"""A real Chromium, driven through its debugging pipe (Chrome DevTools Protocol): no driver program, no port, no package."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 30


def executable() -> str | None:
    """The browser of this machine, None without one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@dataclass
class Page:
    """One tab. What it asked for, printed to its console and threw is kept as it happens."""

    browser: Browser
    session: str
    requests: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command, and its answer."""
        return self.browser.send(method, parameters, self.session)

    def open(self, address: str) -> None:
        """Goes to an address and waits until all of it is there."""
        self.browser.loaded.clear()
        self.send("Page.navigate", url=address)
        assert self.browser.loaded.wait(SECONDS), f"{address}: not loaded within {SECONDS} s"

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def size(self, width: int, height: int = 900, scheme: str = "light") -> None:
        """The window's size and whether the reader prefers light or dark."""
        mobile = width < 600
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=mobile,
        )
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def scripts(self, on: bool) -> None:
        """Lets the page run scripts, or not."""
        self.send("Emulation.setScriptExecutionDisabled", value=not on)

    def screenshot(self, path: Path) -> None:
        """The whole page as PNG, however long."""
        answer = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def pdf(self) -> bytes:
        """The page as it would be printed."""
        return base64.b64decode(self.send("Page.printToPDF", printBackground=True)["data"])


class Browser:
    """A headless Chromium with a profile of its own; commands go through file descriptors 3 and 4, each message ends with a zero byte."""

    def __init__(self, path: str, profile: Path) -> None:
        ours_in, theirs_out = os.pipe()
        theirs_in, ours_out = os.pipe()
        flags = [
            *(
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--hide-scrollbars",
            ),
            *(
                "--disable-background-networking",
                "--disable-extensions",
                "--remote-debugging-pipe",
                "--lang=en-US",
                f"--user-data-dir={profile}",
            ),
        ]
        # Descriptors 3 and 4 are the protocol's; the shell puts ours there, whatever their numbers are.
        command = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", command, path, *flags],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._in, self._out = os.fdopen(ours_in, "rb", buffering=0), os.fdopen(ours_out, "wb", buffering=0)
        self._number = 0
        self._answers: dict[int, Queue[dict[str, Any]]] = {}
        self._pages: dict[str, Page] = {}
        self.loaded = threading.Event()
        threading.Thread(target=self._listen, daemon=True).start()

    def page(self) -> Page:
        """A new tab."""
        target = self.send("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.send("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.send(f"{domain}.enable")
        return page

    def send(self, method: str, parameters: dict[str, Any], session: str | None = None) -> dict[str, Any]:
        """One command, and its answer."""
        self._number += 1
        number, answers = self._number, Queue()
        self._answers[number] = answers
        message = {"id": number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        self._out.write(json.dumps(message).encode() + b"\0")
        try:
            answer = answers.get(timeout=SECONDS)
        except Empty:
            raise AssertionError(f"{method}: no answer within {SECONDS} s") from None
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def close(self) -> None:
        """Ends the browser."""
        try:
            self._out.write(b'{"id": 0, "method": "Browser.close"}\0')
            self._process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._out.close()

    def _listen(self) -> None:
        rest = b""
        while chunk := self._in.read(1 << 16):
            *messages, rest = (rest + chunk).split(b"\0")
            for message in messages:
                self._take(json.loads(message))
        self._in.close()

    def _take(self, message: dict[str, Any]) -> None:
        if (number := message.get("id")) is not None:
            if answers := self._answers.pop(number, None):
                answers.put(message)
            return
        page, said = self._pages.get(message.get("sessionId", "")), message.get("params", {})
        if page is None:
            return
        match message["method"]:
            case "Page.loadEventFired":
                self.loaded.set()
            case "Network.requestWillBeSent":
                page.requests.append(said["request"]["url"])
            case "Runtime.consoleAPICalled":
                page.console.append(str([item.get("value") for item in said["args"]]))
            case "Runtime.exceptionThrown":
                page.errors.append(str(said["exceptionDetails"]))
            case "Log.entryAdded":
                page.errors.append(said["entry"]["text"])
            case "Page.javascriptDialogOpening":
                page.dialogs.append(said["message"])


@contextmanager
def running(path: str, profile: Path) -> Iterator[Browser]:
    """A browser that is ended afterwards."""
    browser = Browser(path, profile)
    try:
        yield browser
    finally:
        browser.close()
