"""What is done again and again, and the loop that rings for it.

Redis may be away or emptied at any time, and several schedulers may run: each round has an id that holds its time
slot, and a queue takes an id once.
"""

import logging
import signal
import threading
from dataclasses import dataclass
from types import FrameType

from redis import RedisError
from rq.exceptions import DuplicateJobError

from app.jobs import queue
from app.kit import clock

logger = logging.getLogger(__name__)

_TICK = 1.0


@dataclass(frozen=True, slots=True)
class PeriodicJob:
    """`name` is part of a job id, so it has letters, digits and dashes only; `on` is the queue."""

    name: str
    job: str
    seconds: int
    on: str = queue.JOBS


PERIODIC_JOBS = (
    PeriodicJob("sweep-notifications", "app.jobs.sweep.sweep_notifications", 10, on=queue.DELIVERIES),
    PeriodicJob("retry-webhooks", "app.jobs.sweep.retry_webhooks", 30),
    PeriodicJob("check-payments", "app.jobs.payments.check_due", 60, on=queue.GATEWAYS),
    PeriodicJob("look-again", "app.jobs.payments.look_again_at_paid", 600, on=queue.GATEWAYS),
    PeriodicJob("expire-unpaid", "app.jobs.payments.expire_unpaid", 600, on=queue.GATEWAYS),
    PeriodicJob("alert-silence", "app.jobs.payments.alert_on_silence", 900),
    PeriodicJob("hand-out-waiting", "app.jobs.routing.hand_out_waiting", 30),
    PeriodicJob("alert-overdue", "app.jobs.sweep.alert_overdue", 60),
    PeriodicJob("sweep-bulk-changes", "app.jobs.bulk.sweep", 10),
    PeriodicJob("sweep-imports", "app.jobs.imports.sweep", 60),
    # After a restore or a load there may be much of it, which mail does not wait for.
    PeriodicJob("chain-audit", "app.jobs.audit.chain", 10, on=queue.UPKEEP),
    PeriodicJob("verify-audit", "app.jobs.audit.verify", 3600, on=queue.UPKEEP),
    PeriodicJob("apply-retention", "app.jobs.retention.forget", 86_400, on=queue.UPKEEP),
    PeriodicJob("keep-figures", "app.jobs.figures.keep", 600, on=queue.UPKEEP),
    PeriodicJob("mend-commissions", "app.jobs.commissions.mend", 900, on=queue.UPKEEP),
    PeriodicJob("forget-sign-ins", "app.jobs.upkeep.forget_sign_ins", 3600, on=queue.UPKEEP),
    PeriodicJob("learn-sizes", "app.jobs.upkeep.learn_sizes", 3600, on=queue.UPKEEP),
    PeriodicJob("prune-keys", "app.jobs.upkeep.prune_keys", 3600, on=queue.UPKEEP),
)


class Scheduler:
    """Rings once for each job and slot, also when several of these run."""

    def __init__(self) -> None:
        self._rung: dict[str, int] = {}
        self._stop = threading.Event()
        self._is_queue_away = False

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._request_stop)
        logger.info("scheduler started", extra={"jobs": [job.name for job in PERIODIC_JOBS]})
        while not self._stop.wait(_TICK):
            self.tick()
        logger.info("scheduler stopped")

    def tick(self) -> None:
        """Ring for what is due in this moment's slots. With the queue away it is tried again at the next tick."""
        now = int(clock.utc_now().timestamp())
        queue.show_scheduler()
        try:
            for periodic in PERIODIC_JOBS:
                self._ring(periodic, now // periodic.seconds)
        except RedisError as error:
            self._note_queue(away=True, reason=type(error).__name__)
        else:
            self._note_queue(away=False, reason=None)

    def _ring(self, periodic: PeriodicJob, slot: int) -> None:
        if self._rung.get(periodic.name) == slot:
            return
        try:
            job_id = f"{periodic.name}-{slot}"
            queue.enqueue_slot(periodic.job, job_id, on=periodic.on, seconds=periodic.seconds)
        except DuplicateJobError:
            logger.debug("another scheduler was first", extra={"job": periodic.name})
        self._rung[periodic.name] = slot

    def _note_queue(self, *, away: bool, reason: str | None) -> None:
        """One line when it goes and one when it comes back, not one a second."""
        if away != self._is_queue_away:
            self._is_queue_away = away
            logger.warning("the queue is away" if away else "the queue is back", extra={"reason": reason})

    def _request_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stop.set()
