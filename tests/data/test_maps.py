from dataclasses import replace

import numpy as np
import pytest

from data.domains import DOMAINS
from data.galaxy import Galaxy, Particles
from data.hydrogen import hydrogen_masses
from data.maps import MissingDomainError, available_domains, field_of_view, prepare, render
from data.molecules import MOLECULAR_MODELS
from data.smoothing import gas_smoothing_lengths, neighbor_smoothing_lengths
from data.synthetic import synthesize


@pytest.fixture(scope="module")
def galaxy():
    return prepare(synthesize(1, kind="spiral"))


def test_every_domain_is_finite_and_positive_where_there_is_gas(galaxy):
    maps = render(galaxy, DOMAINS, grid_size=32)
    assert list(maps) == list(DOMAINS)
    for values in maps.values():
        assert values.shape == (32, 32)
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
        assert (values >= 0).all()
    assert (maps["hi"] <= maps["gas"] * 0.76 * 1.0001).all()


def test_quarter_turn_about_the_line_of_sight_is_rot90(galaxy):
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    straight = render(galaxy, DOMAINS, grid_size=32)
    turned = render(galaxy, DOMAINS, grid_size=32, rotation=turn)
    for name in DOMAINS:
        # Rows run upwards, so a counterclockwise turn is rot90 with k = -1 of the array.
        expected = np.rot90(straight[name], -1)
        assert np.abs(turned[name] - expected).sum() < 1e-4 * expected.sum()
        # The pyramid refines rows first and columns then, which shows where it has to hold back.
        np.testing.assert_allclose(turned[name], expected, rtol=5e-3)


def test_mass_does_not_depend_on_rotation(galaxy):
    extent = 4000.0
    for name in ("gas", "stars", "dark_matter"):
        values = render(galaxy, [name], grid_size=64, extent_kpc=extent)[name]
        total = values.astype(float).sum() * (extent / 64) ** 2
        assert total == pytest.approx(galaxy.particles[name].masses.sum(), rel=1e-5)


def test_uniform_temperature_stays_uniform(galaxy):
    gas = galaxy.particles["gas"]
    fields = {**gas.fields, "temperature": np.full(len(gas), 12345.0)}
    same = replace(galaxy, particles={"gas": replace(gas, fields=fields)})
    values = render(same, ["temperature"], grid_size=32, extent_kpc=20.0)["temperature"]
    np.testing.assert_allclose(values, 12345.0, rtol=1e-5)


def two_cells():
    """Two cells on one line of sight, their kernels alike, so that each pixel weighs them alike."""
    gas = Particles(
        np.array([[0.0, 0.0, -3.0], [0.0, 0.0, 3.0]]), np.array([1.0, 3.0]),
        {"density": np.array([1.0, 6.0]), "temperature": np.array([1e6, 1e4]),
         "magnetic_field": np.array([[2e-6, 0.0, 0.0], [0.0, 6e-6, 8e-6]]),
         "smoothing_lengths": np.full(2, 4.0)},
    )  # fmt: skip
    return Galaxy("two", 0.0, {"gas": gas})


def test_means_by_mass_and_by_volume_by_hand():
    domains = ["temperature", "magnetic_field", "gas"]
    mass = render(two_cells(), domains, grid_size=8, extent_kpc=10.0)
    volume = render(two_cells(), domains, grid_size=8, extent_kpc=10.0, weighting="volume")
    filled = mass["gas"] > 0
    assert 20 < filled.sum() < 64
    # |B| = 2 and 10 microgauss. By mass (1 x 2 + 3 x 10) / 4; volumes are 1 and 1/2.
    np.testing.assert_allclose(mass["magnetic_field"][filled], 8.0, rtol=1e-6)
    np.testing.assert_allclose(mass["temperature"][filled], (1e6 + 3e4) / 4, rtol=1e-6)
    np.testing.assert_allclose(volume["magnetic_field"][filled], 7.0 / 1.5, rtol=1e-6)
    np.testing.assert_allclose(volume["temperature"][filled], (1e6 + 5e3) / 1.5, rtol=1e-6)
    np.testing.assert_array_equal(volume["gas"], mass["gas"])


def test_weighting_must_be_known_and_possible():
    with pytest.raises(ValueError, match="weighting must be one of mass, volume, got 'light'"):
        render(two_cells(), ["temperature"], weighting="light")
    gas = two_cells().particles["gas"]
    thin = replace(gas, fields={k: v for k, v in gas.fields.items() if k != "density"})
    galaxy = Galaxy("thin", 0.0, {"gas": thin})
    assert render(galaxy, ["temperature"], extent_kpc=6.0)["temperature"].max() > 0
    with pytest.raises(MissingDomainError, match="thin lacks the density that volumes are made of"):
        render(galaxy, ["temperature"], extent_kpc=6.0, weighting="volume")


def test_the_molecular_model_reaches_the_maps(galaxy):
    extent = 100.0
    maps = {
        model: render(prepare(galaxy, molecular_model=model), ["hi"], extent_kpc=extent)["hi"]
        for model in MOLECULAR_MODELS
    }
    default = render(galaxy, ["hi"], extent_kpc=extent)["hi"]
    np.testing.assert_array_equal(maps["krumholz2009"], default)
    totals = {
        model: hydrogen_masses(galaxy, molecular_model=model)["hi"].sum()
        for model in MOLECULAR_MODELS
    }
    for model, values in maps.items():
        ratio = values.sum(dtype=float) / default.sum(dtype=float)
        assert ratio == pytest.approx(totals[model] / totals["krumholz2009"], rel=0.02)
    assert totals["gnedin2011"] < totals["blitz2006"] < totals["krumholz2009"]
    # What was prepared with a choice keeps it.
    chosen = prepare(galaxy, molecular_model="blitz2006")
    np.testing.assert_array_equal(
        prepare(chosen).particles["gas"]["hi_masses"], chosen.particles["gas"]["hi_masses"]
    )
    with pytest.raises(ValueError, match="molecular_model must be one of"):
        prepare(galaxy, molecular_model="dust")


def test_field_of_view_is_two_half_mass_radii():
    shell = np.concatenate([np.eye(3) * 5.0, np.eye(3) * 9.0])
    galaxy = Galaxy("shells", 0.0, {"stars": Particles(shell, np.array([2.0] * 3 + [1.0] * 3))})
    assert field_of_view(galaxy) == pytest.approx(10.0)


def test_a_missing_field_is_said_and_the_rest_is_made(galaxy):
    gas = galaxy.particles["gas"]
    fields = {k: v for k, v in gas.fields.items() if k != "magnetic_field"}
    poor = replace(galaxy, particles={"gas": replace(gas, fields=fields)})
    assert available_domains(poor) == ("gas", "hi", "temperature", "brightness_temperature")
    with pytest.raises(MissingDomainError, match="lacks the gas field magnetic_field"):
        render(poor, ["magnetic_field"])
    with pytest.raises(MissingDomainError, match="has no stars particles"):
        render(poor, ["stars"])
    with pytest.raises(ValueError, match="unknown domain 'dust'"):
        render(poor, ["dust"])
    with pytest.raises(ValueError, match="rotation must be an orthogonal"):
        render(poor, ["gas"], rotation=np.ones((3, 3)))


def test_smoothing_lengths_of_known_arrangements():
    # One cell of 1 Msun at 3/(4 pi) Msun/kpc^3 is a sphere of 1 kpc.
    assert gas_smoothing_lengths(np.ones(1), np.array([3 / (4 * np.pi)]))[0] == pytest.approx(2.5)
    line = np.stack([np.arange(10.0), np.zeros(10), np.zeros(10)], axis=1)
    np.testing.assert_allclose(neighbor_smoothing_lengths(line, 2)[1:-1], 1.0)
    assert neighbor_smoothing_lengths(line, 32)[0] == pytest.approx(9.0)
    with pytest.raises(ValueError, match="density must be positive"):
        gas_smoothing_lengths(np.ones(1), np.zeros(1))
