"""Observations as FITS, with the headers that radio astronomers' tools read, and as HDF5."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from data.atomic import replacing
from data.hdf5 import writing_hdf5
from data.line21cm import REST_FREQUENCY_HZ
from data.observation import Observed

FLUX, SURFACE = "Jy km s-1 beam-1", "Msun kpc-2"


def write_observed(observed: Observed, path: str | Path, *, truth: Any, name: str) -> Path:
    """Write an observation to `path`, as FITS or HDF5 by its ending, and return the path.

    Images: RESTORED, DIRTY, RESIDUAL in Jy km/s a beam; BEAM, the dirty one; HI, the restored map
    on the pixels of the map that was observed, and TRUTH, that map, in Msun/kpc^2.

    Parameters
    ----------
    truth : (H, W) the map that was observed. name : of the galaxy.

    Raises
    ------
    ValueError : on another ending.
    """
    path = Path(path)
    images = {
        "RESTORED": (observed.restored, FLUX), "DIRTY": (observed.dirty, FLUX),
        "RESIDUAL": (observed.residual, FLUX), "BEAM": (observed.dirty_beam, ""),
        "HI": (observed.surface_density, SURFACE), "TRUTH": (truth, SURFACE),
    }  # fmt: skip
    if path.suffix == ".fits":
        hdus = [
            _hdu(observed, key, np.asarray(values, np.float32), unit, name)
            for key, (values, unit) in images.items()
        ]
        with replacing(path) as aside:
            fits.HDUList([fits.PrimaryHDU(hdus[0].data, hdus[0].header), *hdus[1:]]).writeto(
                aside, overwrite=True
            )
    elif path.suffix in (".hdf5", ".h5"):
        with replacing(path) as aside, writing_hdf5(aside) as file:
            file.attrs.update({"galaxy": name, **observed.provenance()})
            for key, (values, unit) in images.items():
                made = file.create_dataset(
                    key.lower(), data=np.asarray(values, np.float32), compression="gzip"
                )
                made.attrs.update({"unit": unit, "pixel_arcsec": _pixel(observed, key)})
    else:
        raise ValueError(f"an observation is written as .fits or .hdf5, got {path.name}")
    return path


def _pixel(observed: Observed, key: str) -> float:
    grid = observed.grid
    return grid.pixel_arcsec * (grid.factor if key in ("HI", "TRUTH") else 1)


def _hdu(observed: Observed, key: str, values: Any, unit: str, name: str) -> Any:
    """Return an image with its place on the sky: right ascension 0, for there is no other."""
    header, asked = fits.Header(), observed.observation
    header["OBJECT"] = name
    header["TELESCOP"] = ("SKA-Mid AA4", "simulated")
    header["BTYPE"] = {"BEAM": "Beam", "HI": "hi", "TRUTH": "hi"}.get(key, "Intensity")
    if unit:
        header["BUNIT"] = unit
    pixel_deg, size = _pixel(observed, key) / 3600.0, values.shape[0]
    middle = size // 2 + 1.0 if key == "BEAM" else 0.5 * (size + 1)
    for axis, (kind, value, step) in enumerate(
        (("RA---SIN", 0.0, -pixel_deg), ("DEC--SIN", asked.declination_deg, pixel_deg)), start=1
    ):
        header[f"CTYPE{axis}"], header[f"CUNIT{axis}"] = kind, "deg"
        header[f"CRVAL{axis}"], header[f"CRPIX{axis}"] = value, middle
        header[f"CDELT{axis}"] = step
    header["RADESYS"] = "ICRS"
    if key != "TRUTH":
        header["BMAJ"] = (observed.beam.major_arcsec / 3600.0, "[deg]")
        header["BMIN"] = (observed.beam.minor_arcsec / 3600.0, "[deg]")
        header["BPA"] = (observed.beam.position_angle_deg, "[deg] north through east")
    header["RESTFRQ"] = (REST_FREQUENCY_HZ, "[Hz]")
    header["FREQ"] = (asked.frequency_hz, "[Hz] observed")
    header["BANDWID"] = (asked.bandwidth_hz, "[Hz] summed over")
    header["VELRANGE"] = (asked.velocity_range_km_s, "[km/s] the same, frame of the galaxy")
    header["REDSHIFT"] = asked.z
    header["EXPTIME"] = (3600.0 * asked.hours, "[s] on the source")
    header["WEIGHTIN"] = asked.weighting
    header["ROBUST"] = asked.robust
    header["NOISE"] = (observed.noise_jy_km_s, f"[{FLUX}] predicted")
    header["SEED"] = asked.seed
    return fits.ImageHDU(values, header, name=key)
