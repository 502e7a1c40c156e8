"""How far rounding alone takes a model's numbers: what two right ways of computing them may differ by.

No fixed tolerance fits: rounding moved the losses of SmolLM2-135M by 6e-6 nats in float32 and by 0.16 in bfloat16, and
those of eight random layers by 0.3. So the model is asked: each number of its input embeddings moves by a unit in the
last place, up or down by lot, and its losses move as they do under any rounding on the way (backward error: Higham
2002, Accuracy and Stability of Numerical Algorithms, section 1.5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

_NUDGES = 2
# In units of `rounding_of`. Packed rows were 0.2 to 1.1 away from the same rows apart: random models of 2 to 8 layers,
# 32 to 256 wide, and SmolLM2, in float32 and bfloat16. Rows that see each other were 15 away in bfloat16 (SmolLM2; 4 in
# the random model of 8 layers, whose numbers are mostly rounding), more than 50,000 in float32.
_ALIKE = 3.0


def rounding_of(model: Any, losses: Callable[[], torch.Tensor]) -> float:
    """Root mean square of what the losses of a model change by when its input embeddings are rounded otherwise.

    Parameters
    ----------
    model : Any
        A transformers model; as it was afterwards.
    losses : callable
        Losses by that model, (N,), without any randomness.
    """
    expected = losses()
    moved = []
    for seed in range(_NUDGES):
        with _nudged(model, seed):
            moved.append(losses() - expected)
    return _size(torch.stack(moved))


def alike(expected: torch.Tensor, found: torch.Tensor, rounding: float) -> bool:
    """Whether losses differ by no more than rounding explains; of expected ones that are no numbers nothing is said.

    >>> alike(torch.tensor([2.0, 3.0]), torch.tensor([2.0, 3.01]), rounding=0.01)
    True
    >>> alike(torch.tensor([2.0, 3.0]), torch.tensor([2.0, 3.1]), rounding=0.01)
    False
    """
    return not bool(torch.isfinite(expected).all()) or _size(found - expected) <= _ALIKE * rounding


def _size(differences: torch.Tensor) -> float:
    return float(differences.double().square().mean().sqrt())


@contextmanager
def _nudged(model: Any, seed: int) -> Iterator[None]:
    generator = torch.Generator().manual_seed(seed)

    def moved(_module: Any, _inputs: Any, embedded: torch.Tensor) -> torch.Tensor:
        signs = torch.randint(0, 2, embedded.shape, generator=generator).to(embedded.device) * 2 - 1
        return (embedded.double() * (1 + torch.finfo(embedded.dtype).eps * signs)).to(embedded.dtype)

    hook = model.get_input_embeddings().register_forward_hook(moved)
    try:
        yield
    finally:
        hook.remove()
