"""The one table of domains: what each map holds, in which unit, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Domain:
    """One face of a galaxy.

    Attributes
    ----------
    name : key in `DOMAINS`, as written in stores and cards.
    label : name for people.
    symbol : symbol in matplotlib's math text.
    unit : unit in plain Unicode; `unit_tex` is the same in math text.
    particles : the particle type it is made from: "gas", "dark_matter" or "stars".
    fields : fields beyond coordinates and masses which that particle type must carry.
    is_surface_density : True where the map is an amount per area, so that its sum times the
        pixel area is a total; False where it is a mean along the line of sight.
    floor : softening of the logarithm, in `unit`: maps enter it as log10(value + floor).
    center_dex, scale_dex : the normalizer takes (log10(value + floor) - center) / scale.
    display_range : default limits of the color scale, in `unit`.
    colormap : name known to matplotlib.
    """

    name: str
    label: str
    symbol: str
    unit: str
    unit_tex: str
    particles: str
    fields: tuple[str, ...]
    is_surface_density: bool
    floor: float
    center_dex: float
    scale_dex: float
    display_range: tuple[float, float]
    colormap: str

    @property
    def is_mass(self) -> bool:
        """Whether the map is a mass per area, so that its integral is a mass."""
        return self.unit == _SURFACE[0]


_SURFACE = ("M☉ kpc⁻²", r"$M_\odot\,\mathrm{kpc}^{-2}$")
_HYDROGEN = ("density", "temperature", "electron_abundance")

# The 21 cm brightness is that of a channel of 100 km/s; `data.line21cm` has the line's other forms.
_CHANNEL_BRIGHTNESS = r"$\langle T_\mathrm{b}\rangle_{100\,\mathrm{km/s}}$"

_TABLE = (
    Domain("dark_matter", "Dark matter", r"$\Sigma_\mathrm{DM}$", *_SURFACE,
           "dark_matter", (), True, 1e4, 7.4, 0.55, (1e6, 1e9), "magma"),
    Domain("stars", "Stars", r"$\Sigma_\star$", *_SURFACE,
           "stars", (), True, 1e3, 4.6, 1.5, (1e4, 1e9), "bone"),
    Domain("gas", "Gas", r"$\Sigma_\mathrm{gas}$", *_SURFACE,
           "gas", (), True, 1e3, 6.3, 0.65, (1e5, 1e8), "viridis"),
    Domain("hi", "Neutral hydrogen", r"$\Sigma_\mathrm{HI}$", *_SURFACE,
           "gas", _HYDROGEN, True, 1e3, 4.0, 1.6, (1e4, 3e7), "cividis"),
    Domain("temperature", "Temperature", r"$T$", "K", r"$\mathrm{K}$",
           "gas", ("temperature",), False, 1e2, 5.8, 0.55, (1e4, 1e7), "inferno"),
    Domain("magnetic_field", "Magnetic field", r"$|B|$", "µG", r"$\mu\mathrm{G}$",
           "gas", ("magnetic_field",), False, 1e-4, -0.5, 0.65, (3e-2, 30.0), "plasma"),
    Domain("brightness_temperature", "21 cm brightness", _CHANNEL_BRIGHTNESS, "mK",
           r"$\mathrm{mK}$", "gas", _HYDROGEN, True, 1.0, 1.0, 1.7, (1e1, 1e5), "cubehelix"),
)  # fmt: skip

DOMAINS: dict[str, Domain] = {domain.name: domain for domain in _TABLE}

# What an instrument makes of a domain, as `data.observed_store` puts it into stores. No galaxy has
# such a map by itself, so that whatever goes through all domains does not come across it. The floor
# is near the noise of hours with SKA-Mid, so that its logarithm does not blow noise up.
OBSERVED: dict[str, Domain] = {
    "observed_hi": Domain(
        "observed_hi", "Observed hydrogen", r"$\Sigma_\mathrm{HI}^\mathrm{obs}$", *_SURFACE,
        "gas", _HYDROGEN, True, 1e5, 5.4, 0.6, (1e4, 3e7), "cividis",
    ),
}  # fmt: skip
_KNOWN = {**DOMAINS, **OBSERVED}


def get_domain(name: str) -> Domain:
    """Return the domain called `name`, also an observed one; ValueError names the known ones."""
    try:
        return _KNOWN[name]
    except (KeyError, TypeError):
        raise ValueError(f"unknown domain {name!r}; known are {', '.join(_KNOWN)}") from None
