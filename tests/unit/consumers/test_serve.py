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
from ccit.serving.steering import Steering
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


class Replica:
    """A ServeConsumer and what it said: state, active version, detail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.slots, self.store = Slots(Backend(), "ccit"), Store()  # type: ignore[arg-type]  # asked for nothing else
        self.steering, self.said = Steering(self.slots), list[tuple[str, int, str]]()
        parts = SimpleNamespace(
            slots=self.slots,
            steering=self.steering,
            readiness=Readiness(),
            base=version(),
            app=None,
            read=self.store.read,
        )
        for name, made in {
            "serving": parts,
            "Server": SimpleNamespace(url="http://here"),
            "VersionFollower": SimpleNamespace(lineage=SimpleNamespace(sequence=0), poll=lambda _: None),
            "Reporter": SimpleNamespace(report=self._report, repeat=lambda: None),
        }.items():
            monkeypatch.setattr(serve_module, name, lambda *_, made=made: made)
        self.consumer = ServeConsumer(Config(), "a")
        for number in (1, 2):
            self.consumer._follow_to(version(number, number - 1))

    def _report(self, state: str, number: int, _followed: int, detail: str) -> None:
        self.said.append((state, number, detail))


def test_a_rollback_to_a_version_in_memory_asks_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica(monkeypatch)
    replica.store.away = True
    replica.said.clear()
    replica.consumer._follow_to(version(1, 0))
    assert (replica.slots.active, replica.said) == (1, [("active", 1, "http://here")])
    replica.consumer._follow_to(version(3, 1))
    assert (replica.slots.active, replica.said[-1][:2]) == (1, ("failed", 1))


def test_a_pin_is_reported_and_outlasts_announcements(monkeypatch: pytest.MonkeyPatch) -> None:
    replica = Replica(monkeypatch)
    replica.steering.pin(1, expected=2)
    replica.consumer._turn()
    replica.consumer._follow_to(version(3, 2))
    assert replica.said[-1] == ("active", 1, "http://here, pinned by an operator")
    replica.steering.unpin(expected=1)
    replica.consumer._turn()
    assert replica.said[-1] == ("active", 3, "http://here")


def test_a_version_that_is_dropped_while_it_is_announced_is_loaded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last stream of a version over the cap may end between any two steps of who follows the announcements."""
    replica = Replica(monkeypatch)
    replica.steering.pin(2, expected=2)
    announce = replica.steering.announce

    def drop_first(number: int) -> None:
        replica.slots._users.pop(number, None)  # as the end of that stream does
        monkeypatch.setattr(replica.steering, "announce", announce)
        announce(number)

    monkeypatch.setattr(replica.steering, "announce", drop_first)
    replica.said.clear()
    replica.consumer._follow_to(version(1, 0))
    assert [state for state, *_ in replica.said] == ["loading", "loaded", "active"]
    assert replica.slots.held == (0, 1, 2)


def test_a_roll_back_is_asked_of_the_trainer(monkeypatch: pytest.MonkeyPatch) -> None:
    replica, asked = Replica(monkeypatch), list[Any]()

    def issue(_: Any, *wish: Any) -> Any:
        asked.append(wish)
        return SimpleNamespace(command_id="7")

    monkeypatch.setattr(serve_module, "issue", issue)
    replica.steering.ask_back(1, expected=2)
    assert asked == [(Config().models.alias, "rollback", 1)]
