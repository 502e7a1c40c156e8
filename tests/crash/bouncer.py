"""Three brokers in a thread of their own, taken down one at a time: cleanly (SIGTERM) and hard (SIGKILL).

Brokers die with the thread that started them, so one thread starts, bounces and ends them all.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from types import TracebackType
from typing import Self

from ccit.errors import CcitError
from consumers.broker.local import LocalKafka

_MISSED_AFTER = {
    "group.consumer.min.session.timeout.ms": "1000",
    "group.consumer.session.timeout.ms": "2000",  # a killed member's partitions are free after this
}
_START_TIMEOUT_S = 120.0


class Bouncer:
    """A cluster of three that loses and regains one node after the other.

    Parameters
    ----------
    seed : int
        Draws node, manner and pauses.
    pause_s : tuple of float
        Shortest and longest time (seconds) with all three up.
    """

    def __init__(self, seed: int, pause_s: tuple[float, float] = (15.0, 35.0)) -> None:
        self.bounces: Counter[str] = Counter()  # "stopped", "killed"
        self.failure = ""
        self.broker: LocalKafka | None = None
        self._random = random.Random(f"{seed}/brokers")
        self._pause_s = pause_s
        self._up = threading.Event()
        self._storm = threading.Event()
        self._calm = threading.Event()  # no more bounces
        self._whole = threading.Event()  # all three are up for good
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="brokers", daemon=True)

    def begin(self) -> None:
        """Start to bounce."""
        self._storm.set()

    def calm(self) -> None:
        """Stop bouncing, and return once all three are up."""
        self._calm.set()
        self._storm.set()
        self._whole.wait(_START_TIMEOUT_S)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._up.wait(_START_TIMEOUT_S) or self.broker is None:
            raise RuntimeError(self.failure or f"three brokers did not start within {_START_TIMEOUT_S:g} s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._calm.set()
        self._storm.set()
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            with LocalKafka(3, extra=_MISSED_AFTER) as broker:
                self.broker = broker
                self._up.set()
                self._storm.wait()
                while not self._calm.wait(self._random.uniform(*self._pause_s)):
                    self._bounce(broker)
                self._whole.set()
                self._end.wait()
        except CcitError as error:
            self.failure = str(error)
        finally:
            self._up.set()
            self._whole.set()

    def _bounce(self, broker: LocalKafka) -> None:
        node = self._random.randint(1, 3)
        manner = self._random.choice(("stopped", "killed"))
        (broker.stop if manner == "stopped" else broker.kill)(node)
        self._calm.wait(self._random.uniform(0.0, 4.0))
        broker.restart(node)
        self.bounces[manner] += 1
