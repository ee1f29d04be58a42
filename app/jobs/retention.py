"""Lets go of personal data whose time is over, once a day."""

import logging
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta

from app.db import transaction
from app.extensions import settings
from app.kit import clock
from app.workflows import audit, retention
from app.workflows.audit import SYSTEM
from app.workflows.retention import RULES, Rule

logger = logging.getLogger(__name__)

BATCH = 200
LONGEST_RUN = 120
"""Seconds: well within the time a job may take. The rest is left for the next day."""


def forget() -> None:
    """What every rule lets go of, with one entry in the audit log if there was anything."""
    end = time.monotonic() + LONGEST_RUN
    gone = {rule.name: _apply(rule, before, end) for rule, before in periods()}
    if any(gone.values()):
        logger.info("personal data was let go", extra={"rows": gone})
        with transaction():
            audit.record("retention.applied", None, actor=SYSTEM, after={name: n for name, n in gone.items() if n})


def periods() -> Iterator[tuple[Rule, datetime]]:
    """Each rule that has a period, with the moment up to which everything goes."""
    days = asdict(settings().retention)
    now = clock.utc_now()
    yield from ((rule, now - timedelta(days=days[rule.name])) for rule in RULES if days[rule.name])


def _apply(rule: Rule, before: datetime, end: float) -> int:
    gone, mark = 0, None
    while time.monotonic() < end:
        with transaction():
            batch, mark = retention.let_go_some(rule, before, BATCH, after=mark)
        gone += batch
        if batch < BATCH:
            break
    return gone
