"""The design's numbered properties: each is held by a tagged test, with examples enough."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import AGAIN

TESTS = Path(__file__).resolve().parent
HELD = set(range(1, 39))
LEAST_EXAMPLES = 100

Test = ast.FunctionDef | ast.ClassDef


def each_test() -> Iterator[tuple[Path, Test]]:
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, Test) and node.decorator_list:
                yield path, node


def calls(node: Test, name: str) -> list[ast.Call]:
    """Decorators `@name(...)`, with or without the module in front."""
    decorators = [each for each in node.decorator_list if isinstance(each, ast.Call)]
    return [each for each in decorators if ast.unparse(each.func).split(".")[-1] == name]


def numbers(node: Test) -> set[int]:
    return {ast.literal_eval(argument) for call in calls(node, "property") for argument in call.args}


def test_every_property_has_its_test():
    tagged = {number for _, node in each_test() for number in numbers(node)}
    assert HELD - tagged == set(), "no test is tagged with these"
    assert tagged <= HELD, "there is no such property"


def test_no_test_of_a_property_takes_fewer_examples_than_a_hundred():
    assert settings.default.max_examples >= LEAST_EXAMPLES
    lowered = [
        f"{path.relative_to(TESTS)}:{node.lineno} {node.name}"
        for path, node in each_test()
        if numbers(node)
        for call in calls(node, "settings")
        for keyword in call.keywords
        if keyword.arg == "max_examples" and ast.literal_eval(keyword.value) < LEAST_EXAMPLES
    ]
    assert not lowered, "\n".join(lowered)


def test_each_property_is_tried_on_examples_that_are_drawn():
    drawn = {number for _, node in each_test() if calls(node, "given") for number in numbers(node)}
    assert HELD - drawn == set(), "these are tried on chosen examples alone"


@pytest.fixture
def tries(request, database_url):
    tries = []
    yield tries
    is_second = request.node.callspec.params["database_url"] == "postgres"
    assert len(tries) == (AGAIN if is_second else LEAST_EXAMPLES)


@given(st.integers(0, 10**12))
def test_a_rule_is_tried_widely_on_the_first_database_and_by_sample_on_the_second(tries, number):
    tries.append(number)
