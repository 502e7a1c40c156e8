from __future__ import annotations

from collections import Counter

from ccit.ports.rounds import Draft, SourceContext
from ccit.training.sources.general import GeneralSource
from tests.nouns import sample

TRAINING = [sample(number) for number in range(8)]
ROWS = [sample(100 + number) for number in range(3)]


def test_rows_serve_equally_often_where_there_are_too_few() -> None:
    source = GeneralSource(GeneralSource.Settings(ratio=1.0, file="a"), SourceContext(0, lambda _: ROWS))
    counts = Counter(one.sample_id for one in source.pick(Draft(TRAINING, [], "round 1")))
    assert sorted(counts.values()) == [2, 3, 3]


def test_without_a_file_nothing_is_read() -> None:
    def unread(path: str) -> list[object]:
        raise AssertionError(path)

    source = GeneralSource(GeneralSource.Settings(), SourceContext(0, unread))  # type: ignore[arg-type]  # not called
    assert list(source.pick(Draft(TRAINING, [], "round 1"))) == []
