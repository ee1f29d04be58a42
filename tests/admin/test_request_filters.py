"""Which requests a set of filters means, against a plain reading of the same in Python."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit import clock
from app.models import Category, PaymentStatus, RequestStatus
from tests.admin.rows import clear, listed, new_request, store

ZONE = ZoneInfo("Asia/Kolkata")
DAYS = [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2)]


@st.composite
def facts(draw):
    """What a request is like, as far as filters ask; services and people by their place in the list of `kept`."""
    return {
        "service": draw(st.integers(0, 1)),
        "status": draw(st.sampled_from(RequestStatus)),
        "payment": draw(st.sampled_from(PaymentStatus)),
        "provider": draw(st.sampled_from([None, "provider", "other"])),
        "gateway": draw(st.sampled_from(["sandbox", "stripe"])),
        "affiliate": draw(st.booleans()),
        # The edges of days, in the zone's time and in UTC.
        "bought": draw(
            st.builds(
                lambda day, minutes: datetime(day.year, day.month, day.day, tzinfo=ZONE) + timedelta(minutes=minutes),
                st.sampled_from(DAYS),
                st.sampled_from([0, 1, 329, 330, 331, 719, 1439]),
            )
        ),
        "is_late": draw(st.booleans()),
        "name": draw(st.sampled_from(["Kavya Iyer", "Uma Rao", "Kavya Rao"])),
    }


@st.composite
def questions(draw):
    """Some of the filters, each with a value."""
    every = {
        "service": st.integers(0, 1),
        "category": st.sampled_from([Category.CA, Category.LEGAL]),
        "status": st.sampled_from(RequestStatus),
        "payment": st.sampled_from(PaymentStatus),
        "provider": st.sampled_from(["none", "provider", "other"]),
        "gateway": st.sampled_from(["sandbox", "stripe"]),
        "affiliate": st.just(True),
        "from": st.sampled_from(DAYS),
        "to": st.sampled_from(DAYS),
        "overdue": st.just("1"),
        "q": st.sampled_from(["kavya", "rao", "Rao Kavya", "nobody"]),
        "view": st.sampled_from(["todo", "unassigned", "overdue", "unpaid", "all"]),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(every)), max_size=4))
    return {name: draw(every[name]) for name in chosen}


def is_meant(request, asked):
    """What the product says of each filter, in Python."""
    open_ = request["status"] not in {RequestStatus.COMPLETED, RequestStatus.CANCELLED}
    overdue = open_ and request["is_late"]
    unpaid = request["payment"] in {PaymentStatus.PENDING, PaymentStatus.FAILED}
    view = asked.get("view") or ("all" if "q" in asked else "todo")
    day = request["bought"].astimezone(ZONE).date()
    conditions = [
        "service" not in asked or request["service"] == asked["service"],
        "category" not in asked or [Category.CA, Category.LEGAL][request["service"]] is asked["category"],
        "status" not in asked or request["status"] is asked["status"],
        "payment" not in asked or request["payment"] is asked["payment"],
        "gateway" not in asked or request["gateway"] == asked["gateway"],
        "affiliate" not in asked or request["affiliate"],
        "from" not in asked or day >= asked["from"],
        "to" not in asked or day <= asked["to"],
        "overdue" not in asked or overdue,
        "q" not in asked or set(asked["q"].lower().split()) <= set(request["name"].lower().split()),
        view not in {"todo", "unassigned"} or "status" in asked or open_,
        view != "overdue" or overdue,
        view != "unpaid" or "payment" in asked or unpaid,
        # Unpaid ones stay out of the working views, unless one asks for them.
        not unpaid or view in {"unpaid", "all"} or "payment" in asked or "q" in asked,
    ]
    wanted = asked.get("provider") or ("none" if view == "unassigned" else None)
    conditions.append(wanted is None or request["provider"] == (None if wanted == "none" else wanted))
    return all(conditions)


@pytest.mark.property(22)
@given(population=st.lists(facts(), max_size=8), asked=questions())
def test_filters_mean_what_they_say_alone_and_together(client, kept, population, asked):
    clear()
    rows = [row_of(request, kept) for request in population]
    store(*rows)
    expected = {row.reference_number for row, request in zip(rows, population, strict=True) if is_meant(request, asked)}
    assert set(listed(client, **written(asked, kept))) == expected


def row_of(request, kept, **more):
    person = kept[request["provider"]] if request["provider"] else None
    changes = {
        "status": request["status"],
        "payment_status": request["payment"],
        "payment_gateway": request["gateway"],
        "assigned_provider_id": person.id if person else None,
        "affiliate_id": kept["affiliate"].id if request["affiliate"] else None,
        "created_at": request["bought"],
        "due_at": clock.utc_now() + timedelta(hours=-1 if request["is_late"] else 5),
        "customer_name": request["name"],
    }
    return new_request(kept["services"][request["service"]], **changes | more)


def written(asked, kept):
    """As the address has it."""
    address = {name: str(getattr(value, "value", value)) for name, value in asked.items()}
    if "service" in asked:
        address["service"] = str(kept["services"][asked["service"]].id)
    if asked.get("provider") in {"provider", "other"}:
        address["provider"] = str(kept[asked["provider"]].id)
    if "affiliate" in asked:
        address["affiliate"] = str(kept["affiliate"].id)
    return address
