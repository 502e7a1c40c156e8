"""Rounds of the tiny models, for the tests of the trainer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ccit.config import Config, Training
from ccit.models.bases import BaseModels
from ccit.ports.training import Progress
from ccit.records import Candidate, Material, Round, Version
from ccit.store.files import FileStore
from ccit.training.lora import LoraTrainer


def quiet(stage: str, done: int, total: int) -> None:
    pass


@dataclass(frozen=True)
class TinyRounds:
    """Rounds over one material; each begins at the base version unless another parent is given."""

    config: Config
    bases: BaseModels
    plan: Callable[[int], Round]
    material: Material
    base_version: Version

    def job(self, seed: int = 0) -> tuple[Round, Material, Version]:
        """What a trainer is asked."""
        return self.plan(seed), self.material, self.base_version

    def settings(self, **changes: object) -> Training:
        """Those of the configuration, with changes."""
        return Training.model_validate(self.config.training.model_dump() | changes)

    def trainer(self, root: Path, settings: Training | None = None) -> LoraTrainer:
        """One whose store and work folder are in `root`."""
        return LoraTrainer(settings or self.config.training, self.bases, FileStore(root), root / "work")

    def train(
        self,
        root: Path,
        seed: int = 0,
        settings: Training | None = None,
        parent: Version | None = None,
        progress: Progress = quiet,
    ) -> Candidate:
        """Train a round in `root`."""
        return self.trainer(root, settings).train(self.plan(seed), self.material, parent or self.base_version, progress)

    def version(self, candidate: Candidate) -> Version:
        """Number 1, made of a candidate."""
        return replace(self.base_version, number=1, parent=0, adapters=candidate.adapters)


def digests(candidate: Candidate) -> list[dict[str, str]]:
    return [dict(candidate.adapters.deployed.files), dict(candidate.adapters.proxy.files)]
