"""Signing in without the page: what it leaves behind, and none of its work. Tests of signing in post its form."""

import contextvars
from typing import Any

from flask import session as browser_session

from app.accounts import sessions
from app.db import db
from app.models import Role, User
from tests.factories import make_user


def sign_in(client: Any, who: Role | User = Role.ADMIN) -> User:
    """Sign `client` in as this user, or as a new one of this role."""
    user = who if isinstance(who, User) else make_user(who)
    kept = contextvars.Context().run(_begin, client, user)
    with client.session_transaction() as session:
        session.clear()
        session.update(kept)
    return user


def _begin(client: Any, user: User) -> dict[str, Any]:
    # Sessions are bound to the browser's name and address.
    with client.application.test_request_context("/login", environ_base=client.environ_base):
        sessions.begin(db.session.get_one(User, user.id))
        return dict(browser_session)
