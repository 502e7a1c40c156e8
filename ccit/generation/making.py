"""What becomes of one document: its rows without a model, and what is asked about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from ccit.deidentify.documents import REASON as IDENTIFYING
from ccit.errors import InputError
from ccit.generation.asking import RequestSampling
from ccit.generation.constraints import Constraints, Scan, fault_of_any
from ccit.generation.conversation import Ask, Rejected, converse
from ccit.generation.prompts import Prompt
from ccit.generation.replies import Fault
from ccit.generation.rows import generated_row
from ccit.generation.source import Language, SourceText, source_of
from ccit.generation.structured import StructuredTemplates
from ccit.ingest.document_rows import row_from_document

UNUSABLE = "unusable_answer"
"""Of a dead letter: what the model made of the document broke a constraint twice."""

ENTRY = "entry"
"""What the row is called that is the document's text, asked for by its title."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Which documents get what.

    Parameters
    ----------
    min_record, max_record : int
        Characters of a text about which a model is asked; in Chinese a third of the former do.
    entries : bool
        Whether each text is also a row by itself.
    with_reasoning : bool
        Whether reasoning is trained on.
    """

    min_record: int = 200
    max_record: int = 24_000
    entries: bool = True
    with_reasoning: bool = False

    def fit(self, source: SourceText) -> bool:
        """Whether a model is asked about a text."""
        least = self.min_record if source.language == "en" else ceil(self.min_record / 3)
        return least <= len(source.text) <= self.max_record


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a prompt or a template gave: a row, or why there is none; and the faults on the way."""

    prompt: str
    row: Mapping[str, Any] | None
    refusal: InputError | None = None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """Who is asked, and how.

    Parameters
    ----------
    prompts : Mapping
        Language -> what is asked.
    """

    ask: Ask
    prompts: Mapping[Language, Sequence[Prompt]]
    constraints: Constraints
    sampling: RequestSampling


class RowMaker:
    """Makes the rows of documents.

    Parameters
    ----------
    scan : callable
        The second scan for identifiers, of what templates say; that of replies is among the model's constraints.
    templates : StructuredTemplates, optional
        For structured records.
    model : Model, optional
        None asks nobody.

    Example
    -------
    >>> from ccit.deidentify.deidentifier import Deidentifier
    >>> from ccit.deidentify.safe_harbor import SafeHarbor
    >>> from ccit.generation.identifiers import IdentifierScan
    >>> from ccit.testing import recognisers
    >>> scan = IdentifierScan(Deidentifier(recognisers(), SafeHarbor()))
    >>> maker = RowMaker(Limits(), scan.fault, StructuredTemplates())
    >>> body = {"document": "d", "subject": "s", "title": "Chest x-ray", "text": "Clear lungs."}
    >>> [(made.prompt, made.row["output"]) for made in maker.plain(body)]
    [('entry', 'Clear lungs.')]
    """

    def __init__(
        self, limits: Limits, scan: Scan, templates: StructuredTemplates | None = None, model: Model | None = None
    ) -> None:
        self._limits = limits
        self._scan = scan
        self._templates = templates
        self._model = model

    def plain(self, body: Mapping[str, Any]) -> list[Outcome]:
        """What needs no model: the entry itself, and what a template says of it.

        Where something in the template's row may identify somebody, there is no entry either: it says the same.
        """
        entry = row_from_document(body)
        if entry is None:
            return []
        made = [Outcome(ENTRY, entry)] if self._limits.entries else []
        if self._templates is not None:
            source = source_of(body)
            if (row := self._templates.row(body, source)) is not None:
                said = self._scanned(row, source)
                made = [*made, said] if said.row is not None else [said]
        return made

    def _scanned(self, row: Mapping[str, Any], source: SourceText) -> Outcome:
        """The row that a template made; none where something in it may identify somebody."""
        name = row["meta"]["generated"]["prompt"]
        fault = fault_of_any(self._scan, (row[part] for part in ("instruction", "input", "output")), source)
        if fault is None:
            return Outcome(name, row)
        said = f"expected a row that identifies nobody, found one that may: {fault.sentence}"
        return Outcome(name, None, InputError(IDENTIFYING, said), (fault,))

    def asked_about(self, body: Mapping[str, Any], only: str = "") -> tuple[Prompt, ...]:
        """What is asked about a document; raises `InputError` where it is not one that is asked about.

        Parameters
        ----------
        only : str
            The one prompt, with version and without language, that an operator wants to have asked again.
        """
        if self._model is None or row_from_document(body) is None:
            return ()
        source = source_of(body)
        prompts = tuple(self._model.prompts[source.language])
        if not only:
            return prompts if self._limits.fit(source) else ()
        found = tuple(prompt for prompt in prompts if prompt.name == f"{only}.{source.language}")
        if not found:
            raise InputError("wrong_schema", "expected a prompt of generation.prompts to be asked again, found another")
        return found

    async def generated(self, body: Mapping[str, Any], prompt: Prompt, attempt: int = 0) -> Outcome:
        """Ask one prompt.

        Raises
        ------
        CcitError
            What is no fault of this document (`EndpointUnavailable`, `StorageFailed`).
        """
        if self._model is None:
            raise ValueError("expected a model to ask, found none")
        source, model = source_of(body), self._model
        try:
            made = await converse(prompt, source, model.ask, model.constraints, model.sampling, attempt)
        except InputError as refusal:
            return Outcome(prompt.name, None, refusal)
        if isinstance(made, Rejected):
            return Outcome(prompt.name, None, _unusable(made), made.faults)
        row = generated_row(body, source, prompt, made, with_reasoning=self._limits.with_reasoning)
        return Outcome(prompt.name, row, faults=made.faults)


def _unusable(rejected: Rejected) -> InputError:
    broken = " and then ".join(fault.constraint for fault in rejected.faults)
    return InputError(
        UNUSABLE, f"expected a reply that satisfies every constraint, found {broken}: {rejected.faults[-1].sentence}"
    )
