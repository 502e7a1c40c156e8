"""What a round makes: Artifact, AdapterPair, Candidate, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Artifact:
    """A set of files in the artifact store, each with its digest.

    Parameters
    ----------
    uri : str
        Where a store finds it (`store://<digest of the file table>`).
    files : Mapping[str, str]
        Relative path -> SHA-256 (hex).
    """

    uri: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AdapterPair:
    """The two adapters that move together: the deployed model's and the proxy's."""

    deployed: Artifact
    proxy: Artifact


@dataclass(frozen=True, slots=True)
class Spend:
    """Tokens and floating-point operations of one activity (2 N per token forward, 6 N with the backward pass;
    Kaplan et al. 2020, arXiv 2001.08361; LoRA's backward pass skips the frozen weights' gradients: 4 N).
    """

    tokens: int = 0
    flops: float = 0.0

    @classmethod
    def of_reading(cls, tokens: int, parameters: int) -> Spend:
        """Forward passes, 2 N per token, with N the parameters that multiply each token.

        >>> Spend.of_reading(10, parameters=100)
        Spend(tokens=10, flops=2000.0)
        """
        return cls(tokens, 2.0 * parameters * tokens)

    @classmethod
    def of_training(cls, tokens: int, parameters: int) -> Spend:
        """Forward and backward passes to an adapter, 4 N per token.

        >>> Spend.of_training(10, parameters=100)
        Spend(tokens=10, flops=4000.0)
        """
        return cls(tokens, 4.0 * parameters * tokens)

    def __add__(self, other: Spend) -> Spend:
        return Spend(self.tokens + other.tokens, self.flops + other.flops)


@dataclass(frozen=True, slots=True)
class Candidate:
    """The adapters one Round produced; not promoted yet."""

    round_id: str
    adapters: AdapterPair
    rank: int
    target_modules: tuple[str, ...]
    losses: Mapping[str, float]
    training: Spend
    seconds: float
    alpha: float = 0.0
    batch_tokens: int = 0  # of a micro-batch, with padding: below `training.batch_tokens` where memory lacked
