"""What makes instruction rows of clinical documents without identities."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from ccit.assembly.ingest import deidentifier
from ccit.config import Config
from ccit.generation.answers import Answers
from ccit.generation.asker import Asker, Asks
from ccit.generation.asking import RequestSampling
from ccit.generation.budget import HOUR_S, TokenBudget
from ccit.generation.constraints import Constraints
from ccit.generation.endpoint import Endpoint, RetryPolicy
from ccit.generation.identifiers import IdentifierScan
from ccit.generation.making import Limits, Model, RowMaker
from ccit.generation.prompts import Lengths, load_prompts
from ccit.generation.structured import StructuredTemplates
from ccit.store.private import read_key

Pause = Callable[[float], Awaitable[None]]
"""Waits for seconds, and raises when the process is to end."""


def endpoint(config: Config, pause: Pause) -> Endpoint:
    """The model's endpoint. Raises `ConfigError` where its key cannot be read or is no text."""
    settings = config.generation
    key = read_key(settings.key_file, "generation.key_file").decode("ascii", "replace") if settings.key_file else ""
    return Endpoint(settings.base_url, key, RetryPolicy(settings.timeout_seconds, settings.attempts), pause)


def asker(config: Config, asked: Asks, pause: Pause) -> Asker:
    """Whom prompts are put to: answers of `keep_days` first."""
    settings = config.generation
    answers = Answers(settings.answers_folder(config.store.root))
    answers.sweep(settings.keep_days)
    most = settings.max_tokens_per_hour
    budget = TokenBudget(most, answers.spent_since(time.time() - HOUR_S) if most else ())
    return Asker(asked, answers, budget, settings.concurrency, pause)


def row_maker(config: Config, asked: Asker | None) -> RowMaker:
    """What makes rows; without an asker, those that need no model alone. Raises `ConfigError`."""
    settings = config.generation
    own = Path(settings.texts) if settings.texts else None
    limits = Limits(settings.min_record, settings.max_record, settings.entries, settings.train_on_reasoning)
    templates = StructuredTemplates(own / "templates" if own else None) if settings.templates else None
    scan = IdentifierScan(deidentifier(config), shifted=config.deidentify.mode == "shifted").fault
    if asked is None:
        return RowMaker(limits, scan, templates)
    lengths = Lengths(settings.min_answer, settings.min_evidence)
    model = Model(
        asked,
        load_prompts(settings.prompts, own / "prompts" if own else None, lengths),
        Constraints(scan, with_reasoning=settings.train_on_reasoning),
        RequestSampling(settings.model, settings.max_tokens, settings.temperature, settings.seed),
    )
    return RowMaker(limits, scan, templates, model)
