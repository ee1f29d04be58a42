"""Remembering who looked at whose data: once an hour for each person and request, so that it costs next to nothing."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from app.db import db
from app.kit import clock
from app.models import Look, User

_NOTED = select(Look.id).where(
    Look.service_request_id == bindparam("request"), Look.user_id == bindparam("user"), Look.hour == bindparam("hour")
)


def is_noted(request_id: UUID, user: User) -> bool:
    """Whether this person's look was noted within this hour already."""
    asked = {"request": request_id, "user": user.id, "hour": _hour()}
    return db.session.scalar(_NOTED, asked) is not None


def note(request_id: UUID, user_id: UUID) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(Look(service_request_id=request_id, user_id=user_id, hour=_hour()))
    except IntegrityError:
        # The same person's other tab was faster, or the request is gone.
        return


def latest(request_id: UUID, limit: int) -> Sequence[Look]:
    """Who saw this request's page or preview, newest first."""
    query = select(Look).where(Look.service_request_id == request_id).options(joinedload(Look.user))
    return db.session.scalars(query.order_by(Look.hour.desc(), Look.id.desc()).limit(limit)).all()


def _hour() -> datetime:
    return clock.utc_now().replace(minute=0, second=0, microsecond=0)
