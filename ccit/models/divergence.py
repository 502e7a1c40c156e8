"""How far one model's predictions are from another's, token by token."""

from __future__ import annotations

from functools import partial

import torch
import torch.nn.functional as F

from ccit.models.head import Head
from ccit.models.likelihood import by_parts


def divergences_at(
    teacher: Head, taught_ND: torch.Tensor, student: Head, states_ND: torch.Tensor, temperature: float = 1.0
) -> torch.Tensor:
    """KL(teacher || student) at N positions, (N,) nats, both softened; gradients flow to the student alone.

    With p and q the softmax of the logits over the temperature T, T^2 * sum over words of p (log p - log q): T^2 keeps
    the size of the gradients (Hinton, Vinyals & Dean 2015, arXiv 1503.02531).

    Parameters
    ----------
    taught_ND, states_ND : torch.Tensor
        What the heads make logits of (`Head.states`), D may differ.
    """
    gap = partial(_divergences, teacher, student, temperature)
    return by_parts(gap, 2 * student.words, taught_ND.detach(), states_ND)


def _divergences(
    teacher: Head, student: Head, temperature: float, taught_ND: torch.Tensor, states_ND: torch.Tensor
) -> torch.Tensor:
    with torch.no_grad():
        wanted_NV = F.log_softmax(teacher.logits(taught_ND) / temperature, dim=-1)
    found_NV = F.log_softmax(student.logits(states_ND) / temperature, dim=-1)
    gaps_NV = F.kl_div(found_NV, wanted_NV, reduction="none", log_target=True)
    return temperature**2 * gaps_NV.sum(dim=-1)
