"""Stores of the hold-out galaxies seen face-on and edge-on, for the findings on shifts.

python docs/figures/orientation.py runs/face-on --inclination 0
python docs/figures/orientation.py runs/edge-on --inclination 90

Disks of synthetic galaxies are made in the plane z = 0, so that the inclination is that of the
disk. Training saw directions uniform on the sphere: within 10 degrees of face-on 1.5 % of the
time, of edge-on 17 %.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from scores import shipped
from tqdm import tqdm

from data.domains import DOMAINS
from data.maps import available_domains, field_of_view, prepare, render
from data.rotations import euler_rotation
from data.shards import Layout, Record
from data.sources import Synthetic
from data.store import MapStore


def record(seed: int, inclination_deg: float, grid_size: int) -> Record:
    """Return the maps of one synthetic galaxy whose disk is inclined by so much."""
    galaxy = prepare(Synthetic(seed).load())
    rotation, extent = euler_rotation(0.0, inclination_deg), field_of_view(galaxy)
    maps = render(
        galaxy, available_domains(galaxy), rotation=rotation, grid_size=grid_size,
        extent_kpc=extent,
    )  # fmt: skip
    return Record(galaxy.name, galaxy.kind, galaxy.redshift, extent, 0, rotation, maps,
                  lineage=galaxy.lineage)  # fmt: skip


def main() -> None:
    """Write the store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("store", type=Path)
    parser.add_argument("--inclination", type=float, required=True, help="degrees")
    options = parser.parse_args()
    evaluation = next(iter(shipped().values()))
    seeds = [int(name.removeprefix("synthetic-")) for name in evaluation.column("name")]
    grid_size = evaluation.maps.grid_size
    with MapStore.create(options.store, Layout(tuple(DOMAINS), grid_size)) as store:
        store.add([record(seed, options.inclination, grid_size) for seed in tqdm(seeds)])


if __name__ == "__main__":
    main()
