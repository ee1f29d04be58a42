"""The API document, made from what serves the calls: each view's operation and its schemas."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from werkzeug.routing import Rule

from app.api import error_codes
from app.api.contract import ANSWER, Header, Operation, shape
from app.api.error_codes import EVERYWHERE, OF_STAFF, WITH_BODY
from app.api.shapes import Errors

VERSION = "1.0"
_VARIABLE = re.compile(r"<(?:(?P<kind>\w+):)?(?P<name>\w+)>")
_METHODS = ("GET", "POST", "PATCH")
_INTRODUCTION = (
    "Amounts are whole numbers in the smallest unit of their currency; times are ISO 8601 in UTC; ids are UUIDs. "
    "Every error has the same shape, with a stable code and the id of the request, which is also in `X-Request-Id`."
)
_REQUEST_ID = {"description": "Quote it when you write to us.", "schema": {"type": "string"}}
_RETRY_AFTER = {"description": "Seconds to wait.", "schema": {"type": "string"}}


def describe(app: Flask, title: str) -> dict[str, Any]:
    """The document for all endpoints that have an operation."""
    plugin = MarshmallowPlugin()
    spec = APISpec(title, VERSION, "3.1.0", plugins=[plugin], info={"description": _INTRODUCTION})
    spec.components.security_scheme(
        "token", {"type": "http", "scheme": "bearer", "description": "Made in the console: System, API tokens."}
    )
    spec.components.security_scheme(
        "session",
        {
            "type": "apiKey",
            "in": "cookie",
            "name": app.config["SESSION_COOKIE_NAME"],
            "description": "Of the console; changes need its CSRF token as `X-CSRFToken`.",
        },
    )
    for rule, method, operation in operations(app):
        spec.path(_path(rule), operations={method.lower(): _operation(rule, operation)})
    document: dict[str, Any] = spec.to_dict()
    document["components"]["schemas"]["Error"]["properties"]["code"]["enum"] = sorted(_used(app))
    return document


def operations(app: Flask) -> Iterator[tuple[Rule, str, Operation]]:
    """Every endpoint that is for programs, in the order of their subjects."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        operation = getattr(app.view_functions[rule.endpoint], ANSWER, None)
        if operation is not None:
            (method,) = (rule.methods or set()) & set(_METHODS)
            yield rule, method, operation


def codes_of(operation: Operation) -> list[str]:
    """All that this endpoint may answer with."""
    takes_body = operation.body is not None or operation.takes_any_body
    return [
        *EVERYWHERE,
        *(WITH_BODY if takes_body else ()),
        *(OF_STAFF if operation.scope else ()),
        *operation.errors,
    ]


def _used(app: Flask) -> set[str]:
    return {code for _, _, operation in operations(app) for code in codes_of(operation)} | {"not_found"}


def _operation(rule: Rule, operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": rule.endpoint.removeprefix("api_").replace(".", "_"),
        "summary": operation.summary,
        "description": operation.description,
        "tags": [operation.tag],
        "parameters": list(_parameters(rule, operation)),
        "responses": _responses(operation),
    }
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _json(shape(operation.body))}
    elif operation.takes_any_body:
        described["requestBody"] = {"required": True, "content": _json({})}
    if operation.scope is not None:
        described["security"] = [{"token": []}, {"session": []}]
        described["description"] += f" Needs the scope `{operation.scope}`."
    return described


def _parameters(rule: Rule, operation: Operation) -> Iterator[Any]:
    for kind, name in _VARIABLE.findall(rule.rule):
        schema = {"type": "string", "format": "uuid"} if kind == "uuid" else {"type": "string"}
        description = (operation.paths or {})[name]
        yield {"name": name, "in": "path", "required": True, "schema": schema, "description": description}
    for header in operation.headers:
        yield {"name": header.name, "in": "header", "schema": header.schema, "description": header.description}
    if operation.query is not None:
        yield {"in": "query", "schema": shape(operation.query)}


def _responses(operation: Operation) -> dict[str, Any]:
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in codes_of(operation):
        by_status[error_codes.all_codes()[code].status].append(code)
    good = {
        "description": "Done." if operation.status == 200 else "Made.",
        "content": _json(shape(operation.answer)),
        "headers": {"X-Request-Id": _REQUEST_ID, **_headers(operation.answered)},
    }
    return {str(operation.status): good} | {
        str(status): _error(status, codes) for status, codes in sorted(by_status.items())
    }


def _error(status: int, codes: list[str]) -> dict[str, Any]:
    headers: dict[str, Any] = {"X-Request-Id": _REQUEST_ID}
    if status in {429, 503}:
        headers["Retry-After"] = _RETRY_AFTER
    return {
        "description": "One of: " + ", ".join(f"`{code}`" for code in codes) + ".",
        "content": _json(Errors),
        "headers": headers,
    }


def _json(schema: object) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _headers(headers: tuple[Header, ...]) -> Mapping[str, Any]:
    return {header.name: {"description": header.description, "schema": header.schema} for header in headers}


def _path(rule: Rule) -> str:
    return _VARIABLE.sub(lambda found: "{" + found["name"] + "}", rule.rule)
