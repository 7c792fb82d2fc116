"""Maps as FITS: input, output, truth and residual, each with its unit and its axes in kpc."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from astropy.io import fits

from data.domains import Domain, get_domain
from explorer.export.provenance import Facts
from explorer.export.units import unit_of
from explorer.translation import Run, residual_map

# By fact: keyword of at most eight letters, and what stands behind it.
_CARDS = {
    "project": ("CREATOR", "software that made this file"), "version": ("VERSION", "of the same"),
    "torch": ("TORCHVER", "version of PyTorch"), "galaxy": ("OBJECT", "galaxy"),
    "kind": ("KIND", "of galaxy"), "redshift": ("REDSHIFT", ""),
    "rotation": ("ROTATION", "number of the direction looked from, 0: angles"),
    "inclination_deg": ("INCLIN", "[deg] of the disk, 0 is face-on"),
    "position_angle_deg": ("POSANGLE", "[deg] of the line of nodes, from +y"),
    "azimuth_deg": ("AZIMUTH", "[deg] about the axis of the disk"),
    "side_kpc": ("SIDEKPC", "[kpc] side of the maps"), "source": ("SOURCE", "domain of the input"),
    "target": ("TARGET", "domain of the output"), "translator": ("TRANSLAT", "checkpoint"),
    "checkpoint_sha256": ("WSHA256", ""), "sampler": ("SAMPLER", ""),
    "steps": ("NSTEPS", "steps of the sampler"), "guidance": ("GUIDANCE", "1 is p(x | y)"),
    "seed": ("SEED", "of the noise"), "cutout": ("CUTOUT", ""), "cutout_sha256": ("CSHA256", ""),
    "command": ("COMMAND", ""),
}  # fmt: skip


def maps_bytes(run: Run, facts: Facts) -> bytes:
    """Return a FITS file of four images, INPUT, OUTPUT, TRUTH (where there is one) and RESIDUAL.

    The first row of an image is that of lowest y, as viewers of FITS draw it, so that nothing is
    flipped. Every header has all facts, for images are also copied out of their file.
    """
    view = run.view
    source, target = get_domain(view.source), get_domain(view.target)
    hdus = [fits.PrimaryHDU(header=_header(facts))]
    images: list[tuple[str, Any, Domain | None]] = [
        ("INPUT", run.scene.maps[view.source], source), ("OUTPUT", run.output, target),
    ]  # fmt: skip
    if run.truth is not None:
        images += [("TRUTH", run.truth, target), ("RESIDUAL", residual_map(run), None)]
    for name, values, domain in images:
        header = _header(facts)
        _describe(header, np.shape(values), run.scene.extent_kpc, domain)
        hdus.append(fits.ImageHDU(np.asarray(values, np.float32), header, name=name))
    file = fits.HDUList(hdus)
    file.update_extend()  # as writing would do, after the checksum
    for hdu in file:
        hdu.add_checksum(when="of the header and data unit")  # in place of the time
    buffer = io.BytesIO()
    file.writeto(buffer)
    return buffer.getvalue()


def _header(facts: Facts) -> Any:
    """Return a header with all facts; long ones go on in CONTINUE cards."""
    header = fits.Header()
    for name, (keyword, comment) in _CARDS.items():
        if name in facts:
            value = facts[name]
            header[keyword] = (_ascii(value) if isinstance(value, str) else value, comment)
    for index, value in enumerate(np.reshape(facts["rotation_matrix"], -1).tolist()):
        row, column = divmod(index, 3)
        words = "rotation of the box, sight along the last axis" if index == 0 else ""
        header[f"ROT{row + 1}_{column + 1}"] = (value, words)
    header.add_comment(_ascii(facts["title"]))
    return header


def _ascii(text: Any) -> str:
    """Return what a header can hold of a text."""
    return str(text).encode("ascii", "backslashreplace").decode("ascii")


def _describe(header: Any, shape: tuple[int, ...], side_kpc: float, domain: Domain | None) -> None:
    """Write what an image's numbers are, and where its pixels lie.

    Both axes are linear (Greisen & Calabretta 2002): pixel 1 is the first one, whole numbers are
    the centers of pixels, and the center of the galaxy is between the middle ones.
    """
    if domain is None:
        header["BTYPE"] = ("log10(output/truth)", "residual in dex")
    else:
        header["BTYPE"] = (domain.name, domain.label)
        header["BUNIT"] = unit_of(domain)
    header["WCSNAME"] = "GALAXY"
    for axis, (pixels, name) in enumerate(zip(shape[::-1], "xy", strict=True), start=1):
        header[f"CTYPE{axis}"] = "LINEAR"
        header[f"CNAME{axis}"] = (name, "from the center of the galaxy, projected")
        header[f"CUNIT{axis}"] = "kpc"
        header[f"CRPIX{axis}"] = 0.5 * (pixels + 1)
        header[f"CRVAL{axis}"] = 0.0
        header[f"CDELT{axis}"] = (side_kpc / shape[1], "side of a pixel")
