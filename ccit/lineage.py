"""The line of versions of one alias: a fold over its announcements, and the only maker of new ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ccit.errors import ConfigError, VersionConflict
from ccit.position_set import PositionSet
from ccit.records import Announcement, Position, Version


class Lineage:
    """What has been announced so far, and who is active.

    Parameters
    ----------
    base : Version
        Number 0, the base model without an adapter; active until something else is announced.
    """

    def __init__(self, base: Version) -> None:
        self._versions: dict[int, Version] = {base.number: base}
        self._active = base.number
        self._sequence = 0
        self._trained: PositionSet | None = None  # by the incumbent and its ancestors; made when asked for
        self._everyones: PositionSet | None = None  # by any version

    @property
    def incumbent(self) -> Version:
        """The active version."""
        return self._versions[self._active]

    @property
    def sequence(self) -> int:
        """Number of the last announcement; 0 before the first."""
        return self._sequence

    @property
    def versions(self) -> Mapping[int, Version]:
        """Every version announced so far, the base included, by number."""
        return dict(self._versions)

    def baseline(self, number: int) -> Version:
        """The version of `evaluation.baseline`. Raises `ConfigError` for one that is unknown."""
        if number not in self._versions:
            known = ", ".join(str(n) for n in sorted(self._versions))
            raise ConfigError(f"expected one of the versions {known} as evaluation.baseline, found {number}")
        return self._versions[number]

    def apply(self, announcement: Announcement) -> bool:
        """Take in an announcement; False when it is not newer than what is known (a duplicate)."""
        version = announcement.version
        self._versions.setdefault(version.number, version)
        self._trained = self._everyones = None
        if announcement.sequence <= self._sequence:
            return False
        self._active = version.number
        self._sequence = announcement.sequence
        return True

    def next_number(self) -> int:
        """Number of the next version: numbers are never used twice, not even after a rollback."""
        return max(self._versions) + 1

    def promote(self, version: Version, at: float) -> Announcement:
        """Announce a new version.

        Raises
        ------
        VersionConflict
            Its parent is not the incumbent: it was judged against another version than the one active now.
        """
        if version.parent != self._active:
            raise VersionConflict(
                f"version {version.number} was judged against version {version.parent}, but version {self._active} is "
                "active now; plan the round again"
            )
        numbered = replace(version, number=self.next_number())
        return Announcement("promoted", numbered, self._sequence + 1, self._active, at)

    def roll_back(self, to: int | None, at: float) -> Announcement:
        """Announce that an older version is active again; `to=None` is the incumbent's parent.

        Raises
        ------
        VersionConflict
            There is no such version, or it is active already.
        """
        target = self.incumbent.parent if to is None else to
        if target is None or target not in self._versions:
            known = ", ".join(str(n) for n in sorted(self._versions))
            raise VersionConflict(f"expected one of the versions {known} to roll back to, got {target}")
        if target == self._active:
            raise VersionConflict(f"version {target} is active already; nothing to roll back")
        return Announcement("rolled_back", self._versions[target], self._sequence + 1, self._active, at)

    def trained(self, position: Position) -> bool:
        """Whether the incumbent or an ancestor of it was trained on a pooled sample."""
        return position in self._of_the_line()

    def abandoned(self, position: Position) -> bool:
        """Whether a pooled sample was trained on only by versions that the incumbent does not descend from.

        One that such a version replayed, and that an ancestor of the incumbent was trained on before, is not: it stays
        trained.
        """
        if self._everyones is None:
            self._everyones = PositionSet(used for version in self._versions.values() for used in version.consumed)
        return position in self._everyones and position not in self._of_the_line()

    def round_ids(self) -> frozenset[str]:
        """The rounds of the incumbent and its ancestors."""
        found, number = [], self.incumbent.number or None
        while number is not None:
            found.append(self.versions[number].round_id)
            number = self.versions[number].parent
        return frozenset(found)

    def _of_the_line(self) -> PositionSet:
        if self._trained is None:
            self._trained = PositionSet(self.incumbent.consumed)
        return self._trained
