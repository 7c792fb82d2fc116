import json

import numpy as np
import pytest

from data.__main__ import main
from data.domains import DOMAINS
from data.normalize import Moments, denormalize, normalize, statistics, to_log
from data.splits import split_of
from data.store import MapStore


def maps(rng, n, names):
    """Return (n, domain, 8, 8) with each domain in its own range."""
    low, high = np.array([DOMAINS[name].display_range for name in names]).T[:, :, None, None]
    return low * (high / low) ** rng.uniform(size=(n, len(names), 8, 8))


def test_normalize_and_back_is_the_identity(rng):
    for index, name in enumerate(DOMAINS):
        values = maps(rng, 3, tuple(DOMAINS))[:, index]
        np.testing.assert_allclose(denormalize(normalize(values, name), name), values, rtol=1e-4)


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
    found = statistics(np.array_split(whole, [1, 2, 30]), names)
    assert list(found) == list(names)
    for index, name in enumerate(names):
        values = to_log(whole[:, index].astype(np.float64), name)
        assert found[name]["floor"] == DOMAINS[name].floor
        assert found[name]["center_dex"] == pytest.approx(np.nanmean(values), rel=1e-12)
        assert found[name]["scale_dex"] == pytest.approx(np.nanstd(values), rel=1e-12)


def test_a_domain_without_maps_has_no_statistics():
    assert statistics([np.full((2, 1, 4, 4), np.nan)], ("gas",)) == {}
    assert statistics([], ("gas",)) == {}


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
        assert found == statistics([stack[splits == split]], domains)
    assert found.keys() == DOMAINS.keys()
