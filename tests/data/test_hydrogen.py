import numpy as np
import pytest

from data.galaxy import Galaxy, Particles
from data.hydrogen import hydrogen_masses
from data.ionization import neutral_fraction
from data.molecules import MOLECULAR_MODELS


def galaxy_of_two_cells(**fields):
    """One thin cell, and a dense one that forms stars."""
    density = np.array([1e4, 1e8])
    gas = Particles(
        np.zeros((2, 3)), np.full(2, 1e6),
        {"density": density, "temperature": np.array([1e4, 1e4]),
         "star_formation_rate": np.array([0.0, 1.0]), **fields},
    )  # fmt: skip
    return Galaxy("two", 0.0, {"gas": gas})


def test_masses_add_up_and_follow_the_simulation_where_no_stars_form():
    masses = hydrogen_masses(galaxy_of_two_cells(neutral_fraction=np.array([0.25, 0.1])))
    np.testing.assert_allclose(masses["hi"] + masses["h2"], masses["neutral"])
    assert masses["hi"][0] == pytest.approx(0.76e6 * 0.25)
    assert masses["h2"][0] == 0.0
    assert masses["neutral"][1] == pytest.approx(0.76e6, rel=0.01)  # recomputed: self-shielded
    assert masses["h2"][1] > 0


def test_masses_without_a_stored_neutral_fraction():
    masses = hydrogen_masses(galaxy_of_two_cells())
    expected = neutral_fraction(np.array([1e4]), np.array([1e4]), 0.0)[0]
    assert masses["neutral"][0] == pytest.approx(0.76e6 * expected)


def test_star_forming_cells_are_recomputed_at_ten_thousand_kelvin():
    hot = galaxy_of_two_cells(temperature=np.array([1e4, 1e6]), neutral_fraction=np.zeros(2))
    assert hydrogen_masses(hot)["neutral"][1] == pytest.approx(0.76e6, rel=0.01)


def test_dense_gas_that_forms_no_stars_keeps_its_atoms():
    fields = {
        "density": np.full(2, 1e8),
        "star_formation_rate": np.array([0.0, 1.0]),
        "electron_abundance": np.zeros(2),
    }
    for model in MOLECULAR_MODELS:
        masses = hydrogen_masses(galaxy_of_two_cells(**fields), molecular_model=model)
        assert masses["h2"][0] == 0.0
        assert 0.0 < masses["h2"][1] < masses["neutral"][1]
        np.testing.assert_allclose(masses["hi"] + masses["h2"], masses["neutral"])


def test_the_default_model_is_named_and_others_must_be_known():
    galaxy = galaxy_of_two_cells(electron_abundance=np.zeros(2))
    default, named = (
        hydrogen_masses(galaxy),
        hydrogen_masses(galaxy, molecular_model="krumholz2009"),
    )
    np.testing.assert_array_equal(default["h2"], named["h2"])
    assert hydrogen_masses(galaxy, molecular_model="blitz2006")["h2"][1] != default["h2"][1]
    with pytest.raises(ValueError, match="must be one of krumholz2009, blitz2006, gnedin2011, got"):
        hydrogen_masses(galaxy, molecular_model="kmt")
