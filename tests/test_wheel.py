"""The wheel, installed outside of the checkout: commands and page run from it alone."""

import os
import re
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.waiting import wait_until

pytestmark = pytest.mark.slow  # it is as large as the weights
ROOT = Path(__file__).parents[1]


def run(place, *words):
    result = subprocess.run(
        [sys.executable, "-P", *map(str, words)], cwd=place.parent, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(place)}, timeout=200,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the installed wheel."""
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    install = ["-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([sys.executable, *install, "--target", folder / "site", wheel], check=True)
    wheel.unlink()
    found = run(folder / "site", "-c", "import data, engine; print(data.__path__, engine.__path__)")
    assert found.count(str(folder)) == 2
    return folder / "site"


@pytest.mark.parametrize("package", ["data", "train", "explorer"])
def test_commands_say_what_they_take(place, package):
    assert f"python -m {package}" in run(place, "-m", package, "--help")


def test_a_figure_is_made(place):
    words = "export --galaxy synthetic-900324 --translator ddpm --steps 2 --output figure.pdf"
    run(place, "-m", "explorer", *words.split())
    assert (place.parent / "figure.pdf").read_bytes().startswith(b"%PDF")


def test_the_page_is_served_with_all_of_its_scripts(place):
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        port = own.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-P", "-m", "panel", "serve", place / "explorer" / "app.py", "--port",
         str(port)],
        cwd=place.parent, env={**os.environ, "PYTHONPATH": str(place)},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    pages = []

    def page():
        try:
            pages.append(urllib.request.urlopen(f"http://localhost:{port}/app", timeout=60).read())
        except OSError:
            return False
        return True

    try:
        wait_until(page, "the server", 90)
    finally:
        server.terminate()
        server.wait(20)
    assert re.search(r"<title>\s*Galactic Alchemy", pages[0].decode())
