"""What stands in the cells of lists and on details pages."""

from collections.abc import Callable
from typing import Any

from flask import current_app, get_template_attribute, url_for
from markupsafe import Markup

from app.ages import when
from app.extensions import settings
from app.kit.money import Money
from app.models import User
from app.workflows import gateway_choice

_LONGEST_ID = 18


def money(amount: Money) -> str:
    return amount.format(settings().locale)


def gateway_name(gateway: str) -> str:
    """As staff say it: `PayPal`, and `Sandbox` without what customers are told of it."""
    return gateway_choice.label_of(gateway).partition(" (")[0]


def pill(value: str, label: str) -> Markup:
    macro: Callable[[str, str], Markup] = get_template_attribute("macros/pills.html", "pill")
    return macro(value, label)


def state(member: Any) -> Markup | str:
    return pill(member.value, member.label) if member is not None else "–"


def switch(is_on: bool, *, on: str = "Active", off: str = "Off") -> Markup:
    return pill("active", on) if is_on else pill("off", off)


def moment(of: Callable[[Any], Any]) -> Callable[[Any], Markup]:
    return lambda row: when(of(row))


def link(endpoint: str, text: object, **values: object) -> Markup:
    return Markup('<a href="{}">{}</a>').format(url_for(endpoint, **values), text)  # type: ignore[arg-type]


def mono(text: object) -> Markup | str:
    return Markup('<span class="mono">{}</span>').format(text) if text else "–"


def short_id(text: str | None) -> Markup | str:
    """A gateway's id with its middle left out: its ends tell it apart, and all of it shows on hover."""
    if text is None or len(text) <= _LONGEST_ID:
        return mono(text)
    return Markup('<span class="mono" title="{}">{}…{}</span>').format(text, text[:8], text[-6:])


def request_link(service_request: Any) -> Markup | str:
    if service_request is None:
        return "–"
    return link("requests.page", mono(service_request.reference_number), key=service_request.id)


def affiliate_link(user: User) -> Markup:
    return link("affiliates.of_user", user.name, key=user.id)


def partial_page(template: str, **context: object) -> Markup:
    """A piece of a page that a view puts under its form."""
    return Markup(current_app.jinja_env.get_template(template).render(context))  # noqa: S704 - our own template
