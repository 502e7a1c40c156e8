"""A real client of the server: the `openai` package, asking without a pause while versions come and go."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

import openai
from openai.types.chat import ChatCompletionUserMessageParam

from ccit.report.history import ServingRow


@dataclass(frozen=True, slots=True)
class RequestTiming:
    """Seconds between two requests, and seconds after which one has failed."""

    pause_s: float
    timeout_s: float


QUICK = RequestTiming(0.15, 60.0)
REAL = RequestTiming(5.0, 300.0)  # an answer of a real model takes seconds of a core


class Traffic:
    """Asks one question after the other in a thread of its own, every second one streamed.

    Parameters
    ----------
    base_url : str
        `http://host:port/v1`.
    timing : RequestTiming
        How often: the demo shares two cores with its own training.
    """

    def __init__(
        self, base_url: str, model: str, prompts: Sequence[str], began: float, timing: RequestTiming = QUICK
    ) -> None:
        self._client = openai.OpenAI(base_url=base_url, api_key="demo", max_retries=0, timeout=timing.timeout_s)
        self._model = model
        self._prompts = prompts
        self._began = began
        self._pause = timing.pause_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)
        self.rows: list[ServingRow] = []
        self.errors: list[str] = []

    def start(self) -> None:
        """Begin asking."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the request under way and end."""
        self._stop.set()
        self._thread.join()

    def ask(self, prompt: str, stream: bool = False) -> tuple[str, int]:
        """One answer and the number of the version that gave it; raises `openai.OpenAIError`.

        With `stream`, every chunk must name the same version.
        """
        question: ChatCompletionUserMessageParam = {"role": "user", "content": prompt}
        chat = self._client.chat.completions
        if not stream:
            whole = chat.create(model=self._model, messages=[question], max_tokens=32)
            return whole.choices[0].message.content or "", version_of(whole.system_fingerprint)
        pieces: list[str] = []
        versions: set[int] = set()
        for chunk in chat.create(model=self._model, messages=[question], max_tokens=32, stream=True):
            versions.add(version_of(chunk.system_fingerprint))
            pieces += [choice.delta.content or "" for choice in chunk.choices]
        if len(versions) != 1:
            raise openai.OpenAIError(f"expected one version in a streamed answer, found {sorted(versions)}")
        return "".join(pieces), versions.pop()

    def _run(self) -> None:
        for number, prompt in enumerate(cycle(self._prompts)):
            if self._stop.is_set():
                return
            started = time.monotonic()
            try:
                _, version = self.ask(prompt, stream=number % 2 == 1)
            except openai.OpenAIError as error:
                self.errors.append(str(error))
                self._note(None, started)
            else:
                self._note(version, started)
            self._stop.wait(self._pause)

    def _note(self, version: int | None, started: float) -> None:
        now = time.monotonic()
        self.rows.append(ServingRow(now - self._began, version, version is not None, now - started))


def version_of(fingerprint: str | None) -> int:
    """The version in `system_fingerprint`.

    >>> version_of("ccit-v3")
    3
    """
    return int((fingerprint or "").rpartition("-v")[2])
