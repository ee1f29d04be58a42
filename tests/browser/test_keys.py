"""Keys that work on every page of the console, and those of a request's page."""

from sqlalchemy import select

from app.db import db
from app.models import Refund, RequestNote, RequestStatus, Role, ServiceRequest, UserPreference
from tests.browser.keyboard import OPTION, ask, chosen, offered, open_request, press
from tests.factories import make_request


def stored(key):
    db.session.rollback()
    return db.session.get_one(ServiceRequest, key, populate_existing=True)


# --- a request's page


def test_a_request_is_assigned_moved_on_and_noted_without_the_mouse(enter, desk):
    key = desk[0].id
    page = enter()
    open_request(page, desk[0])
    press(page, "a")
    page.keyboard.type("arv")
    assert chosen(page).startswith("Arvind Rao")
    press(page, "Enter")
    page.wait_for_selector("text=Saved.")
    press(page, "s")
    page.keyboard.type("in")
    press(page, "Enter")
    page.wait_for_selector(".page-states >> text=In progress")
    press(page, "n")
    page.keyboard.type("Called, papers come tomorrow.")
    press(page, "Control+Enter")
    page.wait_for_selector(".timeline >> text=Called, papers come tomorrow.")
    press(page, "e")
    assert page.evaluate("document.activeElement.textContent") == "Mark completed"
    assert stored(key).status is RequestStatus.IN_PROGRESS
    press(page, "Enter")
    page.wait_for_selector(".page-states >> text=Completed")
    assert (stored(key).status, stored(key).provider.name) == (RequestStatus.COMPLETED, "Arvind Rao")
    assert db.session.scalars(select(RequestNote.body)).all() == ["Called, papers come tomorrow."]


def test_a_status_that_wants_a_reason_asks_for_it(enter, desk):
    request = make_request(status=RequestStatus.COMPLETED)
    page = enter()
    open_request(page, request)
    press(page, "s")
    page.keyboard.type("in pro")
    press(page, "Enter")
    page.wait_for_selector("[id=status-note]:focus")
    page.keyboard.type("A paper was missing.")
    press(page, "Control+Enter")
    page.wait_for_selector(".page-states >> text=In progress")
    assert stored(request.id).status is RequestStatus.IN_PROGRESS


def test_shift_enter_leaves_room_for_a_note_to_the_customer(enter, desk):
    page = enter()
    open_request(page, desk[0])
    ask(page, "set status in")
    assert chosen(page) == "Set status In progress"
    press(page, "Shift+Enter")
    page.wait_for_selector("[id=status-note]:focus")
    page.keyboard.type("We start today.")
    press(page, "Control+Enter")
    page.wait_for_selector(".timeline >> text=We start today.")


def test_a_name_that_is_not_to_choose_is_said_and_mended(enter, desk):
    page = enter()
    open_request(page, desk[0])
    press(page, "a")
    page.keyboard.type("arx")
    page.wait_for_selector("#palette-state >> text=Nothing of that name.")
    assert not offered(page)
    press(page, "Enter", "Backspace")
    assert chosen(page).startswith("Arvind Rao")
    assert stored(desk[0].id).assigned_provider_id is None


def test_who_looks_for_a_customer_assigns_nobody(enter, desk):
    page = enter()
    open_request(page, desk[0])
    ask(page, "priya")
    page.wait_for_selector(f"{OPTION} >> text=Priya Nair")
    assert not [line for line in offered(page) if line.startswith("Assign")]
    press(page, "Enter")
    page.wait_for_url(f"**/admin/requests/{desk[1].id}")
    assert stored(desk[0].id).assigned_provider_id is None
    ask(page, "assign priya")
    assert chosen(page).startswith("Assign to Priya Raman")


def test_half_is_refunded_by_keys(enter, desk):
    page = enter(Role.FINANCE)
    open_request(page, desk[0])
    press(page, "r")
    page.wait_for_selector("[name=amount]:focus")
    page.keyboard.type("1249.50")
    press(page, "Control+Enter")
    page.wait_for_selector(".notice")
    assert db.session.scalars(select(Refund.amount_minor)).all() == [124_950]


def test_the_reference_is_copied_by_a_key(enter, desk):
    page = enter()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_request(page, desk[0])
    press(page, "c")
    page.wait_for_selector("text=Copied")
    assert page.evaluate("navigator.clipboard.readText()") == desk[0].reference_number


def test_the_link_to_pay_is_offered_while_it_can_be_used(enter, desk):
    page = enter()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_request(page, make_request(is_paid=False))
    ask(page, "copy link")
    press(page, "Enter")
    page.wait_for_selector("text=Copied")
    assert "/pay" in page.evaluate("navigator.clipboard.readText()")


def test_a_viewer_is_offered_nothing_to_change(enter, desk):
    page = enter(Role.VIEWER)
    open_request(page, desk[0])
    press(page, "a", "s", "n", "r", "e")
    assert not page.is_visible("#palette")
    ask(page, "")
    page.wait_for_selector(f"{OPTION} >> text=Payments")
    assert not {"Assign to…", "Set status…", "Add a note", "New service"} & set(offered(page))


# --- everywhere


def test_g_and_a_letter_lead_to_a_page(enter, desk):
    page = enter(at="/admin/")
    press(page, "g", "p")
    page.wait_for_url("**/admin/payments/")
    press(page, "g", "r")
    page.wait_for_url("**/admin/requests/")
    press(page, "g", "h")
    page.wait_for_url("**/admin/")


def test_after_g_a_letter_is_not_the_pages_own(enter, desk):
    page = enter()
    open_request(page, desk[0])
    press(page, "g", "s")
    page.wait_for_url("**/admin/services/")


def test_keys_do_nothing_while_typing_or_with_a_modifier(enter, desk):
    page = enter()
    open_request(page, desk[0])
    page.focus("#note")
    page.keyboard.type("gp a s ? [")
    assert page.input_value("#note") == "gp a s ? ["
    assert not page.is_visible("#palette")
    page.evaluate("document.activeElement.blur()")
    press(page, "Alt+a", "Control+e", "Alt+s")
    assert not page.is_visible("#palette")
    assert page.url.endswith(str(desk[0].id))


def test_brackets_walk_through_the_list_and_u_leads_back(enter, desk):
    page = enter()
    page.goto("/admin/requests/?view=todo")
    press(page, "j", "Enter")
    page.wait_for_url(f"**/admin/requests/{desk[1].id}**")
    press(page, "]")
    page.wait_for_url(f"**/admin/requests/{desk[0].id}**")
    press(page, "[")
    page.wait_for_url(f"**/admin/requests/{desk[1].id}**")
    press(page, "]")
    page.wait_for_url(f"**/admin/requests/{desk[0].id}**")
    press(page, "u")
    assert page.get_attribute("tr.here", "data-row") == str(desk[0].id)


def test_single_keys_can_be_switched_off_and_on_again(enter, desk):
    page = enter()
    open_request(page, desk[0])
    press(page, "?")
    with page.expect_response("**/palette/keys"):
        page.click("text=Single keys do something.")
    press(page, "Escape", "a", "?", "g", "p", "/")
    assert not page.is_visible("dialog[open]")
    assert page.evaluate("document.activeElement.tagName") == "BODY"
    page.goto("/admin/requests/")
    here = "document.querySelector('tr.here')?.dataset.row ?? null"
    before = page.evaluate(here)
    press(page, "j", "g", "p")
    assert page.evaluate(here) == before
    ask(page, "keys")
    press(page, "Enter")
    page.wait_for_selector("#keys")
    assert not page.is_checked("[name=single]")
    with page.expect_response("**/palette/keys"):
        page.click("text=Single keys do something.")
    press(page, "Escape", "g", "p")
    page.wait_for_url("**/admin/payments/")
    assert len(db.session.scalars(select(UserPreference)).all()) == 1


def test_single_keys_are_off_before_the_answer_and_on_again_when_that_could_not_be_saved(enter, desk):
    page = enter()
    open_request(page, desk[0])
    held = []
    page.route("**/palette/keys", lambda route: held.append(route))  # noqa: PLW0108 - Playwright marks what it is given.
    press(page, "?")
    with page.expect_request("**/palette/keys"):
        page.click("text=Single keys do something.")
    press(page, "Escape", "a")
    assert not page.is_visible("dialog[open]")
    ask(page, "keys")
    press(page, "Enter")
    page.wait_for_selector("#keys[open]")
    with page.expect_event("requestfailed"):
        held[0].abort()
    page.wait_for_selector("#keys >> text=This could not be saved")
    assert page.is_checked("[name=single]")
    press(page, "Escape", "a")
    page.wait_for_selector("#palette[open]")


def test_the_list_of_keys_names_those_of_the_page(enter, desk):
    page = enter()
    open_request(page, desk[0])
    press(page, "?")
    own = page.inner_text("[data-keys-page]")
    for words in ("Assign to", "Set status", "Add a note", "Copy the reference"):
        assert words in own
    assert "Payments" in page.inner_text("#keys")
    page.goto("/admin/requests/")
    press(page, "?")
    assert "select it" in page.inner_text("[data-keys-page]")
    page.goto("/admin/gateways/sandbox")
    press(page, "?")
    assert not page.is_visible("[data-keys-page]")


def test_every_list_is_walked_by_keys(enter, desk):
    page = enter()
    page.goto("/admin/notifications/")
    press(page, "j", "j", "x")
    assert page.locator("[data-row] >> nth=1 >> input").is_checked()
    press(page, "k", "Enter")
    page.wait_for_url("**/admin/notifications/details/**")
    page.goto("/admin/providers/")
    press(page, "?")
    assert "next, previous row" in page.inner_text("[data-keys-page]")


def test_rows_are_selected_from_one_to_another(enter, desk):
    for _ in range(3):
        make_request()
    page = enter()
    page.goto("/admin/requests/")
    press(page, "j", "x", "j", "j", "j", "X")
    assert page.inner_text("[data-count]") == "4"
    page.reload()
    page.check("[name=rowid] >> nth=1")
    page.click("[name=rowid] >> nth=3", modifiers=["Shift"])
    assert page.inner_text("[data-count]") == "3"


def test_selected_requests_are_assigned_by_keys(enter, desk):
    page = enter()
    page.goto("/admin/requests/")
    press(page, "j", "x", "j", "x", "a")
    page.keyboard.type("arv")
    assert chosen(page).startswith("Arvind Rao")
    press(page, "Enter")
    page.wait_for_selector("text=2 requests done")
    assert {stored(request.id).provider.name for request in desk} == {"Arvind Rao"}


def test_a_new_entry_is_filled_in_from_its_first_field(enter, desk):
    page = enter(Role.ADMIN)
    page.goto("/admin/providers/new/")
    page.keyboard.type("Meenal Shah")
    assert page.input_value("#name") == "Meenal Shah"
