"""What Prometheus reads: the counters of the processes, and what is asked of database and queue on each scrape."""

import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector
from redis import RedisError
from rq import Queue, Worker
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from app import meters
from app.db import db
from app.extensions import settings
from app.jobs import queue

logger = logging.getLogger(__name__)

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_QUIET_ROUTES = {"/healthz", "/readyz", "/metrics"}
_LIVE_FILE = re.compile(r"gauge_live\w+_(\d+)\.db")


def init_app(app: Flask) -> None:
    app.after_request(_time_request)


def _time_request(response: Response) -> Response:
    # The rule and never the path, and a stranger's method by no name: both would make figures without end.
    route = request.url_rule.rule if request.url_rule else "unmatched"
    if route not in _QUIET_ROUTES and "started_at" in g:
        method = request.method if request.method in _METHODS else "other"
        seconds = time.perf_counter() - g.started_at
        meters.http_requests.labels(method, route, str(response.status_code)).observe(seconds)
    return response


def render(multiprocess_directory: str | None) -> bytes:
    """The exposition text; with a directory, the counters of all processes on this machine that share it."""
    registry = CollectorRegistry()
    registry.register(_Database())
    registry.register(_Queues())
    if multiprocess_directory:
        _forget_dead(Path(multiprocess_directory))
        MultiProcessCollector(registry, multiprocess_directory)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest(registry) + generate_latest(REGISTRY)


class _Database(Collector):
    """Figures that stand in the tables, the same whichever process answers."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            found = list(_figures())
        except SQLAlchemyError as error:
            db.session.rollback()
            logger.warning("figures for Prometheus could not be read", extra={"error": type(error).__name__})
            found = []
        yield _gauge("database_up", "Whether the database answered this scrape", bool(found))
        yield from found


class _Queues(Collector):
    """What waits in Redis, and who works on it."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        redis = queue.connect(settings().redis_url)
        jobs = GaugeMetricFamily("counterfoil_queue_jobs", "Jobs by queue and state", labels=["queue", "state"])
        try:
            for name in queue.QUEUES:
                line = Queue(name, connection=redis, serializer=JSONSerializer)
                jobs.add_metric([name, "waiting"], line.count)
                jobs.add_metric([name, "failed"], line.failed_job_registry.count)
            workers = _gauge("workers", "Workers that were seen lately", Worker.count(connection=redis))
            scheduler = _gauge("scheduler_up", "Whether a scheduler was seen lately", queue.is_scheduler_alive(redis))
        except RedisError:
            yield _gauge("queue_up", "Whether the queue answered this scrape", value=False)
            return
        finally:
            redis.close()
        yield from (_gauge("queue_up", "Whether the queue answered this scrape", value=True), jobs, workers, scheduler)
