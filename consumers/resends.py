"""Messages that were sent again, as senders do when an acknowledgement was lost."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from consumers.kafka.messages import KafkaMessage

REMEMBERED = 100_000
"""Messages of which the digest is kept: some hours of a large hospital, and about 20 MB."""


class Resends:
    """Tells a message that was sent again: the same bytes, so the same sender and control id, further on in the log.

    A message that is only read again, after an abort or a rebalance, has the place it had: it is no resend. The first
    of two equal messages is decided before the second, for one partition is read in order. One of which nothing was
    made is forgotten: who sends it again is heard again.

    Parameters
    ----------
    remembered : int
        How many messages, the last ones.

    Example
    -------
    >>> seen = Resends()
    >>> [seen.again(KafkaMessage("t", 0, offset, None, b"MSH|...")) for offset in (4, 9, 4)]
    [False, True, False]
    """

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._first: OrderedDict[tuple[int, bytes], int] = OrderedDict()

    def again(self, message: KafkaMessage) -> bool:
        """Whether these bytes stand at an earlier place of the same partition, as far as is remembered."""
        name = _name(message)
        first = min(self._first.pop(name, message.offset), message.offset)
        self._first[name] = first
        if len(self._first) > self._remembered:
            self._first.popitem(last=False)
        return first < message.offset

    def forget(self, message: KafkaMessage) -> None:
        """Nothing was made of this message: the next with the same bytes is the first."""
        self._first.pop(_name(message), None)


def _name(message: KafkaMessage) -> tuple[int, bytes]:
    return message.partition, hashlib.sha256(message.value or b"").digest()
