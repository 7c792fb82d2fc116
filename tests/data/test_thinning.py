import numpy as np
import pytest

from data.maps import field_of_view, prepare, render
from data.synthetic import synthesize
from data.thinning import thin


def test_a_thinned_galaxy_keeps_its_masses_and_looks_alike():
    galaxy = prepare(synthesize(900_324, kind="spiral"))
    few = thin(galaxy, 10_000)
    for name, particles in few.particles.items():
        assert len(particles) == 10_000
        assert particles.masses.sum() == pytest.approx(galaxy.particles[name].masses.sum())
    gas = few.particles["gas"]
    assert gas["hi_masses"].sum() == pytest.approx(galaxy.particles["gas"]["hi_masses"].sum())
    shared = {"grid_size": 32, "extent_kpc": field_of_view(galaxy)}
    for name in ("gas", "dark_matter"):
        full, coarse = (render(g, [name], **shared)[name] for g in (galaxy, few))
        assert np.median(np.abs(np.log10(coarse / full))) < 0.06
    temperature = [render(g, ["temperature"], **shared)["temperature"] for g in (galaxy, few)]
    assert np.median(np.abs(np.log10(temperature[1] / temperature[0]))) < 0.1


def test_few_particles_stay_and_bad_input_is_said():
    galaxy = synthesize(2, num_gas=1000, num_dark_matter=1000, num_stars=1000)
    assert thin(galaxy, 1000).particles["gas"] is galaxy.particles["gas"]
    with pytest.raises(ValueError, match="max_particles must be at least 1, got 0"):
        thin(galaxy, 0)
