"""What Prometheus reads: the counters of the processes, and what is asked of database and queue on each scrape."""

import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector
from redis import RedisError
from rq import Queue, Worker
from rq.serializers import JSONSerializer
from sqlalchemy import ColumnElement, event, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.pool import Pool

from app.db import db
from app.extensions import settings
from app.jobs import queue
from app.kit import clock
from app.models import GatewayConfig, Notification, NotificationStatus, Payment, WebhookEvent
from app.observability import meters
from app.workflows import deliveries

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


def _figures() -> Iterator[GaugeMetricFamily]:
    is_waiting, is_unhandled = Notification.status == NotificationStatus.PENDING, WebhookEvent.handled_at.is_(None)
    yield _gauge(
        "notification_oldest_seconds",
        "Age of the oldest notification that is owed and not sent",
        _age(deliveries.oldest_unsent()),
    )
    yield _gauge("notifications_pending", "Notifications that are not sent yet", _count(is_waiting))
    is_dead = Notification.status == NotificationStatus.DEAD
    yield _gauge("notifications_dead", "Notifications that failed for good", _count(is_dead))
    yield _gauge("webhooks_unhandled", "Webhook events seen and not handled", _count(is_unhandled))
    yield _gauge(
        "webhook_lag_seconds",
        "Age of the oldest webhook event that is not handled",
        _age_of_oldest(WebhookEvent.created_at, is_unhandled),
    )
    yield _gauge(
        "payment_check_lag_seconds",
        "For how long the next question to a gateway has been due",
        _age_of_oldest(Payment.next_check_at, Payment.next_check_at.is_not(None)),
    )
    is_flagged = Payment.flag.is_not(None) & Payment.flag_resolved_at.is_(None)
    yield _gauge("payments_flagged", "Payments that wait for a person's look", _count(is_flagged))
    yield _silence()


def _silence() -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "counterfoil_webhook_silence_seconds", "Since the last verified webhook of a gateway", labels=["gateway"]
    )
    now = clock.utc_now()
    query = select(GatewayConfig.gateway, GatewayConfig.last_webhook_at).where(GatewayConfig.is_active)
    for gateway, last in db.session.execute(query):
        if last is not None:
            family.add_metric([gateway], max(0.0, (now - last).total_seconds()))
    return family


def _gauge(name: str, says: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"counterfoil_{name}", says, value=float(value))


def _age_of_oldest(column: InstrumentedAttribute[Any], condition: ColumnElement[bool]) -> float:
    """Nothing is older than now: what is due later has no age."""
    return _age(db.session.scalar(select(func.min(column, type_=column.type)).where(condition)))


def _age(since: datetime | None) -> float:
    return max(0.0, (clock.utc_now() - since).total_seconds()) if since else 0.0


def _count(condition: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count()).where(condition)) or 0


def _forget_dead(directory: Path) -> None:
    """Processes that ended hold no connections any more; what they counted stays."""
    for path in directory.glob("gauge_live*.db"):
        found = _LIVE_FILE.fullmatch(path.name)
        if found and not _is_alive(int(found[1])):
            with suppress(FileNotFoundError):
                path.unlink()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@event.listens_for(Pool, "connect")
def _note_opened(*_: object) -> None:
    meters.connections_open.inc()


@event.listens_for(Pool, "close")
def _note_closed(*_: object) -> None:
    meters.connections_open.dec()


@event.listens_for(Pool, "checkout")
def _note_taken(*_: object) -> None:
    meters.connections_in_use.inc()


@event.listens_for(Pool, "checkin")
def _note_returned(*_: object) -> None:
    meters.connections_in_use.dec()
