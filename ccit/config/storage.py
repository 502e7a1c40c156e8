"""Where things lie: the artifact store, and what can be made again."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_cache_path, user_data_path
from pydantic import Field

from ccit.config.section import Section


class Store(Section):
    """Where adapters, manifests and index snapshots lie."""

    root: Path = Field(
        user_data_path("ccit") / "store", description="folder of the artifact store, shared by all processes"
    )
    snapshot_seconds: float = Field(
        300, ge=0, description="how often a scorer writes down what it knows, seconds; 0: only when it ends"
    )


def cache_root() -> Path:
    """The user's cache folder for ccit (XDG): small models, Kafka's jars."""
    return user_cache_path("ccit")
