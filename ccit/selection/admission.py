"""Admission of a batch: the control arm by lot; of the others copies and checks first, then the policy, once, on what
passed.

The checks decide a batch exactly as one sample at a time (`ccit/selection/waves.py`), as if all that passes them were
accepted. Then the policy is asked once, with what passed, in stream order. What it leaves out is a reject like any
other and is not remembered after the batch. Within the batch it counted: a copy of a sample that the policy then leaves
out stays refused as a copy, and a near-copy as not novel. A batch is what is decided together, and two records that say
the same are one candidate in it; the same content may come again in a later batch, and is judged anew there.

What a person has released from quarantine is let in unless it is a copy, without any check or policy.

The control arm (`ccit/selection/control.py`) comes first: of what is drawn into it, everything but copies is accepted.
A copy of it in the same batch is refused whichever came first; for novelty it counts from the next batch on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, get_args

from ccit.plugins import PluginSettings, build, kind_of
from ccit.ports.selection import Check, Choices, Policy, PolicyContext, ProxyScorer, Scored
from ccit.ports.vectors import Embedder, Vectors
from ccit.records import Arm, Decision, Position, Sample, digest_of
from ccit.scoring.spaces import vectors_in
from ccit.selection.admitted import AdmittedSamples, Pending, Vector
from ccit.selection.control import NO_CONTROL, ControlArm
from ccit.selection.reasons import ACCEPTED, ADMISSION
from ccit.selection.waves import COPY, Case, CheckedBatch, Refusal, Waves

QUARANTINE, RELEASED = "quarantine", "released"
"""Annotations: the cause for which a person may look at a refusal; who has released it."""

ARMS: tuple[Arm, ...] = get_args(Arm)


@dataclass(frozen=True, slots=True)
class Selector:
    """A policy with its kind, its stamp (kind and digest of its settings), and the control arm beside it."""

    policy: Policy
    kind: str
    stamp: str
    control: ControlArm = NO_CONTROL

    @classmethod
    def of(cls, settings: PluginSettings, context: PolicyContext, control_share: float = 0.0) -> Self:
        """The policy that these settings select.

        Parameters
        ----------
        control_share : float
            Share of the stream that is let in by lot, before the policy.

        >>> from ccit.plugins import plugins
        >>> Selector.of(plugins("policy")["thresholds"].settings(), PolicyContext(seed=0)).kind
        'thresholds'
        """
        kind, digest = kind_of(settings), digest_of(settings.model_dump(mode="json"))
        made, control = build("policy", settings, context), ControlArm(control_share, context.seed)
        return cls(made, kind, f"{kind} {digest[:12]}", control)

    def needs(self, metric: str) -> bool:
        """Whether the check of this metric decides."""
        return self.policy.needs is None or metric in self.policy.needs


class Admission:
    """Decides batches against the admitted samples.

    Parameters
    ----------
    checks : Mapping[str, Check]
        By kind. Those that the policy does not need only score, and only with `all_scores`.
    selector : Selector
        The policy.
    admitted : AdmittedSamples
        What has been accepted so far.
    embedder : Embedder
        Of the vectors in `admitted`.
    proxy : ProxyScorer | None
        Whose version stands in every decision; None is version 0.
    all_scores : bool
        Put every score on every sample (`ccit assess --all-scores`); acceptance and reasons stay the same.

    Example
    -------
    >>> from ccit.plugins import plugins
    >>> from ccit.scoring.index import ExactIndex
    >>> from ccit.testing import LetterEmbedder
    >>> selector = Selector.of(plugins("policy")["accept_all"].settings(), PolicyContext(seed=0))
    >>> admission = Admission({}, selector, AdmittedSamples({"sample": ExactIndex(26)}), LetterEmbedder())
    >>> first = Sample("s1", "r1", "ward", "en", "Dose?", "5 mg.")
    >>> again = Sample("s2", "r2", "ward", "en", "Dose?", "5 mg.")
    >>> [(decision.reason, decision.owner) for decision in admission.decide([first, again])]
    [('accepted', 'accept_all'), ('exact_duplicate', 'admission')]
    >>> admission.commit({"s1": Position(0, 0)})
    """

    def __init__(
        self,
        checks: Mapping[str, Check],
        selector: Selector,
        admitted: AdmittedSamples,
        embedder: Embedder,
        *,
        proxy: ProxyScorer | None = None,
        all_scores: bool = False,
    ) -> None:
        deciding = {kind for kind, check in checks.items() if selector.needs(check.metric)}
        running = checks if all_scores else {kind: checks[kind] for kind in deciding}
        self._waves = Waves(running, deciding, admitted, embedder, all_scores=all_scores)
        measured = running if all_scores else {}
        self._lot = Waves(measured, (), admitted, embedder, all_scores=all_scores)  # of the control arm: refuses copies
        self._selector = selector
        self._policy = selector.policy
        self._admitted = admitted
        self._embedder = embedder
        self._proxy = proxy

    @property
    def policy_origin(self) -> str:
        """The stamp of a policy with a state: no other may take that over; empty for one without."""
        return self._selector.stamp if self._policy.stateful else ""

    def decide(self, samples: Sequence[Sample]) -> list[Decision]:
        """Decisions in the samples' order; what is accepted is staged until `commit` or `abort`.

        When a check, the embedder or the policy raises, nothing is staged.
        """
        arms = [self._selector.control.arm_of(sample) for sample in samples]
        of_arm = {arm: [sample for sample, own in zip(samples, arms, strict=True) if own == arm] for arm in ARMS}
        drawn = self._lot.answers(of_arm["control"], self._admitted.__contains__)
        taken = [case for case in drawn.cases if case.passed]
        known = {case.digest for case in taken}
        answers = self._waves.answers(of_arm["policy"], lambda digest: digest in known or digest in self._admitted)
        passed = [case for case in answers.cases if case.passed]
        vectors, vectors_drawn = self._vectors(passed, answers), self._vectors(taken, drawn)
        scored = [Scored(case.sample, self._waves.scores(case), self._version) for case in passed]
        choices = self._policy.choose(scored) if scored else []
        if len(choices) != len(passed):
            raise ValueError(
                f"expected {len(passed)} choices of the policy {self._selector.kind!r}, found {len(choices)}"
            )
        self._stage(taken, [None] * len(taken), vectors_drawn)
        self._stage(passed, choices, vectors)
        cases = {"control": iter(drawn.cases), "policy": iter(answers.cases)}
        return [self._decision(next(cases[arm])) for arm in arms]

    def release(self, refused: Decision, by: str) -> Decision:
        """Let in what a person has released, unless it is a copy; it keeps the scores it was refused by.

        It is staged like the rest. No policy chose it, so it is in no policy's state.
        """
        answers = self._lot.answers([refused.sample], self._admitted.__contains__)
        taken = [case for case in answers.cases if case.passed]
        self._stage(taken, [None] * len(taken), self._vectors(taken, answers))
        (case,) = answers.cases
        outcome = case.refusal or Refusal(ADMISSION, ACCEPTED)
        return replace(
            refused,
            accepted=case.refusal is None,
            reason=outcome.reason,
            owner=outcome.owner,
            policy="",
            annotations={**refused.annotations, RELEASED: by},
        )

    def refused_as_copy(self, sample: Sample) -> Decision:
        """The decision about a sample that is known to have been decided before."""
        return self._decision(Case(sample, "", refusal=COPY))

    def commit(self, positions: Mapping[str, Position]) -> None:
        """The batch is in the samples topic, at these places (sample id -> Position)."""
        self._admitted.commit(positions)
        self._policy.commit()

    def abort(self) -> None:
        """The batch did not reach the samples topic: nothing of it counts."""
        self._admitted.abort()
        self._policy.abort()

    def observe(self, decisions: Sequence[Decision]) -> None:
        """Accepted samples that are in the log and were not decided here; `admitted` has them already. The policy
        counts those that a policy chose.
        """
        chosen = [one for one in decisions if one.arm == "policy" and RELEASED not in one.annotations]
        self._policy.observe(chosen)

    def policy_state(self) -> Mapping[str, Any]:
        """The policy's state after all that is committed and observed, for a snapshot."""
        return self._policy.snapshot()

    def restore_policy(self, state: Mapping[str, Any]) -> None:
        """Take a policy's state back, before anything is decided. Raises `ValueError` for what is no such state."""
        self._policy.restore(state)

    def vectors(self, sample_id: str) -> Mapping[str, Vector]:
        """Space -> vector (d,) of a pending sample, for `SampleAdmitted`; `KeyError` when it is not pending."""
        for pending in self._admitted.pending:
            if pending.sample_id == sample_id:
                return pending.vectors
        raise KeyError(sample_id)

    @property
    def _version(self) -> int:
        return self._proxy.version if self._proxy is not None else 0

    def _vectors(self, passed: Sequence[Case], answers: CheckedBatch) -> dict[str, Vectors]:
        """Space -> a row for each; what no check had embedded is embedded now."""
        rows = [case.row for case in passed]
        found = {}
        for space in self._admitted.spaces if passed else ():
            embedded = answers.vectors.get(space)
            own = [case.sample for case in passed] if embedded is None else []
            found[space] = vectors_in(space, own, self._embedder) if embedded is None else embedded[rows]
        return found

    def _stage(self, passed: Sequence[Case], choices: Choices, vectors: Mapping[str, Vectors]) -> None:
        """What is taken is pending; what is not has its reason."""
        for place, (case, reason) in enumerate(zip(passed, choices, strict=True)):
            if reason is None:
                own = {space: rows[place] for space, rows in vectors.items()}
                self._admitted.stage(Pending(case.sample.sample_id, case.digest, own))
            else:
                case.refusal = Refusal(self._selector.kind, reason)

    def _decision(self, case: Case) -> Decision:
        arm = self._selector.control.arm_of(case.sample)
        refusal = case.refusal or Refusal(self._selector.kind if arm == "policy" else ADMISSION, ACCEPTED)
        return Decision(
            sample=case.sample,
            accepted=case.refusal is None,
            reason=refusal.reason,
            scores=self._waves.scores(case),
            proxy_version=self._version,
            owner=refusal.owner,
            policy=self._selector.stamp if arm == "policy" else "",
            arm=arm,
            annotations={QUARANTINE: case.cause} if case.cause else {},
        )
