"""The settings of selection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from ccit.config.section import Section
from ccit.plugin_tables import EachOf, OneOf
from ccit.plugins import PluginSettings

_CHECKS = EachOf("check", ("language", "length", "novelty", "diversity", "ifd"))
_POLICY = OneOf("policy", "thresholds")


class Selection(Section):
    """Which samples are let in: what no check refuses and the policy chooses."""

    checks: Annotated[Mapping[str, PluginSettings], _CHECKS] = Field(
        default_factory=_CHECKS.default, description="what a sample is measured by, the cheapest first"
    )
    policy: Annotated[PluginSettings, _POLICY] = Field(
        default_factory=_POLICY.default, description="what chooses among the samples that no check refused"
    )
    exact_up_to: int = Field(
        50_000,
        ge=1000,
        description="accepted samples up to which the search for the nearest is exact; beyond, a query reads a few "
        "clusters of them, and may miss one in twenty",
    )
    control_share: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of the stream that is let in by lot, whatever checks and policy would say: the control arm, "
        "marked as `arm` in its decisions; 0 is none. What is wrong in it is trained on like the rest",
    )
    audit_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of what the proxy scores that the deployed model scores too, drawn by lot: the proxy audit; "
        "a scorer then loads the deployed model as well; 0 is none",
    )
    audit_min_correlation: float = Field(
        0.5,
        ge=-1,
        le=1,
        description="rank correlation of the two below which, with its whole interval, a scorer warns",
    )
