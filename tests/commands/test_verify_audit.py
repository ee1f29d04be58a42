"""Where somebody changed the audit log in the database itself, verifying it says where and what."""

import re
from datetime import timedelta

from sqlalchemy import func, insert, select, text

from app.db import transaction
from app.jobs import audit as job
from app.models import ActorKind, AuditChain, AuditEntry, Notification, Role
from app.workflows import audit_chain, audit_hashes, audit_verification
from app.workflows.audit_chain import BEGINNING, Mark
from tests.auditing import at, chained, mark_of, problem, tamper, write
from tests.factories import make_request, make_user


def test_an_entry_changed_in_the_database_by_hand_is_found(app, session):
    write(5)
    job.chain()
    for column, value in (("action", "thing.other"), ("address", "192.0.2.9"), ("subject_type", "users")):
        old = getattr(chained(session)[2], column)
        tamper(f"UPDATE audit_entries SET {column} = :value {at(3)}", value=value)
        assert "Entry 3 " in problem(app)
        assert "changed: its columns" in problem(app)
        tamper(f"UPDATE audit_entries SET {column} = :value {at(3)}", value=old)
        assert problem(app) is None


def test_the_text_of_another_entry_is_found_and_so_is_one_that_does_not_open(app, session):
    write(5)
    job.chain()
    tamper(
        f"UPDATE audit_entries SET changes_sealed = (SELECT changes_sealed FROM audit_entries {at(2)}) {at(4)}",
    )
    assert re.match(r"the audit log does not verify. Entry 4 .*before and after", problem(app))
    tamper(f"UPDATE audit_entries SET changes_sealed = :junk {at(4)}", junk=b"junk" * 20)
    assert re.match(r"the audit log does not verify. Entry 4 .*cannot be opened", problem(app))


def test_entries_that_were_deleted_are_missed(app, session):
    write(6)
    mark = mark_of(app)
    tamper(f"DELETE FROM audit_entries {at(3)}")
    assert "Entry 3: missing" in problem(app)
    tamper("DELETE FROM audit_entries WHERE position > 3")
    tamper("UPDATE audit_entries SET position = 3 WHERE position = 2")
    assert "Entry 2: missing" in problem(app)
    assert mark.startswith("6:")


def test_a_tail_that_was_cut_off_is_missed_by_the_sealed_head(app, session):
    write(6)
    job.chain()
    tamper("DELETE FROM audit_entries WHERE position > 4")
    assert "Entry 5: missing, with all after it: the newest 2 entries" in problem(app)


def test_a_tail_cut_off_together_with_its_head_is_missed_by_a_mark_kept_outside(app, session):
    write(4)
    job.chain()
    old = session.execute(text("SELECT head_sealed FROM audit_chain")).scalar_one()
    write(2)
    mark = mark_of(app)
    tamper("DELETE FROM audit_entries WHERE position > 4")
    tamper("UPDATE audit_chain SET head_sealed = :old", old=old)
    assert problem(app) is None
    result = app.test_cli_runner().invoke(args=["verify-audit", "--expect", mark])
    assert result.exit_code == 1
    assert "the chain once reached this far" in result.output
    assert app.test_cli_runner().invoke(args=["verify-audit", "--expect", "6:zz"]).exit_code == 2


def test_a_chain_written_anew_without_the_keys_does_not_fit_its_sealed_head(app, session):
    write(4)
    job.chain()
    tamper(f"UPDATE audit_entries SET action = 'thing.forged' {at(2)}")
    mark = BEGINNING
    for entry in chained(session):
        own = audit_hashes.hash_of(entry, entry.position, mark.hash)
        tamper(
            f"UPDATE audit_entries SET previous_hash = :before, entry_hash = :own {at(entry.position)}",
            before=mark.hash,
            own=own,
        )
        mark = Mark(entry.position, own)
    # Its digest cannot be forged either.
    assert "Entry 2 " in problem(app)
    assert audit_verification.wrong_at(audit_chain.head()).what.startswith("another hash")


def test_entries_in_another_order_are_found(app, session):
    write(4)
    job.chain()
    tamper("UPDATE audit_entries SET position = -position WHERE position IN (2, 3)")
    tamper("UPDATE audit_entries SET position = 5 + position WHERE position < 0")
    assert re.match(r"the audit log does not verify. Entry 2 .*another order", problem(app))


def test_an_entry_forged_from_another_before_it_is_chained_is_found(app, session):
    write(2)
    source = session.scalars(select(AuditEntry).limit(1)).one()
    values = {
        "action": "user.created",
        "subject_type": "users",
        "actor_kind": ActorKind.SYSTEM,
        "salted": source.salted,
        "digest": source.digest,
    }
    with transaction():
        session.execute(insert(AuditEntry).values(**values))
    assert "Entry 3 " in problem(app)


def test_an_entry_forgotten_by_the_chain_is_told(app, session, monkeypatch):
    write(1)
    monkeypatch.setattr(job, "chain", lambda: None)
    assert problem(app) is None
    monkeypatch.setattr(audit_verification, "LONGEST_WAIT", timedelta(0))
    assert "worker and scheduler" in problem(app)


def test_the_job_goes_on_where_it_stopped_and_alerts(session, monkeypatch):
    make_user(Role.ADMIN)
    make_request()
    job.chain()
    monkeypatch.setattr(job, "WALKED_AT_ONCE", 2)
    monkeypatch.setattr(job, "LONGEST_RUN", 0)
    job.verify()
    monkeypatch.setattr(job, "LONGEST_RUN", 60)
    job.verify()
    session.rollback()
    chain = session.scalars(select(AuditChain)).one()
    assert (chain.problem, chain.verified_position) == (None, 0)
    assert chain.verified_at is not None
    tamper(f"UPDATE audit_entries SET action = 'x' {at(2)}")
    job.verify()
    session.rollback()
    assert "Entry 2 " in session.scalars(select(AuditChain.problem)).one()
    alerts = select(func.count()).select_from(Notification).where(Notification.kind == "alert")
    assert session.scalar(alerts) == 1
