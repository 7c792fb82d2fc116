"""The help behind the "?": a tour of the page in a few steps, and what its symbols mean."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import panel as pn
import param

_HERE = Path(__file__).parent

SYMBOLS = (
    ("Σ", "Surface density: mass along the line of sight, per area on the sky (M☉ kpc⁻²)."),
    ("HI", "Neutral atomic hydrogen, which shines at a wavelength of 21 cm."),
    ("T, |B|", "Temperature (K) and magnetic field strength (µG), means along the line of sight "
     "weighted by mass."),
    ("dex", "Factors of ten: 0.3 dex is a factor of two, 1 dex a factor of ten."),
    ("Residual", "log₁₀ of output over truth: red is too much, blue too little."),
    ("t", "The sampler’s time: 1 is pure noise (or the source), 0 the finished map."),
    ("xₜ", "What the sampler holds at time t, in the model’s normalized units."),
    ("σ", "Standard deviation of the noise that is still in xₜ."),
    ("Estimate", "What the model believes, at time t, the finished map to be."),
    ("Steps", "How often the model is asked between t = 1 and t = 0."),
    ("Seed", "Start of the random numbers: each seed draws another sample of what is possible."),
    ("κ", "Convergence: surface density over the critical one, Σcr; where it is 1 and more, light "
     "from right behind becomes a ring of the Einstein radius θE."),
    ("Guidance", "1 is the model as trained; 0 ignores the source, more than 1 insists on it."),
)  # fmt: skip

TOUR = (
    ("One view of a galaxy into another",
     "<p>A generative model looks at one map of a galaxy, its gas for instance, and draws what "
     "another would show: dark matter, stars, neutral hydrogen, temperature, magnetic field.</p>"
     "<p>The galaxies in the list are synthetic. So their truth is known, and you see at once how "
     "far the model can be trusted.</p>"),
    ("Choose",
     "<p>At the left: a <b>galaxy</b>, one of five <b>rotations</b> or your own, the "
     "<b>source</b> that the model is given and the <b>target</b> that it draws, and which "
     "<b>translator</b> does it. Then press <b>Translate</b>.</p>"
     "<p>Another <b>seed</b> draws another sample. The address of the page follows your choice: "
     "send it, and others see the same.</p>"),
    ("Compare",
     "<p>The upper row has <b>input</b>, <b>output</b>, <b>truth</b> and <b>residual</b>. Output "
     "and truth share their color scale; the residual says where the model drew too much "
     "(red) or too little (blue).</p>"
     "<p><b>Translators beside</b> put others’ outputs and residuals next to these. Drag a map to "
     "move all of them, use the tools above it to zoom; point at it, and all of them tell their "
     "values at that place. <kbd>L</kbd> changes between logarithmic and linear colors, "
     "<kbd>O</kbd> between shared and own limits.</p>"),
    ("Watch it step by step",
     "<p>The lower row plays how the map came out of noise: the sampler’s state, the model’s "
     "estimate at that time, the truth, and their radial profiles.</p>"
     "<p>Click into the player, then <kbd>Space</kbd> plays, <kbd>←</kbd> and <kbd>→</kbd> step, "
     "<kbd>Home</kbd> and <kbd>End</kbd> jump, <kbd>+</kbd>, <kbd>−</kbd> and <kbd>0</kbd> "
     "zoom.</p>"),
    ("Ask more of it",
     "<p>The tabs above keep the same galaxy, source, target and translator. <b>Gallery</b> shows "
     "all galaxies as pictures and opens your own. <b>Profiles</b> compares radial profiles, and "
     "<b>Uncertainty</b> draws many samples: their mean, their scatter, and the mass in an "
     "aperture that you move.</p>"
     "<p><b>Population</b> and <b>Compare</b> show how translators did on galaxies that they never "
     "saw: each galaxy as a point that can be opened, and all methods in all directions.</p>"),
    ("Take it along",
     "<p>Under <b>Export</b>: the comparison with its radial profile, as PDF or SVG for papers and "
     "as PNG for slides; the profile, the maps and the steps as files; or all of it in one ZIP, "
     "with the command that makes it again.</p>"
     "<p>Under <b>On view</b> are the galaxy’s own numbers, whether training saw it, and the "
     "translator’s error in this direction on galaxies that it never saw.</p>"),
    ("Symbols",
     "<dl>" + "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in SYMBOLS) + "</dl>"),
)  # fmt: skip


class Tour(pn.custom.JSComponent):
    """A round button that opens the tour, as the key ? does."""

    pages = param.List(default=[list(page) for page in TOUR], doc="[title, text as HTML] of each.")

    _esm = (_HERE / "tour.js").read_text("utf-8")
    _stylesheets: ClassVar[list[str]] = [(_HERE / "tour.css").read_text("utf-8")]
