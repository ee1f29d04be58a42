"""Accounts: who can sign in, and as what."""

from typing import Any

from sqlalchemy import Select, or_
from wtforms import BooleanField, EmailField, PasswordField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from app.admin import cells
from app.admin.base import ConsoleView
from app.admin.filters import choice, enum_options, switch
from app.admin.forms import AdminForm, choices
from app.admin.listing import Column
from app.admin.paging import Order
from app.admin.permissions import Permission
from app.db import db
from app.errors import InvalidInput
from app.models import STAFF_ROLES, Role, User
from app.workflows import accounts

_NEEDED = "This is needed."


class UserForm(AdminForm):
    name = StringField("Name", [InputRequired(_NEEDED), Length(max=200)])
    email = EmailField("Email address", [InputRequired(_NEEDED), Length(max=254)])
    role = SelectField("Role", choices=choices(enum_options(Role)))
    password = PasswordField(
        "Password",
        [Length(max=200)],
        description="At least 10 characters. Left empty, nothing changes.",
        render_kw={"autocomplete": "new-password"},
    )
    is_enabled = BooleanField("May sign in", default=True)


class UserView(ConsoleView):
    noun = "user"
    form = UserForm
    permission = Permission.MANAGE_USERS
    edit_permission = Permission.MANAGE_USERS
    create_label = "New account"
    intro = "Accounts are closed rather than deleted: what they did stays under their name."
    search_label = "Name or email begins with"
    orders = {"newest": Order(User.created_at, User.id)}
    editable = ("name", "email", "role", "is_enabled")
    columns = (
        Column("Name", lambda row: row.name),
        Column("Email", lambda row: row.email),
        Column("Role", lambda row: row.role.label),
        Column("Account", lambda row: cells.switch(row.is_enabled, off="Closed"), lambda row: row.is_enabled),
        Column("Last sign-in", cells.moment(lambda row: row.last_sign_in_at), lambda row: row.last_sign_in_at),
    )
    filters = (
        choice("role", "Role", User.role, options=enum_options(Role)),
        switch(
            "account",
            "Account",
            {"on": ("active", User.is_enabled.is_(True)), "off": ("closed", User.is_enabled.is_(False))},
        ),
    )

    def searched(self, query: Select[Any], text: str) -> Select[Any]:
        return query.where(
            or_(User.email.istartswith(text, autoescape=True), User.name.istartswith(text, autoescape=True))
        )

    def start_row(self, form: AdminForm) -> User:
        assert isinstance(form, UserForm)
        user = accounts.make_account(form.email.data or "", form.name.data or "", role=Role(form.role.data))
        db.session.add(user)
        db.session.flush()
        accounts.give_profile(user)
        return user

    def fill(self, row: User, form: AdminForm) -> None:
        assert isinstance(form, UserForm)
        wanted = Role(form.role.data)
        if wanted is not row.role:
            _ensure_may_become(row, wanted, own=row.id == self.user.id)
            # Sessions of the old role must not outlive it.
            row.role, row.session_epoch = wanted, row.session_epoch + 1
        accounts.rename(row, form.email.data or "", form.name.data or "")
        if form.password.data:
            accounts.ensure_strong(form.password.data)
            accounts.set_password(row, form.password.data)
        if form.is_enabled.data != row.is_enabled:
            accounts.set_enabled(row, form.is_enabled.data, actor=self.actor)


def _ensure_may_become(user: User, role: Role, *, own: bool) -> None:
    if own:
        message = "You cannot change your own role: ask another administrator."
    elif not {user.role, role} <= STAFF_ROLES:
        message = "Partners and staff do not change sides: make another account."
    else:
        return
    raise InvalidInput(message, details={"role": message})
