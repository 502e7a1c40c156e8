"""Tables of the configuration that select plug-ins; what they accept follows from the registry.

Three forms, by how many plug-ins of an extension point work together:

    one of      [selection.policy]      kind = "thresholds", then its keys
    each of     [rounds.triggers.age]   a table per kind; `age = true` takes its defaults, `age = false` leaves it out
    a list of   [[training.methods]]    kind = "replay", then its keys; applied in this order
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import GetCoreSchemaHandler, SerializerFunctionWrapHandler
from pydantic_core import core_schema

from ccit.plugins import ExtensionPoint, PluginSettings, kind_of, plugins

_Settings = TypeVar("_Settings", bound=PluginSettings)
_SWITCH = {"true": True, "false": False}  # as a variable of the environment writes it


@dataclass(frozen=True)
class OneOf:
    """Annotates a field that holds the settings of one plug-in, told apart by `kind`.

    Parameters
    ----------
    point : str
        The extension point.
    usual : str
        The kind without a table; empty in a list, which may be empty itself.
    without : tuple[str, ...]
        Kinds that cannot stand here: one that takes another into itself does not take its own.
    """

    point: str
    usual: str = ""
    without: tuple[str, ...] = ()

    def default(self) -> PluginSettings:
        """The usual kind with its own defaults."""
        return plugins(self.point)[self.usual].settings()

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        known = {
            kind: handler.generate_schema(found.settings)
            for kind, found in plugins(self.point).items()
            if kind not in self.without
        }
        return core_schema.tagged_union_schema(known, discriminator="kind")


@dataclass(frozen=True)
class EachOf:
    """Annotates a field that holds the settings of several plug-ins of one extension point, by kind.

    Parameters
    ----------
    point : str
        The extension point.
    usual : Sequence[str]
        The kinds that are there unless they are switched off.
    """

    point: str
    usual: tuple[str, ...]

    def default(self) -> Mapping[str, PluginSettings]:
        """The usual kinds with their own defaults."""
        return {kind: plugins(self.point)[kind].settings() for kind in sorted(self.usual)}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        fields = {
            kind: core_schema.typed_dict_field(handler.generate_schema(found.settings), required=False)
            for kind, found in plugins(self.point).items()
        }
        tables = core_schema.typed_dict_schema(fields, extra_behavior="forbid")
        written = core_schema.wrap_serializer_function_ser_schema(self._written, schema=tables)
        return core_schema.no_info_before_validator_function(self._switched, tables, serialization=written)

    def _written(self, value: Mapping[str, PluginSettings], handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What is switched off is said, or whoever reads it back would switch it on again."""
        tables: dict[str, Any] = handler(value)
        return tables | {kind: False for kind in self.usual if kind not in value}

    def _switched(self, value: Any) -> Any:
        """The tables that count: the usual ones are added, what is switched off is taken out."""
        if not isinstance(value, Mapping):
            return value
        tables: dict[str, Any] = dict.fromkeys(self.usual, True) | dict(value)
        switches = {
            kind: _SWITCH.get(table, table) if isinstance(table, str) else table for kind, table in tables.items()
        }
        return {kind: {} if table is True else table for kind, table in sorted(switches.items()) if table is not False}


def found(
    settings: Mapping[str, PluginSettings] | Sequence[PluginSettings], model: type[_Settings]
) -> _Settings | None:
    """The settings of one plug-in among those that are selected; None where it is not.

    >>> from ccit.triggers.age import AgeTrigger
    >>> found({}, AgeTrigger.Settings) is None
    True
    """
    chosen = settings.values() if isinstance(settings, Mapping) else settings
    return next((one for one in chosen if isinstance(one, model)), None)


def selected(tables: Mapping[str, PluginSettings]) -> list[PluginSettings]:
    """The settings of an `EachOf` field in the order of their kinds."""
    return sorted(tables.values(), key=kind_of)


def table_title(point: ExtensionPoint, kind: str) -> str:
    """How the table of one plug-in begins in a TOML file.

    >>> from ccit.plugins import POINTS
    >>> table_title(POINTS["trigger"], "age"), table_title(POINTS["policy"], "random")
    ('[rounds.triggers.age]', '[selection.policy] kind = "random"')
    """
    titles = {
        "one": f'[{point.table}] kind = "{kind}"',
        "each": f"[{point.table}.{kind}]",
        "list": f'[[{point.table}]] kind = "{kind}"',
    }
    return titles[point.how]
