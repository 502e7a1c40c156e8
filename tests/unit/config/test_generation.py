"""The settings of `ccit generate`."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from ccit.config import Config
from ccit.config.generation import RowGeneration
from ccit.generation.prompts import load_prompts


def test_it_is_off_until_the_table_is_there_and_asks_nobody_until_a_model_is_named() -> None:
    assert "generation" not in Config().model_fields_set
    assert RowGeneration().model == ""
    assert RowGeneration().train_on_reasoning is False


def test_all_prompts_that_are_named_by_default_are_there() -> None:
    assert len(load_prompts(RowGeneration().prompts)["zh"]) == 6


@pytest.mark.parametrize("prompts", [["summary"], ["../x.v1"], ["summary.v0"], ["plan.v1", "plan.v1"]])
def test_a_prompt_is_named_once_with_its_version(prompts: list[str]) -> None:
    with pytest.raises(ValidationError, match="prompts"):
        RowGeneration(prompts=prompts)


def test_a_longest_record_below_the_shortest_is_refused() -> None:
    with pytest.raises(ValidationError, match="no record"):
        RowGeneration(min_record=500, max_record=400)


def test_answers_lie_in_the_store_unless_told_otherwise() -> None:
    assert RowGeneration().answers_folder(Path("s")) == Path("s", "generation")
    assert RowGeneration(answers="elsewhere").answers_folder(Path("s")) == Path("elsewhere")
