"""What the sweeps find that nobody rang for."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.jobs import sweep
from app.kit import clock
from app.models import EventOutcome, Notification, NotificationStatus, RequestStatus, Role, WebhookEvent
from app.workflows import deliveries, webhooks
from tests.events import event_body, post_event
from tests.factories import make_payment, make_request, make_user
from tests.outbox import end_leases, everything, owe


def test_what_a_killed_worker_held_is_sent_when_its_lease_is_over(session, smtp):
    owe(3)
    with transaction():
        deliveries.claim(2)
    sweep.sweep_notifications()
    assert len(smtp.messages) == 1
    end_leases()
    sweep.sweep_notifications()
    assert len(smtp.messages) == 3
    assert {row.status for row in everything()} == {NotificationStatus.SENT}


class TestOverdue:
    @pytest.fixture(autouse=True)
    def _administrator(self, session):
        make_user(Role.ADMIN)

    def alerts(self):
        query = select(Notification).where(Notification.kind == "alert")
        return [row.context["text"] for row in db.session.scalars(query)]

    def test_one_alert_for_each_overdue_request(self):
        late, other = [make_request(due_at=clock.utc_now() - timedelta(hours=hours)) for hours in (2, 1)]
        make_request()
        for _ in range(3):
            sweep.alert_overdue()
        texts = self.alerts()
        assert len(texts) == 2
        for each in (late, other):
            assert sum(each.reference_number in alert for alert in texts) == 1

    @pytest.mark.parametrize(
        "changes",
        [
            {"first_contact_at": clock.utc_now()},
            {"status": RequestStatus.CANCELLED, "closed_at": clock.utc_now()},
            {"due_at": None},
        ],
        ids=["contacted", "closed", "no deadline"],
    )
    def test_none_for_what_is_not_late(self, changes):
        make_request(**({"due_at": clock.utc_now() - timedelta(hours=1)} | changes))
        sweep.alert_overdue()
        assert self.alerts() == []

    def test_none_for_what_is_not_paid(self):
        make_request(is_paid=False, due_at=clock.utc_now() - timedelta(hours=1))
        sweep.alert_overdue()
        assert self.alerts() == []


class TestWebhooks:
    """The handling breaks at first, and the gateway never posts again."""

    @pytest.fixture
    def event(self, client, session, monkeypatch):
        payment = make_payment()

        def broken(*_args):
            raise ZeroDivisionError

        with monkeypatch.context() as patch:
            patch.setattr(webhooks.payments, "settle_locked", broken)
            client.application.config["PROPAGATE_EXCEPTIONS"] = False
            assert post_event(client, event_body(payment)).status_code == 500
        return db.session.scalars(select(WebhookEvent)).one()

    def test_it_is_not_tried_before_its_time(self, event):
        sweep.retry_webhooks()
        db.session.refresh(event)
        assert (event.handled_at, event.attempts) == (None, 1)

    def test_it_is_handled_when_its_time_has_come(self, event):
        self.make_due(event)
        sweep.retry_webhooks()
        db.session.refresh(event)
        assert event.outcome is EventOutcome.APPLIED
        assert event.payment.status == "completed"

    def test_one_that_breaks_again_is_put_off_and_holds_up_nobody(self, event, monkeypatch):
        self.make_due(event)

        def broken(*_args):
            raise ZeroDivisionError

        monkeypatch.setattr(webhooks.payments, "settle_locked", broken)
        sweep.retry_webhooks()
        db.session.refresh(event)
        assert (event.handled_at, event.attempts) == (None, 2)
        assert event.next_attempt_at > clock.utc_now()

    def make_due(self, event):
        with transaction() as session:
            session.get_one(WebhookEvent, event.id).next_attempt_at = clock.utc_now() - timedelta(seconds=1)
