"""Draw docs/images/observation.png: a galaxy's HI as SKA-Mid sees it after several times.

python docs/figures/observation.py [--seed 8] [--distance 40]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.colors import AsinhNorm
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from data.line21cm import column_density, surface_density_per_flux
from data.maps import field_of_view, render
from data.observation import Instrument, Observed, RadioObservation
from data.orientation import orient
from data.rotations import viewing_rotation
from data.synthetic import synthesize

PICTURE = Path(__file__).parents[1] / "images" / "observation.png"
HOURS = (1.0, 8.0, 100.0)
GRID, INCLINATION, POSITION_ANGLE = 128, 50.0, 35.0
# cm^-2: colors are linear below the first, about logarithmic above.
LINEAR, LOW, HIGH = 3e19, -1e20, 5e21
TICKS = (-1e20, 0.0, 1e20, 1e21)
COLORS = "cividis"


def columns_of(observed: Observed, image: np.ndarray) -> np.ndarray:
    """Return an image of Jy km/s a beam as N_HI in cm^-2, without its margin."""
    inside = observed.grid.inside
    factor = surface_density_per_flux(observed.observation.z) / observed.beam.area_arcsec2
    return column_density(image[inside, inside] * factor)


def draw(truth: np.ndarray, seen: list[Observed], extent_kpc: float, name: str) -> Figure:
    """Draw truth and beam, and dirty and restored maps below one another, a column a time."""
    figure = Figure(figsize=(10.4, 5.2), layout="constrained")
    panels = figure.subplots(2, 4)
    asked = seen[0].observation
    half = 0.5 * extent_kpc * asked.arcsec_per_kpc()
    place = (half, -half, -half, half)
    norm = AsinhNorm(linear_width=LINEAR, vmin=LOW, vmax=HIGH)
    shades = {"cmap": COLORS, "origin": "lower", "extent": place, "norm": norm}
    picture = panels[0, 0].imshow(column_density(truth), **shades)
    panels[0, 0].set_title("truth", fontsize=10)
    _beam_panel(panels[1, 0], seen[1])
    for column, one in zip(panels.T[1:], seen, strict=True):
        noise = float(column_density(one.noise_surface_density))
        column[0].imshow(columns_of(one, one.dirty), **shades)
        restored = columns_of(one, one.restored)
        column[1].imshow(restored, **shades)
        side = 2 * half / len(restored)
        axis = half - side * (np.arange(len(restored)) + 0.5)
        column[1].contour(axis, -axis, restored, [3 * noise], colors="#d55e00", linewidths=0.7)
        hours = one.observation.hours
        column[0].set_title(f"dirty map, {hours:g} h", fontsize=10)
        column[1].set_title(f"restored, {hours:g} h", fontsize=10)
        column[1].text(
            0.97,
            0.03,
            rf"$\sigma$ = {_power(noise)} cm$^{{-2}}$",
            color="white",
            ha="right",
            va="bottom",
            fontsize=8,
            transform=column[1].transAxes,
            bbox={"fc": "#00204d", "ec": "none", "alpha": 0.75, "pad": 2},
        )
        column[1].add_patch(Ellipse(
            (0.86 * half, -0.86 * half), one.beam.minor_arcsec, one.beam.major_arcsec,
            angle=-one.beam.position_angle_deg, fc="white", ec="none",
        ))  # fmt: skip
    for panel in [panels[0, 0], *panels[:, 1:].flat]:
        panel.set_xlim(half, -half)
        panel.set_ylim(-half, half)
    for panel in panels.flat:
        panel.tick_params(labelsize=8)
    for panel in panels[0, :]:
        panel.set_xticklabels([])
    for panel in panels[:, 2:].flat:
        panel.set_yticklabels([])
    for panel in panels[1]:
        panel.set_xlabel("east (arcsec)", fontsize=9)
    for panel in panels[:, 0]:
        panel.set_ylabel("north (arcsec)", fontsize=9)
    bar = figure.colorbar(picture, ax=panels[:, 3], shrink=0.8, pad=0.02, ticks=TICKS)
    bar.ax.set_yticklabels(["−10²⁰", "0", "10²⁰", "10²¹"])
    bar.set_label(r"$N_\mathrm{HI}$ (cm$^{-2}$)", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    figure.suptitle(
        f"{name} at {asked.distance_mpc:g} Mpc: {extent_kpc:.0f} kpc, inclination "
        f"{INCLINATION:g}°, SKA-Mid AA4, beam {seen[1].beam.width_arcsec:.0f}″, line summed over "
        f"{asked.velocity_range_km_s:g} km/s", fontsize=10,
    )  # fmt: skip
    return figure


def _beam_panel(panel: Any, one: Observed) -> None:
    """Draw the inner part of the dirty beam, with the half-power contour of the clean one."""
    pixel, middle = one.grid.pixel_arcsec, one.grid.size // 2
    reach = int(6 * one.beam.major_arcsec / pixel)
    near = slice(middle - reach, middle + reach + 1)
    side = (reach + 0.5) * pixel
    panel.imshow(one.dirty_beam[near, near], norm=AsinhNorm(0.01, vmin=-0.03, vmax=1.0),
                 cmap="gray", origin="lower", extent=(side, -side, -side, side))  # fmt: skip
    panel.add_patch(Ellipse(
        (0.0, 0.0), one.beam.minor_arcsec, one.beam.major_arcsec,
        angle=-one.beam.position_angle_deg, fc="none", ec="#d55e00", lw=1.0,
    ))  # fmt: skip
    panel.set_title(f"dirty beam, {one.observation.hours:g} h", fontsize=10)


def _power(value: float) -> str:
    exponent = int(np.floor(np.log10(value)))
    return rf"{value / 10.0**exponent:.1f}$\times$10$^{{{exponent}}}$"


def main() -> None:
    """Observe, and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--distance", type=float, default=40.0, help="in Mpc")
    options = parser.parse_args()
    galaxy = synthesize(options.seed)
    extent = field_of_view(galaxy)
    view = viewing_rotation(INCLINATION, POSITION_ANGLE, 0.0) @ orient(galaxy).frame
    truth = render(galaxy, ["hi"], rotation=view, grid_size=GRID, extent_kpc=extent)["hi"]
    seen = [
        Instrument(
            RadioObservation(distance_mpc=options.distance, hours=hours), GRID, extent
        ).observe(truth)
        for hours in HOURS
    ]
    draw(truth, seen, extent, galaxy.name).savefig(PICTURE, dpi=150)


if __name__ == "__main__":
    main()
