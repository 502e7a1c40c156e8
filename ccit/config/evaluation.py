"""The settings of evaluation and of the gate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, field_validator

from ccit.config.section import PLAIN_NAME, Section
from ccit.plugin_tables import EachOf, OneOf
from ccit.plugins import PluginSettings

_CRITERIA = EachOf("criterion", ("faults", "finite_loss", "forgetting", "gain", "total_forgetting"))
_METRIC = OneOf("metric", "rouge_l")


class Evaluation(Section):
    """The suites and the gate."""

    suites: dict[str, str] = Field(
        {},
        description="JSONL of questions or instruction rows by name: `domain` is what is to be learned (empty asks "
        "each round's own validation part), `general` what must not be forgotten (without it nothing is promoted, "
        "unless the criteria about it are switched off); any further name may be used by a criterion",
    )
    max_questions: int = Field(2000, ge=1, description="questions per suite, the first ones")
    max_new_tokens: int = Field(512, ge=1, description="tokens of a free answer; one that is cut there is faulty")
    metric: Annotated[PluginSettings, _METRIC] = Field(
        default_factory=_METRIC.default, description="what grades a free answer"
    )
    criteria: Annotated[Mapping[str, PluginSettings], _CRITERIA] = Field(
        default_factory=_CRITERIA.default, description="what a candidate must satisfy to be promoted, all of them"
    )
    baseline: int = Field(
        0, ge=0, description="number of the version from which a line is measured (`total_forgetting`); 0 is the base"
    )
    error_budget: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="chance of a wrong decision before the next true gain, half of it for promoting and half for "
        "holding; round k since the last promotion may spend 6/(pi^2 k^2) of it",
    )

    @field_validator("suites")
    @classmethod
    def _named(cls, suites: dict[str, str]) -> dict[str, str]:
        """The name of a suite is in events, labels and messages."""
        for name in suites:
            if not PLAIN_NAME.fullmatch(name):
                raise ValueError(
                    "expected a plain name of a suite: 1 to 100 letters, digits, dots, dashes, underscores"
                )
        return {name: path for name, path in suites.items() if path}
