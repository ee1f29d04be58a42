"""The form of an affiliate: account, code, rates in percent."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from markupsafe import Markup, escape
from sqlalchemy import select
from wtforms import BooleanField, Field, IntegerField, StringField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import TextInput

from app.admin.account_forms import NEEDED, AccountForm
from app.db import db
from app.kit.money import format_percent, parse_percent
from app.models import Service

_PERCENT = "Enter a percentage between 0 and 100, like 7.5."


class PercentField(IntegerField):
    """A share as people write it; `data` is basis points."""

    widget = TextInput()

    def _value(self) -> str:
        typed: list[Any] = self.raw_data or []
        if typed:
            return str(typed[0])
        return "" if self.data is None else format_percent(self.data)

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = None
        self.data = _parse(valuelist[0] if valuelist else "")


class RatesField(Field):
    """A rate for some of the services; blank is the affiliate's own. `data` is basis points by service."""

    def __init__(self, *arguments: Any, services: Callable[[], Sequence[tuple[UUID, str]]], **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.services = services()

    def process(self, formdata: Any, *arguments: Any, **more: Any) -> None:
        super().process(formdata, *arguments, **more)
        self.typed: dict[UUID, str] = {}
        if formdata is None or not formdata:
            return
        self.typed = {key: formdata.get(self._name_of(key), "").strip() for key, _ in self.services}
        self.data = {}
        for key, name in self.services:
            self._read(key, name)

    def _read(self, key: UUID, name: str) -> None:
        if not self.typed[key]:
            return
        try:
            self.data[key] = _parse(self.typed[key])
        except ValueError:
            self.process_errors = [*self.process_errors, f"{name}: {_PERCENT[0].lower()}{_PERCENT[1:]}"]

    def _name_of(self, key: UUID) -> str:
        return f"{self.name}-{key}"

    def __call__(self, **_attributes: Any) -> Markup:
        rates: Mapping[UUID, int] = self.data or {}
        return Markup('<div class="rates">{}</div>').format(
            Markup("").join(self._line(key, name, rates.get(key)) for key, name in self.services)
        )

    def _line(self, key: UUID, name: str, rate: int | None) -> Markup:
        shown = self.typed.get(key) or ("" if rate is None else format_percent(rate))
        return Markup(
            '<label><span>{}</span> <input name="{}" value="{}" inputmode="decimal" maxlength="8" size="6"> %</label>'
        ).format(escape(name), self._name_of(key), shown)


def _services() -> list[tuple[UUID, str]]:
    rows = db.session.execute(select(Service.id, Service.name).order_by(Service.sort_order, Service.name))
    return [(key, name) for key, name in rows]


class AffiliateForm(AccountForm):
    code = StringField(
        "Code",
        [InputRequired(NEEDED), Length(max=64)],
        description="What their links carry. Change it, and links with the old one count for nobody.",
        render_kw={"autocomplete": "off", "spellcheck": "false"},
    )
    rate = PercentField(
        "Rate in percent of what is paid",
        [InputRequired(NEEDED)],
        description="For sales from now on. What was sold keeps the rate it was sold with.",
        render_kw={"inputmode": "decimal"},
    )
    rates = RatesField("Other rates for some services", services=_services, description="Blank: the rate above.")
    is_active = BooleanField("Purchases through the code earn commission")
    is_enabled = BooleanField("May sign in")


def _parse(text: str) -> int:
    try:
        return parse_percent(text)
    except ValueError as error:
        raise ValueError(_PERCENT) from error
