"""Which fields of audit entries are known to name nobody: all others are masked for some, and erased on request."""

from typing import Any

from app.kit.ids import parse_id

ERASED = "[erased]"

IMPERSONAL = frozenset(
    """affiliate amount amount_minor availability batch bulk_change capacity categories category code currency
    error first_contact_hours flag gateway is_active is_default is_enabled kind lines mode outcome payment
    percent place price_minor provider rate rates replaced requests role service services settles_request
    shared sort_order state status""".split()
)


def without_persons(side: dict[str, Any]) -> dict[str, Any]:
    """One side of a change with everything taken out that may be personal; what is missing stays missing."""
    return {name: value if _is_kept(name, value) else ERASED for name, value in side.items()}


def _is_kept(name: str, value: Any) -> bool:
    if name in IMPERSONAL or isinstance(value, bool | None) or value in ("", [], {}):
        return True
    return isinstance(value, str) and parse_id(value) is not None
