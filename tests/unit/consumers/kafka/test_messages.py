from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from consumers.kafka.messages import Message, next_positions

messages = st.builds(
    Message,
    topic=st.sampled_from(["a", "b"]),
    partition=st.integers(0, 3),
    offset=st.integers(0, 1000),
    key=st.none() | st.binary(max_size=4),
    value=st.none() | st.binary(max_size=4),
)


@given(st.lists(messages))
def test_next_positions_lie_just_behind_the_last_message_of_each_partition(batch: list[Message]) -> None:
    ends = {(place.topic, place.partition): place.offset for place in next_positions(batch)}
    assert set(ends) == {(m.topic, m.partition) for m in batch}
    for place, end in ends.items():
        offsets = [m.offset for m in batch if (m.topic, m.partition) == place]
        assert end == max(offsets) + 1


@given(messages)
def test_size_counts_what_is_held(message: Message) -> None:
    assert message.size_bytes == len(message.key or b"") + len(message.value or b"")


def test_header_absent_and_null() -> None:
    message = Message("t", 0, 0, None, None, (("a", None), ("b", b"1")))
    assert message.header("a") is None
    assert message.header("b") == b"1"
    assert message.header("c") is None
    assert message.size_bytes == 3
