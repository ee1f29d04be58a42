"""Values that are changed in their cell of a list: click, type, Enter; without scripts on a small page of their own.

Each change is checked against what the person saw, goes into the audit log, and says what is wrong where it was typed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import get_template_attribute, jsonify, request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from app.admin.base import ConsoleView
from app.admin.filters import Options
from app.admin.pages import done, wants_json
from app.db import db, transaction
from app.errors import DomainError, NotFound, StaleChange

_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Inline:
    """One value of a row.

    `text` is how it is typed and compared, `shown` how it is read. With `options`, of which there are two, one press
    changes it to the other. What `moves` others needs the whole list afresh, and `lock`, before the row's own.
    """

    label: str
    text: Callable[[Any], str]
    shown: Callable[[Any], object]
    change: Callable[[Any, str], object]
    hint: str = ""
    options: Options = ()
    states: Mapping[str, str] | None = None
    lock: Callable[[UUID], object] | None = None
    moves: bool = False


class InlineView(ConsoleView):
    """A table some of whose values change in the list itself."""

    inlines: Mapping[str, Inline] = {}

    def cell(self, name: str) -> Callable[[Any], Markup]:
        """What a column shows: the value, for those who may as something to press."""
        return lambda row: self.show_cell(row, name)

    def show_cell(self, row: Any, name: str, *, in_form: bool = True) -> Markup:
        """The value to change; outside of any form a press is a link, as a button there would do nothing."""
        inline = self.inlines[name]
        macro = get_template_attribute("macros/inline.html", "press" if inline.options else "value")
        text = inline.text(row)
        shown: Markup = macro(
            inline,
            address=self._cell_address(row, name, seen=text if inline.options else None),
            text=text,
            shown=inline.shown(row),
            label=f"{inline.label} of {row}",
            is_open=self.can_edit,
            in_form=in_form,
        )
        return shown

    def _cell_address(self, row: Any, name: str, *, seen: str | None) -> str:
        is_list = request.endpoint == f"{self.endpoint}.index_view"
        query = request.query_string.decode("ascii", "replace") if is_list else None
        # By its full name: another view's page may show cells of this one.
        return str(self.get_url(f"{self.endpoint}.save_cell", key=row.id, what=name, seen=seen, list=query))

    def _ensure_open(self, name: str) -> None:
        if name in {"show_cell_form", "save_cell"} and self.edit_permission is not None:
            self.ensure(self.edit_permission)
        super()._ensure_open(name)

    @expose("/<uuid:key>/cell/<what>")
    def show_cell_form(self, key: UUID, what: str) -> ResponseReturnValue:
        """For browsers without scripts."""
        row = self.get_one(key)
        if row is None or what not in self.inlines:
            raise NotFound
        return self._show_form(row, what)

    @expose("/<uuid:key>/cell/<what>", methods=("POST",))
    def save_cell(self, key: UUID, what: str) -> ResponseReturnValue:
        if what not in self.inlines:
            raise NotFound
        try:
            with transaction():
                row = self._change_cell(key, self.inlines[what])
        except DomainError as error:
            if wants_json() or isinstance(error, NotFound):
                raise
            return self._show_form(self.get_one(key), what, refusal=error), error.http_status
        if wants_json():
            # Read again, with what the list's query adds.
            return jsonify(cell=self.show_cell(self.get_one(key), what), message="Saved.", isMoved=self._moves(what))
        return done(f"Saved: {row}.", self.after_cell(row))

    def after_cell(self, row: Any) -> str:
        """Back to the list as it was, at the row; a query string of ours on an address of ours."""
        query = request.values.get("list", "")
        return f"{self.get_url('.index_view')}{'?' if query else ''}{query}#row-{row.id}"

    def _moves(self, name: str) -> bool:
        return self.inlines[name].moves

    def _change_cell(self, key: UUID, inline: Inline) -> Any:
        if inline.lock is not None:
            inline.lock(key)
        row = self.get_locked(key)
        wanted, now = _sent("value"), inline.text(row)
        if wanted == now:
            return row
        if _sent("seen") != now:
            raise StaleChange(
                f"It is {_plain(inline, row)} by now: somebody changed it since you saw it. Nothing was saved.",
                details={"value": now},
            )
        before = dict(self.snapshot(row))
        inline.change(row, wanted)
        db.session.flush()
        self._record_change(row, before)
        return row

    def _show_form(self, row: Any, name: str, *, refusal: DomainError | None = None) -> str:
        if row is None:
            raise NotFound("This entry does not exist any more.")
        inline = self.inlines[name]
        return self.render(
            "admin/cell.html",
            row=row,
            inline=inline,
            now=inline.text(row),
            typed=_sent("value") if refusal else inline.text(row),
            refusal=refusal,
            list_query=request.values.get("list"),
            back=self.after_cell(row),
        )


def _plain(inline: Inline, row: Any) -> str:
    return dict(inline.options).get(inline.text(row)) or str(inline.shown(row))


def _sent(name: str) -> str:
    sent: object = request.get_json(silent=True) if request.is_json else request.values
    value = sent.get(name) if isinstance(sent, Mapping | MultiDict) else None
    return "" if value is None else str(value).replace("\0", "").strip()[:_LONGEST]
