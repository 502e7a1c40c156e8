"""The project's source as the architecture tests see it: parsed, never imported."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_SCOPES = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Import:
    """One imported module, and whether it is only loaded when a function runs (`late`) or never (`typing`)."""

    module: str
    late: bool
    typing: bool


@dataclass(frozen=True)
class Source:
    """One module of `ccit` or `consumers`."""

    path: Path
    name: str
    text: str
    tree: ast.Module

    def __str__(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    def imports(self) -> tuple[Import, ...]:
        return _all_imports(self.tree)


@cache
def _all_imports(tree: ast.Module) -> tuple[Import, ...]:
    return tuple(_imports(tree, late=False, typing=False))


def _imports(node: ast.AST, *, late: bool, typing: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, late, typing) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (Import(f"{child.module}.{alias.name}", late, typing) for alias in child.names)
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            yield from _imports(child, late=late, typing=True)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(child, late=late or inside, typing=typing)


@cache
def sources() -> Mapping[str, Source]:
    """Every module of the two packages, by its dotted name."""
    found = {}
    for package in ("ccit", "consumers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            text = path.read_text(encoding="utf-8")
            found[name] = Source(path, name, text, ast.parse(text))
    return found


def top(module: str) -> str:
    """`torch` of `torch.nn.functional`."""
    return module.partition(".")[0]


def own(module: str) -> str | None:
    """The project's own module that an import names (`ccit.records` of `ccit.records.Sample`), None for others."""
    known = sources()
    return next((name for name in (module, module.rpartition(".")[0]) if name in known), None)


def loaded_by(names: Iterable[str]) -> set[str]:
    """Everything that importing these modules imports in turn, ours and others', functions not being called.

    Importing `a.b.c` also runs `a` and `a.b`.
    """
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if (source := sources().get(name)) is None:
            continue
        parent = [name.rpartition(".")[0]] if "." in name else []
        now = [found.module for found in source.imports() if not (found.late or found.typing)]
        waiting += parent + [own(module) or top(module) for module in now]
    return seen


def code_lines(source: Source) -> int:
    """Lines that are neither blank nor comment nor docstring."""
    documented: set[int] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, _SCOPES) and ast.get_docstring(node, clean=False) is not None:
            documented |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines = enumerate(source.text.splitlines(), start=1)
    return sum(bool(line.strip()) and not line.strip().startswith("#") and n not in documented for n, line in lines)
