"""Commands that go to PostgreSQL together with the next statement, and what becomes of either when one fails."""

import signal
import time
from contextlib import contextmanager

import pytest
from sqlalchemy import Integer, bindparam, column, func, literal_column, select, table, text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, ProgrammingError

from app import connections
from app.db import db, glance, one_statement, take_glances, transaction
from app.kept_statements import carry_out
from tests.servers.wire import Wire

pytestmark = pytest.mark.postgres

ONE = select(literal_column("1", Integer).label("one"))
PART = select((literal_column("10") / bindparam("parts", type_=Integer)).label("part"))
SET = select(func.current_setting("lock_timeout"), func.current_setting("synchronous_commit"))
LONG = select(func.pg_sleep(5).label("slept"))


def test_what_goes_with_the_next_statement_comes_before_it(session):
    with transaction():
        connection = session.connection()
        connections.soon(connection, "SAVEPOINT here", "SET LOCAL lock_timeout = '7s'")
        assert connection.scalar(text("SHOW lock_timeout")) == "7s"
        connection.execute(text("CREATE TEMPORARY TABLE nothing (a int) ON COMMIT DROP"))
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT here")
        assert connection.scalar(text("SELECT to_regclass('nothing')")) is None
        assert connection.scalar(text("SHOW lock_timeout")) == "0"


def test_a_statement_that_fails_leaves_what_went_with_it(session):
    with transaction():
        connection = session.connection()
        connections.soon(connection, "SAVEPOINT here")
        with pytest.raises(ProgrammingError, match="nowhere"):
            connection.execute(text("SELECT nothing FROM nowhere"))
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT here")
        assert connection.scalar(text("SELECT 1")) == 1


def test_what_goes_with_a_statement_for_many_rows_comes_before_it(session):
    with transaction():
        connection = session.connection()
        connection.execute(text("CREATE TEMPORARY TABLE few (a int CHECK (a < 3)) ON COMMIT DROP"))
        add, count = text("INSERT INTO few VALUES (:a)"), text("SELECT count(*) FROM few")
        connections.soon(connection, "SAVEPOINT here")
        assert connection.execute(add, [{"a": 1}, {"a": 2}]).rowcount == 2
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT here")
        assert connection.scalar(count) == 0
        connections.soon(connection, "SAVEPOINT there")
        with pytest.raises(IntegrityError):
            connection.execute(add, [{"a": 2}, {"a": 3}])
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT there")
        assert connection.scalar(count) == 0


def test_with_a_kept_statement_all_goes_in_one_round_trip(app, session):
    """The transaction's beginning, too."""
    session.remove()
    with Wire(db.engine) as wire, transaction(is_synced=False):
        connection = session.connection()
        connections.soon(connection, "SAVEPOINT here", "SET LOCAL lock_timeout = '7s'")
        before = wire.sent
        assert tuple(carry_out(connection, SET, {}).first) == ("7s", "off")
        assert wire.sent == before + 1
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT here")
        assert tuple(carry_out(connection, SET, {}).first) == ("0", "off")
        session.rollback()
        session.remove()


def test_a_command_that_fails_is_told_by_the_kept_statement_it_went_with(session):
    with transaction():
        connection = session.connection()
        carry_out(connection, ONE, {})
        connections.soon(connection, "SAVEPOINT here", "RELEASE SAVEPOINT there", "SAVEPOINT nowhere")
        with pytest.raises(OperationalError, match="there"):
            carry_out(connection, ONE, {})
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT here")
        assert carry_out(connection, ONE, {}).first.one == 1


def test_a_kept_statement_that_fails_leaves_what_went_with_it(session):
    with transaction():
        connection = session.connection()
        connections.soon(connection, "SAVEPOINT here")
        with pytest.raises(DataError):
            carry_out(connection, PART, {"parts": 0})
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT here")
        assert carry_out(connection, PART, {"parts": 2}).first.part == 5


def test_a_kept_statement_that_cannot_be_prepared_any_more_leaves_what_went_with_it(app, session):
    db.engine.dispose()
    look = select(column("a")).select_from(table("going"))
    with transaction():
        session.execute(text("CREATE TABLE going AS SELECT 1 AS a"))
    for _ in range(5):
        with transaction():
            carry_out(session.connection(), look, {})
    with transaction():
        session.execute(text("DROP TABLE going"))
    with transaction():
        connection = session.connection()
        carry_out(connection, ONE, {})
        connections.soon(connection, "SAVEPOINT here")
        with pytest.raises(ProgrammingError, match="going"):
            carry_out(connection, look, {})
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT here")
        assert carry_out(connection, ONE, {}).first.one == 1


@pytest.mark.parametrize("is_kept", [True, False])
def test_what_no_statement_came_for_is_left_out(session, is_kept):
    with transaction():
        connections.soon(session.connection(), "SELECT no_such_function()")
        if not is_kept:
            session.rollback()
            session.connection()
    session.remove()
    assert session.scalar(text("SELECT 1")) == 1


# --- an answer that nobody waits for any more


def kept(session):
    with transaction():
        carry_out(session.connection(), LONG, {})


def kept_with_riders(session):
    with transaction():
        connections.soon(session.connection(), "SET LOCAL lock_timeout = '7s'")
        carry_out(session.connection(), LONG, {})


def kept_alone(session):
    with one_statement():
        carry_out(session.connection(), LONG, {})


def usual(session):
    with transaction():
        session.execute(text("SELECT 1"))
        session.execute(LONG)


def usual_alone(session):
    take_glances()
    session.execute(LONG)


def many(session):
    with transaction():
        connection = session.connection()
        connection.execute(text("CREATE TEMPORARY TABLE few (a int) ON COMMIT DROP"))
        connection.execute(text("INSERT INTO few SELECT :a FROM pg_sleep(5)"), [{"a": 1}, {"a": 2}])


def glanced(_session):
    glance(LONG, {})


@pytest.mark.parametrize("ask", [kept, kept_with_riders, kept_alone, usual, usual_alone, many, glanced])
def test_whoever_stops_waiting_leaves_no_answer_to_the_next(app, session, caplog, ask):
    """As when a job has taken too long. The pool knows its place to be free."""
    db.engine.dispose()
    began = time.monotonic()
    with pytest.raises(TimeoutError), alarm():
        ask(session)
    assert time.monotonic() - began < 3
    session.remove()
    assert db.engine.pool.checkedout() == 0
    assert glance(ONE, {})[0].one == 1
    assert "Exception during reset" not in caplog.text


@contextmanager
def alarm():
    def ring(_number, _frame):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
