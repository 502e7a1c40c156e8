"""The settings of the models: the deployed one, its proxy, and the one that embeds."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, field_validator

from ccit.config.section import PLAIN_NAME, Section


class Models(Section):
    """The deployed model and its small proxy, from one architecture family and with one tokenizer family."""

    alias: str = Field(
        "ccit", description="the name that clients ask for: letters, digits, dots, dashes and underscores"
    )
    deployed: str = Field("Qwen/Qwen2.5-14B-Instruct", description="local folder or hub id of the deployed model")
    deployed_revision: str = Field("", description="hub revision (commit); empty for a local folder")
    proxy: str = Field("Qwen/Qwen2.5-0.5B-Instruct", description="local folder or hub id of the proxy")
    proxy_revision: str = Field("", description="hub revision (commit); empty for a local folder")
    device: str = Field("auto", description="`auto` (a GPU when there is one), `cpu`, `cuda`, `cuda:1`")
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description="`auto`: bfloat16 on a GPU, and on a CPU where a timing at the start finds it at least 3 times as "
        "fast (those with AMX do) and the model is at least 256 wide; else float32",
    )
    threads: int = Field(0, ge=0, description="CPU threads of torch per process; 0 leaves torch's own choice")
    template_date: date = Field(
        date(2024, 7, 26),
        description="today, for a chat template that writes the date (Llama 3, Granite); scores, training and "
        "evaluation would change from day to day otherwise",
    )

    @field_validator("alias")
    @classmethod
    def _plain(cls, alias: str) -> str:
        """It is in keys (`alias@7`), in file names and in URLs."""
        if not PLAIN_NAME.fullmatch(alias):
            raise ValueError("expected a plain name: 1 to 100 letters, digits, dots, dashes and underscores")
        return alias


class EmbedderSettings(Section):
    """Sentence embeddings for novelty and diversity."""

    model: str = Field("builtin", description="`builtin` (all-MiniLM-L6-v2, English only), a folder or a hub id")
    revision: str = Field("", description="hub revision; empty for a local folder")
    batch_size: int = Field(64, ge=1, description="texts per forward pass")
    languages: list[str] = Field(
        ["en"],
        description="languages that it knows (`en`, `zh`); what it would say of a text in another is left unscored; "
        "empty for a model that knows all",
    )
