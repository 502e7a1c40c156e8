"""Reading the topics that ccit itself writes: what cannot be read there is logged and skipped, never fatal."""

from __future__ import annotations

import logging

from ccit.errors import InputError
from ccit.events import Event, decode
from consumers.kafka.messages import KafkaMessage

logger = logging.getLogger("ccit.kafka")


def event_in(message: KafkaMessage) -> Event | None:
    """The event a message carries; None for one that cannot be read, which is logged and skipped."""
    try:
        return decode(message.value, message.headers)
    except InputError as error:
        logger.warning("skipped %s[%d]@%d: %s", message.topic, message.partition, message.offset, error)
        return None
