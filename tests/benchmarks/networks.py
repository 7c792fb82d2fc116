"""Training and sampling beside diffusers, and cost against the size of maps; writes networks.md.

    python tests/benchmarks/networks.py [--device cuda] [--seconds 20] [--sizes 64 128 256 512]

Needs diffusers (`pip install diffusers`). The contestants take turns, a step each, so that
whatever else the machine does falls on all of them alike; what counts is the median of each.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import DDIMPipeline, DDIMScheduler, DDPMScheduler, UNet2DModel
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from engine.networks import configure, create
from engine.processes.ddpm import DDPM
from engine.samplers.single import ddim
from engine.samplers.task import Task
from train.batches import Batch
from train.config import FitConfig
from train.objectives import Objective

HERE = Path(__file__).with_suffix(".md")
STEPS = 32


@dataclass(frozen=True)
class Size:
    """One size of network and map, the same for both packages."""

    name: str
    widths: tuple[int, ...]
    blocks: int
    grid_size: int
    batch: int


CPU = Size("32-64-96-128, 64x64", (32, 64, 96, 128), 2, 64, 8)
GPU = Size("32-64-96-176, 128x128", (32, 64, 96, 176), 2, 128, 64)
GPU_WIDE = Size("64-128-192-256, 128x128", (64, 128, 192, 256), 2, 128, 64)


def ours(size: Size, patch: int = 1) -> nn.Module:
    """Return our U-Net; with `patch` 4 and the widths of the shipped recipes, that one."""
    fields: dict[str, Any] = {"widths": list(size.widths), "blocks": [size.blocks] * 4}
    if patch == 4:
        fields = {"widths": [64, 96, 160], "blocks": [1, 1, 2]}
    return create(configure({**fields, "patch": patch}))


def theirs(size: Size) -> UNet2DModel:
    """Return the U-Net of diffusers with attention in the middle alone, as ours has it."""
    levels = len(size.widths)
    return UNet2DModel(
        sample_size=size.grid_size, in_channels=2, out_channels=1, norm_num_groups=16,
        block_out_channels=size.widths, layers_per_block=size.blocks,
        down_block_types=("DownBlock2D",) * levels, up_block_types=("UpBlock2D",) * levels,
    )  # fmt: skip


def parameters(network: nn.Module) -> int:
    """Return how many numbers are trained."""
    return sum(p.numel() for p in network.parameters())


def our_training(network: nn.Module, size: Size, device: torch.device) -> Callable[[], None]:
    """Return one training step of ours on random maps that live on the device."""
    network = network.to(device, memory_format=torch.channels_last)
    config = FitConfig(name="bench", title="bench", family="ddpm", drop_source=0.0)
    objective = Objective(DDPM(), network, config)
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, size.batch, 1, size.grid_size, size.grid_size, device=device)
    domains = torch.randint(7, (2, size.batch), device=device)

    def amp() -> Any:
        return torch.autocast(device.type, torch.bfloat16)

    return lambda: _ignore(
        objective.step(Batch(x, y, *domains, size.batch, slice(None)), generator, amp)
    )


def their_training(network: UNet2DModel, size: Size, device: torch.device) -> Callable[[], None]:
    """Return one step as the training example of diffusers takes it, in the same precision."""
    network = network.to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    scheduler = DDPMScheduler(num_train_timesteps=1000, beta_schedule="squaredcos_cap_v2")
    x, y = torch.randn(2, size.batch, 1, size.grid_size, size.grid_size, device=device)

    def step() -> None:
        noise = torch.randn_like(x)
        times = torch.randint(1000, (size.batch,), device=device)
        with torch.autocast(device.type, torch.bfloat16):
            stacked = torch.cat([scheduler.add_noise(x, noise, times), y], dim=1)
            loss = functional.mse_loss(network(stacked, times).sample.float(), noise)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()

    return step


def our_sampling(network: nn.Module, size: Size, device: torch.device) -> Callable[[], None]:
    """Return a translation of one map in 32 steps of DDIM."""
    network = network.to(device, memory_format=torch.channels_last).eval()
    shape = (1, 1, size.grid_size, size.grid_size)
    y, index = torch.randn(shape, device=device), torch.zeros(1, dtype=torch.long, device=device)

    def run(x: Tensor, t: Tensor) -> Tensor:
        return network(x.contiguous(memory_format=torch.channels_last), t, index, index + 1)

    def noise() -> Tensor:
        return torch.randn(shape).to(device)

    return lambda: _ignore([s.x for s in ddim(Task(DDPM(), run, y, noise), STEPS)][-1].cpu())


def their_sampling(network: UNet2DModel, size: Size, device: torch.device) -> Callable[[], None]:
    """Return the same 32 steps through the pipeline of diffusers."""
    network = network.to(device).eval()
    scheduler = DDIMScheduler(num_train_timesteps=1000, beta_schedule="squaredcos_cap_v2",
                              clip_sample=False)  # fmt: skip
    y = torch.randn(1, 1, size.grid_size, size.grid_size, device=device)
    plain = network.forward
    # The pipeline knows no condition: the source goes in behind its back.
    network.forward = lambda x, time: plain(torch.cat([x, y], dim=1), time)  # type: ignore[method-assign]
    network.register_to_config(in_channels=1)  # the pipeline draws noise of that many channels
    pipeline = DDIMPipeline(network, scheduler)
    pipeline.set_progress_bar_config(disable=True)
    return lambda: _ignore(pipeline(batch_size=1, num_inference_steps=STEPS, output_type="np"))


def _ignore(value: object) -> None:
    del value


def race(runs: dict[str, Callable[[], None]], seconds: float, device: torch.device) -> Any:
    """Let the contestants take turns for some seconds; return the median seconds of each."""
    took: dict[str, list[float]] = {name: [] for name in runs}
    for run in runs.values():
        run()
        run()
    start = time.perf_counter()
    while time.perf_counter() - start < seconds or len(next(iter(took.values()))) < 5:
        for name, run in runs.items():
            _wait(device)
            before = time.perf_counter()
            run()
            _wait(device)
            took[name].append(time.perf_counter() - before)
    return {name: statistics.median(times) for name, times in took.items()}


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def flops(network: nn.Module, size: Size) -> int:
    """Return the floating-point operations of one forward pass on one map."""
    x = torch.randn(1, 2, size.grid_size, size.grid_size)
    one = torch.zeros(1, dtype=torch.long)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        if isinstance(network, UNet2DModel):
            network(x, one)
        else:
            network(x, torch.zeros(1), one, one)
    return int(counter.get_total_flops())


def compare(size: Size, seconds: float, device: torch.device, peak: float) -> list[str]:
    """Race training and sampling at one size; return lines of Markdown."""
    nets = {"diffusers": theirs(size), "ours": ours(size)}
    if device.type == "cpu":
        nets["ours, 4x4 pixel blocks as shipped"] = ours(size, patch=4)
    counts = {name: (parameters(n), flops(n, size)) for name, n in nets.items()}
    train = race(
        {k: (their_training if k == "diffusers" else our_training)(n, size, device)
         for k, n in nets.items()}, seconds, device,
    )  # fmt: skip
    sample = race(
        {k: (their_sampling if k == "diffusers" else our_sampling)(n, size, device)
         for k, n in nets.items()}, seconds, device,
    )  # fmt: skip
    lines = [
        f"### Widths {size.name}, batch {size.batch}", "",
        "| network | parameters | GFLOP a map | training step, ms | ratio | 32 steps of one map, s "
        "| ratio |" + (" share of bf16 peak |" if peak else ""),
        "|---|---|---|---|---|---|---|" + ("---|" if peak else ""),
    ]  # fmt: skip
    for name, (count, work) in counts.items():
        row = (
            f"| {name} | {count / 1e6:.2f}M | {work / 1e9:.2f} | {1e3 * train[name]:.0f} "
            f"| {train['diffusers'] / train[name]:.2f} | {sample[name]:.2f} "
            f"| {sample['diffusers'] / sample[name]:.2f} |"
        )
        if peak:
            row += f" {3 * work * size.batch / train[name] / peak:.0%} |"
        lines.append(row)
    return [*lines, ""]


# Fields of each network in the table of costs; those of the shipped recipes.
COST = {
    "U-Net": {"widths": [64, 96, 160], "blocks": [1, 1, 2], "patch": 4},
    "DiM": {"kind": "dim", "width": 192, "depth": 9, "patch": 8, "state": 32, "head_width": 64,
            "reach": 3},
}  # fmt: skip


def cost(kind: str, size: int, device: torch.device) -> tuple[float, float, float]:
    """Return seconds of a forward pass of one map, of a training step of four, and peak MiB."""
    network = create(configure(COST[kind])).to(device)
    index = torch.zeros(4, dtype=torch.long, device=device)
    x = torch.randn(4, 2, size, size, device=device)

    def forward(n: int = 1) -> Tensor:
        return network(x[:n], torch.full((n,), 0.5, device=device), index[:n], index[:n] + 1)

    def step() -> None:
        network.zero_grad(set_to_none=True)
        forward(4).square().mean().backward()

    def still() -> None:
        with torch.no_grad():
            forward()

    before = _forget_peak(device)
    took = [race({"run": run}, 2.0, device)["run"] for run in (still, step)]
    return took[0], took[1], _peak(device) - before


def _forget_peak(device: torch.device) -> float:
    """Let the peak be what is in use now, and return that in MiB."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    else:
        Path("/proc/self/clear_refs").write_text("5")  # Linux: VmHWM starts anew from VmRSS.
    return _peak(device)


def _peak(device: torch.device) -> float:
    """Return the most memory in MiB that was in use since the peak was forgotten."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    lines = Path("/proc/self/status").read_text().splitlines()
    return float(next(row for row in lines if row.startswith("VmHWM")).split()[1]) / 2**10


def costs(sizes: list[int], device: torch.device) -> list[str]:
    """Measure each network at each size in a process of its own, and draw it.

    Returns
    -------
    Lines of Markdown.
    """
    found: dict[str, list[tuple[float, ...]]] = {kind: [] for kind in COST}
    lines = [
        "## Cost against the size of the maps", "",
        "Float32; a forward pass of one map, and forward and backward of four with the memory that "
        "they add at most.", "",
        "| network | map | forward, ms | forward and backward, ms | memory, MiB |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for kind in COST:
        for size in sizes:
            command = [sys.executable, __file__, "--device", device.type, "--cost", kind, str(size)]
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            if result.returncode:
                lines.append(f"| {kind} | {size}x{size} | failed: {_last(result.stderr)} | | |")
                continue
            forward, step, memory = map(float, result.stdout.split())
            found[kind].append((size, forward, step, memory))
            cells = f"{1e3 * forward:.1f} | {1e3 * step:.0f} | {memory:.0f}"
            lines.append(f"| {kind} | {size}x{size} | {cells} |")
    draw(found)
    return [*lines, "", "![Time and memory against the size of the maps](networks.png)", ""]


def draw(found: dict[str, list[tuple[float, ...]]]) -> None:
    """Draw the table of costs: seconds of a forward pass and of a step, and MiB, by size."""
    figure = Figure(figsize=(9.0, 3.0), layout="constrained")
    titles = ("forward, one map (s)", "forward and backward, four (s)", "memory (MiB)")
    for i, (axes, title) in enumerate(zip(figure.subplots(1, 3), titles, strict=True), start=1):
        for kind, rows in found.items():
            axes.loglog([r[0] for r in rows], [r[i] for r in rows], "o-", label=kind)
        axes.set(title=title, xlabel="pixels a side")
        axes.set_xticks(sizes := [r[0] for r in next(iter(found.values()))], map(str, sizes))
        axes.minorticks_off()
    figure.axes[0].legend(frameon=False)
    figure.savefig(HERE.with_suffix(".png"), dpi=120)


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]


def main() -> None:
    """Run the benchmark and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each race")
    parser.add_argument("--sizes", type=int, nargs="*", default=[64, 128, 256, 512])
    parser.add_argument("--bf16-peak", type=float, default=989e12,
                        help="operations a second of the GPU, as of an H100")  # fmt: skip
    parser.add_argument("--cost", nargs=2, metavar=("KIND", "SIZE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    device = torch.device(options.device)
    if options.cost:
        print(*cost(options.cost[0], int(options.cost[1]), device))
        return
    on_gpu = device.type == "cuda"
    where = torch.cuda.get_device_name() if on_gpu else f"{platform.machine()} CPU"
    load = os.getloadavg()[0]
    lines = [
        "# Training and sampling beside diffusers", "",
        f"`python tests/benchmarks/networks.py` on {where}, {torch.get_num_threads()} threads, "
        f"load {load:.1f} at the start; torch {torch.__version__}. Training in bfloat16 autocast "
        "with AdamW and clipping on both sides, maps on the device; sampling in float32, one map.",
        "", "Ratios are those of diffusers over ours: above one, ours is the faster. At equal "
        "widths ours takes fewer operations, as its column says.", "",
    ]  # fmt: skip
    for size in (GPU, GPU_WIDE) if on_gpu else (CPU,):
        lines += compare(size, options.seconds, device, options.bf16_peak if on_gpu else 0.0)
        gc.collect()
    lines += costs(options.sizes, device)
    HERE.write_text("\n".join(lines))
    print(HERE.read_text())


if __name__ == "__main__":
    main()
