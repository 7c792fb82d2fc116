"""Many people at once, and one after another: latency, errors, memory; writes serving.md.

    OMP_NUM_THREADS=1 python tests/benchmarks/serving.py
    OMP_NUM_THREADS=1 python tests/benchmarks/serving.py --soak 500

Visitors are websocket clients without a browser, of a `panel serve` in a process of its own. Each
chooses a seed of its own, clicks on Translate, waits for the output and goes on with the next.
Every output is compared with what the engine gives for its seed alone. How late the server's event
loop comes is measured in the server, every 20 ms. Results lie in serving.json, so that a part can
be measured anew.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
import urllib.request
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(Path(__file__).parents[1]))
from visitor import Visitor, serve

from engine.translator import Request, Translator
from explorer import library

RESULTS = Path(__file__).with_suffix(".json")
TRANSLATOR, SOURCE, TARGET = "ddpm", "gas", "dark_matter"  # with which a page opens
TOLERANCE_DEX = 1e-4


@dataclass
class Crowd:
    """What came of some sessions that click at once."""

    sessions: int
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    mixed_up: int = 0
    worst_dex: float = 0.0
    late: dict[str, float] = field(default_factory=dict)  # event loop, seconds
    late_opening: float = 0.0
    memory: list[float] = field(default_factory=list)  # MB before, peak, after
    batch: float = 0.0
    load: float = 0.0


def metrics(address: str) -> dict[str, float]:
    """Return the server's numbers by name, with the label where there is one."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def megabytes(numbers: dict[str, float]) -> float:
    return numbers["process_resident_memory_bytes"] / 1e6


def percentile(before: dict[str, float], after: dict[str, float], share: float) -> float:
    """Return the upper bound in seconds of the bucket that holds a percentile of the lateness."""
    prefix = "galactic_alchemy_loop_late_seconds_bucket "
    counts = {
        float(name.removeprefix(prefix)): value - before[name]
        for name, value in after.items()
        if name.startswith(prefix)
    }
    bounds = sorted(counts)
    return next(bound for bound in bounds if counts[bound] >= share * counts[bounds[-1]])


async def crowd(address: str, sessions: int, seconds: float) -> Crowd:
    """Let sessions translate at once."""
    found = Crowd(sessions, load=os.getloadavg()[0])
    loop = asyncio.get_running_loop()
    ask = lambda: loop.run_in_executor(None, metrics, address)  # noqa: E731
    await ask()
    visitors = [await Visitor.open(address) for _ in range(sessions)]
    before = await ask()
    found.late_opening = before["galactic_alchemy_loop_worst_seconds"]
    found.memory = [megabytes(before)] * 3
    made: list[tuple[int, np.ndarray]] = []
    start = time.perf_counter()

    async def work(number: int, visitor: Visitor) -> None:
        seed = 1000 * (number + 1)
        while time.perf_counter() < start + seconds:
            seed += 1
            try:
                await visitor.choose(seed)
                begun = time.perf_counter()
                image = await visitor.translate()
            except Exception as error:  # counted, and said
                found.errors.append(f"session {number}, seed {seed}: {error!r} {visitor.title!r}")
                return
            found.latencies.append(time.perf_counter() - begun)
            made.append((seed, image))

    def note(numbers: dict[str, float]) -> None:
        found.memory[1] = max(found.memory[1], megabytes(numbers))
        late = numbers["galactic_alchemy_loop_worst_seconds"]  # since it was asked for last
        found.late["worst"] = max(found.late.get("worst", 0.0), late)

    async def watch() -> None:
        while True:
            await asyncio.sleep(2.0)
            note(await ask())

    watcher = asyncio.create_task(watch())
    await asyncio.gather(*(work(*each) for each in enumerate(visitors)))
    watcher.cancel()
    found.seconds = time.perf_counter() - start
    after = await ask()
    note(after)
    found.memory[2] = megabytes(after)
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        found.late[name] = percentile(before, after, share)
    name = "galactic_alchemy_jobs_together_{} model"
    jobs, batches = (after[name.format(k)] - before[name.format(k)] for k in ("sum", "count"))
    found.batch = jobs / batches
    for visitor in visitors:
        await visitor.close()
    judge(found, made)
    return found


def judge(found: Crowd, made: list[tuple[int, np.ndarray]]) -> None:
    """Compare each output with what its seed gives alone."""
    translator = Translator.load(TRANSLATOR)
    scene = library.load_scene(next(iter(library.GALAXIES.shared)), 1, translator.grid_size)
    for seed, image in made:
        own = translator.translate(scene.maps[SOURCE], SOURCE, TARGET, seed=seed)[0]
        apart = float(np.abs(image - np.log10(own)).max())
        found.worst_dex = max(found.worst_dex, apart)
        found.mixed_up += apart > TOLERANCE_DEX


def passes(repeats: int = 5) -> dict[str, Any]:
    """Return milliseconds of processor time a map and step, by how many are translated at once."""
    translator = Translator.load(TRANSLATOR)
    found: dict[str, Any] = {"threads": torch.get_num_threads()}
    rng = np.random.default_rng(0)
    for side in (64, 128):
        maps = 10.0 ** rng.normal(6.0, 0.5, (16, side, side))
        for count in (1, 2, 4, 8, 16):
            requests = [Request(maps[i], SOURCE, TARGET, i) for i in range(count)]
            times = []
            for _ in range(repeats + 1):
                start = time.process_time()
                steps = sum(1 for _ in translator.together(requests, num_steps=4))
                times.append((time.process_time() - start) / steps / count)
            found[f"{side} {count}"] = 1e3 * min(times[1:])
    alone = [translator.translate(maps[i], SOURCE, TARGET, seed=i, num_steps=4)[0] for i in (0, 1)]
    *_, last = translator.together(
        [Request(maps[i], SOURCE, TARGET, i) for i in range(8)], num_steps=4
    )
    apart = [np.abs(np.log10(last[i].estimate[0] / alone[i])).max() for i in (0, 1)]
    found["apart_dex"] = float(max(apart))
    return found


async def soak(address: str, count: int) -> dict[str, Any]:
    """Open and close sessions one after another; return MB after each, and sessions left open."""
    memory = []
    for number in range(count):
        visitor = await Visitor.open(address)
        await visitor.close()
        memory.append(megabytes(metrics(address)))
        if number % 25 == 24:
            print(number + 1, f"{memory[-1]:.1f} MB", flush=True)
    for _ in range(120):  # Bokeh ends sessions that were left some time later
        await asyncio.sleep(1.0)
        numbers = metrics(address)
        if not numbers["galactic_alchemy_sessions"]:
            break
    return {"memory": memory, "left": numbers["galactic_alchemy_sessions"],
            "end": megabytes(numbers)}  # fmt: skip


def slope(memory: list[float]) -> tuple[float, float]:
    """Return kB a session after a fifth of warm-up, and its error from ten blocks of the rest."""
    rest = np.asarray(memory[len(memory) // 5 :])
    number = np.arange(len(rest))
    blocks = np.array_split(number, 10)
    middles = np.array([block.mean() for block in blocks])
    means = np.array([rest[block].mean() for block in blocks])
    (gradient, _), covariance = np.polyfit(middles, means, 1, cov=True)
    return 1e3 * float(gradient), 1e3 * float(np.sqrt(covariance[0, 0]))


def main() -> None:
    """Measure what is asked for, and write the report of all that has been."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, nargs="*", default=[1, 5, 20])
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--soak", type=int, default=0, metavar="N", help="N sessions in turn alone")
    arguments = parser.parse_args()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory() as folder, serve(Path(folder) / "log") as address:
        if arguments.soak:
            results["soak"] = asyncio.run(soak(address, arguments.soak))
        else:
            results["passes"] = results.get("passes") or passes()
            results["crowds"] = []
            for count in arguments.sessions:
                found = asyncio.run(crowd(address, count, arguments.seconds))
                print(count, found.errors, summary(asdict(found)), flush=True)
                results["crowds"].append(asdict(found))
        log = (Path(folder) / "log").read_text()
    failures = log.count("Traceback")
    if failures:
        print(log[-4000:])
        sys.exit(f"the server's log has {failures} tracebacks")
    RESULTS.write_text(json.dumps(results))
    Path(__file__).with_suffix(".md").write_text(report(results), encoding="utf-8")


def summary(crowd: dict[str, Any]) -> str:
    """Return a row of the table."""
    latency, memory = np.asarray(crowd["latencies"]), crowd["memory"]
    middle, high = np.median(latency), np.percentile(latency, 95)
    late = [1e3 * s for s in (crowd["late"]["p99"], crowd["late"]["worst"], crowd["late_opening"])]
    cells = [
        crowd["sessions"], len(latency), f"{middle:.2f}", f"{high:.2f}",
        f"{len(latency) / crowd['seconds']:.2f}", f"{crowd['batch']:.1f}", len(crowd["errors"]),
        crowd["mixed_up"], *(f"{ms:.0f}" for ms in late), ", ".join(f"{mb:.0f}" for mb in memory),
        f"{crowd['load']:.1f}",
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def report(results: dict[str, Any]) -> str:
    """Return the result file, of what has been measured so far."""
    lines = ["# Many people at once, and one after another", "", f"{os.cpu_count()} cores.", ""]
    if "passes" in results:
        lines += _passes_report(results["passes"])
    if results.get("crowds"):
        lines += _crowds_report(results["crowds"])
    if "soak" in results:
        lines += _soak_report(results["soak"])
    return "\n".join(lines)


def _passes_report(passes: dict[str, Any]) -> list[str]:
    counts = (1, 2, 4, 8, 16)
    rows = [
        f"| {side}×{side} | " + " | ".join(f"{passes[f'{side} {n}']:.1f}" for n in counts) + " |"
        for side in (64, 128)
    ]
    return [
        "## Translated in one go", "",
        f"Milliseconds of processor time a map and step ({TRANSLATOR}, {passes['threads']} "
        "thread), by the number of maps that are translated at once.", "",
        "| | " + " | ".join(map(str, counts)) + " |", "|---" * (len(counts) + 1) + "|", *rows, "",
        f"A map of a batch of eight is its seed's own to {passes['apart_dex']:.0e} dex.", "",
    ]  # fmt: skip


def _crowds_report(crowds: list[dict[str, Any]]) -> list[str]:
    return [
        "## At once", "",
        f"Each session clicks again as soon as it has its output, for {crowds[0]['seconds']:.0f} s "
        "or more; seconds from the click to the output. The event loop's lateness in milliseconds "
        "is the bound of the histogram's bucket at 99 %, the worst, and the worst while the pages "
        "were opened before: a page is made in one go, and the first one of a server waits for all "
        "imports. Memory is that of the server's process before, at its highest and after, in MB; "
        "load is that of the machine at the start, other work included.", "",
        "| sessions | outputs | median | 95 % | outputs/s | jobs in one go | errors | mixed up "
        "| late 99 % | worst | opening | memory | load |",
        "|---" * 13 + "|", *map(summary, crowds), "",
        f"Outputs differ from those of their seeds alone by "
        f"{max(crowd['worst_dex'] for crowd in crowds):.0e} dex at most.", "",
    ]  # fmt: skip


def _soak_report(soak: dict[str, Any]) -> list[str]:
    memory = soak["memory"]
    gradient, error = slope(memory)
    return [
        "## One after another", "",
        f"{len(memory)} sessions, each opened until its first output is on view and closed. Memory "
        f"of the server's process is {memory[0]:.0f} MB after the first, {memory[-1]:.0f} MB after "
        f"the last and {soak['end']:.0f} MB once all have been let go ({soak['left']:.0f} left). "
        f"Its slope after the first fifth is {gradient:.0f} ± {error:.0f} kB a session.", "",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
