"""Answering by likelihood: the choice that the model would most probably write.

The score of a choice is the *sum* of its tokens' log-probabilities after the chat prompt, without normalisation by
length. Choices here either share their wording but for one value, or are `A. text` with the text standing in the
prompt; in both cases all but a few tokens are nearly certain, and dividing by the length would reward the longer text
for them. The sum is the probability of the answer itself, which is also what training raises.

Shape suffixes: B prompts, R choices of all prompts, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ccit.models.cached_prompts import CachedPrompts
from ccit.models.causal import CausalModel
from ccit.models.likelihood import losses_at

Tokens = list[int]


@torch.inference_mode()
def choice_scores(
    model: CausalModel, prompts: Sequence[Tokens], choices: Sequence[Sequence[Tokens]]
) -> tuple[list[list[float]], int]:
    """Log-probability (nats) of every choice of every prompt; each prompt is computed once.

    Parameters
    ----------
    prompts : Sequence[list[int]]
        Token ids up to where the answer begins.
    choices : Sequence[Sequence[list[int]]]
        Per prompt, the token ids of each choice; none empty.

    Returns
    -------
    tuple
        Scores in the order of `choices`, and the tokens computed, padding included.
    """
    run = CachedPrompts(model, prompts)
    flat = [choice for own in choices for choice in own]
    owners = [prompt for prompt, own in enumerate(choices) for _ in own]
    first_R = torch.tensor([choice[0] for choice in flat], device=model.device)
    scores_R = run.logits_BV.log_softmax(dim=-1)[owners, first_R]
    if any(len(choice) > 1 for choice in flat):
        run.select(owners)
        states = run.extend([choice[:-1] for choice in flat])  # the last token of a choice predicts nothing that counts
        later = torch.tensor([token for choice in flat for token in choice[1:]], device=model.device)
        row = torch.tensor([row for row, choice in enumerate(flat) for _ in choice[1:]], device=model.device)
        scores_R = scores_R.index_add(0, row, -losses_at(model.head, states, later))
    values = iter(scores_R.tolist())
    return [[next(values) for _ in own] for own in choices], run.tokens
