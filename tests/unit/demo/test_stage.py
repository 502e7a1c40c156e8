from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ccit.cli.demo import sized
from ccit.config import load_config
from ccit.demo.stage import clear_stage
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


def test_a_new_demo_starts_without_the_last_ones_topics_and_versions(tmp_path: Path) -> None:
    for name in ("kafka", "store", "hospital", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("of before")
    clear_stage(tmp_path)
    assert len(list(tmp_path.iterdir())) == 4  # no demo has been here: these folders are somebody else's
    (tmp_path / "ccit.toml").write_text("")
    clear_stage(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ccit.toml", "other"]
