"""No orphans: a child process ends when what started it is gone, even by kill -9 (Linux).

`PR_SET_PDEATHSIG` (prctl(2)) fires when the *thread* that started the child ends, not the process: start children from
a thread that lives as long as they should, in practice the main one.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from functools import partial

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_libc = ctypes.CDLL(None, use_errno=True)  # loaded here: between fork and exec nothing should be


def die_with_parent(by: signal.Signals) -> Callable[[], None]:
    """What `subprocess.Popen(preexec_fn=...)` is to run in the child before its program starts.

    Parameters
    ----------
    by : signal.Signals
        SIGTERM for a child that has work to finish, SIGKILL for one that would go on.

    Example
    -------
    >>> import subprocess, sys
    >>> subprocess.run([sys.executable, "-c", ""], preexec_fn=die_with_parent(signal.SIGKILL)).returncode
    0
    """
    return partial(end_with, os.getpid(), by)


def end_with(parent: int, by: signal.Signals) -> None:
    """The same, asked in the child itself by the id of its parent: the initialiser of a pool's processes."""
    _libc.prctl(_PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:  # it ended before the kernel was asked
        os.kill(os.getpid(), by)
