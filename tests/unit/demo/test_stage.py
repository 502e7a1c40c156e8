from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from ccit.cli.demo import sized
from ccit.config import load_config
from ccit.demo.stage import MARKER, clear_stage
from ccit.errors import ConfigError
from ccit.plugin_tables import found
from ccit.selection.checks.length import LengthCheck


def test_the_profile_is_a_configuration(tmp_path: Path) -> None:
    text = files("ccit.demo").joinpath("profile.toml").read_text(encoding="utf-8")
    (tmp_path / "ccit.toml").write_text(text, encoding="utf-8")
    config = load_config(tmp_path / "ccit.toml")
    length = found(config.selection.checks, LengthCheck.Settings)
    assert length is not None
    assert length.min < 800
    assert config.rounds.size >= config.rounds.min_size


def test_a_quick_taste_has_rounds_small_enough_to_be_seen() -> None:
    assert sized(2400) == {}
    quick = sized(300)["rounds"]
    assert quick["min_size"] <= quick["size"] <= 300 / 4
    assert sized(50)["rounds"]["size"] >= 24
    assert sized(300, 12)["training"]["epochs"] > sized(300)["training"]["epochs"]


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def written(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("of before")


def test_a_new_demo_starts_without_the_last_ones_topics_and_versions(tmp_path: Path) -> None:
    clear_stage(tmp_path)
    written(tmp_path, "ccit.toml", "kafka/log", "store/file", "hospital/surrogates.sqlite", "logs/score.log")
    clear_stage(tmp_path)
    assert files_below(tmp_path) == {MARKER, "ccit.toml", "logs/score.log"}


@pytest.mark.parametrize("name", ["ccit.toml", "store/adapter", "hospital/surrogates.sqlite", "data/general.jsonl"])
def test_a_folder_that_no_demo_has_made_is_refused_and_left_as_it_was(tmp_path: Path, name: str) -> None:
    """An installation's `ccit.toml` may be a copy of a demo's: the folder itself must be marked."""
    written(tmp_path, name, "kafka/log")
    for _ in range(2):
        with pytest.raises(ConfigError, match="choose another --out") as refused:
            clear_stage(tmp_path)
        assert "\n" not in str(refused.value)
        assert files_below(tmp_path) == {name, "kafka/log"}
