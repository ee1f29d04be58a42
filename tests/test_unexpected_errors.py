"""What nobody thought of: noted with all that helps to find it, told in words that give nothing away."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import TemplateSyntaxError

from app.checkout import shop
from app.checkout.kept_pages import KeptPages
from app.extensions import limiter
from tests.factories import make_service
from tests.pages import Page

KINDS = [ValueError, KeyError, TypeError, ZeroDivisionError, AttributeError, RuntimeError, RecursionError, MemoryError]
ADDRESS = "/api/services/purchase"


@pytest.fixture
def in_production(app):
    app.config["PROPAGATE_EXCEPTIONS"] = False
    yield
    app.config["PROPAGATE_EXCEPTIONS"] = None


@pytest.mark.sqlite
@pytest.mark.property(36)
@given(
    kind=st.sampled_from(KINDS),
    detail=st.from_regex(r"detail-[a-z]{8,20}", fullmatch=True),
    address=st.sampled_from(["/", "/api/services"]),
)
def test_any_unexpected_error_is_kept_for_us_and_told_without_details(
    client, in_production, caplog, kind, detail, address
):
    def break_down():
        raise kind(detail)

    caplog.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shop.catalog, "active_services", break_down)
        answer = client.get(address)
    assert answer.status_code == 500
    assert detail not in answer.text
    assert kind.__name__ not in answer.text
    assert "Something went wrong on our side." in answer.text
    assert answer.headers["X-Request-Id"] in answer.text
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert detail in str(record.exc_info[1])


def test_on_a_page_of_the_purchase_it_says_that_nothing_was_charged(client, session, in_production, monkeypatch):
    service = make_service()

    def break_down(*_arguments):
        raise ZeroDivisionError

    monkeypatch.setattr("app.checkout.purchase.catalog.get_for_sale", break_down)
    page = Page(client.get(f"/services/{service.id}").text)
    assert "You have not been charged." in page.words
    assert "Try again" in page.words


def test_with_the_templates_broken_there_is_still_an_answer(app, client, in_production, caplog, monkeypatch):
    def broken(*_arguments, **_more):
        raise TemplateSyntaxError("unexpected end", 1)

    monkeypatch.setattr(app.jinja_env, "get_or_select_template", broken)
    monkeypatch.setitem(app.extensions, "kept_pages", KeptPages())
    answer = client.get("/")
    assert (answer.status_code, answer.mimetype) == (500, "text/html")
    assert "Something went wrong on our side." in answer.text
    assert "You have not been charged." in answer.text
    assert answer.headers["X-Request-Id"] in answer.text
    assert "the page that tells of errors is broken" in caplog.text


DEEP = "[" * 200_000


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "bad_request"),
        (b"", "application/json", 400, "bad_request"),
        (b"\xff\xfe", "application/json", 400, "bad_request"),
        (b'"\xc3"', "application/json", 400, "bad_request"),
        (DEEP.encode(), "application/json", 400, "bad_request"),
        (b'{"a":' * 100_000, "application/json", 400, "bad_request"),
        (b"9" * 5_000, "application/json", 400, "bad_request"),
        (b"null", "application/json", 400, "bad_request"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"{}", "", 415, "unsupported_media_type"),
        (b"x" * 1_100_000, "application/json", 413, "too_large"),
        (b'{"serviceId": 1e999, "customer": NaN}', "application/json", 422, "validation_failed"),
        (b'{"serviceId": "\\u0000", "customer": []}', "application/json", 422, "validation_failed"),
        (b'{"serviceId": {"a": 1}, "customer": {"email": 5}}', "application/json", 422, "validation_failed"),
    ],
)
def test_whatever_a_program_sends_it_is_told_in_the_one_shape(client, in_production, body, kind, status, code):
    answer = client.post(ADDRESS, data=body, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code)
    assert answer.json["requestId"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    "address", ["/api/", "/api/nothing", "/api/services/requests", "/api/admin/services/requests/x"]
)
def test_an_address_that_programs_have_not_is_told_as_json(client, address):
    answer = client.get(address)
    assert (answer.status_code, answer.mimetype) == (404, "application/json")
    assert answer.json["error"]["code"] == "not_found"


@pytest.mark.sqlite
def test_who_asks_too_often_is_told_how_long_to_wait(client, session):
    limiter.reset()
    answers = [client.post(ADDRESS, json={}) for _ in range(121)]
    limiter.reset()
    assert {answer.status_code for answer in answers[:120]} == {422}
    last = answers[-1]
    assert (last.status_code, last.json["error"]["code"]) == (429, "too_many_requests")
    assert 0 < int(last.headers["Retry-After"]) <= 60
