"""The API document as a page has it: endpoints by subject, with their parameters, bodies and examples."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]
_EXAMPLES = {"uuid": "019a3f0c-5b7e-7c1a-9d35-1f0e6a2b4c8d", "date-time": "2026-03-14T09:30:00.000Z"}
_ORDER = ("Buying", "Following", "Staff", "Gateways")


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter, or a field of a body or an answer; `name` is dotted."""

    name: str
    kind: str
    description: str
    is_needed: bool = False
    place: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    anchor: str
    method: str
    path: str
    summary: str
    description: str
    is_secured: bool
    parameters: list[Row]
    body: list[Row]
    answer: list[Row]
    errors: list[tuple[str, str]]
    call: str
    example: str


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    endpoints: list[Endpoint]


def sections(document: Json, base_url: str) -> list[Section]:
    by_tag: dict[str, list[Endpoint]] = {tag: [] for tag in _ORDER}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            described = _Reader(document).endpoint(method.upper(), path, operation, base_url)
            by_tag[operation["tags"][0]].append(described)
    return [Section(name, endpoints) for name, endpoints in by_tag.items()]


class _Reader:
    """Follows the references of one document."""

    def __init__(self, document: Json) -> None:
        self._schemas = document["components"]["schemas"]

    def endpoint(self, method: str, path: str, operation: Json, base_url: str) -> Endpoint:
        body = _json_of(operation.get("requestBody", {}))
        status, answer = next(iter(operation["responses"].items()))
        return Endpoint(
            anchor=operation["operationId"],
            method=method,
            path=path,
            summary=operation["summary"],
            description=operation["description"],
            is_secured="security" in operation,
            parameters=[self._parameter(each) for each in operation["parameters"]],
            body=list(self._fields(body)),
            answer=list(self._fields(_json_of(answer))),
            errors=[(code, each["description"]) for code, each in operation["responses"].items() if code >= "400"],
            call=self._call(method, base_url + path, operation, body),
            example=f"{status}\n{self._printed(_json_of(answer))}",
        )

    def _parameter(self, parameter: Json) -> Row:
        schema = self._followed(parameter["schema"])
        description = parameter.get("description") or schema.get("description", "")
        return Row(parameter["name"], _kind(schema), description, parameter.get("required", False), parameter["in"])

    def _fields(self, schema: Json, path: str = "") -> Iterator[Row]:
        whole = self._followed(schema)
        for name, inner in whole.get("properties", {}).items():
            field = self._followed(inner)
            members = self._followed(field.get("items", {}))
            is_list = field.get("type") == "array"
            dotted = f"{path}{name}"
            yield Row(dotted, _kind(field), _told(inner, field), name in whole.get("required", ()))
            yield from self._fields(members if is_list else field, f"{dotted}[]." if is_list else f"{dotted}.")

    def _call(self, method: str, address: str, operation: Json, body: Json) -> str:
        words = [f"curl -X {method} {address}" if method != "GET" else f"curl {address}"]
        if "security" in operation:
            words.append('-H "Authorization: Bearer $TOKEN"')
        headers = (each for each in operation["parameters"] if each["in"] == "header" and "example" in each["schema"])
        words += [f"-H '{each['name']}: {each['schema']['example']}'" for each in headers]
        if body:
            words += ['-H "Content-Type: application/json"', f"-d '{self._printed(body)}'"]
        return " \\\n  ".join(words)

    def _printed(self, schema: Json) -> str:
        return json.dumps(self._example(schema), ensure_ascii=False, indent=2)

    def _example(self, schema: Json) -> Any:
        if "example" in schema:
            return schema["example"]
        whole = self._followed(schema)
        if "properties" in whole:
            return {name: self._example(inner) for name, inner in whole["properties"].items()}
        if whole.get("type") == "array":
            return [self._example(whole["items"])]
        return _value(whole)

    def _followed(self, schema: Json) -> Json:
        """The schema itself, behind references and "or null"."""
        for choice in schema.get("anyOf", schema.get("allOf", ())):
            if choice.get("type") != "null":
                return self._followed(choice)
        if "$ref" in schema:
            return self._followed(self._schemas[schema["$ref"].rpartition("/")[2]])
        return schema


def _value(schema: Json) -> Any:
    if "example" in schema:
        return schema["example"]
    if schema.get("enum"):
        return schema["enum"][0]
    kinds = _kinds(schema)
    if "boolean" in kinds:
        return True
    return 1 if "integer" in kinds else _EXAMPLES.get(schema.get("format", ""), "…")


def _kind(schema: Json) -> str:
    words = [schema.get("format") or " or ".join(_kinds(schema)) or "any"]
    if "null" in _kinds(schema) and schema.get("format"):
        words.append("or null")
    if schema.get("enum"):
        words.append("of " + ", ".join(str(each) for each in schema["enum"] if each is not None))
    return " ".join(words)


def _kinds(schema: Json) -> list[str]:
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


def _told(named: Json, followed: Json) -> str:
    return str(named.get("description") or followed.get("description", ""))


def _json_of(described: Json) -> Json:
    schema: Json = described.get("content", {}).get("application/json", {}).get("schema", {})
    return schema
