"""Looking for customers by their names: found in the order of the list, a page at a time, however many there are."""

import itertools
import string
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from sqlalchemy import func, select, text

from app.admin import paging
from app.db import db, transaction
from app.models import NameWord, ServiceRequest
from tests.admin.rows import URL, add_request, listed, new_request, store
from tests.factories import make_request
from tests.pages import Page
from tests.statements import asked_with_values

SENTENCE = [first + second for first, second in itertools.product(string.ascii_lowercase, "xyz")][:66]
MANY = 2 * paging.PAGE_SIZE + 10


@pytest.fixture
def namesakes(service):
    """In the order in which they bought, which is not that of their keys: every third has no second name."""
    first = datetime(2026, 3, 1, tzinfo=UTC)
    rows = [
        # Two at a time: their keys decide.
        new_request(service, customer_name=name, created_at=first + timedelta(minutes=(MANY - number) // 2))
        for number in range(MANY)
        for name in ["Kavya Rao Iyer" if number % 3 else "Kavya Iyer"]
    ]
    store(*rows, *(new_request(service, customer_name="Kavya Menon") for _ in range(5)))
    return sorted(rows, key=lambda row: (row.created_at, row.id))


def walk(client, way, **arguments):
    """The references of one page after another."""
    yield listed(client, **arguments)
    page = Page(client.get(URL, query_string=arguments).text)
    for link in page.find("a", rel=way):
        yield from walk(client, way, **dict(parse_qsl(urlsplit(link["href"]).query)))


@pytest.mark.parametrize(("words", "second"), [("iyer", ""), ("Iyer kavya", ""), ("Rao Kavya", "Rao")])
def test_pages_of_a_name_are_in_the_order_of_the_list(client, staff, namesakes, words, second):
    expected = [row.reference_number for row in namesakes if second in row.customer_name]
    pages = list(walk(client, "next", q=words, sort="oldest"))
    assert [reference for page in pages for reference in page] == expected
    pages = list(walk(client, "next", q=words))
    assert [reference for page in pages for reference in page] == expected[::-1]


def test_one_pages_back_to_the_beginning_and_from_one_found_to_the_next(client, staff, namesakes):
    [second] = Page(client.get(f"{URL}?q=kavya+iyer").text).find("a", rel="next")
    arguments = dict(parse_qsl(urlsplit(second["href"]).query))
    here, before = list(walk(client, "prev", **arguments))
    expected, size = [row.reference_number for row in namesakes[::-1]], paging.PAGE_SIZE
    assert (before, here) == (expected[:size], expected[size : 2 * size])
    older, row, newer = namesakes[7:10]
    page = Page(client.get(f"{URL}{row.id}?q=kavya+iyer").text)
    ways = [page.find("a", rel=way)[0]["href"] for way in ("prev", "next")]
    assert [str(each.id) in way for each, way in zip((newer, older), ways, strict=True)] == [True, True]


def test_a_whole_page_may_be_pasted_into_the_search(client, staff, service):
    wanted = add_request(service, customer_name=" ".join(SENTENCE[:9]))
    add_request(service, customer_name=" ".join(SENTENCE[:8]))
    assert listed(client, q=" ".join(SENTENCE[:9])) == [wanted.reference_number]
    assert listed(client, q=" ".join(SENTENCE)) == []
    assert client.get("/admin/palette/", query_string={"q": " ".join(SENTENCE)}).status_code == 200


def plan_of(client, address):
    with asked_with_values() as asked:
        assert client.get(address).status_code == 200
    statement, values = asked[-1]
    found = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    return [step.detail for step in found]


@pytest.mark.sqlite
@pytest.mark.parametrize("words", ["iyer", "kavya+iyer"])
def test_a_page_of_a_common_name_reads_no_more_than_it_shows(client, staff, namesakes, words):
    with transaction() as session:
        session.connection().exec_driver_sql("ANALYZE")
    client.get(f"{URL}?q={words}")
    steps = plan_of(client, f"{URL}?q={words}")
    # Of the few people each may be looked at.
    assert [step for step in steps if "TEMP B-TREE" in step or step.startswith("SCAN service")] == []


def test_a_word_that_an_old_release_wrote_gets_the_time_of_its_request(app, session):
    wanted = make_request()
    words = session.scalar(select(func.count()).select_from(NameWord))
    with transaction() as inner:
        columns = "word_hash, service_request_id"
        inner.execute(text("CREATE TEMPORARY TABLE kept AS SELECT * FROM service_request_name_words"))
        inner.execute(text("DELETE FROM service_request_name_words"))
        inner.execute(text(f"INSERT INTO service_request_name_words ({columns}) SELECT {columns} FROM kept"))
        inner.execute(text("DROP TABLE kept"))
    query = select(func.count()).select_from(NameWord).join(ServiceRequest)
    assert session.scalar(query.where(NameWord.created_at == wanted.created_at)) == words > 0
