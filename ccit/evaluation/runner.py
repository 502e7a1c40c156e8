"""Lets one version of the deployed model answer the suites, in batches by token budget."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from pydantic import TypeAdapter

from ccit.config import Evaluation as Settings
from ccit.config import Training
from ccit.errors import TrainingFailed
from ccit.evaluation.choices import choice_scores
from ccit.evaluation.generation import greedy_answers
from ccit.evaluation.overlap import rouge_l
from ccit.evaluation.suites import suite_digest
from ccit.models.bases import BaseModels
from ccit.models.bucketing import bucket
from ccit.models.causal import CausalModel, with_adapter
from ccit.models.encoding import encode
from ccit.models.faults import library_faults
from ccit.models.likelihood import Failure, Likelihood
from ccit.ports import ArtifactStore, Progress
from ccit.records import AdapterPair, Answer, Evaluation, Question, Sample, Spend, Suite, digest_of
from ccit.store.atomic import remove_stale
from ccit.store.pruning import keep_newest
from ccit.store.sealed import read_sealed, write_sealed

_ANSWERS = TypeAdapter(tuple[Answer, ...])
_FLOPS_PER_TOKEN = 2.0  # times N: a forward pass


class ModelEvaluator:
    """`Evaluator` in this process.

    What a version answered on a suite never changes, so it is kept in a sealed file per version and suite: the
    incumbent is asked only about the validation part of a new round, and an evaluation that was killed later asks
    nothing twice. The newest few files are kept.

    Parameters
    ----------
    settings : Settings
        Length of free answers.
    training : Training
        Token limit of a sample, padded tokens of a batch.
    bases : BaseModels
        The deployed model is asked.
    store : ArtifactStore
        Holds the adapters.
    workdir : Path
        Folder of remembered answers; it may be deleted at any time.
    """

    def __init__(
        self, settings: Settings, training: Training, bases: BaseModels, store: ArtifactStore, workdir: Path
    ) -> None:
        self._settings = settings
        self._training = training
        self._bases = bases
        self._store = store
        self._workdir = workdir

    @library_faults("evaluation")
    def evaluate(
        self, adapters: AdapterPair | None, suite: Suite, validation: Sequence[Sample], progress: Progress
    ) -> Evaluation:
        """Answers in the suite's order; `adapters=None` asks the base model.

        `validation_loss` is the mean over all response tokens, 0 where there is no validation part. `spend` counts what
        was computed now, padding included; remembered answers cost nothing.

        Raises
        ------
        TrainingFailed
            The loss on the validation part is not finite, or a library failed.
        MemoryExhausted
            The batches are too large for the memory.
        ArtifactDamaged, ModelUnusable
            The adapter is damaged or does not fit.
        """
        model = self._bases.deployed
        if adapters is not None:
            model = with_adapter(model, self._store.read(adapters.deployed))
        run = _Run(model, self._settings, self._training, progress)
        questions = (*suite.domain, *suite.general)
        answers = self._remembered(adapters, suite, run, questions)
        loss = run.loss(validation)
        spend = Spend(run.tokens, _FLOPS_PER_TOKEN * model.parameters * run.tokens)
        return Evaluation(answers[: len(suite.domain)], answers[len(suite.domain) :], loss, spend)

    def _remembered(
        self, adapters: AdapterPair | None, suite: Suite, run: _Run, questions: Sequence[Question]
    ) -> tuple[Answer, ...]:
        asked = [
            adapters.deployed.uri if adapters else "base",
            self._bases.deployed_revision,
            suite_digest(suite),
            self._settings.max_new_tokens,
            self._training.max_tokens,
        ]
        path = self._workdir / f"answers-{digest_of(asked)[:24]}.json"
        content = read_sealed(path)
        if content is not None:
            with suppress(OSError):
                path.touch()  # the incumbent is asked about again and again: it stays among the newest
            return _ANSWERS.validate_json(content)
        answers = run.answers(questions)
        write_sealed(path, _ANSWERS.dump_json(answers))
        keep_newest(self._workdir.glob("answers-*.json"))
        remove_stale(self._workdir)
        return answers


class _Run:
    """One model, and the tokens it has computed."""

    def __init__(self, model: CausalModel, settings: Settings, training: Training, progress: Progress) -> None:
        self._model = model
        self._settings = settings
        self._training = training
        self._progress = progress
        self.tokens = 0

    def answers(self, questions: Sequence[Question]) -> tuple[Answer, ...]:
        """Every question answered, in order."""
        found: dict[int, Answer] = {}
        chosen = [i for i, q in enumerate(questions) if q.choices]
        free = [i for i, q in enumerate(questions) if not q.choices]
        prompts = [self._prompt(q) for q in questions]
        for batch in self._choice_batches(questions, prompts, chosen):
            found |= self._choose(questions, prompts, batch)
            self._progress("evaluate", len(found), len(questions))
        lengths = [len(prompts[i]) + self._settings.max_new_tokens for i in free]
        for indices in bucket(lengths, self._training.batch_tokens):
            found |= self._write(questions, prompts, [free[i] for i in indices])
            self._progress("evaluate", len(found), len(questions))
        return tuple(found[i] for i in range(len(questions)))

    def loss(self, samples: Sequence[Sample]) -> float:
        """Mean negative log-likelihood of the responses, nats per token."""
        rows = [encode(self._model.chat, s, self._training.max_tokens) for s in samples]
        if not rows:
            return 0.0
        if not self._model.head.finite:
            raise TrainingFailed(f"{self._model.name} gives logits that are not finite; the round diverged")
        likelihood = Likelihood(self._model, self._training.batch_tokens)
        total = 0.0
        for found in likelihood.losses(rows, lambda done, all_: self._progress("validate", done, all_)):
            if isinstance(found, Failure):
                raise TrainingFailed(f"{self._model.name} fails on the validation part: {found.why}")
            total += float(found.sum())
        self.tokens += likelihood.padded_tokens
        mean = total / sum(row.response_tokens for row in rows)
        if not math.isfinite(mean):
            raise TrainingFailed(f"the loss of {self._model.name} on the validation part is {mean}; the round diverged")
        return mean

    def _prompt(self, question: Question) -> list[int]:
        ids = self._model.chat.prompt([{"role": "user", "content": question.prompt}])
        return ids[-self._training.max_tokens :]

    def _choice_batches(
        self, questions: Sequence[Question], prompts: Sequence[Sequence[int]], chosen: Sequence[int]
    ) -> Iterator[list[int]]:
        """By the memory of the continued rows: each choice holds a copy of its prompt's keys and values."""
        most = max((len(questions[i].choices) for i in chosen), default=1)
        for batch in bucket([len(prompts[i]) for i in chosen], self._training.batch_tokens // most):
            yield [chosen[i] for i in batch]

    def _choose(
        self, questions: Sequence[Question], prompts: Sequence[list[int]], batch: Sequence[int]
    ) -> dict[int, Answer]:
        choices = [[self._model.chat.answer(c) for c in questions[i].choices] for i in batch]
        scores, tokens = choice_scores(self._model, [prompts[i] for i in batch], choices)
        self.tokens += tokens
        return {i: _graded(questions[i], own) for i, own in zip(batch, scores, strict=True)}

    def _write(
        self, questions: Sequence[Question], prompts: Sequence[list[int]], batch: Sequence[int]
    ) -> dict[int, Answer]:
        written, tokens = greedy_answers(self._model, [prompts[i] for i in batch], self._settings.max_new_tokens)
        self.tokens += tokens
        return {
            i: Answer(questions[i].question_id, questions[i].group, rouge_l(w.text, questions[i].answer), w.faulty)
            for i, w in zip(batch, written, strict=True)
        }


def _graded(question: Question, scores: Sequence[float]) -> Answer:
    """Right or wrong; the first of equally probable choices counts as chosen."""
    if not all(math.isfinite(score) for score in scores):
        return Answer(question.question_id, question.group, 0.0, faulty=True)
    best = question.choices[max(range(len(scores)), key=scores.__getitem__)]
    return Answer(question.question_id, question.group, float(best == question.answer))
