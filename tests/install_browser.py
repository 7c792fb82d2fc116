"""Find Chromium for the browser tests, or install it where that is possible.

Prints the path of the executable and nothing else on stdout; what happened goes to stderr. Where
there is none to be had it prints nothing and still succeeds: the browser tests are then skipped.
`find_browser` is for the tests themselves: it looks, and installs nothing.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
PACKAGES = ("chromium", "fonts-dejavu-core")  # without a font, every letter is a box
TIMEOUT_S = 600


def find_browser() -> str | None:
    """Return the path of a Chromium that starts: $CHROMIUM, one on the PATH, or Playwright's."""
    candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES), _playwright_path()]
    return next((path for path in candidates if path and starts(path)), None)


def starts(path: str) -> bool:
    """Tell whether the executable runs at all: no missing library, no empty wrapper."""
    try:
        result = subprocess.run(
            [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0


def _playwright_path() -> str | None:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def install_browser() -> str | None:
    """Install Chromium the way this machine allows; return why it failed, or None."""
    if os.geteuid() == 0 and shutil.which("apt-get") and _is_debian():
        say("Installing Debian's package chromium.")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "-qq", "install", "-y", "--no-install-recommends", *PACKAGES]
        failure = _run(["apt-get", "-qq", "update"], environment) or _run(install, environment)
        if failure is None:
            return None
        say(failure)
    say("Installing Playwright's Chromium for this user.")
    return _run([sys.executable, "-m", "playwright", "install", "chromium"], dict(os.environ))


def _is_debian() -> bool:
    """Tell Debian from its relatives: Ubuntu's package of that name only points to a snap."""
    try:
        return platform.freedesktop_os_release().get("ID") == "debian"
    except OSError:
        return False


def _run(command: list[str], environment: dict[str, str]) -> str | None:
    """Run a command silently; return one sentence if it failed."""
    words = " ".join(command)
    try:
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=TIMEOUT_S, env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"`{words}` was stopped after {TIMEOUT_S} s."
    except OSError as error:
        return f"`{words}` did not start: {error}."
    if result.returncode == 0:
        return None
    lines = (result.stderr or result.stdout).strip().splitlines()
    return f"`{words}` failed: {lines[-1] if lines else f'exit status {result.returncode}'}"


def say(sentence: str) -> None:
    """Tell the person at the terminal."""
    print(sentence, file=sys.stderr, flush=True)


def main() -> None:
    """Print the path of a Chromium, installing one first where there is none."""
    path = find_browser()
    if path is None:
        failure = install_browser()
        path = find_browser()
        if path is None:
            say(
                failure or "Chromium was installed but does not start: a system library is missing."
            )
            say("The browser tests will be skipped; put Chromium on the PATH or name it: "
                "CHROMIUM=/path/to/chromium make test")  # fmt: skip
            return
    say(f"Browser tests with {path}")
    print(path)


if __name__ == "__main__":
    main()
