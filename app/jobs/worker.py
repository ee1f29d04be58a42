"""The process that empties the queues.

One process does one job after the other (RQ's SimpleWorker), without a fork for each: that does about three times
as many jobs a second and keeps its database connections. What a fork would protect from is covered otherwise: a job
that hangs is ended by its time limit, a crash takes along one process that its supervisor starts again, and whatever
was under way stands in the tables under a lease. RQ's own scheduler is not run, for the same reason and another: work
for later is a row with a time, and that scheduler would go on running, holding its locks, after a killed worker.
"""

import logging
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

from flask import Flask
from redis import Redis, RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import DequeueStrategy

from app.jobs import turn
from app.jobs.queue import QUEUES
from app.kit import log_context
from app.observability import error_tally

logger = logging.getLogger(__name__)

# An idle worker looks after abandoned jobs only between two waits for a job, so the waits are kept short.
WORKER_TTL = 30
MAINTENANCE_INTERVAL = 15
MONITORING_INTERVAL = 10

_PAUSE = 2.0


class Worker(SimpleWorker):
    """Runs each job in an application context of its own, whose end gives the database session back."""

    max_connection_wait_time = 5.0
    """RQ would let up to a minute go by before it notices that Redis is back."""

    def __init__(self, app: Flask, redis: Redis, queues: Sequence[str] = QUEUES) -> None:
        super().__init__(
            list(queues),
            connection=redis,
            serializer=JSONSerializer,
            worker_ttl=WORKER_TTL,
            maintenance_interval=MAINTENANCE_INTERVAL,
            job_monitoring_interval=MONITORING_INTERVAL,
        )
        self._app = app
        self.is_asked_to_stop = False

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        with self._app.app_context(), log_context.bound(job=str(job.func_name), job_id=job.id):
            return super().perform_job(job, queue, execution)

    def handle_exception(self, job: Job, *exc_info: Any) -> Any:
        """RQ logs it; here it is counted too."""
        error_tally.count(exc_info[1])
        return super().handle_exception(job, *exc_info)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        self.is_asked_to_stop = True
        turn.end_all()
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]

    def set_shutdown_requested_date(self) -> None:
        """Leave it out: with Redis away it would raise within the job that is to be finished."""

    def subscribe(self) -> None:
        """Nobody sends commands to a worker through Redis, so it needs no thread that listens for them."""

    def unsubscribe(self) -> None:
        """There is nothing to end."""


def run(app: Flask, redis_url: str, queues: Sequence[str]) -> None:
    """Work until SIGTERM or SIGINT; the job under way comes to a good end first. Redis may come and go."""
    redis = Redis.from_url(redis_url)
    is_away = False
    try:
        while not (outcome := _work(app, redis, queues)).is_asked_to_stop:
            if outcome.error is not None and not is_away:
                logger.warning("the queue is away, waiting for it", extra={"reason": outcome.error})
            is_away = outcome.error is not None
            time.sleep(_PAUSE)
    except StopRequested:
        pass
    finally:
        redis.close()
    logger.info("worker stopped")


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Why a worker ended: it was asked to, or Redis went away (with `error`: before it could begin)."""

    is_asked_to_stop: bool = False
    error: str | None = None


def _work(app: Flask, redis: Redis, queues: Sequence[str]) -> _Outcome:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    worker = None
    try:
        worker = Worker(app, redis, queues)
        # In turn: one queue that is never empty must not keep the worker from the others.
        worker.work(logging_level="WARNING", dequeue_strategy=DequeueStrategy.ROUND_ROBIN)
    except RedisError as error:
        # The queue may go away in the very moment that we are asked to stop.
        return _Outcome(worker is not None and worker.is_asked_to_stop, type(error).__name__)
    return _Outcome(is_asked_to_stop=worker.is_asked_to_stop)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise StopRequested
