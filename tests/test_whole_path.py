"""The whole path on a real object: read, render, translate, profile, export."""

import numpy as np
import pytest

from data.cutouts import read_cutout
from data.maps import field_of_view, render
from engine.metrics.profile import radial_profile, residual_dex
from engine.translator import Translator, available
from explorer.figures import Comparison, comparison_figure

# Centers in ckpc/h of three objects in the TNG50-4 excerpt.
OBJECTS = [(25929, 10371, 25312), (26106, 10143, 27266), (25513, 8077, 26512)]
HUBBLE = 0.6774


@pytest.mark.parametrize("center", OBJECTS)
def test_a_real_object_goes_from_particles_to_the_exported_figure(tng50_excerpt, center, tmp_path):
    galaxy = read_cutout(
        tng50_excerpt, center_kpc=np.array(center) / HUBBLE, radius_kpc=100 / HUBBLE
    )
    extent = field_of_view(galaxy)
    for name in available():
        translator = Translator.load(name, device="cpu")
        size = translator.grid_size
        maps = render(galaxy, ["gas", "dark_matter"], grid_size=size, extent_kpc=extent)
        output = translator.translate(maps["gas"], "gas", "dark_matter", num_steps=4)[0]
        profile, truth = (radial_profile(m, extent)[1] for m in (output, maps["dark_matter"]))
        # Trained on synthetic galaxies alone, yet within a factor of ten everywhere on a real one.
        assert np.nanmax(np.abs(residual_dex(profile, truth))) < 1.0
        comparison = Comparison(
            maps["gas"], output, maps["dark_matter"], "gas", "dark_matter", extent
        )
        path = tmp_path / f"{name}.pdf"
        comparison_figure(comparison).savefig(path)
        assert path.read_bytes().startswith(b"%PDF")
