"""How each gateway has been doing: what its circuit breaker and the console go by."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import func, or_, select, update

from app.db import db
from app.errors import DomainError
from app.gateways.base import BadCredentials, GatewayUnavailable
from app.kit import clock
from app.models import GatewayConfig, ServiceRequest
from app.workflows import notifications

FAILURES_BEFORE_REST = 5
REST = timedelta(minutes=2)
_FRESH = timedelta(minutes=1)
_SILENCE = timedelta(hours=1)
_ENOUGH_PAYMENTS = 3
_MOST_COUNTED = 100
_FOR_STAFF: Mapping[type[DomainError], tuple[str, str | None]] = {
    BadCredentials: (
        "The gateway does not take our keys.",
        "Compare them with its dashboard, test and live apart, and enter them anew.",
    ),
    GatewayUnavailable: (
        "The gateway did not answer.",
        "Try again in a minute. If it goes on, look at its status page and at our way out to the network.",
    ),
}


def is_fresh(noted_at: datetime | None) -> bool:
    """Whether it was noted so lately that it need not be noted again."""
    return noted_at is not None and noted_at >= clock.utc_now() - _FRESH


class Resting(Protocol):
    @property
    def resting_until(self) -> datetime | None: ...


def is_resting(gateway: Resting) -> bool:
    """It failed several times in a row: others are offered first for a while."""
    return gateway.resting_until is not None and gateway.resting_until > clock.utc_now()


def note_answer(gateway: str) -> None:
    """It answered. Written at most once a minute, so that a busy shop does not queue for one row."""
    now = clock.utc_now()
    is_news = or_(
        GatewayConfig.failures_in_row > 0,
        GatewayConfig.last_success_at.is_(None),
        GatewayConfig.last_success_at < now - _FRESH,
    )
    _update(gateway, is_news, last_success_at=now, failures_in_row=0, resting_until=None)


def note_webhook(gateway: str) -> None:
    """A verified message came; written at most once a minute."""
    now = clock.utc_now()
    is_news = or_(GatewayConfig.last_webhook_at.is_(None), GatewayConfig.last_webhook_at < now - _FRESH)
    _update(gateway, is_news, last_webhook_at=now)


def is_at_fault(error: DomainError) -> bool:
    """It did not answer, or no longer takes our keys: another gateway may do. Other refusals are the customer's."""
    return error.retryable or isinstance(error, BadCredentials)


def note_failure(gateway: str, error: DomainError) -> None:
    if not is_at_fault(error):
        return
    config = db.session.scalar(
        select(GatewayConfig).where(GatewayConfig.gateway == gateway).with_for_update(key_share=True)
    )
    if config is None:
        return
    config.failures_in_row += 1
    config.last_failure_at = clock.utc_now()
    config.last_failure = told_to_staff(error).message
    if isinstance(error, BadCredentials):
        text = f"{gateway} does not take our keys: nobody can pay with it. Check them under Gateways in the console."
        notifications.alert("gateway_credentials", text, fold=gateway)
    if config.failures_in_row >= FAILURES_BEFORE_REST:
        config.resting_until = config.last_failure_at + REST
        text = f"{gateway} failed {config.failures_in_row} times in a row. Other gateways are offered first for now."
        notifications.alert("gateway_resting", text, fold=gateway)


def told_to_staff(error: DomainError) -> DomainError:
    """The same without what it means for a customer: what the gateway did, its reason, and what to do now."""
    usual = (error.message, error.suggested_action)
    message, action = next((words for kind, words in _FOR_STAFF.items() if isinstance(error, kind)), usual)
    reason = str(error.details.get("reason", ""))[:200]
    told = DomainError(f"{message} ({reason})" if reason else message, details=error.details)
    told.suggested_action = action
    return told


def alert_on_silence() -> None:
    """Several payments completed since a gateway's last webhook: its address there may be wrong."""
    for config in db.session.scalars(select(GatewayConfig).where(GatewayConfig.is_active)):
        since = config.last_webhook_at or config.created_at
        completed = _completed_since(config, since)
        if completed >= _ENOUGH_PAYMENTS:
            number = f"{completed} or more" if completed == _MOST_COUNTED else completed
            text = (
                f"{number} payments through {config.gateway} completed without a webhook. "
                "Check the webhook address and secret there."
            )
            notifications.alert("webhook_silence", text, fold=config.gateway)


def _completed_since(config: GatewayConfig, since: datetime) -> int:
    """Asked of the requests, which are found by when they were paid; not counted on when it is clear enough."""
    paid = ServiceRequest.payment_completed_at
    lately = select(ServiceRequest.id).where(
        ServiceRequest.payment_gateway == config.gateway, paid > since, paid < clock.utc_now() - _SILENCE
    )
    return db.session.scalar(select(func.count()).select_from(lately.limit(_MOST_COUNTED).subquery())) or 0


def _update(gateway: str, condition: object, **values: object) -> None:
    db.session.execute(
        update(GatewayConfig)
        .where(GatewayConfig.gateway == gateway, condition)  # type: ignore[arg-type]
        .values(**values)
        .execution_options(synchronize_session=False)
    )
