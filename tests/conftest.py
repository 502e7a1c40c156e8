"""For all tests."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Generator

import pytest
from hypothesis import settings

# One thread for each process, those that a test starts included: several share the cores (`make test`), and a thread
# that waits for another of its kind by spinning takes a core from them. Before anything imports torch.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

# How long an example takes says something about the machine, and about imports that the first one pays for.
settings.register_profile("ccit", deadline=None)
if settings.get_current_profile_name() == "default":
    settings.load_profile("ccit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take minutes begin first, so that no worker is at one of them when the others are done."""
    items.sort(key=lambda item: "integration" not in item.path.parts)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """While all modules are loaded nothing is thrown away that the garbage collector could find."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """What is loaded by now stays: half a million objects that no pass of the garbage collector need look at again.

    A server that starts makes such a pass, which took 0.7 s each time. Thawed at the end, so that libraries find their
    objects collected.
    """
    gc.collect()
    gc.freeze()
    atexit.register(gc.unfreeze)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown() -> None:
    """What trains lets its process repeat bits, for good; here other tests come after it, which must not hang on it."""
    if (torch := sys.modules.get("torch")) is not None:
        torch.use_deterministic_algorithms(False)
