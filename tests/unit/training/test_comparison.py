from __future__ import annotations

import pytest
import torch

from ccit.errors import ModelUnusable
from ccit.models.adapter_format import LoraShape, write_adapter
from ccit.training.comparison import weights_apart


def adapter(first: float = 1.0, second: float = 2.0, width: int = 3) -> dict[str, bytes]:
    weights = {"q.lora_A.weight": torch.full((1, width), first), "q.lora_B.weight": torch.full((2, 1), second)}
    return write_adapter(LoraShape(1, 2, ("q",)), weights, "tiny")


def test_equal_numbers_are_not_apart() -> None:
    assert weights_apart(adapter(), adapter()) == ()


def test_only_what_differs_is_named_with_its_largest_difference_and_its_scale() -> None:
    (found,) = weights_apart(adapter(second=2.0), adapter(second=1.75))
    assert (found.name, found.largest, found.scale) == ("q.lora_B.weight", 0.25, 2.0)


def test_other_shapes_cannot_be_compared() -> None:
    with pytest.raises(ModelUnusable, match="same weights of the same shapes"):
        weights_apart(adapter(), adapter(width=4))
