from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from typing import Any

import pytest
import torch

from ccit.models.causal import CausalModel
from ccit.models.decoding import Batch, Pass, Row
from ccit.ports.serving import Delta, Sampling
from ccit.serving.decode_loop import DecodeLoop, GenerationFailed, Made, Ticket
from ccit.serving.generation import Generation


class Asked:
    """A request, and what came of it."""

    def __init__(self, loop: DecodeLoop, base: CausalModel, tokens: int, prompt: tuple[int, ...] = (1, 2)) -> None:
        self.made: SimpleQueue[Made] = SimpleQueue()
        self.gone = threading.Event()
        generation = Generation(base, Sampling(tokens, temperature=0))
        self.ticket = Ticket(generation, prompt, len(prompt) + tokens - 1, None, "", self.made.put, self.gone.set)
        self.loop = loop
        loop.submit(self.ticket)

    def all(self) -> list[Delta]:
        found = list[Delta]()
        while not (found and found[-1].finish):
            delta = self.made.get(timeout=20)
            assert isinstance(delta, Delta)
            found.append(delta)
        return found


def test_who_is_cancelled_leaves_at_once_and_makes_room(base: CausalModel) -> None:
    loop = DecodeLoop(Batch(base, 64, positions=64))
    endless = Asked(loop, base, 60)
    endless.made.get(timeout=20)
    waiting, after = Asked(loop, base, 60), Asked(loop, base, 3)
    loop.cancel(waiting.ticket)
    loop.cancel(endless.ticket)
    assert len(after.all()) == 3
    assert endless.gone.is_set()
    assert waiting.gone.is_set()
    assert waiting.made.empty()
    assert len(Asked(loop, base, 5).all()) == 5


def test_what_never_fits_is_told_so(base: CausalModel) -> None:
    loop = DecodeLoop(Batch(base, 64, positions=64))
    assert isinstance(Asked(loop, base, 100).made.get(timeout=20), GenerationFailed)
    assert len(Asked(loop, base, 5).all()) == 5


def test_only_the_row_that_the_device_refuses_ends(base: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Batch.run

    def refusing(batch: Batch, step: Pass) -> tuple[list[Row], torch.Tensor]:
        if any(row.held.prompt == (7, 7) for row in step.rows):
            raise torch.OutOfMemoryError("out of memory\nwith a hint")
        return real(batch, step)

    monkeypatch.setattr(Batch, "run", refusing)
    loop = DecodeLoop(Batch(base, 64, positions=640))
    sound = [Asked(loop, base, 30) for _ in range(2)]
    broken = Asked(loop, base, 30, prompt=(7, 7))
    failure = broken.made.get(timeout=20)
    assert isinstance(failure, GenerationFailed)
    assert "out of memory;" in str(failure)
    assert [len(one.all()) for one in sound] == [30, 30]


def test_a_library_that_fails_over_one_answer_ends_that_one_and_its_words_are_logged_nowhere(
    base: CausalModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, quoted = Generation.step, "the patient said"

    def failing(generation: Generation, *arguments: Any) -> tuple[int, Delta]:
        if generation.limit == 31:
            raise LookupError(quoted)
        return real(generation, *arguments)

    monkeypatch.setattr(Generation, "step", failing)
    loop = DecodeLoop(Batch(base, 64, positions=640))
    sound, broken = Asked(loop, base, 30), Asked(loop, base, 31)
    failure = broken.made.get(timeout=20)
    assert isinstance(failure, GenerationFailed)
    assert "LookupError" in str(failure)
    assert len(sound.all()) == 30
    assert "LookupError" in caplog.text
    assert quoted not in caplog.text + str(failure)
    assert broken.gone.is_set()


def test_a_prompt_that_the_device_has_no_room_for_ends_alone(
    base: CausalModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Batch.join

    def refusing(batch: Batch, prompt: Sequence[int], *arguments: Any) -> Row | None:
        if prompt == (7, 7):
            raise torch.OutOfMemoryError("out of memory")
        return real(batch, prompt, *arguments)

    monkeypatch.setattr(Batch, "join", refusing)
    loop = DecodeLoop(Batch(base, 64, positions=640))
    before, broken, behind = Asked(loop, base, 30), Asked(loop, base, 30, prompt=(7, 7)), Asked(loop, base, 5)
    assert isinstance(broken.made.get(timeout=20), GenerationFailed)
    assert broken.gone.is_set()
    assert [len(one.all()) for one in (before, behind)] == [30, 5]


@pytest.mark.parametrize("fault", [RuntimeError("no memory"), ValueError("no tensor")])
def test_work_is_done_between_steps_and_its_error_reaches_who_waits(base: CausalModel, fault: Exception) -> None:
    loop = DecodeLoop(Batch(base, 64, positions=640))
    under_way = Asked(loop, base, 200)
    threads: list[str] = []

    def parts() -> Iterator[None]:
        for _ in range(5):
            threads.append(threading.current_thread().name)
            yield
        raise fault

    with pytest.raises(type(fault), match="no "):
        loop.work(parts()).result(20)
    assert threads == ["decode"] * 5
    assert len(under_way.all()) == 200


def test_who_asks_while_the_loop_gives_up_is_answered(base: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, real, faults = DecodeLoop(Batch(base, 64, positions=640)), Batch.passes, iter([True])
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    monkeypatch.setattr(Batch, "passes", lambda batch: 1 / 0 if next(faults, False) else real(batch))
    asked: SimpleQueue[Asked] = SimpleQueue()

    def ask_again(_: Made) -> None:
        asked.put(Asked(loop, base, 5))

    generation = Generation(base, Sampling(5, temperature=0))
    loop.submit(Ticket(generation, (1, 2), 6, None, "", ask_again, lambda: None))
    assert len(asked.get(timeout=20).all()) == 5


def test_work_outlives_a_fault_of_the_loop(base: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, real, fault = DecodeLoop(Batch(base, 64, positions=640)), Batch.passes, threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    monkeypatch.setattr(Batch, "passes", lambda batch: 1 / 0 if fault.is_set() else real(batch))
    under_way = Asked(loop, base, 600)
    assert isinstance(under_way.made.get(timeout=20), Delta)

    def parts() -> Iterator[None]:
        thread = threading.current_thread()
        fault.set()
        while threading.current_thread() is thread:
            yield
        fault.clear()

    loop.work(parts()).result(20)
    assert len(Asked(loop, base, 5).all()) == 5


def test_a_fault_of_the_loop_leaves_nobody_waiting(base: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = DecodeLoop(Batch(base, 64, positions=640))
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    with monkeypatch.context() as patched:
        patched.setattr(Batch, "passes", lambda _: 1 / 0)
        assert isinstance(Asked(loop, base, 5).made.get(timeout=20), GenerationFailed)
    assert len(Asked(loop, base, 5).all()) == 5
