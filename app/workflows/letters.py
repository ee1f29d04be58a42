"""What each kind of notification says, whether it still holds, and what comes with it.

Built from the rows at the moment of sending or previewing. A new kind is one function here and three templates in
`templates/email/<kind>/`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from jinja2 import Environment

from app.db import db
from app.links import Links
from app.models import Notification, Payment, Refund, ServiceRequest, StatusChange
from app.workflows import tracking

M = TypeVar("M")
Context = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Attachment:
    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """A finished message, free of rows."""

    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class Stationery:
    """What letters are written with; `templates` must refuse undefined names."""

    templates: Environment
    links: Links
    print_receipt: Callable[[ServiceRequest, Payment], bytes]


@dataclass(frozen=True, slots=True)
class Case:
    """One notification and the rows it speaks of."""

    notification: Notification
    stationery: Stationery

    @property
    def links(self) -> Links:
        return self.stationery.links

    @property
    def service_request(self) -> ServiceRequest:
        """Raises LookupError for a notification about no request."""
        if self.notification.service_request is None:
            raise LookupError("this notification is about no request")
        return self.notification.service_request

    def about(self, model: type[M]) -> M:
        """The row that caused it."""
        return db.session.get_one(model, self.notification.subject_id)


def _always(_case: Case) -> bool:
    return True


def _nothing(_case: Case) -> tuple[Attachment, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    build: Callable[[Case], Context]
    is_still_true: Callable[[Case], bool]
    attach: Callable[[Case], tuple[Attachment, ...]]


KINDS: dict[str, Kind] = {}

Builder = Callable[[Case], Context]


def kind(
    *,
    still_true: Callable[[Case], bool] = _always,
    attach: Callable[[Case], tuple[Attachment, ...]] = _nothing,
) -> Callable[[Builder], Builder]:
    """Register the decorated function as what the kind of its name says."""

    def register(build: Builder) -> Builder:
        name = build.__name__
        if name in KINDS:
            raise ValueError(f"two kinds are named {name!r}")
        KINDS[name] = Kind(name, build, still_true, attach)
        return build

    return register


def is_still_true(notification: Notification, stationery: Stationery) -> bool:
    """Whether it is worth sending now: a “please pay” must not arrive after “paid”."""
    user, service_request = notification.recipient_user, notification.service_request
    if user is not None and not user.is_enabled:
        return False
    if service_request is not None and service_request.erased_at is not None:
        return False
    return KINDS[notification.kind].is_still_true(Case(notification, stationery))


def compose(notification: Notification, stationery: Stationery) -> Letter:
    """Raises KeyError for an unknown kind, and whatever a broken template raises."""
    found = KINDS[notification.kind]
    case = Case(notification, stationery)
    context = {
        "service_request": notification.service_request,
        "recipient": notification.recipient_user,
        "links": stationery.links,
        **found.build(case),
    }

    def render(part: str) -> str:
        return stationery.templates.get_template(f"email/{found.name}/{part}").render(context)

    # A line break in a customer's name must not become a header of its own.
    subject = " ".join(render("subject.txt").split())
    return Letter(subject, render("body.txt"), render("body.html"), found.attach(case))


def _receipt(case: Case) -> tuple[Attachment, ...]:
    content = case.stationery.print_receipt(case.service_request, case.about(Payment))
    return (Attachment(f"receipt-{case.service_request.reference_number}.pdf", "application/pdf", content),)


def _is_unpaid(case: Case) -> bool:
    return case.service_request.payment_completed_at is None and case.service_request.is_open


def _is_still_theirs(case: Case) -> bool:
    mine = case.service_request.assigned_provider_id == case.notification.recipient_user_id
    return mine and case.service_request.is_open


def _has_nobody(case: Case) -> bool:
    return case.service_request.assigned_provider_id is None and case.service_request.is_open


@kind(attach=_receipt)
def payment_confirmed(case: Case) -> Context:
    return {"payment": case.about(Payment), "step": tracking.next_step(case.service_request)}


@kind(still_true=_is_unpaid)
def payment_failed(case: Case) -> Context:
    return {"payment": case.about(Payment)}


@kind()
def refund_issued(case: Case) -> Context:
    return {"refund": case.about(Refund)}


@kind()
def status_changed(case: Case) -> Context:
    change = case.about(StatusChange)
    # By the time of sending it may have moved on; this letter is about the change that caused it.
    is_current = case.service_request.status is change.new_status
    step = tracking.next_step(case.service_request) if is_current else None
    return {"change": change, "step": step or tracking.NextStep(tracking.NEXT_STEPS[change.new_status])}


@kind(still_true=_is_still_theirs)
def provider_assigned(_case: Case) -> Context:
    return {}


@kind()
def new_request(_case: Case) -> Context:
    return {}


@kind(still_true=_has_nobody)
def no_provider(_case: Case) -> Context:
    return {}


@kind()
def alert(case: Case) -> Context:
    context: dict[str, Any] = case.notification.context
    return {"text": context["text"]}
