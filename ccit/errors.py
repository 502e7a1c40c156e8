"""The error tree. Every message is one sentence: what was expected, what came, what to do.

CcitError                     exit code 1
├── ConfigError               exit code 2: a key, a flag or a combination of them
├── InputError                one record or file cannot be read; costs one dead letter, never a process
├── ModelUnusable             a model folder is not a causal language model, or has no chat template
├── ArtifactDamaged           a file's digest differs from the one announced; nothing has parsed it
├── StorageFailed             the disk is full or a write did not reach it
├── TrainingFailed            the training process died, hung or diverged; the round can be planned again
├── MemoryExhausted           a round does not fit into memory, however small its micro-batches; no fault of its samples
├── EndpointUnavailable   the model that makes rows answers nothing; no document is given up for it
├── BrokerUnavailable         no broker answers, or a topic cannot be created or read
├── TransactionFailed         a commit was refused for good
│   └── Fenced                exit code 3: a newer process holds this transactional id
├── PortOccupied              the address to listen on is taken
└── VersionConflict           an announcement expected another incumbent (compare-and-set)
"""

from __future__ import annotations


class CcitError(Exception):
    """Root of everything ccit raises on purpose; `exit_code` is what the command line returns."""

    exit_code = 1


class ConfigError(CcitError):
    """A configuration key, a flag or a combination of them cannot work."""

    exit_code = 2


class InputError(CcitError):
    """One record or file is not what was expected.

    Parameters
    ----------
    reason : str
        One of the closed list `ccit.records.DEAD_LETTER_REASONS`.
    detail : str
        One sentence for a person.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class ModelUnusable(CcitError):
    """A model directory cannot be loaded as a causal language model with a chat template."""


class ArtifactDamaged(CcitError):
    """A file's SHA-256 differs from the announced one; it was not parsed."""


class StorageFailed(CcitError):
    """A write did not reach the disk (full, read-only, or fsync failed)."""


class TrainingFailed(CcitError):
    """The process that trains or evaluates died, hung or diverged; nothing was published."""


class MemoryExhausted(CcitError):
    """Training or evaluating asked for more memory than there is."""


class EndpointUnavailable(CcitError):
    """The endpoint of a model answers no request, or does not know the model or the key."""


class BrokerUnavailable(CcitError):
    """No broker answers, or a topic cannot be created or read."""


class TransactionFailed(CcitError):
    """A transaction was refused for good; the process must end and start again."""


class Fenced(TransactionFailed):
    """A newer process has taken over this transactional id; whoever starts this one again ends that one."""

    exit_code = 3


class PortOccupied(CcitError):
    """The address to listen on is taken by another process."""


class VersionConflict(CcitError):
    """An announcement expected another active version than the one found."""
