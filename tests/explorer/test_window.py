"""The page opens in a window or the browser, is served to this machine alone, and ends with it."""

import socket
import sys
import urllib.request
import webbrowser
from http.client import HTTPConnection
from types import ModuleType
from urllib.parse import urlparse

import pytest

from explorer import window
from explorer.__main__ import main


class NoToolkit(Exception):
    pass


@pytest.fixture
def webview(monkeypatch):
    """Stands in for pywebview; `start` looks at what the window was to show."""
    fake, errors = ModuleType("webview"), ModuleType("webview.errors")
    errors.WebViewException = NoToolkit
    fake.settings, fake.urls, fake.bodies = {}, [], []
    fake.create_window = lambda title, url, **size: fake.urls.append(url)
    fake.start = lambda **options: fake.bodies.append(get(fake.urls[-1]))
    monkeypatch.setitem(sys.modules, "webview", fake)
    monkeypatch.setitem(sys.modules, "webview.errors", errors)
    monkeypatch.setattr(webbrowser, "open", lambda url: pytest.fail("the browser was opened"))
    return fake


def get(url):
    return urllib.request.urlopen(url, timeout=60).read().decode()


def listens(url):
    with socket.socket() as own:
        return own.connect_ex((urlparse(url).hostname, urlparse(url).port)) == 0


def upgrade(url, origin):
    """Ask for a websocket; return the status."""
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Origin": origin}  # fmt: skip
    asked = HTTPConnection(urlparse(url).netloc, timeout=60)
    asked.request("GET", "/app/ws", headers=headers)
    try:
        return asked.getresponse().status
    finally:
        asked.close()


def test_window_shows_the_page_and_its_server_ends_with_it(webview):
    assert main([]) == 0
    assert urlparse(webview.urls[0]).hostname == "127.0.0.1"
    assert "<title>Galactic Alchemy</title>" in webview.bodies[0]
    assert webview.settings["ALLOW_DOWNLOADS"]
    assert not listens(webview.urls[0])


@pytest.mark.parametrize("installed", [True, False])
def test_browser_where_there_is_no_window(webview, monkeypatch, capsys, installed):
    def start(**options):
        raise NoToolkit

    def browse(url):
        assert get(url)
        opened.append(url)

    opened = []
    webview.start = start
    if not installed:
        monkeypatch.setitem(sys.modules, "webview", None)
    monkeypatch.setattr(webbrowser, "open", browse)
    monkeypatch.setattr(window, "_until_interrupted", lambda: None)
    assert main(["open"]) == 0
    assert opened[0] in capsys.readouterr().out
    assert not listens(opened[0])


def test_others_are_not_served():
    with window.serving() as url:
        assert upgrade(url, "http://elsewhere.example") == 403
        own = urlparse(url)
        assert upgrade(url, f"http://{own.netloc}") != 403


def test_a_port_that_is_taken_is_one_sentence(capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["open", "--port", str(port)]) == 2
    assert (
        capsys.readouterr().err == f"error: port must be a free one from 1 to 65535, got {port}\n"
    )
    assert main(["open", "--port", "70000"]) == 2
