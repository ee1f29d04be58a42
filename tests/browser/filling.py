"""Filling in the checkout page by hand."""

from typing import Any

PAY = "[data-pay]"
CUSTOMER = {
    "full_name": "Kavya Iyer",
    "email": "kavya.iyer@example.org",
    "phone": "70000 12345",
    "requirements": "Please call me after 4 pm.",
}


def fill(page: Any, **changes: str) -> None:
    """Type into every field and leave it."""
    for name, value in (CUSTOMER | changes).items():
        page.fill(f"#{name}", value)
    page.evaluate("document.activeElement.blur()")


def wait_for_verdict(page: Any) -> None:
    page.wait_for_selector(f"{PAY}:not([aria-busy])")


def is_payable(page: Any) -> bool:
    wait_for_verdict(page)
    enabled: bool = page.is_enabled(PAY)
    return enabled


def problems_shown(page: Any) -> dict[str, str]:
    """What stands under each field."""
    found: dict[str, str] = page.eval_on_selector_all(
        "[data-field]",
        "boxes => Object.fromEntries(boxes.map(box => "
        "[box.dataset.field, box.querySelector('[data-problem]').textContent]).filter(([, text]) => text))",
    )
    return found
