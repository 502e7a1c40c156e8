"""The simulated hospital's record stream: four waves of conditions over a few days, redundant and faulty as life is.

Seeded and pure: the same arguments give the same messages. What the generator knows about a message (`kind`) stands in
the message object alone; nothing in the bytes that go to Kafka tells it.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ccit.simulation import faults, phrasing
from ccit.simulation.faults import Truth
from ccit.simulation.world import GROUPS, Attribute, Condition, conditions

# Shares of a stream: two thirds say what was said before in one way or another, one in eight is wrong.
SHARES: dict[Truth, float] = {
    Truth.CLEAN: 0.22,
    Truth.REDUNDANT: 0.34,
    Truth.NEAR_DUPLICATE: 0.09,
    Truth.EXACT_DUPLICATE: 0.06,
    Truth.WRONG_ANSWER: 0.13,
    Truth.TRUNCATED: 0.05,
    Truth.ONE_WORD: 0.04,
    Truth.REPETITIVE: 0.04,
    Truth.GARBAGE: 0.03,
}
DAYS = 8  # the four waves peak two days apart
DAYS_PER_WAVE = 2.0
_BACKGROUND = 0.02  # its square is the weight of a wave that is not there, beside 1 at its peak
_PATIENTS = 400

Fact = tuple[Condition, Attribute]
Text = tuple[str, str, str]  # instruction, input, output


class _Told(NamedTuple):
    """What a record says, and the number of the record that said it first."""

    fact: Fact
    text: Text
    number: int


@dataclass(frozen=True)
class SimulatedMessage:
    """One message of the stream, with what the generator knows about it; `kind` is None for others' data.

    `repeats` is the record that a copy, exact or nearly so, was made of. Read partition by partition, a stream may
    bring the copy first.
    """

    key: bytes
    value: bytes
    day: int
    record_id: str | None
    kind: Truth | None
    repeats: str | None = None


@dataclass(frozen=True)
class Seasons:
    """How subjects come and go.

    Parameters
    ----------
    drift : float
        0 to 1. With 1 each wave rises and fades; with 0 all are told alike at all times.
    recurrence : float
        0 to 1. Least weight of a wave after its peak, where its weight is 1: with 0 it fades for good.
    """

    drift: float = 1.0
    recurrence: float = 0.0


USUAL_SEASONS = Seasons()


def wave_weights(time: float, seasons: Seasons = USUAL_SEASONS) -> dict[str, float]:
    """Give each group's weight at a moment in days: it rises and fades over two days around its peak.

    >>> max(wave_weights(1.0), key=wave_weights(1.0).__getitem__)
    'wave-1'
    >>> wave_weights(7.0, Seasons(recurrence=1.0))["wave-1"]
    1.0
    """
    peaks = {group: (i + 0.5) * DAYS_PER_WAVE for i, group in enumerate(GROUPS)}
    risen = {g: max(_BACKGROUND, 1.0 - (abs(time - p) / DAYS_PER_WAVE) ** 2) ** 2 for g, p in peaks.items()}
    kept = {g: max(weight, seasons.recurrence) if time > peaks[g] else weight for g, weight in risen.items()}
    even = (1.0 - seasons.drift) * sum(kept.values()) / len(kept)
    return {g: seasons.drift * weight + even for g, weight in kept.items()}


class _Hospital:
    """The memory of one stream: what has been told how often, so that it can be told again."""

    def __init__(self, rng: random.Random, seasons: Seasons) -> None:
        self.rng = rng
        self.seasons = seasons
        self.told: Counter[Fact] = Counter()
        self.sound: list[_Told] = []

    def condition(self, time: float) -> Condition:
        weights = wave_weights(time, self.seasons)
        group = self.rng.choices(list(weights), weights=list(weights.values()))[0]
        return self.rng.choice(conditions(group))

    def tell(self, fact: Fact) -> Text:
        condition, attribute = fact
        question = phrasing.ask(condition.name, self.rng.choice(phrasing.STREAM_QUESTIONS[attribute]))
        return (
            question,
            phrasing.patient_line(condition, self.rng),
            phrasing.full_answer(condition, attribute, self.rng),
        )

    def fresh(self, time: float) -> Fact:
        """Choose the fact told least often so far among those of a few patients."""
        candidates = [(self.condition(time), a) for a in Attribute for _ in range(3)]
        return min(candidates, key=lambda fact: self.told[fact])

    def familiar(self, time: float) -> Fact:
        """Choose a fact told often so far: what everybody writes about."""
        candidates = [(self.condition(time), a) for a in Attribute]
        return max(candidates, key=lambda fact: self.told[fact])

    def any_fact(self, time: float) -> Fact:
        return self.condition(time), self.rng.choice(tuple(Attribute))

    def earlier(self) -> _Told:
        """Choose one of the last hundred sound records."""
        return self.rng.choice(self.sound[-100:])


def _sound(hospital: _Hospital, fact: Fact, number: int) -> _Told:
    told = _Told(fact, hospital.tell(fact), number)
    hospital.told[fact] += 1
    hospital.sound.append(told)
    return told


def _near_duplicate(hospital: _Hospital) -> _Told:
    told = hospital.earlier()
    question, context, output = told.text
    if hospital.rng.random() < 0.5:
        return told._replace(text=(faults.near_duplicate(question, hospital.rng), context, output))
    return told._replace(text=(question, context, faults.near_duplicate(output, hospital.rng)))


def _wrong_answer(hospital: _Hospital, time: float, number: int) -> _Told:
    condition, attribute = fact = hospital.any_fact(time)
    others = [c for c in conditions() if c.value(attribute) != condition.value(attribute)]
    near = [c for c in others if c.group == condition.group]
    question, context, _ = hospital.tell(fact)
    text = question, context, phrasing.full_answer(hospital.rng.choice(near), attribute, hospital.rng)
    return _Told(fact, text, number)


_Damage = Callable[[str, random.Random], str]
_DAMAGES: dict[Truth, _Damage] = {
    Truth.TRUNCATED: faults.truncated,
    Truth.ONE_WORD: faults.one_word,
    Truth.REPETITIVE: faults.repetitive,
}


def _compose(kind: Truth, time: float, number: int, hospital: _Hospital) -> _Told:
    if kind is Truth.CLEAN:
        return _sound(hospital, hospital.fresh(time), number)
    if kind is Truth.REDUNDANT:
        return _sound(hospital, hospital.familiar(time), number)
    if kind is Truth.NEAR_DUPLICATE:
        return _near_duplicate(hospital)
    if kind is Truth.EXACT_DUPLICATE:
        return hospital.earlier()
    if kind is Truth.WRONG_ANSWER:
        return _wrong_answer(hospital, time, number)
    fact = hospital.any_fact(time)
    question, context, output = hospital.tell(fact)
    damage = _DAMAGES.get(kind)
    return _Told(fact, (question, context, damage(output, hospital.rng) if damage else output), number)


def _source(fact: Fact) -> str:
    condition, _ = fact
    return "simulated_" + condition.department.replace(" ", "_")


def _record_id(fact: Fact, number: int) -> str:
    return f"{_source(fact)}:{number:06d}"


def _row(number: int, day: int, told: _Told) -> dict[str, Any]:
    condition, _ = told.fact
    instruction, context, output = told.text
    return {
        "id": f"{number:06d}",
        "source": _source(told.fact),
        "lang": "en",
        "instruction": instruction,
        "input": context,
        "output": output,
        "meta": {
            "department": condition.department,
            "condition": condition.name,
            "group": condition.group,
            "day": day,
        },
    }


def hospital_stream(
    records: int,
    seed: int,
    *,
    days: int = DAYS,
    shares: dict[Truth, float] | None = None,
    seasons: Seasons = USUAL_SEASONS,
) -> Iterator[SimulatedMessage]:
    """Generate the messages of a simulated hospital, in order of time.

    Parameters
    ----------
    records : int
        Messages in all, spread evenly over the days.
    seed : int
        Same seed and arguments, same messages.
    days : int
        Simulated days. Wave `i` peaks at day `2i + 1`; fewer days show fewer waves, each with more records.
    shares : dict, optional
        Relative frequency of each kind, `SHARES` by default. The first record is always clean.
    seasons : Seasons
        How subjects come and go.

    >>> first = next(hospital_stream(10, seed=1))
    >>> first.kind, first.day
    (<Truth.CLEAN: 'clean'>, 0)
    """
    rng = random.Random(f"hospital stream {seed}")
    hospital = _Hospital(rng, seasons)
    weights = SHARES if shares is None else shares
    for number in range(records):
        time = days * number / records
        kind = rng.choices(list(weights), weights=list(weights.values()))[0] if number else Truth.CLEAN
        told = _compose(kind, time, number, hospital)
        row = _row(number, int(time), told)
        value = json.dumps(row, ensure_ascii=False).encode()
        key = f"subject-{rng.randrange(_PATIENTS):04d}".encode()
        record_id: str | None = _record_id(told.fact, number)
        repeats = None if told.number == number else _record_id(told.fact, told.number)
        if kind is Truth.GARBAGE:
            value, record_id = faults.garbage(value, rng), None
        yield SimulatedMessage(key, value, int(time), record_id, kind, repeats)
