"""Statements that PostgreSQL's driver is given as they are find what the library finds, and fail as it fails."""

import pytest
from sqlalchemy import bindparam, column, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError

from app.db import db, glance, transaction
from app.kept_statements import carry_out
from app.models import Payment, Service, ServiceRequest, User
from tests.factories import make_request, make_service, make_user

ALL = [select(*model.__table__.c) for model in (ServiceRequest, Payment, Service, User)]
BY_ID = select(Service.name).where(Service.id == bindparam("key"))
RENAME = update(Service.__table__).where(Service.id == bindparam("key")).values(name=bindparam("new"))
TAKE = update(User.__table__).where(User.id == bindparam("key")).values(email=bindparam("email"))


@pytest.mark.parametrize("statement", ALL)
def test_they_find_the_same_by_name_and_in_order(session, statement):
    make_request()
    make_user()
    with transaction():
        connection = session.connection()
        found = carry_out(connection, statement, {})
        usual = connection.execute(statement).all()
    assert found.count == len(usual) > 0
    assert [tuple(row) for row in found.rows] == [tuple(row) for row in usual]
    assert [row._asdict() for row in found.rows] == [row._asdict() for row in usual]


def test_what_changes_rows_tells_how_many(session):
    service = make_service()
    with transaction():
        found = carry_out(session.connection(), RENAME, {"key": service.id, "new": "Another name"})
    assert (found.count, found.first) == (1, None)
    assert glance(BY_ID, {"key": service.id})[0].name == "Another name"


def test_a_broken_rule_of_the_database_is_told_as_ever(session):
    """And without what the statement was about: errors are logged."""
    known, other = make_user(), make_user()
    with pytest.raises(IntegrityError) as caught, transaction():
        carry_out(session.connection(), TAKE, {"key": other.id, "email": known.email})
    assert isinstance(caught.value.orig, db.engine.dialect.dbapi.IntegrityError)
    assert "[parameters" not in str(caught.value)


@pytest.mark.postgres
def test_a_connection_that_was_lost_is_told_as_lost_and_is_not_used_again(app, session):
    service = make_service()
    key = service.id
    session.rollback()
    with pytest.raises(OperationalError) as caught, transaction():
        _ask_after_the_end(key)
    assert caught.value.connection_invalidated
    assert glance(BY_ID, {"key": key})[0].name == service.name


def _ask_after_the_end(key):
    connection = db.session.connection()
    number = connection.connection.dbapi_connection.info.backend_pid
    with db.engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:number, 5000)"), {"number": number})
    carry_out(connection, BY_ID, {"key": key})


def test_columns_of_the_same_name_stand_in_their_places(session):
    service = make_service()
    pair = select(Service.name, column("name").label("again")).select_from(Service.__table__)
    both = select(Service.__table__.c.name, Service.__table__.c.name.label("name"))
    for statement in (pair, both):
        with transaction():
            [row] = carry_out(session.connection(), statement, {}).rows
        assert tuple(row) == (service.name, service.name)
