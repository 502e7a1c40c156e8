"""What every table of the configuration has in common."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from ccit.config.section import Section


class Table(Section):
    share: float = 0.5


@pytest.mark.parametrize("value", [{"shares": 0.1}, {"share": math.nan}, {"share": math.inf}])
def test_an_unknown_key_or_a_number_that_is_none_is_refused(value: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Table.model_validate(value)


def test_it_stays_as_it_was_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Table().share = 0.1  # type: ignore[misc]  # that it cannot be set is what is tested
