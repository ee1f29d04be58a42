"""Providers as lines of a CSV file: the same headings in the export, the template and the import."""

from collections.abc import Mapping
from typing import Any

from app.errors import wrong
from app.kit.contact import InvalidContact, parse_email
from app.models import Availability, Category, ProviderProfile
from app.workflows import providers
from app.workflows.accounts import MAXIMUM_NAME_LENGTH
from app.workflows.sheets import Heading

NEEDED = ("name", "email")
"""The columns that a file cannot do without."""
REQUIRED = ("name", "email")
"""The cells that a new provider cannot do without."""
_ACCOUNT = {"active": True, "closed": False}
NEW: Mapping[str, Any] = {
    "title": "",
    "capacity": 10,
    "availability": Availability.AVAILABLE.value,
    "categories": [],
    "services": [],
    "is_enabled": True,
}
"""What a new one is unless the line says otherwise."""


def _read_email(text: str) -> str:
    try:
        return parse_email(text).lower()
    except InvalidContact as error:
        raise wrong("email", str(error)) from error


def _read_name(text: str) -> str:
    if not text or len(text) > MAXIMUM_NAME_LENGTH:
        raise wrong("name", f"Write a name of up to {MAXIMUM_NAME_LENGTH} characters.")
    return text


def _read_title(text: str) -> str:
    if len(text) > providers.LONGEST_TITLE:
        raise wrong("title", f"Use up to {providers.LONGEST_TITLE} characters.")
    return text


def _read_availability(text: str) -> str:
    for availability in Availability:
        if text.casefold() == availability.label.casefold():
            return availability.value
    raise wrong("availability", "Use available or away.")


def _read_account(text: str) -> bool:
    if text.casefold() not in _ACCOUNT:
        raise wrong("is_enabled", "Use active or closed.")
    return _ACCOUNT[text.casefold()]


def _read_categories(text: str) -> list[str]:
    found = set()
    for part in parts(text):
        known = [each for each in Category if part.casefold() in {each.value, each.label.casefold()}]
        if not known:
            choices = ", ".join(category.label for category in Category)
            raise wrong("categories", f"“{part}” is no category. Use some of: {choices}.")
        found.add(known[0].value)
    return sorted(found)


def parts(text: str) -> list[str]:
    return [part.strip() for part in text.replace(";", "\n").split("\n") if part.strip()]


def _service_names(profile: ProviderProfile) -> str:
    return "\n".join(sorted(skill.service.name for skill in profile.skills if skill.service))


def _category_names(profile: ProviderProfile) -> str:
    return "\n".join(skill.label for skill in sorted(each.category for each in profile.skills if each.category))


def _never(_text: str) -> None:
    raise NotImplementedError


HEADINGS = (
    Heading("Id", "id", lambda row: str(row.id), str),
    Heading("Name", "name", lambda row: row.user.name, _read_name),
    Heading("Email", "email", lambda row: row.user.email, _read_email),
    Heading("Title", "title", lambda row: row.title, _read_title),
    Heading("Open requests at most", "capacity", lambda row: str(row.capacity), providers.parse_capacity),
    Heading("Availability", "availability", lambda row: row.availability.label, _read_availability),
    Heading("Knows all of", "categories", _category_names, _read_categories),
    # Which services there are is the book's to know.
    Heading("Services", "services", _service_names, _never),
    Heading("Account", "is_enabled", lambda row: "active" if row.user.is_enabled else "closed", _read_account),
    Heading("Open work", "open_work", lambda row: str(row.open_work)),
)
BY_FIELD = {heading.field: heading for heading in HEADINGS}

TEMPLATE = (
    {
        "name": "Priya Raman",
        "email": "priya.raman@example.com",
        "title": "Chartered accountant",
        "capacity": "12",
        "availability": "Available",
        "categories": Category.CA.label,
        "is_enabled": "active",
    },
)
