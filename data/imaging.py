"""From visibilities to images: weights, dirty beam and map, and the Gaussian that fits the beam.

Gridding and Fourier transforms are those of ducc0 (Arras et al. 2021, A&A 646, A58), which is an
extra, `observe`. Images are (row, column), row = y to the north, and column = x to the west, as a
map is drawn on the sky with east at the left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label
from scipy.optimize import least_squares

from data.interferometer import SPEED_OF_LIGHT_M_S, Coverage

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

WEIGHTINGS = ("natural", "uniform", "briggs")
ARCSEC = np.pi / 180.0 / 3600.0
FWHM_PER_SIGMA = float(np.sqrt(8.0 * np.log(2.0)))
_ACCURACY = 1e-6
_LEAST_LOBE = 9  # pixels that a Gaussian can be fitted to


@dataclass(frozen=True)
class Beam:
    """An elliptical Gaussian of peak one.

    Attributes
    ----------
    major_arcsec, minor_arcsec : full widths at half maximum.
    position_angle_deg : of the major axis, from north through east, 0 to 180.
    """

    major_arcsec: float
    minor_arcsec: float
    position_angle_deg: float

    @property
    def width_arcsec(self) -> float:
        """Geometric mean of both widths."""
        return float(np.sqrt(self.major_arcsec * self.minor_arcsec))

    @property
    def area_arcsec2(self) -> float:
        """Its integral."""
        return float(2.0 * np.pi * self.major_arcsec * self.minor_arcsec / FWHM_PER_SIGMA**2)

    def image(self, size: int, pixel_arcsec: float) -> Array:
        """Return it on an odd `size` x `size` image, in whose middle pixel it is one."""
        north, west = pixel_arcsec * (np.mgrid[:size, :size] - size // 2)
        angle = np.radians(self.position_angle_deg)
        along = north * np.cos(angle) - west * np.sin(angle)
        across = north * np.sin(angle) + west * np.cos(angle)
        squares = (along / self.major_arcsec) ** 2 + (across / self.minor_arcsec) ** 2
        return np.exp(-0.5 * FWHM_PER_SIGMA**2 * squares)


@dataclass(frozen=True)
class Imager:
    """Visibilities of one coverage and frequency, to and from images.

    Attributes
    ----------
    coverage : all of it must lie within what the pixels of the images can tell apart.
    frequency_hz : observed.
    """

    coverage: Coverage
    frequency_hz: float

    @property
    def _common(self) -> dict[str, Any]:
        # x is to the west, and ducc0 counts w away from the source.
        uvw = self.coverage.uvw_m * np.array([-1.0, 1.0, -1.0])
        frequency = np.array([self.frequency_hz])
        return {"uvw": uvw, "freq": frequency, "epsilon": _ACCURACY, "do_wgridding": True}

    @property
    def wavelengths(self) -> Array:
        """Return u (to the west) and v (2, n) in wavelengths."""
        u, v, _ = self.coverage.uvw_m.T
        return np.stack([-u, v]) * (self.frequency_hz / SPEED_OF_LIGHT_M_S)

    def visibilities(self, flux: Array, pixel_arcsec: float) -> Complex:
        """Return the visibilities (n,) of an image `flux` (H, W) of flux a pixel.

        Pixels are squares of even brightness, not points: what is finer than a pixel is not there.
        """
        pixel = pixel_arcsec * ARCSEC
        rows, columns = flux.shape
        vis = _wgridder().dirty2vis(
            dirty=np.ascontiguousarray(flux.T, np.float64), pixsize_x=pixel, pixsize_y=pixel,
            center_x=_middle(columns, pixel), center_y=_middle(rows, pixel), **self._common,
        )[:, 0]  # fmt: skip
        return vis * np.sinc(self.wavelengths * pixel).prod(axis=0)

    def image(
        self, visibilities: Complex, weights: Array, size: int, pixel_arcsec: float, *,
        on_pixel: bool = False,
    ) -> Array:  # fmt: skip
        """Return the dirty image (size, size) in flux a beam: the weighted mean of all waves.

        Parameters
        ----------
        size : even.
        on_pixel : put the phase center on the pixel size // 2 of both axes, as a dirty beam has
            it, instead of between the middle ones, as a map has it.
        """
        pixel = pixel_arcsec * ARCSEC
        middle = 0.0 if on_pixel else _middle(size, pixel)
        dirty = _wgridder().vis2dirty(
            vis=visibilities[:, None].astype(np.complex128), wgt=weights[:, None],
            npix_x=size, npix_y=size, pixsize_x=pixel, pixsize_y=pixel,
            center_x=middle, center_y=middle, **self._common,
        )  # fmt: skip
        return dirty.T / weights.sum()

    def beam(self, weights: Array, size: int, pixel_arcsec: float) -> Array:
        """Return the dirty beam (size, size): one at the pixel size // 2 of both axes."""
        ones = np.ones(len(weights), np.complex128)
        return self.image(ones, weights, size, pixel_arcsec, on_pixel=True)

    def noise(self, weights: Array) -> float:
        """Return the noise of a dirty image in Jy a beam, from that of the visibilities."""
        squares = (weights * self.coverage.noise_jy) ** 2
        return float(np.sqrt(squares.sum()) / weights.sum())

    def weights(self, weighting: str, field_arcsec: float, robust: float = 0.0) -> Array:
        """Return the weights (n,) of the visibilities.

        Parameters
        ----------
        weighting : "natural", by the noise alone; "uniform", all cells of the uv plane alike;
            "briggs", in between.
        field_arcsec : whose inverse is the side of a cell.
        robust : of Briggs (1995, PhD thesis, chapter 3), from -2, nearly uniform, to 2, nearly
            natural.
        """
        if weighting not in WEIGHTINGS:
            raise ValueError(f"weighting must be one of {', '.join(WEIGHTINGS)}, got {weighting!r}")
        natural = self.coverage.noise_jy**-2.0
        if weighting == "natural":
            return natural
        _, cell = np.unique(self._cells(field_arcsec), axis=1, return_inverse=True)
        density = np.bincount(cell, natural)
        if weighting == "uniform":
            return natural / density[cell]
        scale = (5.0 * 10.0**-robust) ** 2 * density.sum() / (density**2).sum()
        return natural / (1.0 + scale * density[cell])

    def _cells(self, field_arcsec: float) -> NDArray[np.int64]:
        """Return the cell (2, n) of the uv plane, of side 1 / field, that each visibility is in.

        A visibility and its conjugate are one measurement, in two cells; the one at v >= 0 counts.
        """
        cells = np.rint(self.wavelengths * (field_arcsec * ARCSEC)).astype(np.int64)
        u, v = cells
        return cells * np.where((v < 0) | ((v == 0) & (u < 0)), -1, 1)

    def tapered(self, weights: Array, width_arcsec: float, size: int, pixel_arcsec: float) -> Array:
        """Return `weights` with the taper that makes the beam so wide, to a percent.

        Parameters
        ----------
        size, pixel_arcsec : of the images, many beams wide.

        Raises
        ------
        ValueError : where the beam is wider without any, or jumps past that width, as one does that
            has a narrow peak on a broad foot.
        """
        u, v = self._cells(size * pixel_arcsec) % size
        cells = np.bincount(v * size + u, weights, size**2).reshape(size, size)
        side = np.fft.fftfreq(size, pixel_arcsec * ARCSEC)
        radius2 = side**2 + side[:, None] ** 2

        def width(taper_arcsec: float) -> float:
            """Return the width of the beam of all cells, each in its middle: near enough."""
            waves = np.fft.fft2(cells * _gaussian(radius2, taper_arcsec)).real
            beam = np.fft.fftshift(waves) / waves[0, 0]
            if len(_main_lobe(beam)[0]) < _LEAST_LOBE:
                return 0.0
            return fit_beam(beam, pixel_arcsec).width_arcsec

        narrowest = width(0.0)
        if narrowest > 1.01 * width_arcsec:
            raise ValueError(
                f"resolution_arcsec must be at least {narrowest:.3g} with this weighting, got "
                f"{width_arcsec:g}"
            )
        low, high = 0.0, width_arcsec
        for _ in range(30):
            taper = 0.5 * (low + high)
            found = width(taper)
            if abs(found - width_arcsec) < 0.005 * width_arcsec:
                return weights * _gaussian((self.wavelengths**2).sum(axis=0), taper)
            low, high = (taper, high) if found < width_arcsec else (low, taper)
        raise ValueError(
            f"a beam of {width_arcsec:g} arcsec has a narrow peak on a broad foot with this "
            "weighting: robust must be lower"
        )


def fit_beam(dirty_beam: Array, pixel_arcsec: float) -> Beam:
    """Return the Gaussian of peak one that fits the main lobe of a dirty beam, above a half.

    Parameters
    ----------
    dirty_beam : (n, n), one at the pixel n // 2 of both axes.

    Raises
    ------
    ValueError : where the main lobe leaves the image or is hardly a pixel wide.
    """
    middle = len(dirty_beam) // 2
    rows, columns = _main_lobe(dirty_beam)
    edge = {0, len(dirty_beam) - 1}
    if len(rows) < _LEAST_LOBE or edge & {*rows.tolist(), *columns.tolist()}:
        raise ValueError(
            f"the beam must be wider than the pixels and narrower than the image, of "
            f"{pixel_arcsec:.3g} and {pixel_arcsec * len(dirty_beam):.3g} arcsec"
        )
    north, west = (rows - middle).astype(float), (columns - middle).astype(float)
    values = dirty_beam[rows, columns]

    def misfit(form: Array) -> Array:
        a, b, c = form
        return np.exp(-(a * north**2 + 2 * b * north * west + c * west**2)) - values

    start = np.log(2.0) * np.pi / len(rows)
    a, b, c = least_squares(misfit, [start, 0.0, start]).x
    steepness, axes = np.linalg.eigh(np.array([[a, b], [b, c]]))
    major, minor = pixel_arcsec * 2.0 * np.sqrt(np.log(2.0) / steepness)
    along = axes[:, 0]  # (north, west)
    angle = np.degrees(np.arctan2(-along[1], along[0])) % 180.0
    return Beam(float(major), float(minor), float(angle))


def _main_lobe(dirty_beam: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of the pixels above a half that are connected with the middle."""
    lobes, _ = label(dirty_beam > 0.5)
    middle = len(dirty_beam) // 2
    rows, columns = np.nonzero(lobes == lobes[middle, middle])
    return rows, columns


def _gaussian(radius2: Array, width_arcsec: float) -> Array:
    """Return what blurs an image by a Gaussian of that full width, at squared wavelengths."""
    sigma = 2.0 * np.pi * width_arcsec * ARCSEC / FWHM_PER_SIGMA
    return np.exp(-0.5 * sigma**2 * radius2)


def _middle(size: int, pixel: float) -> float:
    """Return where the middle of an image is, of which ducc0 takes the pixel size // 2."""
    return pixel * (size // 2 - 0.5 * (size - 1))


def _wgridder() -> Any:
    try:
        from ducc0 import wgridder
    except ImportError:
        raise ValueError(
            "observations need ducc0, which comes with pip install 'galactic-alchemy[observe]'"
        ) from None
    return wgridder
