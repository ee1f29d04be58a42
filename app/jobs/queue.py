"""Rings the workers. The tables are the truth: a bell that Redis loses is made up for by the sweep.

Jobs are named by dotted strings and get ids, so nothing here imports them.
"""

import logging
import time
from collections.abc import Callable
from functools import partial

from redis import Redis, RedisError
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

from app.db import run_after_commit

logger = logging.getLogger(__name__)

DELIVERIES, JOBS, GATEWAYS, UPKEEP = "deliveries", "jobs", "gateways", "upkeep"
QUEUES = (DELIVERIES, JOBS, GATEWAYS, UPKEEP)
"""Apart, so that a gateway or a mail server that is slow holds up its own kind alone. A worker goes through those that
it serves in turn, beginning with the first."""

JOB_TIMEOUT = 180
"""Seconds, after which the worker ends a job. Leases are longer, so that nobody else starts before that."""

_FAILED_KEPT = 7 * 24 * 3600
_BELL = "counterfoil:bell"
_BELL_SECONDS = 30
_SCHEDULER = "counterfoil:scheduler"
_SCHEDULER_SECONDS = 15
_SILENCE_SECONDS = 5.0
_COMPLAINT_SECONDS = 60.0


class NoQueue(RedisError):
    """This process was given no queue."""


class _Line:
    """The connection of this process, and how long to leave it alone after it failed."""

    def __init__(self) -> None:
        self.connect_to(None)
        self.put_off: Callable[[Callable[[], object]], bool] = lambda _ring: False

    def connect_to(self, redis: Redis | None) -> None:
        self.redis = redis
        self._silent_until = 0.0
        self._complain_from = 0.0

    def call(self, ring: Callable[[Redis], object]) -> bool:
        """Whether `ring` was carried out. Redis being away is no error: no customer is to hear of it."""
        if self.redis is None or time.monotonic() < self._silent_until:
            return False
        try:
            ring(self.redis)
        except RedisError as error:
            self._give_up(error)
            return False
        return True

    def _give_up(self, error: RedisError) -> None:
        now = time.monotonic()
        self._silent_until = now + _SILENCE_SECONDS
        if now >= self._complain_from:
            self._complain_from = now + _COMPLAINT_SECONDS
            logger.warning("the queue cannot be reached, the sweep will make up for it: %s", type(error).__name__)


_line = _Line()


def connect(redis_url: str) -> Redis:
    """A connection that fails within a second or so: what a web request can afford to wait."""
    return Redis.from_url(
        redis_url,
        socket_connect_timeout=1,
        socket_timeout=2,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 2),
    )


def configure(redis_url: str | None) -> None:
    """Set the queue of this process; None leaves everything to the sweep."""
    _line.connect_to(connect(redis_url) if redis_url else None)


def ring_later(put_off: Callable[[Callable[[], object]], bool]) -> None:
    """Let bells wait where `put_off` takes them: it says whether it does."""
    _line.put_off = put_off


def is_reachable() -> bool:
    return _line.call(Redis.ping)


def enqueue(job: str, *arguments: str, on: str = JOBS) -> None:
    """Queue `job`, a dotted name, once the open transaction is committed. It gets ids, never rows."""
    run_after_commit(partial(_call, partial(_push, on, job, arguments)))


def ring_deliveries() -> None:
    """Have the outbox looked at once the open transaction is committed; many calls ring once."""
    run_after_commit(_ring)


def enqueue_slot(job: str, job_id: str, *, on: str, seconds: int) -> None:
    """Queue one round of a periodic job, for the scheduler. Raises DuplicateJobError, RedisError."""
    if _line.redis is None:
        raise NoQueue
    _queue(on, _line.redis).enqueue(
        job,
        job_id=job_id,
        unique=True,
        job_timeout=JOB_TIMEOUT,
        # The id stays taken for longer than the slot, also for a scheduler whose clock is late ...
        result_ttl=10 * seconds,
        failure_ttl=10 * seconds,
        # ... and a round that nobody came to is left out: the next one does its work.
        ttl=10 * seconds,
    )


def show_scheduler() -> None:
    """Leave a mark that a scheduler lives; it wears off by itself."""
    _call(lambda redis: redis.set(_SCHEDULER, "1", ex=_SCHEDULER_SECONDS))


def is_scheduler_alive(redis: Redis) -> bool:
    return bool(redis.exists(_SCHEDULER))


def answer_bell() -> None:
    """From now on a new bell is needed: called by the delivery before it looks at the outbox."""
    _call(_answer)


def _call(ring: Callable[[Redis], object]) -> None:
    now = partial(_line.call, ring)
    if not _line.put_off(now):
        now()


def _push(name: str, job: str, arguments: tuple[str, ...], redis: Redis) -> None:
    _queue(name, redis).enqueue(job, args=arguments, job_timeout=JOB_TIMEOUT, result_ttl=0, failure_ttl=_FAILED_KEPT)


def _ring() -> None:
    _call(_ring_once)


def _ring_once(redis: Redis) -> None:
    # A bell that nobody has answered yet will find our rows too. It wears off, in case its job was lost.
    if redis.set(_BELL, "1", nx=True, ex=_BELL_SECONDS):
        job = "app.jobs.notifications.deliver_due"
        _queue(DELIVERIES, redis).enqueue(job, job_timeout=JOB_TIMEOUT, result_ttl=0, failure_ttl=_FAILED_KEPT)


def _answer(redis: Redis) -> None:
    redis.delete(_BELL)


def _queue(name: str, redis: Redis) -> Queue:
    return Queue(name, connection=redis, serializer=JSONSerializer)
