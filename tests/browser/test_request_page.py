"""The page of one request, as somebody works on it."""

from collections.abc import Callable
from typing import Any

from app.models import ServiceRequest
from tests.browser.keyboard import open_request

NOTE = "Called, papers come tomorrow."


def press_and_wait(page: Any, words: str) -> None:
    with page.expect_navigation():
        page.click(words)


def test_a_note_outlives_the_other_buttons(enter: Callable[..., Any], desk: list[ServiceRequest]) -> None:
    page = enter()
    open_request(page, desk[0])
    page.fill("#note", NOTE)
    press_and_wait(page, "text=Take it")
    assert page.input_value("#note") == NOTE
    open_request(page, desk[1])
    assert page.input_value("#note") == ""
    open_request(page, desk[0])
    press_and_wait(page, "text=Add note >> nth=-1")
    assert page.is_visible(f".timeline >> text={NOTE}")
    assert page.input_value("#note") == ""
