"""What an address of the requests list asks for, and how the page says it back."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import select

from app.admin import listing
from app.admin.filters import Control, enum_options, parse_day
from app.db import db
from app.models import AffiliateProfile, Category, GatewayConfig, PaymentStatus, RequestStatus, Role, Service, User
from app.workflows.request_search import RequestFilters, Sort

NOBODY: Literal["none"] = "none"


@dataclass(frozen=True, slots=True)
class View:
    """A given view, a tab above the list: the filters it stands for."""

    name: str
    label: str
    filters: RequestFilters
    empty: str


VIEWS = (
    View("todo", "To do", RequestFilters(is_open=True), "Nothing is waiting: every paid request is finished."),
    View(
        "unassigned",
        "Unassigned",
        RequestFilters(is_open=True, provider=NOBODY),
        "Every open request has its provider.",
    ),
    View("overdue", "Overdue", RequestFilters(is_overdue=True), "Nobody waits longer than we promised."),
    View("unpaid", "Unpaid", RequestFilters(is_unpaid=True), "No request waits for its payment."),
    View("all", "All", RequestFilters(include_unpaid=True), "Nobody has bought anything yet."),
)
_BY_NAME = {view.name: view for view in VIEWS}


def view_of(arguments: Mapping[str, str]) -> View:
    """The named view; who searches without naming one means all requests."""
    asked = arguments.get("view", "")
    if asked not in _BY_NAME:
        asked = "all" if arguments.get("q", "").strip() else "todo"
    return _BY_NAME[asked]


def parse_filters(arguments: Mapping[str, str]) -> RequestFilters:
    """The view's filters and the address's on top; a value that cannot be meant is left out."""
    base = view_of(arguments).filters
    wanted = {name: value for name, value in _criteria(arguments).items() if value is not None}
    if "status" in wanted:
        # Whoever asks for completed ones does not mean only open ones.
        base = replace(base, is_open=False)
    if "payment_status" in wanted:
        base = replace(base, is_unpaid=False)
    return replace(base, text=listing.searched_text(arguments), **wanted)


def make_controls(arguments: Mapping[str, str]) -> list[Control]:
    """The controls above the list, filled with what was understood."""
    understood = _criteria(arguments)
    return [
        replace(control, value=arguments.get(control.name, "") if understood[field] is not None else "")
        for field, control in _all_controls()
    ]


def _criteria(arguments: Mapping[str, str]) -> dict[str, Any]:
    given = {name: value.strip() for name, value in arguments.items()}
    return {
        "status": _member(RequestStatus, given.get("status")),
        "payment_status": _member(PaymentStatus, given.get("payment")),
        "service_id": _key(given.get("service")),
        "category": _member(Category, given.get("category")),
        "provider": NOBODY if given.get("provider") == NOBODY else _key(given.get("provider")),
        "start": _day(given.get("from")),
        "end": _day(given.get("to")),
        "is_overdue": True if given.get("overdue") in {"1", "yes"} else None,
        "gateway": _word(given.get("gateway")),
        "affiliate_id": _key(given.get("affiliate")),
        "sort": _member(Sort, given.get("sort")),
    }


def _all_controls() -> list[tuple[str, Control]]:
    services = tuple((str(key), name) for key, name in db.session.execute(_SERVICES))
    providers = tuple((str(key), name) for key, name in db.session.execute(_PROVIDERS))
    affiliates = tuple((str(key), code) for key, code in db.session.execute(_AFFILIATES))
    gateways = tuple((name, name.capitalize()) for name in db.session.scalars(_GATEWAYS))
    return [
        ("status", Control("status", "Status", options=enum_options(RequestStatus))),
        ("provider", Control("provider", "Provider", options=((NOBODY, "nobody"), *providers))),
        ("service_id", Control("service", "Service", options=services)),
        ("start", Control("from", "Bought", "day", verb="from")),
        ("end", Control("to", "Bought", "day", verb="until")),
        ("is_overdue", Control("overdue", "Late", options=(("1", "yes"),), verb="is")),
        ("payment_status", Control("payment", "Payment", options=enum_options(PaymentStatus))),
        ("category", Control("category", "Category", options=enum_options(Category))),
        ("gateway", Control("gateway", "Gateway", options=gateways)),
        *((("affiliate_id", Control("affiliate", "Affiliate", options=affiliates)),) if affiliates else _NO_AFFILIATES),
    ]


_NO_AFFILIATES: tuple[tuple[str, Control], ...] = ()
_MOST_OPTIONS = 300
_SERVICES = select(Service.id, Service.name).order_by(Service.sort_order, Service.name).limit(_MOST_OPTIONS)
_PROVIDERS = select(User.id, User.name).where(User.role == Role.PROVIDER).order_by(User.name).limit(_MOST_OPTIONS)
_AFFILIATES = (
    select(AffiliateProfile.user_id, AffiliateProfile.code).order_by(AffiliateProfile.code).limit(_MOST_OPTIONS)
)
_GATEWAYS = select(GatewayConfig.gateway).order_by(GatewayConfig.gateway)


def _member(members: Any, text: str | None) -> Any | None:
    try:
        return members(text) if text else None
    except ValueError:
        return None


def _key(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def _day(text: str | None) -> date | None:
    try:
        return parse_day(text) if text else None
    except ValueError:
        return None


def _word(text: str | None) -> str | None:
    return text[:32] if text and text.isprintable() else None
