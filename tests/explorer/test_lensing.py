"""The page Lensing without a browser: what moves what, and what it says."""

from dataclasses import replace

import holoviews as hv
import numpy as np
import param
import pytest

from explorer.bending import Optics
from explorer.ensemble import Ensemble
from explorer.library import Scene
from explorer.session import Session
from explorer.store import Store
from explorer.views.lensing import LensingPage
from explorer.views.optics import OpticsInput

EXTENT, SIZE = 40.0, 48
CARDS = {"toy": {"title": "Toy", "domains": ["gas", "dark_matter"], "default_steps": 3}}


def halo(peak, core_kpc=3.0):
    axis = (np.arange(SIZE) - 0.5 * (SIZE - 1)) * EXTENT / SIZE
    r2 = axis[None, :] ** 2 + axis[:, None] ** 2
    return (peak / np.sqrt(1.0 + r2 / core_kpc**2)).astype(np.float32)


def scene(**maps):
    maps = {"gas": halo(1e7), "dark_matter": halo(3e9), "stars": halo(2e9, 1.0)} | maps
    return Scene("toy", "spiral", 0.0, 1, EXTENT, {k: v for k, v in maps.items() if v is not None})


@pytest.fixture
def page(monkeypatch):
    hv.extension("bokeh", logo=False)
    monkeypatch.setattr(Session, "_load", lambda self: None)
    session = Session(Store(cards=CARDS))
    session.scene = scene()
    made = LensingPage(session)
    made.fit(1100)
    return made


def release(slider, value):
    """Let go of a slider at a value."""
    slider.value = value
    with param.edit_constant(slider):
        slider.value_throttled = value


def draw(page, *peaks):
    session = page._session
    maps = np.stack([halo(peak) for peak in peaks])
    session.sampling.ensemble = Ensemble(session.store.view, session.scene, maps, 0.1)


def test_redshifts_and_factor_change_the_radius(page):
    before = page.bending.truth.einstein_kpc
    assert before > 1.0
    release(page.optics._sliders["source"], 0.8)
    nearer = page.bending.truth.einstein_kpc
    assert nearer < before
    page.optics._factor.value = 3
    assert page.bending.truth.einstein_kpc > nearer
    assert "as if 3 times as massive" in page._numbers.object


def test_a_source_is_never_before_its_lens():
    chosen = OpticsInput()
    release(chosen._sliders["lens"], 2.0)
    assert (chosen.optics.lens_redshift, chosen.optics.source_redshift) == (2.0, 2.1)
    release(chosen._sliders["source"], 0.5)
    assert (chosen.optics.lens_redshift, chosen.optics.source_redshift) == (0.4, 0.5)
    assert chosen._sliders["lens"].value == 0.4


def test_the_source_moves_by_click_and_stays_on_the_map(page):
    before = page.bending.truth.image
    page.optics.move(3.0, -2.0)
    assert (page.optics._sliders["x"].value, page.optics._sliders["y"].value) == (3.0, -2.0)
    assert np.abs(page.bending.truth.image - before).max() > 0.1
    page.optics.move(900.0, 0.0)
    assert page.optics.optics.source.x_kpc == 0.25 * EXTENT


def test_samples_make_curves_an_interval_and_a_spread(page):
    assert page.contents()[-1].values is None
    draw(page, 2.5e9, 3e9, 3.5e9)
    mean, spread = page.contents()[1], page.contents()[-1]
    assert "mean of 3" in mean.title
    np.testing.assert_allclose(mean.values, page.contents()[0].values, rtol=1e-6)
    assert spread.values.max() > 0.05
    assert len(page._overlays[False]._samples.data["xs"]) == 3
    assert len(page._overlays[True]._samples.data["xs"]) == 0
    assert "3 samples, 68 %" in page._numbers.object
    strip = page.strip._dots.data["x"]
    np.testing.assert_allclose(strip, np.log10(page.bending.einstein_kpc))


def test_samples_that_were_kept_come_with_their_own_galaxy(page):
    other, size = scene(dark_matter=halo(1e9)), SIZE // 2
    smaller = {name: values[::2, ::2] for name, values in other.maps.items()}
    other = replace(other, maps=smaller, key="other", extent_kpc=80.0)
    maps = np.stack([smaller["dark_matter"]] * 2)
    page._session.sampling.ensemble = Ensemble(page._session.store.view, other, maps, 0.1)
    assert page.bending.truth.lens.convergence.shape == (size, size)
    assert {content.extent_kpc for content in page.contents()} == {80.0}
    np.testing.assert_allclose(page.bending.peaks, page.bending.truth.peak)


def test_mass_is_of_dark_matter_alone_or_with_the_galaxys_own_stars(page):
    both = page.bending.truth.peak
    page.optics.mass = "dark matter"
    critical = Optics().critical
    assert page.bending.truth.peak == pytest.approx(halo(3e9).max() / critical)
    assert both == pytest.approx((halo(3e9) + halo(2e9, 1.0)).max() / critical)
    assert "stars" not in page._numbers.object.split("</table>")[1]


def test_weak_lenses_show_their_peaks_instead(page):
    page._session.scene = scene(dark_matter=halo(3e8), stars=None)
    assert page.strip.figure.title.text == "Peak convergence"
    assert "The truth is sub-critical, peak κ = 0.15" in page._numbers.object
    assert "no map of stars" in page._numbers.object


def test_another_target_has_no_prediction_and_says_why(page):
    page._session.store.target = "stars"
    assert page.bending.truth is not None
    assert not page.bending.predicted
    assert "choose dark matter" in page._numbers.object
    page._session.store.target = "dark_matter"
    page._session.scene = scene(dark_matter=None)
    assert page.bending.truth is None
    assert page.contents()[0].nothing == "no map of its dark matter"
