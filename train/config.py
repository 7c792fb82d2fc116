"""What a training run is made of, read from YAML."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from engine.processes import PROCESSES
from engine.samplers import SAMPLERS

FOCUS = tuple(
    ("gas", target) for target in ("dark_matter", "stars", "hi", "temperature", "magnetic_field")
)

# Ho & Salimans (2022) find 0.1 and 0.2 about equally good, and 0.5 worse.
DROP_SOURCE = 0.1

# Whole numbers of a configuration with their least value, and numbers from 0 with their greatest.
_LEAST = {
    "steps": 1, "batch_size": 1, "default_steps": 1, "log_every": 1, "validate_every": 1,
    "warmup_steps": 0, "sample_every": 0, "threads": 0, "seed": 0,
}  # fmt: skip
_MOST = {
    "beta2": 1, "focus_share": 1,
    **dict.fromkeys(
        ("max_seconds", "learning_rate", "weight_decay", "ema_half_life", "save_every_s"),
        sys.float_info.max,
    ),
}  # fmt: skip


# What the parser and its constructors of dates, numbers and sets raise on odd text.
_NO_YAML = (
    yaml.YAMLError, OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError,
    RecursionError,
)  # fmt: skip
_MOST_WHOLE = 2**53
_LONGEST, _DEEPEST = 65536, 200
_TEXTS = ("name", "title", "family", "data", "output")


class ConfigError(ValueError):
    """A configuration is missing or says something unknown."""


@dataclass(frozen=True)
class FitConfig:
    """One training run.

    Attributes
    ----------
    name, title, family : of the checkpoint; family is a key of `engine.processes.PROCESSES`.
    data : path of the map store.
    normalization : of the maps: "default", the constants of `data.domains`; "store", mean and
        spread of the store's training maps; or "init", those of the checkpoint that the run starts
        from. The checkpoint carries them.
    output : folder of the run; runs/NAME if empty.
    network, process : fields of the network and of the process; network's `kind` is a key of
        `engine.networks.NETWORKS`, "unet" if absent.
    points : fields of `train.points.PointOptions`, for a network of points; empty for maps. `data`
        is then a file of clouds, and `network` holds fields of a `PointMambaConfig`.
    init : checkpoint (name or folder) whose weights the run starts from, as far as they fit; random
        ones if empty.
    steps, batch_size : length of the run, and maps of a step in all processes together.
    max_seconds : the run is over at max(step / steps, seconds / max_seconds) = 1, and the learning
        rate falls with it, so that a run on a slow machine still ends well; 0 for no limit.
    learning_rate, beta2, weight_decay : of AdamW.
    schedule, warmup_steps : the learning rate rises linearly over so many steps, then falls to zero
        as a cosine ("cosine") or stays ("constant").
    ema_half_life : of the averaged weights, as a share of the run so far.
    focus_share : share of each batch on the five directions from gas; the rest on all.
    sources : names of the domains to translate from; all where empty.
    drop_source : share of the training pairs whose source is hidden, so that the same network is
        also the prior of each target domain (Ho & Salimans 2022, algorithm 1); None for a tenth, or
        for none in a family whose path starts at the source.
    default_steps, default_sampler : of one translation, for the card.
    precision : "bfloat16" (autocast) or "float32".
    compile : whether to train through torch.compile.
    threads : CPU threads; 0 for torch's choice.
    save_every_s, log_every, validate_every : seconds, steps, steps.
    sample_every : steps between pictures of hold-out maps in TensorBoard; 0 for none.
    seed : of everything random in the run.
    """

    name: str
    title: str
    family: str
    data: str = "runs/synthetic-64"
    normalization: str = "default"
    output: str = ""
    network: dict[str, Any] = field(default_factory=dict)
    process: dict[str, Any] = field(default_factory=dict)
    points: dict[str, Any] = field(default_factory=dict)
    init: str = ""
    steps: int = 10_000
    batch_size: int = 32
    max_seconds: float = 0.0
    learning_rate: float = 6e-4
    schedule: str = "cosine"
    warmup_steps: int = 200
    beta2: float = 0.99
    weight_decay: float = 0.01
    ema_half_life: float = 0.05
    focus_share: float = 0.5
    sources: list[str] = field(default_factory=list)
    drop_source: float | None = None
    default_steps: int = 1
    default_sampler: str = "ddim"
    precision: str = "float32"
    compile: bool = False
    threads: int = 0
    save_every_s: float = 60.0
    log_every: int = 20
    validate_every: int = 500
    sample_every: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        self._check_numbers()
        for name in _TEXTS:
            if not isinstance(getattr(self, name), str) or "\0" in getattr(self, name):
                raise ConfigError(f"{name} must be text, got {getattr(self, name)!r:.80}")
        if not isinstance(self.init, str):
            raise ConfigError(f"init must be the name or folder of a checkpoint, got {self.init!r}")
        if self.normalization == "init" and not self.init:
            raise ConfigError("normalization: init needs a checkpoint in init to take it from")
        for name in ("network", "process", "points"):
            if not isinstance(getattr(self, name), dict):
                raise ConfigError(
                    f"{name} must hold keys and values, got {getattr(self, name)!r:.80}"
                )
        if not isinstance(self.sources, list) or not all(isinstance(s, str) for s in self.sources):
            raise ConfigError(f"sources must be a list of domains, got {self.sources!r:.80}")
        if str(self.default_sampler) not in SAMPLERS:
            raise ConfigError(
                f"default_sampler must be one of {', '.join(SAMPLERS)}, "
                f"got {self.default_sampler!r:.80}"
            )
        for name, allowed in (
            ("precision", ("float32", "bfloat16")), ("schedule", ("cosine", "constant")),
            ("normalization", ("default", "store", "init")),
        ):  # fmt: skip
            if getattr(self, name) not in allowed:
                raise ConfigError(
                    f"{name} must be {' or '.join(allowed)}, got {getattr(self, name)!r:.80}"
                )
        self._settle_drop_source()

    def _check_numbers(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= _MOST_WHOLE:
                raise ConfigError(f"{name} must be a whole number from {least}, got {value!r:.80}")
        for name, most in _MOST.items():
            value = getattr(self, name)
            if type(value) not in (int, float) or not 0 <= value <= most:
                limits = "from 0" if most == sys.float_info.max else f"from 0 to {most}"
                hint = "; write 1.0e-3, YAML reads 1e-3 as text" if isinstance(value, str) else ""
                raise ConfigError(f"{name} must be a number {limits}, got {value!r:.80}{hint}")

    @property
    def folder(self) -> Path:
        """Folder of the run."""
        return Path(self.output or Path("runs") / self.name)

    def _settle_drop_source(self) -> None:
        needs_source = self.family in PROCESSES and PROCESSES[self.family].needs_source
        share = self.drop_source
        if share is None:
            share = 0.0 if needs_source or self.points else DROP_SOURCE
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share < 1:
            raise ConfigError(f"drop_source must be a share from 0 to below 1, got {share!r:.80}")
        if share and needs_source:
            raise ConfigError(
                f"drop_source must be 0 for {self.family}, whose path starts at the source, "
                f"got {share}"
            )
        if share and self.points:
            raise ConfigError(f"drop_source must be 0 for a network of points, got {share}")
        object.__setattr__(self, "drop_source", float(share))


def load_config(path: str | Path, **overrides: Any) -> FitConfig:
    """Read a configuration; values in `overrides` that are not None replace the file's.

    Raises
    ------
    ConfigError : if the file is missing, is no YAML mapping, or holds an unknown or wrong key.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        # The parser takes time that grows with the square of how deep things are nested.
        if len(text) > _LONGEST or text.count("[") + text.count("{") > _DEEPEST:
            raise yaml.YAMLError(
                f"it must have at most {_LONGEST} characters and {_DEEPEST} brackets"
            )
        # A few lines of aliases of aliases stand for more than any memory holds.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
            raise yaml.YAMLError("aliases (*name) are not taken")
        fields = yaml.safe_load(text)
    except FileNotFoundError:
        raise ConfigError(f"no such configuration: {path}") from None
    except _NO_YAML as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())[:300]}") from None
    if not isinstance(fields, dict):
        raise ConfigError(f"{path} must hold a mapping of keys to values")
    fields |= {key: value for key, value in overrides.items() if value is not None}
    known = {f.name for f in dataclasses.fields(FitConfig)}
    if unknown := set(fields) - known:
        raise ConfigError(f"{path} has unknown keys: {', '.join(sorted(map(str, unknown)))}")
    if lacking := [key for key in ("name", "title", "family") if key not in fields]:
        raise ConfigError(f"{path} lacks {', '.join(lacking)}")
    try:
        return FitConfig(**fields)
    except (TypeError, ValueError) as error:  # Others than ours: a number too long to be shown.
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from None
