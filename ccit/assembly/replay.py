"""Everything at once in one process, for a replay without a broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccit.assembly.rounds import judging, recipe, triggers
from ccit.assembly.scoring import scoring
from ccit.assembly.versions import store
from ccit.config import Config
from ccit.fates import Fates
from ccit.lineage import Lineage
from ccit.triggers.any_of import AnyOf

if TYPE_CHECKING:
    from ccit.replay import Loop


def loop(config: Config) -> Loop:
    """The parts of a replay, all in this process."""
    from ccit.evaluation.runner import ModelEvaluator
    from ccit.models.bases import BaseModels
    from ccit.models.batch_choice import BatchChoice
    from ccit.models.placement import make_deterministic
    from ccit.replay import Loop
    from ccit.training.lora import LoraTrainer

    make_deterministic()
    parts = scoring(config)
    lineage = Lineage(parts.base)
    bases, workdir = BaseModels(config.models), config.store.root / "work"
    choice = BatchChoice(config.training, bases)
    evaluator = ModelEvaluator(config.evaluation, config.training, bases, store(config), workdir / "answers", choice)
    return Loop(
        admission=parts.admission,
        proxy=parts.proxy,
        trigger=AnyOf(triggers(config)),
        trainer=LoraTrainer(config.training, bases, store(config), workdir, choice),
        judging=judging(config, evaluator),
        recipe=recipe(config, parts.base, parts.proxy),
        admitted=parts.admitted,
        fates=Fates(lineage, config.rounds.cooldown_rounds),
        lineage=lineage,
        drift=parts.drift,
        scoring_spent=lambda: parts.spent,
    )
