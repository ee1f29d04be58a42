"""What an endpoint takes and answers, said once.

The same schemas check what is sent, shape what is answered, and are what the API document is made from, so the three
cannot disagree. They are named by dotted strings: `shapes.Tracking`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from flask import Response, jsonify, request
from werkzeug.exceptions import BadRequest

from app.workflows.api_tokens import Scope

if TYPE_CHECKING:
    from app.api.fields import Shape

ANSWER = "operation"
"""The attribute by which a view's operation is found."""

Content = Mapping[str, Any]
View = Callable[..., Content | tuple[Content, Mapping[str, str]]]


@dataclass(frozen=True, slots=True)
class Header:
    """One that a call may carry, or (in `answered`) that an answer has."""

    name: str
    description: str
    schema: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """`answer`, `body` and `query` are names of shapes; `errors` are codes this endpoint may answer with, besides those
    that any may."""

    summary: str
    tag: str
    answer: str
    status: int = 200
    description: str = ""
    body: str | None = None
    query: str | None = None
    takes_any_body: bool = False
    headers: tuple[Header, ...] = ()
    answered: tuple[Header, ...] = ()
    paths: Mapping[str, str] | None = None
    errors: tuple[str, ...] = ()
    scope: Scope | None = None

    def sent(self) -> dict[str, Any]:
        """What the view gets besides the variables of its address. Raises InvalidInput and BadRequest."""
        found: dict[str, Any] = {}
        if self.query is not None:
            found["query"] = shape(self.query).take(request.args.to_dict())
        if self.body is not None:
            found["body"] = shape(self.body).take(read_json())
        return found

    def answer_with(self, content: Content, headers: Mapping[str, str]) -> Response:
        answer = jsonify(shape(self.answer).dump(content))
        answer.status_code = self.status
        answer.headers.update(headers)
        return answer


@cache
def shape(name: str) -> "Shape":
    """What is declared under this name. Loaded when it is first asked for: the library alone is a thirtieth of all that
    a web process waits for before its first answer, and most have no program calling."""
    module, _, kind = name.partition(".")
    return cast("Shape", getattr(import_module(f"{__package__}.{module}"), kind)())


def serves(operation: Operation) -> Callable[[View], Callable[..., Response]]:
    """Make a view of a function that gets what was sent, checked, and returns what is to be answered."""

    def decorate(view: View) -> Callable[..., Response]:
        @wraps(view)
        def serve(**variables: Any) -> Response:
            answered = view(**variables, **operation.sent())
            content, headers = answered if isinstance(answered, tuple) else (answered, {})
            return operation.answer_with(content, headers)

        setattr(serve, ANSWER, operation)
        return serve

    return decorate


def read_json() -> dict[str, Any]:
    """The body, which has to be a JSON object. Raises BadRequest, UnsupportedMediaType."""
    try:
        body = request.get_json()
    except RecursionError as error:
        raise BadRequest from error
    if not isinstance(body, dict):
        raise BadRequest
    return body
