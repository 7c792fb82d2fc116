"""Bytes a map and speed of HDF5 filters, with and without rounding; writes compression.md.

python tests/benchmarks/compression.py [--galaxies 8] [--grid-size 128]
"""

from __future__ import annotations

import argparse
import platform
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
from numpy.typing import NDArray

from data.build import MapOptions, records_of
from data.domains import DOMAINS
from data.normalize import to_log
from data.shards import MANTISSA_BITS, compression, round_mantissa
from data.synthetic import synthesize

CODECS: dict[str, Mapping[str, Any]] = {
    "none": {},
    "lzf, shuffle": {"compression": "lzf", "shuffle": True},
    "gzip 4, shuffle": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
    "zstd 3, shuffle": {**hdf5plugin.Zstd(clevel=3), "shuffle": True},
    "blosc zstd 3, bitshuffle": hdf5plugin.Blosc("zstd", 3, shuffle=hdf5plugin.Blosc.BITSHUFFLE),
    "blosc2 zstd 3, bitshuffle": hdf5plugin.Blosc2("zstd", 3, filters=hdf5plugin.Blosc2.BITSHUFFLE),
    "bitshuffle lz4, 8 KiB": hdf5plugin.Bitshuffle(cname="lz4"),
    "bitshuffle lz4, 64 KiB (ours)": compression(),
    "bitshuffle zstd 3, 8 KiB": hdf5plugin.Bitshuffle(cname="zstd", clevel=3),
    "bitshuffle zstd 1, 64 KiB": hdf5plugin.Bitshuffle(nelems=16384, cname="zstd", clevel=1),
    "bitshuffle zstd 3, 64 KiB": hdf5plugin.Bitshuffle(nelems=16384, cname="zstd", clevel=3),
    "bitshuffle zstd 9, 64 KiB": hdf5plugin.Bitshuffle(nelems=16384, cname="zstd", clevel=9),
}


def measure(maps: NDArray[Any], codec: Mapping[str, Any], repeats: int) -> tuple[float, ...]:
    """Return bytes a map, and the best MB/s of writing and of reading."""
    write, read = [], []
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as d:
        for _ in range(repeats):
            start = time.process_time()
            with h5py.File(f"{d}/maps.hdf5", "w", libver=("v110", "v110")) as file:
                chunks = (1, 1, *maps.shape[2:])
                file.create_dataset("maps", data=maps, chunks=chunks, **codec)
            write.append(time.process_time() - start)
            with h5py.File(f"{d}/maps.hdf5") as file:
                size = file["maps"].id.get_storage_size()
                start = time.process_time()
                back = file["maps"][:]
                read.append(time.process_time() - start)
            assert np.array_equal(back, maps)
    return size / (len(maps) * maps.shape[1]), maps.nbytes / min(write), maps.nbytes / min(read)


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--galaxies", type=int, default=8)
    parser.add_argument("--grid-size", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    how = MapOptions(options.grid_size, 3)
    records = [r for seed in range(options.galaxies) for r in records_of(synthesize(seed), how)]
    maps = np.float32([[record.maps[name] for name in DOMAINS] for record in records])
    rounded = round_mantissa(maps)
    raw = 4 * options.grid_size**2
    lines = [
        "# Compression of maps",
        "",
        f"`python {Path(__file__).relative_to(Path.cwd())}`: {maps.shape[0]} stacks of "
        f"{maps.shape[1]} synthetic maps, {options.grid_size} x {options.grid_size} float32, one "
        f"chunk a map, best CPU time of {options.repeats}, in memory, one thread, on "
        f"{platform.machine()} with HDF5 {h5py.version.hdf5_version}, "
        f"hdf5plugin {hdf5plugin.version}.",
        "",
        f"Rounded to {MANTISSA_BITS} bits, relative error at most 2^-{MANTISSA_BITS + 1}:",
        "",
        "| filter | bytes a map | ratio | write MB/s | read MB/s | bytes unrounded |",
        "|---|---|---|---|---|---|",
    ]
    for name, codec in CODECS.items():
        size, write, read = measure(rounded, codec, options.repeats)
        full = measure(maps, codec, 1)[0]
        lines.append(
            f"| {name} | {size:.0f} | {raw / size:.2f} | {write / 1e6:.0f} | {read / 1e6:.0f} "
            f"| {full:.0f} |"
        )
        print(lines[-1], flush=True)
    lines += [
        "", "Our filter at other roundings, with the largest error of log10(value + floor):", "",
        "| bits kept | relative error | largest error in dex | bytes a map | ratio |",
        "|---|---|---|---|---|",
    ]  # fmt: skip
    for bits in (6, 8, 9, 10, 11, 12, 16, 23):
        coarse = round_mantissa(maps, bits) if bits < 23 else maps
        size = measure(coarse, compression(), 1)[0]
        dex = max(
            float(np.abs(to_log(coarse[:, i], name) - to_log(maps[:, i], name)).max())
            for i, name in enumerate(DOMAINS)
        )
        bound = f"2^-{bits + 1}" if bits < 23 else "0"
        lines.append(f"| {bits} | {bound} | {dex:.1e} | {size:.0f} | {raw / size:.2f} |")
        print(lines[-1], flush=True)
    Path(__file__).with_suffix(".md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
