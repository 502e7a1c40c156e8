"""How a version was made: its manifest, its candidate and its samples, found on the topics."""

from __future__ import annotations

from ccit.errors import CcitError
from ccit.events import CandidateTrained, RoundPlanned
from ccit.rebuild import Provenance
from ccit.records import Candidate, Pooled, Round, Version
from consumers.kafka.clients import KafkaSettings
from consumers.kafka.follower import Follower
from consumers.kafka.topics import Topics
from consumers.observe import Observer
from consumers.pool_reader import pooled_in
from consumers.versions import VersionFollower


def provenance_of(number: int, settings: KafkaSettings, base: Version) -> Provenance:
    """Read how version `number` of the base's alias was made.

    Raises
    ------
    CcitError
        There is no such version, it is the base model, or its round is no longer in the log.
    BrokerUnavailable
        The topics cannot be read.
    """
    with VersionFollower(settings, base) as follower:
        follower.catch_up()
        versions = follower.lineage.versions
    if number not in versions:
        raise CcitError(f"expected one of the versions {', '.join(map(str, sorted(versions)))}, found {number}")
    version = versions[number]
    if version.parent is None:
        raise CcitError(f"version {number} is the base model, which no round has made")
    planned, candidate = _round(version, settings)
    if version.parent not in versions:
        raise CcitError(f"version {number} came from version {version.parent}, which is not on the topic any more")
    return Provenance(version, versions[version.parent], planned, candidate, _samples(planned, settings))


def _round(version: Version, settings: KafkaSettings) -> tuple[Round, Candidate]:
    planned: Round | None = None
    candidate: Candidate | None = None
    with Observer(settings, [Topics(settings.prefix).rounds]) as observer:
        for seen in observer.catch_up():
            match seen.event:
                case RoundPlanned(round_id=version.round_id) as event:
                    planned = event.planned
                case CandidateTrained(candidate=trained) if trained.round_id == version.round_id:
                    candidate = trained
    if planned is None or candidate is None:
        raise CcitError(
            f"round {version.round_id} of version {version.number} is no longer on the rounds topic, and nothing else "
            "says how it was made"
        )
    if planned.round_id != version.round_id:
        raise CcitError(f"the manifest of round {version.round_id} hashes to {planned.round_id}: it has been changed")
    return planned, candidate


def _samples(planned: Round, settings: KafkaSettings) -> list[Pooled]:
    """What the manifest names, of all that was ever admitted: nothing else is kept in memory."""
    named = {*planned.sample_ids, *planned.validation_ids}.union(*planned.parts.values())
    with Follower(settings, Topics(settings.prefix).samples) as follower:
        return [
            pooled
            for messages in follower.to_end()
            for pooled in pooled_in(messages)
            if pooled.sample.sample_id in named
        ]
