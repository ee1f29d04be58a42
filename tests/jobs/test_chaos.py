"""Everything dies at random while work goes on, and at the end nobody was forgotten.

Repeatable by seed, and as long as one wants: `make chaos CHAOS_REQUESTS=2000 CHAOS_SEED=7`. What dies is chosen by the
seed; when exactly within its work, the machine decides.
"""

import os
import time
from collections import Counter
from contextlib import ExitStack
from random import Random

import pytest
from sqlalchemy import func, select

from app.db import db, transaction
from app.errors import DomainError
from app.gateways.base import RefundNews
from app.jobs import queue
from app.kit.money import Money
from app.models import Notification, ProviderProfile, Refund, RequestStatus, Role, ServiceRequest
from app.workflows import deliveries, locked_payments, payments, refunds, requests, status
from app.workflows.audit import SYSTEM
from tests.factories import make_payment, make_provider, make_service, make_user, snapshot_of
from tests.jobs.chaos import World, still_to_send
from tests.jobs.programs import wait_until

REQUESTS = int(os.environ.get("CHAOS_REQUESTS", "20"))
SEED = int(os.environ.get("CHAOS_SEED", "2"))

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(600 + 2 * REQUESTS)]

BETWEEN_BLOWS = max(6, REQUESTS // 35)
"""Steps: a longer run has more blows, up to seventy."""


@pytest.fixture
def world(session, settings, smtp, tmp_path):
    made = World(settings, tmp_path, smtp, Random(SEED), ExitStack())  # noqa: S311 - it chooses who dies
    made.start()
    yield made
    made.stop()
    queue.configure(settings.redis_url)


def buy(service):
    payment = make_payment(service)
    with transaction():
        payments.settle(payment.id, snapshot_of(payment))
    return payment


def move_on(payment, random):
    """One step, if the table allows it. What is over stays so: to open it again is a person's choice over the limit."""
    wanted = random.choice(list(RequestStatus))
    try:
        with transaction():
            locked = requests.get_locked(payment.service_request_id)
            if not locked.is_open:
                return 0
            status.change_status(locked, wanted, actor=SYSTEM)
    except DomainError:
        return 0
    return 1


def give_back(payment, number):
    """A part, as if somebody had done so in the gateway's dashboard; its news comes twice."""
    news = RefundNews(f"rf_{number}", Money(1_000, payment.currency), "success")
    for _ in range(2):
        with transaction():
            refunds.learn(locked_payments.get_locked(payment.id), news)


def work(world, providers):
    """What is owed for it, by kind."""
    services = [make_service(name=f"Service {number}") for number in range(3)]
    bought, owed = [], Counter()
    for step in range(1, 2 * REQUESTS + 1):
        if step % 2:
            bought.append(buy(world.random.choice(services)))
            owed.update(("payment_confirmed", "new_request"))
        owed["status_changed"] += move_on(world.random.choice(bought), world.random)
        if step % 3 == 0:
            give_back(world.random.choice(bought), step)
            owed["refund_issued"] += 1
        if step % BETWEEN_BLOWS == 0:
            world.strike()
            assert_no_limit_broken(providers)
    world.mend()
    return owed


@pytest.mark.long
def test_whatever_dies_every_message_owed_arrives_and_no_limit_is_broken(world):
    began = time.monotonic()
    make_user(Role.ADMIN)
    providers = [make_provider(capacity=max(2, REQUESTS // 8)) for _ in range(4)]
    owed = work(world, providers)
    wait_until(lambda: still_to_send() == 0, "all is told", seconds=120 + REQUESTS)
    given_up = send_again_by_hand(world)
    rows = db.session.scalars(select(Notification)).all()
    by_status = Counter(row.status.value for row in rows)
    assert set(by_status) <= {"sent", "dropped"}, by_status
    by_kind = Counter(row.kind for row in rows)
    assert {kind: by_kind[kind] for kind in owed} == owed
    assert {row.kind for row in rows if row.status == "dropped"} <= {"provider_assigned", "no_provider"}
    arrived = {received.message["Message-ID"] for received in world.smtp.messages}
    sent = {row.message_id for row in rows if row.status == "sent"}
    assert sent <= arrived <= {row.message_id for row in rows}
    assert_no_limit_broken(providers)
    assert db.session.scalar(select(func.count()).select_from(Refund)) == owed["refund_issued"]
    counted = {"requests": REQUESTS, **world.counts(), **by_status, "given up, sent by hand": given_up}
    table(
        {
            "seed": SEED,
            **counted,
            "sent twice, each with its blow": world.twice(),
            "seconds": round(time.monotonic() - began),
        }
    )


def send_again_by_hand(world):
    """Mail that failed four times, as it may when the mail server is killed often: the console's button."""
    with transaction():
        count = deliveries.resend_unanswered(actor=SYSTEM)
    wait_until(lambda: still_to_send() == 0, "what was given up is told too")
    return count


def assert_no_limit_broken(providers):
    db.session.rollback()
    mine = select(ServiceRequest.assigned_provider_id, func.count()).where(ServiceRequest.closed_at.is_(None))
    counts = dict(db.session.execute(mine.group_by(ServiceRequest.assigned_provider_id)).all())
    profiles = db.session.scalars(select(ProviderProfile)).all()
    assert len(profiles) == len(providers)
    for profile in profiles:
        # Of one provider alone, the counter and the requests are read at two moments while workers route.
        assert profile.open_work <= profile.capacity
        assert counts.get(profile.user_id, 0) <= profile.capacity
    db.session.rollback()


def table(rows):
    width = max(map(len, rows))
    print("\n" + "\n".join(f"{name.replace('_', ' '):<{width}}  {value:>8,}" for name, value in rows.items()))
