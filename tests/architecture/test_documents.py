"""What the pages say is true of the code: commands, files, keys, topics, events, schemas."""

from __future__ import annotations

import hashlib
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import orjson
import pytest

from ccit import events
from ccit.cli.main import COMMANDS, cli
from ccit.config import Config, load_config
from ccit.events import NAMES, schema_of
from ccit.records import DEAD_LETTER_REASONS
from ccit.selection.reasons import ACCEPTED, all_reasons
from consumers.kafka.topics import Topics
from tests.architecture.source import ROOT, sources

_GENERATED = "docs/configuration.md"
_WRITTEN = sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))
# With its plug-ins, by `tests/integration/test_extending.py`; as an experiment, by `tests/unit/experiment/test_run.py`.
_TRIED_ELSEWHERE = {"docs/extending.md", "docs/experiments.md"}
PAGES = ("README.md", "CHANGELOG.md", *(name for name in _WRITTEN if name != _GENERATED))


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows_after(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    lines = text.partition(f"## {heading}\n")[2].splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("|---"))
    table = []
    for line in lines[start + 1 :]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table


def code_of(text: str) -> list[str]:
    """Lines of code blocks, and what stands in backticks."""
    blocks = text.split("```")
    spans = [span for prose in blocks[::2] for span in re.findall(r"`([^`]+)`", prose)]
    return spans + [line.strip() for block in blocks[1::2] for line in block.splitlines()]


@pytest.mark.parametrize("name", PAGES)
def test_every_command_on_a_page_exists(name: str) -> None:
    said = [re.match(r"(?:\.venv/bin/)?ccit ([a-z][a-z-]*)", code) for code in code_of(page(name))]
    assert {found[1] for found in said if found} <= set(COMMANDS)


def test_every_command_is_documented() -> None:
    told = " ".join(page(name) for name in PAGES)
    unnamed = [name for name in COMMANDS if f"ccit {name}" not in told and name != "config"]
    assert unnamed == []


def test_every_make_target_on_a_page_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", page("Makefile"), re.MULTILINE))
    said = [re.match(r"make ([a-z-]+)", code) for name in PAGES for code in code_of(page(name))]
    assert {"demo", "test"} <= {found[1] for found in said if found} <= targets


@cache
def options() -> dict[str, set[str]]:
    """Command, subcommand included -> its options; those of `ccit` itself under the empty name."""

    def walk(name: str, command: click.Command) -> Iterator[tuple[str, set[str]]]:
        yield name, {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
        if isinstance(command, click.Group):
            context = click.Context(command)
            for inner in command.list_commands(context):
                found = command.get_command(context, inner)
                assert found is not None
                yield from walk(f"{name} {inner}".strip(), found)

    return dict(walk("", cli))


@pytest.mark.parametrize("name", PAGES)
def test_every_option_on_a_page_is_one_of_its_command(name: str) -> None:
    for code in code_of(page(name)):
        said = re.match(r"(?:\.venv/bin/)?ccit ([a-z-]+)( [a-z-]+)?(?: |$)", code)
        if said is None:
            continue
        command = said[1] + (said[2] or "")
        takes = options()[command if command in options() else said[1]] | options()[""]
        example = re.split(r"  | #", code)[0]  # what it does may stand behind it
        assert set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", example)) <= takes, f"{name}: {code}"


@cache
def known_keys() -> set[str]:
    """Tables and keys of the configuration by their full names, from the page that is generated of it."""
    found: set[str] = set()
    table = ""
    for line in page(_GENERATED).splitlines():
        if heading := re.match(r"##+ \[+([\w.]+)\]", line):
            table = heading[1]
            found.add(table)
        elif row := re.match(r"\| `(\w+)` \|", line):
            found.add(f"{table}.{row[1]}")
    return found


@pytest.mark.parametrize("name", PAGES)
def test_every_key_and_table_on_a_page_exists(name: str) -> None:
    """`[a.b]`, `a.b.c` and `a.b = value`, where `a` is a table; the suites have the names that a person gives them."""
    text = page(name)
    tables = re.findall(r"`\[+([a-z][a-z0-9_.]*)\]+", text)
    named = re.findall(r"`([a-z]+(?:\.[a-z0-9_]+)+)(?: = [^`]*)?`", text)
    keys = {key for key in tables + named if key.partition(".")[0] in Config.model_fields}
    assert {key for key in keys - known_keys() if not key.startswith("evaluation.suites.")} == set()


@pytest.mark.parametrize("name", [name for name in PAGES if name not in _TRIED_ELSEWHERE])
def test_every_table_that_a_page_shows_is_a_configuration(name: str, tmp_path: Path) -> None:
    for shown in re.findall(r"```toml\n(.*?)```", page(name), re.DOTALL):
        (tmp_path / "ccit.toml").write_text(shown)
        load_config(tmp_path / "ccit.toml")


@pytest.mark.parametrize("name", PAGES)
def test_every_metric_and_header_on_a_page_exists(name: str) -> None:
    """In the code they stand whole, or without the prefix and the unit that all have in common."""
    code = " ".join(source.text for source in sources().values())
    for said in set(re.findall(r"`(ccit_[a-z_]+)", page(name))):
        stem = re.sub(r"_(?:total|seconds)$", "", said)
        forms = (said, stem, said.removeprefix("ccit_"), stem.removeprefix("ccit_"))
        assert any(f'"{form}"' in code for form in forms), f"{name}: {said}"


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name: str) -> None:
    made_by_the_demo = {"docs/report.png"}  # the picture of a real run
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page(name)):
        path = ((ROOT / name).parent / target).resolve()
        assert path.exists() or path.relative_to(ROOT).as_posix() in made_by_the_demo, target


@pytest.mark.parametrize("name", [*PAGES, "deploy/compose.yaml", "deploy/production.toml", "deploy/local.toml"])
def test_every_file_that_is_named_exists(name: str) -> None:
    """Repository paths only: `runs/` and such are made by the user."""
    for path in re.findall(r"(?<![\w./-])(?:deploy|docs|schemas|ccit|consumers|tests)/[\w./-]+\.\w+", page(name)):
        assert (ROOT / path).exists() or path == "docs/report.png", f"{name} names {path}"


def test_the_tree_names_every_file_and_folder_of_the_packages() -> None:
    tree = page("README.md").partition("## Where things are")[2]
    for package in ("ccit", "consumers"):
        for path in sorted((ROOT / package).iterdir()):
            if path.suffix == ".py" and not path.name.startswith("__"):
                assert path.name in tree, path
            elif path.is_dir() and not path.name.startswith("__"):
                assert f"  {path.name}/" in tree, path
    for named in re.findall(r"^  ([a-z_]+(?:\.py|/)) ", tree, re.MULTILINE):
        assert any((ROOT / package / named).exists() for package in ("ccit", "consumers")), named


def test_the_configuration_page_is_generated() -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "CCIT_"))}
    made = subprocess.run(
        [sys.executable, "-m", "ccit.cli.main", "config", "--markdown"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd=ROOT,
    )
    assert page("docs/configuration.md") == made.stdout, "run `make docs`"


@pytest.mark.parametrize("profile", sorted(path.name for path in (ROOT / "deploy").glob("*.toml")))
def test_every_profile_is_a_configuration(profile: str) -> None:
    load_config(ROOT / "deploy" / profile)


def test_the_table_of_topics_is_the_codes() -> None:
    kept = {-1: "for ever"}
    expected = [
        [
            f"`{topic.name}`",
            str(topic.partitions),
            topic.policy,
            "for ever" if topic.policy == "compact" else kept.get(topic.retention_ms, _days(topic.retention_ms)),
        ]
        for topic in Topics(prefix="")
    ]
    assert [row[:4] for row in rows_after(page("docs/operations.md"), "Topics")] == expected


def _days(milliseconds: int) -> str:
    return f"{milliseconds // (24 * 60 * 60 * 1000)} days"


def test_every_reason_is_explained() -> None:
    """Those of plug-ins with their tables of settings, which are generated."""
    told, operations = page("docs/concepts.md") + page("docs/configuration.md"), page("docs/operations.md")
    missing = [r for r in all_reasons(origin="ccit") if r != ACCEPTED and f"`{r}`" not in told]
    assert missing == [], "run `make docs`, which writes what a plug-in declares into docs/configuration.md"
    assert [r for r in DEAD_LETTER_REASONS if f"`{r}`" not in operations] == []


def test_the_headers_of_a_dead_letter_are_documented() -> None:
    from consumers import dead_letters

    assert [name for name in dead_letters._OWN if f"`{name}`" not in page("docs/operations.md")] == []


# -- events: class, schema and row, one to one --


def test_every_event_class_has_one_name() -> None:
    classes = {
        cls
        for _, cls in inspect.getmembers(events, inspect.isclass)
        if cls.__module__ == events.__name__ and cls.__doc__
    }
    assert set(NAMES.values()) == classes
    assert len(set(NAMES.values())) == len(NAMES)


def test_every_name_is_its_class_in_kebab_case_with_a_version() -> None:
    for name, cls in NAMES.items():
        kebab = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
        assert re.fullmatch(rf"{kebab}\.v[1-9][0-9]*", name)


def test_schemas_and_rows_are_those_of_the_classes() -> None:
    assert {path.stem for path in (ROOT / "schemas").iterdir()} == set(NAMES)
    rows = rows_after(page("docs/events.md").replace("# Events", "## Events", 1), "Events")
    assert [(row[0], row[1]) for row in rows] == [
        (f"[`{name}`](../schemas/{name}.json)", f"`{cls.__name__}`") for name, cls in NAMES.items()
    ]
    topics = {topic.name for topic in Topics(prefix="")}
    assert {row[2].strip("`") for row in rows} <= topics


@pytest.mark.parametrize("name", NAMES)
def test_the_published_schema_is_what_the_class_says(name: str) -> None:
    """A class that changes needs a new version: the published file stays as it is."""
    published = Path(ROOT / "schemas" / f"{name}.json").read_bytes()
    assert orjson.loads(published) == schema_of(name)


def test_published_schemas_are_frozen() -> None:
    """From 0.1.0 on a schema file is never edited: a change is a new `.v2`, whose digest is added here by

    `sha256sum schemas/*.json > tests/architecture/schemas.sha256`.
    """
    listed = (ROOT / "tests" / "architecture" / "schemas.sha256").read_text("utf-8").splitlines()
    frozen = {name: digest for digest, _, name in (line.partition("  ") for line in listed)}
    found = {f"schemas/{p.name}": hashlib.sha256(p.read_bytes()).hexdigest() for p in (ROOT / "schemas").iterdir()}
    assert found == frozen
