"""A command sets the levels of the loggers, for the life of its process; here others come after it."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def levels_as_they_were() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in (None, "ccit", "httpx")]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)
