"""What people and jobs ask of tables that grow with sales leads into an index, and reads none of them through."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.admin import request_filters
from app.admin.commissions import CommissionView
from app.db import db, transaction
from app.extensions import settings
from app.jobs import payments, retention
from app.kit import clock
from app.models import CommissionEntry, RequestStatus, Role
from app.workflows import bulk_rows, erasure, request_search, requests, status
from app.workflows.audit import SYSTEM
from tests.bulk import draft
from tests.factories import make_request, make_user
from tests.statements import asked_with_values
from tests.test_migration_locks import LARGE

_NAMES = "|".join(sorted(LARGE | {"disputes"}))
# How each database says that it reads a table, or an index of all of it, from its beginning to its end.
_READS_ALL = {
    "sqlite": re.compile(rf"SCAN ({_NAMES})\b(?! USING INDEX ix_commission_entries_paid)"),
    "postgresql": re.compile(rf"Seq Scan on ({_NAMES})\b"),
}


def read_through(do):
    """The steps of whatever `do` asks that read a large table through."""
    with asked_with_values() as asked:
        do()
    connection = db.session.connection()
    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:
        # It would read a short table through, index or not; a long one only where there is none.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    word = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
    steps = [
        step.detail if is_sqlite else step[0]
        for statement, values in asked
        if re.match(r"SELECT .*FROM|UPDATE|DELETE", statement, re.S)
        for step in connection.exec_driver_sql(f"{word} {statement}", values)
    ]
    assert steps
    return [step for step in steps if _READS_ALL[connection.dialect.name].search(step)]


@pytest.fixture
def finished(session):
    """A request that nobody has to wait for any more, as one that is erased."""
    request = make_request(is_paid=False)
    with transaction():
        status.change_status(requests.get_locked(request.id), RequestStatus.CANCELLED, actor=SYSTEM)
    return request


def test_erasing_a_customer_reads_no_table_through(finished):
    def erase():
        with transaction():
            erasure.erase(finished.id, actor=SYSTEM)

    assert read_through(erase) == []


@pytest.mark.parametrize("rule", ["visits", "mail", "gateway_messages", "looks", "unpaid"])
def test_letting_go_finds_what_is_due(session, rule):
    [found] = [each for each in retention.RULES if each.name == rule]
    before = clock.utc_now() - timedelta(days=200)
    query = found.due(before).order_by(found.model.created_at, found.model.id).limit(200)
    assert read_through(lambda: db.session.scalars(query).all()) == []


def test_looking_for_silent_gateways_counts_few_payments(session):
    make_request()
    assert read_through(payments.alert_on_silence) == []


@pytest.mark.parametrize(
    "asked",
    [
        "view=all&operator=me",
        "view=all&operator=me&status=completed",
        "view=all&provider=none&status=completed",
        "view=all&provider=none&status=cancelled&sort=oldest",
        "view=all&payment=refunded&status=completed",
    ],
)
def test_lists_of_few_requests_among_many_are_short_ways(client, session, asked):
    user = make_user(Role.OPERATOR)
    arguments = dict(pair.split("=") for pair in asked.split("&"))
    wanted = request_filters.parse_filters(arguments, user)
    query = request_search.select_requests(wanted, zone=settings().time_zone)
    order = request_search.REQUESTS.created_at.desc(), request_search.REQUESTS.id.desc()
    assert read_through(lambda: db.session.scalars(query.order_by(*order).limit(51)).all()) == []


def test_commissions_that_were_paid_are_found_among_those_that_were_not(session):
    [paid] = [tab for tab in CommissionView.tabs if tab.name == "paid"]
    query = select(CommissionEntry).where(paid.clause())
    order = CommissionEntry.created_at.desc(), CommissionEntry.id.desc()
    assert read_through(lambda: db.session.scalars(query.order_by(*order).limit(51)).all()) == []


def test_the_pages_of_rows_that_come_next_are_found_by_indexes(session):
    change = draft("set_status", make_request(), status="in_progress", note="Because.")
    ways = list(bulk_rows.pages_of(change.id, 1, 1))
    assert read_through(lambda: [db.session.scalar(way) for way in ways]) == []
    assert [db.session.scalar(way) for way in ways] == [1, 1, 1]
