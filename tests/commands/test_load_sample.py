"""Samples from the shell: what was asked for, counted, and known to the database's planner."""

import pytest
from sqlalchemy import func, select, text

from app.extensions import settings
from app.models import KeptFigures, ServiceRequest
from app.samples import requests
from app.workflows import figure_keeping
from tests.factories import ensure_gateway

ROWS = text("SELECT reltuples FROM pg_class WHERE relname = 'service_requests'")


def load(app, count):
    answer = app.test_cli_runner().invoke(args=["load-sample", "--requests", str(count), "--days", "20"])
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_requests_are_added_and_their_figures_counted(app, session):
    ensure_gateway()
    assert "Added 60 requests." in load(app, 60)
    load(app, 40)
    assert session.scalar(select(func.count(ServiceRequest.id))) == 100
    assert session.scalar(select(func.count()).select_from(KeptFigures)) > 10
    assert list(figure_keeping.differences(settings().time_zone)) == []


@pytest.mark.postgres
def test_after_a_large_load_the_planner_knows_of_it(app, session, monkeypatch):
    ensure_gateway()
    monkeypatch.setattr(requests, "BULK", 60)
    load(app, 60)
    assert session.scalar(ROWS) == 60
