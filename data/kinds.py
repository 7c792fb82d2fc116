"""The kinds of synthetic galaxies, and what tells them from one another."""

from __future__ import annotations

from dataclasses import dataclass

from data.disk import DiskStyle


@dataclass(frozen=True)
class KindStyle:
    """Ranges and factors of one kind, all set by hand.

    Attributes
    ----------
    log_halo_mass : from and to, log10 of M200c in Msun.
    cold_gas, hot_gas : factors on the mean relations.
    bulge : from and to, share of the central galaxy's stars in the spheroid.
    filaments : number of filaments of infall, with a cold stream in each.
    outflow : strength of the bubbles that it has blown into its halo; 0 for none.
    disk : its disk.
    """

    log_halo_mass: tuple[float, float]
    cold_gas: float
    hot_gas: float
    bulge: tuple[float, float]
    filaments: int
    outflow: float
    disk: DiskStyle


STYLES = {
    "spiral": KindStyle(
        (11.6, 12.4), 1.2, 1.0, (0.1, 0.3), 3, 0.4,
        DiskStyle(4.0, 0.25, 2, 1.8, 16.0, 0.07, 0.12, 0.15, spurs=2.2, bubbles=60, warp_deg=7),
    ),
    "massive_halo": KindStyle(
        (12.5, 13.0), 0.12, 1.3, (0.85, 0.95), 4, 0.0,
        DiskStyle(4.0, 0.30, 0, 0.0, 20.0, 0.12, 0.2, 0.0, bubbles=5, warp_deg=15),
    ),
    "merger": KindStyle(
        (11.5, 12.4), 1.4, 1.0, (0.15, 0.35), 2, 0.3,
        DiskStyle(5.0, 0.20, 2, 1.4, 20.0, 0.10, 0.2, 0.0, spurs=0.6, bubbles=25),
    ),
    "irregular": KindStyle(
        (11.0, 11.4), 1.4, 1.1, (0.0, 0.05), 2, 0.3,
        DiskStyle(7.0, 0.01, 0, 0.0, 20.0, 0.20, 0.9, 0.15, clumps=3, bubbles=30, warp_deg=10,
                  stir=0.3),
    ),
    "turbulent": KindStyle(
        (11.3, 12.2), 2.2, 0.9, (0.05, 0.2), 4, 1.0,
        DiskStyle(9.0, 0.05, 0, 0.0, 20.0, 0.22, 0.3, 0.0, clumps=8, bubbles=15, warp_deg=8,
                  stir=0.1),
    ),
}  # fmt: skip

KINDS = tuple(STYLES)
