"""What selecting costs, beside training the same way on everything that came: one account for both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ccit.records import Spend


@dataclass(frozen=True, slots=True)
class CostAccount:
    """What a run has spent, and on how many samples.

    Parameters
    ----------
    scoring : Spend
        Proxy and embedder, over all that was decided, refused or not.
    training : Spend
        All rounds, with their replay and general mix.
    evaluation : Spend
        Candidates and incumbents on the suites.
    distinct : int
        Different contents among what was decided. Accepting everything trains on each of them once: it refuses exact
        copies, as the selection does.
    accepted : int
        Samples that were let in.
    used : int
        Samples of the rounds that were trained.

    Example
    -------
    Ten contents came, eight were let in, a round used four of them; a sample costs 25 to train on:

    >>> account = CostAccount(Spend(9, 20.0), Spend(9, 100.0), Spend(9, 10.0), distinct=10, accepted=8, used=4)
    >>> account.waiting_flops, account.flops, account.accept_all_flops
    (100.0, 230.0, 260.0)
    """

    scoring: Spend
    training: Spend
    evaluation: Spend
    distinct: int
    accepted: int
    used: int

    @property
    def waiting_flops(self) -> float:
        """What the samples that were let in and not trained on yet will cost: at the price of those that were."""
        return self._per_sample * max(0, self.accepted - self.used)

    @property
    def flops(self) -> float:
        """The selection's side: scoring, training on all that was let in, evaluation."""
        return self.scoring.flops + self.training.flops + self.waiting_flops + self.evaluation.flops

    @property
    def accept_all_flops(self) -> float:
        """The other side: training on each content once, and as many evaluations; no scoring. 0 without a round."""
        return self._per_sample * self.distinct + self.evaluation.flops if self.used else 0.0

    @property
    def saving(self) -> float | None:
        """The share that selecting saves; None where nothing was trained."""
        return 1 - self.flops / self.accept_all_flops if self.accept_all_flops else None

    def figures(self) -> dict[str, Any]:
        """As the summary holds them; tokens are what was really spent."""
        return {
            "scoring_tokens": self.scoring.tokens,
            "training_tokens": self.training.tokens,
            "evaluation_tokens": self.evaluation.tokens,
            "scoring_flops": self.scoring.flops,
            "training_flops": self.training.flops,
            "waiting_flops": self.waiting_flops,
            "evaluation_flops": self.evaluation.flops,
            "flops": self.flops,
            "accept_all_flops": self.accept_all_flops,
            "saving": self.saving,
        }

    @property
    def _per_sample(self) -> float:
        return self.training.flops / self.used if self.used else 0.0
