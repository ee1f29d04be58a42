"""The queue: what waits, runs and failed, who works, and how long mail has been waiting."""

from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import func, select

from app import queue_watch
from app.admin.pages import Guarded, done
from app.admin.permissions import Permission
from app.db import db, transaction
from app.extensions import settings
from app.models import Notification, NotificationStatus
from app.queue_watch import QueueAway
from app.workflows import audit


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
            waiting=_count(NotificationStatus.PENDING),
            dead=_count(NotificationStatus.DEAD),
            oldest=db.session.scalar(_OLDEST_DUE),
            may_retry=self.may(Permission.RESEND),
        )

    @expose("/<job_id>/retry", methods=("POST",))
    def retry(self, job_id: str) -> ResponseReturnValue:
        self.ensure(Permission.RESEND)
        queue_watch.retry(settings().redis_url, job_id)
        with transaction():
            audit.record("job.retried", None, actor=self.actor, after={"job": job_id})
        return done("The job is queued again.", self.get_url(".index"))


_OLDEST_DUE = select(func.min(Notification.next_attempt_at)).where(Notification.status == NotificationStatus.PENDING)


def _count(status: NotificationStatus) -> int:
    capped = select(Notification.id).where(Notification.status == status).limit(10_001).subquery()
    return db.session.scalar(select(func.count()).select_from(capped)) or 0
