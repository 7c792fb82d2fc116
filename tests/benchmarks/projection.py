"""Time and error of `data.projection.project` beside public peers.

    pip install -e '.[bench]'
    PYTHONPATH=. python tests/benchmarks/projection.py

Peers that are not installed are left out. All get the dark matter of one synthetic galaxy and the
same support radii, and each is held against the truth for its own kernel. They take turns, so that
whatever else the machine does hits all alike; the best time of all turns counts. Where there is a
GPU, tensors on it are timed as well, beside the bandwidth that copying reaches there. Results go to
projection.json and, as tables, to projection.md beside this file.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import os
import platform
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numba import njit, set_num_threads

from data.deposit import SMALL
from data.maps import field_of_view
from data.projection import project
from data.projection_reference import project_exactly
from data.pyramid import build_pyramid
from data.smoothing import neighbor_smoothing_lengths
from data.synthetic import synthesize

RESULTS = Path(__file__).with_suffix(".json")
COUNTS, GRIDS, THREADS = (10_000, 100_000, 1_000_000), (128, 256, 512), (1, 2)
TURNS_AT_LEAST, SECONDS_A_CASE = 2, 1.0
START = """
import time; start = time.perf_counter()
import numpy as np; from data.projection import project
project(np.zeros((9, 3)), np.ones(9), np.ones(9), extent_kpc=9.0, grid_size=64)
print(time.perf_counter() - start, time.process_time())
"""


def cubic_spline_column():
    """Return the column of the unit cubic spline of support 1 at q = 0 .. 1, as a table."""
    q = np.linspace(0, 1, 2049)
    # z = sqrt(1 - q^2) sin(angle) clusters no nodes where the spline is smooth.
    nodes, gauss = np.polynomial.legendre.leggauss(200)
    half = np.sqrt(1 - q**2)
    r = np.sqrt(q[:, None] ** 2 + (half[:, None] * (nodes + 1) / 2) ** 2)
    spline = np.where(r < 0.5, 1 - 6 * r**2 + 6 * r**3, 2 * np.clip(1 - r, 0, None) ** 3)
    return 8 / np.pi * (spline * gauss).sum(1) * half


def wendland_c2():
    """Return the two-dimensional Wendland C2 kernel of support 1, as a table."""
    q = np.linspace(0, 1, 2049)
    return 7 / np.pi * (1 - q) ** 4 * (1 + 4 * q)


@njit(cache=True, fastmath=True)
def average_over_pixels(x, y, support, weights, table, size):  # pragma: no cover
    """Return weight a pixel's area; samples are at most support/24 and 1/4 pixel apart."""
    grid = np.zeros((size, size))
    steps = len(table) - 1
    for p in range(len(x)):
        h = support[p]
        fine = max(4, math.ceil(24 / h))
        for iy in range(max(0, math.floor(y[p] - h)), min(size, math.floor(y[p] + h) + 1)):
            for ix in range(max(0, math.floor(x[p] - h)), min(size, math.floor(x[p] + h) + 1)):
                total = 0.0
                for j in range(fine):
                    dy = (iy + (j + 0.5) / fine - y[p]) / h
                    for i in range(fine):
                        dx = (ix + (i + 0.5) / fine - x[p]) / h
                        place = math.sqrt(dx * dx + dy * dy) * steps
                        if place < steps:
                            step = int(place)
                            total += table[step] + (place - step) * (table[step + 1] - table[step])
                grid[iy, ix] += weights[p] * total / (fine * fine * h * h)
    return grid


def ours(points, masses, support, extent, size, threads):
    return lambda: project(
        points, masses, support, extent_kpc=extent, grid_size=size, threads=threads
    )[0]


def swiftsimio(points, masses, support, extent, size, threads):
    from swiftsimio.visualisation.projection_backends import backends, backends_parallel
    from swiftsimio.visualisation.projection_backends.kernels import kernel_gamma

    scatter = (backends if threads == 1 else backends_parallel)["fast"]
    x, y = (points[:, :2] / extent + 0.5).T.copy()
    m, h = masses.astype(np.float32), (support / extent / kernel_gamma).astype(np.float32)
    return lambda: scatter(x=x, y=y, m=m, h=h, res=size).T / extent**2


def pynbody(points, masses, support, extent, size, threads):
    import pynbody as library
    from pynbody.sph.renderers import ImageRenderer

    snapshot = library.new(dm=len(points))
    snapshot["pos"], snapshot["mass"] = points, masses
    snapshot["smooth"], snapshot["rho"] = support / 2, np.ones(len(points))
    for name, unit in (("pos", "kpc"), ("mass", "Msol"), ("smooth", "kpc"), ("rho", "Msol kpc^-3")):
        snapshot[name].units = unit
    renderer = ImageRenderer(snapshot)
    renderer.set_quantity("rho")
    renderer.set_width(extent)
    renderer.set_resolution(size)
    renderer.set_projection(True)
    if threads > 1:
        renderer = renderer.with_threading(threads)
    renderer = renderer.with_approximate()
    return lambda: np.asarray(renderer.render())


def yt(points, masses, support, extent, size, threads):
    from yt.utilities.lib.pixelization_routines import pixelize_sph_kernel_projection

    x, y, z = points.T.copy()
    ones = np.ones(len(points))
    bounds = [-extent / 2, extent / 2, -extent / 2, extent / 2, -1e9, 1e9]

    def run():
        image, mask = np.zeros((size, size)), np.zeros((size, size), np.uint8)
        pixelize_sph_kernel_projection(
            image, mask, x, y, z, support, masses, ones, ones, bounds, _check_period=(0, 0, 0)
        )
        return image.T

    return run


def sarracen(points, masses, support, extent, size, threads):
    from sarracen.interpolate.cpu_backend import CPUBackend
    from sarracen.kernels import CubicSplineKernel

    column = CubicSplineKernel().get_column_kernel_func(1000)
    x, y, _ = points.T.copy()
    edge, h = extent / 2, support / 2
    return lambda: CPUBackend.interpolate_3d_projection(
        x, y, masses, h, column, 2.0, size, size, -edge, edge, -edge, edge, False
    )


PEERS = {"swiftsimio": wendland_c2, "pynbody": cubic_spline_column, "yt": cubic_spline_column,
         "sarracen": cubic_spline_column}  # fmt: skip


def dark_matter(count):
    galaxy = synthesize(3, kind="spiral", num_dark_matter=count)
    particles = galaxy.particles["dark_matter"]
    support = neighbor_smoothing_lengths(particles.coordinates)
    return particles.coordinates, particles.masses, support, field_of_view(galaxy)


def errors(image, truth):
    covered = truth > 0
    dex = np.abs(np.log10(np.maximum(image[covered], 1e-300) / truth[covered]))
    return {
        "l1_percent": 100 * np.abs(image - truth).sum() / truth.sum(),
        "median_dex": np.median(dex),
        "p99_dex": np.percentile(dex, 99),
        "mass": image.sum() / truth.sum() - 1,
    }


def best_times(functions):
    """Let the functions take turns; return each one's best time in ms."""
    for function in functions.values():
        function()
    best = dict.fromkeys(functions, np.inf)
    begin, turns = time.perf_counter(), 0
    while turns < TURNS_AT_LEAST or time.perf_counter() - begin < SECONDS_A_CASE:
        turns += 1
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            best[name] = min(best[name], 1e3 * (time.perf_counter() - start))
    return best, turns


def measure(threads):
    """Return the cases for one number of threads, in a process that was started with it."""
    set_num_threads(threads)
    makers = {"ours": ours}
    for name in PEERS:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        makers[name] = globals()[name]
    cases = []
    for count in COUNTS:
        points, masses, support, extent = dark_matter(count)
        six = np.stack([masses * k for k in range(1, 7)])
        for size in GRIDS:
            given = points, masses, support, extent, size, threads
            functions = {name: make(*given) for name, make in makers.items()}
            functions["ours, six channels"] = ours(points, six, *given[2:])
            best, turns = best_times(functions)
            case = {"particles": count, "pixels": size, "threads": threads, "turns": turns}
            case["ms"] = best
            case["fastest_peer_over_ours"] = min(
                (best[name] for name in makers if name != "ours"), default=np.nan
            ) / best["ours"]  # fmt: skip
            case["six_over_one"] = best["ours, six channels"] / best["ours"]
            if (count, size, threads) == (100_000, 256, 1):
                case["errors"] = {
                    name: errors(functions[name](), truth_of(name, *given)) for name in makers
                }
            print(json.dumps(case), file=sys.stderr, flush=True)
            cases.append(case)
    return cases


def truth_of(name, points, masses, support, extent, size, threads):
    if name == "ours":
        return project_exactly(points, masses, support, extent_kpc=extent, grid_size=size)[0]
    pixel = extent / size
    x, y = (points[:, :2] / pixel + size / 2).T.copy()
    return average_over_pixels(x, y, support / pixel, masses, PEERS[name](), size) / pixel**2


def bytes_needed(points, support, channels, extent, size):
    """Return how many bytes a projection moves at the least, were there no caches.

    Particles are read once; stencils of those that reach the map read and write 64 pixels, or 16;
    grids are cleared, each is read to be added to the next, which is read and written, and the map
    is taken from the finest. All of it is float64.
    """
    reach = (np.abs(points[:, :2]) < extent / 2 + support[:, None]).all(axis=1)
    pixels = np.where(support[reach] * size / extent < SMALL, 16, 64).sum()
    pyramid = build_pyramid(size)
    whole, finest = pyramid.starts[-1], pyramid.starts[1]
    coarsest = pyramid.sides[-1] ** 2
    grids = whole + (whole - finest) + 2 * (whole - coarsest) + 2 * size**2
    return 8 * (len(points) * (4 + channels) + channels * (2 * pixels + grids))


def seconds_on_gpu(function, repeats=20):
    best = np.inf
    for _ in range(3 + repeats):
        torch.cuda.synchronize()
        start = time.perf_counter()
        function()
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return best


def measure_gpu():
    """Return times on the GPU and the fraction of its bandwidth, or that there is none."""
    if not torch.cuda.is_available():
        return "no GPU here"
    source = torch.ones(2**28, device="cuda")
    target = torch.empty_like(source)
    peak = 2 * source.nbytes / seconds_on_gpu(partial(target.copy_, source))
    del source, target
    cases = []
    for count in COUNTS:
        points, masses, support, extent = dark_matter(count)
        for size in GRIDS:
            for channels in (1, 6):
                weights = np.stack([masses * k for k in range(1, channels + 1)])
                given = [torch.as_tensor(a, device="cuda") for a in (points, weights, support)]
                frame = {"extent_kpc": extent, "grid_size": size}
                seconds = seconds_on_gpu(partial(project, *given, **frame))
                moved = bytes_needed(points, support, channels, extent, size)
                case = {"particles": count, "pixels": size, "channels": channels}
                case |= {"ms": 1e3 * seconds, "bandwidth_fraction": float(moved / seconds / peak)}
                cases.append(case)
    name = torch.cuda.get_device_name()
    return {"name": name, "copy_gb_per_s": peak / 1e9, "cases": cases}


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return float(f"{value:.3g}") if isinstance(value, float) else value


def in_new_process(arguments, threads):
    environment = {
        **os.environ, "OMP_NUM_THREADS": str(threads), "NUMBA_NUM_THREADS": str(threads)
    }  # fmt: skip
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout


def row(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def head(*cells):
    return [row(*cells), row(*["---:"] * len(cells))]


def report(result):
    """Return the results as tables of Markdown."""
    cases = result["cases"]
    names = [name for name in ("ours", *PEERS) if name in cases[0]["ms"]]
    start = result["import_and_first_call_with_cache"]
    lines = [
        "# Projection beside public peers",
        "",
        f"{result['machine']}, Python {result['python']}, load {result['load']} at the start. "
        f"Written by `{Path(__file__).name}`; milliseconds, best of all turns.",
        "",
        *head(
            "particles", "pixels", "threads", *names, "fastest peer / ours", "six channels / one"
        ),
    ]
    for case in cases:
        ratios = case["fastest_peer_over_ours"], case["six_over_one"]
        times = [case["ms"][name] for name in names]
        lines.append(row(case["particles"], case["pixels"], case["threads"], *times, *ratios))
    lines += ["", "Errors on 100,000 particles and 256 pixels, each against its own kernel:", ""]
    lines += head("", "L1 %", "median dex", "99th percentile dex", "mass")
    for name, error in next(case["errors"] for case in cases if "errors" in case).items():
        lines.append(row(f"{name} {result['versions'].get(name, '')}".strip(), *error.values()))
    lines += [
        "",
        "A second start, import and first call with compiled code in the cache: "
        f"{start['wall_s']} s, {start['processor_s']} s of processor time.",
        "",
    ]
    if isinstance(result["gpu"], str):
        return "\n".join([*lines, f"GPU: {result['gpu']}.", ""])
    gpu = result["gpu"]
    lines += [f"{gpu['name']}, copying {gpu['copy_gb_per_s']} GB/s:", ""]
    lines += head("particles", "pixels", "channels", "ms", "fraction of the bandwidth")
    lines += [row(*case.values()) for case in gpu["cases"]]
    return "\n".join([*lines, ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, help="measure here and print, for this many threads")
    arguments = parser.parse_args()
    if arguments.threads:
        json.dump([rounded(case) for case in measure(arguments.threads)], sys.stdout, default=float)
        return
    load = rounded(os.getloadavg()[0])
    cases = [
        case
        for threads in THREADS
        for case in json.loads(in_new_process([__file__, "--threads", str(threads)], threads))
    ]
    starts = [[float(s) for s in in_new_process(["-c", START], 1).split()] for _ in range(5)]
    wall, processor = (min(seconds) for seconds in zip(*starts, strict=True))
    versions = {}
    for name in ("numba", "numpy", *PEERS):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "versions": versions,
        "load": load,
        "import_and_first_call_with_cache": rounded({"wall_s": wall, "processor_s": processor}),
        "cases": cases,
        "gpu": rounded(measure_gpu()),
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    RESULTS.with_suffix(".md").write_text(report(result))
    print(report(result))


if __name__ == "__main__":
    main()
