"""A gateway's raw message made readable; without what only some roles, or nobody, may see of it."""

import json
import re
from collections.abc import Callable
from typing import Any

HIDDEN = "•••"
# What opens a payment or proves who speaks is for nobody's eyes.
_SECRET = re.compile(r"secret|token|signature|password|cvc|cvv", re.IGNORECASE)
# What says how money stands. All else may tell of a person: names, addresses, accounts, what they wrote.
_HARMLESS = re.compile(
    r"(^|_)(id|ids|at|on|time|amount|currency|currency_code|status|state|type|kind|entity|object|event|event_type|code"
    r"|reason|value|fee|fees|tax|total|method|brand|network|created|updated|captured|paid|refunded|livemode|version"
    r"|api_version|resource_type|resource_version|intent|error|source|step|utr|rrn|arn|count|due_by|international)$"
)
_PERSONAL = re.compile(
    r"email|phone|contact|name|address|vpa|card_id|customer|payer|(^|_)ip(_|$)|city|postal|zip", re.IGNORECASE
)


def pretty(body: bytes, *, is_whole: bool) -> str:
    """The message as indented JSON; unless `is_whole`, what may tell of a person is covered."""
    try:
        content = json.loads(body)
    except ValueError:
        return body.decode(errors="replace") if is_whole else f"{HIDDEN} ({len(body):,} bytes that are no JSON)"
    return json.dumps(_covered(content, "", _is_secret if is_whole else _is_covered), indent=2, ensure_ascii=False)


def _covered(value: Any, name: str, is_covered: Callable[[str], bool]) -> Any:
    if isinstance(value, dict):
        return {key: _covered(inner, key, is_covered) for key, inner in value.items()}
    if isinstance(value, list):
        return [_covered(inner, name, is_covered) for inner in value]
    return value if value is None or isinstance(value, bool) or not is_covered(name) else HIDDEN


def _is_secret(name: str) -> bool:
    return _SECRET.search(name) is not None


def _is_covered(name: str) -> bool:
    return _is_secret(name) or _PERSONAL.search(name) is not None or _HARMLESS.search(name.lower()) is None
