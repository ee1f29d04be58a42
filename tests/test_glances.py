"""What is read without a transaction around it, and what ends that."""

import pytest
from sqlalchemy import func, select, update

from app.db import db, long_look, take_glances, transaction
from app.models import Service
from tests.factories import make_service


def kept_price(app, service):
    """What another process would read."""
    with app.app_context():
        return db.session.scalar(select(Service.price_minor).where(Service.id == service.id))


def is_in_transaction(session):
    """Whether its connection to the server or the file is, whatever SQLAlchemy calls it."""
    connection = session.connection().connection.dbapi_connection
    return (
        connection.info.transaction_status.name != "IDLE" if hasattr(connection, "info") else connection.in_transaction
    )


def test_glances_hold_no_transaction_open(session):
    take_glances()
    session.scalar(select(func.count()).select_from(Service))
    assert not is_in_transaction(session)


def test_after_glances_a_transaction_reads_afresh_and_keeps_its_changes(app, session):
    service = make_service(price_minor=100)
    session.rollback()
    take_glances()
    assert session.get(Service, service.id).price_minor == 100
    with transaction():
        service.price_minor += 100
    assert kept_price(app, service) == 200
    session.scalar(select(func.count()).select_from(Service))
    assert is_in_transaction(session)


def test_among_glances_a_statement_that_changes_something_is_refused(app, session):
    service = make_service(price_minor=100)
    session.rollback()
    take_glances()
    with pytest.raises(RuntimeError, match="outside"):
        session.execute(update(Service).values(price_minor=200))
    assert kept_price(app, service) == 100


def test_a_long_look_is_one_transaction(session):
    for number in range(3):
        make_service(name=f"Service {number}")
    session.rollback()
    take_glances()
    session.scalar(select(func.count()).select_from(Service))
    long_look()
    found = session.scalars(select(Service).execution_options(yield_per=1))
    assert is_in_transaction(session)
    assert len(list(found)) == 3
