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
from app.workflows.analytics import Step, record_steps

logger = logging.getLogger(__name__)

MAXIMUM_KEPT = 10_000
PAUSE = timedelta(seconds=1)


class Visits:
    """The steps of one process that are not stored yet. The thread starts with the first step, so after a fork."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._steps: deque[Step] = deque()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def add(self, step: Step) -> None:
        if len(self._steps) < MAXIMUM_KEPT:
            self._steps.append(step)
        if not self._app.testing:
            self._ensure_thread()

    def store(self) -> None:
        """Store what was kept; what cannot be stored is dropped."""
        steps = [self._steps.popleft() for _ in range(len(self._steps))]
        if not steps:
            return
        try:
            with self._app.app_context(), transaction():
                record_steps(steps)
        except SQLAlchemyError:
            logger.exception("visits were not stored", extra={"steps": len(steps)})

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


def _visitor() -> str:
    """The same for one browser on one day, and no way back to who it is; needs no cookie."""
    parts = (clock.utc_now().date().isoformat(), request.remote_addr or "", request.user_agent.string)
    digest = hmac.new(settings().secret_key.encode(), "\0".join(parts).encode(), hashlib.sha256)
    return digest.hexdigest()[:32]
