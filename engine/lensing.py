"""Maps of mass as thin gravitational lenses: convergence, deflection, critical curve, images.

All angles are lengths in the lens plane: an angle theta is D_l theta, in kpc, so that a lens needs
no distance but for its critical surface density; `kpc_per_arcsec` turns them into arcseconds. The
mass outside of a map is taken to be nothing.

References: Schneider, Ehlers & Falco (1992); Bartelmann & Schneider (2001), section 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from astropy import units
from astropy.constants import G, c
from astropy.cosmology import FlatLambdaCDM
from contourpy import contour_generator
from numpy.typing import NDArray
from scipy.fft import irfft2, next_fast_len, rfft2
from scipy.ndimage import map_coordinates

from data.cosmology import HUBBLE, OMEGA_MATTER

Array = NDArray[np.float64]

_COSMOLOGY = FlatLambdaCDM(H0=100.0 * HUBBLE, Om0=OMEGA_MATTER)


def critical_surface_density(lens_redshift: float, source_redshift: float) -> float:
    """Return c^2 D_s / (4 pi G D_l D_ls) in Msun/kpc^2, in the cosmology of IllustrisTNG.

    Raises
    ------
    ValueError : unless 0 < lens_redshift < source_redshift.
    """
    if not 0.0 < lens_redshift < source_redshift < np.inf:
        raise ValueError(
            "redshifts must be 0 < lens < source, "
            f"got lens {lens_redshift:g} and source {source_redshift:g}"
        )
    # In a flat universe angular diameter distances are comoving ones over 1 + z, D_ls the source's.
    to_lens, to_source = map(_COSMOLOGY.comoving_distance, (lens_redshift, source_redshift))
    ratio = to_source / (to_lens * (to_source - to_lens)) * (1.0 + lens_redshift)
    critical = c**2 / (4.0 * np.pi * G) * ratio
    return float(critical.to_value(units.Msun / units.kpc**2))


def kpc_per_arcsec(redshift: float) -> float:
    """Return the proper length in kpc that an arcsecond spans at `redshift`, in that cosmology."""
    if not 0.0 < redshift < np.inf:
        raise ValueError(f"redshift must be above 0, got {redshift:g}")
    return float(_COSMOLOGY.kpc_proper_per_arcmin(redshift).value) / 60.0


@dataclass(frozen=True)
class Lens:
    """What a map of convergence does to light, at the middles of its pixels.

    Attributes
    ----------
    extent_kpc : side of the map.
    convergence : (N, N) surface density in units of the critical one; row = y upwards.
    deflection : (2, N, N) x and y of alpha in kpc: light from beta is seen at theta = beta + alpha.
    shear : (2, N, N) gamma_1 and gamma_2.
    """

    extent_kpc: float
    convergence: Array
    deflection: Array
    shear: Array

    @classmethod
    def of(cls, convergence: NDArray[Any], extent_kpc: float) -> Lens:
        """Return the lens that a map of convergence (N, N) is.

        Deflection and shear are those of square pixels of even density, without any other
        approximation: the sums of their closed forms, by FFT on a grid of twice the size.

        Raises
        ------
        ValueError : on a map that is not square or not finite, or a bad extent.
        """
        kappa = np.asarray(convergence, np.float64)
        if kappa.ndim != 2 or kappa.shape[0] != kappa.shape[1] or not kappa.size:
            raise ValueError(f"convergence must have shape (N, N), got {kappa.shape}")
        if not np.isfinite(kappa).all():
            raise ValueError("convergence must be finite, got NaN or infinity in it")
        if not 0.0 < extent_kpc < np.inf:
            raise ValueError(f"extent_kpc must be above 0, got {extent_kpc}")
        size = len(kappa)
        padded, kernels = _kernels(size)
        fields = irfft2(rfft2(kappa, (padded, padded)) * kernels, (padded, padded))
        x, y, gamma_1, gamma_2 = fields[:, :size, :size]
        pixel = extent_kpc / size
        return cls(extent_kpc, kappa, pixel * np.stack([x, y]), np.stack([gamma_1, gamma_2]))

    def times(self, factor: float) -> Lens:
        """Return the lens `factor` times as massive, or of a critical density as much lower."""
        parts = (self.convergence, self.deflection, self.shear)
        return Lens(self.extent_kpc, *(factor * part for part in parts))

    @property
    def tangential_eigenvalue(self) -> Array:
        """1 - kappa - |gamma|, (N, N): zero on the tangential critical curve."""
        return 1.0 - self.convergence - np.hypot(*self.shear)

    @property
    def magnification(self) -> Array:
        """1 / ((1 - kappa)^2 - |gamma|^2), (N, N): below zero where images are mirrored."""
        with np.errstate(divide="ignore"):
            return 1.0 / ((1.0 - self.convergence) ** 2 - (self.shear**2).sum(axis=0))

    @property
    def axis_kpc(self) -> Array:
        """The middles of the pixels, (N,), along x as along y."""
        size = len(self.convergence)
        return (np.arange(size) - 0.5 * (size - 1)) * self.extent_kpc / size

    def critical_curves(self) -> list[Array]:
        """Return the closed tangential critical curves, (n, 2) in kpc, the largest first."""
        axis = self.axis_kpc
        generator = contour_generator(axis, axis, self.tangential_eigenvalue)
        lines = [np.asarray(line, np.float64) for line in generator.lines(0.0)]
        closed = [line for line in lines if np.array_equal(line[0], line[-1])]
        return sorted(closed, key=_area, reverse=True)

    def einstein_radius(self) -> float:
        """Return the radius in kpc of the circle of the largest critical curve's area.

        The effective Einstein radius of Meneghetti et al. (2013); 0 where no curve closes within
        the map, as of a lens that is too weak.
        """
        return effective_radius(self.critical_curves())

    def caustics(self) -> list[Array]:
        """Return the critical curves traced back to the source plane, (n, 2) x and y in kpc."""
        return [curve - self._at(curve, self.deflection).T for curve in self.critical_curves()]

    def image(self, brightness: Callable[[Array, Array], Array], finer: int = 1) -> Array:
        """Return the lensed image (finer N, finer N) of a source: surface brightness is kept.

        Parameters
        ----------
        brightness : of the source at x and y in kpc, arrays of one shape; those are lengths in the
            lens plane, as everywhere here.
        finer : pixels of the image a pixel of the lens, along each side; between the middles of the
            lens's pixels its deflection is interpolated.
        """
        size = finer * len(self.convergence)
        axis = (np.arange(size) - 0.5 * (size - 1)) * self.extent_kpc / size
        x, y = np.meshgrid(axis, axis)
        alpha = self.deflection
        if finer > 1:
            alpha = self._at(np.stack([x.ravel(), y.ravel()], axis=1), alpha)
            alpha = alpha.reshape(2, size, size)
        return np.asarray(brightness(x - alpha[0], y - alpha[1]), np.float64)

    def _at(self, points: Array, fields: Array) -> Array:
        """Return fields (k, N, N) at points (n, 2) between the pixels, (k, n).

        Beyond the middles of the outermost pixels those go on as they are.
        """
        size = len(self.convergence)
        columns, rows = (points / (self.extent_kpc / size) + 0.5 * (size - 1)).T
        where = [rows, columns]
        return np.stack([map_coordinates(f, where, order=1, mode="nearest") for f in fields])


@dataclass(frozen=True)
class Source:
    """A round source of light with an exponential profile (Sersic index 1).

    Attributes
    ----------
    x_kpc, y_kpc : where it would be seen without a lens.
    scale_kpc : length over which its brightness falls by e.
    """

    x_kpc: float = 0.0
    y_kpc: float = 0.0
    scale_kpc: float = 1.0

    def __post_init__(self) -> None:
        if not (np.isfinite([self.x_kpc, self.y_kpc]).all() and 0.0 < self.scale_kpc < np.inf):
            raise ValueError(f"source must lie at a finite place and have a size, got {self}")

    def __call__(self, x: Array, y: Array) -> Array:
        """Return its surface brightness at x and y in kpc, 1 in its middle."""
        return np.exp(-np.hypot(x - self.x_kpc, y - self.y_kpc) / self.scale_kpc)


@lru_cache(maxsize=4)
def _kernels(size: int) -> tuple[int, NDArray[np.complex128]]:
    """Return a padded size, and transforms of what a pixel does at each offset: alpha and gamma.

    With psi the potential, alpha_x at (x, y) from a pixel of convergence 1 is the integral of
    x / (pi r^2) over it: the function below between its corners. Its derivatives are the shear.
    """
    padded = next_fast_len(2 * size, real=True)
    offsets = np.arange(padded)
    offsets = np.where(offsets < padded - size + 1, offsets, offsets - padded)
    edges = offsets[:, None] + np.array([0.5, -0.5])
    # No corner lies at an offset of zero, for those are half pixels.
    x, y = edges[None, :, None, :], edges[:, None, :, None]
    log_r = 0.5 * np.log(x**2 + y**2)
    primitives = (
        y * log_r + x * np.arctan(y / x),
        x * log_r + y * np.arctan(x / y),
        0.5 * (np.arctan(y / x) - np.arctan(x / y)),
        log_r,
    )
    sign = np.array([[1.0, -1.0], [-1.0, 1.0]])
    fields = [(primitive * sign).sum(axis=(2, 3)) / np.pi for primitive in primitives]
    return padded, np.stack([rfft2(field) for field in fields])


def effective_radius(curves: list[Array]) -> float:
    """Return the radius in kpc of the circle of the first curve's area, 0 where there is none."""
    return float(np.sqrt(_area(curves[0]) / np.pi)) if curves else 0.0


def _area(curve: Array) -> float:
    """Return the area that a closed curve (n, 2) encloses."""
    x, y = curve.T
    return 0.5 * abs(float(np.dot(x[:-1], y[1:]) - np.dot(x[1:], y[:-1])))
