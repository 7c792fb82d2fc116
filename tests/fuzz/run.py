"""Read thousands of spoiled files, each reader in processes of its own, and say what came of it.

    python tests/fuzz/run.py --count 12000 --write

A process that crashes, or takes longer than the limit, is a finding and is replaced. With --write
the table goes to tests/fuzz/results.md. Exit status 1 where anything but an answer or a promised
error came.
"""

import argparse
import json
import os
import platform
import queue
import resource
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

SECONDS = 8.0
ROOM = 2**30  # Address space beyond that of the libraries.
VARIANTS = 4
HDF5 = ("cutout", "shard")  # What `check_file` stands in front of.


def work() -> None:
    """Read what standard input names, line by line, and answer with what came of each."""
    from readers import READERS

    from data.examination import Refusal, examine

    Path("/proc/self/clear_refs").write_text("5")  # The peak is counted from here.
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + ROOM, size + ROOM))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(json.dumps({"ready": peak()}), flush=True)
    for line in sys.stdin:
        target, path = json.loads(line)
        start, text = time.perf_counter(), ""
        try:
            if target == "examination":
                examine(Path(path), 2**31)
            else:
                READERS[target].read(Path(path))
            outcome = "answer"
        except Exception as error:
            errors = (Refusal,) if target == "examination" else READERS[target].errors
            outcome, text = "error", str(error)
            if not isinstance(error, errors) or "\n" in text:
                outcome = f"bare {type(error).__name__}"
                text = "".join(traceback.format_exception(error))[-1500:]
        seconds = time.perf_counter() - start
        answer = {"outcome": outcome, "text": text[-1500:], "seconds": seconds, "peak": peak()}
        print(json.dumps(answer), flush=True)


def peak() -> int:
    """Return the most memory (bytes) that this process had at a time."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024


class Worker:
    """A process that reads, replaced where it dies or does not come back."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--work"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"}, cwd=ROOT,
        )  # fmt: skip
        self.floor = json.loads(self.process.stdout.readline())["ready"]

    def read(self, target: str, path: Path) -> dict:
        if self.process is None:
            self.start()
        self.process.stdin.write(json.dumps([target, str(path)]).encode() + b"\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], SECONDS)[0]:
            self.stop()
            return {"outcome": "hang", "text": "", "seconds": SECONDS, "peak": 0}
        line = self.process.stdout.readline()
        if not line:
            name = signal.Signals(-self.process.wait()).name
            self.stop()
            return {"outcome": f"crash {name}", "text": "", "seconds": 0.0, "peak": 0}
        answer = json.loads(line)
        answer["peak"] = max(0, answer["peak"] - self.floor)
        return answer

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
            self.process = None


def spoiled(target: str, number: int, seed: int, folder: Path) -> Path:
    """Return a spoiled copy of a whole file: always the same for the same number and seed."""
    import numpy as np
    from readers import READERS

    reader = READERS[target]
    # A hash of the name that does not change from one process to the next.
    rng = np.random.default_rng([seed, number, *target.encode()])
    whole = folder / f"whole-{target}-{number % VARIANTS}"
    if not whole.exists():
        reader.make(whole, number % VARIANTS)
    path = folder / f"{target}-input"
    if whole.is_dir():
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(whole, path)
    else:
        shutil.copyfile(whole, path)
    reader.spoil(path, rng)
    return path


def fuzz(
    count: int, seed: int, targets: list[str], keep: Path | None, jobs: int
) -> dict[str, list[dict]]:
    """Return for each target what came of each of its inputs."""
    from readers import READERS

    from data.untrusted import UntrustedError, check_file

    total = sum(READERS[t].share for t in targets)
    found: dict[str, list[dict]] = {}
    for target in targets:  # In the order of the table, whichever comes first to its end.
        found |= {name: [] for name in (target, *lanes(target))}
    idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
    workers = [Worker() for _ in range(jobs)]
    for worker in workers:
        idle.put(worker)
    with tempfile.TemporaryDirectory() as name:

        def run(target: str) -> None:
            worker, folder = idle.get(), Path(name)
            for number in range(max(1, round(count * READERS[target].share / total))):
                path = spoiled(target, number, seed, folder)
                answer = worker.read(target, path)
                found[target].append(answer)
                is_finding = answer["outcome"] not in ("answer", "error")
                if is_finding and keep is not None:
                    keep.mkdir(exist_ok=True, parents=True)
                    kept = keep / f"{target}-{number}"
                    (shutil.copytree if path.is_dir() else shutil.copyfile)(path, kept)
                    (keep / f"{target}-{number}.txt").write_text(json.dumps(answer, indent=1))
                if target in HDF5:
                    look = worker.read("examination", path)
                    found[f"{target}, examined"].append(look)
                    if is_finding or number % 40 == 0:
                        try:
                            check_file(path)
                            passed = {"outcome": "answer"}
                        except UntrustedError as error:
                            passed = {"outcome": "error", "text": str(error)}
                        passed["outcome"] += " after a finding" * is_finding
                        found[f"{target}, check_file"].append({"seconds": 0, "peak": 0, **passed})
            idle.put(worker)

        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(run, targets))
    for worker in workers:
        worker.stop()
    return found


def lanes(target: str) -> tuple[str, ...]:
    return (f"{target}, examined", f"{target}, check_file") if target in HDF5 else ()


def table(found: dict[str, list[dict]]) -> str:
    lines = [
        "| reader | inputs | answers | errors of ours | findings | slowest (s) | memory (MB) |",
        "|---|---|---|---|---|---|---|",
    ]
    for target, answers in found.items():
        kinds = Counter(answer["outcome"] for answer in answers)
        others = ", ".join(f"{n} {k}" for k, n in sorted(kinds.items()) if k not in KNOWN) or "0"
        slowest = max(answer["seconds"] for answer in answers)
        memory = max(answer["peak"] for answer in answers) / 2**20
        lines.append(
            f"| {target} | {len(answers)} | {kinds['answer']} | {kinds['error']} | {others} | "
            f"{slowest:.2f} | {memory:.0f} |"
        )
    return "\n".join(lines)


def failures(found: dict[str, list[dict]]) -> int:
    """Count what is our fault: bare errors, and what `check_file` let through to do harm.

    A crash or a hang within the HDF5 library is what `check_file` is for.
    """
    outcomes = [answer["outcome"] for answers in found.values() for answer in answers]
    return sum(each.startswith("bare") or each == "answer after a finding" for each in outcomes)


HEAD = """# What came of spoiled files

Made by `{command}`:
{total} inputs in {seconds:.0f} s on {machine}, with Python {python}, h5py {h5py} and HDF5 {hdf5}.

Each input is a whole file, spoiled by a seeded generator: flipped bits, blocks cut off, swapped,
doubled or overwritten, other values, types and shapes of single parts, links, claims of 10^12 rows.
"Answers" passed the checks of tests/fuzz/readers.py, "errors of ours" are one sentence of the
reader's own type. All else is a finding: a bare exception, a crash, or no end within {limit:.0f} s.
Memory is what a process took beyond its start. "Examined" went through `data.examination` in the
same process as the reader; "check_file" is a fortieth of the inputs, and all that were findings.

{table}

"""


def arguments_of(words: list[str]) -> str:
    """Return the arguments less the folder of --keep, which is one's own."""
    if "--keep" in words:
        place = words.index("--keep")
        words = words[:place] + words[place + 2 :]
    return " ".join(words)


def report(found: dict[str, list[dict]], seconds: float) -> str:
    import h5py

    total = sum(len(found[name]) for name in found if "," not in name)
    return HEAD.format(
        command="python tests/fuzz/run.py " + arguments_of(sys.argv[1:]),
        total=total, seconds=seconds,
        machine=f"{os.cpu_count()} cores of {platform.machine()}", limit=SECONDS,
        python=platform.python_version(), h5py=h5py.__version__, hdf5=h5py.version.hdf5_version,
        table=table(found),
    )  # fmt: skip


KNOWN = ("answer", "error")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=12_000, help="inputs in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--targets", nargs="+")
    parser.add_argument("--keep", type=Path, help="folder for inputs that are findings")
    parser.add_argument("--write", action="store_true", help="write tests/fuzz/results.md")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work()
        return 0
    from readers import READERS

    start, targets = time.monotonic(), arguments.targets or list(READERS)
    found = fuzz(arguments.count, arguments.seed, targets, arguments.keep, arguments.jobs)
    text = report(found, time.monotonic() - start)
    print(text)
    if arguments.write:
        (Path(__file__).parent / "results.md").write_text(text)
    return int(failures(found) > 0)


if __name__ == "__main__":
    sys.exit(main())
