"""Roles: who may do what in the console, made from the table that guards it."""

from collections.abc import Mapping
from dataclasses import dataclass

from flask.typing import ResponseReturnValue
from flask_admin import expose

from app.admin.pages import Guarded
from app.admin.permissions import PERMISSIONS, Permission
from app.extensions import settings
from app.models import STAFF_ROLES, Role

DUTIES: Mapping[Role, str] = {
    Role.ADMIN: "Runs the shop: everything, and all that sets it up.",
    Role.OPERATOR: "Works on requests all day: assigns them, moves them on, writes to customers.",
    Role.FINANCE: "Looks after the money: refunds, payouts, exports.",
    Role.VIEWER: "Reads the console and changes nothing.",
    Role.PROVIDER: "Does the work. No console: their own requests at /provider, to accept, start, complete and note.",
    Role.AFFILIATE: "Sends customers. No console: their own links and commission at /affiliate.",
}
"""What each role is for, in a sentence."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A part of the navigation, and those of its pages that a role may open."""

    category: str
    pages: tuple[str, ...]


class RoleView(Guarded):
    @expose("/")
    def index(self) -> ResponseReturnValue:
        staff = [role for role in Role if role in STAFF_ROLES]
        return self.render(
            "admin/roles/list.html",
            staff=staff,
            partners=[role for role in Role if role not in STAFF_ROLES],
            duties=DUTIES,
            permissions=list(Permission),
            granted=PERMISSIONS,
            guarded=[role.label for role in Role if role in settings().second_factor_roles],
            opened={role: self._opened(role) for role in staff},
        )

    def _opened(self, role: Role) -> list[Opened]:
        by_category: dict[str, list[str]] = {}
        for view in self.admin._views:
            if isinstance(view, Guarded) and view.category and view.permission in PERMISSIONS[role]:
                by_category.setdefault(view.category, []).append(view.name)
        return [Opened(category, tuple(names)) for category, names in by_category.items()]
