"""The time-based side: APScheduler sets flags, the thread that owns the consumer reads them."""

from __future__ import annotations

import queue
import threading

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from ccit.config import Rounds
from ccit.errors import ConfigError
from ccit.records import Due


class Schedule:
    """The nightly round.

    Raises
    ------
    ConfigError
        `rounds.nightly` is not a cron expression of five fields.
    """

    def __init__(self, rounds: Rounds) -> None:
        self._flags: queue.SimpleQueue[Due] = queue.SimpleQueue()
        self._scheduler = BackgroundScheduler(daemon=True)
        if rounds.nightly:
            nightly = nightly_trigger(rounds.nightly)
            # A night missed because the process was down is made up for within the day.
            self._scheduler.add_job(
                self._flags.put, nightly, [Due("nightly", rounds.nightly)], misfire_grace_time=86_400, coalesce=True
            )

    def start(self) -> None:
        """Let the clock run."""
        self._scheduler.start()

    def stop(self) -> None:
        """Stop the clock; flags that were not read are gone."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def due(self) -> Due | None:
        """Why a round should start now, once per flag; None when nothing is due."""
        try:
            return self._flags.get_nowait()
        except queue.Empty:
            return None


def nightly_trigger(expression: str) -> CronTrigger:
    """When a cron expression of five fields fires. Raises `ConfigError` for any other text."""
    try:
        return CronTrigger.from_crontab(expression)
    except ValueError as error:
        raise ConfigError(
            f"rounds.nightly should be a cron expression of five fields such as '0 2 * * *', found {expression!r}: "
            f"{error}"
        ) from error


class Tick:
    """A flag that is raised every so often, and lowered by whoever reads it.

    Parameters
    ----------
    seconds : float
        Between two flags; 0 raises none.

    Example
    -------
    >>> tick = Tick(0)
    >>> tick.due()
    False
    """

    def __init__(self, seconds: float) -> None:
        self._raised = threading.Event()
        self._scheduler = BackgroundScheduler(daemon=True)
        if seconds:
            self._scheduler.add_job(self._raised.set, IntervalTrigger(seconds=seconds), coalesce=True)

    def start(self) -> None:
        """Let the clock run."""
        self._scheduler.start()

    def stop(self) -> None:
        """Stop the clock."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def due(self) -> bool:
        """Whether the flag is up; lowers it."""
        if not self._raised.is_set():
            return False
        self._raised.clear()
        return True
