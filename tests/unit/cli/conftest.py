"""A command sets up its process for life: levels of loggers, environment, umask. Here others come after it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from unittest.mock import patch

import pytest


@pytest.fixture(autouse=True)
def levels_as_they_were() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in (None, "ccit", "httpx")]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


@pytest.fixture(autouse=True)
def environment_and_umask_as_they_were() -> Iterator[None]:
    before = os.umask(0o022)
    os.umask(before)
    with patch.dict(os.environ):
        yield
    os.umask(before)
