"""Reading the configuration from its file and from the environment."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_settings import SettingsError

from ccit.config.faults import first_fault
from ccit.config.whole import Config
from ccit.errors import ConfigError


def load_config(path: Path | None) -> Config:
    """Read a TOML file (or the defaults) and the environment.

    Raises
    ------
    ConfigError
        The file is missing, not TOML, or has a key that does not exist or a value that cannot be.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ConfigError(
                f"expected a configuration file at {path}, but it cannot be read: {error.strerror}"
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not valid TOML: {error}") from error
    try:
        return Config(**values)
    except ValidationError as error:
        raise ConfigError(first_fault(error)) from None  # the cause quotes the values, secrets included
    except SettingsError as error:
        raise ConfigError(f"the environment (CCIT_*): {error}; see docs/configuration.md") from None
