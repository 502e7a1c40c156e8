"""Logits at chosen positions alone: the step that scoring, training, evaluation, choices and decoding share.

With a large vocabulary the head costs more memory than the rest of a pass (8192 positions x 152k words x 4 bytes =
5 GB for Qwen2), so the decoder runs once for its hidden states, and the head only where somebody asks.

Shapes: B sequences, L padded tokens, D hidden size, N chosen positions, V words.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

Places = Sequence[int] | npt.NDArray[np.int64]


class Head:
    """The way from token ids to logits in one transformers model.

    Some families scale or cap their logits after the head (Gemma 2, Granite); for them the whole model is asked, with
    `logits_to_keep` as column numbers, which every version of transformers 5 knows (a mask only some do).

    Parameters
    ----------
    model : Any
        A transformers causal language model, with or without LoRA layers.
    """

    def __init__(self, model: Any, device: torch.device) -> None:
        self._model = model
        self._device = device
        self._decoder = model.get_decoder()
        self._output = model.get_output_embeddings()
        self._probe()

    def states(self, rows: Places, columns: Places, **inputs: Any) -> torch.Tensor:
        """What `logits` needs of the chosen positions, (N, D): hidden states, or for some families the logits.

        Parameters
        ----------
        rows, columns
            N positions in `input_ids` (B, L); columns count from 0.
        inputs : Any
            Of the transformers model: `input_ids`, `attention_mask`, `past_key_values`, ...
        """
        if self.alone:
            hidden: torch.Tensor = self._decoder(**inputs).last_hidden_state[self._index(rows), self._index(columns)]
            return hidden
        kept = sorted({int(c) for c in columns})
        column = {kept_column: place for place, kept_column in enumerate(kept)}
        logits: torch.Tensor = self._model(**inputs, logits_to_keep=self._index(kept)).logits
        return logits[self._index(rows), self._index([column[int(c)] for c in columns])]

    def states_at(self, column_B: torch.Tensor, **inputs: Any) -> torch.Tensor:
        """As `states`, of one column of each row, (B, D), whose numbers lie on the device.

        Where logits are more than a product with the head, all columns' are made: ask for one column at a time.
        """
        made = self._decoder(**inputs).last_hidden_state if self.alone else self._model(**inputs).logits
        found: torch.Tensor = made[torch.arange(len(column_B), device=column_B.device), column_B]
        return found

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """Logits (N, V) of such states, float32."""
        return self.narrow_logits(states).float()

    def narrow_logits(self, states: torch.Tensor) -> torch.Tensor:
        """Logits (N, V) of such states in the model's number type: half the bytes of `logits` in bfloat16."""
        logits: torch.Tensor = self._output(states) if self.alone else states
        return logits

    @property
    def frozen(self) -> torch.Tensor | None:
        """The weight (V, D) where logits are a product with it and nothing else, and it is not trained; else None."""
        plain = self.alone and type(self._output) is torch.nn.Linear and self._output.bias is None
        return self._output.weight if plain and not self._output.weight.requires_grad else None

    def _index(self, numbers: Places) -> torch.Tensor:
        return torch.from_numpy(np.asarray(numbers, dtype=np.int64)).to(self._device)

    @torch.inference_mode()
    def _probe(self) -> None:
        """Ask a few tokens both ways."""
        vocabulary = self._model.get_input_embeddings().weight.shape[0]
        ids = torch.tensor([[i % vocabulary for i in range(1, 9)]], device=self._device)
        training = self._model.training
        self._model.eval()  # dropout would draw differently for each
        # An autocast around this would keep its copies of the weights, which have no gradients here, for what follows.
        with torch.autocast(self._device.type, enabled=False):
            logits = self._model(input_ids=ids, use_cache=False).logits.float()
            alone = self._output(self._decoder(input_ids=ids, use_cache=False).last_hidden_state).float()
        self._model.train(training)
        self.words = int(logits.shape[-1])
        """V, the size of the vocabulary."""
        self.finite = bool(torch.isfinite(logits).all())
        """Whether the model's outputs are numbers."""
        self.alone = alone.shape == logits.shape and torch.allclose(alone, logits, rtol=1e-3, atol=1e-3, equal_nan=True)
        """Whether logits = head(hidden state) holds in this family."""
