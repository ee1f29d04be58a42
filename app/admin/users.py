"""Accounts: who can sign in, and as what."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, or_
from wtforms import BooleanField, SelectField
from wtforms.validators import InputRequired

from app.admin import cells
from app.admin.account_forms import NEEDED, AccountForm, fill_account, start_account
from app.admin.account_help import AccountHelp
from app.admin.filters import choice, enum_options, switch
from app.admin.forms import AdminForm, choices
from app.admin.listing import Column, Tab
from app.admin.paging import Order
from app.admin.permissions import Permission
from app.ages import exact, when
from app.errors import InvalidInput
from app.kit import clock
from app.models import STAFF_ROLES, Role, User
from app.workflows import accounts

_LONG_AGO = timedelta(days=90)


class UserForm(AccountForm):
    # Nobody becomes an administrator because it stands first.
    role = SelectField("Role", [InputRequired(NEEDED)], choices=choices([("", "Choose…"), *enum_options(Role)]))
    is_enabled = BooleanField("May sign in", default=True)


def _is_staff() -> ColumnElement[bool]:
    return User.role.in_(STAFF_ROLES)


def _is_partner() -> ColumnElement[bool]:
    return User.role.not_in(STAFF_ROLES)


def _is_idle() -> ColumnElement[bool]:
    """Doors that stand open though nobody uses them."""
    long_ago = clock.utc_now() - _LONG_AGO
    unused = User.last_sign_in_at.is_(None) & (User.created_at < long_ago)
    return User.is_enabled & ((User.last_sign_in_at < long_ago) | unused)


def _has_one_factor() -> ColumnElement[bool]:
    return User.is_enabled & User.totp_confirmed_at.is_(None)


def _is_closed() -> ColumnElement[bool]:
    return User.is_enabled.is_(False)


class UserView(AccountHelp):
    noun = "user"
    form = UserForm
    permission = Permission.MANAGE_USERS
    edit_permission = Permission.MANAGE_USERS
    confirmed = frozenset({"create_view", "edit_view"})
    create_label = "New account"
    intro = "Accounts are closed rather than deleted: what they did stays under their name."
    empty = "There are no accounts."
    search_label = "Name or email begins with"
    orders = {
        "name": Order(User.name, User.id, descending=False),
        "name_down": Order(User.name, User.id),
    }
    tabs = (
        Tab("all", "All"),
        Tab("staff", "Staff", _is_staff),
        Tab("partners", "Providers and affiliates", _is_partner, empty="There are no providers and affiliates yet."),
        Tab("idle", "Not signed in for 90 days", _is_idle, empty="Everybody who may sign in did so lately."),
        Tab("without", "Without second factor", _has_one_factor, empty="Everybody has a second factor."),
        Tab("closed", "Closed", _is_closed, empty="No account is closed."),
    )
    editable = ("name", "email", "role", "is_enabled")
    columns = (
        Column("Name", lambda row: row.name, sorts=("name", "name_down")),
        Column("Email", lambda row: row.email),
        Column("Role", lambda row: row.role.label),
        Column("Account", lambda row: cells.switch(row.is_enabled, off="Closed"), lambda row: row.is_enabled),
        Column(
            "Last sign-in",
            lambda row: when(row.last_sign_in_at) if row.last_sign_in_at else "never",
            lambda row: row.last_sign_in_at and exact(row.last_sign_in_at),
            "number",
        ),
        Column("Made", cells.moment(lambda row: row.created_at), lambda row: exact(row.created_at), "number"),
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

    def title_of(self, row: User) -> str:
        return row.name

    def facts(self, row: User) -> Sequence[tuple[str, object]]:
        return [
            ("Email", row.email),
            ("Role", row.role.label),
            ("Account", cells.switch(row.is_enabled, off="Closed")),
            ("Second factor", "On" if row.has_second_factor else "Off"),
            ("Last sign-in", exact(row.last_sign_in_at) if row.last_sign_in_at else "never"),
            ("Made", exact(row.created_at)),
        ]

    def start_row(self, form: AdminForm) -> User:
        assert isinstance(form, UserForm)
        user = start_account(form, Role(form.role.data))
        accounts.give_profile(user)
        return user

    def fill(self, row: User, form: AdminForm) -> None:
        assert isinstance(form, UserForm)
        wanted = Role(form.role.data)
        if wanted is not row.role:
            _ensure_may_become(row, wanted, own=row.id == self.user.id)
            accounts.change_role(row, wanted)
        fill_account(row, form, actor=self.actor)


def _ensure_may_become(user: User, role: Role, *, own: bool) -> None:
    if own:
        message = "You cannot change your own role: ask another administrator."
    elif not {user.role, role} <= STAFF_ROLES:
        message = "Partners and staff do not change sides: make another account."
    else:
        return
    raise InvalidInput(message, details={"role": message})
