"""Where transformers shall look for a model: a folder, a commit on the hub, or the hub's cache on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ccit.errors import ModelUnusable


def where(path: str, revision: str = "") -> dict[str, Any]:
    """Arguments for `from_pretrained`; a folder is never looked up anywhere else.

    Raises
    ------
    ModelUnusable
        A path with nothing there, or a model that the hub does not know or does not show to this user.

    Example
    -------
    >>> where(".")
    {'local_files_only': True}
    """
    if Path(path).exists():
        return {"local_files_only": True}
    if path.count("/") > 1 or path.startswith((".", "/", "~")):
        raise ModelUnusable(f"expected a model folder at {path}, but nothing is there; give a folder or a hub id")
    commit = hub_commit(path, revision)
    return {"revision": commit} if commit else {"revision": revision or "main", "local_files_only": True}


def hub_commit(name: str, revision: str) -> str:
    """The commit that a hub's revision stands for; empty when no hub answers, so that only the cache can help.

    One request, no retries: a download without a net retries for most of a minute before it says so.
    """
    if len(revision) == 40 and set(revision) <= set("0123456789abcdef"):
        return revision
    import huggingface_hub.errors  # slow to import, and not needed for a folder

    errors: Any = huggingface_hub.errors  # its HTTPError (of whichever client it uses) is not declared as exported

    try:
        info = huggingface_hub.HfApi().model_info(name, revision=revision or None, timeout=10)
    except (errors.HfHubHTTPError, errors.HFValidationError) as error:
        raise ModelUnusable(f"{name} is neither a folder here nor on the hub: {str(error).splitlines()[0]}") from error
    except (OSError, errors.HTTPError):
        return ""
    return info.sha or ""
