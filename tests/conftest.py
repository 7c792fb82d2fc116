"""Fixtures for all tests."""

import os
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def _excerpt(name):
    folder = Path(os.environ.get("GALACTIC_ALCHEMY_DATA", ROOT.parent / "shared" / "data"))
    path = folder / name
    if not path.is_file():
        pytest.skip(f"{name} is not there: it is not for redistribution, see CONTRIBUTING")
    return path


@pytest.fixture(scope="session")
def tng50_excerpt():
    return _excerpt("tng50-4_subbox0_z0.hdf5")


@pytest.fixture(scope="session")
def tng100_cutout():
    return _excerpt("tng100-1_cutout_subsampled.hdf5")
