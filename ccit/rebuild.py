"""A version made again from its manifest, and compared with what was announced.

The manifest names samples, parent, base models, settings and seed, and the announcement the digest of every file. On
the machine and with the libraries that made the version the bytes are the same; elsewhere sums are taken in another
order, and the difference is measured instead (`ccit/training/comparison.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ccit.errors import ArtifactDamaged, CcitError, ModelUnusable, StorageFailed
from ccit.pipeline import material_of, train
from ccit.ports.rounds import Source
from ccit.ports.store import ArtifactStore
from ccit.ports.training import Progress, Trainer
from ccit.records import Artifact, Candidate, Material, OffsetRange, Pooled, Position, Round, Version, digest_of
from ccit.training.comparison import TensorDifference, weights_apart
from ccit.training.stamp import sizes_before


@dataclass(frozen=True, slots=True)
class Provenance:
    """How a version was made, as the topics tell.

    Parameters
    ----------
    candidate : Candidate
        As its round announced it: it says which micro-batches were used.
    pooled : Sequence[Pooled]
        At least the samples that the manifest names.
    """

    version: Version
    parent: Version
    planned: Round
    candidate: Candidate
    pooled: Sequence[Pooled]


@dataclass(frozen=True, slots=True)
class AdapterComparison:
    """One adapter, announced and made again.

    Parameters
    ----------
    announced, made : str
        The artifacts' uris: equal where every byte is.
    files : tuple[str, ...]
        Names of files that differ, or that one side lacks.
    weights : tuple[TensorDifference, ...]
        The weights that differ.
    unmeasured : str
        Why the weights could not be compared; empty where they were.
    earlier_sizes : tuple[int, ...]
        Tokens that micro-batches of the announced one's earlier steps may have had; those made here have the last size.
    """

    announced: str
    made: str
    files: tuple[str, ...] = ()
    weights: tuple[TensorDifference, ...] = ()
    unmeasured: str = ""
    earlier_sizes: tuple[int, ...] = ()

    @property
    def equal(self) -> bool:
        """Every byte of every file."""
        return self.announced == self.made

    @property
    def largest(self) -> float:
        """Largest absolute difference over all weights."""
        return max((weight.largest for weight in self.weights), default=0.0)

    def said(self) -> str:
        """What differs, as a part of a sentence; empty where nothing does."""
        if self.equal:
            return ""
        if not self.earlier_sizes:
            return self._measured()
        sizes = ", ".join(map(str, self.earlier_sizes))
        why = f"its micro-batches were made smaller on the way: steps before may have had {sizes} tokens"
        return f"{self._measured()}; {why}"

    def _measured(self) -> str:
        if self.unmeasured:
            return f"{', '.join(self.files)} differ, and by how much is not known: {self.unmeasured}"
        if not self.weights:
            return f"{', '.join(self.files)} differ, and no weight does"
        scale = max(weight.scale for weight in self.weights)
        return (
            f"numbers differ by up to {self.largest:.3g} in {len(self.weights)} of its weights (the largest number is "
            f"{scale:.3g})"
        )


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A version made again.

    Parameters
    ----------
    notes : tuple[str, ...]
        What is not as it was when the version was made, a sentence each.
    """

    version: int
    round_id: str
    adapters: Mapping[str, AdapterComparison]
    notes: tuple[str, ...]
    seconds: float

    @property
    def equal(self) -> bool:
        """Both adapters are, byte for byte."""
        return all(adapter.equal for adapter in self.adapters.values())


def changes(
    provenance: Provenance, config_digest: str, code_digest: str, batch_tokens: int | Literal["auto"]
) -> tuple[str, ...]:
    """What is not as it was when the version was made: reasons to expect other bytes.

    Parameters
    ----------
    batch_tokens : int | "auto"
        `training.batch_tokens` as it is set now; `auto` stands for whatever was used last: what was halved to it is in
        the adapter's stamp, and is said of the adapter that differs.
    """
    planned, found, used = provenance.planned, [], provenance.candidate.batch_tokens
    if planned.config_digest != config_digest:
        found.append("the settings of [rounds], [training], [models] or [evaluation] are not those that made it")
    elif batch_tokens != "auto" and used not in (0, batch_tokens):
        found.append(
            f"memory was short when it was made: its last micro-batches held {used} tokens instead of {batch_tokens}, "
            "and steps before that may have had larger ones"
        )
    if planned.code_digest != code_digest:
        found.append("it was made by another release of ccit, or with other plug-ins")
    return tuple(found)


def material(provenance: Provenance, sources: Mapping[str, Source]) -> Material:
    """The texts that the round was trained on.

    Raises
    ------
    CcitError
        A text is gone, or is not the one that was planned.
    """
    planned = provenance.planned
    if (unknown := sorted(kind for kind, ids in planned.parts.items() if ids and kind not in sources)) != []:
        raise CcitError(
            f"round {planned.round_id} has a part {unknown[0]!r}; select its source in [rounds.sources] again"
        )
    own = [pooled for pooled in provenance.pooled if _within(pooled.position, planned.ranges)]
    try:
        found = material_of(planned, own, sources, [pooled.sample for pooled in provenance.pooled])
    except KeyError as gone:
        raise CcitError(
            f"sample {gone} of round {planned.round_id} is gone: retention has deleted it, or a source's file has "
            "changed; it cannot be made again without it"
        ) from gone
    if digest_of(sorted(s.content_digest for s in (*found.training, *found.validation))) != planned.sample_digest:
        raise CcitError(f"the samples of round {planned.round_id} are not those that were planned; run `ccit verify`")
    return found


def rebuild(
    provenance: Provenance,
    found: Material,
    trainer: Trainer,
    made: ArtifactStore,
    kept: ArtifactStore,
    progress: Progress,
) -> dict[str, AdapterComparison]:
    """Train the version's round again, and compare each adapter with the announced one.

    An adapter that comes out the same is put into `kept`: a file that was missing or damaged there is whole again.

    Parameters
    ----------
    trainer : Trainer
        Writes to `made`, and knows nothing yet of this round.
    made, kept : ArtifactStore
        Of what is made here, and of what was announced.
    """
    if provenance.version.adapters is None:
        raise CcitError(f"version {provenance.version.number} is the base model, which no round has made")
    candidate = train(provenance.planned, found, provenance.parent, trainer, progress)
    announced, again = provenance.version.adapters, candidate.adapters
    pairs = {"deployed": (announced.deployed, again.deployed), "proxy": (announced.proxy, again.proxy)}
    return {role: _compare(before, after, made, kept) for role, (before, after) in pairs.items()}


def _compare(before: Artifact, after: Artifact, made: ArtifactStore, kept: ArtifactStore) -> AdapterComparison:
    files = made.read(after)
    if before.uri == after.uri:
        kept.put_files(files)
        return AdapterComparison(before.uri, after.uri)
    names = sorted({*before.files, *after.files})
    differing = tuple(name for name in names if before.files.get(name) != after.files.get(name))
    try:
        announced = kept.read(before)
        weights, earlier = weights_apart(announced, files), sizes_before(announced)
        return AdapterComparison(before.uri, after.uri, differing, weights, earlier_sizes=earlier)
    except (ArtifactDamaged, StorageFailed, ModelUnusable) as error:
        return AdapterComparison(before.uri, after.uri, differing, unmeasured=str(error))


def _within(position: Position, ranges: Sequence[OffsetRange]) -> bool:
    return any(r.partition == position.partition and r.start <= position.offset < r.end for r in ranges)
