"""The same news by several ways in the same moment: nobody waits for ever, and it is entered once."""

from functools import partial

import pytest
from sqlalchemy import func, select

from app.db import db, transaction
from app.exchanges import check_payment
from app.models import Notification, PaymentStatus, StatusChange
from app.sandbox import ledger
from tests.events import event_body, post_event
from tests.factories import make_payment
from tests.threads import at_once

ROUNDS = 15


@pytest.mark.parametrize("outcome", ["approve", "decline"])
def test_the_webhook_and_the_customers_return_do_not_get_in_each_others_way(app, session, outcome):
    for _ in range(ROUNDS):
        payment = make_payment()
        with transaction():
            ledger.decide(ledger.find_payment(payment.client_secret), outcome)
        body = event_body(payment, is_paid=outcome == "approve")
        asked = partial(check_payment, payment.id)
        ends = at_once(app, [asked, partial(post_event, app.test_client(), body), asked])
        assert not [end for end in ends if isinstance(end, BaseException)], ends
        db.session.expire_all()
        wanted = PaymentStatus.COMPLETED if outcome == "approve" else PaymentStatus.FAILED
        assert payment.status is wanted
    told = select(func.count()).where(Notification.kind.in_(("payment_confirmed", "payment_failed")))
    assert db.session.scalar(told) == ROUNDS
    changes = db.session.scalar(select(func.count()).select_from(StatusChange))
    assert changes == (2 * ROUNDS if outcome == "approve" else 0)
