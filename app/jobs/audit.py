"""Keeps the audit log chained, and looks through it again and again."""

import logging

from app.db import transaction
from app.jobs.turn import Turn
from app.workflows import audit_chain, audit_verification, notifications
from app.workflows.audit_verification import Problem

logger = logging.getLogger(__name__)

BATCH = 200
WALKED_AT_ONCE = 1000
LONGEST_RUN = 60
"""Seconds: well within the time a job may take. The next round goes on."""


def chain() -> None:
    """Chain what was committed since; short transactions, between which others write."""
    turn = Turn(seconds=LONGEST_RUN)
    while not turn.is_over:
        with transaction():
            chained = audit_chain.chain_some(BATCH)
        if chained < BATCH:
            return


def verify() -> None:
    """Go on from where the last round stopped, or from the first entry; alert when something is wrong."""
    turn = Turn(seconds=LONGEST_RUN)
    with transaction():
        chain = audit_chain.find()
        if chain is None:
            return
        head = audit_chain.head()
        mark = audit_verification.place_of(chain.verified_position) or audit_chain.BEGINNING
    problem = audit_verification.forgotten()
    is_complete = False
    while problem is None and not is_complete and not turn.is_over:
        step = audit_verification.walk_on(mark, WALKED_AT_ONCE)
        mark, problem = step.mark, step.problem
        is_complete = step.walked < WALKED_AT_ONCE
    if is_complete:
        problem = problem or audit_verification.wrong_end(mark, head)
    _note(0 if is_complete or problem else mark.position, problem, is_complete=is_complete)


def _note(position: int, problem: Problem | None, *, is_complete: bool) -> None:
    with transaction():
        audit_verification.note(position=position, problem=problem, is_complete=is_complete)
        if problem is not None:
            logger.error("the audit log was tampered with, or is not chained", extra={"problem": str(problem)})
            text = f"The audit log does not verify. {problem} Run verify-audit, and compare with a backup."
            notifications.alert("audit_broken", text, fold=str(problem.position))
