"""Galaxies whose lensing is known: isothermal, so that Einstein radii grow as masses do."""

import numpy as np
import pytest

from engine.lensing import Lens, Source
from explorer.bending import FACTORS, Masses, Optics, bend, field_of, interval, masses_of
from explorer.library import Scene
from explorer.views.bent import numbers_html, sentence

EXTENT, SIZE, EINSTEIN = 40.0, 128, 4.0
CRITICAL = Optics().critical


def isothermal(einstein_kpc=EINSTEIN):
    """Surface density of a singular isothermal sphere, Sigma = Sigma_cr theta_E / 2 r."""
    fine = 4
    axis = (np.arange(SIZE * fine) - 0.5 * (SIZE * fine - 1)) * EXTENT / (SIZE * fine)
    r = np.hypot(*np.meshgrid(axis, axis))
    density = np.where(r < 0.5 * EXTENT, 0.5 * einstein_kpc / r, 0.0)
    means = density.reshape(SIZE, fine, SIZE, fine).mean(axis=(1, 3))
    return (CRITICAL * means).astype(np.float32)


def scene(**maps):
    return Scene("toy", "spiral", 0.0, 1, EXTENT, {"dark_matter": isothermal()} | maps)


def bent(optics=None, predicted=(), added=(), made=None):
    samples = np.stack(predicted) if len(predicted) else None
    return bend(masses_of(made or scene(), samples, added), optics or Optics())


def test_truth_and_samples_have_the_einstein_radii_that_were_put_in():
    found = bent(predicted=[isothermal(EINSTEIN * f) for f in (0.5, 1.0, 1.5)])
    assert found.truth.einstein_kpc == pytest.approx(EINSTEIN, rel=0.02)
    np.testing.assert_allclose(found.einstein_kpc, [2.0, 4.0, 6.0], rtol=0.02)
    low, middle, high = interval(found.einstein_kpc)
    assert (low, middle, high) == pytest.approx((2.64, 4.0, 5.36), rel=0.02)
    np.testing.assert_allclose(found.mean("convergence"), found.truth.lens.convergence, rtol=1e-6)


def test_radii_grow_with_the_factor_and_with_what_is_added():
    assert bent(Optics(factor=2.0)).truth.einstein_kpc == pytest.approx(8.0, rel=0.02)
    stars = scene(stars=isothermal(2.0))
    assert bent(made=stars).truth.einstein_kpc == pytest.approx(4.0, rel=0.02)
    both = bent(made=stars, predicted=[isothermal(1.0)], added=("stars",))
    assert both.truth.einstein_kpc == pytest.approx(6.0, rel=0.02)
    assert both.einstein_kpc[0] == pytest.approx(3.0, rel=0.02)


def test_redshifts_scale_the_radius_by_the_critical_density():
    optics = Optics(lens_redshift=0.2, source_redshift=0.6)
    expected = EINSTEIN * CRITICAL / optics.critical
    assert bent(optics).truth.einstein_kpc == pytest.approx(expected, rel=0.02)


def test_a_source_right_behind_is_a_ring_and_one_aside_has_two_images():
    ring = bent(Optics(source=Source(0.0, 0.0, 0.4))).truth.image
    size = len(ring)
    axis = (np.arange(size) - 0.5 * (size - 1)) * EXTENT / size
    r = np.hypot(*np.meshgrid(axis, axis))
    on_ring = np.abs(r - EINSTEIN) < 0.1
    assert ring[on_ring].min() > 0.7
    assert ring[np.abs(r - EINSTEIN) > 2.5].max() < 0.05
    # theta = beta +- theta_E on the axis of the source.
    aside = bent(Optics(source=Source(1.5, 0.0, 0.3))).truth.image[size // 2]
    right, left = axis > 0, axis < 0
    assert axis[right][aside[right].argmax()] == pytest.approx(5.5, abs=0.15)
    assert axis[left][aside[left].argmax()] == pytest.approx(-2.5, abs=0.2)


def test_a_weak_lens_says_so_and_what_would_be_strong():
    axis = (np.arange(SIZE) - 0.5 * (SIZE - 1)) * EXTENT / SIZE
    # Its largest convergence is 0.25 and kappa + |gamma| is no more.
    weak = 0.25 * CRITICAL * np.exp(-0.5 * np.hypot(*np.meshgrid(axis, axis)) ** 2 / 36.0)
    made = scene(dark_matter=weak.astype(np.float32))
    found = bent(made=made, predicted=[weak.astype(np.float32)])
    assert found.truth.einstein_kpc == 0.0
    assert found.truth.peak == pytest.approx(0.25, rel=0.01)
    assert found.factor_needed == next(f for f in FACTORS if f > 4)
    said = sentence(found, masses_of(made, None, ()))
    assert "The truth is sub-critical, peak κ = 0.25: no critical curve." in said
    assert "The prediction is sub-critical" in said
    assert "As if 10 times as massive" in said
    strong = bent(Optics(factor=10.0), made=made)
    said = sentence(strong, masses_of(made, None, ()), "not translated yet")
    assert strong.truth.einstein_kpc > 1.0
    assert "as if 10 times as massive." in said
    assert "sub-critical" not in said
    assert said.endswith("No prediction: not translated yet.")


def test_samples_of_which_some_are_weak_are_counted():
    weak = np.full((SIZE, SIZE), 0.01 * CRITICAL, np.float32)
    found = bent(predicted=[isothermal(), weak, weak])
    assert "2 of 3 samples are sub-critical." in sentence(found, masses_of(scene(), None, ()))
    html = numbers_html(found, masses_of(scene(), None, ()), "")
    assert "3 samples, 68 %" in html
    assert "none (0.00" in html


def test_spread_of_images_is_that_of_their_pixels():
    found = bent(predicted=[isothermal(3.0), isothermal(4.0)])
    images = [field_of(each, "image") for each in found.predicted]
    np.testing.assert_allclose(found.spread(), np.abs(images[0] - images[1]) / np.sqrt(2.0),
                               atol=1e-12)  # fmt: skip
    assert bent(predicted=[isothermal()]).spread() is None


def test_what_is_lacking_is_said_and_nothing_is_no_crash():
    masses = masses_of(scene(), None, ("stars", "gas"))
    assert masses.lacking == ("stars", "gas")
    assert "no map of stars" in sentence(bend(masses, Optics()), masses)
    nothing = Masses(None, ())
    said = sentence(bend(nothing, Optics()), nothing, "not translated yet")
    assert said == "Dark matter. No prediction: not translated yet."
    assert isinstance(masses.truth, Lens)
