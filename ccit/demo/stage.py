"""Everything the demo needs on disk before it starts: models, general data, suites, the configuration."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import tomli_w

from ccit.config import Config, cache_root, load_config
from ccit.demo.models import ModelFolders, pair_of_models, real_pair
from ccit.errors import ConfigError
from ccit.ports.training import Progress
from ccit.records import DOMAIN, GENERAL, Question
from ccit.simulation.corpus import general_rows
from ccit.simulation.suites import general_suite, held_out_suite
from ccit.store.atomic import write_atomically
from ccit.store.private import make_directory

MARKER = ".ccit-demo"
"""File that says that a folder is a demo's; no configuration is, for `ccit.toml` is copied to where real data lies."""

_SAID = b"`ccit demo` has made this folder. When it starts here again it deletes kafka/, store/ and hospital/.\n"
_CLEARED = ("kafka", "store", "hospital")
_WRITTEN = ("ccit.toml", *_CLEARED, "data", "logs", "texts", "summary.json", "report.html")

GENERAL_ROWS = 1200  # several rounds' worth, so that the 1:1 mix does not repeat itself


@dataclass(frozen=True, slots=True)
class Stage:
    """Where things are."""

    out: Path
    config_path: Path
    config: Config


def clear_stage(out: Path) -> None:
    """Make `out` the demo's: mark it, and drop what an earlier demo left in it.

    The topics of its Kafka would be read as this one's, and rounds and answers kept in its store would not be computed,
    nor counted, again; and what a hospital kept of its people would be found beside what this one names.

    Raises
    ------
    ConfigError
        No demo has marked the folder, and something lies there that this one would delete or write over: perhaps the
        data of an installation. Nothing is touched.
    """
    marker = out / MARKER
    if marker.is_file():
        for name in _CLEARED:
            shutil.rmtree(out / name, ignore_errors=True)
    elif there := [name for name in _WRITTEN if (out / name).exists()]:
        raise ConfigError(
            f"expected an empty folder or an earlier `ccit demo`'s (with {MARKER} in it), found {there[0]} in {out}: "
            "choose another --out, or remove the folder if nothing in it is needed"
        )
    else:
        write_atomically(marker, _SAID)


@dataclass(frozen=True, slots=True)
class Ingredients:
    """The models, their profile, and what is asked of them; `questions` None asks about the simulated hospital."""

    pair: ModelFolders
    profiles: tuple[str, ...] = ("profile.toml",)
    questions: Sequence[Question] | None = None


def small_ingredients(progress: Progress) -> Ingredients:
    """The small pair, built or found."""
    return Ingredients(pair_of_models(cache_root() / "models", seed=0, progress=progress))


def real_ingredients(proxy_layers: int | None, questions: Sequence[Question] | None, progress: Progress) -> Ingredients:
    """SmolLM2, fetched or found."""
    pair = real_pair(cache_root() / "models", proxy_layers, progress)
    return Ingredients(pair, ("profile.toml", "real.toml"), questions)


def set_stage(out: Path, seed: int, ingredients: Ingredients, overrides: Mapping[str, Mapping[str, Any]]) -> Stage:
    """Write the demo's files below `out`, and the configuration that names them and the models.

    Parameters
    ----------
    overrides : Mapping[str, Mapping[str, Any]]
        Section -> key -> value, over the profiles.
    """
    pair, data = ingredients.pair, out / "data"
    make_directory(data)
    write_jsonl(data / "general.jsonl", general_rows(GENERAL_ROWS, seed))
    held_out = map(_question, held_out_suite(seed)) if ingredients.questions is None else ingredients.questions
    write_jsonl(data / "held-out.jsonl", map(asdict, held_out))
    write_jsonl(data / "general-suite.jsonl", (asdict(_question(q)) for q in general_suite(seed)))
    profile: dict[str, Any] = {}
    for name in ingredients.profiles:
        profile = merged(profile, tomllib.loads(files("ccit.demo").joinpath(name).read_text(encoding="utf-8")))
    placed: dict[str, dict[str, Any]] = {
        "models": {"deployed": str(pair.deployed), "proxy": str(pair.proxy)},
        "rounds": {"sources": {"general": {"file": str(data / "general.jsonl")}}, "seed": seed},
        "evaluation": {
            "suites": {DOMAIN: str(data / "held-out.jsonl"), GENERAL: str(data / "general-suite.jsonl")},
        },
        "store": {"root": str(out / "store")},
    }
    config_path = out / "ccit.toml"
    write_atomically(config_path, tomli_w.dumps(merged(merged(profile, placed), overrides)).encode())
    return Stage(out, config_path, load_config(config_path))


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object per line."""
    write_atomically(path, b"".join(orjson.dumps(row) + b"\n" for row in rows))


def merged(tables: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Nested tables key by key; what `extra` says counts. A table of another `kind` replaces the one that was there.

    >>> merged({"rounds": {"size": 9, "seed": 1}}, {"rounds": {"seed": 2}})
    {'rounds': {'size': 9, 'seed': 2}}
    >>> merged({"policy": {"kind": "random", "share": 0.5}}, {"policy": {"kind": "accept_all"}})
    {'policy': {'kind': 'accept_all'}}
    """
    return {**tables, **{key: _over(tables.get(key), value) for key, value in extra.items()}}


def _over(below: Any, value: Any) -> Any:
    if not (isinstance(below, Mapping) and isinstance(value, Mapping)):
        return value
    return merged(below if value.get("kind", below.get("kind")) == below.get("kind") else {}, value)


def _question(simulated: Any) -> Question:
    return Question(
        simulated.question_id, simulated.group, simulated.prompt, simulated.answer, tuple(simulated.choices)
    )
