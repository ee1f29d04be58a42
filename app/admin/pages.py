"""What every page of the console shares: who may open it, who acts, how a refusal is shown."""

from collections.abc import Callable
from typing import Any, cast

from flask import Response, flash, make_response, redirect, request
from flask.typing import ResponseReturnValue
from flask_admin import BaseView
from flask_login import current_user

from app import error_pages
from app.admin import keys, permissions
from app.admin.permissions import Permission
from app.errors import DomainError
from app.extensions import login_manager
from app.models import User
from app.workflows import audit
from app.workflows.audit import Actor

MASK = "•••"
"""What stands where somebody may not see personal data."""


class Guarded(BaseView):
    """A view that only `permission` opens; what its functions refuse is shown inside the console's frame."""

    permission = Permission.READ

    @property
    def user(self) -> User:
        return cast(User, current_user._get_current_object())

    @property
    def actor(self) -> Actor:
        return audit.actor_of(self.user, request.remote_addr)

    def may(self, permission: Permission) -> bool:
        return permissions.may(self.user, permission)

    def ensure(self, permission: Permission) -> None:
        permissions.ensure(self.user, permission)

    def is_accessible(self) -> bool:
        return permissions.may(self.user, self.permission)

    def inaccessible_callback(self, name: str, **kwargs: Any) -> ResponseReturnValue:
        if not self.user.is_authenticated:
            return cast(ResponseReturnValue, login_manager.unauthorized())
        try:
            self.ensure(self.permission)
        except DomainError as error:
            return self.refuse(error)
        raise RuntimeError("an open page was reported closed")

    @property
    def may_read_customers(self) -> bool:
        return self.may(Permission.READ_CUSTOMERS)

    def written(self, text: str | None) -> str | None:
        """What a person wrote, for those who may read it: it may be about a customer."""
        return text if self.may_read_customers or not text else MASK

    @property
    def may_work(self) -> bool:
        return self.may(Permission.WORK)

    @property
    def may_export(self) -> bool:
        return self.may(Permission.EXPORT)

    @property
    def may_read_audit(self) -> bool:
        return self.may(Permission.READ_AUDIT)

    @property
    def may_resend(self) -> bool:
        return self.may(Permission.RESEND)

    def render(self, template: str, **context: Any) -> str:
        return cast(str, super().render(template, keys=keys, library_words=_LIBRARY_WORDS, **context))

    def refuse(self, error: DomainError) -> ResponseReturnValue:
        """The refusal as a page of the console; a script gets it as JSON from the application's error handler."""
        if wants_json():
            raise error
        return self.render("admin/refused.html", error=error), error.http_status

    def _run_view(self, view: Callable[..., ResponseReturnValue], *args: Any, **kwargs: Any) -> ResponseReturnValue:
        # Flask-Admin's own would call the view a second time when a TypeError comes out of it.
        try:
            response = make_response(view(self, *args, **kwargs))
        except DomainError as error:
            response = make_response(self.refuse(error))
        # Personal data stays out of caches, and the back button shows how things stand now.
        response.headers.setdefault("Cache-Control", "no-store")
        return response


_LIBRARY_WORDS = {
    "Record was successfully created.": "Created.",
    "Record was successfully saved.": "Saved.",
    "Record was successfully deleted.": "Deleted.",
    "Record does not exist.": "This entry does not exist (any more).",
    "Failed to create record.": "Nothing was saved yet: some fields need another look.",
    "Failed to save record.": "Nothing was saved yet: some fields need another look.",
}
"""Flask-Admin's own messages, in ours."""


def wants_json() -> bool:
    return request.is_json or error_pages.wants_json()


def done(message: str, address: str) -> Response:
    """Say it on the next page: a reload must not post again."""
    flash(message, "success")
    return cast(Response, redirect(address))
