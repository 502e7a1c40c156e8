import os

import pytest
import torch

import ccit.models.placement as placement
from ccit.errors import ConfigError
from ccit.models.placement import bfloat16_gain, device_of, dtype_of, make_deterministic


def test_determinism_is_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `warn_only`, CUDA's attention backward would differ from run to run and only say so."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    before = torch.get_deterministic_debug_mode()
    try:
        make_deterministic()
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    finally:
        torch.set_deterministic_debug_mode(before)


def test_what_is_no_device_or_type_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"models\.device"):
        device_of("abacus")
    with pytest.raises(ConfigError, match=r"models\.dtype"):
        dtype_of("float8", torch.device("cpu"))


@pytest.mark.parametrize(
    ("width", "gain", "chosen"),
    [
        (512, 5.0, torch.bfloat16),
        (512, 2.6, torch.float32),
        (512, 0.3, torch.float32),
        (128, 5.0, torch.float32),  # too narrow to gain as a whole
        (0, 5.0, torch.float32),
    ],
)
def test_the_type_on_a_cpu_is_what_a_timing_finds_fast(
    monkeypatch: pytest.MonkeyPatch, width: int, gain: float, chosen: torch.dtype
) -> None:
    monkeypatch.setattr(placement, "bfloat16_gain", lambda _: gain)
    assert dtype_of("auto", torch.device("cpu"), width) is chosen
    assert dtype_of("float32", torch.device("cpu"), width) is torch.float32


def test_the_timing_is_made_once() -> None:
    assert 0 < bfloat16_gain(64) == bfloat16_gain(64)
