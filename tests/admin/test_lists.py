"""What every list has in common, new ones too: odd addresses do no harm, orders and pages fit, an export follows."""

import csv
import io
import re
from urllib.parse import urlencode

import pytest

from app.admin.base import ConsoleView
from app.db import db, transaction
from app.models import Refund
from tests.admin.many import grow
from tests.pages import Page
from tests.sign_in import sign_in

ODD = ["-1", "99999999999999999999", "zzz", "\x00", "0001-01-01", "9999-12-31", "'", "%", "😀", "a" * 300]


@pytest.fixture
def views(app, client, session):
    sign_in(client)
    return [view for view in app.extensions["admin"][0]._views if isinstance(view, ConsoleView)]


def names_of(view, client):
    """Everything that the address of a list may say."""
    page = Page(client.get(f"{view.url}/").text)
    controls = {field["name"] for tag in ("select", "input") for field in page.find(tag) if field.get("name")}
    return controls | {"view", "q", "sort", "after", "before", "page"}


def test_odd_input_breaks_no_list(client, views):
    grow(3)
    for view in views:
        names = names_of(view, client)
        for value in ODD:
            address = f"{view.url}/?{urlencode(dict.fromkeys(names, value))}"
            assert client.get(address).status_code == 200, address
        for name in names:
            address = f"{view.url}/?{urlencode({name: 'zzz'})}"
            assert client.get(address).status_code == 200, address


def test_every_order_goes_through_every_page_without_a_gap(client, views):
    grow(60)
    for view in views:
        for order in view.orders:
            if view.endpoint == "requests" and order == "due":
                continue
            found, address = [], f"{view.url}/?{urlencode({'view': 'all', 'sort': order})}"
            while address:
                text = client.get(address).text
                found += re.findall(r'<tr data-row(?: id="row-|=")([0-9a-f-]+)', text)
                following = Page(text).find("a", rel="next")
                address = following[0]["href"] if following else ""
            assert len(found) == len(set(found)) >= 60, (view.endpoint, order)


def test_every_export_has_the_rows_of_its_list(client, views):
    grow(3)
    for view in views:
        answer = client.get(f"{view.url}/export/csv/?view=all", buffered=True)
        assert answer.status_code == 200, view.endpoint
        lines = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
        assert len(lines) > 3, view.endpoint
        assert "<" not in answer.text, view.endpoint


def test_what_a_list_shows_beside_its_rows_follows_the_row(client, views):
    """A page of an export is as large as memory allows: figures come for each of its parts."""
    grow(2)
    with transaction():
        assert db.session.query(Refund).count() == 2
    [view] = [view for view in views if view.endpoint == "affiliates"]
    answer = client.get(f"{view.url}/export/csv/", buffered=True)
    lines = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert {(line["Clicks"], line["Earned"], line["Paid"]) for line in lines} == {("1", "10.00 INR", "10.00 INR")}
