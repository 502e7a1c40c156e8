"""What arrives, and what is decided about it: Record, Sample, Score, Decision."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

DEAD_LETTER_REASONS = (
    "too_large",  # more bytes than ingest.max_bytes
    "empty",  # no value at all (a tombstone or zero bytes)
    "not_json",  # not strict JSON: garbage, broken UTF-8, NaN, lone surrogates, too deep
    "wrong_schema",  # JSON, but a field is missing, of the wrong type or empty
    "unsupported_type",  # a content type that no ingest adapter reads
    "unscorable",  # a scorer failed on this record alone
    "unanswered",  # the endpoint of `ccit generate` refused this document, or got through others and not through it
    "unusable_answer",  # what a model made of this document broke a constraint twice
    "identifying",  # something of the record was still found after masking
    "expired",  # retention deleted these messages before they were read: one letter for a range of offsets
)


def digest_of(value: Any) -> str:
    """SHA-256 (hex) of a JSON-able value in canonical form: sorted keys, no spaces, UTF-8.

    >>> digest_of({"b": 1, "a": "é"}) == digest_of({"a": "é", "b": 1})
    True
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier exchange of a conversation."""

    user: str
    assistant: str


@dataclass(frozen=True, slots=True)
class Record:
    """What arrived, untouched.

    Parameters
    ----------
    record_id : str
        Unique in the stream; taken from the source's own id, or derived from the content.
    subject : str
        Pseudonymous subject, the key of the `records` topic; equals `record_id` where there is none.
    source : str
        Who sent it: a data set, a ward, an interface.
    received_at : float
        Seconds since 1970 (UTC), as the broker or the file gave it.
    body : Mapping
        The instruction row: instruction, input, output, lang, meta.
    """

    record_id: str
    subject: str
    source: str
    received_at: float
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Sample:
    """A validated instruction/response pair made from a Record.

    A multi-turn sample is scored and trained on its last response, given the whole history.
    """

    sample_id: str
    record_id: str
    source: str
    lang: str
    instruction: str
    response: str
    history: tuple[Turn, ...] = ()
    group: str = ""
    system: str = ""  # the system turn that goes before the history; empty for none

    @property
    def content_digest(self) -> str:
        """SHA-256 of what is trained on (system turn, history, instruction, response), whoever sent it."""
        turns = [[t.user, t.assistant] for t in self.history]
        return digest_of([turns, self.instruction, self.response, *([self.system] if self.system else [])])

    def messages(self) -> list[dict[str, str]]:
        """The prompt as chat messages (OpenAI's roles), without the response."""
        chat = [{"role": "system", "content": self.system}] if self.system else []
        for turn in self.history:
            chat += [{"role": "user", "content": turn.user}, {"role": "assistant", "content": turn.assistant}]
        return [*chat, {"role": "user", "content": self.instruction}]


@dataclass(frozen=True, slots=True)
class Score:
    """One number about a Sample, or the reason why there is none; never a 0 that stands for a failure.

    Parameters
    ----------
    metric : str
        `length`, `novelty`, `diversity`, `ifd`, `ppl_conditional`, `ppl_direct`.
    value : float | None
        None when unscored.
    scorer : str
        The stamp: formula, template and model version that made the number.
    unscored : str
        Why there is no value, empty when there is one.
    truncated : int
        Tokens that the scorer did not see.
    per_token : tuple[float, ...]
        The number of each response token, for scorers that have one; empty for the others.
    """

    metric: str
    value: float | None
    scorer: str
    unscored: str = ""
    truncated: int = 0
    per_token: tuple[float, ...] = ()


Arm = Literal["policy", "control"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Accept or reject one Sample, with every Score that led there.

    Parameters
    ----------
    reason : str
        `accepted`, or why not: one of the reasons that `owner` declares.
    owner : str
        Who gave the reason: the kind of a check or of the policy; `admission` for copies.
    policy : str
        The stamp of the policy that chose: its kind and a digest of its settings.
    arm : Arm
        `control` for a sample that was drawn by lot before the policy saw it.
    annotations : Mapping[str, str]
        What was found out beside the scores, by name: an identified language, a cause of quarantine.
    """

    sample: Sample
    accepted: bool
    reason: str
    scores: tuple[Score, ...] = ()
    proxy_version: int = 0
    owner: str = ""
    policy: str = ""
    arm: Arm = "policy"
    annotations: Mapping[str, str] = field(default_factory=dict)

    def value(self, metric: str) -> float | None:
        """The value of one metric, None when it was not reached or could not be scored."""
        return next((s.value for s in self.scores if s.metric == metric), None)
