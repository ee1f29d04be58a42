"""The batch of payouts in the console: looked at, recorded, downloaded for the bank, and one of it taken back."""

import csv
import io
import re

import pytest
from sqlalchemy import func, select

from app.kit.money import Money
from app.models import AuditEntry, Payout, Role
from app.workflows.terms import terms
from tests.commissions import give_back, long_ago, make_affiliate, sell
from tests.pages import Page
from tests.sign_in import sign_in

URL = "/admin/payouts/"


@pytest.fixture(autouse=True)
def _minimum(session, monkeypatch):
    monkeypatch.setattr(terms, "least_payouts", {"INR": Money(10_000, "INR")})


@pytest.fixture
def finance(client, session):
    return sign_in(client, Role.FINANCE)


@pytest.fixture
def due(session):
    """One who is paid, one whose name is a formula, one who is due too little."""
    sold = sell(make_affiliate(code="ANAND", name="Anand Iyer"), 300_000, at=long_ago())
    sell(make_affiliate(code="MEERA", name="=cmd()"), 100_000, at=long_ago())
    sell(make_affiliate(code="SMALL", name="Too Little"), 50_000, at=long_ago())
    return sold


def form(client, **changes):
    page = Page(client.get(f"{URL}batch?currency=INR").text)
    sent = {field["name"]: field.get("value") or "" for field in page.find("input") if field.get("name")}
    return sent | changes


def count(session):
    session.rollback()
    return session.scalar(select(func.count()).select_from(Payout))


def test_the_batch_is_looked_at_recorded_and_downloaded(client, session, finance, due):
    start = Page(client.get(f"{URL}new").text).words
    assert "₹400.00 to 2 affiliates who are due ₹100.00 or more" in start
    assert "below the minimum" in start
    preview = Page(client.get(f"{URL}batch?currency=INR").text).words
    assert "Anand Iyer" in preview
    assert "Too Little" not in preview
    answer = client.post(f"{URL}batch", data=form(client, transfer_reference="NEFT 9"))
    assert answer.status_code == 302
    page = client.get(answer.location).text
    assert "Recorded: 2 payouts, ₹400.00 in all." in Page(page).words
    file = client.get(re.search(r'href="([^"]+\.csv)"', page)[1], buffered=True)
    lines = list(csv.DictReader(io.StringIO(file.text.removeprefix("\ufeff"))))
    assert sorted((line["Affiliate"], line["Amount"], line["Bank reference"]) for line in lines) == [
        ("'=cmd()", "100.00", "NEFT 9"),
        ("Anand Iyer", "300.00", "NEFT 9"),
    ]
    assert "payouts.exported" in set(session.scalars(select(AuditEntry.action)))
    assert "Nobody is due ₹100.00 or more now" in Page(client.get(f"{URL}batch?currency=INR").text).words


def test_pressing_twice_records_once_and_a_stale_page_nothing(client, session, finance, due):
    sent = form(client)
    assert [client.post(f"{URL}batch", data=sent).status_code for _ in range(2)] == [302, 412]
    assert count(session) == 2
    sell(make_affiliate(), 300_000, at=long_ago())
    sent = form(client)
    give_back(sell(make_affiliate(), 900_000, at=long_ago()), 10_000)
    answer = client.post(f"{URL}batch", data=sent)
    assert answer.status_code == 412
    assert "Other sums are due by now" in Page(answer.text).words
    assert count(session) == 2


@pytest.mark.sqlite
@pytest.mark.parametrize("changes", [{"paid_on": ""}, {"paid_on": "2999-01-01"}, {"transfer_reference": "x" * 65}])
def test_what_makes_no_sense_records_nothing(client, session, finance, due, changes):
    assert client.post(f"{URL}batch", data=form(client, **changes)).status_code == 422
    assert count(session) == 0


def test_a_payout_is_taken_back_with_a_reason_and_left_out_of_the_file(client, session, finance, due):
    batch = client.post(f"{URL}batch", data=form(client)).location
    payout = session.scalars(select(Payout).where(Payout.amount_minor == 30_000)).one()
    address = f"{URL}details/?id={payout.id}"
    assert "Taking it back moves no money" in Page(client.get(address).text).words
    assert client.post(f"{URL}{payout.id}/take-back", data={"reason": " "}).status_code == 422
    answer = client.post(f"{URL}{payout.id}/take-back", data={"reason": "Wrong account"})
    assert answer.location == address
    words = Page(client.get(address).text).words
    for part in ("Taken back: ₹300.00. Its lines are due again.", "Because Wrong account", "the next payout pays it"):
        assert part in words
    assert client.post(f"{URL}{payout.id}/take-back", data={"reason": "Again"}).status_code == 409
    page = client.get(batch).text
    assert "1 of them was taken back, and left out of the file" in Page(page).words
    file = client.get(re.search(r'href="([^"]+\.csv)"', page)[1], buffered=True)
    assert len(file.text.splitlines()) == 2
    assert "Taken back" in Page(client.get(URL).text).words


def test_an_unknown_batch_or_currency_is_not_found(client, finance):
    assert client.get(f"{URL}batch/none").status_code == 404
    assert client.get(f"{URL}batch?currency=XXQ").status_code == 404


@pytest.mark.sqlite
@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER, Role.AFFILIATE])
def test_others_record_and_take_back_nothing(client, session, due, role):
    sign_in(client, Role.FINANCE)
    sent = form(client)
    client.post(f"{URL}batch", data=sent)
    payout_id = session.scalars(select(Payout.id).limit(1)).one()
    sign_in(client, role)
    assert client.get(f"{URL}batch?currency=INR").status_code == 403
    assert client.post(f"{URL}batch", data=sent).status_code == 403
    assert client.post(f"{URL}{payout_id}/take-back", data={"reason": "x"}).status_code == 403
    assert session.scalar(select(func.count()).where(Payout.reversal.has())) == 0
