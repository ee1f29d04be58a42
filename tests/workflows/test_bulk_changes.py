"""One step done to many requests: what is done, what is refused and why, and that it can go on from anywhere."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import func, select, text

from app import bulk_runs
from app.db import db, transaction
from app.errors import InvalidInput
from app.kit import clock
from app.models import (
    AuditEntry,
    BulkChange,
    BulkState,
    NotificationStatus,
    RequestStatus,
    Role,
    ServiceRequest,
    StatusChange,
)
from app.workflows import bulk_changes, bulk_drafts, bulk_rows, bulk_steps, requests, status
from app.workflows.audit import SYSTEM
from app.workflows.bulk_drafts import Origin
from tests.bulk import (
    IN_PROGRESS,
    carry_on,
    counts,
    draft,
    fresh,
    loads,
    mails,
    outcomes,
    rows_of,
    run,
    start,
    true_loads,
)
from tests.factories import make_provider, make_request, make_user

S = RequestStatus


def stored(request):
    db.session.rollback()
    return db.session.get_one(ServiceRequest, request.id, populate_existing=True)


def move(request, wanted):
    with transaction():
        status.change_status(requests.get_locked(request.id), wanted, actor=SYSTEM, note="On.")


def test_each_row_goes_through_the_workflow_with_history_audit_and_mail(session):
    staff, rows = make_user(Role.OPERATOR, name="Omar"), [make_request() for _ in range(3)]
    change = run("set_status", *rows, by=staff, status=IN_PROGRESS, note="We begin.")
    assert (change.state, counts(change)) == (BulkState.DONE, {"done": 3})
    for request in rows:
        row = stored(request)
        assert row.status is S.IN_PROGRESS
        assert row.first_contact_at is not None
        last = row.history[-1]
        assert (last.new_status, last.changed_by_user_id, last.notes) == (S.IN_PROGRESS, staff.id, "We begin.")
    entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "request.status_changed"))
    assert {row.id for row in rows} <= {entry.subject_id for entry in entries if entry.actor_user_id == staff.id}
    assert [mail.kind for mail in mails(change)] == ["status_changed"] * 3


def test_a_refused_row_stops_no_other_and_says_why(session):
    open_, closed = make_request(), make_request(status=S.CANCELLED, closed_at=clock.utc_now())
    change = run("set_status", open_, closed, status=IN_PROGRESS)
    assert counts(change) == {"done": 1, "refused": 1}
    assert outcomes(change)[closed.reference_number] == (
        "refused",
        "A request that is “Cancelled” cannot become “In progress”. It cannot change any more.",
    )
    assert [mail.service_request_id for mail in mails(change)] == [open_.id]


def test_what_was_changed_after_the_preview_is_left_alone_and_told(session):
    provider = make_provider(name="Priya Raman")
    first, second = make_request(assigned_provider_id=provider.id), make_request()
    change = draft("set_status", first, second, status=S.CANCELLED.value)
    move(first, S.IN_PROGRESS)
    change = carry_on(start(change))
    assert counts(change) == {"done": 1, "refused": 1}
    state, message = outcomes(change)[first.reference_number]
    assert state == "refused"
    assert message.startswith("It was changed by somebody else in the meantime, so it was left alone.")
    assert message.endswith("It is “In progress” now, and Priya Raman has it.")
    assert stored(first).status is S.IN_PROGRESS


def test_many_go_to_one_provider_whatever_the_capacity(session):
    rows = [make_request(), make_request(), make_request()]
    old, new = make_provider(), make_provider(capacity=1)
    run("assign", *rows[1:], provider=str(old.id))
    change = run("assign", *rows, provider=str(new.id))
    assert counts(change) == {"done": 3}
    assert loads() == true_loads()
    assert loads()[new.id] == 3
    # Two were “Specialist assigned” before: their customers have nothing new to hear.
    assert [mail.kind for mail in mails(change)].count("status_changed") == 1
    assert [mail.recipient_user_id for mail in mails(change)].count(new.id) == 3


def test_taking_back_from_the_provider(session):
    provider = make_provider()
    mine, nobodys = make_request(), make_request()
    run("unassign", nobodys)
    change = run("unassign", mine, nobodys)
    assert counts(change) == {"done": 1, "refused": 1}
    assert outcomes(change)[nobodys.reference_number] == ("refused", "Nobody is assigned to this request.")
    assert loads()[provider.id] == 0


def test_the_rule_gives_out_what_fits_and_says_to_whom(session):
    rows = [make_request() for _ in range(4)]
    first, second = make_provider(name="Asha", capacity=2), make_provider(name="Bela", capacity=1)
    change = run("route", *rows)
    assert counts(change) == {"done": 3, "refused": 1}
    assert loads() == true_loads() == {first.id: 2, second.id: 1}
    messages = sorted(str(message) for _, message in outcomes(change).values())
    assert messages == ["Given to Asha.", "Given to Asha.", "Given to Bela.", bulk_steps.NO_ROOM]


def test_a_row_that_makes_us_fail_holds_up_no_other(session, caplog):
    """One customer's address cannot be opened any more."""
    rows = [make_request() for _ in range(3)]
    reference = rows[1].reference_number
    with transaction():
        query = text("UPDATE service_requests SET customer_email_sealed = :junk WHERE reference_number = :which")
        session.execute(query, {"junk": b"sealed by nobody", "which": reference})
    change = run("set_status", *rows, status=IN_PROGRESS)
    assert (change.state, counts(change)) == (BulkState.DONE, {"done": 2, "refused": 1})
    assert outcomes(change)[reference] == (
        "refused",
        "Something went wrong on our side, so this one was passed over. It has been noted.",
    )


def test_its_mails_are_held_and_leave_after_all_others(session):
    rows = [make_request() for _ in range(2)]
    with time_machine.travel(clock.utc_now(), tick=False):
        change = run("set_status", *rows, status=IN_PROGRESS)
        assert change.mails_leave_at == clock.utc_now() + bulk_changes.HOLD
    assert change.mails == 2
    assert {mail.next_attempt_at for mail in mails(change)} == {change.mails_leave_at}
    others = {mail.priority for mail in mails() if mail.bulk_change_id is None}
    assert min(mail.priority for mail in mails(change)) > max(others)


def test_one_edit_alone_is_told_at_once(session):
    request = make_request()
    with time_machine.travel(clock.utc_now(), tick=False):
        move(request, S.IN_PROGRESS)
        assert mails()[-1].next_attempt_at == clock.utc_now()


def test_the_rows_stand_in_the_order_of_the_list(session):
    rows = [make_request() for _ in range(3)]
    change = draft("set_status", status=IN_PROGRESS)
    assert [row.reference for row in rows_of(change)] == [row.reference_number for row in reversed(rows)]


def test_the_version_that_is_noted_is_the_one_it_has(session):
    rows = [make_request() for _ in range(2)]
    change = run("assign", *rows, provider=str(make_provider().id))
    assert {row.request_id: row.version_after for row in rows_of(change)} == {
        row.id: stored(row).version for row in rows
    }


def test_begun_twice_it_runs_once(session):
    change = draft("set_status", make_request(), status=IN_PROGRESS)
    with transaction():
        locked = bulk_drafts.get_locked(change.id)
        assert [bulk_drafts.start(locked, actor=SYSTEM) for _ in range(2)] == [True, False]
    assert counts(carry_on(change)) == {"done": 1}
    assert len(mails(change)) == 1


def test_the_same_form_sent_twice_is_one_change(session):
    staff, request = make_user(Role.OPERATOR), make_request()
    origin = Origin(token="token-of-the-form")
    first, again = (draft("set_status", request, by=staff, origin=origin, status=IN_PROGRESS) for _ in range(2))
    assert first.id == again.id
    corrected = draft("set_status", request, by=staff, origin=origin, status=S.CANCELLED.value)
    other = draft("set_status", request, by=make_user(Role.OPERATOR), origin=origin, status=IN_PROGRESS)
    assert len({first.id, corrected.id, other.id}) == 3


def test_nothing_selected_is_no_change(session):
    with pytest.raises(InvalidInput, match="No request was selected"):
        draft("set_status", status=IN_PROGRESS)
    assert session.scalar(select(func.count()).select_from(BulkChange)) == 0


def test_more_than_can_be_done_are_refused_before_anything_is_written(session, monkeypatch):
    monkeypatch.setattr(bulk_drafts, "LARGEST", 1)
    make_request(), make_request()
    with pytest.raises(InvalidInput, match="requests match"):
        draft("set_status", status=IN_PROGRESS)
    assert session.scalar(select(func.count()).select_from(BulkChange)) == 0


def test_a_preview_is_kept_for_an_hour(session):
    old, young = draft("set_status", make_request(), status=IN_PROGRESS), None
    with time_machine.travel(clock.utc_now() + timedelta(minutes=61)):
        with pytest.raises(bulk_drafts.PreviewGone), transaction():
            bulk_drafts.start(bulk_drafts.get_locked(old.id), actor=SYSTEM)
        young = draft("set_status", status=IN_PROGRESS)
        for _ in range(2):
            with transaction():
                bulk_drafts.discard_old()
    assert list(session.scalars(select(BulkChange.id))) == [young.id]
    assert rows_of(old) == []


def test_a_running_change_is_never_thrown_away(session):
    change = run("set_status", make_request(), status=IN_PROGRESS)
    with time_machine.travel(clock.utc_now() + timedelta(days=2)), transaction():
        bulk_drafts.discard_old()
    assert fresh(change).state is BulkState.DONE


def test_it_goes_on_where_the_last_batch_was_committed(session, monkeypatch):
    monkeypatch.setattr(bulk_runs, "BATCH", 2)
    rows = [make_request() for _ in range(5)]
    change = start(draft("set_status", *rows, status=IN_PROGRESS))
    assert bulk_runs._commit(change.id, change.turn, limit=2) is True
    assert (counts(change), fresh(change).reached) == ({"done": 2}, 2)
    assert counts(carry_on(change)) == {"done": 5}
    assert len(mails(change, status=NotificationStatus.PENDING)) == 5
    assert session.scalar(select(func.count()).where(StatusChange.new_status == S.IN_PROGRESS)) == 5


def test_whoever_was_given_up_on_changes_nothing_any_more(session):
    change = start(draft("set_status", make_request(), status=IN_PROGRESS))
    given_up = change.turn
    with time_machine.travel(clock.utc_now() + timedelta(minutes=1)), transaction():
        assert bulk_changes.take_over_abandoned() == 1
    assert bulk_runs.run(change.id, given_up, seconds=5) is False
    assert counts(change) == {}
    assert counts(carry_on(change)) == {"done": 1}


def test_what_is_being_carried_on_is_not_taken_over(session):
    start(draft("set_status", make_request(), status=IN_PROGRESS))
    with transaction():
        assert bulk_changes.take_over_abandoned() == 0


def test_what_comes_next_is_looked_at_while_a_batch_is_carried_out(session, monkeypatch):
    monkeypatch.setattr(bulk_runs, "BATCH", 2)
    rows = [make_request() for _ in range(5)]
    looks, pages_of = [], bulk_rows.pages_of

    def note(change_id, start, end):
        looks.append((start, end))
        return pages_of(change_id, start, end)

    monkeypatch.setattr(bulk_rows, "pages_of", note)
    change = run("set_status", *rows, status=IN_PROGRESS, note="On.")
    assert counts(change) == {"done": 5}
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    assert looks == ([] if is_sqlite else [(1, 4), (5, 5)])


def test_nobody_misses_a_look_ahead_that_fails(session, monkeypatch):
    monkeypatch.setattr(bulk_runs, "BATCH", 2)
    monkeypatch.setattr(bulk_rows, "pages_of", lambda *_: [select(text("1 / 0"))])
    rows = [make_request() for _ in range(3)]
    assert counts(run("set_status", *rows, status=IN_PROGRESS, note="On.")) == {"done": 3}
