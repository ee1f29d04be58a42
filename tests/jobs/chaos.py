"""A shop whose programs and servers can be killed and started again while it works."""

import subprocess
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random

from redis import Redis
from sqlalchemy import func, select, update

from app.config import Settings
from app.db import db, transaction
from app.hosting import embedded_queue, orphans
from app.jobs import queue
from app.jobs.notifications import MARKED_TOGETHER
from app.kit import clock
from app.models import Notification, NotificationStatus
from app.workflows.deliveries import LEASE
from tests.jobs.programs import Program, running, wait_until
from tests.servers.mail import Answer, MailServer, Received

UNSENT = (NotificationStatus.PENDING, NotificationStatus.SENDING)
LONGEST_HOLD = timedelta(seconds=20)
"""Whoever lives has given its claim back by then, however busy the machine."""
_WORKERS = ("first worker", "second worker")
_CLOCKS = ("first scheduler", "second scheduler")


@dataclass
class World:
    """`blows` says what was struck and when; the mail server and the queue stay away until the next blow."""

    settings: Settings
    folder: Path
    smtp: MailServer
    random: Random
    stack: ExitStack
    blows: list[tuple[str, float]] = field(default_factory=list)
    programs: dict[str, Program] = field(default_factory=dict)
    queue: embedded_queue.EmbeddedQueue = field(init=False)
    redis: subprocess.Popen | None = None
    is_mail_away: bool = False
    _due: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.queue = embedded_queue.prepare(self.folder)
        self.settings = replace(self.settings, redis_url=self.queue.url)
        self.mend()
        queue.configure(self.queue.url)
        for name in (*_WORKERS, *_CLOCKS):
            self._run(name)

    def strike(self) -> None:
        """Only when work is under way again: who kills a program that has not begun yet proves nothing."""
        self.mend()
        before = len(self.smtp.messages)
        wait_until(lambda: len(self.smtp.messages) > before or still_to_send() == 0, "mail flows", seconds=120)
        blow = self._next()
        self.blows.append((blow, time.monotonic()))
        getattr(self, blow)()

    def mend(self) -> None:
        if self.is_mail_away:
            self.smtp.revive()
            self.is_mail_away = False
        if self.redis is None:
            command = self.queue.command
            self.redis = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=orphans.before_exec())
            wait_until(self.queue.answers, "the queue is up")

    def stop(self) -> None:
        self.mend()
        self.stack.close()
        self.kill_redis()

    def _next(self) -> str:
        """Each in its turn, in an order of chance, so that even a short run has all of them."""
        if not self._due:
            kinds = ("kill_worker", "kill_scheduler", "kill_redis", "empty_redis", "kill_mail_server", "break_mail")
            self._due = [*kinds, "kill_worker"]
            self.random.shuffle(self._due)
        return self._due.pop()

    def kill_worker(self) -> None:
        self._kill(self.random.choice(_WORKERS))

    def kill_scheduler(self) -> None:
        self._kill(self.random.choice(_CLOCKS))

    def kill_redis(self) -> None:
        assert self.redis is not None
        self.redis.kill()
        self.redis.wait(10)
        self.redis = None

    def empty_redis(self) -> None:
        with Redis.from_url(self.queue.url) as redis:
            redis.flushall()

    def kill_mail_server(self) -> None:
        self.smtp.die()
        self.is_mail_away = True

    def break_mail(self) -> None:
        """It takes one message and hangs up, has too much to do, or is out of order for a moment."""
        self.smtp.answer(*self.random.choices((Answer.DROP, Answer.BUSY, Answer.TRY_LATER), k=2))

    def _kill(self, name: str) -> None:
        self.programs[name].kill()
        self._run(name)

    def _run(self, name: str) -> None:
        command = "worker" if name in _WORKERS else "schedule"
        self.programs[name] = self.stack.enter_context(running(command, self.settings, self.folder))

    # --- what came of it

    def twice(self) -> int:
        """Copies beyond the first. Each must be owed to a blow between its two deliveries."""
        latest: dict[str, Received] = {}
        repeated = 0
        for received in self.smtp.messages:
            name = str(received.message["Message-ID"])
            if name in latest:
                assert self._may_repeat(latest[name], received), "sent twice without need"
                repeated += 1
            latest[name] = received
        assert repeated <= self._most_twice(), (repeated, self.counts())
        return repeated

    def _may_repeat(self, first: Received, second: Received) -> bool:
        # What the server took in the instant in which it died, or its client did, may have been noted after that.
        was_struck = any(first.at - 1 <= at <= second.at for blow, at in self.blows if blow in _MAY_REPEAT)
        return first.answer is Answer.DROP or was_struck

    def _most_twice(self) -> int:
        """A killed worker had taken over no more than it marks at once; a broken line holds one message."""
        counts = self.counts()
        lines = len(_WORKERS) * (counts["kill_mail_server"] + counts["break_mail"])
        return counts["kill_worker"] * (MARKED_TOGETHER + 1) + lines

    def counts(self) -> Counter[str]:
        return Counter(blow for blow, _ in self.blows)


_MAY_REPEAT = {"kill_worker", "kill_mail_server"}


def still_to_send() -> int:
    """How many; as if the minutes until their next try, and those of the leases of the dead, had gone by."""
    now = clock.utc_now()
    with transaction() as session:
        put_off = (Notification.status == NotificationStatus.PENDING) & (Notification.next_attempt_at > now)
        session.execute(update(Notification).where(put_off).values(next_attempt_at=now))
        abandoned = Notification.claimed_until < now + LEASE - LONGEST_HOLD
        session.execute(update(Notification).where(abandoned).values(claimed_until=now))
    count = select(func.count()).select_from(Notification).where(Notification.status.in_(UNSENT))
    return db.session.scalar(count) or 0
