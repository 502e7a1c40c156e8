"""Losses over a large vocabulary in one pass over the logits, on a GPU: two kernels in Triton.

torch's `log_softmax` of bfloat16 in float32 first makes a copy in float32, then a result as large: with 152k words that
was a quarter of a pass that scores. Here a program reads its row once, with a running maximum and sum (Milakov &
Gimelshein 2018, arXiv 1805.02867), and the gradient is written over the logits. Sizes are fixed, so that equal inputs
give equal bits. Imported where there is a GPU alone: not every torch comes with Triton.

Shapes: N tokens, V words.
"""

from __future__ import annotations

import logging

import torch
import torch.nn.functional as F
import triton
import triton.language as tl
from triton.errors import TritonError

logger = logging.getLogger("ccit.models")

_PART = 4096  # words that a program reads at a time
_LOWEST = -3e38  # stands for a word that is not there: exp(_LOWEST - x) is 0 for every x that is


# Triton reads annotations as its own, so its kernels' arguments have none: pointers to `logits` (N, V), `targets` (N,),
# `nats` (N,) and `logs` (N,), the logarithm of each row's sum of exponentials; V; and two constants.
@triton.jit  # type: ignore[untyped-decorator]  # Triton ships it unannotated
def _nats(logits, targets, nats, logs, words, lowest: tl.constexpr, part: tl.constexpr):  # type: ignore[no-untyped-def]  # as said
    row = tl.program_id(0).to(tl.int64)
    place = tl.arange(0, part)
    top = tl.full((part,), lowest, tl.float32)
    total = tl.zeros((part,), tl.float32)
    for first in range(0, words, part):
        word = first + place
        x = tl.load(logits + row * words + word, mask=word < words, other=lowest).to(tl.float32)
        higher = tl.maximum(top, x)
        total = total * tl.exp(top - higher) + tl.exp(x - higher)
        top = higher
    best = tl.max(top, 0)
    log = best + tl.log(tl.sum(total * tl.exp(top - best), 0))
    own = tl.load(logits + row * words + tl.load(targets + row)).to(tl.float32)
    tl.store(nats + row, log - own)
    tl.store(logs + row, log)


@triton.jit  # type: ignore[untyped-decorator]  # Triton ships it unannotated
def _gradients(logits, targets, logs, words, lowest: tl.constexpr, part: tl.constexpr):  # type: ignore[no-untyped-def]  # as said
    row = tl.program_id(0).to(tl.int64)
    word = tl.program_id(1) * part + tl.arange(0, part)
    there = word < words
    x = tl.load(logits + row * words + word, mask=there, other=lowest).to(tl.float32)
    share = tl.exp(x - tl.load(logs + row)) - tl.where(word == tl.load(targets + row), 1.0, 0.0)
    tl.store(logits + row * words + word, share.to(logits.dtype.element_ty), mask=there)


def nats_of(logits: torch.Tensor, targets: torch.Tensor, *, gradients: bool) -> torch.Tensor:
    """Nats of each target, (N,) float32; where `gradients` is set, the logits become those of the nats, in place.

    Parameters
    ----------
    logits : torch.Tensor
        (N, V), contiguous.
    targets : torch.Tensor
        (N,) word numbers.
    """
    count, words = logits.shape
    nats, logs = (torch.empty(count, dtype=torch.float32, device=logits.device) for _ in range(2))
    _nats[(count,)](logits, targets, nats, logs, words, lowest=_LOWEST, part=_PART)
    if gradients:
        _gradients[(count, -(-words // _PART))](logits, targets, logs, words, lowest=_LOWEST, part=_PART)
    return nats


def usable(device: torch.device) -> bool:
    """Whether both kernels can be built for this GPU, which takes a C compiler, and give the right numbers."""
    try:
        return all(_right(device, dtype) for dtype in (torch.bfloat16, torch.float32))
    except (TritonError, RuntimeError, OSError) as error:
        why = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        logger.warning("the softmax over the vocabulary takes the slower way: %s", why)
        return False


def _right(device: torch.device, dtype: torch.dtype) -> bool:
    """Nats and gradients of two rows longer than a program reads at a time, beside torch's.

    The gradient is softmax minus one at the target, written out: a first call may come from scoring, in inference mode,
    where nothing can be differentiated.
    """
    logits = torch.linspace(-3, 3, 2 * 5000, device=device, dtype=dtype).view(2, -1)
    targets = torch.tensor([7, 4999], device=device)
    wanted = logits.float()
    expected = F.cross_entropy(wanted, targets, reduction="none")
    gradients = wanted.softmax(-1) - F.one_hot(targets, wanted.shape[1])
    found = nats_of(logits, targets, gradients=True)  # over the logits
    near = torch.finfo(dtype).eps
    return torch.allclose(found, expected, rtol=1e-4, atol=1e-4) and torch.allclose(
        logits.float(), gradients, rtol=max(1e-4, near), atol=1e-6
    )
