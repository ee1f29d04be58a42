"""Working the console by keys alone."""

from typing import Any

from app.models import ServiceRequest

OPTION = "#palette [role=option]"
CHOSEN = f"{OPTION}[aria-selected=true]"


def press(page: Any, *keys: str) -> None:
    # A new page is in sight before its scripts listen.
    page.wait_for_load_state()
    for key in keys:
        page.keyboard.press(key)


def ask(page: Any, text: str) -> None:
    """Open the palette and type."""
    press(page, "Control+k")
    page.keyboard.type(text)


def offered(page: Any) -> list[str]:
    return page.locator(f"{OPTION} .palette-label").all_inner_texts()


def chosen(page: Any) -> str:
    """What Enter would open."""
    page.wait_for_selector(CHOSEN)
    return page.inner_text(f"{CHOSEN} .palette-label")


def open_request(page: Any, request: ServiceRequest) -> None:
    page.goto(f"/admin/requests/{request.id}")
