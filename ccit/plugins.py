"""The extension points, and the one registry of what fills them: one idea is one file.

A plug-in is a class with a `Settings` model. The decorator puts it into the registry, and `kind = "name"` in the
configuration selects it:

    @plugin("trigger")
    class SizeTrigger:
        \"\"\"Due when the pool holds `size` samples.\"\"\"

        class Settings(PluginSettings):
            kind: Literal["size"] = "size"
            size: int = Field(1000, ge=10, description="accepted samples that start a round")

        def __init__(self, settings: Settings, context: TriggerContext) -> None: ...

ccit's own plug-ins lie in the folder of their extension point, and each module there is loaded when that point is first
asked about. Other packages name their modules as entry points of the group `ccit.plugins`. A plug-in's module is loaded
with the configuration, by every process, so it imports no model library at its top: what needs torch imports it inside
the method that does.

Configuration, `ccit config`, `docs/configuration.md`, `ccit plugins`, the assembly, the contract suites and the
report's words read this registry; nothing else has a list of plug-ins.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import pkgutil
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict

from ccit.errors import ConfigError

logger = logging.getLogger("ccit.plugins")

GROUP = "ccit.plugins"
_KIND = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_Class = TypeVar("_Class", bound=type)


class PluginSettings(BaseModel):
    """What a plug-in can be told. A subclass gives `kind` as a `Literal` with its value as the default."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)  # no bound holds against NaN


@dataclass(frozen=True, slots=True)
class ExtensionPoint:
    """A place of the system that plug-ins fill.

    Parameters
    ----------
    name : str
        What the decorator takes.
    package : str
        The folder of ccit's own plug-ins, as a module name.
    table : str
        The table of the configuration that selects plug-ins.
    how : str
        How many work together: `one`, `each` (any number, a table per kind), `list` (in the order of the list).
    says : str
        What a plug-in of it does, in a few words.
    """

    name: str
    package: str
    table: str
    how: Literal["one", "each", "list"]
    says: str


_ALL = (
    ExtensionPoint("check", "ccit.selection.checks", "selection.checks", "each", "scores a sample, and may refuse it"),
    ExtensionPoint("policy", "ccit.selection.policies", "selection.policy", "one", "chooses among what passed"),
    ExtensionPoint("detector", "ccit.drift.detectors", "drift.detectors", "each", "finds a change in what is let in"),
    ExtensionPoint("trigger", "ccit.triggers", "rounds.triggers", "each", "says when a round starts"),
    ExtensionPoint("planner", "ccit.training.planners", "rounds.planner", "one", "chooses what of the pool to take"),
    ExtensionPoint("source", "ccit.training.sources", "rounds.sources", "each", "picks a named part of a round"),
    ExtensionPoint("method", "ccit.training.methods", "training.methods", "list", "changes how a round is trained"),
    ExtensionPoint("batcher", "ccit.training.batchers", "training.batcher", "one", "puts samples into micro-batches"),
    ExtensionPoint("criterion", "ccit.evaluation.criteria", "evaluation.criteria", "each", "judges a candidate"),
    ExtensionPoint("metric", "ccit.evaluation.metrics", "evaluation.metric", "one", "grades a free answer"),
    ExtensionPoint(
        "recogniser", "ccit.deidentify.recognisers", "deidentify.recognisers", "each", "finds identifiers in a text"
    ),
    ExtensionPoint("reader", "ccit.ingest.readers", "ingest.readers", "each", "turns a message into records"),
    ExtensionPoint(
        "clinical_reader", "ccit.ingest.clinical", "clinical.readers", "each", "finds clinical documents in a message"
    ),
    ExtensionPoint("backend", "ccit.serving.backends", "serving.backend", "one", "runs the versions that are served"),
)
POINTS: Mapping[str, ExtensionPoint] = MappingProxyType({point.name: point for point in _ALL})


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry of the registry: a class that fills an extension point under the name `kind`."""

    point: str
    kind: str
    cls: type
    origin: str  # `ccit`, or the distribution that brought it, with its version

    @property
    def settings(self) -> type[PluginSettings]:
        """The model of its table in the configuration."""
        found: type[PluginSettings] = self.cls.Settings  # type: ignore[attr-defined]  # `_plugin_of` has looked
        return found

    @property
    def metric(self) -> str:
        """What a check measures: a class attribute, since it is asked for before the check is made."""
        return str(inspect.getattr_static(self.cls, "metric"))

    @property
    def summary(self) -> str:
        """The first sentence of its docstring."""
        return " ".join((inspect.getdoc(self.cls) or "").partition("\n\n")[0].split())


_registry: dict[str, dict[str, Plugin]] = {name: {} for name in POINTS}
_broken: dict[str, str] = {}  # entry point -> why it could not be loaded


def plugin(point: str) -> Callable[[_Class], _Class]:
    """Register a class as a plug-in of an extension point.

    Raises
    ------
    ConfigError
        There is no such point; the class has no `Settings` with a `kind`, no docstring, or a `kind` or a reason that is
        taken.
    """

    def register(cls: _Class) -> _Class:
        entry = _plugin_of(point, cls)
        earlier = _registry[point].get(entry.kind)
        if earlier is not None and _name(earlier.cls) != _name(cls):
            raise ConfigError(
                f"the {point} {entry.kind!r} is there twice: {_name(earlier.cls)} and {_name(cls)}; rename one of them"
            )
        _require_own_reasons(entry)
        _registry[point][entry.kind] = entry
        return cls

    return register


def plugins(point: str) -> Mapping[str, Plugin]:
    """All plug-ins of an extension point by kind, in alphabetical order.

    >>> "size" in plugins("trigger")
    True
    """
    _load(point)
    _load_entry_points()
    return MappingProxyType(dict(sorted(_registry[point].items())))


def broken() -> Mapping[str, str]:
    """Entry points that could not be loaded, each with the reason."""
    _load_entry_points()
    return MappingProxyType(dict(_broken))


def foreign_sources() -> dict[str, bytes]:
    """The source of each module outside ccit that has registered a plug-in, by its name, in alphabetical order."""
    classes = {entry.cls for point in POINTS for entry in plugins(point).values() if entry.origin != "ccit"}
    return {
        name: Path(inspect.getfile(cls)).read_bytes()
        for name, cls in sorted({cls.__module__: cls for cls in classes}.items())
    }


def build(point: str, settings: PluginSettings, context: object) -> Any:
    """The plug-in that these settings select.

    Parameters
    ----------
    settings : PluginSettings
        Its `kind` names the class.
    context : object
        What the extension point offers to all its plug-ins; see `docs/extending.md`.
    """
    return plugins(point)[kind_of(settings)].cls(settings, context)


def kind_of(settings: PluginSettings) -> str:
    """The `kind` that the settings belong to."""
    return str(settings.kind)  # type: ignore[attr-defined]  # every registered model has one: see `_plugin_of`


def _plugin_of(point: str, cls: type) -> Plugin:
    if point not in POINTS:
        raise ConfigError(f"{_name(cls)}: expected an extension point ({', '.join(POINTS)}), found {point!r}")
    settings = getattr(cls, "Settings", None)
    if not (isinstance(settings, type) and issubclass(settings, PluginSettings)):
        raise ConfigError(f"{_name(cls)}: expected a class `Settings` inside it, a subclass of PluginSettings")
    field = settings.model_fields.get("kind")
    named = get_args(field.annotation) if field is not None else ()
    if field is None or named != (field.default,) or not _KIND.fullmatch(str(field.default)):
        raise ConfigError(
            f'{_name(cls)}: expected `kind: Literal["name"] = "name"` in its Settings, in lower case with underscores'
        )
    if not (cls.__doc__ or "").strip():
        raise ConfigError(f"{_name(cls)}: expected a docstring whose first sentence says what it does")
    return Plugin(point, str(field.default), cls, _origin_of(cls.__module__))


def _require_own_reasons(entry: Plugin) -> None:
    """A reason has one owner: the report has one label for it, and a decision tells who gave it by the same word."""
    for other in (other for known in _registry.values() for other in known.values() if other.kind != entry.kind):
        shared = set(getattr(entry.cls, "reasons", ())) & set(getattr(other.cls, "reasons", ()))
        if shared:
            raise ConfigError(
                f"{_name(entry.cls)}: the reason {min(shared)!r} is that of the {other.point} {other.kind!r} already; "
                f"begin it with the own name, as in '{entry.kind}_{min(shared)}'"
            )


def _origin_of(module: str) -> str:
    """`ccit`, or the distribution whose entry point loads this module."""
    if module.partition(".")[0] == "ccit":
        return "ccit"
    for point in entry_points(group=GROUP):
        if module.partition(".")[0] == point.module.partition(".")[0] and point.dist is not None:
            return f"{point.dist.name} {point.dist.version}"
    return module


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


@cache
def _load(point: str) -> None:
    """Import every module in the folder of an extension point."""
    package = importlib.import_module(POINTS[point].package)
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)


@cache
def _load_entry_points() -> None:
    """Import what other packages bring. One that fails is named in the log, and takes nobody else down with it."""
    for point in entry_points(group=GROUP):
        if (why := _failure(point)) is not None:
            source = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
            _broken[f"{point.name} ({source})"] = why
            logger.warning("the plug-ins of %s cannot be loaded: %s; mend or uninstall that package", source, why)


def _failure(point: EntryPoint) -> str | None:
    try:
        point.load()
    except (ImportError, AttributeError, TypeError, ValueError, NameError, SyntaxError, ConfigError) as error:
        return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
    return None
