"""Who may do what in the console: the one table that navigation, views and actions ask."""

from collections.abc import Mapping
from enum import StrEnum

from app.errors import NotAllowed
from app.models import Role, User


class Permission(StrEnum):
    """Something a role may or may not do; `label` completes the sentence "may ..."."""

    READ = "read"
    READ_CUSTOMERS = "read_customers"
    WORK = "work"
    RESEND = "resend"
    SHARE_VIEWS = "share_views"
    REPLAY = "replay"
    READ_PAYLOADS = "read_payloads"
    EXPORT = "export"
    REFUND = "refund"
    MANAGE_CATALOGUE = "manage_catalogue"
    MANAGE_GATEWAYS = "manage_gateways"
    MANAGE_USERS = "manage_users"
    MANAGE_AFFILIATES = "manage_affiliates"
    PAY_OUT = "pay_out"
    MANAGE_FLAGS = "manage_flags"
    READ_AUDIT = "read_audit"
    READ_PERSONAL_CHANGES = "read_personal_changes"
    ERASE = "erase"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Permission.READ: "read the console",
    Permission.READ_CUSTOMERS: "read how to reach customers, what they wrote, notes and messages",
    Permission.WORK: "assign requests, change their status and write notes",
    Permission.RESEND: "send a failed message again",
    Permission.SHARE_VIEWS: "share saved views with everybody",
    Permission.REPLAY: "handle gateway messages again and mark them as reviewed",
    Permission.READ_PAYLOADS: "read gateway messages in full",
    Permission.EXPORT: "export lists",
    Permission.REFUND: "give money back",
    Permission.MANAGE_CATALOGUE: "change services, tiers and providers",
    Permission.MANAGE_GATEWAYS: "set up gateways",
    Permission.MANAGE_USERS: "manage accounts",
    Permission.MANAGE_AFFILIATES: "set up affiliates, their codes and rates",
    Permission.PAY_OUT: "record payouts to affiliates",
    Permission.MANAGE_FLAGS: "switch features on and off",
    Permission.READ_AUDIT: "read the audit log",
    Permission.READ_PERSONAL_CHANGES: "see personal data in the audit log",
    Permission.ERASE: "hand out and erase a customer's data",
}

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.OPERATOR: frozenset(
        {
            Permission.READ,
            Permission.READ_CUSTOMERS,
            Permission.WORK,
            Permission.RESEND,
            Permission.SHARE_VIEWS,
            Permission.REPLAY,
        }
    ),
    Role.FINANCE: frozenset(
        {
            Permission.READ,
            Permission.READ_CUSTOMERS,
            Permission.EXPORT,
            Permission.REFUND,
            Permission.PAY_OUT,
            Permission.SHARE_VIEWS,
            Permission.REPLAY,
            Permission.READ_PAYLOADS,
        }
    ),
    Role.VIEWER: frozenset({Permission.READ}),
    Role.PROVIDER: frozenset(),
    Role.AFFILIATE: frozenset(),
}


def may(user: User, permission: Permission) -> bool:
    return bool(user.is_authenticated) and permission in PERMISSIONS[user.role]


def ensure(user: User, permission: Permission) -> None:
    """Raises NotAllowed, with who may instead."""
    if not may(user, permission):
        raise NotAllowed(f"Your role may not {permission.label}. {_who_may(permission)} may.")


def _who_may(permission: Permission) -> str:
    roles = [role.label for role in Role if permission in PERMISSIONS[role]]
    return " and ".join(filter(None, (", ".join(roles[:-1]), roles[-1])))
