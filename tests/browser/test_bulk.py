"""Bulk changes as people do them: shown first, followed to the end, taken back; by script, without, on a phone."""

import threading

import pytest
from sqlalchemy import select

from app import bulk_runs
from app.db import db
from app.models import BulkChange, BulkState, RequestStatus, ServiceRequest
from tests.admin.rows import new_request, store
from tests.browser.axe import violations
from tests.bulk import IN_PROGRESS, draft, run, start
from tests.factories import make_provider, make_service

S = RequestStatus
MANY = 60


@pytest.fixture
def many(session):
    """One page and a bit, the last of them closed."""
    service = make_service(name="GST registration")
    make_provider(name="Priya Raman", capacity=5)
    rows = [new_request(service) for _ in range(MANY - 1)]
    store(*rows, new_request(service, status=S.CANCELLED))


def statuses():
    db.session.rollback()
    return sorted(db.session.scalars(select(ServiceRequest.status)))


def last_change():
    db.session.rollback()
    return db.session.scalars(select(BulkChange).order_by(BulkChange.created_at.desc())).first()


def work(app, change):
    """As a worker does it."""
    with app.app_context():
        bulk_runs.run(change.id, change.turn, seconds=60)


def in_background(app, change):
    thread = threading.Thread(target=work, args=(app, change))
    thread.start()
    thread.join()


def test_all_that_match_are_shown_changed_and_taken_back(app, enter, many):
    page = enter()
    page.goto("/admin/requests/?view=all")
    page.locator("input[name=rowid]").first.check()
    page.locator("[data-count] >> text=1").wait_for()
    page.locator("[data-list-count] >> visible=true").first.wait_for()
    page.locator("input[name=scope]").check()
    page.locator(f"[data-count] >> text={MANY}").wait_for()
    page.select_option("#bulk-status", "in_progress")
    page.click("button[value=set_status]")
    page.locator("h1", has_text="Set status to “In progress”?").wait_for()
    assert statuses() == [S.CANCELLED] + [S.PENDING_CONTACT] * (MANY - 1)
    page.click("text=Set status to “In progress”: 59 requests")
    page.locator("text=0 of 60 gone through.").wait_for()
    in_background(app, last_change())
    page.locator("text=60 of 60 gone through: 59 done, 1 refused.").wait_for()
    assert statuses() == [S.CANCELLED] + [S.IN_PROGRESS] * (MANY - 1)
    page.click("text=Undo all 59")
    page.locator("text=0 of 59 gone back").wait_for()
    in_background(app, last_change())
    page.locator("text=59 of 59 gone back: 59 undone.").wait_for()
    assert statuses() == [S.CANCELLED] + [S.PENDING_CONTACT] * (MANY - 1)


def test_a_few_are_done_with_two_clicks_and_undone_with_two(enter, many):
    page = enter()
    page.goto("/admin/requests/")
    page.locator("input[name=rowid]").first.check()
    page.select_option("#bulk-provider", label="Priya Raman")
    page.click("button[value=assign]")
    page.locator("text=Assign to Priya Raman: 1 request done.").wait_for()
    page.click("text=See each, or undo")
    page.click("main button:has-text('Undo')")
    page.locator("text=1 of 1 gone back: 1 undone.").wait_for()
    assert S.TEAM_ASSIGNED not in statuses()


def test_without_scripts_the_page_comes_again_by_itself(app, enter, many):
    change = start(draft("set_status", status=IN_PROGRESS))
    page = enter(java_script_enabled=False)
    page.goto(f"/admin/bulk_changes/{change.id}")
    assert "0 of 60 gone through." in page.inner_text("main")
    in_background(app, change)
    page.locator("text=60 of 60 gone through: 59 done, 1 refused.").wait_for()
    page.click("text=Undo all 59")
    assert last_change().state is BulkState.UNDOING


@pytest.mark.parametrize("width", [360, 1440])
def test_every_page_of_it_is_accessible_and_fits(enter, many, width):
    shown = run("set_status", status=IN_PROGRESS)
    page = enter(bypass_csp=True, viewport={"width": width, "height": 800})
    page.goto("/admin/requests/?view=all")
    page.locator("input[name=rowid]").first.check()
    page.locator("input[name=scope]").check()
    page.click("button[value=route]")
    page.locator("h1", has_text="Choose the provider by rule?").wait_for()
    for address in (page.url, f"/admin/bulk_changes/{shown.id}", "/admin/bulk_changes/"):
        page.goto(address)
        assert violations(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), address
