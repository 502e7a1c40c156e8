"""Negative log-likelihood of responses, token by token: the one way for scoring, training, evaluation and choices.

Padding is on the right: under a causal mask nothing before it can see it, so no attention mask is needed and the fast
kernel applies. The last token of a response is a target only and is not fed.

Shapes: B sequences, L padded tokens, D hidden size, N response tokens of the batch, V words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from ccit.errors import ModelUnusable
from ccit.models.bucketing import bucket
from ccit.models.causal import CausalModel
from ccit.models.encoding import Encoded
from ccit.models.faults import lacks_memory
from ccit.models.head import Head
from ccit.models.token_losses import token_losses

# float32 logits alive at once, and as much again for their softmax; below the size of the smallest real proxy.
_LOGIT_BYTES = 128 * 2**20
# On a CPU: logits in the model's number type below 32 MiB, from where on glibc asks the system for
# fresh pages each time, and their softmax in float32 in parts that stay in a core's cache. With 49k words the head took
# 43 ms for 1024 tokens instead of 67, the softmax of 512 took 28 ms instead of 108 (2 cores with AMX, bfloat16).
_CPU_LOGIT_BYTES = 24 * 2**20
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
    return losses_at(causal.head, *response_states(causal, rows))


def response_states(causal: CausalModel, rows: Sequence[Encoded]) -> tuple[torch.Tensor, torch.Tensor]:
    """What `causal.head` needs to predict each response token, (N, D), and these tokens, (N,), row after row."""
    width = max(len(row.fed) for row in rows)
    ids = torch.tensor([[*row.fed, *[0] * (width - len(row.fed))] for row in rows], device=causal.device)  # (B, L)
    places = [(r, c) for r, row in enumerate(rows) for c in range(row.prompt_length - 1, len(row.fed))]
    targets = torch.tensor([i for row in rows for i in row.ids[row.prompt_length :]], device=causal.device)
    states = causal.head.states([r for r, _ in places], [c for _, c in places], input_ids=ids, use_cache=False)
    return states, targets


def losses_at(head: Head, states: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Nats of the tokens `targets` (N,) after the positions of `states` (N, D), float32.

    With gradients, a frozen head's are made on the way (`ccit/models/token_losses.py`); see `by_parts` for the memory
    that any other takes.
    """
    if states.device.type == "cpu" and not torch.is_grad_enabled():
        width = states.element_size() * head.words
        return _in_parts(partial(_losses_in_cache, head), states, targets, _CPU_LOGIT_BYTES // width)
    if torch.is_grad_enabled() and head.frozen is not None:
        alive = _CPU_LOGIT_BYTES if states.device.type == "cpu" else _LOGIT_BYTES
        return token_losses(states, head.frozen, targets, max(1, alive // (states.element_size() * head.words)))
    return by_parts(partial(_losses, head), head.words, states, targets)


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
    """Runs one model over any number of rows without gradients, in batches of similar length.

    Parameters
    ----------
    causal : CausalModel
        A base model or a view with an adapter.
    batch_tokens : int
        Padded tokens per forward pass, on a CPU no more than 1024; lowered for good, to half of a batch that did not
        fit the memory.

    Raises
    ------
    ModelUnusable
        The model's outputs are not finite.
    """

    def __init__(self, causal: CausalModel, batch_tokens: int) -> None:
        if not causal.head.finite:
            raise ModelUnusable(f"{causal.name} gives logits that are not finite; its weights cannot be used")
        self._causal = causal
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
        losses: list[Nats | Failure] = [Failure("not scored")] * len(rows)
        done = 0
        for batch in bucket([len(row.fed) for row in rows], self._budget):
            for row, found in zip(batch, self._attempt([rows[r] for r in batch]), strict=True):
                losses[row] = found
            done += len(batch)
            if progress:
                progress(done, len(rows))
        return losses

    def mean_losses(self, rows: Sequence[Encoded]) -> list[float | Failure]:
        """Nats per response token of each row, in order."""
        return [found if isinstance(found, Failure) else float(found.mean()) for found in self.losses(rows)]

    def _attempt(self, rows: Sequence[Encoded]) -> list[Nats | Failure]:
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
            padded = len(rows) * max(len(row.fed) for row in rows)
            self._budget = max(_SMALLEST_BUDGET, min(self._budget, padded // 2))
            if self._causal.device.type == "cuda":
                torch.cuda.empty_cache()
        half = len(rows) // 2
        return self._attempt(rows[:half]) + self._attempt(rows[half:])

    @torch.inference_mode()
    def _forward(self, rows: Sequence[Encoded]) -> list[Nats]:
        losses = response_losses(self._causal, rows).double().cpu()
        self.tokens += sum(len(row.fed) for row in rows)
        self.padded_tokens += len(rows) * max(len(row.fed) for row in rows)
        return [part.numpy() for part in torch.split(losses, [row.response_tokens for row in rows])]
