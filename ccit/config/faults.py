"""What is wrong with a configuration, as one sentence: which key, what was expected, what came, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from ccit.plugins import POINTS, broken, plugins

_SECRET = ("serving.token", "kafka.client")  # their values are quoted in no error
_POINT_OF = {point.table: point.name for point in POINTS.values()}

# Keys of the flat configuration before 0.1.0, and where their meaning is now.
MOVED: Mapping[str, str] = {
    "rounds.max_age_seconds": "rounds.triggers.age.max_seconds",
    "rounds.general_ratio": "rounds.sources.general.ratio",
    "rounds.general_file": "rounds.sources.general.file",
    "rounds.replay_ratio": "rounds.sources.replay.ratio",
    "selection.rule": "selection.policy.kind",
    "selection.random_share": "selection.policy.share",
    "selection.languages": "selection.checks.language.languages",
    "selection.length_unit": "selection.checks.length.unit",
    "selection.min_length": "selection.checks.length.min",
    "selection.max_length": "selection.checks.length.max",
    "selection.max_similarity": "selection.checks.novelty.max_similarity",
    "selection.min_diversity": "selection.checks.diversity.min",
    "selection.min_ifd": "selection.checks.ifd.min",
    "selection.max_ifd": "selection.checks.ifd.max",
    "selection.max_tokens": "selection.checks.ifd.max_tokens",
    "selection.batch_tokens": "selection.checks.ifd.batch_tokens",
    "evaluation.domain_suite": "evaluation.suites.domain",
    "evaluation.general_suite": "evaluation.suites.general",
    "evaluation.min_gain_points": "evaluation.criteria.gain.min_points",
    "evaluation.max_forgetting_points": "evaluation.criteria.forgetting.max_points",
    "evaluation.max_fault_points": "evaluation.criteria.faults.max_points",
}


def first_fault(error: ValidationError) -> str:
    """The first thing wrong. Of a whole table, an unknown key or a secret, the value is not quoted."""
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    key = ".".join(path) or "configuration"
    said = _moved(key) or _unknown_kind(path, first) or _unknown_key(path, first)
    if said is None:
        secret = key.startswith(_SECRET) or first["type"] == "extra_forbidden"
        hidden = secret or not isinstance(first["input"], str | int | float)
        what = first["msg"].removeprefix("Value error, ")
        said = f"{key}: {what}" + ("" if hidden else f" (found {first['input']!r})")
    return f"{said}; see docs/configuration.md"


def _moved(key: str) -> str | None:
    """Where an old key is now."""
    return f"{key}: this key is now {MOVED[key]}" if key in MOVED else None


def _unknown_kind(path: list[str], first: Any) -> str | None:
    """What kinds there are, and the nearest, where none of that name is registered."""
    if first["type"] == "extra_forbidden" and (point := _POINT_OF.get(".".join(path[:-1]))) is not None:
        return _kinds(".".join(path[:-1]), point, path[-1])
    table = ".".join(part for part in path if not part.isdigit())
    if first["type"] == "union_tag_invalid" and table in _POINT_OF:
        return _kinds(table, _POINT_OF[table], str(first["ctx"]["tag"]))
    if first["type"] == "union_tag_not_found" and table in _POINT_OF:
        return f"{table}: expected `kind`, one of {', '.join(plugins(_POINT_OF[table]))}, found none"
    return None


def _unknown_key(path: list[str], first: Any) -> str | None:
    """What keys a plug-in's table takes, and the nearest."""
    if first["type"] != "extra_forbidden" or (point := _POINT_OF.get(".".join(path[:-2]))) is None:
        return None
    model = plugins(point)[path[-2]].settings
    known = [key for key in model.model_fields if key != "kind"]
    takes = f"takes {', '.join(known)}{_nearest(path[-1], known)}" if known else "takes no keys"
    return f"{'.'.join(path)}: there is no such key; the {point} {path[-2]!r} {takes}"


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else ""


def _kinds(table: str, point: str, name: str) -> str:
    known = list(plugins(point))
    hint = _nearest(name, known)
    lost = f" ({', '.join(broken())} could not be loaded: `ccit plugins` says why)" if broken() else ""
    return f"{table}: expected a {point} of the kinds {', '.join(known)}, found {name[:80]!r}{hint}{lost}"
