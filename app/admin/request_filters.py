"""What an address of the requests list asks for, and how the page says it back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from app.admin import filter_options, listing
from app.admin.filter_options import ME, NOBODY
from app.admin.filters import Control, enum_options, parse_day
from app.extensions import settings
from app.kit import clock
from app.models import Category, PaymentStatus, RequestStatus, User
from app.workflows.request_search import RequestFilters, Sort


@dataclass(frozen=True, slots=True)
class View:
    """A given view, a tab above the list: the filters it stands for. `is_mine` adds: in charge is who looks."""

    name: str
    label: str
    filters: RequestFilters
    empty: str
    is_mine: bool = False


VIEWS = (
    View("todo", "To do", RequestFilters(is_open=True), "Nothing is waiting: every paid request is finished."),
    View(
        "mine",
        "Mine",
        RequestFilters(is_open=True),
        "You are in charge of nothing. Whoever first works on a request looks after it from then on.",
        is_mine=True,
    ),
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

NAMES = (
    "view",
    "q",
    "status",
    "provider",
    "service",
    "period",
    "from",
    "to",
    "overdue",
    "payment",
    "operator",
    "category",
    "gateway",
    "affiliate",
    "sort",
)
"""What an address of the list may say; all else in it is left out of what is kept of it."""


def view_of(arguments: Mapping[str, str]) -> View:
    """The named view; who searches without naming one means all requests."""
    asked = arguments.get("view", "")
    if asked not in _BY_NAME:
        asked = "all" if arguments.get("q", "").strip() else "todo"
    return _BY_NAME[asked]


def parse_filters(arguments: Mapping[str, str], user: User) -> RequestFilters:
    """The view's filters and the address's on top; a value that cannot be meant is left out."""
    view = view_of(arguments)
    base = replace(view.filters, operator=user.id) if view.is_mine else view.filters
    wanted = {name: value for name, value in _criteria(arguments).items() if value is not None}
    if wanted.get("operator") == ME:
        wanted["operator"] = user.id
    if "status" in wanted:
        # Whoever asks for completed ones does not mean only open ones.
        base = replace(base, is_open=False)
    if "payment_status" in wanted:
        base = replace(base, is_unpaid=False)
    return replace(base, text=listing.searched_text(arguments), **_within(wanted))


def is_of_late_ones(arguments: Mapping[str, str]) -> bool:
    """Whether an address asks for late requests alone, without a look at all else in it."""
    return view_of(arguments).filters.is_overdue or _asks_for_late(arguments)


def make_controls(arguments: Mapping[str, str]) -> list[Control]:
    """The controls above the list, filled with what was understood."""
    understood = _criteria(arguments)
    return [
        replace(control, value=arguments.get(control.name, "")) if understood[field] is not None else control
        for field, control in _all_controls()
    ]


def kept(query_string: str) -> str:
    """The part of an address that says which requests are meant, in one order: what a saved view remembers."""
    given = dict(parse_qsl(query_string))
    return urlencode([(name, given[name].replace("\0", "")) for name in NAMES if given.get(name)])


def _criteria(arguments: Mapping[str, str]) -> dict[str, Any]:
    given = {name: value.strip() for name, value in arguments.items()}
    return {
        "status": _member(RequestStatus, given.get("status")),
        "payment_status": _member(PaymentStatus, given.get("payment")),
        "service_id": _key(given.get("service")),
        "category": _member(Category, given.get("category")),
        "provider": NOBODY if given.get("provider") == NOBODY else _key(given.get("provider")),
        "operator": given["operator"] if given.get("operator") in {NOBODY, ME} else _key(given.get("operator")),
        "period": given["period"] if given.get("period") in _PERIODS else None,
        "start": _day(given.get("from")),
        "end": _day(given.get("to")),
        "is_overdue": True if _asks_for_late(given) else None,
        "gateway": _word(given.get("gateway")),
        "affiliate_id": _key(given.get("affiliate")),
        "sort": _member(Sort, given.get("sort")),
    }


def _asks_for_late(arguments: Mapping[str, str]) -> bool:
    return arguments.get("overdue", "").strip() in {"1", "yes"}


def _all_controls() -> list[tuple[str, Control]]:
    people = filter_options.people()
    has_affiliates = bool(people["affiliate"].options)
    return [
        ("status", _STATUS),
        ("provider", people["provider"]),
        ("service_id", filter_options.service()),
        ("period", _PERIOD),
        ("is_overdue", _LATE),
        ("start", _FROM),
        ("end", _TO),
        ("payment_status", _PAYMENT),
        ("operator", people["operator"]),
        ("category", _CATEGORY),
        ("gateway", filter_options.gateway()),
        *([("affiliate_id", people["affiliate"])] if has_affiliates else []),
    ]


# --- periods that move with the calendar, so that a saved view stays right


def _this_month(today: date) -> tuple[date, date]:
    return today.replace(day=1), today


def _last_month(today: date) -> tuple[date, date]:
    end = today.replace(day=1) - timedelta(days=1)
    return end.replace(day=1), end


_PERIODS: Mapping[str, Callable[[date], tuple[date, date]]] = {
    "today": lambda today: (today, today),
    "yesterday": lambda today: (today - timedelta(days=1), today - timedelta(days=1)),
    "last_7_days": lambda today: (today - timedelta(days=6), today),
    "this_month": _this_month,
    "last_month": _last_month,
}

# The same for everybody, always.
_STATUS = Control("status", "Status", options=enum_options(RequestStatus))
_PERIOD = Control("period", "Bought", options=tuple((name, name.replace("_", " ")) for name in _PERIODS), verb="")
_LATE = Control("overdue", "Late", options=(("1", "yes"),), verb="is")
_FROM = Control("from", "Bought", "day", verb="from")
_TO = Control("to", "Bought", "day", verb="until")
_PAYMENT = Control("payment", "Payment", options=enum_options(PaymentStatus))
_CATEGORY = Control("category", "Category", options=enum_options(Category))


def _within(wanted: dict[str, Any]) -> dict[str, Any]:
    """The period as days, narrowed by those that are named besides."""
    period = wanted.pop("period", None)
    if period is None:
        return wanted
    start, end = _PERIODS[period](clock.utc_now().astimezone(settings().time_zone).date())
    return wanted | {"start": max(start, wanted.get("start", start)), "end": min(end, wanted.get("end", end))}


# --- values


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
