"""What surrounds the views: theme, tour, widths, requests and accessibility, in Chromium."""

import io
import socket
import time
from urllib.parse import urlparse

import matplotlib.image
import panel as pn
import pytest

from explorer.page import LOST, VIEWS, build
from tests.accessibility import serious_findings
from tests.waiting import wait_until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def shell(context, server, console):
    """One page, translated, in the system's dark theme; its requests are at `page.requests`."""
    context.clear_cookies()  # or the page begins in the theme of another test's system
    page = context.new_page()
    page.console = console(page)
    page.requests = []
    page.on("request", lambda request: page.requests.append(request.url))
    page.emulate_media(color_scheme="dark")
    page.goto(server + "?steps=4")
    finished(page)
    yield page
    page.close()
    context.clear_cookies()


def finished(page):
    page.locator(".label", has_text="step 4/4").wait_for()
    page.locator("canvas[aria-label^='Estimate'][aria-label*='step 4/4']").wait_for()
    page.locator("#poster").wait_for(state="detached")  # which the figures are hidden behind
    page.locator(".bk-Figure").first.wait_for()
    page.wait_for_timeout(300)


def toggle(page):
    page.get_by_role("button", name="Toggle theme").click()
    page.mouse.move(0, 0)  # its own words would lie over the page


def picture(page, box):
    """Return the pixels (H, W, 3) of a box of the page, from 0 to 1."""
    clip = {key: box[key] for key in ("x", "y", "width", "height")}
    pixels = matplotlib.image.imread(io.BytesIO(page.screenshot(clip=clip)))
    return pixels[..., :3]


def strip(page, selector, below):
    """Return where a strip of 8 pixels along the bottom of an element is, or along its top."""
    box = page.locator(selector).first.bounding_box()
    top = box["y"] + (box["height"] - 8 if below else 0)
    return {"x": box["x"] + 2, "y": top, "width": box["width"] - 4, "height": 8}


def test_page_asks_nothing_of_other_hosts(shell, server):
    own = urlparse(server).netloc
    addresses = [urlparse(url) for url in shell.requests]
    assert len(addresses) > 5
    assert {a.netloc for a in addresses if a.scheme not in ("data", "blob")} == {own}
    assert shell.console.complaints == []


def test_theme_changes_everything_that_is_drawn(shell, context, server):
    places = (("header", True), (".sidebar", True), (".bk-Figure", False))

    def brightness():
        return [float(picture(shell, strip(shell, *place)).mean()) for place in places]

    def canvases():
        return shell.locator(".map canvas").evaluate_all("all => all.map(c => c.toDataURL())")

    dark = canvases()
    assert max(brightness()) < 0.3
    toggle(shell)
    wait_until(lambda: min(brightness()) > 0.75, "the light theme")
    wait_until(lambda: not set(dark) & set(canvases()), "the canvases")
    again = context.new_page()
    again.emulate_media(color_scheme="dark")
    again.goto(server + "?steps=4")
    finished(again)

    def color(page):
        return page.locator(".main-content").evaluate("e => getComputedStyle(e).color")

    # The choice is remembered, whatever the system's.
    assert color(again) == color(shell) == "rgb(26, 35, 48)"
    again.close()
    toggle(shell)
    wait_until(lambda: max(brightness()) < 0.3, "the dark theme")
    wait_until(lambda: canvases() == dark, "the canvases")
    assert shell.console.complaints == []


@pytest.mark.parametrize("system", ["dark", "light"])
def test_poster_stands_where_the_maps_come(shell, browser, server, system):
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=system)
    page = context.new_page()
    page.add_init_script("""addEventListener('DOMContentLoaded', () => {
      const poster = document.querySelector('#poster');
      window.told = {
        background: getComputedStyle(poster).backgroundColor,
        titles: [...poster.querySelectorAll('figcaption')].map(e => e.textContent),
        places: [...poster.querySelectorAll('img')].map(e => {
          const {x, y, width, height} = e.getBoundingClientRect();
          return {x, y, width, height};
        }),
      };
    })""")
    page.goto(server + "?steps=4")
    page.locator("#poster").wait_for(state="detached")
    told = page.evaluate("told")
    assert told["titles"] == ["Input · gas", "Output · dark matter", "Truth · dark matter",
                              "Residual"]  # fmt: skip
    assert told["background"] == {"dark": "rgb(13, 17, 23)", "light": "rgb(243, 245, 248)"}[system]
    frames = page.evaluate("""() => [...Bokeh.documents[0].all_models]
      .filter(model => model.type === 'Figure').map(model => {
        const {el, frame: {bbox}} = Bokeh.index.find_one(model), at = el.getBoundingClientRect();
        return {x: at.x + bbox.left, y: at.y + bbox.top, width: bbox.width, height: bbox.height};
      })""")
    assert frames == told["places"]
    context.close()


def test_tour_needs_no_mouse(shell):
    title = shell.get_by_role("dialog").get_by_role("heading")
    shell.get_by_role("button", name="Translate").focus()
    shell.keyboard.press("?")
    assert title.inner_text() == "One view of a galaxy into another"
    shell.keyboard.press("Enter")
    assert title.inner_text() == "Choose"
    shell.keyboard.press("ArrowLeft")
    assert title.inner_text() == "One view of a galaxy into another"
    shell.keyboard.press("Escape")
    title.wait_for(state="hidden")
    shell.get_by_role("button", name="Help").press("Enter")
    title.wait_for()
    for _ in range(7):
        shell.keyboard.press("Enter")
    title.wait_for(state="hidden")
    shell.get_by_role("textbox", name="Seed").press("?")  # a letter like others there
    assert title.count() == 0 or not title.is_visible()


@pytest.mark.parametrize("width", [800, 1280, 1920])
def test_nothing_is_wider_than_the_window(shell, width):
    shell.set_viewport_size({"width": width, "height": 900})
    shell.wait_for_timeout(800)
    wait_until(
        lambda: shell.evaluate("document.documentElement.scrollWidth") <= width, "the fit", 10
    )
    inner, outer = shell.locator(".main-content").evaluate("e => [e.scrollWidth, e.clientWidth]")
    assert inner <= outer

    def rows():
        return len({figure.bounding_box()["y"] for figure in shell.locator(".bk-Figure").all()})

    wait_until(lambda: rows() == (2 if width == 800 else 1), "the maps to find their rows", 10)
    frames = shell.evaluate("""() => [...Bokeh.documents[0].all_models]
      .filter(model => model.type === 'Figure').map(model => Bokeh.index.find_one(model).frame.bbox)
      .map(frame => [frame.width, frame.height])""")
    assert all(width == height for width, height in frames), "a map is not square"


def test_nothing_moves_while_it_works(shell):
    shell.set_viewport_size({"width": 1280, "height": 720})
    parts = (".player", ".film", ".facts", ".notice", "canvas[aria-label^='Truth']")

    def places():
        return [shell.locator(part).bounding_box() for part in parts]

    before = None
    while before != (before := places()):
        shell.wait_for_timeout(1000)
    seed = shell.get_by_role("textbox", name="Seed")
    seed.fill("1")
    seed.press("Enter")
    shell.get_by_text("no steps yet").wait_for()
    shell.get_by_text("Ready to translate").wait_for()
    assert places() == before
    shell.get_by_role("button", name="Translate").click()
    finished(shell)
    assert places() == before
    shell.get_by_text("4 steps sampled in").wait_for()
    seed.fill("0")
    seed.press("Enter")
    shell.get_by_text("4 steps, kept from before").wait_for()
    assert places() == before


@pytest.fixture
def narrow(shell):
    shell.set_viewport_size({"width": 800, "height": 900})
    shell.wait_for_timeout(600)
    yield shell
    shell.set_viewport_size({"width": 1440, "height": 900})
    shell.wait_for_timeout(600)


def test_a_narrow_header_is_all_in_reach(narrow):
    tabs = narrow.get_by_role("tab")
    assert tabs.count() == len(VIEWS)
    tabs.first.focus()
    narrow.keyboard.press("End")
    assert tabs.last.evaluate("tab => tab.matches(':focus')")
    buttons = [narrow.get_by_role("button", name=name) for name in ("Help: a tour", "Toggle theme")]
    for reached in (*tabs.all(), *buttons):
        reached.click(trial=True)  # which waits until it can be hit, and does no more
        box = reached.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 800


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing_serious_of_ours(shell, theme):
    if theme == "light":
        toggle(shell)
        shell.locator(".mui-light").first.wait_for()
        shell.wait_for_timeout(2000)  # Colors fade from one theme to the other.
    assert serious_findings(shell) == []


def test_a_lost_connection_is_told(context, monkeypatch):
    monkeypatch.setattr("explorer.session.Session.start", lambda self: None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = pn.serve({"app": build}, port=port, threaded=True, show=False, verbose=False)
    page = context.new_page()
    for _ in range(50):
        if socket.socket().connect_ex(("127.0.0.1", port)) == 0:
            break
        time.sleep(0.1)
    page.goto(f"http://localhost:{port}/app")
    page.get_by_text("no steps yet").wait_for()
    server.stop()
    page.get_by_text(LOST).wait_for()
    page.close()
