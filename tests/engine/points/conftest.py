"""A toy galaxy as a cloud, and a small network that does something."""

import numpy as np
import pytest
import torch

from data.clouds import Cloud
from engine.points.network import PointMamba, PointMambaConfig
from engine.points.scale import CloudScale, Warp
from engine.points.translator import CloudTranslator
from engine.processes.flow import FlowMatching

CONFIG = PointMambaConfig(width=16, depth=4, curves=2, state=4, head_width=8, chunk=16)
SCALE = CloudScale(
    {"dark_matter": Warp(0.1, 1.9)}, ((5.0, 1.0), (4.0, 1.5), (-2.0, 2.0)),
    tuple((m, 1.0) for m in (10.0, 1.0, 0.0, 5.0, 4.0, -2.0)),
    {"dark_matter": (1.0, 0.1, 0.2, 0.0, 0.3, 0.0, 0.0, 0.05)},
)  # fmt: skip


@pytest.fixture
def cloud():
    rng = np.random.default_rng(0)
    gas = (10.0 * rng.normal(size=(96, 3)) * rng.uniform(0.1, 3.0, (96, 1))).astype(np.float32)
    features = rng.normal((5.0, 4.0, -2.0), 1.0, (96, 3)).astype(np.float32)
    return Cloud("toy", 0.0, gas, features, 1e10)


@pytest.fixture
def network(awake):
    torch.manual_seed(0)
    return awake(PointMamba(CONFIG))


@pytest.fixture
def translator(network):
    card = {"name": "toy", "targets": ["dark_matter"], "num_points": 32, "default_steps": 3}
    return CloudTranslator(network, FlowMatching(), SCALE, card)
