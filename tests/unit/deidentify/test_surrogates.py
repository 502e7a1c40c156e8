from __future__ import annotations

from pathlib import Path

import pytest

from ccit.deidentify.shifted import Shifted
from ccit.deidentify.surrogates import KeyedSurrogates, SurrogateTable
from ccit.errors import ConfigError


def test_a_surrogate_is_drawn_once_and_kept_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "hospital" / "table.sqlite"
    first = SurrogateTable(file).of("subject", "4711")
    assert SurrogateTable(file).of("subject", "4711") == first
    assert SurrogateTable(None).of("subject", "4711") != first
    assert file.stat().st_mode & 0o077 == 0
    assert b"4711" in file.read_bytes()  # it is the hospital's own table


def test_two_tables_over_one_file_agree(tmp_path: Path) -> None:
    one, other = SurrogateTable(tmp_path / "t"), SurrogateTable(tmp_path / "t")
    assert [one.of("d", str(n)) for n in range(9)] == [other.of("d", str(n)) for n in range(9)]


def test_keyed_surrogates_need_no_table() -> None:
    key = Shifted(b"k" * 32)
    found = KeyedSurrogates(key).of("subject", "4711")
    assert found == KeyedSurrogates(Shifted(b"k" * 32)).of("subject", "4711")
    others = (("document", "4711", b"k"), ("subject", "4712", b"k"), ("subject", "4711", b"j"))
    assert found not in {KeyedSurrogates(Shifted(letter * 32)).of(kind, value) for kind, value, letter in others}
    assert "4711" not in found


def test_a_table_that_others_may_open_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "table.sqlite"
    SurrogateTable(file)
    file.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        SurrogateTable(file)
