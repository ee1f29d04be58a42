"""`rehearsal()`: what would happen, without its happening."""

import pytest
from sqlalchemy import func, select, update

from app.db import db, rehearsal, run_after_commit, transaction
from app.models import AuditEntry, Notification, Role, Service
from app.workflows import audit, notifications
from app.workflows.audit import SYSTEM
from tests.factories import make_service, make_user


def kept_price(app, service):
    """What another process would read."""
    with app.app_context():
        return db.session.scalar(select(Service.price_minor).where(Service.id == service.id))


def count(app, model):
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(model))


def test_everything_is_seen_inside_and_nothing_stays(app, session):
    service = make_service(price_minor=100)
    entries = count(app, AuditEntry)
    with rehearsal() as inner:
        service.price_minor = 200
        audit.record("service.changed", service, actor=SYSTEM)
        inner.add(Service(name="New", description="", short_description="", category="ca", price_minor=1))
        inner.flush()
        inner.execute(update(Service).where(Service.id == service.id).values(name="Another"))
        assert inner.scalar(select(func.count()).select_from(Service)) == 2
    assert service.price_minor == 100
    assert kept_price(app, service) == 100
    assert (count(app, Service), count(app, AuditEntry)) == (1, entries)


def test_a_savepoint_that_is_released_inside_does_not_stay_either(app, session):
    service = make_service(price_minor=100)
    with rehearsal() as inner, inner.begin_nested():
        service.price_minor = 200
    assert kept_price(app, service) == 100


def test_no_bell_rings(app, session):
    seen = []
    make_user(Role.ADMIN)
    with rehearsal():
        run_after_commit(lambda: seen.append("rung"))
        notifications.alert("test", "Rehearsed", fold="1")
        assert session.scalar(select(func.count()).select_from(Notification)) == 1
    with transaction():
        pass
    assert seen == []
    assert count(app, Notification) == 0


def test_an_error_goes_on_its_way_and_leaves_nothing(app, session):
    service = make_service(price_minor=100)

    def fail():
        service.price_minor = 200
        db.session.flush()
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"), rehearsal():
        fail()
    assert kept_price(app, service) == 100


def test_it_stands_alone(app, session):
    service = make_service(price_minor=100)

    def within(outer, inner):
        with pytest.raises(RuntimeError, match="does not nest"), outer(), inner():
            pytest.fail("nested")

    within(transaction, rehearsal)
    within(rehearsal, transaction)
    service.price_minor = 200
    with pytest.raises(RuntimeError, match="outside"), rehearsal():
        pytest.fail("it began with changes of somebody else's")
    session.rollback()
    with transaction():
        service.price_minor = 300
    assert kept_price(app, service) == 300
