"""One answer as a stream of texts: the decode loop, drawing as the request wants, up to its stop texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ccit.errors import ModelUnusable
from ccit.models.cached_prompts import CachedPrompts
from ccit.models.causal import CausalModel, end_tokens
from ccit.models.decoding import decode
from ccit.ports.serving import Delta, Sampling
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
    run = CachedPrompts(causal, [prompt])
    for count, step in enumerate(decode(run, sampler.draw_each, sampling.max_tokens), start=1):
        token = step[0]
        if token is None:
            raise ModelUnusable(f"{causal.name} gave numbers that are not finite; roll back to an earlier version")
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
