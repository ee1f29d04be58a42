"""The checkout form in a real browser: its verdict is the server's, at the right moment, with and without scripts."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from sqlalchemy import func, select

from app.db import db
from app.models import ServiceRequest
from tests.browser.filling import CUSTOMER, PAY, fill, is_payable, problems_shown, wait_for_verdict
from tests.checkout.answers import answers, anything, right_answers
from tests.pages import Page


def servers_verdict(client: Any, service: Any, values: dict[str, str]) -> tuple[bool, str]:
    """What the server says to the same answers when they are sent, and the words of its page."""
    answer = client.submit(f"/services/{service.id}", right_answers(service) | values)
    return answer.status_code == 303, Page(answer.text).words


@pytest.mark.long
@pytest.mark.property(6, 8)
@given(judged=answers())
def test_the_page_says_what_the_server_says(page: Any, client: Any, service: Any, judged: Any) -> None:
    values, wrong = judged
    open_once(page, service)
    fill(page, **values)
    may_pay = is_payable(page)
    is_valid, words = servers_verdict(client, service, values)
    assert may_pay is is_valid is not bool(wrong)
    shown = problems_shown(page)
    assert set(shown) == wrong
    assert all(problem in words for problem in shown.values())


@pytest.mark.long
@pytest.mark.property(6, 8)
@given(values=anything())
def test_whatever_is_pasted_gets_one_verdict(page: Any, client: Any, service: Any, values: dict[str, str]) -> None:
    open_once(page, service)
    fill(page, **values)
    may_pay = is_payable(page)
    is_valid, words = servers_verdict(client, service, values)
    assert may_pay is is_valid
    assert all(problem in words for problem in problems_shown(page).values())


def test_what_is_still_needed_is_told_in_the_order_of_the_page(page: Any, service: Any) -> None:
    page.goto(f"/services/{service.id}")
    page.get_by_text("Still needed: full name, email, phone, what you need.").wait_for()
    page.get_by_label("Phone").fill(CUSTOMER["phone"])
    page.get_by_text("Still needed: full name, email, what you need.").wait_for()


# The page asks nobody longer than some seconds; a busy machine may take them.
PATIENT = """
    const usual = setTimeout;
    window.setTimeout = (run, pause, ...more) => usual(run, pause < 5000 ? pause : 600000, ...more);
"""


def open_once(page: Any, service: Any) -> None:
    if not page.url.endswith(str(service.id)):
        page.add_init_script(PATIENT)
        page.goto(f"/services/{service.id}")


def test_an_empty_form_cannot_be_paid_and_says_what_is_needed_without_blame(page: Any, service: Any) -> None:
    page.goto(f"/services/{service.id}")
    assert not is_payable(page)
    assert problems_shown(page) == {}


def test_no_error_while_the_first_word_is_typed_and_none_left_once_it_is_right(page: Any, service: Any) -> None:
    page.goto(f"/services/{service.id}")
    page.locator("#email").press_sequentially("kavya")
    page.wait_for_timeout(500)
    assert problems_shown(page) == {}
    page.focus("#phone")
    page.wait_for_selector("#email-error:has-text('name@example.com')")
    assert page.get_attribute("#email", "aria-invalid") == "true"
    page.locator("#email").press_sequentially("@example.org")
    page.wait_for_selector("#email-error", state="hidden")
    assert page.get_attribute("#email", "aria-invalid") is None


def test_the_button_opens_with_the_last_answer_and_closes_with_a_wrong_one(page: Any, service: Any) -> None:
    page.goto(f"/services/{service.id}")
    fill(page, requirements="")
    assert not is_payable(page)
    page.locator("#requirements").press_sequentially("Please")
    assert is_payable(page)
    page.fill("#phone", "12")
    assert not is_payable(page)


def test_the_button_says_the_amount_of_the_chosen_tier(open_page: Callable[..., Any], service: Any) -> None:
    for has_scripts in (True, False):
        page = open_page(java_script_enabled=has_scripts)
        page.goto(f"/services/{service.id}")
        assert " ".join(page.inner_text(PAY).split()) == "Pay ₹1,000.00"
        page.check(f"input[value='{service.active_tiers[1].id}']")
        assert " ".join(page.inner_text(PAY).split()) == "Pay ₹2,000.00"


def test_when_nobody_can_be_asked_the_button_is_open_and_the_server_decides(page: Any, service: Any) -> None:
    page.route("**/check", lambda route: route.abort())
    page.goto(f"/services/{service.id}")
    fill(page, email="nonsense")
    assert is_payable(page)
    page.click(PAY)
    page.wait_for_selector("#summary")
    assert problems_shown(page) == {"email": "Enter an email address like name@example.com."}
    page.unroute("**/check")
    page.fill("#email", CUSTOMER["email"])
    page.wait_for_selector("#summary", state="hidden")
    assert is_payable(page)


def test_without_scripts_every_error_is_shown_at_once_and_the_summary_has_the_focus(
    open_page: Callable[..., Any], service: Any
) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(f"/services/{service.id}")
    page.fill("#full_name", CUSTOMER["full_name"])
    page.fill("#email", "nonsense")
    assert page.is_enabled(PAY)
    page.click(PAY)
    page.wait_for_selector("#summary:focus")
    page.wait_for_load_state()
    assert page.locator("#summary li").count() == 3
    assert page.input_value("#full_name") == CUSTOMER["full_name"]
    assert page.input_value("#email") == "nonsense"
    page.click("#summary a >> text=phone")
    page.wait_for_selector("#phone:focus")


def test_enter_in_an_unfinished_form_leads_to_what_is_missing(page: Any, service: Any) -> None:
    page.goto(f"/services/{service.id}")
    page.fill("#full_name", CUSTOMER["full_name"])
    page.press("#full_name", "Enter")
    page.wait_for_selector("#email:focus")
    assert set(problems_shown(page)) == {"email", "phone", "requirements"}


def test_a_form_can_be_filled_in_and_paid_by_keyboard_alone(page: Any, service: Any) -> None:
    page.goto(f"/services/{service.id}")
    page.focus("input[name=tier] >> nth=0")
    page.keyboard.press("ArrowDown")
    for value in CUSTOMER.values():
        page.keyboard.press("Tab")
        page.keyboard.type(value)
    wait_for_verdict(page)
    page.keyboard.press("Tab")
    assert page.locator(f"{PAY}:focus").count() == 1
    page.keyboard.press("Enter")
    page.wait_for_url("**/sandbox/pay/**")
    assert "₹2,000.00" in page.inner_text("h1")


def test_two_presses_are_one_request(page: Any, service: Any) -> None:
    page.goto(f"/services/{service.id}")
    fill(page)
    assert is_payable(page)
    page.evaluate("() => { const button = document.querySelector('[data-pay]'); button.click(); button.click(); }")
    page.wait_for_url("**/sandbox/pay/**")
    assert requests_made() == 1


def test_back_and_pay_again_is_the_same_request(page: Any, service: Any) -> None:
    page.goto(f"/services/{service.id}")
    fill(page)
    assert is_payable(page)
    page.click(PAY)
    page.wait_for_url("**/sandbox/pay/**")
    first = page.url
    page.go_back()
    assert page.input_value("#email") == CUSTOMER["email"]
    page.wait_for_selector(f"{PAY}:enabled")
    assert " ".join(page.inner_text(PAY).split()) == "Pay ₹1,000.00"
    page.click(PAY)
    page.wait_for_url("**/sandbox/pay/**")
    assert page.url == first
    assert requests_made() == 1


def requests_made() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(ServiceRequest)) or 0
