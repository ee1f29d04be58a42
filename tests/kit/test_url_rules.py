"""Addresses are written as the library would have written them, only later."""

import pytest
from werkzeug import routing

from app.kit.url_rules import Rule

RULES = {
    "page": "/requests/<uuid:key>",
    "named": "/<rule>/<path:rest>",
    "plain": "/a b/ü",
    "numbered": "/pages/<int:number>",
}


def written(kind, endpoint, **values):
    rules = [kind(text, endpoint=name) for name, text in RULES.items()]
    rules.append(kind("/first", endpoint="numbered", defaults={"number": 1}))
    return routing.Map(rules).bind("shop.example").build(endpoint, values)


@pytest.mark.parametrize(
    ("endpoint", "values"),
    [
        ("page", {"key": "019a3f0c-0000-7000-8000-000000000000"}),
        ("page", {"key": "019a3f0c-0000-7000-8000-000000000000", "view": "all & more"}),
        ("named", {"rule": "x/y", "rest": "x/y", "self": "z"}),
        ("plain", {}),
        ("numbered", {"number": 1}),
        ("numbered", {"number": 2}),
    ],
)
def test_it_writes_what_the_library_writes(endpoint, values):
    assert written(Rule, endpoint, **values) == written(routing.Rule, endpoint, **values)


def test_what_is_missing_is_refused():
    with pytest.raises(routing.BuildError):
        written(Rule, "page")
