"""Asking again: growing waits with jitter, and what a server says about coming back."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

T = TypeVar("T")


class PassingFault(Exception):
    """A fault that may be gone the next time.

    `status` is the HTTP status, or 0; `wait_s` is what the server asks to wait, in seconds.
    """

    def __init__(self, reason: str, *, status: int = 0, wait_s: float = 0.0) -> None:
        super().__init__(reason)
        self.status, self.wait_s = status, wait_s


class GivenUp(Exception):
    """The fault did not pass."""


@dataclass(frozen=True)
class Patience:
    """How often to ask, and how long to wait.

    Attributes
    ----------
    attempts : requests for one thing before it is given up.
    first_wait_s, longest_wait_s : the wait after a fault doubles from the first to the longest.
    timeout_s : silence of the server that counts as a fault.
    requests_per_s : never more than this.
    longest_retry_after_s : what asks for a longer wait is given up at once.
    sleep : waits; a test replaces it.
    tell : is told, in a sentence, what failed and that it is tried again.
    """

    attempts: int = 8
    first_wait_s: float = 1.0
    longest_wait_s: float = 120.0
    timeout_s: float = 300.0
    requests_per_s: float = 4.0
    longest_retry_after_s: float = 900.0
    sleep: Callable[[float], None] = time.sleep
    tell: Callable[[str], object] = lambda sentence: None

    def __post_init__(self) -> None:
        if self.attempts < 1 or not min(self.timeout_s, self.requests_per_s) > 0:
            raise ValueError(f"attempts, timeout and rate must be above zero, got {self}")

    def insist(self, attempt: Callable[[], T], rng: random.Random) -> T:
        """Return what `attempt` returns, tried again after each `PassingFault`.

        The wait doubles and is multiplied by a draw from 0.5 to 1, so that clients which failed
        together do not come back together; the server's own wish is a lower bound.

        Raises
        ------
        GivenUp : with the last fault's reason, once it did not pass.
        """
        for count in range(1, self.attempts + 1):
            try:
                return attempt()
            except PassingFault as fault:
                reason, wished = str(fault), fault.wait_s
            if wished > self.longest_retry_after_s:
                raise GivenUp(f"{reason} and asks to come back in {wished:.0f} s")
            if count < self.attempts:
                wait = min(self.longest_wait_s, self.first_wait_s * 2.0 ** (count - 1))
                wait = max(wished, wait * rng.uniform(0.5, 1.0))
                self.tell(f"{reason}: trying again in {wait:.0f} s ({count} of {self.attempts})")
                self.sleep(wait)
        raise GivenUp(f"{reason}, {self.attempts} times in a row")


def retry_after(value: str | None) -> float:
    """Return the seconds that a Retry-After header asks for, or 0 (RFC 9110, section 10.2.3)."""
    value = (value or "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0
