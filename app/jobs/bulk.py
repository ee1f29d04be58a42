"""Carries on bulk changes and their undoing, a slice at a time: mail and other changes get their turn in between."""

import logging
from uuid import UUID

from app import bulk_runs
from app.db import transaction
from app.workflows import bulk_changes, bulk_drafts

logger = logging.getLogger(__name__)

SLICE = 2.0
"""Seconds, after which the rest goes to the end of the queue."""


def carry_on(change_id: str, turn: str) -> None:
    """Whoever rings with an older turn was given up on, and does nothing."""
    key = UUID(change_id)
    if not bulk_runs.run(key, int(turn), seconds=SLICE):
        return
    with transaction():
        change = bulk_changes.find_unfinished(key, int(turn))
        if change is not None:
            bulk_changes.ring(change)


def sweep() -> None:
    """Ring for changes whose worker was killed or whose bell was lost; throw away previews nobody confirmed."""
    with transaction():
        abandoned = bulk_changes.take_over_abandoned()
    if abandoned:
        logger.warning("bulk changes were left behind, so they go on", extra={"changes": abandoned})
    with transaction():
        bulk_drafts.discard_old()
