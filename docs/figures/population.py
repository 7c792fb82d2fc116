"""Draw docs/images/population.png: synthetic galaxies beside the relations they are made from.

python docs/figures/population.py [galaxies of each kind]
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, ScalarFormatter

from data import cosmology as cosmo
from data.population import Census, take_census
from data.synthetic import KINDS, synthesize

COLORS = dict(zip(KINDS, ("#2166ac", "#b2182b", "#7b3294", "#1b7837", "#e08214"), strict=True))
OUT = Path(__file__).parents[1] / "images" / "population.png"


def gather(per_kind: int) -> tuple[dict[str, list[Census]], np.ndarray]:
    """Return censuses by kind, and (3, n) log n_H, log T, log |B|/uG of gas of all kinds."""
    found: dict[str, list[Census]] = {kind: [] for kind in KINDS}
    gas_states = []
    rng = np.random.default_rng(0)
    for first, kind in enumerate(KINDS):
        for seed in range(10_000 + 1000 * first, 10_000 + 1000 * first + per_kind):
            galaxy = synthesize(seed, kind=kind)
            found[kind].append(take_census(galaxy))
            gas = galaxy.particles["gas"]
            some = rng.choice(len(gas), 3000, replace=False)
            n_h = cosmo.HYDROGEN_FRACTION * cosmo.MSUN_KPC3_IN_PROTONS_CM3 * gas["density"][some]
            strength = 1e6 * np.linalg.norm(gas["magnetic_field"][some], axis=1)
            gas_states.append(np.log10([n_h, gas["temperature"][some], strength]))
    return found, np.concatenate(gas_states, axis=1)


def _relation(axes, x, y, scatter_dex):
    axes.plot(x, y, color="#222222", lw=1.2)
    low, high = y * 10.0**-scatter_dex, y * 10.0**scatter_dex
    axes.fill_between(x, low, high, color="#222222", alpha=0.12, lw=0)


def draw(found: dict[str, list[Census]], gas: np.ndarray) -> Figure:
    """Draw six panels: four relations with their scatter, and the gas in two phase diagrams."""
    figure = Figure(figsize=(10.2, 6.2), layout="constrained")
    axes = figure.subplots(2, 3)
    halo = np.geomspace(8e10, 3e13, 60)
    stars = np.geomspace(1e8, 3e11, 60)
    radii = np.array([cosmo.virial_radius(m, 0.0) for m in halo])
    panels = (
        (axes[0, 0], "halo_mass", "stellar_mass", halo,
         np.array([cosmo.stellar_mass(m, 0.0) for m in halo]), 0.15,
         r"halo mass $M_{200}$ ($M_\odot$)", r"stellar mass ($M_\odot$)", "Moster et al. (2013)"),
        (axes[0, 1], "halo_mass", "concentration", halo,
         np.array([cosmo.concentration(m, 0.0) for m in halo]), 0.11,
         r"halo mass $M_{200}$ ($M_\odot$)", r"concentration $c_{200}$",
         "Dutton & Macciò (2014)"),
        (axes[0, 2], "stellar_mass", "hi_mass", stars,
         np.array([cosmo.cold_gas_mass(m) for m in stars]) / 1.33, 0.2,
         r"stellar mass ($M_\odot$)", r"HI mass ($M_\odot$)", "Papastergis et al. (2012)"),
        (axes[1, 0], "virial_radius", "half_mass_radius", radii, 0.015 * radii, 0.15,
         r"$R_{200}$ (kpc)", "stellar half-mass radius (kpc)", "Kravtsov (2013)"),
    )  # fmt: skip
    for ax, x, y, grid, relation, scatter, x_label, y_label, source in panels:
        _relation(ax, grid, relation, scatter)
        for kind, members in found.items():
            ax.scatter([getattr(c, x) for c in members],
                       [max(getattr(c, y), 1.0) for c in members],
                       s=9, color=COLORS[kind], lw=0, alpha=0.8,
                       label=kind.replace("_", " "))  # fmt: skip
        ax.set(xscale="log", yscale="log", xlabel=x_label, ylabel=y_label,
               xlim=(grid[0], grid[-1]))  # fmt: skip
        ax.set_title(source, fontsize=9, loc="left")
    axes[0, 2].set_ylim(1e7, 3e11)
    for axis, ticks in (
        (axes[0, 1].yaxis, [4, 6, 10, 15]),
        (axes[1, 0].xaxis, [100, 200, 400]),
        (axes[1, 0].yaxis, [1, 2, 5, 10]),
    ):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_major_formatter(ScalarFormatter())
        axis.set_minor_formatter(NullFormatter())
    axes[0, 0].legend(frameon=False, fontsize=7.5, loc="lower right", handletextpad=0.1)
    for ax, row, label, title in (
        (axes[1, 1], 1, r"$\log_{10}\,T$ (K)", "phases of the gas"),
        (axes[1, 2], 2, r"$\log_{10}\,|B|$ (µG)", r"field and density"),
    ):
        ax.hist2d(gas[0], gas[row], bins=160, norm=LogNorm(), cmap="cividis", rasterized=True)
        ax.set(xlabel=r"$\log_{10}\,n_\mathrm{H}$ (cm$^{-3}$)", ylabel=label)
        ax.set_title(title, fontsize=9, loc="left")
    line = np.array([-5.5, 1.0])
    for slope, at, style in ((0.5, 0.9, "--"), (2 / 3, 1.2, ":")):
        axes[1, 2].plot(line, at + slope * line, color="#b2182b", ls=style, lw=1.0,
                        label=rf"$n^{{{'1/2' if slope == 0.5 else '2/3'}}}$")  # fmt: skip
    axes[1, 2].legend(frameon=False, fontsize=8, loc="lower right")
    for ax in axes.flat:
        ax.tick_params(which="both", direction="in", top=True, right=True, labelsize=8)
        ax.xaxis.label.set_size(9)
        ax.yaxis.label.set_size(9)
    return figure


if __name__ == "__main__":
    mpl.rcParams["mathtext.fontset"] = "dejavusans"
    draw(*gather(int(sys.argv[1]) if len(sys.argv) > 1 else 60)).savefig(OUT, dpi=130)
    print(OUT)
