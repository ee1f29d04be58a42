"""Upkeep of the audit log comes to an end with its worker, between two steps, and goes on where it was."""

import threading

import pytest
from sqlalchemy import select

from app.jobs import audit as job
from app.jobs import turn
from app.models import AuditChain
from tests.auditing import chained, write


@pytest.fixture
def stopped(monkeypatch):
    """As after `turn.end_all()`, until the test is over or clears it."""
    event = threading.Event()
    monkeypatch.setattr(turn, "_stop", event)
    turn.end_all()
    return event


def test_a_worker_that_stops_chains_no_more(session, stopped):
    write(3)
    job.chain()
    assert chained(session) == []
    stopped.clear()
    job.chain()
    assert len(chained(session)) == 3


def test_a_worker_that_stops_verifies_no_more(session, stopped):
    write(3)
    stopped.clear()
    job.chain()
    turn.end_all()
    job.verify()
    session.rollback()
    assert session.scalars(select(AuditChain)).one().verified_at is None
    stopped.clear()
    job.verify()
    session.rollback()
    assert session.scalars(select(AuditChain)).one().verified_at is not None
