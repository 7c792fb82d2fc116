"""The controls of the page Lensing: redshifts, mass, and the source behind."""

from __future__ import annotations

from typing import Any

import panel as pn
import panel_material_ui as pmui
import param
from panel.viewable import Viewer

from engine.lensing import Source
from explorer.bending import FACTORS, MASSES, Optics

_REDSHIFTS = (0.05, 2.0, 10.0)  # the least and most of a lens, and the most of a source
_BEHIND = 0.1  # by how much in redshift the source has to be
_LABELS = {
    "lens": "Lens redshift", "source": "Source redshift", "x": "Source x (kpc)",
    "y": "Source y (kpc)", "size": "Source size (kpc)",
}  # fmt: skip
_HELP = {
    "lens": "Where the galaxy is put, whatever its own redshift.",
    "source": "Where the light comes from, behind the lens.",
    "x": "Where the source would be seen without a lens; a click on a map puts it there.",
    "y": "Where the source would be seen without a lens; a click on a map puts it there.",
    "size": "Length over which its light falls by e, as it would be seen without a lens.",
}

_MASS_HELP = (
    "What bends light: the dark matter, true or predicted; with either, if so chosen, the galaxy’s "
    "own stars and gas."
)


class OpticsInput(Viewer):
    """Sliders and switches that say what bends what.

    Attributes
    ----------
    added : domains that are added to the dark matter.
    """

    optics = param.Parameter(default=Optics(), doc="As chosen; never a source before its lens.")
    mass = param.Selector(default="+ stars", objects=list(MASSES), doc=_MASS_HELP)

    def __init__(self) -> None:
        super().__init__()
        self._writing = False
        self._half = 50.0
        self._sliders = {name: self._slider(name) for name in _LABELS}
        low, most, last = _REDSHIFTS
        self._sliders["lens"].param.update(start=low, end=most, step=0.05)
        self._sliders["source"].param.update(start=low + _BEHIND, end=last, step=0.05)
        self._mass = pmui.RadioButtonGroup.from_param(
            self.param.mass, label="Mass", size="small", margin=(2, 10),
            sx={"& .MuiToggleButton-root": {"whiteSpace": "nowrap"}},
        )  # fmt: skip
        self._factor = pmui.RadioButtonGroup(
            label="As if so many times as massive", options={f"×{n}": n for n in FACTORS}, value=1,
            size="small", margin=(2, 10),
        )  # fmt: skip
        self._factor.param.watch(lambda event: self._ask(), "value")
        self._show()

    @property
    def added(self) -> tuple[str, ...]:
        """Domains that are added to the dark matter."""
        return MASSES[self.mass]

    def place(self, extent_kpc: float) -> None:
        """Put a source of a useful size near the middle of a map of another galaxy."""
        self._half = 0.5 * extent_kpc
        reach, step = 0.25 * extent_kpc, extent_kpc / 400
        self._writing = True
        for name in ("x", "y"):
            self._sliders[name].param.update(start=-reach, end=reach, step=step)
        self._sliders["size"].param.update(start=step, end=0.1 * extent_kpc, step=step)
        self._writing = False
        self.move(0.02 * extent_kpc, 0.01 * extent_kpc, 0.02 * extent_kpc)

    def move(self, x_kpc: float, y_kpc: float, scale_kpc: float | None = None) -> None:
        """Put the source where a person clicked, or as near to it as the sliders go."""
        reach = 0.5 * self._half
        x, y = (min(max(value, -reach), reach) for value in (x_kpc, y_kpc))
        source = Source(x, y, scale_kpc or self.optics.source.scale_kpc)
        self._set(source=source)

    def _slider(self, name: str) -> Any:
        slider = pmui.FloatSlider(
            label=_LABELS[name], description=_HELP[name], size="small", margin=(4, 14),
            sizing_mode="stretch_width", min_width=120, format="0.00",
        )  # fmt: skip
        slider.param.watch(lambda event: self._ask(name), "value_throttled")
        return slider

    def _ask(self, moved: str = "") -> None:
        """Take over what the controls say; a redshift that was not moved gives way."""
        if self._writing:
            return
        lens, source, x, y, size = (slider.value for slider in self._sliders.values())
        if source < lens + _BEHIND:
            lens, source = (
                (max(source - _BEHIND, _REDSHIFTS[0]), source)
                if moved == "source" else (lens, lens + _BEHIND)
            )  # fmt: skip
        self._set(
            lens_redshift=round(lens, 2), source_redshift=round(source, 2),
            factor=float(self._factor.value), source=Source(x, y, size),
        )  # fmt: skip

    def _set(self, **changes: Any) -> None:
        self.optics = Optics(**{**vars(self.optics), **changes})
        self._show()

    def _show(self) -> None:
        optics, light = self.optics, self.optics.source
        values = (optics.lens_redshift, optics.source_redshift, light.x_kpc, light.y_kpc,
                  light.scale_kpc)  # fmt: skip
        self._writing = True
        for slider, value in zip(self._sliders.values(), values, strict=True):
            slider.value = min(max(value, slider.start), slider.end)
        self._writing = False

    def __panel__(self) -> Any:
        lens, source, x, y, size = self._sliders.values()
        row: dict[str, Any] = {"margin": 0, "sizing_mode": "stretch_width"}
        return pn.Column(
            pn.Row(self._mass, self._factor, **row, styles={"flex-wrap": "wrap"}),
            pn.Row(lens, source, **row), pn.Row(x, y, size, **row), **row,
        )  # fmt: skip
