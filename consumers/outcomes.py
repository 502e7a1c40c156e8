"""Following the rounds topic: which rounds have their outcome, and what became of their samples."""

from __future__ import annotations

from collections.abc import Sequence

from ccit.fates import Fates
from ccit.lineage import Lineage
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.closing import Closing
from consumers.kafka.follower import Follower
from consumers.kafka.messages import KafkaMessage
from consumers.kafka.topics import Topics
from consumers.reading import event_in


class OutcomeFollower(Closing):
    """Follows the rounds topic for a scorer, and keeps what it tells of the samples up to date.

    Parameters
    ----------
    cooldown_rounds : int
        `rounds.cooldown_rounds`.
    """

    def __init__(self, settings: KafkaSettings, lineage: Lineage, cooldown_rounds: int) -> None:
        self.fates = Fates(lineage, cooldown_rounds)
        self._follower = Follower(settings, Topics(settings.prefix).rounds)

    def catch_up(self) -> None:
        """Read to the end. Raises `BrokerUnavailable`."""
        for messages in self._follower.to_end():
            self._take(messages)

    def poll(self) -> bool:
        """Take in what has come; whether a round has its outcome now that had none."""
        return self._take(self._follower.poll())

    def close(self) -> None:
        """Let go of the broker."""
        self._follower.close()

    def _take(self, messages: Sequence[KafkaMessage]) -> bool:
        news = [self.fates.take(event) for event in map(event_in, messages) if event is not None]
        return any(news)
