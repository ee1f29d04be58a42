"""All pages of the requests list, forward and back, against a plain reading of all rows in Python."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from app.admin import paging
from app.db import transaction
from app.kit import clock
from app.models import NameWord, RequestStatus, Role, SavedView, ServiceRequest
from tests.admin.rows import URL, clear, listed, new_request, store
from tests.admin.test_export import read
from tests.admin.test_request_filters import facts, is_meant, questions, row_of, written
from tests.factories import make_user
from tests.pages import Page
from tests.sign_in import sign_in

# Each with the words that it is found by, as people type them.
NAMES = {
    "Kavya Iyer": {"kavya", "iyer"},
    "KAVYA RAO": {"kavya", "rao"},
    "José Álvarez-Rao": {"jose", "alvarez", "rao"},
    "Uma  O'Brien Iyer Iyer": {"uma", "o", "brien", "iyer"},
    "Dr. Kavya Rao Iyer Menon Nair": {"dr", "kavya", "rao", "iyer", "menon", "nair"},
    "Straße Müller": {"strasse", "muller"},
}
TYPED = {
    "kavya": {"kavya"},
    "IYER kavya": {"kavya", "iyer"},
    "josé": {"jose"},
    "Jose Alvarez": {"jose", "alvarez"},
    "rao-ÁLVAREZ": {"rao", "alvarez"},
    "o'brien": {"o", "brien"},
    "menon, nair rao iyer KAVYA Dr.": {"menon", "nair", "rao", "iyer", "kavya", "dr"},
    "STRASSE": {"strasse"},
    # A part of a word is not a word.
    "kav": {"kav"},
    "kavya nobody": {"kavya", "nobody"},
}
EMAILS = ("kavya@example.org", "Jose.Alvarez@example.org")
PHONES = ("+917000012345", "+442079460958")
FURTHER = ("reference", "reference without hyphens", "beginning", "email", "EMAIL", "phone", "national phone")


@st.composite
def customers(draw):
    """A request as filters see it, and whose it is."""
    return draw(facts()) | {
        "name": draw(st.sampled_from(sorted(NAMES))),
        "email": draw(st.sampled_from(EMAILS)),
        "phone": draw(st.sampled_from(PHONES)),
        "operator": draw(st.sampled_from([None, "me", "colleague"])),
        "due": draw(st.sampled_from([-2, -1, -1, 5])),
    }


@st.composite
def searches(draw):
    """Filters, what is typed beside them, and the order."""
    asked = draw(questions())
    asked.pop("q", None)
    typed = draw(st.none() | st.sampled_from(sorted(TYPED)) | st.tuples(st.sampled_from(FURTHER), st.integers(0, 9)))
    more = {"typed": typed, "operator": draw(st.sampled_from([None, None, "me", "colleague", "none"]))}
    if draw(st.integers(0, 5)) == 0:
        asked["view"] = "mine"
    return asked, more, draw(st.sampled_from(["", "newest", "oldest", "due"]))


@pytest.fixture
def staff(client, session):
    """May do everything with a list."""
    return sign_in(client, Role.ADMIN)


@pytest.fixture
def people(kept, staff):
    return {"me": staff, "colleague": make_user(Role.OPERATOR, email="colleague@example.com")}


@pytest.fixture
def short_pages(monkeypatch):
    monkeypatch.setitem(paging.fetch.__kwdefaults__, "size", 3)


def stored(population, kept, people):
    """The requests with their rows; several are of one instant, and late since the same."""
    clear()
    now = clock.utc_now()
    pairs = [(each | {"is_late": each["due"] < 0}, each) for each in population]
    rows = [
        row_of(
            seen,
            kept,
            customer_email=each["email"],
            customer_phone=each["phone"],
            due_at=now + timedelta(hours=each["due"]),
            operator_id=people[each["operator"]].id if each["operator"] else None,
        )
        for seen, each in pairs
    ]
    store(*rows)
    return [(seen, row) for (seen, _), row in zip(pairs, rows, strict=True)]


def typed_and_found(typed, pairs):
    """What stands in the search, and which of the rows it means."""
    if typed is None:
        return "", lambda request, row: True
    if isinstance(typed, str):
        return typed, lambda request, row: TYPED[typed] <= NAMES[request["name"]]
    kind, number = typed
    reference = pairs[number % len(pairs)][1].reference_number if pairs else "SR-0000-0000-0000"
    if kind == "beginning":
        return reference[:8].lower(), lambda request, row: row.reference_number.startswith(reference[:8])
    if kind.startswith("reference"):
        text = reference.replace("-", "") if "without" in kind else reference
        return text, lambda request, row: row.reference_number == reference
    if kind in {"email", "EMAIL"}:
        email = EMAILS[number % 2]
        return email.upper() if kind == "EMAIL" else email, lambda request, row: request["email"] == email
    phone = PHONES[0] if kind == "national phone" else PHONES[number % 2]
    text = phone.removeprefix("+91") if kind == "national phone" else phone
    return text, lambda request, row: request["phone"] == phone


def expected(pairs, asked, more, sort, *, is_found):
    """References in the order of the list."""
    view = asked.get("view") or ("all" if more["typed"] else "todo")
    seen_as = asked | {"view": "todo" if view == "mine" else view}
    operator = more["operator"] or ("me" if view == "mine" else None)
    seen_as |= {"q": ""} if more["typed"] else {}
    found = [
        row
        for request, row in pairs
        if is_meant(request, seen_as)
        and (operator is None or request["operator"] == (None if operator == "none" else operator))
        and is_found(request, row)
    ]
    is_late = view == "overdue" or "overdue" in asked
    if is_late and sort in {"", "due"}:
        return [row.reference_number for row in sorted(found, key=lambda row: (row.due_at, row.id))]
    newest = sorted(found, key=lambda row: (row.created_at, row.id), reverse=sort != "oldest")
    return [row.reference_number for row in newest]


def address_of(asked, more, sort, *, text, kept, people):
    operator = more["operator"]
    return written(asked, kept) | {
        name: value
        for name, value in {
            "q": text,
            "sort": sort,
            "operator": str(people[operator].id) if operator == "colleague" else operator,
        }.items()
        if value
    }


def walked(client, way, arguments):
    """The pages from here on, each as its references, and the arguments of the last one."""
    pages = []
    while True:
        page = Page(client.get(URL, query_string=arguments).text)
        pages.append([str(box["aria-label"]).removeprefix("Select ") for box in page.find("input", name="rowid")])
        links = page.find("a", rel=way)
        if not links:
            return pages, arguments
        arguments = dict(parse_qsl(urlsplit(links[0]["href"]).query))


@settings(max_examples=60)
@given(population=st.lists(customers(), max_size=12), question=searches())
def test_all_pages_there_and_back_are_what_a_plain_reading_says(
    client, kept, people, short_pages, population, question
):
    asked, more, sort = question
    pairs = stored(population, kept, people)
    text, is_found = typed_and_found(more["typed"], pairs)
    wanted = expected(pairs, asked, more, sort, is_found=is_found)
    arguments = address_of(asked, more, sort, text=text, kept=kept, people=people)
    forward, last = walked(client, "next", arguments)
    assert [reference for page in forward for reference in page] == wanted
    back, _ = walked(client, "prev", last)
    assert [reference for page in reversed(back) for reference in page] == wanted
    view = arguments.get("view", "")
    assert client.get(f"{URL}counts", query_string=arguments | {"view": view}).json["list"] == str(len(wanted))
    assert saved_and_opened(client, arguments) == wanted[:3]
    exported = [line["Reference"] for line in read(client, f"{URL}export/csv/?{urlencode(arguments)}")]
    assert exported == expected(pairs, asked, more, "newest", is_found=is_found)


def saved_and_opened(client, arguments):
    """The first page of the same list as a saved view."""
    with transaction() as session:
        session.execute(delete(SavedView))
    saved = client.post(f"{URL}views", data={"name": "Kept", "list": urlencode(arguments)})
    return listed(client, **dict(parse_qsl(urlsplit(saved.location).query)))


@pytest.mark.sqlite
@settings(max_examples=40)
@given(
    moments=st.lists(st.integers(0, 3), min_size=4, max_size=12),
    changes=st.lists(
        st.tuples(st.sampled_from(["new", "gone", "closed"]), st.integers(0, 11), st.integers(0, 3)), max_size=4
    ),
    sort=st.sampled_from(["newest", "oldest"]),
)
def test_who_pages_while_others_work_sees_all_that_stays_once(client, kept, short_pages, moments, changes, sort):
    clear()
    first = datetime(2026, 3, 1, tzinfo=UTC)
    rows = [new_request(kept["service"], created_at=first + timedelta(microseconds=each)) for each in moments]
    store(*rows)
    stays, shown, arguments, waiting = list(rows), [], {"sort": sort}, list(changes)
    while arguments:
        page = Page(client.get(URL, query_string=arguments).text)
        shown += [str(box["aria-label"]).removeprefix("Select ") for box in page.find("input", name="rowid")]
        links = page.find("a", rel="next")
        arguments = dict(parse_qsl(urlsplit(links[0]["href"]).query)) if links else {}
        if waiting:
            change_one(kept, rows, stays, waiting.pop())
    assert len(shown) == len(set(shown))
    order = sorted(stays, key=lambda row: (row.created_at, row.id), reverse=sort == "newest")
    left = {row.reference_number for row in stays}
    assert [each for each in shown if each in left] == [row.reference_number for row in order]


def change_one(kept, rows, stays, change):
    """Somebody buys, is erased from the list, or is served, while another one turns the page."""
    what, number, moment = change
    if what == "new":
        store(new_request(kept["service"], created_at=datetime(2026, 3, 1, 0, 0, 0, moment, tzinfo=UTC)))
        return
    row = rows[number % len(rows)]
    stays[:] = [each for each in stays if each is not row]
    with transaction() as session:
        if what == "gone":
            session.execute(delete(NameWord).where(NameWord.service_request_id == row.id))
            session.execute(delete(ServiceRequest).where(ServiceRequest.id == row.id))
        else:
            done = {"status": RequestStatus.COMPLETED, "closed_at": clock.utc_now()}
            session.execute(update(ServiceRequest).where(ServiceRequest.id == row.id).values(done))
