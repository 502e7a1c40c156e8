"""What every Trainer and every Evaluator must do: in this process, and in the child process that `ccit train` uses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ccit.config import Config
from ccit.errors import ArtifactDamaged, ModelUnusable
from ccit.evaluation.runner import ModelEvaluator
from ccit.models.bases import BaseModels
from ccit.models.revision import revision_of
from ccit.ports.evaluation import Evaluator
from ccit.ports.store import ArtifactStore
from ccit.ports.training import Trainer
from ccit.records import Candidate, Material, OffsetRange, Question, Round, Sample, Version
from ccit.store.files import FileStore
from ccit.testing import random_model
from ccit.training.lora import LoraTrainer
from ccit.training.process import TrainingProcess
from tests.nouns import a_round, version

pytestmark = pytest.mark.trains
CHOICES = ("yes", "no", "never")
SUITES = {
    "domain": tuple(Question(f"d{n}", "ward", f"Is {n} even?", CHOICES[n % 2], CHOICES) for n in (3, 1, 2)),
    "general": (
        Question("g1", "general", "Is water wet?", "yes", CHOICES),
        Question("g0", "general", "Say a word.", "word"),
    ),
}


@dataclass(frozen=True)
class Bench:
    """One implementation of both ports, and what its rounds start from."""

    trainer: Trainer
    evaluator: Evaluator
    store: ArtifactStore
    root: Path
    base: Version

    def plan(self, material: Material, seed: int = 0) -> Round:
        base, ids = self.base, tuple(s.sample_id for s in material.training)
        return replace(
            a_round(0, ids, (OffsetRange(0, 0, 11),)),
            validation_ids=tuple(s.sample_id for s in material.validation),
            base_revision=base.base_revision,
            proxy_revision=base.proxy_revision,
            seed=seed,
        )


def samples(count: int) -> tuple[Sample, ...]:
    return tuple(Sample(f"s{n}", f"r{n}", "ward", "en", f"What is {n}?", f"It is {n}.") for n in range(count))


MATERIAL = Material(samples(6), samples(2))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    root = tmp_path_factory.mktemp("contract")
    deployed, proxy = random_model(root / "deployed", hidden=32), random_model(root / "proxy", hidden=16, seed=1)
    return Config.model_validate(
        {
            "models": {"deployed": str(deployed), "proxy": str(proxy), "device": "cpu", "threads": 1},
            "selection": {"checks": {"length": False}},
            "training": {"rank": 2, "alpha": 4, "epochs": 1, "batch_tokens": 256, "batch_size": 4, "max_tokens": 128},
            "evaluation": {"max_new_tokens": 4},
            "store": {"root": str(root / "store")},
        }
    )


@pytest.fixture(scope="module", params=["in this process", "in a child process"])
def bench(request: pytest.FixtureRequest, config: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    own = config.model_copy(update={"store": config.store.model_copy(update={"root": tmp_path_factory.mktemp("own")})})
    store, work = FileStore(own.store.root), own.store.root / "work"
    models = own.models
    base = replace(
        version(0),
        base_model=models.deployed,
        base_revision=revision_of(models.deployed, ""),
        proxy_model=models.proxy,
        proxy_revision=revision_of(models.proxy, ""),
    )
    if request.param == "in this process":
        bases = BaseModels(models)
        trainer = LoraTrainer(own.training, bases, store, work)
        evaluator = ModelEvaluator(own.evaluation, own.training, bases, store, work)
        yield Bench(trainer, evaluator, store, own.store.root, base)
        return
    child = TrainingProcess(own)
    yield Bench(child, child, store, own.store.root, base)
    child.close()


@pytest.fixture(scope="module")
def trained(bench: Bench) -> Candidate:
    return bench.trainer.train(bench.plan(MATERIAL), MATERIAL, bench.base, quiet)


def quiet(stage: str, done: int, total: int) -> None:
    pass


# -- the trainer ------------------------------------------------------------------------------------------------------


def test_both_adapters_are_in_the_store(bench: Bench, trained: Candidate) -> None:
    for artifact in (trained.adapters.deployed, trained.adapters.proxy):
        assert {"adapter_config.json", "adapter_model.safetensors"} <= set(bench.store.read(artifact))
    assert trained.round_id == bench.plan(MATERIAL).round_id
    assert trained.training.tokens > 0


def test_the_same_round_is_the_same_candidate_and_another_seed_another(bench: Bench, trained: Candidate) -> None:
    assert bench.trainer.train(bench.plan(MATERIAL), MATERIAL, bench.base, quiet).adapters == trained.adapters
    other = bench.trainer.train(bench.plan(MATERIAL, seed=1), MATERIAL, bench.base, quiet)
    assert other.adapters.deployed != trained.adapters.deployed


def test_progress_is_told_in_order_and_to_the_end(bench: Bench) -> None:
    told: list[tuple[str, int, int]] = []
    bench.trainer.train(
        bench.plan(MATERIAL, seed=2), MATERIAL, bench.base, lambda *at: told.append((at[0], at[1], at[2]))
    )
    for stage in dict.fromkeys(stage for stage, _, _ in told):
        done = [d for s, d, _ in told if s == stage]
        assert done == sorted(done)
        assert done[-1] == {total for s, _, total in told if s == stage}.pop()


def test_a_round_without_samples_and_a_foreign_base_are_refused_in_words(bench: Bench) -> None:
    with pytest.raises(ModelUnusable, match="no sample"):
        bench.trainer.train(bench.plan(Material((), ())), Material((), ()), bench.base, quiet)
    foreign = replace(bench.plan(MATERIAL), base_revision="another")
    with pytest.raises(ModelUnusable, match="another"):
        bench.trainer.train(foreign, MATERIAL, bench.base, quiet)


# -- the evaluator ----------------------------------------------------------------------------------------------------


def test_answers_come_in_the_order_of_the_suite(bench: Bench, trained: Candidate) -> None:
    for adapters in (None, trained.adapters):
        found = bench.evaluator.evaluate(adapters, SUITES, MATERIAL.validation, quiet)
        assert [a.question_id for a in found.of("domain")] == ["d3", "d1", "d2"]
        assert [a.question_id for a in found.of("general")] == ["g1", "g0"]
        assert all(0.0 <= a.credit <= 1.0 for a in (*found.of("domain"), *found.of("general")))
        assert found.validation_loss > 0.0


def test_asking_again_gives_the_same_answers(bench: Bench, trained: Candidate) -> None:
    first, again = (bench.evaluator.evaluate(trained.adapters, SUITES, MATERIAL.validation, quiet) for _ in range(2))
    assert (first.answers, first.validation_loss) == (again.answers, again.validation_loss)


def test_without_a_validation_part_there_is_no_loss(bench: Bench) -> None:
    assert bench.evaluator.evaluate(None, SUITES, (), quiet).validation_loss == 0.0


def test_a_damaged_adapter_is_refused_before_it_is_parsed(bench: Bench) -> None:
    material = Material(samples(3), ())
    candidate = bench.trainer.train(bench.plan(material, seed=3), material, bench.base, quiet)
    digest = candidate.adapters.deployed.files["adapter_model.safetensors"]
    path = bench.root / "objects" / digest
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtifactDamaged, match="SHA-256"):
        bench.evaluator.evaluate(candidate.adapters, SUITES, (), quiet)
