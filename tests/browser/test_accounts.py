"""Getting in, and looking after one's account: by keys alone, on a phone, without anything that axe finds."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest

from app.db import transaction
from app.models import Role
from app.workflows import second_factor
from app.workflows.audit import SYSTEM
from tests.browser.axe import violations
from tests.factories import PASSWORD, make_user

PHONE = {"width": 360, "height": 740}


def is_narrow(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_the_password_and_the_code_are_entered_by_keys_alone(open_page: Any, session: Any) -> None:
    user = make_user(Role.FINANCE)
    with transaction():
        second_factor.begin(user)
        totp = pyotp.TOTP(user.totp_secret_sealed)
        second_factor.enable(user, totp.at(datetime.now(UTC) - timedelta(seconds=30)), actor=SYSTEM)
    page = open_page(viewport=PHONE)
    page.goto("/login?next=/account")
    page.wait_for_selector("input:focus")
    page.keyboard.type(user.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "/login/code" in address)
    page.wait_for_selector("input:focus")
    page.keyboard.type(totp.now())
    page.keyboard.press("Enter")
    # The address of the page before ends alike.
    page.wait_for_selector("h1 >> text=Your account")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pages_about_accounts(enter: Any, open_page: Any, scheme: str) -> None:
    page = enter(Role.PROVIDER, bypass_csp=True, viewport=PHONE, color_scheme=scheme)
    page.goto("/account/second-factor")
    page.click("text=Show the code to scan")
    page.wait_for_selector(".qr svg")
    stranger = open_page(bypass_csp=True, viewport=PHONE, color_scheme=scheme)
    for looker, addresses in {
        page: ("/account/second-factor", "/account", "/account/password", "/account/confirm"),
        stranger: ("/login", "/reset", "/reset/choose?key=x"),
    }.items():
        for address in addresses:
            looker.goto(address)
            assert violations(looker, again_in=scheme) == [], address
            assert is_narrow(looker), address
