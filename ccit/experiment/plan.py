"""The file of an experiment: a stream, what all cells share, and the axes of the grid; everything is checked first.

seeds = [0, 1, 2]                                # each is a stream, suites and a draw of everything

[stream]                                         # `HospitalStream` or `RowsStream`
noise = 0.3

[config.rounds]                                  # the configuration of every cell
size = 100000

[axes]
"training.rank" = [8, 16]                        # a key of the configuration (or of `stream`) and its values

[axes.policy]                                    # or points with names, each some tables of the configuration
all = { selection.policy.kind = "accept_all" }
lot = { selection.policy = { kind = "random", share = 0.33 } }
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from itertools import combinations, product
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError
from pydantic_settings import SettingsError

from ccit.assembly.scoring import selector
from ccit.config import Config
from ccit.config.faults import first_fault
from ccit.config.section import Section
from ccit.demo.stage import merged
from ccit.errors import ConfigError
from ccit.evaluation.gate import gate_of
from ccit.experiment.placed import PLACED, placed_in, without_placed
from ccit.experiment.streams import RowsStream, Stream
from ccit.records import DOMAIN, GENERAL, digest_of

SEED = "seed"
_STREAM = "stream"
_PAGE = "see docs/experiments.md"
_STREAMS: TypeAdapter[Stream] = TypeAdapter(Annotated[Stream, Field(discriminator="kind")])

Tables = Mapping[str, Any]


class Plan(Section):
    """What an experiment's file holds."""

    seeds: list[int] = Field([0], min_length=1, description="each is a stream, suites and a draw of its own")
    stream: dict[str, Any] = Field({}, description="what is learned from")
    base: Path | None = Field(
        None, description="configuration under that of every cell; without it the demo's profile with its small models"
    )
    round_per_period: bool = Field(
        True, description="train what waits when a period ends, beside the rounds that triggers start"
    )
    config: dict[str, Any] = Field({}, description="tables of the configuration that all cells share")
    axes: dict[str, list[Any] | dict[str, dict[str, Any]]] = Field({}, description="what differs between cells")


@dataclass(frozen=True)
class Cell:
    """One cell of the grid: where it lies on each axis, and everything that its result depends on.

    Parameters
    ----------
    point : Mapping[str, str]
        Axis -> label, the seed last.
    tables : Mapping[str, Any]
        The whole configuration but for what lies in the cell's own folder, as written.
    settings : Mapping[str, Any]
        The same with every default and with what the environment says when the plan is read.
    """

    point: Mapping[str, str]
    seed: int
    stream: Stream
    tables: Tables
    settings: Tables
    round_per_period: bool

    @cached_property
    def cell_id(self) -> str:
        """Digest of everything that the result depends on, but for the code."""
        shape = self.stream.model_dump(mode="json")
        if isinstance(self.stream, RowsStream):
            shape["files"] = [hashlib.sha256(path.read_bytes()).hexdigest() for path in self.stream.files]
        return digest_of([self.seed, shape, self.settings, self.round_per_period])[:16]

    @property
    def name(self) -> str:
        """For a person.

        >>> Cell({"policy": "lot", "seed": "0"}, 0, RowsStream(files=["a.jsonl"]), {}, {}, True).name
        'policy lot, seed 0'
        """
        return ", ".join(f"{axis} {label}" for axis, label in self.point.items())


def read_plan(path: Path) -> list[Cell]:
    """The cells of a file in the order of the grid: the last axis, the seed, moves fastest.

    Raises
    ------
    ConfigError
        The file cannot be read, a key does not exist, a value cannot be, or two axes set one key; the message says
        which in one sentence.
    """
    plan = _plan(path)
    if plan.config.get("rounds", {}).get(SEED) is not None:
        raise ConfigError(f"{path}: expected `seeds = [...]` instead of config.rounds.seed; {_PAGE}")
    axes = {name: _points(name, axis, path) for name, axis in plan.axes.items()}
    axes[SEED] = {str(seed): {"rounds": {SEED: seed}} for seed in plan.seeds}
    _refuse_overlaps(axes, path)
    _refuse_placed([plan.config, *(tables for points in axes.values() for tables in points.values())], path)
    below = _below(plan.base, path.parent)
    chosen: Iterator[Sequence[str]] = product(*axes.values())
    cells = [_cell(dict(zip(axes, labels, strict=True)), axes, below, plan, path) for labels in chosen]
    twice = [(a.name, b.name) for a, b in combinations(cells, 2) if a.cell_id == b.cell_id]
    if twice:
        raise ConfigError(f"{path}: two cells are the same, {twice[0][0]} and {twice[0][1]}; {_PAGE}")
    return cells


def _plan(path: Path) -> Plan:
    try:
        return Plan.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"expected an experiment at {path}, but it cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    except ValidationError as error:
        raise ConfigError(f"{path}: {_fault(error)}; {_PAGE}") from None


def _points(name: str, axis: list[Any] | dict[str, dict[str, Any]], path: Path) -> dict[str, Tables]:
    """Label -> the tables that a point of the axis sets."""
    if name == SEED:
        raise ConfigError(f"{path}: expected `seeds = [...]` instead of an axis {SEED!r}; {_PAGE}")
    points: dict[str, Tables]
    if isinstance(axis, dict):
        points = dict(axis)
    elif "." not in name:
        raise ConfigError(
            f"{path}: axes.{name} is a list, so its name must be a key with its section, as in training.rank; {_PAGE}"
        )
    else:
        points = {label_of(value): _nested(name.split("."), value) for value in axis}
    if len(points) < max(1, len(axis)):
        raise ConfigError(f"{path}: expected different values on the axis {name!r}, found {len(axis)} values; {_PAGE}")
    return points


def label_of(value: Any) -> str:
    """What a value of an axis is called.

    >>> label_of(0.5), label_of({"kind": "random", "share": 0.33}), label_of([{"kind": "ewc"}, {"kind": "ema"}])
    ('0.5', 'random share=0.33', 'ewc + ema')
    """
    if isinstance(value, Mapping):
        rest = [f"{key}={label_of(own)}" for key, own in value.items() if key != "kind"]
        return " ".join([*([str(value["kind"])] if "kind" in value else []), *rest])
    if isinstance(value, list):
        return " + ".join(map(label_of, value)) or "none"
    return str(value)


def _nested(keys: Sequence[str], value: Any) -> dict[str, Any]:
    return {keys[0]: value if len(keys) == 1 else _nested(keys[1:], value)}


def _leaves(tables: Tables, prefix: str = "") -> Iterator[str]:
    for key, value in tables.items():
        if isinstance(value, Mapping) and value and "kind" not in value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _refuse_overlaps(axes: Mapping[str, Mapping[str, Tables]], path: Path) -> None:
    """Neither another axis nor the environment may take back what an axis sets."""
    keys = {name: {leaf for tables in points.values() for leaf in _leaves(tables)} for name, points in axes.items()}
    for (one, own), (other, others) in combinations(keys.items(), 2):
        for key in sorted(own):
            if any(_one_key(key, its) for its in others):
                raise ConfigError(f"{path}: the axes {one!r} and {other!r} both set {key}; {_PAGE}")
    for name, key in _variables():
        for axis, own in keys.items():
            if any(_one_key(key, its) for its in own):
                raise ConfigError(f"{path}: the axis {axis!r} and the variable {name} both set {key}; unset it")


def _refuse_placed(written: Iterable[Tables], path: Path) -> None:
    """Where a cell's own store, suites and general rows lie is no choice of the file or the environment."""
    for tables in written:
        if (key := placed_in(tables)) is not None:
            raise ConfigError(f"{path}: {key} is set, but every cell makes its own; leave it out; {_PAGE}")
    for name, key in _variables():
        if (own := next((its for its in PLACED if _one_key(key, its)), None)) is not None:
            raise ConfigError(f"{path}: the variable {name} sets {own}, but every cell makes its own; unset it")


def _variables() -> Iterator[tuple[str, str]]:
    """The variables that set the configuration, each with its key; one without `__` is a whole section as JSON."""
    for name in sorted(os.environ):
        if name.upper().startswith("CCIT_"):
            yield name, name[len("CCIT_") :].lower().replace("__", ".")


def _one_key(one: str, other: str) -> bool:
    """Whether they are the same key or one is a table around the other."""
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")


def _below(base: Path | None, folder: Path) -> Tables:
    """The tables under those of the file: the demo's profile, or a configuration of the user's own."""
    if base is None:
        return tomllib.loads(files("ccit.demo").joinpath("profile.toml").read_text(encoding="utf-8"))
    try:
        return tomllib.loads((folder / base).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"expected a configuration at {folder / base}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{folder / base} is not valid TOML: {error}") from error


def _cell(
    point: Mapping[str, str], axes: Mapping[str, Mapping[str, Tables]], below: Tables, plan: Plan, path: Path
) -> Cell:
    tables = merged(merged(without_placed(below), plan.config), {_STREAM: plan.stream})
    for axis, label in point.items():
        tables = merged(tables, axes[axis][label])
    seed = tables["rounds"][SEED]
    shape = tables.pop(_STREAM)
    where = f"{path}, {', '.join(f'{axis} {label}' for axis, label in point.items())}"
    try:
        stream = _STREAMS.validate_python({"kind": "hospital", **shape})
    except ValidationError as error:
        raise ConfigError(f"{where}: stream.{_fault(error)}; {_PAGE}") from None
    if isinstance(stream, RowsStream):
        stream = stream.model_copy(update={"files": [_existing(path.parent / file, where) for file in stream.files]})
    return Cell(point, seed, stream, tables, _settings(tables, where), plan.round_per_period)


def _existing(file: Path, where: str) -> Path:
    if not file.is_file():
        raise ConfigError(f"{where}: expected a file of rows at {file}, and there is none; {_PAGE}")
    return file


def _settings(tables: Tables, where: str) -> Tables:
    """Resolve all keys, and make what can be made without a model: what is wrong is found before anything runs."""
    suites = {"evaluation": {"suites": dict.fromkeys((DOMAIN, GENERAL), "made for each cell")}}
    try:
        config = Config(**merged(suites, tables))
        selector(config)
        gate_of(config.evaluation)
    except ValidationError as error:
        raise ConfigError(f"{where}: {first_fault(error)}") from None
    except SettingsError as error:
        raise ConfigError(f"{where}: the environment (CCIT_*): {error}; see docs/configuration.md") from None
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error
    return without_placed(config.model_dump(mode="json"))


def _fault(error: ValidationError) -> str:
    """The first thing wrong: which key, what was expected, what came."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"] if part not in ("hospital", "rows")) or "the table"
    said = first["msg"].removeprefix("Value error, ")
    shown = isinstance(first["input"], str | int | float) and first["type"] != "extra_forbidden"
    return f"{key}: {said}" + (f" (found {first['input']!r})" if shown else "")
