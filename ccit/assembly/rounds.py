"""When a round starts, what it is made of, and who judges its candidate."""

from __future__ import annotations

from pathlib import Path

from ccit.config import Config
from ccit.evaluation.gate import gate_of
from ccit.evaluation.judging import Judging
from ccit.evaluation.suites import load_suites
from ccit.ingest.files import samples_of
from ccit.pipeline import Recipe
from ccit.plugin_tables import selected
from ccit.plugins import build
from ccit.ports.evaluation import Evaluator
from ccit.ports.rounds import PlannerContext, SourceContext, Trigger, TriggerContext
from ccit.ports.selection import Scorer
from ccit.records import Version
from ccit.triggers.any_of import AnyOf


def recipe(config: Config, base: Version, proxy: Scorer | None = None) -> Recipe:
    """What every round is made of: planner and sources, and what its manifest says of models and settings.

    Parameters
    ----------
    proxy : Scorer | None
        Who scores anew for a planner, where a proxy is loaded.
    """
    rounds = config.rounds
    context = SourceContext(rounds.seed, lambda path: samples_of(Path(path), config.ingest.max_bytes))
    return Recipe(
        alias=config.models.alias,
        planner=build("planner", rounds.planner, PlannerContext(rounds.size, rounds.seed, proxy)),
        sources={kind: build("source", settings, context) for kind, settings in sorted(rounds.sources.items())},
        validation_share=rounds.validation_share,
        base_model=base.base_model,
        base_revision=base.base_revision,
        proxy_model=base.proxy_model,
        proxy_revision=base.proxy_revision,
        config_digest=base.config_digest,
        code_digest=base.code_digest,
        seed=rounds.seed,
    )


def triggers(config: Config) -> tuple[Trigger, ...]:
    """What starts a round, in the order of their kinds."""
    context = TriggerContext(config.rounds.size, config.rounds.min_size)
    return tuple(build("trigger", settings, context) for settings in selected(config.rounds.triggers))


def trigger(config: Config, *, whole_pool: bool) -> AnyOf:
    """What starts a round of all that waits; without `whole_pool` what starts a full one."""
    return AnyOf(tuple(one for one in triggers(config) if one.whole_pool == whole_pool))


def judging(config: Config, evaluator: Evaluator) -> Judging:
    """The suites and the gate. Raises `ConfigError` for a suite that cannot be read, or one that nobody asks."""
    return Judging(load_suites(config.evaluation), evaluator, gate_of(config.evaluation))
