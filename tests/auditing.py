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


def tamper(statement, **values):
    """Change rows without the triggers and bring them back, as whoever has the database's password can.

    On SQLite in one transaction, which is one connection: the next one of the pool may not have noticed yet that a
    trigger is gone, and refuses to make it again.
    """
    if db.engine.dialect.name == "postgresql":
        _run("ALTER TABLE audit_entries DISABLE TRIGGER USER")
        _run(statement, **values)
        _run("ALTER TABLE audit_entries ENABLE TRIGGER USER")
        return
    with transaction() as writing:
        query = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entries'")
        triggers = [tuple(row) for row in writing.execute(query)]
        for name, _ in triggers:
            writing.execute(text(f"DROP TRIGGER {name}"))
        writing.execute(text(statement), values)
        for _, sql in triggers:
            writing.execute(text(sql))


def _run(statement, **values):
    with transaction() as writing:
        writing.execute(text(statement), values)


def at(position):
    return f"WHERE position = {position}"
