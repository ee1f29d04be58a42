"""Claims, leases and the waits between tries."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from app.db import db, transaction
from app.kit import clock
from app.models import AuditEntry, Notification, NotificationStatus
from app.workflows import deliveries
from app.workflows.audit import SYSTEM
from app.workflows.deliveries import SentCopy
from tests.outbox import end_leases, everything, fresh, key_of, make_due, owe

COPY = SentCopy("Subject", "Text", "<p>Text</p>", ("receipt.pdf",))
NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
BACKOFF = [timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=25)]


def claim(limit=50):
    with transaction():
        return deliveries.claim(limit)


def settle(row):
    """Out of the way of the next example."""
    with transaction() as session:
        session.get_one(Notification, key_of(row)).status = NotificationStatus.SENT


def fail(row, error="451 Try later"):
    taken = claim()
    assert taken is not None
    with transaction():
        assert deliveries.mark_failed(row.id, taken, error)
    return fresh(row)


@pytest.mark.property(14)
@given(failures=st.integers(1, 4), error=st.text("abcdefghij 0123456789", min_size=1, max_size=600))
def test_a_failure_is_tried_again_three_times_after_1_5_and_25_minutes(session, failures, error):
    with time_machine.travel(NOW, tick=False) as traveller:
        [row] = owe()
        for number in range(1, failures + 1):
            row = fail(row, error)
            assert row.attempts == number
            assert row.last_error == error[:500]
            if number > len(BACKOFF):
                break
            assert row.status is NotificationStatus.PENDING
            assert row.next_attempt_at == clock.utc_now() + BACKOFF[number - 1]
            traveller.move_to(row.next_attempt_at - timedelta(seconds=1), tick=False)
            assert claim() is None
            traveller.move_to(row.next_attempt_at, tick=False)
    if failures > len(BACKOFF):
        assert row.status is NotificationStatus.DEAD
        assert row.next_attempt_at is None
    else:
        settle(row)


def test_a_row_is_claimed_by_one_worker(session):
    owe(5)
    first, second = claim(3), claim(50)
    assert len(first.ids) == 3
    assert len(second.ids) == 2
    assert not set(first.ids) & set(second.ids)
    assert claim() is None


def test_the_most_urgent_and_then_the_oldest_go_first(session):
    rows = owe(4)
    with transaction():
        db.session.get_one(Notification, rows[3].id).priority = 0
    assert [claim(1).ids[0] for _ in rows] == [rows[3].id, rows[0].id, rows[1].id, rows[2].id]


def test_what_is_not_due_is_left_alone(session):
    [row] = owe()
    with time_machine.travel(row.next_attempt_at - timedelta(seconds=1), tick=False):
        assert claim() is None


def test_a_sent_message_keeps_what_was_sent(session):
    [row] = owe()
    taken = claim()
    with transaction():
        deliveries.mark_sent(taken, [(row.id, COPY)])
    row = fresh(row)
    assert row.status is NotificationStatus.SENT
    assert row.sent_at is not None
    assert (row.claimed_by, row.claimed_until, row.next_attempt_at) == (None, None, None)
    assert SentCopy.unpack(row.sent_copy) == COPY


def test_of_several_sent_together_each_keeps_its_own_and_one_that_is_lost_keeps_none(session):
    rows, [kept_back] = owe(3), owe()
    taken = claim()
    with transaction():
        deliveries.release(taken, [rows[1].id])
    copies = {row.id: SentCopy(f"Subject {number}", "Text", "<p>Text</p>") for number, row in enumerate(rows)}
    with transaction():
        deliveries.mark_sent(taken, list(copies.items()))
    first, lost, last = map(fresh, rows)
    assert [SentCopy.unpack(row.sent_copy) for row in (first, last)] == [copies[first.id], copies[last.id]]
    assert (lost.status, lost.sent_copy) == (NotificationStatus.PENDING, None)
    assert fresh(kept_back).status is NotificationStatus.SENDING


def test_a_lease_that_ended_is_free_again_and_its_late_owner_changes_nothing(session):
    [row] = owe()
    late = claim()
    with transaction():
        assert deliveries.free_abandoned() == 0
    end_leases()
    with transaction():
        assert deliveries.free_abandoned() == 1
    now_theirs = claim()
    with transaction():
        deliveries.mark_sent(late, [(row.id, COPY)])
        assert not deliveries.mark_failed(row.id, late, "too late")
        assert not deliveries.mark_dropped(row.id, late)
    row = fresh(row)
    assert (row.status, row.claimed_by, row.attempts) == (NotificationStatus.SENDING, now_theirs.token, 0)


def test_released_rows_are_due_at_once(session):
    rows = owe(3)
    taken = claim()
    with transaction():
        deliveries.release(taken, taken.ids[1:])
    assert [fresh(row).status for row in rows] == ["sending", "pending", "pending"]
    assert claim().ids == taken.ids[1:]


def test_waiting_for_a_busy_server_uses_up_no_attempt(session):
    [row] = owe()
    for _ in range(10):
        taken = claim()
        with transaction():
            deliveries.put_off(taken, taken.ids, "421 Later", delay=timedelta(minutes=1))
        assert (fresh(row).status, fresh(row).attempts) == (NotificationStatus.PENDING, 0)
        assert claim() is None
        make_due(row)


def test_a_server_that_is_busy_for_days_counts_as_failing(session):
    [row] = owe()
    with time_machine.travel(clock.utc_now() + timedelta(days=3), tick=False):
        taken = claim()
        with transaction():
            deliveries.put_off(taken, taken.ids, "450 Later", delay=timedelta(minutes=1))
        row = fresh(row)
        assert row.attempts == 1
        assert row.next_attempt_at == clock.utc_now() + BACKOFF[0]


def test_a_dead_message_can_be_sent_again_from_the_start(session):
    [row] = owe()
    taken = claim()
    with transaction():
        deliveries.mark_dead(row.id, taken, "550 No such mailbox")
    assert claim() is None
    message_id = row.message_id
    with transaction():
        deliveries.resend(fresh(row), actor=SYSTEM)
    row = fresh(row)
    assert (row.status, row.attempts, row.message_id) == (NotificationStatus.PENDING, 0, message_id)
    assert claim().ids == (row.id,)
    assert db.session.scalar(db.select(AuditEntry.action)) is not None


def test_what_is_being_sent_or_not_needed_is_not_sent_again(session):
    first, second = owe(2)
    taken = claim()
    with transaction():
        deliveries.mark_dropped(second.id, taken)
    for row in (first, second):
        with pytest.raises(deliveries.ResendRefused), transaction():
            deliveries.resend(db.session.get_one(Notification, row.id), actor=SYSTEM)
    assert sorted(row.status for row in everything()) == ["dropped", "sending"]
