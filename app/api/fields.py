"""Kinds of values in what programs send and get, with refusals in plain words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields

from app.errors import InvalidInput
from app.kit import clock

_WORDS = {"required": "This is needed.", "null": "This may not be empty.", "validator_failed": "This does not fit."}
LARGEST_COUNT = 2**31 - 1


class Part(fields.Nested):
    default_error_messages = {**_WORDS}


class Choice(fields.Enum[Any]):
    default_error_messages = {**_WORDS}


class Text(fields.String):
    default_error_messages = {**_WORDS, "invalid": "This must be text."}


class Id(fields.UUID):
    default_error_messages = {**_WORDS, "invalid_uuid": "This is not an id."}


class Moment(fields.AwareDateTime):
    """UTC with `Z`, as all times that leave us."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **more: Any) -> str | None:
        return None if value is None else clock.isoformat(value)


class Day(fields.Date):
    default_error_messages = {**_WORDS, "invalid": "Write a day as 2026-03-31."}


class Count(fields.Integer):
    """A whole number. Python reads "1_0" and "١" as numbers and True as one; none of them is."""

    default_error_messages = {**_WORDS, "invalid": "This must be a whole number.", "too_large": "This is too large."}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> int:
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value) if len(value) <= len(str(LARGEST_COUNT)) else LARGEST_COUNT + 1
        if type(value) is not int:
            raise self.make_error("invalid")
        if abs(value) > LARGEST_COUNT:
            raise self.make_error("too_large")
        return value


class StrictCount(Count):
    """In JSON, where a number is not written as text."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> int:
        if isinstance(value, str):
            raise self.make_error("invalid")
        return super()._deserialize(value, attr, data, **more)


class Shape(Schema):
    """Fields are named as in Python here, and in camel case on the wire."""

    error_messages = {"type": "This must be an object.", "unknown": "There is no such field."}

    class Meta:
        unknown = EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.data_key = camel_case(field_obj.data_key or field_name)

    def take(self, sent: Any) -> dict[str, Any]:
        """What was sent, as this has it. Raises InvalidInput, with the problem of each field."""
        try:
            return cast(dict[str, Any], self.load(sent))
        except ValidationError as error:
            raise InvalidInput(details=flat(error.messages)) from error


class Answer(Shape):
    """What we send: every field of it, always."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        super().on_bind_field(field_name, field_obj)
        field_obj.required = True


class Strict(Shape):
    """What is sent to us where a misspelt name would change what is meant."""

    class Meta(Shape.Meta):
        unknown = RAISE


def camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def says(description: str, example: object = None, **more: object) -> dict[str, Any]:
    """What the API document tells about a field."""
    return {"description": description, **({} if example is None else {"example": example}), **more}


def flat(messages: Any, path: str = "") -> dict[str, str]:
    """The problems by the dotted names of their fields: `customer.email`."""
    if isinstance(messages, Mapping):
        found: dict[str, str] = {}
        for name, inner in messages.items():
            # Problems of the whole, and of the members of a list, stand under the name of the whole.
            is_named = name != "_schema" and not isinstance(name, int)
            found |= flat(inner, ".".join(filter(None, (path, str(name)))) if is_named else path)
        return found
    return {path or "body": " ".join(map(str, messages)) if isinstance(messages, list) else str(messages)}
