"""The ledger of commissions, made up for whatever could not be written in time."""

import logging

from app.db import transaction
from app.kit import clock
from app.workflows import commission_checks

logger = logging.getLogger(__name__)


def mend() -> None:
    """Each payment by itself: what goes wrong with one does not hold up the others' next round."""
    found = commission_checks.suspects(clock.utc_now())
    for payment_id in found:
        with transaction():
            commission_checks.mend(payment_id)
    if found:
        logger.info("commissions were looked over", extra={"payments": len(found)})
