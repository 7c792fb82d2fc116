"""Cost of a network of points against their number, beside full attention; writes points.md.

    python tests/benchmarks/points.py [--sizes 1000 4000 ... ] [--seconds 120] [--device cpu]

Both networks have the same width, depth, embeddings and inputs (half of the points are gas); the
transformer has self-attention and no wider layer after it, in place of the scans. Each size is
measured in a process of its own, whose peak memory is then that of this size; a network whose next
size would take longer than `--seconds`, by its last two, is left there.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional

from data.clouds import to_cloud
from data.synthetic import synthesize
from engine.points.network import Condition, PointMamba, PointMambaConfig
from engine.points.scale import Warp
from engine.points.serialize import curve_index

HERE = Path(__file__).with_suffix(".md")
CONFIG = PointMambaConfig(width=64, depth=4, curves=2)
SIZES = (1_000, 4_000, 16_000, 64_000, 256_000, 1_000_000)
HEADS = 4


class SelfAttention(nn.Module):
    """In the place of `StateSpace`: all tokens look at all others."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter, self.leave = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        n, length, width = tokens.shape
        heads = (
            self.enter(tokens).reshape(n, length, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        )
        mixed = functional.scaled_dot_product_attention(*heads)
        return self.leave(mixed.transpose(1, 2).reshape(n, length, width))


def network_of(kind: str) -> PointMamba:
    """Return a network that moves points, of scans or of attention."""
    torch.manual_seed(0)
    network = PointMamba(CONFIG)
    if kind == "attention":
        for block in network.blocks:
            block.mixer = SelfAttention(CONFIG.width)
    return network.eval()


def measure(kind: str, points: int, *, train: bool, device: str) -> tuple[float, float]:
    """Return seconds of one pass, the least of some, and the MiB that it adds at most."""
    network = network_of(kind).to(device)
    half = points // 2
    x, gas, features = torch.randn(3, 1, half, 3, device=device)
    condition = Condition(gas, features, torch.randn(1, 6, device=device))
    time_, target = torch.rand(1, device=device), torch.zeros(1, dtype=torch.long, device=device)

    def run() -> None:
        with torch.set_grad_enabled(train):
            out = network(x, time_, condition, target)
            if train:
                out.square().sum().backward()
            if device != "cpu":
                torch.cuda.synchronize()

    if device != "cpu":
        run()  # Kernels are loaded by the first.
        torch.cuda.reset_peak_memory_stats()
    before = _peak(device)
    took: list[float] = []
    while len(took) < 3 and sum(took) < 5.0:
        # Of the process alone on a CPU, for others may be at work.
        clock = time.process_time if device == "cpu" else time.perf_counter
        start = clock()
        run()
        took.append(clock() - start)
    return min(took), _peak(device) - before


def _peak(device: str) -> float:
    if device != "cpu":
        return torch.cuda.max_memory_allocated() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def apart(kind: str, points: int, train: bool, device: str) -> tuple[float, float]:
    """Return the same, on a CPU measured in a process of its own, whose memory it is."""
    if device != "cpu":
        return measure(kind, points, train=train, device=device)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        return pool.submit(partial(measure, kind, points, train=train, device=device)).result()


def exponent(sizes: list[int], values: list[float]) -> float:
    """Return the power of the number of points, from the larger half of the sizes."""
    keep = slice(len(sizes) // 2 - (len(sizes) < 4), None)
    return float(np.polyfit(np.log(sizes[keep]), np.log(values[keep]), 1)[0])


def locality(count: int = 16_000, neighbors: int = 8) -> dict[str, list[float]]:
    """Return shares of points whose neighbors are near along curves, in a synthetic galaxy.

    By curve: with one curve, and with two, the share of the 8 nearest neighbors of a point that are
    no further along a line than 64, a chunk of the scan.
    """
    from scipy.spatial import cKDTree

    cloud = to_cloud(synthesize(7), count)
    radius = float(np.median(np.linalg.norm(cloud.gas, axis=1)))
    points = Warp(0.1, 1.9).apply(torch.from_numpy(cloud.points["dark_matter"]), radius)
    _, near = cKDTree(points.numpy()).query(points.numpy(), neighbors + 1)
    found = {}
    for curve in ("hilbert", "morton"):
        is_near = []
        for turn in range(2):
            place = curve_index(points[None], curve, turn)[0].argsort().argsort().numpy()
            is_near.append(np.abs(place[near[:, 1:]] - place[:, None]) <= 64)
        found[curve] = [float(is_near[0].mean()), float((is_near[0] | is_near[1]).mean())]
    return found


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows: dict[tuple[str, bool], list[tuple[int, float, float]]] = {}
    for train in (False, True):
        for kind in ("scans", "attention"):
            found = rows.setdefault((kind, train), [])
            for points in options.sizes:
                if len(found) > 1:
                    power = math.log(found[-1][1] / found[-2][1]) / math.log(
                        found[-1][0] / found[-2][0]
                    )
                    if found[-1][1] * (points / found[-1][0]) ** power > options.seconds:
                        break
                one = apart(kind, points, train, options.device)
                found.append((points, *one))
                print(kind, train, points, *one, flush=True)
    write(rows, locality(), options.device)


def write(
    rows: dict[tuple[str, bool], list[tuple[int, float, float]]], near: dict[str, list[float]],
    device: str,
) -> None:  # fmt: skip
    """Write the table and the figure beside this file, those of a GPU apart."""
    here = HERE if device == "cpu" else HERE.with_name(f"{HERE.stem}_gpu.md")
    where = "one thread" if device == "cpu" else torch.cuda.get_device_name()
    clock = "CPU seconds" if device == "cpu" else "Seconds"
    names = {"scans": "Point Mamba", "attention": "full attention"}
    lines = [
        "# Cost of networks of points",
        "",
        f"`python tests/benchmarks/points.py --device {device}`, {where}, load "
        f"{os.getloadavg()[0]:.1f} at the end, float32, torch {torch.__version__}. Width "
        f"{CONFIG.width}, {CONFIG.depth} blocks; half of the points are gas. {clock}, the "
        "least of up to three passes, and the memory that they add at most.",
        "",
        "| network | pass | points | seconds | MiB |",
        "|---|---|---|---|---|",
    ]
    ends = ["", "| network | pass | time grows as | memory grows as |", "|---|---|---|---|"]
    figure = Figure(figsize=(7.0, 3.4), layout="constrained")
    panels = figure.subplots(1, 2)
    for (kind, train), found in rows.items():
        label = "forward and backward" if train else "forward"
        for points, seconds, mib in found:
            lines.append(f"| {names[kind]} | {label} | {points:,} | {seconds:.3g} | {mib:,.0f} |")
        sizes, seconds, mib = (list(column) for column in zip(*found, strict=True))
        powers = [exponent(sizes, seconds), exponent(sizes, [max(m, 1.0) for m in mib])]
        ends.append(f"| {names[kind]} | {label} | N^{powers[0]:.2f} | N^{powers[1]:.2f} |")
        style = {"color": "C0" if kind == "scans" else "C3", "linestyle": "--" if train else "-"}
        for panel, values in zip(panels, (seconds, mib), strict=True):
            panel.loglog(sizes, values, marker="o", markersize=3, label=f"{names[kind]}, {label}",
                         **style)  # fmt: skip
    for panel, title in zip(panels, ("seconds", "memory, MiB"), strict=True):
        panel.set(xlabel="points", ylabel=title)
        panel.spines[["top", "right"]].set_visible(False)
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False,
        fontsize=8, handlelength=3.5,
    )  # fmt: skip
    figure.savefig(here.with_suffix(".png"), dpi=150)
    lines += [
        *ends,
        "",
        "Exponents are fitted to the larger half of the sizes.",
        "",
        f"![Time and memory against the number of points]({here.stem}.png)",
        "",
        "## Which curve",
        "",
        "Share of the 8 nearest neighbors of the 16,000 dark matter points of a synthetic galaxy "
        "that are within 64 tokens along the line, a chunk of the scan:",
        "",
        "| curve | one | two of them |",
        "|---|---|---|",
        *(f"| {name} | {one:.2f} | {two:.2f} |" for name, (one, two) in near.items()),
    ]
    here.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
