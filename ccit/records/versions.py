"""What is promoted and announced, who follows it, and what operators ask: Version, Announcement, Command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ccit.records.candidates import AdapterPair, Spend
from ccit.records.rounds import OffsetRange
from ccit.records.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Version:
    """A promoted Candidate: immutable, numbered, with a parent. Number 0 is the base model without an adapter."""

    alias: str
    number: int
    parent: int | None
    round_id: str
    base_model: str
    base_revision: str
    proxy_model: str
    proxy_revision: str
    adapters: AdapterPair | None
    rank: int
    target_modules: tuple[str, ...]
    verdict: Verdict | None
    counts: Mapping[str, int]
    consumed: tuple[OffsetRange, ...]  # all of the samples topic that it and its ancestors were trained on, replay too
    config_digest: str
    code_digest: str
    alpha: float = 0.0


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a model-version event says: this Version is active from now on.

    `sequence` grows by one with each announcement of the alias; `expected_previous` is the compare-and-set.
    """

    kind: Literal["promoted", "rolled_back"]
    version: Version
    sequence: int
    expected_previous: int
    at: float
    traceparent: str = ""


_NOTHING = Spend()
ReplicaState = Literal["loading", "loaded", "active", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class ReplicaReport:
    """What one follower of the version topic loaded, made active or refused, and why."""

    replica_id: str
    role: Literal["serve", "score", "train"]
    state: ReplicaState
    version: int
    sequence: int
    detail: str
    at: float
    spent: Spend = _NOTHING  # by this process since its start: a scorer's proxy and embedder


@dataclass(frozen=True, slots=True)
class Command:
    """What an operator asks of the trainer."""

    verb: Literal["rollback", "hold", "resume", "round-now"]
    alias: str
    command_id: str
    to: int | None = None
