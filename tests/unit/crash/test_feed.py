"""The feed says so when a record never reached the broker; nobody may take that for a lost record."""

from __future__ import annotations

import socket

import pytest

from consumers.kafka.clients import KafkaSettings
from tests.crash.feed import Feed, FeedFailed, fed_again_with, is_poison, key_of, number_of, times_fed


def nobody() -> KafkaSettings:
    """An address where nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return KafkaSettings(f"127.0.0.1:{one.getsockname()[1]}")


def test_a_record_that_is_given_up_ends_the_run() -> None:
    feed = Feed(nobody(), timeout_s=0.2)
    feed.up_to(3)
    with pytest.raises(FeedFailed, match=r"3 of 3 messages never reached `raw` \(the first is ward:0: .*timed out"):
        feed.flush()


def test_keys_and_numbers_go_both_ways() -> None:
    assert [number_of(key_of(number)) for number in (0, 7, 99_999)] == [0, 7, 99_999]
    assert [number_of(key) for key in ("", "ward", "ward:", "ward:x", "other:7")] == [-1] * 5
    assert not is_poison(-1)


@pytest.mark.parametrize("published", [0, 100, 200, 1800])
def test_how_often_each_is_fed(published: int) -> None:
    sent = [m for n in range(published) for m in (n, fed_again_with(n)) if m is not None]
    assert [sent.count(number) for number in range(published)] == [times_fed(n, published) for n in range(published)]
    assert (len(sent) > published) == (published > 150)
