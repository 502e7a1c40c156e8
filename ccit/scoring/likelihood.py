"""Mean negative log-likelihood of many responses, each after its own context, under one causal language model.

Padding is on the right: under a causal mask nothing before it can see it, so no attention mask is needed and the fast
kernel applies. The last token of a response is a target only and is not fed.

Memory: the vocabulary's logits are by far the largest tensor (8192 positions x 152k words x 4 bytes = 5 GB for Qwen2),
so the decoder runs once for hidden states, and the head runs on response positions alone, `_LOGIT_BYTES` at a time.

Shapes: B sequences, L padded tokens, D hidden size, T response tokens of the batch, V words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from ccit.errors import ModelUnusable
from ccit.models.causal import CausalModel
from ccit.models.packing import pack

# float32 logits alive at once, and as much again for their softmax; below the size of the smallest real proxy.
_LOGIT_BYTES = 128 * 2**20
# On a CPU the activations of a larger batch leave the cache, and their memory is fetched from the system each time:
# 4 layers of 128 ran 1.3 times as fast as one by one at 1024 tokens, 0.9 times at 8192 (benchmarks/scoring.py).
_CPU_BUDGET = 1024
_SMALLEST_BUDGET = 64  # tokens; an out-of-memory below that is not a matter of batch size


@dataclass(frozen=True, slots=True)
class Passage:
    """A response and what stands before it, as token ids; both have at least one."""

    context: Sequence[int]
    response: Sequence[int]

    @property
    def fed(self) -> list[int]:
        """The ids that the model reads: all but the last."""
        return [*self.context, *self.response[:-1]]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a passage has no likelihood."""

    why: str


class Likelihood:
    """Runs one model over passages, in batches of similar length.

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
        self._causal = causal
        self._budget = min(batch_tokens, _CPU_BUDGET) if causal.device.type == "cpu" else batch_tokens
        self._decoder = causal.model.get_decoder()
        self._head = causal.model.get_output_embeddings()
        self._head_alone = self._head_suffices()
        self.tokens = 0  # fed to the model, without padding
        self.padded_tokens = 0

    def mean_losses(self, passages: Sequence[Passage]) -> list[float | Failure]:
        """Nats per response token of each passage, in order; a passage that fails alone is a Failure."""
        losses: list[float | Failure] = [Failure("not scored")] * len(passages)
        for rows in pack([len(p.fed) for p in passages], self._budget):
            for row, loss in zip(rows, self._attempt([passages[r] for r in rows]), strict=True):
                losses[row] = loss
        return losses

    def _attempt(self, passages: Sequence[Passage]) -> list[float | Failure]:
        """Score a batch; when it fails, its halves, down to the passage that is at fault.

        A fault of the device itself is not a passage's: it is raised, for the process to end.
        """
        try:
            return list(self._forward(passages))
        except torch.AcceleratorError:
            raise
        except (RuntimeError, IndexError) as error:
            out_of_memory = isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error)
            why = "out of memory" if out_of_memory else str(error).partition("\n")[0]
        if len(passages) == 1:
            return [Failure(why)]
        if out_of_memory:
            padded = len(passages) * max(len(p.fed) for p in passages)
            self._budget = max(_SMALLEST_BUDGET, min(self._budget, padded // 2))
            if self._causal.device.type == "cuda":
                torch.cuda.empty_cache()
        half = len(passages) // 2
        return self._attempt(passages[:half]) + self._attempt(passages[half:])

    @torch.inference_mode()
    def _forward(self, passages: Sequence[Passage]) -> list[float]:
        fed = [p.fed for p in passages]
        width = max(len(row) for row in fed)
        ids = torch.tensor([row + [0] * (width - len(row)) for row in fed], device=self._causal.device)  # (B, L)
        sizes = [len(p.response) for p in passages]
        rows = [row for row, size in enumerate(sizes) for _ in range(size)]
        columns = [len(p.context) - 1 + i for p, size in zip(passages, sizes, strict=True) for i in range(size)]
        targets = torch.tensor([i for p in passages for i in p.response], device=self._causal.device)  # (T,)
        losses = self._token_losses(ids, rows, columns, targets).double().cpu()
        self.tokens += sum(len(row) for row in fed)
        self.padded_tokens += ids.numel()
        return [float(part.mean()) for part in torch.split(losses, sizes)]

    def _token_losses(
        self, ids: torch.Tensor, rows: list[int], columns: list[int], targets: torch.Tensor
    ) -> torch.Tensor:
        """Negative log-likelihood of each response token (T,), float32."""
        if not self._head_alone:
            logits = self._causal.model(input_ids=ids, use_cache=False).logits  # (B, L, V)
            return F.cross_entropy(logits[rows, columns].float(), targets, reduction="none")
        hidden = self._decoder(input_ids=ids, use_cache=False).last_hidden_state[rows, columns]  # (T, D)
        chunk = max(1, _LOGIT_BYTES // (4 * self._head.weight.shape[0]))
        parts = zip(torch.split(hidden, chunk), torch.split(targets, chunk), strict=True)
        return torch.cat([F.cross_entropy(self._head(h).float(), t, reduction="none") for h, t in parts])

    @torch.inference_mode()
    def _head_suffices(self) -> bool:
        """Whether logits = head(hidden) holds; some families scale or cap them after the head (Gemma 2, Granite)."""
        vocabulary = self._causal.model.get_input_embeddings().weight.shape[0]
        ids = torch.tensor([[i % vocabulary for i in range(1, 9)]], device=self._causal.device)
        logits = self._causal.model(input_ids=ids, use_cache=False).logits.float()
        if not torch.isfinite(logits).all():
            raise ModelUnusable(f"{self._causal.name} gives logits that are not finite; its weights cannot be used")
        alone = self._head(self._decoder(input_ids=ids, use_cache=False).last_hidden_state).float()
        return alone.shape == logits.shape and torch.allclose(alone, logits, rtol=1e-3, atol=1e-3)
