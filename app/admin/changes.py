"""Creating, editing and deleting rows of the catalogue: in our own transaction, never over somebody else's edit,
each with its entry in the audit log. Flask-Admin keeps the pages and forms; its commits are replaced here.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import flash, request
from flask_admin.contrib.sqla import ModelView
from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.base import ExecutableOption

from app.admin.forms import AdminForm
from app.admin.pages import Guarded
from app.admin.permissions import Permission
from app.db import db, transaction
from app.errors import DomainError, InvalidInput, NotFound, StaleChange
from app.kit import ids
from app.workflows import audit


class Changing(Guarded, ModelView):
    """One row: found, changed, deleted. `noun` begins its audit actions: `service.changed`."""

    noun = "row"
    edit_permission: Permission | None = None
    options: Sequence[ExecutableOption] = ()
    editable: Sequence[str] = ()

    @property
    def can_create(self) -> bool:
        return self.can_edit

    @property
    def can_edit(self) -> bool:
        return self.edit_permission is not None and self.may(self.edit_permission)

    @property
    def can_delete(self) -> bool:
        return False

    def scope(self, query: Select[Any]) -> Select[Any]:
        """The rows that exist for the console at all: list, details, edit, export and actions agree on it."""
        return query

    def snapshot(self, row: Any) -> Mapping[str, object]:
        """What the form can change: compared to notice a stale edit, and entered into the audit log."""
        return {name: getattr(row, name) for name in self.editable}

    def ensure_deletable(self, row: Any) -> None:
        """Raises DomainError for a row that must stay."""
        raise NotFound("Entries of this list are not deleted.")

    def get_one(self, id: Any) -> Any | None:  # noqa: A002 - the library's name
        key = ids.parse_id(str(id))
        return None if key is None else db.session.scalar(self._one(key).options(*self.options))

    def get_locked(self, key: Any) -> Any:
        """The row, read afresh and locked until the transaction ends. Raises NotFound."""
        query = self._one(key).with_for_update(of=self.model, key_share=True).execution_options(populate_existing=True)
        row = db.session.scalar(query)
        if row is None:
            raise NotFound("This entry does not exist any more.")
        return row

    def _one(self, key: Any) -> Select[Any]:
        return self.scope(select(self.model)).where(self.model.id == key)

    def edit_form(self, obj: Any = None) -> AdminForm:
        form: AdminForm = super().edit_form(obj)
        if request.method == "GET":
            form.row_version.data = self._fingerprint(obj)
        return form

    def create_model(self, form: AdminForm) -> Any:
        def create() -> Any:
            row = self.start_row(form)
            self.fill(row, form)
            db.session.add(row)
            db.session.flush()
            audit.record(f"{self.noun}.created", row, actor=self.actor, after=self.snapshot(row))
            return row

        return self._change(create, form) or False

    def update_model(self, form: AdminForm, model: Any) -> bool:
        def update() -> bool:
            row = self.get_locked(model.id)
            self._ensure_as_shown(row, form)
            before = dict(self.snapshot(row))
            self.fill(row, form)
            db.session.flush()
            self._record_change(row, before)
            return True

        return bool(self._change(update, form))

    def start_row(self, form: AdminForm) -> Any:
        """A new row, still empty. Raises InvalidInput, with details by field."""
        return self.model()

    def fill(self, row: Any, form: AdminForm) -> None:
        """Put what the form says into the row. Raises InvalidInput, with details by field."""
        form.populate_obj(row)

    def delete_model(self, model: Any) -> bool:
        def delete() -> bool:
            row = self.get_locked(model.id)
            self.ensure_deletable(row)
            audit.record(f"{self.noun}.deleted", row, actor=self.actor, before=self.snapshot(row))
            db.session.delete(row)
            return True

        return bool(self._change(delete, AdminForm()))

    def _record_change(self, row: Any, before: Mapping[str, object]) -> None:
        after = self.snapshot(row)
        changed = [name for name in after if after[name] != before[name]]
        if changed:
            audit.record(
                f"{self.noun}.changed",
                row,
                actor=self.actor,
                before={name: before[name] for name in changed},
                after={name: after[name] for name in changed},
            )

    def _change(self, change: Callable[[], Any], form: AdminForm) -> Any | None:
        try:
            with transaction():
                return change()
        except IntegrityError:
            flash("This is in use elsewhere, or exists already, so nothing was saved.", "error")
        except DomainError as error:
            _show_refusal(error, form)
        return None

    def _ensure_as_shown(self, row: Any, form: AdminForm) -> None:
        """Raises StaleChange, which names the fields that somebody else has changed since."""
        shown, now = (form.row_version.data or "").split(","), self._fingerprint(row).split(",")
        changed = [each.partition("=")[0] for each in now if each not in shown]
        if changed:
            raise StaleChange(f"Somebody changed {_named(changed, form)} in the meantime, so nothing was saved.")

    def _fingerprint(self, row: Any) -> str:
        """Field by field, so that it can be told which one is another now."""
        return ",".join(f"{name}={_digest(value)}" for name, value in self.snapshot(row).items())


def _digest(value: object) -> str:
    text = json.dumps(value, default=str, sort_keys=True)
    return hashlib.blake2s(text.encode(), digest_size=9).hexdigest()


def _named(fields: Sequence[str], form: AdminForm) -> str:
    """In the words of the form."""
    known = (name if name in form else name.removesuffix("_minor") for name in fields)
    words = [f"“{form[name].label.text}”" if name in form else name.replace("_", " ") for name in known]
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _show_refusal(error: DomainError, form: AdminForm) -> None:
    """Next to the fields it speaks of; else above the form."""
    named = {name: text for name, text in error.details.items() if name in form and isinstance(error, InvalidInput)}
    for name, text in named.items():
        form[name].errors = [*form[name].errors, text]
    if not named:
        flash(" ".join(filter(None, (error.message, error.suggested_action))), "error")
