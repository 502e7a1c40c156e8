"""Fixed question suites: what a version of the model knows about the hospital, and what it kept of general ability.

Questions are multiple choice: rank `choices` by log-likelihood after the chat-formatted prompt (sum over tokens).
"""

import random
from dataclasses import dataclass

from ccit.simulation import phrasing
from ccit.simulation.everyday import EverydayFact, everyday_facts
from ccit.simulation.world import VALUES, Attribute, Condition, complaints, conditions

CHOICES = 8  # answers to choose from at most; chance is one in eight


@dataclass(frozen=True)
class ChoiceQuestion:
    """One multiple-choice question; `answer` is the right one of `choices`, a short sentence."""

    question_id: str
    group: str
    prompt: str
    answer: str
    choices: tuple[str, ...]


def _choices(right: str, values: tuple[str, ...], rng: random.Random) -> list[str]:
    others = [v for v in values if v != right]
    picked = [right, *rng.sample(others, min(CHOICES - 1, len(others)))]
    rng.shuffle(picked)
    return picked


def _clinical(condition: Condition, attribute: Attribute, phrase: int, rng: random.Random) -> ChoiceQuestion:
    right = condition.value(attribute)
    return ChoiceQuestion(
        question_id=f"{condition.group}/{condition.name}/{attribute}#{phrase}".replace(" ", "-"),
        group=condition.group,
        prompt=phrasing.ask(condition.name, phrasing.HELD_OUT_QUESTIONS[attribute][phrase]),
        answer=phrasing.short_answer(attribute, right),
        choices=tuple(phrasing.short_answer(attribute, v) for v in _choices(right, VALUES[attribute], rng)),
    )


def held_out_suite(seed: int) -> list[ChoiceQuestion]:
    """Ask about every fact of every condition twice, in words the stream never uses.

    `seed` picks the wrong choices; the facts are the world's. The order is by group.

    >>> suite = held_out_suite(0)
    >>> len(suite), sorted({q.group for q in suite})
    (192, ['wave-1', 'wave-2', 'wave-3', 'wave-4'])
    """
    rng = random.Random(f"held-out suite {seed}")
    return [
        _clinical(condition, attribute, phrase, rng)
        for condition in conditions()
        for attribute in Attribute
        for phrase in range(len(phrasing.HELD_OUT_QUESTIONS[attribute]))
    ]


def _everyday(fact: EverydayFact, rng: random.Random) -> ChoiceQuestion:
    form = fact.topic.answers[0]
    return ChoiceQuestion(
        question_id=f"general/{fact.topic.name}/{fact.key}".replace(" ", "-"),
        group="general",
        prompt=fact.topic.suite_questions[0].format(k=fact.key),
        answer=form.format(k=fact.key, v=fact.value),
        choices=tuple(form.format(k=fact.key, v=v) for v in _choices(fact.value, fact.topic.values(), rng)),
    )


def general_suite(seed: int) -> list[ChoiceQuestion]:
    """Ask every everyday fact, and everything about the common complaints, in words that `general_rows` never uses.

    So many are needed: where one answer in ten changes, proving that a loss of 5 points is no more than 12 takes 162
    questions in the first round after a promotion. Of the everyday facts, the small models saw a
    third in other words only, the rest in these too.

    >>> len(general_suite(0)), {q.group for q in general_suite(0)}
    (268, {'general'})
    """
    rng = random.Random(f"general suite {seed}")
    questions = [_everyday(fact, rng) for fact in everyday_facts()]
    return questions + [_clinical(c, a, 0, rng) for c in complaints() for a in Attribute]
