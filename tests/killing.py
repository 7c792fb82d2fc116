"""Ending a piece of work at each point where it touches the disk, as kill -9 would."""

import os
import signal
import sys
import time
from pathlib import Path

_TOUCHES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate"}


def kill_at(work, folder, count):
    """Run `work` in a fork that kills itself when it touches `folder` for the `count`-th time.

    Return whether it was killed; False where it came to its end before.
    """
    child = os.fork()
    if not child:
        left, root = count, str(folder)

        def watch(event, arguments):
            nonlocal left
            if event in _TOUCHES and str(arguments[0]).startswith(root):
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        try:
            sys.addaudithook(watch)
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    return _was_killed(os.waitpid(child, 0)[1])


def kill_after(work, seconds):
    """Run `work` in a fork and kill it after so many seconds; return whether it was killed."""
    child, end = os.fork(), time.monotonic() + seconds
    if not child:
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return _was_killed(status)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    return _was_killed(os.waitpid(child, 0)[1])


def _was_killed(status):
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the work itself failed"
    return os.WIFSIGNALED(status)


def kill_everywhere(work, folder, look, step=1):
    """Kill `work` at its first touch of `folder`, `step` later, and so on; `look` after each time.

    Return how often it was killed before it came to its end.
    """
    kills = 0
    while kill_at(work, folder, kills * step):
        look(Path(folder))
        kills += 1
    look(Path(folder))
    return kills
