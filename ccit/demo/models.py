"""The demo's pair of models, built or found in a process of its own: torch's memory goes back when it ends."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty

from ccit.errors import CcitError, ModelUnusable
from ccit.ports.training import Progress

_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class ModelFolders:
    """Folders of the two models (`ccit.models.tiny.TinyPair`, without the torch behind it)."""

    deployed: Path
    proxy: Path


def pair_of_models(cache: Path, seed: int, progress: Progress) -> ModelFolders:
    """`ccit.models.tiny.tiny_pair` in a child process. Raises `CcitError`, as `_in_a_child`."""
    return _in_a_child(_build, cache, seed, progress)


def real_pair(cache: Path, proxy_layers: int | None, progress: Progress) -> ModelFolders:
    """SmolLM2 as deployed model, and as proxy: itself, or a copy with fewer of its layers.

    Fetched and cut in a child process. Raises `CcitError`, as `_in_a_child`.
    """
    return _in_a_child(_fetch, cache, proxy_layers, progress)


def _in_a_child(make: Callable[..., None], cache: Path, how: int | None, progress: Progress) -> ModelFolders:
    """What `make(cache, how, said)` says on its queue: steps, then the pair.

    Raises
    ------
    CcitError
        What the child raised, or that it died.
    """
    context = multiprocessing.get_context("spawn")
    said: Queue[tuple[str, int, int] | ModelFolders | CcitError] = context.Queue()
    child = context.Process(target=make, args=(cache, how, said), name="models", daemon=True)
    child.start()
    while True:
        try:
            message = said.get(timeout=_LOOK_EVERY_S)
        except Empty:
            if child.is_alive():
                continue
            raise ModelUnusable(f"the models should be put into {cache}, but the process that does died") from None
        if isinstance(message, CcitError):
            raise message
        if isinstance(message, tuple):
            progress(*message)
        else:
            child.join()
            return message


def _build(cache: Path, seed: int, said: Queue[tuple[str, int, int] | ModelFolders | CcitError]) -> None:
    from ccit.models.tiny import tiny_pair

    try:
        built = tiny_pair(cache, seed, progress=lambda *step: said.put(step))
        said.put(ModelFolders(built.deployed, built.proxy))
    except CcitError as error:
        said.put(error)


def _fetch(cache: Path, proxy_layers: int | None, said: Queue[tuple[str, int, int] | ModelFolders | CcitError]) -> None:
    from ccit.models.fetching import fetch
    from ccit.models.fewer_layers import fewer_layers, layers_to_keep

    try:
        deployed = fetch("smollm2", cache, progress=lambda *step: said.put(step))
        if proxy_layers is None:
            said.put(ModelFolders(deployed, deployed))
        else:
            said.put(ModelFolders(deployed, fewer_layers(deployed, layers_to_keep(deployed, proxy_layers), cache)))
    except CcitError as error:
        said.put(error)
