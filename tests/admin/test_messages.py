"""Messages in the console: read as they went out, and sent again."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from app.admin.story import letter_name
from app.db import transaction
from app.gateways.base import SnapshotStatus
from app.models import AuditEntry, Notification, NotificationStatus, Role
from app.workflows import letter_kinds, letters, payments  # noqa: F401 - knowing the kinds is what fills KINDS
from app.workflows.deliveries import SentCopy
from tests.admin.rows import count_queries
from tests.factories import make_customer, make_payment, make_request, snapshot_of
from tests.pages import Page
from tests.sign_in import sign_in

COPY = SentCopy(
    subject="Payment received",
    text="Thank you, <b>Kavya</b>",
    html='<p style="color:red">Thank you</p><script>alert(1)</script>',
    attachments=("receipt.pdf",),
)


@pytest.fixture
def letter(session):
    make_request()
    row = session.scalars(select(Notification).where(Notification.kind == "payment_confirmed")).one()
    with transaction():
        row = session.get_one(Notification, row.id)
        row.status, row.sent_copy, row.last_error = NotificationStatus.SENT, COPY.pack(), None
    return row


def set_status(session, letter, status):
    with transaction():
        session.get_one(Notification, letter.id).status = status


def test_a_message_is_read_as_it_went_out(client, session, letter):
    sign_in(client, Role.FINANCE)
    page = client.get(f"/admin/notifications/details/?id={letter.id}")
    words = Page(page.text).words
    for part in ("Payment received", "Thank you, <b>Kavya</b>", "With receipt.pdf", "kavya.iyer@example.org"):
        assert part in words
    [frame] = Page(page.text).find("iframe")
    assert "sandbox" in frame
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    assert "alert(1)" not in page.text


def test_the_html_part_can_do_nothing(client, session, letter):
    sign_in(client, Role.FINANCE)
    answer = client.get(f"/admin/notifications/{letter.id}/letter")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy.split("; ")
    assert "script-src" not in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_a_waiting_message_is_read_as_it_would_go_out_now(client, session):
    sign_in(client, Role.FINANCE)
    request = make_request()
    row = session.scalars(select(Notification).where(Notification.kind == "payment_confirmed")).one()
    page = client.get(f"/admin/notifications/details/?id={row.id}")
    words = Page(page.text).words
    for part in ("As it would go out now", f"Payment received: {request.reference_number}", "Still true Yes"):
        assert part in words
    assert f"With receipt-{request.reference_number}.pdf" in words
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    answer = client.get(f"/admin/notifications/{row.id}/preview")
    assert "Kavya Iyer" in answer.text
    assert "sandbox" in answer.headers["Content-Security-Policy"].split("; ")
    session.rollback()
    assert session.get_one(Notification, row.id, populate_existing=True).status is NotificationStatus.PENDING


def test_a_sent_message_has_nothing_to_preview(client, session, letter):
    sign_in(client, Role.FINANCE)
    assert "would go out now" not in client.get(f"/admin/notifications/details/?id={letter.id}").text
    assert client.get(f"/admin/notifications/{letter.id}/preview").status_code == 404


def test_a_template_that_breaks_is_said_where_it_would_be_previewed(client, session, monkeypatch):
    sign_in(client, Role.FINANCE)
    make_request()
    row = session.scalars(select(Notification).where(Notification.kind == "payment_confirmed")).one()
    broken = replace(letters.KINDS["payment_confirmed"], build=lambda case: {})
    monkeypatch.setitem(letters.KINDS, "payment_confirmed", broken)
    for address in (f"/admin/notifications/details/?id={row.id}", "/admin/letter_templates/payment_confirmed"):
        assert "It cannot be written (UndefinedError)" in Page(client.get(address).text).words
    assert client.get(f"/admin/notifications/{row.id}/preview").status_code == 404


@pytest.mark.parametrize("kind", sorted(letters.KINDS))
def test_every_template_is_told_of_and_shown_with_made_up_values(client, session, kind):
    sign_in(client, Role.VIEWER)
    account = letters.KINDS[kind].account
    words = Page(client.get("/admin/letter_templates/").text).words
    for told in (account.purpose, account.receiver, account.occasion):
        assert told
        assert told in words
    page = client.get(f"/admin/letter_templates/{kind}")
    example = "Asha Menon" if letters.KINDS[kind].about_account else "SR-7K3M-9QXW-2HTB"
    assert example in page.text
    assert "cannot be written" not in page.text
    assert example in client.get(f"/admin/letter_templates/{kind}/letter").text
    with transaction():
        assert session.scalars(select(Notification)).all() == []


def test_there_is_no_other_template(client, session):
    sign_in(client, Role.VIEWER)
    assert client.get("/admin/letter_templates/zzz").status_code == 404
    assert client.get("/admin/letter_templates/zzz/letter").status_code == 404


def test_what_is_not_true_any_more_is_said_and_not_sent_again(client, session):
    sign_in(client, Role.OPERATOR)
    payment = make_payment()
    with transaction():
        payments.settle(payment.id, snapshot_of(payment, SnapshotStatus.FAILED))
    with transaction():
        payments.settle(payment.id, snapshot_of(payment))
    row = session.scalars(select(Notification).where(Notification.kind == "payment_failed")).one()
    set_status(session, row, NotificationStatus.DEAD)
    reason = "The request is paid or closed by now."
    assert reason in Page(client.get("/admin/notifications/?status=dead").text).words
    assert f"Still true {reason}" in Page(client.get(f"/admin/notifications/details/?id={row.id}").text).words
    answer = client.post(f"/admin/notifications/{row.id}/resend")
    assert (answer.status_code, reason in answer.text) == (409, True)
    sent = {"action": "resend", "rowid": [str(row.id)]}
    assert "0 done, 1 refused" in Page(client.post("/admin/notifications/action/", data=sent).text).words
    session.rollback()
    assert session.get_one(Notification, row.id, populate_existing=True).status is NotificationStatus.DEAD


def found(client, **arguments):
    page = Page(client.get("/admin/notifications/", query_string=arguments).text)
    return {link["href"].partition("id=")[2] for link in page.find("a") if "details/?id=" in link["href"]}


def test_messages_are_found_by_whom_they_are_for_and_what_they_are_about(client, session):
    admin = sign_in(client)
    mine = make_request()
    other = make_request(customer=make_customer(email="other@example.org"))

    def keys(*conditions):
        return {str(key) for key in session.scalars(select(Notification.id).where(*conditions))}

    of_mine, to_customer = Notification.service_request_id == mine.id, Notification.recipient_user_id.is_(None)
    assert found(client, q="Kavya.Iyer@example.org ") == keys(of_mine, to_customer)
    assert found(client, q=admin.email) == keys(Notification.recipient_user_id == admin.id)
    assert found(client, q=mine.reference_number.lower()) == keys(of_mine)
    first = session.scalars(select(Notification)).first()
    assert found(client, q=first.message_id) == found(client, q=first.message_id.strip("<>")) == {str(first.id)}
    for nothing in ("kavya", "nobody@example.org", "SR-0000", "%", "@"):
        assert found(client, q=nothing) == set()
    assert found(client, to="customers") == keys(to_customer)
    assert found(client, to="accounts", q=other.reference_number) == keys(
        Notification.service_request_id == other.id, ~to_customer
    )


def test_a_page_of_messages_asks_as_much_of_the_database_however_many_there_are(client, session):
    sign_in(client)
    make_request()
    few = count_queries(client, "/admin/notifications/")
    for _ in range(8):
        make_request()
    assert count_queries(client, "/admin/notifications/") == few


def test_a_message_that_did_not_go_out_yet_has_no_copy(client, session):
    sign_in(client, Role.VIEWER)
    make_request()
    row = session.scalars(select(Notification)).first()
    assert client.get(f"/admin/notifications/details/?id={row.id}").status_code == 200
    assert client.get(f"/admin/notifications/{row.id}/letter").status_code == 404


def test_a_failed_message_is_sent_again_from_the_request(client, session, letter):
    operator = sign_in(client, Role.OPERATOR)
    set_status(session, letter, NotificationStatus.DEAD)
    page = f"/admin/requests/{letter.service_request_id}"
    assert "Send again" in client.get(page).text
    answer = client.post(f"/admin/notifications/{letter.id}/resend", data={"back": "request"})
    assert answer.location == page
    session.rollback()
    assert session.get_one(Notification, letter.id, populate_existing=True).status is NotificationStatus.PENDING
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "notification.resent")).one()
    assert entry.actor_user_id == operator.id


def test_what_is_being_sent_is_not_sent_again(client, session, letter):
    sign_in(client, Role.OPERATOR)
    set_status(session, letter, NotificationStatus.SENDING)
    answer = client.post(f"/admin/notifications/{letter.id}/resend")
    assert answer.status_code == 409
    assert "being sent at this moment" in answer.text


def test_many_are_sent_again_with_an_outcome_for_each(client, session, letter):
    sign_in(client, Role.OPERATOR)
    busy = session.scalars(select(Notification).where(Notification.id != letter.id)).first()
    if busy is None:
        make_request()
        busy = session.scalars(select(Notification).where(Notification.id != letter.id)).first()
    set_status(session, letter, NotificationStatus.DEAD)
    set_status(session, busy, NotificationStatus.SENDING)
    sent = {"action": "resend", "rowid": [str(letter.id), str(busy.id)]}
    words = Page(client.post("/admin/notifications/action/", data=sent).text).words
    assert "1 done, 1 refused" in words
    assert letter_name(letter.kind) in words
    assert "object at" not in words


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_those_who_only_read_send_nothing(client, session, letter, role):
    sign_in(client, role)
    assert client.post(f"/admin/notifications/{letter.id}/resend").status_code == 403
    sent = {"action": "resend", "rowid": [str(letter.id)]}
    assert client.post("/admin/notifications/action/", data=sent).status_code == 403
    assert "Send again" not in client.get(f"/admin/notifications/details/?id={letter.id}").text


def test_failed_messages_are_found_by_their_filter(client, session, letter):
    sign_in(client, Role.VIEWER)
    set_status(session, letter, NotificationStatus.DEAD)
    page = Page(client.get("/admin/notifications/?status=dead").text)
    assert "Messages 1" in page.words
    assert "Status is Failed" in page.words
