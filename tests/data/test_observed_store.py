import numpy as np
import pytest

from data.__main__ import main
from data.domains import DOMAINS, OBSERVED, get_domain
from data.maps import MissingDomainError, available_domains, missing_reason, render
from data.normalize import denormalize, normalize
from data.observed_store import OBSERVED_HI, Survey, observe_store
from data.published import write_published
from data.shards import Layout, Record, StoreError
from data.store import MapStore
from data.synthetic import synthesize

pytest.importorskip("ducc0")
SIZE, SURVEY = 32, Survey((50.0, 90.0), (0.5, 1.0), resolution_arcsec=30.0)


def disk(shift):
    y, x = np.mgrid[:SIZE, :SIZE] - 0.5 * SIZE
    return (2e7 * np.exp(-((x - shift) ** 2 + y**2) / 40.0)).astype(np.float32)


@pytest.fixture
def plain(tmp_path):
    """A store of two galaxies, two rotations each, the second without HI in the first of them."""
    layout = Layout(("dark_matter", "hi"), SIZE, {"made": "for a test"})
    store = MapStore.create(tmp_path / "plain", layout)
    records = []
    for number, name in enumerate(("a", "b")):
        for rotation in range(2):
            maps = {"dark_matter": disk(0.0) * 10, "hi": disk(float(rotation))}
            if (number, rotation) == (1, 0):
                del maps["hi"]
            records.append(Record(name, "spiral", 0.0, 60.0, rotation, np.eye(3), maps))
    store.add(records)
    return tmp_path / "plain"


def test_the_store_has_one_more_domain(plain, tmp_path):
    path = tmp_path / "observed"
    assert observe_store(plain, path, SURVEY, galaxies=1) == 2
    assert observe_store(plain, path, SURVEY) == 2  # goes on
    with MapStore.open(path) as made, MapStore.open(plain) as before:
        assert made.domains == ("dark_matter", "hi", OBSERVED_HI)
        np.testing.assert_array_equal(made.read([0, 1, 3])[:, :2], before.read([0, 1, 3]))
        np.testing.assert_array_equal(
            made.column("available"), [[1, 1, 1], [1, 1, 1], [1, 0, 0], [1, 1, 1]]
        )
        true, seen = made.read([0, 1])[:, 1], made.read([0, 1])[:, 2]
        assert (seen >= 0).all()
        bright = true > 0.3 * true.max()
        assert np.corrcoef(true[bright], seen[bright])[0, 1] > 0.9
        assert seen.sum() == pytest.approx(true.sum(), rel=0.2)
    with pytest.raises(StoreError, match="was made with"):
        observe_store(plain, path, Survey((50.0, 90.0), (0.5, 2.0)))
    assert write_published(MapStore.open(path), tmp_path / "published")


def test_each_map_has_an_observation_of_its_own():
    some = [SURVEY.observation(name, number, 60.0) for name in "ab" for number in range(2)]
    assert some[0] == SURVEY.observation("a", 0, 60.0)
    assert len({one.distance_mpc for one in some}) == 4
    assert len({one.seed for one in some}) == 4
    assert all(50.0 <= one.distance_mpc <= 90.0 and 0.5 <= one.hours <= 1.0 for one in some)
    # A giant is put where it fits.
    assert SURVEY.observation("a", 0, 600.0).distance_mpc > 100.0
    with pytest.raises(ValueError, match="hours must be two numbers above zero, rising"):
        Survey(hours=(3.0, 1.0))


def test_an_observed_domain_is_known_but_no_galaxy_has_it():
    assert not set(OBSERVED) & set(DOMAINS)
    assert get_domain(OBSERVED_HI).unit == get_domain("hi").unit
    galaxy = synthesize(2, kind="irregular")
    assert OBSERVED_HI not in available_domains(galaxy)
    assert "data.observation makes" in missing_reason(galaxy, OBSERVED_HI)
    with pytest.raises(MissingDomainError, match="as an instrument sees it"):
        render(galaxy, [OBSERVED_HI])
    values = np.array([0.0, 1e4, 1e7], np.float32)
    back = denormalize(normalize(values, OBSERVED_HI), OBSERVED_HI)
    np.testing.assert_allclose(back, values, rtol=1e-3, atol=1.0)


def test_command(plain, tmp_path, capsys):
    asked = ["observe-store", str(plain), str(tmp_path / "out"), "--galaxies", "1", "--workers"]
    asked += ["1", "--rotations", "1", "--hours", "0.5", "0.5", "--resolution", "30"]
    asked += ["--distance-mpc", "60", "60"]
    assert main(asked) == 0
    assert "1 map stacks added" in capsys.readouterr().out
    assert main([*asked, "--distance-mpc", "0", "30"]) == 2
    assert "distance_mpc must be two numbers" in capsys.readouterr().err
