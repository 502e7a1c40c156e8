from __future__ import annotations

from consumers.kafka.messages import KafkaMessage
from consumers.resends import Resends


def message(offset: int, value: bytes = b"MSH|1", partition: int = 0) -> KafkaMessage:
    return KafkaMessage("ccit.clinical", partition, offset, None, value)


def test_the_same_bytes_further_on_are_a_resend() -> None:
    seen = Resends()
    assert [seen.again(message(4)), seen.again(message(5, b"MSH|2")), seen.again(message(6))] == [False, False, True]


def test_a_batch_that_is_decided_again_is_decided_the_same() -> None:
    seen = Resends()
    batch = [message(4), message(5, b"MSH|2"), message(6)]
    assert [[seen.again(one) for one in batch] for _ in range(3)] == [[False, False, True]] * 3


def test_another_partition_has_no_order_with_this_one() -> None:
    seen = Resends()
    assert not seen.again(message(4))
    assert not seen.again(message(9, partition=1))


def test_memory_is_bounded_and_the_last_ones_are_remembered() -> None:
    seen = Resends(remembered=10)
    for offset in range(100):
        seen.again(message(offset, b"MSH|%d" % offset))
    assert len(seen._first) == 10
    assert seen.again(message(200, b"MSH|99"))
    assert not seen.again(message(201, b"MSH|1"))
