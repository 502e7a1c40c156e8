from __future__ import annotations

from pathlib import Path

from ccit.deidentify.shifted import Shifted
from ccit.deidentify.surrogates import KeyedSurrogates, SurrogateTable


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
    assert KeyedSurrogates(key).of("subject", "4711") == KeyedSurrogates(key).of("subject", "4711")
