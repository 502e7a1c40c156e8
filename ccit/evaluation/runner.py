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
from ccit.evaluation.generation import Generated, greedy_answers
from ccit.evaluation.stamp import AnswerStamp, code_digest_of, libraries
from ccit.evaluation.suites import questions_digest
from ccit.models.bases import BaseModels
from ccit.models.batch_choice import BatchChoice
from ccit.models.bucketing import bucket
from ccit.models.causal import CausalModel, with_adapter
from ccit.models.encoding import encode
from ccit.models.faults import library_faults
from ccit.models.likelihood import Failure, Likelihood
from ccit.plugins import build
from ccit.ports.evaluation import Metric, MetricContext
from ccit.ports.store import ArtifactStore
from ccit.ports.training import Progress
from ccit.records import AdapterPair, GradedAnswer, Question, Sample, Spend, SuiteResults, Suites, digest_of
from ccit.store.atomic import remove_stale
from ccit.store.pruning import KEPT, keep_newest
from ccit.store.sealed import read_sealed, write_sealed

_ANSWERS = TypeAdapter(tuple[GradedAnswer, ...])


class ModelEvaluator:
    """`Evaluator` in this process.

    What a version answered on a suite never changes while its stamp is the same (`ccit/evaluation/stamp.py`), so it is
    kept in a sealed file per version and suite: incumbent and baseline are asked only about the validation part of a
    new round, and an evaluation that was killed later asks nothing twice. The newest few files are kept.

    Parameters
    ----------
    settings : Settings
        Length of free answers, and what grades them.
    training : Training
        Token limit of a sample, padded tokens of a batch: those of a micro-batch.
    bases : BaseModels
        The deployed model is asked.
    store : ArtifactStore
        Holds the adapters.
    workdir : Path
        Folder of remembered answers; it may be deleted at any time.
    choice : BatchChoice | None
        The process's, where others ask it too.
    """

    def __init__(
        self,
        settings: Settings,
        training: Training,
        bases: BaseModels,
        store: ArtifactStore,
        workdir: Path,
        choice: BatchChoice | None = None,
    ) -> None:
        self._settings = settings
        self._choice = choice or BatchChoice(training, bases)
        self._training = training
        self._bases = bases
        self._store = store
        self._workdir = workdir
        self._metric: Metric = build("metric", settings.metric, MetricContext(settings.max_new_tokens))

    @library_faults("evaluation")
    def evaluate(
        self, adapters: AdapterPair | None, suites: Suites, validation: Sequence[Sample], progress: Progress
    ) -> SuiteResults:
        """Answers of each suite in its order; `adapters=None` asks the base model.

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
        paths = {name: self._path(adapters, questions) for name, questions in suites.items()}
        answers = {name: self._remembered(path) if suites[name] else () for name, path in paths.items()}
        unknown = [name for name, known in answers.items() if known is None]
        asked = sum(len(suites[name]) for name in unknown)
        run = _Run(model, self._settings, self._training.max_tokens, self._choice, self._metric, progress, asked)
        for name in unknown:
            answers[name] = given = run.answers(suites[name])
            write_sealed(paths[name], _ANSWERS.dump_json(given))
        keep_newest(self._workdir.glob("answers-*.json"), KEPT * max(1, len(suites)))
        remove_stale(self._workdir)
        loss = run.loss(validation)
        spend = Spend.of_reading(run.tokens, model.parameters)
        return SuiteResults({name: known or () for name, known in answers.items()}, loss, spend)

    def _stamp(self) -> AnswerStamp:
        model = self._bases.deployed
        return AnswerStamp(
            revision=self._bases.deployed_revision,
            device=model.device.type,
            dtype=str(model.dtype),
            chat_template=model.chat.digest,
            metric=self._settings.metric.model_dump_json(),
            max_tokens=self._training.max_tokens,
            max_new_tokens=self._settings.max_new_tokens,
            code=code_digest_of(type(self._metric)),
            libraries=libraries(),
        )

    def _path(self, adapters: AdapterPair | None, questions: Sequence[Question]) -> Path:
        """Where a version's answers to a suite are remembered."""
        version = adapters.deployed.uri if adapters else "base"
        key = digest_of([version, questions_digest(questions), self._stamp().digest])
        return self._workdir / f"answers-{key[:24]}.json"

    @staticmethod
    def _remembered(path: Path) -> tuple[GradedAnswer, ...] | None:
        content = read_sealed(path)
        if content is None:
            return None
        with suppress(OSError):
            path.touch()  # the incumbent is asked about again and again: it stays among the newest
        return _ANSWERS.validate_json(content)


class _Run:
    """One model, and the tokens it has computed; `asked` is how many questions it will be asked in all."""

    def __init__(
        self,
        model: CausalModel,
        settings: Settings,
        max_tokens: int,
        choice: BatchChoice,
        metric: Metric,
        progress: Progress,
        asked: int,
    ) -> None:
        self._model = model
        self._settings = settings
        self._max_tokens = max_tokens
        self._choice = choice
        self._metric = metric
        self._progress = progress
        self._asked, self._answered = asked, 0
        self.tokens = 0

    def answers(self, questions: Sequence[Question]) -> tuple[GradedAnswer, ...]:
        """Every question answered, in order."""
        found: dict[int, GradedAnswer] = {}
        chosen = [i for i, q in enumerate(questions) if q.choices]
        free = [i for i, q in enumerate(questions) if not q.choices]
        prompts = [self._prompt(q) for q in questions]
        for batch in self._choice_batches(questions, prompts, chosen):
            found |= self._choose(questions, prompts, batch)
            self._advanced(len(batch))
        lengths = [len(prompts[i]) + self._settings.max_new_tokens for i in free]
        for indices in bucket(lengths, self._choice.tokens):
            found |= self._write(questions, prompts, [free[i] for i in indices])
            self._advanced(len(indices))
        return tuple(found[i] for i in range(len(questions)))

    def _advanced(self, count: int) -> None:
        self._answered += count
        self._progress("evaluate", self._answered, self._asked)

    def loss(self, samples: Sequence[Sample]) -> float:
        """Mean negative log-likelihood of the responses, nats per token."""
        rows = [encode(self._model.chat, s, self._max_tokens) for s in samples]
        if not rows:
            return 0.0
        if not self._model.head.finite:
            raise TrainingFailed(f"{self._model.name} gives logits that are not finite; the round diverged")
        likelihood = Likelihood(self._model, self._choice.tokens)
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
        return ids[-self._max_tokens :]

    def _choice_batches(
        self, questions: Sequence[Question], prompts: Sequence[Sequence[int]], chosen: Sequence[int]
    ) -> Iterator[list[int]]:
        """By the memory of the continued rows: each choice holds a copy of its prompt's keys and values."""
        most = max((len(questions[i].choices) for i in chosen), default=1)
        for batch in bucket([len(prompts[i]) for i in chosen], self._choice.tokens // most):
            yield [chosen[i] for i in batch]

    def _choose(
        self, questions: Sequence[Question], prompts: Sequence[list[int]], batch: Sequence[int]
    ) -> dict[int, GradedAnswer]:
        choices = [[self._model.chat.answer(c) for c in questions[i].choices] for i in batch]
        scores, tokens = choice_scores(self._model, [prompts[i] for i in batch], choices)
        self.tokens += tokens
        return {i: _graded(questions[i], own) for i, own in zip(batch, scores, strict=True)}

    def _write(
        self, questions: Sequence[Question], prompts: Sequence[list[int]], batch: Sequence[int]
    ) -> dict[int, GradedAnswer]:
        written, tokens = greedy_answers(self._model, [prompts[i] for i in batch], self._settings.max_new_tokens)
        self.tokens += tokens
        return {i: self._written(questions[i], w) for i, w in zip(batch, written, strict=True)}

    def _written(self, question: Question, written: Generated) -> GradedAnswer:
        grade = self._metric.grade(question, written.text)
        return GradedAnswer(question.question_id, question.group, grade.credit, written.faulty or grade.faulty)


def _graded(question: Question, scores: Sequence[float]) -> GradedAnswer:
    """Right or wrong; the first of equally probable choices counts as chosen."""
    if not all(math.isfinite(score) for score in scores):
        return GradedAnswer(question.question_id, question.group, 0.0, faulty=True)
    best = question.choices[max(range(len(scores)), key=scores.__getitem__)]
    return GradedAnswer(question.question_id, question.group, float(best == question.answer))
