"""Samples as tokens, and the loss on their responses alone.

Shape suffixes: B rows, T tokens of the longest row, N response tokens of all rows together, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from ccit.models.causal import CausalModel, prompt_ids
from ccit.models.packing import fit
from ccit.records import Sample

PROMPT_SHARE = 0.25  # of the token limit that a prompt keeps beside a response that would fill it all


@dataclass(frozen=True, slots=True)
class Encoded:
    """Prompt and response of one sample as token ids; the first `prompt_length` are not learnt."""

    ids: tuple[int, ...]
    prompt_length: int

    @property
    def response_tokens(self) -> int:
        """Tokens that carry loss."""
        return len(self.ids) - self.prompt_length


def encode(tokenizer: Any, sample: Sample, max_tokens: int) -> Encoded:
    """Chat prompt (history and instruction), response, end of text.

    What is longer than `max_tokens` loses the start of its prompt; a response that leaves less than `PROMPT_SHARE` of
    the limit to its prompt loses its own end, and with it the end of text.

    Parameters
    ----------
    max_tokens : int
        Tokens of prompt and response together.
    """
    prompt = prompt_ids(tokenizer, sample.messages())
    response = [*tokenizer(sample.response, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    floor = max(1, int(max_tokens * PROMPT_SHARE))
    kept, answered = fit(len(prompt), len(response), max_tokens, floor)
    return Encoded((*prompt[len(prompt) - kept :], *response[:answered]), kept)


def response_losses(model: CausalModel, batch: Sequence[Encoded]) -> torch.Tensor:
    """Negative log-likelihood (nats) of each response token given all before it, (N,), row after row.

    Padding is on the right. The head is applied only to the positions that predict a response token: with a large
    vocabulary it costs more memory than the rest of the pass.
    """
    longest = max(len(row.ids) for row in batch)
    ids_BT = torch.full((len(batch), longest), model.tokenizer.pad_token_id)
    real_BT = torch.zeros((len(batch), longest), dtype=torch.long)
    learnt_BT = torch.zeros((len(batch), longest), dtype=torch.bool)
    for row, encoded in enumerate(batch):
        end = len(encoded.ids)
        ids_BT[row, :end] = torch.tensor(encoded.ids)
        real_BT[row, :end] = 1
        learnt_BT[row, encoded.prompt_length : end] = True
    targets_N = ids_BT[learnt_BT].to(model.device)
    predicting_BT = learnt_BT.roll(-1, dims=1).to(model.device)  # column 0 is never learnt: a prompt has a token
    logits_NV = model.model(
        input_ids=ids_BT.to(model.device),
        attention_mask=real_BT.to(model.device),
        use_cache=False,
        logits_to_keep=predicting_BT,
    ).logits
    return F.cross_entropy(logits_NV.float(), targets_N, reduction="none")
