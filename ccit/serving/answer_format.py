"""`response_format`: answers in JSON, any object or one of a schema."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ccit.serving.refusals import RequestRefused, refuse_unknown
from ccit.serving.vocabulary import SchemaUnusable, check_schema

_ANY_OBJECT = '{"type": "object"}'
_MAX_SCHEMA_BYTES = 100_000  # compiled beside the requests of others


class JsonSchema(BaseModel):
    """A named schema. It is followed token by token whether `strict` or not."""

    model_config = ConfigDict(extra="ignore", strict=True, populate_by_name=True)

    name: str
    description: str | None = None
    definition: Annotated[dict[str, Any], Field(alias="schema")]
    strict: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        if isinstance(values, dict):
            refuse_unknown(values, cls, "response_format.json_schema", harmless=("schema",))
        return values


class ResponseFormat(BaseModel):
    """What an answer has to be.

    Example
    -------
    >>> ResponseFormat(type="text").schema_text(), ResponseFormat(type="json_object").schema_text()
    (None, '{"type": "object"}')
    """

    model_config = ConfigDict(extra="ignore", strict=True)

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None

    @model_validator(mode="before")
    @classmethod
    def _known(cls, values: Any) -> Any:
        if isinstance(values, dict):
            refuse_unknown(values, cls, "response_format")
        return values

    @model_validator(mode="after")
    def _named(self) -> Self:
        if (self.type == "json_schema") != (self.json_schema is not None):
            what = "response_format: json_schema stands beside the type 'json_schema', and only there"
            raise RequestRefused(400, what, "response_format")
        return self

    def schema_text(self) -> str | None:
        """The schema as JSON; None for any text.

        Raises
        ------
        RequestRefused
            It is too large, or answers cannot be held to it.
        """
        if self.type == "text":
            return None
        if self.json_schema is None:
            return _ANY_OBJECT
        text = orjson.dumps(self.json_schema.definition)
        if len(text) > _MAX_SCHEMA_BYTES:
            what = f"response_format: the schema has {len(text)} bytes, at most {_MAX_SCHEMA_BYTES} are taken"
            raise RequestRefused(400, what, "response_format")
        try:
            check_schema(text.decode())
        except SchemaUnusable as error:
            what = f"response_format: answers cannot be held to this schema: {error}"
            raise RequestRefused(400, what, "response_format") from error
        return text.decode()
