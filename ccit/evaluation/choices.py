"""Answering by likelihood: the choice that the model would most probably write.

The score of a choice is the *sum* of its tokens' log-probabilities after the chat prompt, without normalisation by
length. Choices here either share their wording but for one value, or are `A. text` with the text standing in the
prompt; in both cases all but a few tokens are nearly certain, and dividing by the length would reward the longer text
for them. The sum is the probability of the answer itself, which is also what training raises.

Shape suffixes: R choices of all prompts, C tokens of the longest, N of all choices after their first, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from ccit.evaluation.prompts import RunPrompts, padded
from ccit.models.causal import CausalModel

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
    run = RunPrompts(model, prompts)
    owner_R = torch.tensor([i for i, own in enumerate(choices) for _ in own], device=model.device)
    flat = [choice for own in choices for choice in own]
    targets_RC, mask_RC = padded(flat, model)
    first_RV = F.log_softmax(run.logits_BV, dim=-1)[owner_R]
    scores_R = first_RV.gather(1, targets_RC[:, :1]).squeeze(1)
    if targets_RC.shape[1] > 1:
        run.select(owner_R)
        after_RC = mask_RC[:, 1:]  # the last token of a choice predicts nothing that counts
        logits_NV = run.extend(targets_RC[:, :-1], after_RC)
        later_RC = torch.zeros(after_RC.shape, device=model.device)
        later_RC[after_RC.bool()] = -F.cross_entropy(logits_NV, targets_RC[:, 1:][after_RC.bool()], reduction="none")
        scores_R = scores_R + later_RC.sum(dim=1)
    values = iter(scores_R.tolist())
    return [[next(values) for _ in own] for own in choices], run.tokens
