"""How money, times and phone numbers are written on pages and in mails: one way, in the business's locale and zone."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import cast
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from flask import Flask

from app.config import Settings
from app.kit import contact
from app.kit.money import Money


@dataclass(frozen=True, slots=True)
class Formats:
    locale: str
    zone: ZoneInfo

    def money(self, amount: Money) -> str:
        return amount.format(self.locale)

    def moment(self, at: datetime) -> str:
        """`22 Nov 2026, 9:40 pm`"""
        return self._format(at, "d MMM y, h:mm a")

    def short_moment(self, at: datetime) -> str:
        """`Sun 22 Nov, 9:40 pm`: for times close by."""
        return self._format(at, "EEE d MMM, h:mm a")

    def _format(self, at: datetime, pattern: str) -> str:
        return _format(at, pattern, self.zone, self.locale)


# A mail says the same time in its text and in its HTML, a list the same minute in many rows.
@lru_cache(maxsize=2048)
def _format(at: datetime, pattern: str, zone: ZoneInfo, locale: str) -> str:
    return format_datetime(at, pattern, tzinfo=zone, locale=locale)


def init_app(app: Flask) -> None:
    settings = cast(Settings, app.extensions["settings"])
    formats = Formats(settings.locale, settings.time_zone)
    app.jinja_env.filters["money"] = formats.money
    app.jinja_env.filters["moment"] = formats.moment
    app.jinja_env.filters["short_moment"] = formats.short_moment
    app.jinja_env.filters["phone"] = contact.format_phone
    app.jinja_env.globals["links"] = app.extensions["links"]
    app.jinja_env.globals["business_name"] = settings.business_name
    app.jinja_env.globals["support_email"] = settings.support_email
    app.jinja_env.globals["refund_days"] = settings.refund_days
