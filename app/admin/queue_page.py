"""The queue: what waits, runs and failed, who works, and how long mail has been waiting."""

from datetime import timedelta

from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import ColumnElement, func, select

from app.admin.pages import Guarded, done
from app.admin.permissions import Permission
from app.db import db, transaction
from app.extensions import settings
from app.kit import clock
from app.models import Notification, NotificationStatus
from app.observability import queue_watch
from app.observability.queue_watch import QueueAway
from app.workflows import audit, deliveries

_PATIENCE = timedelta(minutes=15)
"""A message owed for longer than that has met with trouble: the second try comes after six minutes."""


class QueueView(Guarded):
    @expose("/")
    def index(self) -> ResponseReturnValue:
        try:
            sight, trouble = queue_watch.look(settings().redis_url), None
        except QueueAway as error:
            sight, trouble = None, error
        return self.render(
            "admin/queue.html",
            sight=sight,
            trouble=trouble,
            waiting=_capped(Notification.status == NotificationStatus.PENDING),
            dead=_capped(Notification.status == NotificationStatus.DEAD),
            unanswered=_capped(deliveries.is_unanswered()),
            oldest=deliveries.oldest_unsent(),
            late_since=clock.utc_now() - _PATIENCE,
            may_retry=self.may(Permission.RESEND),
        )

    @expose("/<job_id>/retry", methods=("POST",))
    def retry(self, job_id: str) -> ResponseReturnValue:
        self.ensure(Permission.RESEND)
        queue_watch.retry(settings().redis_url, job_id)
        with transaction():
            audit.record("job.retried", None, actor=self.actor, after={"job": job_id})
        return done("The job is queued again.", self.get_url(".index"))

    @expose("/resend", methods=("POST",))
    def resend(self) -> ResponseReturnValue:
        """Everything that failed while the mail server was away."""
        self.ensure(Permission.RESEND)
        with transaction():
            count = deliveries.resend_unanswered(actor=self.actor)
        return done(f"Sending again: {count}. What is not true any more is left out.", self.get_url(".index"))


def _capped(condition: ColumnElement[bool]) -> int:
    capped = select(Notification.id).where(condition).limit(10_001).subquery()
    return db.session.scalar(select(func.count()).select_from(capped)) or 0
