"""Time from asking for the page to its pictures, with a warm server; writes load.md.

    CHROMIUM=/usr/bin/chromium python tests/benchmarks/load.py [--against OTHER_CHECKOUT]

Headless Chromium opens the page as a new person does (nothing cached, nothing remembered), in a
system of either theme, and as one who comes back. A time runs from the start of the navigation to
the first screen frame at which something is there: the poster, which is the maps of this very view
as small pictures in the HTML (the browser's own report of when it painted them); then the page
itself, input map and output map drawn and nothing laid over them. Another checkout of the project
is visited in turns with this one, so that both meet the same machine.
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
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) marks[entry.identifier] ??= entry.renderTime;
}).observe({type: 'element', buffered: true});
const drawn = start => {
  for (const model of (window.Bokeh?.documents ?? []).flatMap(d => [...d._all_models.values()])) {
    if (model.type !== 'Figure' || !model.title.text.startsWith(start)) continue;
    const renderer = model.renderers.find(r => r.glyph.image);
    const image = renderer?.visible && renderer.data_source.data[renderer.glyph.image.field]?.[0];
    const view = window.Bokeh.index.find_one(model);
    if (image && image.length > 100 && view?.has_finished() && view.el.clientWidth) return true;
  }
  return false;
};
const hidden = element => element && getComputedStyle(element).display === 'none';
const free = () => hidden(document.getElementById('loader'))
  && !document.querySelector('#poster:not(.over)');
const tests = {input: () => free() && drawn('Input'), output: () => free() && drawn('Output')};
const look = () => {
  for (const [name, test] of Object.entries(tests)) {
    if (!(name in marks) && test()) marks[name] = performance.now();
  }
  if (Object.keys(tests).some(name => !(name in marks))) requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""
VISITS = {"new, dark": "first visit, dark system", "new, light": "first visit, light system",
          "again": "again"}  # fmt: skip
MARKS = {"poster": "poster", "input": "input map", "output": "output map"}


def load(context: BrowserContext, url: str) -> tuple[dict[str, float], int]:
    """Return the marks of one visit in seconds, and the bytes that its files have on the wire."""
    page = context.new_page()
    page.add_init_script(_MARKS_JS)
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: list[int] = []
    network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(url)
    page.wait_for_function("'output' in marks && 'input' in marks", timeout=60_000)
    marks = page.evaluate("marks")
    page.close()
    return {name: mark / 1000 for name, mark in marks.items()}, sum(map(int, sizes))


def measure(browser: Browser, urls: list[str], visits: int) -> list[dict[str, list[Any]]]:
    """Return, by server, the visits of people who are new and of people who come back."""
    found: list[dict[str, list[Any]]] = [{name: [] for name in VISITS} for _ in urls]
    for _ in range(visits):
        for url, visited in zip(urls, found, strict=True):
            for system in ("dark", "light"):
                context = browser.new_context(viewport=WINDOW, color_scheme=system)  # type: ignore[arg-type]
                visited[f"new, {system}"].append(load(context, url))
                if system == "light":
                    visited["again"].append(load(context, url))
                context.close()
    return found


def _times(visits: list[Any], mark: str) -> list[float]:
    return [marks[mark] for marks, _ in visits if mark in marks]


def report(found: list[dict[str, list[Any]]], busy: float) -> str:
    """Return the result file; the first of `found` is this checkout, a second the other one."""
    own, other = found[0], found[1] if len(found) > 1 else None
    rows = []
    for name, visit in VISITS.items():
        for mark, label in MARKS.items():
            times = _times(own[name], mark)
            spread = f"{np.median(times):.2f} | {min(times):.2f} | {max(times):.2f}"
            row = f"| {visit}, {label} | {spread} |"
            if other is not None:
                # Without a poster, the input map was the first that one saw.
                before = _times(other[name], mark) or _times(other[name], "input")
                ratio = np.median(before) / np.median(times)
                row += f" {np.median(before):.2f} | {ratio:.1f} |"
            rows.append(row)
    files = [np.median([size for _, size in own[name]]) / 1e6 for name in ("new, dark", "again")]
    head = "| | median | least | most |" + (" median before | ratio |" if other else "")
    before = ", in turns with a checkout of before" if other else ""
    return "\n".join([
        "# From asking for the page to its pictures", "",
        f"{len(own['again'])} visits each of headless Chromium to a warm server on the same machine"
        f"{before}; seconds.", "",
        f"{os.cpu_count()} cores, load of other work {busy:.1f} at the start; Panel "
        f"{pn.__version__}, panel-material-ui {pmui.__version__}.", "",
        head, "|---" * (head.count("|") - 1) + "|", *rows, "",
        f"Files: {files[0]:.1f} MB at the first visit, {files[1]:.1f} MB again."
        + (" Before, there was no poster: its ratio is to the input map." if other else ""), "",
    ])  # fmt: skip


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the page of a checkout on a free port; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://localhost:{port}/app"
    server = subprocess.Popen(
        [sys.executable, "-m", "panel", "serve", "explorer/app.py", "--port", str(port)],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)},
    )  # fmt: skip
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(url, timeout=60).read()
                break
            except OSError:
                time.sleep(0.3)
        yield url
    finally:
        server.terminate()
        server.wait(20)


def main() -> None:
    """Serve the page, visit it, write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visits", type=int, default=5)
    parser.add_argument("--against", type=Path, help="another checkout, to be visited in turns")
    arguments = parser.parse_args()
    busy = os.getloadavg()[0]
    folders = [ROOT, *([arguments.against.resolve()] if arguments.against else [])]
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with ExitStack() as stack:
        urls = [stack.enter_context(serving(folder)) for folder in folders]
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        measure(browser, urls, 1)  # warms the servers
        text = report(measure(browser, urls, arguments.visits), busy)
        browser.close()
    print(text)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
