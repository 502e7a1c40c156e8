"""The settings of training."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, ValidatorFunctionWrapHandler, field_validator, model_validator

from ccit.config.section import Section
from ccit.plugin_tables import OneOf
from ccit.plugins import PluginSettings, kind_of, plugins

_METHOD = OneOf("method")
_BATCHER = OneOf("batcher", "bucketed")


class Training(Section):
    """LoRA (arXiv 2106.09685) on both models."""

    rank: int = Field(16, ge=1, description="rank of the update")
    alpha: int = Field(32, ge=1, description="scale: the update is multiplied by alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout on the adapter's input")
    target_modules: Annotated[list[str], Field(min_length=1)] | Literal["all-linear"] = Field(
        "all-linear",
        description="layers adapted, by name, or `all-linear`: every linear layer of the blocks, whatever the model "
        "calls them; a name that no layer has is an error",
    )
    start: str = Field(
        "",
        pattern=r"^(store://[0-9a-f]{64})?$",
        description="adapter of the deployed model that a round from the base begins with, by the name that "
        "`ccit import-adapter` gives it; empty begins with fresh weights",
    )
    learning_rate: float = Field(2e-4, gt=0, description="peak rate of AdamW for the deployed model's adapter")
    proxy_learning_rate: float = Field(2e-4, gt=0, description="peak rate for the proxy's adapter")
    epochs: int = Field(3, ge=1, description="passes over the round")
    batch_tokens: Annotated[int, Field(ge=64)] | Literal["auto"] = Field(
        4096,
        description="padded tokens per micro-batch; `auto` chooses them from the models and the device's memory when "
        "training starts, and a round keeps what it began with as long as that fits",
    )
    gradient_checkpointing: bool | Literal["auto"] = Field(
        False,
        description="compute the inner values of each block again for its gradient instead of keeping them: far less "
        "memory, half as much computing again, the same numbers; `auto` does so for a model whose micro-batch, or "
        "longest sample, would not fit otherwise",
    )
    batch_size: int = Field(16, ge=1, description="samples per optimiser step")
    max_tokens: int = Field(2048, ge=16, description="tokens per sample; longer prompts lose their start")
    warmup_share: float = Field(0.05, ge=0, lt=1, description="share of the steps with a rising rate")
    max_grad_norm: float = Field(1.0, gt=0, description="gradient clipping")
    checkpoint_steps: int = Field(200, ge=1, description="optimiser steps between checkpoints of an unfinished round")
    batcher: Annotated[PluginSettings, _BATCHER] = Field(
        default_factory=_BATCHER.default, description="what puts the samples of a step into micro-batches"
    )
    methods: list[Annotated[PluginSettings, _METHOD]] = Field(
        [], description="what changes the training, applied in this order; each kind once"
    )
    stall_seconds: float = Field(
        3600,
        gt=0,
        description="a training process that reports no progress for so long is ended and its work tried again, "
        "seconds; longer than loading the models, or the longest step, takes",
    )

    @field_validator("batch_tokens", mode="wrap")
    @classmethod
    def _number_or_auto(cls, value: object, known: ValidatorFunctionWrapHandler) -> object:
        """One sentence for both."""
        try:
            return known(value)
        except ValidationError as error:
            raise ValueError("expected tokens, at least 64, or 'auto'") from error

    @field_validator("methods")
    @classmethod
    def _once(cls, methods: list[PluginSettings]) -> list[PluginSettings]:
        """Their state and files are named by kind."""
        kinds = [kind_of(method) for method in methods]
        if len(set(kinds)) < len(kinds):
            raise ValueError(f"expected each kind once, found {', '.join(kinds)}")
        return methods

    @model_validator(mode="after")
    def _keeps_what_it_starts_with(self) -> Self:
        known = plugins("method")
        holding = [kind for kind in map(kind_of, self.methods) if getattr(known[kind].cls, "holds_directions", False)]
        if self.start and holding:
            raise ValueError(
                f"start names an imported adapter, which {holding[0]!r} in methods would train over: it protects only "
                "what it has trained itself; take one of the two out"
            )
        return self
