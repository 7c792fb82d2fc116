"""A small checkpoint of each family, with weights that do something."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from data.domains import DOMAINS
from data.normalize import DEFAULT
from engine.checkpoint import save_checkpoint
from engine.networks import network_fields
from engine.networks.unet import UNet, UNetConfig


@pytest.fixture(autouse=True)
def one_thread():
    """Small networks are faster on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def small_network(channels_in=2, **options):
    torch.manual_seed(0)
    config = UNetConfig(channels_in=channels_in, widths=(8, 16), blocks=(1, 1), patch=2, **options)
    network = UNet(config)
    nn.init.normal_(network.refine[-1].weight, std=0.2)
    return network


def small_card(network, family="ddpm", domains=tuple(DOMAINS)):
    return {
        "name": family, "title": "Small", "family": family, "process": {},
        "network": network_fields(network.config), "domains": list(domains), "grid_size": 16,
        "normalization": DEFAULT.to_json(), "default_steps": 6,
    }  # fmt: skip


@pytest.fixture(scope="session")
def card_of():
    """Return the function that writes the card of a small network."""
    return small_card


@pytest.fixture(scope="session")
def awake():
    """Return a function that gives zero-initialized parameters values, so that all can matter."""

    def wake(network):
        torch.manual_seed(1)
        for parameter in network.parameters():
            if not parameter.any():
                nn.init.normal_(parameter, std=0.1)
        return network.eval()

    return wake


@pytest.fixture
def checkpoint(tmp_path):
    network = small_network()
    folder = tmp_path / "small"
    save_checkpoint(folder, network.state_dict(), small_card(network))
    return folder


@pytest.fixture
def prior_checkpoint(tmp_path):
    """One that also knows the prior."""
    network = small_network(null_source=True)
    folder = tmp_path / "prior"
    save_checkpoint(folder, network.state_dict(), small_card(network))
    return folder


@pytest.fixture
def one_step_checkpoint(tmp_path):
    network = small_network(channels_in=1)
    folder = tmp_path / "one-step"
    save_checkpoint(folder, network.state_dict(), small_card(network, "pix2pix"))
    return folder


MEAN = torch.tensor([0.7, -0.4])
COVARIANCE = torch.tensor([[1.0, 0.6], [0.6, 0.5]])


def gaussian_network(process):
    """The exact network for x ~ N(MEAN, COVARIANCE) whatever y, maps being (n, 1, 1, 2)."""

    def network(maps, time):
        moment = time[:1].double()
        a, b, s = (float(c) for c in process.path(moment))
        c_skip, c_out, c_in = (float(c) for c in process.precondition(moment))
        x_t, y = maps[:, 0, 0] / c_in, maps[:, 1, 0]
        marginal = a * a * COVARIANCE + s * s * torch.eye(2)
        gain = a * COVARIANCE @ torch.linalg.inv(marginal)
        x_hat = MEAN + (x_t - b * y - a * MEAN) @ gain.T
        return ((x_hat - c_skip * x_t) / (c_out or 1e-6))[:, None, None]

    return network


@pytest.fixture(scope="session")
def gaussian():
    """x ~ N(mean, covariance) in two pixels, and the exact network of any process for it."""
    return SimpleNamespace(mean=MEAN, covariance=COVARIANCE, network=gaussian_network)
