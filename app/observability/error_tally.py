"""Counting errors by what they have to do with, for the dashboard and for Prometheus.

Whatever is refused or logged as a warning of ours is counted in memory, and the counts are stored once a minute in a
transaction of their own: what broke has none any more, and counting must never break anything itself. A process
that is killed loses its last minute.
"""

import atexit
import logging
import threading
from collections import Counter
from datetime import datetime, timedelta

from flask import Flask, Response
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from app.db import db, transaction
from app.kit import clock
from app.models import ErrorCategory, ErrorTally
from app.observability import meters
from app.workflows import notifications

logger = logging.getLogger(__name__)

PAUSE = timedelta(minutes=1)
MAXIMUM_KEPT = 1_000
"""Quarters of an hour by category: with the database away for longer than that, the oldest counts are dropped."""

_QUARTER = 15
_REFUSALS = {400, 409, 412, 413, 415, 422}
"""Answers that say: what was sent cannot be taken as it is."""

_BY_LOGGER = {
    "app.exchanges": ErrorCategory.GATEWAY,
    "app.api.webhooks": ErrorCategory.GATEWAY,
    "app.error_pages": ErrorCategory.DATABASE,
    "app.jobs.notifications": ErrorCategory.EMAIL,
    "app.workflows.affiliates": ErrorCategory.INTEGRATION,
    "app.workflows.analytics": ErrorCategory.INTEGRATION,
    "app.checkout.affiliate_cookie": ErrorCategory.INTEGRATION,
    "app.checkout.visits": ErrorCategory.INTEGRATION,
    "app.jobs.queue": ErrorCategory.INTEGRATION,
    "app.db": ErrorCategory.INTEGRATION,
}
"""Whose warnings count, and as what. Anybody else's count from ERROR on."""


_ALERTS = {
    ErrorCategory.DATABASE: (
        "database error",
        "Customers were asked to try again. See whether /readyz says that it answers, and whether its disk has room.",
    ),
    ErrorCategory.UNEXPECTED: (
        "unexpected error",
        "Somebody read that something went wrong on our side. The log has each with its request id and its trace.",
    ),
}


class Tally:
    """The errors of this process that are not stored yet. The thread starts with the first one, so after a fork."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[datetime, ErrorCategory]] = Counter()
        self._lock = threading.Lock()
        self._app: Flask | None = None
        self._thread: threading.Thread | None = None

    def store_in(self, app: Flask) -> None:
        self._app = app

    def add(self, category: ErrorCategory) -> None:
        meters.errors.labels(category.value).inc()
        with self._lock:
            self._counts[_slot(clock.utc_now()), category] += 1
            if self._app is not None and not self._app.testing:
                self._ensure_thread(self._app)

    def store(self) -> None:
        """Add what was counted to what is stored; what cannot be stored now is kept for the next time."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            with transaction():
                _add(counts)
                _alert(counts)
        except SQLAlchemyError as error:
            # Not a warning, which would count itself.
            logger.info("errors were not stored yet", extra={"reason": type(error).__name__})
            self._take_back(counts)

    def _take_back(self, counts: Counter[tuple[datetime, ErrorCategory]]) -> None:
        with self._lock:
            self._counts.update(counts)
            for oldest in sorted(self._counts)[:-MAXIMUM_KEPT]:
                del self._counts[oldest]

    def _ensure_thread(self, app: Flask) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, args=(app,), name="error-tally", daemon=True)
            self._thread.start()
            atexit.register(self._store_within, app)

    def _run(self, app: Flask) -> None:
        pause = threading.Event()
        while True:
            pause.wait(PAUSE.total_seconds())
            self._store_within(app)

    def _store_within(self, app: Flask) -> None:
        with app.app_context():
            self.store()


tally = Tally()
"""One for the process, as the loggers are that it listens to."""


class _Listener(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        category = category_of(record)
        if category is not None:
            tally.add(category)


_listener = _Listener(logging.WARNING)


def init_app(app: Flask) -> None:
    tally.store_in(app)
    ours = logging.getLogger("app")
    if _listener not in ours.handlers:
        ours.addHandler(_listener)
    app.after_request(_count_refusal)


def count(error: BaseException) -> None:
    """One that nobody has logged as ours."""
    tally.add(ErrorCategory.DATABASE if isinstance(error, SQLAlchemyError) else ErrorCategory.UNEXPECTED)


def category_of(record: logging.LogRecord) -> ErrorCategory | None:
    """What a log line has to do with; None for one that tells of no error."""
    if record.exc_info and isinstance(record.exc_info[1], SQLAlchemyError):
        return ErrorCategory.DATABASE
    if record.name in _BY_LOGGER:
        return _BY_LOGGER[record.name]
    return ErrorCategory.UNEXPECTED if record.levelno >= logging.ERROR else None


def _count_refusal(response: Response) -> Response:
    if response.status_code in _REFUSALS:
        tally.add(ErrorCategory.VALIDATION)
    return response


def _alert(counts: Counter[tuple[datetime, ErrorCategory]]) -> None:
    """Tell administrators of what they can do something about, once an hour; gateways and mail have their own."""
    for category, (what, advice) in _ALERTS.items():
        number = sum(count for (_, counted), count in counts.items() if counted is category)
        if number:
            text = f"{number} {what}{'' if number == 1 else 's'} within the last minutes. {advice}"
            notifications.alert(f"errors_{category}", text, fold=category)


def _slot(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute // _QUARTER * _QUARTER, second=0, microsecond=0)


def _add(counts: Counter[tuple[datetime, ErrorCategory]]) -> None:
    dialect = postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite
    # In one order, whoever stores: two at once would wait for each other for ever.
    rows = [{"slot": slot, "category": category, "count": counts[slot, category]} for slot, category in sorted(counts)]
    statement = dialect.insert(ErrorTally).values(rows)
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["slot", "category"], set_={"count": ErrorTally.count + statement.excluded.count}
        )
    )
