import json

import numpy as np
import pytest

from data.__main__ import main
from data.dataset import MapDataset
from data.domains import DOMAINS
from data.normalize import normalize, to_log
from data.splits import split_of
from data.statistics import Moments, normalization, store_normalization
from data.store import Layout, MapStore, Record, StoreError


def maps(rng, n, names):
    """Return (n, domain, 8, 8) with each domain in its own range."""
    low, high = np.array([DOMAINS[name].display_range for name in names]).T[:, :, None, None]
    return low * (high / low) ** rng.uniform(size=(n, len(names), 8, 8))


def test_moments_of_parts_are_those_of_the_whole(rng):
    values = rng.gamma(2.0, size=1000)
    cuts = np.sort(rng.integers(0, 1000, 12))
    merged = sum(map(Moments.of, np.split(values, cuts)), Moments())
    assert merged.count == 1000
    assert merged.mean == pytest.approx(values.mean(), rel=1e-14)
    assert merged.standard_deviation == pytest.approx(values.std(), rel=1e-13)
    assert Moments().standard_deviation == 0


def test_moments_keep_a_small_spread_on_a_large_mean(rng):
    # The sum of squares less the square of the sum would leave nothing of it.
    values = 1e9 + rng.normal(scale=1e-3, size=10_000)
    merged = sum(map(Moments.of, np.split(values, 100)), Moments())
    assert merged.standard_deviation == pytest.approx(values.std(), rel=1e-4)


def test_statistics_of_a_stream_are_those_of_all_maps_at_once(rng):
    names = ("gas", "stars", "temperature")
    whole = maps(rng, 50, names).astype(np.float32)
    whole[::3, 1] = np.nan  # galaxies without stars
    found = normalization(np.array_split(whole, [1, 2, 30]), names)
    assert list(found.scales) == list(names)
    for index, name in enumerate(names):
        values = to_log(whole[:, index].astype(np.float64), name)
        assert found[name].floor == DOMAINS[name].floor
        assert found[name].center_dex == pytest.approx(np.nanmean(values), rel=1e-12)
        assert found[name].scale_dex == pytest.approx(np.nanstd(values), rel=1e-12)


def test_a_domain_without_maps_has_no_normalization():
    assert normalization([np.full((2, 1, 4, 4), np.nan)], ("gas",)).scales == {}
    assert normalization([], ("gas",)).scales == {}


def test_the_command_reads_one_split_alone(tmp_path, capsys):
    path = tmp_path / "maps"
    assert main(["build", str(path), "--synthetic", "8:10", "--rotations", "1",
                 "--grid-size", "8"]) == 0  # fmt: skip
    with MapStore.open(path) as store:
        names, stack = store.column("name"), store.read()
        domains = store.domains
    splits = np.array([split_of(name) for name in names])
    assert {"train", "test"} <= set(splits)
    for arguments, split in (([], "train"), (["--split", "test"], "test")):
        capsys.readouterr()
        assert main(["statistics", str(path), *arguments]) == 0
        found = json.loads(capsys.readouterr().out)
        assert found == normalization([stack[splits == split]], domains).to_json()
    assert found.keys() == DOMAINS.keys()


def test_a_store_gives_zero_mean_and_unit_spread(tmp_path, rng):
    names = ("gas", "stars")
    path = tmp_path / "maps"
    with MapStore.create(path, Layout(names, 8)) as store:
        for number in range(30):
            made = dict(zip(names, maps(rng, 1, names)[0], strict=True))
            if number % 3 == 0:
                del made["stars"]
            store.add([Record(f"g{number}", "", 0.0, 9.0, 0, np.eye(3), made)])
        found = store_normalization(store)
        rows = store.select(split="train")
        stack = store.read(rows)
        with pytest.raises(StoreError, match="holds no maps of the split holdout"):
            store_normalization(store, "holdout")
    for channel, name in enumerate(names):
        x = normalize(stack[:, channel], name, found).astype(np.float64)
        assert abs(np.nanmean(x)) < 1e-6
        assert np.nanstd(x) == pytest.approx(1.0, rel=1e-6)
    dataset = MapDataset(path, "train", normalization=found)
    there = dataset.available[:, 1].numpy()
    np.testing.assert_array_equal(dataset.maps[:, 0], normalize(stack[:, 0], "gas", found))
    np.testing.assert_array_equal(
        dataset.maps[there, 1], normalize(stack[there, 1], "stars", found)
    )


def test_maps_of_one_value_give_no_scale():
    for value in (0.0, 1.234e6):
        with pytest.raises(ValueError, match="all pixels of gas hold one value"):
            normalization([np.full((3, 1, 4, 4), value)] * 7, ("gas",))
