"""The console as people use it: by mouse, by keys alone, without scripts, on a phone."""

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.models import (
    Notification,
    NotificationStatus,
    Payment,
    ProviderProfile,
    RequestStatus,
    Role,
    Service,
    ServiceRequest,
    ServiceTier,
)
from app.workflows.deliveries import SentCopy
from tests.browser.axe import violations
from tests.factories import make_provider, make_request, make_service

LISTS = ("requests/?view=all", "requests/?q=nobody", "notifications/", "payments/", "webhook_events/", "gateways/")
LISTS += ("services/", "tiers/", "providers/", "users/")


@pytest.fixture
def shop(session):
    """A provider, and three paid requests that nobody has: the oldest first."""
    service = make_service(tiers=2, name="GST registration")
    requests = [make_request(service) for _ in range(3)]
    make_provider(name="Priya Raman", capacity=5)
    return requests


def stored(request):
    db.session.rollback()
    return db.session.get_one(ServiceRequest, request, populate_existing=True)


def row(page, request):
    return page.locator(f"[data-row='{request}']")


def test_status_and_provider_change_in_the_list(enter, shop):
    key = shop[0].id
    page = enter()
    page.goto("/admin/requests/")
    row(page, key).locator("[data-edit=provider]").click()
    page.locator("#menu button", has_text="Priya Raman").click()
    row(page, key).locator("text=Specialist assigned").wait_for()
    row(page, key).locator("[data-edit=status]").click()
    page.locator("#menu button", has_text="In progress").click()
    row(page, key).locator("[data-edit=status]", has_text="In progress").wait_for()
    assert (stored(key).status, stored(key).provider.name) == (RequestStatus.IN_PROGRESS, "Priya Raman")


def test_cancelling_asks_first(enter, shop):
    key = shop[0].id
    page = enter()
    page.goto("/admin/requests/")
    row(page, key).locator("[data-edit=status]").click()
    page.locator("#menu button", has_text="Cancelled…").click()
    page.fill("#menu-note", "Bought twice.")
    assert stored(key).status is RequestStatus.PENDING_CONTACT
    page.locator("#menu button", has_text="Cancel the request").click()
    row(page, key).locator("text=Cancelled").wait_for()
    assert stored(key).status is RequestStatus.CANCELLED


def test_the_second_of_two_is_told_what_changed(enter, shop):
    key = shop[0].id
    first, second = enter(), enter()
    for page in (first, second):
        page.goto("/admin/requests/")
        row(page, key).locator("[data-edit=status]").click()
    first.locator("#menu button", has_text="In progress").click()
    row(first, key).locator("[data-edit=status]", has_text="In progress").wait_for()
    second.locator("#menu button", has_text="Cancelled…").click()
    second.locator("#menu button", has_text="Cancel the request").click()
    second.locator("#menu [data-message]", has_text="It is now “In progress”").wait_for()
    # The cell shows how things stand now, not what was tried.
    row(second, key).locator("[data-edit=status]", has_text="In progress").wait_for()
    assert stored(key).status is RequestStatus.IN_PROGRESS


def test_a_signed_out_screen_says_so(enter, shop, open_page):
    page = enter()
    page.goto("/admin/requests/")
    page.context.clear_cookies()
    row(page, shop[0].id).locator("[data-edit=provider]").click()
    page.locator("#menu [data-message]:not(:empty)").wait_for()
    assert "sign" in page.inner_text("#menu [data-message]")


def test_the_list_works_by_keys_alone(enter, shop):
    keys = [each.id for each in reversed(shop)]
    page = enter()
    page.goto("/admin/requests/")
    for key in "jjk":
        page.keyboard.press(key)
    assert page.get_attribute("tr.here", "data-row") == str(keys[0])
    page.keyboard.press("x")
    assert page.inner_text("[data-count]") == "1"
    page.keyboard.press("x")
    page.keyboard.press("a")
    page.locator("#menu button", has_text="Priya Raman").wait_for()
    page.keyboard.press("Enter")
    row(page, keys[0]).locator("text=Specialist assigned").wait_for()
    page.keyboard.press("s")
    page.locator("#menu button >> nth=0").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    row(page, keys[0]).locator("[data-edit=status]", has_text="In progress").wait_for()
    page.keyboard.press("?")
    page.wait_for_selector("#keys")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("iyer")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=iyer**")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/requests/{keys[0]}?**")


def test_selected_rows_are_changed_together(enter, shop):
    page = enter()
    page.goto("/admin/requests/")
    assert not page.is_visible(".bulk")
    page.check("[data-all]")
    assert page.inner_text("[data-count]") == "3"
    page.select_option("#bulk-provider", label="Priya Raman")
    page.click(".bulk >> text=Assign >> nth=0")
    page.wait_for_selector("text=3 requests done")
    page.wait_for_load_state()
    assert page.locator("[data-edit=status]", has_text="Specialist assigned").count() == 3


def test_a_choice_narrows_the_list_at_once_and_comes_off_again(enter, shop):
    page = enter()
    page.goto("/admin/requests/")
    page.select_option("select[name=status]", "in_progress")
    page.wait_for_url("**status=in_progress")
    assert page.is_visible("text=No request fits.")
    page.click("[aria-label='Remove: Status is In progress']")
    page.wait_for_selector("[data-row]")


def test_new_requests_are_announced_without_a_reload(enter, shop):
    page = enter()
    page.clock.install()
    page.goto("/admin/requests/")
    make_request()
    page.clock.run_for(21_000)
    page.click("text=1 new request – show")
    page.wait_for_selector("[data-row] >> nth=3")


def test_the_operators_way_without_scripts(enter, shop):
    key = shop[0].id
    page = enter(java_script_enabled=False)
    page.goto("/admin/requests/")
    page.select_option("select[name=provider]", "none")
    page.click("text=Apply")
    page.click(f"text={shop[0].reference_number}")
    page.select_option("#provider", label="Priya Raman: 0 of 5")
    page.click(".actions >> text=Assign")
    page.click("text=Start the work")
    page.fill("#note", "Called, papers come tomorrow.")
    page.click("text=Add note >> nth=-1")
    page.click("text=Mark completed")
    assert stored(key).status is RequestStatus.COMPLETED
    page.click("summary:has-text('Set status')")
    page.fill("#status-note", "One paper was missing.")
    page.click("button:has-text('Set status')")
    assert stored(key).status is RequestStatus.IN_PROGRESS
    page.wait_for_selector("text=Called, papers come tomorrow.")


def every_page(requests):
    """One address of each kind, with something on it."""
    letter = db.session.scalars(select(Notification)).first()
    with transaction():
        kept = db.session.get_one(Notification, letter.id)
        kept.status, kept.sent_copy = NotificationStatus.DEAD, SentCopy("Subject", "Text", "<p>Text</p>").pack()
    ids = {
        name: db.session.scalars(select(model.id)).first()
        for name, model in {"services": Service, "tiers": ServiceTier, "providers": ProviderProfile}.items()
    }
    payment, of_request = db.session.execute(select(Payment.id, Payment.service_request_id)).first()
    return [
        "/admin/",
        *(f"/admin/{each}" for each in LISTS),
        f"/admin/requests/{requests[0].id}",
        *(f"/admin/{name}/edit/?id={key}" for name, key in ids.items()),
        *(f"/admin/{name}/new/" for name in (*ids, "users")),
        f"/admin/notifications/details/?id={letter.id}",
        f"/admin/payments/details/?id={payment}",
        f"/admin/requests/{of_request}/payments/{payment}/stuck",
        "/admin/gateways/sandbox",
        "/admin/gateways/stripe",
        "/admin/requests/zzz/",
    ]


@pytest.mark.long
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (360, "light"), (1440, "dark")])
def test_no_page_keeps_anybody_out(enter, shop, width, scheme):
    page = enter(Role.ADMIN, viewport={"width": width, "height": 800}, bypass_csp=True, color_scheme=scheme)
    for address in every_page(shop):
        page.goto(address)
        page.evaluate("document.querySelectorAll('.account details').forEach(each => each.open = true)")
        assert violations(page, again_in=scheme) == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} is too wide"


@pytest.mark.parametrize("role", [Role.PROVIDER, Role.AFFILIATE])
def test_no_partners_page_keeps_anybody_out(enter, shop, role):
    page = enter(role, viewport={"width": 360, "height": 800}, bypass_csp=True, at="/home")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_open_menus_and_refusals_are_accessible_too(enter, shop):
    page = enter(bypass_csp=True)
    page.goto("/admin/requests/")
    row(page, shop[0].id).locator("[data-edit=provider]").click()
    page.locator("#menu button >> nth=0").wait_for()
    assert violations(page) == []
    page.goto("/admin/users/")
    assert "Only" in page.inner_text("h1") or "may not" in page.inner_text("h1")
    assert violations(page) == []


def test_the_whole_menu_is_in_sight_on_a_laptop(enter, session):
    page = enter(Role.ADMIN, viewport={"width": 1440, "height": 900}, at="/admin/")
    last, below = page.locator("#rail li").last.bounding_box(), page.locator(".rail-user").bounding_box()
    assert last["y"] + last["height"] <= below["y"]


def test_a_reference_stays_on_one_line_in_the_audit_log(enter, shop):
    page = enter(Role.ADMIN, viewport={"width": 1440, "height": 900}, at="/admin/audit/")
    reference = page.locator("tbody .mono", has_text=shop[0].reference_number).first
    assert reference.bounding_box()["height"] < 25


def test_the_menu_opens_on_a_phone(enter, shop):
    page = enter(viewport={"width": 360, "height": 800}, at="/admin/")
    assert not page.is_visible("#rail")
    page.click(".menu-link")
    page.click("#rail >> text=Payments")
    page.wait_for_url("**/admin/payments/")
