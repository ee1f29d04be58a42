"""Is this process alive, can it do its work, and how does it do: for load balancers and Prometheus."""

import os

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from app import migrate
from app.db import db
from app.jobs import queue
from app.kit import clock
from app.observability import metrics
from app.workflows import deliveries

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> ResponseReturnValue:
    return jsonify(status="ok")


@bp.get("/readyz")
def ready() -> ResponseReturnValue:
    """503 names what is missing. The queue being away and mail being late are no reason to turn customers away."""
    checks = {"database": _database(), "migrations": _migrations(), "queue": "ok" if queue.is_reachable() else "down"}
    is_ready = checks["database"] == "ok" and checks["migrations"] == "ok"
    status = "ok" if is_ready else "unavailable"
    return jsonify(status=status, checks=checks, oldest_mail_seconds=_oldest_mail()), 200 if is_ready else 503


@bp.get("/metrics")
def prometheus() -> ResponseReturnValue:
    text = metrics.render(os.environ.get("PROMETHEUS_MULTIPROC_DIR"))
    return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _database() -> str:
    try:
        db.session.execute(db.text("SELECT 1"))
    except SQLAlchemyError:
        db.session.rollback()
        return "down"
    return "ok"


def _oldest_mail() -> int | None:
    """For how long the message has been owed that has been for longest; None while all is sent, or nobody knows."""
    try:
        since = deliveries.oldest_unsent()
    except SQLAlchemyError:
        db.session.rollback()
        return None
    return None if since is None else int((clock.utc_now() - since).total_seconds())


def _migrations() -> str:
    try:
        return "ok" if migrate.is_current(db.session.connection()) else "pending"
    except SQLAlchemyError:
        db.session.rollback()
        return "unknown"
