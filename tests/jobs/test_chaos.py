"""Everything dies at random while work goes on, and at the end nobody was forgotten.

Repeatable by seed, and as long as one wants:
`CHAOS_REQUESTS=2000 CHAOS_SEED=7 make test TESTS=tests/jobs/test_chaos.py PYTEST_ARGS=-s`.
What dies is chosen by the seed; when exactly within its work, the machine decides.
"""

import os
import subprocess
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import pytest
from redis import Redis
from sqlalchemy import func, select, update

from app import embedded_queue, orphans
from app.config import Settings
from app.db import db, transaction
from app.errors import DomainError
from app.gateways.base import RefundNews
from app.jobs import queue
from app.jobs.notifications import MARKED_TOGETHER
from app.kit import clock
from app.kit.money import Money
from app.models import Notification, NotificationStatus, ProviderProfile, RequestStatus, Role, ServiceRequest
from app.workflows import payments, refunds, requests, status
from app.workflows.audit import SYSTEM
from tests.factories import make_payment, make_provider, make_service, make_user, snapshot_of
from tests.jobs.programs import Program, running, wait_until
from tests.servers.mail import Answer, MailServer

pytestmark = pytest.mark.postgres

REQUESTS = int(os.environ.get("CHAOS_REQUESTS", "24"))
SEED = int(os.environ.get("CHAOS_SEED", "2"))
STEPS_BETWEEN_DEATHS = 10
_AGAIN = (NotificationStatus.PENDING, NotificationStatus.SENDING)


@dataclass
class World:
    """The programs and servers of a shop, each of which can be killed and started again."""

    settings: Settings
    folder: Path
    smtp: MailServer
    random: Random
    stack: ExitStack
    kills: int = 0
    drops: int = 0
    programs: dict[str, Program] = field(default_factory=dict)
    queue: embedded_queue.EmbeddedQueue = field(init=False)
    redis: subprocess.Popen = field(init=False)

    def start(self) -> None:
        self.queue = embedded_queue.prepare(self.folder)
        self.settings = replace(self.settings, redis_url=self.queue.url)
        self._start_redis()
        queue.configure(self.queue.url)
        for name, command in (("first", "worker"), ("second", "worker"), ("clock", "schedule")):
            self._run(name, command)

    def strike(self) -> None:
        """Only when work is under way again: who kills a program that has not begun yet proves nothing."""
        before = len(self.smtp.messages)
        wait_until(lambda: len(self.smtp.messages) > before or self._is_nothing_owed(), "mail flows")
        deaths = (self._kill_worker, self._kill_worker, self._kill_clock, self._kill_redis, self._empty, self._mail)
        self.random.choice(deaths)()

    def _is_nothing_owed(self) -> bool:
        db.session.rollback()
        return db.session.scalar(select(Notification.id).where(Notification.status.in_(_AGAIN)).limit(1)) is None

    def _kill_worker(self) -> None:
        name = self.random.choice(("first", "second"))
        self.kills += 1
        self.programs[name].kill()
        self._run(name, "worker")

    def _kill_clock(self) -> None:
        self.programs["clock"].kill()
        self._run("clock", "schedule")

    def _kill_redis(self) -> None:
        self.redis.kill()
        self.redis.wait(10)
        self._start_redis()

    def _empty(self) -> None:
        with Redis.from_url(self.queue.url) as redis:
            redis.flushall()

    def _mail(self) -> None:
        """The mail server takes a message and dies, or has too much to do, or is out of order for a moment."""
        answer = self.random.choice((Answer.DROP, Answer.BUSY, Answer.TRY_LATER))
        self.drops += answer is Answer.DROP
        self.smtp.answer(answer)

    def _run(self, name: str, command: str) -> None:
        self.programs[name] = self.stack.enter_context(running(command, self.settings, self.folder))

    def _start_redis(self) -> None:
        self.redis = subprocess.Popen(self.queue.command, stdout=subprocess.DEVNULL, preexec_fn=orphans.before_exec())
        wait_until(self.queue.answers, "the queue is up")

    def stop(self) -> None:
        self.stack.close()
        self.redis.kill()
        self.redis.wait(10)


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
    """One step that the table allows; whatever else is refused."""
    wanted = random.choice(list(RequestStatus))
    try:
        with transaction():
            locked = requests.get_locked(payment.service_request_id)
            status.change_status(locked, wanted, actor=SYSTEM, note="By chance.")
    except DomainError:
        return


def give_back(payment, number):
    """A part, as if somebody had done so in the gateway's dashboard; its news comes twice."""
    news = RefundNews(f"rf_{number}", Money(1_000, payment.currency), "success")
    for _ in range(2):
        with transaction():
            refunds.learn(payments.get_locked(payment.id), news)


def work(world):
    services = [make_service(name=f"Service {number}") for number in range(3)]
    bought = []
    step = 0
    while len(bought) < REQUESTS or step < 2 * REQUESTS:
        step += 1
        if len(bought) < REQUESTS:
            bought.append(buy(world.random.choice(services)))
        move_on(world.random.choice(bought), world.random)
        if step % 3 == 0:
            give_back(world.random.choice(bought), step)
        if step % STEPS_BETWEEN_DEATHS == 0:
            world.strike()
    return bought


def catch_up():
    """As if the minutes until the next try, and the leases of the dead, had gone by."""
    now = clock.utc_now()
    with transaction() as session:
        late = update(Notification).where(Notification.status.in_(_AGAIN))
        session.execute(late.where(Notification.status == NotificationStatus.PENDING).values(next_attempt_at=now))
        session.execute(late.where(Notification.claimed_until.is_not(None)).values(claimed_until=now))
        return session.scalar(select(func.count()).where(Notification.status.in_(_AGAIN))) == 0


def test_whatever_dies_every_message_owed_arrives_and_no_limit_is_broken(world):
    make_user(Role.ADMIN)
    providers = [make_provider(capacity=max(2, REQUESTS // 8)) for _ in range(4)]
    bought = work(world)
    wait_until(is_quiet(world), "all is told", seconds=120 + REQUESTS)
    rows = db.session.scalars(select(Notification)).all()
    by_status = Counter(row.status for row in rows)
    assert set(by_status) <= {NotificationStatus.SENT, NotificationStatus.DROPPED}, by_status
    assert_arrived(world, [row for row in rows if row.status is NotificationStatus.SENT])
    confirmed = Counter(row.service_request_id for row in rows if row.kind == "payment_confirmed")
    assert confirmed == Counter({payment.service_request_id: 1 for payment in bought})
    assert_no_limit_broken(providers)
    print(f"seed {SEED}: {len(bought)} requests, {len(rows)} messages, {world.kills} workers killed: {by_status}")


def is_quiet(world):
    """Killed workers leave leases behind; they are waited for only once those alive have nothing to do."""
    seen = {"count": -1}

    def look():
        db.session.rollback()
        count = len(world.smtp.messages)
        rests, seen["count"] = count == seen["count"], count
        return catch_up() if rests else False

    return look


def assert_arrived(world, sent):
    copies = Counter(received.message["Message-ID"] for received in world.smtp.messages)
    assert {row.message_id for row in sent} <= set(copies)
    twice = sum(count - 1 for count in copies.values())
    assert twice <= world.kills * MARKED_TOGETHER + world.drops, (twice, world.kills, world.drops)


def assert_no_limit_broken(providers):
    db.session.rollback()
    for provider in providers:
        profile = db.session.scalars(select(ProviderProfile).where(ProviderProfile.user_id == provider.id)).one()
        mine = select(func.count()).where(
            ServiceRequest.assigned_provider_id == provider.id, ServiceRequest.closed_at.is_(None)
        )
        assert db.session.scalar(mine) == profile.open_work <= profile.capacity
