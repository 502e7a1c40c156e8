"""Following the version topic: the line of versions as announced so far, and what is new since the last look."""

from __future__ import annotations

from ccit.events import VersionPromoted, VersionRolledBack
from ccit.lineage import Lineage
from ccit.records import Announcement, Version
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.closing import Closing
from consumers.kafka.follower import Follower
from consumers.kafka.messages import KafkaMessage
from consumers.kafka.topics import Topics
from consumers.reading import event_in


class VersionFollower(Closing):
    """Reads the topic to its end first, then follows it.

    Parameters
    ----------
    base : Version
        Number 0, active until something else is announced; its alias is the one followed.
    """

    def __init__(self, settings: KafkaSettings, base: Version) -> None:
        self.lineage = Lineage(base)
        self._alias = base.alias
        self._follower = Follower(settings, Topics(settings.prefix).model_versions)

    def catch_up(self) -> Version:
        """Read to the end and return who is active. Raises `BrokerUnavailable`."""
        for messages in self._follower.to_end():
            self._apply(messages)
        return self.lineage.incumbent

    def poll(self, timeout_s: float = 0.0) -> Announcement | None:
        """The newest announcement that is newer than what was known; those in between are skipped."""
        return self._apply(self._follower.poll(timeout_s))

    def close(self) -> None:
        """Let go of the broker."""
        self._follower.close()

    def _apply(self, messages: list[KafkaMessage]) -> Announcement | None:
        newest: Announcement | None = None
        for message in messages:
            announcement = announcement_in(message)
            if announcement is None or announcement.version.alias != self._alias:
                continue
            if self.lineage.apply(announcement):
                newest = announcement
        return newest


def announcement_in(message: KafkaMessage) -> Announcement | None:
    """The announcement a message carries; None for one that carries none."""
    event = event_in(message)
    return event.announcement if isinstance(event, VersionPromoted | VersionRolledBack) else None
