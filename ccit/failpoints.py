"""Named points at which a test can kill the process: between read and commit, plan and publish, write and rename.

`CCIT_FAILPOINT=commit.produced` kills the process (SIGKILL, as a power cut would) when it first passes that point,
`commit.produced@3` at the third pass, and `artifact.written:raise` raises "No space left on device" there instead.
A process that is killed says where on stderr, last of all. With the variable unset a point costs one comparison.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
from dataclasses import dataclass

from ccit.errors import ConfigError

ENVIRONMENT_VARIABLE = "CCIT_FAILPOINT"

FAILPOINTS = (
    # consumers/kafka/batches.py
    "batch.read",  # messages are in memory, nothing was decided
    "batch.stepped",  # outputs are in memory, no transaction is open
    "batch.committed",  # the commit is known, nobody has been told
    "batch.told",  # on_committed has run
    # consumers/kafka/exactly_once.py and at_least_once.py
    "commit.begun",  # a transaction is open and empty (exactly once)
    "commit.produced",  # outputs are in the client's queue
    "commit.flushed",  # outputs are in the log; they stay invisible when a transaction is open
    "commit.offsets_sent",  # the offsets are in the transaction (exactly once)
    "commit.done",  # the broker has answered the commit
    # ccit/store/
    "store.written",  # the bytes are with the operating system under a temporary name
    "store.synced",  # they are on the disk, still under the temporary name
    "store.renamed",  # the final name is there, the folder is not synced
    "store.files_put",  # an artifact's files are stored, its table is not
    # ccit/training/ (in the child process)
    "training.checkpointed",  # a checkpoint is on the disk
    "training.adapter_stored",  # one adapter is in the artifact store, the round is not finished
    "training.finished",  # the finished candidate is on the disk, nobody has been told
    # consumers/rounds.py
    "train.planned",  # the manifest is in memory alone
    "train.plan_published",  # the manifest is on the rounds topic, nothing is trained
    "train.judged",  # the verdict is in memory alone
    "train.published",  # verdict, version and offsets are committed, the pool has not moved
    # consumers/train.py
    "train.command_obeyed",  # what the command asked for and its offset are committed, nothing in memory has moved
)
"""The closed list. A test kills a process at each of them; a name that is not here is an error."""

_FORM = re.compile(r"(?P<name>[a-z_.]+)(?:@(?P<hit>[1-9][0-9]*))?(?P<raises>:raise)?")


@dataclass(slots=True)
class Armed:
    """The one point that is armed, and how many passes are left until it strikes."""

    name: str
    passes_left: int
    raises: bool

    @classmethod
    def parse(cls, text: str) -> Armed:
        """Read `name`, `name@3`, `name:raise` or `name@3:raise`.

        Raises
        ------
        ConfigError
            When the form or the name is unknown.

        >>> Armed.parse("commit.produced@3")
        Armed(name='commit.produced', passes_left=3, raises=False)
        """
        match = _FORM.fullmatch(text)
        if match is None or match["name"] not in FAILPOINTS:
            raise ConfigError(
                f"{ENVIRONMENT_VARIABLE}={text!r} names no failpoint; choose from {', '.join(FAILPOINTS)}"
            )
        return cls(match["name"], int(match["hit"] or 1), match["raises"] is not None)

    def passed(self, name: str) -> None:
        """Count a pass; strike when the armed one is due."""
        if name not in FAILPOINTS:
            raise ConfigError(f"failpoint {name!r} is not in the list of ccit/failpoints.py; add it there")
        if name != self.name:
            return
        self.passes_left -= 1
        if self.passes_left == 0:
            self._strike()

    def _strike(self) -> None:
        if self.raises:
            raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)} (failpoint {self.name})")
        with contextlib.suppress(OSError):  # nobody may be listening any more
            os.write(2, f"{struck(self.name)}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)


def struck(name: str) -> str:
    """What a process says on stderr before it dies at a point, so that the death is seen to have been there.

    >>> struck("batch.read")
    'failpoint batch.read: killed here'
    """
    return f"failpoint {name}: killed here"


def _from_environment() -> Armed | None:
    text = os.environ.get(ENVIRONMENT_VARIABLE)
    return Armed.parse(text) if text else None


_armed = _from_environment()


def failpoint(name: str) -> None:
    """Mark a place where a crash must lose nothing and repeat nothing.

    Parameters
    ----------
    name : str
        One of `FAILPOINTS`.

    >>> failpoint("batch.read")
    """
    if _armed is not None:
        _armed.passed(name)
