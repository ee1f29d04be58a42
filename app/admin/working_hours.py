"""Working hours and days off: the business's, which deadlines are counted in, and each provider's."""

from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from flask_admin import expose
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

from app import working_week
from app.admin.pages import Guarded, done
from app.admin.permissions import Permission
from app.db import db, transaction
from app.errors import InvalidInput, NotFound
from app.models import Role, User


class WorkingHoursView(Guarded):
    @expose("/")
    def index(self) -> ResponseReturnValue:
        return self._show(None, {})

    @expose("/", methods=("POST",))
    def save(self) -> ResponseReturnValue:
        return self._save(None)

    @expose("/<uuid:key>")
    def provider(self, key: UUID) -> ResponseReturnValue:
        return self._show(_provider(key), {})

    @expose("/<uuid:key>", methods=("POST",))
    def save_of_provider(self, key: UUID) -> ResponseReturnValue:
        return self._save(_provider(key))

    def _save(self, provider: User | None) -> ResponseReturnValue:
        self.ensure(Permission.MANAGE_CATALOGUE)
        try:
            with transaction():
                message = working_week.save(request.form, provider=provider, actor=self.actor)
        except InvalidInput as error:
            return self._show(provider, error.details, sent=request.form), error.http_status
        return done(message, request.path)

    def _show(self, provider: User | None, errors: dict[str, str], sent: MultiDict[str, str] | None = None) -> str:
        return self.render(
            "admin/working_hours.html",
            provider=provider,
            week=working_week.show(provider.id if provider else None, sent=sent, errors=errors),
            weekdays=working_week.WEEKDAYS,
            may_change=self.may(Permission.MANAGE_CATALOGUE),
            providers=[] if provider else _providers(),
        )


def _provider(key: UUID) -> User:
    user = db.session.get(User, key)
    if user is None or user.role is not Role.PROVIDER:
        raise NotFound("This provider does not exist.")
    return user


def _providers() -> list[User]:
    query = select(User).where(User.role == Role.PROVIDER, User.is_enabled).order_by(User.name).limit(300)
    return list(db.session.scalars(query))
