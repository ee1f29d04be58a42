"""The catalogue as administrators change it all day: in its lists, by mouse, by keys, without scripts, on a phone."""

import pytest
from sqlalchemy import select

from app import import_runs
from app.db import db, transaction
from app.models import CsvImport, ProviderProfile, Role, Service
from app.workflows import imports
from tests.browser.axe import violations
from tests.events import event_body, post_event
from tests.factories import make_payment, make_provider, make_request, make_service


@pytest.fixture
def shop(session):
    return [
        make_service(name=f"Service {name}", price_minor=249_900, sort_order=order)
        for order, name in enumerate("ABC", 1)
    ]


def price_of(service):
    db.session.rollback()
    return db.session.scalar(select(Service.price_minor).where(Service.id == service))


def order():
    db.session.rollback()
    return "".join(name[-1] for name in db.session.scalars(select(Service.name).order_by(Service.sort_order)))


def test_a_price_is_one_click_the_number_and_enter(enter, shop):
    key = shop[0].id
    page = enter(Role.ADMIN)
    page.goto("/admin/services/")
    page.click("text=₹2,499.00 >> nth=0")
    page.keyboard.type("2999")
    page.keyboard.press("Enter")
    page.wait_for_selector("a[data-inline='2999.00']:focus")
    assert price_of(key) == 299_900


def test_a_wrong_price_is_said_where_it_was_typed_and_escape_leaves_all_as_it_was(enter, shop):
    key = shop[0].id
    page = enter(Role.ADMIN)
    page.goto("/admin/services/")
    page.focus("a[data-inline='2499.00'] >> nth=0")
    page.keyboard.press("Enter")
    page.keyboard.type("cheap")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]:has-text('Write an amount in INR')")
    page.keyboard.press("Escape")
    page.wait_for_selector("a[data-inline='2499.00']:focus")
    assert page.locator(".inline-problem").count() == 0
    assert price_of(key) == 249_900


def test_whoever_is_told_of_another_change_may_still_mean_it(enter, shop):
    key = shop[0].id
    page = enter(Role.ADMIN)
    page.goto("/admin/services/")
    with transaction():
        db.session.get_one(Service, key).price_minor = 400_000
    page.click("a[data-inline='2499.00'] >> nth=0")
    page.keyboard.type("2999")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]:has-text('It is ₹4,000.00 by now')")
    assert price_of(key) == 400_000
    page.keyboard.press("Enter")
    page.wait_for_selector("a[data-inline='2999.00']:focus")
    assert price_of(key) == 299_900


def test_one_press_takes_off_sale(enter, shop):
    page = enter(Role.ADMIN)
    page.goto("/admin/services/")
    page.click("button[data-press=on] >> nth=0")
    page.wait_for_selector("button[data-press=off]:focus")


def test_a_row_is_dragged_to_its_place(enter, shop):
    page = enter(Role.ADMIN)
    page.goto("/admin/services/")
    with page.expect_navigation():
        page.locator("[data-grip]").nth(2).drag_to(page.locator("[data-grip]").nth(0))
    assert order() == "CAB"


def test_without_scripts_all_of_it_works_by_links_and_buttons(enter, shop):
    key = shop[0].id
    page = enter(Role.ADMIN, java_script_enabled=False)
    page.goto("/admin/services/")
    page.click("text=₹2,499.00 >> nth=0")
    page.fill("#value", "2999")
    page.click("text=Save")
    assert price_of(key) == 299_900
    page.click("button.step:has-text('Move Service A down')")
    assert order() == "BAC"
    page.click("button.press >> nth=0")
    page.wait_for_selector("button.press:has-text('Off sale')")


@pytest.mark.parametrize("width", [1440, 360])
def test_the_pages_keep_nobody_out(enter, session, width):
    service = make_service(tiers=2)
    make_request(service)
    make_service(is_active=False)
    make_provider(name="Priya Raman", capacity=5)
    profile = db.session.scalar(select(ProviderProfile.id))
    page = enter(Role.ADMIN, bypass_csp=True, viewport={"width": width, "height": 800})
    for address in (
        "services/",
        "services/new/",
        f"services/edit/?id={service.id}",
        f"services/{service.id}/cell/price",
        f"services/{service.id}/preview",
        "services/import/",
        "providers/import/",
        "providers/",
        f"providers/details/?id={profile}",
        "notifications/",
        "letter_templates/",
        "letter_templates/alert",
    ):
        page.goto(f"/admin/{address}")
        assert violations(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address


@pytest.mark.parametrize("width", [1440, 360])
def test_a_pasted_list_is_checked_and_saved_with_its_progress_in_sight(enter, shop, monkeypatch, width):
    monkeypatch.setattr(import_runs, "AT_ONCE", 0)
    monkeypatch.setattr(imports, "CHUNK", 1)
    page = enter(Role.ADMIN, bypass_csp=True, viewport={"width": width, "height": 800})
    page.goto("/admin/services/import/")
    page.fill("#text", "Service,Price\nService A,10\nService B,zzz\nService C,30\n")
    page.click("text=Check the lines")
    page.wait_for_selector("text=2 of 3 lines would change something")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.click("text=Save 2 changed")
    page.wait_for_selector("h1:has-text('Saving 2 lines')")
    assert violations(page) == []
    db.session.rollback()
    import_runs.carry_on(db.session.scalar(select(CsvImport.id)), seconds=60)
    page.wait_for_selector("h1:has-text('2 saved, 1 refused')")
    assert violations(page) == []


def test_a_gateways_message_is_tried_before_it_is_handled(enter, session, client):
    payment = make_payment()
    post_event(client, event_body(payment))
    page = enter(Role.FINANCE, bypass_csp=True)
    page.goto("/admin/webhook_events/")
    page.click("tbody th a")
    assert violations(page) == []
    page.click("text=See what handling it again would do")
    page.wait_for_selector("text=All that this message says is known already")
    assert violations(page) == []
    page.click("button:has-text('Handle it again')")
    page.wait_for_selector("text=Handled again: Known already.")
