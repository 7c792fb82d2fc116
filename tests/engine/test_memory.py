"""A device that holds only so many maps gives the same ones, or a sentence."""

import numpy as np
import pytest
import torch

from engine.memory import OutOfMemoryError, Parts, explained, is_shortage
from engine.translator import Translator

SHAPE = (16, 16)


class Small(torch.nn.Module):
    """A network on a device that holds no more than so many maps at once."""

    def __init__(self, network, most):
        super().__init__()
        self.network, self.config, self.multiple = network, network.config, network.multiple
        self.most, self.sizes = most, []

    def forward(self, maps, *told):
        self.sizes.append(len(maps))
        if len(maps) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return self.network(maps, *told)


@pytest.fixture
def translator(checkpoint):
    return Translator.load(checkpoint, device="cpu")


@pytest.fixture
def gas(rng):
    return 10 ** rng.normal(6.3, 0.5, (4, *SHAPE))


@pytest.mark.parametrize("most", [1, 3, 4])
def test_samples_are_the_same_in_smaller_batches(translator, gas, most):
    options = {"num_steps": 2, "num_samples": 5, "seed": 3}
    whole = translator.translate(gas[0], "gas", "hi", **options)
    many = translator.sample_normalized(np.log10(gas) - 6, "gas", "hi", **options)
    small = translator.network = Small(translator.network, most)
    np.testing.assert_allclose(translator.translate(gas[0], "gas", "hi", **options), whole, 1e-4)
    assert small.sizes[-1] <= most
    assert sum(size > most for size in small.sizes) <= 3  # not again at each step
    again = translator.sample_normalized(np.log10(gas) - 6, "gas", "hi", **options)
    np.testing.assert_allclose(again, many, atol=1e-4)


def test_less_than_one_map_is_a_sentence_and_the_next_one_works(translator, gas):
    small = translator.network = Small(translator.network, 0)
    for ask in (
        lambda: translator.translate(gas[0], "gas", "hi", num_samples=2),
        lambda: translator.sample_normalized(np.log10(gas) - 6, "gas", "hi"),
        lambda: translator.log_density(gas[0], "hi", source_map=gas[1], source="gas"),
    ):
        with pytest.raises(ValueError, match=r"the memory of cpu does not hold what ddpm was"):
            ask()
    small.most = 1
    assert np.isfinite(translator.translate(gas[0], "gas", "hi", num_samples=2)).all()


def test_weights_that_do_not_fit_are_said(checkpoint, monkeypatch):
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(torch.nn.Module, "to", full)
    with pytest.raises(OutOfMemoryError, match="run it on another device"):
        Translator.load(checkpoint, device="cpu")


def test_parts_halve_and_are_remembered():
    taken, begun = [], []
    parts = Parts("not even one")

    def compute(rows):
        taken.append((rows.start, rows.stop))
        if rows.stop - rows.start > 3:
            raise MemoryError
        return rows.stop

    assert parts.over(10, compute, begin=lambda: begun.append(len(taken))) == [2, 4, 6, 8, 10]
    assert taken == [(0, 10), (0, 5), (0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]
    assert begun == [0, 1, 2]
    assert parts.over(3, compute) == [2, 3]
    with pytest.raises(ZeroDivisionError):
        parts.over(1, lambda rows: 1 / 0)


def test_what_lacks_memory_is_told_from_other_faults():
    with pytest.raises(RuntimeError) as real:
        torch.empty(2**62, dtype=torch.int8)
    assert is_shortage(real.value)
    assert is_shortage(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"))
    assert not is_shortage(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_shortage(ValueError("ALLOC_FAILED"))
    with pytest.raises(RuntimeError, match="shapes"), explained("no memory"):
        torch.ones(2, 3) @ torch.ones(2, 3)
