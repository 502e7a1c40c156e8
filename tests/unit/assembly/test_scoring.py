from __future__ import annotations

from pathlib import Path

import pytest

from ccit.assembly.scoring import drift_monitor, proxy_audit, scoring
from ccit.config import Config
from ccit.errors import ConfigError, ModelUnusable
from ccit.records import Decision
from ccit.testing import FixedProxy, random_model
from tests.nouns import sample


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Two tiny models, and a policy that asks only the proxy."""
    return Config(
        models={
            "deployed": str(random_model(tmp_path / "deployed", seed=1)),
            "proxy": str(random_model(tmp_path / "p")),
        },
        store={"root": tmp_path / "store"},
        selection={"checks": {"ifd": {"min": 0, "max": 9}}, "audit_share": 1.0},
    )


def test_the_deployed_model_is_asked_and_paid_for(config: Config) -> None:
    parts = scoring(config, audited=True)
    decided = Decision(sample(), True, "accepted", parts.proxy.score([sample()])[0][:1])
    before = parts.spent.tokens
    (asked,) = parts.audit.asked([decided])
    proxy, deployed = asked.scores
    assert " proxy=" in proxy.scorer
    assert " deployed=" in deployed.scorer
    assert proxy.value != pytest.approx(deployed.value, rel=1e-6), "two models, two numbers"
    assert parts.spent.tokens > before


def test_the_deployed_model_is_not_loaded_where_nobody_audits(config: Config, tmp_path: Path) -> None:
    """A file is assessed without it, and so is a stream without a share."""
    (tmp_path / "deployed" / "model.safetensors").write_bytes(b"no weights")
    decided = Decision(sample(), True, "accepted", scoring(config).proxy.score([sample()])[0])
    assert scoring(config).audit.asked([decided]) == [decided]
    with pytest.raises(ModelUnusable):
        scoring(config, audited=True)


def test_an_audit_of_a_proxy_that_scores_nothing_is_an_error(config: Config) -> None:
    with pytest.raises(ConfigError, match="no check has it score anything"):
        proxy_audit(config, {}, lambda *_: FixedProxy())


def test_what_watches_for_drift_is_stamped_with_its_settings() -> None:
    """A snapshot of other detectors is none of ours."""

    def stamp(**detectors: object) -> str:
        return drift_monitor(Config.model_validate({"drift": {"detectors": detectors}})).stamp

    assert stamp() == ""
    assert len({stamp(adwin={}), stamp(adwin={"delta": 0.5}), stamp(kswin={}), ""}) == 4
    assert stamp(adwin={}) == stamp(adwin=True)
