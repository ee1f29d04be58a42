"""What a customer may know about a request by its reference number: where it stands and what comes next."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import bindparam, select

from app.db import db, glance
from app.errors import NotFound
from app.kit.ids import parse_reference_number
from app.models import OPEN_STATUSES, Category, PaymentStatus, RequestStatus, ServiceRequest, StatusChange
from app.models.service_request import title_of


class MistypedReference(NotFound):
    code = "reference_mistyped"
    message = "This reference number has a typing mistake: its characters do not fit together."
    suggested_action = "Compare it with your email, letter by letter."


class UnknownReference(NotFound):
    code = "reference_unknown"
    message = "We know no request with this reference number."
    suggested_action = "Check that it is from us, or ask us."


class StepState(StrEnum):
    DONE = "done"
    CURRENT = "current"
    COMING = "coming"


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """One line of the timeline; `at` is None for what is still to come."""

    status: RequestStatus
    label: str
    description: str
    state: StepState
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NextStep:
    """What happens next, in words; `by` is the time we promise it for, if we do."""

    text: str
    by: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A status that a request came to."""

    new_status: RequestStatus
    created_at: datetime
    is_undone: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How a request stands: all that its number alone opens, and nothing else of it is read for that."""

    id: UUID
    reference_number: str
    service_id: UUID
    service_name: str
    service_category: Category
    tier_name: str | None
    status: RequestStatus
    payment_status: PaymentStatus
    payment_completed_at: datetime | None
    created_at: datetime
    waiting_since: datetime | None
    due_at: datetime | None
    history: tuple[Change, ...]

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def title(self) -> str:
        return title_of(self.service_name, self.tier_name)


DESCRIPTIONS = {
    RequestStatus.PAYMENT_CONFIRMED: "Your payment arrived.",
    RequestStatus.PENDING_CONTACT: "We are getting ready to contact you.",
    RequestStatus.TEAM_ASSIGNED: "A specialist has your request.",
    RequestStatus.IN_PROGRESS: "Your specialist is working on it.",
    RequestStatus.COMPLETED: "The work is done.",
    RequestStatus.CANCELLED: "The request was cancelled.",
}

NEXT_STEPS = {
    RequestStatus.PAYMENT_CONFIRMED: "We will choose a specialist for you and contact you by phone or email.",
    RequestStatus.PENDING_CONTACT: "A specialist will contact you by phone or email.",
    RequestStatus.TEAM_ASSIGNED: "Your specialist will contact you by phone or email.",
    RequestStatus.IN_PROGRESS: "Your specialist will tell you when it is done, or when something is needed from you.",
    RequestStatus.COMPLETED: "Nothing more to do. Write to us if anything is missing.",
    RequestStatus.CANCELLED: "Nothing more will happen. If you have paid, we will write to you about your money.",
}

_JOURNEY = (
    RequestStatus.PAYMENT_CONFIRMED,
    RequestStatus.PENDING_CONTACT,
    RequestStatus.TEAM_ASSIGNED,
    RequestStatus.IN_PROGRESS,
    RequestStatus.COMPLETED,
)
_BEFORE_CONTACT = {RequestStatus.PAYMENT_CONFIRMED, RequestStatus.PENDING_CONTACT, RequestStatus.TEAM_ASSIGNED}


def find_request(text: str) -> ServiceRequest:
    """The request with this reference number. Raises MistypedReference or UnknownReference."""
    service_request = db.session.scalar(_BY_REFERENCE, {"reference": _reference(text)})
    if service_request is None:
        raise UnknownReference
    return service_request


def find_progress(text: str) -> Progress:
    """How the request with this reference number stands. Raises MistypedReference or UnknownReference."""
    rows = glance(_PROGRESS, {"reference": _reference(text)})
    if not rows:
        raise UnknownReference
    values = rows[0]._asdict()
    for name in ("new_status", "changed_at", "is_undone"):
        del values[name]
    changes = (Change(row.new_status, row.changed_at, row.is_undone) for row in rows if row.new_status is not None)
    return Progress(**values, history=tuple(changes))


def _reference(text: str) -> str:
    reference = parse_reference_number(text)
    if reference is None:
        raise MistypedReference
    return reference


_BY_REFERENCE = select(ServiceRequest).where(ServiceRequest.reference_number == bindparam("reference"))
_PROGRESS = (
    select(
        ServiceRequest.id,
        ServiceRequest.reference_number,
        ServiceRequest.service_id,
        ServiceRequest.service_name,
        ServiceRequest.service_category,
        ServiceRequest.tier_name,
        ServiceRequest.status,
        ServiceRequest.payment_status,
        ServiceRequest.payment_completed_at,
        ServiceRequest.created_at,
        ServiceRequest.waiting_since,
        ServiceRequest.due_at,
        StatusChange.new_status,
        StatusChange.created_at.label("changed_at"),
        StatusChange.is_undone,
    )
    .outerjoin(StatusChange, StatusChange.service_request_id == ServiceRequest.id)
    .where(ServiceRequest.reference_number == bindparam("reference"))
    .order_by(StatusChange.created_at, StatusChange.id)
)


def timeline(service_request: Progress | ServiceRequest) -> list[TimelineStep]:
    """What happened, in order, then what is still to come on the usual way."""
    # What was undone before anybody was told of it is nobody's news.
    steps = (change for change in service_request.history if not change.is_undone)
    past = [_step(change.new_status, StepState.DONE, change.created_at) for change in steps]
    return _mark_current(past, service_request) + _coming(service_request)


def next_step(service_request: Progress | ServiceRequest) -> NextStep:
    if service_request.is_open and service_request.payment_completed_at is None:
        return _before_payment(service_request)
    if service_request.waiting_since is not None and service_request.is_open:
        return NextStep(
            "We tried to reach you and could not. Answer our email, and say when we can call you: we go on at once."
        )
    promised = service_request.due_at if service_request.status in _BEFORE_CONTACT else None
    return NextStep(NEXT_STEPS[service_request.status], promised)


def _before_payment(service_request: Progress | ServiceRequest) -> NextStep:
    if service_request.payment_status is PaymentStatus.FAILED:
        return NextStep("The payment did not go through. Use the link in your email to pay again.")
    return NextStep("We are waiting for your payment. As soon as it arrives, a specialist will contact you.")


def _mark_current(past: list[TimelineStep], service_request: Progress | ServiceRequest) -> list[TimelineStep]:
    if not past:
        if service_request.payment_completed_at is None and service_request.is_open:
            return []
        return [_step(service_request.status, StepState.CURRENT, service_request.created_at)]
    last = past[-1]
    return [*past[:-1], TimelineStep(last.status, last.label, last.description, StepState.CURRENT, last.at)]


def _coming(service_request: Progress | ServiceRequest) -> list[TimelineStep]:
    if not service_request.is_open:
        return []
    unpaid = service_request.payment_completed_at is None and not service_request.history
    start = 0 if unpaid else _JOURNEY.index(service_request.status) + 1
    return [_step(coming, StepState.COMING) for coming in _JOURNEY[start:]]


def _step(status: RequestStatus, state: StepState, at: datetime | None = None) -> TimelineStep:
    return TimelineStep(status, status.label, DESCRIPTIONS[status], state, at)
