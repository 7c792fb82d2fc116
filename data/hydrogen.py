"""Neutral hydrogen of gas cells and its atomic and molecular parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data.cosmology import HYDROGEN_FRACTION
from data.galaxy import Galaxy, Particles
from data.gas import STAR_FORMING_TEMPERATURE
from data.ionization import neutral_fraction
from data.molecules import MOLECULAR_MODELS

Array = NDArray[np.float64]

DEFAULT_MOLECULAR_MODEL = "krumholz2009"


def hydrogen_masses(
    galaxy: Galaxy, *, molecular_model: str = DEFAULT_MOLECULAR_MODEL
) -> dict[str, Array]:
    """Return the mass of neutral, atomic ("hi") and molecular ("h2") hydrogen of each gas cell.

    Follows Villaescusa-Navarro et al. (2018), section 2.2: the simulation's own neutral fraction
    where a cell forms no stars, `neutral_fraction` at 1e4 K where it does, and everywhere if the
    galaxy carries none; H2 is taken off star-forming cells alone.

    Parameters
    ----------
    galaxy : with gas that has density and temperature; "blitz2006" and "gnedin2011" also need
        internal_energy or electron_abundance.
    molecular_model : name in `data.molecules.MOLECULAR_MODELS`.

    Returns
    -------
    {"neutral", "hi", "h2"}: (n_gas,) Msun each.

    Raises
    ------
    ValueError : on an unknown model.
    """
    if molecular_model not in MOLECULAR_MODELS:
        known = ", ".join(MOLECULAR_MODELS)
        raise ValueError(f"molecular_model must be one of {known}, got {molecular_model!r}")
    gas = galaxy.particles["gas"]
    forming = np.zeros(len(gas), bool)
    if "star_formation_rate" in gas:
        forming = gas["star_formation_rate"] > 0
    kelvin = np.where(forming, STAR_FORMING_TEMPERATURE, gas["temperature"])
    neutral = neutral_fraction(gas["density"], kelvin, galaxy.redshift)
    if "neutral_fraction" in gas:
        neutral = np.where(forming, neutral, gas["neutral_fraction"])
    molecular = np.zeros(len(gas))
    cells = Particles(
        gas.coordinates[forming],
        gas.masses[forming],
        {name: values[forming] for name, values in gas.fields.items()},
    )
    molecular[forming] = MOLECULAR_MODELS[molecular_model](cells, neutral[forming])
    total = HYDROGEN_FRACTION * gas.masses * neutral
    return {"neutral": total, "hi": total * (1 - molecular), "h2": total * molecular}
