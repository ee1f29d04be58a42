"""Connections to the database: how many a process has, and a pooler between us and the server."""

from dataclasses import replace

import pytest
from sqlalchemy import select, text

from app.db import db
from app.models import Service
from app.workflows import user_sessions


@pytest.fixture
def pooled(settings, make_app):
    """An application that speaks to a pooler, so its own connection may be another one in each transaction."""
    app = make_app(replace(settings, database_pooler=True))
    with app.app_context():
        yield db.session
        db.session.remove()
        db.engine.dispose()


@pytest.mark.postgres
def test_behind_a_pooler_no_statement_is_kept_on_a_connection(pooled):
    for _ in range(8):
        pooled.execute(select(Service.id))
        user_sessions.find("a token")
    assert pooled.scalar(text("SELECT count(*) FROM pg_prepared_statements")) == 0


@pytest.mark.postgres
def test_behind_a_pooler_times_are_in_utc_although_nothing_is_said_when_connecting(pooled):
    assert pooled.scalar(text("SHOW TimeZone")) == "UTC"


@pytest.mark.postgres
def test_a_process_opens_no_more_connections_than_are_set(settings, make_app):
    app = make_app(replace(settings, database_connections=2))
    with app.app_context():
        assert (db.engine.pool.size(), db.engine.pool._max_overflow) == (2, 0)
