"""What a run is: dataclasses, read from YAML."""

from __future__ import annotations

import types
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import yaml

from engine.networks.unet import UNetConfig
from engine.processes import PROCESSES, Process

PRECISIONS = ("float32", "bfloat16")


class ConfigError(ValueError):
    """A configuration does not describe a run."""


@dataclass(frozen=True)
class Optimization:
    """How the weights are found.

    Attributes
    ----------
    batch_size : pairs of maps a step.
    steps : steps in all.
    max_seconds : end after so much training time; the learning rate then follows the time.
    learning_rate : at its peak; it rises over `warmup_steps` and falls to 0 along a cosine.
    weight_decay, beta1, beta2 : of AdamW. max_gradient_norm : clips, 0 for no clipping.
    ema_half_life : of the averaged weights, as a fraction of the run.
    focus : share of each batch given to the `FOCUS` pairs; the rest is uniform over all pairs.
    precision : "float32", or "bfloat16" for autocast.
    threads : of torch on the CPU, 0 for its own choice.
    """

    batch_size: int = 32
    steps: int = 9000
    max_seconds: float | None = None
    learning_rate: float = 1e-3
    warmup_steps: int = 200
    weight_decay: float = 0.01
    beta1: float = 0.9
    beta2: float = 0.99
    max_gradient_norm: float = 1.0
    ema_half_life: float = 0.05
    focus: float = 0.5
    precision: str = "bfloat16"
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ("batch_size", "steps", "learning_rate", "ema_half_life"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} must be above zero, got {getattr(self, name)}")
        if self.max_seconds is not None and self.max_seconds <= 0:
            raise ConfigError(f"max_seconds must be above zero, got {self.max_seconds}")
        if not 0 <= self.focus <= 1:
            raise ConfigError(f"focus must be between 0 and 1, got {self.focus}")
        if self.precision not in PRECISIONS:
            raise ConfigError(
                f"precision must be one of {', '.join(PRECISIONS)}, got {self.precision!r}"
            )


@dataclass(frozen=True)
class Logging:
    """How often things are written, in steps (`log_every`, `validate_every`) and seconds."""

    log_every: int = 50
    validate_every: int = 500
    validation_pairs: int = 256
    save_every_seconds: float = 120.0


@dataclass(frozen=True)
class Config:
    """A run: what is trained, on what, how.

    Attributes
    ----------
    name, title : of the checkpoint, for the machine and for people.
    family : "ddpm" or "pix2pix"; `process` holds its options.
    data : path of the map store.
    default_steps : evaluations of the network that a translation takes unless told.
    """

    name: str
    title: str
    family: str
    data: str
    seed: int = 0
    default_steps: int = 32
    process: dict[str, Any] = field(default_factory=dict)
    network: UNetConfig = field(default_factory=UNetConfig)
    optimization: Optimization = field(default_factory=Optimization)
    logging: Logging = field(default_factory=Logging)

    def __post_init__(self) -> None:
        self.make_process()

    def make_process(self) -> Process:
        """Return the process; ConfigError where family or options are unknown."""
        if self.family not in PROCESSES:
            raise ConfigError(f"family must be one of {', '.join(PROCESSES)}, got {self.family!r}")
        try:
            return PROCESSES[self.family](**self.process)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"process of family {self.family}: {error}") from None


def load_config(path: str | Path) -> Config:
    """Read a YAML file; ConfigError says in one sentence what is wrong with it."""
    try:
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the configuration {path}: {error}") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
    return parse(document, str(path))


def parse(document: Any, where: str = "configuration") -> Config:
    """Return the configuration that nested dicts describe."""
    return _fill(Config, document, where)


def to_dict(config: Config) -> dict[str, Any]:
    """Return nested dicts and lists, as YAML and JSON know them."""
    return _plain(asdict(config))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def _fill(kind: Any, values: Any, where: str) -> Any:
    """Make dataclass `kind` of a dict: unknown, missing and ill-typed keys are refused."""
    if not isinstance(values, dict):
        raise ConfigError(f"{where} must hold keys and values, got {values!r}")
    known = {f.name for f in fields(kind)}
    unknown = [str(key) for key in values if key not in known]
    if unknown:
        raise ConfigError(
            f"unknown key {', '.join(unknown)} in {where}; known are {', '.join(sorted(known))}"
        )
    hints = get_type_hints(kind)
    filled = {key: _convert(hints[key], item, f"{where}: {key}") for key, item in values.items()}
    try:
        return kind(**filled)
    except TypeError as error:
        raise ConfigError(f"{where}: {str(error).split(') ', 1)[-1]}") from None
    except ConfigError:
        raise
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None


def _convert(hint: Any, value: Any, where: str) -> Any:
    """Return `value` as the annotated type, or refuse it."""
    if is_dataclass(hint):
        return _fill(hint, value, where)
    allowed = get_args(hint) if get_origin(hint) is types.UnionType else (hint,)
    plain = [get_origin(kind) or kind for kind in allowed]
    if tuple in plain and isinstance(value, list) and all(type(v) is int for v in value):
        return tuple(value)
    if float in plain and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) in plain:
        return value
    names = " or ".join(kind.__name__ for kind in plain)
    hint_ = " (YAML reads 1e-3 as text: write 1.0e-3)" if isinstance(value, str) else ""
    raise ConfigError(f"{where} must be {names}, got {value!r}{hint_}")
