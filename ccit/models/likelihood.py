"""Negative log-likelihood of responses, token by token: the one way for scoring, training, evaluation and choices.

Padding is on the right: under a causal mask nothing before it can see it, so no attention mask is needed and the fast
kernel applies. The last token of a response is a target only and is not fed.

Shapes: B sequences, L padded tokens, D hidden size, N response tokens of the batch, V words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from ccit.errors import ModelUnusable
from ccit.models.bucketing import bucket, stretches
from ccit.models.causal import CausalModel
from ccit.models.encoding import Encoded
from ccit.models.faults import lacks_memory
from ccit.models.head import Head
from ccit.models.packing import batch_states, computed_tokens, packed_view, packs
from ccit.models.token_losses import token_losses

# float32 logits alive at once, and as much again for their softmax; below the size of the smallest real proxy.
_LOGIT_BYTES = 128 * 2**20
# On a CPU: logits in the model's number type below 32 MiB, from where on glibc asks the system for
# fresh pages each time, and their softmax in float32 in parts that stay in a core's cache. With 49k words the head took
# 43 ms for 1024 tokens instead of 67, the softmax of 512 took 28 ms instead of 108 (2 cores with AMX, bfloat16).
_CPU_LOGIT_BYTES = 24 * 2**20
_GPU_LOGIT_SHARE = 1 / 64  # in the model's number type; their softmax in float32 takes twice as much besides
_SOFTMAX_BYTES = 2 * 2**20
# On a CPU the activations of a larger batch leave the cache, and their memory is fetched from the system each time:
# 4 layers of 128 ran 1.3 times as fast as one by one at 1024 tokens, 0.9 times at 8192 (benchmarks/scoring.py).
_CPU_BUDGET = 1024
_SMALLEST_BUDGET = 64  # tokens; an out-of-memory below that is not a matter of batch size

Nats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a response has no likelihood."""

    why: str


def response_losses(causal: CausalModel, rows: Sequence[Encoded]) -> torch.Tensor:
    """Nats of each response token given all before it, (N,) float32, row after row; gradients flow where they are on.

    Parameters
    ----------
    rows : Sequence[Encoded]
        One batch, each with at least one token of prompt and one of response.

    Example
    -------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from ccit.models.causal import load_causal
    >>> from ccit.testing import random_model
    >>> causal = load_causal(str(random_model(Path(tempfile.mkdtemp()))), device="cpu")
    >>> response_losses(causal, [Encoded((5, 6, 7), 1), Encoded((5, 6), 1)]).shape
    torch.Size([3])
    """
    return losses_at(causal.head, *batch_states(causal, rows))


def losses_at(head: Head, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Nats of the tokens `targets` (N,) after the positions of `states` (N, D), float32.

    With gradients, a frozen head's are made on the way (`ccit/models/token_losses.py`); see `by_parts` for the memory
    that any other takes.
    """
    if states.device.type == "cpu" and not torch.is_grad_enabled():
        width = states.element_size() * head.words
        return _in_parts(partial(_losses_in_cache, head), states, targets, _CPU_LOGIT_BYTES // width)
    if head.frozen is not None:
        alive = _CPU_LOGIT_BYTES if states.device.type == "cpu" else _gpu_logit_bytes(states.device)
        return token_losses(states, head.frozen, targets, max(1, alive // (states.element_size() * head.words)))
    return by_parts(partial(_losses, head), head.words, states, targets)


def most_logit_bytes(device: torch.device) -> int:
    """About what logits take at once in `losses_at` with gradients: in the model's number type, and twice as much for
    their softmax.
    """
    return 3 * (_CPU_LOGIT_BYTES if device.type == "cpu" else _gpu_logit_bytes(device))


@cache
def _gpu_logit_bytes(device: torch.device) -> int:
    """A share of the memory, no less than elsewhere: a product of a few hundred rows does not fill a GPU."""
    return max(_LOGIT_BYTES, int(torch.cuda.get_device_properties(device).total_memory * _GPU_LOGIT_SHARE))


def by_parts(function: Callable[..., torch.Tensor], words: int, *tensors: torch.Tensor) -> torch.Tensor:
    """A function that makes logits of each of N positions and gives (N,), asked about a part of them at a time.

    No more than `_LOGIT_BYTES` of logits are alive at once; the backward pass makes those of each part again.

    Parameters
    ----------
    words : int
        Logits of one position.
    tensors : torch.Tensor
        What the function takes, (N, ...) each.
    """
    size = max(1, _LOGIT_BYTES // (4 * words))
    if len(tensors[0]) <= size:
        return function(*tensors)
    parts = zip(*(torch.split(tensor, size) for tensor in tensors), strict=True)
    if torch.is_grad_enabled():
        return torch.cat([checkpoint(function, *part, use_reentrant=False) for part in parts])
    return torch.cat([function(*part) for part in parts])


def _losses(head: Head, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(head.logits(states), targets, reduction="none")


def _losses_in_cache(head: Head, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    logits = head.narrow_logits(states)
    return _in_parts(_softmax_losses, logits, targets, _SOFTMAX_BYTES // (4 * head.words))


def _softmax_losses(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(logits.float(), targets, reduction="none")


def _in_parts(
    losses: Callable[[torch.Tensor, torch.Tensor], torch.Tensor], rows: torch.Tensor, targets: torch.Tensor, size: int
) -> torch.Tensor:
    """`losses` of at most `size` rows at a time, at least one; one after the other."""
    parts = zip(torch.split(rows, max(1, size)), torch.split(targets, max(1, size)), strict=True)
    return torch.cat([losses(part, aims) for part, aims in parts])


class Likelihood:
    """Runs one model over any number of rows without gradients, in batches of similar length; packed on a GPU.

    Parameters
    ----------
    causal : CausalModel
        A base model or a view with an adapter.
    batch_tokens : int
        Padded tokens per forward pass, on a CPU no more than 1024; lowered for good, to half of a batch that did not
        fit the memory.
    packed : bool | None
        Whether the rows of a pass lie one behind the other (`ccit/models/packing.py`); None: on a GPU they do.
    lasting : bool
        It will be asked for long, so that compiling the model's blocks on a GPU pays.

    Raises
    ------
    ModelUnusable
        The model's outputs are not finite.
    """

    def __init__(
        self, causal: CausalModel, batch_tokens: int, packed: bool | None = None, *, lasting: bool = False
    ) -> None:
        if not causal.head.finite:
            raise ModelUnusable(f"{causal.name} gives logits that are not finite; its weights cannot be used")
        gpu = causal.device.type == "cuda"
        wanted = gpu if packed is None else packed
        self.causal = packed_view(causal, compiled=gpu and lasting) if wanted else causal
        """What the rows go through."""
        self._packs = packs(self.causal)
        self._budget = min(batch_tokens, _CPU_BUDGET) if causal.device.type == "cpu" else batch_tokens
        self.tokens = 0  # fed to the model, without padding
        self.padded_tokens = 0

    def losses(
        self, rows: Sequence[Encoded], progress: Callable[[int, int], None] | None = None
    ) -> list[Nats | Failure]:
        """Nats of each response token, one array per row, in order; a row that fails alone is a Failure.

        Parameters
        ----------
        progress : callable
            Called with rows done and rows in all.
        """
        found: list[torch.Tensor | Failure] = [Failure("not scored")] * len(rows)
        done = 0
        divide = stretches if self._packs else bucket
        for batch in divide([len(row.fed) for row in rows], self._budget):
            for row, losses in zip(batch, self._attempt([rows[r] for r in batch]), strict=True):
                found[row] = losses
            done += len(batch)
            if progress:
                progress(done, len(rows))
        return _fetched(found)

    def _attempt(self, rows: Sequence[Encoded]) -> list[torch.Tensor | Failure]:
        """Score a batch; when it fails, its halves, down to the row that is at fault.

        A fault of the device itself is not a row's: it is raised, for the process to end.
        """
        try:
            return list(self._forward(rows))
        except torch.AcceleratorError:
            raise
        except (RuntimeError, IndexError) as error:
            out_of_memory = lacks_memory(error)
            why = "out of memory" if out_of_memory else str(error).partition("\n")[0]
        if len(rows) == 1:
            return [Failure(why)]
        if out_of_memory:
            self._budget = max(_SMALLEST_BUDGET, min(self._budget, computed_tokens(self.causal, rows) // 2))
            if self.causal.device.type == "cuda":
                torch.cuda.empty_cache()
        half = len(rows) // 2
        return self._attempt(rows[:half]) + self._attempt(rows[half:])

    @torch.inference_mode()
    def _forward(self, rows: Sequence[Encoded]) -> tuple[torch.Tensor, ...]:
        losses = response_losses(self.causal, rows)
        self.tokens += sum(len(row.fed) for row in rows)
        self.padded_tokens += computed_tokens(self.causal, rows)
        return torch.split(losses, [row.response_tokens for row in rows])


def _fetched(found: Sequence[torch.Tensor | Failure]) -> list[Nats | Failure]:
    """From the device, all at once: a transfer waits for the device, and a pass can be prepared meanwhile."""
    held = [one for one in found if not isinstance(one, Failure)]
    parts = iter(torch.split(torch.cat(held).double().cpu(), [len(one) for one in held]) if held else ())
    return [one if isinstance(one, Failure) else next(parts).numpy() for one in found]
