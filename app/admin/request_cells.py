"""The rows of the requests list, put together from their cells.

The template has the cells, and this file what differs in every row: made in the template, fifty times escaping what
needs no escaping, the rows were half of the page's work.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

from flask import current_app
from markupsafe import Markup, escape

from app.admin import request_rows
from app.ages import due, when

Cell = Callable[[Any], str]

_CELLS = "admin/requests/macros.html"
_MOST = 4096
_NOT_DUE = Markup('<span class="soft">–</span>')
_PAUSED = Markup('<span class="soft" title="We wait for the customer: the clock stands still">paused</span>')


def rows_of(found: Iterable[Any], columns: Sequence[str], *, url: str, query: str, may_work: bool) -> Markup:
    """The rows with these columns; `query` is the list that they stand in."""
    # The macros of the template as it is loaded now; another application has its own.
    made = _cells(current_app.jinja_env.get_template(_CELLS).module, tuple(columns), may_work)
    address, back = str(escape(url)), str(escape(query))
    rows = ["".join([_head(row, address, back), *[cell(row) for cell in made], "</tr>"]) for row in found]
    return Markup("\n".join(rows))  # noqa: S704 - each cell has escaped what is not ours


@lru_cache(maxsize=64)
def _cells(macros: Any, columns: Sequence[str], may_work: bool) -> list[Cell]:
    known = dict(_from_template(macros, may_work)) | {"who": _who, "bought": _bought, "due": _due}
    return [known[name] for name in columns]


def _head(row: Any, url: str, query: str) -> str:
    """The box to tick and the link to the request; keys, references and statuses need no escaping."""
    key, reference = str(row.id), row.reference_number
    return (
        f'<tr data-row="{key}" data-version="{row.version}" data-status="{row.status.value}">\n'
        f'<td class="tick"><input type="checkbox" name="rowid" value="{key}" aria-label="Select {reference}"></td>\n'
        f'<th scope="row" class="mono"><a href="{url}/{key}?{query}">{reference}</a></th>\n'
    )


def _who(row: Any) -> str:
    return f'<td class="who">{escape(row.customer_name)}</td>\n'


def _bought(row: Any) -> str:
    return f'<td class="number bought">{when(row.created_at)}</td>\n'


def _due(row: Any) -> str:
    return f'<td class="number due">{_deadline(row)}</td>\n'


def _deadline(row: Any) -> Markup:
    if request_rows.awaits_contact(row):
        left = due(row.due_at)
        return Markup('<strong class="late">{}</strong>').format(left) if request_rows.is_late(row) else left
    return _PAUSED if request_rows.waits_for_customer(row) else _NOT_DUE


def _from_template(macros: Any, may_work: bool) -> Iterator[tuple[str, Cell]]:
    """Cells that few values make are made once and kept; the others hold something of the customer's."""
    names = ("what", "amount", "paid", "status", "provider")
    what, amount, paid, status, provider = (lru_cache(_MOST)(getattr(macros, f"{name}_cell")) for name in names)
    yield "what", lambda row: what(row.service_name, row.tier_name)
    yield "amount", lambda row: amount(row.amount_minor, row.currency)
    yield "paid", lambda row: paid(row.payment_status)
    yield "status", lambda row: status(row.status, may_work, bool(request_rows.MOVES[row.status]))
    yield "provider", lambda row: provider(row.provider_name, may_work and row.closed_at is None)
    for name in ("email", "phone", "operator", "category", "gateway", "affiliate", "refunded"):
        yield name, partial(_call, getattr(macros, f"{name}_cell"))


def _call(macro: Any, row: Any) -> str:
    made: str = macro(row)
    return made
