"""Nothing is asked twice, no more at a time than there are seats, and no more tokens than the budget has."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from ccit.errors import EndpointUnavailable
from ccit.generation.answers import Answers
from ccit.generation.asker import Asker
from ccit.generation.asking import Answer, Request, RequestSampling, Unanswered
from ccit.generation.budget import TokenBudget
from ccit.generation.replies import schema
from tests.unit.generation.parts import prompt, source

ONE = Request(RequestSampling("m"), prompt().messages(source()), schema(False))


class Slow:
    """Counts who is asking at a time."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.at_once = 0
        self._now = 0

    async def ask(self, request: Request) -> Answer:
        self.asked.append(request.digest)
        self._now += 1
        self.at_once = max(self.at_once, self._now)
        await asyncio.sleep(0)
        self._now -= 1
        return Answer("Yes.", tokens=10)


def ask(asker: Asker, *requests: Request) -> list[Answer]:
    async def together() -> list[Answer]:
        return list(await asyncio.gather(*map(asker, requests)))

    return asyncio.run(together())


def numbered(count: int) -> list[Request]:
    return [replace(ONE, attempt=number) for number in range(count)]


def test_an_answer_that_is_kept_is_asked_for_by_no_later_process(tmp_path: Path) -> None:
    for endpoint in (first := Slow(), later := Slow()):
        asker = Asker(endpoint, Answers(tmp_path), TokenBudget(0), 4)
        assert ask(asker, ONE) == [Answer("Yes.", tokens=10)]
    assert (len(first.asked), len(later.asked)) == (1, 0)
    assert (asker.asked, asker.found_kept, asker.tokens) == (0, 1, 0)


def test_the_same_request_at_the_same_time_is_asked_once(tmp_path: Path) -> None:
    ask(Asker(endpoint := Slow(), Answers(tmp_path), TokenBudget(0), 4), ONE, ONE, ONE)
    assert len(endpoint.asked) == 1


def test_no_more_are_in_flight_than_there_are_seats(tmp_path: Path) -> None:
    ask(Asker(endpoint := Slow(), Answers(tmp_path), TokenBudget(0), 3), *numbered(9))
    assert (endpoint.at_once, len(set(endpoint.asked))) == (3, 9)


def test_what_the_budget_does_not_have_is_waited_for(tmp_path: Path) -> None:
    now, waits = [0.0], list[float]()

    async def pause(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds
        await asyncio.sleep(0)

    budget = TokenBudget(ONE.most_tokens + 15)
    asker = Asker(endpoint := Slow(), Answers(tmp_path), budget, 1, pause, lambda: now[0])
    ask(asker, *numbered(3))
    assert len(endpoint.asked) == 3
    assert sum(waits) == pytest.approx(3600.0)  # two fit into the first hour: each is counted at what it took


def test_when_the_process_is_to_end_nothing_new_is_asked(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    async def pause(_: float) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        ask(Asker(endpoint := Slow(), Answers(tmp_path), TokenBudget(0), 1, pause), ONE)
    assert endpoint.asked == []


def test_a_failure_keeps_nothing_and_gives_its_tokens_back(tmp_path: Path) -> None:
    class Down:
        async def ask(self, _: Request) -> Answer:
            raise EndpointUnavailable("expected answers, found no connection")

    budget = TokenBudget(ONE.most_tokens)
    with pytest.raises(EndpointUnavailable):
        ask(Asker(Down(), Answers(tmp_path), budget, 1), ONE)
    assert budget.wait_s(ONE.most_tokens, 0.0) == 0.0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("tokens", "lost"), [(10, 0), (10, 500), (0, 0), (0, 500)])
def test_a_budget_knows_after_a_restart_what_it_knew_before(tmp_path: Path, tokens: int, lost: int) -> None:
    class Counting:
        async def ask(self, _: Request) -> Answer:
            return Answer("Yes.", tokens=tokens, lost=lost)

    ask(Asker(Counting(), Answers(tmp_path), TokenBudget(0), 1), ONE)
    assert [took for _, took in Answers(tmp_path).spent_since(0.0)] == [(tokens or ONE.most_tokens) + lost]


def test_what_a_request_without_an_answer_may_have_taken_counts_too(tmp_path: Path) -> None:
    class Poisoned:
        async def ask(self, _: Request) -> Answer:
            raise Unanswered("expected an answer", lost=30)

    budget = TokenBudget(ONE.most_tokens + 29)
    with pytest.raises(Unanswered):
        ask(Asker(Poisoned(), Answers(tmp_path), budget, 1, clock=lambda: 7.0), ONE)
    assert budget.wait_s(ONE.most_tokens, 7.0) == 3600.0
