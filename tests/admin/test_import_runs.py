"""Imports of many lines, by other people, on other days."""

from functools import partial

import pytest
from sqlalchemy import select

from app import import_runs
from app.db import transaction
from app.jobs import imports as jobs
from app.models import (
    AuditEntry,
    CsvImport,
    ImportStatus,
    Role,
)
from tests.admin.csv_files import (
    HEADINGS,
    NEW,
    PROVIDERS,
    URL,
    check,
    save,
    services,
    words,
)
from tests.factories import make_service
from tests.sign_in import sign_in
from tests.threads import at_once


@pytest.fixture(autouse=True)
def admin(client, session):
    return sign_in(client)


def many(count):
    return "Service,Price\n" + "".join(f"Service {number},{number + 1}\n" for number in range(count))


def test_a_long_import_goes_on_by_a_job_and_shows_how_far_it_is(client, session, monkeypatch):
    for number in range(120):
        make_service(name=f"Service {number}", price_minor=50)
    monkeypatch.setattr(import_runs, "AT_ONCE", 0)
    page = check(client, many(120))
    told = save(client, page)
    assert "Saving 120 lines" in told
    assert "50 of 120 are done" in told
    assert client.get(f"{page}/progress").json == {"reached": 50, "steps": 120, "isFinished": False}
    [row] = session.scalars(select(CsvImport))
    jobs.carry_on(str(row.id))
    jobs.carry_on(str(row.id))
    assert client.get(f"{page}/progress").json == {"reached": 120, "steps": 120, "isFinished": True}
    assert "120 saved, 0 refused" in words(client, page)
    assert {service.price_minor for service in services(session)} == {100 * (number + 1) for number in range(120)}
    assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "service.changed")).all()) == 120


def test_what_was_left_behind_is_found_again(client, session, monkeypatch):
    for number in range(60):
        make_service(name=f"Service {number}", price_minor=50)
    monkeypatch.setattr(import_runs, "AT_ONCE", 0)
    page = check(client, many(60))
    save(client, page)
    jobs.sweep()
    assert client.get(f"{page}/progress").json["reached"] == 50
    with transaction():
        [row] = session.scalars(select(CsvImport))
        row.updated_at = row.updated_at.replace(year=2020)
    jobs.sweep()
    assert client.get(f"{page}/progress").json["isFinished"] is True


def test_a_check_is_good_for_a_day_and_forgotten_after_a_week(client, session):
    make_service(name="Service 0", price_minor=50)
    page = check(client, many(1))
    with transaction():
        [row] = session.scalars(select(CsvImport))
        row.created_at = row.created_at.replace(year=2020)
    answer = client.post(f"{page}/confirm")
    assert (answer.status_code, "more than a day old" in answer.text) == (409, True)
    jobs.sweep()
    assert client.get(page).status_code == 404
    assert services(session)[0].price_minor == 50


def test_what_one_had_checked_another_does_not_see_or_save(client, session):
    page = check(client, f"{HEADINGS}\n{NEW}\n")
    client.post("/logout")
    sign_in(client)
    assert client.get(page).status_code == 404
    assert client.post(f"{page}/confirm").status_code == 404
    assert client.get(page.replace("services", "providers")).status_code == 404
    [row] = session.scalars(select(CsvImport))
    assert row.status is ImportStatus.CHECKED


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.FINANCE, Role.VIEWER])
def test_those_who_may_not_change_the_catalogue_import_nothing(client, session, role):
    page = check(client, f"{HEADINGS}\n{NEW}\n")
    client.post("/logout")
    sign_in(client, role)
    for address in (URL, PROVIDERS, f"{URL}template.csv", page, f"{page}/progress"):
        assert client.get(address).status_code == 403
    assert client.post(URL, data={"text": NEW}).status_code == 403
    assert client.post(f"{page}/confirm").status_code == 403
    assert "Import CSV" not in client.get("/admin/services/").text


def test_a_line_that_breaks_stops_no_other(client, session, monkeypatch):
    make_service(name="Service 0", price_minor=50)
    make_service(name="Service 1", price_minor=50)
    page = check(client, many(2))
    kind = import_runs.KINDS["services"]

    def apply(step, actor):
        if step.name == "Service 0":
            raise KeyError("broken")
        kind.apply(step, actor)

    monkeypatch.setitem(import_runs.KINDS, "services", type(kind)(**{**kind_fields(kind), "apply": apply}))
    told = save(client, page)
    assert "1 saved, 1 refused" in told
    assert "Something went wrong on our side" in told
    assert [service.price_minor for service in services(session)] == [50, 200]


def kind_fields(kind):
    return {name: getattr(kind, name) for name in kind.__dataclass_fields__}


def test_many_who_carry_on_at_once_save_each_line_once(app, client, session, admin):
    for number in range(120):
        make_service(name=f"Service {number}", price_minor=50)
    page = check(client, many(120))

    clients = [app.test_client() for _ in range(4)]
    for own in clients:
        sign_in(own, admin)

    def confirm(own):
        assert own.post(f"{page}/confirm").status_code == 303

    assert at_once(app, [partial(confirm, own) for own in clients]) == [None] * 4
    assert "120 saved, 0 refused" in words(client, page)
    session.rollback()
    for action, times in (("import.confirmed", 1), ("service.changed", 120)):
        assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == action)).all()) == times


def test_a_worker_that_is_killed_in_the_middle_leaves_whole_lines_behind(client, session, monkeypatch):
    for number in range(60):
        make_service(name=f"Service {number}", price_minor=50)
    page = check(client, many(60))
    kind = import_runs.KINDS["services"]
    taken = []

    def apply(step, actor):
        taken.append(step.number)
        if len(taken) == 55:
            raise KeyboardInterrupt
        kind.apply(step, actor)

    monkeypatch.setitem(import_runs.KINDS, "services", type(kind)(**{**kind_fields(kind), "apply": apply}))
    with pytest.raises(KeyboardInterrupt):
        client.post(f"{page}/confirm")
    assert sum(service.price_minor != 50 for service in services(session)) == 50
    [row] = session.scalars(select(CsvImport))
    jobs.carry_on(str(row.id))
    assert "60 saved, 0 refused" in words(client, page)
    assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "service.changed")).all()) == 60
