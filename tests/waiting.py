"""Waiting for what another thread or a browser does."""

import time

import pytest


def wait_until(condition, what, seconds=30):
    """Return once `condition()` is true; fail the test where it is not within so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            pytest.fail(f"waited {seconds} s for {what}")
        time.sleep(0.05)
