"""What Prometheus reads. Counters are the process's own; what matters most is asked of the database on each scrape."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector
from sqlalchemy import func, select

from app.db import db
from app.kit import clock
from app.models import Notification, NotificationStatus, WebhookEvent
from app.workflows import deliveries

webhooks_received = Counter(
    "counterfoil_webhooks_total", "Webhook deliveries by gateway and what became of them", ["gateway", "outcome"]
)

errors = Counter("counterfoil_errors_total", "Errors by what they have to do with", ["category"])


class _Database(Collector):
    """Figures that stand in the tables, the same whichever process answers."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(
            "counterfoil_notification_oldest_seconds",
            "Age of the oldest notification that is owed and not sent",
            value=_oldest_notification(),
        )
        yield GaugeMetricFamily(
            "counterfoil_notifications_dead",
            "Notifications that failed for good",
            value=_count(Notification.status == NotificationStatus.DEAD),
        )
        yield GaugeMetricFamily(
            "counterfoil_webhooks_unhandled",
            "Webhook events seen and not handled",
            value=_count(WebhookEvent.handled_at.is_(None)),
        )


def render(multiprocess_directory: str | None) -> bytes:
    """The exposition text; with a directory, the counters of all web processes that share it."""
    registry = CollectorRegistry()
    registry.register(_Database())
    if multiprocess_directory:
        MultiProcessCollector(registry, multiprocess_directory)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
    return generate_latest(registry) + generate_latest(REGISTRY)


def _oldest_notification() -> float:
    owed_since = deliveries.oldest_unsent()
    return max(0.0, (clock.utc_now() - owed_since).total_seconds()) if owed_since else 0.0


def _count(condition: object) -> int:
    return db.session.scalar(select(func.count()).where(condition)) or 0  # type: ignore[arg-type]
