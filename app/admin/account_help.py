"""Helping somebody into their account: an invitation, a second factor taken away, sessions ended."""

from typing import Any
from uuid import UUID

from flask import render_template
from flask.typing import ResponseReturnValue
from flask_admin import expose
from markupsafe import Markup

from app.admin.base import ConsoleView
from app.admin.pages import done
from app.admin.permissions import Permission
from app.db import transaction
from app.errors import InvalidInput
from app.models import User
from app.reauthentication import ensure_confirmed
from app.workflows import account_letters, audit, second_factor, user_sessions


class AccountHelp(ConsoleView):
    def below_form(self, row: Any) -> str:
        alive = len(user_sessions.alive_of(row.id))
        return Markup(render_template("admin/users/help.html", user=row, sessions=alive))  # noqa: S704 - our template

    @expose("/<uuid:key>/invite", methods=("POST",))
    def invite(self, key: UUID) -> ResponseReturnValue:
        """A link to a first password; who has one is sent the usual link to a new one."""
        with transaction():
            user = self._changeable(key)
            self._ensure_open_account(user)
            if user.password_hash is None:
                account_letters.invitation(user)
            else:
                account_letters.password_reset(user, user.email)
            audit.record("user.link_sent", user, actor=self.actor)
        return self._done(f"A link to choose a password is on its way to {user.email}.", user)

    @expose("/<uuid:key>/reset-second-factor", methods=("POST",))
    def reset_second_factor(self, key: UUID) -> ResponseReturnValue:
        with transaction():
            user = self._changeable(key)
            second_factor.reset(user, actor=self.actor)
        return self._done(f"{user.name} signs in with the password alone now, and was told by mail.", user)

    @expose("/<uuid:key>/end-sessions", methods=("POST",))
    def end_sessions(self, key: UUID) -> ResponseReturnValue:
        with transaction():
            user = self._changeable(key)
            user_sessions.end_all(user)
            audit.record("user.sessions_ended", user, actor=self.actor)
        return self._done(f"{user.name} is signed out everywhere.", user)

    def _changeable(self, key: UUID) -> User:
        self.ensure(Permission.MANAGE_USERS)
        ensure_confirmed()
        user: User = self.get_locked(key)
        return user

    def _ensure_open_account(self, user: User) -> None:
        if not user.is_enabled:
            raise InvalidInput(f"The account of {user.name} is closed. Open it first.")

    def _done(self, message: str, user: User) -> ResponseReturnValue:
        return done(message, self.get_url(".edit_view", id=user.id))
