"""Idempotency keys are kept for a month and no longer, and forgetting one never doubles a purchase."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from app.db import db
from app.jobs import upkeep
from app.models import IdempotencyKey, ServiceRequest
from app.workflows import idempotency
from tests.factories import make_gateway, make_service

ADDRESS = "/api/services/purchase"


@pytest.fixture
def buy(client, session):
    make_gateway()
    service = make_service()
    customer = {"fullName": "Kavya Iyer", "email": "k@example.org", "phone": "+917000012345", "requirements": "x"}
    body = {"serviceId": str(service.id), "customer": customer}
    return lambda key: client.post(ADDRESS, json=body, headers={"Idempotency-Key": key})


def count(model):
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


def test_old_keys_are_forgotten_in_batches_and_young_ones_kept(buy, monkeypatch):
    monkeypatch.setattr(upkeep, "_BATCH", 2)
    now = datetime(2026, 3, 1, tzinfo=UTC)
    with time_machine.travel(now, tick=False) as traveller:
        for key in "abcde":
            buy(key)
        traveller.shift(idempotency.KEPT - timedelta(hours=1))
        buy("young")
        upkeep.prune_keys()
        assert count(IdempotencyKey) == 6
        traveller.shift(timedelta(hours=2))
        upkeep.prune_keys()
    assert [row.key_hash for row in db.session.scalars(select(IdempotencyKey))] == [
        idempotency.keyring.hash("young", "idempotency_key")
    ]


def test_a_repeat_after_its_key_was_forgotten_is_still_the_same_purchase(buy):
    now = datetime(2026, 3, 1, tzinfo=UTC)
    with time_machine.travel(now, tick=False) as traveller:
        first = buy("a").json
        traveller.shift(idempotency.KEPT + timedelta(days=1))
        upkeep.prune_keys()
        assert buy("a").json["requestId"] == first["requestId"]
    assert count(ServiceRequest) == 1
