"""What the consumer's process and its training process say to each other: JSON lines over stdin and stdout.

The parent sends one `Setup`, then jobs; the child answers `Ready` once, and per job `BatchChosen` where it was to
choose, any number of `Progressed`, and one result or `Failed`. No torch here: both sides import it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from ccit.config import Config, Evaluation, Models, Training
from ccit.records import AdapterPair, Candidate, Material, Round, Sample, SuiteResults, Suites, Version


@dataclass(frozen=True, slots=True)
class Setup:
    """The parts of the configuration that a child needs; no secret is among them."""

    models: Models
    training: Training
    evaluation: Evaluation
    store_root: Path
    kind: Literal["setup"] = "setup"

    @classmethod
    def of(cls, config: Config) -> Setup:
        """Pick them from the whole configuration."""
        return cls(config.models, config.training, config.evaluation, config.store.root)


@dataclass(frozen=True, slots=True)
class TrainJob:
    """Train a round."""

    planned: Round
    material: Material
    parent: Version
    kind: Literal["train"] = "train"


@dataclass(frozen=True, slots=True)
class EvaluateJob:
    """Let a version answer."""

    adapters: AdapterPair | None
    suites: Suites
    validation: tuple[Sample, ...]
    kind: Literal["evaluate"] = "evaluate"


@dataclass(frozen=True, slots=True)
class Ready:
    """The libraries are imported; a job starts without delay."""

    kind: Literal["ready"] = "ready"


@dataclass(frozen=True, slots=True)
class BatchChosen:
    """How many tokens a micro-batch of this job has, where `training.batch_tokens` is `auto`."""

    batch_tokens: int
    kind: Literal["batch_chosen"] = "batch_chosen"


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far a stage has come."""

    stage: str
    done: int
    total: int
    kind: Literal["progressed"] = "progressed"


@dataclass(frozen=True, slots=True)
class Trained:
    """Result of a `TrainJob`."""

    candidate: Candidate
    kind: Literal["trained"] = "trained"


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Result of an `EvaluateJob`."""

    results: SuiteResults
    kind: Literal["evaluated"] = "evaluated"


@dataclass(frozen=True, slots=True)
class Failed:
    """A job ended with one of ccit's errors; the child takes the next, unless it is `worn`."""

    error: str  # class name in ccit/errors.py
    message: str
    worn: bool = False  # a library failed: what this process holds, a device among it, may be in any state
    kind: Literal["failed"] = "failed"


Job = TrainJob | EvaluateJob
Reply = Ready | BatchChosen | Progressed | Trained | Evaluated | Failed

TO_CHILD: TypeAdapter[Setup | Job] = TypeAdapter(
    Annotated[Setup | TrainJob | EvaluateJob, Field(discriminator="kind")],
    config=ConfigDict(ser_json_inf_nan="constants"),
)
TO_PARENT: TypeAdapter[Reply] = TypeAdapter(
    Annotated[Ready | BatchChosen | Progressed | Trained | Evaluated | Failed, Field(discriminator="kind")],
    config=ConfigDict(ser_json_inf_nan="constants"),
)
