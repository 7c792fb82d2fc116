import numpy as np
import pytest

from data.domains import DOMAINS, get_domain
from data.store import Layout, MapStore, Record
from data.summary import contact_sheet, describe_store, spread_out, statistics


@pytest.fixture
def store(tmp_path, rng):
    """Gas spread by 0.3 dex, half of each map of stars empty, no dark matter in every fourth."""
    with MapStore.create(tmp_path / "maps", Layout(("gas", "stars", "dark_matter"), 16)) as store:
        for number in range(40):
            maps = {
                "gas": 10 ** rng.normal(7.0, 0.3, (16, 16)),
                "stars": np.repeat([0.0, 1e6], 128).reshape(16, 16),
                "dark_matter": np.full((16, 16), 1e8),
            }
            if number % 4 == 0:
                del maps["dark_matter"]
            lineage = "" if number % 10 else "g"
            record = Record(f"g{number}", "spiral", 0.0, 9.0, 0, np.eye(3), maps, lineage=lineage)
            store.add([record])
        yield store


def test_statistics_are_those_of_the_maps(store):
    found = statistics(store)
    gas, stars, dark_matter = (found[name] for name in store.domains)
    assert gas.missing == gas.empty == 0.0
    np.testing.assert_allclose(np.log10([gas.low, gas.median, gas.high]),
                               7.0 + 0.3 * np.array([-2.326, 0.0, 2.326]), atol=0.03)  # fmt: skip
    assert abs(gas.mean_dex - 7.0) < 0.01
    assert abs(gas.spread_dex - 0.3) < 0.01
    assert stars.empty == 0.5
    low, high = np.log10(get_domain("stars").floor), np.log10(1e6 + get_domain("stars").floor)
    assert abs(stars.mean_dex - 0.5 * (low + high)) < 1e-3
    assert abs(stars.spread_dex - 0.5 * (high - low)) < 1e-3
    assert dark_matter.missing == 0.25
    assert abs(dark_matter.median / 1e8 - 1.0) < 1e-3


def test_lines_for_people(store, tmp_path):
    text = describe_store(store)
    assert "40 stacks of 40 galaxies, 16 x 16 pixels" in text
    assert "kinds: spiral 40" in text
    assert "lineage: known of 4 of 40 galaxies" in text
    assert f"{store.num_bytes() / (40 * 3 - 10):.0f} bytes a map" in text
    assert "0 stacks of 0 galaxies" in describe_store(
        MapStore.create(tmp_path / "empty", Layout(tuple(DOMAINS), 4))
    )


def test_rows_are_spread_out_and_each_once():
    assert list(spread_out(100, 3)) == [0, 49, 99]
    assert list(spread_out(2, 6)) == [0, 1]


def test_the_sheet_shows_the_maps_upright(store):
    figure = contact_sheet(store, count=3)
    panels = [axes for axes in figure.axes if axes.images and len(axes.images[0].get_array()) == 16]
    assert len(panels) == 9
    stars = panels[1].images[0]
    assert stars.origin == "lower"
    low, high = get_domain("stars").display_range
    np.testing.assert_allclose(stars.get_array()[[0, -1], 0], [low, 1e6], rtol=1e-3)
    assert (stars.norm.vmin, stars.norm.vmax) == (low, high)
    assert stars.norm(np.sqrt(low * high)) == pytest.approx(0.5)
    missing = panels[2].images[0]  # the first galaxy has no dark matter
    assert (missing.get_array() == get_domain("dark_matter").display_range[0]).all()
