"""Writes the lowest versions that pyproject.toml declares, as constraints for pip: `make test-lowest` installs them."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

_DECLARED = re.compile(r"(?P<name>[A-Za-z0-9._-]+)\s*(?:>=|==)\s*(?P<version>[0-9][0-9A-Za-z.]*)")


def lowest(dependencies: list[str]) -> list[str]:
    """One `name==version` for each dependency; each must state its lowest version.

    >>> lowest(["torch>=2.11", "apscheduler>=3.11,<4"])
    ['torch==2.11', 'apscheduler==3.11']
    """
    pins = []
    for dependency in dependencies:
        found = _DECLARED.match(dependency)
        if found is None:
            raise SystemExit(f"pyproject.toml: {dependency!r} states no lowest version; write {dependency}>=VERSION")
        pins.append(f"{found['name']}=={found['version']}")
    return pins


if __name__ == "__main__":
    project = tomllib.loads(Path(__file__).parent.with_name("pyproject.toml").read_text("utf-8"))["project"]
    sys.stdout.write("\n".join(lowest(project["dependencies"])) + "\n")
