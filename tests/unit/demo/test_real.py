from __future__ import annotations

from pathlib import Path

import orjson
import pytest
import tomli_w

from ccit.config import load_config
from ccit.demo.models import ModelFolders
from ccit.demo.real import HELD_OUT, stream_of_rows
from ccit.demo.stage import Ingredients, set_stage
from ccit.errors import ConfigError


def file_of(path: Path, first: int, count: int) -> Path:
    rows = [
        {"id": str(n), "source": "w", "instruction": f"What is {n}?", "output": f"It is {n}."} for n in range(count)
    ]
    path.write_bytes(b"".join(orjson.dumps({**row, "id": str(first + n)}) + b"\n" for n, row in enumerate(rows)))
    return path


def test_rows_are_sent_in_order_but_for_those_held_out(tmp_path: Path) -> None:
    files = [file_of(tmp_path / "a", 0, 60), file_of(tmp_path / "b", 60, 60)]
    messages, questions = stream_of_rows(files, 80)
    assert (len(messages), len(questions)) == (80, HELD_OUT)
    sent = [int((m.record_id or "").removeprefix("w:")) for m in messages]
    held_out = {int(q.question_id.removeprefix("w:")) for q in questions}
    assert sent == sorted(set(range(96)) - held_out)
    assert {m.day for m in messages} == {0, 1}
    assert {m.kind for m in messages} == {None}  # nobody knows the truth about them


def test_a_line_that_is_no_row_is_sent_as_it_is(tmp_path: Path) -> None:
    path = file_of(tmp_path / "a", 0, 40)
    path.write_bytes(path.read_bytes() + b'{"instruction": 7}\n')
    messages, _ = stream_of_rows([path], 100)
    assert messages[-1].value == b'{"instruction": 7}'
    assert messages[-1].record_id is None


def test_files_with_next_to_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least 4 rows"):
        stream_of_rows([file_of(tmp_path / "a", 0, 2)], 100)


def test_the_real_profile_is_a_configuration(tmp_path: Path) -> None:
    _, questions = stream_of_rows([file_of(tmp_path / "a", 0, 60)], 100)
    pair = ModelFolders(tmp_path / "deployed", tmp_path / "proxy")
    ingredients = Ingredients(pair, ("profile.toml", "real.toml"), questions)
    config = set_stage(tmp_path / "out", 0, ingredients, {"training": {"epochs": 9}}).config
    assert (config.rounds.size, config.training.epochs) == (24, 9)
    lines = Path(config.evaluation.suites["domain"]).read_bytes().splitlines()
    assert len(lines) == len(questions)
    again = tmp_path / "again.toml"
    again.write_text(tomli_w.dumps(config.model_dump(mode="json", exclude_none=True)))
    assert load_config(again).rounds == config.rounds
