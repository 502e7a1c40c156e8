"""The feed says so when a record never reached the broker; nobody may take that for a lost record."""

from __future__ import annotations

import socket

import pytest

from consumers.kafka.clients import KafkaSettings
from tests.crash.feed import Feed, FeedFailed, is_poison, key_of, number_of


def nobody() -> KafkaSettings:
    """An address where nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return KafkaSettings(f"127.0.0.1:{one.getsockname()[1]}")


def test_a_record_that_is_given_up_ends_the_run() -> None:
    feed = Feed(nobody(), patience_s=0.2)
    feed.up_to(3)
    with pytest.raises(FeedFailed, match=r"3 of 3 records never reached `raw` \(the first is ward:0: .*timed out"):
        feed.flush()


def test_keys_and_numbers_go_both_ways() -> None:
    assert [number_of(key_of(number)) for number in (0, 7, 99_999)] == [0, 7, 99_999]
    assert [number_of(key) for key in ("", "ward", "ward:", "ward:x", "other:7")] == [-1] * 5
    assert not is_poison(-1)
