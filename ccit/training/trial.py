"""The training settings, tried on the models before a round needs them: one tiny step, the adapter saved and loaded."""

from __future__ import annotations

import logging

import torch

from ccit.config import Training
from ccit.errors import ModelUnusable
from ccit.models.adapter_bank import AdapterBank
from ccit.models.bases import BaseModels, Role
from ccit.models.causal import adapter_files, trainable, with_adapter
from ccit.models.encoding import encode
from ccit.models.faults import library_faults
from ccit.models.gradient_checkpointing import recompute_blocks
from ccit.models.likelihood import losses_at, response_losses
from ccit.models.packing import batch_states, pack_rows
from ccit.plugins import build
from ccit.ports.training import Batcher, BatcherContext, MethodContext
from ccit.records import Sample
from ccit.training.applied import AppliedMethods

logger = logging.getLogger("ccit.train")

_SAMPLE = Sample("trial", "trial", "trial", "en", "Is this a trial?", "Yes, it is.")
_TOKENS = 64


@library_faults("the trial of the training settings")
def try_training(settings: Training, bases: BaseModels) -> None:
    """Take one step on each model with a sample of a few words; nothing is kept.

    Raises
    ------
    ConfigError
        `training.methods` do not go together, `training.target_modules` do not fit a model, its attention does not
        take packed rows, or it has no blocks whose values can be computed again.
    ModelUnusable
        A model cannot be loaded, encode a chat or carry an adapter, the server does not take an adapter of this form,
        or its numbers are not finite.
    TrainingFailed, MemoryExhausted
        A library failed.
    """
    roles: tuple[Role, ...] = ("deployed", "proxy")
    batcher: Batcher = build("batcher", settings.batcher, BatcherContext(_TOKENS))
    for role in roles:
        AppliedMethods.made(settings.methods, MethodContext(role, seed=0), {})
        base = bases.of(role)
        view = trainable(base, settings.rank, settings.alpha, 0.0, settings.target_modules, seed=0)
        row = encode(base.chat, _SAMPLE, _TOKENS)
        trained = [weight for weight in view.model.parameters() if weight.requires_grad]
        if batcher.packs:
            pack_rows(view)
        if settings.gradient_checkpointing is True:
            recompute_blocks(view)
        losses_at(view.head, *batch_states(view, [row])).mean().backward()  # type: ignore[no-untyped-call]  # torch ships it unannotated
        torch.optim.AdamW(trained, lr=1e-4).step()
        files = adapter_files(view)
        if role == "deployed":
            AdapterBank(base).convert(files)  # what the server does with a version before it is active
        loaded = with_adapter(base, files)
        with torch.inference_mode():
            loss = float(response_losses(loaded, [row]).mean())
        if not torch.isfinite(torch.tensor(loss)):
            raise ModelUnusable(f"{base.name} gives a loss that is not finite after one step; choose another model")
        logger.info("a training step fits the %s model, %s", role, base.name)
