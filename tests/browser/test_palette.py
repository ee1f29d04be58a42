"""The command palette in a browser: what one finds and opens with it, by keyboard alone."""

import pytest
from sqlalchemy import select

from app.db import db
from app.models import Role, Service
from tests.browser.axe import violations
from tests.browser.keyboard import CHOSEN, OPTION, ask, chosen, offered, open_request, press
from tests.factories import PASSWORD, make_customer, make_request, make_user

# --- finding


def test_an_email_and_enter_open_the_request_even_before_the_answer_is_there(enter, desk):
    page = enter()
    page.goto("/admin/payments/")
    ask(page, "kavya@example.org")
    press(page, "Enter")
    page.wait_for_url(f"**/admin/requests/{desk[0].id}")


def test_results_say_whose_they_are_and_how_they_stand(enter, desk):
    page = enter(at="/admin/")
    ask(page, "iyer")
    page.wait_for_selector(CHOSEN)
    line = page.inner_text(CHOSEN)
    for words in (desk[0].reference_number, "Kavya Iyer", "GST registration", "Awaiting first contact"):
        assert words in line
    assert page.inner_text("#palette-state") == "1 result."


def test_arrows_walk_round_the_results_and_enter_opens_the_chosen_one(enter, desk):
    page = enter(at="/admin/")
    ask(page, "priya")
    page.wait_for_selector(f"{OPTION} >> text=Priya Raman")
    assert chosen(page) == desk[1].reference_number
    press(page, "ArrowUp")
    assert chosen(page) == "All requests with “priya”"
    press(page, "ArrowDown", "ArrowDown")
    assert chosen(page) == "Priya Raman"
    active = page.get_attribute("#palette-text", "aria-activedescendant")
    assert page.inner_text(f"#{active} .palette-label") == "Priya Raman"
    press(page, "Enter")
    page.wait_for_url("**/admin/providers/details/**")


def test_what_was_found_opens_in_a_new_tab_too(enter, desk):
    page = enter(at="/admin/")
    ask(page, "iyer")
    page.wait_for_selector(CHOSEN)
    with page.context.expect_page() as opened:
        press(page, "Control+Enter")
    opened.value.wait_for_url(f"**/admin/requests/{desk[0].id}")
    assert page.is_visible("#palette")


def test_an_answer_to_fewer_letters_is_dropped(enter, desk):
    page = enter(at="/admin/")
    held = []
    page.route(
        "**/palette/found", lambda route: held.append(route) if "iyer" in route.request.post_data else route.continue_()
    )
    with page.expect_request("**/palette/found"):
        ask(page, "iyer")
    page.fill("#palette-text", "nair")
    page.wait_for_selector(f"{OPTION} >> text=Priya Nair")
    for route in held:
        route.continue_()
    page.wait_for_load_state("networkidle")
    assert desk[0].reference_number not in offered(page)


def test_enter_never_opens_what_was_found_for_fewer_letters(enter, desk):
    make_request(customer=make_customer(full_name="Kavya Rao"))
    page = enter(at="/admin/")
    ask(page, "kavya")
    page.wait_for_selector(f"{OPTION} >> text=Kavya Rao")
    page.keyboard.type(" iyer")
    press(page, "Enter")
    page.wait_for_url(f"**/admin/requests/{desk[0].id}")


def test_offline_it_says_so_and_goes_on_when_back(enter, desk):
    page = enter(at="/admin/")
    ask(page, "")
    page.wait_for_selector(f"{OPTION} >> text=Payments")
    page.context.set_offline(True)
    page.keyboard.type("iye")
    page.wait_for_selector("#palette-state >> text=offline")
    page.context.set_offline(False)
    page.keyboard.type("r")
    page.wait_for_selector(f"{OPTION} >> text=Kavya Iyer")
    assert "offline" not in page.inner_text("#palette-state")


def test_a_signed_out_screen_says_so(enter, desk):
    page = enter(at="/admin/")
    page.context.clear_cookies()
    ask(page, "iyer")
    page.wait_for_selector("#palette-state >> text=You were signed out.")


def test_nothing_found_says_what_can_be_looked_for(enter, desk):
    page = enter(at="/admin/")
    ask(page, "nobody of that name")
    page.wait_for_selector("#palette-state >> text=Nothing found.")
    press(page, "Enter")
    assert page.is_visible("#palette")
    press(page, "ArrowDown", "Enter")
    page.wait_for_url("**/admin/requests/?view=all&q=nobody**")


# --- pages and things to begin


def test_it_leads_to_pages_by_their_other_names_too(enter, desk):
    page = enter(at="/admin/")
    ask(page, "webh")
    page.wait_for_selector(CHOSEN)
    assert chosen(page) == "Gateway messages"
    press(page, "Enter")
    page.wait_for_url("**/admin/webhook_events/")


def test_enter_does_nothing_before_something_is_typed_or_chosen(enter, desk):
    page = enter(at="/admin/")
    ask(page, "")
    page.wait_for_selector(f"{OPTION} >> text=Payments")
    press(page, "Enter")
    assert page.is_visible("#palette")
    press(page, "Escape")
    assert not page.is_visible("#palette")


def test_an_administrator_begins_a_service_from_anywhere(enter, desk):
    page = enter(Role.ADMIN, at="/admin/")
    ask(page, "new ser")
    page.wait_for_selector(CHOSEN)
    press(page, "Enter")
    page.wait_for_url("**/admin/services/new/**")


def test_a_list_is_filtered_by_words(enter, desk):
    page = enter()
    page.goto("/admin/requests/")
    ask(page, "last month")
    page.wait_for_selector(CHOSEN)
    assert chosen(page) == "Bought: last month"
    press(page, "Enter")
    page.wait_for_url("**period=last**")
    ask(page, "bought any")
    press(page, "Enter")
    page.wait_for_selector("table.requests")


def test_a_field_of_a_form_is_reached_by_its_name(enter, desk):
    page = enter(Role.ADMIN, at="/admin/")
    ask(page, "gst")
    press(page, "Enter")
    page.wait_for_url("**/admin/services/edit/**")
    ask(page, "price")
    press(page, "Enter")
    page.wait_for_selector("[name=price]:focus")
    page.keyboard.type("1999")
    press(page, "Control+Enter")
    page.wait_for_selector("text=Saved.")
    assert db.session.scalars(select(Service.price_minor)).all() == [199_900]


# --- for everybody


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (360, "light"), (1440, "dark")])
def test_palette_and_keys_keep_nobody_out(enter, desk, width, scheme):
    page = enter(Role.ADMIN, viewport={"width": width, "height": 740}, bypass_csp=True, color_scheme=scheme)
    open_request(page, desk[0])
    page.click("[data-palette]")
    page.wait_for_selector(f"{OPTION} >> text=Payments")
    assert violations(page, again_in=scheme) == []
    page.keyboard.type("priya")
    page.wait_for_selector(f"{OPTION} >> text=Priya Raman")
    assert violations(page, again_in=scheme) == []
    page.fill("#palette-text", "zzzz")
    page.wait_for_selector("#palette-state >> text=Nothing found")
    assert violations(page, again_in=scheme) == []
    assert page.evaluate("document.querySelector('#palette').scrollWidth <= innerWidth")
    press(page, "Escape", "a")
    page.wait_for_selector(f"{OPTION} >> text=Arvind Rao")
    assert violations(page, again_in=scheme) == []
    press(page, "Escape", "?")
    page.wait_for_selector("#keys[open]")
    assert violations(page, again_in=scheme) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_focus_returns_where_it_was(enter, desk):
    page = enter()
    open_request(page, desk[0])
    page.focus("#note")
    press(page, "Control+k")
    assert page.evaluate("document.activeElement.id") == "palette-text"
    press(page, "Escape")
    assert page.evaluate("document.activeElement.id") == "note"
    press(page, "Control+k", "Control+k")
    assert page.evaluate("document.activeElement.id") == "note"


def test_without_scripts_the_search_stays(enter, desk):
    page = enter(java_script_enabled=False, at="/admin/")
    page.fill("#search", "kavya@example.org")
    page.press("#search", "Enter")
    page.wait_for_selector(f"text={desk[0].reference_number}")


def test_a_partner_has_no_palette(open_page, session):
    user = make_user(Role.PROVIDER)
    page = open_page()
    page.goto("/login")
    page.fill("#email", user.email)
    page.fill("#password", PASSWORD)
    page.click("text=Sign in >> nth=-1")
    page.wait_for_url("**/provider/")
    page.goto("/admin/requests/")
    press(page, "Control+k", "?")
    assert page.locator("#palette, #keys").count() == 0
