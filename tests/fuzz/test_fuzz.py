"""A few hundred of the fuzzer's inputs each time, and ten thousand when asked for slow tests."""

import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent / "run.py"


def fuzz(*arguments):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", RUN, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")
def test_spoiled_files_get_an_answer_or_one_sentence():
    table = fuzz("--count", "300", "--seed", "2024")
    assert "| cutout |" in table


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")
def test_ten_thousand_spoiled_files():
    fuzz("--count", "10400", "--seed", "1")
