"""Every public page: no axe violation in light or dark, nothing cut off on a narrow phone."""

from collections.abc import Callable
from typing import Any

import pytest

from app.db import transaction
from app.extensions import links
from app.gateways.base import SnapshotStatus
from app.kit import ids
from app.models import RequestStatus
from app.workflows import payments
from tests.browser.axe import violations
from tests.browser.filling import PAY
from tests.checkout.test_purchase import local
from tests.factories import make_payment, make_request, make_service, snapshot_of


@pytest.fixture
def addresses(service: Any) -> dict[str, str]:
    """One of every page, in every state."""
    make_service(name="A service without options, and with a rather long name that has to wrap")
    paid, waiting, failed = make_request(service), make_payment(service), make_payment(service)
    done = make_request(service, status=RequestStatus.COMPLETED)
    with transaction():
        payments.settle(failed.id, snapshot_of(failed, SnapshotStatus.FAILED))
    failed_reference = failed.service_request.reference_number
    return {
        "shop": "/",
        "checkout": f"/services/{service.id}",
        "confirmation": local(links().confirmation(paid.reference_number)),
        "checking": local(links().confirmation(waiting.service_request.reference_number)),
        "failed": local(links().pay(failed_reference)),
        "sandbox": local(waiting.redirect_url or ""),
        "api": "/api/docs",
        "track": "/track",
        "mistyped": "/track/SR-1",
        "tracking": f"/track/{paid.reference_number}",
        "tracking unpaid": f"/track/{failed_reference}",
        "tracking done": f"/track/{done.reference_number}",
        "unknown": f"/track/{ids.new_reference_number()}",
        "not found": "/nothing",
        "refused": f"/requests/{paid.reference_number}/confirmation",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(open_page: Callable[..., Any], addresses: dict[str, str], scheme: str) -> None:
    page = open_page(bypass_csp=True, color_scheme=scheme, reduced_motion="reduce")
    found = {}
    for name, address in addresses.items():
        page.goto(address)
        found[name] = violations(page, again_in=scheme)
    assert not {name: broken for name, broken in found.items() if broken}


def test_axe_finds_nothing_in_a_form_with_errors(open_page: Callable[..., Any], addresses: dict[str, str]) -> None:
    page = open_page(bypass_csp=True)
    page.goto(addresses["checkout"])
    page.press("#full_name", "Enter")
    page.wait_for_selector("#phone-error:not(:empty)")
    assert not violations(page)
    page.route("**/check", lambda route: route.abort())
    page.goto(addresses["checkout"])
    page.fill("#full_name", " ")
    page.click(f"{PAY}:enabled")
    page.wait_for_selector("#summary")
    assert not violations(page)


def test_nothing_is_cut_off_at_320_pixels(open_page: Callable[..., Any], addresses: dict[str, str]) -> None:
    page = open_page(viewport={"width": 320, "height": 640})
    widths = {}
    for name, address in addresses.items():
        page.goto(address)
        widths[name] = page.evaluate("document.documentElement.scrollWidth")
    assert not {name: width for name, width in widths.items() if width > 320}
