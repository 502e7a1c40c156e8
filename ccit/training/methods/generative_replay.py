"""Earlier instructions answered by the incumbent itself, and its answers rehearsed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from ccit.plugins import PluginSettings, plugin
from ccit.ports.training import Example, Method, MethodContext, Tensors, TrainingStart
from ccit.records import Spend

_TOKENS = "tokens"


@plugin("method")
class GenerativeReplay(Method):
    """Rehearses what the incumbent itself answers to earlier instructions, without their earlier answers.

    Deep generative replay (Shin et al. 2017, arXiv 1705.08690); for language models with instructions at hand,
    self-synthesized rehearsal (Huang et al. 2024, arXiv 2403.01244). Samples of `part` are not trained on: before the
    first step the incumbent writes an answer to each of their instructions, its most probable tokens. What is added to
    the gradient of each step is

        strength * gradient of the mean loss over the response tokens of `batch` such answers

    drawn anew for each step. An answer that came to its end is rehearsed with that end; one that was cut teaches none.
    What the incumbent has wrong is rehearsed too: it keeps what the model knows, not what it was told. Without samples
    of that part it does nothing.

    Cost: writing, 2 N FLOPs per token of prompt and answer, once for each process that takes the round up; and for each
    step a forward and a backward pass over `batch` answers, one by one, 4 N FLOPs per token.

    Example
    -------
    >>> GenerativeReplay.Settings().part
    'replay'
    """

    class Settings(PluginSettings):
        """Whose instructions, and how much their answers count."""

        kind: Literal["generative_replay"] = "generative_replay"
        part: str = Field("replay", description="part of the round whose instructions are answered")
        strength: float = Field(1.0, ge=0, description="weight of the answers' mean loss, beside the loss's 1")
        batch: int = Field(4, ge=1, description="answers that a step rehearses")
        max_new_tokens: int = Field(128, ge=1, description="tokens after which an answer is cut")

    def __init__(self, settings: Settings, context: MethodContext) -> None:
        self._settings = settings
        self._batch_tokens = context.batch_tokens
        self._memory: list[Any] = []
        self._answers: list[Any] = []
        self._model: Any = None
        self._weights: Tensors = {}
        self._written = 0  # tokens computed for the answers, padding included
        self._tokens = 0  # fed for rehearsing: each answer is a pass of its own

    def examples(self, examples: Sequence[Example]) -> Sequence[Example]:
        """Without the part, as long as anything else is left."""
        kept = [example for example in examples if example.part != self._settings.part]
        if kept:
            self._memory = [example.row for example in examples if example.part == self._settings.part]
        return kept or examples

    def prepare(self, start: TrainingStart) -> None:
        """Let the incumbent answer. Each process does, as each begins with the incumbent's weights."""
        from ccit.models.causal import frozen

        self._model, self._weights = start.model, start.weights
        self._answers = self._answered(frozen(start.model)) if self._memory else []

    def _answered(self, incumbent: Any) -> list[Any]:
        """In the order of the instructions. Keys and values of a micro-batch's tokens are held at once."""
        from ccit.evaluation.generation import greedy_answers
        from ccit.models.bucketing import bucket
        from ccit.models.encoding import Encoded

        instructions = [row.ids[: row.prompt_length] for row in self._memory]
        most, answers = self._settings.max_new_tokens, dict[int, Encoded]()
        for batch in bucket([len(prompt) + most for prompt in instructions], self._batch_tokens):
            found, computed = greedy_answers(incumbent, [instructions[i] for i in batch], most)
            self._written += computed
            for i, answer in zip(batch, found, strict=True):
                if answer.text:
                    said = incumbent.chat.answer if answer.faulty else incumbent.chat.turn
                    answers[i] = Encoded((*instructions[i], *said(answer.text)), len(instructions[i]))
        return [answers[i] for i in sorted(answers)]

    def after_backward(self) -> None:
        """Add the answers' gradient to the step's."""
        import torch

        from ccit.models.gradients import gradients_of

        trained = {name: weight for name, weight in self._weights.items() if weight.grad is not None}
        if not self._answers or not trained:
            return
        drawn = [self._answers[int(i)] for i in torch.randperm(len(self._answers))[: self._settings.batch]]
        self._tokens += sum(len(row.fed) for row in drawn)
        share = self._settings.strength / sum(row.response_tokens for row in drawn)
        for name, gradient in gradients_of(self._model, drawn, trained).items():
            trained[name].grad.add_(gradient, alpha=share)

    def spent(self) -> Spend:
        """Writing the answers, and rehearsing them."""
        parameters = self._model.parameters
        return Spend.of_reading(self._written, parameters) + Spend.of_training(self._tokens, parameters)

    def state(self) -> Tensors:
        """What rehearsing has cost so far."""
        import torch

        return {_TOKENS: torch.tensor(self._tokens)}

    def load_state(self, state: Tensors) -> None:
        """Count on."""
        self._tokens = int(state[_TOKENS])
