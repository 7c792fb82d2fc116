"""The page in a window of its own, or else in the browser; nobody but this machine is served."""

from __future__ import annotations

import socket
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager

import panel as pn

from explorer.page import TITLE, build

HOST = "127.0.0.1"
_SIZE = {"width": 1440, "height": 900, "min_size": (640, 480)}
_START_SECONDS, _STOP_SECONDS = 30.0, 5.0


@contextmanager
def serving(port: int = 0) -> Iterator[str]:
    """Serve the page to this machine's own windows until the context ends; give its address.

    Parameters
    ----------
    port : of the loopback interface; 0 is a free one.

    Raises
    ------
    ValueError : where the port is taken or none.
    """
    port = _free(port)
    origin = f"{HOST}:{port}"
    server = pn.serve(
        {"app": build}, port=port, address=HOST, websocket_origin=[origin], threaded=True,
        title=TITLE, show=False, verbose=False,
    )  # fmt: skip
    try:
        _wait(port)
        yield f"http://{origin}/app"
    finally:
        server.stop()
        server.join(_STOP_SECONDS)


def open_page(port: int = 0, *, browser: bool = False) -> None:
    """Open the page, and serve it until its window is closed or Ctrl-C is pressed.

    A window of pywebview where that is installed and finds a toolkit to draw with, else, or with
    `browser`, the person's browser.
    """
    with serving(port) as url:
        if browser or not _in_window(url):
            print(f"{TITLE}: {url} (Ctrl-C stops it)", flush=True)
            webbrowser.open(url)
            _until_interrupted()


def _in_window(url: str) -> bool:
    """Show a window until it is closed; say whether there could be one."""
    try:
        import webview
        from webview.errors import WebViewException
    except ImportError:
        return False
    webview.settings["ALLOW_DOWNLOADS"] = True  # of exports
    webview.create_window(TITLE, url, **_SIZE)
    try:
        webview.start(private_mode=False)  # the theme is remembered
    except WebViewException:
        return False
    return True


def _until_interrupted() -> None:
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        pass


def _free(port: int) -> int:
    """Return a port that nobody listens on, `port` itself unless it is 0."""
    with socket.socket() as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            own.bind((HOST, port))
        except (OSError, OverflowError) as error:
            raise ValueError(f"port must be a free one from 1 to 65535, got {port}") from error
        return int(own.getsockname()[1])


def _wait(port: int) -> None:
    end = time.monotonic() + _START_SECONDS
    while True:
        with socket.socket() as own:
            if own.connect_ex((HOST, port)) == 0:
                return
        if time.monotonic() > end:
            raise OSError(f"the server did not start within {_START_SECONDS:.0f} s")
        time.sleep(0.02)
