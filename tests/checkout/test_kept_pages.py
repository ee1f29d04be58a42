"""Pages kept in the process are those that would be written now, and hold nothing of any visitor."""

import re
from typing import Any

import pytest
from flask import Flask

from app.checkout.kept_pages import KeptPages
from app.db import db
from app.models import Service
from tests.factories import make_gateway, make_service

SUBMISSION = re.compile(r'name="submission"[^>]*value="([^"]+)"')
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@pytest.fixture
def address(app: Flask) -> str:
    with app.app_context():
        make_gateway()
        service = make_service(tiers=2, name="Tax <return>")
        db.session.remove()
    return f"/services/{service.id}"


def without_tokens(page: str) -> str:
    for pattern in (SUBMISSION, TOKEN):
        page = pattern.sub("", page)
    return page


@pytest.mark.parametrize("query", ["", "?ref=A%22%3E1", "?tier=unknown", "?aff=B&tier={second}"])
def test_a_kept_page_is_the_one_that_would_be_written(app: Flask, address: str, query: str, monkeypatch: Any) -> None:
    with app.app_context():
        second = db.session.query(Service).one().tiers[1].id
    path = address + query.format(second=second)
    kept = [app.test_client().get(path).text for _ in range(2)]
    monkeypatch.setitem(app.extensions, "kept_pages", KeptPages(is_on=False))
    assert {without_tokens(page) for page in kept} == {without_tokens(app.test_client().get(path).text)}
    assert "Tax &lt;return&gt;" in kept[0]
    assert '">1' not in kept[0]


def test_each_visitor_has_tokens_of_their_own(app: Flask, address: str) -> None:
    pages = [app.test_client().get(address).text for _ in range(3)]
    assert len({SUBMISSION.search(page)[1] for page in pages}) == 3
    assert len({TOKEN.search(page)[1] for page in pages}) == 3
    client = app.test_client()
    assert len({SUBMISSION.search(client.get(address).text)[1] for _ in range(2)}) == 1


def test_what_is_filled_in_is_escaped() -> None:
    pages = KeptPages()
    for value in ('"><script>', "plain"):
        page = pages.page("key", lambda holes: f'<a href="{holes["link"]}">', {"link": lambda value=value: value})
    assert pages.page("key", lambda _: "", {"link": lambda: '"><b>'}) == '<a href="&#34;&gt;&lt;b&gt;">'
    assert page == '<a href="plain">'


def test_other_values_are_other_pages() -> None:
    pages = KeptPages()
    assert [pages.page(key, lambda _, key=key: f"<p>{key}", {}) for key in (1, 2, 1)] == ["<p>1", "<p>2", "<p>1"]
