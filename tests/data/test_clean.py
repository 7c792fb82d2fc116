import numpy as np
import pytest
from scipy.signal import fftconvolve

from data.clean import clean, restore

SIZE = 48


def dirty_beam():
    """Return a beam (2n, 2n) with sidelobes that reach out of the image."""
    y, x = np.mgrid[: 2 * SIZE, : 2 * SIZE] - SIZE
    r = np.hypot(x, y)
    return np.exp(-0.5 * (r / 1.7) ** 2) * 0.9 + 0.1 * np.cos(0.6 * r) * np.exp(-r / 40.0)


def through(beam, sky):
    return fftconvolve(sky, beam)[SIZE : 2 * SIZE, SIZE : 2 * SIZE]


def test_point_sources_come_back():
    sky = np.zeros((SIZE, SIZE))
    sky[10, 12], sky[30, 33], sky[20, 20] = 2.0, 0.5, -0.3
    components, residual = clean(through(dirty_beam(), sky), dirty_beam(), threshold=1e-3)
    assert np.abs(residual).max() <= 1e-3
    for row, column in ((10, 12), (30, 33), (20, 20)):
        near = components[row - 2 : row + 3, column - 2 : column + 3]
        assert near.sum() == pytest.approx(sky[row, column], abs=0.01)
        assert np.abs(near).argmax() == 12
    assert components.sum() == pytest.approx(sky.sum(), abs=0.02)


def test_components_and_residual_make_up_the_dirty_image():
    rng = np.random.default_rng(0)
    sky = np.zeros((SIZE, SIZE))
    sky[12:30, 15:25] = rng.random((18, 10))
    dirty = through(dirty_beam(), sky) + 0.01 * rng.standard_normal((SIZE, SIZE))
    components, residual = clean(dirty, dirty_beam(), threshold=0.05)
    np.testing.assert_allclose(through(dirty_beam(), components) + residual, dirty, atol=1e-10)
    assert np.abs(residual).max() <= 0.05
    few, _ = clean(dirty, dirty_beam(), threshold=0.05, max_iterations=3)
    assert np.count_nonzero(few) <= 3


def test_restoring_keeps_flux():
    sky = np.zeros((SIZE, SIZE))
    sky[20, 25] = 3.0
    kernel = np.outer([1, 2, 1], [1, 2, 1]) / 4.0
    restored = restore(sky, np.zeros_like(sky), kernel)
    assert restored[20, 25] == pytest.approx(3.0)
    assert restored.sum() == pytest.approx(3.0 * kernel.sum())


def test_errors():
    with pytest.raises(ValueError, match="twice as large"):
        clean(np.zeros((4, 4)), np.zeros((4, 4)), threshold=1.0)
    with pytest.raises(ValueError, match="threshold must be above zero"):
        clean(np.zeros((4, 4)), np.zeros((8, 8)), threshold=0.0)


def test_smooth_sources_converge():
    """Weights that are not negative suffice, also where sidelobes reach far (Schwarz 1978)."""
    rng = np.random.default_rng(3)
    waves = np.zeros((2 * SIZE, 2 * SIZE))
    radius = np.hypot(*np.meshgrid(*2 * [np.fft.fftfreq(2 * SIZE)]))
    waves[radius < 0.15] = rng.random((radius < 0.15).sum()) ** 4
    waves[radius < 0.02] = 0.0  # no short baselines
    beam = np.fft.fftshift(np.fft.fft2(waves).real) / waves.sum()
    y, x = np.mgrid[:SIZE, :SIZE] - 0.5 * SIZE
    dirty = through(beam, np.exp(-(x**2 + y**2) / 200.0))
    threshold = 0.01 * np.abs(dirty).max()
    _, residual = clean(dirty, beam, threshold=threshold)
    assert np.abs(residual).max() < 1.01 * threshold
