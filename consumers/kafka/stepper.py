"""One thread for the steps, so that the thread that polls is never kept waiting by a model."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence

from consumers.kafka.messages import KafkaMessage, Output


class Job:
    """One step over one batch."""

    def __init__(self, messages: Sequence[KafkaMessage]) -> None:
        self.messages = messages
        self._done = threading.Event()
        self._outputs: Sequence[Output] = ()
        self._problem: BaseException | None = None

    def wait(self, timeout_s: float) -> bool:
        """True once the step has ended, well or not."""
        return self._done.wait(timeout_s)

    def result(self) -> Sequence[Output]:
        """The outputs; raises what the step raised."""
        if self._problem is not None:
            raise self._problem
        return self._outputs

    def run(self, step: Callable[[Sequence[KafkaMessage]], Sequence[Output]]) -> None:
        """Run the step and keep what came of it, in the thread of the `Stepper`."""
        try:
            self._outputs = step(self.messages)
        except BaseException as problem:  # noqa: BLE001 - handed to the thread that waits, which raises it
            self._problem = problem
        finally:
            self._done.set()


class Stepper:
    """Runs steps one after another in one daemon thread, which a stop may abandon.

    >>> stepper = Stepper(lambda messages: [Output("out", m.key, m.value) for m in messages])
    >>> job = stepper.begin([KafkaMessage("in", 0, 0, None, b"x")])
    >>> job.wait(5.0), job.result()[0].value
    (True, b'x')
    >>> stepper.close()
    """

    def __init__(self, step: Callable[[Sequence[KafkaMessage]], Sequence[Output]]) -> None:
        self._step = step
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def begin(self, messages: Sequence[KafkaMessage]) -> Job:
        """Start a step and return at once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, name="step", daemon=True)
            self._thread.start()
        job = Job(messages)
        self._jobs.put(job)
        return job

    def close(self) -> None:
        """Let the thread end after the step it is in; does not wait for it."""
        self._jobs.put(None)

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            job.run(self._step)
