"""The settings of `ccit generate`: instruction rows made of clinical documents without identities."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator, model_validator

from ccit.config.section import Section

_Prompt = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,60}\.v[1-9][0-9]{0,3}$")]


class RowGeneration(Section):
    """Instruction rows by a model and by templates (`ccit generate`), between `documents` and `raw`.

    Least lengths are in characters of English; a third of them do in Chinese, which says as much in fewer.
    """

    base_url: str = Field("http://127.0.0.1:8000/v1", description="an OpenAI-compatible endpoint; ours is one")
    model: str = Field("", description="the model that is asked; empty asks none: templates alone")
    key_file: str = Field("", description="file with the endpoint's key, its owner's alone; empty sends none")
    prompts: list[_Prompt] = Field(
        ["diagnosis.v1", "summary.v1", "explanation.v1", "plan.v1", "question_answering.v1", "dialogue_to_note.v1"],
        description="what is asked about each text, a row for each; prompts are in English and Chinese",
    )
    texts: str = Field(
        "",
        description="folder with prompts and templates of your own (`prompts/en/NAME.vN.jinja`, `templates/...`); they "
        "hide those of the same name",
    )
    templates: bool = Field(True, description="makes rows of structured records by templates, without a model")
    entries: bool = Field(
        True, description="also writes the row that needs no generation: the document's text, asked for by its title"
    )
    train_on_reasoning: bool = Field(
        False, description="puts the model's reasoning before its answer in the row; without, it is thrown away"
    )
    min_record: int = Field(200, ge=1, description="length of a text about which a model is asked, at least")
    max_record: int = Field(24_000, ge=100, description="characters of such a text in any language, at most")
    min_answer: int = Field(200, ge=1, description="length of an answer, at least")
    min_evidence: int = Field(12, ge=1, description="length of each passage of evidence, at least")
    max_tokens: int = Field(1500, ge=16, description="tokens of a reply, at most; one that is cut there is rejected")
    temperature: float = Field(0.0, ge=0, le=2, description="0 is greedy")
    seed: int = Field(0, description="sent with each request; an endpoint may pass over it")
    concurrency: int = Field(4, ge=1, le=1024, description="requests in flight, at most")
    timeout_seconds: float = Field(120, gt=0, description="how long one request may take, seconds")
    attempts: int = Field(
        4,
        ge=1,
        le=20,
        description="how often a request is sent where the endpoint gives no answer, with growing pauses",
    )
    max_tokens_per_hour: int = Field(
        0, ge=0, description="tokens, prompts and replies together, that a process asks for in an hour; 0 is no limit"
    )
    answers: str = Field(
        "", description="folder in which answers are kept, so that none is asked for twice; empty is in `store.root`"
    )
    keep_days: float = Field(30, gt=0, description="how long they are kept, days; looked at when a process starts")

    @field_validator("prompts")
    @classmethod
    def _once(cls, prompts: list[str]) -> list[str]:
        if len(set(prompts)) < len(prompts):
            raise ValueError("expected each prompt once")
        return prompts

    @model_validator(mode="after")
    def _agree(self) -> RowGeneration:
        if self.min_record > self.max_record:
            raise ValueError(
                f"min_record = {self.min_record} is above max_record = {self.max_record}: no record would be asked "
                "about; lower the one or raise the other"
            )
        return self

    def answers_folder(self, root: Path) -> Path:
        """Where answers are kept; `root` is `store.root`."""
        return Path(self.answers) if self.answers else root / "generation"
