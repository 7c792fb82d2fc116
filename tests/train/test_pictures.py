"""Pictures of a run: the right maps, the right way up, and in TensorBoard."""

import numpy as np
from matplotlib import colormaps
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from data.dataset import MapDataset
from data.domains import DOMAINS
from train.config import FOCUS
from train.loop import fit
from train.pictures import pictures
from train.trainer import Trainer


class Toy:
    """Answers with the target, as the store of the tests has it, upside down."""

    domains = tuple(DOMAINS)

    def __init__(self, maps):
        self.maps = maps

    def supports(self, source, target):
        return {source, target} <= set(self.domains)

    def sample_normalized(self, source_maps, source, target):
        s, t = self.domains.index(source), self.domains.index(target)
        known = {m[s].numpy().tobytes(): m[t].numpy() for m in self.maps.maps}
        return np.stack([known[m.tobytes()][::-1] for m in source_maps])[:, None]


def test_panels_are_input_output_and_truth_with_the_top_row_first(store):
    maps = MapDataset(store, "validation")
    shown = pictures(Toy(maps), maps)
    assert list(shown) == [f"samples/{s} -> {t}" for s, t in FOCUS]
    sources = set()
    for (source, target), picture in zip(FOCUS, shown.values(), strict=True):
        y, output, x = np.split(picture, 3, axis=1)
        assert np.array_equal(output, x[::-1])
        t, s = (maps.domains.index(name) for name in (target, source))
        colors = colormaps[DOMAINS[target].colormap](np.linspace(0, 1, 256), bytes=True)[:, :3]
        # In one of the stacks the brightest pixel and its place are those of the picture.
        found = [
            row for row, (stack, have) in enumerate(zip(maps.maps, maps.available, strict=True))
            if have[[s, t]].all()
            and _place(stack[t].numpy()[::-1]) == _brightest(x, colors[-1])
            and _place(stack[s].numpy()[::-1])
            == _brightest(y, colormaps[DOMAINS[source].colormap](1.0, bytes=True)[:3])
        ]  # fmt: skip
        assert len(found) == 1
        sources.add(found[0])
    assert len(sources) > 1


def _place(values):
    return tuple(int(i) for i in np.unravel_index(values.argmax(), values.shape))


def _brightest(picture, color):
    rows, columns = np.nonzero((picture == np.asarray(color)).all(axis=2))
    return (int(rows[0]), int(columns[0])) if len(rows) else None


def test_a_run_shows_samples_and_trains_as_if_it_did_not(config, tmp_path):
    shown = fit(config(sample_every=6, output=str(tmp_path / "shown")), device="cpu")
    plain = fit(config(sample_every=0, output=str(tmp_path / "plain")), device="cpu")
    weights = [(folder / "model.safetensors").read_bytes() for folder in (shown, plain)]
    assert weights[0] == weights[1]
    board = EventAccumulator(str(tmp_path / "shown"))
    board.Reload()
    assert set(board.Tags()["images"]) == {f"samples/{s} -> {t}" for s, t in FOCUS}
    image = board.Images("samples/gas -> stars")
    assert [event.step for event in image] == [6, 12]
    assert (image[0].width, image[0].height) == (48, 16)
    assert image[0].encoded_image_string != image[1].encoded_image_string


def test_pictures_use_the_averaged_weights_and_give_the_live_ones_back(config):
    trainer = Trainer(config(), device="cpu")
    trainer.train_step()
    live = {k: v.clone() for k, v in trainer.network.state_dict().items()}
    before = trainer.pictures()
    for parameter in trainer.network.parameters():
        parameter.data.mul_(2.0)
    after = trainer.pictures()
    assert all(np.array_equal(before[k], after[k]) for k in before)
    assert all(v.equal(2.0 * live[k]) for k, v in trainer.network.state_dict().items())
    assert trainer.network.training
