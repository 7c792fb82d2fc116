"""Points stand for equal masses, and a file of clouds goes on where it stopped."""

import numpy as np
import pytest

from data.__main__ import main
from data.clouds import CloudError, CloudStore, equal_mass, to_cloud, write_clouds
from data.galaxy import Galaxy, Particles


def toy(name="toy", stars=True, count=400):
    rng = np.random.default_rng(len(name))
    fields = {
        "temperature": np.full(count, 1e5), "density": np.full(count, 1e4),
        "neutral_fraction": np.zeros(count),
    }  # fmt: skip
    particles = {
        "gas": Particles(rng.normal(size=(count, 3)), rng.uniform(1.0, 8.0, count), fields),
        "dark_matter": Particles(rng.normal(size=(count, 3)), np.full(count, 2.0)),
    }
    if stars:
        particles["stars"] = Particles(rng.normal(size=(9, 3)), np.ones(9))
    return Galaxy(name, 0.5, particles)


class Source:
    def __init__(self, name):
        self.name = name

    def load(self):
        return toy(self.name)


def test_particles_come_as_often_as_their_mass_says_rounded_up_or_down():
    rng = np.random.default_rng(0)
    masses = rng.lognormal(0.0, 1.5, 300)
    times = np.bincount(equal_mass(masses, 500, rng), minlength=300)
    expected = 500 * masses / masses.sum()
    assert times.sum() == 500
    assert (np.abs(times - expected) < 1.0).all()


def test_equal_particles_are_drawn_without_repeating_one_in_random_order():
    drawn = equal_mass(np.ones(1000), 1000, np.random.default_rng(0))
    assert sorted(drawn) == list(range(1000))
    assert abs(np.corrcoef(drawn, np.arange(1000))[0, 1]) < 0.1
    half = equal_mass(np.ones(1000), 500, np.random.default_rng(0))
    assert len(set(half)) == 500


def test_a_cloud_has_what_its_galaxy_has():
    galaxy = toy()
    cloud = to_cloud(galaxy, 200, num_gas=100)
    gas = galaxy.particles["gas"]
    assert cloud.gas.shape == cloud.features.shape == (100, 3)
    assert cloud.points["dark_matter"].shape == cloud.points["stars"].shape == (200, 3)
    assert cloud.gas_mass == pytest.approx(gas.masses.sum())
    assert cloud.masses == {"dark_matter": 800.0, "stars": 9.0}
    np.testing.assert_allclose(cloud.features, [[5.0, 4.0, -6.0]] * 100)
    there = {tuple(row) for row in gas.coordinates.astype(np.float32)}
    assert {tuple(row) for row in cloud.gas} <= there


def test_a_galaxy_without_a_feature_is_one_sentence():
    galaxy = toy()
    del galaxy.particles["gas"].fields["density"]
    with pytest.raises(ValueError, match="toy lacks the gas field density"):
        to_cloud(galaxy, 10)
    with pytest.raises(ValueError, match="toy has no gas particles"):
        to_cloud(Galaxy("toy", 0.0, {}), 10)


def test_a_file_gives_back_its_clouds_and_goes_on(tmp_path):
    path = tmp_path / "clouds.h5"
    assert list(write_clouds(path, [Source("a"), Source("b/z1")], 50)) == ["a", "b/z1"]
    assert list(write_clouds(path, [Source("a"), Source("c")], 50)) == ["c"]
    store = CloudStore(path)
    assert store.names == ["a", "b/z1", "c"]
    expected, found = to_cloud(toy("b/z1"), 50), store[1]
    assert found.name == expected.name
    assert found.masses == expected.masses
    for name in ("gas", "features"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    np.testing.assert_array_equal(found.points["stars"], expected.points["stars"])
    with pytest.raises(CloudError, match="holds clouds of 50 points, not of 60"):
        list(write_clouds(path, [], 60))


def test_no_file_and_a_damaged_one_are_one_sentence(tmp_path):
    with pytest.raises(CloudError, match="no file of clouds at"):
        CloudStore(tmp_path / "none.h5")
    (tmp_path / "bad.h5").write_bytes(b"no file of clouds")
    with pytest.raises(CloudError, match=r"bad\.h5 is damaged"):
        CloudStore(tmp_path / "bad.h5")


def test_the_command_makes_clouds_of_synthetic_galaxies(tmp_path, capsys):
    path = tmp_path / "clouds.h5"
    assert main(["clouds", str(path), "--synthetic", "3", "--points", "256"]) == 0
    assert "1 clouds added, 1 in all" in capsys.readouterr().out
    assert main(["clouds", str(path)]) == 2
    assert "no galaxies: give --synthetic" in capsys.readouterr().err
