"""The processes of a pool end with the process that started them, however that ends."""

from __future__ import annotations

import signal
import subprocess
import sys

SCRIPT = """
import os, signal
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from consumers.orphans import end_with

ends = (os.getpid(), signal.SIGKILL)
pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=end_with, initargs=ends)
print(pool.submit(os.getppid).result() == os.getpid(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_none_of_its_pool() -> None:
    """Whoever is left would hold the pipe that is read here."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "True\n")
