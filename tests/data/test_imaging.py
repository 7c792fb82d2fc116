import numpy as np
import pytest

from data import ska_mid
from data.imaging import ARCSEC, Beam, Imager, fit_beam
from data.interferometer import SPEED_OF_LIGHT_M_S, Track, cover

pytest.importorskip("ducc0")
FREQUENCY = 1.42e9


def imager(interval_s=3600.0, pixel_arcsec=None, declination=-30.0, flux_densities=None):
    """Return the whole array for an 8 h track."""
    if flux_densities is None:
        flux_densities = ska_mid.system_equivalent_flux_densities(FREQUENCY / 1e9)
    coverage = cover(
        Track(8.0, declination, interval_s=interval_s), ska_mid.dish_positions(), flux_densities,
        latitude_deg=ska_mid.LATITUDE_DEG, bandwidth_hz=1e6,
    )  # fmt: skip
    if pixel_arcsec:
        coverage = coverage.within(0.5 / (pixel_arcsec * ARCSEC) * SPEED_OF_LIGHT_M_S / FREQUENCY)
    return Imager(coverage, FREQUENCY)


COARSE = imager(pixel_arcsec=5.0)
FLAT = COARSE.weights("uniform", 640.0)


def half_power_width(beam, pixel_arcsec):
    """Return the mean over both axes of the full width at half maximum, by interpolation."""
    middle = len(beam) // 2
    widths = []
    for cut in (beam[middle], beam[:, middle]):
        below = np.flatnonzero(cut[middle:] < 0.5)[0]
        high, low = cut[middle + below - 1 : middle + below + 1]
        widths.append(2 * pixel_arcsec * (below - 1 + (high - 0.5) / (high - low)))
    return np.mean(widths)


@pytest.mark.parametrize(
    ("weighting", "pixel", "width"), [("natural", 0.1, 6.6), ("uniform", 0.08, 0.37)]
)
def test_beams_of_an_eight_hour_track(weighting, pixel, width):
    """6.6 and 0.37 arcsec were measured with these dishes by other means, at 1.42 GHz."""
    whole = imager(interval_s=600.0, flux_densities=np.full(197, 300.0))
    beam = whole.beam(whole.weights(weighting, 1024 * pixel), 128 if width < 1 else 256, pixel)
    assert half_power_width(beam, pixel) == pytest.approx(width, rel=0.1)


def test_dirty_beam_is_the_sum_of_all_waves():
    few = Imager(COARSE.coverage.within(300.0), FREQUENCY)
    weights = few.weights("briggs", 640.0, robust=0.0)
    beam = few.beam(weights, 64, 10.0)
    u, v = few.wavelengths
    w = few.coverage.uvw_m[:, 2] * FREQUENCY / SPEED_OF_LIGHT_M_S
    for row, column in ((32, 32), (32, 40), (3, 60), (50, 11)):
        x, y = (np.array([column, row]) - 32) * 10.0 * ARCSEC
        n = np.sqrt(1 - x * x - y * y)
        direct = (weights * np.cos(2 * np.pi * (u * x + v * y + w * (n - 1)))).sum() / n
        assert beam[row, column] == pytest.approx(direct / weights.sum(), abs=2e-6)


def test_a_point_source_keeps_flux_and_place():
    flux = np.zeros((64, 64))
    flux[20, 45] = 0.7
    pixel = 8.0
    dirty = COARSE.image(COARSE.visibilities(flux, pixel), FLAT, 64, pixel)
    assert np.unravel_index(dirty.argmax(), dirty.shape) == (20, 45)
    # A square of 8 arcsec, seen through the beam of its weights.
    square = np.sinc(COARSE.wavelengths * pixel * ARCSEC).prod(axis=0)
    assert dirty.max() == pytest.approx(0.7 * (FLAT * square).sum() / FLAT.sum(), rel=1e-3)


def test_noise_of_images_is_as_predicted():
    weights = COARSE.weights("briggs", 640.0, robust=0.0)
    rng = np.random.default_rng(1)
    sigma = COARSE.coverage.noise_jy
    noise = sigma * (rng.standard_normal((2, len(sigma))).T @ [1.0, 1j])
    image = COARSE.image(noise, weights, 256, 5.0)
    # Some (256 * 5 / 15)^2 independent beams.
    assert image.std() == pytest.approx(COARSE.noise(weights), rel=0.04)
    assert COARSE.noise(weights) > COARSE.noise(COARSE.weights("natural", 640.0))


def test_natural_noise_is_the_radiometer_equation():
    alike = imager(interval_s=28800.0, flux_densities=np.full(197, 300.0))
    expected = 300.0 / np.sqrt(2 * 197 * 196 * 1e6 * 28800.0)
    assert alike.noise(alike.weights("natural", 1.0)) == pytest.approx(expected)


def test_uniform_weights_make_all_cells_alike_and_robust_leads_from_there_to_natural():
    cells = np.unique(COARSE._cells(640.0), axis=1, return_inverse=True)[1]
    sums = np.bincount(cells, FLAT)
    np.testing.assert_allclose(sums, 1.0)
    natural = COARSE.weights("natural", 640.0)
    for robust, like in ((-6.0, FLAT), (6.0, natural)):
        ratio = COARSE.weights("briggs", 640.0, robust) / like
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-2)
    with pytest.raises(ValueError, match="weighting must be one of"):
        COARSE.weights("heavy", 640.0)


def test_taper_makes_the_beam_as_wide_as_asked_for():
    tapered = COARSE.tapered(FLAT, 25.0, 128, 5.0)
    beam = fit_beam(COARSE.beam(tapered, 128, 5.0), 5.0)
    assert beam.width_arcsec == pytest.approx(25.0, rel=0.01)
    with pytest.raises(ValueError, match="resolution_arcsec must be at least"):
        COARSE.tapered(COARSE.weights("natural", 640.0), 11.0, 128, 5.0)


def test_a_gaussian_fits_itself():
    beam = Beam(30.0, 18.0, 35.0)
    image = beam.image(65, 3.0)
    found = fit_beam(image, 3.0)
    assert (found.major_arcsec, found.minor_arcsec, found.position_angle_deg) == pytest.approx(
        (30.0, 18.0, 35.0), rel=1e-6
    )
    assert image.sum() * 9.0 == pytest.approx(beam.area_arcsec2, rel=1e-6)
    # North through east, and east is at the left.
    assert image[32 + 4, 32 - 3] > image[32 + 4, 32 + 3]
    with pytest.raises(ValueError, match="wider than the pixels"):
        fit_beam(Beam(3.0, 3.0, 0.0).image(65, 3.0), 3.0)
