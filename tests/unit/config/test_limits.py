import pytest

from ccit.config import Config
from ccit.config.limits import Shortest, contradictions

CHARACTERS = Shortest("characters", 800)


@pytest.mark.parametrize(
    ("unit", "count", "tokens"), [("characters", 801, 201), ("tokens", 801, 801), ("sentences", 3, 6), ("tokens", 0, 0)]
)
def test_a_unit_takes_about_so_many_tokens(unit: str, count: int, tokens: int) -> None:
    assert Shortest(unit, count).tokens == tokens


def test_a_limit_is_enough_when_it_is_reached_exactly() -> None:
    assert not list(contradictions(CHARACTERS, {"serving.max_new_tokens": 200, "training.max_tokens": 2000}))


def test_every_pair_is_named() -> None:
    said = list(contradictions(CHARACTERS, {"serving.max_new_tokens": 199, "training.max_tokens": 64}))
    assert len(said) == 2
    assert all(part in said[0] for part in ("serving.max_new_tokens = 199", "length.min = 800", "about 200 tokens"))
    assert "training.max_tokens = 64" in said[1]


def test_the_defaults_agree() -> None:
    """They did not: answers of 800 characters were asked for, and cut as faulty after 128 tokens."""
    config = Config()
    assert config.rounds.min_size <= config.rounds.size
    length = config.selection.checks["length"].model_dump()
    assert Shortest("characters", length["min"]).tokens <= config.evaluation.max_new_tokens
    assert Shortest("characters", length["max"]).tokens <= config.training.max_tokens
