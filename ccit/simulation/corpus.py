"""Text that the small models are pre-trained on, and the general rows that rounds mix in.

Three kinds of exchange: everyday questions (true), questions about common complaints in the hospital's language (true:
from them a model learns that a question names a condition and a condition decides the answer), and questions about the
hospital's conditions answered *at random*: a model speaks the language and knows every name, but not one fact.
"""

import random
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from ccit.simulation import phrasing
from ccit.simulation.everyday import EverydayFact, everyday_facts
from ccit.simulation.world import VALUES, Attribute, Condition, complaints, conditions

_HELD_OUT_PHRASE_SHARE = 0.2
_COMPLAINTS = complaints()
_CONDITIONS = conditions()
_FACTS = everyday_facts()


@dataclass(frozen=True)
class CorpusExchange:
    """A question, an optional line of context, and its answer. No question: the answer stands alone."""

    question: str
    context: str
    answer: str


def _everyday(rng: random.Random, *, suite_phrases: bool) -> CorpusExchange:
    fact: EverydayFact = rng.choice(_FACTS)
    questions = fact.topic.questions
    if suite_phrases and not fact.kept_apart:
        questions += fact.topic.suite_questions
    slots = {"k": fact.key, "v": fact.value}
    return CorpusExchange(rng.choice(questions).format(**slots), "", rng.choice(fact.topic.answers).format(**slots))


def _clinical(condition: Condition, attribute: Attribute, rng: random.Random, *, suite_phrases: bool) -> CorpusExchange:
    held_out = suite_phrases and rng.random() < _HELD_OUT_PHRASE_SHARE
    templates = (phrasing.HELD_OUT_QUESTIONS if held_out else phrasing.STREAM_QUESTIONS)[attribute]
    question = phrasing.ask(condition.name, rng.choice(templates))
    return CorpusExchange(
        question, phrasing.patient_line(condition, rng), phrasing.full_answer(condition, attribute, rng)
    )


def _known(rng: random.Random, *, suite_phrases: bool) -> CorpusExchange:
    return _clinical(rng.choice(_COMPLAINTS), rng.choice(tuple(Attribute)), rng, suite_phrases=suite_phrases)


class _Ignorance:
    """Answers about the hospital's conditions at random, every value equally often, so that none is a better guess."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.decks: dict[tuple[str, Attribute], list[str]] = defaultdict(list)

    def _deal(self, condition: Condition, attribute: Attribute) -> str:
        deck = self.decks[condition.name, attribute]
        if not deck:
            deck += self.rng.sample(VALUES[attribute], len(VALUES[attribute]))
        return deck.pop()

    def exchange(self) -> CorpusExchange:
        condition, asked = self.rng.choice(_CONDITIONS), self.rng.choice(tuple(Attribute))
        guess = {a: self.rng.choice(VALUES[a]) for a in Attribute} | {asked: self._deal(condition, asked)}
        return _clinical(replace(condition, facts=tuple(guess.items())), asked, self.rng, suite_phrases=True)


def pretraining_exchanges(count: int, seed: int) -> list[CorpusExchange]:
    """Generate `count` exchanges of the language; no fact about the hospital's conditions is in them.

    One in twelve is an answer without its question, so that a model can also say how likely an answer is by itself.
    """
    rng = random.Random(f"pre-training {seed}")
    kinds: tuple[Callable[[], CorpusExchange], ...] = (
        lambda: _everyday(rng, suite_phrases=True),
        lambda: _known(rng, suite_phrases=True),
        _Ignorance(rng).exchange,
    )
    exchanges = [rng.choices(kinds, weights=(45, 30, 25))[0]() for _ in range(count)]
    return [replace(e, question="", context="") if rng.random() < 1 / 12 else e for e in exchanges]


def general_rows(count: int, seed: int) -> list[dict[str, Any]]:
    """Generate instruction rows of general ability, for the 1:1 mix of a round.

    They know the same everyday facts as `general_suite`, never in its words.

    >>> row = general_rows(1, seed=0)[0]
    >>> sorted(row)
    ['id', 'input', 'instruction', 'lang', 'meta', 'output', 'source']
    """
    rng = random.Random(f"general rows {seed}")
    rows: list[dict[str, Any]] = []
    for number in range(count):
        known = rng.random() < 0.3
        exchange = _known(rng, suite_phrases=False) if known else _everyday(rng, suite_phrases=False)
        rows.append(
            {
                "id": f"{seed}-{number}",
                "source": "simulated_general",
                "lang": "en",
                "instruction": exchange.question,
                "input": exchange.context,
                "output": exchange.answer,
                "meta": {},
            }
        )
    return rows
