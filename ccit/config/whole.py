"""The whole configuration: every section, what holds between them, and what of them shapes a round."""

from __future__ import annotations

from pydantic import model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from ccit.config.clinical import Clinical, Deidentify, Mllp
from ccit.config.drift import DriftWatch
from ccit.config.evaluation import Evaluation
from ccit.config.generation import RowGeneration
from ccit.config.ingest import Ingest
from ccit.config.kafka import Kafka
from ccit.config.limits import Shortest, contradictions
from ccit.config.metrics import Metrics
from ccit.config.models import EmbedderSettings, Models
from ccit.config.rounds import Rounds
from ccit.config.selection import Selection
from ccit.config.serving import Serving
from ccit.config.storage import Store
from ccit.config.training import Training
from ccit.records import digest_of

# What a round's result does not depend on: when it starts (the manifest holds what was in the pool then), what may come
# in after it, how fast it runs, and where the models lie (the manifest names them, with their revisions).
_SHAPE_NOTHING: dict[str, set[str]] = {
    "rounds": {"triggers", "min_size", "nightly", "cooldown_rounds"},
    "training": {"stall_seconds", "gradient_checkpointing"},
    "models": {"threads", "deployed", "proxy"},
}


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
    drift: DriftWatch = DriftWatch()
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
