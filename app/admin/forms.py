"""Forms of the console, and fields of our own."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from flask_admin.form import BaseForm
from wtforms import HiddenField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields import choices as wtforms_choices
from wtforms.widgets import CheckboxInput, ListWidget

from app.kit.money import Money
from app.text_forms import TextForm


class AdminForm(BaseForm, TextForm):
    """Flask-Admin's base keeps the row at hand, the other one brings the CSRF token.

    `row_version` is what the row was like when it was shown.
    """

    row_version = HiddenField()


def choices(options: Iterable[tuple[object, str]]) -> list[Any]:
    """Values and labels in the form that WTForms takes; its type stubs do not know it yet."""
    choice: Any = wtforms_choices.SelectChoice  # type: ignore[attr-defined]
    return [choice(str(value), label) for value, label in options]


class AmountField(StringField):
    """Money in major units, as people write it; the form reads it in the currency it belongs to."""

    def process_data(self, value: Any) -> None:
        self.data = _plain(value.decimal) if isinstance(value, Money) else value


class LinesField(TextAreaField):
    """A list of texts, one on each line."""

    def _value(self) -> str:
        return "\n".join(self.data or [])

    def process_formdata(self, valuelist: list[Any]) -> None:
        lines = valuelist[0].splitlines() if valuelist else []
        self.data = [line.strip() for line in lines if line.strip()]  # type: ignore[assignment]


class CheckboxesField(SelectMultipleField):
    """Some of a list of choices, each with a box to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def _plain(amount: Decimal) -> str:
    return f"{amount:f}"
