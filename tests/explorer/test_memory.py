"""A translation that the device has no memory for, in the page."""

import pytest
import torch
from torch import nn

from data.domains import DOMAINS
from data.normalize import DEFAULT
from engine.networks import network_fields
from engine.networks.unet import UNet, UNetConfig
from engine.processes.ddpm import DDPM
from engine.translator import Translator
from explorer import library, session
from explorer.store import Store
from tests.waiting import wait_until


@pytest.fixture
def translator(monkeypatch, run):
    torch.manual_seed(0)
    network = UNet(UNetConfig(widths=(8, 16), blocks=(1, 1), patch=2))
    nn.init.normal_(network.refine[-1].weight, std=0.2)
    card = {
        "name": "toy", "title": "Toy", "family": "ddpm", "process": {}, "domains": list(DOMAINS),
        "network": network_fields(network.config), "grid_size": 32, "default_steps": 2,
        "normalization": DEFAULT.to_json(),
    }  # fmt: skip
    made = Translator(network, DDPM(), card)
    monkeypatch.setattr(library, "load_translator", lambda name: made)
    monkeypatch.setattr(library, "load_scene", lambda *arguments: run.scene)
    monkeypatch.setattr(library, "RUNS", library.Shelf(4))
    return made


def test_a_translation_without_memory_is_a_sentence_and_the_next_one_works(translator):
    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    one = session.Session(Store(cards={"toy": translator.card}))
    hook = translator.network.register_forward_pre_hook(full)
    one.start()
    wait_until(lambda: one.notice, "the worker", 10)
    assert one.notice.startswith("The memory of cpu does not hold what toy was asked for: ask for")
    assert not one.busy
    hook.remove()
    one.translate()
    wait_until(lambda: one.run is not None, "the worker", 10)
    assert one.notice == ""
    assert one.run.num_steps == one.store.steps
