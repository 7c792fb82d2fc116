"""One server and one browser for all tests of the page."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import torch

from data.domains import DOMAINS
from data.normalize import DEFAULT
from engine.checkpoint import save_checkpoint
from engine.networks import network_fields
from engine.networks.unet import UNet, UNetConfig

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "engine" / "checkpoints" / "ddpm" / "card.json"


def browser_path() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, names)]
    return next((path for path in candidates if path and Path(path).exists()), None)


def _write_translator(folder: Path, name: str, domains: list[str]) -> None:
    """Write an untrained diffusion model: what is tested is the page."""
    torch.manual_seed(0)
    config = UNetConfig(widths=(32, 32, 32), num_domains=len(domains))
    card = {
        "name": name, "title": name, "family": "ddpm", "network": network_fields(config),
        "process": {}, "domains": domains, "grid_size": 64, "normalization": DEFAULT.to_json(),
        "default_steps": 6,
    }  # fmt: skip
    save_checkpoint(folder / name, UNet(config).state_dict(), card)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Address of a running `panel serve explorer/app.py`."""
    folder = tmp_path_factory.mktemp("checkpoints")
    _write_translator(folder, "narrow", ["gas", "dark_matter"])
    if not SHIPPED.exists():
        _write_translator(folder, "ddpm", list(DOMAINS))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "GALACTIC_ALCHEMY_CHECKPOINTS": str(folder),
                   "PYTHONPATH": str(ROOT)}  # fmt: skip
    log = (folder / "log.txt").open("w+")
    process = subprocess.Popen(
        [sys.executable, "-m", "panel", "serve", "explorer/app.py", "--port", str(port)],
        cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip
    url = f"http://localhost:{port}/app"
    try:
        _wait(url, process, Path(log.name))
        yield url
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def _wait(url: str, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + 90
    while True:
        try:
            urllib.request.urlopen(url, timeout=60).read()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server did not start:\n{log.read_text()}") from None
            time.sleep(0.3)


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = browser_path()
    if path is None:
        pytest.skip("no Chromium found: install the package chromium, or set $CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Console:
    """What a page complained about, but for files of a host that is `passing`."""

    def __init__(self, page, passing="nobody.invalid"):
        self.complaints = []
        self._passing = passing
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("requestfailed", self._miss)

    def _listen(self, message):
        # Software rendering in headless Chromium warns about its own read-backs.
        if message.type in ("error", "warning") and "GL Driver Message" not in message.text:
            self._complain(message.text, message.location["url"])

    def _miss(self, request):
        # A page that finds its theme to be another is loaded again before its scripts have come.
        if request.failure != "net::ERR_ABORTED":
            self._complain(request.url, request.url)

    def _complain(self, text, url):
        if self._passing not in url:
            self.complaints.append(text)


@pytest.fixture(scope="session")
def console():
    """What makes a page's `Console`."""
    return Console


@pytest.fixture(scope="session")
def context(browser):
    """One browser context, so that scripts are fetched once."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(30_000)
    yield context
    context.close()


@pytest.fixture
def open_page(context, server):
    """Open the page with a query; returns the page, its console at `page.console`."""
    pages = []

    def open_(query=""):
        page = context.new_page()
        pages.append(page)
        page.console = Console(page)
        page.goto(server + query)
        return page

    yield open_
    for page in pages:
        page.close()


@pytest.fixture(scope="session")
def shipped_steps():
    """Number of steps of the first view."""
    return json.loads(SHIPPED.read_text())["default_steps"] if SHIPPED.exists() else 6
