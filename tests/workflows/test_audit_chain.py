"""The audit log cannot be changed by accident, and its entries are chained without anybody waiting."""

import json
import re
import threading
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from app.db import transaction
from app.jobs import audit as job
from app.kit import clock
from app.models import ActorKind, AuditChain, AuditEntry
from app.workflows import audit, audit_chain, audit_hashes
from app.workflows.audit import SYSTEM
from app.workflows.audit_chain import Mark
from tests.auditing import chained, problem, write

REFUSED = [
    "UPDATE audit_entries SET action = 'x'",
    "UPDATE audit_entries SET changes_sealed = entry_hash",
    "UPDATE audit_entries SET digest = entry_hash",
    "UPDATE audit_entries SET erased_by = id",
    "UPDATE audit_entries SET position = position + 100",
    "UPDATE audit_entries SET position = NULL",
    "UPDATE audit_entries SET entry_hash = previous_hash",
    "UPDATE audit_entries SET created_at = '2020-01-01'",
    "DELETE FROM audit_entries",
    "DELETE FROM audit_entries WHERE position = 2",
]


@pytest.mark.parametrize("statement", REFUSED)
def test_the_database_refuses_to_change_or_delete_an_entry(app, session, statement):
    write(3)
    job.chain()
    with pytest.raises(DBAPIError, match="never changed or deleted"), transaction():
        session.execute(text(statement))
    assert problem(app) is None


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entries SET position = 1", "UPDATE audit_entries SET address = 'x'"]
)
def test_an_entry_that_waits_for_its_place_is_refused_too(session, statement):
    write(1)
    with pytest.raises(DBAPIError, match="never changed or deleted"), transaction():
        session.execute(text(statement))


@pytest.mark.postgres
def test_the_table_cannot_be_emptied_at_once(session):
    with pytest.raises(DBAPIError, match="never changed or deleted"), transaction():
        session.execute(text("TRUNCATE audit_entries"))


@pytest.mark.sqlite
def test_an_entry_cannot_be_replaced_by_inserting(session):
    write(1)
    columns = ", ".join(column.name for column in AuditEntry.__table__.columns)
    with pytest.raises(DBAPIError, match="never changed or deleted"), transaction():
        session.execute(text(f"INSERT OR REPLACE INTO audit_entries ({columns}) SELECT {columns} FROM audit_entries"))


def test_entries_are_chained_in_order_and_once(app, session):
    write(5)
    job.chain()
    first = [(entry.position, entry.entry_hash) for entry in chained(session)]
    assert [position for position, _ in first] == [1, 2, 3, 4, 5]
    job.chain()
    write(2)
    job.chain()
    assert [(entry.position, entry.entry_hash) for entry in chained(session)][:5] == first
    assert len(chained(session)) == 7
    assert problem(app) is None


def test_an_entry_that_is_committed_late_gets_a_late_place(app, session):
    write(2)
    job.chain()
    with transaction():
        key = audit.record("thing.changed", None, actor=SYSTEM)
        entry = next(each for each in session.new if each.id == key)
        entry.created_at -= timedelta(hours=1)
        entry.digest = audit_hashes.digest_of(entry, entry.salted)
    job.chain()
    assert chained(session)[-1].id == key
    assert problem(app) is None


@pytest.mark.postgres
def test_writers_do_not_wait_for_the_chain_and_it_is_made_longer_by_one_at_a_time(app, session):
    write(3)
    with transaction():
        audit_chain.chain_some(10)
        other = threading.Thread(target=in_app(app, lambda: write(1)))
        other.start()
        other.join(10)
        assert not other.is_alive()
        rival = threading.Thread(target=in_app(app, job.chain))
        rival.start()
    rival.join(10)
    assert [entry.position for entry in chained(session)] == [1, 2, 3, 4]
    assert problem(app) is None


def in_app(app, work):
    def run():
        with app.app_context():
            work()

    return run


def test_many_chain_at_once_and_each_entry_has_one_place(app, session):
    write(30)
    threads = [threading.Thread(target=in_app(app, job.chain)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    job.chain()
    assert [entry.position for entry in chained(session)] == list(range(1, 31))
    assert problem(app) is None


def test_a_head_that_is_gone_is_not_made_anew(session):
    write(2)
    job.chain()
    with transaction():
        session.execute(text("DELETE FROM audit_chain"))
    write(1)
    with pytest.raises(audit_chain.ChainBroken):
        job.chain()


def test_entries_from_before_there_were_digests_are_chained_with_one(app, session):
    with transaction():
        session.execute(
            insert(AuditEntry).values(
                action="old.one",
                subject_type="users",
                actor_kind=ActorKind.SYSTEM,
                salted=json.dumps({"before": {}, "after": {"name": "Kavya"}}),
            )
        )
    assert problem(app) is None
    [entry] = chained(session)
    assert json.loads(entry.changes)["after"] == {"name": "Kavya"}
    assert entry.digest == audit_hashes.digest_of(entry, entry.salted)
    assert session.scalar(select(AuditChain.is_resealing)) is False


def test_the_digest_tells_nothing_of_what_it_covers(session):
    write(1)
    with transaction():
        key = audit.record("thing.changed", None, actor=SYSTEM, before={"name": "Kavya 0"}, after={"name": "Anand"})
    entries = list(session.scalars(select(AuditEntry)))
    assert entries[0].changes == entries[1].changes
    assert entries[0].salted != entries[1].salted
    assert key in {entry.id for entry in entries}


@given(position=st.integers(0, 2**40), digest=st.binary(min_size=32, max_size=32))
def test_a_mark_is_read_as_it_was_printed(position, digest):
    mark = Mark(position, digest)
    assert Mark.read(f" {mark}\n") == mark


@given(words=st.text(max_size=90))
def test_what_is_no_mark_is_refused(words):
    if re.fullmatch(r"\d+:[0-9a-f]{64}", words.strip()) is None:
        with pytest.raises(ValueError):  # noqa: PT011 - whichever part of it is wrong
            Mark.read(words)


def test_a_moment_is_hashed_as_it_comes_back_from_the_database(session):
    write(1)
    moment = clock.utc_now()
    with transaction():
        audit.record("thing.changed", None, actor=SYSTEM)
    session.expire_all()
    for entry in session.scalars(select(AuditEntry)):
        assert entry.digest == audit_hashes.digest_of(entry, entry.salted)
        assert abs(entry.created_at - moment) < timedelta(minutes=1)
