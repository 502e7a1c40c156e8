"""documents -> raw: clinical documents without identities become instruction rows, by templates and by a model.

1. *ask*: the step asks about every document of its batch, a bounded number of requests at a time. No transaction is
   open meanwhile: the loop opens it when the step has ended.
2. *keep*: each answer is on the disk before anything is made of it.
3. *commit*: rows, dead letters and offsets, together.

A process that is killed anywhere finds its answers again, and asks for those alone that it did not have yet; its rows
are made of the same answers, so they are the same rows. What a model makes unusable is a dead letter of the document
and the one prompt; what it is to be asked again is in a header. An endpoint that is down ends the process and gives no
document up.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import orjson

from ccit.assembly.generation import asker, endpoint, row_maker
from ccit.config import Config
from ccit.deidentify.documents import REASON as IDENTIFYING
from ccit.errors import CcitError, InputError
from ccit.generation.making import Outcome
from ccit.generation.prompts import Prompt
from ccit.ingest.strict import parse_strict
from consumers.connection import commit_protocol, kafka_settings
from consumers.content_type import require_json
from consumers.dead_letters import attempts, dead_letter
from consumers.kafka.batches import BatchLimits, BatchLoop
from consumers.kafka.messages import Delivered, KafkaMessage, Output
from consumers.kafka.topics import Topics
from consumers.sealed_letters import sealed_letter

logger = logging.getLogger("ccit.generate")

_Result = TypeVar("_Result")

_STAGE = "generate"
_TYPE: tuple[tuple[str, bytes], ...] = (("content-type", b"application/json"),)
_LOOK_S = 0.2  # between two looks whether to stop
_STEP_S = 60.0
"""Seconds that a batch should take: long enough that all seats are taken, and answers outlive a batch anyway."""

PROMPT = "generation-prompt"
"""Header of a dead letter's original: the one prompt that is asked again when an operator sends it again."""


class Stopped(CcitError):
    """The process is to end: nothing more is asked, and the batch waits for whoever is started next."""


@dataclass(slots=True)
class Counts:
    """What became of documents, rows and replies, once they are in the log.

    Parameters
    ----------
    rows : Counter[str]
        By the prompt or template that made them, `entry` for the text itself.
    rejects : Counter[tuple[str, str]]
        Faulty replies and rows of templates, by constraint and what was done then: `asked_again` or `dead_letter`.
    not_asked : int
        Documents about which a model was not asked: too short or too long, or there is none.
    """

    documents: int = 0
    not_asked: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    rejects: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: Counts) -> None:
        """Count what another one has counted."""
        self.documents += other.documents
        self.not_asked += other.not_asked
        self.rows.update(other.rows)
        self.rejects.update(other.rejects)


class GenerateStep:
    """Messages of `documents` in, rows and dead letters out. What it counts is taken over by `committed`."""

    def __init__(self, config: Config, stopped: threading.Event) -> None:
        self._topics = Topics(config.kafka.prefix)
        self._max_row = config.ingest.max_bytes
        self._stopped = stopped
        self._runner: asyncio.Runner | None = None
        self._endpoint = endpoint(config, self._pause) if config.generation.model else None
        self.asker = asker(config, self._endpoint, self._pause) if self._endpoint is not None else None
        self._maker = row_maker(config, self.asker)
        self._batch = Counts()
        self.counts = Counts()

    def __call__(self, messages: Sequence[KafkaMessage]) -> list[Output]:
        """The outputs of each message, in order; asks whatever is not known yet. Raises `Stopped`."""
        self._batch = Counts()
        self._runner = self._runner or asyncio.Runner()
        return self._runner.run(self._all(messages))

    def committed(self, _: Sequence[Delivered] = ()) -> None:
        """The batch is in the log: what was counted of it holds."""
        self.counts.add(self._batch)

    def close(self) -> None:
        """Let go of the connections; not while a step runs."""
        if self._runner is not None:
            if self._endpoint is not None:
                self._runner.run(self._endpoint.close())
            self._runner.close()
            self._runner = None

    async def _all(self, messages: Sequence[KafkaMessage]) -> list[Output]:
        each = await _together(self._outputs(message) for message in messages)
        return [output for outputs in each for output in outputs]

    async def _outputs(self, message: KafkaMessage) -> list[Output]:
        try:
            body, only = _document_in(message), _only(message)
            prompts = self._maker.asked_about(body, only)
        except InputError as error:
            return [dead_letter(message, error, _STAGE, self._topics)]
        self._batch.documents += 1
        self._batch.not_asked += not prompts
        plain = [] if only else self._maker.plain(body)
        outputs = [self._written(outcome, message) for outcome in plain]
        asked = await _together(self._maker.generated(body, prompt, attempts(message)) for prompt in prompts)
        for prompt, outcome in zip(prompts, asked, strict=True):
            outputs.append(self._written(outcome, _about(message, prompt)))
        return outputs

    def _written(self, outcome: Outcome, message: KafkaMessage) -> Output:
        """The row, or the dead letter of the document and the one prompt or template."""
        ends = outcome.row is None
        for number, fault in enumerate(outcome.faults, start=1):
            then = "dead_letter" if ends and number == len(outcome.faults) else "asked_again"
            self._batch.rejects[fault.constraint, then] += 1
        try:
            if outcome.refusal is not None:
                raise outcome.refusal
            value = _encoded(outcome.row, self._max_row)
        except InputError as error:
            said = InputError(error.reason, f"{outcome.prompt}: {error.detail}")
            # what a template says the document says: a letter with its bytes would say it too
            letter = sealed_letter if error.reason == IDENTIFYING else dead_letter
            return letter(message, said, _STAGE, self._topics)
        self._batch.rows[outcome.prompt] += 1
        return Output(self._topics.raw.name, message.key, value, _TYPE)

    async def _pause(self, seconds: float) -> None:
        """Wait; raises `Stopped` at once when the process is to end."""
        left = seconds
        while True:
            if self._stopped.is_set():
                raise Stopped("stopped while documents were asked about; what was answered is kept")
            if left <= 0:
                return
            await asyncio.sleep(min(left, _LOOK_S))
            left -= _LOOK_S


async def _together(work: Iterable[Coroutine[Any, Any, _Result]]) -> list[_Result]:
    """The results in order; the first failure ends the rest and is raised, for the others are of the same cause."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in work]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _document_in(message: KafkaMessage) -> Mapping[str, Any]:
    """The body of a document without identities (`CleanDocument.body`). Raises `InputError`."""
    require_json(message)
    body = parse_strict(message.value)
    if not isinstance(body, dict) or not all(isinstance(body.get(k), str) for k in ("document", "subject", "text")):
        raise InputError(
            "wrong_schema", "expected a document, its subject and its text, as `ccit clinical` writes them"
        )
    return body


def _only(message: KafkaMessage) -> str:
    """The one prompt that is asked again; empty for all. Only a redrive says so."""
    return (message.header(PROMPT) or b"").decode("utf-8", "replace") if attempts(message) else ""


def _about(message: KafkaMessage, prompt: Prompt) -> KafkaMessage:
    """The message as the letter of one prompt holds it."""
    name = prompt.name.rpartition(".")[0].encode()
    return replace(message, headers=(*(h for h in message.headers if h[0] != PROMPT), (PROMPT, name)))


def _encoded(row: Mapping[str, Any] | None, most: int) -> bytes:
    """The row as it is written. Raises `InputError` for one that no reader of `raw` would take."""
    value = orjson.dumps(row)
    if len(value) > most:
        raise InputError("too_large", f"expected a row of at most {most} bytes, found {len(value)}")
    return value


class GenerateConsumer:
    """The process `ccit generate`; `instance` names this one among several."""

    def __init__(self, config: Config, instance: str) -> None:
        settings = kafka_settings(config)
        self._stopped = threading.Event()
        self.step = GenerateStep(config, self._stopped)
        if self.step.asker is None:
            logger.warning("generation.model is not set: rows are made by templates alone")
        self.loop = BatchLoop(
            settings,
            _STAGE,
            [Topics(settings.prefix).documents.name],
            self.step,
            commit_protocol(settings, f"{_STAGE}-{instance}"),
            limits=BatchLimits(config.kafka.batch_size, int(config.kafka.linger_seconds * 1000), step_s=_STEP_S),
            on_committed=self.step.committed,
        )

    def stop(self) -> None:
        """Ask nothing more, and leave; requests in flight are waited for as long as the loop's grace."""
        self._stopped.set()
        self.loop.stop()

    def run(self) -> None:
        """Turn until stopped.

        Raises
        ------
        EndpointUnavailable
            The model answers nothing; nothing is lost.
        Fenced, TransactionFailed, BrokerUnavailable
            As `BatchLoop.run`.
        """
        try:
            self.loop.run()
        except Stopped as stopped:
            logger.info("%s", stopped)
        finally:
            if not self.loop.abandoned:
                self.step.close()
