"""Time from asking for the page to its pictures, with a warm server; writes load.md.

    CHROMIUM=/usr/bin/chromium python tests/benchmarks/load.py

Headless Chromium opens the page as a new person does (nothing cached) and as one who comes back.
A time runs from the start of the navigation to the first screen frame at which something is there:
the input map drawn with nothing laid over the page; then the output map and the last step.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import panel as pn
import panel_material_ui as pmui
from playwright.sync_api import Browser, BrowserContext, sync_playwright

ROOT = Path(__file__).parents[2]
WINDOW = {"width": 1440, "height": 900}

# The time at which each of the marks came to be, in milliseconds.
_MARKS_JS = """
window.marks = {};
const drawn = start => {
  for (const model of (window.Bokeh?.documents ?? []).flatMap(d => [...d._all_models.values()])) {
    if (model.type !== 'Figure' || !model.title.text.startsWith(start)) continue;
    const renderer = model.renderers.find(r => r.glyph.image);
    const image = renderer?.visible && renderer.data_source.data[renderer.glyph.image.field]?.[0];
    const view = window.Bokeh.index.find_one(model);
    if (image && image.length > 100 && view?.is_idle) return true;
  }
  return false;
};
const tests = {
  input: () => document.getElementById('loader')?.style.display === 'none' && drawn('Input'),
  output: () => drawn('Output'),
};
const look = () => {
  for (const [name, test] of Object.entries(tests)) {
    if (!(name in marks) && test()) marks[name] = performance.now();
  }
  if (Object.keys(marks).length < Object.keys(tests).length) requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


def load(context: BrowserContext, url: str) -> tuple[dict[str, float], int]:
    """Return the marks of one visit in seconds, and the bytes that its files have on the wire."""
    page = context.new_page()
    page.add_init_script(_MARKS_JS)
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: list[int] = []
    network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(url)
    page.wait_for_function("'output' in marks", timeout=60_000)
    marks = page.evaluate("marks")
    page.close()
    return {name: mark / 1000 for name, mark in marks.items()}, sum(map(int, sizes))


def measure(browser: Browser, url: str, visits: int) -> dict[str, list[Any]]:
    """Return the visits of people who are new and of people who come back."""
    found: dict[str, list[Any]] = {"new": [], "again": []}
    for _ in range(visits):
        context = browser.new_context(viewport=WINDOW)  # type: ignore[arg-type]
        found["new"].append(load(context, url))
        found["again"].append(load(context, url))
        context.close()
    return found


def report(found: dict[str, list[Any]], busy: float) -> str:
    """Return the result file."""
    rows = []
    for name, kind in (("first visit", "new"), ("again", "again")):
        for mark in ("input", "output"):
            times = [marks[mark] for marks, _ in found[kind]]
            rows.append(
                f"| {name}, {mark} map | {np.median(times):.2f} | {min(times):.2f} | "
                f"{max(times):.2f} |"
            )
    sizes = [np.median([size for _, size in found[kind]]) / 1e6 for kind in ("new", "again")]
    return "\n".join([
        "# From asking for the page to its pictures", "",
        f"{len(found['new'])} visits of headless Chromium to a warm server on the same machine, "
        "seconds.", "",
        f"{os.cpu_count()} cores, load of other work {busy:.1f} at the start; Panel "
        f"{pn.__version__}, panel-material-ui {pmui.__version__}.", "",
        "| | median | least | most |", "|---|---|---|---|", *rows, "",
        f"Files: {sizes[0]:.1f} MB at the first visit, {sizes[1]:.1f} MB again.", "",
    ])  # fmt: skip


def main() -> None:
    """Serve the page, visit it, write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=5)
    arguments = parser.parse_args()
    busy = os.getloadavg()[0]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://localhost:{port}/app"
    server = subprocess.Popen(
        [sys.executable, "-m", "panel", "serve", "explorer/app.py", "--port", str(port)], cwd=ROOT
    )
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(url, timeout=60).read()
                break
            except OSError:
                time.sleep(0.3)
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            measure(browser, url, 1)  # warms the server
            text = report(measure(browser, url, arguments.visits), busy)
            browser.close()
    finally:
        server.terminate()
    print(text)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
