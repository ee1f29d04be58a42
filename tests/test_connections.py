"""Connections to PostgreSQL: what they keep while they rest in the pool, and what becomes of those that broke."""

import psycopg
import pytest
from sqlalchemy import Integer, bindparam, column, create_engine, literal_column, select, table, text
from sqlalchemy.exc import DataError, ProgrammingError

from app import connections
from app.db import db, glance, transaction
from app.kept_statements import carry_out
from app.models import Service
from app.workflows import user_sessions

pytestmark = pytest.mark.postgres

ONE = select(literal_column("1", Integer).label("one"))
PART = select((literal_column("10") / bindparam("parts", type_=Integer)).label("part"))


# --- listeners


def test_listeners_are_found_before_threads_look_for_them_together(app, session):
    """SQLAlchemy makes the list, fills it, and has whoever comes between take it as it is."""
    engine = create_engine(db.engine.url)
    assert "dispatch" not in vars(engine.dialect)
    connections.gather(engine)
    assert list(vars(engine)["dispatch"].begin) == [connections._begin]
    assert list(vars(engine.dialect)["dispatch"].do_connect) == [connections._connect_to_postgres]


# --- statements that come again and again


def prepared():
    """Asked beside the driver, which keeps an account of its own."""
    driver = db.session.connection().connection.dbapi_connection
    return {row[0] for row in driver.execute("SELECT statement FROM pg_prepared_statements", prepare=False)}


def test_what_is_prepared_outlives_the_end_of_a_page(app, session):
    db.engine.dispose()
    for number in range(8):
        with transaction():
            session.scalar(select(Service.id).where(Service.price_minor == number))
        session.scalar(select(Service.id))
        session.remove()
    assert len([each for each in prepared() if "FROM services" in each]) == 1


def test_what_nearly_every_page_asks_is_prepared_and_what_it_asks_else_is_not(app, session):
    db.engine.dispose()
    for number in range(8):
        user_sessions.find(f"a token {number}")
        session.scalar(select(Service.id))
        session.remove()
    kept = prepared()
    assert [each for each in kept if "FROM user_sessions" in each]
    assert not [each for each in kept if "FROM services" in each]


def test_after_an_error_statements_are_prepared_anew(app, session):
    db.engine.dispose()
    for number in range(8):
        with transaction():
            session.scalar(select(Service.id).where(Service.price_minor == number))
    with pytest.raises(ProgrammingError):
        session.execute(text("SELECT nothing FROM nowhere"))
    session.rollback()
    assert not [each for each in prepared() if "FROM services" in each]


def test_what_only_pages_read_is_planned_for_what_they_look_for(app, session):
    db.engine.dispose()
    for number in range(8):
        session.scalar(select(Service.id).where(Service.price_minor == number))
    assert not [each for each in prepared() if "FROM services" in each]


def test_a_column_of_another_type_is_noticed_by_all_who_read_it(app, session):
    """A migration may change one while pages are read, each a transaction of its own."""
    db.engine.dispose()
    look = select(column("a")).select_from(table("changing"))
    with transaction():
        session.execute(text("CREATE TABLE changing AS SELECT 1 AS a"))
    try:
        for _ in range(8):
            assert glance(look, {})[0].a == 1
        session.remove()
        with psycopg.connect(db.engine.url.set(drivername="postgresql").render_as_string(False)) as migration:
            migration.execute("ALTER TABLE changing ALTER a TYPE text")
        assert glance(look, {})[0].a == "1"
    finally:
        session.rollback()
        with transaction():
            session.execute(text("DROP TABLE changing"))


def ask_alone(session):
    return glance(ONE, {})[0].one


def ask_within(session):
    with transaction():
        return carry_out(session.connection(), ONE, {}).first.one


@pytest.mark.parametrize("ask", [ask_alone, ask_within])
@pytest.mark.parametrize("forget", ["DEALLOCATE ALL", "DISCARD ALL"])
def test_what_the_server_was_told_to_forget_is_prepared_anew(app, session, ask, forget):
    """As by a pooler. A transaction fails with it, the first one."""
    db.engine.dispose()
    for _ in range(8):
        assert ask(session) == 1
    session.remove()
    connection = db.engine.raw_connection()
    connection.dbapi_connection.pgconn.exec_(forget.encode())
    connection.close()
    if ask is ask_within:
        with pytest.raises(ProgrammingError, match="does not exist"):
            ask(session)
    for _ in range(8):
        assert ask(session) == 1


def test_kept_statements_are_prepared_after_a_few_times_and_anew_after_an_error(app, session):
    db.engine.dispose()
    for _ in range(8):
        with transaction():
            carry_out(session.connection(), PART, {"parts": 2})
    assert [each for each in prepared() if "/" in each]
    with transaction():
        connections.soon(session.connection(), "SAVEPOINT here")
        with pytest.raises(DataError):
            carry_out(session.connection(), PART, {"parts": 0})
        session.connection().exec_driver_sql("ROLLBACK TO SAVEPOINT here")
        assert not [each for each in prepared() if "/" in each]
        for _ in range(8):
            assert carry_out(session.connection(), PART, {"parts": 5}).first.part == 2


def test_no_more_kept_statements_are_prepared_than_a_connection_may_have(app, session):
    db.engine.dispose()
    with transaction():
        driver = session.connection().connection.dbapi_connection
        driver.prepared_max = 3
        for number in range(6):
            one = select(literal_column(str(number)).label("found"))
            assert {carry_out(session.connection(), one, {}).first.found for _ in range(8)} == {number}
        # One too many is found out when the next statement comes.
        assert 3 <= len(prepared()) <= 4


# --- connections that rest in the pool


@pytest.fixture
def resting(app, session):
    """The number of the server's process that our one connection speaks to; it rests in the pool."""
    db.engine.dispose()
    number = session.scalar(text("SELECT pg_backend_pid()"))
    session.remove()
    return number


def end_of(database_url, number):
    """As when the server is started again: nobody tells us."""
    engine = create_engine(database_url)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:number, 5000)"), {"number": number})
    engine.dispose()


def test_a_connection_that_the_server_ended_is_replaced_unnoticed(session, database_url, resting):
    end_of(database_url, resting)
    assert session.scalar(text("SELECT pg_backend_pid()")) != resting


def test_a_connection_that_rested_is_taken_without_a_question(session, resting):
    assert session.scalar(text("SELECT pg_backend_pid()")) == resting


def test_after_a_long_rest_it_is_asked(session, database_url, resting, monkeypatch):
    monkeypatch.setattr(connections, "_LONG_REST", 0.0)
    assert session.scalar(text("SELECT pg_backend_pid()")) == resting
    session.remove()
    # What is on its way between us may swallow the end of a connection.
    monkeypatch.setattr(connections, "_is_silent", lambda _connection: True)
    end_of(database_url, resting)
    assert session.scalar(text("SELECT pg_backend_pid()")) != resting


# --- what is said of columns


@pytest.mark.parametrize(
    "statement", ["SELECT 1 AS one, 'a' AS \"zwei é\", now()", "SELECT", "SET LOCAL lock_timeout = 0"]
)
def test_columns_have_the_names_and_types_that_the_driver_tells(session, statement):
    driver = session.connection().connection.dbapi_connection
    ours, theirs = driver.execute(statement), psycopg.Cursor(driver)
    theirs.execute(statement)
    short = [tuple(column)[:2] for column in theirs.description] if theirs.description is not None else None
    told = None if ours.description is None else list(ours.description)
    assert told == (short and [(*each, None, None, None, None, None) for each in short])


# --- how the server carries out what we ask


def test_no_workers_are_set_to_a_page_of_a_long_list(session):
    assert session.scalar(text("SHOW max_parallel_workers_per_gather")) == "0"
