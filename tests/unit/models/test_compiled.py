from __future__ import annotations

import logging
from typing import Any

import pytest
import torch

from ccit.models.causal import CausalModel, load_causal, with_adapter
from ccit.models.compiled import compiled_blocks
from ccit.models.encoding import Encoded
from ccit.models.packing import packed_states, packed_view
from ccit.testing import random_model
from tests.unit.models.adapters import random_adapter

pytestmark = pytest.mark.trains

# Three blocks, as those that the view is tried with, of other sizes; and one block, which is compiled anew: once.
LENGTHS = ([30, 20, 7, 7, 7], [50, 9, 3, 3], [14] * 6, [9, 9])
BATCHES = [[Encoded(tuple(range(5, 5 + length)), 2) for length in lengths] for lengths in LENGTHS]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> CausalModel:
    return load_causal(str(random_model(tmp_path_factory.mktemp("model"))), device="cpu", dtype="float32")


@torch.inference_mode()
def test_a_compiled_view_gives_the_same_numbers(base: CausalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """The compiler's front half alone; what it makes for a GPU is compared there, each time, before it is used."""
    real, compiled = torch.compile, list[Any]()

    def compile_in_front(function: Any, dynamic: bool) -> Any:
        compiled.append(function)
        return real(function, dynamic=dynamic, backend="eager")

    monkeypatch.setattr(torch, "compile", compile_in_front)
    view = with_adapter(base, random_adapter(base, 4, "all-linear", seed=1))
    plain, fast = packed_view(view), packed_view(view, compiled=True)
    assert len(compiled) == 2  # the model's blocks
    for rows in BATCHES:
        torch.testing.assert_close(packed_states(fast, rows)[0], packed_states(plain, rows)[0], rtol=1e-4, atol=1e-4)


def test_where_the_compiler_fails_the_blocks_stay_as_they_were(
    base: CausalModel, caplog: pytest.LogCaptureFixture
) -> None:
    model = packed_view(base).model
    with caplog.at_level(logging.WARNING), compiled_blocks(model):
        raise RuntimeError("Failed to find C compiler")
    assert "C compiler" in caplog.text
    assert all("forward" not in vars(block) for block in model.get_decoder().layers)


def test_nothing_is_compiled_where_bits_are_to_be_repeated(base: CausalModel) -> None:
    model = packed_view(base).model
    torch.use_deterministic_algorithms(True)
    try:
        with compiled_blocks(model):
            assert all("forward" not in vars(block) for block in model.get_decoder().layers)
    finally:
        torch.use_deterministic_algorithms(False)
