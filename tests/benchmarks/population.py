"""Time to shade points anew after a zoom, on the server and to the screen; writes population.md.

    CHROMIUM=/usr/bin/chromium python tests/benchmarks/population.py

360,000 galaxies on logarithmic axes, and a million particles with masses, in figures of 400 x 400
pixels. On the server each of a row of zooms is timed; in headless Chromium, from the zoom in the
browser to the screen frame that shows the new image.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import time
from pathlib import Path

import datashader
import numpy as np
import panel as pn
from playwright.sync_api import sync_playwright

from explorer.shading import Cloud, shade
from explorer.views.galaxies import TotalsChart
from explorer.views.particles import ParticlesChart

SIZE = (400, 400)
ZOOMS = np.linspace(1.0, 0.02, 20)
# Sets a figure's ranges and waits until its image, and then the screen, has them.
_ZOOM_JS = """([title, ends]) => new Promise(resolve => {
  const models = Object.values(Bokeh.index).flatMap(
    view => [...view.model.document._all_models.values()]);
  const figure = models.find(m => m.type === 'Figure' && m.title.text === title);
  const view = Bokeh.index.find_one(figure);
  const source = figure.renderers.find(r => r.glyph.type === 'Image').data_source;
  const start = performance.now();
  source.properties.data.change.connect(() => requestAnimationFrame(() => requestAnimationFrame(
    () => resolve(performance.now() - start))));
  figure.x_range.setv({start: ends[0], end: ends[1]});
  figure.y_range.setv({start: ends[0], end: ends[1]});
  view.trigger_ranges_update_event();
})"""


def clouds() -> dict[str, Cloud]:
    """Return the points: galaxies about a 1:1 line, and particles of a disk."""
    rng = np.random.default_rng(0)
    truth = 10.0 ** rng.normal(10.0, 0.7, 360_000)
    model = truth * 10.0 ** rng.normal(0.0, 0.2, len(truth))
    radius, angle = rng.exponential(8.0, 1_000_000), rng.uniform(0, 2 * np.pi, 1_000_000)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    return {
        "360,000 galaxies": Cloud(truth, model, is_log=True),
        "1,000,000 particles": Cloud(x, y, rng.uniform(1e5, 1e6, len(x))),
    }


def ends_of(cloud: Cloud, zoom: float) -> tuple[float, float]:
    """Return what a zoom shows of both axes."""
    if cloud.is_log:
        return float(10.0 ** (10.0 - 3.0 * zoom)), float(10.0 ** (10.0 + 3.0 * zoom))
    return -40.0 * float(zoom), 40.0 * float(zoom)


def on_server(cloud: Cloud) -> list[float]:
    """Return the milliseconds that each zoom takes to be shaded."""
    times = []
    for zoom in (1.0, *ZOOMS):  # the first one compiles
        start = time.perf_counter()
        shade(cloud, ends_of(cloud, zoom), ends_of(cloud, zoom), SIZE)
        times.append(1000 * (time.perf_counter() - start))
    return times[1:]


def page(found: dict[str, Cloud]) -> pn.Row:
    """Return a page of both charts."""
    galaxies, particles = found.values()
    charts = [
        TotalsChart(lambda places: None), ParticlesChart("Particles", "x", "y", "linear"),
    ]  # fmt: skip
    for chart in charts:
        chart.resize(*SIZE)
    charts[0].limit("x", [galaxies.x])
    charts[0].limit("y", [galaxies.y])
    charts[0].spread(galaxies.x, galaxies.y)
    charts[1].put(particles, 40.0)
    return pn.Row(*(pn.pane.Bokeh(chart.figure) for chart in charts))


def in_browser(found: dict[str, Cloud]) -> dict[str, list[float]]:
    """Return the milliseconds from each zoom to its screen frame."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = pn.serve(lambda: page(found), port=port, show=False, threaded=True)
    times: dict[str, list[float]] = {name: [] for name in found}
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            tab = browser.new_page(viewport={"width": 1440, "height": 900})
            tab.goto(f"http://localhost:{port}/")
            tab.locator(".bk-Figure").nth(1).wait_for()
            tab.wait_for_timeout(2000)
            titles = ("Integrated quantity", "Particles")
            for title, (name, cloud) in zip(titles, found.items(), strict=True):
                for zoom in ZOOMS:
                    times[name].append(tab.evaluate(_ZOOM_JS, [title, ends_of(cloud, zoom)]))
            browser.close()
    finally:
        server.stop()
    return times


def report(times: dict[str, list[float]], busy: float) -> str:
    """Return the result file."""
    rows = [
        f"| {name} | {np.median(each):.0f} | {np.quantile(each, 0.9):.0f} | {max(each):.0f} |"
        for name, each in times.items()
    ]
    return "\n".join([
        "# From a zoom to points shaded anew", "",
        f"{len(ZOOMS)} zooms into figures of {SIZE[0]}×{SIZE[1]} pixels, milliseconds. To the "
        "screen, with the 60 ms that ranges have to rest before they are shaded, in headless "
        "Chromium on the same machine.", "",
        f"{os.cpu_count()} cores, load of other work {busy:.1f} at the start; datashader "
        f"{datashader.__version__}, Panel {pn.__version__}.", "",
        "| | median | 90 % | worst |", "|---|---|---|---|", *rows, "",
    ])  # fmt: skip


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-browser", action="store_true", help="time the server alone")
    arguments = parser.parse_args()
    busy, found = os.getloadavg()[0], clouds()
    times = {f"{name}, on the server": on_server(cloud) for name, cloud in found.items()}
    if not arguments.no_browser:
        screen = in_browser(found)
        times |= {f"{name}, to the screen": each for name, each in screen.items()}
    text = report(times, busy)
    print(text)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
