"""A small store of related maps, and a run on it."""

import numpy as np
import pytest
import torch

from data.domains import DOMAINS
from data.store import Layout, MapStore, Record
from train.config import FitConfig

SMALL = {
    "name": "small", "title": "Small", "family": "ddpm", "steps": 12, "batch_size": 8,
    "network": {"widths": [8, 16], "blocks": [1, 1], "patch": 2}, "default_steps": 4,
    "log_every": 3, "validate_every": 6, "warmup_steps": 2, "threads": 1,
}  # fmt: skip


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    """Forty galaxies of 16 x 16 pixels; every domain is one field plus a little noise."""
    path = tmp_path_factory.mktemp("store") / "maps"
    rng = np.random.default_rng(0)
    records = []
    with MapStore.create(path, Layout(tuple(DOMAINS), 16)) as maps:
        for number in range(40):
            field = rng.normal(size=(16, 16))
            made = {
                name: 10 ** (d.center_dex + d.scale_dex * (field + 0.1 * rng.normal(size=(16, 16))))
                for name, d in DOMAINS.items()
            }
            if number % 5 == 0:
                del made["magnetic_field"]
            records.append(Record(f"toy-{number}", "spiral", 0.0, 50.0, 0, np.eye(3), made))
        maps.add(records)
    return path


@pytest.fixture
def config(store, tmp_path):
    def make(**changes):
        fields = {"data": str(store), "output": str(tmp_path / "run"), **SMALL, **changes}
        return FitConfig(**fields)

    threads = torch.get_num_threads()
    yield make
    torch.set_num_threads(threads)
