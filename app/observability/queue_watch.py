"""How the queue is: what waits, what runs, what failed, and who works on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from redis import Redis, RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import NoSuchJobError
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker

from app.errors import DomainError, NotFound
from app.jobs import queue

_MOST_FAILED = 100
_PURPOSES = {
    queue.DELIVERIES: "Mail to send",
    queue.JOBS: "Changes of many requests, routing, sweeps",
    queue.GATEWAYS: "Questions to gateways",
    queue.UPKEEP: "Counting and tidying, for which nobody waits",
}


class QueueAway(DomainError):
    code = "queue_away"
    http_status = 503
    retryable = True
    message = "The queue cannot be reached. Mail and other work waits in the database, and nothing is lost."
    suggested_action = "Check Redis, then look again: the sweep makes up for what was missed."


@dataclass(frozen=True, slots=True)
class Line:
    """One queue; `oldest` is when the job that waits longest was queued."""

    name: str
    purpose: str
    waiting: int
    running: int
    failed: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class WorkerSight:
    name: str
    state: str
    queues: Sequence[str]
    job: str | None
    seen_at: datetime | None
    done: int
    failed: int


@dataclass(frozen=True, slots=True)
class FailedJob:
    """`error` is the kind of error alone: its text may quote what a customer wrote."""

    id: str
    what: str
    error: str
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sight:
    lines: Sequence[Line]
    workers: Sequence[WorkerSight]
    failed: Sequence[FailedJob]
    scheduler_seen: bool

    @property
    def unserved(self) -> Sequence[Line]:
        """Queues that no worker looks at."""
        served = {name for worker in self.workers for name in worker.queues}
        return [line for line in self.lines if line.name not in served]


def look(redis_url: str | None) -> Sight:
    """Raises QueueAway."""
    redis = _connect(redis_url)
    try:
        queues = [Queue(name, connection=redis, serializer=JSONSerializer) for name in queue.QUEUES]
        workers = SimpleWorker.all(connection=redis, serializer=JSONSerializer)
        return Sight(
            [_line(each) for each in queues],
            [_worker(each) for each in sorted(workers, key=lambda each: each.name)],
            [failed for each in queues for failed in _failed(each, redis)],
            queue.is_scheduler_alive(redis),
        )
    except RedisError as error:
        raise QueueAway from error
    finally:
        redis.close()


def retry(redis_url: str | None, job_id: str) -> None:
    """Put a failed job back. Raises NotFound, QueueAway."""
    redis = _connect(redis_url)
    try:
        Job.fetch(job_id, connection=redis, serializer=JSONSerializer).requeue()
    except (NoSuchJobError, ValueError) as error:
        raise NotFound("This job is gone: it was run again, or is too old.") from error
    except RedisError as error:
        raise QueueAway from error
    finally:
        redis.close()


def _connect(redis_url: str | None) -> Redis:
    if redis_url is None:
        raise QueueAway
    return queue.connect(redis_url)


def _line(each: Queue) -> Line:
    ids = each.get_job_ids(0, 1)
    first = each.fetch_job(ids[0]) if ids else None
    return Line(
        each.name,
        _PURPOSES[each.name],
        each.count,
        each.started_job_registry.count,
        each.failed_job_registry.count,
        _aware(first.enqueued_at) if first else None,
    )


def _worker(each: BaseWorker) -> WorkerSight:
    job = each.get_current_job()
    return WorkerSight(
        each.name,
        str(each.get_state()),
        each.queue_names(),
        job.func_name if job else None,
        _aware(each.last_heartbeat),
        each.successful_job_count,
        each.failed_job_count,
    )


def _failed(each: Queue, redis: Redis) -> list[FailedJob]:
    ids = each.failed_job_registry.get_job_ids(0, _MOST_FAILED - 1)
    jobs = Job.fetch_many(ids, connection=redis, serializer=JSONSerializer)
    return [FailedJob(job.id, str(job.func_name), _error(job), _aware(job.ended_at)) for job in jobs if job]


def _error(job: Job) -> str:
    result = job.latest_result()
    lines = (result.exc_string if result and result.exc_string else "").strip().splitlines()
    return lines[-1].partition(":")[0] if lines else "unknown"


def _aware(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
