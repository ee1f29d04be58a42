"""Refunds, disputes and commissions: found by what people quote, the urgent ones first, each line with its reason."""

import csv
import io
import re
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from app.ages import day
from app.db import transaction
from app.kit import clock
from app.kit.money import Money
from app.models import Dispute, DisputeStatus, Payment, RefundStatus, Role
from app.workflows import affiliate_terms, locked_payments, payouts, refunds
from app.workflows.audit import actor_of
from app.workflows.payouts import Wish
from app.workflows.refunds import Wish as RefundWish
from tests.commissions import give_back, long_ago, make_affiliate, sell
from tests.factories import make_request, make_service, make_user
from tests.pages import Page
from tests.sign_in import sign_in


@pytest.fixture
def finance(client, session):
    return sign_in(client, Role.FINANCE)


def rows(client, name, **arguments):
    """The cells of each row as they read, in order."""
    answer = client.get(f"/admin/{name}/?{urlencode(arguments)}")
    assert answer.status_code == 200
    return [Page(f"<tr{part}").words for part in answer.text.partition("<tbody>")[2].split("<tr")[1:]]


def exported(client, name, **arguments):
    answer = client.get(f"/admin/{name}/export/csv/?{urlencode(arguments)}", buffered=True)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def make_refund(session, actor, minor=50_000, **changes):
    request = make_request()
    payment = session.scalars(select(Payment).where(Payment.service_request_id == request.id)).one()
    with transaction():
        locked = locked_payments.get_locked(payment.id)
        wish = RefundWish(Money(minor, "INR"), refunds.refundable(locked), "Asked early")
        refund = refunds.open_refund(locked, wish, actor=actor_of(actor))
        for name, value in changes.items():
            setattr(refund, name, value)
    return request, refund


def make_dispute(session, **changes):
    request = make_request()
    payment = session.scalars(select(Payment).where(Payment.service_request_id == request.id)).one()
    values = {"gateway_dispute_id": f"dp_{payment.id.hex}", "status": DisputeStatus.OPEN} | changes
    with transaction():
        session.add(Dispute(payment_id=payment.id, gateway="sandbox", amount_minor=100, currency="INR", **values))
    return request


def test_a_refund_tells_who_asked_what_came_of_it_and_why_not(client, session, finance):
    request, refund = make_refund(session, finance, status=RefundStatus.FAILED, error_code="insufficient_balance")
    [row] = rows(client, "refunds")
    for part in (request.reference_number, "₹500.00", "Failed", finance.name, "insufficient_balance"):
        assert part in row
    page = Page(client.get(f"/admin/refunds/details/?id={refund.id}").text)
    assert "Nothing went back" in page.words
    assert "Asked early" in page.words
    assert {"href": f"/admin/requests/{request.id}"} in page.find("a")


@pytest.mark.parametrize("quoted", ["reference", "refund id", "payment id", "our id"])
def test_a_refund_is_found_by_what_people_quote(client, session, finance, quoted):
    request, refund = make_refund(session, finance, gateway_refund_id="rf_77")
    make_refund(session, finance)
    words = {
        "reference": request.reference_number.lower(),
        "refund id": "rf_77",
        "payment id": refund.payment.gateway_payment_id,
        "our id": str(refund.id),
    }
    assert len(rows(client, "refunds", q=words[quoted])) == 1
    assert rows(client, "refunds", q="rf_78") == []


def test_a_refund_is_stuck_when_its_gateway_keeps_silent_or_dawdles(client, session, finance):
    now = clock.utc_now()
    make_refund(session, finance)
    silent, _ = make_refund(session, finance, created_at=now - timedelta(hours=1))
    make_refund(session, finance, created_at=now - timedelta(days=3), status=RefundStatus.PENDING)
    slow, _ = make_refund(session, finance, created_at=now - timedelta(days=8), status=RefundStatus.PENDING)
    done, _ = make_refund(session, finance, created_at=now - timedelta(days=9), status=RefundStatus.COMPLETED)
    stuck = rows(client, "refunds", view="stuck")
    assert [slow.reference_number in stuck[0], silent.reference_number in stuck[1], len(stuck)] == [True, True, 2]
    assert len(rows(client, "refunds", view="under_way")) == 4
    assert done.reference_number in rows(client, "refunds", status="completed")[0]


def test_refunds_are_filtered_by_who_asked(client, session, finance):
    other = make_user(Role.ADMIN)
    mine, _ = make_refund(session, finance)
    make_refund(session, other)
    [row] = rows(client, "refunds", who=finance.id)
    assert mine.reference_number in row
    assert len(rows(client, "refunds", who="nobody")) == 2


def test_refunds_are_exported_as_they_are_filtered(client, session, finance):
    request, _ = make_refund(session, finance)
    make_refund(session, finance, status=RefundStatus.FAILED)
    [line] = exported(client, "refunds", view="under_way")
    assert (line["Request"], line["Amount"], line["Currency"]) == (request.reference_number, "500.00", "INR")


def test_the_dispute_with_the_nearest_deadline_comes_first(client, session, finance):
    now = clock.utc_now()
    later = make_dispute(session, evidence_due_at=now + timedelta(days=5))
    unknown = make_dispute(session)
    soon = make_dispute(session, evidence_due_at=now - timedelta(hours=3))
    make_dispute(session, status=DisputeStatus.WON, closed_at=now)
    found = rows(client, "disputes")
    assert [r.reference_number in row for r, row in zip((soon, unknown, later), found, strict=True)] == [True] * 3
    assert "3 h late" in found[0]
    assert "no day is named" in found[1]
    assert len(rows(client, "disputes", view="all")) == 4
    assert "Won" in rows(client, "disputes", view="won")[0]


def test_disputes_go_on_over_many_pages_by_their_deadline(client, session, finance):
    now = clock.utc_now()
    make_request()
    payment = session.scalars(select(Payment)).first()
    with transaction():
        for number in range(60):
            due = now + timedelta(hours=number) if number % 3 else None
            session.add(
                Dispute(
                    payment_id=payment.id,
                    gateway="sandbox",
                    gateway_dispute_id=f"dp_{number}",
                    amount_minor=1,
                    currency="INR",
                    evidence_due_at=due,
                )
            )
    first = client.get("/admin/disputes/").text
    second = client.get(Page(first).find("a", rel="next")[0]["href"]).text
    found = [int(number) for text in (first, second) for number in re.findall(r">dp_(\d+)<", text)]
    dated = [number for number in range(60) if number % 3]
    assert len(found) == 60
    assert [number for number in found if number % 3] == dated
    # Those without a day were opened in the same moment, before all the deadlines to come.
    assert sorted(found[:20]) == [number for number in range(60) if number % 3 == 0]


def test_an_empty_part_of_a_list_says_what_that_means(client, session, finance):
    assert "No dispute is open" in Page(client.get("/admin/disputes/").text).words
    assert "Refunds are made on the page of a request" in Page(client.get("/admin/refunds/").text).words
    assert "No refund is stuck" in Page(client.get("/admin/refunds/?view=stuck").text).words


# --- the ledger


def test_each_line_of_the_ledger_explains_itself(client, session, finance):
    sold = sell(make_affiliate(), 100_000, at=long_ago(), name="Legal notice")
    give_back(sold, 30_000)
    taken, earned = rows(client, "commissions")
    assert "Sale of Legal notice: 10 % of ₹1,000.00" in earned
    assert "₹100.00" in earned
    assert "Refund of ₹300.00: 10 % of what is left stays" in taken
    assert "-₹30.00" in taken


def test_a_line_tells_when_its_rate_is_that_of_the_service(client, session, finance):
    affiliate, service = make_affiliate(), make_service(price_minor=200_000)
    with transaction():
        affiliate_terms.set_rates(affiliate.user_id, {service.id: 1250})
    sell(affiliate, service=service)
    assert "12.5 % of ₹2,000.00, the rate for this service" in rows(client, "commissions")[0]


def test_the_ledger_is_narrowed_by_affiliate_kind_state_and_reference(client, session, finance):
    anand, meera = make_affiliate(code="ANAND"), make_affiliate(code="MEERA")
    old, young = sell(anand, at=long_ago()), sell(meera)
    give_back(young, 10_000)
    assert len(rows(client, "commissions", affiliate="ANAND")) == 1
    assert len(rows(client, "commissions", affiliate="MEERA", kind="adjusted")) == 1
    assert rows(client, "commissions", affiliate="NOBODY") == []
    [row] = rows(client, "commissions", view="payable")
    assert old.service_request.reference_number in row
    assert len(rows(client, "commissions", view="waiting")) == 2
    assert rows(client, "commissions", view="paid") == []
    assert len(rows(client, "commissions", q=young.service_request.reference_number)) == 2
    assert rows(client, "commissions", q="nonsense") == []


def test_a_paid_line_leads_to_its_payout(client, session, finance):
    affiliate = make_affiliate()
    sell(affiliate, at=long_ago())
    with transaction():
        wish = Wish(affiliate.user_id, Money(10_000, "INR"), clock.utc_now(), "2026-03-01")
        payout = payouts.record(wish, actor=actor_of(finance))
    page = Page(client.get("/admin/commissions/?view=paid").text)
    assert {"href": f"/admin/payouts/details/?id={payout.id}"} in page.find("a")
    [line] = exported(client, "commissions")
    assert (line["Amount"], line["Paid out"]) == ("100.00", f"Paid {day(clock.utc_now())} (2026-03-01)")


def test_the_ledger_has_no_form(client, session):
    sign_in(client)
    for address in ("new/", "edit/?id=x", "delete/"):
        assert client.post(f"/admin/commissions/{address}").status_code == 404
