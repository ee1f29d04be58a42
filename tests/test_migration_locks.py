"""No migration keeps a running service waiting for a large table: each statement is held against PostgreSQL's rules for
locks. A short exclusive lock is allowed, such as for a new column that may be empty; reading or rewriting the table
under it is not.
"""

import re
from collections import defaultdict
from collections.abc import Iterable

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url

from app import migrate
from app.db import Model

# They grow with sales, visits or looks.
LARGE = frozenset(
    {
        "affiliate_clicks",
        "analytics_events",
        "audit_entries",
        "bulk_change_rows",
        "commission_entries",
        "looks",
        "notifications",
        "payments",
        "payout_lines",
        "refunds",
        "sandbox_payments",
        "sandbox_refunds",
        "service_request_name_words",
        "service_request_status_history",
        "service_requests",
        "webhook_events",
    }
)
# Before them there was no service with large tables yet.
FIRST = "0025"

_NAME = r'"?(?:public\.)?"?(?P<table>\w+)"?'
_BUILD = re.compile(rf"CREATE (?:UNIQUE )?INDEX (?P<beside>CONCURRENTLY )?.*? ON (?:ONLY )?{_NAME}", re.I | re.S)
_ALTER = re.compile(rf"ALTER TABLE (?:IF EXISTS )?(?:ONLY )?{_NAME} (?P<rest>.*)", re.I | re.S)
_TOUCH = re.compile(rf"(?:UPDATE|DELETE FROM) {_NAME}(?P<rest>.*)", re.I | re.S)
_REWRITE = re.compile(rf"(?:CLUSTER|VACUUM FULL|TRUNCATE(?: TABLE)?|LOCK TABLE) {_NAME}", re.I)
_CREATE = re.compile(rf"CREATE TABLE (?:IF NOT EXISTS )?{_NAME}", re.I)
_VERSION = re.compile(r"(?:UPDATE alembic_version SET|INSERT INTO alembic_version).*?'(?P<number>\d{4})'", re.I | re.S)
_SAYS = (
    (r"ADD COLUMN (?!.*DEFAULT).*NOT NULL", "a new column must be empty or have a default"),
    (r"ADD COLUMN .*DEFAULT .*(random|clock_timestamp|gen_random_uuid|nextval)\(", "such a default rewrites the table"),
    (r"ALTER COLUMN \w+ (SET DATA )?TYPE", "a new type may rewrite the table"),
    (r"ALTER COLUMN \w+ SET NOT NULL", "reads the table: add a CHECK that is NOT VALID, then validate it"),
    (r"ADD (CONSTRAINT \w+ )?(UNIQUE|PRIMARY KEY)(?! USING INDEX)", "build the index concurrently, then USING INDEX"),
    (
        r"ADD (CONSTRAINT \w+ )?(CHECK|FOREIGN KEY)(?!.*NOT VALID)",
        "reads the table: add it NOT VALID, then validate it",
    ),
    (r"SET (LOGGED|UNLOGGED|TABLESPACE)", "rewrites the table"),
)


def why_not(statement: str, created: Iterable[str] = ()) -> str | None:
    """Why a statement may not run beside the service; tables `created` just now are nobody's yet."""
    large = LARGE - set(created)
    if (found := _BUILD.match(statement)) and found["table"] in large and not found["beside"]:
        return "build it concurrently"
    if (found := _TOUCH.match(statement)) and found["table"] in large and " WHERE " not in found["rest"].upper():
        return "every row is written: narrow it, or leave it to a job"
    if (found := _REWRITE.match(statement)) and found["table"] in large:
        return "everybody waits for it"
    if (found := _ALTER.match(statement)) and found["table"] in large:
        says = (why for pattern, why in _SAYS if re.search(pattern, found["rest"], re.I | re.S))
        return next(says, None)
    return None


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX ix ON payments (status)",
        "CREATE UNIQUE INDEX ix ON public.service_requests (version)",
        "ALTER TABLE payments ADD COLUMN colour VARCHAR(10) NOT NULL",
        "ALTER TABLE payments ADD COLUMN key UUID DEFAULT gen_random_uuid() NOT NULL",
        "ALTER TABLE notifications ALTER COLUMN kind TYPE TEXT",
        "ALTER TABLE notifications ALTER COLUMN kind SET NOT NULL",
        "ALTER TABLE refunds ADD CONSTRAINT uq UNIQUE (payment_id)",
        "ALTER TABLE refunds ADD CONSTRAINT ck CHECK (amount_minor > 0)",
        "ALTER TABLE refunds ADD CONSTRAINT fk FOREIGN KEY(payment_id) REFERENCES payments (id)",
        "UPDATE service_requests SET version = 1",
        "DELETE FROM audit_entries",
        "LOCK TABLE payments",
    ],
)
def test_what_keeps_a_service_waiting_is_refused(statement):
    assert why_not(statement) is not None


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY ix ON payments (status)",
        "CREATE INDEX ix ON services (name)",
        "ALTER TABLE payments ADD COLUMN colour VARCHAR(10)",
        "ALTER TABLE payments ADD COLUMN colour VARCHAR(10) DEFAULT 'red' NOT NULL",
        "ALTER TABLE payments DROP COLUMN colour",
        "ALTER TABLE refunds ADD CONSTRAINT uq UNIQUE USING INDEX ix",
        "ALTER TABLE refunds ADD CONSTRAINT ck CHECK (amount_minor > 0) NOT VALID",
        "ALTER TABLE refunds VALIDATE CONSTRAINT ck",
        "UPDATE service_requests SET version = 1 WHERE id IN (SELECT 1)",
    ],
)
def test_what_does_not_is_allowed(statement):
    assert why_not(statement) is None


def test_what_a_migration_creates_itself_is_nobodys_yet():
    assert why_not("CREATE INDEX ix ON payments (status)", created={"payments"}) is None


def test_every_large_table_is_one_of_ours():
    assert set(Model.metadata.tables) >= LARGE


@pytest.mark.postgres
def test_no_migration_keeps_a_service_waiting(database_url):
    statements = statements_by_migration(database_url)
    assert len(statements) > 30
    wrong = [
        f"{number}: {why}: {statement}"
        for number, said in sorted(statements.items())
        for statement in said
        if number >= FIRST and (why := why_not(statement, created_by(said)))
    ]
    assert not wrong, "\n".join(wrong)


def created_by(statements):
    return {found["table"] for each in statements if (found := _CREATE.match(each))}


def statements_by_migration(database_url):
    """What each migration says to an empty database, by its number."""
    url = make_url(database_url)
    own = url.set(database=f"{url.database}_locks")
    server, engine = create_engine(url, isolation_level="AUTOCOMMIT"), create_engine(own)
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{own.database}" TEMPLATE template1'))
        try:
            return listened(engine)
        finally:
            engine.dispose()
            connection.execute(text(f'DROP DATABASE "{own.database}" WITH (FORCE)'))
            connection.close()
            server.dispose()


def listened(engine):
    statements, waiting = defaultdict(list), []

    @event.listens_for(engine, "before_cursor_execute")
    def listen(_connection, _cursor, statement, _parameters, _context, _many):
        said = " ".join(statement.split())
        if found := _VERSION.match(said):
            statements[found["number"]] += waiting
            waiting.clear()
        else:
            waiting.append(said)

    migrate.upgrade(engine)
    return dict(statements)
