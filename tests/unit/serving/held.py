"""A server's versions over a model that a test has loaded."""

from __future__ import annotations

from ccit.models.causal import CausalModel
from ccit.ports.serving import BackendContext
from ccit.serving.backends.embedded import EmbeddedBackend
from ccit.serving.slots import Slots


def slots_over(base: CausalModel, keep: int = 3) -> Slots:
    return Slots(EmbeddedBackend(EmbeddedBackend.Settings(), BackendContext(lambda: base)), "ccit", keep)
