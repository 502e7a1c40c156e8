"""Instruction-following difficulty: how much the prompt helps the proxy to predict the response.

    ifd = ppl(response | prompt) / ppl(response | anchor)           formula = "perplexities"
    ifd = loss(response | prompt) / loss(response | anchor)         formula = "losses"
    ifd = exp(sum of |d_t| d_t / sum of |d_t|)                      formula = "weighted"
    d_t = loss of token t after the prompt - its loss after the anchor

where loss is the mean negative log-likelihood of the response's tokens, in nats, and ppl = exp(loss). The paper (arXiv
2503.15924, after Li et al. 2024, arXiv 2308.12032) has the first; code in circulation takes the second. Near 0 the
prompt gives the response away; at 1 and above it does not help: often a response attached to the wrong prompt. These
two are below 1 for the same responses; below it they order them differently, and a threshold of the one does not fit
another.

The first is exp(mean of d_t): most tokens follow from the words before them, whatever the prompt, and hide those that
follow from it. T-SHIRT (arXiv 2506.01317) counts the half of a data set's tokens with the greatest |d_t|. `weighted`
weighs by |d_t| instead: nothing has to be known of other samples, and no token is in or out by a rounding. It is 1
where the prompt changes nothing, and is far lower than the first for most responses.

Both passes score the same response tokens. The direct pass needs something before the first of them; the anchor is the
header with which the chat template opens an answer (`<|im_start|>assistant\\n`), after the BOS token where prompts
start with one (`ccit/models/chat.py`). So the two passes differ in the prompt's content and in nothing else, and an
answer of one token has an IFD. The end of the turn is not scored. A multi-turn sample is scored on its last response,
given the whole history.

Longer than `max_tokens`: the prompt loses its start; a response that leaves less than a quarter of the window to the
prompt loses its end, in both passes. `truncated` counts what was not seen.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jinja2 import TemplateError

from ccit.models.bases import Role
from ccit.models.bucketing import fit
from ccit.models.causal import CausalModel, with_adapter
from ccit.models.encoding import Encoded
from ccit.models.likelihood import Failure, Likelihood, Nats
from ccit.ports.selection import Formula
from ccit.ports.store import ArtifactStore
from ccit.records import Sample, Score, Spend, Version

_RATIOS: Mapping[Formula, str] = {"perplexities": "ppl-ratio", "losses": "loss-ratio", "weighted": "weighted-ratio"}
_METRICS = ("ifd", "ppl_conditional", "ppl_direct")
_RESIDENT = 4  # versions in memory, the active one among them: about as many as a server holds


@dataclass(frozen=True, slots=True)
class _Tokens:
    """What of a sample the model sees, and how many tokens of prompt and response it does not."""

    prompt: Sequence[int]
    response: Sequence[int]
    prompt_cut: int
    response_cut: int


class IfdScorer:
    """Scores IFD with a model that follows the versions: the proxy, or the deployed model for the audit of it.

    Parameters
    ----------
    model : CausalModel
        The proxy, or the deployed model, without an adapter; version 0.
    revision : str
        Its revision, for the stamp.
    store : ArtifactStore
        Where `activate` finds a version's adapter.
    max_tokens : int
        Its window; never more than the model has positions.
    batch_tokens : int
        Padded tokens per forward pass.
    role : Role
        Which of a version's two adapters the model is given.
    formula : Formula
        Of the `ifd`; the perplexities are given beside it in any case.

    Raises
    ------
    ModelUnusable
        The tokenizer has neither a header nor a BOS or EOS token to anchor the direct pass.
    """

    metric = "ifd"

    def __init__(
        self,
        model: CausalModel,
        revision: str,
        store: ArtifactStore,
        max_tokens: int,
        batch_tokens: int,
        *,
        role: Role = "proxy",
        formula: Formula = "perplexities",
    ) -> None:
        self._model = model
        self._store = store
        self._anchor = model.chat.anchor
        positions = getattr(model.model.config, "max_position_embeddings", max_tokens)
        self._window = min(max_tokens, positions)
        self._batch_tokens = batch_tokens
        self._likelihood = Likelihood(model, self._batch_tokens, lasting=True)
        self._version = 0
        self._role = role
        self._formula = formula
        self._resident: dict[str, CausalModel] = {}  # by the adapter's URI, the one used last at the end
        self._spent = Spend()
        self._origin = (
            f"ifd.v1 {_RATIOS[formula]} template={model.chat.digest} anchor={_digest(self._anchor)} "
            f"window={self._window} {str(model.dtype).removeprefix('torch.')} "
            f"{role}={model.name}" + (f"@{revision}" if revision else "")
        )

    @property
    def version(self) -> int:
        """Number of the version that scores now; 0 is the model without an adapter."""
        return self._version

    @property
    def spent(self) -> Spend:
        """Tokens fed to the model since the start, padding not counted, and 2 N FLOPs for each."""
        return self._spent

    @property
    def padded_tokens(self) -> int:
        """Tokens fed to the active version so far, padding counted."""
        return self._likelihood.padded_tokens

    @property
    def stamp(self) -> str:
        """Formula, template, anchor, window, number type, model and version: what makes two scores comparable."""
        return f"{self._origin} version={self._version}"

    def activate(self, version: Version) -> None:
        """Score with this version's adapter of the own role from the next batch on.

        Raises
        ------
        ArtifactDamaged, ModelUnusable
            The version active so far then goes on scoring.
        """
        self._likelihood = Likelihood(self._view(version), self._batch_tokens, lasting=True)
        self._version = version.number

    def _view(self, version: Version) -> CausalModel:
        """The model with a version's adapter. The last few stay: a rollback asks no store, it may be away by then."""
        if version.adapters is None:
            return self._model
        adapter = version.adapters.proxy if self._role == "proxy" else version.adapters.deployed
        view = self._resident.pop(adapter.uri, None) or with_adapter(self._model, self._store.read(adapter))
        self._resident[adapter.uri] = view
        while len(self._resident) > _RESIDENT:
            del self._resident[next(iter(self._resident))]
        return view

    def score(self, samples: Sequence[Sample]) -> list[tuple[Score, ...]]:
        """`ifd`, `ppl_conditional` and `ppl_direct` of each sample; all three unscored, with a reason, if one fails."""
        read = [self._tokens(sample) for sample in samples]
        rows: list[Encoded] = []
        for tokens in read:
            if isinstance(tokens, _Tokens):
                rows += [
                    Encoded((*context, *tokens.response), len(context)) for context in (tokens.prompt, self._anchor)
                ]
        before = self._likelihood.tokens
        losses = iter(self._likelihood.losses(rows))
        count = self._likelihood.tokens - before
        self._spent += Spend.of_reading(count, self._model.parameters)
        return [
            self._unscored(tokens.why)
            if isinstance(tokens, Failure)
            else self._scored(tokens, next(losses), next(losses))
            for tokens in read
        ]

    def _tokens(self, sample: Sample) -> _Tokens | Failure:
        try:
            prompt = self._model.chat.prompt(sample.messages())
            response = self._model.chat.answer(sample.response)
        except (TemplateError, ValueError, TypeError, OverflowError) as error:
            return Failure(f"the model's tokenizer refuses the sample: {str(error).partition(chr(10))[0]}")
        if not response:
            return Failure("the response has no tokens")
        floor = max(len(self._anchor), self._window // 4)
        kept_prompt, kept_response = fit(len(prompt), len(response), self._window, floor)
        return _Tokens(
            prompt=prompt[len(prompt) - kept_prompt :],
            response=response[:kept_response],
            prompt_cut=len(prompt) - kept_prompt,
            response_cut=len(response) - kept_response,
        )

    def _scored(self, tokens: _Tokens, conditional: Nats | Failure, direct: Nats | Failure) -> tuple[Score, ...]:
        if isinstance(conditional, Failure):
            return self._unscored(f"the model failed on it: {conditional.why}")
        if isinstance(direct, Failure):
            return self._unscored(f"the model failed on it: {direct.why}")
        after, alone = float(conditional.mean()), float(direct.mean())
        values = [ifd_of(self._formula, conditional, direct), _exp(after), _exp(alone)]
        if not all(math.isfinite(value) for value in values):
            return self._unscored(f"the scores are not finite ({after:.4g} and {alone:.4g} nats per token)")
        cut = tokens.prompt_cut + tokens.response_cut
        return tuple(
            Score(metric, value, self.stamp, truncated=unseen)
            for metric, value, unseen in zip(_METRICS, values, (cut, cut, tokens.response_cut), strict=True)
        )

    def _unscored(self, why: str) -> tuple[Score, ...]:
        return tuple(Score(metric, None, self.stamp, unscored=why) for metric in _METRICS)


def ifd_of(formula: Formula, conditional: Nats, direct: Nats) -> float:
    """IFD of a response by the losses of its tokens (N,), in nats; not finite where there is none.

    Parameters
    ----------
    conditional, direct : Nats
        After the prompt, and after the anchor.

    Example
    -------
    >>> losses = np.array([1.0, 2.5, 4.0]), np.array([2.0, 2.0, 4.0])
    >>> [round(ifd_of(formula, *losses), 3) for formula in ("perplexities", "losses", "weighted")]
    [0.846, 0.938, 0.607]
    """
    changes = conditional - direct
    if formula == "losses":
        return float(conditional.mean() / direct.mean()) if direct.mean() else math.inf
    if formula == "perplexities" or not changes.any():
        return _exp(float(changes.mean()))
    return _exp(float(np.average(changes, weights=np.abs(changes))))


def _exp(nats: float) -> float:
    try:
        return math.exp(nats)
    except OverflowError:
        return math.inf


def _digest(value: Sequence[int]) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:12]
