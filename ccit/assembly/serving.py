"""Everything that answers requests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ccit.assembly.versions import base_version, store
from ccit.config import Config
from ccit.plugins import build
from ccit.ports.serving import BackendContext
from ccit.records import Version
from ccit.store.files import FileStore

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from ccit.models.embedders import SentenceTransformerEmbedder
    from ccit.serving.readiness import Readiness
    from ccit.serving.slots import Slots
    from ccit.serving.steering import Steering


@dataclass(frozen=True, slots=True)
class ServingParts:
    """Everything that answers: the `serve` process holds one of these."""

    base: Version
    slots: Slots
    steering: Steering
    readiness: Readiness
    app: Starlette
    store: FileStore

    def read(self, version: Version) -> dict[str, bytes] | None:
        """The deployed adapter's files, checked; None for the base model. Raises `ArtifactDamaged`."""
        return None if version.adapters is None else dict(self.store.read(version.adapters.deployed))


def serving(config: Config) -> ServingParts:
    """Load the deployed model and put the server's application around it. Raises `ModelUnusable`."""
    from ccit.models.bases import BaseModels
    from ccit.serving.app import create_app
    from ccit.serving.engine import Engine
    from ccit.serving.readiness import Readiness
    from ccit.serving.slots import Slots
    from ccit.serving.steering import Steering

    models, bases = config.models, BaseModels(config.models)
    backend = build("backend", config.serving.backend, BackendContext(lambda: bases.deployed))
    slots, readiness = Slots(backend, models.alias), Readiness()
    day = config.serving.template_date or models.template_date
    settings = config.serving.model_copy(update={"template_date": day})
    steering = Steering(slots)
    engine = Engine(slots, settings.concurrency, settings.queue, settings.queue_seconds)
    app = create_app(engine, readiness, settings, partial(_embedder, config), steering)
    return ServingParts(base_version(config), slots, steering, readiness, app, store(config))


def _embedder(config: Config) -> SentenceTransformerEmbedder:
    from ccit.models.embedders import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(config.embedder, config.models.device)
