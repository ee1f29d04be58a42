"""Messages in the console: read as they went out, and sent again."""

import pytest
from sqlalchemy import select

from app.db import transaction
from app.models import AuditEntry, Notification, NotificationStatus, Role
from app.workflows.deliveries import SentCopy
from tests.factories import make_request
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
    sign_in(client, Role.VIEWER)
    page = client.get(f"/admin/notifications/details/?id={letter.id}")
    words = Page(page.text).words
    for part in ("Payment received", "Thank you, <b>Kavya</b>", "With receipt.pdf", "kavya.iyer@example.org"):
        assert part in words
    [frame] = Page(page.text).find("iframe")
    assert "sandbox" in frame
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    assert "alert(1)" not in page.text


def test_the_html_part_can_do_nothing(client, session, letter):
    sign_in(client, Role.VIEWER)
    answer = client.get(f"/admin/notifications/{letter.id}/letter")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy.split("; ")
    assert "script-src" not in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"


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
    assert "1 done, 1 refused" in Page(client.post("/admin/notifications/action/", data=sent).text).words


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
