"""Stub ports for the crash matrix, so that 100,000 records and a thousand rounds fit in half an hour of two cores.

What is stubbed: the embedder (a vector drawn from the text's hash), the proxy's IFD (a number drawn from the content's
hash), the trainer (a file that names its round and a skill) and the evaluator (answers from that skill). What is real:
everything else. Admission, admitted samples, FAISS index, thresholds, triggers, pool, plan, gate, lineage, artifact
store with its fsyncs, and every line of the consumers.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson

from ccit.assembly.rounds import recipe, trigger
from ccit.assembly.scoring import ScoringParts, checks, selector, spaces_of
from ccit.assembly.training import TrainerParts
from ccit.assembly.versions import store
from ccit.config import Config
from ccit.errors import TrainingFailed
from ccit.evaluation.gate import gate_of
from ccit.evaluation.judging import Judging
from ccit.ports.selection import CheckContext
from ccit.ports.store import ArtifactStore
from ccit.ports.training import Progress
from ccit.ports.vectors import Vectors
from ccit.records import (
    DOMAIN,
    AdapterPair,
    Artifact,
    Candidate,
    GradedAnswer,
    Material,
    Question,
    Round,
    Sample,
    Score,
    Spend,
    SuiteResults,
    Suites,
    Version,
)
from ccit.scoring.index import ExactIndex
from ccit.selection.admission import Admission, Selector
from ccit.selection.admitted import AdmittedSamples
from ccit.vectors import quantise
from tests.nouns import version

DIMENSION = 16
QUESTIONS = 3000
STEP = 0.003  # credit that a better candidate adds to each answer: certain for the gate, and room for 300 versions
_TRAINING_STEPS = 5
_FAIL_SHARE = 0.05  # of the rounds
_SPEND = Spend()
SCORING = "a batch is being scored"
"""Said by a proxy that takes its time, so that a test knows that the step is at work."""


def fraction(*parts: str) -> float:
    """A number in [0, 1) drawn from the texts' hash: the same in every process and every life."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def ifd_of(content_digest: str) -> float:
    """The stub's IFD of a content, uniform between 0 and 1.2."""
    return 1.2 * fraction("ifd", content_digest)


def fails(round_id: str) -> bool:
    """Whether it is a round's fate that it cannot be trained."""
    return _fate(round_id) < _FAIL_SHARE


def _fate(round_id: str) -> float:
    return fraction("fate", round_id)


class HashEmbedder:
    """Port `Embedder`: a direction drawn from the text."""

    stamp = "crash-stub"
    dimension = DIMENSION
    spent = _SPEND

    def embed(self, texts: Sequence[str]) -> Vectors:
        digests = [hashlib.sha512(text.encode()).digest() for text in texts]
        raw = np.frombuffer(b"".join(digests), dtype="<i4").reshape(len(texts), DIMENSION)
        return quantise(raw.astype(np.float64))


class HashProxy:
    """Port `ProxyScorer`: an IFD between 0 and 1.2 drawn from the content; a new version's files are really read."""

    metric = "ifd"
    spent = _SPEND

    def __init__(self, artifacts: ArtifactStore, pace_s: float) -> None:
        self.version = 0
        self._artifacts = artifacts
        self._pace_s = pace_s

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        if self._pace_s >= 1.0:  # not in the matrix, whose logs are read again and again
            logging.getLogger("tests.crash").info(SCORING)
        time.sleep(self._pace_s)
        return [(Score("ifd", ifd_of(s.content_digest), "crash-stub"),) for s in samples]

    def activate(self, version: Version) -> None:
        if version.adapters is not None:
            self._artifacts.read(version.adapters.proxy)
        self.version = version.number


class HashTrainer:
    """Port `Trainer`: each round has a fate drawn from its id, and leaves two adapters in the real store."""

    def __init__(self, artifacts: ArtifactStore, pace_s: float) -> None:
        self._artifacts = artifacts
        self._pace_s = pace_s
        self.cancelled = threading.Event()  # `progress` then raises at the next step

    def train(self, planned: Round, material: Material, parent: Version, progress: Progress) -> Candidate:
        self.cancelled.clear()
        for step in range(_TRAINING_STEPS):
            progress("train", step, _TRAINING_STEPS)
            self.cancelled.wait(self._pace_s / _TRAINING_STEPS)
        if planned.ranges and fails(planned.round_id):  # a plain sample can always be trained on
            raise TrainingFailed("the stub's loss diverged, as drawn from the round's id")
        fate = _fate(planned.round_id)
        skill = self._skill(parent.adapters) + (STEP if fate < 0.5 else 0.0 if fate < 0.75 else -STEP)
        pair = AdapterPair(*(self._stored(role, planned.round_id, skill) for role in ("deployed", "proxy")))
        return Candidate(planned.round_id, pair, 1, ("stub",), {"train": 1.0}, _SPEND, self._pace_s)

    def _stored(self, role: str, round_id: str, skill: float) -> Artifact:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "adapter.json").write_bytes(orjson.dumps({"role": role, "round": round_id, "skill": skill}))
            return self._artifacts.put(Path(folder))

    def _skill(self, adapters: AdapterPair | None) -> float:
        return skill_of(adapters, self._artifacts)


class SkillEvaluator:
    """Port `Evaluator`: every answer earns the skill that the adapter's file says; the file is read and checked."""

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts

    def evaluate(
        self, adapters: AdapterPair | None, suites: Suites, validation: Sequence[Sample], progress: Progress
    ) -> SuiteResults:
        progress("evaluate", 0, 1)
        credit = skill_of(adapters, self._artifacts)
        answers = {
            name: tuple(GradedAnswer(q.question_id, q.group, credit) for q in asked) for name, asked in suites.items()
        }
        return SuiteResults(answers, 1.0, _SPEND)


def skill_of(adapters: AdapterPair | None, artifacts: ArtifactStore) -> float:
    """What the adapter's file says; 0 for the base model."""
    if adapters is None:
        return 0.0
    return float(orjson.loads(artifacts.read(adapters.deployed)["adapter.json"])["skill"])


def base_version(config: Config) -> Version:
    """Number 0, without any model behind it."""
    return replace(version(), alias=config.models.alias, config_digest=config.training_digest())


def stub_scoring(
    config: Config, pace_s: float, policy: Callable[[AdmittedSamples], Selector] | None = None
) -> ScoringParts:
    """`scoring` with the stub embedder and proxy; a batch takes `pace_s` seconds at least.

    Parameters
    ----------
    policy : Callable[[AdmittedSamples], Selector] | None
        Makes a policy of the test's own, instead of the configured one.
    """
    embedder, proxy = HashEmbedder(), HashProxy(store(config), pace_s)
    admitted = AdmittedSamples({"sample": ExactIndex(DIMENSION)})
    chosen = selector(config) if policy is None else policy(admitted)
    context = CheckContext(embedder, admitted, lambda *_: proxy, len, lambda: "characters", config.rounds.seed)
    made = checks(config, context, chosen, all_scores=False)
    for space in spaces_of(made):
        admitted.open(space, ExactIndex(DIMENSION))
    admission = Admission(made, chosen, admitted, embedder, proxy=proxy)
    return ScoringParts(base_version(config), admission, admitted, proxy, embedder, len)


def stub_trainer_parts(config: Config, pace_s: float) -> TrainerParts:
    """`trainer_parts` with the stub trainer and evaluator; a round takes `pace_s` seconds to train."""
    base, artifacts = base_version(config), store(config)
    trainer = HashTrainer(artifacts, pace_s)
    questions = tuple(Question(f"q{n}", "stub", "?", "!") for n in range(QUESTIONS))
    return TrainerParts(
        base=base,
        recipe=recipe(config, base),
        trigger=trigger(config, whole_pool=False),
        whole_pool_trigger=trigger(config, whole_pool=True),
        size=config.rounds.size,
        min_size=min(config.rounds.min_size, config.rounds.size),
        judging=Judging({DOMAIN: questions}, SkillEvaluator(artifacts), gate_of(config.evaluation)),
        trainer=trainer,
        misfit=lambda _: "",
        cancel=trainer.cancelled.set,
        close=lambda: None,
    )
