"""Every setting, with its unit, default and reason: read from one TOML file, overridden by `CCIT_*` variables.

`CCIT_KAFKA__BOOTSTRAP_SERVERS=...` overrides `kafka.bootstrap_servers`. An unknown key is an error that names it.
The defaults are the paper's (arXiv 2503.15924) for real models; `ccit/demo/profile.toml` is the demo's profile.
`docs/configuration.md` is generated from this file (`ccit config --markdown`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_cache_path, user_data_path
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from ccit.config_clinical import Clinical, Deidentify, Mllp
from ccit.config_faults import first_fault
from ccit.config_generation import RowGeneration
from ccit.config_limits import Shortest, contradictions
from ccit.config_section import Section
from ccit.config_serving import Serving
from ccit.errors import ConfigError
from ccit.plugin_tables import EachOf, OneOf
from ccit.plugins import PluginSettings, kind_of
from ccit.records import digest_of

EMBEDDED = "embedded"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
# What a round's result does not depend on: when it starts (the manifest holds what was in the pool then), what may come
# in after it, how fast it runs, and where the models lie (the manifest names them, with their revisions).
_SHAPE_NOTHING: dict[str, set[str]] = {
    "rounds": {"triggers", "min_size", "nightly", "cooldown_rounds"},
    "training": {"stall_seconds"},
    "models": {"threads", "deployed", "proxy"},
}


_TRIGGERS = EachOf("trigger", ("size",))
_READERS = EachOf("reader", ("cloud_events", "rows"))
_CHECKS = EachOf("check", ("language", "length", "novelty", "diversity", "ifd"))
_POLICY = OneOf("policy", "thresholds")
_METHOD = OneOf("method")
_BATCHER = OneOf("batcher", "bucketed")
_PLANNER = OneOf("planner", "oldest_first")
_SOURCES = EachOf("source", ("general", "replay"))
_CRITERIA = EachOf("criterion", ("faults", "finite_loss", "forgetting", "gain", "total_forgetting"))
_METRIC = OneOf("metric", "rouge_l")


class Kafka(Section):
    """The broker and how to talk to it."""

    bootstrap_servers: str = Field(
        "localhost:9092", description="`host:port,...`; `embedded` starts librdkafka's in-process cluster"
    )
    prefix: str = Field("ccit.", description="prepended to every topic name, group and transactional id")
    transactions: bool = Field(
        True, description="exactly-once by Kafka transactions; off on the embedded broker, which gets them wrong"
    )
    replication: int = Field(1, ge=1, description="replicas per topic when ccit creates it; 3 in production")
    create_topics: bool = Field(True, description="create missing topics on start")
    group_protocol: Literal["consumer", "classic"] = Field(
        "consumer", description="`consumer` is KIP-848 (Apache Kafka 4.0 and later); `classic` serves older brokers"
    )
    batch_size: int = Field(128, ge=1, description="records per transaction, at most")
    linger_seconds: float = Field(0.2, gt=0, description="how long a batch waits to fill, seconds")
    client: dict[str, str] = Field({}, description="passed to librdkafka as it is: SASL, TLS, timeouts")


class Ingest(Section):
    """What may become a record."""

    readers: Annotated[Mapping[str, PluginSettings], _READERS] = Field(
        default_factory=_READERS.default, description="what reads messages: the first that accepts one"
    )
    max_bytes: int = Field(1_000_000, ge=1024, description="largest message, bytes; a larger one is a dead letter")


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
        if not _PLAIN_NAME.fullmatch(alias):
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


class Selection(Section):
    """Which samples are let in: what no check refuses and the policy chooses."""

    checks: Annotated[Mapping[str, PluginSettings], _CHECKS] = Field(
        default_factory=_CHECKS.default, description="what a sample is measured by, the cheapest first"
    )
    policy: Annotated[PluginSettings, _POLICY] = Field(
        default_factory=_POLICY.default, description="what chooses among the samples that no check refused"
    )
    exact_up_to: int = Field(
        50_000,
        ge=1000,
        description="accepted samples up to which the search for the nearest is exact; beyond, a query reads a few "
        "clusters of them, and may miss one in twenty",
    )
    control_share: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of the stream that is let in by lot, whatever checks and policy would say: the control arm, "
        "marked as `arm` in its decisions; 0 is none. What is wrong in it is trained on like the rest",
    )
    audit_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of what the proxy scores that the deployed model scores too, drawn by lot: the proxy audit; "
        "a scorer then loads the deployed model as well; 0 is none",
    )
    audit_min_correlation: float = Field(
        0.5,
        ge=-1,
        le=1,
        description="rank correlation of the two below which, with its whole interval, a scorer warns",
    )


class Rounds(Section):
    """When a round starts and what it is made of."""

    size: int = Field(1000, ge=10, description="accepted samples of a full round")
    triggers: Annotated[Mapping[str, PluginSettings], _TRIGGERS] = Field(
        default_factory=_TRIGGERS.default, description="what starts a round: whichever is due first"
    )
    planner: Annotated[PluginSettings, _PLANNER] = Field(
        default_factory=_PLANNER.default, description="what of the pool a round takes"
    )
    sources: Annotated[Mapping[str, PluginSettings], _SOURCES] = Field(
        default_factory=_SOURCES.default, description="what a round is trained on beside its own samples"
    )
    min_size: int = Field(32, ge=10, description="samples without which no time-based round starts")
    nightly: str = Field(
        "",
        description="cron expression (minute, hour, day, month, weekday; weekday 0 is Monday) of a nightly round; "
        "empty is none",
    )
    validation_share: float = Field(
        0.1, gt=0, lt=1, description="share of the samples held out in the round (paper: 9:1)"
    )
    cooldown_rounds: int = Field(
        3,
        ge=0,
        description="rounds with an outcome after one that was held or could not be trained, until what it was made of "
        "may be let in again",
    )
    seed: int = Field(0, description="with the round's content, the only source of randomness")


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
    learning_rate: float = Field(2e-4, gt=0, description="peak rate of AdamW for the deployed model's adapter")
    proxy_learning_rate: float = Field(2e-4, gt=0, description="peak rate for the proxy's adapter")
    epochs: int = Field(3, ge=1, description="passes over the round")
    batch_tokens: int = Field(4096, ge=64, description="padded tokens per micro-batch")
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

    @field_validator("methods")
    @classmethod
    def _once(cls, methods: list[PluginSettings]) -> list[PluginSettings]:
        """Their state and files are named by kind."""
        kinds = [kind_of(method) for method in methods]
        if len(set(kinds)) < len(kinds):
            raise ValueError(f"expected each kind once, found {', '.join(kinds)}")
        return methods


class Evaluation(Section):
    """The suites and the gate."""

    suites: dict[str, str] = Field(
        {},
        description="JSONL of questions or instruction rows by name: `domain` is what is to be learned (empty asks "
        "each round's own validation part), `general` what must not be forgotten (without it nothing is promoted, "
        "unless the criteria about it are switched off); any further name may be used by a criterion",
    )
    max_questions: int = Field(2000, ge=1, description="questions per suite, the first ones")
    max_new_tokens: int = Field(512, ge=1, description="tokens of a free answer; one that is cut there is faulty")
    metric: Annotated[PluginSettings, _METRIC] = Field(
        default_factory=_METRIC.default, description="what grades a free answer"
    )
    criteria: Annotated[Mapping[str, PluginSettings], _CRITERIA] = Field(
        default_factory=_CRITERIA.default, description="what a candidate must satisfy to be promoted, all of them"
    )
    baseline: int = Field(
        0, ge=0, description="number of the version from which a line is measured (`total_forgetting`); 0 is the base"
    )
    error_budget: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="chance of a wrong decision before the next true gain, half of it for promoting and half for "
        "holding; round k since the last promotion may spend 6/(pi^2 k^2) of it",
    )

    @field_validator("suites")
    @classmethod
    def _named(cls, suites: dict[str, str]) -> dict[str, str]:
        """The name of a suite is in events, labels and messages."""
        for name in suites:
            if not _PLAIN_NAME.fullmatch(name):
                raise ValueError(
                    "expected a plain name of a suite: 1 to 100 letters, digits, dots, dashes, underscores"
                )
        return {name: path for name, path in suites.items() if path}


class Store(Section):
    """Where adapters, manifests and index snapshots lie."""

    root: Path = Field(
        user_data_path("ccit") / "store", description="folder of the artifact store, shared by all processes"
    )
    snapshot_seconds: float = Field(
        300, ge=0, description="how often a scorer writes down what it knows, seconds; 0: only when it ends"
    )


class Metrics(Section):
    """Prometheus metrics of all processes over HTTP; the server has its own at `/metrics`."""

    port: int = Field(
        0,
        ge=0,
        le=65000,
        description="0 is off; ingest listens on `port`, train on `port` + 1, scorer n (`--instance n`, else 0) on "
        "`port` + 2 + n, clinical on `port` - 1, mllp on `port` - 2, generate on `port` - 3",
    )
    host: str = Field("127.0.0.1", description="address to listen on")


class Config(BaseSettings):
    """The whole configuration.

    >>> Config().rounds.size
    1000
    """

    model_config = SettingsConfigDict(
        env_prefix="CCIT_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
    )

    kafka: Kafka = Kafka()
    ingest: Ingest = Ingest()
    deidentify: Deidentify = Deidentify()
    clinical: Clinical = Clinical()
    mllp: Mllp = Mllp()
    generation: RowGeneration = RowGeneration()
    models: Models = Models()
    embedder: EmbedderSettings = EmbedderSettings()
    selection: Selection = Selection()
    rounds: Rounds = Rounds()
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    serving: Serving = Serving()
    store: Store = Store()
    metrics: Metrics = Metrics()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file: what the operator says last wins."""
        return env_settings, init_settings

    @model_validator(mode="after")
    def _agree(self) -> Config:
        """No limit takes back what another allows; a default gives way to what is written."""
        rounds = self.rounds
        if "min_size" in rounds.model_fields_set and rounds.min_size > rounds.size:
            raise ValueError(
                f"rounds.min_size = {rounds.min_size} is above rounds.size = {rounds.size}: a round that is due by "
                "time would wait for more samples than a full one; lower the one or raise the other"
            )
        length, ifd = (self.selection.checks.get(kind) for kind in ("length", "ifd"))
        if length is not None:
            limits = {
                "training.max_tokens": self.training.max_tokens,
                "evaluation.max_new_tokens": self.evaluation.max_new_tokens,
                "serving.max_new_tokens": self.serving.max_new_tokens,
            }
            if ifd is not None:
                limits["selection.checks.ifd.max_tokens"] = ifd.model_dump()["max_tokens"]
            own = length.model_dump()
            if (said := next(contradictions(Shortest(own["unit"], own["min"]), limits), None)) is not None:
                raise ValueError(said)
        return self

    def training_digest(self) -> str:
        """Digest over what shapes a round's result: rounds, training, models, evaluation, but for `_SHAPE_NOTHING`."""
        shaping = {"rounds", "training", "models", "evaluation"}
        return digest_of(self.model_dump(mode="json", include=shaping, exclude=_SHAPE_NOTHING))


def load_config(path: Path | None) -> Config:
    """Read a TOML file (or the defaults) and the environment.

    Raises
    ------
    ConfigError
        The file is missing, not TOML, or has a key that does not exist or a value that cannot be.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(
                f"expected a configuration file at {path}, but it cannot be read: {error.strerror}"
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not valid TOML: {error}") from error
    try:
        return Config(**values)
    except ValidationError as error:
        raise ConfigError(first_fault(error)) from None  # the cause quotes the values, secrets included
    except SettingsError as error:
        raise ConfigError(f"the environment (CCIT_*): {error}; see docs/configuration.md") from None


def cache_root() -> Path:
    """The user's cache folder for ccit (XDG): small models, Kafka's jars."""
    return user_cache_path("ccit")
