"""Whether training can go on from a version: a round starts from its parent's adapters, and cannot reshape them."""

from __future__ import annotations

from ccit.config import Training
from ccit.records import Version


def misfit(incumbent: Version, settings: Training) -> str:
    """Why no round can start from a version, in one sentence; empty where it can.

    Compared are the rank, the scale and the adapted layers, as the version says them. The base model fits any. Which
    layers `all-linear` stands for, the model alone knows: that is compared when training begins.

    Example
    -------
    >>> base = Version("ccit", 0, None, "", "", "", "", "", None, 0, (), None, {}, (), "", "")
    >>> misfit(base, Training(rank=8))
    ''
    """
    if incumbent.adapters is None:
        return ""
    wanted: dict[str, object] = {"rank": settings.rank, "alpha": settings.alpha}
    if not isinstance(settings.target_modules, str):
        wanted["target_modules"] = sorted(settings.target_modules)
    found = {
        "rank": incumbent.rank,
        "alpha": incumbent.alpha,
        "target_modules": sorted(incumbent.target_modules),
    }
    differing = [key for key in wanted if wanted[key] != found[key]]
    if not differing:
        return ""
    return (
        f"version {incumbent.number} cannot be trained on: "
        + " and ".join(f"it has {key} {_said(found[key])}, training.{key} is {_said(wanted[key])}" for key in differing)
        + "; set back what was changed and start `ccit train` again, or begin anew from the base model: "
        "`ccit rollback --to 0`"
    )


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else f"{value:g}"
