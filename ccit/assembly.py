"""From a Config to running parts: the only file that names concrete classes together.

Heavy libraries are imported inside the functions that need them, so that a process pays for its own parts alone: the
trainer's parent and `ingest` never load torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from ccit.config import Config
from ccit.deidentify.deidentifier import Deidentifier
from ccit.deidentify.documents import DocumentCleaner
from ccit.deidentify.keys import read_key
from ccit.deidentify.safe_harbor import SafeHarbor
from ccit.deidentify.shifted import Shifted
from ccit.deidentify.surrogates import KeyedSurrogates, SurrogateTable
from ccit.errors import ConfigError
from ccit.evaluation.gate import gate_of
from ccit.evaluation.judging import Judging
from ccit.evaluation.suites import load_suites
from ccit.events import SampleAdmitted
from ccit.fates import Fates
from ccit.ingest.files import samples_of
from ccit.lineage import Lineage
from ccit.models.revision import revision_of
from ccit.pipeline import Recipe
from ccit.plugin_tables import selected
from ccit.plugins import build, foreign_sources, plugins
from ccit.ports.clinical import ClinicalContext, ClinicalReader
from ccit.ports.deidentify import RecogniserContext
from ccit.ports.evaluation import Evaluator
from ccit.ports.ingest import Reader, ReaderContext
from ccit.ports.rounds import PlannerContext, SourceContext, Trigger, TriggerContext
from ccit.ports.selection import Check, CheckContext, EvidenceCheck, NeighbourCheck, PolicyContext, ProxyScorer, Scorer
from ccit.ports.serving import BackendContext
from ccit.ports.store import ArtifactStore
from ccit.ports.training import Trainer
from ccit.ports.vectors import Embedder
from ccit.records import Spend, Version
from ccit.scoring.languages import primary
from ccit.scoring.spaces import LOOKED_UP, SAMPLE, dimension_of, vectors_in
from ccit.selection.admission import Admission, Selector
from ccit.selection.admitted import AdmittedSamples, Vector
from ccit.store.files import FileStore
from ccit.training.continuity import misfit
from ccit.triggers.any_of import AnyOf
from ccit.vectors import decode_vector

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from ccit.replay import Loop
    from ccit.serving.readiness import Readiness
    from ccit.serving.slots import Slots


@cache
def code_digest() -> str:
    """SHA-256 over ccit's own source files and those of plug-ins from outside: which code made a version."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for file in sorted(root.rglob("*.py")):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes())
    for module, source in foreign_sources().items():
        digest.update(module.encode() + b"\0" + source)
    return digest.hexdigest()


def base_version(config: Config) -> Version:
    """Number 0: the base models without an adapter."""
    models = config.models
    return Version(
        alias=models.alias,
        number=0,
        parent=None,
        round_id="",
        base_model=models.deployed,
        base_revision=revision_of(models.deployed, models.deployed_revision),
        proxy_model=models.proxy,
        proxy_revision=revision_of(models.proxy, models.proxy_revision),
        adapters=None,
        rank=0,
        target_modules=(),
        verdict=None,
        counts={},
        consumed=(),
        config_digest=config.training_digest(),
        code_digest=code_digest(),
    )


def recipe(config: Config, base: Version, proxy: Scorer | None = None) -> Recipe:
    """What every round is made of: planner and sources, and what its manifest says of models and settings.

    Parameters
    ----------
    proxy : Scorer | None
        Who scores anew for a planner, where a proxy is loaded.
    """
    rounds = config.rounds
    context = SourceContext(rounds.seed, lambda path: samples_of(Path(path), config.ingest.max_bytes))
    return Recipe(
        alias=config.models.alias,
        planner=build("planner", rounds.planner, PlannerContext(rounds.size, rounds.seed, proxy)),
        sources={kind: build("source", settings, context) for kind, settings in sorted(rounds.sources.items())},
        validation_share=rounds.validation_share,
        base_model=base.base_model,
        base_revision=base.base_revision,
        proxy_model=base.proxy_model,
        proxy_revision=base.proxy_revision,
        config_digest=base.config_digest,
        code_digest=base.code_digest,
        seed=rounds.seed,
    )


def triggers(config: Config) -> tuple[Trigger, ...]:
    """What starts a round, in the order of their kinds."""
    context = TriggerContext(config.rounds.size, config.rounds.min_size)
    return tuple(build("trigger", settings, context) for settings in selected(config.rounds.triggers))


def deidentifier(config: Config) -> Deidentifier:
    """What takes identities out of a text, as configured. Raises `ConfigError` where a key is missing."""
    settings = config.deidentify
    context = RecogniserContext(tuple(settings.regions))
    found = {kind: build("recogniser", chosen, context) for kind, chosen in sorted(settings.recognisers.items())}
    return Deidentifier(found, deidentification_mode(config))


def document_cleaner(config: Config) -> DocumentCleaner:
    """What takes identities out of clinical documents, as configured. Raises `ConfigError`."""
    mode, table = deidentification_mode(config), config.deidentify.table_file
    surrogates = KeyedSurrogates(mode) if isinstance(mode, Shifted) else SurrogateTable(Path(table) if table else None)
    return DocumentCleaner(deidentifier(config), surrogates)


def deidentification_mode(config: Config) -> SafeHarbor | Shifted:
    """What takes the place of identifiers, as configured. Raises `ConfigError`."""
    settings = config.deidentify
    if settings.mode == "safe_harbor":
        return SafeHarbor(day_first=settings.day_first)
    return Shifted(read_key(settings.key_file, "deidentify.key_file"), day_first=settings.day_first)


def clinical_readers(config: Config) -> tuple[ClinicalReader, ...]:
    """What finds clinical documents in messages, in the order in which they are asked."""
    context = ClinicalContext(config.clinical.max_bytes)
    return tuple(build("clinical_reader", settings, context) for settings in selected(config.clinical.readers))


def readers(config: Config) -> tuple[Reader, ...]:
    """What reads messages, in the order in which they are asked."""
    context = ReaderContext(config.ingest.max_bytes)
    made: list[Reader] = [build("reader", settings, context) for settings in selected(config.ingest.readers)]
    return tuple(sorted(made, key=lambda reader: reader.fallback))


def judging(config: Config, evaluator: Evaluator) -> Judging:
    """The suites and the gate. Raises `ConfigError` for a suite that cannot be read, or one that nobody asks."""
    return Judging(load_suites(config.evaluation), evaluator, gate_of(config.evaluation))


def store(config: Config) -> FileStore:
    """The artifact store that all processes share."""
    return FileStore(config.store.root)


@dataclass(frozen=True, slots=True)
class ScoringParts:
    """Everything that decides: the `score` process holds one of these."""

    base: Version
    admission: Admission
    admitted: AdmittedSamples
    proxy: ProxyScorer
    embedder: Embedder
    count_tokens: Callable[[str], int]
    checks: Mapping[str, Check] = field(default_factory=dict)  # those of the admission, by kind

    @property
    def spent(self) -> Spend:
        """What proxy and embedder have cost since the start."""
        return self.proxy.spent + self.embedder.spent

    def vectors_of(self, admitted: SampleAdmitted) -> dict[str, Vector]:
        """Space -> vector (d,) of an admitted sample from the log.

        One of another embedder, or of a space that its scorer did not keep, is made anew from the text. Raises
        `InputError` for one that cannot be read.
        """
        written = {SAMPLE: admitted.embedding, **admitted.spaces} if admitted.embedder == self.embedder.stamp else {}
        return {
            space: decode_vector(written[space], dimension_of(space, self.embedder))
            if space in written
            else vectors_in(space, [admitted.decision.sample], self.embedder)[0]
            for space in self.admitted.spaces
        }


def selector(config: Config) -> Selector:
    """The policy that chooses.

    Raises
    ------
    ConfigError
        It needs a check that is switched off.
    """
    chosen, context = config.selection, PolicyContext(config.rounds.seed)
    found = Selector.of(chosen.policy, context, chosen.control_share)
    known = {plugins("check")[kind].metric for kind in config.selection.checks}
    lacking = sorted(set(found.policy.needs or ()) - known)
    if lacking:
        raise ConfigError(
            f"the policy {found.kind!r} needs a check of {lacking[0]!r}, and none is on; add it to [selection.checks]"
        )
    return found


def checks(config: Config, context: CheckContext, chosen: Selector, *, all_scores: bool) -> dict[str, Check]:
    """The configured checks that the policy needs, by kind; with `all_scores` all that are configured."""
    return {
        kind: build("check", settings, context)
        for kind, settings in config.selection.checks.items()
        if all_scores or chosen.needs(plugins("check")[kind].metric)
    }


def spaces_of(made: Mapping[str, Check]) -> set[str]:
    """The spaces of vectors in which these checks compare, or look something up."""
    compared = {check.space for check in made.values() if isinstance(check, NeighbourCheck)}
    return compared.union(*(check.spaces for check in made.values() if isinstance(check, EvidenceCheck)))


def scoring(config: Config, *, all_scores: bool = False) -> ScoringParts:
    """Load proxy and embedder, as far as a check reads them, and put the checks together.

    Raises
    ------
    ConfigError
        The policy needs a check that is switched off.
    ModelUnusable, ArtifactDamaged
        A model cannot be loaded, or is not the one that was pinned.
    """
    from ccit.models.bases import BaseModels
    from ccit.models.embedders import SentenceTransformerEmbedder
    from ccit.scoring.followers import Followers
    from ccit.scoring.growing import GrowingIndex
    from ccit.scoring.ifd import IfdScorer
    from ccit.scoring.lookup import LookupIndex

    base, models, chosen = base_version(config), BaseModels(config.models), selector(config)
    embedder = SentenceTransformerEmbedder(config.embedder, config.models.device)
    new_index = partial(GrowingIndex, exact_up_to=config.selection.exact_up_to)
    admitted = AdmittedSamples({SAMPLE: new_index(embedder.dimension)})
    readers: list[ProxyScorer] = []

    def reader(max_tokens: int, batch_tokens: int) -> ProxyScorer:
        readers.append(IfdScorer(models.proxy, base.proxy_revision, store(config), max_tokens, batch_tokens))
        return readers[-1]

    def count_tokens(text: str) -> int:
        return len(models.proxy.chat.answer(text))

    known = frozenset(map(primary, config.embedder.languages))
    context = CheckContext(
        embedder,
        admitted,
        reader,
        count_tokens,
        lambda: models.proxy.name,
        config.rounds.seed,
        languages=known,
        unseen=embedder.unseen,
    )
    made = checks(config, context, chosen, all_scores=all_scores)
    for space in spaces_of(made):
        dimension = dimension_of(space, embedder)
        admitted.open(space, LookupIndex(dimension) if space in LOOKED_UP else new_index(dimension))
    following = readers[0] if len(readers) == 1 else Followers(readers, base)
    admission = Admission(made, chosen, admitted, embedder, proxy=following, all_scores=all_scores)
    return ScoringParts(base, admission, admitted, following, embedder, count_tokens, made)


@dataclass(frozen=True, slots=True)
class TrainerParts:
    """Everything that plans, trains and judges: the `train` process holds one of these."""

    base: Version
    recipe: Recipe
    trigger: Trigger  # of full rounds
    whole_pool_trigger: Trigger  # of rounds that take all that waits
    size: int  # samples of a full round
    min_size: int
    judging: Judging
    trainer: Trainer
    misfit: Callable[[Version], str]  # why no round can start from a version; empty where it can
    cancel: Callable[[], None]
    close: Callable[[], None]


def trainer_parts(config: Config, log: Path | None = None) -> TrainerParts:
    """The trainer's parts, with training and evaluation in a child process that is started ahead.

    Parameters
    ----------
    log : Path | None
        Where the child process writes what it has to say; None is this process's stderr.
    """
    from ccit.training.process import TrainingProcess

    base, starting = base_version(config), triggers(config)
    process = TrainingProcess(config, log)
    judged_by = judging(config, process)  # before there is a process to be ended
    process.start()
    return TrainerParts(
        base=base,
        recipe=recipe(config, base),
        trigger=AnyOf(tuple(one for one in starting if not one.whole_pool)),
        whole_pool_trigger=AnyOf(tuple(one for one in starting if one.whole_pool)),
        size=config.rounds.size,
        min_size=min(config.rounds.min_size, config.rounds.size),
        judging=judged_by,
        trainer=process,
        misfit=partial(misfit, settings=config.training),
        cancel=process.cancel,
        close=process.close,
    )


def loop(config: Config) -> Loop:
    """The parts of a replay, all in this process."""
    from ccit.evaluation.runner import ModelEvaluator
    from ccit.models.bases import BaseModels
    from ccit.models.placement import make_deterministic
    from ccit.replay import Loop
    from ccit.training.lora import LoraTrainer

    make_deterministic()
    parts = scoring(config)
    lineage = Lineage(parts.base)
    bases, workdir = BaseModels(config.models), config.store.root / "work"
    evaluator = ModelEvaluator(config.evaluation, config.training, bases, store(config), workdir / "answers")
    return Loop(
        admission=parts.admission,
        proxy=parts.proxy,
        trigger=AnyOf(triggers(config)),
        trainer=LoraTrainer(config.training, bases, store(config), workdir),
        judging=judging(config, evaluator),
        recipe=recipe(config, parts.base, parts.proxy),
        admitted=parts.admitted,
        fates=Fates(lineage, config.rounds.cooldown_rounds),
        lineage=lineage,
        scoring_spent=lambda: parts.spent,
    )


@dataclass(frozen=True, slots=True)
class Retraining:
    """What makes a round again beside the running system: nothing but whole adapters reaches `kept`."""

    trainer: Trainer
    made: ArtifactStore  # what the trainer makes
    kept: ArtifactStore  # what has been announced


def retraining(config: Config, batch_tokens: int, folder: Path) -> Retraining:
    """A trainer in this process, with an empty work folder.

    Parameters
    ----------
    batch_tokens : int
        Of the micro-batches that the round was trained in: other ones give sums in another order.
    folder : Path
        For all that it writes.
    """
    from ccit.models.bases import BaseModels
    from ccit.models.placement import make_deterministic
    from ccit.store.overlay import OverlayStore
    from ccit.training.lora import LoraTrainer

    make_deterministic()
    kept = store(config)
    made = OverlayStore(kept, FileStore(folder / "store"))
    training = config.training.model_copy(update={"batch_tokens": batch_tokens or config.training.batch_tokens})
    return Retraining(LoraTrainer(training, BaseModels(config.models), made, folder / "work"), made, kept)


@dataclass(frozen=True, slots=True)
class ServingParts:
    """Everything that answers: the `serve` process holds one of these."""

    base: Version
    slots: Slots
    readiness: Readiness
    app: Starlette
    store: FileStore

    def read(self, version: Version) -> dict[str, bytes] | None:
        """The deployed adapter's files, checked; None for the base model. Raises `ArtifactDamaged`."""
        return None if version.adapters is None else dict(self.store.read(version.adapters.deployed))


def serving(config: Config) -> ServingParts:
    """Load the deployed model and put the server's application around it. Raises `ModelUnusable`."""
    from ccit.models.bases import BaseModels
    from ccit.serving.app import create_app
    from ccit.serving.engine import Engine
    from ccit.serving.readiness import Readiness
    from ccit.serving.slots import Slots

    models, bases = config.models, BaseModels(config.models)
    backend = build("backend", config.serving.backend, BackendContext(lambda: bases.deployed))
    slots, readiness = Slots(backend, models.alias), Readiness()
    day = config.serving.template_date or models.template_date
    settings = config.serving.model_copy(update={"template_date": day})
    app = create_app(Engine(slots, config.serving.concurrency), readiness, settings)
    return ServingParts(base_version(config), slots, readiness, app, store(config))
