"""`transaction()`: the only way to keep something, and what may be relied on inside it."""

import logging

import pytest
from sqlalchemy import func, select, update

from app.db import db, run_after_commit, transaction
from app.models import Service
from tests.factories import make_service
from tests.threads import at_once


class Interrupted(BaseException):
    """As when a worker is told to stop."""


def kept_price(app, service):
    """What another process would read."""
    with app.app_context():
        return db.session.scalar(select(Service.price_minor).where(Service.id == service.id))


def test_leaving_it_commits(app, session):
    service = make_service(price_minor=100)
    with transaction():
        service.price_minor = 200
    assert kept_price(app, service) == 200


@pytest.mark.parametrize("error", [ValueError, Interrupted])
def test_an_error_undoes_everything_and_goes_on_its_way(app, session, error):
    service = make_service(price_minor=100)

    def fail():
        service.price_minor = 200
        db.session.flush()
        raise error

    with pytest.raises(error), transaction():
        fail()
    assert kept_price(app, service) == 100
    assert service.price_minor == 100
    with transaction():
        service.price_minor = 300
    assert kept_price(app, service) == 300


def test_it_does_not_nest_and_the_refusal_undoes_the_outer_one(app, session):
    service = make_service(price_minor=100)

    def nest():
        service.price_minor = 200
        with transaction():
            pass

    with pytest.raises(RuntimeError, match="does not nest"), transaction():
        nest()
    assert kept_price(app, service) == 100


def test_a_change_made_outside_is_refused_where_it_would_be_swept_along(app, session):
    service = make_service(price_minor=100)
    service.price_minor = 200
    with pytest.raises(RuntimeError, match="outside"), transaction():
        pytest.fail("a transaction began with changes of somebody else's")
    session.rollback()
    assert kept_price(app, service) == 100


def test_a_new_row_added_outside_is_refused(session):
    session.add(Service(name="Stray"))
    with pytest.raises(RuntimeError, match="outside"), transaction():
        pass
    session.rollback()


def test_a_change_made_outside_is_not_written_by_a_query_either(app, session):
    service = make_service(price_minor=100)
    service.price_minor = 200
    with pytest.raises(RuntimeError, match="outside"):
        session.scalar(select(func.count()).select_from(Service))
    session.rollback()
    with transaction():
        pass
    assert kept_price(app, service) == 100


def test_a_statement_run_outside_is_not_kept_by_the_next_transaction(app, session):
    service = make_service(price_minor=100)
    session.execute(update(Service).values(price_minor=200))
    with transaction():
        pass
    assert kept_price(app, service) == 100


def test_rows_read_before_are_read_afresh_inside(app, session):
    service = make_service(price_minor=100)
    assert service.price_minor == 100

    def elsewhere():
        with transaction() as other:
            other.execute(update(Service).values(price_minor=200))

    at_once(app, [elsewhere])
    with transaction():
        assert service.price_minor == 200


def test_rows_can_be_shown_after_the_commit_without_another_query(session):
    service = make_service(price_minor=100)
    with transaction() as inner:
        service.price_minor = 200
        inner.flush()
    assert "price_minor" in service.__dict__


def test_steps_wait_for_the_commit_keep_their_order_and_run_once_each(app, session):
    service = make_service(price_minor=100)
    seen = []

    def first():
        seen.append(("first", kept_price(app, service)))

    def second():
        seen.append(("second", kept_price(app, service)))

    with transaction():
        service.price_minor = 200
        for step in (first, second, first):
            run_after_commit(step)
        assert seen == []
    assert seen == [("first", 200), ("second", 200)]


def test_steps_do_not_wait_for_a_savepoint_alone(session):
    seen = []
    with transaction() as inner:
        with inner.begin_nested():
            run_after_commit(lambda: seen.append("too early"))
        assert seen == []


def test_what_is_rolled_back_is_followed_by_nothing(session):
    seen = []

    def fail():
        run_after_commit(lambda: seen.append("never"))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"), transaction():
        fail()
    with transaction():
        pass
    assert seen == []


def test_a_step_that_fails_undoes_nothing_and_stops_no_other(app, session, caplog):
    service = make_service(price_minor=100)
    seen = []

    def broken():
        raise ConnectionError("the queue is away")

    with caplog.at_level(logging.ERROR), transaction():
        service.price_minor = 200
        run_after_commit(broken)
        run_after_commit(lambda: seen.append("rung"))
    assert kept_price(app, service) == 200
    assert seen == ["rung"]
    assert "a step after the commit failed" in caplog.text


def test_a_step_may_open_a_transaction_of_its_own(app, session):
    service = make_service(price_minor=100)

    def raise_price():
        with transaction():
            service.price_minor += 1

    with transaction():
        service.price_minor = 200
        run_after_commit(raise_price)
    assert kept_price(app, service) == 201


def test_without_a_transaction_a_step_is_refused(session):
    with pytest.raises(RuntimeError, match="needs an open transaction"):
        run_after_commit(lambda: None)


def test_writers_at_the_same_time_lose_no_update(app, session):
    service = make_service(price_minor=100)

    def add_ten():
        for _ in range(10):
            with transaction() as own:
                row = own.get_one(Service, service.id, with_for_update=True)
                row.price_minor += 1

    assert at_once(app, [add_ten] * 6) == [None] * 6
    assert kept_price(app, service) == 160


@pytest.mark.sqlite
def test_on_sqlite_a_read_inside_is_protected_without_a_lock_of_its_own(app, session):
    service = make_service(price_minor=100)

    def add_ten():
        for _ in range(10):
            with transaction() as own:
                price = own.scalar(select(Service.price_minor))
                own.execute(update(Service).values(price_minor=price + 1))

    assert at_once(app, [add_ten] * 6) == [None] * 6
    assert kept_price(app, service) == 160


@pytest.mark.sqlite
def test_on_sqlite_readers_do_not_wait_for_a_writer(app, session):
    service = make_service(price_minor=100)
    with transaction():
        service.price_minor = 200
        db.session.flush()
        assert at_once(app, [lambda: kept_price(app, service)]) == [100]


def test_a_text_with_a_zero_character_is_looked_for_and_kept_without_an_error(session):
    service = make_service()
    assert session.scalar(select(Service.id).where(Service.name == "\0")) is None
    with transaction():
        service.name = "a\0b"
    session.refresh(service)
    assert service.name in {"a\0b", "a\ufffdb"}
    assert session.scalar(select(Service.id).where(Service.name == "a\0b")) == service.id
