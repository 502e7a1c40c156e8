"""Rounds of the tiny models, for the tests of the trainer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ccit.config import Config
from ccit.models.bases import BaseModels
from ccit.records import Candidate, Round
from ccit.store.files import FileStore
from ccit.training.lora import LoraTrainer

Plan = Callable[[int], Round]


def quiet(stage: str, done: int, total: int) -> None:
    pass


def trainer(config: Config, bases: BaseModels, root: Path) -> LoraTrainer:
    return LoraTrainer(config.training, bases, FileStore(root), root / "work")


def digests(candidate: Candidate) -> list[dict[str, str]]:
    return [dict(candidate.adapters.deployed.files), dict(candidate.adapters.proxy.files)]
