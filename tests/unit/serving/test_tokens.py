from __future__ import annotations

from pathlib import Path

import pytest

from ccit.errors import ConfigError
from ccit.serving.tokens import Tokens


def test_tokens_have_names_and_change_with_their_file(tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text("# who may ask\n\nward-7 abc\nlab\tdef\nlab old\n")
    tokens = Tokens("own", file)
    assert [tokens.name(token) for token in ("abc", "def", "old", "own", "xyz", "")] == [
        *("ward-7", "lab", "lab", "token", None, None)
    ]
    file.write_text("lab ghi\n")
    assert [tokens.name(token) for token in ("abc", "ghi")] == [None, "lab"]


@pytest.mark.parametrize("damage", ["ward-7\n", "", "ward 7 abc\n", None])
def test_a_file_that_is_damaged_later_leaves_the_tokens_as_they_were(tmp_path: Path, damage: str | None) -> None:
    file = tmp_path / "tokens"
    file.write_text("ward-7 abc\n")
    tokens = Tokens("", file)
    if damage is None:
        file.unlink()
    else:
        file.write_text(damage)
    assert (tokens.name("abc"), tokens.name("ward-7"), tokens.name("")) == ("ward-7", None, None)


@pytest.mark.parametrize("text", ["", "# nobody\n", "secretalone\n", "ward-7 abc def\n", "w\u00e4rd abc\n"])
def test_a_file_without_a_token_or_with_an_odd_line_is_refused_without_repeating_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "tokens"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        Tokens("", file)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        Tokens("", tmp_path / "tokens")
