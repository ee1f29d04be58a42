"""Taking a bulk change back before anybody was told: all of it returns, but what others changed or heard of stays."""

from datetime import timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app import bulk_runs
from app.db import db, transaction
from app.kit import clock
from app.models import (
    AuditEntry,
    Availability,
    BulkState,
    NotificationStatus,
    ProviderProfile,
    RequestStatus,
    Role,
    ServiceRequest,
)
from app.workflows import bulk_changes, bulk_undo, deliveries, requests, status, tracking
from app.workflows.audit import SYSTEM
from app.workflows.bulk_undo import UndoRefused
from tests.admin.rows import new_request, store
from tests.bulk import (
    IN_PROGRESS,
    ask_undo,
    carry_on,
    counts,
    draft,
    fresh,
    loads,
    mails,
    outcomes,
    rows_of,
    run,
    standing,
    start,
    true_loads,
    undo,
    waiting,
)
from tests.factories import acting, make_provider, make_request, make_service, make_user
from tests.outbox import deliver

S = RequestStatus
LATER = timedelta(minutes=3)


def move(request, wanted):
    with transaction():
        status.change_status(requests.get_locked(request.id), wanted, actor=SYSTEM, note="On.")


def customers_heard(change):
    return [mail for mail in mails(change) if mail.status in {NotificationStatus.SENT, NotificationStatus.SENDING}]


def test_everything_goes_back_and_nobody_hears_of_it(session, smtp):
    make_provider(capacity=2)
    rows = [make_request() for _ in range(3)]
    before, told = standing(), len(mails())
    change = run("set_status", *rows, status=S.CANCELLED.value, note="By mistake.")
    assert standing() != before
    change = undo(change)
    assert (change.state, counts(change)) == (BulkState.UNDONE, {"undone": 3})
    assert standing() == before
    assert loads() == true_loads()
    with time_machine.travel(clock.utc_now() + LATER):
        deliver()
    assert {mail.status for mail in mails(change)} == {NotificationStatus.DROPPED}
    assert len(mails()) == told + 3


def test_history_and_audit_tell_staff_what_was_undone_and_the_customer_nothing(session):
    staff, request = make_user(Role.OPERATOR), make_request()
    before = [step.label for step in tracking.timeline(tracking.find_progress(request.reference_number))]
    change = undo(run("set_status", request, status=IN_PROGRESS), by=staff)
    db.session.expire_all()
    request = session.get_one(ServiceRequest, request.id)
    steps = [(step.new_status, step.is_undone) for step in request.history]
    assert steps[-2:] == [(S.IN_PROGRESS, True), (S.PENDING_CONTACT, True)]
    assert (request.history[-1].changed_by_user_id, request.history[-1].notes) == (
        staff.id,
        "Undone with the rest of a bulk change, before anybody was told.",
    )
    assert [step.label for step in tracking.timeline(tracking.find_progress(request.reference_number))] == before
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "request.change_undone")).one()
    assert (entry.subject_id, entry.actor_user_id) == (request.id, staff.id)
    assert str(change.id) in entry.changes


def test_what_was_changed_again_stays_and_is_told(session, smtp):
    provider = make_provider(name="Priya Raman")
    edited, other = make_request(), make_request()
    change = run("set_status", edited, other, status=IN_PROGRESS)
    move(edited, S.COMPLETED)
    change = undo(change)
    assert counts(change) == {"undone": 1, "kept": 1}
    assert outcomes(change)[edited.reference_number] == (
        "kept",
        "It was changed again since. It is “Completed” now, and Priya Raman has it.",
    )
    assert [mail.service_request_id for mail in waiting(change)] == [edited.id]
    with time_machine.travel(clock.utc_now() + LATER):
        deliver()
    assert [mail.service_request_id for mail in customers_heard(change)] == [edited.id]
    assert loads() == true_loads() == {provider.id: 1}


@pytest.mark.parametrize("gone", [NotificationStatus.SENDING, NotificationStatus.SENT])
def test_what_somebody_has_heard_of_stays(session, gone):
    """A worker may have taken one just before: sent again by a person, it does not wait."""
    heard, other = make_request(), make_request()
    change = run("assign", heard, other, provider=str(make_provider().id))
    letter = next(mail for mail in mails(change) if mail.service_request_id == heard.id)
    with transaction():
        deliveries.resend(letter, actor=SYSTEM)
    if gone is NotificationStatus.SENT:
        deliver()
    else:
        with transaction():
            taken = deliveries.claim(50)
            deliveries.release(taken, [each for each in taken.ids if each != letter.id])
    change = undo(change)
    assert counts(change) == {"undone": 1, "kept": 1}
    assert outcomes(change)[heard.reference_number] == ("kept", "An email about it has left already.")
    # What else is owed about it is owed: it stands.
    assert {mail.service_request_id for mail in waiting(change)} == {heard.id}
    assert loads() == true_loads()


def test_after_its_mails_have_left_there_is_no_undo(session):
    change = run("set_status", make_request(), status=IN_PROGRESS)
    with time_machine.travel(clock.utc_now() + LATER), pytest.raises(UndoRefused, match="emails have left"):
        ask_undo(change)
    assert fresh(change).state is BulkState.DONE


def test_undone_twice_is_undone_once(session):
    change = ask_undo(run("set_status", make_request(), status=IN_PROGRESS))
    with pytest.raises(UndoRefused, match="already"):
        ask_undo(change)
    assert counts(carry_on(change)) == {"undone": 1}


def test_what_has_not_begun_is_not_undone(session):
    with pytest.raises(UndoRefused, match="not begun"):
        ask_undo(draft("set_status", make_request(), status=IN_PROGRESS))


def test_where_nothing_was_changed_nothing_is_undone(session):
    with pytest.raises(UndoRefused, match="Nothing was changed"):
        ask_undo(run("unassign", make_request()))


def test_undo_stops_a_change_that_still_runs(session):
    rows = [make_request() for _ in range(4)]
    before = standing()
    change = start(draft("set_status", *rows, status=IN_PROGRESS))
    running = change.turn
    bulk_runs._commit(change.id, running, limit=2)
    ask_undo(change)
    assert bulk_runs.run(change.id, running, seconds=5) is False
    change = carry_on(change)
    assert (change.state, counts(change)) == (BulkState.UNDONE, {"undone": 2})
    assert [row.state.value for row in rows_of(change)] == ["undone", "undone", "waiting", "waiting"]
    assert standing() == before


def test_undo_goes_on_where_its_last_batch_was_committed(session):
    rows = [make_request() for _ in range(5)]
    before = standing()
    change = ask_undo(run("set_status", *rows, status=IN_PROGRESS))
    assert bulk_runs._commit(change.id, change.turn, limit=2) is True
    with time_machine.travel(clock.utc_now() + timedelta(minutes=10)):
        with transaction():
            bulk_changes.take_over_abandoned()
        change = carry_on(change)
    assert counts(change) == {"undone": 5}
    assert standing() == before
    assert waiting(change) == []


def test_undo_stops_the_mails_at_once_however_long_it_takes(session, smtp):
    change = run("set_status", *[make_request() for _ in range(3)], status=IN_PROGRESS)
    ask_undo(change)
    with time_machine.travel(clock.utc_now() + LATER):
        deliver()
        assert customers_heard(change) == []
        with transaction():
            assert not deliveries.is_anything_due()
        assert counts(carry_on(change)) == {"undone": 3}


def test_a_row_whose_undo_fails_holds_up_no_other(session, monkeypatch):
    rows = [make_request() for _ in range(3)]
    change = run("set_status", *rows, status=IN_PROGRESS)
    restore, bad = bulk_undo._restore, rows[1].id

    def fail(service_request, row, *, actor):
        if row.request_id == bad:
            raise RuntimeError("broken")
        restore(service_request, row, actor=actor)

    monkeypatch.setattr(bulk_undo, "_restore", fail)
    change = undo(change)
    assert (change.state, counts(change)) == (BulkState.UNDONE, {"undone": 2, "kept": 1})


actions = st.one_of(
    st.tuples(st.just("set_status"), st.sampled_from(S)),
    st.tuples(st.just("assign"), st.integers(0, 1)),
    st.tuples(st.sampled_from(["unassign", "route"]), st.none()),
)
# Where each stands, who has it, and whether its clock stands still.
stands = st.lists(st.tuples(st.sampled_from(S), st.sampled_from([None, 0, 1]), st.booleans()), min_size=1, max_size=4)


@pytest.fixture
def kept(session):
    """What stays while requests come between the examples: each has its own."""
    people = [make_provider(availability="away") for _ in range(2)]
    return make_service(), people, make_user(Role.OPERATOR)


@pytest.mark.long
@given(stands=stands, what=actions, batch=st.integers(1, 3))
def test_undone_with_nobody_in_between_it_never_was(kept, stands, what, batch):
    """Whatever it was and however the requests stood: status, provider, clocks and loads are back, no mail leaves."""
    service, people, staff = kept
    rows = _stand(service, people, stands)
    action, value = what
    parameters = {"status": value, "note": "Why."} if action == "set_status" else {}
    parameters |= {"provider": str(people[value].id)} if action == "assign" else {}
    before = standing()
    change = start(draft(action, *rows, by=staff, **parameters), by=staff)
    while bulk_runs._commit(change.id, change.turn, limit=batch):
        pass
    assert loads() == true_loads()
    if fresh(change).done:
        change = undo(change, by=staff)
        assert change.undone + change.refused == change.total == len(rows)
    else:
        with pytest.raises(UndoRefused):
            undo(change, by=staff)
    assert standing() == before
    assert loads() == true_loads()
    assert waiting(change) == customers_heard(change) == []


def _stand(service, people, stands):
    """Paid requests that stand like this; both providers have room for one more."""
    rows = []
    for wanted, who, waits in stands:
        clocks = {"waiting_since": clock.utc_now(), "work_left_seconds": 60} if waits else {"due_at": clock.utc_now()}
        provider = None if who is None else people[who].id
        rows.append(new_request(service, status=wanted, assigned_provider_id=provider, **clocks))
    store(*rows)
    true = true_loads()
    with transaction():
        for profile in db.session.scalars(select(ProviderProfile)):
            profile.open_work = true[profile.user_id]
            profile.capacity, profile.availability = profile.open_work + 1, Availability.AVAILABLE
    return rows


def test_the_actor_of_a_change_is_who_asked_for_it(session):
    staff = make_user(Role.OPERATOR)
    change = run("assign", make_request(), by=staff, provider=str(make_provider().id))
    who = session.scalars(select(AuditEntry).where(AuditEntry.action == "request.assigned")).all()[-1]
    assert (who.actor_user_id, acting(staff).kind) == (change.owner_id, who.actor_kind)
