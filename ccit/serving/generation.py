"""One answer, token by token: a decode loop over a key-value cache.

Each token costs one forward pass over one position. The loop owns all of its state (cache, random generator, text), so
any number of them may run in parallel threads over one model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch
from transformers import DynamicCache

from ccit.errors import ModelUnusable
from ccit.models.causal import CausalModel, end_tokens
from ccit.ports import Delta, Sampling
from ccit.serving.sampling import Sampler
from ccit.serving.text import IncrementalDecoder, StopTexts


def generate(
    causal: CausalModel, prompt: Sequence[int], sampling: Sampling, cancelled: Callable[[], bool] = lambda: False
) -> Iterator[Delta]:
    """Answer a prompt; the last Delta has a `finish`, unless `cancelled` ended the answer.

    Parameters
    ----------
    prompt : Sequence[int]
        Token ids, at least one; together with `max_tokens` within the model's context.
    cancelled : Callable[[], bool]
        Asked before every token.

    Raises
    ------
    ModelUnusable
        The model's numbers are not finite.
    """
    sampler, decoder, stop = Sampler(sampling), IncrementalDecoder(causal.tokenizer), StopTexts(sampling.stop)
    ends = end_tokens(causal)
    for count, token in enumerate(_tokens(causal, prompt, sampler), start=1):
        ended = token in ends
        piece = stop.push("" if ended else decoder.push(token))
        if ended or count == sampling.max_tokens:
            piece += stop.push(decoder.finish())
            piece += stop.finish()
        if ended or stop.reached:
            yield Delta(piece, count, "stop")
            return
        yield Delta(piece, count, "length" if count == sampling.max_tokens else None)
        if count == sampling.max_tokens or cancelled():
            return


def _tokens(causal: CausalModel, prompt: Sequence[int], sampler: Sampler) -> Iterator[int]:
    cache = DynamicCache(config=causal.model.config)
    ids = torch.tensor([list(prompt)], device=causal.device)  # (1, T), then (1, 1)
    while True:
        # Entered anew for each token: the caller's thread must not stay in inference mode between them.
        with torch.inference_mode():
            logits = causal.model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1).logits[0, -1]
            if not bool(torch.isfinite(logits.max())):
                raise ModelUnusable(f"{causal.name} gave numbers that are not finite; roll back to an earlier version")
            token = sampler.draw(logits)
        yield token
        ids = torch.tensor([[token]], device=causal.device)
