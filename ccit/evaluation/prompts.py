"""A batch of prompts run once, and continuations that reuse it: what choices and free answers are both made of.

Prompts are padded on the right; a continuation then skips the padding through the attention mask, and its positions go
on from the prompt's own length, so that a result does not depend on the neighbours in the batch.

Shape suffixes: B prompts, R rows that continue them, T tokens, C tokens of a continuation, N of all, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from transformers import DynamicCache

from ccit.models.causal import CausalModel


def padded(rows: Sequence[Sequence[int]], model: CausalModel) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and attention mask, both (rows, longest row), padded on the right; at least one column wide."""
    longest = max(1, *(len(row) for row in rows)) if rows else 1
    ids_RC = torch.full((len(rows), longest), model.tokenizer.pad_token_id)
    mask_RC = torch.zeros((len(rows), longest), dtype=torch.long)
    for index, row in enumerate(rows):
        ids_RC[index, : len(row)] = torch.tensor(list(row), dtype=torch.long)
        mask_RC[index, : len(row)] = 1
    return ids_RC.to(model.device), mask_RC.to(model.device)


class RunPrompts:
    """Prompts whose keys and values are cached, ready to be continued row by row.

    Parameters
    ----------
    prompts : Sequence[Sequence[int]]
        Token ids, none empty.
    """

    def __init__(self, model: CausalModel, prompts: Sequence[Sequence[int]]) -> None:
        self._model = model
        ids_BT, self._mask_BT = padded(prompts, model)
        self._next_position_B = self._mask_BT.sum(dim=1)
        self._cache = DynamicCache(config=model.model.config)
        last_BT = torch.zeros_like(ids_BT, dtype=torch.bool)
        last_BT[torch.arange(len(prompts)), self._next_position_B - 1] = True
        self.tokens = ids_BT.numel()  # computed so far, padding included
        self.logits_BV: torch.Tensor = model.model(
            input_ids=ids_BT,
            attention_mask=self._mask_BT,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=last_BT,
        ).logits.float()
        """Logits of the token after each prompt."""

    def select(self, rows: torch.Tensor) -> None:
        """Keep these rows, (R,) indices in this order; an index may be repeated to continue one prompt several ways."""
        self._cache.batch_select_indices(rows)
        self._mask_BT = self._mask_BT[rows]
        self._next_position_B = self._next_position_B[rows]

    def extend(self, ids_RC: torch.Tensor, mask_RC: torch.Tensor) -> torch.Tensor:
        """Append one continuation per row; returns the logits after each of its N real tokens, (N, V), row by row."""
        self._mask_BT = torch.cat([self._mask_BT, mask_RC], dim=1)
        positions_RC = self._next_position_B[:, None] + torch.arange(ids_RC.shape[1], device=ids_RC.device)
        self.tokens += ids_RC.numel()
        logits_NV: torch.Tensor = self._model.model(
            input_ids=ids_RC,
            attention_mask=self._mask_BT,
            position_ids=positions_RC,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=mask_RC.bool(),
        ).logits.float()
        self._next_position_B = self._next_position_B + mask_RC.sum(dim=1)
        return logits_NV
