"""What single tokens are as bytes, and which of them a JSON schema admits next: by llguidance.

(Guidance's parser computes the admitted tokens of each step: https://github.com/guidance-ai/llguidance.)
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from llguidance import LLMatcher, LLTokenizer

from ccit.errors import CcitError, ModelUnusable


class SchemaUnusable(CcitError):
    """A JSON schema that says nothing, or says it in a way that cannot be followed token by token."""


def check_schema(schema: str) -> None:
    """Whether answers can be held to a JSON schema.

    Raises
    ------
    SchemaUnusable
        They cannot.

    Example
    -------
    >>> check_schema('{"type": "object"}')
    >>> check_schema('{"type": "wizard"}')
    Traceback (most recent call last):
    ccit.serving.vocabulary.SchemaUnusable: Invalid type: wizard
    """
    try:
        fault = LLMatcher.validate_grammar(_grammar(schema))
    except ValueError as error:
        raise SchemaUnusable(str(error)) from error
    if fault:
        raise SchemaUnusable(fault.partition("\n")[0])


class Vocabulary:
    """The tokens of one tokenizer.

    Parameters
    ----------
    tokenizer : Any
        Of transformers, over the tokenizers library.
    size : int
        Logits in a row; there may be more of them than tokens.
    ends : Iterable[int]
        Tokens that end an answer.

    Raises
    ------
    ModelUnusable
        llguidance cannot read the tokenizer.

    Example
    -------
    >>> from ccit.testing import byte_tokenizer
    >>> tokenizer = byte_tokenizer()
    >>> vocabulary = Vocabulary(tokenizer, len(tokenizer), [tokenizer.eos_token_id])
    >>> [vocabulary.written(token) for token in tokenizer("é")["input_ids"]]
    [b'\\xc3', b'\\xa9']
    """

    def __init__(self, tokenizer: Any, size: int, ends: Iterable[int]) -> None:
        self.size = size
        try:
            text = tokenizer.backend_tokenizer.to_str()
            self._tokens = LLTokenizer(text, n_vocab=size, eos_token=sorted(ends))
        except (AttributeError, ValueError) as error:
            raise ModelUnusable(f"logprobs and response_format need a tokenizer.json: {error}") from error

    def written(self, token: int) -> bytes:
        """The bytes that a token stands for; a control token's are its name."""
        return self._tokens.decode_bytes([token])

    def steps(self, schema: str) -> SchemaSteps:
        """A fresh answer that the schema holds."""
        return SchemaSteps(LLMatcher(self._tokens, _grammar(schema)), self.size)


class SchemaSteps:
    """One answer in the making: what may come next."""

    def __init__(self, matcher: LLMatcher, size: int) -> None:
        self._matcher, self._size = matcher, size

    def admitted(self) -> npt.NDArray[np.bool_]:
        """For each token id, (size,), whether it may come next."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        admitted = np.unpackbits(bits, bitorder="little")[: self._size].astype(bool)
        return np.pad(admitted, (0, self._size - len(admitted)))

    def take(self, token: int) -> None:
        """The answer goes on with this one.

        Raises
        ------
        ModelUnusable
            It was not admitted, or the schema has grown beyond what the parser is allowed to use.
        """
        if not self._matcher.consume_token(token):
            raise ModelUnusable(f"the answer cannot be held to its schema: {self._matcher.get_error()}")


class LazyVocabulary:
    """Made when it is first asked for: it takes a second for a hundred thousand tokens, and most requests need none."""

    def __init__(self, tokenizer: Any, size: int, ends: Iterable[int]) -> None:
        self._made: Vocabulary | None = None
        self._arguments = (tokenizer, size, frozenset(ends))
        self._lock = threading.Lock()

    def get(self) -> Vocabulary:
        """The vocabulary. Raises `ModelUnusable` as its constructor does."""
        with self._lock:
            if self._made is None:
                self._made = Vocabulary(*self._arguments)
            return self._made


def _grammar(schema: str) -> str:
    # One way to write a value: a model that may put any white space between two words can go on with it for ever.
    return LLMatcher.grammar_from_json_schema(
        schema, overrides={"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
    )
