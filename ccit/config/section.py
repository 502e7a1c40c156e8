"""What every table of the configuration has in common."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict

PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
"""Of an alias or a suite: it is in keys, in file names, in URLs and in events."""


class Section(BaseModel):
    """A table of the configuration: unknown keys are refused, and it stays as it was read.

    >>> class Store(Section):
    ...     root: str = "store"
    >>> Store(root="elsewhere").root
    'elsewhere'
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)  # no bound holds against NaN
