"""Recording payouts in the console, and what the bank and the books get."""

import csv
import io
import re

import pytest
from sqlalchemy import func, select

from app.models import AuditEntry, Payout, Role
from tests.commissions import give_back, long_ago, make_affiliate, sell
from tests.pages import Page
from tests.sign_in import sign_in

URL = "/admin/payouts/"


@pytest.fixture
def finance(client, session):
    return sign_in(client, Role.FINANCE)


@pytest.fixture
def affiliate(session):
    return make_affiliate(code="ANAND", name="Anand Iyer")


def form(client, affiliate, **changes):
    page = Page(client.get(f"{URL}new", query_string={"affiliate": affiliate.user_id, "currency": "INR"}).text)
    sent = {field["name"]: field.get("value") or "" for field in page.find("input") if field.get("name")}
    return sent | changes


def record(client, affiliate, **changes):
    return client.post(f"{URL}new", data=form(client, affiliate, **changes))


def count(session):
    session.rollback()
    return session.scalar(select(func.count()).select_from(Payout))


def lines_of(answer):
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def test_finance_records_what_was_paid_and_finds_it_again(client, session, finance, affiliate):
    sold = sell(affiliate, at=long_ago())
    page = Page(client.get(f"{URL}new").text)
    assert "Anand Iyer ANAND ₹100.00" in page.words
    answer = record(client, affiliate, transfer_reference="UTR 551", paid_on="2026-03-01")
    assert answer.status_code == 302
    page = Page(client.get(answer.location).text)
    for part in ("Recorded: ₹100.00 to Anand Iyer.", "UTR 551", "1 Mar 2026", sold.service_request.reference_number):
        assert part in page.words
    for text in ("ANAND", "UTR 551"):
        assert "Payouts 1" in Page(client.get(URL, query_string={"q": text}).text).words
    assert "Payouts 1" in Page(client.get(f"{URL}?affiliate=ANAND").text).words
    assert "Payouts 0" in Page(client.get(f"{URL}?q=UTR").text).words


def test_a_form_that_shows_another_sum_is_refused_with_the_sum_of_now(client, session, finance, affiliate):
    sold = sell(affiliate, at=long_ago())
    sent = form(client, affiliate)
    give_back(sold, 50_000)
    answer = client.post(f"{URL}new", data=sent)
    assert answer.status_code == 412
    words = Page(answer.text).words
    assert "Another sum is due by now: ₹50.00" in words
    assert "Record ₹50.00 as paid" in words
    assert count(session) == 0


def test_pressing_twice_records_once(client, session, finance, affiliate):
    sell(affiliate, at=long_ago())
    sent = form(client, affiliate)
    assert [client.post(f"{URL}new", data=sent).status_code for _ in range(2)] == [302, 412]
    assert count(session) == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"paid_on": ""}, "Choose the day"),
        ({"paid_on": "2999-01-01"}, "still to come"),
        ({"transfer_reference": "x" * 65}, "64 characters"),
        ({"seen": "-1"}, "Another sum"),
        ({"seen": "99999999999999999999"}, "Another sum"),
        ({"seen": "₹"}, "Another sum"),
    ],
)
def test_what_makes_no_sense_records_nothing_and_keeps_the_input(client, session, finance, affiliate, changes, told):
    sell(affiliate, at=long_ago())
    answer = record(client, affiliate, **({"transfer_reference": "UTR 7"} | changes))
    assert answer.status_code in {412, 422}
    assert told in Page(answer.text).words
    assert count(session) == 0


def test_what_is_not_there_is_not_found(client, session, finance, affiliate):
    for changes in ({"affiliate": "zzz"}, {"currency": "XXY"}, {"affiliate": ""}):
        assert (
            client.post(f"{URL}new", data={"affiliate": affiliate.user_id, "currency": "INR"} | changes).status_code
            == 404
        )


def test_who_owes_us_is_told_to_carry_over(client, session, finance, affiliate):
    sold = sell(affiliate, at=long_ago())
    record(client, affiliate)
    give_back(sold, 100_000)
    assert "-₹100.00" in Page(client.get(f"{URL}new").text).words
    words = Page(client.get(f"{URL}new", query_string={"affiliate": affiliate.user_id, "currency": "INR"}).text).words
    assert "It carries over to the next payout" in words
    assert "as paid" not in words


def test_the_batch_and_the_lines_are_downloads(client, session, finance, affiliate):
    meera = make_affiliate(code="MEERA", name="=1+1")
    sold = sell(affiliate, at=long_ago())
    sell(meera, 30_000, at=long_ago())
    page = client.get(record(client, affiliate).location).text
    record(client, meera)
    batch = lines_of(client.get(re.search(r'href="([^"]+/batch/[^"]+)"', page)[1], buffered=True))
    assert [(line["Affiliate"], line["Amount"], line["Lines"]) for line in batch] == [
        ("Anand Iyer", "100.00", "1"),
        ("'=1+1", "30.00", "1"),
    ]
    [line] = lines_of(client.get(re.search(r'href="([^"]+/lines.csv)"', page)[1], buffered=True))
    assert (line["Request"], line["Amount"]) == (sold.service_request.reference_number, "100.00")
    actions = set(session.scalars(select(AuditEntry.action)))
    assert {"payout.recorded", "payouts.exported"} <= actions


def test_nobody_due_and_nothing_recorded_say_so(client, session, finance, affiliate):
    assert "Nobody is due a commission" in Page(client.get(f"{URL}new").text).words
    assert "No payout was recorded yet" in Page(client.get(URL).text).words
    address = f"{URL}new?affiliate={affiliate.user_id}&currency=INR"
    assert "Nothing is payable to Anand Iyer now" in Page(client.get(address).text).words


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER, Role.AFFILIATE])
def test_others_record_nothing_by_hand_made_forms_either(client, session, affiliate, role):
    sell(affiliate, at=long_ago())
    sign_in(client, role)
    sent = {"affiliate": affiliate.user_id, "currency": "INR", "seen": "10000", "paid_on": "2026-03-01"}
    assert client.post(f"{URL}new", data=sent).status_code == 403
    assert count(session) == 0
    if role is not Role.AFFILIATE:
        assert "Record a payout" not in client.get(URL).text
