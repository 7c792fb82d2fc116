"""`python -m data observe` and `observe-store`: one galaxy, or a store's, as SKA-Mid sees them."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from data.arguments import whole_number
from data.cutouts import read_cutout
from data.imaging import WEIGHTINGS
from data.maps import field_of_view, render
from data.observation import RadioObservation, observe
from data.observation_files import write_observed
from data.observed_store import Survey, observe_store
from data.orientation import orient
from data.rotations import viewing_rotation
from data.synthetic import synthesize

# Options that are fields of `RadioObservation`, with what they say.
_NUMBERS = {
    "redshift": "where the galaxy is put",
    "distance_mpc": "the same, as luminosity distance",
    "hours": "on the source, on as many days as it takes",
    "declination_deg": "of the galaxy",
    "resolution_arcsec": "width of the beam",
    "robust": "of the weighting briggs, -2 to 2",
    "velocity_range_km_s": "over which the line is summed",
    "track_hours": "longest track of a day",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("path", metavar="OUT.fits | OUT.hdf5", type=Path)
    galaxy = parser.add_mutually_exclusive_group(required=True)
    galaxy.add_argument("--cutout", metavar="FILE", type=Path)
    galaxy.add_argument("--synthetic", metavar="SEED", type=int)
    parser.add_argument("--inclination", metavar="DEG", type=float, default=45.0,
                        help="of the disk; 0 is face-on")  # fmt: skip
    parser.add_argument("--position-angle", metavar="DEG", type=float, default=0.0)
    parser.add_argument("--extent-kpc", metavar="KPC", type=float, help="side of the map")
    parser.add_argument("--grid-size", type=whole_number, default=128, help="pixels a side")
    for name, words in _NUMBERS.items():
        default = RadioObservation.__dataclass_fields__[name].default
        shown = "" if default is None else f"; {default:g} where left out"
        parser.add_argument(_option(name), dest=name, metavar="X", type=float, default=default,
                            help=words + shown)  # fmt: skip
    parser.add_argument("--weighting", choices=WEIGHTINGS, default="briggs")
    parser.add_argument("--without-noise", dest="has_noise", action="store_false")
    parser.add_argument("--seed", type=int, default=0, help="of the noise")


def add_store_options(parser: argparse.ArgumentParser) -> None:
    """Say what the command for stores takes."""
    parser.add_argument("source", metavar="STORE", type=Path)
    parser.add_argument("path", metavar="OUT", type=Path, help="run again to continue")
    for name, words in {"distance_mpc": "of the galaxies", "hours": "on each of them"}.items():
        default = getattr(Survey, name)
        parser.add_argument(
            _option(name), dest=name, metavar=("LOW", "HIGH"), nargs=2, type=float,
            default=default, help=f"{words}; {default[0]:g} {default[1]:g} where left out",
        )  # fmt: skip
    for name in ("resolution_arcsec", "declination_deg"):
        parser.add_argument(_option(name), dest=name, metavar="X", type=float,
                            default=getattr(Survey, name))  # fmt: skip
    parser.add_argument("--galaxies", type=whole_number, help="so many of them; all if left out")
    parser.add_argument("--rotations", type=whole_number, help="of each; all if left out")
    parser.add_argument("--workers", type=whole_number, default=len(os.sched_getaffinity(0)))


def run_store(arguments: argparse.Namespace) -> int:
    """Observe the galaxies of a store, and say how many maps that made."""
    survey = Survey(
        tuple(arguments.distance_mpc), tuple(arguments.hours),
        resolution_arcsec=arguments.resolution_arcsec, declination_deg=arguments.declination_deg,
    )  # fmt: skip
    added = observe_store(
        arguments.source, arguments.path, survey, workers=arguments.workers,
        galaxies=arguments.galaxies, rotations=arguments.rotations,
    )  # fmt: skip
    print(f"{arguments.path}: {added} map stacks added")
    return 0


def _option(field: str) -> str:
    return "--" + field.removesuffix("_deg").removesuffix("_arcsec").replace("_", "-")


def run(arguments: argparse.Namespace) -> int:
    """Observe and write; the numbers that matter go to standard output."""
    fields = (*_NUMBERS, "weighting", "has_noise", "seed")
    asked = RadioObservation(**{name: getattr(arguments, name) for name in fields})
    cutout = arguments.cutout
    galaxy = read_cutout(cutout) if cutout else synthesize(arguments.synthetic)
    extent = arguments.extent_kpc or field_of_view(galaxy)
    view = viewing_rotation(arguments.inclination, arguments.position_angle, 0.0)
    truth = render(
        galaxy, ["hi"], rotation=view @ orient(galaxy).frame, grid_size=arguments.grid_size,
        extent_kpc=extent,
    )["hi"]  # fmt: skip
    seen = observe(truth, asked, extent_kpc=extent)
    write_observed(seen, arguments.path, truth=truth, name=galaxy.name)
    beam, per_flux = seen.beam, seen.provenance()["mass_per_flux"]
    flux = seen.restored.sum() * seen.grid.pixel_arcsec**2 / beam.area_arcsec2
    mass = float(truth.sum(dtype=float)) * (extent / len(truth)) ** 2
    print(f"{arguments.path}: {galaxy.name} at redshift {asked.z:.4f}, {extent:.1f} kpc or "
          f"{extent * asked.arcsec_per_kpc():.0f} arcsec wide")  # fmt: skip
    print(f"beam {beam.major_arcsec:.2f} x {beam.minor_arcsec:.2f} arcsec, noise "
          f"{1e3 * seen.noise_jy_km_s:.3g} mJy km/s a beam or "
          f"{seen.noise_surface_density:.3g} Msun/kpc^2")  # fmt: skip
    print(f"flux {flux:.4g} Jy km/s, or {flux * per_flux:.4g} Msun of HI, of {mass:.4g}")
    return 0
