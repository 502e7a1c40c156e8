import os

import pytest
import torch

from ccit.errors import ConfigError
from ccit.models.placement import device_of, dtype_of, make_deterministic


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
