"""What each kind of notification says, whether it still holds, and what comes with it.

Built from the rows at the moment of sending or previewing. A new kind is one function in `letter_kinds` and three
templates in `templates/email/<kind>/`.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

from jinja2 import Environment
from sqlalchemy import select

from app.db import db
from app.links import Links
from app.models import Notification, Payment, ServiceRequest
from app.models.base import Keyed

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
class Account:
    """What a kind is for, as staff read it; `otherwise` is what is the case when it is not true any more."""

    purpose: str
    receiver: str
    occasion: str
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    account: Account
    build: Callable[[Case], Context]
    is_still_true: Callable[[Case], bool]
    attach: Callable[[Case], tuple[Attachment, ...]]
    subject: type[Keyed] | None
    about_account: bool = False


KINDS: dict[str, Kind] = {}

Builder = Callable[[Case], Context]


def kind(
    account: Account,
    *,
    still_true: Callable[[Case], bool] = _always,
    attach: Callable[[Case], tuple[Attachment, ...]] = _nothing,
    subject: type[Keyed] | None = None,
    about_account: bool = False,
) -> Callable[[Builder], Builder]:
    """Register the decorated function as what the kind of its name says; `subject` is the row it speaks of.

    One `about_account` may hold a link that opens it: only its receiver gets that, and what we keep has another.
    """

    def register(build: Builder) -> Builder:
        name = build.__name__
        if name in KINDS:
            raise ValueError(f"two kinds are named {name!r}")
        KINDS[name] = Kind(name, account, build, still_true, attach, subject, about_account)
        return build

    return register


def read_subjects(rows: Iterable[Notification]) -> list[Keyed]:
    """The rows that these letters speak of, one query for each kind of row."""
    wanted: dict[type[Keyed], list[UUID]] = defaultdict(list)
    for row in rows:
        found = KINDS.get(row.kind)
        if found and found.subject and row.subject_id:
            wanted[found.subject].append(row.subject_id)
    return [
        row for model, keys in wanted.items() for row in db.session.scalars(select(model).where(model.id.in_(keys)))
    ]


def is_still_true(notification: Notification, stationery: Stationery) -> bool:
    """Whether it is worth sending now: a “please pay” must not arrive after “paid”."""
    return objection(notification, stationery) is None


def objection(notification: Notification, stationery: Stationery) -> str | None:
    """Why it had better not be sent any more; None while it is true. Raises KeyError for an unknown kind."""
    user, service_request = notification.recipient_user, notification.service_request
    if user is not None and not user.is_enabled:
        return "The account of its receiver is closed."
    if service_request is not None and service_request.erased_at is not None:
        return "The customer's personal data was erased."
    found = KINDS[notification.kind]
    return None if found.is_still_true(Case(notification, stationery)) else found.account.otherwise


def compose(notification: Notification, stationery: Stationery) -> Letter:
    """Raises KeyError for an unknown kind, and whatever a broken template raises."""
    return write(Case(notification, stationery))


def preview(case: Case) -> Letter:
    """As `write`, but no receipt is printed: of attachments only the names can be relied on."""
    return write(replace(case, stationery=replace(_harmless(case), print_receipt=lambda *_: b"")))


def for_our_records(notification: Notification, stationery: Stationery) -> Letter | None:
    """What we keep in place of a letter that staff must not read as it went out; None for any other."""
    case = Case(notification, stationery)
    return preview(case) if KINDS[notification.kind].about_account else None


def _harmless(case: Case) -> Stationery:
    """Without our key, a link to somebody's password looks the same and opens nothing."""
    if not KINDS[case.notification.kind].about_account:
        return case.stationery
    return replace(case.stationery, links=Links(case.links.base_url, "not-our-key"))


def write(case: Case) -> Letter:
    """Raises KeyError for an unknown kind, and whatever a broken template raises."""
    notification, stationery = case.notification, case.stationery
    found = KINDS[notification.kind]
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
