"""The console's first page in a browser: for every eye, on a phone, by keys, without scripts."""

import pytest

from app.db import transaction
from app.kit import clock
from app.models import ErrorCategory, ErrorTally, Role
from tests.browser.axe import violations
from tests.factories import make_payment, make_provider, make_request, make_service


@pytest.fixture
def shop(session):
    service = make_service(name="GST registration")
    for _ in range(3):
        make_request(service)
    make_payment(service)
    make_provider(name="Priya Raman", capacity=5, open_work=2)
    slot = clock.utc_now().replace(minute=0, second=0, microsecond=0)
    with transaction():
        session.add(ErrorTally(slot=slot, category=ErrorCategory.EMAIL, count=3))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("address", ["/admin/", "/admin/?period=12m", "/admin/?from=2020-01-01&to=2020-02-01"])
def test_axe_finds_nothing(enter, shop, address, scheme):
    page = enter(Role.FINANCE, bypass_csp=True, color_scheme=scheme)
    page.goto(address)
    for summary in page.locator(".plot summary").all():
        summary.click()
    assert violations(page, again_in=scheme) == []


def test_nothing_is_cut_off_on_a_phone(enter, shop):
    page = enter(viewport={"width": 360, "height": 740})
    page.goto("/admin/")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    # Its words stay as large as they are on a wide screen.
    assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('.drawing .tick')).fontSize)") >= 12


def test_days_are_chosen_and_tables_opened_by_keys_and_without_scripts(enter, shop):
    page = enter(java_script_enabled=False)
    page.goto("/admin/")
    page.locator("text=7 days").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**period=7d**")
    page.fill("input[name=from]", "2026-01-01")
    page.click("text=Show")
    page.wait_for_url("**from=2026-01-01**")
    page.goto("/admin/")
    page.locator("#sales summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("#sales table").is_visible()


def test_each_number_is_one_click_from_its_list(enter, shop):
    page = enter()
    page.goto("/admin/")
    page.click("text=Unassigned")
    page.wait_for_url("**view=unassigned**")
