"""The one blueprint of all pages about accounts, and what they share."""

from typing import cast
from urllib.parse import urlsplit

from flask import Blueprint, Response, request, url_for
from flask_login import current_user

from app.models import Role, User
from app.workflows import audit
from app.workflows.audit import Actor

bp = Blueprint("accounts", __name__)

_PARTNERS = {Role.PROVIDER: "portal_provider.index", Role.AFFILIATE: "portal_affiliate.index"}


def own_account() -> User:
    """The person who is signed in."""
    return cast(User, current_user._get_current_object())


def actor(user: User) -> Actor:
    return audit.actor_of(user, request.remote_addr)


def home_of(user: User) -> str:
    return url_for(_PARTNERS.get(user.role, "admin.index"))


def wanted_page() -> str | None:
    """The page to go on to, only if it is one of ours: a path, never another host."""
    wanted = request.args.get("next", "")
    is_path = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted and wanted.isprintable()
    return wanted if is_path and not urlsplit(wanted).netloc else None


@bp.after_request
def keep_out_of_caches(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    return response
