"""Is this process alive, can it do its work, and how does it do: for load balancers and Prometheus."""

import os

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from app import metrics, migrate
from app.db import db
from app.jobs import queue

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> ResponseReturnValue:
    return jsonify(status="ok")


@bp.get("/readyz")
def ready() -> ResponseReturnValue:
    """503 names what is missing. The queue being away is said but is no reason to turn customers away."""
    checks = {"database": _database(), "migrations": _migrations(), "queue": "ok" if queue.is_reachable() else "down"}
    is_ready = checks["database"] == "ok" and checks["migrations"] == "ok"
    return jsonify(status="ok" if is_ready else "unavailable", checks=checks), 200 if is_ready else 503


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


def _migrations() -> str:
    try:
        return "ok" if migrate.is_current(db.session.connection()) else "pending"
    except SQLAlchemyError:
        db.session.rollback()
        return "unknown"
