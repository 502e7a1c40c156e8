"""Every setting, with its unit, default and reason: read from one TOML file, overridden by `CCIT_*` variables.

`CCIT_KAFKA__BOOTSTRAP_SERVERS=...` overrides `kafka.bootstrap_servers`. An unknown key is an error that names it.
The defaults are the paper's (arXiv 2503.15924) for real models; `ccit/demo/profile.toml` is the demo's profile.
`docs/configuration.md` is generated from this room (`ccit config --markdown`): a file for each table, or for a few that
belong together.
"""

from __future__ import annotations

from ccit.config.clinical import Clinical, Deidentify, Mllp
from ccit.config.drift import DriftWatch
from ccit.config.evaluation import Evaluation
from ccit.config.generation import RowGeneration
from ccit.config.ingest import Ingest
from ccit.config.kafka import EMBEDDED, Kafka
from ccit.config.loading import load_config
from ccit.config.metrics import Metrics
from ccit.config.models import EmbedderSettings, Models
from ccit.config.rounds import Rounds
from ccit.config.selection import Selection
from ccit.config.serving import Serving
from ccit.config.storage import Store, cache_root
from ccit.config.training import Training
from ccit.config.whole import Config

__all__ = [
    "EMBEDDED",
    "Clinical",
    "Config",
    "Deidentify",
    "DriftWatch",
    "EmbedderSettings",
    "Evaluation",
    "Ingest",
    "Kafka",
    "Metrics",
    "Mllp",
    "Models",
    "Rounds",
    "RowGeneration",
    "Selection",
    "Serving",
    "Store",
    "Training",
    "cache_root",
    "load_config",
]
