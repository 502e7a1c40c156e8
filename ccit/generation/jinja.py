"""Prompts and templates as Jinja files, `NAME.vN.jinja` in a folder for each language.

They are rendered in Jinja's immutable sandbox: a file reaches no attribute that leads out of its values and changes
none of them. The values (a record's text, a model's reply) are never compiled, so `{{ ... }}` in a record is text. An
unknown name is an error, and so is one that a file asks for and nobody gives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any, Literal

from jinja2 import (
    ChainableUndefined,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateError,
    TemplateNotFound,
    meta,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ccit.errors import ConfigError
from ccit.generation.source import Language
from ccit.records import digest_of

TEXTS = Path(__file__).parent / "texts"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,60}\.v[1-9][0-9]{0,3}")
_SUFFIX = ".jinja"
_OF_A_ROW = ("instruction", "input", "output")


class JinjaFiles:
    """The files of one language; those of the first folder hide those of the next.

    Parameters
    ----------
    folders : Path
        The user's own first, if there are any.
    holes : bool
        Whether what a value does not have is nothing, and no error.

    Example
    -------
    >>> files = JinjaFiles(TEXTS / "prompts" / "en")
    >>> "summary.v1" in files.names(), len(files.digest("summary.v1"))
    (True, 64)
    """

    def __init__(self, *folders: Path, holes: bool = False) -> None:
        self._folders = [folder for folder in folders if folder.is_dir()]
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(self._folders),
            undefined=ChainableUndefined if holes else StrictUndefined,
            autoescape=False,  # texts, not HTML
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def names(self) -> list[str]:
        """Names with versions, without language."""
        found = {path.name.removesuffix(_SUFFIX) for folder in self._folders for path in folder.glob(f"*{_SUFFIX}")}
        return sorted(name for name in found if _NAME.fullmatch(name))

    def template(self, name: str) -> Template:
        """The compiled file. Raises `ConfigError`: there is none, or it is no Jinja."""
        if not _NAME.fullmatch(name):
            raise ConfigError(f"expected a name with its version, such as summary.v1, found {name[:80]!r}")
        try:
            return self._environment.get_template(f"{name}{_SUFFIX}")
        except TemplateNotFound as error:
            known = ", ".join(self.names())
            raise ConfigError(f"there is no {error.name} among the prompts and templates; there are {known}") from None
        except TemplateError as error:
            raise ConfigError(f"{name}{_SUFFIX} cannot be read as Jinja: {error}") from error

    def digest(self, name: str) -> str:
        """SHA-256 (hex) of the file and of all that it includes: what a version names does not change unseen."""
        return digest_of(self._sources(f"{name}{_SUFFIX}"))

    def asks_for(self, name: str, given: Set[str]) -> frozenset[str]:
        """The values that the file and what it includes ask for. Raises `ConfigError`: one is not `given`."""
        parsed = [self._environment.parse(source) for source in self._sources(f"{name}{_SUFFIX}").values()]
        asked: frozenset[str] = frozenset().union(*map(meta.find_undeclared_variables, parsed))
        if unknown := asked - given:
            file = self.template(name).filename
            raise ConfigError(f"{file} asks for {', '.join(sorted(unknown))}, which nobody gives it")
        return asked

    def _sources(self, file: str) -> dict[str, str]:
        if self._environment.loader is None:
            return {}
        found: dict[str, str] = {}
        waiting = [file]
        while waiting:
            now = waiting.pop()
            if now in found:
                continue
            found[now], _, _ = self._environment.loader.get_source(self._environment, now)
            waiting += [one for one in meta.find_referenced_templates(self._environment.parse(found[now])) if one]
        return found


def files_of(
    room: Literal["prompts", "templates"], language: Language, own: Path | None = None, *, holes: bool = False
) -> JinjaFiles:
    """The files of a language that come along, behind those of a folder of the user's with a folder for each language.

    >>> files_of("templates", "zh").template("medication.v1").name
    'medication.v1.jinja'
    """
    return JinjaFiles(*([own / language] if own else []), TEXTS / room / language, holes=holes)


def makes_row(template: Template) -> bool:
    """Whether a file has the three blocks of a row; one without is included by others."""
    return set(_OF_A_ROW) <= set(template.blocks)


def row_in(template: Template, values: Mapping[str, Any]) -> dict[str, str]:
    """`instruction`, `input` and `output` of a file, rendered; raises `ConfigError` as `block` does."""
    return {name: block(template, name, values) for name in _OF_A_ROW}


def block(template: Template, name: str, values: Mapping[str, Any]) -> str:
    """One block of a file, rendered, without blank lines at its ends.

    Raises
    ------
    ConfigError
        The file has no such block, or asks for what is not there.
    """
    if name not in template.blocks:
        raise ConfigError(f"{template.name}: expected a block {name!r}, found {', '.join(template.blocks) or 'none'}")
    try:
        return "".join(template.blocks[name](template.new_context(dict(values)))).strip()
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:  # of filters too
        raise ConfigError(
            f"{template.name}: the block {name!r} cannot be rendered: {error}"
        ) from None  # what led there may quote the record
