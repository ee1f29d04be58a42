"""SQLite learns how its tables have grown, and is not kept busy with it."""

import pytest
from sqlalchemy import text

from app.db import db
from app.jobs import upkeep
from tests.admin.rows import new_request, store
from tests.factories import make_service
from tests.statements import asked


def counted():
    """How many requests the database believes it has; None where it was never told."""
    has_table = db.session.scalar(text("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'"))
    stat = has_table and db.session.scalar(text("SELECT stat FROM sqlite_stat1 WHERE tbl = 'service_requests' LIMIT 1"))
    db.session.rollback()
    return int(stat.split()[0]) if stat else None


def add(count):
    service = make_service()
    store(*(new_request(service) for _ in range(count)))


@pytest.mark.sqlite
def test_it_counts_again_when_there_are_twice_as_many(session):
    upkeep.learn_sizes()
    assert counted() is None
    add(3)
    upkeep.learn_sizes()
    assert counted() == 3
    add(2)
    upkeep.learn_sizes()
    assert counted() == 3
    add(2)
    upkeep.learn_sizes()
    assert counted() == 7


@pytest.mark.postgres
def test_postgres_is_asked_nothing(session):
    with asked() as statements:
        upkeep.learn_sizes()
    assert statements == []
