"""Maps, steps and profiles as HDF5."""

from __future__ import annotations

import io
from typing import Any

import h5py
import numpy as np

from data.domains import get_domain
from engine.metrics.profile import radial_profile
from explorer.export.provenance import Facts
from explorer.export.units import unit_of
from explorer.translation import Run, residual_map

_AXES = "row = y upwards, column = x; pixel centers at x_kpc and y_kpc from the galaxy's center"


def everything_bytes(run: Run, facts: Facts) -> bytes:
    """Return an HDF5 file with the groups maps, steps and profile; facts are the root's attributes.

    maps has input, output and, where there is a truth, truth and residual, (H, W). steps has
    times, sigmas, and the maps after each step, states and estimates, (n, H, W). All is stored
    losslessly, in what every HDF5 library reads.
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, value in facts.items():
            file.attrs[name] = value
        file.attrs["axes"] = _AXES
        _write_axes(file, run)
        _write_maps(file, run)
        _write_steps(file, run)
        _write_profile(file, run)
    return buffer.getvalue()


def _write(group: h5py.Group, name: str, values: Any, **attributes: str) -> None:
    array = np.asarray(values)
    packed = {"compression": "gzip", "shuffle": True} if array.ndim > 1 else {}
    group.create_dataset(name, data=array, **packed).attrs.update(attributes)


def _write_axes(file: h5py.File, run: Run) -> None:
    height, width = run.output.shape
    pixel = run.scene.extent_kpc / width
    for name, count in (("x_kpc", width), ("y_kpc", height)):
        _write(file, name, (np.arange(count) - 0.5 * (count - 1)) * pixel, unit="kpc")


def _write_maps(file: h5py.File, run: Run) -> None:
    view = run.view
    maps = {
        "input": (run.scene.maps[view.source], view.source),
        "output": (run.output, view.target),
    }
    if run.truth is not None:
        maps["truth"] = (run.truth, view.target)
    for name, (values, domain) in maps.items():
        _write(file.require_group("maps"), name, values, domain=domain,
               unit=unit_of(get_domain(domain)))  # fmt: skip
    if run.truth is not None:
        residual = np.asarray(residual_map(run), np.float32)
        _write(file["maps"], "residual", residual, unit="dex", meaning="log10(output / truth)")


def _write_steps(file: h5py.File, run: Run) -> None:
    group, target = file.create_group("steps"), get_domain(run.view.target)
    _write(group, "times", run.times, meaning="time of the process after each step, 0 at the end")
    _write(group, "sigmas", run.sigmas, meaning="standard deviation of the noise in the state")
    _write(group, "states", run.noisy, meaning="x_t in the network's normalized units")
    _write(group, "estimates", run.estimates, domain=target.name, unit=unit_of(target))


def _write_profile(file: h5py.File, run: Run) -> None:
    group, view = file.create_group("profile"), run.view
    source, target = (unit_of(get_domain(name)) for name in (view.source, view.target))
    extent, bins = run.scene.extent_kpc, len(run.radii_kpc)
    given = radial_profile(run.scene.maps[view.source], extent, bins)[1]
    _write(group, "radii_kpc", run.radii_kpc, unit="kpc", meaning="middle of each annulus")
    _write(group, "input", given, unit=source)
    _write(group, "output", run.profiles[-1], unit=target)
    _write(group, "truth", run.truth_profile, unit=target)
    _write(group, "residual", run.residuals[-1], unit="dex", meaning="log10(output / truth)")
