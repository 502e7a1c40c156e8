from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ccit.cli.demo import sized
from ccit.config import load_config
from ccit.demo.stage import as_toml, clear_stage

# TOML's integers have 64 bits; its strings hold any text but control characters, which JSON escapes the same way.
SCALARS = (
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.floats(allow_nan=False, allow_infinity=False)
)
KEYS = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, SCALARS, max_size=3), max_size=3))
def test_what_is_written_as_toml_reads_back(sections: dict[str, dict[str, object]]) -> None:
    assert tomllib.loads(as_toml(sections)) == sections


def test_the_profile_is_a_configuration(tmp_path: Path) -> None:
    text = files("ccit.demo").joinpath("profile.toml").read_text(encoding="utf-8")
    (tmp_path / "ccit.toml").write_text(text, encoding="utf-8")
    config = load_config(tmp_path / "ccit.toml")
    assert config.selection.min_length < 800
    assert config.rounds.size >= config.rounds.min_size


def test_a_quick_taste_has_rounds_small_enough_to_be_seen() -> None:
    assert sized(2400) == {}
    quick = sized(300)["rounds"]
    assert quick["min_size"] <= quick["size"] <= 300 / 4
    assert sized(50)["rounds"]["size"] >= 24


def test_a_new_demo_starts_without_the_last_ones_topics_and_versions(tmp_path: Path) -> None:
    for name in ("kafka", "store", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("of before")
    clear_stage(tmp_path)
    assert len(list(tmp_path.iterdir())) == 3  # no demo has been here: these folders are somebody else's
    (tmp_path / "ccit.toml").write_text("")
    clear_stage(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ccit.toml", "other"]
