"""What is evaluated: translators and baselines, all asked in the same way."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from data.normalize import denormalize, normalize
from data.store import MapStore, StoreError
from data.summary import spread_out
from engine.baselines import BASELINES
from engine.checkpoint import CheckpointError, read_card, weights_digest
from engine.requests import TranslatorError
from engine.shelf import checkpoint_folder
from engine.translator import BATCH, Translator

Maps = NDArray[np.float32]

# Map stacks that baselines are fitted to.
_FITTED = 400


class Candidate(Protocol):
    """A method that makes maps of one domain from those of another."""

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains that it knows."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Those of them that it makes maps from."""

    @property
    def is_random(self) -> bool:
        """Whether samples of one map differ; where they do not, one is drawn."""

    def describe(self) -> dict[str, Any]:
        """Return what is known of it, fields of `engine.evaluation.Method`."""

    def sample(self, maps: Maps, source: str, target: str, num_samples: int) -> Maps:
        """Return samples (n, num_samples, H, W) of maps (n, H, W), both in physical units."""

    def log_density(self, target_map: Maps, target: str, source_map: Maps, source: str) -> float:
        """Return ln p(target | source) of one map in nats; ValueError where it knows none."""


@dataclass(frozen=True)
class TranslatorCandidate:
    """A translator with the steps and the sampler that it is to take.

    Attributes
    ----------
    folder : of its checkpoint.
    num_steps, sampler : what its card recommends where None.
    """

    translator: Translator
    folder: Path
    num_steps: int | None = None
    sampler: str | None = None

    @classmethod
    def load(
        cls, name_or_path: str | Path, *, device: str, num_steps: int | None = None,
        sampler: str | None = None,
    ) -> TranslatorCandidate:  # fmt: skip
        """Load a checkpoint by name or from a folder, as `Translator.load` does."""
        translator = Translator.load(name_or_path, device=device)
        return cls(translator, checkpoint_folder(name_or_path), num_steps, sampler)

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains that it knows."""
        return self.translator.domains

    @property
    def sources(self) -> tuple[str, ...]:
        """Those of them that it makes maps from."""
        return self.translator.sources

    @property
    def is_random(self) -> bool:
        """Whether samples of one map differ."""
        return self.translator.process.is_random

    def describe(self) -> dict[str, Any]:
        """Return what the card says, and how it is sampled where."""
        translator, card = self.translator, self.translator.card
        iterative = translator.process.is_iterative
        steps = (self.num_steps or translator.default_steps) if iterative else 1
        sampler = self.sampler or translator.default_sampler
        return {
            "name": translator.name, "title": str(card.get("title", translator.name)),
            "family": translator.family, "parameters": card.get("parameters"),
            "steps": steps, "sampler": sampler if iterative else None,
            "batch": BATCH, "device": _device_name(translator.device),
            "training_minutes": training_minutes(card),
            "checkpoint_sha256": weights_digest(self.folder),
        }  # fmt: skip

    def sample(self, maps: Maps, source: str, target: str, num_samples: int) -> Maps:
        """Return samples (n, num_samples, H, W) of maps (n, H, W), both in physical units."""
        constants = self.translator.normalization
        drawn = self.translator.sample_normalized(
            normalize(maps, source, constants), source, target,
            num_steps=self.num_steps, num_samples=num_samples, sampler=self.sampler,
        )  # fmt: skip
        return denormalize(drawn, target, constants)

    def log_density(self, target_map: Maps, target: str, source_map: Maps, source: str) -> float:
        """Return ln p(target | source) of one map in nats; ValueError where it knows none."""
        return self.translator.log_density(target_map, target, source_map=source_map, source=source)


class BaselineCandidate:
    """A function of single pixels in each direction, fitted to some of a store's training maps."""

    is_random = False

    def __init__(self, name: str, path: str | Path) -> None:
        """Fit the baseline `name`, a key of `engine.baselines.BASELINES`, to a store's maps."""
        self.name = name
        with MapStore.open(path) as store:
            rows = store.select(split="train")
            if not len(rows):
                raise StoreError(f"{path} holds no galaxy of the train split")
            rows = rows[spread_out(len(rows), _FITTED)]
            maps, available = store.read(rows), store.column("available")[rows]
            self.domains = self.sources = store.domains
        for channel, domain in enumerate(self.domains):
            maps[:, channel] = normalize(maps[:, channel], domain)
        self._fitted = {}
        for s, t in permutations(range(len(self.domains)), 2):
            both = available[:, [s, t]].all(axis=1)
            if both.any():
                pair = self.domains[s], self.domains[t]
                self._fitted[pair] = BASELINES[name](maps[both, s], maps[both, t])

    def describe(self) -> dict[str, Any]:
        """Return name and family."""
        return {"name": self.name, "title": _TITLES[self.name], "family": "baseline", "steps": 1,
                "device": _device_name(torch.device("cpu"))}  # fmt: skip

    def sample(self, maps: Maps, source: str, target: str, num_samples: int) -> Maps:
        """Return the one estimate (n, 1, H, W) of maps (n, H, W), both in physical units."""
        if (source, target) not in self._fitted:
            raise StoreError(f"no training galaxy has both {source} and {target}")
        estimate = self._fitted[source, target](normalize(maps, source))
        return denormalize(estimate, target)[:, None]

    def log_density(self, target_map: Maps, target: str, source_map: Maps, source: str) -> float:
        """Raise TranslatorError: a function of pixels has no density."""
        raise TranslatorError(f"{self.name} has no density")


_TITLES = {"identity": "Affine identity", "pixelwise": "Pixelwise regression"}


def training_minutes(card: dict[str, Any]) -> float | None:
    """Return the minutes of a run with those of the runs that it went on from, where known."""
    minutes, seen = 0.0, set[str]()
    while True:
        training = card.get("training")
        if not isinstance(training, dict) or "seconds" not in training:
            return minutes or None
        minutes += float(training["seconds"]) / 60.0
        start = training.get("init")
        name = start.get("name") if isinstance(start, dict) else None
        if not name or name in seen:
            return minutes
        seen.add(name)
        try:
            card = read_card(checkpoint_folder(name))
        except (CheckpointError, TranslatorError):
            return minutes


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, threads: {torch.get_num_threads()}"
