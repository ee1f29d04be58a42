"""The requests list as an operator has it all day: tabs, own columns, the panel, and on to the next one."""

import pytest

from app.db import db, transaction
from app.models import RequestStatus, Role, ServiceRequest
from app.workflows import requests, status
from app.workflows.audit import SYSTEM
from tests.browser.axe import violations
from tests.factories import make_provider, make_request, make_service


@pytest.fixture
def shop(session):
    """Three paid requests that nobody has, the newest first, and somebody who could take them."""
    service = make_service(tiers=1, name="GST registration")
    requests = [make_request(service) for _ in range(3)]
    make_provider(name="Priya Raman", capacity=5)
    return requests[::-1]


def tab_count(page, key):
    return page.locator(f"[data-tab='{key}'] [data-tab-count]")


def test_tabs_count_and_count_again_after_a_change(enter, shop):
    page = enter()
    page.goto("/admin/requests/")
    tab_count(page, "unassigned").get_by_text("3", exact=True).wait_for()
    page.locator(f"[data-row='{shop[0].id}'] [data-edit=provider]").click()
    page.locator("#menu button", has_text="Priya Raman").click()
    tab_count(page, "unassigned").get_by_text("2", exact=True).wait_for()
    tab_count(page, "mine").get_by_text("1", exact=True).wait_for()


def test_filters_become_a_view_and_the_view_goes_again(enter, shop):
    page = enter(Role.ADMIN)
    page.goto("/admin/requests/?provider=none")
    page.click("summary:has-text('Save view')")
    page.fill("#view-name", "Nobody has them")
    page.keyboard.press("Enter")
    page.wait_for_url("**saved=**")
    assert page.locator(".tabs [aria-current]").inner_text().startswith("Nobody has them")
    page.select_option("select[name=status]", "pending_contact")
    page.wait_for_url("**status=pending_contact**")
    page.click("summary:has-text('Save changes to view')")
    page.click("button:has-text('Save view')")
    page.wait_for_selector("text=Saved.")
    page.click("text=To do")
    page.click("text=Nobody has them")
    assert "Status is Awaiting first contact" in page.inner_text(".chips")
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("summary:has-text('Edit view')")
    page.click("text=Delete view")
    page.wait_for_selector("text=is gone. No request was changed.")


def test_the_panel_follows_the_keys_and_closes(enter, shop):
    page = enter(bypass_csp=True)
    page.goto("/admin/requests/")
    page.keyboard.press("j")
    page.keyboard.press("v")
    panel = page.locator("#panel")
    panel.get_by_role("heading", name=shop[0].reference_number).wait_for()
    assert violations(page) == []
    page.keyboard.press("j")
    panel.get_by_role("heading", name=shop[1].reference_number).wait_for()
    page.keyboard.press("Escape")
    assert not panel.is_visible()
    page.locator(f"[data-row='{shop[2].id}'] .who").click()
    panel.get_by_role("heading", name=shop[2].reference_number).wait_for()
    panel.get_by_role("link", name="Open", exact=True).click()
    page.wait_for_url(f"**/admin/requests/{shop[2].id}?view=todo")


@pytest.mark.parametrize("keys", ["", "jv"])
@pytest.mark.parametrize("width", [1280, 1440])
def test_the_usual_columns_fit_their_frame_and_can_be_read(enter, shop, width, keys):
    page = enter(viewport={"width": width, "height": 800}, at="/admin/requests/")
    page.keyboard.type(keys)
    if keys:
        page.locator("#panel h2").wait_for()
    is_beside = bool(keys) and width >= 1440
    frame, table = (page.locator(each).bounding_box() for each in (".table-frame", ".requests"))
    assert table["width"] <= frame["width"]
    assert page.locator("tbody .provider").first.is_visible()
    service = page.locator("tbody .what").first
    assert service.is_visible() is not is_beside
    assert is_beside or service.bounding_box()["width"] > 50


def test_who_comes_second_is_told_and_chooses_from_what_is_possible_now(enter, shop):
    page = enter(at="/admin/requests/")
    with transaction():
        status.change_status(requests.get_locked(shop[0].id), RequestStatus.IN_PROGRESS, actor=SYSTEM)
    page.locator("tbody tr").first.locator("[data-edit=status]").click()
    page.locator("[data-choices] >> text=Specialist assigned").click()
    page.locator("[data-message] >> text=Nothing of yours was saved. The row shows it now: decide again.").wait_for()
    page.locator("[data-choices] >> text=Completed").click()
    page.locator("tr[data-status=completed]").wait_for()


def test_the_panel_says_so_when_the_connection_is_gone(enter, shop):
    page = enter()
    page.goto("/admin/requests/")
    page.context.set_offline(True)
    page.keyboard.press("j")
    page.keyboard.press("v")
    page.wait_for_selector("#panel >> text=You seem to be offline.")
    page.context.set_offline(False)


def test_one_works_from_request_to_request_without_the_list(enter, shop):
    page = enter()
    page.goto("/admin/requests/?view=unassigned")
    page.click(f"text={shop[0].reference_number}")
    for position, request in enumerate(shop):
        page.wait_for_url(f"**/{request.id}?view=unassigned")
        page.select_option("#provider", label=f"Priya Raman: {position} of 5")
        page.click("button:has-text('Assign')")
        page.wait_for_selector("text=Saved.")
        if request is not shop[-1]:
            page.click("a[rel=next]")
    assert page.locator("a[rel=next]").count() == 0
    db.session.rollback()
    assert all(row.assigned_provider_id for row in db.session.query(ServiceRequest))


@pytest.mark.parametrize("width", [1440, 360])
def test_all_columns_fit_and_keep_nobody_out(enter, shop, width):
    page = enter(viewport={"width": width, "height": 800}, bypass_csp=True)
    page.goto("/admin/requests/")
    page.click("summary:has-text('Columns')")
    for box in page.locator("input[name=column]").all():
        box.check()
    assert violations(page) == []
    page.click("text=Show these")
    page.wait_for_selector("tbody >> text=@")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []


def test_views_and_columns_work_without_scripts(enter, shop):
    page = enter(java_script_enabled=False)
    page.goto("/admin/requests/?provider=none")
    page.click("summary:has-text('Columns')")
    page.check("input[value=operator]")
    page.click("text=Show these")
    page.wait_for_selector("th:has-text('In charge')")
    page.click("summary:has-text('Save view')")
    page.fill("#view-name", "By forms alone")
    page.click("button:has-text('Save view')")
    assert page.locator(".tabs [aria-current]").inner_text().startswith("By forms alone")
