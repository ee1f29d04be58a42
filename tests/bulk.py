"""Bulk changes as their entry points take them: written down, begun, carried on to the end, undone."""

from sqlalchemy import func, select

from app import bulk_runs
from app.db import db, transaction
from app.models import (
    OPEN_STATUSES,
    BulkChange,
    BulkChangeRow,
    Notification,
    NotificationStatus,
    ProviderProfile,
    RequestStatus,
    Role,
    ServiceRequest,
)
from app.workflows import bulk_drafts, bulk_steps, bulk_undo
from app.workflows.bulk_drafts import Origin
from tests.factories import acting, make_user
from tests.outbox import key_of

LONG = 60


def step(action, **parameters):
    return bulk_steps.load(action, parameters)


def draft(action, *requests, by=None, origin=None, **parameters):
    """The preview of a step on these requests, or (None given) on all."""
    actor = acting(by or make_user(Role.OPERATOR))
    wanted = select(ServiceRequest)
    if requests:
        wanted = wanted.where(ServiceRequest.id.in_([key_of(each) for each in requests]))
    with transaction():
        return bulk_drafts.draft(wanted, step(action, **parameters), actor=actor, origin=origin or Origin())


def start(change, by=None):
    with transaction():
        locked = bulk_drafts.get_locked(key_of(change))
        bulk_drafts.start(locked, actor=acting(by or locked.owner))
        return locked


def carry_on(change):
    bulk_runs.run(change.id, fresh(change).turn, seconds=LONG)
    return fresh(change)


def run(action, *requests, **options):
    return carry_on(start(draft(action, *requests, **options)))


def ask_undo(change, by=None):
    actor = acting(by or make_user(Role.OPERATOR))
    with transaction():
        locked = bulk_drafts.get_locked(key_of(change))
        bulk_undo.ask(locked, actor=actor)
        return locked


def undo(change, by=None):
    return carry_on(ask_undo(change, by))


def fresh(change):
    db.session.rollback()
    return db.session.get_one(BulkChange, change.id, populate_existing=True)


def rows_of(change):
    db.session.rollback()
    db.session.expire_all()
    query = select(BulkChangeRow).where(BulkChangeRow.change_id == key_of(change)).order_by(BulkChangeRow.position)
    return list(db.session.scalars(query))


def outcomes(change):
    """State and message by reference."""
    return {row.reference: (row.state.value, row.message) for row in rows_of(change)}


def counts(change):
    now = fresh(change)
    return {name: getattr(now, name) for name in ("done", "refused", "undone", "kept") if getattr(now, name)}


def mails(change=None, *, status=None):
    db.session.rollback()
    db.session.expire_all()
    query = select(Notification).order_by(Notification.id)
    if change is not None:
        query = query.where(Notification.bulk_change_id == change.id)
    return [mail for mail in db.session.scalars(query) if status is None or mail.status is status]


def waiting(change):
    return mails(change, status=NotificationStatus.PENDING)


_RESTORED = (
    "status",
    "assigned_provider_id",
    "assigned_at",
    "first_contact_at",
    "closed_at",
    "due_at",
    "waiting_since",
    "work_left_seconds",
)


def standing():
    """What undoing brings back: each request's status, provider and clocks, and each provider's load."""
    db.session.rollback()
    db.session.expire_all()
    rows = db.session.scalars(select(ServiceRequest))
    return {row.id: [getattr(row, name) for name in _RESTORED] for row in rows}, loads()


def loads():
    return dict(db.session.execute(select(ProviderProfile.user_id, ProviderProfile.open_work)).all())


def true_loads():
    """What the counters have to say."""
    open_ones = select(ServiceRequest.assigned_provider_id, func.count()).where(
        ServiceRequest.status.in_(OPEN_STATUSES), ServiceRequest.assigned_provider_id.is_not(None)
    )
    counted = dict(db.session.execute(open_ones.group_by(ServiceRequest.assigned_provider_id)).all())
    return {key: counted.get(key, 0) for key in loads()}


IN_PROGRESS = RequestStatus.IN_PROGRESS.value
