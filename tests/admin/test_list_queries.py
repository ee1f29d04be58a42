"""No list asks the database once more for a row: found by walking the URL map, so that a new list is held to it too."""

import re

import pytest

from app.admin.base import ConsoleView
from tests.admin.many import grow
from tests.admin.rows import count_queries
from tests.sign_in import sign_in

FEW, MANY = 10, 100
_COUNT = re.compile(r'<span class="count">([\d,]+)</span>')


def lists(app):
    """The address of every list, whole: with its parts, if it has any."""
    views = {view.endpoint: view for view in app.extensions["admin"][0]._views if isinstance(view, ConsoleView)}
    rules = {rule.endpoint.partition(".")[0]: rule.rule for rule in app.url_map.iter_rules()}
    return {
        endpoint: [f"{view.url}/?view={tab.name}" for tab in view.tabs] + [f"{view.url}/?view=all"]
        for endpoint, view in views.items()
        if endpoint in rules
    }


def rows_of(client, address):
    found = _COUNT.search(client.get(address).text)
    return int(found[1].replace(",", "")) if found else 0


def test_every_list_asks_as_often_for_a_hundred_rows_as_for_ten(app, client, session):
    sign_in(client)
    addresses = lists(app)
    assert len(addresses) >= 15
    grow(FEW)
    few = {address: count_queries(client, address) for each in addresses.values() for address in each}
    for endpoint, [*_, whole] in addresses.items():
        assert rows_of(client, whole) >= FEW, f"teach grow() to make rows for the list {endpoint!r}"
    grow(MANY - FEW)
    many = {address: count_queries(client, address) for address in few}
    assert {address: (few[address], many[address]) for address in few if few[address] < many[address]} == {}


@pytest.mark.parametrize("most", [20])
def test_no_list_asks_more_than_a_few_times(app, client, session, most):
    sign_in(client)
    grow(FEW)
    counts = {whole: count_queries(client, whole) for [*_, whole] in lists(app).values()}
    assert {address: count for address, count in counts.items() if count > most} == {}
