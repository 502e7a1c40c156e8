"""Weighted sums of LoRA updates, exactly where the rank allows it: of the updates B A, never of A and B."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class Update:
    """The factors of one update B A: `a` is (rank, in), `b` is (out, rank)."""

    a: torch.Tensor
    b: torch.Tensor


def factor_names(names: Sequence[str]) -> list[tuple[str, str]]:
    """The two factors of each update among the names of weights: those of A and B.

    >>> factor_names(["q.lora_A.default.weight", "q.lora_B.default.weight"])
    [('q.lora_A.default.weight', 'q.lora_B.default.weight')]
    """
    return [(name, name.replace(".lora_A.", ".lora_B.")) for name in names if ".lora_A." in name]


def weighted_sums(
    parts: Sequence[tuple[float, Mapping[str, torch.Tensor]]], like: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """`weighted_sum` for each update of adapters with the same names and shapes of weights as `like`.

    Parameters
    ----------
    parts : Sequence[tuple[float, Mapping[str, torch.Tensor]]]
        Weight and weights of each adapter, the first of which lends its A where nothing is left to sum.
    """
    summed = {name: weight.detach().clone() for name, weight in like.items()}
    for a, b in factor_names(list(like)):
        updates = [(share, Update(held[a].detach(), held[b].detach())) for share, held in parts]
        found = weighted_sum(updates, len(like[a]))
        summed[a], summed[b] = found.a, found.b
    return summed


def weighted_sum(updates: Sequence[tuple[float, Update]], rank: int) -> Update:
    """The sum of w B A over all updates, as factors of this rank.

    Side by side, `[w1 B1, w2 B2] [A1; A2]` (PEFT's `cat`), the sum is exact with the ranks added. Its singular value
    decomposition, cut to `rank`, is the nearest update of that rank in the Frobenius norm (Eckart & Young 1936), and
    the sum itself where its rank is no higher. Where one update alone counts, its A stays and its B is scaled. The mean
    of the As times the mean of the Bs would be another thing.

    Cost: two QR decompositions, O((in + out) k^2) with k the ranks together; nothing of size in x out.

    Example
    -------
    >>> one = Update(torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0]]))
    >>> other = Update(torch.tensor([[0.0, 1.0]]), torch.tensor([[2.0]]))
    >>> mean = weighted_sum([(0.5, one), (0.5, other)], rank=1)
    >>> (mean.b @ mean.a).round(decimals=4)
    tensor([[1., 1.]])
    """
    counted = [(weight, update) for weight, update in updates if weight != 0 and bool(update.b.any())]
    if not counted:
        return Update(updates[0][1].a, torch.zeros_like(updates[0][1].b))
    if len(counted) == 1:
        ((weight, update),) = counted
        return Update(update.a, weight * update.b)
    wide = torch.cat([weight * update.b for weight, update in counted], dim=1).double()
    tall = torch.cat([update.a for _, update in counted], dim=0).double()
    return _cut(wide, tall, rank, counted[0][1])


def _cut(wide_OK: torch.Tensor, tall_KI: torch.Tensor, rank: int, like: Update) -> Update:
    """The nearest update of the rank, in the pair of factors whose A is nearest to that of `like`.

    B A = (B R^T) (R A) for every rotation R: the one that brings A nearest solves the orthogonal Procrustes problem
    (Schoenemann 1966, Psychometrika 31). Without it the factors would be in another basis after every round, and what
    compares weights over rounds, or optimises on from them, would compare what has nothing to do with each other.
    """
    q_out, r_out = torch.linalg.qr(wide_OK)
    q_in, r_in = torch.linalg.qr(tall_KI.T)
    left, sizes, right = torch.linalg.svd(r_out @ r_in.T)
    kept = min(rank, len(sizes))
    roots = sizes[:kept].sqrt()  # shared out between the factors, so that neither grows from round to round
    b, a = wide_OK.new_zeros((len(wide_OK), rank)), tall_KI.new_zeros((rank, tall_KI.shape[1]))
    b[:, :kept] = (q_out @ left[:, :kept]) * roots
    a[:kept] = roots[:, None] * (right[:kept] @ q_in.T)
    near = a.new_zeros(a.shape)
    near[: len(like.a)] = like.a[:rank]
    from_left, _, from_right = torch.linalg.svd(near @ a.T)
    turn = from_left @ from_right
    return Update((turn @ a).to(like.a), (b @ turn.T).to(like.b))
