"""The same seed on the same device gives the same bits, whatever process is asked."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.translator import available

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
import numpy as np, torch
from engine.translator import Translator

torch.set_num_threads(int(sys.argv[1]))
translator = Translator.load("ddpm", device="cpu")
gas = np.random.default_rng(0).uniform(1e4, 1e8, (64, 64)).astype(np.float32)
np.save(sys.argv[2], translator.translate(gas, "gas", "hi", num_steps=3, num_samples=2, seed=5))
"""


def test_fresh_processes_agree_and_threads_differ_by_rounding_alone(tmp_path):
    if "ddpm" not in available():
        pytest.skip("the checkpoint ddpm is not there")
    threads = {"once": 1, "again": 1, "two": 2}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(count), str(tmp_path / f"{name}.npy")],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for name, count in threads.items()
    ]
    assert [process.wait(200) for process in processes] == [0, 0, 0]
    once, again, two = (np.load(tmp_path / f"{name}.npy") for name in threads)
    assert once.tobytes() == again.tobytes()
    assert np.abs(np.log10(once + 1) - np.log10(two + 1)).max() < 1e-4  # dex
