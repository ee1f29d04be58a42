"""What load balancers and monitors are told."""

from datetime import timedelta

import time_machine

from app.kit import clock
from tests.outbox import owe


def test_a_healthy_service_owes_no_mail(app, session):
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json["checks"]["database"] == answer.json["checks"]["migrations"] == "ok"
    assert answer.json["oldest_mail_seconds"] is None


def test_mail_that_is_owed_for_long_is_told_and_turns_nobody_away(app, session):
    owe(1)
    with time_machine.travel(clock.utc_now() + timedelta(hours=1), tick=False):
        answer = app.test_client().get("/readyz")
    assert answer.status_code == 200
    assert 3600 <= answer.json["oldest_mail_seconds"] < 3700
