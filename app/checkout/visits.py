"""Counting visitors' steps without making them wait: kept in memory, stored together once a second.

A process that dies loses its last second of counts, and a full memory its newest; both are fine for counts.
"""

import atexit
import hashlib
import hmac
import logging
import threading
from collections import deque
from datetime import timedelta
from typing import cast
from uuid import UUID

from flask import Flask, current_app, request
from sqlalchemy.exc import SQLAlchemyError

from app.db import transaction
from app.extensions import settings
from app.kit import clock
from app.workflows.affiliates import Click, record_clicks
from app.workflows.analytics import Step, record_steps

logger = logging.getLogger(__name__)

MAXIMUM_KEPT = 10_000
PAUSE = timedelta(seconds=1)


class Visits:
    """What one process counted and has not stored yet. The thread starts with the first of it, so after a fork."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._kept: deque[Step | Click] = deque()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def add(self, each: Step | Click) -> None:
        if len(self._kept) < MAXIMUM_KEPT:
            self._kept.append(each)
        if not self._app.testing:
            self._ensure_thread()

    def store(self) -> None:
        """Store what was kept; what cannot be stored is dropped."""
        kept = [self._kept.popleft() for _ in range(len(self._kept))]
        if not kept:
            return
        try:
            with self._app.app_context(), transaction():
                record_steps([each for each in kept if isinstance(each, Step)])
                record_clicks([each for each in kept if isinstance(each, Click)])
        except SQLAlchemyError:
            logger.exception("visits were not stored", extra={"visits": len(kept)})

    def _ensure_thread(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="visits", daemon=True)
                self._thread.start()
                atexit.register(self.store)

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            pause.wait(PAUSE.total_seconds())
            self.store()


def init_app(app: Flask) -> None:
    app.extensions["visits"] = Visits(app)


def visits() -> Visits:
    return cast(Visits, current_app.extensions["visits"])


def count(name: str, *, service_id: UUID | None = None, request_id: UUID | None = None) -> None:
    """Note that this visitor took a step."""
    visits().add(Step(name, clock.utc_now(), service_id, request_id, _visitor()))


def count_click(code: str) -> None:
    """Note that this visitor came through an affiliate's link, and to which service if to one."""
    service_id = (request.view_args or {}).get("service_id")
    visits().add(Click(code, clock.utc_now(), service_id))


def _visitor() -> str:
    """The same for one browser on one day, and no way back to who it is; needs no cookie."""
    parts = (clock.utc_now().date().isoformat(), request.remote_addr or "", request.user_agent.string)
    digest = hmac.new(settings().secret_key.encode(), "\0".join(parts).encode(), hashlib.sha256)
    return digest.hexdigest()[:32]
