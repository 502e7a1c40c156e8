from __future__ import annotations

from pathlib import Path

import pytest

from ccit.errors import ConfigError
from ccit.ingest.files import lines_of, samples_of

GOOD = b'{"instruction": "Why?", "output": "Because."}'


def test_blank_lines_and_line_ends_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(b"\xef\xbb\xbf\r\n" + GOOD + b"\r\n\n  \n" + GOOD)
    assert list(lines_of(tmp_path / "rows.jsonl")) == [GOOD, GOOD]


def test_a_configured_file_must_be_sound_throughout(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(GOOD + b"\n")
    assert [sample.response for sample in samples_of(path, 1000)] == ["Because."]
    path.write_bytes(GOOD + b"\n\n{}\n")
    with pytest.raises(ConfigError, match=r"rows\.jsonl, line 3"):
        samples_of(path, 1000)


@pytest.mark.parametrize("name", ["nowhere.jsonl", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="expected a JSONL file"):
        list(lines_of(tmp_path / name))
