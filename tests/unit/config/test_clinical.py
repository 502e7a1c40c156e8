"""The settings of the hospital's door."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ccit.config import Clinical, Deidentify


def test_every_recogniser_is_on_and_identities_go_by_safe_harbor_unless_told_otherwise() -> None:
    settings = Deidentify()
    assert settings.mode == "safe_harbor"
    assert {"dates", "known_names", "phones"} <= set(settings.recognisers)


@pytest.mark.parametrize("region", ["us", "USA", "U"])
def test_a_region_that_is_no_country_code_is_refused(region: str) -> None:
    with pytest.raises(ValidationError, match="regions"):
        Deidentify(regions=[region])


def test_a_limit_above_what_the_topic_takes_is_refused() -> None:
    with pytest.raises(ValidationError, match="max_bytes"):
        Clinical(max_bytes=20_000_000)
