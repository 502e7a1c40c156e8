import os
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ccit.config import Evaluation as Settings
from ccit.config import Training
from ccit.errors import ArtifactDamaged, TrainingFailed
from ccit.evaluation.runner import ModelEvaluator
from ccit.models.bases import BaseModels
from ccit.models.bucketing import bucket, padded_tokens
from ccit.models.causal import CausalModel, adapter_files, trainable
from ccit.models.encoding import encode
from ccit.records import AdapterPair, Artifact, Question, Sample
from ccit.store.files import FileStore
from ccit.store.pruning import KEPT

WORDS = ("rest", "water", "sleep", "air")
DOMAIN = tuple(Question(f"d{i}", f"g{i % 2}", f"What for {'a ' * i}cold?", WORDS[i % 4], WORDS) for i in range(9))
FREE = tuple(Question(f"f{i}", "free", f"Say {i}", "it is so") for i in range(3))
SUITES = {"domain": DOMAIN + FREE, "general": DOMAIN[:4]}
VALIDATION = tuple(Sample(f"s{i}", "r", "w", "en", "Why?", "x" * (i + 1)) for i in range(4))


def quiet(stage: str, done: int, total: int) -> None:
    pass


def evaluator(bases: BaseModels, root: Path, batch_tokens: int = 512) -> ModelEvaluator:
    training = Training(batch_tokens=batch_tokens, max_tokens=128)
    return ModelEvaluator(Settings(max_new_tokens=4), training, bases, FileStore(root), root / "answers")


def adapter(bases: BaseModels, store: FileStore, scale: float) -> AdapterPair:
    view = trainable(bases.deployed, 2, 4, 0.0, ["q_proj", "v_proj"], seed=0)
    with torch.no_grad():
        for name, weight in view.model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, scale, generator=torch.Generator().manual_seed(1))
    artifact = store.put_files(adapter_files(view))
    return AdapterPair(artifact, artifact)


def test_answers_come_in_the_suites_order(bases: BaseModels, tmp_path: Path) -> None:
    found = evaluator(bases, tmp_path).evaluate(None, SUITES, VALIDATION, quiet)
    assert [a.question_id for a in found.of("domain")] == [q.question_id for q in SUITES["domain"]]
    assert [a.question_id for a in found.of("general")] == [q.question_id for q in SUITES["general"]]
    assert {a.credit for a in found.of("domain")[:9]} <= {0.0, 1.0}
    assert found.validation_loss > 0
    assert found.spend.flops == 2.0 * bases.deployed.parameters * found.spend.tokens


@pytest.mark.parametrize("batch_tokens", [64, 100_000])
def test_the_batching_changes_no_answer(bases: BaseModels, tmp_path: Path, batch_tokens: int) -> None:
    one = evaluator(bases, tmp_path / "one").evaluate(None, SUITES, VALIDATION, quiet)
    other = evaluator(bases, tmp_path / "other", batch_tokens).evaluate(None, SUITES, VALIDATION, quiet)
    assert one.of("domain") == other.of("domain")
    assert one.validation_loss == pytest.approx(other.validation_loss, rel=1e-4)


def test_a_known_version_answers_only_the_validation_part(bases: BaseModels, tmp_path: Path) -> None:
    first = evaluator(bases, tmp_path).evaluate(None, SUITES, VALIDATION, quiet)
    stages: set[str] = set()
    again = evaluator(bases, tmp_path).evaluate(None, SUITES, VALIDATION, lambda *at: stages.add(at[0]))
    assert (again.answers, again.validation_loss) == (first.answers, first.validation_loss)
    assert stages == {"validate"}
    assert 0 < again.spend.tokens < first.spend.tokens
    other_suite = evaluator(bases, tmp_path).evaluate(None, {"domain": FREE}, (), quiet)
    assert len(other_suite.of("domain")) == 3
    assert other_suite.validation_loss == 0.0


def test_the_answers_asked_for_last_are_kept(bases: BaseModels, tmp_path: Path) -> None:
    folder = tmp_path / "answers"
    evaluator(bases, tmp_path).evaluate(None, {"general": FREE[:1]}, (), quiet)
    (used,) = folder.iterdir()
    old = [folder / f"answers-{age}.json" for age in range(KEPT)]
    for age, path in enumerate(old):
        path.touch()
        os.utime(path, (2000 - age, 2000 - age))
    os.utime(used, (1000, 1000))
    evaluator(bases, tmp_path).evaluate(None, {"general": FREE[:1]}, (), quiet)  # remembered, and young again
    evaluator(bases, tmp_path).evaluate(None, {"general": FREE[:2]}, (), quiet)
    kept = set(folder.iterdir())
    assert len(kept) == KEPT
    assert used in kept
    assert kept & set(old) == set(old[: KEPT - 2])


def test_an_adapter_answers_for_itself(bases: BaseModels, tmp_path: Path) -> None:
    pair = adapter(bases, FileStore(tmp_path), 0.5)
    base = evaluator(bases, tmp_path).evaluate(None, SUITES, VALIDATION, quiet)
    adapted = evaluator(bases, tmp_path).evaluate(pair, SUITES, VALIDATION, quiet)
    assert adapted.validation_loss != base.validation_loss


def test_an_adapter_that_overflows_is_refused_or_faulty(bases: BaseModels, tmp_path: Path) -> None:
    pair = adapter(bases, FileStore(tmp_path), 1e38)
    with pytest.raises(TrainingFailed, match="diverged"):
        evaluator(bases, tmp_path).evaluate(pair, SUITES, VALIDATION, quiet)
    answers: Sequence[object] = evaluator(bases, tmp_path).evaluate(pair, SUITES, (), quiet).of("domain")
    assert all(getattr(a, "faulty", False) for a in answers)


def test_a_damaged_adapter_is_not_asked(bases: BaseModels, tmp_path: Path) -> None:
    artifact = adapter(bases, FileStore(tmp_path), 0.1).deployed
    damaged = Artifact(artifact.uri, dict.fromkeys(artifact.files, "0" * 64))
    with pytest.raises(ArtifactDamaged):
        evaluator(bases, tmp_path).evaluate(AdapterPair(damaged, damaged), SUITES, (), quiet)


@pytest.mark.parametrize(
    "changed",
    [
        {"settings": Settings(max_new_tokens=5)},
        {"settings": Settings.model_validate({"max_new_tokens": 4, "metric": {"kind": "exact_match"}})},
        {"training": Training(batch_tokens=512, max_tokens=127)},
        {"dtype": torch.bfloat16},
        {"template": " "},
        {"code": "another grader"},
    ],
    ids=["length", "metric", "cut", "type", "template", "code"],
)
def test_answers_are_remembered_only_where_nothing_would_change_them(
    bases: BaseModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    def asked(settings: Settings, training: Training) -> set[str]:
        own = ModelEvaluator(settings, training, bases, FileStore(tmp_path), tmp_path / "answers")
        stages: set[str] = set()
        own.evaluate(None, {"general": FREE[:1]}, (), lambda *at: stages.add(at[0]))
        return stages

    same = Settings(max_new_tokens=4), Training(batch_tokens=512, max_tokens=128)
    assert asked(*same) == {"evaluate"}
    assert asked(*same) == set()
    model = bases.deployed
    if "dtype" in changed:
        monkeypatch.setitem(vars(bases), "deployed", replace(model, dtype=changed["dtype"]))
    if "template" in changed:
        tokenizer = copy(model.tokenizer)
        tokenizer.chat_template += changed["template"]
        monkeypatch.setitem(vars(bases), "deployed", replace(model, tokenizer=tokenizer))
    if "code" in changed:
        monkeypatch.setattr("ccit.evaluation.runner.code_digest_of", lambda _: changed["code"])
    assert asked(changed.get("settings", same[0]), changed.get("training", same[1])) == {"evaluate"}


def test_a_suite_that_changes_lets_the_others_be_remembered(bases: BaseModels, tmp_path: Path) -> None:
    """Without a suite of the domain, each round asks another; the general one stays."""
    first = evaluator(bases, tmp_path).evaluate(None, {"domain": FREE[:1], "general": DOMAIN}, (), quiet)
    again = evaluator(bases, tmp_path).evaluate(None, {"domain": FREE[1:2], "general": DOMAIN}, (), quiet)
    assert 0 < again.spend.tokens < first.spend.tokens / 2
    assert again.of("general") == first.of("general")


def test_progress_counts_all_suites_together(bases: BaseModels, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    evaluator(bases, tmp_path).evaluate(None, SUITES, (), lambda *at: seen.append(at))
    done = [at[1] for at in seen]
    assert done == sorted(done)
    assert seen[-1] == ("evaluate", 16, 16)


def plain_losses(model: CausalModel, prompt: Sequence[int], answer: Sequence[int]) -> list[float]:
    """Nats of each token of an answer: one sequence, no cache, no padding."""
    with torch.no_grad():
        logits = model.model(input_ids=torch.tensor([[*prompt, *answer]])).logits[0].log_softmax(-1)
    return [-float(logits[len(prompt) + i - 1, token]) for i, token in enumerate(answer)]


def test_the_most_probable_choice_is_the_answer_and_the_least_probable_is_not(
    bases: BaseModels, tmp_path: Path
) -> None:
    model = bases.deployed
    asked = []
    for question in DOMAIN:
        prompt = model.chat.prompt([{"role": "user", "content": question.prompt}])
        ranked = sorted(WORDS, key=lambda word: sum(plain_losses(model, prompt, model.chat.answer(word))))
        asked += [
            replace(question, question_id=f"{question.question_id} {place}", answer=ranked[place]) for place in (0, -1)
        ]
    found = evaluator(bases, tmp_path).evaluate(None, {"domain": tuple(asked)}, (), quiet).of("domain")
    assert [answer.credit for answer in found] == [1.0, 0.0] * len(DOMAIN)


def test_the_validation_loss_is_the_mean_over_all_tokens_and_its_padding_is_paid_for(
    bases: BaseModels, tmp_path: Path
) -> None:
    """Answers of 2 to 41 tokens: a mean of the rows' means would be another number."""
    model = bases.deployed
    validation = [replace(s, response="x" * (1 + 13 * i)) for i, s in enumerate(VALIDATION)]
    rows = [encode(model.chat, sample, 128) for sample in validation]
    losses = [plain_losses(model, row.ids[: row.prompt_length], row.ids[row.prompt_length :]) for row in rows]
    found = evaluator(bases, tmp_path).evaluate(None, {}, validation, quiet)
    plain = [loss for row in losses for loss in row]
    assert found.validation_loss == pytest.approx(sum(plain) / len(plain), rel=1e-5)
    lengths = [len(row.fed) for row in rows]
    assert found.spend.tokens == padded_tokens(lengths, bucket(lengths, 512)) > sum(lengths)
