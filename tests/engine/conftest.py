"""A small checkpoint of each family, with weights that do something."""

import pytest
import torch
from torch import nn

from data.domains import DOMAINS
from engine.checkpoint import network_fields, normalization, save_checkpoint
from engine.networks.unet import UNet, UNetConfig


@pytest.fixture(autouse=True)
def one_thread():
    """Small networks are faster on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def small_network(channels_in=2):
    torch.manual_seed(0)
    network = UNet(UNetConfig(channels_in=channels_in, widths=(8, 16), blocks=(1, 1), patch=2))
    nn.init.normal_(network.refine[-1].weight, std=0.2)
    return network


def small_card(network, family="ddpm", domains=tuple(DOMAINS)):
    return {
        "name": family, "title": "Small", "family": family, "process": {},
        "network": network_fields(network.config), "domains": list(domains), "grid_size": 16,
        "normalization": normalization(), "default_steps": 6,
    }  # fmt: skip


@pytest.fixture
def checkpoint(tmp_path):
    network = small_network()
    folder = tmp_path / "small"
    save_checkpoint(folder, network.state_dict(), small_card(network))
    return folder


@pytest.fixture
def one_step_checkpoint(tmp_path):
    network = small_network(channels_in=1)
    folder = tmp_path / "one-step"
    save_checkpoint(folder, network.state_dict(), small_card(network, "pix2pix"))
    return folder
