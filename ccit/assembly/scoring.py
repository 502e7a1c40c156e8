"""Everything that decides about samples: checks, policy, proxy, embedder and what was admitted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from ccit.assembly.versions import base_version, store
from ccit.config import Config
from ccit.drift.monitor import DriftMonitor
from ccit.errors import ConfigError
from ccit.events import SampleAdmitted
from ccit.plugin_tables import found
from ccit.plugins import build, plugins
from ccit.ports.drift import DetectorContext
from ccit.ports.selection import Check, CheckContext, EvidenceCheck, Formula, NeighbourCheck, PolicyContext, ProxyScorer
from ccit.ports.vectors import Embedder
from ccit.records import Spend, Version, digest_of
from ccit.scoring.languages import primary
from ccit.scoring.spaces import LOOKED_UP, SAMPLE, dimension_of, vectors_in
from ccit.selection.admission import Admission, Selector
from ccit.selection.admitted import AdmittedSamples, Vector
from ccit.selection.checks.ifd import IfdCheck
from ccit.selection.proxy_audit import ProxyAudit
from ccit.vectors import decode_vector


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
    audit: ProxyAudit = field(default_factory=ProxyAudit)
    drift: DriftMonitor = field(default_factory=DriftMonitor)

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
    made = Selector.of(chosen.policy, context, chosen.control_share)
    known = {plugins("check")[kind].metric for kind in config.selection.checks}
    lacking = sorted(set(made.policy.needs or ()) - known)
    if lacking:
        raise ConfigError(
            f"the policy {made.kind!r} needs a check of {lacking[0]!r}, and none is on; add it to [selection.checks]"
        )
    return made


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


def proxy_audit(
    config: Config, made: Mapping[str, Check], deployed: Callable[[int, int, Formula], ProxyScorer]
) -> ProxyAudit:
    """The audit of the proxy by the deployed model, which sees as much of a sample as the proxy does.

    Parameters
    ----------
    made : Mapping[str, Check]
        Those that run.
    deployed : Callable[[int, int, Formula], ProxyScorer]
        Loads the deployed model, as `CheckContext.proxy` does the proxy.

    Raises
    ------
    ConfigError
        No check of `ifd` runs, so there is nothing to audit.
    """
    chosen = config.selection
    if not chosen.audit_share:
        return ProxyAudit()
    if IfdCheck.metric not in {check.metric for check in made.values()}:
        raise ConfigError(
            f"selection.audit_share = {chosen.audit_share} asks the deployed model about what the proxy has scored, "
            "and no check has it score anything; switch on `ifd` with a policy that needs it, or set the share to 0"
        )
    ifd = found(chosen.checks, IfdCheck.Settings) or IfdCheck.Settings()
    scorer = deployed(ifd.max_tokens, ifd.batch_tokens, ifd.formula)
    return ProxyAudit(chosen.audit_share, chosen.audit_min_correlation, seed=config.rounds.seed, deployed=scorer)


def drift_monitor(config: Config) -> DriftMonitor:
    """What watches the accepted samples; nothing where no detector is configured."""
    chosen, context = config.drift.detectors, DetectorContext(config.rounds.seed)
    if not chosen:
        return DriftMonitor()
    stamp = digest_of([config.drift.model_dump(mode="json"), config.rounds.seed])[:12]
    return DriftMonitor(
        lambda: {kind: build("detector", settings, context) for kind, settings in chosen.items()},
        config.drift.standing,
        config.rounds.seed,
        stamp,
    )


def scoring(config: Config, *, all_scores: bool = False, audited: bool = False) -> ScoringParts:
    """Load proxy and embedder, as far as a check reads them, and put the checks together.

    Parameters
    ----------
    audited : bool
        Load the deployed model too, where `selection.audit_share` asks it.

    Raises
    ------
    ConfigError
        The policy, or the audit, needs a check that is switched off.
    ModelUnusable, ArtifactDamaged
        A model cannot be loaded, or is not the one that was pinned.
    """
    from ccit.models.bases import BaseModels, Role
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

    def reader(role: Role, max_tokens: int, batch_tokens: int, formula: Formula) -> ProxyScorer:
        revision = base.base_revision if role == "deployed" else base.proxy_revision
        readers.append(
            IfdScorer(models.of(role), revision, store(config), max_tokens, batch_tokens, role=role, formula=formula)
        )
        return readers[-1]

    def count_tokens(text: str) -> int:
        return len(models.proxy.chat.answer(text))

    known = frozenset(map(primary, config.embedder.languages))
    context = CheckContext(
        embedder,
        admitted,
        partial(reader, "proxy"),
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
    audit = proxy_audit(config, made, partial(reader, "deployed")) if audited else ProxyAudit()
    following = readers[0] if len(readers) == 1 else Followers(readers, base)
    admission = Admission(made, chosen, admitted, embedder, proxy=following, all_scores=all_scores)
    return ScoringParts(
        base, admission, admitted, following, embedder, count_tokens, made, audit, drift_monitor(config)
    )
