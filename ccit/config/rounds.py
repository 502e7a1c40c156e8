"""The settings of rounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from ccit.config.section import Section
from ccit.plugin_tables import EachOf, OneOf
from ccit.plugins import PluginSettings

_TRIGGERS = EachOf("trigger", ("size",))
_PLANNER = OneOf("planner", "oldest_first")
_SOURCES = EachOf("source", ("general", "replay"))


class Rounds(Section):
    """When a round starts and what it is made of."""

    size: int = Field(1000, ge=10, description="accepted samples of a full round")
    triggers: Annotated[Mapping[str, PluginSettings], _TRIGGERS] = Field(
        default_factory=_TRIGGERS.default, description="what starts a round: whichever is due first"
    )
    planner: Annotated[PluginSettings, _PLANNER] = Field(
        default_factory=_PLANNER.default, description="what of the pool a round takes"
    )
    sources: Annotated[Mapping[str, PluginSettings], _SOURCES] = Field(
        default_factory=_SOURCES.default, description="what a round is trained on beside its own samples"
    )
    min_size: int = Field(32, ge=10, description="samples without which no time-based round starts")
    nightly: str = Field(
        "",
        description="cron expression (minute, hour, day, month, weekday; weekday 0 is Monday) of a nightly round; "
        "empty is none",
    )
    validation_share: float = Field(
        0.1, gt=0, lt=1, description="share of the samples held out in the round (paper: 9:1)"
    )
    cooldown_rounds: int = Field(
        3,
        ge=0,
        description="rounds with an outcome after one that was held or could not be trained, until what it was made of "
        "may be let in again",
    )
    seed: int = Field(0, description="with the round's content, the only source of randomness")
