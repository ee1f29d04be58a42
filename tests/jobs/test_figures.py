"""The job that keeps figures ahead of the pages, and the command that checks them."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select, update

from app.db import transaction
from app.extensions import settings
from app.jobs import figures as job
from app.kit import clock
from app.kit.periods import Bucket
from app.models import FigureMark, KeptFigures, Notification, NotificationStatus, ServiceRequest
from app.workflows import figure_keeping
from tests.factories import make_request, make_service

JANUARY = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def old(session):
    """Two sales in January, looked at in the middle of March."""
    with time_machine.travel(JANUARY, tick=False) as traveller:
        service = make_service()
        make_request(service)
        traveller.shift(timedelta(days=5))
        make_request(service)
        with transaction():
            session.execute(update(Notification).values(status=NotificationStatus.SENT))
        traveller.move_to(datetime(2026, 3, 15, 12, tzinfo=UTC))
        yield traveller


def kept(session, span):
    session.rollback()
    return list(session.scalars(select(KeptFigures.start).where(KeptFigures.span == span).order_by(KeptFigures.start)))


def test_every_day_week_and_month_since_the_first_sale_is_kept(session, old):
    job.keep()
    days = kept(session, Bucket.DAY)
    assert (days[0], days[-1], len(days)) == (date(2026, 1, 1), date(2026, 3, 14), 73)
    assert kept(session, Bucket.MONTH) == [date(2026, 1, 1), date(2026, 2, 1)]
    assert len(kept(session, Bucket.WEEK)) == 9
    assert not list(figure_keeping.differences(settings().time_zone))


def test_a_second_run_changes_nothing_but_looks_at_what_was_counted_longest_ago(session, old):
    job.keep()
    old.shift(timedelta(minutes=10))
    job.keep()
    session.rollback()
    rows = session.scalars(select(KeptFigures)).all()
    assert {row.version for row in rows} == {1}
    assert len([row for row in rows if row.counted_at == clock.utc_now()]) == job._DOUBTED
    assert len(kept(session, Bucket.MONTH)) == 2


def test_a_run_that_ends_early_is_taken_up_by_the_next(session, old, monkeypatch):
    monkeypatch.setattr(job, "_AT_ONCE", timedelta())
    monkeypatch.setattr(job, "LONGEST_RUN", timedelta(seconds=0.1))
    job.keep()
    assert kept(session, Bucket.DAY) == []
    monkeypatch.undo()
    job.keep()
    assert len(kept(session, Bucket.DAY)) == 73


def test_a_new_shop_has_nothing_to_keep(session):
    job.keep()
    assert kept(session, Bucket.DAY) == []


def run(app, *words):
    return app.test_cli_runner().invoke(args=["figures", *words])


def test_the_command_checks_and_recounts(app, session, old):
    assert "Counted 73 days." in run(app).output
    assert run(app, "--check").output == "All kept figures are what the rows say.\n"
    with transaction():
        session.execute(update(ServiceRequest).values(amount_minor=7))
    checked = run(app, "--check")
    assert checked.exit_code == 1
    assert "day 2026-01-01  sales INR: kept (1, 249900), counted (1, 7)" in checked.output
    assert "month 2026-01-01  sales INR: kept (2, 499800), counted (2, 14)" in checked.output
    assert "Counted 73 days." in run(app, "--recount").output
    assert run(app, "--check").exit_code == 0
    session.rollback()
    assert session.scalar(select(func.count()).select_from(FigureMark)) == 0
