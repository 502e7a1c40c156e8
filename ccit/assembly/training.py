"""Everything that plans, trains and judges, and a trainer that makes a round again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ccit.assembly.rounds import judging, recipe, trigger
from ccit.assembly.versions import base_version, store
from ccit.config import Config
from ccit.evaluation.judging import Judging
from ccit.pipeline import Recipe
from ccit.ports.rounds import Trigger
from ccit.ports.store import ArtifactStore
from ccit.ports.training import Trainer
from ccit.records import Version
from ccit.store.files import FileStore
from ccit.training.continuity import misfit


@dataclass(frozen=True, slots=True)
class TrainerParts:
    """Everything that plans, trains and judges: the `train` process holds one of these."""

    base: Version
    recipe: Recipe
    trigger: Trigger  # of full rounds
    whole_pool_trigger: Trigger  # of rounds that take all that waits
    size: int  # samples of a full round
    min_size: int
    judging: Judging
    trainer: Trainer
    misfit: Callable[[Version], str]  # why no round can start from a version; empty where it can
    cancel: Callable[[], None]
    close: Callable[[], None]


def trainer_parts(config: Config, log: Path | None = None) -> TrainerParts:
    """The trainer's parts, with training and evaluation in a child process that is started ahead.

    Parameters
    ----------
    log : Path | None
        Where the child process writes what it has to say; None is this process's stderr.
    """
    from ccit.training.process import TrainingProcess

    base, process = base_version(config), TrainingProcess(config, log)
    judged_by = judging(config, process)  # before there is a process to be ended
    process.start()
    return TrainerParts(
        base=base,
        recipe=recipe(config, base),
        trigger=trigger(config, whole_pool=False),
        whole_pool_trigger=trigger(config, whole_pool=True),
        size=config.rounds.size,
        min_size=min(config.rounds.min_size, config.rounds.size),
        judging=judged_by,
        trainer=process,
        misfit=partial(misfit, settings=config.training),
        cancel=process.cancel,
        close=process.close,
    )


@dataclass(frozen=True, slots=True)
class Retraining:
    """What makes a round again beside the running system: nothing but whole adapters reaches `kept`."""

    trainer: Trainer
    made: ArtifactStore  # what the trainer makes
    kept: ArtifactStore  # what has been announced


def retraining(config: Config, batch_tokens: int, folder: Path) -> Retraining:
    """A trainer in this process, with an empty work folder.

    Parameters
    ----------
    batch_tokens : int
        Of the micro-batches that the round was trained in: other ones give sums in another order, so `auto` chooses
        none anew.
    folder : Path
        For all that it writes.
    """
    from ccit.models.bases import BaseModels
    from ccit.models.placement import make_deterministic
    from ccit.store.overlay import OverlayStore
    from ccit.training.lora import LoraTrainer

    make_deterministic()
    kept = store(config)
    made = OverlayStore(kept, FileStore(folder / "store"))
    training = config.training.model_copy(update={"batch_tokens": batch_tokens or config.training.batch_tokens})
    return Retraining(LoraTrainer(training, BaseModels(config.models), made, folder / "work"), made, kept)
