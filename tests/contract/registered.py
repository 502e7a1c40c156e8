"""Every registered plug-in of an extension point, for the contract suites: none can be forgotten."""

from __future__ import annotations

from typing import Any

import pytest

from ccit.plugins import Plugin, plugins


def each(point: str, **more: Any) -> pytest.MarkDecorator:
    """Parametrise a test over all plug-ins of a point, as argument `entry`."""
    return pytest.mark.parametrize("entry", plugins(point).values(), ids=list(plugins(point)))


def made(entry: Plugin, context: object) -> Any:
    """With the defaults of its settings."""
    return entry.cls(entry.settings(), context)
