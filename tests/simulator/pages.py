"""The companies' own pages and scripts, where a payer decides how it ends."""

from collections.abc import Iterable
from pathlib import Path

from flask import Response
from markupsafe import Markup

from tests.simulator.ledger import Order

_SCRIPTS = Path(__file__).parent / "scripts"


def outcome_page(company: str, order: Order, outcomes: Iterable[str], fields: dict[str, str] | None = None) -> str:
    """Buttons for each outcome, posted back to the same address."""
    hidden = Markup("").join(
        Markup('<input type="hidden" name="{}" value="{}">').format(name, value)
        for name, value in (fields or {}).items()
    )
    buttons = Markup("").join(
        Markup('<button name="outcome" value="{0}">{0}</button> ').format(outcome) for outcome in outcomes
    )
    title = Markup("<title>{0} (simulated)</title><h1>{0} (simulated)</h1>").format(company)
    amount = Markup("<p>{} {} for {}</p>").format(order.amount, order.currency, order.id)
    return Markup('<!doctype html><html lang="en">{}{}<form method="post">{}{}</form></html>').format(
        title, amount, hidden, buttons
    )


def script(name: str) -> Response:
    return Response((_SCRIPTS / name).read_text(), mimetype="text/javascript")
