"""What a replica of the server does with announcements, without broker, model or store."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ccit.config import Config
from ccit.errors import ArtifactDamaged
from ccit.records import Version
from ccit.serving.readiness import Readiness
from ccit.serving.slots import Slots
from consumers import serve as serve_module
from consumers.serve import ServeConsumer
from tests.nouns import version


class Backend:
    """Port `Backend`: holds what it is given."""

    def load(self, number: int, files: Any) -> None: ...

    def unload(self, number: int) -> None: ...


class Store:
    """Gives the files of a version until it is away."""

    def __init__(self) -> None:
        self.away = False

    def read(self, version: Version) -> dict[str, bytes]:
        if self.away:
            raise ArtifactDamaged(f"version {version.number} is not in the store")
        return {}


def test_a_rollback_to_a_version_in_memory_asks_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    slots, store = Slots(Backend(), "ccit"), Store()  # type: ignore[arg-type]  # it is asked for nothing else here
    readiness, said = Readiness(), list[tuple[str, int]]()
    parts = SimpleNamespace(slots=slots, readiness=readiness, base=version(), app=None, read=store.read)
    lineage = SimpleNamespace(lineage=SimpleNamespace(sequence=0))
    reporter = SimpleNamespace(report=lambda state, number, *_: said.append((state, number)))
    for name, made in {
        "serving": parts,
        "Server": SimpleNamespace(url="http://here"),
        "VersionFollower": lineage,
        "Reporter": reporter,
    }.items():
        monkeypatch.setattr(serve_module, name, lambda *_, made=made: made)
    replica = ServeConsumer(Config(), "a")
    for number in (1, 2):
        replica._follow_to(version(number, number - 1))
    store.away = True
    said.clear()
    replica._follow_to(version(1, 0))
    assert (slots.active, said) == (1, [("active", 1)])
    replica._follow_to(version(3, 1))
    assert (slots.active, said[-1]) == (1, ("failed", 1))
