"""Units of maps as the FITS standard spells them, which astropy reads too."""

from __future__ import annotations

from data.domains import Domain

# Pence et al. (2010), FITS 3.0, section 4.3.
_UNITS = {"M☉ kpc⁻²": "solMass kpc-2", "K": "K", "µG": "uG", "mK": "mK"}


def unit_of(domain: Domain) -> str:
    """Return the unit of a domain's map in plain ASCII."""
    return _UNITS[domain.unit]
