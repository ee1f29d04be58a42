"""A search in a list of a million rows looks into indexes, whatever is typed, and reads no table through."""

import re

import pytest
from sqlalchemy import select

from app.db import db
from app.kit.ids import new_reference_number
from tests.statements import asked_with_values

LARGE = "payments|refunds|disputes|notifications|webhook_events|service_requests"
# How each database says that it reads a table from its beginning to its end.
READS_ALL = {"sqlite": re.compile(rf"SCAN ({LARGE})\b"), "postgresql": re.compile(rf"Seq Scan on ({LARGE})\b")}
TEXTS = ("pay_9A36XYWTJTESTX", new_reference_number(), "priya@example.org", "019b2f6e-7d5c-7000-8000-000000000001")


def plans_of(query):
    connection = db.session.connection()
    with asked_with_values() as asked:
        db.session.execute(query)
    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:
        # It would read a short table through, index or not; a long one only where there is none.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    word = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
    for statement, values in asked:
        for step in connection.exec_driver_sql(f"{word} {statement}", values):
            yield step.detail if is_sqlite else step[0]


@pytest.mark.parametrize("typed", TEXTS, ids=("number", "reference", "address", "key"))
@pytest.mark.parametrize("endpoint", ["payments", "refunds", "disputes", "notifications", "webhook_events"])
def test_a_search_finds_its_indexes(app, session, endpoint, typed):
    view = next(view for view in app.extensions["admin"][0]._views if view.endpoint == endpoint)
    steps = list(plans_of(view.searched(select(view.model), typed)))
    assert steps
    pattern = READS_ALL[session.get_bind().dialect.name]
    assert [step for step in steps if pattern.search(step)] == []
