"""What counts as a gateway's own failure, and what staff are told of it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.gateways.base import BadCredentials, GatewayError, GatewayUnavailable, UnsupportedAmount
from app.gateways.network.http import NoAnswer
from app.models import GatewayConfig, Notification, Role
from app.workflows import gateway_health
from tests.factories import make_gateway, make_user


@pytest.fixture
def config(session):
    make_user(Role.ADMIN)
    return make_gateway()


def note(error):
    with transaction():
        gateway_health.note_failure("sandbox", error)
    db.session.expire_all()
    return db.session.scalars(select(GatewayConfig)).one()


def alerts():
    return [letter.context["key"] for letter in db.session.scalars(select(Notification))]


def test_no_answer_is_kept_with_the_reason_for_staff(config):
    stored = note(GatewayUnavailable(details={"reason": "HTTP 502"}))
    assert stored.last_failure == "The gateway did not answer. (HTTP 502)"
    assert (stored.failures_in_row, alerts()) == (1, [])


def test_keys_that_are_no_longer_taken_are_told_to_administrators_at_once_and_once_an_hour(config):
    for _ in range(3):
        stored = note(BadCredentials(details={"reason": "HTTP 401"}))
    assert (stored.failures_in_row, alerts()) == (3, ["gateway_credentials"])
    assert "HTTP 401" in stored.last_failure


@pytest.mark.parametrize("error", [GatewayError(), UnsupportedAmount()])
def test_what_is_the_customers_matter_is_none_of_the_gateways(config, error):
    stored = note(error)
    assert (stored.failures_in_row, stored.last_failure_at, alerts()) == (0, None, [])


@pytest.mark.parametrize("error", [GatewayUnavailable(), NoAnswer("HTTP 502", timedelta(seconds=1)), BadCredentials()])
def test_staff_are_not_told_what_is_meant_for_customers(error):
    told = gateway_health.told_to_staff(error)
    assert "You have not been charged" not in told.message
    assert "Pay another way" not in str(told.suggested_action)
    assert told.details == error.details
