"""The audit log as its tests need it: written, chained, and tampered with by somebody who has the database."""

import re

from sqlalchemy import select, text

from app.db import db, transaction
from app.models import AuditEntry
from app.workflows import audit
from app.workflows.audit import SYSTEM


def write(count, action="thing.changed"):
    for number in range(count):
        with transaction():
            audit.record(action, None, actor=SYSTEM, before={"name": f"Kavya {number}"}, after={"name": "Anand"})


def chained(session):
    session.rollback()
    query = select(AuditEntry).where(AuditEntry.position.is_not(None)).order_by(AuditEntry.position)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def problem(app):
    """What the command says, once it fails; None when all is well."""
    result = app.test_cli_runner().invoke(args=["verify-audit"])
    assert result.exit_code in {0, 1}, result.output
    return result.output.partition("Error: ")[2].strip() if result.exit_code else None


def mark_of(app):
    result = app.test_cli_runner().invoke(args=["verify-audit"])
    assert result.exit_code == 0, result.output
    return re.search(r"\d+:[0-9a-f]{64}", result.output)[0]


class Guard:
    """Takes the triggers away and brings them back, as whoever has the database's password can."""

    def __init__(self, session):
        self.session = session
        self.is_postgres = db.engine.dialect.name == "postgresql"

    def __enter__(self):
        if self.is_postgres:
            self._run("ALTER TABLE audit_entries DISABLE TRIGGER USER")
            return
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        self.triggers = [tuple(row) for row in self.session.execute(text(query))]
        for name, _ in self.triggers:
            self._run(f"DROP TRIGGER {name}")

    def __exit__(self, *_):
        if self.is_postgres:
            self._run("ALTER TABLE audit_entries ENABLE TRIGGER USER")
            return
        for _, sql in self.triggers:
            self._run(sql)

    def _run(self, statement):
        with transaction() as session:
            session.execute(text(statement))


def tamper(session, statement, **values):
    with Guard(session), transaction():
        session.execute(text(statement), values)


def at(position):
    return f"WHERE position = {position}"
