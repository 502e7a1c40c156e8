"""A batch of prompts run once, and continuations that reuse it: what choices are made of.

Prompts are padded on the right; a continuation then skips the padding through the attention mask, and its positions go
on from the prompt's own length, so that a result depends on the neighbours in the batch by rounding alone. Where
nothing is padded there is no mask, and the fast kernel applies.

Shape suffixes: B prompts, R rows that continue them, T tokens, C tokens of a continuation, N of all, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache

from ccit.models.causal import CausalModel


class CachedPrompts:
    """Prompts whose keys and values are cached, ready to be continued row by row.

    Parameters
    ----------
    prompts : Sequence[Sequence[int]]
        Token ids, none empty.
    """

    @torch.inference_mode()
    def __init__(self, causal: CausalModel, prompts: Sequence[Sequence[int]]) -> None:
        self.causal = causal
        self._cache = DynamicCache(config=causal.model.config)
        self._lengths = [0 for _ in prompts]  # tokens of each row, padding not counted
        self._mask_RT = torch.ones((len(prompts), 0), dtype=torch.long, device=causal.device)
        self._padded = False
        self.tokens = 0  # computed so far, padding included
        states_BD = self._run(prompts, list(range(len(prompts))), [len(prompt) - 1 for prompt in prompts])
        self.logits_BV = causal.head.logits(states_BD)
        """Logits of the token after each prompt, float32."""

    @torch.inference_mode()
    def select(self, rows: Sequence[int]) -> None:
        """Keep these rows in this order; one may be repeated, to continue a prompt in several ways."""
        index_R = torch.tensor(rows, device=self.causal.device)
        self._cache.batch_select_indices(index_R)
        self._mask_RT = self._mask_RT[index_R]
        self._lengths = [self._lengths[row] for row in rows]

    @torch.inference_mode()
    def extend(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Append one continuation to each row; some may be empty, not all.

        Returns
        -------
        torch.Tensor
            States (N, D) for `Head.logits`, after each of the N tokens, row by row.
        """
        places = [(row, column) for row, ids in enumerate(rows) for column in range(len(ids))]
        return self._run(rows, [row for row, _ in places], [column for _, column in places])

    def _run(self, rows: Sequence[Sequence[int]], place: Sequence[int], column: Sequence[int]) -> torch.Tensor:
        device, sizes = self.causal.device, [len(ids) for ids in rows]
        width = max(sizes)
        ids_RC = torch.tensor([[*ids, *[0] * (width - len(ids))] for ids in rows], device=device)
        real_RC = torch.arange(width, device=device) < torch.tensor(sizes, device=device)[:, None]
        self._mask_RT = torch.cat([self._mask_RT, real_RC.long()], dim=1)
        self._padded |= min(sizes) < width
        inputs: dict[str, Any] = {}
        if self._padded:
            starts_R1 = torch.tensor(self._lengths, device=device)[:, None]
            inputs["position_ids"] = starts_R1 + torch.arange(width, device=device)
            inputs["attention_mask"] = self._mask_RT
        self._lengths = [length + size for length, size in zip(self._lengths, sizes, strict=True)]
        self.tokens += ids_RC.numel()
        return self.causal.head.states(
            place, column, input_ids=ids_RC, past_key_values=self._cache, use_cache=True, **inputs
        )
