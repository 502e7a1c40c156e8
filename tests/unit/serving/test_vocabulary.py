from __future__ import annotations

import json

import pytest

from ccit.errors import ModelUnusable
from ccit.serving.vocabulary import SchemaUnusable, Vocabulary, check_schema
from ccit.testing import byte_tokenizer

SCHEMA = json.dumps(
    {"type": "object", "properties": {"mg": {"type": "integer"}}, "required": ["mg"], "additionalProperties": False}
)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    tokenizer = byte_tokenizer()
    return Vocabulary(tokenizer, len(tokenizer) + 5, [tokenizer.eos_token_id])


def test_only_what_the_schema_admits_may_follow(vocabulary: Vocabulary) -> None:
    tokenizer, steps = byte_tokenizer(), vocabulary.steps(SCHEMA)
    for token in tokenizer('{"mg": 5}')["input_ids"]:
        admitted = steps.admitted()
        assert len(admitted) == vocabulary.size
        assert admitted[token]
        assert not admitted[tokenizer.eos_token_id]
        steps.take(token)
    assert [int(token) for token in steps.admitted().nonzero()[0]] == [tokenizer.eos_token_id]
    with pytest.raises(ModelUnusable, match="cannot be held"):
        vocabulary.steps(SCHEMA).take(tokenizer("x")["input_ids"][0])


@pytest.mark.parametrize("schema", ['{"type": "wizard"}', '{"$ref": "http://127.0.0.1:1/x"}', "[1]", '{"type": 3}'])
def test_a_schema_that_cannot_be_followed_is_refused(schema: str) -> None:
    with pytest.raises(SchemaUnusable):
        check_schema(schema)
