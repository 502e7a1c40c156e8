"""LoRA rounds (Hu et al. 2021, arXiv 2106.09685): both adapters of a version, one after the other.

Files in `<workdir>/<round_id>/`, each named by a fingerprint of all that shapes the result (round, texts, parent
adapters, settings), so that a leftover of something else is never taken up:

1. `batch-<fingerprint>` says how many tokens a micro-batch has, where that was chosen here, and had before it was
   halved;
2. `deployed-<fingerprint>.checkpoint`, then `proxy-<fingerprint>.checkpoint`, while they are trained;
3. both adapters go to the artifact store;
4. `candidate-<fingerprint>.json` is written: from here on the round is finished, and asking again returns it;
5. the checkpoints are removed, and so are the folders of all but the newest rounds.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter

from ccit.config import Training
from ccit.errors import ArtifactDamaged, ModelUnusable
from ccit.failpoints import failpoint
from ccit.models.bases import BaseModels, Role
from ccit.models.batch_choice import BatchChoice
from ccit.models.causal import adapter_files, trainable
from ccit.models.encoding import encode
from ccit.models.faults import library_faults
from ccit.models.gradient_checkpointing import recompute_blocks
from ccit.models.packing import pack_rows
from ccit.models.targets import target_names
from ccit.plugins import build
from ccit.ports.store import ArtifactStore
from ccit.ports.training import Batcher, BatcherContext, Example, MethodContext, Progress
from ccit.records import AdapterPair, Artifact, Candidate, Material, Round, Spend, Version, digest_of
from ccit.store.atomic import remove_stale
from ccit.store.pruning import keep_newest
from ccit.store.sealed import read_sealed, write_sealed
from ccit.training.applied import AppliedMethods
from ccit.training.batch_record import BatchSizes, sizes_of
from ccit.training.checkpoint import Checkpoint
from ccit.training.loop import AdapterTraining, Losses
from ccit.training.stamp import STAMP_FILE, stamp_of
from ccit.training.steps import plan_steps, planned_tokens

_CANDIDATE = TypeAdapter(Candidate)
_ROUND_FOLDERS = "[0-9a-f]" * 16  # their names are round ids


class LoraTrainer:
    """`Trainer` in this process. Same round, material and parent: same bytes on the same machine.

    Parameters
    ----------
    bases : BaseModels
        Deployed model and proxy.
    store : ArtifactStore
        Holds the parent's adapters, takes the new ones.
    workdir : Path
        Folder of unfinished rounds; it may be deleted at any time between rounds.
    choice : BatchChoice | None
        The process's, where others ask it too.
    told : Callable | None
        Takes the tokens of a round's micro-batches before its first step, where `auto` chose them.
    """

    def __init__(
        self,
        settings: Training,
        bases: BaseModels,
        store: ArtifactStore,
        workdir: Path,
        choice: BatchChoice | None = None,
        told: Callable[[int], None] | None = None,
    ) -> None:
        self._settings = settings
        self._choice = choice or BatchChoice(settings, bases)
        self._bases = bases
        self._store = store
        self._workdir = workdir
        self._told = told

    @library_faults("training")
    def train(self, planned: Round, material: Material, parent: Version, progress: Progress) -> Candidate:
        """Train the round's two adapters, or take up where an earlier process was killed.

        `Candidate.training` counts tokens with padding, as computed by both models, however often it was resumed;
        `Candidate.seconds` is this process's share.

        Raises
        ------
        TrainingFailed
            The loss is not finite, or a library failed.
        MemoryExhausted
            The micro-batches are too large for the memory.
        ModelUnusable, ConfigError
            The models or the parent's adapters do not fit the round or the settings.
        ArtifactDamaged, StorageFailed
            The parent's adapters cannot be trusted, or the disk does not take the new ones.
        """
        self._check_bases(planned)
        folder = self._workdir / planned.round_id
        fingerprint = self._fingerprint(planned, material, parent)
        marker = folder / f"candidate-{fingerprint}.json"
        finished = self._finished(marker)
        if finished is not None:
            return finished
        if not material.learnable:
            raise ModelUnusable(f"round {planned.round_id} holds no sample to train on; plan it with at least one")
        start = time.monotonic()
        roles: tuple[Role, ...] = ("deployed", "proxy")
        adapted = self._adapted(roles)
        adapters: dict[Role, Artifact] = {}
        losses: dict[str, float] = {}
        spend = Spend()
        checkpoints = {role: Checkpoint(folder / f"{role}-{fingerprint}.checkpoint") for role in roles}
        sizes = self._sizes(folder / f"batch-{fingerprint}", checkpoints)
        for role in roles:
            files, role_losses, role_spend = self._train(
                role, planned, material, parent, sizes, checkpoints[role], progress
            )
            adapters[role] = self._store.put_files(files)
            losses |= {f"{role}_first": role_losses.first, f"{role}_last": role_losses.last}
            spend += role_spend
            failpoint("training.adapter_stored")
        candidate = Candidate(
            planned.round_id,
            AdapterPair(adapters["deployed"], adapters["proxy"]),
            self._settings.rank,
            adapted,
            losses,
            spend,
            time.monotonic() - start,
            self._settings.alpha,
            sizes.tokens,
        )
        write_sealed(marker, _CANDIDATE.dump_json(candidate))
        failpoint("training.finished")
        for checkpoint in checkpoints.values():
            checkpoint.remove()
        self._tidy()
        return candidate

    def _sizes(self, record: Path, checkpoints: Mapping[Role, Checkpoint]) -> BatchSizes:
        begun = [role for role, checkpoint in checkpoints.items() if checkpoint.exists]
        sizes = sizes_of(record, self._settings.batch_tokens, lambda: self._choice.tokens, begun)
        if self._told is not None and self._settings.batch_tokens == "auto":
            self._told(sizes.tokens)
        return sizes

    def _adapted(self, roles: Sequence[Role]) -> tuple[str, ...]:
        """The layers that the adapters change; raises `ConfigError` for a name that one of the models does not know."""
        asked = self._settings.target_modules
        bases = [self._bases.of(role) for role in roles]
        return tuple(sorted({name for base in bases for name in target_names(base.model, asked, base.name)}))

    def _tidy(self) -> None:
        """Keep the newest rounds' folders, this one's among them, and no file of a write that was killed long ago."""
        keep_newest(self._workdir.glob(_ROUND_FOLDERS))
        for folder in self._workdir.glob(_ROUND_FOLDERS):
            remove_stale(folder)

    def _train(
        self,
        role: Role,
        planned: Round,
        material: Material,
        parent: Version,
        sizes: BatchSizes,
        checkpoint: Checkpoint,
        progress: Progress,
    ) -> tuple[Mapping[str, bytes], Losses, Spend]:
        settings, base = self._settings, self._bases.of(role)
        seed = _seed(planned.seed, role)
        start = self._start(role, parent)
        view = trainable(
            base, settings.rank, settings.alpha, settings.dropout, settings.target_modules, seed, start=start
        )
        methods = AppliedMethods.made(settings.methods, MethodContext(role, seed, sizes.tokens), start or {})
        examples = methods.examples(
            [Example(s, part, encode(base.chat, s, settings.max_tokens)) for part, s in material.learnable_by_part]
        )
        lengths = [len(example.row.fed) for example in examples]
        batcher: Batcher = build("batcher", settings.batcher, BatcherContext(sizes.tokens))
        steps = plan_steps(
            lengths,
            settings.epochs,
            settings.batch_size,
            batcher,
            planned.seed,
            lambda order, epoch: methods.order(order, examples, epoch, settings.epochs),
        )
        rate = settings.learning_rate if role == "deployed" else settings.proxy_learning_rate
        if batcher.packs:
            pack_rows(view)
        if recomputed := self._choice.recomputes(role):
            recompute_blocks(view)
        training = AdapterTraining(view, examples, steps, methods, settings, rate, seed)
        losses = training.run(checkpoint, lambda done, total: progress(f"train {role}", done, total))
        tokens = planned_tokens(lengths, steps, packed=batcher.packs)
        files = {**adapter_files(view), **methods.files(), STAMP_FILE: stamp_of(view, settings, sizes, role)}
        spent = Spend.of_training(tokens, base.parameters) + methods.spent()
        if recomputed:
            spent += Spend(flops=Spend.of_reading(tokens, base.parameters).flops)
        return files, losses, spent

    def _start(self, role: Role, parent: Version) -> Mapping[str, bytes] | None:
        """The files of the adapter that training goes on from; None where it begins with fresh weights."""
        if parent.adapters is not None:
            return self._store.read(getattr(parent.adapters, role))
        imported = self._settings.start if role == "deployed" else ""
        return self._store.read(self._store.find(imported)) if imported else None

    def _check_bases(self, planned: Round) -> None:
        wanted = (planned.base_revision, planned.proxy_revision)
        found = (self._bases.deployed_revision, self._bases.proxy_revision)
        if wanted != found:
            raise ModelUnusable(
                f"round {planned.round_id} was planned for the base models {wanted[0][:19]} and {wanted[1][:19]}, but "
                f"models.deployed and models.proxy are {found[0][:19]} and {found[1][:19]} now; restore them"
            )

    def _finished(self, marker: Path) -> Candidate | None:
        """The candidate of an earlier process, if its adapters are still in the store, whole."""
        content = read_sealed(marker)
        if content is None:
            return None
        candidate = _CANDIDATE.validate_json(content)
        try:
            self._store.read(candidate.adapters.deployed)
            self._store.read(candidate.adapters.proxy)
        except ArtifactDamaged:
            return None
        return candidate

    def _fingerprint(self, planned: Round, material: Material, parent: Version) -> str:
        """Smaller micro-batches go on from the checkpoint of larger ones: each step sees the same samples."""
        texts = [s.content_digest for s in material.learnable]
        adapters = [parent.adapters.deployed.uri, parent.adapters.proxy.uri] if parent.adapters else []
        settings = self._settings.model_dump(
            mode="json", exclude={"batch_tokens", "gradient_checkpointing", "stall_seconds"}
        )
        return digest_of([planned.round_id, texts, adapters, settings])[:16]


def _seed(seed: int, role: Role) -> int:
    """63 bits per role, so that the two models' fresh weights are not drawn alike."""
    return int.from_bytes(hashlib.sha256(f"{seed}\0{role}".encode()).digest()[:8], "big") >> 1
