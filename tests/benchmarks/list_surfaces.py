"""The console's requests list: every way to narrow it, to search it and to page through it."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlencode

from sqlalchemy import select

from app.admin import paging
from app.admin.paging import Order
from app.db import db
from app.kit import clock
from app.models import AffiliateProfile, PaymentStatus, ProviderProfile, RequestStatus, Service, ServiceRequest
from tests.benchmarks.measure import Surface, asking, compare
from tests.benchmarks.shop import Shop
from tests.benchmarks.table import Row

_LIMIT, _SLOWEST = 3, 5
_FAR = 10_000 * paging.PAGE_SIZE
_LIST = "/admin/requests/"


def rows(shop: Shop) -> Iterator[Row]:
    client = shop.operator
    for name, query in shop.read(lambda: _queries(shop)).items():
        path = f"{_LIST}?{urlencode(query)}" if query else _LIST
        surface = Surface(f"list: {name}", asking(client, "GET", path), _LIMIT, _SLOWEST)
        yield compare(surface, shop.ideal_list, rounds=shop.rounds)


def _queries(shop: Shop) -> dict[str, dict[str, str]]:
    singles = _filters()
    everything = {"view": "all"}
    views = ("todo", "mine", "unassigned", "overdue", "unpaid", "all")
    pairs = {f"{one} + {other}": singles[one] | singles[other] for one, other in _PAIRS}
    return {
        **{f"view {view}": {"view": view} for view in views},
        **{name: everything | query for name, query in singles.items()},
        **{name: everything | query for name, query in pairs.items()},
        "oldest first (the last page)": everything | {"sort": "oldest"},
        "page 10,000" if _is_long(shop) else "the middle page": everything | {"after": _mark(shop)},
        **{f"search by {name}": {"q": words} for name, words in _searches().items()},
    }


_PAIRS = (
    ("status completed", "provider"),
    ("status in progress", "service"),
    ("status cancelled", "category"),
    ("service", "provider"),
    ("service", "last month"),
    ("provider", "last month"),
    ("provider", "a day long ago"),
    ("payment failed", "service"),
    ("payment refunded", "provider"),
    ("affiliate", "status cancelled"),
    ("affiliate", "payment refunded"),
    ("gateway", "status in progress"),
    ("provider nobody", "category"),
)


def _filters() -> dict[str, dict[str, str]]:
    today = clock.utc_now().date()
    long_ago = str(today - timedelta(days=200))
    return {
        "status completed": {"status": RequestStatus.COMPLETED},
        "status in progress": {"status": RequestStatus.IN_PROGRESS},
        "status cancelled": {"status": RequestStatus.CANCELLED},
        "service": {"service": str(_one(Service.id, Service.sort_order))},
        "category": {"category": "legal"},
        "payment failed": {"payment": PaymentStatus.FAILED},
        "payment refunded": {"payment": PaymentStatus.REFUNDED},
        "provider": {"provider": str(_one(ProviderProfile.user_id, ProviderProfile.id))},
        "provider nobody": {"provider": "none"},
        "gateway": {"gateway": "sandbox"},
        "affiliate": {"affiliate": str(_one(AffiliateProfile.user_id, AffiliateProfile.id))},
        "late": {"overdue": "1"},
        "last month": {"period": "last_month"},
        "a day long ago": {"from": long_ago, "to": long_ago},
        "until a day long ago": {"to": long_ago},
    }


def _searches() -> dict[str, str]:
    old = select(ServiceRequest).where(ServiceRequest.payment_status == PaymentStatus.COMPLETED)
    found = db.session.scalars(old.order_by(ServiceRequest.created_at).offset(100).limit(1)).one()
    first, last = found.customer_name.split()
    return {
        "reference": found.reference_number,
        "beginning of a reference": found.reference_number[:7],
        "email": found.customer_email,
        "phone": found.customer_phone,
        "name": f"{first} {last}",
        "a word of the name": last,
        "gateway id": found.payment_transaction_id or "",
        "a name that nobody has": "Przybyszewska",
    }


def _one(column: object, order: object) -> object:
    return db.session.scalars(select(column).order_by(order).limit(1)).one()  # type: ignore[call-overload]


def _is_long(shop: Shop) -> bool:
    return shop.dataset.size > _FAR


def _mark(shop: Shop) -> str:
    """Where a user stands after so many pages."""
    order = Order(ServiceRequest.created_at, ServiceRequest.id)
    offset = _FAR if _is_long(shop) else shop.dataset.size // 2
    columns = select(ServiceRequest.created_at, ServiceRequest.id)
    query = columns.order_by(ServiceRequest.created_at.desc(), ServiceRequest.id.desc())
    row = db.session.execute(query.offset(offset).limit(1)).one()
    return paging._mark(row, order)
