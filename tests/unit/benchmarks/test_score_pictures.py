"""How rows are spoiled, and what a picture says of them; the numbers themselves are measured, not asserted."""

from __future__ import annotations

import json
import random
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks.score_pictures import (
    COPIES,
    CUT,
    EXCHANGED,
    REPEATS,
    RIGHT,
    SPOILED_AS,
    Picture,
    cut,
    documents,
    drawn,
    repeating,
    spoiled,
)
from tests.nouns import sample


def test_each_kind_differs_from_what_it_was_made_of_as_its_name_says() -> None:
    before = [sample(number) for number in range(120)]
    rows, kinds = spoiled(before, ["one"] * 120, seed=0)
    assert [kinds.count(kind) for kind in (RIGHT, EXCHANGED, CUT, REPEATS, COPIES)] == [60, 30, 15, 15, 15]
    for own, row, kind in zip(before, rows, kinds, strict=False):
        assert (row.response == own.response) == (kind == RIGHT)
        assert row.response.startswith(own.response) == (kind in (RIGHT, REPEATS))
        assert own.response.startswith(row.response) == (kind in (RIGHT, CUT))
    assert len({row.sample_id for row in rows}) == len(rows)


def test_an_answer_is_cut_between_two_words_and_one_that_repeats_itself_ends_as_before() -> None:
    answer = "Rest for two weeks. Then come back to the ward."
    ends = [cut(answer, random.Random(seed)) for seed in range(20)]
    assert all(answer.startswith(f"{end} ") for end in ends)
    assert repeating(answer, random.Random(0)) == f"{answer} {' '.join(['Then come back to the ward.'] * 3)}"


def test_rows_come_by_whole_documents(tmp_path: Path) -> None:
    lines = [
        {"id": f"{n}", "source": "s", "lang": "en", "instruction": f"Which {n}?", "output": f"{n} " * words,
         "meta": {"focus": f"f{n // 5}", "collection": f"c{n // 25}"}}
        for n, words in enumerate([30] * 45 + [10] * 5 + [300] * 5)
    ]  # fmt: skip
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    samples, collections = documents(tmp_path / "rows.jsonl", 20, seed=0)
    numbers = sorted(int(one.instruction[6:-1]) for one in samples)
    assert [number % 5 for number in numbers] == [0, 1, 2, 3, 4] * 4, "all five of each"
    assert set(collections) <= {"c0", "c1"}


def picture(metric: str) -> Picture:
    kinds = [RIGHT] * 30 + [SPOILED_AS[metric][0]] * 10 + ["another"]
    values = np.array([*np.linspace(0.5, 0.9, 30), *np.linspace(0.0, 0.4, 9), np.nan, 5.0])
    return Picture.of(metric, kinds, values, values < 0.3)


@pytest.mark.parametrize("metric", SPOILED_AS)
def test_a_picture_is_a_file_of_its_own_and_says_its_numbers(metric: str) -> None:
    root = ElementTree.fromstring(drawn(picture(metric)))
    said = ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {
        f"{metric}: {SPOILED_AS[metric][1]}",
        "30 right",
        f"10 {SPOILED_AS[metric][0]}",
        "no number: 1",
        "median 0.700",
    } <= set(said)
    assert f"AUC {picture(metric).area[0]} ({picture(metric).area[1]})" in said


def test_the_area_is_that_of_the_side_that_the_check_refuses() -> None:
    assert picture("relevance").area[0] == "1.000"
    assert picture("repetition").area[0] == "0.000"


def test_a_bound_is_that_of_the_check() -> None:
    assert "refused below 0.05" in drawn(picture("novelty"))
    assert "refused above 0.4" in drawn(picture("repetition"))


def test_a_score_without_numbers_has_a_picture_too() -> None:
    nothing = np.full(2, np.nan)
    found = Picture.of("agreement", [RIGHT, EXCHANGED], nothing, np.array([False, False]))
    assert "AUC - (-)" in drawn(found)
