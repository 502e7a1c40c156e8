"""What a person sees on the terminal while ccit works: a told story, progress bars, tables.

On a terminal the bars are live (rich). Anywhere else (a pipe, a log, `TERM=dumb`) the same calls print plain lines
without control characters, progress rarely. In silent mode, for `--json`, they print nothing. NO_COLOR is respected.
Text from data never reaches the terminal raw: control characters are replaced, so no record can move the cursor.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TextIO

from rich.box import SIMPLE_HEAD
from rich.console import Console as RichConsole
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

_LINE_EVERY_SECONDS = 10.0  # plain progress lines of one name, unless it began or ended
_REFRESHES_PER_SECOND = 8
_PLAIN_WIDTH = 160  # tables into a file are not wrapped to a screen that is not there


def printable(text: str) -> str:
    """Replace control characters (C0, DEL, C1), bidirectional overrides and lone surrogates; a line break is a space.

    >>> printable("a\\x1b[2Jb\\nc")
    'a\\ufffd[2Jb c'
    """
    return "".join(" " if c in "\n\t" else "\ufffd" if _dangerous(ord(c)) else c for c in text)


def _dangerous(code: int) -> bool:
    controls = code < 0x20 or 0x7F <= code < 0xA0
    return controls or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069 or 0xD800 <= code <= 0xDFFF


def stamp(seconds: float) -> str:
    """Elapsed time as minutes and seconds.

    >>> stamp(75.4)
    '1:15'
    """
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


@dataclass
class _Bar:
    total: int | None
    done: int
    told_at: float
    told: int
    task: TaskID | None = None


class Console:
    """The story, bars and tables of one command. Safe to call from several threads; use it in a `with` block.

    Parameters
    ----------
    stream : TextIO | None
        Where to print; None for standard output.
    silent : bool
        Print nothing (the command answers in JSON).
    clock : Callable
        Monotonic seconds; tests advance their own.

    >>> import io
    >>> out = io.StringIO()
    >>> with Console(out) as console:
    ...     console.story("The broker is up")
    ...     console.progress("feeding", 2, 2)
    >>> print(out.getvalue(), end="")
    [0:00] The broker is up
    [0:00] feeding: 2 of 2 (100 %)
    """

    def __init__(
        self, stream: TextIO | None = None, silent: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._silent = silent
        self._clock = clock
        self._began = clock()
        self._lock = threading.RLock()
        self._bars: dict[str, _Bar] = {}
        target = stream or sys.stdout
        self._live = target.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")
        self._encoding = getattr(target, "encoding", None) or "utf-8"
        self._rich = RichConsole(
            file=target,
            force_terminal=self._live,
            highlight=False,
            markup=False,
            emoji=False,
            soft_wrap=True,
            width=None if self._live else _PLAIN_WIDTH,
        )
        self._progress: Progress | None = None

    def story(self, text: str) -> None:
        """Tell in one line what happened, with the time since the command began."""
        if self._silent:
            return
        with self._lock:
            line = Text.assemble((f"[{stamp(self._clock() - self._began)}] ", "dim"), self._text(text))
            self._print(line)

    def progress(self, name: str, done: int, total: int | None = None) -> None:
        """Move the bar called `name`; it appears at the first call. `total` None: how much will come is not known."""
        if self._silent:
            return
        with self._lock:
            now = self._clock()
            bar = self._bars.get(name)
            if bar is None:
                bar = self._bars[name] = _Bar(total, done, now, done)
                fresh = True
            else:
                fresh = done != bar.done and (self._complete(done, total) or now - bar.told_at >= _LINE_EVERY_SECONDS)
                bar.done, bar.total = done, total
            if self._live:
                self._move(name, bar)
            elif fresh:
                self._tell(name, bar)

    def finish(self, name: str) -> None:
        """Take a bar away that will not move again; what it reached is told as a line."""
        with self._lock:
            bar = self._bars.pop(name, None)
            if bar is None or self._silent:
                return
            if self._progress is not None and bar.task is not None:
                self._progress.remove_task(bar.task)
            if self._live or bar.told != bar.done:
                self._tell(name, bar)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print a table; every value is shown as text."""
        if self._silent:
            return
        table = Table(title=Text(self._text(title)), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            table.add_column(Text(self._text(column)), overflow="fold")
        for row in rows:
            table.add_row(*(Text(self._text(value)) for value in row))
        with self._lock:
            self._print(table)

    def close(self) -> None:
        """Stop the live display and leave the terminal as it was; may be called more than once.

        Where there are no live bars, what a bar reached since its last line is told now.
        """
        with self._lock:
            for name, bar in self._bars.items():
                if not self._live and not self._silent and bar.told != bar.done:
                    self._tell(name, bar)
            self._bars.clear()
            if self._progress is not None:
                self._progress.stop()
                self._progress = None

    def __enter__(self) -> Console:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _tell(self, name: str, bar: _Bar) -> None:
        bar.told_at, bar.told = self._clock(), bar.done
        self.story(f"{name}: {self._amount(bar)}")

    def _text(self, value: object) -> str:
        """Printable, and in letters that the stream's encoding has."""
        return printable(str(value)).encode(self._encoding, "replace").decode(self._encoding)

    @staticmethod
    def _complete(done: int, total: int | None) -> bool:
        return total is not None and done >= total

    @staticmethod
    def _amount(bar: _Bar) -> str:
        if bar.total is None:
            return f"{bar.done:,}"
        share = f" ({100 * bar.done // bar.total} %)" if bar.total > 0 else ""
        return f"{bar.done:,} of {bar.total:,}{share}"

    def _print(self, shown: Text | Table) -> None:
        if self._live:
            self._rich.print(shown)
        else:
            self._rich.print(shown, no_wrap=True)
            self._rich.file.flush()

    def _move(self, name: str, bar: _Bar) -> None:
        if self._progress is None:
            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=32),
                TextColumn("{task.fields[amount]}", markup=False),
                TimeElapsedColumn(),
                console=self._rich,
                refresh_per_second=_REFRESHES_PER_SECOND,
            )
            self._progress.start()
        if bar.task is None:
            bar.task = self._progress.add_task(self._text(name), total=bar.total, amount="")
        self._progress.update(bar.task, completed=bar.done, total=bar.total, amount=self._amount(bar))
