from __future__ import annotations

import math
from typing import Literal

import pytest

from ccit.models.encoding import Encoded
from ccit.ports.training import Example, MethodContext
from ccit.training.methods.curriculum import Curriculum, _rarities
from tests.nouns import sample

# Responses: three of a common token, one of a rare token, one common.
EXAMPLES = [Example(sample(n), "training", Encoded((9, *ids), 1)) for n, ids in enumerate([(1, 1, 1), (2,), (1,)])]


def orders(difficulty: Literal["length", "rarity"], epochs: int, start: float = 1 / 3) -> list[list[int]]:
    method = Curriculum(Curriculum.Settings(difficulty=difficulty, start=start), MethodContext("proxy", 0))
    return [list(method.order([2, 0, 1], EXAMPLES, epoch, epochs)) for epoch in range(epochs)]


def test_harder_ones_come_in_from_epoch_to_epoch() -> None:
    """Ties as in the shuffled order: of the two short ones the one that comes first in it."""
    assert orders("length", 3) == [[2], [2, 1], [2, 0, 1]]
    assert orders("rarity", 3) == [[2], [2, 0], [2, 0, 1]]


def test_a_single_epoch_goes_from_easy_to_hard() -> None:
    assert orders("length", 1) == [[2, 1, 0]]


def test_to_begin_with_all_is_to_change_nothing() -> None:
    assert orders("length", 2, start=1.0) == [[2, 0, 1], [2, 0, 1]]


def test_rarity_by_hand() -> None:
    """Four tokens of five are the common one."""
    common, rare = -math.log(4 / 5), -math.log(1 / 5)
    assert _rarities(EXAMPLES) == pytest.approx([3 * common, rare, common])
