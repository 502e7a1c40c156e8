"""The settings of drift: what is watched of the accepted samples, and how long a finding counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from ccit.config.section import Section
from ccit.plugin_tables import EachOf
from ccit.plugins import PluginSettings

_DETECTORS = EachOf("detector", ())


class DriftWatch(Section):
    """Whether what is let in changes; nothing is watched without a detector."""

    detectors: Annotated[Mapping[str, PluginSettings], _DETECTORS] = Field(
        default_factory=_DETECTORS.default, description="what finds a change"
    )
    standing: int = Field(
        200,
        ge=1,
        description="accepted samples of a partition for which a finding stands: what is let in meanwhile and belongs "
        "to it is marked with its cause, which the trigger `drift` counts",
    )
