"""The nouns, one meaning each: Record, Sample, Score, Decision, Due, Round, Candidate, Verdict, Version.

Frozen dataclasses over the standard library alone, so that every room may know them and none of them knows a room.
The flow from one to the next is `ccit/pipeline.py`; their form on a topic is `ccit/events.py`.
"""

from __future__ import annotations

from ccit.records.audits import Concordance
from ccit.records.candidates import AdapterPair, Artifact, Candidate, Spend
from ccit.records.drifts import Cause, Drift
from ccit.records.rounds import Due, LeftOut, Material, OffsetRange, Pooled, Position, Round
from ccit.records.samples import DEAD_LETTER_REASONS, Arm, Decision, Record, Sample, Score, Turn, digest_of
from ccit.records.verdicts import (
    DOMAIN,
    GENERAL,
    Estimate,
    Finding,
    GradedAnswer,
    Outcome,
    Question,
    SuiteResults,
    Suites,
    Verdict,
)
from ccit.records.versions import Announcement, Command, ReplicaReport, ReplicaState, Version

__all__ = [
    "DEAD_LETTER_REASONS",
    "DOMAIN",
    "GENERAL",
    "AdapterPair",
    "Announcement",
    "Arm",
    "Artifact",
    "Candidate",
    "Cause",
    "Command",
    "Concordance",
    "Decision",
    "Drift",
    "Due",
    "Estimate",
    "Finding",
    "GradedAnswer",
    "LeftOut",
    "Material",
    "OffsetRange",
    "Outcome",
    "Pooled",
    "Position",
    "Question",
    "Record",
    "ReplicaReport",
    "ReplicaState",
    "Round",
    "Sample",
    "Score",
    "Spend",
    "SuiteResults",
    "Suites",
    "Turn",
    "Verdict",
    "Version",
    "digest_of",
]
