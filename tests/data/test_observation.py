import h5py
import numpy as np
import pytest
from astropy.cosmology import FlatLambdaCDM
from astropy.io import fits
from astropy.wcs import WCS

from data.__main__ import main
from data.cosmology import angular_distance_mpc, luminosity_distance_mpc, redshift_at
from data.line21cm import integrated_brightness, mass_per_flux, surface_density_per_flux
from data.observation import Instrument, RadioObservation, observe
from data.observation_files import write_observed

pytest.importorskip("ducc0")
SIZE, EXTENT = 32, 40.0
ASKED = {"distance_mpc": 40.0, "resolution_arcsec": 25.0, "hours": 1.0}
NEAR = RadioObservation(**ASKED, has_noise=False)


def galaxy_map():
    """Return a lopsided HI map of some 1e9 Msun."""
    y, x = (np.mgrid[:SIZE, :SIZE] - 0.5 * (SIZE - 1)) * EXTENT / SIZE
    disk = np.exp(-(((x - 2) / 6) ** 2) - ((y + 4) / 3) ** 2)
    return 1e7 * (disk + 0.5 * np.exp(-(((x + 7) / 2.5) ** 2) - ((y - 7) / 2.5) ** 2))


@pytest.fixture(scope="module")
def seen():
    return observe(galaxy_map(), NEAR, extent_kpc=EXTENT)


@pytest.fixture(scope="module")
def noisy():
    return Instrument(RadioObservation(**ASKED), SIZE, EXTENT)


def test_flux_is_conserved_through_the_chain(seen):
    truth = galaxy_map()
    assert seen.surface_density.sum() == pytest.approx(truth.sum(), rel=0.01)
    flux = seen.restored.sum() * seen.grid.pixel_arcsec**2 / seen.beam.area_arcsec2
    mass = truth.sum() * (EXTENT / SIZE) ** 2
    assert flux * mass_per_flux(NEAR.z) == pytest.approx(mass, rel=0.01)


def test_the_map_is_the_truth_through_the_clean_beam(seen):
    """Also the same way up and at the same place."""
    grid, truth = seen.grid, galaxy_map()
    side = grid.pixel_arcsec * grid.factor
    kernel = seen.beam.image(2 * SIZE + 1, side) * side**2 / seen.beam.area_arcsec2
    expected = np.empty_like(truth)
    for row in range(SIZE):
        for column in range(SIZE):
            window = kernel[SIZE - row : 2 * SIZE - row, SIZE - column : 2 * SIZE - column]
            expected[row, column] = (truth * window).sum()
    assert np.abs(seen.surface_density - expected).max() < 0.03 * truth.max()


def test_beam_is_as_wide_as_asked_for(seen):
    assert seen.beam.width_arcsec == pytest.approx(NEAR.resolution_arcsec, rel=0.01)
    middle = seen.grid.size // 2
    assert seen.dirty_beam[middle, middle] == pytest.approx(1.0, abs=1e-5)
    assert seen.dirty_beam.max() == seen.dirty_beam[middle, middle]


def test_noise_is_the_radiometer_equation(noisy):
    empty = np.zeros((SIZE, SIZE))
    values = [noisy.dirty(empty, seed) for seed in range(6)]
    assert np.std(values) == pytest.approx(noisy.noise_jy_km_s, rel=0.05)
    longer = Instrument(RadioObservation(**{**ASKED, "hours": 4.0}, track_hours=1.0), SIZE, EXTENT)
    assert longer.noise_jy_km_s == pytest.approx(0.5 * noisy.noise_jy_km_s)


def test_noise_does_not_bias_the_flux(noisy):
    truth = galaxy_map()
    sums = [noisy.observe(truth, seed=seed).surface_density.sum() for seed in range(6)]
    beams = EXTENT**2 * NEAR.arcsec_per_kpc() ** 2 / noisy.beam.area_arcsec2
    error = noisy.observe(truth).noise_surface_density * SIZE**2 / np.sqrt(beams)
    assert abs(np.mean(sums) - truth.sum()) < 3.0 * error / np.sqrt(len(sums)) + 0.01 * truth.sum()
    assert np.ptp(sums) > 0


def test_same_seed_same_map(noisy):
    truth = galaxy_map()
    first, again, other = (noisy.observe(truth, seed=seed).surface_density for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0


def test_fluxes_agree_with_brightness():
    """T_b = lambda^2 S / (2 k Omega) in the frame of the gas, whose photons were (1+z) bluer."""
    wavelength_m, steradian, boltzmann = 0.21106114, (np.pi / 648000.0) ** 2, 1.380649e-23
    for z in (1e-9, 0.1, 1.0):
        kelvin = 1e-26 * (1 + z) ** 3 * wavelength_m**2 / (2 * boltzmann * steradian)
        per_flux = surface_density_per_flux(z)
        assert integrated_brightness(per_flux) == pytest.approx(kelvin, rel=2e-3)
    arcsec2 = (648.0 / np.pi * 1e-3 / angular_distance_mpc(0.1) * 1e3) ** 2
    # Both constants are of one thing: kpc^2 times Msun/kpc^2.
    assert mass_per_flux(0.1) == pytest.approx(surface_density_per_flux(0.1) / arcsec2, rel=1e-9)


def test_distances():
    assert luminosity_distance_mpc(1e-4) == pytest.approx(299792.458e-4 / 67.74, rel=1e-3)
    for z in (0.003, 0.5, 3.0):
        assert redshift_at(luminosity_distance_mpc(z)) == pytest.approx(z)
    theirs = FlatLambdaCDM(H0=67.74, Om0=0.3089).luminosity_distance(0.7).value
    assert luminosity_distance_mpc(0.7) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({}, "one of redshift and distance_mpc must be given, got neither"),
        ({"redshift": 0.1, "distance_mpc": 3.0}, "got both"),
        ({"redshift": 0.0}, "redshift must be above 0"),
        ({"redshift": 4.0}, "redshift must be above 0 up to 3.06"),
        ({"distance_mpc": -1.0}, "distance_mpc must be above 0"),
        ({"distance_mpc": 9.0, "hours": 0.0}, "hours must be above zero"),
        ({"distance_mpc": 9.0, "declination_deg": 30.0}, "must stay above 15 deg"),
        ({"distance_mpc": 9.0, "weighting": "heavy"}, "weighting must be one of natural"),
        ({"distance_mpc": 9.0, "robust": 3.0}, "robust must be from -2 to 2"),
        ({"distance_mpc": 9.0, "seed": -1}, "seed must be a whole number"),
    ],
)
def test_what_cannot_be_asked_for(asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        RadioObservation(**asked)


def test_what_cannot_be_seen(noisy):
    with pytest.raises(ValueError, match="must be farther away"):
        observe(galaxy_map(), RadioObservation(distance_mpc=3.0), extent_kpc=EXTENT)
    with pytest.raises(ValueError, match="resolution_arcsec must be larger"):
        observe(
            galaxy_map(), RadioObservation(distance_mpc=20.0, resolution_arcsec=0.3),
            extent_kpc=EXTENT,
        )  # fmt: skip
    with pytest.raises(ValueError, match=r"of shape \(32, 32\)"):
        noisy.observe(np.zeros((16, 16)))


def test_fits_has_the_sky_and_the_beam(seen, tmp_path):
    truth = galaxy_map()
    path = write_observed(seen, tmp_path / "seen.fits", truth=truth, name="lopsided")
    with fits.open(path) as file:
        file.verify("exception")
        header, hi = file[0].header, file["HI"]
        assert header["BUNIT"] == "Jy km s-1 beam-1"
        assert header["BMAJ"] * 3600 == pytest.approx(seen.beam.major_arcsec)
        east, north = WCS(hi.header).pixel_to_world_values(8, 24)
        assert (east, north) > (0.0, NEAR.declination_deg)
        assert east < 180.0
        side = abs(hi.header["CDELT1"]) * 3600 * SIZE
        assert side == pytest.approx(EXTENT * NEAR.arcsec_per_kpc())
        np.testing.assert_array_equal(hi.data, seen.surface_density)
        np.testing.assert_allclose(file["TRUTH"].data, truth, rtol=1e-6)


def test_hdf5_has_the_same(seen, tmp_path):
    path = write_observed(seen, tmp_path / "seen.hdf5", truth=galaxy_map(), name="lopsided")
    with h5py.File(path) as file:
        assert file.attrs["hours"] == NEAR.hours
        assert file["hi"].attrs["unit"] == "Msun kpc-2"
        np.testing.assert_array_equal(file["hi"][()], seen.surface_density)
    with pytest.raises(ValueError, match=r"written as \.fits or \.hdf5"):
        write_observed(seen, tmp_path / "seen.png", truth=galaxy_map(), name="lopsided")


def test_command(tmp_path, capsys):
    path = tmp_path / "galaxy.fits"
    asked = ["observe", str(path), "--synthetic", "3", "--grid-size", "32", "--resolution", "40"]
    assert main([*asked, "--distance-mpc", "60", "--hours", "1", "--extent-kpc", "80"]) == 0
    said = capsys.readouterr().out
    assert "noise" in said
    assert path.exists()
    assert main([*asked, "--distance-mpc", "60", "--declination", "60"]) == 2
    assert "must stay above" in capsys.readouterr().err
