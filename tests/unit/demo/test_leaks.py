"""The look for planted names: what it finds, where, and what it leaves to the hospital."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccit.demo.leaks import LeakSearch, bytes_of
from consumers.kafka.messages import KafkaMessage

NAME, NUMBER = "Quenzabor", "74711234"


def test_a_name_is_found_in_each_part_of_a_message() -> None:
    places = [
        KafkaMessage("t", 0, 0, b"by " + NAME.encode(), b""),
        KafkaMessage("t", 0, 0, None, json.dumps({"text": f"see {NAME.upper()}"}).encode()),
        KafkaMessage("t", 0, 0, None, None, ((f"x-{NAME}", b""),)),
        KafkaMessage("t", 0, 0, None, None, (("x", NAME.lower().encode()),)),
    ]
    for place in places:
        search = LeakSearch([NAME, NUMBER])
        assert search.look("topic", bytes_of([place])) == 1
        assert search.found == {"topic": 1}
    assert LeakSearch([NAME]).look("topic", bytes_of([KafkaMessage("t", 0, 0, None, b"[NAME-1]")])) == 0


@given(before=st.text(max_size=40), behind=st.text(max_size=40))
def test_a_name_in_an_attachment_is_found_wherever_in_it(before: str, behind: str) -> None:
    data = base64.b64encode(f"{before}{NAME} {NAME} {NAME}{behind}".encode("utf-8", "replace"))
    assert LeakSearch([NAME]).look("topic", [b'{"data": "', data, b'"}']) == 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (f"label {NUMBER}.", 1),
        (f'"p{NUMBER}"', 1),
        (f"1{NUMBER} and then {NUMBER}", 1),
        (f'{{"seconds": 0.{NUMBER}3}}', 0),
        (f"sha256:{NUMBER}A0", 0),
        (f"sha256:E{NUMBER}", 0),
        (f"1{NUMBER}", 0),
        ("born 1962-02-14T00:00", 1),
        ("01962-02-14", 0),
        ("scanquenzaborx", 1),
    ],
)
def test_a_number_is_found_where_it_stands_by_itself_and_a_name_anywhere(text: str, count: int) -> None:
    assert LeakSearch([NAME, NUMBER, "1962-02-14"]).look("file", [text.encode()]) == count


def test_files_and_their_names_are_looked_at_but_for_those_that_stay(tmp_path: Path) -> None:
    for name, text in {
        f"logs/{NAME}.log": "quiet",
        "logs/clinical.log": f"{NUMBER} and {NAME}",
        "hospital/day-1.ndjson": NAME,
        "summary.json": "{}",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    search = LeakSearch([NAME, NUMBER])
    search.look_into(tmp_path, ("hospital",))
    assert search.found == {f"logs/{NAME}.log": 1, "logs/clinical.log": 2}
    assert set(search.searched) == {f"logs/{NAME}.log", "logs/clinical.log", "summary.json"}
