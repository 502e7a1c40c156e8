from __future__ import annotations

import pytest

from ccit.ports.rounds import SourceContext
from ccit.records import Sample
from ccit.training.sources.general_rows import GeneralRows, GeneralSettings
from tests.nouns import sample

ROWS = [sample(number) for number in range(3)]


def test_the_file_is_read_once_and_gives_its_rows_back_by_id() -> None:
    read: list[str] = []

    def rows_of(path: str) -> list[Sample]:
        read.append(path)
        return ROWS

    rows = GeneralRows(GeneralSettings(file="a.jsonl"), SourceContext(0, rows_of))
    assert list(rows.texts(["s2", "s0", "s2"], history=[])) == [ROWS[2], ROWS[0], ROWS[2]]
    assert read == ["a.jsonl"]


def test_a_row_that_the_file_holds_no_longer_is_an_error() -> None:
    rows = GeneralRows(GeneralSettings(file="a.jsonl"), SourceContext(0, lambda _: ROWS[:1]))
    with pytest.raises(KeyError, match="s1"):
        rows.texts(["s1"], history=ROWS)
