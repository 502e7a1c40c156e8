"""What holds for every registered plug-in, whatever its extension point."""

from __future__ import annotations

import doctest
import inspect
import pickle
import sys

import pytest

from ccit.plugins import POINTS, Plugin, plugins

ALL = [found for point in POINTS for found in plugins(point).values()]
every = pytest.mark.parametrize("entry", ALL, ids=[f"{entry.point} {entry.kind}" for entry in ALL])


@every
def test_its_docstring_begins_with_a_sentence_and_has_an_example_that_runs(entry: Plugin) -> None:
    assert entry.summary.endswith(".")
    found = doctest.DocTestFinder(recurse=False).find(entry.cls, globs=vars(sys.modules[entry.cls.__module__]).copy())
    examples = [test for test in found if test.examples]
    assert examples, f"{entry.cls.__name__} has no example"
    for test in examples:
        assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test).failed == 0


@every
def test_its_settings_have_defaults_and_say_what_each_key_means(entry: Plugin) -> None:
    made = entry.settings()
    assert entry.settings.model_validate(made.model_dump()) == made
    assert pickle.loads(pickle.dumps(made)) == made
    keys = {key: field for key, field in entry.settings.model_fields.items() if key != "kind"}
    assert [key for key, field in keys.items() if not field.description] == []
    assert inspect.getdoc(entry.settings) != inspect.getdoc(entry.settings.__mro__[1]), "its Settings need a docstring"


@every
def test_it_is_made_from_its_settings_and_the_context_of_its_point(entry: Plugin) -> None:
    assert list(inspect.signature(entry.cls).parameters) == ["settings", "context"]
