"""Time from a step to its picture, the player beside a HoloViews DynamicMap; writes steps.md.

    CHROMIUM=/usr/bin/chromium python tests/benchmarks/steps.py

64 steps of 128×128 maps (state, estimate, truth) with a radial profile, in headless Chromium; the
player also with a pinned run of as many steps, for which it draws six maps and two panels of
curves. A time runs from the moment at which the slider moves to the first moment after the
browser's frame in which the last drawing command came (a task posted from requestAnimationFrame).
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import holoviews as hv
import numpy as np
import panel as pn
from bokeh.models import Range1d
from playwright.sync_api import Page, sync_playwright

from explorer import theme
from explorer.frames import CHUNK_BYTES
from explorer.library import Scene
from explorer.scales import palette
from explorer.session import Session
from explorer.store import Store
from explorer.translation import Run, collect
from explorer.views.steps import StepPlayer
from explorer.views.viewport import frame_size

STEPS, PIXELS, EXTENT_KPC, WINDOW = 64, 128, 80.0, (1440, 900)

_TIMER_JS = """
let last = 0;
for (const name of ['drawImage', 'putImageData', 'stroke']) {
  const draw = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (...all) {
    last = performance.now();
    return draw.apply(this, all);
  };
}
const afterPaint = () => new Promise(resolve => requestAnimationFrame(() => {
  const channel = new MessageChannel();
  channel.port1.onmessage = resolve;
  channel.port2.postMessage(0);
}));
window.stepToPaint = async act => {
  const start = performance.now();
  let painted = 0, seen = last;
  act();
  while (performance.now() - (painted || start + 4000) < 600) {
    await afterPaint();
    if (last > seen) { seen = last; painted = performance.now(); }
  }
  if (!painted) throw new Error('nothing was drawn');
  return painted - start;
};
window.idleRate = async () => {
  const start = performance.now();
  for (let i = 0; i < 60; i++) await afterPaint();
  return 60000 / (performance.now() - start);
};
window.film = async (slider, play) => {
  const times = [];
  slider.value = 1;
  slider.dispatchEvent(new Event('input'));
  await afterPaint();
  play.click();
  for (let step = slider.value; slider.value !== slider.max;) {
    await afterPaint();
    if (slider.value !== step) { step = slider.value; times.push(performance.now()); }
  }
  return 1000 * (times.length - 1) / (times[times.length - 1] - times[0]);
};
"""
_PLAYER_JS = """(slider, step) => stepToPaint(() => {
  slider.value = step;
  slider.dispatchEvent(new Event('input'));
})"""
_DYNAMIC_JS = """step => stepToPaint(() => {
  for (const model of Bokeh.documents[0]._all_models.values()) {
    if (model.type.endsWith('Slider')) model.value = step;
  }
})"""


def made_up_run(store: Store, seed: int = 0) -> Run:
    """Return a run of smooth maps that come out of noise."""
    rng = np.random.default_rng(seed)
    x = np.linspace(-1.0, 1.0, PIXELS)
    truth = (1e8 * np.exp(-3 * np.hypot(x[:, None], 1.5 * x))).astype(np.float32)
    noise = rng.standard_normal((STEPS, PIXELS, PIXELS)).astype(np.float32)
    times = np.linspace(1.0, 0.0, STEPS + 1)[1:]
    estimates = truth * 10 ** (0.5 * times[:, None, None] * noise).astype(np.float32)
    scene = Scene("synthetic-000001", "spiral", 0.5, 1, EXTENT_KPC, {"dark_matter": truth})
    view = replace(store.view, translator="toy", seed=seed, steps=STEPS)
    return collect(view, scene, (list(times), list(times), list(noise), list(estimates)), 0.0)


def player(pinned: bool = False) -> Any:
    """Return our page."""
    session = Session(Store(cards={}))
    run = made_up_run(session.store)
    other = made_up_run(session.store, seed=1) if pinned else None
    session.param.update(scene=run.scene, run=run, pinned=other)
    view = StepPlayer(session, Range1d(), Range1d())
    view.resize(frame_size(WINDOW[0] - theme.SIDEBAR_WIDTH))
    return pn.panel(view)


def dynamic_map() -> Any:
    """Return the same pictures as HoloViews would draw them; the truth stands still."""
    run = made_up_run(Store(cards={}))
    size = frame_size(WINDOW[0] - theme.SIDEBAR_WIDTH)
    slider = pn.widgets.IntSlider(start=1, end=STEPS, value=STEPS)
    half = 0.5 * EXTENT_KPC
    shared = {"frame_width": size, "frame_height": size, "colorbar": True, "tools": ["hover"]}

    def image(values: np.ndarray, **options: Any) -> hv.Image:
        element = hv.Image(values[::-1], bounds=(-half, -half, half, half))
        return element.opts(**shared, **options)

    def state(step: int) -> hv.Image:
        return image(run.noisy[step - 1], cmap="gray", clim=(-3, 3))

    def estimate(step: int) -> hv.Image:
        return image(run.estimates[step - 1], cmap=palette("magma"), logz=True, clim=(1e6, 1e8))

    def profile(step: int) -> hv.Curve:
        curve = hv.Curve((run.radii_kpc, run.profiles[step - 1]))
        return curve.opts(frame_width=size, frame_height=size, logy=True, ylim=(1e5, 1e9))

    moving = [hv.DynamicMap(f, streams={"step": slider.param.value}) for f in (state, estimate)]
    truth = image(run.truth, cmap=palette("magma"), logz=True, clim=(1e6, 1e8))
    curve = hv.DynamicMap(profile, streams={"step": slider.param.value})
    return pn.Column(slider, pn.Row(*moving, truth, curve))


def measure(page: Page, count: int) -> dict[str, Any]:
    """Return milliseconds from step to paint of all, and how the film runs."""
    steps = np.random.default_rng(1).permutation(np.arange(1, STEPS))[:count].tolist()
    url = page.url
    found: dict[str, Any] = {}
    metrics = page.context.new_cdp_session(page)
    metrics.send("Performance.enable")
    for name in ("player", "pinned"):
        page.goto(f"{url}{name}")
        drawn = 7 if name == "pinned" else 3  # all but the truth, which has no step
        page.locator("canvas[aria-label*='step 64/64']").nth(drawn - 1).wait_for()
        page.wait_for_timeout(1000)
        slider = page.locator("input[type=range]")
        found[name] = [slider.evaluate(_PLAYER_JS, k) for k in steps]
        page.get_by_label("Speed").select_option("60")
        found["idle"] = page.evaluate("idleRate()")
        play = page.locator("button.play").element_handle()
        before = _busy(metrics)
        rate = slider.evaluate("(slider, play) => film(slider, play)", play)
        found[f"{name} film"] = (rate, 1000 * (_busy(metrics) - before) / STEPS)
    page.goto(f"{url}dynamic")
    page.wait_for_function("document.querySelectorAll('.bk-panel-models-layout-Column').length > 0")
    page.wait_for_timeout(3000)
    found["dynamic"] = [page.evaluate(_DYNAMIC_JS, k) for k in steps]
    return found


def _busy(metrics: Any) -> float:
    named = metrics.send("Performance.getMetrics")["metrics"]
    return float(next(m["value"] for m in named if m["name"] == "TaskDuration"))


def report(found: dict[str, Any], load: float) -> str:
    """Return the result file."""
    names = {"player": "player (canvas)", "pinned": "player with a pinned run",
             "dynamic": "HoloViews DynamicMap"}  # fmt: skip
    times = {words: np.asarray(found[name]) for name, words in names.items()}
    rows = [
        f"| {name} | {np.median(t):.0f} | {np.percentile(t, 90):.0f} | {t.max():.0f} |"
        for name, t in times.items()
    ]
    ours, pinned, theirs = times.values()
    (rate, busy), (pinned_rate, pinned_busy) = (found[f"{n} film"] for n in ("player", "pinned"))
    size = 2 * STEPS * PIXELS**2
    return "\n".join([
        "# From a step to its picture", "",
        f"{STEPS} steps of {PIXELS}×{PIXELS} maps (state, estimate, truth) and a radial profile in "
        f"headless Chromium; {len(ours)} steps each, milliseconds.", "",
        f"{os.cpu_count()} cores ({platform.machine()}), load of other work {load:.1f} at the "
        f"start; Panel {pn.__version__}, HoloViews {hv.__version__}.", "",
        "| | median | 90 % | worst |", "|---|---|---|---|", *rows, "",
        f"The DynamicMap takes {np.median(theirs) / np.median(ours):.1f} times as long as the "
        f"player, {np.median(theirs) / np.median(pinned):.1f} times as long as with a pinned run. "
        f"Played at 60 steps a second, the player paints {rate:.0f}, with a pinned run "
        f"{pinned_rate:.0f} (the browser gives {found['idle']:.0f} frames a second to a page that "
        f"draws nothing), and the page's thread is busy for {busy:.1f} and {pinned_busy:.1f} ms a "
        f"step. The frames of a run are {size / 1e6:.1f} MB in messages of "
        f"{CHUNK_BYTES / 1e6:.0f} MB at most.", "",
    ])  # fmt: skip


def main() -> None:
    """Serve both, drive the browser, write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    hv.extension("bokeh", logo=False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    apps = {"player": player, "pinned": lambda: player(pinned=True), "dynamic": dynamic_map}
    server = pn.serve(apps, port=port, threaded=True, show=False, verbose=False)
    time.sleep(3)
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=dict(zip(("width", "height"), WINDOW, strict=True)))
        page.add_init_script(_TIMER_JS)
        page.goto(f"http://localhost:{port}/")
        found = measure(page, arguments.steps)
        browser.close()
    server.stop()
    text = report(found, load)
    print(text)
    Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
